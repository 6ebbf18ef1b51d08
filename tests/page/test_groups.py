"""Causes of one sort are one group."""

from converter.page.document import Cause
from converter.page.groups import group_causes


def cause(kind, message, *paths, remedy=""):
    return Cause(
        kind=kind, shape=message, example=message, remedies=[remedy] if remedy else [],
        outcomes=["refused"], paths=list(paths),
    )  # fmt: skip


def test_causes_are_grouped_by_what_is_wrong_the_largest_group_first():
    causes = [
        cause("UnsupportedOpError", "node … has op …", "a", "b"),
        cause("WeightsError", "the index cannot be read", "c", "d", remedy="Copy it again."),
        cause("FormatError", "saved_model.pb is damaged", "e"),
    ]
    groups = group_causes(causes, retry=" ".join)
    assert [(group.title, group.modules, group.causes) for group in groups] == [
        ("damaged on disk", 3, [1, 2]),
        ("uses an op that cannot be converted", 2, [0]),
    ]
    assert groups[0].retry == "c d e"


def test_nothing_wrong_is_no_group():
    assert group_causes([]) == []
