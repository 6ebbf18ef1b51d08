"""Runs pytest as Bazel runs tests: with its scratch directory, shards, filter and XML file.

The tests run in a copy of the directory that Bazel prepares: all files there are links to places
outside, and the converter refuses modules with such links.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys
from collections.abc import Mapping, Sequence

import pytest


class Shard:
    """Keeps every `total`-th test, from that at `index` on."""

    def __init__(self, index: int, total: int) -> None:
        self._part = slice(index, None, total)

    @pytest.hookimpl(trylast=True)  # After `-m` has made its choice.
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Deselects the tests of all other shards."""
        chosen = items[self._part]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def enter_copy(scratch: pathlib.Path) -> None:
    """Copies the working directory, with its links resolved, and goes there."""
    copy = shutil.copytree(".", scratch / "tree")
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)  # For the processes that tests start.


def main(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs pytest with arguments for it and Bazel's variables; returns 0 if all tests pass."""
    arguments = [*argv, "--rootdir=.", "--config-file=pyproject.toml", "-p", "no:cacheprovider"]
    arguments.append(f"--basetemp={environment['TEST_TMPDIR']}/pytest")
    plugins = []
    if "XML_OUTPUT_FILE" in environment:
        arguments.append(f"--junitxml={environment['XML_OUTPUT_FILE']}")
    if "TESTBRIDGE_TEST_ONLY" in environment:
        arguments += ["-k", environment["TESTBRIDGE_TEST_ONLY"]]
    if "TEST_TOTAL_SHARDS" in environment:
        plugins.append(
            Shard(int(environment["TEST_SHARD_INDEX"]), int(environment["TEST_TOTAL_SHARDS"]))
        )
        pathlib.Path(environment["TEST_SHARD_STATUS_FILE"]).touch()  # Tells Bazel of the support.
    status = pytest.main(arguments, plugins)
    is_part = plugins or "TESTBRIDGE_TEST_ONLY" in environment
    return 0 if status == pytest.ExitCode.NO_TESTS_COLLECTED and is_part else int(status)


if __name__ == "__main__":
    # Tests and their child processes keep to the directory that Bazel cleans up.
    os.environ["TMPDIR"] = os.environ["TEST_TMPDIR"]
    enter_copy(pathlib.Path(os.environ["TEST_TMPDIR"]))
    sys.exit(main(sys.argv[1:], os.environ))
