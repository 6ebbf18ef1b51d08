"""The script that draws README's pictures works."""

import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.browser

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "draw_pictures"


def test_pictures_are_drawn(tmp_path):
    # In a process of its own: playwright runs once in each.
    subprocess.run([sys.executable, SCRIPT, "--output", tmp_path], check=True)
    terminal = (tmp_path / "terminal.svg").read_text()
    assert terminal.startswith("<svg ")
    assert "bit&#160;for&#160;bit" in terminal
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
