"""The journal: what is appended is read, and no damage keeps a run from going on."""

import errno
import json
import math
import os

import msgspec
import pytest

from converter import errors
from converter.files.json_values import to_json_values
from converter.migration.journal import (
    History,
    JobFinished,
    JobStarted,
    Journal,
    Run,
    RunFinished,
    RunStarted,
    journal_path,
    read_journal,
)
from converter.migration.outcomes import Converted, ErrorInfo, Refused, TimedOut
from converter.migration.output_digests import OutputDigests

BEGIN = RunStarted(run="r1", time=1.0, converter="0.1.0", source_root="/src", options={"a": [1]})
END = RunFinished(run="r1", time=9.0, counts={"refused": 1}, interrupted=False)


def started(path, run="r1"):
    return JobStarted(run=run, time=2.0, path=path)


def finished(path, message="no", run="r1"):
    return JobFinished(
        run=run,
        time=3.0,
        outcome=Refused(
            path=path, source=f"/src/{path}", destination=f"/dst/{path}",
            error=ErrorInfo(kind="FormatError", message=message),
        ),
        source_stat_digest="s",
        destination_stat_digest=None,
        fingerprint="f",
        converter="0.1.0",
    )  # fmt: skip


def write(root, *events):
    with Journal(root) as journal:
        for event in events:
            journal.append(event)


def test_no_journal_is_an_empty_history(tmp_path):
    assert read_journal(tmp_path) == History()
    assert list(tmp_path.iterdir()) == []


def test_what_is_appended_is_read(tmp_path):
    write(tmp_path, BEGIN, started("a"), finished("a"), started("ä"), END)
    history = read_journal(tmp_path)
    assert history.runs == (Run(BEGIN, END, 9.0),)
    assert history.runs[0].seconds == 8.0
    assert history.entries == {"a": finished("a")}
    assert history.outcomes == (finished("a").outcome,)
    assert history.unfinished == {"ä"}
    assert history.damaged_lines == ()


def test_the_last_outcome_counts_and_a_second_run_adds_to_the_first(tmp_path):
    write(tmp_path, BEGIN, started("a"), finished("a", "first"))
    second = msgspec.structs.replace(BEGIN, run="r2", time=20.0)
    write(tmp_path, second, started("a", "r2"), finished("a", "second", "r2"))
    history = read_journal(tmp_path)
    assert [run.started.run for run in history.runs] == ["r1", "r2"]
    assert history.runs[0].finished is None
    assert history.entries["a"].outcome.error.message == "second"
    assert not history.unfinished


def converted(path, target):
    outcome = Converted(
        path=path, source=f"/src/{path}", destination=f"/dst/{target}", destination_bytes=1,
        record=f"/dst/{target}/assets.extra/conversion.json",
    )  # fmt: skip
    return msgspec.structs.replace(finished(path), outcome=outcome)


def test_of_an_archive_that_was_unpacked_later_the_directory_counts(tmp_path):
    write(tmp_path, BEGIN, converted("a.tgz", "a"), converted("b.zip", "b"), finished("c.tar"))
    write(tmp_path, converted("a", "a"), finished("b"), converted("c", "c"))
    # What failed has not taken the place of anything, and stays with its reason.
    assert set(read_journal(tmp_path).entries) == {"a", "b.zip", "b", "c.tar", "c"}
    write(tmp_path, converted("a.tgz", "a"))
    assert set(read_journal(tmp_path).entries) == {"a.tgz", "b.zip", "b", "c.tar", "c"}


def test_what_was_last_written_is_known_unless_a_job_was_lost(tmp_path):
    def wrote(path, target, digest):
        event = converted(path, target)
        written = OutputDigests(model=digest, record="r")
        outcome = msgspec.structs.replace(event.outcome, written=written)
        return msgspec.structs.replace(event, outcome=outcome)

    def known():
        return {target: d.model for target, d in read_journal(tmp_path).written.items()}

    write(tmp_path, BEGIN, started("a"), wrote("a", "a", "1"), wrote("b.zip", "b", "2"))
    write(tmp_path, converted("c", "c"))
    assert known() == {"a": "1", "b": "2"}
    # A module that is refused now has left its output alone.
    write(tmp_path, started("a"), finished("a"), finished("b"))
    assert known() == {"a": "1", "b": "2"}
    write(tmp_path, started("b"))
    assert known() == {"a": "1"}
    write(tmp_path, started("b"), finished("b"))
    assert known() == {"a": "1"}
    slow = TimedOut(
        path="a", source="", destination="", limit_secs=1.0,
        error=ErrorInfo(kind="TimedOut", message="slow"),
    )  # fmt: skip
    write(tmp_path, started("a"), msgspec.structs.replace(finished("a"), outcome=slow))
    assert known() == {}
    write(tmp_path, started("b"), wrote("b", "b", "3"))
    assert known() == {"b": "3"}


def test_a_line_torn_anywhere_is_ignored_and_cut_off(tmp_path):
    write(tmp_path, BEGIN, finished("a"))
    path = journal_path(tmp_path)
    whole = path.read_bytes()
    last = whole.rfind(b"\n", 0, -1) + 1
    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        assert read_journal(tmp_path).entries == {}
        write(tmp_path, finished("b"))
        history = read_journal(tmp_path)
        assert list(history.entries) == ["b"]
        assert history.damaged_lines == ()


def test_a_damaged_line_in_the_middle_costs_its_own_event_only(tmp_path):
    write(tmp_path, BEGIN, finished("a"), finished("b"))
    path = journal_path(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1:2] = [
        b"\0\0\xff\n", b"[]\n", b'{"v": 1, "event": "job_started"}\n', b"[" * 99_999 + b"\n"
    ]  # fmt: skip
    path.write_bytes(b"".join(lines))
    history = read_journal(tmp_path)
    assert list(history.entries) == ["b"]
    assert [line.number for line in history.damaged_lines] == [2, 3, 4, 5]
    assert [line.problem.partition(":")[0] for line in history.damaged_lines] == [
        "it is not valid JSON",
        "expected `object`, got `array`",
        "object missing required field `run`",
        "it is not valid JSON",
    ]


def test_a_journal_of_version_0_1_is_read(tmp_path):
    """Of before snapshots had that name, and without a verdict; the path is not Unicode."""
    path = journal_path(tmp_path)
    path.parent.mkdir()
    path.write_bytes(
        b'{"v": 1, "event": "run_started", "run": "r", "time": 1.5, "converter": "0.1.0",'
        b' "source_root": "/src", "options": {"verify": true, "globs": {"include": ["a"]}}}\n'
        b'{"v": 1, "event": "job_started", "run": "r", "time": 2, "path": "a\xed\xb3\xbf"}\n'
        b'{"v": 1, "event": "job_finished", "run": "r", "time": 9.5, "outcome": {"outcome":'
        b' "converted", "path": "a\xed\xb3\xbf", "source": "/src/a", "destination": "/dst/a",'
        b' "seconds": 6.25, "attempts": 1, "started": 2.25, "worker": "host:7", "source_digest":'
        b' "d", "source_bytes": 10, "warnings": ["Careful."], "destination_bytes": 11, "record":'
        b' "/dst/a/assets.extra/conversion.json", "parity": {"passed": true, "tensors": 3,'
        b' "bit_equal": 2, "worst_abs": 0.5, "worst_rel": "inf"}, "parity_report": null},'
        b' "source_signature": "s", "destination_signature": "t", "fingerprint": "{}",'
        b' "converter": "0.1.0"}\n'
        b'{"v": 1, "event": "run_finished", "run": "r", "time": 10.0, "counts": {"converted": 1},'
        b' "interrupted": false}\n'
    )
    history = read_journal(tmp_path)
    assert history.damaged_lines == ()
    assert history.runs[0].finished.counts == {"converted": 1}
    entry = history.entries["a\udcff"]
    assert (entry.source_stat_digest, entry.destination_stat_digest) == ("s", "t")
    assert entry.outcome.warnings == ("Careful.",)
    assert (entry.outcome.parity.verdict, entry.outcome.parity.worst_rel) == ("equal", math.inf)
    before = path.read_bytes().splitlines()
    write(tmp_path, entry)
    after = path.read_bytes().splitlines()[-1]
    assert set(json.loads(after)) == set(json.loads(before[2]))


@pytest.mark.parametrize("name", [["a"], {}, 1, None])
def test_what_is_named_by_no_text_is_damaged(name, tmp_path):
    outcome = {**to_json_values(finished("a").outcome), "path": name}
    damaged = (
        to_json_values(started("a")) | {"path": name},
        to_json_values(started("a")) | {"run": name},
        to_json_values(finished("a")) | {"outcome": outcome},
    )
    write(tmp_path, BEGIN)
    with journal_path(tmp_path).open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in damaged)
    history = read_journal(tmp_path)
    assert [line.number for line in history.damaged_lines] == [2, 3, 4]
    assert [line.problem.rpartition(" at ")[2] for line in history.damaged_lines] == [
        "`path`", "`run`", "`outcome.path`",
    ]  # fmt: skip
    assert not history.entries
    assert not history.unfinished


def test_an_event_of_another_name_is_ignored(tmp_path):
    write(tmp_path, BEGIN)
    with journal_path(tmp_path).open("a") as file:
        file.write('{"v": 1, "event": "coffee"}\n')
    assert read_journal(tmp_path).damaged_lines == ()


def test_a_later_schema_is_refused(tmp_path):
    write(tmp_path, BEGIN)
    with journal_path(tmp_path).open("a") as file:
        file.write('{"v": 2, "event": "coffee"}\n')
    with pytest.raises(errors.DestinationError, match="schema version 2"):
        read_journal(tmp_path)


def test_every_line_is_one_json_document_with_a_version(tmp_path):
    with Journal(tmp_path) as journal:
        journal.append(BEGIN, finished("a"))
        journal.append()
        lines = journal_path(tmp_path).read_text().splitlines()
    assert [json.loads(line)["v"] for line in lines] == [1, 1]


def test_a_full_disk_leaves_no_part_of_an_event(tmp_path, monkeypatch):
    with Journal(tmp_path) as journal:
        journal.append(BEGIN)
        monkeypatch.setattr(os, "fsync", _no_space)
        with pytest.raises(errors.DestinationError, match="No space left"):
            journal.append(finished("a"))
        monkeypatch.undo()
        journal.append(finished("b"))
    assert list(read_journal(tmp_path).entries) == ["b"]


def _no_space(descriptor):
    assert descriptor >= 0
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / ".tf1hub").write_text("a file")
    with pytest.raises(errors.DestinationError, match="cannot be written"):
        Journal(tmp_path)
