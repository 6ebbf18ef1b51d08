"""The tables of a migration, for commands and for Python."""

import msgspec
import pytest

from converter.display.shown import to_text
from converter.migration.outcomes import ErrorInfo, Failed, NotLegacy, Reason
from converter.migration.report import MigrationReport
from converter.migration.report_tables import describe, format_seconds, print_report

_FAILED = Failed(
    path="a/b", source="s", destination="d",
    error=ErrorInfo(kind="DestinationError", message="it is full", remedy="Free some."),
)  # fmt: skip
_SKIPPED = NotLegacy(
    path="tf2", source="s", destination="d", reason=Reason.TF2, explanation="It is TF2."
)


def _report(number, **fields):
    many = tuple(msgspec.structs.replace(_FAILED, path=f"m{n}") for n in range(number))
    return MigrationReport(
        run="r", source_root="s", destination_root="d", outcomes=(*many, _SKIPPED), **fields
    )


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (None, "would be converted"),
        (_FAILED, "failed: it is full. Free some."),
        (_SKIPPED, "skipped: It is TF2."),
    ],
)
def test_an_outcome_in_one_line(outcome, text):
    assert describe(outcome) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(42, "42 s"), (185, "3:05 min"), (7200, "2:00 h"), (59.4, "59 s")]
)
def test_a_duration(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize("in_python", [True, False])
def test_the_rest_is_counted_in_the_words_of_the_reader(in_python):
    report = _report(53, repeated=("m1",))
    text = to_text(lambda console: print_report(report, console, in_python=in_python))
    assert "… 3 more" in text
    assert ("--json has all" in text) is not in_python
    assert ("--retry-failed retries" in text) is not in_python
    assert ("retry_failed=True retries" in text) is in_python
    assert "Skipped 1: It is TF2." in text
