"""Sequences as arguments: a string is one element, and what is none is refused by its name."""

import collections.abc
import inspect
import typing

import pytest

import converter
from converter import errors
from converter.arguments import as_sizes, as_texts
from converter.migration.options import make_options

_SEQUENCES = (collections.abc.Collection, collections.abc.Sequence)
# What each function needs besides, none of which is there.
_OTHERS = {
    "convert": ("absent", "absent/out"),
    "export_model": ("absent", "absent/out.onnx"),
    "inspect": ("absent",),
    "load": ("absent",),
    "migrate": ("absent", "absent/out"),
    "open_source": ("absent",),
    "verify": ("absent", "absent/out"),
}
_KEYWORDS = {"export_model": {"to": "onnx"}}


def _takes_texts(hint):
    kinds = typing.get_args(hint) if typing.get_origin(hint) not in _SEQUENCES else (hint,)
    return any(
        typing.get_origin(kind) in _SEQUENCES and typing.get_args(kind) == (str,) for kind in kinds
    )


_CASES = [
    (function, name)
    for function in converter.__all__
    if inspect.isfunction(getattr(converter, function))
    for name, hint in typing.get_type_hints(getattr(converter, function)).items()
    if _takes_texts(hint)
]


def test_all_sequences_are_known():
    assert {name for name, _ in _CASES} == set(_OTHERS)
    assert {name for _, name in _CASES} == {
        "allow_op", "exclude", "import_ops", "include", "tags", "training_tags",
    }  # fmt: skip


def _call(function, keywords):
    result = getattr(converter, function)(
        *_OTHERS[function], **_KEYWORDS.get(function, {}), **keywords
    )
    if function == "open_source":
        result.__enter__()


@pytest.mark.parametrize(("function", "name"), _CASES)
@pytest.mark.parametrize("value", [3, b"Op", {"Op": 1}, [1], ["Op", None]], ids=repr)
def test_what_is_no_sequence_of_strings_is_refused_by_name_before_all_else(function, name, value):
    with pytest.raises(errors.UsageError) as caught:
        _call(function, {name: value})
    assert caught.value.message == f"option {name!r} is {value!r}, expected a list of strings"


@pytest.mark.parametrize(("function", "name"), _CASES)
def test_a_string_is_taken(function, name):
    with pytest.raises(errors.ConversionError) as caught:
        _call(function, {name: "absent_package"})
    assert not caught.value.message.startswith("option")
    assert "package 'a'" not in caught.value.message


def test_a_string_is_one_element():
    assert as_texts("x", "ReadFile", "") == ("ReadFile",)
    assert as_texts("x", iter(["a", "b"]), "") == ("a", "b")
    globs = make_options("a", "b", {"include": "bert/*", "exclude": "old"}).globs
    assert (globs.include, globs.exclude) == (("bert/*",), ("old",))


@pytest.mark.parametrize("value", ["1,?,3", 3, None, [1, "?"], [True], [-1], [1.0], {1: 2}])
def test_what_is_no_shape_is_refused(value, tmp_path):
    with pytest.raises(errors.UsageError, match="option 'shapes' is "):
        converter.export_model(tmp_path, tmp_path / "x.onnx", to="onnx", shapes={"input": value})


def test_a_shape_has_open_sizes():
    assert as_sizes("shapes", [1, None, 3], "") == (1, None, 3)
