"""Runs a file of tests with pytest, in the way that Bazel asks of a test.

Bazel says by variables which tests to run (`--test_filter`, `shard_count`), and where to write.
Tests run in a copy of what Bazel lays out: there all files are links to places outside, and the
converter refuses modules with such links.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
from collections.abc import Mapping, Sequence

import pytest


class Shard:
    """Leaves every `total`-th test, beginning with that at `index`.

    Args:
      index: Which part to run.
      total: How many parts there are.
    """

    def __init__(self, index: int, total: int) -> None:
        self._index = index
        self._total = total

    @pytest.hookimpl(trylast=True)  # After `-m` has taken its share.
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Deselects the tests of all other parts."""
        chosen = items[self._index :: self._total]
        others = [item for at, item in enumerate(items) if at % self._total != self._index]
        config.hook.pytest_deselected(items=others)
        items[:] = chosen


def enter_copy(scratch: pathlib.Path) -> None:
    """Copies the working directory, with its links resolved, and goes there."""
    copy = shutil.copytree(".", scratch / "tree")
    os.chdir(copy)
    # What tests start finds the modules here, too.
    os.environ["PYTHONPATH"] = str(copy)


def pytest_arguments(argv: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The arguments for pytest, by those of the test target and Bazel's variables."""
    scratch = pathlib.Path(environment["TEST_TMPDIR"])
    arguments = [
        *argv,
        "--rootdir=.",
        "--config-file=pyproject.toml",
        "-p", "no:cacheprovider",
        f"--basetemp={scratch / 'pytest'}",
    ]  # fmt: skip
    if "XML_OUTPUT_FILE" in environment:
        arguments.append(f"--junitxml={environment['XML_OUTPUT_FILE']}")
    if "TESTBRIDGE_TEST_ONLY" in environment:
        arguments += ["-k", environment["TESTBRIDGE_TEST_ONLY"]]
    return arguments


def make_plugins(environment: Mapping[str, str]) -> list[Shard]:
    """The plugin that runs one part of the tests, if Bazel wants parts."""
    if "TEST_TOTAL_SHARDS" not in environment:
        return []
    if "TEST_SHARD_STATUS_FILE" in environment:
        # So Bazel learns that we know about parts.
        pathlib.Path(environment["TEST_SHARD_STATUS_FILE"]).touch()
    return [Shard(int(environment["TEST_SHARD_INDEX"]), int(environment["TEST_TOTAL_SHARDS"]))]


def is_success(status: int, environment: Mapping[str, str]) -> bool:
    """Whether pytest's exit status is good: no test at all is, where only some were wanted."""
    partial = {"TEST_TOTAL_SHARDS", "TESTBRIDGE_TEST_ONLY"} & environment.keys()
    return status == pytest.ExitCode.OK or (
        status == pytest.ExitCode.NO_TESTS_COLLECTED and bool(partial)
    )


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs pytest; returns 0 if all is well."""
    status = pytest.main(pytest_arguments(argv, environment), make_plugins(environment))
    return 0 if is_success(status, environment) else int(status) or 1


if __name__ == "__main__":
    # Tests and their child processes keep to the directory that Bazel cleans up.
    os.environ["TMPDIR"] = os.environ["TEST_TMPDIR"]
    enter_copy(pathlib.Path(os.environ["TEST_TMPDIR"]))
    sys.exit(main(sys.argv[1:], os.environ))
