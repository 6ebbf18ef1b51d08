"""The hidden folder in DST_ROOT."""

import errno
import os
import shutil
import tempfile

import pytest

from converter import errors
from converter.migration.state import State


def test_sweeping_takes_what_runs_staged_and_nothing_else(tmp_path):
    state = State(tmp_path)
    state.make("run1")
    (state.staging("run1") / "0").mkdir()
    (state.staging("run1") / "0" / "file").write_text("x")
    (tmp_path / ".a.abcdefgh" / "new").mkdir(parents=True)
    state.parity_report("a/b").parent.mkdir(parents=True)
    state.parity_report("a/b").write_text("{}")
    (state.folder / "swept/half").mkdir(parents=True)
    state.sweep()
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a.abcdefgh", ".tf1hub"]
    assert [p.name for p in state.folder.iterdir()] == ["parity"]


def test_what_is_swept_is_out_of_the_way_before_any_of_it_is_removed(tmp_path, monkeypatch):
    state = State(tmp_path)
    state.make("run1")
    seen = []
    monkeypatch.setattr(
        shutil, "rmtree", lambda *_, **__: seen.append(state.staging("run1").exists())
    )
    state.sweep()
    assert seen == [True, False]


def test_comparisons_of_names_that_look_alike_are_kept_apart(tmp_path):
    paths = [State(tmp_path).parity_report(name) for name in ("a", "a.json", "a.json/b", "b/a")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(path))
    assert [path.read_text() for path in paths] == [str(path) for path in paths]


def test_sweeping_nothing_does_nothing(tmp_path):
    State(tmp_path / "nowhere").sweep()
    assert not (tmp_path / "nowhere").exists()


def test_a_place_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(errors.DestinationError, match="cannot be written: Not a directory"):
        State(tmp_path / "file").make("run1")


def test_it_says_why_nothing_can_be_written(tmp_path, monkeypatch):
    state = State(tmp_path)
    state.make("run1")
    assert state.explain_unwritable() == ""

    def full(**_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert state.explain_unwritable() == "No space left on device"
