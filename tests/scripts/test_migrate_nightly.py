"""`scripts/migrate_nightly`: what it keeps, says and returns."""

import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
from recipes import nightly

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "migrate_nightly"


@pytest.fixture
def run(tmp_path):
    """`run(*options)` migrates `tmp_path / "src"` and returns the exit status."""
    (tmp_path / "src/docs").mkdir(parents=True)
    # Nothing of this needs a worker, and so TensorFlow.
    (tmp_path / "src/docs/README").write_text("x")

    def call(*options, source="src"):
        return nightly.main(
            [str(tmp_path / source), str(tmp_path / "dst"), "--logs", str(tmp_path / "logs"),
             *options]
        )  # fmt: skip

    return call


def names(tmp_path, end):
    return sorted(path.name for path in (tmp_path / "logs").glob(f"*.{end}"))


def test_a_run_leaves_a_log_and_a_report_and_prints_a_line(run, tmp_path, capsys):
    assert run() == 0
    (log,), (report,) = names(tmp_path, "log"), names(tmp_path, "run.json")
    assert json.loads((tmp_path / "logs" / report).read_text())["counts"]["not_legacy"] == 1
    assert "docs: skipped" in (tmp_path / "logs" / log).read_text()
    output = capsys.readouterr()
    assert output.out.count("\n") == 1
    (page,) = (tmp_path / "logs").glob("*.html")
    assert f": 1 not legacy ({page})" in output.out
    assert output.err == ""
    assert page.read_text().startswith("<!doctype html>")
    assert page.with_suffix(".csv").is_file()


def test_a_page_that_cannot_be_written_is_a_failure(run, capsys, monkeypatch):
    monkeypatch.setattr(nightly, "_write_page", lambda *_: False)
    assert run() == 1
    output = capsys.readouterr()
    assert ": 1 not legacy" in output.out
    assert "html was not written (see " in output.err


def test_what_follows_two_dashes_is_for_migrate(run, tmp_path):
    assert run("--", "--dry-run", "--exclude", "x") == 0
    (report,) = names(tmp_path, "run.json")
    assert json.loads((tmp_path / "logs" / report).read_text())["dry_run"]
    assert not (tmp_path / "dst").exists()
    assert not names(tmp_path, "html")


def test_nothing_found_is_a_failure(run, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert run(source="empty") == 1
    assert "is it mounted?" in capsys.readouterr().err


def test_a_required_file_that_is_missing_is_a_failure_before_anything_runs(run, tmp_path, capsys):
    assert run("--require", "docs/README", "--require", "MANIFEST") == 1
    assert "MANIFEST is missing: is the tree mounted?" in capsys.readouterr().err
    assert not (tmp_path / "logs").exists()
    assert run("--require", "docs/README") == 0


def test_a_run_that_is_still_going_on_is_not_disturbed(run, tmp_path, capsys):
    (tmp_path / "logs").mkdir()
    with (tmp_path / "logs/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run() == 3
    assert "another run still writes" in capsys.readouterr().err
    assert names(tmp_path, "log") == []
    assert run() == 0


def test_wrong_use_has_its_status_and_the_reason(run, tmp_path, capsys):
    assert run(source="nowhere") == 2
    assert "nowhere is not a directory" in capsys.readouterr().err
    assert not names(tmp_path, "html")
    assert len(names(tmp_path, "log")) == 1


def test_logs_that_cannot_be_written_are_an_error(run, tmp_path, capsys):
    (tmp_path / "logs").write_text("x")
    assert run() == 1
    assert "cannot be written" in capsys.readouterr().err


def test_the_last_runs_are_kept(run, tmp_path):
    (tmp_path / "logs").mkdir()
    for day in range(1, 6):
        for end in ("log", "run.json", "html"):
            (tmp_path / f"logs/2026-01-0{day}T00-00-00Z.{end}").touch()
    (tmp_path / "logs/notes.log").touch()
    assert run("--keep", "3") == 0
    for end in ("log", "run.json", "html"):
        dated = [name for name in names(tmp_path, end) if name != "notes.log"]
        assert len(dated) == 3
        assert dated[:2] == [f"2026-01-04T00-00-00Z.{end}", f"2026-01-05T00-00-00Z.{end}"]
    assert "notes.log" in names(tmp_path, "log")


def test_help_and_wrong_options():
    environment = {"PATH": f"{pathlib.Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0
    assert "--require" in done.stdout
    done = subprocess.run([SCRIPT, "a"], capture_output=True, text=True, env=environment)
    assert done.returncode == 2


@pytest.mark.slow
def test_a_sigterm_lets_it_finish_and_the_next_night_goes_on(tmp_path):
    for name in ("half_plus_two", "dtypes_flags", "no_variables", "image_bn_dropout", "elmo"):
        module = ROOT / "legacy_fixtures/golden" / name / "module"
        shutil.copytree(module, tmp_path / "src" / name)
    command = [
        SCRIPT, str(tmp_path / "src"), str(tmp_path / "dst"), "--logs", str(tmp_path / "logs"),
        "--", "--workers", "1",
    ]  # fmt: skip
    environment = {
        **os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    first = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    journal = tmp_path / "dst/.tf1hub/journal.jsonl"
    while not (journal.exists() and b'"job_finished"' in journal.read_bytes()):
        assert first.poll() is None
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    output, _ = first.communicate()
    assert first.returncode == 128 + signal.SIGTERM
    assert " not run (" in output
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "up to date" in done.stdout
    assert "not run" not in done.stdout
