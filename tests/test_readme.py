"""README's example prints what README says, and its Python runs."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```console\n\$ tf1hub (.*?)\n(.*?)```", README, re.DOTALL)
PYTHON = re.findall(r"```python\n(import tensorflow as tf\n.*?)```", README, re.DOTALL)


@pytest.mark.slow
def test_the_example_is_real(tmp_path):
    (tmp_path / "legacy_fixtures").symlink_to(ROOT / "legacy_fixtures")
    assert [command.split()[0] for command, _ in EXAMPLES] == ["inspect", "convert", "verify"]
    for command, expected in EXAMPLES:
        done = subprocess.run(
            [sys.executable, "-m", "converter", *command.split()],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert lines(done.stdout) == lines(expected)
    assert len(PYTHON) == 1
    subprocess.run([sys.executable, "-c", PYTHON[0]], cwd=tmp_path, check=True, capture_output=True)


def lines(text):
    return [line.rstrip() for line in text.rstrip().splitlines()]


def test_the_project_names_its_parts():
    for part in ("tf1hub inspect", "tf1hub convert", "tf1hub verify", "CONTRIBUTING.md"):
        assert part in README


def test_the_test_command_needs_no_package_of_another_extra():
    """All tests are collected by it, those for a browser included."""
    program = (
        "import sys, pytest; sys.modules['playwright'] = None;"
        "sys.exit(pytest.main(['--collect-only', '-q', '-p', 'no:cacheprovider', 'tests/browser']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout
    assert "deselected" in done.stdout
