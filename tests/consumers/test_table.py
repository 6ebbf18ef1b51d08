"""The table, its reasons and the page, without measuring."""

import dataclasses
import re

import pytest
from consumer_page import command

from consumers.measure import Outcome
from consumers.names import CONSUMER_NAMES, FAMILIES
from consumers.registry import CONSUMERS
from consumers.table import (
    OURS,
    YES,
    Reason,
    find_changes,
    format_table,
    read_reasons,
    read_table,
    to_cell,
    tomllib,
)

_REASONS = {
    "strings": Reason("No strings.", "XLA", "no string ops", "XLA"),
    "names": Reason("Not yet.", OURS, "no string ops", "XLA"),
}
_FAILS = Outcome("ValueError: no string ops", ordinary_works=False)


def test_the_page_is_that_of_the_table(capsys):
    assert command.main(["--check"]) == 0, capsys.readouterr().out


def test_a_page_out_of_date_is_found(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "PAGE", tmp_path / "consumers.md")
    assert command.main(["--check"]) == 1
    assert "run scripts/write_consumers" in capsys.readouterr().out
    assert command.main([]) == 0
    assert command.main(["--check"]) == 0


def test_every_family_has_a_cell_for_every_consumer():
    table = read_table()
    assert tuple(CONSUMERS) == CONSUMER_NAMES
    assert list(table.cells) == list(FAMILIES)
    for cells in table.cells.values():
        assert list(cells) == list(CONSUMER_NAMES)


def test_every_reason_is_used_and_known():
    used = {cell for cells in read_table().cells.values() for cell in cells.values()} - {YES}
    assert used == set(read_reasons())


def test_the_table_survives_writing():
    table = read_table()
    assert tomllib.loads(format_table(table)) == dataclasses.asdict(table)


def test_no_cell_without_a_reason_that_fits():
    assert to_cell("XLA, inference", Outcome(None), _REASONS) == YES
    assert to_cell("XLA, inference", _FAILS, _REASONS) == "strings"
    ours = dataclasses.replace(_FAILS, ordinary_works=True)
    assert to_cell("XLA, inference", ours, _REASONS) == "names"
    for consumer, outcome in (
        ("`hub.load`", _FAILS),
        ("XLA, inference", dataclasses.replace(_FAILS, error="another")),
    ):
        with pytest.raises(LookupError, match=re.escape(f"{consumer}: reasons.toml has 0 reasons")):
            to_cell(consumer, outcome, _REASONS)


@pytest.mark.parametrize(
    ("expected", "outcome", "said"),
    [
        (YES, Outcome(None), []),
        ("strings", _FAILS, []),
        ("strings", Outcome(None), ["is 'yes', not 'strings'"]),
        (YES, _FAILS, ["is 'strings', not 'yes'"]),
        ("names", _FAILS, ["is 'strings', not 'names'"]),
        (YES, Outcome("another", ordinary_works=True), ["has 0 reasons"]),
    ],
)
def test_changes_are_found_in_both_directions(expected, outcome, said):
    name = "XLA, inference"
    found = list(find_changes("BERT", {name: expected}, {name: outcome}, _REASONS))
    assert len(found) == len(said)
    for line, part in zip(found, said, strict=True):
        assert part in line
