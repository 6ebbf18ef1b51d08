"""The package's face: documented names, imported when they are used."""

import ast
import contextlib
import inspect
import io
import pathlib
import subprocess
import sys
import typing

import pytest

import converter

_SOURCE = pathlib.Path(converter.__file__)
_DOCUMENTED = {
    "Conversion", "ConversionError", "ConversionOptions", "DestinationError", "DownloadError",
    "ExportRecord", "FormatError", "InternalError", "Message", "MigrationArguments",
    "MigrationReport", "ModuleSummary", "OutOfMemoryError", "ParityError", "ParityReport",
    "PathNotFoundError", "Record", "ReportFiles", "ScanReport", "Source", "UnsafeModuleError",
    "UnsuitableDestinationError", "UnsupportedOpError", "UsageError", "Watcher", "WeightsError",
    "__version__", "card", "convert", "explain", "export_model", "inspect", "load", "migrate",
    "open_source", "report", "scan", "verify",
}  # fmt: skip


def _run(script):
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()


def test_it_has_the_documented_names():
    assert set(converter.__all__) == set(converter._MODULES) == _DOCUMENTED
    assert set(dir(converter)) >= _DOCUMENTED
    assert list(converter.__all__) == sorted(converter.__all__)


@pytest.mark.parametrize("name", sorted(_DOCUMENTED))
def test_every_name_is_defined_where_the_table_says(name):
    value = getattr(converter, name)
    assert vars(converter)[name] is value
    assert name == "__version__" or value.__module__ == converter._MODULES[name]
    assert name == "__version__" or value.__doc__


def test_type_checkers_see_the_same_names_in_the_same_modules():
    (block,) = [
        node for node in ast.parse(_SOURCE.read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]  # fmt: skip
    seen = {alias.name: statement.module for statement in block.body for alias in statement.names}
    assert seen == converter._MODULES
    assert (_SOURCE.parent / "py.typed").is_file()


def test_a_name_that_it_does_not_have():
    with pytest.raises(AttributeError, match="module 'converter' has no attribute 'konvert'"):
        _ = converter.konvert
    with pytest.raises(ImportError, match="cannot import name 'konvert'"):
        exec("from converter import konvert", {})


def test_help_shows_every_function_with_its_options():
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        help(converter)
    for text in (
        "convert(source",
        "migrate(source_root",
        "class Conversion(",
        "hardlink: bool = False",
    ):
        assert text in printed.getvalue()


def test_errors_and_migrations_import_no_tensorflow():
    assert _run(
        "import sys\nfrom converter import MigrationReport, UsageError, Watcher, migrate, report\n"
        "import converter\ndir(converter)\nprint('tensorflow' in sys.modules)"
    ) == ["False"]  # fmt: skip


def test_all_names_can_be_imported_at_once():
    names = _run("from converter import *\nprint(*sorted(set(dir()) & {'convert', 'Conversion'}))")
    assert names == ["Conversion", "convert"]


def _members(value):
    """Yields a function or class, and the public methods and properties of a class."""
    yield value
    for name, member in vars(value).items() if isinstance(value, type) else ():
        function = member.fget if isinstance(member, property) else member
        function = getattr(function, "__func__", function)
        if not name.startswith("_") and inspect.isfunction(function):
            yield function


@pytest.mark.parametrize("name", sorted(_DOCUMENTED - {"__version__"}))
def test_type_hints_of_every_public_name_can_be_read(name):
    for member in _members(getattr(converter, name)):
        hints = typing.get_type_hints(member)
        if inspect.isfunction(member):
            parameters = [*inspect.signature(member).parameters.values()]
            named = {p.name for p in parameters if p.name not in ("self", "cls")}
            assert set(hints) == {*named, "return"}, member
            assert "options" not in named or name == "migrate"
