"""HTML as tests read it."""

import collections
import dataclasses
import html.parser
import unicodedata

_TAGS = {
    "b", "caption", "code", "details", "div", "figcaption", "figure", "p", "path", "pre", "rect",
    "span", "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr",
}  # fmt: skip
_ATTRIBUTES = {
    "class", "d", "fill", "font-size", "height", "role", "stroke", "stroke-opacity", "style",
    "text-anchor", "viewbox", "width", "x", "y",
}  # fmt: skip


@dataclasses.dataclass
class Page:
    """What a fragment of HTML has."""

    tags: collections.Counter
    attributes: set
    text: str


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.page = Page(collections.Counter(), set(), "")
        self.open = []

    def handle_starttag(self, tag, attrs):
        self.page.tags[tag] += 1
        if tag != "span":  # It stands in a line.
            self.page.text += " "
        self.page.attributes |= set(attrs)
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.page.text += data


def read(page):
    """Parses HTML in which each element is closed."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader.page


def assert_safe(page):
    """Holds that HTML has only what this package writes, and nothing that runs or loads."""
    found = read(page)
    assert set(found.tags) <= _TAGS
    assert {name for name, _ in found.attributes} <= _ATTRIBUTES
    assert not any("url" in (value or "") for _, value in found.attributes)
    hidden = [c for c in page if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert set(hidden) <= {"\n"}
