"""A copy of a module that computes the same values in every TensorFlow and every process.

Stateful random ops draw from a stream that depends on what ran before. In the copy each one is
replaced in place by its stateless twin, seeded by the op's own two seeds; a shuffle becomes a
reversal. Whoever compares with the golden values makes the same replacements on their side.
Devices are cleared, as a session fails that has no such job.
"""

from __future__ import annotations

import os
import re
import shutil

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.core.framework import node_def_pb2
from tensorflow.python.saved_model import loader_impl

from legacy_fixtures.graph_queries import find_computed_functions, find_computed_nodes

# Stateful op -> (its stateless twin, attrs to rename, where the seed goes among the inputs).
_STATELESS = {
    "RandomUniform": ("StatelessRandomUniform", {}, 1),
    "RandomStandardNormal": ("StatelessRandomNormal", {}, 1),
    "TruncatedNormal": ("StatelessTruncatedNormal", {}, 1),
    "RandomUniformInt": ("StatelessRandomUniformInt", {"Tout": "dtype"}, 1),
    "Multinomial": ("StatelessMultinomial", {}, 2),
}
_DEFAULT_SEED = (1, 2)


def write_deterministic_copy(module_dir: str, destination: str) -> bool:
    """Copies a module with its random ops replaced and its signatures fit for `hub.Module`.

    Returns:
      Whether an output or an update op of the module depends on a random op.
    """
    shutil.copytree(module_dir, destination)
    path = os.path.join(destination, tf.saved_model.SAVED_MODEL_FILENAME_PB)
    saved_model = loader_impl.parse_saved_model(destination)
    random = False
    for meta_graph in saved_model.meta_graphs:
        random |= _replace_random_ops(meta_graph)
        _clear_devices(meta_graph.graph_def)
        _rename_signatures(meta_graph)
    with open(path, "wb") as file:
        file.write(saved_model.SerializeToString())
    return random


def applicable_signature(name: str) -> str:
    """The name of a signature in the copy.

    hub.Module takes a signature's name for a name scope, and fails where it holds a slash or
    another character that a scope cannot have.
    """
    return re.sub(r"[^A-Za-z0-9_.]", "_", name)


def _clear_devices(graph_def):
    for node in graph_def.node:
        node.device = ""


def _rename_signatures(meta_graph):
    for name in list(meta_graph.signature_def):
        renamed = applicable_signature(name)
        if renamed == name:
            continue
        if renamed in meta_graph.signature_def:
            raise ValueError(f"Two signatures would be {renamed!r} in the copy; rename one.")
        meta_graph.signature_def[renamed].CopyFrom(meta_graph.signature_def[name])
        del meta_graph.signature_def[name]


def _replace_random_ops(meta_graph):
    """Makes random ops stateless and returns whether a computed node was one or calls one."""
    graph_def = meta_graph.graph_def
    random = bool(_make_nodes_stateless(graph_def.node, "{}") & find_computed_nodes(meta_graph))
    computed_functions = find_computed_functions(meta_graph)
    for function in graph_def.library.function:
        replaced = _make_nodes_stateless(function.node_def, "{}:output:0")
        random |= bool(replaced) and function.signature.name in computed_functions
    return random


def _make_nodes_stateless(nodes, output):
    """Makes random ops stateless and returns their names.

    Args:
      nodes: The nodes of a graph or of a function.
      output: How an input names the only output of a node there.
    """
    random_nodes = [node for node in nodes if node.op in _STATELESS or node.op == "RandomShuffle"]
    for node in random_nodes:
        replace = _replace_shuffle if node.op == "RandomShuffle" else _replace_stateful
        position, added = replace(node)
        node.input.insert(position, output.format(added[-1].name))
        nodes.extend(added)
    return {node.name for node in random_nodes}


def _replace_shuffle(node):
    """Returns where among the inputs a new node belongs, and the nodes it consists of."""
    _remove_seeds(node)
    node.op = "ReverseV2"
    return 1, _const_beside(node, "reverse_axis", np.int32([0]))


def _replace_stateful(node):
    """Returns where among the inputs a new node belongs, and the nodes it consists of."""
    node.op, renames, position = _STATELESS[node.op]
    for old, new in renames.items():
        node.attr[new].CopyFrom(node.attr[old])
        del node.attr[old]
    return position, _const_beside(node, "stateless_seed", np.int64(_remove_seeds(node)))


def _remove_seeds(node):
    seed = tuple(node.attr[key].i for key in ("seed", "seed2"))
    for key in ("seed", "seed2"):
        del node.attr[key]
    return seed if any(seed) else _DEFAULT_SEED


def _const_beside(node, name, value):
    """Returns a constant that runs whenever a node does, after the node that makes it do so.

    In a loop it must be in the loop's frame, which takes a control edge from there. The edge is
    not from an input of the node itself, as hub.Module keeps control edges from inputs that it
    replaces.
    """
    anchor = node_def_pb2.NodeDef(name=f"{node.name}/{name}_frame", op="Identity")
    anchor.input.append(node.input[0])
    anchor.attr["T"].CopyFrom(node.attr["T"])
    const = node_def_pb2.NodeDef(name=f"{node.name}/{name}", op="Const")
    const.input.append(f"^{anchor.name}")
    const.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
    const.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    return anchor, const
