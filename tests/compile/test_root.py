import pytest

from converter import errors
from converter.compile.plan import CallablePlan
from converter.compile.root import COMMON_SIGNATURES, explain_no_root, find_root, get_root


def _plan(signature, inputs=("x",), source=None, tags=(), attribute=None):
    return CallablePlan(
        attribute or signature, signature, frozenset(tags), None, source or signature, inputs, ()
    )


def _find(*plans):
    found = find_root(plans)
    return None if found is None else found.signature


def test_the_root_is_default():
    assert _find(_plan("tokens"), _plan("default"), _plan("a")) == "default"
    assert _find(_plan("a"), _plan("default", ())) == "default"


def test_else_the_only_one_that_takes_inputs():
    assert _find(_plan("a", ()), _plan("b")) == "b"
    # Only hyperparameters are added: that is no choice.
    more = _plan("b_with_bn_hparams")
    assert _find(_plan("b", source="b_with_bn_hparams"), more) == "b"


@pytest.mark.parametrize("name", COMMON_SIGNATURES)
def test_else_that_of_a_common_signature(name):
    assert _find(_plan("a"), _plan(name), _plan("z")) == name


def test_of_common_signatures_the_first_is_taken():
    plans = [_plan(name) for name in sorted(COMMON_SIGNATURES)]
    assert _find(*plans) == COMMON_SIGNATURES[0]


def test_a_common_signature_without_inputs_is_not_obvious():
    assert _find(_plan("tokens", ()), _plan("a"), _plan("b")) is None


def test_none_is_obvious():
    assert _find(_plan("a"), _plan("b")) is None
    assert _find(_plan("a", ()), _plan("b", ())) is None
    assert _find() is None


def test_the_user_names_it():
    assert get_root([_plan("b"), _plan("a", ())], "a").signature == "a"


def test_a_name_that_is_not_there():
    with pytest.raises(errors.UsageError, match="no signature 'gone'") as caught:
        get_root([_plan("b"), _plan("a"), _plan("a", tags=["x"], attribute="a__x")], "gone")
    assert caught.value.remedy == "It has 'a', 'b'."


def test_a_warning_names_commands_to_type():
    text = explain_no_root([_plan("a b"), _plan("c"), _plan("d", ())], by_tags=False)
    assert text.endswith("choose one: --call-signature 'a b' or --call-signature c.")
    text = explain_no_root([_plan("a", ()), _plan("b", ())], by_tags=False)
    assert text.endswith("choose one: --call-signature a or --call-signature b.")


def test_a_warning_names_each_graph_variant_once():
    plans = [_plan("a", tags=["x", "8"]), _plan("b", tags=["x", "8"]), _plan("a", tags=["y"])]
    assert explain_no_root(plans, by_tags=True).endswith("choose one: --tags 8,x or --tags y.")


def test_a_warning_of_a_module_without_signatures_names_none():
    assert explain_no_root([], by_tags=False).endswith("Use its named callables.")
