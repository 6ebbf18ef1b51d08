"""The module's state as trackable objects, shared by all callables and graph variants."""

from __future__ import annotations

import dataclasses
import itertools

import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2

from converter import errors, tf_private
from converter.assemble.custom_gradients import (
    CustomGradient,
    custom_gradient_keys,
    make_custom_gradient,
)
from converter.assemble.emit import emit
from converter.formats.legacy_module import LegacyModule
from converter.ir import op_facts, query
from converter.ir.graph import (
    ARG_OP,
    ASSET_OP,
    BOUND_OPS,
    TABLE_OP,
    VARIABLE_OP,
    VARIABLE_VALUE_OP,
    Node,
    Program,
    TensorRef,
    VariableSpec,
)
from converter.ir.region import Region, format_region
from converter.passes.pipeline import lower
from converter.passes.prune_unreachable import Feed, prune_unreachable
from converter.passes.strip_placement import COLOCATION

_LIVE_TABLES = itertools.count()


class Resources:
    """Makes each variable, table and asset of a module once, when it is first asked for.

    Args:
      legacy: The module.
      live: Whether the result is to be used in this process. If not, tables are not made,
        variables have no values, and nothing of the module runs.
    """

    def __init__(self, legacy: LegacyModule, *, live: bool) -> None:
        self._legacy = legacy
        self._live = live
        self._specs: dict[str, VariableSpec] = {}
        self._variables: dict[str, tf.Variable] = {}
        self._assets: dict[str, tf.saved_model.Asset] = {}
        self._tables: dict[str, LegacyTable] = {}
        self._tables_made: dict[tuple[int, str], tuple[Program, LegacyTable]] = {}
        self._custom_gradients: dict[tuple[frozenset[str], str], CustomGradient] = {}
        self._trainable = _find_trainable(legacy)

    def bind(self, program: Program) -> ProgramBindings:
        """The state as the graphs of one variant see it."""
        return ProgramBindings(self, program)

    @property
    def trackables(self) -> list[tf.saved_model.Asset | LegacyTable]:
        """The tables and assets made so far, which the root has to hold on to."""
        return [*self._assets.values(), *self._tables.values()]

    @property
    def variables(self) -> list[tuple[tf.Variable, VariableSpec]]:
        """The variables made so far."""
        return [(variable, self._specs[name]) for name, variable in self._variables.items()]

    def variable(self, spec: VariableSpec) -> tf.Variable:
        """The variable that `spec` describes, with the checkpoint's value if it is live.

        Raises:
          WeightsError: if the checkpoint has no such value.
        """
        if self._specs.setdefault(spec.name, spec).checkpoint_key != spec.checkpoint_key:
            raise errors.WeightsError(
                f"two graph variants store variable {spec.name!r} differently"
            )
        if spec.name not in self._variables:
            self._variables[spec.name] = self._make_variable(spec)
        return self._variables[spec.name]

    def _make_variable(self, spec: VariableSpec) -> tf.Variable:
        dtype, shape = tf.as_dtype(spec.dtype), tf.TensorShape(spec.shape)
        trainable = spec.name in self._trainable
        if not self._live:
            self._legacy.checkpoint.check(spec)
            return tf_private.make_uninitialized_variable(spec.name, dtype, shape, trainable)
        value = self._legacy.checkpoint.read(spec)
        return tf.Variable(value, trainable, name=spec.name, dtype=dtype, shape=shape)

    def asset(self, filename: str) -> tf.saved_model.Asset:
        """The file `filename` of the module's assets.

        Raises:
          UnsafeModuleError: if it lies outside of the assets directory.
          FormatError: if there is no such file.
        """
        if filename not in self._assets:
            path = self._legacy.asset_path(filename)
            self._assets[filename] = tf.saved_model.Asset(str(path))
        return self._assets[filename]

    def table(self, program: Program, node: str) -> LegacyTable:
        """The table that `node` makes; variants whose tables are made and filled alike share it."""
        owner = (id(program), node)
        if owner not in self._tables_made:
            # Kept with its program, whose id then stays its own.
            self._tables_made[owner] = (program, self._make_table(program, node))
        return self._tables_made[owner][1]

    def _make_table(self, program: Program, node: str) -> LegacyTable:
        creation, filling = _table_graphs(program, node)
        assets = [(asset.node, asset.filename) for asset in program.assets.values()]
        key = format_region(creation) + "".join(map(format_region, filling)) + repr(assets)
        if key not in self._tables:
            self._tables[key] = LegacyTable(
                node, creation, filling, self.bind(program), live=self._live
            )
        return self._tables[key]

    def custom_gradient(self, program: Program, key: str) -> CustomGradient:
        """The library function `key` of one graph variant, and its gradient."""
        owner = (program.tags, key)
        if owner not in self._custom_gradients:
            self._custom_gradients[owner] = make_custom_gradient(program, key)
        return self._custom_gradients[owner]


@dataclasses.dataclass(frozen=True, slots=True)
class ProgramBindings:
    """What the pseudo-ops in graphs of one variant stand for (see `emit.Bindings`)."""

    resources: Resources
    program: Program

    @property
    def producer(self) -> int:
        """The GraphDef version of the TensorFlow that built the variant."""
        return self.program.producer

    def prepare(self, region: Region) -> None:
        """Makes all that `region` uses, before a trace begins: names depend on scopes in one."""
        for node in region.nodes():
            key = node.attrs["key"].s.decode() if node.op in BOUND_OPS - {ARG_OP} else ""
            if node.op in (VARIABLE_OP, VARIABLE_VALUE_OP):
                self.variable(key)
            elif node.op == TABLE_OP:
                self.table_handle(key)
            elif node.op == ASSET_OP:
                self.asset_path(key)
        for key in custom_gradient_keys(region):
            self.custom_gradient(key)

    def variable(self, key: str) -> tf.Variable:
        """The variable of that TF1 name."""
        return self.resources.variable(self.program.variables[key])

    def table_handle(self, key: str) -> tf.Tensor:
        """The handle of the table that that node makes."""
        return self.resources.table(self.program, key).resource_handle

    def asset_path(self, key: str) -> tf.Tensor:
        """The path of the asset that that node names."""
        return self.resources.asset(self.program.assets[key].filename).asset_path

    def custom_gradient(self, key: str) -> CustomGradient:
        """The library function of that name, and its gradient."""
        return self.resources.custom_gradient(self.program, key)


class LegacyTable(tf.saved_model.experimental.TrackableResource):
    """A lookup table made and filled by the TF1 module's own ops.

    Args:
      name: The node that made the table.
      creation: Makes the table; returns its handle.
      filling: Fill it; each takes the handle.
      bindings: For the assets and variables that filling reads.
      live: Whether to make the table for use in this process.
    """

    def __init__(
        self,
        name: str,
        creation: Region,
        filling: tuple[Region, ...],
        bindings: ProgramBindings,
        *,
        live: bool,
    ) -> None:
        super().__init__()
        self._name = name
        self._creation = creation
        self._filling = filling
        self._bindings = bindings
        self._live = live
        for region in (creation, *filling):
            bindings.prepare(region)
        if live and self.resource_handle is not None:  # Made here, not in the trace of filling.
            tf.function(self._initialize, autograph=False)()

    def _create_resource(self) -> tf.Tensor:
        if not tf.executing_eagerly():
            return self._emit_creation(self._name)
        if not self._live:
            # Stands for the table while functions are traced: a handle to nothing.
            return tf.raw_ops.VarHandleOp(
                dtype=tf.int64, shape=[], shared_name=f"tf1_table/{self._name}"
            )
        name = f"{self._name}_{next(_LIVE_TABLES)}"
        return tf.function(lambda: self._emit_creation(name), autograph=False)()

    def _emit_creation(self, shared_name: str) -> tf.Tensor:
        """Adds the creation ops; without a name of its own, a table would die with its kernel."""
        *inputs, maker = self._creation.items
        assert isinstance(maker, Node)
        attrs = {
            **maker.attrs,
            "shared_name": attr_value_pb2.AttrValue(s=shared_name.encode()),
            "container": attr_value_pb2.AttrValue(s=b""),
        }
        named = dataclasses.replace(maker, attrs=attrs)
        region = dataclasses.replace(self._creation, items=(*inputs, named))
        return emit(region, [], self._bindings)[0]

    def _initialize(self) -> None:
        for region in self._filling:
            emit(region, [self.resource_handle], self._bindings)

    def _destroy_resource(self) -> None:
        tf.raw_ops.DestroyResourceOp(resource=self.resource_handle, ignore_lookup_error=True)


def _table_graphs(program: Program, node: str) -> tuple[Region, tuple[Region, ...]]:
    """The region that makes a table, and those that fill it, which take its handle."""
    maker = program.nodes[node]
    inputs = lower(prune_unreachable(program, {}, maker.inputs), program)
    op = op_facts.REF_TABLE_OPS.get(maker.op, maker.op)
    attrs = {key: value for key, value in maker.attrs.items() if key != COLOCATION}
    made = Node(
        query.unique_name(node, {n.name for n in inputs.nodes()}), op, inputs.results, attrs=attrs
    )
    creation = dataclasses.replace(
        inputs, items=(*inputs.items, made), results=(TensorRef(made.name),)
    )
    feed = {TensorRef(node): Feed("table", op_facts.DT_RESOURCE)}
    filling = tuple(
        lower(prune_unreachable(program, feed, (), [op]), program)
        for op in program.tables[node].initializers
    )
    return creation, filling


def _find_trainable(legacy: LegacyModule) -> set[str]:
    return {
        spec.name
        for program in legacy.variants.values()
        for spec in program.variables.values()
        if spec.trainable
    }
