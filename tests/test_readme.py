"""The examples print what README and docs/example.md say, and their Python runs."""

import pathlib
import re
import subprocess
import sys

import pytest

from converter.cli import main as cli

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = README + (ROOT / "docs" / "example.md").read_text()
EXAMPLES = re.findall(r"```console\n\$ tf1hub (.*?)\n(.*?)```", PAGES, re.DOTALL)
PYTHON = re.findall(r"```python\n(import tensorflow as tf\n.*?)```", PAGES, re.DOTALL)


@pytest.mark.slow
def test_the_example_is_real(tmp_path):
    (tmp_path / "legacy_fixtures").symlink_to(ROOT / "legacy_fixtures")
    assert [command.split()[0] for command, _ in EXAMPLES] == [
        "convert", "inspect", "convert", "verify",
    ]  # fmt: skip
    for command, expected in EXAMPLES:
        done = subprocess.run(
            [sys.executable, "-m", "converter", *command.split()],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert lines(done.stdout) == lines(expected)
    assert len(PYTHON) == 2
    program = "".join(PYTHON)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)


def lines(text):
    return [line.rstrip() for line in text.rstrip().splitlines()]


def test_readme_is_short_and_names_all_parts():
    assert len(README.splitlines()) <= 150
    for part in ("tf1hub inspect", "tf1hub convert", "tf1hub migrate", "CONTRIBUTING.md"):
        assert part in README


LINKING = [str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))]


@pytest.mark.parametrize("page", sorted(LINKING))
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    for link in links:
        name, _, heading = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        assert not heading or heading in anchors(target), link


def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_command_is_described():
    commands = (ROOT / "docs" / "commands.md").read_text()
    for command in cli.COMMANDS:
        assert f"`tf1hub {command.NAME} " in commands


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
