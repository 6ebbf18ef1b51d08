"""`scripts/verify_migrated`: what it verifies, and when again."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from migration.fake_jobs import migrate_by
from recipes import verify_migrated
from recipes.verify_job import verify_job

import converter
from converter.migration.job import Job
from converter.migration.outcomes import Failed, UpToDate

ROOT = pathlib.Path(__file__).parents[2]
GOLDEN = ROOT / "legacy_fixtures" / "golden"


@pytest.fixture
def migrated(tmp_path, monkeypatch):
    """`migrated(*names)` makes a tree, and migrates it with jobs that need no TensorFlow."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests"))
    monkeypatch.setenv("TF1HUB_TEST_LOG", str(tmp_path / "attempts"))
    monkeypatch.setattr(verify_migrated, "_JOB", "migration.fake_jobs:verify")

    def make(*names):
        for name in names:
            (tmp_path / "src" / name).mkdir(parents=True)
            (tmp_path / "src" / name / "tfhub_module.pb").write_text(name)
        migrate_by("migration.fake_jobs:convert", tmp_path / "src", tmp_path / "dst", workers=1)
        (tmp_path / "attempts").write_text("")
        return str(tmp_path / "dst")

    return make


@pytest.fixture
def verified(tmp_path):
    """`verified()` returns the names of all that were verified since it was last asked."""

    def read():
        lines = (tmp_path / "attempts").read_text().splitlines()
        (tmp_path / "attempts").write_text("")
        return sorted(line.split()[-1] for line in lines)

    return read


def test_all_that_was_converted_is_verified_once(migrated, verified, capsys):
    root = migrated("a", "b/c", "refuse", "tf2")
    assert verify_migrated.main([root]) == 0
    assert verified() == ["a", "b/c"]
    output = capsys.readouterr()
    assert "2 of 2 are equal to their originals." in output.out
    (row,) = [line for line in output.out.splitlines() if "b/c" in line]
    assert row.split() == ["b/c", "3", "2", "0.5", "0.25", "equal"]
    assert "[2/2]" in output.err
    assert verify_migrated.main([root]) == 0
    assert verified() == []
    assert "2 of 2 are equal" in capsys.readouterr().out
    assert verify_migrated.main([root, "--again"]) == 0
    assert verified() == ["a", "b/c"]


def test_what_differs_fails_and_is_verified_again(migrated, verified, capsys):
    root = migrated("a", "differs")
    assert verify_migrated.main([root, "--json"]) == 1
    output = capsys.readouterr()
    modules = {module["path"]: module for module in json.loads(output.out)["modules"]}
    assert modules["a"]["outcome"] == "up_to_date"
    assert modules["differs"]["error"]["message"] == "it differs: x / outputs / y"
    assert verified() == ["a", "differs"]
    assert verify_migrated.main([root]) == 1
    assert "it differs: x / outputs / y" in capsys.readouterr().out
    assert verified() == ["differs"]


def test_what_has_changed_is_verified_again(migrated, verified, tmp_path):
    root = migrated("a", "b", "c")
    assert verify_migrated.main([root]) == 0
    verified()
    (tmp_path / "src/a/tfhub_module.pb").write_text("other")
    (tmp_path / "dst/b/saved_model.pb").write_text("other")
    assert verify_migrated.main([root]) == 0
    assert verified() == ["a", "b"]


def test_a_crash_is_an_outcome_and_a_stopped_run_goes_on(migrated, verified, tmp_path, capsys):
    # The job of a migration crashes on that name, too; so it is renamed in the journal.
    root = migrated("a", "b", "xxxxx")
    journal = tmp_path / "dst/.tf1hub/journal.jsonl"
    journal.write_text(journal.read_text().replace("xxxxx", "crash"))
    assert verify_migrated.main([root]) == 1
    assert "killed by SIGSEGV" in " ".join(capsys.readouterr().out.split())
    state = tmp_path / "dst/.tf1hub/verified.jsonl"
    # As a run leaves it that was killed while it wrote the line of its second module.
    lines = [line for line in state.read_text().splitlines() if '"path": "a"' in line]
    state.write_text("\n".join(lines) + '\n{"key": "b", "outc')
    verified()
    verify_migrated.main([root])
    assert set(verified()) == {"b", "crash"}
    verify_migrated.main([root])
    assert set(verified()) == {"crash"}


def test_originals_and_state_may_be_elsewhere(migrated, verified, tmp_path):
    root = migrated("a")
    shutil.move(tmp_path / "src", tmp_path / "there")
    options = ["--source-root", str(tmp_path / "there"), "--state", str(tmp_path / "state")]
    assert verify_migrated.main([root, *options]) == 0
    assert verified() == ["a"]
    assert (tmp_path / "state").is_file()
    assert not (tmp_path / "dst/.tf1hub/verified.jsonl").exists()


def test_an_interrupt_stops_it_and_it_goes_on_later(migrated, verified, capsys, monkeypatch):
    root, say = migrated("a", "b"), verify_migrated.terminal.say_step

    def interrupt(text):
        say(text)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(verify_migrated.terminal, "say_step", interrupt)
        assert verify_migrated.main([root, "--workers", "1"]) == 1
    assert "Run it again to resume it." in capsys.readouterr().err
    first = verified()
    assert verify_migrated.main([root]) == 0
    # One has its line; another may have begun before it was stopped.
    assert 1 <= len(verified()) <= 2
    assert first[0] == "a"


def test_wrong_use(tmp_path, capsys, migrated):
    assert verify_migrated.main([str(tmp_path)]) == 2
    assert "names no SavedModel" in capsys.readouterr().err
    assert verify_migrated.main([migrated("a"), "--state", str(tmp_path / "no/state")]) == 1
    assert "--state" in capsys.readouterr().err


def test_help():
    environment = {"PATH": f"{pathlib.Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run(
        [ROOT / "scripts/verify_migrated", "--help"], capture_output=True, text=True, check=True,
        env=environment,
    )  # fmt: skip
    assert "--source-root" in done.stdout


@pytest.fixture
def make_job(tmp_path):
    def make(fixture="half_plus_two"):
        source, destination = GOLDEN / fixture / "module", tmp_path / fixture
        converter.convert(source, destination)
        return Job(
            path=fixture, source=str(source), destination=str(destination), staging="",
            parity_report="",
        )  # fmt: skip

    return make


def test_a_module_that_cannot_be_compared_has_failed(make_job):
    job = make_job()
    shutil.rmtree(job.destination)
    outcome = verify_job(job)
    assert isinstance(outcome, Failed)
    assert outcome.error.kind == "ParityError"


@pytest.mark.slow
def test_a_real_one_is_equal_and_a_damaged_one_is_not(make_job):
    job = make_job()
    outcome = verify_job(job)
    assert isinstance(outcome, UpToDate)
    assert outcome.parity.tensors == outcome.parity.bit_equal > 0
    other = make_job("image_bn_dropout")
    shutil.rmtree(job.destination)
    shutil.copytree(other.destination, job.destination)
    assert isinstance(verify_job(job), Failed)


@pytest.mark.slow
def test_the_script_verifies_a_migrated_tree(tmp_path):
    for name in ("half_plus_two", "table_file"):
        shutil.copytree(GOLDEN / name / "module", tmp_path / "src" / name)
    assert converter.migrate(tmp_path / "src", tmp_path / "dst", workers=1).passed
    environment = {
        **os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(
        [ROOT / "scripts/verify_migrated", str(tmp_path / "dst")], capture_output=True, text=True,
        env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 of 2 are equal" in done.stdout
