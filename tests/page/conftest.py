"""A migration with an outcome of every type, and a way to collect it."""

import pytest
import report_data

from converter.page.collect import collect


@pytest.fixture
def root(tmp_path):
    """The DST_ROOT of a migration with every outcome, one module begun and not finished."""
    destination = tmp_path / "dst"
    destination.mkdir()
    outcomes = report_data.one_of_each(destination)
    return report_data.write_journal(destination, outcomes, begun=["text/begun"])


@pytest.fixture
def collect_facts():
    """`collect_facts(root)` returns the facts of all modules, by path."""

    def call(destination_root):
        migration = collect(destination_root, lambda _: None)
        return {module.facts["path"]: module.facts for module in migration.modules}

    return call
