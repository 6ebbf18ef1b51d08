"""What a TF2 SavedModel can be used for as it is (source: saved_object_graph.proto)."""

from __future__ import annotations

from typing import Any

_NOTHING = "Nothing needs converting: "


def describe_uses(saved_model: Any) -> str:
    """Says in a sentence how to use a TF2 SavedModel, which needs no conversion.

    Args:
      saved_model: The `SavedModel` message.
    """
    graph = next(g for g in saved_model.meta_graphs if g.HasField("object_graph_def"))
    nodes = graph.object_graph_def.nodes
    names = {child.local_name for child in nodes[0].children} if nodes else set()
    if "__call__" in names:
        return _NOTHING + _describe_callable(any(node.variable.trainable for node in nodes))
    name = min((n for n in graph.signature_def if not n.startswith("__")), default=None)
    if name is None:
        return f"{_NOTHING}use the attributes of tf.saved_model.load(PATH)."
    return (
        f"{_NOTHING}call tf.saved_model.load(PATH).signatures[{name!r}], or hub.KerasLayer(PATH,"
        f" signature={name!r}, signature_outputs_as_dict=True), which cannot train. It has no"
        " __call__."
    )


def _describe_callable(trains: bool) -> str:
    if trains:
        return (
            "tf.saved_model.load, hub.load and hub.KerasLayer take it as it is;"
            " hub.KerasLayer(PATH, trainable=True) fine-tunes it."
        )
    return (
        "tf.saved_model.load, hub.load and hub.KerasLayer take it as it is; it has no variables to"
        " train."
    )
