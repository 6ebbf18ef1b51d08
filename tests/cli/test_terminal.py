"""The console for results."""

import sys

import pytest

from converter.cli import terminal
from converter.cli.streams import printable_streams
from converter.display.tables import make_table


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("", 100), ("wide", 100)])
def test_tables_are_as_wide_as_columns_says(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.output_console().width == width


def test_no_line_ends_with_blanks(capsys):
    table = make_table("a", "b", title="Title")
    table.add_row("x" * 30, "y")
    table.add_row("x", "")
    terminal.output_console().print(table)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3
    assert [line for line in lines if line.endswith(" ")] == []


def test_colors_are_forced_into_a_pipe(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with printable_streams():
        terminal.output_console().print("[bold]a[/] \\x1b[1mb", style="red")
    out = capsys.readouterr().out
    assert "\x1b[1;31ma" in out
    assert "\\x1b[1mb" in out


def test_a_terminal_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert terminal.output_console().file is sys.stdout
