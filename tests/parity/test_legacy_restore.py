import dataclasses

import numpy as np
import pytest

import converter
from converter import errors
from converter.formats import saved_model_state
from converter.formats.hub_module import read_saved_model
from converter.formats.registry import read_module
from converter.formats.restore_ops import find_restored
from converter.parity.legacy_restore import restore_values


def _restore(path):
    legacy = read_module(path)
    (program,) = legacy.variants.values()
    (meta_graph,) = read_saved_model(path).meta_graphs
    return restore_values(meta_graph, legacy, program), legacy


def test_values_are_those_that_the_ops_of_the_file_restore(golden_module):
    values, legacy = _restore(golden_module("saved_model_other_keys"))
    expected = legacy.checkpoint.entries.keys()
    assert len(values) == len(expected) == 4
    for spec in legacy.variants[frozenset({"serve"})].variables.values():
        np.testing.assert_array_equal(values[spec.name], legacy.checkpoint.read(spec))


def test_initial_values_are_those_that_the_init_op_assigns(golden_module):
    values, _ = _restore(golden_module("saved_model_local_variables"))
    np.testing.assert_array_equal(values["scale"], np.float32([1.5, 2.5]))
    assert "noise" not in values


def test_another_file_is_not_read(golden_module, edit):
    path = golden_module("saved_model_simple_save")
    with edit(path) as content:
        graph = content.meta_graphs[0].graph_def
        constant = graph.node.add(name="elsewhere", op="Const")
        constant.CopyFrom(next(n for n in graph.node if n.name == "save/filename/input"))
        constant.name = "elsewhere"
        next(n for n in graph.node if n.op == "RestoreV2").input[0] = "elsewhere"
    legacy = read_module(path)
    assert "from another file" in legacy.checkpoint.unknown_values["layer/kernel"]
    # As if the converter had not seen that.
    weights = dataclasses.replace(
        legacy.checkpoint,
        initial_values=dict.fromkeys(legacy.checkpoint.unknown_values, np.float32(0)),
        unknown_values={},
    )
    (program,) = legacy.variants.values()
    (meta_graph,) = read_saved_model(path).meta_graphs
    with pytest.raises(errors.UnsafeModuleError, match="a file that is not its checkpoint"):
        restore_values(meta_graph, dataclasses.replace(legacy, checkpoint=weights), program)


def test_a_damaged_value_is_said_to_be_unreadable(golden_module):
    path = golden_module("saved_model_simple_save")
    (shard,) = path.glob("variables/*.data-*")
    shard.write_bytes(bytes(byte ^ 1 for byte in shard.read_bytes()))
    with pytest.raises(errors.ParityError, match="cannot restore the variables of the original"):
        _restore(path)


def test_a_wrong_key_is_found(golden_module, tmp_path, monkeypatch):
    """The comparison does not take the converter's word for where values are."""

    def swap(saver, nodes):
        found = find_restored(saver, nodes)
        keys = found.variables["new/kernel"], found.variables["swapped/kernel"]
        others = {"new/kernel": keys[1], "swapped/kernel": keys[0]}
        if nodes["new/kernel"].attrs["shape"] != nodes["swapped/kernel"].attrs["shape"]:
            keys = found.variables["new/bias"], found.variables["swapped/bias"]
            others = {"new/bias": keys[1], "swapped/bias": keys[0]}
        return dataclasses.replace(found, variables={**found.variables, **others})

    source = golden_module("saved_model_other_keys")
    monkeypatch.setattr(saved_model_state, "find_restored", swap)
    converter.convert(source, tmp_path / "out")
    report = converter.verify(source, tmp_path / "out")
    assert report.verdict == "differs"
