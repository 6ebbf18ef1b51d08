"""Standard files that are closed, full, or read by nobody; seen from outside."""

import os
import pathlib
import subprocess
import sys

import pytest

from converter.cli import standard_files

_FULL = pathlib.Path("/dev/full")


def run(redirections, *arguments):
    """Runs a command with the redirections of a shell; returns the status and stderr."""
    words = [sys.executable, "-m", "converter", *map(str, arguments)]
    finished = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"$@" {redirections}', "bash", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return finished.returncode, finished.stderr


@pytest.mark.parametrize("arguments", [["explain", "pkg_resources"], ["--help"]])
def test_an_output_that_cannot_be_written_is_said_in_one_line(arguments):
    places = {">&-": "it is closed"}
    if _FULL.exists():
        places[f">{_FULL}"] = "No space left on device"
    for redirection, problem in places.items():
        assert run(redirection, *arguments) == (
            1, f"tf1hub: error: the standard output cannot be written: {problem}.\n",
        )  # fmt: skip


def test_closed_files_are_no_trouble():
    assert run("2>&- <&-", "explain", "pkg_resources") == (0, "")
    assert run("2>&- <&-", "explain", "qwertz yxcvb") == (1, "")
    assert run("<&-", "explain", "-")[0] == 2


@pytest.mark.parametrize(("text", "status"), [("pkg_resources", 0), ("qwertz yxcvb", 1)])
def test_the_status_is_that_of_the_command_whoever_reads_its_output(text, status):
    # Written when all is done: `true` has left long before.
    assert run("| true", "explain", "--json", text)[0] == status


@pytest.mark.skipif(not _FULL.exists(), reason="there is no /dev/full")
def test_a_command_in_a_process_of_its_own_says_it_once(golden_module):
    status, said = run(f">{_FULL}", "inspect", golden_module("half_plus_two"))
    assert (status, said.count("\n"), "No space left" in said) == (1, 1, True)


def test_what_was_written_before_nobody_read_is_whole():
    reader, writer = os.pipe()
    stream = standard_files.accepting(None, writer)
    stream.write("ä\n")
    stream.flush()
    assert os.read(reader, 9) == "ä\n".encode()
    os.close(reader)
    print("x" * 99_999, file=stream, flush=True)
    assert isinstance(stream.buffer.raw.problem, BrokenPipeError)
    print("y", file=stream, flush=True)
    stream.close()
    os.close(writer)
