"""The script that draws README's pictures works."""

import pytest
from pictures.command import main

pytestmark = pytest.mark.browser


def test_pictures_are_drawn(tmp_path):
    assert main(["--output", str(tmp_path)]) == 0
    terminal = (tmp_path / "terminal.svg").read_text()
    assert terminal.startswith("<svg ")
    assert "bit&#160;for&#160;bit" in terminal
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
