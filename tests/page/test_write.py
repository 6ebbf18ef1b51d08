"""Writing: whole files or none, nobody else's are replaced, and a migration is not confused."""

import errno
import json
import os
import pathlib

import pytest
import report_data

import converter
from converter import errors
from converter.migration.discover import discover
from converter.migration.write_report import report


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_three_files_are_written_into_the_destination(root):
    files = converter.report(root)
    assert names(root) == ["report.csv", "report.html", "report.json"]
    assert files.html == str(root / "report.html")
    assert pathlib.Path(files.csv).read_text().startswith('"path"')
    assert json.loads(pathlib.Path(files.json).read_text())["report_version"] == 2
    assert files.to_json()["counts"]["converted"] == 2
    assert files.totals.saved_models == 2


def test_output_names_the_page_and_the_others_go_beside_it(root, tmp_path):
    files = converter.report(root, tmp_path / "out.html")
    assert names(tmp_path) == ["out.csv", "out.html", "out.json"]
    assert files.json == str(tmp_path / "out.json")
    assert names(root) == []


def test_a_report_is_replaced_and_has_the_same_bytes(root):
    files = converter.report(root)
    before = [pathlib.Path(path).read_bytes() for path in (files.html, files.json, files.csv)]
    converter.report(root)
    after = [pathlib.Path(path).read_bytes() for path in (files.html, files.json, files.csv)]
    assert after == before


def test_the_files_are_as_readable_as_others(root):
    (root / "other").write_text("")
    files = converter.report(root)
    assert os.stat(files.html).st_mode == os.stat(root / "other").st_mode


@pytest.mark.parametrize("suffix", [".html", ".json", ".csv"])
def test_what_is_no_report_is_not_replaced(root, suffix):
    place = (root / "report.html").with_suffix(suffix)
    place.write_text("precious")
    with pytest.raises(errors.DestinationError, match="is not a report, so it is not replaced"):
        converter.report(root)
    assert names(root) == [place.name]
    assert place.read_text() == "precious"


def test_a_directory_in_its_place_is_an_error(root):
    (root / "report.html").mkdir()
    with pytest.raises(errors.DestinationError, match=r"Is a directory.*`output`"):
        converter.report(root)


@pytest.mark.parametrize("name", ["page.json", "page", "page.htm", "page.HTML"])
def test_another_ending_is_wrong_use(root, tmp_path, name):
    with pytest.raises(errors.UsageError, match=r"does not end with \.html"):
        converter.report(root, tmp_path / name)


def test_no_migration_is_wrong_use(tmp_path):
    with pytest.raises(errors.UsageError, match=r"has no journal.*tf1hub migrate"):
        converter.report(tmp_path)
    assert names(tmp_path) == []


def test_a_place_that_is_not_local_is_wrong_use():
    with pytest.raises(errors.UsageError, match="is not a local path"):
        converter.report("gs://bucket/models")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_full_disk_leaves_the_old_report(root, monkeypatch, number):
    converter.report(root)
    before = {name: (root / name).read_bytes() for name in names(root)}
    report_data.write_journal(root, [report_data.refused(root, "another")], run="r2")
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(errors.DestinationError, match="No space left on device"):
        converter.report(root)
    assert {name: (root / name).read_bytes() for name in names(root)} == before


def test_a_place_that_is_not_there_is_an_error(root, tmp_path):
    with pytest.raises(errors.DestinationError, match="cannot be written"):
        converter.report(root, tmp_path / "nowhere" / "page.html")


def test_steps_are_told(root):
    said = []
    report(root, progress=said.append)
    assert said[-1] == "writing the page"


def test_a_migration_goes_on_beside_its_report(tmp_path, tree, migrate):
    source = tree({"a/ok": None, "a/refuse": None})
    migrate(source)
    files = converter.report(tmp_path / "dst")
    tree({"a/later": None})
    report = migrate(source)
    assert report.counts["converted"] + report.counts["up_to_date"] == 2
    assert [outcome.path for outcome in report.ran] == ["a/later"]
    assert os.path.exists(files.html)
    assert converter.report(tmp_path / "dst").totals.legacy == 3


def test_a_report_in_a_tree_is_no_module_of_it(tree, tmp_path):
    source = tree({"a/module": None})
    before = discover(source, tmp_path / "dst")
    for suffix in ("html", "json", "csv"):
        (source / f"report.{suffix}").write_text("")
    assert discover(source, tmp_path / "dst") == before
