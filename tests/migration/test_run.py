"""A run, with jobs that need no TensorFlow: outcomes, journal, resuming, stopping."""

import errno
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

from converter import errors
from converter.files.scratch import scratch_name
from converter.migration import run as run_module
from converter.migration.journal import journal_path, read_journal
from converter.migration.lock import locked
from converter.migration.outcomes import Converted, Crashed, NotLegacy, Refused, TimedOut, UpToDate
from converter.migration.run import StoppedNow
from converter.migration.state import State


def types(report):
    return {outcome.path: type(outcome) for outcome in report.outcomes}


def test_every_module_has_its_outcome(tree, migrate, tmp_path):
    root = tree(
        {"a/ok": None, "a/crash": None, "hang": None, "refuse": None, "tf2": None, "notes/x": "x"}
    )
    report = migrate(root, timeout_secs=2)
    assert types(report) == {
        "a/ok": Converted, "a/crash": Crashed, "hang": TimedOut, "refuse": Refused,
        "tf2": NotLegacy, "notes": NotLegacy,
    }  # fmt: skip
    assert not report.passed
    assert report.counts["not_legacy"] == 2
    assert (report.repeated, report.not_run, report.interrupted) == ((), (), False)
    assert (tmp_path / "dst/a/ok/saved_model.pb").read_text() == "."
    assert sorted(p.name for p in (tmp_path / "dst/.tf1hub").iterdir()) == ["journal.jsonl", "lock"]


def test_a_second_run_has_nothing_to_do(tree, migrate, tmp_path, monkeypatch):
    root = tree({"ok": None, "crash": None, "refuse": None, "tf2": None, "notes/x": "x"})
    first = migrate(root)
    size = journal_path(tmp_path / "dst").stat().st_size
    monkeypatch.setattr(run_module, "_make_engine", None)
    second = migrate(root)
    assert types(second) == {**types(first), "ok": UpToDate}
    assert second.repeated == ("crash", "ok", "refuse", "tf2")
    assert second.ran == ()
    assert (tmp_path / "dst/ok/saved_model.pb").read_text() == "."
    events = journal_path(tmp_path / "dst").read_bytes()[size:].splitlines()
    assert [json.loads(event)["event"] for event in events] == ["run_started", "run_finished"]


def test_only_what_has_changed_runs_again(tree, migrate, tmp_path):
    root = tree({"a": None, "b": None, "refuse": None})
    migrate(root)
    (root / "b/new").write_text("x")
    report = migrate(root)
    assert [outcome.path for outcome in report.ran] == ["b"]
    (tmp_path / "dst/a/saved_model.pb").unlink()
    report = migrate(root, retry_failed=True)
    assert [outcome.path for outcome in report.ran] == ["a", "refuse"]


def test_how_it_is_done_does_not_make_anything_out_of_date(tree, migrate, tmp_path):
    root = tree({"a": None, "refuse": None})
    migrate(root)
    later = migrate(root, hardlink=True, workers=1, timeout_secs=7.0)
    assert (later.ran, later.repeated) == ((), ("a", "refuse"))
    runs = read_journal(tmp_path / "dst").runs
    assert [run.started.options["hardlink"] for run in runs] == [False, True]


def test_other_options_make_a_module_out_of_date(tree, migrate, tmp_path):
    root = tree({"a": None, "b": None, "refuse": None})
    migrate(root, call_signature="x")
    later = migrate(root, call_signature="x", options={"b": {"call_signature": "y"}})
    assert [outcome.path for outcome in later.ran] == ["b"]
    assert later.options == {"b": {"call_signature": "y"}}
    file = tmp_path / "options.toml"
    file.write_text("[b]\ncall_signature = 'y'\n[refuse]\ntraining_tags = []\n")
    last = migrate(root, call_signature="x", options=file)
    assert [outcome.path for outcome in last.ran] == ["refuse"]
    started = read_journal(tmp_path / "dst").runs[-1].started.options
    assert started["call_signature"] == "x"
    assert started["rules"][1] == {"pattern": "refuse", "options": {"training_tags": []}}


@pytest.mark.parametrize("dry_run", [False, True])
def test_wrong_options_begin_nothing(dry_run, tree, migrate, tmp_path):
    root = tree({"a": None})
    for options in ({"b": {}}, {"a": {"overwrite": True}}, tmp_path / "gone.toml"):
        with pytest.raises(errors.UsageError):
            migrate(root, options=options, dry_run=dry_run)
    assert not read_journal(tmp_path / "dst").entries


def test_fail_fast_begins_no_more(tree, migrate):
    root = tree({"a_refuse": None, **{f"slow{i}": None for i in range(9)}})
    report = migrate(root, fail_fast=True)
    assert report.interrupted
    assert len(report.not_run) >= 6
    assert "--fail-fast" in report.stopped_because
    assert not migrate(root).not_run


def test_stopping_finishes_what_runs_and_goes_on_later(tree, migrate, tmp_path):
    root = tree({f"slow{i}": None for i in range(6)})
    asked = itertools.count()
    report = migrate(root, stopping=lambda: next(asked) > 2)
    assert report.interrupted
    assert set(types(report).values()) == {Converted}
    assert not read_journal(tmp_path / "dst").unfinished
    assert read_journal(tmp_path / "dst").runs[-1].finished.interrupted
    later = migrate(root)
    assert [o.path for o in later.ran] == list(report.not_run)
    assert later.passed
    written = [place.read_text() for place in (tmp_path / "dst").glob("*/saved_model.pb")]
    assert written == ["."] * 6


class Interrupter:
    """Interrupts at a second start, as a second Ctrl-C would."""

    def __init__(self):
        self.starts = 0

    def planned(self, plan, workers):
        assert len(plan.jobs) == 3
        assert workers == 2

    def started(self, path):
        assert path.startswith("hang")
        self.starts += 1
        if self.starts == 2:
            raise KeyboardInterrupt

    def finished(self, path, outcome):
        raise AssertionError(path, outcome)


def test_an_interrupt_stops_at_once_and_it_goes_on_later(tree, migrate, tmp_path):
    root = tree({"hang0": None, "hang1": None, "hang2": None, "a": None})
    with pytest.raises(StoppedNow) as caught:
        migrate(root, include=["hang*"], watcher=Interrupter())
    assert caught.value.report.not_run == ("hang0", "hang1", "hang2")
    assert caught.value.report.interrupted
    history = read_journal(tmp_path / "dst")
    assert history.unfinished == {"hang0", "hang1"}
    assert history.runs[-1].finished.interrupted
    assert migrate(root, include=["a"]).passed


def test_a_dry_run_writes_nothing_and_says_what_would_be(tree, migrate, tmp_path):
    root = tree({"good": "golden:half_plus_two", "bad": None, "notes/x": "x"})
    report = migrate(root, dry_run=True)
    assert not (tmp_path / "dst").exists()
    assert types(report) == {"bad": Refused, "notes": NotLegacy}
    assert report.not_run == ("good",)
    assert (report.dry_run, report.interrupted, report.passed) == (True, False, False)


def test_a_dry_run_removes_what_killed_workers_had_unpacked(tree, migrate, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    *machine, _, rest = scratch_name().split("-")
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()
    left = tmp_path / "tmp" / "-".join([*machine, str(ended.pid), rest])
    left.mkdir(parents=True)
    migrate(tree({"notes/x": "x"}), dry_run=True)
    assert not left.exists()


def test_a_dry_run_knows_what_was_done(tree, migrate, tmp_path):
    root = tree({"ok": None})
    migrate(root)
    before = journal_path(tmp_path / "dst").read_bytes()
    assert types(migrate(root, dry_run=True)) == {"ok": UpToDate}
    assert journal_path(tmp_path / "dst").read_bytes() == before


def test_two_runs_do_not_share_a_destination(tree, migrate, tmp_path):
    root = tree({"ok": None})
    with (
        locked(tmp_path / "dst/.tf1hub/lock"),
        pytest.raises(errors.DestinationError, match="another migration"),
    ):
        migrate(root)


def test_leftovers_of_a_killed_run_are_swept_and_files_of_users_are_not(tree, migrate, tmp_path):
    left = tmp_path / "dst/.tf1hub/staging/killed/3/new"
    left.mkdir(parents=True)
    (tmp_path / "dst/.ok.abcdefgh/new").mkdir(parents=True)
    migrate(tree({"ok": None}))
    assert not left.exists()
    assert (tmp_path / "dst/.ok.abcdefgh/new").exists()


def test_trees_in_one_another_are_wrong_use(tree, tmp_path):
    root = tree({"dst/a": None})
    for destination in (root, root / "b", tmp_path):
        with pytest.raises(errors.UsageError, match="lie one inside the other"):
            run_module.run_migration(_options(root, destination), None, None)
    assert sorted(p.name for p in root.iterdir()) == ["dst"]


def _options(source, destination):
    from converter.migration.options import Options

    return Options(source_root=source, destination_root=destination)


def test_a_source_that_is_no_tree_leaves_no_trace(migrate, tmp_path):
    with pytest.raises(errors.UsageError):
        migrate(tmp_path / "nowhere")
    assert not (tmp_path / "dst").exists()


def test_a_journal_that_cannot_be_written_ends_the_run_and_space_lets_it_go_on(
    tree, migrate, tmp_path, monkeypatch
):
    root = tree({f"m{i}": None for i in range(4)})
    calls, fsync = itertools.count(), os.fsync

    def fill_up(descriptor):
        if next(calls) > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(errors.DestinationError, match="No space left on device"):
        migrate(root)
    monkeypatch.undo()
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[1]))
    assert migrate(root).passed
    assert read_journal(tmp_path / "dst").damaged_lines == ()


def test_a_full_destination_stops_the_run_and_space_lets_it_go_on(tree, migrate, monkeypatch):
    # The larger one comes first.
    root = tree({"full_and_large": None, **{f"slow{i}": None for i in range(6)}})
    monkeypatch.setattr(State, "explain_unwritable", lambda _: "No space left on device")
    report = migrate(root)
    assert report.stopped_because.endswith("cannot be written: No space left on device")
    assert len(report.not_run) >= 3
    monkeypatch.undo()
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[1]))
    later = migrate(root)
    assert {o.path for o in later.ran} == {"full_and_large", *report.not_run}


def test_a_failure_of_one_destination_does_not_stop_the_run(tree, migrate):
    report = migrate(tree({"full": None, "ok": None}))
    assert (report.stopped_because, report.not_run) == ("", ())
