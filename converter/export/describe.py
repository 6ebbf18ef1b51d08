"""Describes modules, their parts and their conversions as values of the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from converter.compile.compiled_module import CompiledModule
from converter.compile.notices import find_dropped, find_warnings
from converter.compile.serialized_examples import find_features
from converter.compile.signature_names import python_names, serving_names
from converter.compile.variants import Tags
from converter.export.attachments import describe_attachments
from converter.export.conventions import describe_conventions, describe_image
from converter.export.record import (
    RECORD_VERSION,
    CallableInfo,
    DroppedInfo,
    FeatureInfo,
    GraphVariant,
    HyperparameterInfo,
    Record,
    Role,
    SliceInfo,
    SourceInfo,
    TableInfo,
    ValueInfo,
    VariableInfo,
)
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Program, TensorInfo, VariableSpec
from converter.ir.text import dtype_name
from converter.sources.source import Source, module_name
from converter.version import __version__


def make_record(
    compiled: CompiledModule, options: Mapping[str, Any], digest: str, source: Source
) -> Record:
    """Makes the record of a conversion, without a comparison.

    Args:
      compiled: The module that was converted.
      options: The options that decide what the result offers, as the user gave them.
      digest: The digest of the source.
      source: Where it was read from.
    """
    legacy, plan = compiled.legacy, compiled.plan
    programs = [legacy.variants[tags] for tags in plan.variants.used]
    return Record(
        record_version=RECORD_VERSION,
        converter=__version__,
        tensorflow=tf.__version__,
        source=describe_source(legacy, digest, source),
        options=dict(options),
        graph_variants=tuple(
            describe_variant(compiled, tags) for tags in sorted(legacy.variants, key=sorted)
        ),
        root=plan.root,
        callables={name: describe_callable(compiled, name) for name in plan.callables},
        variables=tuple(describe_variable(spec) for spec in compiled.variables.values()),
        regularization_losses=tuple(str(loss.ref) for loss in compiled.losses),
        tables=describe_tables(programs),
        assets=describe_assets(programs),
        attachments=describe_attachments(legacy.variants),
        conventions=describe_conventions(compiled),
        image=describe_image(legacy, plan),
        regions=compiled.digests(),
        dropped=describe_dropped(compiled),
        warnings=(*describe_values_in_memory(source), *find_warnings(compiled)),
        parity=None,
    )


def describe_source(legacy: LegacyModule, digest: str, source: Source) -> SourceInfo:
    """Describes where a module comes from."""
    return SourceInfo(
        name=module_name(legacy.directory, source.origin),
        format=legacy.format,
        digest=digest,
        origin=source.origin,
        in_memory=source.in_memory,
    )


def describe_values_in_memory(source: Source) -> tuple[str, ...]:
    """Returns what a user should know of the values of a module in memory, in full sentences."""
    return () if source.in_memory is None else tuple(source.in_memory.warnings())


def describe_assets(programs: Iterable[Program]) -> tuple[str, ...]:
    """Lists the files below `assets/` that the graphs name."""
    return tuple(sorted({a.filename for program in programs for a in program.assets.values()}))


def describe_dropped(compiled: CompiledModule) -> tuple[DroppedInfo, ...]:
    """Lists what the converted module lacks."""
    return tuple(
        DroppedInfo(what=item.what, name=item.name, why=item.why) for item in find_dropped(compiled)
    )


def describe_variant(compiled: CompiledModule, tags: Tags) -> GraphVariant:
    """Describes what a graph variant is used for."""
    chosen = compiled.plan.variants
    role: Role = "named callables"
    if tags in chosen.left_out:
        role = "left out"
    elif tags == chosen.inference:
        role = "inference"
    elif tags in chosen.training_graphs:
        role = "training"
    return GraphVariant(tags=tuple(sorted(tags)), role=role, why=chosen.left_out.get(tags))


def describe_callable(compiled: CompiledModule, name: str) -> CallableInfo:
    """Describes what a callable takes, returns and uses."""
    plan = compiled.plan.callables[name]
    part = compiled.callables[name]
    known = part.inputs(training=False)
    outputs = compiled.legacy.variants[plan.tags].signatures[plan.signature].outputs
    served_as = serving_names(compiled.plan).get(name)
    return CallableInfo(
        signature=plan.signature,
        tags=tuple(sorted(plan.tags)),
        training_tags=None if plan.training_tags is None else tuple(sorted(plan.training_tags)),
        always_trains=plan.always_trains,
        inputs={
            key: _describe_input(compiled.legacy.variants[plan.tags], known[key])
            for key in plan.inputs
        },
        hparams={
            hparam.keyword: HyperparameterInfo(
                input=hparam.input, default=hparam.default, **_type(known[hparam.input])
            )
            for hparam in plan.hparams
        },
        outputs=describe_values(outputs),
        return_endpoints=part.takes_endpoints,
        served_as=served_as,
        serving_keywords={} if served_as is None else python_names(part.signature),
        variables=tuple(compiled.used[name]),
        regularization_losses=tuple(compiled.losses_of(name)),
        update_ops=tuple(list(part.computations.values())[-1].update_ops),
    )


def _describe_input(program: Program, info: TensorInfo) -> ValueInfo:
    found = find_features(program, info.components)
    features = {
        name: FeatureInfo(dtype=dtype_name(feature.dtype), count=feature.count)
        for name, feature in (found or {}).items()
    }
    return ValueInfo(**_type(info), features=None if found is None else features)


def describe_values(infos: Mapping[str, TensorInfo]) -> dict[str, ValueInfo]:
    """Describes the types of inputs or outputs, by name."""
    return {name: ValueInfo(**_type(info)) for name, info in infos.items()}


def _type(info: TensorInfo) -> dict[str, Any]:
    shape = None if info.shape is None else tuple(info.shape)
    return {"kind": info.kind.value, "dtype": dtype_name(info.dtype), "shape": shape}


def describe_variable(spec: VariableSpec) -> VariableInfo:
    """Describes a variable, and where its value was in the source's checkpoint."""
    return VariableInfo(
        name=spec.name,
        dtype=dtype_name(spec.dtype),
        shape=None if spec.shape is None else tuple(spec.shape),
        trainable=spec.trainable,
        checkpoint_key=spec.checkpoint_key,
        slice=None
        if spec.slice is None
        else SliceInfo(
            full_shape=tuple(spec.slice.full_shape),
            offset=tuple(spec.slice.offset),
            shape=tuple(spec.slice.shape),
        ),
    )


def describe_tables(programs: Iterable[Program]) -> tuple[TableInfo, ...]:
    """Describes the lookup tables of graph variants."""
    return tuple(
        TableInfo(
            tags=tuple(sorted(program.tags)),
            node=spec.node,
            op=program.nodes[spec.node].op,
            initializers=tuple(spec.initializers),
        )
        for program in programs
        for spec in program.tables.values()
    )
