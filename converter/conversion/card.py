"""The model card of a converted module: Markdown, from its record alone.

Its first lines are the metadata that Hugging Face and Kaggle read. It claims nothing that the
record does not hold.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Mapping
from typing import Any

import jinja2
import numpy as np

from converter.conversion.sizes import count_parameters
from converter.export import usage
from converter.export.record import (
    CallableInfo,
    HyperparameterInfo,
    Record,
    ValueInfo,
    read_record,
)
from converter.files.paths import StrPath, as_path
from converter.parity.report import explain_summary
from converter.printable import printable

_TAGS = ("tensorflow", "saved-model", "tf1-hub-converted")
_CELL = re.compile(r"([\\`*_{}\[\]<>|#~!$&])")


def card(saved_model: StrPath) -> str:
    """Writes the model card of a converted module.

    Args:
      saved_model: The directory of the SavedModel; its record is read.

    Returns:
      Markdown, with a block of metadata in front.

    Raises:
      ParityError: if the directory has no record, or a damaged one.
      FormatError: if the record is larger than any.

    Example:
      ```python
      import pathlib

      text = converter.card("saved_model")
      pathlib.Path("README.md").write_text(text, encoding="utf-8")
      ```
    """
    directory = as_path(saved_model)
    return format_card(read_record(directory), directory.name or "model")


def format_card(record: Record, path: str) -> str:
    """Writes the model card from a record.

    Args:
      record: The record of the module.
      path: Where its examples load it from.
    """
    environment = jinja2.Environment(
        autoescape=False,  # It is Markdown; `code` and `text` escape what comes from the module.
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(code=code, text=escape, value=_format_value, count=_count)
    template = importlib.resources.files("converter.conversion") / "card.md.j2"
    example = usage.find_callable(record)
    return environment.from_string(template.read_text("utf-8")).render(
        record=record,
        title=path,
        tags=_TAGS,
        # The module itself first.
        calls=[
            _describe_call(record, name)
            for name in sorted(record.callables, key=lambda name: name != record.root)
        ],
        load=usage.load_lines(path),
        attribute=example,
        example=None if example is None else usage.call_lines(record, example),
        parity="" if record.parity is None else explain_summary(record.parity),
        training=_training(record, example),
        keras_2=usage.keras_2_lines(record, path),
        keras_3=usage.keras_3_lines(record, path),
        variables=_count_variables(record),
        options=_format_options(record.options),
    )


def _describe_call(record: Record, attribute: str) -> Mapping[str, Any]:
    part = record.callables[attribute]
    return {
        "name": "module" if attribute == record.root else f"module.{attribute}",
        "part": part,
        "arguments": _keywords(part),
    }


def _keywords(part: CallableInfo) -> list[str]:
    found = [f"{name}={_format_default(info)}" for name, info in part.hparams.items()]
    if part.training_tags is not None:
        found.append("training=False")
    return [*found, "return_endpoints=False"] if part.return_endpoints else found


def _format_default(info: HyperparameterInfo) -> str:
    if info.dtype == "float32" and isinstance(info.default, float):
        return str(np.float32(info.default))  # 0.9, which is 0.8999999761581421 as a double.
    return repr(info.default)


def _count(count: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{'' if count == 1 else plural}"


def _training(record: Record, attribute: str | None) -> list[str] | None:
    if attribute is None or not usage.can_train(record, attribute):
        return None
    return usage.training_lines(record, attribute)


def _count_variables(record: Record) -> Mapping[str, Any]:
    trainable = [variable for variable in record.variables if variable.trainable]
    return {
        "count": len(record.variables),
        "trainable": len(trainable),
        "parameters": count_parameters(record.variables),
        "trainable_parameters": count_parameters(trainable),
    }


def _format_options(options: Mapping[str, Any]) -> str:
    given = {name: value for name, value in options.items() if value is not None}
    return json.dumps(given, ensure_ascii=False) if given else ""


def _format_value(value: ValueInfo) -> str:
    return value.text.replace(" ", "\u00a0")  # So that a table breaks no type in two.


def code(text: str) -> str:
    """A span of code in Markdown, also within a table."""
    shown = printable(text).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") or not shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def escape(text: str) -> str:
    """Text in which no character of Markdown or HTML has a meaning."""
    return _CELL.sub(r"\\\1", printable(text))
