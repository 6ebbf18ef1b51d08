import converter
from converter.export.canonical import read_saved_model


def _functions(path, *attributes):
    """The object of each attribute of the root, with the names of its traces."""
    objects = read_saved_model(path).meta_graphs[0].object_graph_def
    numbers = {child.local_name: child.node_id for child in objects.nodes[0].children}
    return {name: (numbers[name], objects.nodes[numbers[name]]) for name in attributes}


def test_endpoints_cost_no_functions(golden_module, tmp_path):
    path = tmp_path / "model"
    converter.convert(golden_module("image_bn_dropout"), path)
    found = _functions(path, "__call__", "serve", "serve_training")
    assert found["serve"][0] == found["__call__"][0]
    plain, training = found["__call__"][1], found["serve_training"][1]
    shared = training.function.concrete_functions
    assert 0 < len(shared) < len(plain.function.concrete_functions)
    assert set(shared) < set(plain.function.concrete_functions)


def test_the_loader_is_told_what_comes_first(golden_module, tmp_path):
    path = tmp_path / "model"
    converter.convert(golden_module("image_bn_dropout"), path)
    objects = read_saved_model(path).meta_graphs[0].object_graph_def
    function = _functions(path, "serve_training")["serve_training"][1]
    for listed in (function.children, function.dependencies):
        names = [
            objects.nodes[child.node_id].bare_concrete_function.concrete_function_name
            for child in listed
        ]
        assert names == list(function.function.concrete_functions)
        assert [child.local_name for child in listed] == [f"trace_{i}" for i in range(len(names))]
