"""Docstrings of the public names: their sections are complete and fit, and their examples run."""

import inspect
import pathlib
import re
import shutil
import textwrap

import keras
import pytest

import converter
from converter import errors
from converter.conversion.options import ConversionOptions
from converter.migration.options import MigrationArguments

_HAS_KERAS_3 = not keras.__version__.startswith("2.")
_GOLDEN = pathlib.Path(__file__).parents[1] / "legacy_fixtures" / "golden"
_MODULE = _GOLDEN / "image_bn_dropout" / "module"
_SECTION = re.compile(r"^(\w+):\n((?:  .*\n|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^  (\*{0,2}\w+): ", re.MULTILINE)
_CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
# Those of all others convert a module, or start processes.
_FAST = {
    "ConversionError", "ConversionOptions", "Message", "ScanReport", "Source", "explain", "scan",
}  # fmt: skip
# Functions that take further arguments as a TypedDict, whose entries these describe.
_DESCRIBED = {"options": ConversionOptions, "arguments": MigrationArguments}


def _public():
    names = {name: getattr(converter, name) for name in converter.__all__ if name != "__version__"}
    if _HAS_KERAS_3:
        from converter.keras import ModuleLayer

        names["ModuleLayer"] = ModuleLayer
    return names


_PUBLIC = _public()
_FUNCTIONS = sorted(name for name, value in _PUBLIC.items() if inspect.isfunction(value))
# The class of all errors has an example for the others.
_EXCEPTIONS = {n for n, v in _PUBLIC.items() if inspect.isclass(v) and issubclass(v, Exception)}
_WITH_EXAMPLES = sorted({*_PUBLIC, "ConversionError"} - (_EXCEPTIONS - {"ConversionError"}))


def _sections(value):
    return dict(_SECTION.findall(inspect.cleandoc(value.__doc__) + "\n"))


def _own_parameters(value):
    """The parameters of a function or class, those in a TypedDict as one."""
    parameters = [p for p in inspect.signature(value).parameters.values() if p.name != "self"]
    options = {*ConversionOptions.__struct_fields__, *MigrationArguments.__annotations__}
    source = inspect.unwrap(value).__code__ if inspect.isfunction(value) else None
    own = source.co_varnames[: source.co_argcount + source.co_kwonlyargcount] if source else None
    names = [p.name for p in parameters if own is None or p.name in own]
    assert own is None or {p.name for p in parameters} <= {*own, *options}
    return names


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_a_function_has_all_sections(name):
    sections = _sections(_PUBLIC[name])
    assert {"Args", "Raises", "Example"} < set(sections)
    assert {"Returns", "Yields"} & set(sections)


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_args_are_those_of_the_signature(name):
    value = _PUBLIC[name]
    described = _ENTRY.findall(_sections(value)["Args"])
    plain = [entry for entry in described if not entry.startswith("*")]
    assert plain == _own_parameters(value)
    (further,) = [entry.strip("*") for entry in described if entry not in plain] or [None]
    shown = set(inspect.signature(value).parameters) - set(plain)
    assert bool(shown) == (further is not None)
    if further:
        entries = _ENTRY.findall(_sections(_DESCRIBED[further])["Attributes"])
        assert shown <= {*entries, *_ENTRY.findall(_sections(ConversionOptions)["Attributes"])}


@pytest.mark.parametrize("name", sorted(_PUBLIC))
def test_no_parameter_is_internal(name):
    value = _PUBLIC[name]
    if value in (errors.InternalError, MigrationArguments, converter.Watcher):
        return  # They have the constructors of Python.
    for parameter in inspect.signature(value).parameters.values():
        assert not parameter.name.startswith("_")
        assert "<lambda>" not in repr(parameter.default)
    if inspect.isclass(value) and not issubclass(value, Exception):
        sections = _sections(value)
        described = _ENTRY.findall(sections.get("Args", sections.get("Attributes", "")))
        own = [p for p in inspect.signature(value).parameters if p != "hparams"]
        assert sorted(entry for entry in described if not entry.startswith("*")) == sorted(own)


def test_exceptions_are_public_and_each_is_raised_by_something():
    raised = {
        kind for name in _FUNCTIONS for kind in _ENTRY.findall(_sections(_PUBLIC[name])["Raises"])
    }  # fmt: skip
    ours = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    public = {name for name in ours if name in converter.__all__}
    assert raised - public == {"KeyboardInterrupt", "TypeError"}
    assert public - raised == {"InternalError"}


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_an_error_is_listed_before_those_that_it_is_the_class_of(name):
    kinds = [
        kind for entry in _ENTRY.findall(_sections(_PUBLIC[name])["Raises"])
        if (kind := getattr(errors, entry, None))
    ]  # fmt: skip
    assert len(set(kinds)) == len(kinds)
    if errors.ConversionError in kinds:
        assert kinds[-1] is errors.ConversionError


def test_public_methods_describe_the_parameters_that_they_have():
    for value in _PUBLIC.values():
        for name, member in vars(value).items() if inspect.isclass(value) else ():
            function = getattr(member, "__func__", member)
            if not inspect.isfunction(function) or name.startswith("_"):
                continue
            if value.__name__ == "ModuleLayer" and hasattr(keras.layers.Layer, name):
                continue  # Keras calls it, and describes it.
            names = [n for n in inspect.signature(function).parameters if n not in ("self", "cls")]
            described = _ENTRY.findall(_sections(function).get("Args", ""))
            assert not described or set(described) == set(names), function


@pytest.fixture(scope="module")
def module_directory(tmp_path_factory):
    """A directory with a module, and a SavedModel of the same directory's name."""
    root = tmp_path_factory.mktemp("workspace")
    for name in ("module", "saved_model", "modules/image"):
        shutil.copytree(_MODULE, root / name)
    return root


@pytest.fixture(scope="module")
def workspace(module_directory):
    """A module and its SavedModel, and a tree of modules and its migration."""
    shutil.rmtree(module_directory / "saved_model")
    converter.convert(module_directory / "module", module_directory / "saved_model")
    return module_directory


@pytest.fixture(scope="module")
def migrated(workspace, tmp_path_factory):
    target = tmp_path_factory.mktemp("migrated") / "saved_models"
    converter.migrate(workspace / "modules", target, workers=1)
    return target


def _run(name, directory, monkeypatch):
    monkeypatch.chdir(directory)
    (code,) = _CODE.findall(_sections(_PUBLIC[name])["Example"])
    exec(compile(textwrap.dedent(code), f"example of {name}", "exec"), {"converter": converter})


@pytest.mark.parametrize("name", sorted(_FAST))
def test_an_example_runs(name, module_directory, monkeypatch):
    _run(name, module_directory, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(_WITH_EXAMPLES) - _FAST))
def test_an_example_that_takes_long_runs(name, workspace, migrated, tmp_path, monkeypatch):
    if "export" in name.lower():
        pytest.importorskip("ai_edge_litert")
    copy = shutil.copytree(workspace, tmp_path / "copy")
    if name in ("ParityReport", "verify"):  # In every way that users have of running it.
        shutil.rmtree(copy)
        shutil.copytree(_GOLDEN / "half_plus_two" / "module", copy / "module")
        converter.convert(copy / "module", copy / "saved_model")
    if name in ("report", "ReportFiles", "migrate"):
        shutil.rmtree(copy / "saved_model")
        shutil.copytree(migrated, copy / "saved_models")
    _run(name, copy, monkeypatch)
