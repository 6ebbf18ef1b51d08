"""What stands in for tensorflow_hub's TF1 API, which newer versions lack.

Of its objects, the converter uses what is here: tests with the real ones, which CI runs too, are in
`tests/interface/test_module_specs.py`.
"""

import sys
import types

import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from tensorflow.core.protobuf import meta_graph_pb2

SIGNATURES, ATTACHMENTS = ("signatures",), ("attachments",)


class Handler:
    def __init__(self, meta_graphs):
        self._meta_graphs = meta_graphs

    @property
    def meta_graphs(self):
        return iter(self._meta_graphs)


class ModuleSpec:
    def __init__(self, meta_graphs, checkpoint=None):
        self._saved_model_handler = Handler(meta_graphs)
        self._checkpoint_variables_path = checkpoint


class Module:
    """A module in the default graph, in the scope `name`."""

    def __init__(self, spec, name="module", tags=()):
        self._spec, self._tags = spec, set(tags)
        [graph] = [
            g for g in spec._saved_model_handler.meta_graphs
            if set(g.meta_info_def.tags) == self._tags
        ]  # fmt: skip
        copy = meta_graph_pb2.MetaGraphDef()
        copy.CopyFrom(graph)
        for node in copy.graph_def.node:
            if node.attr["shared_name"].s:
                node.attr["shared_name"].s = f"{name}/".encode() + node.attr["shared_name"].s
        tf1.train.import_meta_graph(copy, import_scope=name)
        self.variable_map = {}
        for variable in tf1.global_variables(f"{name}/"):
            inner = variable.op.name.removeprefix(f"{name}/")
            whole, _, part = inner.rpartition("/")
            if part.startswith("part_"):
                self.variable_map.setdefault(whole, []).append(variable)
            else:
                self.variable_map[inner] = variable


def add_signature(name="default", inputs=None, outputs=None):
    def describe(tensors):
        named = tensors if isinstance(tensors, dict) else {"default": tensors}
        build = tf1.saved_model.utils.build_tensor_info
        return {key: build(tensor) for key, tensor in named.items()}

    signature = tf1.saved_model.build_signature_def(
        describe({} if inputs is None else inputs), describe(outputs)
    )
    tf1.add_to_collection(SIGNATURES, (name, signature))


def create_module_spec(module_fn, tags_and_args=((set(), {}),)):
    return ModuleSpec([make_meta_graph(module_fn, *variant) for variant in tags_and_args])


def make_meta_graph(module_fn, tags=(), arguments=types.MappingProxyType({})):
    with tf.Graph().as_default():
        with tf1.variable_scope("", use_resource=True):
            module_fn(**arguments)
        meta_graph = tf1.train.export_meta_graph(strip_default_attrs=True)
        meta_graph.meta_info_def.tags.extend(tags)
        for key, signature in tf1.get_collection(SIGNATURES):
            meta_graph.signature_def[key].CopyFrom(signature)
    return meta_graph


@pytest.fixture
def hub_api(monkeypatch):
    """A tensorflow_hub with the TF1 API, whatever is installed."""
    api = types.SimpleNamespace(
        ModuleSpec=ModuleSpec,
        Module=Module,
        add_signature=add_signature,
        create_module_spec=create_module_spec,
        __version__="0.15.0",
    )
    monkeypatch.setitem(sys.modules, "tensorflow_hub", api)
    return api


@pytest.fixture
def make_spec(hub_api):
    """`make_spec(module_fn, tags_and_args)` is a spec without a checkpoint."""
    return hub_api.create_module_spec
