"""A migration of a tree that holds models in all forms: what becomes of each, then and later."""

import csv
import json
import pathlib
import shutil

import pytest
from golden.golden_values import GOLDEN

import converter
from converter.files.source_files import digest
from converter.migration.outcomes import Converted, NotLegacy, Reason, UpToDate

MODULE = GOLDEN / "text_embedding_oov" / "module"
SAVED_MODEL = GOLDEN / "saved_model_simple_save" / "module"


@pytest.fixture
def root(tmp_path):
    place = tmp_path / "src"
    shutil.copytree(MODULE, place / "text" / "1")
    shutil.copytree(SAVED_MODEL, place / "served")
    pack(MODULE, place / "packed.tar.gz")
    pack(SAVED_MODEL, place / "served.d" / "one.zip")
    converter.convert(GOLDEN / "half_plus_two" / "module", place / "new")
    return place


def pack(directory, archive):
    archive.parent.mkdir(exist_ok=True)
    stem, kind = str(archive).removesuffix(".tar.gz").removesuffix(".zip"), archive.suffix
    shutil.make_archive(stem, "zip" if kind == ".zip" else "gztar", directory)


@pytest.mark.slow
def test_every_form_has_its_outcome_and_keeps_it(root, tmp_path):
    def migrate(**options):
        report = converter.migrate(root, tmp_path / "dst", workers=1, hardlink=True, **options)
        return {outcome.path: outcome for outcome in report.outcomes}, report

    legacy = {"text/1", "served", "packed.tar.gz", "served.d/one.zip"}
    foreseen, report = migrate(dry_run=True)
    assert (set(report.not_run), set(foreseen)) == (legacy, {"new"})
    found, _ = migrate()
    assert {path for path, outcome in found.items() if isinstance(outcome, Converted)} == legacy
    assert isinstance(found["new"], NotLegacy)
    assert found["new"].reason is Reason.TF2
    # Links of weights that were unpacked for this alone are no copies, and need no remark.
    assert all(outcome.warnings == () for outcome in (found["packed.tar.gz"], found["text/1"]))
    assert found["packed.tar.gz"].source_digest == found["text/1"].source_digest == digest(MODULE)
    for module, result in ((MODULE, "packed"), (SAVED_MODEL, "served.d/one")):
        assert converter.verify(module, tmp_path / "dst" / result).verdict == "equal"

    check_report(tmp_path)
    check_later_runs(root, tmp_path, migrate)


def check_report(tmp_path):
    """The report says which form each was."""
    files = converter.report(tmp_path / "dst")
    report = json.loads(pathlib.Path(files.json).read_text())
    forms = {m["path"]: (m.get("format", ""), m.get("archive", "")) for m in report["modules"]}
    assert forms == {
        "text/1": ("tf1_hub", ""), "packed.tar.gz": ("tf1_hub", "packed.tar.gz"),
        "served": ("tf1_saved_model", ""), "served.d/one.zip": ("tf1_saved_model", "one.zip"),
        "new": ("", ""),
    }  # fmt: skip
    with open(files.csv) as file:
        rows = {row["path"]: (row["format"], row["archive"]) for row in csv.DictReader(file)}
    assert rows == forms


def check_later_runs(root, tmp_path, migrate):
    """The contents decide, and not how they are packed, or when."""
    again, report = migrate()
    assert report.ran == ()
    pack(MODULE, root / "packed.tar.gz")
    pack(GOLDEN / "saved_model_main_op" / "module", root / "served.d" / "one.zip")
    again, report = migrate()
    assert {outcome.path for outcome in report.ran} == {"packed.tar.gz", "served.d/one.zip"}
    assert isinstance(again["packed.tar.gz"], UpToDate)
    assert isinstance(again["served.d/one.zip"], Converted)
    # The directory takes the archive's place.
    (root / "packed.tar.gz").unlink()
    shutil.copytree(MODULE, root / "packed")
    again, report = migrate()
    assert isinstance(again["packed"], UpToDate)
    assert "packed.tar.gz" not in again
    listed = json.loads(pathlib.Path(converter.report(tmp_path / "dst").json).read_text())
    paths = {module["path"] for module in listed["modules"]}
    assert "packed" in paths
    assert "packed.tar.gz" not in paths
