"""Reports of earlier versions: `report_v1.json` was written by the last converter before 2."""

import json
import pathlib
import shutil

import pytest

import converter
from converter.page.document import REPORT_VERSION, decode_report
from converter.page.earlier_versions import update_report

_OLD = pathlib.Path(__file__).with_name("report_v1.json")


@pytest.fixture
def old():
    return decode_report(_OLD.read_bytes(), "report.json")


def test_what_was_not_compared_is_an_outcome(old):
    assert old.report_version == 1
    assert {m.path: m.outcome for m in old.modules}["loops/open"] == "converted"
    report = update_report(old)
    assert report.report_version == REPORT_VERSION
    outcomes = {module.path: module.outcome for module in report.modules}
    assert outcomes["loops/open"] == "not_compared"
    assert outcomes["image/resnet"] == "converted"
    assert report.totals.counts["not_compared"] == 1
    assert report.totals.counts["converted"] == 1
    assert report.totals.saved_models == old.totals.saved_models == 2
    assert [group.title for group in report.groups] == [
        "uses an op that cannot be converted", "differs from the original",
    ]  # fmt: skip


def test_a_report_of_this_version_stays_as_it_is(old):
    report = update_report(old)
    assert update_report(report) is report


def test_its_page_and_table_are_made(tmp_path):
    place = tmp_path / "report.json"
    shutil.copy(_OLD, place)
    files = converter.report(place)
    page = pathlib.Path(files.html).read_text()
    assert "<h1>2 of 5 modules converted, 1 proven equal, 1 not compared</h1>" in page
    assert "Command that retries" not in page
    assert '"loops/open","not_compared"' in pathlib.Path(files.csv).read_text()
    assert json.loads(place.read_text())["report_version"] == 1
