"""Prints the summary of a module as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from converter.conversion.sizes import count_bytes
from converter.display.console import Console, escape
from converter.display.tables import count_left, format_shape, make_table
from converter.export.record import HyperparameterInfo, ValueInfo
from converter.quantities import count, format_bytes

MANY = 30  # Rows of a table; further ones are only counted.


def print_summary(
    summary: Mapping[str, Any], console: Console, *, limit: int | None = MANY, more: str = ""
) -> None:
    """Prints the JSON values of a `ModuleSummary`.

    Args:
      summary: The values.
      console: Where to print them.
      limit: How many rows the table of variables has; None for all.
      more: What lists all, for the line that counts those left out.
    """
    source = summary["source"]
    console.print(f"[bold]{escape(source['name'])}[/bold]  {source['format']}", soft_wrap=True)
    console.print(f"SHA-256 {source['digest']}", style="dim", soft_wrap=True)
    if "origin" in source:
        console.print(escape(_describe_origin(source["origin"])), style="dim", soft_wrap=True)
    console.print(f"{format_bytes(summary['size_bytes'])} on disk", style="dim", soft_wrap=True)
    console.print()
    _print_variants(summary, console)
    _print_signatures(summary, console)
    _print_variables(summary["variables"], console, limit, more)
    _print_parameters(summary, console)
    _print_state(summary, console)
    _print_plan(summary, console)


def _describe_origin(origin: Mapping[str, Any]) -> str:
    parts = [f"from {origin.get('handle', origin['name'])}"]
    if origin.get("url", origin.get("handle")) != origin.get("handle"):
        parts.append(f"sent by {origin['url']}")
    if "digest" in origin:
        parts.append(f"SHA-256 {origin['digest']}")
    return ", ".join(parts)


def _print_variants(summary: Mapping[str, Any], console: Console) -> None:
    table = make_table("tags", "role", "nodes", "control flow", "updates", "losses",
                                title="Graph variants")  # fmt: skip
    for variant in summary["graph_variants"]:
        why = f": {variant['why']}" if "why" in variant else ""
        table.add_row(
            escape(format_tags(variant["tags"])),
            escape(variant["role"] + why),
            str(variant["nodes"]),
            format_control_flow(variant["control_flow"]),
            str(len(variant["update_ops"])),
            str(len(variant["regularization_losses"])),
        )
    console.print(table)


def format_tags(tags: Sequence[str]) -> str:
    """Formats a tag set: `{gen, train}`."""
    return "{" + ", ".join(tags) + "}"


def format_control_flow(counts: Mapping[str, int]) -> str:
    """Formats counts of control flow: `2 loops, 3 conditionals`."""
    kinds = {kind: kind.replace("_", " ").removesuffix("s") for kind in counts}
    found = [count(number, kinds[kind]) for kind, number in counts.items() if number]
    return ", ".join(found) or "none"


def _print_signatures(summary: Mapping[str, Any], console: Console) -> None:
    """Prints each signature once, with the graph variants in which it is the same."""
    variants: dict[tuple[str, str], list[str]] = {}
    described: dict[tuple[str, str], Mapping[str, Any]] = {}
    for variant in summary["graph_variants"]:
        for name, signature in variant["signatures"].items():
            key = (name, repr(signature))
            variants.setdefault(key, []).append(format_tags(variant["tags"]))
            described[key] = signature
    table = make_table("signature", "", "name", "type", title="Signatures")
    for key in sorted(described):
        signature = described[key]
        label = f"{escape(key[0])}\n[dim]{escape(' '.join(variants[key]))}[/dim]"
        rows = [("in", k, v) for k, v in signature["inputs"].items()]
        rows += [("out", k, v) for k, v in signature["outputs"].items()]
        arrows = "\n".join(direction for direction, _, _ in rows)
        names = "\n".join(escape(name) for _, name, _ in rows)
        types = "\n".join(escape(format_value(value)) for _, _, value in rows)
        table.add_row(label, arrows, names, types)
    console.print(table)


def format_value(value: Mapping[str, Any]) -> str:
    """Prints the type of an input or output: `float32 [?, 224, 224, 3]`."""
    return msgspec.convert(value, ValueInfo).text


def _print_parameters(summary: Mapping[str, Any], console: Console) -> None:
    if summary["variables"]:
        number, trainable = summary["parameters"], summary["trainable_parameters"]
        size = format_bytes(summary["variable_bytes"])
        console.print(f"{count(number, 'parameter')}, {trainable:,} of them trainable; {size}\n")


def _print_variables(
    variables: Sequence[Mapping[str, Any]], console: Console, limit: int | None, more: str
) -> None:
    if not variables:
        console.print("No variables.\n")
        return
    trainable = sum(variable["trainable"] for variable in variables)
    title = f"Variables: {len(variables)}, {trainable} of them trainable"
    table = make_table("name", "type", "size", "trainable", title=title)
    for variable in variables[:limit]:
        table.add_row(
            escape(variable["name"]),
            escape(f"{variable['dtype']} {format_shape(variable['shape'])}"),
            _format_size(variable),
            "yes" if variable["trainable"] else "",
        )
    if limit is not None and len(variables) > limit:
        table.add_row(count_left(len(variables) - limit, more), "", "", "")
    console.print(table)


def _format_size(variable: Mapping[str, Any]) -> str:
    size = count_bytes(variable["dtype"], variable["shape"])
    return "?" if size is None else format_bytes(size)


def _print_state(summary: Mapping[str, Any], console: Console) -> None:
    if summary["tables"]:
        table = make_table("table", "op", "filled by", title="Tables")
        for row in {(t["node"], t["op"], tuple(t["initializers"])): 0 for t in summary["tables"]}:
            node, op, initializers = row
            table.add_row(escape(node), escape(op), "\n".join(map(escape, initializers)))
        console.print(table)
    if summary["assets"]:
        console.print("[bold]Assets[/bold]")
        for name in summary["assets"]:
            console.print(f"  {escape(name)}", soft_wrap=True)
        console.print()
    if summary["attachments"]:
        table = make_table("attachment", "tags", "bytes", "contents", title="Attachments")
        for item in summary["attachments"]:
            contents = "" if item["json"] is None else str(item["json"])
            about = (item["key"], format_tags(item["tags"]), str(item["size_bytes"]), contents)
            table.add_row(*map(escape, about))
        console.print(table)


def format_refusal(error: str, callables: Sequence[str]) -> str:
    """Formats a reason why a module cannot be converted, with the parts that it affects."""
    parts = ", ".join(f"obj.{part}" if part.isidentifier() else part for part in callables)
    return f"{parts}: {error}" if parts else error


def _print_plan(summary: Mapping[str, Any], console: Console) -> None:
    if summary["refused"] is not None:
        console.print("[bold red]Cannot be converted[/bold red]")
        for refusal in summary["refusals"]:
            text = format_refusal(refusal["error"], refusal["callables"])
            console.print(f"  {escape(text)}")
        return
    table = make_table("call", "training", title="The SavedModel would offer")
    for name, part in summary["callables"].items():
        for call in [f"obj.{name}"] + (["obj"] if name == summary["root"] else []):
            table.add_row(escape(format_call(call, part)), escape(_format_training(part)))
    for call in _list_other_calls(summary):
        table.add_row(escape(call), "")
    console.print(table)
    _print_image(summary["image"], console)
    _print_keywords(summary["callables"], console)
    if summary["dropped"]:
        table = make_table("left out", "name", "reason", title="The SavedModel would lack")
        for item in summary["dropped"]:
            table.add_row(item["what"], escape(item["name"]), escape(item["why"]))
        console.print(table)
    for warning in summary["warnings"]:
        console.print(f"[bold]Note:[/bold] {escape(warning)}")


def _list_other_calls(summary: Mapping[str, Any]) -> list[str]:
    """Formats the calls of the root by the names that TF2 models have for it."""
    conventions, root = summary["conventions"], summary["callables"].get(summary["root"])
    calls = []
    for spelling in conventions["spellings"]:
        names = ", ".join(spelling["inputs"])
        text = _dict_of(spelling["inputs"]) if spelling["kind"] == "dict" else f"[{names}]"
        calls.append(format_call("obj", {**root, "inputs": [text]}))
    for name, trains in conventions["endpoints"].items():
        shown = {**root, "training_tags": None}
        calls.append(format_call(f"obj.{name}", shown) + (" trains" if trains else ""))
    return calls


def _print_image(image: Mapping[str, Any] | None, console: Console) -> None:
    if image is None:
        return
    sizes = [image["height"], image["width"], image["channels"]]
    told = [f"{image[name]} {name}" for name in ("labels", "features") if image[name] is not None]
    text = f"Images: {format_shape(sizes)}, values from 0 to 1" + "".join(f"; {t}" for t in told)
    console.print(f"{escape(text)}\n", soft_wrap=True)


def _print_keywords(callables: Mapping[str, Any], console: Console) -> None:
    """Prints the Python keywords for inputs whose names are not Python identifiers."""
    if not any(part["serving_keywords"] for part in callables.values()):
        return
    title = "Keywords of signatures in Python"
    table = make_table("signature", "input", "keyword", title=title)
    for part in callables.values():
        for name, keyword in part["serving_keywords"].items():
            table.add_row(*map(escape, (repr(part["served_as"]), repr(name), keyword)))
    console.print(table)


def _format_training(part: Mapping[str, Any]) -> str:
    if part["always_trains"]:
        return f"always: {format_tags(part['tags'])}"
    return "" if part["training_tags"] is None else format_tags(part["training_tags"])


def format_call(call: str, part: Mapping[str, Any]) -> str:
    """Formats a call of a callable: `obj.tokens({"input_ids": …, "mask": …}, training=False)`."""
    inputs = list(part["inputs"])
    arguments = [_dict_of(inputs)] if len(inputs) > 1 else inputs
    if part["training_tags"] is not None:
        arguments.append("training=False")
    if part["return_endpoints"]:
        arguments.append("return_endpoints=False")
    hparams = msgspec.convert(part["hparams"], dict[str, HyperparameterInfo])
    arguments += [f"{name}={hparam.default_text}" for name, hparam in hparams.items()]
    return f"{call}({', '.join(arguments)})"


def _dict_of(names: Sequence[str]) -> str:
    """Formats a dict of inputs: `{"input_ids": …}`."""
    return "{" + ", ".join(f"{json.dumps(name, ensure_ascii=False)}: …" for name in names) + "}"
