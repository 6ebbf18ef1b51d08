"""`converter/limits.py`: each limit has a reason, and bounds something."""

import pathlib
import re

import pytest

from converter import limits

_ROOT = pathlib.Path(__file__).parent.parent
_SOURCE = (_ROOT / "converter/limits.py").read_text()
_NAMES = [name for name in vars(limits) if name.startswith("MAX_")]


def _lines_before(name):
    """The block of lines without an empty one, up to that of the limit."""
    before = _SOURCE[: re.search(rf"^{name} = ", _SOURCE, re.MULTILINE).start()]
    return before.rpartition("\n\n")[2].splitlines()


@pytest.mark.parametrize("name", _NAMES)
def test_it_has_a_reason(name):
    assert any(line.startswith("# ") for line in _lines_before(name))


@pytest.mark.parametrize("name", _NAMES)
def test_it_bounds_something(name):
    sources = (_ROOT / "converter").glob("*/**/*.py")
    assert any(f"limits.{name}" in path.read_text() for path in sources)


def test_there_are_no_others():
    """Sizes of files and graphs are nowhere else compared with constants of their own."""
    assert len(_NAMES) > 25
    others = [
        path.relative_to(_ROOT).as_posix()
        for path in (_ROOT / "converter").glob("*/**/limits.py")
        if re.search("^MAX_", path.read_text(), re.MULTILINE)
    ]
    assert others == []
