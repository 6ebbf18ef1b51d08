"""HTML of what is printed to a console."""

import pytest
from markup import assert_safe, read
from rich.text import Text

from converter.display.console import escape
from converter.display.shown import to_html, to_text
from converter.display.tables import count_left, make_table

EVIL = "</td><script>alert(1)</script><img src=x onerror=y>&lt;\x1b[31m\u202e[bold]"


def _print_evil(console):
    table = make_table("name", escape(EVIL), title=escape(EVIL))
    table.add_row(escape(EVIL), Text(EVIL, style="red"))
    console.print(table)
    console.print(EVIL, markup=False, style="green")
    console.print(f"[bold]{escape(EVIL)}[/bold]", soft_wrap=True)


def test_nothing_that_is_printed_is_markup():
    page = to_html(_print_evil)
    assert_safe(page)
    text = read(page).text
    shown = EVIL.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert text.count(shown) == 6
    for wanted in ("<table>", "font-weight: bold", "color: "):
        assert wanted in page


def test_a_table_has_the_rows_and_columns_that_text_has():
    def show(console):
        table = make_table("a", "b")
        table.add_row("1", "two\nlines")
        table.add_row(count_left(3), "")
        console.print(table)

    page = read(to_html(show))
    assert page.tags["th"] == 2
    assert page.tags["td"] == 4
    words = ["1", "two", "lines", "…", "3", "more"]
    assert [word for word in page.text.split() if word in words] == words
    assert [word for word in to_text(show).split() if word in words] == words


def test_markup_stands_in_front():
    page = to_html(lambda console: console.print("x"), "<p>y</p>")
    assert page.startswith('<div class="tf1hub"><p>y</p><div ')


def test_only_columns_of_texts_are_wrapped():
    def show(console):
        table = make_table("name")
        table.add_column("number", justify="right")
        table.add_column("kind", no_wrap=True)
        table.add_row("a", "1", "b")
        console.print(table)

    page = to_html(show)
    assert page.count('pre-wrap"') == 2
    assert page.count('pre"') == 4


@pytest.mark.parametrize("columns", ["40", "120"])
def test_text_is_as_wide_as_columns_says_without_colors(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    lines = to_text(lambda console: console.print("[red]word[/red] " * 60)).splitlines()
    assert int(columns) - 5 <= max(map(len, lines)) <= int(columns)
    assert "\x1b" not in "".join(lines)


def test_what_lists_the_rest_is_named_if_there_is_something():
    assert count_left(2) == "… 2 more"
    assert count_left(2, "--all lists them") == "… 2 more: --all lists them"
