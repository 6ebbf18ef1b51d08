"""Links of pages that lie in the repository, for the site that is made of them."""

from __future__ import annotations

import pathlib
import posixpath
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# The files beside `docs` that the site has, too.
OUTSIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "converter/sources/tfhub_dev.toml")
_LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[#)])")
# A link whose text is the name of the page.
_NAMED = re.compile(r"\[[\w./]+\.md\]\(([^)\s#:]+\.md)(?=[#)])")
_HEADING = re.compile(r"^# (.*)$", re.MULTILINE)


def translate_links(markdown: str, source: pathlib.Path, page: str) -> str:
    """The text of a page with the links that lead to the same places in the site.

    Where the text of a link is the name of a file, it becomes the title of the page.
    A link to a file that the site lacks stays as it is; `mkdocs build --strict` refuses it.

    Args:
      markdown: The text.
      source: The file that it is from.
      page: The place of the page in the site, such as `recipes/image.md`.
    """
    titled = _NAMED.sub(lambda found: _give_title(found, source), markdown)
    return _LINK.sub(lambda found: _translate(found[1], source, page), titled)


def _give_title(found: re.Match[str], source: pathlib.Path) -> str:
    target = source.parent / found[1]
    heading = _HEADING.search(target.read_text()) if target.is_file() else None
    return f"[{heading[1]}]({found[1]}" if heading else found[0]


def _translate(link: str, source: pathlib.Path, page: str) -> str:
    target = (source.parent / link).resolve()
    if target.is_relative_to(DOCS):
        place = target.relative_to(DOCS).as_posix()
    elif target.is_relative_to(ROOT) and target.relative_to(ROOT).as_posix() in OUTSIDE:
        place = target.relative_to(ROOT).as_posix()
    else:
        return link
    return posixpath.relpath(place, posixpath.dirname(page) or ".")
