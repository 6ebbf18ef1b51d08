"""The one assertion of all that follows: everything is covered, or exempt for a reason."""

from collections.abc import Iterable, Mapping


def assert_covered(
    everything: Iterable[str], covered: Iterable[str], exempt: Mapping[str, str]
) -> None:
    """Fails on what nothing covers, and on exemptions that are not needed (any more).

    Args:
      everything: The names of what has to be covered.
      covered: The names of what is; others may be among them.
      exempt: Why what is not covered need not be, by name.
    """
    everything, covered = set(everything), set(covered)
    assert everything, "nothing to cover: the list of it has moved"
    uncovered = sorted(everything - covered - exempt.keys())
    assert not uncovered, f"without fixture, test or exemption: {uncovered}"
    stale = sorted(exempt.keys() & covered)
    assert not stale, f"exempt, but covered: {stale}"
    unknown = sorted(exempt.keys() - everything)
    assert not unknown, f"exempt, but gone: {unknown}"
    assert all(exempt.values()), "an exemption needs a reason"
