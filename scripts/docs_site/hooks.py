"""Hooks of MkDocs: the site is made of pages that are read in the repository as well."""

from __future__ import annotations

import pathlib
import re
import sys
from typing import Any

from mkdocs.structure.files import File

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from docs_site.links import OUTSIDE, ROOT, translate_links

# `diff change=NAME`: such words are for tests, and MkDocs would not take the block for code.
_FENCE = re.compile(r"^( *```\w+) (?!title=)[^\n]*$", re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Adds the files that lie outside of `docs/`."""
    for name in OUTSIDE:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turns what the repository's readers see into what MkDocs reads."""
    source = pathlib.Path(page.file.abs_src_path).resolve()
    return _FENCE.sub(r"\1", translate_links(markdown, source, page.file.src_uri))
