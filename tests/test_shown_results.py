"""What people see of results: `str` as commands print it, a notebook's view, a short `repr`."""

import shutil
import typing

import numpy as np
import pytest
import report_data
from markup import assert_safe, read

import converter
from converter.cli import main as cli
from converter.display.shown import Shown
from converter.export.record import SourceInfo
from converter.exporters.record import ExportedOutput, ExportedTensor, ExportRecord
from converter.migration.outcomes import ErrorInfo, Failed
from converter.parity.checks import Row
from converter.parity.compare import EXACT, compare, compare_facts
from converter.parity.report import ParityReport
from converter.parity.report_pictures import draw_pictures
from converter.parity.verdict import NotCompared
from converter.printable import printable

# Markup of HTML, of rich and of the terminal, without a slash, as it is the name of a directory.
EVIL = "<script>alert(1)<img src=x onerror=y>&amp;'\"[bold]\x1b[31m\u202e\u2028"
_ONES = np.ones(3, np.float32)
_SAME = Row(EVIL, "outputs", EVIL, compare(_ONES, _ONES, EXACT))
_OTHER = compare(_ONES, np.array([1, 1 + 1e-6, np.nan], np.float32), EXACT)
_PARITY = ParityReport(
    (_SAME, Row(EVIL, "gradients", f"other{EVIL}", _OTHER)),
    (NotCompared(EVIL, "all", EVIL, EVIL),),
    notes=(EVIL,),
)
_EXPORT = ExportRecord(
    export_version=1, file=EVIL, digest="0", size_bytes=2048, format="onnx", versions={},
    source=SourceInfo(name=EVIL, format="tf1_hub", digest="0"), signature=EVIL,
    inputs={EVIL: ExportedTensor(exported_as="x", dtype="float32", shape=(None, 3))},
    outputs={EVIL: ExportedOutput(exported_as="y", dtype="float32", shape=None)},
    verdict="not compared", not_compared=EVIL,
)  # fmt: skip
_FAILED = Failed(
    path=EVIL, source=EVIL, destination=EVIL,
    error=ErrorInfo(kind="FormatError", message=EVIL, remedy=EVIL),
)  # fmt: skip
_MIGRATION = converter.MigrationReport(
    run="r", source_root=EVIL, destination_root=EVIL, outcomes=(_FAILED,), repeated=(EVIL,)
)


@pytest.fixture(scope="module")
def module(request, tmp_path_factory):
    """A module in a directory with a hostile name."""
    golden = request.config.rootpath / "legacy_fixtures" / "golden" / "half_plus_two" / "module"
    return shutil.copytree(golden, tmp_path_factory.mktemp("src") / EVIL)


@pytest.fixture(scope="module")
def migration(tmp_path_factory):
    root = tmp_path_factory.mktemp("migration") / EVIL
    report_data.write_migration(root)
    return root


@pytest.fixture(scope="module")
def results(module, migration, tmp_path_factory):
    """A result of each public function, with hostile names, by the name of its type."""
    conversion = converter.convert(module, tmp_path_factory.mktemp("dst") / EVIL)
    with converter.open_source(module) as source:
        found = [
            conversion, conversion.record, converter.inspect(module), converter.scan(module),
            _PARITY, _MIGRATION, _EXPORT, source, converter.Message(EVIL, EVIL, EVIL, EVIL),
            converter.explain("pkg_resources"), converter.report(migration),
        ]  # fmt: skip
    return {type(result).__name__: result for result in found}


def test_every_public_type_of_a_result_is_shown(results):
    shown = {
        name for name in converter.__all__
        if isinstance(kind := getattr(converter, name), type) and issubclass(kind, Shown)
    }  # fmt: skip
    assert {*shown, "Explanation"} == set(results)
    public = [getattr(converter, name) for name in converter.__all__]
    returned = {
        kind for function in public if callable(function) and not isinstance(function, type)
        if isinstance(kind := typing.get_type_hints(function).get("return"), type)
    }  # fmt: skip
    assert {kind.__name__ for kind in returned} - set(results) == {"str", "Module"}


def test_a_repr_is_short_and_one_line(results):
    for name, result in results.items():
        line = repr(result)
        assert line.startswith(f"<{name}: ")
        assert printable(line) == line
        assert len(line) < 600


def test_text_has_no_markup_and_is_printable(results):
    for name, result in results.items():
        text = str(result)
        assert text, name
        assert [printable(line) for line in text.splitlines()] == text.splitlines(), name
        assert text.splitlines() == [line.rstrip() for line in text.splitlines()], name
        if name not in ("Explanation", "ScanReport"):  # They have no names of this module.
            assert "<script>" in text.replace("\n", ""), name


def test_a_notebook_shows_names_and_runs_nothing(results):
    for name, result in results.items():
        page = result._repr_html_()
        assert_safe(page)
        words = read(page).text.split()
        missing = [w for w in str(result).split() if w[0].isalnum() and len(w) < 9]
        assert set(missing) - set(" ".join(words).split()) <= set(), name


def test_a_notebook_shows_the_pictures_of_a_comparison():
    page = read(_PARITY._repr_html_())
    assert page.tags["svg"] == 3
    assert "5 elements: 4 equal, 1 apart by 8 to 15" in page.text
    assert page.text.index(f"other{printable(EVIL)}", page.text.index("worst first")) > 0
    assert page.text.split()[0] == "Differs:"
    facts = ParityReport((Row("module", "variables", "w", compare_facts("there", "there")),))
    assert read(draw_pictures(facts)).tags == {"p": 1, "b": 1}
    many = draw_pictures(ParityReport((_SAME,) * 40))
    assert read(many).tags["svg"] == 31
    assert "… 10 more." in many


def test_messages_that_explain_are_a_tuple():
    found = converter.explain("No module named 'pkg_resources'")
    assert isinstance(found, tuple)
    assert found == (found[0],)
    assert converter.explain("qqqqq zzzzz") == ()
    assert str(converter.explain("qqqqq zzzzz")) == "No message is like this text."


def test_python_is_told_of_arguments_and_not_of_flags(results):
    for name, result in results.items():
        assert "--" not in str(result), name
    assert "retry_failed=True retries modules" in str(_MIGRATION)


@pytest.mark.parametrize("command", ["inspect", "scan", "report"])
def test_a_command_prints_the_text_of_its_result(command, results, module, migration, capsys):
    kind = {"inspect": "ModuleSummary", "scan": "ScanReport", "report": "ReportFiles"}[command]
    place = migration if command == "report" else module
    assert cli.main(cli.parse_arguments(["tf1hub", command, str(place)])) == 0
    printed, text = capsys.readouterr().out.rstrip("\n"), str(results[kind])
    if command == "inspect":  # They name the command, and the function.
        tables, _, usage = text.partition("After `converter.convert(…, 'DST')`:\n")
        assert printed == f"{tables}After `tf1hub convert SRC DST`:\n{usage}"
    else:
        assert printed == text
