import functools
import pathlib
import sys
import types

import pytest
import tensorflow as tf

import converter
from converter import errors
from converter.sources.hub_objects import HubObject, find_kind, read_module, read_spec, refuse


def _module_fn():
    raise AssertionError("must not run")


class _OfHub(tf.Module):
    __module__ = "tensorflow_hub.keras_layer"


class _OfKeras:
    __module__ = "keras.src.models"


@pytest.mark.parametrize(
    ("value", "what", "remedy"),
    [
        (_module_fn, "the function '_module_fn'", "Pass hub.create_module_spec(module_fn), which"),
        (functools.partial(_module_fn), "the function 'partial'", "Pass hub.create_module_spec"),
        (pathlib.Path.exists, "the function 'exists'", "Pass hub.create_module_spec"),
        (_OfHub(), "an object of type '_OfHub'", "Pass the path or the handle"),
        (_OfKeras(), "an object of type '_OfKeras'", "It needs no conversion"),
        (tf.Module(), "an object of type 'Module'", "It needs no conversion"),
        (tf.keras.Sequential(), "an object of type 'Sequential'", "It needs no conversion"),
        (b"/module", "an object of type 'bytes'", "Pass the path as a string"),
        (3, "an object of type 'int'", "Pass a path, what hub.create_module_spec returns"),
        (None, "an object of type 'NoneType'", "Pass a path"),
        (["a", "b"], "an object of type 'list'", "Pass a path"),
    ],
)
def test_other_objects_are_refused_before_anything_starts(value, what, remedy, tmp_path):
    for use in (converter.inspect, converter.load, converter.scan):
        with pytest.raises(errors.UsageError) as caught:
            use(value)
        assert caught.value.message.startswith(f"{what} is not a TF1 module, expected a path,")
        assert caught.value.remedy.startswith(remedy)
    for use in (converter.convert, converter.verify):
        with pytest.raises(errors.UsageError):
            use(value, tmp_path / "result")
    assert str(refuse(value)) == str(caught.value)
    assert not list(tmp_path.iterdir())


def test_objects_are_known_by_their_classes(hub_api):
    spec = hub_api.ModuleSpec([])
    assert find_kind(spec) is HubObject.SPEC
    assert find_kind(hub_api.Module.__new__(hub_api.Module)) is HubObject.MODULE
    assert find_kind("path") is None


@pytest.mark.parametrize("hub", [None, types.SimpleNamespace(), types.SimpleNamespace(Module=3)])
def test_no_object_is_known_without_the_api(hub, hub_api, monkeypatch):
    spec = hub_api.ModuleSpec([])
    monkeypatch.setitem(sys.modules, "tensorflow_hub", hub)
    assert find_kind(spec) is None


def test_a_spec_has_graphs_and_a_checkpoint(hub_api):
    assert read_spec(hub_api.ModuleSpec(["a", "b"], b"/m/variables/variables")) == read_spec(
        hub_api.ModuleSpec(["a", "b"], "/m/variables/variables")
    )
    contents = read_spec(hub_api.ModuleSpec(["a"]))
    assert (contents.meta_graphs, contents.checkpoint) == (("a",), None)


@pytest.mark.parametrize("read", [read_spec, read_module])
def test_other_attributes_than_those_known_are_an_error(read, hub_api):
    class OtherSpec(hub_api.ModuleSpec):
        def __init__(self):
            pass

    with pytest.raises(errors.FormatError, match=r"a OtherSpec of tensorflow_hub 0\.15\.0 is not"):
        read(OtherSpec())
