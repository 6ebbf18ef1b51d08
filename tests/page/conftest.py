"""A migration with an outcome of every type, and its report."""

import pytest
import report_data

from converter.migration.collect.report import collect_report
from converter.page.document import decode_report, encode_report


@pytest.fixture
def root(tmp_path):
    """The DST_ROOT of a migration with every outcome, one module begun and not finished."""
    return report_data.write_migration(tmp_path / "dst")


@pytest.fixture
def read_report(root):
    """`read_report(root)` returns the report as the page reads it."""

    def call(destination_root=root):
        document = encode_report(collect_report(destination_root, lambda _: None))
        return decode_report(document, "report.json")

    return call
