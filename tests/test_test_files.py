"""Each part of the converter has the tests that its kind needs."""

import pathlib

import pytest
from conformance.coverage import assert_covered

from converter.formats.registry import FORMATS
from converter.passes.pipeline import PIPELINE

_ROOT = pathlib.Path(__file__).parent.parent


def _tests_of(step):
    """The test files of a pass: one of its name, or those of a folder."""
    tests = _ROOT / "tests" / "passes"
    return [*tests.glob(f"test_{step.name}.py"), *tests.glob(f"{step.name}/test_*.py")]


@pytest.mark.parametrize("step", PIPELINE, ids=lambda step: step.name)
def test_every_pass_has_a_file_and_a_test_file_of_its_name(step):
    assert step.apply.__module__ == f"converter.passes.{step.name}"
    assert _tests_of(step)


@pytest.mark.parametrize("step", PIPELINE, ids=lambda step: step.name)
def test_every_pass_tests_what_it_leaves_alone(step):
    assert any("def test_it_does_nothing_because" in p.read_text() for p in _tests_of(step))


@pytest.mark.parametrize("candidate", FORMATS, ids=lambda candidate: candidate.name)
def test_every_format_has_a_test_file(candidate):
    module = type(candidate).__module__.rpartition(".")[2]
    assert (_ROOT / "tests" / "formats" / f"test_{module}.py").is_file()


_ROOMS = (
    "tensor_bundle", "ir", "formats", "sources", "passes", "safety", "compile", "assemble",
    "migration", "build_actions",
)  # fmt: skip


# Source files without a test file of their name, and why.
_EXEMPT = {
    "migration": {"write_report": "the public function, which tests/page/test_write.py runs"},
}


@pytest.mark.parametrize("room", _ROOMS)
def test_every_source_file_has_a_test_file_and_the_reverse(room):
    """A package has a test file of its name, or a folder of them."""
    source, tests = _ROOT / "converter" / room, _ROOT / "tests" / room
    names = {path.stem for path in source.glob("*.py")} - {"__init__"}
    names |= {path.parent.name for path in source.glob("*/__init__.py")}
    tested = {path.stem.removeprefix("test_") for path in tests.glob("test_*.py")}
    tested |= {path.parent.name for path in tests.glob("*/test_*.py")}
    assert not tested - names
    assert_covered(names, tested, _EXEMPT.get(room, {}))
