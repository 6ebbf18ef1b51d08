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
    (tmp_path / "runfiles").mkdir()
    settings = 'addopts = ["-m", "not slow"]\nmarkers = ["slow"]\n'
    (tmp_path / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{settings}")
    (tmp_path / "test_it.py").write_text(TESTS.format(root=str(tmp_path)))
    for name in ("pyproject.toml", "test_it.py"):
        (tmp_path / "runfiles" / name).symlink_to(tmp_path / name)

    def call(*argv, **variables):
        environment = {"TEST_TMPDIR": tempfile.mkdtemp(dir=tmp_path), "PATH": "", **variables}
        done = subprocess.run(
            [sys.executable, pytest_main.__file__, "test_it.py", *argv],
            cwd=tmp_path / "runfiles", env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    return call


def test_it_runs_a_copy_in_the_scratch_directory_and_writes_the_results(run, tmp_path):
    status, output = run(XML_OUTPUT_FILE=str(tmp_path / "test.xml"))
    assert status == 0, output
    assert "5 passed, 1 deselected" in output
    assert 'tests="5"' in (tmp_path / "test.xml").read_text()


def test_the_last_marker_counts_and_failures_are_reported(run):
    status, output = run("-m", "slow")
    assert status == 1
    assert "1 failed, 5 deselected" in output
    assert run("-m", "no_such_marker")[0] == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    ("index", "total", "chosen"), [(0, 3, ["0", "3"]), (2, 3, ["2"]), (8, 9, [])]
)
def test_shards_share_the_tests_and_bazel_learns_of_them(run, tmp_path, index, total, chosen):
    shard = {"TEST_TOTAL_SHARDS": str(total), "TEST_SHARD_INDEX": str(index)}
    status, output = run("-v", TEST_SHARD_STATUS_FILE=str(tmp_path / "status"), **shard)
    assert status == 0, output
    assert re.findall(r"::test_n\[(\d)\] PASSED", output) == chosen
    assert (tmp_path / "status").exists()


def test_a_filter_chooses(run):
    status, output = run(TESTBRIDGE_TEST_ONLY="n and 3")
    assert status == 0
    assert "1 passed, 5 deselected" in output
    assert run(TESTBRIDGE_TEST_ONLY="nothing")[0] == 0
