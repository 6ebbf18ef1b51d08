"""Makes random ops draw the same numbers in any process and any graph.

A stateful random op draws from a stream that depends on what ran before. The one rewrite here
replaces each by its stateless twin, seeded by the op's own two seeds, and a shuffle by a
reversal. It works on the nodes of graphs and of functions, so on the original and on the
converted module alike.

Before:
    noise = RandomUniform[T=int32, dtype=float, seed=3, seed2=4](shape)

After:
    noise/stateless_seed = Const[dtype=int64, value=[3, 4]]()
    noise = StatelessRandomUniform[T=int32, dtype=float](shape, noise/stateless_seed)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from converter import tf_private
from converter.parity.function_library import calls, find_callers

DEFAULT_SEED = (1, 2)


@dataclasses.dataclass(frozen=True, slots=True)
class _Twin:
    """The stateless op for a stateful one.

    Attributes:
      op: Its name.
      seed_position: Where the seed goes among the inputs.
      renamed: Attributes that have another name, old to new.
      parameter: The input whose shape the stateful op appends to its shape argument, if it does.
    """

    op: str
    seed_position: int = 1
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    parameter: int | None = None


_TWINS = {
    "RandomUniform": _Twin("StatelessRandomUniform"),
    "RandomStandardNormal": _Twin("StatelessRandomNormal"),
    "TruncatedNormal": _Twin("StatelessTruncatedNormal"),
    "RandomUniformInt": _Twin("StatelessRandomUniformInt", renamed={"Tout": "dtype"}),
    "Multinomial": _Twin("StatelessMultinomial", seed_position=2),
    "SampleDistortedBoundingBoxV2": _Twin("StatelessSampleDistortedBoundingBox", seed_position=3),
    # These append the shape of their parameter to the shape that they are asked for.
    "RandomGamma": _Twin("StatelessRandomGammaV2", renamed={"S": "T", "T": "dtype"}, parameter=1),
    "RandomPoissonV2": _Twin(
        "StatelessRandomPoisson", renamed={"S": "T", "R": "Rtype"}, parameter=1
    ),
}
_SHUFFLE = "RandomShuffle"
REPLACED_OPS = frozenset({*_TWINS, _SHUFFLE})

# Random ops without a twin: what depends on one cannot be compared.
UNCOMPARABLE_OPS = frozenset(
    {
        "AllCandidateSampler", "FixedUnigramCandidateSampler",
        "LearnedUnigramCandidateSampler", "LogUniformCandidateSampler",
        "NonDeterministicInts", "ParameterizedTruncatedNormal", "RandomCrop", "RandomPoisson",
        "RngReadAndSkip", "RngSkip", "SampleDistortedBoundingBox", "StatefulRandomBinomial",
        "StatefulStandardNormal", "StatefulStandardNormalV2", "StatefulTruncatedNormal",
        "StatefulUniform", "StatefulUniformFullInt", "StatefulUniformInt",
        "ThreadUnsafeUnigramCandidateSampler", "UniformCandidateSampler",
    }
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class RandomOps:
    """The random ops of a graph: those that were replaced, and those that could not be.

    Attributes:
      replaced: What each replaced node of the graph was, by its name.
      replaced_in_functions: The same for functions, by `function/node`.
      callers: The graph's nodes that run each of the latter, by the same keys.
      uncomparable: The graph's nodes whose op has no stateless twin, or calls one.
    """

    replaced: Mapping[str, str]
    replaced_in_functions: Mapping[str, str]
    callers: Mapping[str, frozenset[str]]
    uncomparable: tuple[str, ...]

    def drawn_by(self, nodes: Collection[str]) -> dict[str, str]:
        """The ops that were replaced and that run when `nodes` of the graph do, by their keys."""
        here = {name: op for name, op in self.replaced.items() if name in nodes}
        there = {
            key: op
            for key, op in self.replaced_in_functions.items()
            if not self.callers[key].isdisjoint(nodes)
        }
        return here | there


def make_deterministic(graph_def: Any) -> RandomOps:
    """Replaces the random ops of a GraphDef and of its functions, in place."""
    replaced = _rewrite(graph_def.node, graph_def.node.add, "{}")
    in_functions: dict[str, str] = {}
    callers: dict[str, frozenset[str]] = {}
    for function in graph_def.library.function:
        name = function.signature.name
        found = _rewrite(function.node_def, function.node_def.add, "{}:output:0")
        own = {f"{name}/{node}": op for node, op in found.items()}
        in_functions |= own
        if own:
            callers |= dict.fromkeys(own, frozenset(_nodes_that_run(graph_def, {name})))
    uncomparable = tuple(_nodes_that_run(graph_def, UNCOMPARABLE_OPS))
    return RandomOps(replaced, in_functions, callers, uncomparable)


def has_random_ops(graph_def: Any) -> bool:
    """Whether there is anything for `make_deterministic` to replace."""
    bodies = (graph_def.node, *(function.node_def for function in graph_def.library.function))
    return any(node.op in REPLACED_OPS for body in bodies for node in body)


def _nodes_that_run(graph_def: Any, ops: Collection[str]) -> list[str]:
    """The graph's nodes of some ops or functions, or that call one, through others too."""
    names = find_callers(graph_def, ops)
    return [node.name for node in graph_def.node if calls(node, names)]


def _rewrite(nodes: Iterable[Any], add: Callable[..., Any], output: str) -> dict[str, str]:
    """Replaces the random ops among `nodes`.

    Args:
      nodes: NodeDefs.
      add: Adds one.
      output: How an input names the only output of a node.

    Returns:
      The ops that were replaced, by node name.
    """
    replaced = {node.name: node.op for node in nodes if node.op in REPLACED_OPS and _is_whole(node)}
    graph = _Nodes(add, output)
    for node in [node for node in nodes if node.name in replaced]:
        if node.op == _SHUFFLE:
            _make_reversal(node, graph)
        else:
            _make_stateless(node, _TWINS[node.op], graph)
    return replaced


def _is_whole(node: Any) -> bool:
    """Whether a node has the inputs that its op takes; TensorFlow imports no other."""
    op_def = tf_private.get_op_def(node.op)
    inputs = [name for name in node.input if not name.startswith("^")]
    return op_def is None or len(inputs) == len(op_def.input_arg)


def _make_reversal(node: Any, graph: _Nodes) -> None:
    _remove_seeds(node)
    node.op = "ReverseV2"
    axis = graph.add_const(node, "reverse_axis", np.array([0], np.int32))
    node.input.insert(1, axis)
    node.attr["Tidx"].type = tf.int32.as_datatype_enum


def _make_stateless(node: Any, twin: _Twin, graph: _Nodes) -> None:
    seed = graph.add_const(node, "stateless_seed", np.array(_remove_seeds(node), np.int64))
    if twin.parameter is not None:
        node.input[0] = graph.add_full_shape(node, twin.parameter)
    node.op = twin.op
    values = {new: node.attr[old].SerializeToString() for old, new in twin.renamed.items()}
    for old in twin.renamed:
        del node.attr[old]
    for new, value in values.items():
        node.attr[new].ParseFromString(value)
    node.attr["Tseed"].type = tf.int64.as_datatype_enum
    node.input.insert(twin.seed_position, seed)


def _remove_seeds(node: Any) -> tuple[int, int]:
    seed = (node.attr["seed"].i, node.attr["seed2"].i)
    for key in ("seed", "seed2"):
        del node.attr[key]
    return seed if any(seed) else DEFAULT_SEED


# The attribute that holds the type of the first input, where it is not `T`.
_FIRST_INPUT_TYPE = {"RandomGamma": "S", "RandomPoissonV2": "S"}


class _Nodes:
    """Adds nodes to a graph or to a function, whose inputs name outputs differently."""

    def __init__(self, add: Callable[..., Any], output: str) -> None:
        self._add = add
        self._output = output

    def add_const(self, random: Any, suffix: str, value: np.ndarray) -> str:
        """Adds a constant that runs whenever `random` does, and returns its output's name.

        A constant of a V1 loop must wait for something in the loop. An identity of an input is
        that in a branch, too, where a Switch itself is not.
        """
        name = f"{random.name}/{suffix}"
        anchor = self._add(name=f"{name}_frame", op="Identity", input=[random.input[0]])
        anchor.attr["T"].type = random.attr[_FIRST_INPUT_TYPE.get(random.op, "T")].type
        node = self._add(name=name, op="Const", input=[f"^{anchor.name}"])
        node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
        return self._output.format(name)

    def add_full_shape(self, random: Any, parameter: int) -> str:
        """Adds the shape asked of `random` followed by that of an input, and returns its name."""
        dtypes = {"RandomGamma": ("S", "T"), "RandomPoissonV2": ("S", "R")}[random.op]
        shape_type, value_type = (random.attr[key].type for key in dtypes)
        shape = self._add(name=f"{random.name}/parameter_shape", op="Shape")
        shape.input.append(random.input[parameter])
        shape.attr["T"].type = value_type
        shape.attr["out_type"].type = shape_type
        axis = self.add_const(random, "axis", np.array(0, np.int32))
        full = self._add(name=f"{random.name}/full_shape", op="ConcatV2")
        full.input.extend([random.input[0], self._output.format(shape.name), axis])
        full.attr["N"].i = 2
        full.attr["T"].type = shape_type
        full.attr["Tidx"].type = tf.int32.as_datatype_enum
        return self._output.format(full.name)
