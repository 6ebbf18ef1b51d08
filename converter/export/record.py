"""The record of a conversion: `assets.extra/conversion.json`.

Nothing in it depends on when, where or by whom a module was converted: the same input gives the
same bytes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from converter.compile.compiled_module import CompiledModule
from converter.compile.notices import find_dropped, find_warnings
from converter.compile.plan import CallablePlan
from converter.compile.signature_names import python_names, serving_names
from converter.compile.variants import Tags
from converter.export.attachments import describe_attachments
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Program, TensorInfo, VariableSpec
from converter.ir.text import dtype_name
from converter.version import __version__

FILENAME = "conversion.json"
FOLDER = "assets.extra"
_RECORD_VERSION = 1

Json = dict[str, Any]


def make_record(compiled: CompiledModule, options: Mapping[str, Any], digest: str) -> Json:
    """Returns the record as JSON values.

    Args:
      compiled: What was converted.
      options: The options that decide what the result offers, as the user gave them.
      digest: The digest of the source.
    """
    legacy, plan = compiled.legacy, compiled.plan
    programs = [legacy.variants[tags] for tags in plan.variants.used]
    return {
        "record_version": _RECORD_VERSION,
        "converter": __version__,
        "tensorflow": tf.__version__,
        "source": describe_source(legacy, digest),
        "options": dict(options),
        "graph_variants": [
            {"tags": sorted(tags), **describe_role(compiled, tags)}
            for tags in sorted(legacy.variants, key=sorted)
        ],
        "root": plan.root,
        "callables": {name: describe_callable(compiled, name) for name in plan.callables},
        "variables": [describe_variable(spec) for spec in compiled.variables.values()],
        "regularization_losses": [str(loss.ref) for loss in compiled.losses],
        "tables": [table for program in programs for table in describe_tables(program)],
        "assets": describe_assets(programs),
        "attachments": describe_attachments(legacy.variants),
        "regions": compiled.digests(),
        "dropped": [dataclasses.asdict(item) for item in find_dropped(compiled)],
        "warnings": list(find_warnings(compiled)),
        "parity": None,
    }


def all_warnings(record: Mapping[str, Any]) -> tuple[str, ...]:
    """What a user should know of a conversion: its warnings, and what was not compared."""
    parity: Mapping[str, Any] = record["parity"] or {}
    unsaid = [
        f"Not compared with the original: {reason}." for reason in parity.get("not_compared", ())
    ]
    return (*record["warnings"], *unsaid, *parity.get("remedies", ()))


def to_bytes(record: Mapping[str, Any]) -> bytes:
    """A JSON file, such as the record's."""
    return (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()


def describe_source(legacy: LegacyModule, digest: str) -> Json:
    """The module's name, without the path to it, its format, and the digest of its files."""
    return {
        "name": legacy.directory.resolve().name,
        "format": legacy.format,
        "digest": digest,
    }


def describe_assets(programs: Iterable[Program]) -> list[str]:
    """The files below `assets/` that the graphs name."""
    return sorted({a.filename for program in programs for a in program.assets.values()})


def describe_role(compiled: CompiledModule, tags: Tags) -> Json:
    """What a graph variant is used for."""
    chosen = compiled.plan.variants
    if tags in chosen.left_out:
        return {"role": "left out", "why": chosen.left_out[tags]}
    if tags == chosen.inference:
        return {"role": "inference"}
    return {"role": "training" if tags in chosen.training_graphs else "named callables"}


def describe_callable(compiled: CompiledModule, name: str) -> Json:
    """What a callable takes, returns and uses."""
    plan = compiled.plan.callables[name]
    part = compiled.callables[name]
    known = part.inputs(training=False)
    program = compiled.legacy.variants[plan.tags]
    return {
        "signature": plan.signature,
        "tags": sorted(plan.tags),
        "training_tags": None if plan.training_tags is None else sorted(plan.training_tags),
        "always_trains": plan.always_trains,
        "inputs": {key: describe_value(known[key]) for key in plan.inputs},
        "hparams": _describe_hparams(plan, known),
        "outputs": {
            key: describe_value(info)
            for key, info in program.signatures[plan.signature].outputs.items()
        },
        "return_endpoints": part.takes_endpoints,
        "served_as": serving_names(compiled.plan).get(name),
        "serving_keywords": _describe_keywords(compiled, name),
        "variables": list(compiled.used[name]),
        "regularization_losses": compiled.losses_of(name),
        "update_ops": list(list(part.computations.values())[-1].update_ops),
    }


def _describe_keywords(compiled: CompiledModule, name: str) -> Json:
    """What a Python call of the served signature gives instead of names that it cannot say."""
    if name not in serving_names(compiled.plan):
        return {}
    return python_names(compiled.callables[name].signature)


def _describe_hparams(plan: CallablePlan, known: Mapping[str, TensorInfo]) -> Json:
    return {
        hparam.keyword: {
            "input": hparam.input,
            "default": hparam.default,
            **describe_value(known[hparam.input]),
        }
        for hparam in plan.hparams
    }


def describe_value(info: TensorInfo) -> Json:
    """The kind, dtype and static shape of an input or output."""
    shape = None if info.shape is None else list(info.shape)
    return {"kind": info.kind.value, "dtype": dtype_name(info.dtype), "shape": shape}


def describe_variable(spec: VariableSpec) -> Json:
    """A variable, and where its value was in the source's checkpoint."""
    described: Json = {
        "name": spec.name,
        "dtype": dtype_name(spec.dtype),
        "shape": None if spec.shape is None else list(spec.shape),
        "trainable": spec.trainable,
        "checkpoint_key": spec.checkpoint_key,
    }
    if spec.slice is not None:
        described["slice"] = {
            "full_shape": list(spec.slice.full_shape),
            "offset": list(spec.slice.offset),
            "shape": list(spec.slice.shape),
        }
    return described


def describe_tables(program: Program) -> list[Json]:
    """The tables of a graph variant."""
    return [
        {
            "tags": sorted(program.tags),
            "node": spec.node,
            "op": program.nodes[spec.node].op,
            "initializers": list(spec.initializers),
        }
        for spec in program.tables.values()
    ]
