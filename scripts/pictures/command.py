"""Draws the pictures of README: a terminal, and the migration report.

Runs the commands and shows what they print and write; nothing in the pictures is made up. Needs
playwright and Chromium: pip install -e '.[browser]', apt install chromium.
"""

from __future__ import annotations

import argparse
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import rich.console
import rich.text

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_GOLDEN = _ROOT / "legacy_fixtures" / "golden"
_COLUMNS = 92
_MODULE = "text_embedding_oov"
# Modules of every family, one that is refused, and their places in a tree.
_TREE = {
    "text/embedding": "text_embedding_oov",
    "text/elmo": "elmo",
    "text/bert": "bert_tiny",
    "image/features": "image_bn_dropout",
    "image/nested": "nested_image",
    "gan/spectral": "gan_spectral",
    "flow/autoregressive": "flow_autoregressive",
    "exported/estimator": "saved_model_estimator",
    "damaged/scan": "scan",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    parser = argparse.ArgumentParser("draw_pictures", description=__doc__)
    parser.add_argument(
        "--output", type=pathlib.Path, default=_ROOT / "docs" / "images", metavar="FOLDER",
        help="where the pictures go (default: docs/images)",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        here = pathlib.Path(folder)
        shutil.copytree(_GOLDEN / _MODULE / "module", here / "text_module")
        draw_terminal(here, options.output / "terminal.svg")
        draw_report(here, options.output / "report.png")
    return 0


def draw_terminal(here: pathlib.Path, path: pathlib.Path) -> None:
    """Draws two commands, and what they print, as SVG."""
    console = rich.console.Console(record=True, width=_COLUMNS, file=io.StringIO())
    for line in ("convert text_module text", "verify text_module text"):
        console.print(f"[bold green]$[/] tf1hub {line}", highlight=False)
        console.print(rich.text.Text.from_ansi(_run(here, *line.split()).rstrip()), end="\n\n")
    path.write_text(console.export_svg(title="tf1hub", unique_id="tf1hub"))


def _run(here: pathlib.Path, *arguments: str) -> str:
    """What a command prints on a terminal."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(_COLUMNS)}
    environment["PYTHONPATH"] = str(_ROOT)
    return subprocess.run(
        [sys.executable, "-m", "converter", *arguments],
        cwd=here, env=environment, stdout=subprocess.PIPE, text=True, check=False,
    ).stdout  # fmt: skip


def draw_report(here: pathlib.Path, path: pathlib.Path) -> None:
    """Draws the top of the report over a small tree."""
    from playwright.sync_api import sync_playwright

    for place, name in _TREE.items():
        shutil.copytree(_GOLDEN / name / "module", here / "modules" / place)
    index = next((here / "modules/damaged/scan/variables").glob("*.index"))
    index.write_bytes(index.read_bytes()[:-20])
    _run(here, "migrate", "--verify", "--workers", "2", "modules", "saved_models")
    chromium = os.environ.get("TF1HUB_CHROMIUM", "/usr/bin/chromium")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto((here / "saved_models/report.html").as_uri())
        page.screenshot(path=path)
        browser.close()
