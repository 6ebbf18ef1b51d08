"""The details of a module, which the page shows when the module is opened.

`Module.details` of `report.json` holds them; `web/module.js` reads them.
"""

from __future__ import annotations

import msgspec

from converter.files.json_values import Count, Number, restore_numbers
from converter.page.document import Histogram, ModuleFacts, NotCompared, ParityNumbers

Shape = list[Count | None] | None
_ULPS_END = 1 << 64


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A feature that serialized tf.Examples must have: its dtype, and how many values it has."""

    dtype: str
    count: Count


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An input or output of a callable.

    Attributes:
      name: Its name.
      kind: `dense`, `sparse` or `ragged`.
      dtype: The name of its dtype.
      shape: Its sizes, null where unknown; null if the rank is.
      features: Of an input of serialized tf.Examples, what these must have; absent of others.
    """

    name: str
    kind: str
    dtype: str
    shape: Shape
    features: dict[str, Feature] | None = None


class Callable(msgspec.Struct, frozen=True, kw_only=True):
    """A callable of the SavedModel; `export/record.py` describes the fields.

    Attributes:
      variables: The number of variables that it uses.
      update_ops: The number of update ops that training runs.
    """

    name: str
    signature: str
    tags: list[str]
    training_tags: list[str] | None
    always_trains: bool
    inputs: list[Value]
    hparams: list[Value]
    outputs: list[Value]
    return_endpoints: bool
    variables: Count
    update_ops: Count


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """A variable; its size in bytes is null if it cannot be told."""

    name: str
    dtype: str
    shape: Shape
    trainable: bool
    bytes: Count | None


class GraphVariant(msgspec.Struct, frozen=True, kw_only=True):
    """A graph of the TF1 module, and what it was used for."""

    tags: list[str]
    role: str
    why: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A lookup table."""

    node: str
    op: str
    initializers: list[str]


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A message attached to the module."""

    key: str
    tags: list[str]
    size_bytes: Count


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the module that the SavedModel lacks, and why."""

    what: str
    name: str
    why: str


class RecordFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a conversion, `assets.extra/conversion.json`, as the page shows it."""

    converter: str
    tensorflow: str
    format: str
    archive: str = ""
    digest: str
    root: str | None
    graph_variants: list[GraphVariant]
    callables: list[Callable]
    variables: list[Variable]
    variable_count: Count
    trainable_count: Count
    variable_bytes: Count
    variables_without_size: Count
    regularization_losses: Count
    tables: list[Table]
    assets: list[str]
    attachments: list[Attachment]
    dropped: list[Dropped]
    warnings: list[str]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A tensor that was compared; `parity/compare.py` describes the numbers."""

    case: str
    check: str
    tensor: str
    dtype: str
    shape: list[Count]
    passed: bool
    bit_equal: bool
    is_fact: bool = False
    conditions: list[str] = []
    max_abs: Number
    max_rel: Number
    max_ulps: int | None
    where: list[Count] | None
    expected: str
    actual: str
    problem: str
    # Version 0.1 did not count elements.
    ulps_histogram: Histogram | None = None

    def __post_init__(self) -> None:
        restore_numbers(self, "max_abs", "max_rel")
        if self.max_ulps is not None and not 0 <= self.max_ulps < _ULPS_END:
            raise ValueError("Expected a distance in units in the last place")


class Comparison(ParityNumbers, frozen=True, kw_only=True):
    """A comparison of a SavedModel with its original.

    Attributes:
      rows: The tensors, the worst first.
      histogram: The sum of their histograms.
      notes: Remarks.
      not_compared: Comparisons that could not be made.
      file: The path of the whole comparison in DST_ROOT.
    """

    rows: list[Row]
    histogram: Histogram | None
    notes: list[str]
    not_compared: list[NotCompared]
    file: str = ""


class Details(ModuleFacts, frozen=True, kw_only=True):
    """All that the page shows of a module.

    Attributes:
      record: The record of its conversion, if there is one.
      report: The comparison with its original, if there is one.
      usage: Lines of Python that load and call the SavedModel; empty if there is none.
    """

    record: RecordFacts | None
    report: Comparison | None
    usage: list[str] = []
