import json
import pathlib
import platform
import subprocess
import sys

from bazel import describe_environment


def test_versions_of_what_is_there_and_names_of_what_is_not():
    described = describe_environment.describe(["pytest", "no-such-package"])
    assert described["interpreter"] == sys.executable
    python, pytest_version = described["versions"]
    assert python == f"python=={platform.python_version()}"
    assert pytest_version.startswith("pytest==")
    assert described["missing"] == ["no-such-package"]


def test_the_program_prints_one_json_document():
    finished = subprocess.run(
        [sys.executable, describe_environment.__file__, "numpy"],
        capture_output=True, text=True, check=True, cwd=pathlib.Path("/"),
    )  # fmt: skip
    assert json.loads(finished.stdout) == describe_environment.describe(["numpy"])
