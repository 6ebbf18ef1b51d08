"""report.json: what is written is read, and anything else is a clear error."""

import json
import pathlib

import msgspec
import pytest

import converter
from converter import errors
from converter.files.json_values import to_json_values
from converter.page.csv_table import to_csv
from converter.page.document import Report, decode_report, encode_report
from converter.page.html import to_html


def test_a_report_survives(read_report):
    report = read_report()
    assert decode_report(encode_report(report), "report.json") == report


def test_it_has_all_that_a_table_can_hold(read_report):
    values = json.loads(encode_report(read_report()))
    assert values["report_version"] == 2
    assert values["totals"]["counts"]["refused"] == 2
    assert values["runs"][0]["run"] == "r1"
    assert len(values["modules"]) == 9
    cause = next(cause for cause in values["causes"] if cause["kind"] == "UnsupportedOpError")
    assert cause["paths"] == ["text/other_queue", "text/queue"]
    module = next(one for one in values["modules"] if one["path"] == "text/nnlm")
    assert module["variable_count"] == 300
    assert module["parity"]["tensors"] == 61
    assert len({tuple(module) for module in values["modules"]}) == 1


def test_the_schema_names_and_describes_every_field():
    schema = msgspec.json.schema(Report)
    assert {"Report", "Module", "Totals", "Run", "Cause"} <= set(schema["$defs"])
    assert all(part.get("description") for part in schema["$defs"].values())
    details = schema["$defs"]["Module"]["properties"]["details"]
    assert details == {"type": "string", "contentEncoding": "base64"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"report_version": "1"}, "expected `int`, got `str` at `report_version`"),
        ({"report_version": 3}, "has report version 3, expected 2 or less"),
        (
            {"groups": [{"title": "t", "causes": [99], "modules": 1}]},
            "expected the places of causes in groups",
        ),
        ({"modules": [{"path": 1}]}, "expected `str`, got `int` at `modules[0].path`"),
        ({"modules": [{"path": "a", "outcome": "won"}]}, "invalid enum value 'won'"),
        ({"runs": None}, "expected `array`, got `null` at `runs`"),
        ({"problems": "none"}, "expected `array`, got `str` at `problems`"),
    ],
)
def test_another_content_is_wrong_use(read_report, change, problem):
    content = json.dumps({**to_json_values(read_report()), **change}).encode()
    with pytest.raises(errors.UsageError) as caught:
        decode_report(content, "a.json")
    assert str(caught.value).startswith("a.json")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"report_version": 1}', b'"\\ud800"']
)
def test_no_report_is_wrong_use(content):
    with pytest.raises(errors.UsageError, match="is not a report: "):
        decode_report(content, "a.json")


def _spoilt(value):
    """Every way to put something else in the place of one value."""
    if isinstance(value, dict):
        for name in value:
            for other in (None, 7, -1, 1e300, [], {}, "x", [[]]):
                yield {**value, name: other}
            for part in _spoilt(value[name]):
                yield {**value, name: part}
    elif isinstance(value, list) and value:
        for part in _spoilt(value[0]):
            yield [part, *value[1:]]
        yield [None]


def test_a_report_that_is_spoilt_anywhere_is_rendered_or_refused(read_report):
    report = read_report()
    values = to_json_values(msgspec.structs.replace(report, modules=report.modules[:1]))
    rendered = refused = 0
    for spoilt in _spoilt(values):
        try:
            read = decode_report(json.dumps(spoilt).encode(), "a.json")
        except errors.UsageError:
            refused += 1
            continue
        to_html(read)
        to_csv(read)
        rendered += 1
    assert min(rendered, refused) > 50


def test_the_page_is_rendered_from_the_document_alone(root, tmp_path):
    files = converter.report(root)
    (tmp_path / "alone").mkdir()
    alone = tmp_path / "alone" / "r.json"
    with open(files.json) as file:
        # As another program writes it.
        alone.write_text(json.dumps(json.load(file)))
    before = alone.read_text()
    rendered = converter.report(alone)
    assert rendered.html == str(tmp_path / "alone" / "r.html")
    assert rendered.totals == files.totals
    assert pathlib.Path(rendered.csv).read_bytes() == pathlib.Path(files.csv).read_bytes()
    # The page differs in its links alone.
    page = pathlib.Path(rendered.html).read_text()
    for name in ("json", "csv"):
        page = page.replace(f"./r.{name}", f"./report.{name}")
    page = page.replace(f'"models":"{root.as_uri()}"', '"models":"."')
    assert page == pathlib.Path(files.html).read_text()
    assert alone.read_text() == before
    elsewhere = converter.report(alone, tmp_path / "page.html")
    with open(elsewhere.json) as file:
        assert file.read() == before
