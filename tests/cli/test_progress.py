"""Progress: plain lines in a log, a bar on a terminal, nothing with -q."""

import io
import sys

import pytest
import rich.console

from converter.cli import loudness, migrate_progress, progress
from converter.cli import main as cli
from converter.cli.streams import printable_streams
from converter.files.byte_progress import Amount
from converter.migration.outcomes import Converted
from converter.migration.plan import Plan


@pytest.fixture
def clock():
    return [100.0]


def amount(done, total=100, what="copying"):
    return Amount.of(f"{what}: {done}%", what, done, total)


def show(renderable):
    """What a terminal shows of it."""
    out = io.StringIO()
    rich.console.Console(file=out, width=100, force_terminal=True, color_system=None).print(
        renderable
    )
    return out.getvalue()


def test_a_log_has_a_line_for_each_step(capsys, clock):
    lines = progress.Lines(lambda: clock[0])
    lines("reading")
    lines("writing")
    assert capsys.readouterr().err == "tf1hub: reading\ntf1hub: writing\n"


def test_a_log_has_few_lines_of_long_work(capsys, clock):
    lines = progress.Lines(lambda: clock[0])
    for done in range(0, 101, 2):
        lines(amount(done))
        clock[0] += 1
    assert capsys.readouterr().err.split("\n") == [
        *(f"tf1hub: copying: {done}%" for done in (0, 20, 40, 60, 80, 100)), "",
    ]  # fmt: skip


def test_other_work_is_told_at_once(capsys, clock):
    lines = progress.Lines(lambda: clock[0])
    lines(amount(0))
    lines(amount(10, what="unpacking"))
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_terminal_shows_a_bar_and_the_time(clock):
    live = progress.LiveStep(lambda: clock[0])
    live("reading [bold]")
    assert "reading [bold]" in show(live)
    assert "━" not in show(live)
    live(amount(10))
    clock[0] += 30
    live(amount(50))
    clock[0] += 12
    shown = show(live)
    assert "━━━━" in shown
    assert "copying: 50%" in shown
    assert "42 s" in shown
    live("writing")
    assert "42 s" not in show(live)


@pytest.mark.parametrize(
    ("is_tty", "term", "is_live"),
    [(True, "xterm", True), (True, "dumb", False), (False, "", False)],
)
def test_what_moves_is_for_terminals(monkeypatch, is_tty, term, is_live):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_tty, raising=False)
    with printable_streams():
        assert progress.is_live() is is_live


def speak(*flags):
    return loudness.speaking(cli.parse_arguments(["tf1hub", "inspect", "a", *flags]))


def test_quiet_shows_no_progress(capsys):
    with speak("-q"), progress.showing_steps() as step:
        step("reading")
    with speak("--quiet"), migrate_progress.showing_progress() as watcher:
        watcher.planned(plan(), 2)
        watcher.started("a")
    assert capsys.readouterr().err == ""
    with speak(), progress.showing_steps() as step:
        step("reading")
    assert capsys.readouterr().err == "tf1hub: reading\n"


def plan(jobs=3):
    return Plan(jobs=tuple(range(jobs)), outcomes=(), repeated=(), stat_digests={})


def converted(path):
    return Converted(
        path=path, source=path, destination=path, seconds=2.0, destination_bytes=1, record=""
    )


def test_a_migration_tells_a_log_how_far_it_is(capsys, clock):
    lines = migrate_progress._Lines(lambda: clock[0])
    lines.planned(plan(), 1)
    for path in ("a", "b"):
        lines.started(path)
        clock[0] += 30
        lines.finished(path, converted(path))
    assert capsys.readouterr().err.splitlines() == [
        "tf1hub: 3 modules to do with 1 worker, 0 as they were, 0 without a job",
        "tf1hub: [1/3] a: converted in 2.0 s (33%, 2.0 a minute, 1:00 min left)",
        "tf1hub: [2/3] b: converted in 2.0 s (67%, 2.0 a minute, 30 s left)",
    ]


def test_a_migration_shows_a_terminal_a_bar(clock):
    table = migrate_progress._LiveTable(lambda: clock[0])
    table.planned(plan(), 2)
    table.started("a")
    clock[0] += 30
    table.finished("a", converted("a"))
    table.started("b")
    clock[0] += 5
    headline, running, *_ = show(table).splitlines()
    assert headline.startswith("━")
    assert "33%  1 of 3   1 converted   1.7 a minute, 1:10 min left" in headline
    assert running.split() == ["5", "s", "b"]
