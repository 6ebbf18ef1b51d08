"""The page: one file, with a policy that lets nothing else run, and text that stays text."""

import base64
import hashlib
import html.parser
import json
import re

import pytest
import report_data

from converter.page.html import _WEB, to_html
from converter.printable import printable_lines


class _Page(html.parser.HTMLParser):
    """Elements, and the contents of scripts and styles, as a browser would find them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.contents, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in ("script", "style"):
            self.contents.append((*self.tags[-1], data))
        self.text.append(data)

    def script(self, kind):
        """The content of the script of a type; None is the one that runs."""
        found = [
            d for tag, attrs, d in self.contents if tag == "script" and attrs.get("type") == kind
        ]
        return found[0]


@pytest.fixture
def render(read_report, root):
    def call(destination_root=root):
        text = to_html(read_report(destination_root)).decode()
        return text, _Page(text)

    return call


def test_the_policy_names_the_one_script_and_the_one_style(render):
    _, page = render()
    metas = [attrs for tag, attrs in page.tags if tag == "meta"]
    policy = next(a["content"] for a in metas if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    style = next(data for tag, _, data in page.contents if tag == "style" and ":root" in data)
    for kind, content in (("script", page.script(None)), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert [tag for tag, _ in page.tags].count("style") == 1
    assert [tag for tag, _ in page.tags].count("script") == 3


def test_nothing_is_loaded_and_nothing_inline_is_needed(render):
    _, page = render()
    for tag, attrs in page.tags:
        assert not set(attrs) & {"src", "srcset", "style", "action"}
        assert not [name for name in attrs if name.startswith("on")]
        if "href" in attrs:
            is_own = attrs["href"].startswith("#") or (tag, attrs["href"]) == ("link", "data:,")
            assert is_own or attrs["href"] in ("./report.json", "./report.csv")
    assert "url(" not in render()[0]
    assert "@import" not in render()[0]


def test_hostile_texts_stay_text(render, tmp_path):
    path = report_data.HOSTILE
    outcomes = [
        report_data.refused(
            tmp_path, path, message=report_data.HOSTILE, kind=report_data.HOSTILE,
            node=report_data.HOSTILE, details=report_data.HOSTILE,
        )
    ]  # fmt: skip
    _, expected = render()
    _, page = render(report_data.write_journal(tmp_path, outcomes))
    assert {tag for tag, _ in page.tags} <= {*(tag for tag, _ in expected.tags), "code"}
    assert "img" not in {tag for tag, _ in page.tags}
    assert path in page.text
    rows = json.loads(page.script("application/json"))["rows"]
    assert rows[0][0] == path


def test_rows_say_where_their_details_are(render):
    _, page = render()
    data = json.loads(page.script("application/json"))
    packed = page.script("text/plain")
    for values in data["rows"]:
        row = dict(zip(data["columns"], values, strict=True))
        own = packed[row["at"] : row["at"] + row["length"]]
        details = report_data.unpack(base64.b64decode(own))
        assert (details["path"], details["outcome"]) == (row["path"], row["outcome"])
    causes = {row[data["columns"].index("cause")] for row in data["rows"]} - {None}
    assert causes == set(range(len(data["causes"])))


def test_the_headline_says_how_many_are_done(render, tmp_path):
    text, _ = render()
    assert "<h1>2 of 8 modules converted, 2 proven equal</h1>" in text
    outcomes = [report_data.saved(tmp_path, path) for path in ("a", "b")]
    text, _ = render(report_data.write_journal(tmp_path, outcomes))
    assert "<h1>All 2 modules converted, none of them verified</h1>" in text
    assert "Needs attention" not in text
    assert "No module was compared." in text


def test_a_journal_without_outcomes_has_a_page(render, tmp_path):
    text, _ = render(report_data.write_journal(tmp_path, []))
    assert "No module has an outcome yet" in text


def test_causes_have_their_remedy_and_links_to_their_modules(render):
    text, page = render()
    assert "<b>What to do:</b> Import its package." in text
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert "#module=text/queue" in links
    assert any(re.fullmatch(r"#cause=\d+", href) for href in links)


def test_many_causes_are_cut(render, tmp_path):
    letters = "abcdefghij"
    outcomes = [
        report_data.refused(tmp_path, one + other, message=f"it is {one}{other}")
        for one in letters for other in letters[:6]
    ]  # fmt: skip
    text, _ = render(report_data.write_journal(tmp_path, outcomes))
    assert text.count('<p class="message">') == 50
    assert "10 more causes" in text


def test_the_same_files_give_the_same_bytes(render):
    assert render()[0] == render()[0]


def test_the_scripts_cannot_end_their_element():
    from converter.page import html as page_html

    assert "</" not in page_html._script()
    assert "<!--" not in page_html._script()
    assert "innerHTML" not in page_html._script()
    assert "</" not in page_html._read("page.css")


def test_the_script_escapes_what_python_does():
    script = (_WEB / "text.js").read_text()
    declared = re.search(r"new RegExp\((.*?)\"gu\"", script, re.DOTALL)[1]
    pattern = "".join(json.loads(part) for part in re.findall(r'".*?"', declared))
    pattern = re.sub(r"\\u\{(\w+)\}", lambda found: f"\\U{int(found[1], 16):08x}", pattern)
    everything = "".join(map(chr, range(0x110000)))
    assert re.sub(pattern, "", everything) == "".join(
        character for character in everything if printable_lines(character) == character
    )
