"""Bazel's BUILD files agree with the tree, so that they do not rot where nobody runs Bazel."""

import ast
import collections
import pathlib
import re

import pytest
from build_files import absolute_label, find_build_files, read_targets

from bazel.check_imports import Importable, violations
from converter.version import __version__

_ROOT = pathlib.Path(__file__).parents[1]
_TARGETS = read_targets(_ROOT)
_BY_LABEL = {target.label: target for target in _TARGETS}
_PYTHON = [t for t in _TARGETS if t.kind in ("py_library", "py_test")]
_FOLDERS = ("bazel", "converter", "legacy_fixtures", "scripts", "tests")
_FILES = sorted(
    path.relative_to(_ROOT).as_posix()
    for folder in _FOLDERS
    for path in (_ROOT / folder).rglob("*.py")
)
_TESTS = [file for file in _FILES if re.search(r"/test_\w+\.py$", file)]


def _owners(file):
    """The targets that a file belongs to.

    The slow tests of a file are a target beside it. Programs count where no library has them.
    """
    owners = [target for target in _PYTHON if file in target.sources]
    owners = owners or [t for t in _TARGETS if t.kind == "py_binary" and file in t.sources]
    return {target.label.removesuffix("_slow") for target in owners}


def _has_slow_tests(file):
    tree = ast.parse((_ROOT / file).read_text())
    return any(isinstance(node, ast.Attribute) and node.attr == "slow" for node in ast.walk(tree))


@pytest.mark.parametrize("file", _FILES)
def test_every_python_file_belongs_to_exactly_one_target(file):
    assert len(_owners(file)) == 1


@pytest.mark.parametrize("file", _TESTS)
def test_every_test_file_is_a_test(file):
    (label,) = _owners(file)
    assert label == f"//{pathlib.PurePosixPath(file).parent}:{pathlib.PurePosixPath(file).stem}"
    kinds = {target.kind for target in _PYTHON if file in target.sources}
    assert kinds == {"py_test"}


@pytest.mark.parametrize("file", _TESTS)
def test_files_with_slow_tests_say_so(file):
    slow = [t for t in _PYTHON if file in t.sources and t.name.endswith("_slow")]
    assert bool(slow) == _has_slow_tests(file)
    for target in slow:
        assert "manual" in target.attributes["tags"]
        assert target.attributes["args"][1:] == ["-m", "slow"]


# Dependencies.


def _importable(target):
    return [*target.sources, *(file for dep in target.deps for file in _given_by(dep))]


def _given_by(label):
    """The files that a dependent may import: its own, or those that it stands for."""
    if label.startswith("@"):
        return []
    target = _BY_LABEL[label]
    return target.sources or [file for dep in target.deps for file in _given_by(dep)]


@pytest.mark.parametrize("target", _PYTHON, ids=lambda target: target.label)
def test_a_target_depends_on_what_its_files_import(target, monkeypatch):
    monkeypatch.chdir(_ROOT)
    if "imports_when_called" in target.attributes.get("tags", []):
        assert target.name == "package"
        return
    importable = Importable(_importable(target))
    assert not [text for file in target.sources for text in violations(file, importable)]


def test_dependencies_are_there_and_may_be_used():
    for target in _TARGETS:
        for dep in target.deps:
            if not dep.startswith("@"):
                assert dep in _BY_LABEL, f"{target.label} depends on {dep}"


# The layers.


def _layers():
    layers = [t for t in _PYTHON if t.package == f"converter/{t.name}"]
    order = [layer.name for layer in layers]
    assert order
    return layers


def _visible_to(layer):
    return {label.removeprefix("//").partition(":")[0] for label in layer.attributes["visibility"]}


def test_no_two_layers_see_each_other():
    for layer in _layers():
        for other in _layers():
            both = other.package in _visible_to(layer) and layer.package in _visible_to(other)
            assert not both, f"{layer.label} and {other.label}"
        assert layer.package not in _visible_to(layer)


def test_a_layer_depends_only_on_layers_that_it_sees():
    for layer in _layers():
        for dep in layer.deps:
            if dep.startswith("//converter/"):
                assert layer.package in _visible_to(_BY_LABEL[dep])


# The tree.


def test_tests_that_read_the_tree_get_all_of_it():
    tree = _BY_LABEL["//tests:tree"].attributes["srcs"]
    packages = {t.package for t in _TARGETS if t.kind == "filegroup" and t.name == "files"}
    assert {absolute_label(label, "tests") for label in tree} == {f"//{p}:files" for p in packages}
    folders = {path.parent.relative_to(_ROOT).as_posix() for path in find_build_files(_ROOT)}
    # The fixtures are many, and no test reads their BUILD file.
    assert folders - {"legacy_fixtures/golden"} == {package or "." for package in packages}


def test_the_bazel_module_has_the_version_of_the_converter():
    assert f'version = "{__version__}",' in (_ROOT / "MODULE.bazel").read_text()


def test_there_are_targets_of_each_kind():
    kinds = collections.Counter(target.kind for target in _TARGETS)
    assert kinds["py_library"] > 20
    assert kinds["py_test"] >= len(_TESTS) > 100
    assert kinds["py_binary"] >= 5
