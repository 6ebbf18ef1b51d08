import pytest
from google.protobuf import any_pb2
from tensorflow.core.framework import types_pb2, variable_pb2
from tensorflow.core.protobuf import meta_graph_pb2, struct_pb2

from converter import errors
from converter.formats.registry import read_module
from converter.ir.graph import AssetSpec, Kind, TableSpec, TensorRef


def _program(module):
    (program,) = read_module(module).variants.values()
    return program


# The graph.


def test_duplicate_node_names_are_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        nodes = saved_model.meta_graphs[0].graph_def.node
        nodes.add().CopyFrom(nodes[0])
        name = nodes[0].name
    assert refusal(half_plus_two).node == name


def test_a_bad_tensor_name_in_the_graph_is_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        node = next(n for n in saved_model.meta_graphs[0].graph_def.node if n.op == "Mul")
        node.input[0] = "a:b"
    assert "'a:b' is not a tensor name" in str(refusal(half_plus_two))


# Signatures.


@pytest.mark.parametrize("name", ["x:y", "x:-1", ":0"])
def test_a_bad_tensor_name_in_a_signature_is_refused(name, half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].signature_def["default"].inputs["default"].name = name
    assert f"{name!r} is not a tensor name" in str(refusal(half_plus_two))


def test_a_value_without_an_encoding_is_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].signature_def["default"].outputs["default"].ClearField("name")
    error = refusal(half_plus_two)
    assert "output 'default' of signature 'default' has the unknown encoding None" in str(error)


@pytest.mark.parametrize("dtype", [0, 99, 200])
def test_an_unknown_dtype_of_a_signature_is_refused(dtype, half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].signature_def["default"].inputs["default"].dtype = dtype
    assert "input 'default' of signature 'default' has the unknown dtype" in str(
        refusal(half_plus_two)
    )


def test_a_ref_dtype_is_that_of_its_values(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        info = saved_model.meta_graphs[0].signature_def["default"].inputs["default"]
        info.dtype = types_pb2.DT_FLOAT_REF
    assert _program(half_plus_two).signatures["default"].inputs["default"].dtype == 1


def test_a_shape_that_no_tensor_can_have_is_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        shape = saved_model.meta_graphs[0].signature_def["default"].outputs["default"].tensor_shape
        for size in (2**62, 0, 2):
            shape.dim.add(size=size)
    assert "output 'default' of signature 'default' has more elements" in str(
        refusal(half_plus_two)
    )


def test_sparse_values(golden_module):
    info = _program(golden_module("sparse_input")).signatures["default"].inputs["default"]
    assert info.kind is Kind.SPARSE
    assert len(info.components) == 3
    assert [ref.node.rpartition("/")[2] for ref in info.components] == [
        "indices", "values", "shape",
    ]  # fmt: skip


def test_ragged_values(golden_module):
    info = _program(golden_module("ragged_input")).signatures["default"].inputs["default"]
    assert info.kind is Kind.RAGGED
    assert info.ragged_rank == len(info.components) - 1 >= 1
    assert info.row_splits_dtype in (types_pb2.DT_INT32, types_pb2.DT_INT64)


def _composite(module, edit, change):
    with edit(module) as saved_model:
        info = saved_model.meta_graphs[0].signature_def["default"].inputs["default"]
        change(info.composite_tensor)


def test_a_ragged_value_of_too_few_dimensions_is_refused(golden_module, edit, refusal):
    module = golden_module("ragged_input")

    def change(composite):
        state = composite.type_spec.type_state.tuple_value.values
        state[0].tensor_shape_value.Clear()
        state[0].tensor_shape_value.dim.add(size=3)

    _composite(module, edit, change)
    assert "has a damaged type description" in str(refusal(module))


def test_row_splits_that_are_no_integers_are_refused(golden_module, edit, refusal):
    module = golden_module("ragged_input")

    def change(composite):
        state = composite.type_spec.type_state.tuple_value.values
        state[3].tensor_dtype_value = types_pb2.DT_FLOAT

    _composite(module, edit, change)
    assert "has row splits that are not integers" in str(refusal(module))


def test_a_composite_of_an_unknown_type_is_refused(golden_module, edit, refusal):
    module = golden_module("ragged_input")

    def change(composite):
        composite.type_spec.type_spec_class = struct_pb2.TypeSpecProto.OPTIONAL_SPEC

    _composite(module, edit, change)
    error = refusal(module)
    assert "input 'default' of signature 'default' is a composite of type OPTIONAL_SPEC" in str(
        error
    )
    assert error.remedy


def test_a_composite_of_a_number_without_a_name_is_refused(golden_module, edit, refusal):
    module = golden_module("ragged_input")

    def change(composite):
        composite.type_spec.type_spec_class = 12345

    _composite(module, edit, change)
    assert "12345" in str(refusal(module))


@pytest.mark.parametrize("field", ["components", "type_spec.type_state"])
def test_a_damaged_composite_is_refused(field, golden_module, edit, refusal):
    module = golden_module("ragged_input")

    def change(composite):
        if field == "components":
            del composite.components[-1]
        else:
            composite.type_spec.ClearField("type_state")

    _composite(module, edit, change)
    assert "has a damaged type description" in str(refusal(module))


@pytest.mark.parametrize("position", [1, 3])
def test_a_ragged_value_of_unknown_dtypes_is_refused(position, golden_module, edit, refusal):
    module = golden_module("ragged_input")

    def change(composite):
        state = composite.type_spec.type_state.tuple_value
        state.values[position].tensor_dtype_value = 0

    _composite(module, edit, change)
    assert "input 'default' of signature 'default' has the unknown dtype 0" in str(refusal(module))


def test_a_sparse_composite_is_a_sparse_value(golden_module, edit):
    module = golden_module("ragged_input")

    def change(composite):
        composite.type_spec.type_spec_class = struct_pb2.TypeSpecProto.SPARSE_TENSOR_SPEC
        while len(composite.components) < 3:
            composite.components.add().CopyFrom(composite.components[0])
        del composite.components[3:]

    _composite(module, edit, change)
    info = _program(module).signatures["default"].inputs["default"]
    assert info.kind is Kind.SPARSE
    assert len(info.components) == 3


# Collections.


def test_a_collection_of_a_wrong_kind_is_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        collections = saved_model.meta_graphs[0].collection_def
        collections["update_ops"].bytes_list.value.append(b"x")
    assert "collection 'update_ops' holds bytes_list, expected node_list" in str(
        refusal(half_plus_two)
    )


def test_an_empty_collection_is_fine(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].collection_def["update_ops"].SetInParent()
    assert _program(half_plus_two).update_ops == ()


def test_an_update_op_that_is_listed_twice_runs_once(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        names = saved_model.meta_graphs[0].collection_def["update_ops"].node_list.value
        names.extend(["mul", "add:0", "mul:0", "add"])
    assert _program(half_plus_two).update_ops == ("mul", "add")


def test_losses_keep_their_order_and_number(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        names = saved_model.meta_graphs[0].collection_def["regularization_losses"].node_list.value
        names.extend(["mul:0", "add:0", "mul:0"])
    losses = _program(half_plus_two).regularization_losses
    assert losses == (TensorRef("mul"), TensorRef("add"), TensorRef("mul"))


def test_damaged_messages_in_collections_are_refused(golden_module, edit, refusal):
    for name, key in (("half_plus_two", "variables"), ("attachments", "hub_module_attachments")):
        module = golden_module(name)
        with edit(module) as saved_model:
            saved_model.meta_graphs[0].collection_def[key].bytes_list.value[0] = b"\xff\xff"
        assert "is damaged" in str(refusal(module))


# The library.


@pytest.mark.parametrize("is_same", [True, False])
def test_two_functions_of_one_name_are_refused(golden_module, edit, refusal, is_same):
    module = golden_module("defun_calls")
    with edit(module) as saved_model:
        library = saved_model.meta_graphs[0].graph_def.library
        name = library.function[0].signature.name
        library.function.add().CopyFrom(library.function[0])
        if not is_same:
            del library.function[-1].node_def[:]
    assert f"two functions of the name {name!r}" in str(refusal(module))


def test_two_gradients_of_one_function_are_refused(golden_module, edit, refusal):
    module = golden_module("defun_calls")
    with edit(module) as saved_model:
        library = saved_model.meta_graphs[0].graph_def.library
        name = library.function[0].signature.name
        for _ in range(2):
            library.gradient.add(function_name=name, gradient_func=name)
    assert f"two gradients of function {name!r}" in str(refusal(module))


def test_a_function_that_is_called_like_an_op_is_refused(golden_module, edit, refusal):
    module = golden_module("defun_calls")
    with edit(module) as saved_model:
        saved_model.meta_graphs[0].graph_def.library.function[0].signature.name = "Identity"
    assert "function 'Identity' has the name of an op" in str(refusal(module))


# Variables.


def test_two_different_entries_of_a_variable_are_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        values = saved_model.meta_graphs[0].collection_def["variables"].bytes_list.value
        values.append(values[0])
    names = set(_program(half_plus_two).variables)
    with edit(half_plus_two) as saved_model:
        values = saved_model.meta_graphs[0].collection_def["variables"].bytes_list.value
        proto = variable_pb2.VariableDef.FromString(values[0])
        assert proto.variable_name.removesuffix(":0") in names
        proto.save_slice_info_def.full_name = "other"
        values.append(proto.SerializeToString())
    assert "two entries of the VARIABLES collection describe this variable" in str(
        refusal(half_plus_two)
    )


def test_variables_and_which_are_trainable(golden_module):
    program = _program(golden_module("dense_not_trainable"))
    assert {spec.trainable for spec in program.variables.values()} == {True, False}
    for node, spec in program.variables.items():
        assert spec.node == node
        assert spec.name == spec.checkpoint_key


def test_another_node_of_the_same_shared_name_is_the_same_variable(half_plus_two, edit):
    with edit(half_plus_two) as saved_model:
        graph = saved_model.meta_graphs[0].graph_def
        original = next(node for node in graph.node if node.name == "a")
        alias = graph.node.add()
        alias.CopyFrom(original)
        alias.name = "again"
        alias.attr["shared_name"].s = b"a"
        other = graph.node.add()
        other.CopyFrom(original)
        other.name = "other"
        other.attr["shared_name"].s = b"a"
        other.attr["container"].s = b"elsewhere"
    variables = _program(half_plus_two).variables
    assert variables["again"] is variables["a"]
    assert "other" not in variables


def test_a_variable_that_the_graph_lacks_is_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        proto = variable_pb2.VariableDef(variable_name="gone:0")
        values = saved_model.meta_graphs[0].collection_def["variables"].bytes_list.value
        values.append(proto.SerializeToString())
    assert "refers to node 'gone'" in str(refusal(half_plus_two))


def test_a_variable_of_unknown_dtype_is_refused(half_plus_two, edit, refusal):
    with edit(half_plus_two) as saved_model:
        node = next(n for n in saved_model.meta_graphs[0].graph_def.node if n.name == "a")
        node.attr["dtype"].type = 0
    assert "variable 'a' has the unknown dtype 0" in str(refusal(half_plus_two))


# Assets, tables, attachments.


def test_tables_know_what_fills_them(golden_module):
    program = _program(golden_module("table_shared_asset"))
    assert len(program.tables) == 2
    for node, table in program.tables.items():
        assert table == TableSpec(node, table.initializers)
        (filling,) = table.initializers
        assert program.nodes[filling].inputs[0].node == node
    (asset,) = program.assets.values()
    assert isinstance(asset, AssetSpec)


def test_a_damaged_asset_is_refused(golden_module, edit, refusal):
    module = golden_module("table_file")
    with edit(module) as saved_model:
        values = saved_model.meta_graphs[0].collection_def["saved_model_assets"].any_list.value
        values[0].CopyFrom(any_pb2.Any(value=b"\xff\xff"))
    assert "collection 'saved_model_assets' is damaged" in str(refusal(module))


def test_asset_names_are_read_as_they_are_and_checked_when_used(golden_module, edit):
    module = golden_module("table_file")
    with edit(module) as saved_model:
        values = saved_model.meta_graphs[0].collection_def["saved_model_assets"].any_list.value
        asset = meta_graph_pb2.AssetFileDef.FromString(values[0].value)
        asset.filename = "../../x"
        values[0].value = asset.SerializeToString()
    legacy = read_module(module)
    (program,) = legacy.variants.values()
    (spec,) = program.assets.values()
    with pytest.raises(errors.UnsafeModuleError):
        legacy.asset_path(spec.filename)


def test_identities_without_inputs_or_in_circles_do_no_harm(golden_module, edit):
    module = golden_module("table_file")
    with edit(module) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        (name,) = meta_graph.collection_def["table_initializer"].node_list.value
        filling = next(n for n in meta_graph.graph_def.node if n.name == name)
        for circle in ("one", "two"):
            node = meta_graph.graph_def.node.add(name=circle, op="Identity")
            node.input.append("two" if circle == "one" else "one")
        meta_graph.graph_def.node.add(name="none", op="Identity")
        for source in ("one", "none"):
            extra = meta_graph.graph_def.node.add()
            extra.CopyFrom(filling)
            extra.name = f"fill_{source}"
            extra.input[0] = source
            meta_graph.collection_def["table_initializer"].node_list.value.append(extra.name)
    (table,) = _program(module).tables.values()
    assert table.initializers == (name,)


def test_the_producer_is_kept(half_plus_two):
    assert _program(half_plus_two).producer == 134  # TensorFlow 1.15


def test_two_assets_for_one_place_are_refused(golden_module, edit, refusal):
    module = golden_module("text_embedding_oov")
    for filename in ("words.txt", "other.txt"):
        before = _program(module).assets
        with edit(module) as saved_model:
            collection = saved_model.meta_graphs[0].collection_def["saved_model_assets"]
            again = collection.any_list.value.add()
            again.CopyFrom(collection.any_list.value[0])
            asset = meta_graph_pb2.AssetFileDef.FromString(again.value)
            asset.filename = filename
            again.value = asset.SerializeToString()
        if filename == "words.txt":
            assert _program(module).assets == before
    assert "two assets belong to one node" in str(refusal(module))
