"""The record of a conversion: `assets.extra/conversion.json`.

Nothing in it depends on when, where or by whom a module was converted: the same input gives the
same bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from converter import errors, limits
from converter.display.shown import Shown
from converter.display.tables import format_type
from converter.files.bounded_read import read_bounded
from converter.files.json_values import Number, decode, explain, restore_numbers, to_json_values
from converter.files.paths import Path
from converter.printable import printable, printable_json
from converter.quantities import count
from converter.sources.source import InMemory, Origin

if TYPE_CHECKING:
    from converter.display.console import Console

FILENAME = "conversion.json"
# The model card, where one was written into a SavedModel.
CARD_FILENAME = "README.md"
FOLDER = "assets.extra"
RECORD_VERSION = 1

Shape = tuple[int | None, ...] | None
Role = Literal["inference", "training", "named callables", "left out"]
Verdict = Literal["equal", "differs", "not compared"]


class SourceInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The module that was converted.

    Attributes:
      name: The name of its directory, without the path to it; for a handle, the path in that.
      format: Its format, such as `tf1_hub`.
      digest: SHA-256 over its files, however they were packed.
      origin: The archive that held them, or their handle; absent if it was a directory.
      in_memory: The object in memory that it was; absent if it was files.
    """

    name: str
    format: str
    digest: str
    origin: Origin | None = None
    in_memory: InMemory | None = None


class GraphVariant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A graph variant, and its use.

    Attributes:
      tags: Its tag set, sorted.
      role: The part that it has in the converted module.
      why: Why it was left out; absent if it was not.
    """

    tags: tuple[str, ...]
    role: Role
    why: str | None = None


class FeatureInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A feature that each serialized tf.Example must have.

    Attributes:
      dtype: The TensorFlow name of its dtype: `float32`, `int64` or `string`.
      count: How many values it has; a list of any length may have as many.
    """

    dtype: str
    count: int


class ValueInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The type of an input or output.

    Attributes:
      kind: `dense`, `sparse` or `ragged`.
      dtype: The TensorFlow name of its dtype.
      shape: Its static shape, with null for unknown sizes; null if the rank is unknown.
      features: Of an input of serialized tf.Examples, the features without a default, by name;
        absent of all others.
    """

    kind: str
    dtype: str
    shape: Shape
    features: dict[str, FeatureInfo] | None = None

    @property
    def text(self) -> str:
        """The type as people read it: `float32 [?, 224, 224, 3]`."""
        return format_type(self.kind, self.dtype, self.shape)


class HyperparameterInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An optional keyword argument.

    Attributes:
      input: The TF1 input that it feeds.
      default: Its value where a call does not give one.
      kind: As in `ValueInfo`, like the next two.
      dtype: The TensorFlow name of its dtype.
      shape: Its static shape.
    """

    input: str
    default: Any
    kind: str
    dtype: str
    shape: Shape

    @property
    def default_text(self) -> str:
        """The default as a user would write it: 0.9 for the float32 nearest to it."""
        if isinstance(self.default, float) and self.dtype == "float32":
            return f"{self.default:.7g}"
        return "…" if self.default is None else repr(self.default)


class CallableInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A function of the converted module.

    Attributes:
      signature: The TF1 signature that it runs.
      tags: The graph variant that runs for inference.
      training_tags: The graph variant that runs for training; null if there is no training mode.
      always_trains: Whether calls for inference run a training graph, too.
      inputs: Its required inputs, by name.
      hparams: Its optional arguments, by keyword.
      outputs: Its outputs, by name.
      return_endpoints: Whether it has an argument `return_endpoints`.
      served_as: The key of its serving signature; null if it has none.
      serving_keywords: For a Python call of that signature, the keywords of inputs whose names
        are not identifiers.
      variables: The names of the variables that it uses.
      regularization_losses: The indices of its losses in the record's `regularization_losses`.
      update_ops: The update ops that training runs.
    """

    signature: str
    tags: tuple[str, ...]
    training_tags: tuple[str, ...] | None
    always_trains: bool = False
    inputs: dict[str, ValueInfo]
    hparams: dict[str, HyperparameterInfo]
    outputs: dict[str, ValueInfo]
    return_endpoints: bool
    served_as: str | None = None
    serving_keywords: dict[str, str] = {}
    variables: tuple[str, ...]
    regularization_losses: tuple[int, ...]
    update_ops: tuple[str, ...]


class SliceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The part that a variable is of a partitioned one.

    Attributes:
      full_shape: The shape of the whole.
      offset: Where the part begins in each dimension.
      shape: The shape of the part.
    """

    full_shape: tuple[int, ...]
    offset: tuple[int, ...]
    shape: tuple[int, ...]


class VariableInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A variable, and where its value was in the module's checkpoint.

    Attributes:
      name: Its TF1 name.
      dtype: The TensorFlow name of its dtype.
      shape: Its static shape, with null for unknown sizes; null if the rank is unknown.
      trainable: Whether it is trainable.
      checkpoint_key: Its key in the checkpoint.
      slice: Its place in a partitioned variable; absent if it is not a part of one.
    """

    name: str
    dtype: str
    shape: Shape
    trainable: bool
    checkpoint_key: str
    slice: SliceInfo | None = None


class TableInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A lookup table.

    Attributes:
      tags: The graph variant that has it.
      node: The node that creates it.
      op: The type of that node.
      initializers: The nodes that fill it.
    """

    tags: tuple[str, ...]
    node: str
    op: str
    initializers: tuple[str, ...]


class AttachmentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was attached to the module.

    Attributes:
      tags: The graph variant that has it.
      key: Its key.
      size_bytes: Its serialized size.
      json: Its fields, if its type is known; null otherwise.
      file: Its file below `assets.extra`, different for each attachment on any filesystem.
    """

    tags: tuple[str, ...]
    key: str
    size_bytes: int
    json: dict[str, Any] | None
    file: str = ""


class DroppedInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the module that the converted module lacks.

    Attributes:
      what: Its kind, such as `variable`.
      name: Its name.
      why: The reason.
    """

    what: str
    name: str
    why: str


class SpellingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Another way to give the inputs of the module, for which its outputs have other names, too.

    Attributes:
      kind: The Python type of the inputs: `dict`, for a dict of outputs, or `list`, for a tuple.
      inputs: The names of the inputs, in order, and the TF1 inputs that they are.
      outputs: The names of the outputs, in order, and the TF1 outputs that they are.
    """

    kind: str
    inputs: dict[str, str]
    outputs: dict[str, str]


class ConventionsInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The names and calls that stand beside TF1's, for code that was written for TF2's models.

    Attributes:
      endpoints: The attributes that call the module, for Keras 3's `TFSMLayer`, each with whether
        it trains.
      spellings: The other ways to give the module its inputs.
      assets: The files below `assets/` that are attributes of the module.
    """

    endpoints: dict[str, bool]
    spellings: tuple[SpellingInfo, ...]
    assets: dict[str, str]


class ImageInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The images that the module takes; numbers that it does not say are null.

    Attributes:
      input: The TF1 input, float `[batch, height, width, channels]` with values from 0 to 1.
      height: In pixels.
      width: In pixels.
      channels: How many values a pixel has.
      labels: How many logits it returns for an image; null if it does not classify.
      features: How long the feature vector of an image is; null if it returns none.
    """

    input: str
    height: int | None
    width: int | None
    channels: int | None
    labels: int | None
    features: int | None


class ParityInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The summary of a comparison with the original.

    Attributes:
      verdict: `equal`, `differs` or `not compared`.
      passed: Whether the verdict is `equal`.
      tensors: How many tensors were compared with nothing changed in the original.
      bit_equal: How many of them are equal bit for bit.
      conditional: How many more were compared with random ops replaced on both sides.
      facts: How many names, lists and the like were compared.
      worst_abs: The largest absolute difference; in JSON a string if it is not finite.
      worst_rel: The largest relative difference; in JSON a string if it is not finite.
      random_ops: How many random ops of each type were replaced.
      not_compared: What could not be compared and may differ, with the reasons.
      remedies: What to do so that it can be compared.
    """

    verdict: Verdict = "not compared"
    passed: bool
    tensors: int
    bit_equal: int
    conditional: int = 0
    facts: int = 0
    worst_abs: Number
    worst_rel: Number
    random_ops: dict[str, int] = {}
    not_compared: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.passed:  # The first records have no verdict.
            msgspec.structs.force_setattr(self, "verdict", "equal")
        restore_numbers(self, "worst_abs", "worst_rel")


class Record(Shown, msgspec.Struct, frozen=True, kw_only=True):
    """The record of a conversion, `assets.extra/conversion.json`.

    Attributes:
      record_version: The version of this schema.
      converter: The version of the converter.
      tensorflow: The version of TensorFlow.
      source: The module that was converted.
      options: The options that decide what the result offers, as the user gave them; `allow_op`
        lists the ops that were let through, and is absent if none was.
      graph_variants: The module's graph variants, and their use.
      root: The callable that the converted module itself is; null if it cannot be called.
      callables: The functions of the converted module, by attribute.
      variables: The variables of the converted module.
      regularization_losses: The TF1 tensors of the losses.
      tables: The lookup tables of the graph variants in use.
      assets: The files below `assets/`.
      attachments: The messages that were attached to the module.
      conventions: What stands beside TF1's names; null in the first records.
      image: The images that the module itself takes; null if it takes none.
      regions: The digest of each compiled graph, by its origin; shows where two conversions differ.
      dropped: What the converted module lacks.
      warnings: The warnings for the user, in full sentences.
      parity: The summary of the comparison with the original; null if there was none.

    Example:
      ```python
      record = converter.convert("module", "converted").record
      for name, part in record.callables.items():
          print(name, part.inputs, part.outputs)
      ```
    """

    record_version: int
    converter: str
    tensorflow: str
    source: SourceInfo
    options: dict[str, Any]
    graph_variants: tuple[GraphVariant, ...]
    root: str | None
    callables: dict[str, CallableInfo]
    variables: tuple[VariableInfo, ...]
    regularization_losses: tuple[str, ...]
    tables: tuple[TableInfo, ...]
    assets: tuple[str, ...]
    attachments: tuple[AttachmentInfo, ...]
    conventions: ConventionsInfo | None = None
    image: ImageInfo | None = None
    regions: dict[str, str] = {}  # Older records have none.
    dropped: tuple[DroppedInfo, ...]
    warnings: tuple[str, ...]
    parity: ParityInfo | None

    def _headline(self) -> str:
        return f"{self.source.name!r}, {self.source.format}, {count_parts(self)}"

    def _show(self, console: Console) -> None:
        lines = [f"{self.source.name}  {self.source.format}", f"  {count_parts(self)}"]
        if self.parity is not None:
            lines.append(f"  compared with the original: {self.parity.verdict}")
        lines += [f"warning: {warning}" for warning in self.all_warnings()]
        for line in lines:
            console.print(printable(line), soft_wrap=True, markup=False)

    def all_warnings(self) -> tuple[str, ...]:
        """All that a user should know: the warnings, what was not compared, and the remedies."""
        if self.parity is None:
            return self.warnings
        reasons = self.parity.not_compared
        not_compared = [f"Not compared with the original: {reason}." for reason in reasons]
        return (*self.warnings, *not_compared, *self.parity.remedies)


def count_parts(record: Record) -> str:
    """Counts what a converted module offers: `1 callable, 3 variables (2 trainable), …`."""
    trainable = sum(variable.trainable for variable in record.variables)
    trains = any(part.training_tags is not None for part in record.callables.values())
    return ", ".join(
        [
            count(len(record.callables), "callable") + (" with a training mode" if trains else ""),
            f"{count(len(record.variables), 'variable')} ({trainable} trainable)",
            count(len(record.regularization_losses), "regularization loss", "es"),
        ]
    )


def read_record(directory: Path) -> Record:
    """Reads the record of a converted module.

    Args:
      directory: The SavedModel.

    Raises:
      ParityError: if there is no record, or it is damaged; the error names the field.
      FormatError: if it is larger than any record.
    """
    path = directory / FOLDER / FILENAME
    try:
        return decode(read_bounded(path, limits.MAX_JSON_BYTES, path.name), Record)
    except OSError as error:
        raise errors.ParityError(
            f"{directory} has no readable {FOLDER}/{FILENAME}",
            remedy="Point to a directory that this converter wrote.",
        ) from error
    except ValueError as error:
        raise errors.ParityError(
            f"the record of {directory} is damaged: {explain(error)}",
            remedy="Convert the module again with this version.",
        ) from error


def write_record(record: Record, directory: Path) -> None:
    """Writes the record of the SavedModel in `directory`."""
    (directory / FOLDER / FILENAME).write_bytes(to_bytes(record))


def to_bytes(value: Any) -> bytes:
    """Encodes a Struct, or JSON values, as a JSON file that people can read."""
    text = json.dumps(to_json_values(value), indent=1, ensure_ascii=False, allow_nan=False)
    return (printable_json(text) + "\n").encode()
