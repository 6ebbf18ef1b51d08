"""The architecture: which folder may import what, and that each part has its tests."""

import ast
import pathlib

import pytest
from build_files import read_bzl

from converter.formats.registry import FORMATS
from converter.passes.pipeline import PIPELINE

_ROOT = pathlib.Path(__file__).parent.parent
_PACKAGE = _ROOT / "converter"
_FILES = sorted(_PACKAGE.rglob("*.py"))
# A folder imports only from those before it.
_LAYERS = (
    "ir", "formats", "passes", "assemble", "export", "parity", "migration", "cli", "build_actions",
)  # fmt: skip
_FOR_ALL = frozenset({"errors", "python_process", "tf_private", "version"})


def _name(path):
    return path.relative_to(_ROOT).as_posix()


def _imported(tree):
    """The modules and, for `from x import y`, the names that a tree imports, with their nodes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node


def _parse(path):
    return ast.parse(path.read_text(), filename=str(path))


def _layer_violations(folder, source):
    allowed = _FOR_ALL | set(_LAYERS[: _LAYERS.index(folder) + 1])
    for module, node in _imported(ast.parse(source)):
        parts = module.split(".")
        if parts[0] == "converter" and len(parts) > 1 and parts[1] not in allowed:
            yield f"line {node.lineno} imports {module}"


def _private_imports(source):
    for module, node in _imported(ast.parse(source)):
        if module.split(".")[:2] == ["tensorflow", "python"]:
            yield f"line {node.lineno} imports {module}"


def _hub_at_module_level(source):
    tree = ast.parse(source)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {id(inner) for function in functions for inner in ast.walk(function)}
    for module, node in _imported(tree):
        if module.split(".")[0] == "tensorflow_hub" and id(node) not in inside:
            yield f"line {node.lineno}"


@pytest.mark.parametrize("path", _FILES, ids=_name)
def test_a_folder_imports_only_from_folders_before_it(path):
    parts = path.relative_to(_PACKAGE).parts
    if len(parts) == 1:
        # `converter/__init__.py` offers all; what all may import must import nothing but itself.
        if path.stem in _FOR_ALL:
            ours = [m for m, _ in _imported(_parse(path)) if m.split(".")[0] == "converter"]
            assert set(ours) <= {"converter.errors"}
        return
    assert parts[0] in _LAYERS, f"say where {parts[0]} stands among the layers"
    assert not list(_layer_violations(parts[0], path.read_text()))


def test_bazel_has_the_same_layers():
    assert tuple(read_bzl(_ROOT, "converter/layers.bzl")["LAYERS"]) == _LAYERS


@pytest.mark.parametrize("path", _FILES, ids=_name)
def test_tensorflow_s_private_api_stays_in_one_file(path):
    if _name(path) != "converter/tf_private.py":
        assert not list(_private_imports(path.read_text()))


@pytest.mark.parametrize("path", _FILES, ids=_name)
def test_nothing_imports_tensorflow_hub_when_it_is_loaded(path):
    assert not list(_hub_at_module_level(path.read_text()))


def test_tf_private_is_where_the_private_imports_are():
    assert list(_private_imports((_PACKAGE / "tf_private.py").read_text()))


@pytest.mark.parametrize(
    ("folder", "source", "count"),
    [
        ("ir", "from converter.passes import pipeline", 1),
        ("ir", "from converter import formats", 1),
        ("ir", "import converter.cli.main", 1),
        ("ir", "def f():\n  from converter.formats.registry import read_module", 1),
        ("passes", "from converter.ir.graph import Node\nfrom converter import errors, ir", 0),
        ("cli", "from converter.parity import compare", 0),
    ],
)
def test_the_layer_check_sees_violations(folder, source, count):
    assert len(list(_layer_violations(folder, source))) == count


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("from tensorflow.python.framework import ops", 1),
        ("import tensorflow.python as p", 1),
        ("from tensorflow import python", 1),
        ("from tensorflow.core.framework import graph_pb2, types_pb2", 0),
        ("import tensorflow as tf", 0),
    ],
)
def test_the_private_api_check_sees_violations(source, count):
    assert len(list(_private_imports(source))) == count


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import tensorflow_hub as hub", 1),
        ("try:\n  from tensorflow_hub import load\nexcept ImportError: pass", 1),
        ("def f():\n  import tensorflow_hub as hub", 0),
    ],
)
def test_the_hub_check_sees_violations(source, count):
    assert len(list(_hub_at_module_level(source))) == count


# Coverage.


@pytest.mark.parametrize("step", PIPELINE, ids=lambda step: step.name)
def test_every_pass_has_a_file_and_a_test_file_of_its_name(step):
    assert step.apply.__module__ == f"converter.passes.{step.name}"
    assert (_ROOT / "tests" / "passes" / f"test_{step.name}.py").is_file()


@pytest.mark.parametrize("candidate", FORMATS, ids=lambda candidate: candidate.name)
def test_every_format_has_a_test_file(candidate):
    module = type(candidate).__module__.rpartition(".")[2]
    assert (_ROOT / "tests" / "formats" / f"test_{module}.py").is_file()


@pytest.mark.parametrize(
    "folder", ["ir", "formats", "passes", "assemble", "migration", "build_actions"]
)
def test_every_source_file_has_a_test_file_and_the_reverse(folder):
    """A package has a test file of its name, or a folder of them."""
    source, tests = _PACKAGE / folder, _ROOT / "tests" / folder
    names = {path.stem for path in source.glob("*.py")} - {"__init__"}
    names |= {path.parent.name for path in source.glob("*/__init__.py")}
    tested = {path.stem.removeprefix("test_") for path in tests.glob("test_*.py")}
    tested |= {path.parent.name for path in tests.glob("*/test_*.py")}
    assert tested == names


@pytest.mark.parametrize("step", PIPELINE, ids=lambda step: step.name)
def test_every_pass_tests_what_it_leaves_alone(step):
    text = (_ROOT / "tests" / "passes" / f"test_{step.name}.py").read_text()
    assert "def test_it_does_nothing_because" in text
