"""Sums over all modules."""

import msgspec
import report_data

from converter.migration.collect.totals import add_up
from converter.page.document import DURATION_BOUNDS


def test_sums_of_a_migration(root, collect_facts):
    totals = add_up(list(collect_facts(root).values()))
    assert totals.counts == {
        "converted": 2, "up_to_date": 0, "not_compared": 0, "not_legacy": 1, "refused": 2,
        "failed": 1,
        "timed_out": 1, "crashed": 1, "unfinished": 1,
    }  # fmt: skip
    assert (totals.saved_models, totals.legacy, totals.open) == (2, 8, 6)
    assert totals.seconds == 2.5 * 5 + 75 + 3600
    assert totals.median_seconds == 2.5
    assert (totals.slowest, totals.slowest_seconds) == ("image/slow", 3600.0)
    assert (totals.source_bytes, totals.destination_bytes) == (2 * 2048, 2 * 4096)
    assert (totals.verified, totals.equal, totals.tensors) == (2, 2, 4 + 61)
    assert sum(totals.histogram) == 63 * 8 * 16
    assert totals.worst == "text/nnlm"
    assert totals.worst_rel > 0


def test_nothing_at_all():
    totals = add_up([])
    assert (totals.saved_models, totals.legacy, totals.open, totals.verified) == (0, 0, 0, 0)
    assert totals.median_seconds is None
    assert totals.histogram is None
    assert totals.slowest == totals.worst == ""


def test_a_difference_that_is_infinite_is_the_worst(tmp_path, collect_facts):
    outcomes = [
        report_data.saved(tmp_path, "good", report=report_data.make_report()),
        report_data.saved(tmp_path, "bad", report=report_data.make_report(wrong=True)),
    ]
    report_data.write_journal(tmp_path, outcomes)
    facts = collect_facts(tmp_path)
    parity = msgspec.structs.replace(facts["bad"].parity, worst_rel="inf")
    totals = add_up([facts["good"], msgspec.structs.replace(facts["bad"], parity=parity)])
    assert (totals.worst, totals.worst_rel) == ("bad", float("inf"))
    assert (totals.verified, totals.equal) == (2, 1)


def test_durations_are_counted_up_to_their_bounds(tmp_path, collect_facts):
    seconds = [0.5, 1.0, 1.1, 5000.0]
    outcomes = [report_data.refused(tmp_path, f"m{number}") for number in range(len(seconds))]
    report_data.write_journal(tmp_path, outcomes)
    facts = list(collect_facts(tmp_path).values())
    durations = add_up(
        [
            msgspec.structs.replace(one, seconds=duration)
            for one, duration in zip(facts, seconds, strict=True)
        ]
    ).durations
    assert len(durations) == len(DURATION_BOUNDS) + 1
    assert (durations[0], durations[1], durations[-1]) == (2, 1, 1)
