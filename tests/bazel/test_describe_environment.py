import json
import platform
import subprocess
import sys

from bazel import describe_environment


def test_it_prints_the_versions_of_what_is_installed_and_the_names_of_what_is_not():
    command = [sys.executable, describe_environment.__file__, "pytest", "no-such-package"]
    described = json.loads(subprocess.check_output(command, cwd="/"))
    assert described["interpreter"] == sys.executable
    python, pytest_version = described["versions"]
    assert python == f"python=={platform.python_version()}"
    assert pytest_version.startswith("pytest==")
    assert described["missing"] == ["no-such-package"]
