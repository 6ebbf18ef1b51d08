"""A migration with an outcome of every type, and a way to collect it."""

import pytest
import report_data

from converter.migration.collect.report import collect_report


@pytest.fixture
def root(tmp_path):
    """The DST_ROOT of a migration with every outcome, one module begun and not finished."""
    return report_data.write_migration(tmp_path / "dst")


@pytest.fixture
def collect_facts():
    """`collect_facts(root)` returns all modules, by path."""

    def call(destination_root):
        report = collect_report(destination_root, lambda _: None)
        return {module.path: module for module in report.modules}

    return call
