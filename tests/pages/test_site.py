"""The docs site: what it names, what it shows, and what it loads."""

import importlib.util
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from docs_site.links import OUTSIDE, translate_links
from page_blocks import ROOT

import converter

_CONFIG = (ROOT / "mkdocs.yml").read_text()
_PAGES = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
_IN_NAVIGATION = re.findall(r"([\w/]+\.md)$", _CONFIG, re.MULTILINE)


def test_every_page_is_in_the_navigation_once():
    outside = [name for name in OUTSIDE if name.endswith(".md")]
    assert sorted(_IN_NAVIGATION) == sorted([*_PAGES, *outside])


def test_the_reference_has_every_public_name_once():
    text = "".join(path.read_text() for path in ROOT.glob("docs/api/*.md"))
    shown = re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE)
    public = {f"converter.{name}" for name in converter.__all__} - {"converter.__version__"}
    assert sorted(shown) == sorted([*public, "converter.keras.ModuleLayer"])
    assert "`converter.__version__`" in text


def test_the_reference_has_every_name_of_the_keras_room():
    text = (ROOT / "converter/keras/__init__.py").read_text()
    assert '__all__ = ["ModuleLayer"]' in text


@pytest.mark.parametrize(
    "message",
    [
        "'NoneType' object has no attribute 'outer_context'",
        "Table not initialized",
        "unsupported when loading from the TF1 Hub format",
        "No module named 'pkg_resources'",
        "Only instances of `keras.Layer` can be added",
    ],
)
def test_messages_that_people_search_for_have_headings(message):
    page = (ROOT / "docs/errors.md").read_text()
    (heading,) = (line for line in page.splitlines() if line.startswith("####") and message in line)
    found = converter.explain(message)
    assert any(entry.text in heading for entry in found)


@pytest.mark.parametrize(
    ("link", "page", "translated"),
    [
        ("[a](keras.md)", "text.md", "[a](keras.md)"),
        ("[a](../SECURITY.md#scan)", "text.md", "[a](SECURITY.md#scan)"),
        ("[a](../../SECURITY.md)", "recipes/text.md", "[a](../SECURITY.md)"),
        ("[a](../keras.md#files)", "recipes/text.md", "[a](../keras.md#files)"),
        ("[a](docs/keras.md)", "CHANGELOG.md", "[a](keras.md)"),
        ("![a](docs/images/report.png)", "CHANGELOG.md", "![a](images/report.png)"),
        # Files that the site lacks, other hosts, and places in the page.
        ("[a](../README.md)", "text.md", "[a](../README.md)"),
        ("[a](https://example.org/b.md)", "text.md", "[a](https://example.org/b.md)"),
        ("[a](#files)", "text.md", "[a](#files)"),
        # File names as texts.
        ("[keras.md](keras.md#files)", "text.md", "[Keras 3](keras.md#files)"),
        ("[docs/keras.md](docs/keras.md)", "CHANGELOG.md", "[Keras 3](keras.md)"),
        ("[SECURITY.md](../SECURITY.md)", "text.md", "[Security](SECURITY.md)"),
        ("[nowhere.md](nowhere.md)", "text.md", "[nowhere.md](nowhere.md)"),
    ],
)
def test_links_lead_to_the_same_places_in_the_site(link, page, translated):
    source = ROOT / page if page in OUTSIDE else ROOT / "docs" / page
    assert translate_links(link, source, page) == translated


def test_what_is_built_is_not_committed():
    (place,) = re.findall(r"^site_dir: (\S+)$", _CONFIG, re.MULTILINE)
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert f"{pathlib.PurePath(place).parts[0]}/" in ignored


_NEEDS_MKDOCS = pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None, reason="needs the extra docs"
)


def build(project, site):
    """Builds the site as CI does; returns the status and what was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site),
         "--config-file", str(project / "mkdocs.yml")],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.slow
@_NEEDS_MKDOCS
def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path):
    status, printed = build(ROOT, tmp_path / "out")
    assert status == 0, printed
    pages = list((tmp_path / "out").rglob("*.html"))
    assert len(pages) > len(_PAGES)
    for page in pages:
        text = page.read_text()
        assert re.findall(r'<(?:script|img|iframe|source)[^>]* src="?(?:https?:)?//', text) == []
        assert re.findall(r'<link [^>]*rel="?(?:stylesheet|preconnect|icon)[^>]*//', text) == []


@pytest.mark.slow
@_NEEDS_MKDOCS
def test_links_and_anchors_that_lead_nowhere_stop_the_build(tmp_path):
    for name in ("docs", "scripts", "converter"):
        leave_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=leave_out)
    for name in ("mkdocs.yml", *OUTSIDE):
        shutil.copy(ROOT / name, tmp_path / name)
    with (tmp_path / "docs/safety.md").open("a") as page:
        page.write("\n[a](keras.md#nowhere), [b](nowhere.md), [c](../README.md)\n")
    status, printed = build(tmp_path, tmp_path / "out")
    assert status == 1
    for link in ("#nowhere", "nowhere.md", "../README.md"):
        assert f"'{link}'" in printed or f"'keras.md{link}'" in printed, printed
