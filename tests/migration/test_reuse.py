"""Modules that need not run again by the journal, and those that have to."""

import dataclasses
import pathlib

import msgspec
import pytest

from converter.conversion.options import ConversionOptions
from converter.files.snapshot import take_snapshot
from converter.migration.candidates import Candidate
from converter.migration.journal import JobFinished
from converter.migration.options import Options
from converter.migration.options_file import read_rules
from converter.migration.outcomes import (
    Converted,
    Crashed,
    ErrorInfo,
    Failed,
    NotLegacy,
    ParitySummary,
    Reason,
    Refused,
    TimedOut,
    UpToDate,
)
from converter.migration.reuse import reuse_outcome
from converter.version import __version__

CONVERSION = ConversionOptions().to_json()
WHERE = {"path": "a.tgz", "source": "/then/src/a.tgz", "destination": "/then/dst/a"}
OUTPUT = {"destination_bytes": 3, "record": "/then/dst/a/assets.extra/conversion.json"}
PARITY = ParitySummary(
    verdict="equal", passed=True, tensors=1, bit_equal=1, worst_abs=0.0, worst_rel=0.0
)
ERROR = ErrorInfo(kind="FormatError", message="no")


@pytest.fixture
def options(tmp_path):
    return Options(source_root=tmp_path / "src", destination_root=tmp_path / "dst")


@pytest.fixture
def ask(tmp_path, options):
    """`ask(outcome, entry changes, **option changes)` remembers it."""
    (tmp_path / "dst/a").mkdir(parents=True)
    (tmp_path / "dst/a/saved_model.pb").write_text("x")
    candidate = Candidate("a.tgz", pathlib.Path(tmp_path / "src/a.tgz"), "a")

    def call(outcome, changes=None, **option_changes):
        entry = JobFinished(
            run="r", time=0.0, outcome=outcome, source_stat_digest="s",
            destination_stat_digest=take_snapshot(tmp_path / "dst/a").stat_digest,
            fingerprint=options.conversion.fingerprint, converter=__version__,
        )  # fmt: skip
        entry = msgspec.structs.replace(entry, **(changes or {}))
        own = {name: option_changes.pop(name) for name in CONVERSION if name in option_changes}
        changed = dataclasses.replace(options, **option_changes)
        changed = dataclasses.replace(changed, conversion=changed.conversion.updated(own))
        return reuse_outcome(candidate, "s", entry, changed)

    return call


def test_what_was_converted_is_up_to_date_where_it_is_now(ask, tmp_path):
    known = ask(Converted(**WHERE, **OUTPUT, parity=PARITY, parity_report="/then/x", attempts=1))
    assert known == UpToDate(
        path="a.tgz", source=str(tmp_path / "src/a.tgz"), destination=str(tmp_path / "dst/a"),
        record=str(tmp_path / "dst/a/assets.extra/conversion.json"), destination_bytes=3,
        parity=PARITY, attempts=1,
        parity_report=str(tmp_path / "dst/.tf1hub/parity/a.tgz/comparison.json"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [{"source_stat_digest": "other"}, {"destination_stat_digest": "other"}, {"converter": "0.0.9"}],
)
def test_a_change_has_it_looked_at_again(ask, changes):
    assert ask(Converted(**WHERE, **OUTPUT), changes) is None
    if "destination_stat_digest" not in changes:
        assert ask(Refused(**WHERE, error=ERROR), changes) is None


def test_what_was_not_verified_is_not_up_to_date_for_verify(ask):
    assert ask(Converted(**WHERE, **OUTPUT), verify=True) is None
    assert ask(Converted(**WHERE, **OUTPUT, parity=PARITY), verify=True) is not None


@pytest.mark.parametrize(
    "outcome",
    [
        Refused(**WHERE, error=ERROR),
        Failed(**WHERE, error=ErrorInfo(kind="InternalError", message="bug")),
        Crashed(**WHERE, error=ERROR, exit_status=-11),
    ],
)
def test_a_failure_is_repeated_until_one_asks(ask, outcome):
    known = ask(outcome)
    assert (type(known), known.error) == (type(outcome), outcome.error)
    assert ask(outcome, retry_failed=True) is None
    assert ask(outcome, import_ops=("tensorflow_text",)) is None


def test_what_the_destination_was_to_blame_for_is_tried_again(ask):
    for kind in ("DestinationError", "SourceMissing"):
        assert ask(Failed(**WHERE, error=ErrorInfo(kind=kind, message="full"))) is None


@pytest.mark.parametrize(
    "changes", [{"tags": ["a"]}, {"training_tags": []}, {"call_signature": "b"}]
)
def test_what_it_shall_offer_counts(ask, changes, options):
    assert ask(Converted(**WHERE, **OUTPUT), **changes) is None
    assert ask(Refused(**WHERE, error=ERROR), **changes) is None
    same = {"fingerprint": options.conversion.updated(changes).fingerprint}
    assert ask(Converted(**WHERE, **OUTPUT), same, **changes) is not None
    assert ask(Converted(**WHERE, **OUTPUT), same) is None


def test_options_of_its_own_count(ask):
    other, own = ({name: {"call_signature": "b"}} for name in ("b*", "a*"))
    assert ask(Converted(**WHERE, **OUTPUT), rules=read_rules(other)) is not None
    assert ask(Converted(**WHERE, **OUTPUT), rules=read_rules(own)) is None


def test_how_it_is_done_does_not_count(ask):
    changes = {"hardlink": True, "workers": 7, "engine": "dask", "scheduler": "tcp://x:1"}
    assert ask(Converted(**WHERE, **OUTPUT), **changes) is not None
    assert ask(Refused(**WHERE, error=ERROR), **changes) is not None


def test_a_limit_that_is_raised_is_a_new_chance(ask):
    slow = TimedOut(**WHERE, error=ERROR, limit_secs=5.0)
    assert ask(slow, timeout_secs=5.0) is not None
    assert ask(slow, timeout_secs=6.0) is None
    assert ask(slow, timeout_secs=None) is None
    big = Crashed(**WHERE, error=ERROR, memory_bytes=3 << 30)
    assert ask(big, memory_limit_gib=2.0) is not None
    assert ask(big, memory_limit_gib=4.0) is None


def test_what_is_not_legacy_stays_so(ask):
    outcome = NotLegacy(**WHERE, reason=Reason.TF2, explanation="It is.")
    assert ask(outcome, retry_failed=True).explanation == "It is."


def test_nothing_is_known_of_what_the_journal_does_not_name(options):
    assert reuse_outcome(Candidate("b", options.source_root / "b", "b"), "s", None, options) is None


def test_what_was_not_compared_is_repeated_until_one_asks(ask):
    left_open = msgspec.structs.replace(PARITY, verdict="not compared", passed=False)
    outcome = Converted(**WHERE, **OUTPUT, parity=left_open)
    assert ask(outcome, verify=True) is not None
    assert ask(outcome, verify=True, retry_failed=True) is None
    # Nothing is compared without --verify.
    assert ask(outcome, retry_failed=True) is not None
    proven = Converted(**WHERE, **OUTPUT, parity=PARITY)
    assert ask(proven, verify=True, retry_failed=True) is not None
