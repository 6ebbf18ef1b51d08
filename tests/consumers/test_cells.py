"""Every cell of docs/consumers.md, measured anew: one that changes, either way, fails."""

import pytest

from consumers.measure import available_consumers, measure
from consumers.names import FAMILIES
from consumers.table import find_changes, read_reasons, read_table


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_cells_are_those_of_the_table(family):
    outcomes = measure(family, available_consumers())
    assert outcomes
    expected = read_table().cells[family]
    assert not list(find_changes(family, expected, outcomes, read_reasons()))
