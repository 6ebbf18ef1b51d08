import tensorflow as tf

from converter.formats.hub_module import read_saved_model
from converter.formats.registry import read_module
from converter.parity.legacy_graph import prepare
from converter.parity.legacy_needs import needs_of_signatures
from converter.safety.allowed_ops import NONE


def _prepare(directory):
    legacy = read_module(directory)
    meta_graph = read_saved_model(directory).meta_graphs[0]
    program = legacy.variants[frozenset(meta_graph.meta_info_def.tags)]
    before = meta_graph.SerializeToString(deterministic=True)
    prepared = prepare(meta_graph, legacy, program, needs_of_signatures(program), NONE)
    assert meta_graph.SerializeToString(deterministic=True) == before
    return prepared


def test_sets_asset_paths(golden):
    graph = _prepare(golden("table_file")).meta_graph.graph_def
    path = str(golden("table_file") / "assets" / "words.txt").encode()
    values = [tf.make_ndarray(n.attr["value"].tensor) for n in graph.node if n.op == "Const"]
    assert path in [value.item() for value in values if value.shape == ()]


def test_clears_devices(golden):
    (program,) = read_module(golden("devices")).variants.values()
    assert any(node.device for node in program.nodes.values())
    graph = _prepare(golden("devices")).meta_graph.graph_def
    assert not any(node.device for node in graph.node)


def test_finds_gradient_overrides_that_nobody_resolves(golden):
    prepared = _prepare(golden("layers_custom_gradient"))
    assert list(prepared.overrides) == ["IdentityN"]
    assert not _prepare(golden("gradient_registered")).overrides


def test_replaces_gather_trees(golden):
    prepared = _prepare(golden("gather_tree"))
    assert prepared.gather_trees == 2
    assert not any(node.op == "GatherTree" for node in prepared.meta_graph.graph_def.node)
    assert _prepare(golden("half_plus_two")).gather_trees == 0


def test_replaces_random_ops(golden):
    assert "RandomUniform" in _prepare(golden("random_noise")).random.replaced.values()
    assert not _prepare(golden("half_plus_two")).random.replaced


def test_finds_functional_loops_with_control_flow_inside(golden):
    prepared = _prepare(golden("v2_while_nested"))
    operations = {node.name: node.op for node in prepared.meta_graph.graph_def.node}
    assert {operations[name] for name in prepared.nested_loops} == {"While"}
    for name in ("v2_while", "v2_cond", "while_nested", "half_plus_two"):
        assert not _prepare(golden(name)).nested_loops


def test_functions_of_two_modules_have_different_names(golden):
    graphs = [_prepare(golden("defun_calls")).meta_graph.graph_def for _ in range(2)]
    names = [{f.signature.name for f in graph.library.function} for graph in graphs]
    assert names[0]
    assert names[0].isdisjoint(names[1])
