"""What makes a node unsafe whose op is safe in general: an attribute, or where an input is from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from converter.ir import attributes
from converter.ir.aliases import IDENTITIES, source_of
from converter.ir.graph import ASSET_OP, Node, Nodes, TensorRef
from converter.ir.op_facts import DT_RESOURCE
from converter.safety.op_table import Classification, Kind

# Source: PrintV2Op in core/kernels/logging_ops.cc. Any other is `file://` and the name of a file.
_STREAMS = frozenset({"stdout", "stderr", "log(info)", "log(warning)", "log(error)"})
# Far above what anybody waits for an answer; TensorFlow may run a batch of constants itself.
_MAX_BATCH_SECONDS = 10
_MAX_BATCH_THREADS = 1024
_FILENAME_INPUT = 1
TABLE_FILE_OPS = ("InitializeTableFromTextFile", "InitializeTableFromTextFileV2")


def find_danger(node: Node, nodes: Nodes) -> Classification | None:
    """Returns what makes a node unsafe beyond the class of its op, or None.

    Args:
      node: The node.
      nodes: All nodes of its graph, after the passes.
    """
    rule = _RULES.get(node.op)
    return rule(node, nodes) if rule else None


def _check_print(node: Node, nodes: Nodes) -> Classification | None:
    del nodes
    stream = attributes.find_string(node, "output_stream") or "stderr"
    if stream in _STREAMS:
        return None
    return Classification(Kind.WRITES_FILES, f"prints to {stream!r}")


def _check_batch(node: Node, nodes: Nodes) -> Classification | None:
    del nodes
    seconds = attributes.find_int(node, "batch_timeout_micros") / 1e6
    threads = attributes.find_int(node, "num_batch_threads")
    if seconds <= _MAX_BATCH_SECONDS and threads <= _MAX_BATCH_THREADS:
        return None
    return Classification(
        Kind.DENIAL_OF_SERVICE, f"waits {seconds:g} seconds for a batch, in {threads} threads"
    )


def _check_table_file(node: Node, nodes: Nodes) -> Classification | None:
    """The file must be an asset of the module, not another file, nor one with a computed name."""
    name = node.inputs[_FILENAME_INPUT] if len(node.inputs) > _FILENAME_INPUT else TensorRef("")
    source = nodes.get(source_of(nodes, name, IDENTITIES).node)
    if source is not None and source.op == ASSET_OP:
        return None
    return Classification(Kind.READS_FILES, "fills a table from a file that is not an asset")


def _check_no_handle(node: Node, nodes: Nodes) -> Classification | None:
    """A handle in a file can only be that of an object that the process has for something else."""
    del nodes
    types = (node.attrs[key].type for key in ("dtype", "out_type") if key in node.attrs)
    if DT_RESOURCE not in types:
        return None
    return Classification(Kind.INTERNAL, "gives a handle of an object of the process")


_RULES: Mapping[str, Callable[[Node, Nodes], Classification | None]] = {
    "Batch": _check_batch,
    "Const": _check_no_handle,
    **dict.fromkeys(TABLE_FILE_OPS, _check_table_file),
    "ParseTensor": _check_no_handle,
    "PrintV2": _check_print,
}
RULED_OPS = frozenset(_RULES)
