import pytest

from converter import errors
from converter.compile.refusals import RefusalInfo, Refusals


def test_nothing_is_refused_at_first():
    refusals = Refusals()
    with refusals.collected("default"):
        pass
    assert refusals.all == ()


def test_each_error_is_listed_once_with_all_that_it_hits():
    refusals = Refusals()
    for part, text in (("a", "one"), ("b", "two"), ("c", "one"), ("a", "one")):
        with refusals.collected(part):
            raise errors.FormatError(text)
    refusals.add(errors.FormatError("two"), "b", "table 't'")
    assert [(str(each.error), each.parts) for each in refusals.all] == [
        ("one.", ("a", "c")), ("two.", ("b", "table 't'")),
    ]  # fmt: skip


def test_a_refusal_as_json():
    refusals = Refusals()
    refusals.add(errors.FormatError("bad", node="n", remedy="Mend it."), "default")
    (refusal,) = refusals.all
    assert refusal.to_info() == RefusalInfo(
        error="bad (at node 'n'). Mend it.", type="FormatError", callables=("default",)
    )


def test_errors_of_our_own_go_through():
    refusals = Refusals()
    with pytest.raises(errors.InternalError), refusals.collected("a"):
        raise errors.InternalError("a bug")
    assert refusals.all == ()
