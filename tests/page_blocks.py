"""The code blocks of the documentation's pages."""

import dataclasses
import pathlib
import re
import textwrap

ROOT = pathlib.Path(__file__).parents[1]
README = ROOT / "README.md"
# All that is read as documentation, those pages first that the site takes from outside of `docs`.
PAGES = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
)
# Kinds of blocks that are programs.
PROGRAMS = ("console", "python", "sh")
_BLOCK = re.compile(
    r'^(?P<indent> *)```(?P<kind>\w*)(?: title="(?P<title>[^"]*)"| [^\n]*)?\n'
    r"(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page.

    Attributes:
      kind: Its language.
      text: What is in it.
      title: Why it is not run, where readers see it; empty if it is run.
    """

    kind: str
    text: str
    title: str = ""

    @property
    def is_run(self):
        """Whether it is a program that runs as it stands."""
        return self.kind in PROGRAMS and not self.title


def read_blocks(page):
    """The blocks of a page, in order."""
    return [
        Block(found["kind"], textwrap.dedent(found["text"]), found["title"] or "")
        for found in _BLOCK.finditer(page.read_text())
    ]


def as_shell(text):
    """The commands of a block of a console session."""
    return "".join(re.findall(r"^\$ (.*\n)", text, re.MULTILINE))


def name_of(page):
    """The path of a page in the project."""
    return page.relative_to(ROOT).as_posix()
