"""The report for programs: JSON and CSV."""

import csv
import io
import json

import pytest
import report_data

from converter.page.collect import collect
from converter.page.tables import to_report_csv, to_report_json
from converter.page.totals import add_up


@pytest.fixture
def tables(root):
    def make(destination_root=root):
        migration = collect(destination_root, lambda _: None)
        totals = add_up([module.facts for module in migration.modules])
        text = to_report_csv(migration).decode()
        return json.loads(to_report_json(migration, totals)), list(
            csv.DictReader(io.StringIO(text))
        )

    return make


def test_json_has_all_that_a_table_can_hold(tables):
    report, _ = tables()
    assert report["report_version"] == 1
    assert report["totals"]["counts"]["refused"] == 2
    assert report["runs"][0]["run"] == "r1"
    assert len(report["modules"]) == 9
    cause = next(cause for cause in report["causes"] if cause["kind"] == "UnsupportedOpError")
    assert cause["paths"] == ["text/other_queue", "text/queue"]
    module = next(one for one in report["modules"] if one["path"] == "text/nnlm")
    assert module["variable_count"] == 300
    assert module["parity"]["tensors"] == 61


def test_csv_has_a_line_for_each_module(tables):
    report, lines = tables()
    assert [line["path"] for line in lines] == [one["path"] for one in report["modules"]]
    by_path = {line["path"]: line for line in lines}
    assert by_path["text/queue"]["error_kind"] == "UnsupportedOpError"
    assert by_path["text/queue"]["error_node"] == "queue/dequeue"
    assert by_path["text/queue"]["tensors"] == ""
    assert by_path["image/resnet"]["equal"] == "yes"
    assert by_path["image/resnet"]["started"] == "2023-11-14 22:13:20 UTC"
    assert float(by_path["text/nnlm"]["seconds"]) == 75
    assert by_path["text/begun"]["outcome"] == "unfinished"
    assert "no outcome since" in by_path["text/begun"]["problems"]


@pytest.mark.parametrize(
    "message", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", '=cmd|"/c x"!A1']
)
def test_no_cell_is_a_formula(tables, tmp_path, message):
    outcome = report_data.refused(tmp_path, f"m{message}".replace("/", "_"), message=message)
    _, lines = tables(report_data.write_journal(tmp_path, [outcome]))
    assert lines[0]["error_message"] == f"'{message}"


def test_a_cell_that_is_no_formula_is_left_alone(tables, tmp_path):
    message = 'a, "b" = 1\nc -2'
    outcome = report_data.refused(tmp_path, "1-a=b", message=message)
    _, lines = tables(report_data.write_journal(tmp_path, [outcome]))
    assert lines[0]["error_message"] == message
    assert lines[0]["path"] == "1-a=b"


def test_differences_that_are_infinite_are_texts_in_both(tables, tmp_path):
    report = report_data.make_report(wrong=True)
    outcome = report_data.saved(tmp_path, "m", report=report)
    file = tmp_path / ".tf1hub/parity/m/comparison.json"
    values = json.loads(file.read_text())
    file.write_text(json.dumps({**values, "worst_rel": "inf"}))
    written, lines = tables(report_data.write_journal(tmp_path, [outcome]))
    assert lines[0]["equal"] == "no"
    assert written["modules"][0]["parity"]["passed"] is False
