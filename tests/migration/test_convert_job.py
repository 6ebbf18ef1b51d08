"""The converter's own job: what it returns, and that it raises nothing."""

import dataclasses
import json
import pathlib
import shutil

import msgspec
import pytest

import converter
from converter import errors
from converter.conversion.options import ConversionOptions
from converter.export.record import ParityInfo
from converter.files.snapshot import take_snapshot
from converter.files.source_files import digest
from converter.migration.convert_job import convert_job, inspect_job
from converter.migration.outcomes import Converted, Failed, Refused, UpToDate

_VERIFY = "converter.conversion.convert.verify"


@pytest.fixture
def job(tree, make_job):
    tree({"a": "golden:half_plus_two"})
    return make_job("a")


def test_a_module_is_converted_and_the_outcome_describes_it(job):
    outcome = convert_job(job)
    destination = pathlib.Path(job.destination)
    record = json.loads((destination / "assets.extra/conversion.json").read_text())
    assert isinstance(outcome, Converted)
    assert outcome.source_digest == record["source"]["digest"]
    assert outcome.source_bytes == take_snapshot(pathlib.Path(job.source)).size_bytes
    assert outcome.destination_bytes == take_snapshot(destination).size_bytes
    assert json.loads(pathlib.Path(outcome.record).read_text()) == record
    assert (outcome.parity, outcome.parity_report) == (None, None)
    assert 0 < outcome.seconds < 60
    assert not list(pathlib.Path(job.staging).parent.iterdir())


def test_it_gives_the_bytes_of_convert(job, tmp_path):
    convert_job(job)
    converter.convert(job.source, tmp_path / "alone")
    made, alone = _contents(pathlib.Path(job.destination)), _contents(tmp_path / "alone")
    assert "saved_model.pb" in made
    assert made == alone


def _contents(directory):
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def test_a_second_time_it_is_up_to_date_though_the_source_was_copied_anew(job):
    convert_job(job)
    shutil.move(job.source, job.source + "2")
    shutil.copytree(job.source + "2", job.source)
    before = take_snapshot(pathlib.Path(job.destination))
    assert isinstance(convert_job(job), UpToDate)
    assert take_snapshot(pathlib.Path(job.destination)) == before


def test_a_changed_source_replaces_the_old_version(job):
    convert_job(job)
    pathlib.Path(job.source, "assets").mkdir(exist_ok=True)
    pathlib.Path(job.source, "assets/new").write_text("x")
    outcome = convert_job(job)
    assert isinstance(outcome, Converted)
    assert isinstance(convert_job(job), UpToDate)


def test_what_is_not_legacy_or_damaged_says_so(make_job, tree, job, tmp_path):
    converter.convert(job.source, tmp_path / "src/tf2")
    tree({"damaged/tfhub_module.pb": "x", "a.tar.gz": "x", "empty/saved_model.pb": ""})
    assert "TF2 SavedModel already" in convert_job(make_job("tf2")).explanation
    for name, words in {
        "damaged": "damaged", "a.tar.gz": "a.tar.gz is not an archive of a module",
        "empty": "holds no graph",
    }.items():  # fmt: skip
        outcome = convert_job(make_job(name))
        assert isinstance(outcome, Refused)
        assert (outcome.error.kind, words in outcome.error.text) == ("FormatError", True)


def test_verifying_keeps_the_comparison_in_full(job, monkeypatch):
    monkeypatch.setattr(_VERIFY, lambda *_, **__: _Report("equal"))
    outcome = convert_job(msgspec.structs.replace(job, options=ConversionOptions(verify=True)))
    assert outcome.parity.tensors == 1
    assert json.loads(pathlib.Path(outcome.parity_report).read_text()) == {"rows": ["r"]}


def test_a_difference_is_a_failure_whose_comparison_is_kept(job, monkeypatch):
    monkeypatch.setattr(_VERIFY, lambda *_, **__: _Report("differs"))
    outcome = convert_job(msgspec.structs.replace(job, options=ConversionOptions(verify=True)))
    assert isinstance(outcome, Failed)
    assert outcome.error.kind == "ParityError"
    assert not pathlib.Path(job.destination).exists()
    assert pathlib.Path(job.parity_report).is_file()


def test_what_could_not_be_compared_is_converted_and_said(job, monkeypatch):
    monkeypatch.setattr(_VERIFY, lambda *_, **__: _Report("not compared"))
    outcome = convert_job(msgspec.structs.replace(job, options=ConversionOptions(verify=True)))
    assert isinstance(outcome, Converted)
    assert outcome.parity.verdict == "not compared"
    assert not outcome.parity.passed
    said = " ".join(outcome.warnings)
    assert "Not compared with the original: all of x: it does not run." in said
    assert "Pass --inputs FILE.npz." in said


@dataclasses.dataclass
class _Report:
    verdict: str

    def first_failure(self):
        return "x / outputs / y"

    def summary(self):
        is_equal = self.verdict == "equal"
        return ParityInfo(
            verdict=self.verdict, passed=is_equal, tensors=1, bit_equal=1, conditional=0, facts=0,
            worst_abs=0.0, worst_rel="inf", random_ops={},
            not_compared=() if is_equal else ("all of x: it does not run",),
            remedies=() if is_equal else ("Pass --inputs FILE.npz.",),
        )  # fmt: skip

    def to_json(self):
        return {"rows": ["r"]}


def test_a_user_s_files_are_not_replaced(job):
    place = pathlib.Path(job.destination)
    place.mkdir(parents=True)
    (place / "precious").write_text("x")
    outcome = convert_job(job)
    assert isinstance(outcome, Failed)
    assert outcome.error.kind == "DestinationError"
    assert (place / "precious").read_text() == "x"


def test_the_digest_is_computed_once(job, monkeypatch):
    convert_job(job)
    pathlib.Path(job.source, "new").write_text("x")
    given = []

    def note(source, destination, **options):
        given.append(options["source_digest"])
        return convert(source, destination, **options)

    convert = converter.convert
    monkeypatch.setattr("converter.migration.convert_job.convert_digested", note)
    assert convert_job(job).source_digest == digest(pathlib.Path(job.source))
    shutil.rmtree(job.destination)
    convert_job(job)
    assert given[0]() == digest(pathlib.Path(job.source))
    # Nothing had to know it before; it is computed while the module is converted.
    assert given[1] is None


def test_weights_are_linked_where_that_is_asked_for(job):
    linked = msgspec.structs.replace(job, options=ConversionOptions(hardlink=True))
    assert convert_job(linked).warnings == ()
    (shard,) = pathlib.Path(job.source).glob("variables/*.data-*")
    assert shard.stat().st_nlink == 2
    assert isinstance(convert_job(job), UpToDate)
    assert isinstance(convert_job(linked), UpToDate)


def test_options_reach_the_conversion(tree, make_job):
    tree({"a": "golden:odd_two_with_inputs"})
    job = make_job("a", options=ConversionOptions(call_signature="decode", training_tags=()))
    outcome = convert_job(job)
    record = json.loads(pathlib.Path(outcome.record).read_text())
    assert record["root"] == "decode"
    assert record["options"] == job.options.recorded()
    assert outcome.warnings == ()


def test_options_that_the_module_has_not_are_foreseen(tree, make_job):
    tree({"a": "golden:odd_two_with_inputs"})
    for options in (ConversionOptions(tags=("gone",)), ConversionOptions(call_signature="gone")):
        job = make_job("a", options=options)
        for outcome in (inspect_job(job), convert_job(job)):
            assert isinstance(outcome, Refused)
            assert outcome.error.kind == "UsageError"
            assert "gone" in outcome.error.message
    assert inspect_job(make_job("a")) is None


def test_a_source_that_changes_meanwhile_is_not_committed(job, monkeypatch):
    def change(source, destination, **options):
        (source.directory / "new").write_text("x")
        return convert(source, destination, **options)

    convert = converter.convert
    monkeypatch.setattr("converter.migration.convert_job.convert_digested", change)
    outcome = convert_job(job)
    assert isinstance(outcome, Refused)
    assert "changed while it was converted" in outcome.error.text
    assert not pathlib.Path(job.destination).exists()
    monkeypatch.undo()
    assert isinstance(convert_job(job), Converted)


def test_what_an_attempt_that_was_killed_has_left_is_in_no_one_s_way(job):
    for name in ("0", "0_x", "0_x/new"):
        (pathlib.Path(job.staging).parent / name).mkdir()
    assert isinstance(convert_job(job), Converted)


def test_an_output_that_lost_a_file_is_made_anew(job):
    convert_job(job)
    pathlib.Path(job.destination, "variables/variables.index").unlink()
    assert isinstance(convert_job(job), Converted)
    assert isinstance(convert_job(job), UpToDate)


def test_a_machine_that_does_not_see_the_destination_does_not_make_one(job, tmp_path):
    lost = msgspec.structs.replace(
        job, staging=str(tmp_path / "x/0"), destination=str(tmp_path / "x/a")
    )
    outcome = convert_job(lost)
    assert isinstance(outcome, Failed)
    assert "all machines see DST_ROOT" in outcome.error.remedy
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("raised", "kind", "has_details"),
    [
        (errors.UnsupportedOpError("no", node="n"), Refused, False),
        (errors.DestinationError("full"), Failed, False),
        (errors.InternalError("bug"), Failed, True),
        (errors.OutOfMemoryError("more"), Failed, False),
        (SystemExit(1), Failed, True),
    ],
)
def test_whatever_goes_wrong_is_an_outcome(job, monkeypatch, raised, kind, has_details):
    def fail(*_, **__):
        raise raised

    monkeypatch.setattr("converter.migration.convert_job.convert_digested", fail)
    outcome = convert_job(job)
    assert isinstance(outcome, kind)
    assert outcome.error.kind == type(raised).__name__
    assert ("Traceback" in outcome.error.details) is has_details


@pytest.mark.parametrize(
    ("raised", "kind", "name"),
    [(MemoryError, Failed, "OutOfMemoryError"), (RecursionError, Refused, "UnsupportedOpError")],
)
def test_exhaustion_is_an_outcome_with_one_line(job, monkeypatch, raised, kind, name):
    def fail(*_, **__):
        raise raised

    monkeypatch.setattr("converter.migration.convert_job.convert_digested", fail)
    outcome = convert_job(job)
    assert isinstance(outcome, kind)
    assert outcome.error.kind == name
    assert not outcome.error.details


def test_an_error_names_the_destination_and_not_where_it_was_staged(job, monkeypatch):
    def fail(_, destination, **__):
        assert str(destination).startswith(job.staging)
        raise errors.DestinationError(f"{destination} cannot be written: No space left on device")

    monkeypatch.setattr("converter.migration.convert_job.convert_digested", fail)
    assert convert_job(job).error.message.startswith(f"{job.destination} cannot be written")


def test_another_version_does_not_run_it(job):
    outcome = convert_job(msgspec.structs.replace(job, converter="9.9"))
    assert "install the same version" in outcome.error.message


def test_foreseeing_writes_nothing(job, make_job, tree):
    tree({"damaged/tfhub_module.pb": "x"})
    assert inspect_job(job) is None
    assert not pathlib.Path(job.destination).exists()
    assert isinstance(inspect_job(make_job("damaged")), Refused)
    known = msgspec.structs.replace(job, written=convert_job(job).written)
    assert isinstance(inspect_job(known), UpToDate)
