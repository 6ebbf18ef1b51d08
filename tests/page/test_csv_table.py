"""The report as a table: CSV."""

import csv
import io
import json

import pytest
import report_data

from converter.page.csv_table import to_csv
from converter.printable import printable


@pytest.fixture
def table(read_report, root):
    def make(destination_root=root):
        report = read_report(destination_root)
        return report, list(csv.DictReader(io.StringIO(to_csv(report).decode())))

    return make


def test_csv_has_a_line_for_each_module(table):
    report, lines = table()
    assert [line["path"] for line in lines] == [module.path for module in report.modules]
    by_path = {line["path"]: line for line in lines}
    assert by_path["text/queue"]["error_kind"] == "UnsupportedOpError"
    assert by_path["text/queue"]["error_node"] == "queue/dequeue"
    assert by_path["text/queue"]["tensors"] == ""
    assert by_path["image/resnet"]["equal"] == "yes"
    assert by_path["image/resnet"]["started"] == "2023-11-14 22:13:20 UTC"
    assert float(by_path["text/nnlm"]["seconds"]) == 75
    assert by_path["text/begun"]["outcome"] == "unfinished"
    assert "has no outcome" in by_path["text/begun"]["problems"]


@pytest.mark.parametrize("message", ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1", '=cmd|"/c x"!A1'])
def test_no_cell_is_a_formula(table, tmp_path, message):
    outcome = report_data.refused(tmp_path, f"m{message}".replace("/", "_"), message=message)
    _, lines = table(report_data.write_journal(tmp_path, [outcome]))
    assert lines[0]["error_message"] == f"'{message}"


@pytest.mark.parametrize("start", ["\t", "\r", "\n", "\u200b", "\x1b[31m", "\ufeff"])
def test_what_a_spreadsheet_would_skip_before_a_formula_is_escaped(table, tmp_path, start):
    outcome = report_data.refused(tmp_path, "m", message=f"{start}=1")
    _, lines = table(report_data.write_journal(tmp_path, [outcome]))
    assert lines[0]["error_message"] == printable(f"{start}=1")
    assert lines[0]["error_message"][0] == "\\"


def test_a_cell_that_is_no_formula_is_left_alone(table, tmp_path):
    message = 'a, "b" = 1; c -2'
    outcome = report_data.refused(tmp_path, "1-a=b", message=message)
    _, lines = table(report_data.write_journal(tmp_path, [outcome]))
    assert lines[0]["error_message"] == message
    assert lines[0]["path"] == "1-a=b"


def test_differences_that_are_infinite_are_texts_in_both(table, tmp_path):
    report = report_data.make_report(wrong=True)
    outcome = report_data.saved(tmp_path, "m", report=report)
    file = tmp_path / ".tf1hub/parity/m/comparison.json"
    values = json.loads(file.read_text())
    file.write_text(json.dumps({**values, "worst_rel": "inf"}))
    written, lines = table(report_data.write_journal(tmp_path, [outcome]))
    assert lines[0]["equal"] == "no"
    assert written.modules[0].parity.passed is False


def test_what_was_not_compared_is_an_outcome(table, tmp_path):
    outcome = report_data.saved(tmp_path, "m", report=report_data.make_open_report())
    _, lines = table(report_data.write_journal(tmp_path, [outcome]))
    assert (lines[0]["outcome"], lines[0]["verdict"]) == ("not_compared", "not compared")
    assert lines[0]["not_compared"] == "gradients of default: TensorFlow loses them"
