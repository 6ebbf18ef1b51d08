"""The picture of the architecture shows the imports, those against the order in red."""

import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from architecture_picture.drawing import draw

ROOT = pathlib.Path(__file__).parents[2]
ROOMS = ["files", "ir", "passes"]
DOWN = [("ir", "files"), ("passes", "ir")]


def _shown(picture):
    """The imports that a picture shows, by class."""
    found = {"dot": [], "up dot": []}
    for circle in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}circle"):
        found[circle.get("class")].append(circle[0].text)
    return found


def test_imports_down_the_stair_are_not_red():
    picture = draw(ROOMS, DOWN)
    assert _shown(picture) == {"dot": ["ir imports files", "passes imports ir"], "up dot": []}
    assert 'class="up' not in picture


def test_imports_up_the_stair_are_red():
    picture = draw(ROOMS, [*DOWN, ("files", "passes")])
    assert _shown(picture)["up dot"] == ["files imports passes"]
    for kind in ("line", "head"):
        assert f'class="up {kind}"' in picture


def test_it_draws_the_same_in_any_order_and_colors_for_dark_pages():
    assert draw(ROOMS, DOWN) == draw(ROOMS, DOWN[::-1])
    assert "prefers-color-scheme: dark" in draw(ROOMS, DOWN)


@pytest.mark.slow  # grimp is in the extra `dev`, which CI installs before it runs slow tests.
def test_the_command_keeps_the_picture_up_to_date(tmp_path):
    for folder in ("converter", "docs", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    def run(*arguments):
        command = [sys.executable, "scripts/draw_architecture", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    assert run("--check") == (0, "")
    (tmp_path / "converter/files/up.py").write_text("from converter.cli import main\n")
    status, output = run("--check")
    assert status == 1
    assert "run scripts/draw_architecture" in output
    assert run() == (0, "")
    picture = (tmp_path / "docs/architecture.svg").read_text()
    assert _shown(picture)["up dot"] == ["files imports cli"]
    assert run("--check") == (0, "")
