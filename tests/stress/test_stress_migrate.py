"""Migrations under stress, in small; `scripts/stress_migrate` does the same in full. `-s` tells."""

import pathlib
import subprocess
import sys

import pytest
from stress_migration import bad_modules, command, disks, kills, trials

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def _as_root():
    if not disks.can_mount():
        pytest.skip("it needs the right to mount a disk")


@pytest.fixture
def say(capsys):
    def call(text):
        with capsys.disabled():
            sys.stdout.write(f"\n  {text}\n")

    return call


@pytest.mark.slow
def test_bad_modules_cost_the_others_nothing(tmp_path, say):
    say(bad_modules.run(modules=40, workers=2, timeout_secs=45.0, scratch=tmp_path))


@pytest.mark.slow
def test_a_run_may_be_killed_at_any_moment(tmp_path, say):
    say(kills.run(modules=45, kills=5, seed=3, scratch=tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("_as_root")
def test_a_full_disk_is_an_error_and_space_lets_it_go_on(tmp_path, say):
    say(disks.fill(modules=12, scratch=tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("_as_root")
def test_a_read_only_disk_is_an_error_and_it_goes_on_later(tmp_path, say):
    say(disks.lock(modules=6, scratch=tmp_path))


# The trials see what they are for.


def test_a_digest_sees_names_and_contents(tmp_path):
    (tmp_path / "a").mkdir()
    found = set()
    for name, content in [("x", "1"), ("x", "2"), ("y", "1")]:
        (tmp_path / "a" / name).write_text(content)
        found.add(trials.digest(tmp_path / "a"))
        (tmp_path / "a" / name).unlink()
    assert len(found) == 3
    assert trials.digests(tmp_path, ["a", "b"]).keys() == {"a"}


def test_an_output_that_is_torn_or_written_again_is_seen(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/saved_model.pb").write_text("whole")
    expected, seen = trials.digests(tmp_path, ["a"]), {}
    kills._check_outputs(tmp_path, ["a"], expected, seen)
    assert seen.keys() == {"a"}
    (tmp_path / "a/saved_model.pb").write_text("who")
    with pytest.raises(AssertionError, match="a is torn"):
        kills._check_outputs(tmp_path, ["a"], expected, seen)
    (tmp_path / "a/new").write_text("whole")
    (tmp_path / "a/new").rename(tmp_path / "a/saved_model.pb")
    with pytest.raises(AssertionError, match="a was written again"):
        kills._check_outputs(tmp_path, ["a"], expected, seen)


@pytest.mark.slow
def test_an_output_that_does_not_load_is_seen(tmp_path):
    with pytest.raises(AssertionError, match="does not exist"):
        trials.load_all(tmp_path, ["a"])


def test_the_pace_is_that_of_the_jobs():
    pace = bad_modules.Pace(2, 100, seconds=60.0, process_seconds=61.0, job_seconds=100.0)
    assert pace.overhead == pytest.approx(0.2)
    assert "100.0 modules a minute" in pace.to_text()


# The command.


@pytest.mark.parametrize("options", [["--only", "speed"], ["--workers", "1,x"], ["--kills", "0"]])
def test_wrong_options_are_refused(options):
    with pytest.raises(SystemExit, match="2"):
        command.main(options)


def test_what_fails_is_told_and_decides_about_the_status(monkeypatch, capsys):
    def fail(*_):
        raise AssertionError("x is torn")

    monkeypatch.setattr(kills, "run", fail)
    monkeypatch.setattr(bad_modules, "run", lambda *arguments: f"fine {arguments[1]}")
    monkeypatch.setattr(bad_modules, "run_sound", lambda *arguments: f"sound {arguments[1]}")
    assert command.main(["--only", "pace,modules", "--workers", "1,2"]) == 0
    assert command.main(["--only", "kills,modules"]) == 1
    output = capsys.readouterr().out
    for words in ("sound 1", "sound 2", "fine 1", "fine 2", "kills (0 s): FAILED: x is torn"):
        assert words in output


def test_help_needs_no_tensorflow():
    done = subprocess.run(
        [str(ROOT / "scripts/stress_migrate"), "--help"], capture_output=True, text=True,
        check=True, env={"PATH": f"{pathlib.Path(sys.executable).parent}:/usr/bin:/bin"},
    )  # fmt: skip
    assert "kill -9" in done.stdout
