"""Creates the module's state as trackable objects that callables and graph variants share."""

from __future__ import annotations

import dataclasses
import itertools

import tensorflow as tf

from converter import tf_private
from converter.assemble.legacy_table import LegacyTable
from converter.compile.computations import variable_names
from converter.compile.custom_gradients import CustomGradient
from converter.compile.definitions import Definitions
from converter.compile.tables import TableGraphs
from converter.compile.variants import merge_variables
from converter.formats.legacy_module import LegacyModule
from converter.ir import attributes, query
from converter.ir.graph import (
    ARG_OP,
    ASSET_OP,
    BOUND_OPS,
    TABLE_OP,
    VARIABLE_OP,
    VARIABLE_VALUE_OP,
    Program,
    VariableSpec,
)
from converter.ir.region import Region, region_digest

_LIVE_TABLES = itertools.count()


class Resources:
    """Creates each variable, table and asset of a module once, on first use.

    Args:
      legacy: The module.
      definitions: The graphs of its tables, and its functions that come with a gradient.
      live: Whether the result will be used in this process. If not, tables are not created,
        variables have no values, and nothing of the module runs.
    """

    def __init__(self, legacy: LegacyModule, definitions: Definitions, *, live: bool) -> None:
        self._legacy = legacy
        self._definitions = definitions
        self._live = live
        self._specs: dict[str, VariableSpec] = {}
        self._variables: dict[str, tf.Variable] = {}
        self._assets: dict[str, tf.saved_model.Asset] = {}
        self._tables: dict[str, LegacyTable] = {}
        self._tables_by_node: dict[tuple[frozenset[str], str], LegacyTable] = {}
        self._table_names: set[str] = set()
        self._table_variables: dict[str, tf.Variable] = {}
        self._specs = merge_variables(legacy.variants.values())

    def bind(self, program: Program) -> ProgramBindings:
        """Returns the state as the graphs of one variant see it."""
        return ProgramBindings(self, program)

    @property
    def trackables(self) -> list[tf.saved_model.Asset | LegacyTable | tf.Variable]:
        """All assets and tables so far, and the variables that tables are filled from.

        The root has to keep them alive.
        """
        variables = [self._table_variables[name] for name in sorted(self._table_variables)]
        return [*self._assets.values(), *self._tables.values(), *variables]

    @property
    def variables(self) -> list[tuple[tf.Variable, VariableSpec]]:
        """All variables so far."""
        return [(variable, self._specs[name]) for name, variable in self._variables.items()]

    def variable(self, spec: VariableSpec) -> tf.Variable:
        """Returns the variable that `spec` describes, with the checkpoint's value if it is live.

        Raises:
          WeightsError: if the checkpoint has no such value.
        """
        self._specs.setdefault(spec.name, spec)
        if spec.name not in self._variables:
            self._variables[spec.name] = self._make_variable(spec)
        return self._variables[spec.name]

    def _make_variable(self, spec: VariableSpec) -> tf.Variable:
        dtype, shape = tf.as_dtype(spec.dtype), tf.TensorShape(spec.shape)
        trainable = self._specs[spec.name].trainable
        if not self._live:
            self._legacy.checkpoint.check(spec)
            return tf_private.make_uninitialized_variable(spec.name, dtype, shape, trainable)
        value = self._legacy.checkpoint.read(spec)
        return tf.Variable(value, trainable, name=spec.name, dtype=dtype, shape=shape)

    def asset(self, filename: str) -> tf.saved_model.Asset:
        """Returns the file `filename` of the module's assets.

        Raises:
          UnsafeModuleError: if it lies outside of the assets directory.
          FormatError: if there is no such file.
        """
        if filename not in self._assets:
            path = self._legacy.asset_path(filename)
            self._assets[filename] = tf.saved_model.Asset(str(path))
        return self._assets[filename]

    def table(self, program: Program, node: str) -> LegacyTable:
        """Returns the table that `node` creates; variants share a table with equal graphs."""
        owner = (program.tags, node)
        if owner not in self._tables_by_node:
            self._tables_by_node[owner] = self._find_table(program, node)
        return self._tables_by_node[owner]

    def _find_table(self, program: Program, node: str) -> LegacyTable:
        graphs = self._definitions.tables[program.tags, node]
        assets = [(asset.node, asset.filename) for asset in program.assets.values()]
        key = "".join(map(region_digest, graphs.regions)) + repr(assets)
        if key not in self._tables:
            self._tables[key] = self._make_table(graphs, self.bind(program))
        return self._tables[key]

    def _make_table(self, graphs: TableGraphs, bindings: ProgramBindings) -> LegacyTable:
        for region in graphs.regions:
            bindings.prepare(region)
            for variable in variable_names(region):
                self._table_variables[variable] = bindings.variable(variable)
        name = query.claim_name(graphs.node, self._table_names)
        if self._live:  # A model may be made of several live modules.
            name = f"{name}_live_{next(_LIVE_TABLES)}"
        return LegacyTable(graphs, name, bindings, live=self._live)

    def custom_gradient(self, program: Program, key: str) -> CustomGradient:
        """Returns the library function `key` of one graph variant, and its gradient."""
        return self._definitions.gradients[program.tags, key]


@dataclasses.dataclass(frozen=True, slots=True)
class ProgramBindings:
    """The objects that pseudo-ops of one variant stand for (see `emit.Bindings`)."""

    resources: Resources
    program: Program

    @property
    def producer(self) -> int:
        """The GraphDef version of the TensorFlow that built the variant."""
        return self.program.producer

    def prepare(self, region: Region) -> None:
        """Creates all objects that `region` uses, before tracing, where scopes affect names."""
        for node in region.nodes():
            key = attributes.get_key(node) if node.op in BOUND_OPS - {ARG_OP} else ""
            if node.op in (VARIABLE_OP, VARIABLE_VALUE_OP):
                self.variable(key)
            elif node.op == TABLE_OP:
                self.table_handle(key)
            elif node.op == ASSET_OP:
                self.asset_path(key)

    def variable(self, key: str) -> tf.Variable:
        """The variable with the TF1 name `key`."""
        return self.resources.variable(self.program.variables[key])

    def table_handle(self, key: str) -> tf.Tensor:
        """The handle of the table that node `key` creates."""
        return self.resources.table(self.program, key).resource_handle

    def asset_path(self, key: str) -> tf.Tensor:
        """The path of the asset that node `key` names."""
        return self.resources.asset(self.program.assets[key].filename).asset_path

    def custom_gradient(self, key: str) -> CustomGradient:
        """The library function `key`, and its gradient."""
        return self.resources.custom_gradient(self.program, key)
