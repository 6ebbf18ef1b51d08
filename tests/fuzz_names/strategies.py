"""Names that modules may have, drawn with an eye to what TensorFlow and Python make of them."""

from __future__ import annotations

import keyword

from hypothesis import strategies as st

from fuzz_names.module import Input, Module, Signature

_AWKWARD = (
    "", "self", "cls", "args", "kwargs", "inputs", "training", "return_endpoints", "default",
    "cancellation_manager", "name", "_x", "__class__", "__call__", "arg_0", "arg__x", "input_0",
    "input_1", "input_00", "a:0", ":", "/", "$", " ", "-", ".", "..", "0", "00", "²", "ünï", "日本",
    "é", "É", "ﬁ", "self_", "in_", "input", "x" * 300, "None", "a_b", "a/b", "a.b", "a$b", "A_B",
    "k_indices", "k_values", "k_dense_shape", "k",
)  # fmt: skip
_AWKWARD_SIGNATURES = (
    "default", "serving_default", "__saved_model_init_op", "__saved_model_train_op", "signatures",
    "variables", "serve", "n_saved_model_init_op", "a__b", "Default",
)  # fmt: skip
_LETTERS = "abkzABKZ019_/$.-: é²"
_NAMES = st.one_of(
    st.text("abAB_", min_size=1, max_size=2),
    st.text("éÉaA日", min_size=1, max_size=2),
    st.text(_LETTERS, min_size=1, max_size=3),
    st.sampled_from(_AWKWARD),
    st.sampled_from(keyword.kwlist),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=4),
)
_KINDS = st.sampled_from(("vector",) * 4 + ("scalar", "any_rank", "ints", "sparse", "optional"))


@st.composite
def _signatures(draw: st.DrawFn, name: str) -> Signature:
    count = draw(st.sampled_from((2, 3, 4, 1, 5, 8, 11, 0, 12, 30)))
    names = draw(st.lists(_NAMES, min_size=count, max_size=count, unique=True))
    count = draw(st.sampled_from((2, 1, 3, 4, 12, 30)))
    outputs = draw(st.lists(_NAMES, min_size=count, max_size=count, unique=True))
    return Signature(name, tuple(Input(each, draw(_KINDS)) for each in names), tuple(outputs))


@st.composite
def modules(draw: st.DrawFn) -> Module:
    """Modules of one to three signatures with up to thirty inputs and outputs each."""
    wanted = st.one_of(_NAMES, st.sampled_from(_AWKWARD_SIGNATURES))
    most = draw(st.sampled_from((1, 1, 1, 2, 3)))
    names = draw(st.lists(wanted, min_size=1, max_size=most, unique=True))
    return Module(tuple(draw(_signatures(name)) for name in names))
