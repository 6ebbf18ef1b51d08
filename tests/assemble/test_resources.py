import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.assemble.resources import Resources
from converter.assemble.reusable import build_reusable
from converter.compile.compile_module import compile_module
from converter.compile.definitions import Definitions
from converter.formats.registry import read_module

_TRAIN = frozenset({"train"})


@pytest.fixture
def open_module(golden_module):
    def read(name, *, live=False):
        legacy = read_module(golden_module(name))
        return legacy, _resources(legacy, live=live)

    return read


def _resources(legacy, *, live=False):
    definitions = compile_module(legacy).definitions
    return Resources(legacy, definitions, live=live)


def test_a_variable_is_made_once_with_its_value(open_module):
    legacy, resources = open_module("half_plus_two", live=True)
    spec = legacy.variants[frozenset()].variables["a"]
    variable = resources.variable(spec)
    assert resources.variable(spec) is variable
    assert variable.name == "a:0"
    assert float(variable) == 0.5
    assert variable.trainable


def test_variants_share_variables(open_module):
    legacy, resources = open_module("image_bn_dropout")
    plain, train = legacy.variants[frozenset()], legacy.variants[_TRAIN]
    assert plain.variables
    for name, spec in plain.variables.items():
        assert resources.variable(spec) is resources.variable(train.variables[name])


def test_a_variable_is_trainable_if_any_variant_says_so(half_and_half):
    resources, one, other = half_and_half
    assert not one.trainable
    assert other.trainable
    assert resources.variable(one).trainable


@pytest.fixture
def half_and_half(golden_module):
    legacy = read_module(golden_module("half_plus_two"))
    (program,) = legacy.variants.values()
    one = dataclasses.replace(program.variables["a"], trainable=False)
    other = dataclasses.replace(program.variables["a"], trainable=True)
    legacy = dataclasses.replace(
        legacy,
        variants={
            frozenset(): dataclasses.replace(program, variables={"a": one}),
            _TRAIN: dataclasses.replace(program, tags=_TRAIN, variables={"a": other}),
        },
    )
    return Resources(legacy, Definitions({}, {}), live=False), one, other


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("shape", [(None,), None])
def test_a_variable_keeps_its_declared_shape(live, shape, open_module):
    legacy, _ = open_module("half_plus_two")
    (program,) = legacy.variants.values()
    legacy = dataclasses.replace(legacy, checkpoint=_Stored(np.zeros([1], np.float32)))
    spec = dataclasses.replace(program.variables["a"], shape=shape, trainable=False)
    variable = Resources(legacy, Definitions({}, {}), live=live).variable(spec)
    assert variable.shape == tf.TensorShape(shape)
    variable.assign(tf.ones([5]))
    assert variable.numpy().tolist() == [1.0] * 5


class _Stored:
    """A checkpoint with one value."""

    def __init__(self, value):
        self.value = value

    def check(self, spec):
        pass

    def read(self, _):
        return self.value


def test_a_variable_that_is_only_saved_has_no_value(open_module):
    legacy, resources = open_module("half_plus_two")
    variable = resources.variable(legacy.variants[frozenset()].variables["a"])
    assert not tf.raw_ops.VarIsInitializedOp(resource=variable.handle)
    assert resources.variables == [(variable, legacy.variants[frozenset()].variables["a"])]


def test_an_asset_is_made_once_and_must_be_within_the_module(open_module):
    _, resources = open_module("table_file")
    asset = resources.asset("words.txt")
    assert resources.asset("words.txt") is asset
    assert resources.trackables == [asset]
    with pytest.raises(errors.UnsafeModuleError):
        resources.asset("../saved_model.pb")
    with pytest.raises(errors.FormatError, match="missing"):
        resources.asset("gone.txt")


@pytest.fixture
def twins(open_module):
    """`twins(filename)` is a module with a table in two variants, of which one has `filename`."""

    def make(filename):
        legacy, _ = open_module("table_file")
        (legacy.directory / "assets" / "other.txt").write_text("x")
        (program,) = legacy.variants.values()
        (asset,) = program.assets.values()
        assets = {asset.node: dataclasses.replace(asset, filename=filename)}
        twin = dataclasses.replace(program, tags=_TRAIN, assets=assets)
        return dataclasses.replace(legacy, variants={program.tags: program, _TRAIN: twin})

    return make


def _tables(legacy):
    resources = _resources(legacy)
    return [resources.table(p, node) for p in legacy.variants.values() for node in p.tables]


def test_variants_share_tables_that_are_alike(twins):
    one, other = _tables(twins("words.txt"))
    assert one is other


def test_tables_of_one_node_that_are_filled_from_other_files_are_two(twins):
    one, other = _tables(twins("other.txt"))
    assert one is not other
    assert one.shared_name != other.shared_name  # A Session would take them for one.


def test_a_table_that_is_not_live_runs_nothing(open_module):
    legacy, resources = open_module("table_file")
    (legacy.directory / "assets" / "words.txt").write_bytes(b"")  # filling it would fail
    (program,) = legacy.variants.values()
    (node,) = program.tables
    assert resources.table(program, node).resource_handle.dtype == tf.resource


def test_tables_are_filled_when_live(golden_live):
    module = golden_live("table_file")
    words = [line for line in _vocabulary(module) if line][:3]
    spec = module.__dict__["__call__"]._list_all_concrete_functions()[0].structured_input_signature
    assert spec[0][0].dtype == tf.string
    result = module(tf.constant([*words, "no such word"]))
    assert len({int(r) for r in tf.reshape(result, [-1])}) == 4


def _vocabulary(module):
    (asset,) = (t for t in module.tf1_resources if isinstance(t, tf.saved_model.Asset))
    with open(asset.asset_path.numpy()) as file:
        return file.read().splitlines()


def test_live_tables_of_two_modules_do_not_meet(golden_module):
    path = golden_module("table_file")
    legacy = read_module(path)
    first = build_reusable(compile_module(legacy), live=True).module
    words = _vocabulary(first)
    before = first(tf.constant(words))
    (path / "assets" / "words.txt").write_text("\n".join(reversed(words)) + "\n")
    second = build_reusable(compile_module(legacy), live=True).module
    np.testing.assert_array_equal(first(tf.constant(words)), before)
    assert np.any(second(tf.constant(words)).numpy() != before.numpy())


def test_string_tables(golden_live):
    module = golden_live("table_in_memory")
    for piece in (module.index, module.remap, module.wave_length, module.word):
        assert piece.variables == []
    spec = module.word.__dict__["__call__"]._list_all_concrete_functions()[0]
    outputs = module.word(tf.zeros([2], spec.structured_input_signature[0][0].dtype))
    assert tf.nest.flatten(outputs)[0].dtype == tf.string
