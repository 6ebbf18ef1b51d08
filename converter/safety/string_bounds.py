"""Bounds of strings that an op makes, and of lists and other variants."""

from __future__ import annotations

from collections.abc import Sequence

from converter.ir import attributes, op_facts
from converter.ir.graph import Node
from converter.safety.extent import Extent

_INFLATION = 1032  # The most that zlib can compress (source: zlib's technical details).
_NUMBER_BYTES = 400  # A double in full: 1.8e308 has 309 digits.
_LIST_ITEM_BYTES = 32  # sizeof(tensorflow::Tensor), for each place of a TensorList.


def longest_string(node: Node, inputs: Sequence[Extent], sizes: Sequence[int]) -> int:
    """An upper bound of the strings that a node makes of constants.

    Args:
      node: The node.
      inputs: What is known of its inputs.
      sizes: The bytes of each input.
    """
    longest = sum(extent.longest for extent in inputs)
    if node.op in ("StringJoin", "ReduceJoin", "UnsortedSegmentJoin"):
        separator = len(_text(node, "separator"))
        parts = sum(extent.elements or 0 for extent in inputs)
        is_join = node.op == "StringJoin"
        return longest + separator * len(inputs) if is_join else sum(sizes) + separator * parts
    if node.op == "DecodeCompressed":
        return longest * _INFLATION + 64
    if node.op == "AsString":
        width = attributes.find_int(node, "width") + attributes.find_int(node, "precision")
        return _NUMBER_BYTES + max(width, 0)
    if node.op in ("RegexReplace", "StaticRegexReplace"):
        rewrite = inputs[2].longest if len(inputs) > 2 else len(_text(node, "rewrite"))
        return (2 * inputs[0].longest + 1) * (rewrite + 1)
    if node.op == "StringFormat":
        template, placeholder = (_text(node, key, b"%s") for key in ("template", "placeholder"))
        uses = template.count(placeholder) if placeholder else len(template) + 1
        return len(template) + uses * 16 * (sum(sizes) + 64)
    if node.op == "StringNGrams":
        return 4 * sum(sizes) + 64
    # Encoders and serializers write all of a tensor; base64 and transcoding at most quadruple.
    return 4 * sum(sizes) + 64 if _takes_numbers(node) else 4 * longest + 64


def _text(node: Node, attr: str, default: bytes = b"") -> bytes:
    """An attribute; its default where the exporter left it out."""
    return bytes(node.attrs[attr].s) if attr in node.attrs else default


def _takes_numbers(node: Node) -> bool:
    return any(dtype != op_facts.DT_STRING for dtype in op_facts.dtypes(node)[0])


def variant_bytes(inputs: Sequence[Extent], sizes: Sequence[int]) -> int:
    """An upper bound of a list or another variant that a node makes of constants."""
    values = [extent.known_value for extent in inputs]
    numbers = [v for value in values if value is not None for v in value.flat if v is not None]
    places = max((int(number) for number in numbers), default=0)
    return sum(sizes) + _LIST_ITEM_BYTES * max(places, 1)
