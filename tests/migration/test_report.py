"""The report: JSON in and out, and its numbers."""

import json

import msgspec
import pytest

from converter.migration.outcomes import (
    Converted,
    ErrorInfo,
    NotLegacy,
    ParitySummary,
    Reason,
    Refused,
)
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


def test_what_was_not_compared_is_counted_apart():
    parity = ParitySummary(
        verdict="not compared", passed=False, tensors=1, bit_equal=1, worst_abs=0.0, worst_rel=0.0
    )
    left_open = msgspec.structs.replace(OK, parity=parity)
    report = msgspec.structs.replace(REPORT, outcomes=(left_open, BAD, OLD, SKIPPED))
    assert list(report.counts) == [
        "converted", "up_to_date", "not_compared", "not_legacy", "refused", "failed", "timed_out",
        "crashed",
    ]  # fmt: skip
    assert (report.counts["converted"], report.counts["not_compared"]) == (1, 1)
    assert report.converted == 2
    assert report.not_compared == (left_open,)


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
