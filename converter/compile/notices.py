"""Warnings of a conversion, and the list of what the converted module lacks."""

from __future__ import annotations

from collections.abc import Iterator

from converter.compile.compile_module import all_variables, loss_variants, losses_of_weights
from converter.compile.compiled_module import CompiledModule
from converter.compile.gradient_warnings import find_gradient_warnings
from converter.compile.plan import ModulePlan
from converter.compile.serialized_examples import EXAMPLE_PARSERS
from converter.compile.signature_names import INIT_SIGNATURE, serving_names
from converter.compile.variants import Tags, format_option, format_tags, has_runnable_updates
from converter.files.source_files import list_files
from converter.ir import query
from converter.ir.graph import Omission, Program
from converter.ir.op_packages import suggest_package
from converter.passes.strip_placement import COLOCATION
from converter.quantities import count
from converter.safety.check_safety import is_custom
from converter.safety.op_table import classify

_SHOWN = 3  # Names in a warning, before the rest is only counted.


def find_warnings(compiled: CompiledModule) -> tuple[str, ...]:
    """Returns what a user should know before using the result, in full sentences."""
    losses = (loss.unresolved_overrides for loss in compiled.losses)
    return (
        *compiled.plan.warnings,
        *_renamed_signatures(compiled.plan),
        *_omitted_signatures(compiled),
        *_warn_of_update_ops(compiled),
        *_warn_of_serialized_examples(compiled),
        *find_gradient_warnings(compiled.callables, losses),
        *_unsafe_ops(compiled),
        *_warn_of_custom_ops(compiled),
    )


def _warn_of_custom_ops(compiled: CompiledModule) -> Iterator[str]:
    ops = {node.op for _, region in compiled.regions() for node in region.nodes()}
    custom: dict[str, list[str]] = {}
    for op in sorted(filter(is_custom, ops)):
        custom.setdefault(suggest_package(op) or "", []).append(op)
    for package, names in custom.items():
        some = ", ".join(map(repr, names[:_SHOWN])) + (" and others" if names[_SHOWN:] else "")
        yield (
            f"The result has custom ops ({some}): `import {package or 'PACKAGE'}` has to run before"
            " it is loaded, in every process, and servers need these ops built in."
        )


def _unsafe_ops(compiled: CompiledModule) -> Iterator[str]:
    for op, node in sorted(compiled.unsafe_ops.items()):
        classification = classify(op)
        yield (
            f"Op {op!r} (at node {node!r}) was let through by --allow-op:"
            f" {classification.kind.value}; TensorFlow may run it whenever it reads the graph."
        )


def _omissions(compiled: CompiledModule) -> Iterator[tuple[Tags, Omission]]:
    for tags in compiled.plan.variants.used:
        for omission in compiled.legacy.variants[tags].omissions:
            yield tags, omission


def _omitted_signatures(compiled: CompiledModule) -> Iterator[str]:
    for tags, omission in _omissions(compiled):
        if omission.what == "signature":
            yield (
                f"Signature {omission.name!r} of graph variant {format_tags(tags)} is left out:"
                f" {omission.why}."
            )


def _renamed_signatures(plan: ModulePlan) -> Iterator[str]:
    for attribute, served in serving_names(plan).items():
        if plan.callables[attribute].signature == INIT_SIGNATURE:
            yield (
                f"Signature {INIT_SIGNATURE!r} is served as {served!r}: TensorFlow keeps the name"
                " for the op that initializes a model."
            )


def _warn_of_serialized_examples(compiled: CompiledModule) -> Iterator[str]:
    for name, part in compiled.callables.items():
        regions = (computation.region for computation in part.computations.values())
        if any(node.op in EXAMPLE_PARSERS for region in regions for node in region.nodes()):
            yield (
                f"Callable {name!r} parses serialized tf.Examples: gradients reach its variables,"
                " but not the features in the examples."
            )


def _warn_of_update_ops(compiled: CompiledModule) -> Iterator[str]:
    for tags, names in _unused_update_ops(compiled).items():
        some = ", ".join(map(repr, names[:_SHOWN])) + (" and others" if names[_SHOWN:] else "")
        number = count(len(names), "update op")
        what = f"No call runs {number} of graph variant {format_tags(tags)} ({some})"
        instead = _trained_instead(compiled, tags)
        if instead is None:
            yield f"{what}: no signature gives all of their inputs."
            continue
        options = f"{format_option('--tags', tags)} {format_option('--training-tags', tags)}"
        yield (
            f"{what}: training calls run graph variant {format_tags(instead)} instead. Convert with"
            f" {options} to have them run."
        )


def _trained_instead(compiled: CompiledModule, tags: Tags) -> Tags | None:
    """Returns the training variant that runs in place of `tags` and its update ops, if any."""
    training = compiled.plan.variants.training_of(tags)
    if training == tags or not has_runnable_updates(compiled.legacy.variants[tags]):
        return None
    return training


def find_dropped(compiled: CompiledModule) -> tuple[Omission, ...]:
    """Lists the parts that are left out of the converted module, and why no result changes."""
    return (
        *(
            Omission("variable", name, "no signature uses it")
            for name in all_variables(compiled.legacy, compiled.plan)
            if name not in compiled.variables
        ),
        *_unusable_losses(compiled),
        *_dropped_update_ops(compiled),
        *_unused_files(compiled),
        *_stripped(compiled),
        *_unresolved_overrides(compiled),
        *_hidden_endpoints(compiled.plan),
        *(omission for _, omission in _omissions(compiled)),
    )


def _hidden_endpoints(plan: ModulePlan) -> Iterator[Omission]:
    for name in plan.hidden_endpoints:
        yield Omission("endpoint", name, f"a signature has its name: obj.{name} runs that")


def _unusable_losses(compiled: CompiledModule) -> Iterator[Omission]:
    for tags in loss_variants(compiled.plan):
        program = compiled.legacy.variants[tags]
        usable = losses_of_weights(program)
        for ref in program.regularization_losses:
            if ref not in usable:
                why = "it depends on an input, so it is no function of the weights"
                yield Omission("regularization loss", str(ref), why)
    listed = {index for name in compiled.callables for index in compiled.losses_of(name)}
    for index, loss in enumerate(compiled.losses):
        if index not in listed:
            why = f"no callable uses all of its variables {sorted(loss.variable_names())}"
            yield Omission("regularization loss", str(loss.ref), why)


def _dropped_update_ops(compiled: CompiledModule) -> Iterator[Omission]:
    for tags, names in _unused_update_ops(compiled).items():
        if _trained_instead(compiled, tags) is None:
            why = "no signature feeds all of its inputs"
        else:
            why = "training calls run another graph variant"
        yield from (Omission("update op", name, why) for name in names)


def _unused_update_ops(compiled: CompiledModule) -> dict[Tags, list[str]]:
    """Returns the update ops that no call runs, by graph variant."""
    run = {
        (computation.program.tags, name)
        for part in compiled.callables.values()
        for computation in part.computations.values()
        for name in computation.update_ops
    }
    found: dict[Tags, list[str]] = {}
    for tags in compiled.plan.variants.used:
        for name in compiled.legacy.variants[tags].update_ops:
            if (tags, name) not in run:
                found.setdefault(tags, []).append(name)
    return found


def _unused_files(compiled: CompiledModule) -> Iterator[Omission]:
    named = {
        asset.filename
        for program in compiled.legacy.variants.values()
        for asset in program.assets.values()
    }
    for folder in ("assets", "assets.extra"):
        root = compiled.legacy.directory / folder
        for path in list_files(root) if root.is_dir() else ():
            name = path.relative_to(root).as_posix()
            if not (folder == "assets" and name in named):
                yield Omission("file", f"{folder}/{name}", "the graph does not refer to it")


def _stripped(compiled: CompiledModule) -> Iterator[Omission]:
    for tags in compiled.plan.variants.used:
        program = compiled.legacy.variants[tags]
        reachable = _reachable(program)
        nodes = [node for name, node in program.nodes.items() if name in reachable]
        placed = [node for node in nodes if node.device or COLOCATION in node.attrs]
        if placed:
            why = "placement changes no result; TensorFlow places the ops anew"
            yield Omission("placement", f"{count(len(placed), 'node')} of {format_tags(tags)}", why)


def _unresolved_overrides(compiled: CompiledModule) -> Iterator[Omission]:
    found = [
        computation.unresolved_overrides
        for part in compiled.callables.values()
        for computation in part.computations.values()
    ]
    found += [loss.unresolved_overrides for loss in compiled.losses]
    names = dict.fromkeys(f"{node}: {name}" for part in found for node, name in part.items())
    for name in names:
        why = "its Python code is not in the file; the op has its natural gradient"
        yield Omission("gradient override", name, why)


def _reachable(program: Program) -> set[str]:
    refs = {
        ref.node
        for signature in program.signatures.values()
        for info in signature.outputs.values()
        for ref in info.components
    }
    return query.reachable(program.nodes, refs)
