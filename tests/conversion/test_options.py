"""The options of a conversion, their types, and what of them decides about what."""

import inspect
import json

import msgspec
import pytest

import converter
from converter import errors
from converter.conversion.options import ConversionOptions, Decides, Kind, describe_options

PLAIN = ConversionOptions()
OTHERS = {
    "verify": True,
    "inputs": "/inputs.npz",
    "hardlink": True,
    "tags": ("a", "b c"),
    "training_tags": (),
    "call_signature": "x y",
    "trainable": "kernel|bias",
    "conventions": False,
    "import_ops": ("z", "a"),
    "allow_op": ("ReadFile", "Abort"),
}


def test_every_option_is_an_argument_with_the_same_default():
    parameters = inspect.signature(converter.convert).parameters
    assert set(OTHERS) == {about.name for about in describe_options()}
    for about in describe_options():
        assert parameters[about.name].default == getattr(PLAIN, about.name)
        assert about.help
        assert bool(about.metavar) == (about.kind is not Kind.FLAG)


def test_one_of_migrate_too_but_for_what_fits_one_module_only():
    assert set(OTHERS) - {"inputs"} <= set(inspect.signature(converter.migrate).parameters)


@pytest.mark.parametrize("name", OTHERS)
def test_options_survive_json(name):
    options = ConversionOptions(**{name: OTHERS[name]})
    assert ConversionOptions(**json.loads(json.dumps(options.to_json()))) == options
    assert list(options.changed()) == [name]
    assert PLAIN.updated(options.changed()) == options


def test_a_tag_set_has_no_order():
    assert ConversionOptions(tags=["b", "a", "b"]) == ConversionOptions(tags={"a", "b"})
    assert ConversionOptions(import_ops=["b", "a"]) != ConversionOptions(import_ops=["a", "b"])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("verify", 1, "true or false"),
        ("verify", None, "true or false"),
        ("conventions", "no", "true or false"),
        ("tags", "gen,bs8", "a list of strings"),
        ("tags", [1], "a list of strings"),
        ("training_tags", {"a": 1}, "a list of strings"),
        ("call_signature", ["a"], "a string"),
        ("import_ops", None, "a list of strings"),
        ("import_ops", b"a", "a list of strings"),
    ],
)
def test_values_of_another_type(name, value, expected):
    with pytest.raises(errors.UsageError) as caught:
        PLAIN.updated({name: value})
    assert caught.value.message == f"option {name!r} is {value!r}, expected {expected}"


def test_an_option_that_there_is_not():
    with pytest.raises(errors.UsageError, match="no option 'overwrite'") as caught:
        PLAIN.updated({"overwrite": True})
    assert "training_tags" in caught.value.remedy


def test_convert_refuses_a_text_that_may_be_several_tags(tmp_path):
    with pytest.raises(errors.UsageError, match="option 'tags' is 'gen,bs8'"):
        converter.convert(tmp_path, tmp_path / "out", tags="gen,bs8")


def test_a_text_is_one_element():
    options = ConversionOptions(tags="gen", import_ops="package", allow_op="ReadFile")
    assert options == ConversionOptions(tags=["gen"], import_ops=["package"], allow_op=["ReadFile"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, ""),
        ({"verify": True, "tags": ()}, "--verify --tags ''"),
        ({"training_tags": ("b", "a")}, "--training-tags a,b"),
        ({"conventions": False}, "--no-conventions"),
        ({"call_signature": "x y"}, "--call-signature 'x y'"),
        ({"import_ops": ("b", "a")}, "--import-ops b --import-ops a"),
    ],
)
def test_as_a_user_would_type_them(options, text):
    assert ConversionOptions(**options).format() == text


def test_the_record_has_what_the_result_depends_on():
    assert PLAIN.recorded() == {"tags": None, "training_tags": None, "call_signature": None}
    assert ConversionOptions(**OTHERS).recorded() == {
        "tags": ["a", "b c"], "training_tags": [], "call_signature": "x y",
        "trainable": "kernel|bias", "conventions": False,
    }  # fmt: skip


@pytest.mark.parametrize("about", describe_options(), ids=lambda about: about.name)
def test_the_fingerprint_knows_what_decides(about):
    changed = msgspec.structs.replace(PLAIN, **{about.name: OTHERS[about.name]})
    assert (changed.fingerprint == PLAIN.fingerprint) is (about.decides is Decides.NOTHING)
    is_other = about.decides is Decides.RESULT
    assert changed.give_the_result_of(PLAIN.fingerprint) is not is_other
    assert PLAIN.give_the_result_of(changed.fingerprint) is not is_other
    assert changed.give_the_result_of(changed.fingerprint)


@pytest.mark.parametrize("fingerprint", ["", "f", "[]", "null", "1", "{", "[" * 100_000])
def test_a_damaged_fingerprint_is_that_of_no_options(fingerprint):
    assert not PLAIN.give_the_result_of(fingerprint)


def test_the_order_of_packages_decides_nothing():
    one, other = (ConversionOptions(import_ops=ops) for ops in (("a", "b"), ("b", "a")))
    assert one.fingerprint == other.fingerprint
