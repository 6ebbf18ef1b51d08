"""Writes the lines of Python that use a SavedModel, for the report."""

from __future__ import annotations

import pathlib

from converter.export.record import FeatureInfo, ValueInfo
from converter.export.usage import call_with, load_lines
from converter.page.details import Callable, RecordFacts, Value


def describe_use(record: RecordFacts, directory: pathlib.Path) -> list[str]:
    """Returns lines that load a SavedModel and call it; none if its record is not sound.

    They are made to be copied and run, so nothing but names and literals comes from the record.
    """
    part = _find_callable(record)
    if part is None:
        return []
    words = [*part.name.split("."), *(value.dtype for value in part.inputs)]
    if not all(word.isidentifier() for word in words):
        return []
    inputs = {value.name: _read_type(value) for value in part.inputs}
    function = "module" if part.name == record.root else f"module.{part.name}"
    return [*load_lines(directory), *call_with(function, inputs)]


def _read_type(value: Value) -> ValueInfo:
    features = value.features
    return ValueInfo(
        kind=value.kind,
        dtype=value.dtype,
        shape=None if value.shape is None else tuple(value.shape),
        features=None
        if features is None
        else {name: FeatureInfo(dtype=f.dtype, count=f.count) for name, f in features.items()},
    )


def _find_callable(record: RecordFacts) -> Callable | None:
    """The root, else the first."""
    roots = [part for part in record.callables if part.name == record.root]
    return next(iter([*roots, *record.callables]), None)
