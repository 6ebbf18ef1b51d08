"""Each part of the converter has the tests that its kind needs."""

import pathlib

import pytest

from converter.formats.registry import FORMATS
from converter.passes.pipeline import PIPELINE

_ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize("step", PIPELINE, ids=lambda step: step.name)
def test_every_pass_has_a_file_and_a_test_file_of_its_name(step):
    assert step.apply.__module__ == f"converter.passes.{step.name}"
    assert (_ROOT / "tests" / "passes" / f"test_{step.name}.py").is_file()


@pytest.mark.parametrize("step", PIPELINE, ids=lambda step: step.name)
def test_every_pass_tests_what_it_leaves_alone(step):
    text = (_ROOT / "tests" / "passes" / f"test_{step.name}.py").read_text()
    assert "def test_it_does_nothing_because" in text


@pytest.mark.parametrize("candidate", FORMATS, ids=lambda candidate: candidate.name)
def test_every_format_has_a_test_file(candidate):
    module = type(candidate).__module__.rpartition(".")[2]
    assert (_ROOT / "tests" / "formats" / f"test_{module}.py").is_file()


_ROOMS = (
    "tensor_bundle", "ir", "formats", "passes", "compile", "assemble", "migration", "build_actions",
)  # fmt: skip


@pytest.mark.parametrize("room", _ROOMS)
def test_every_source_file_has_a_test_file_and_the_reverse(room):
    """A package has a test file of its name, or a folder of them."""
    source, tests = _ROOT / "converter" / room, _ROOT / "tests" / room
    names = {path.stem for path in source.glob("*.py")} - {"__init__"}
    names |= {path.parent.name for path in source.glob("*/__init__.py")}
    tested = {path.stem.removeprefix("test_") for path in tests.glob("test_*.py")}
    tested |= {path.parent.name for path in tests.glob("*/test_*.py")}
    assert tested == names
