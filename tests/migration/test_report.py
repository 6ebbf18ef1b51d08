"""The report: JSON in and out, and its numbers."""

import json

import msgspec
import pytest

from converter.migration.outcomes import Converted, ErrorInfo, NotLegacy, Reason, Refused
from converter.migration.report import MigrationReport


def where(path, **facts):
    return {"path": path, "source": f"/src/{path}", "destination": f"/dst/{path}", **facts}


RAN = {"attempts": 1, "seconds": 6.0}
OK = Converted(**where("a", **RAN), destination_bytes=1, record="/r")
BAD = Refused(**where("b", **RAN), error=ErrorInfo(kind="X", message="no"))
OLD = Converted(**where("c", **RAN), destination_bytes=1, record="/r")
SKIPPED = NotLegacy(**where("d"), reason=Reason.TF2, explanation="It is.")
REPORT = MigrationReport(
    run="r", source_root="/src", destination_root="/dst", outcomes=(OK, BAD, OLD, SKIPPED),
    repeated=("c",), not_run=("e",), interrupted=True, workers=2, seconds=10.0,
)  # fmt: skip


def test_it_survives_json():
    values = json.loads(json.dumps(REPORT.to_json()))
    assert msgspec.convert(values, MigrationReport) == REPORT
    assert values["counts"]["converted"] == 2
    assert values["counts"]["crashed"] == 0


def test_its_numbers():
    assert REPORT.ran == (OK, BAD)
    assert REPORT.modules_per_minute == pytest.approx(12)
    assert REPORT.overhead == pytest.approx(0.4)
    assert MigrationReport(run="", source_root="", destination_root="").overhead == 0


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, False),
        ({"outcomes": (OK, SKIPPED)}, False),
        ({"outcomes": (OK, SKIPPED), "not_run": ()}, True),
        ({"outcomes": (OK, SKIPPED), "dry_run": True}, True),
        ({"outcomes": (OK, BAD), "not_run": ()}, False),
        ({"outcomes": (), "not_run": ()}, True),
    ],
)
def test_whether_all_is_well(changes, passed):
    assert msgspec.structs.replace(REPORT, **changes).passed is passed
