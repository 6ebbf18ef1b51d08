import pathlib
import re
import subprocess
import sys
import tempfile

import pytest

from bazel import pytest_main

TESTS = """
import os, pathlib, tempfile
import pytest

@pytest.mark.parametrize("n", range(5))
def test_n(n, tmp_path):
    assert tmp_path.is_relative_to(os.environ["TEST_TMPDIR"])
    assert tempfile.gettempdir() == os.environ["TEST_TMPDIR"]

    here = pathlib.Path(__file__)
    assert not here.is_symlink()
    assert here.parent != pathlib.Path({root!r}, "runfiles")
    assert os.environ["PYTHONPATH"] == str(here.parent)

@pytest.mark.slow
def test_slow():
    assert False
"""


@pytest.fixture
def run(tmp_path):
    """`run(*argv, **variables)` runs the program as Bazel does; returns its status and output."""
    runfiles = tmp_path / "runfiles"
    runfiles.mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = ["-m", "not slow"]\nmarkers = ["slow"]\n'
    )
    (tmp_path / "test_it.py").write_text(TESTS.format(root=str(tmp_path)))
    for name in ("pyproject.toml", "test_it.py"):
        (runfiles / name).symlink_to(tmp_path / name)

    def call(*argv, **variables):
        scratch = pathlib.Path(tempfile.mkdtemp(dir=tmp_path))
        environment = {"TEST_TMPDIR": str(scratch), "PATH": "", **variables}
        done = subprocess.run(
            [sys.executable, pytest_main.__file__, "test_it.py", *argv],
            cwd=runfiles, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    return call


def test_it_runs_what_is_not_slow_in_the_directory_for_scratch(run):
    status, output = run()
    assert status == 0, output
    assert "5 passed, 1 deselected" in output


def test_the_last_marker_counts_and_failures_are_told(run):
    status, output = run("-m", "slow")
    assert status == 1
    assert "1 failed, 5 deselected" in output


def test_shards_are_told_apart_and_bazel_is_told_of_them(run, tmp_path):
    seen = []
    for index in range(2):
        status, output = run(
            "-v",
            TEST_TOTAL_SHARDS="2",
            TEST_SHARD_INDEX=str(index),
            TEST_SHARD_STATUS_FILE=str(tmp_path / f"status{index}"),
        )
        assert status == 0, output
        assert (tmp_path / f"status{index}").exists()
        seen.append(re.findall(r"::test_n\[(\d)\] PASSED", output))
    assert seen == [["0", "2", "4"], ["1", "3"]]


def test_an_empty_shard_passes(run):
    status, _ = run(TEST_TOTAL_SHARDS="9", TEST_SHARD_INDEX="8")
    assert status == 0


def test_a_filter_chooses(run):
    status, output = run(TESTBRIDGE_TEST_ONLY="n and 3")
    assert status == 0
    assert "1 passed, 5 deselected" in output
    assert run(TESTBRIDGE_TEST_ONLY="nothing")[0] == 0


def test_no_tests_at_all_fail(run):
    assert run("-m", "no_such_marker")[0] == pytest.ExitCode.NO_TESTS_COLLECTED


def test_results_are_written_where_bazel_wants_them(run, tmp_path):
    run(XML_OUTPUT_FILE=str(tmp_path / "test.xml"))
    assert 'tests="5"' in pathlib.Path(tmp_path / "test.xml").read_text()
