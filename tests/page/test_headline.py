"""The result of a migration in one line."""

import pytest

from converter.page.headline import describe_result


@pytest.mark.parametrize(
    ("modules", "converted", "equal", "not_compared", "expected"),
    [
        (73, 63, 61, 2, "63 of 73 modules converted, 61 proven equal, 2 not compared"),
        (73, 73, 73, 0, "All 73 modules converted, all proven equal"),
        (73, 63, 63, 0, "63 of 73 modules converted, 63 proven equal"),
        (3, 3, 0, 3, "All 3 modules converted, 0 proven equal, 3 not compared"),
        (3, 3, 1, 1, "All 3 modules converted, 1 proven equal, 1 not compared, 1 not verified"),
        (2, 2, 0, 0, "All 2 modules converted, none of them verified"),
        (1, 1, 1, 0, "The one module converted, proven equal"),
        (1, 1, 0, 0, "The one module converted, not verified"),
        (1, 1, 0, 1, "The one module converted, 0 proven equal, 1 not compared"),
        (1, 0, 0, 0, "0 of 1 module converted"),
        (0, 0, 0, 0, "0 of 0 modules converted"),
        (12_000, 11_000, 10_000, 0,
         "11,000 of 12,000 modules converted, 10,000 proven equal, 1,000 not verified"),
    ],
)  # fmt: skip
def test_a_migration_in_one_line(modules, converted, equal, not_compared, expected):
    described = describe_result(
        modules=modules, converted=converted, equal=equal, not_compared=not_compared
    )
    assert described == expected
