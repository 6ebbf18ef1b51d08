"""The conventions of TF2 models that a converted module follows beside TF1's names.

TF2's models of a domain have names of their own for what TF1's signatures call otherwise, and code
written for them uses these.

Sources: https://www.tensorflow.org/hub/common_saved_model_apis, `export_tfhub_lib.py` of
tensorflow/models, and `tfsm_layer.py` of Keras 3.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from converter.ir.graph import Kind, Signature, TensorInfo

# The attributes that Keras 3's TFSMLayer takes for inference and, if asked to, for training.
SERVE = "serve"
SERVE_TRAINING = "serve_training"

# BERT's inputs and outputs: TF2's names, in the order of the first TF2 versions, and TF1's.
_BERT_INPUTS = {
    "input_word_ids": "input_ids", "input_mask": "input_mask", "input_type_ids": "segment_ids",
}  # fmt: skip
_BERT_OUTPUTS = ("pooled_output", "sequence_output")

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True, slots=True)
class Spelling:
    """Another way to give the inputs of a callable, for which its outputs have other names, too.

    Attributes:
      kind: The Python type of the inputs. A `dict` has them by name, and gives a dict of outputs; a
        `list` has them in order, and gives a tuple.
      inputs: The names of the inputs, in order, and the TF1 inputs that they are.
      outputs: The names of the outputs, in order, and the TF1 outputs that they are.
    """

    kind: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    def fits(self, inputs: Any) -> bool:
        """Whether a call with these inputs uses this spelling."""
        if self.kind == "dict":
            return isinstance(inputs, Mapping) and set(inputs) == set(self.inputs)
        return isinstance(inputs, list) and len(inputs) == len(self.inputs)

    def read(self, inputs: Any) -> dict[str, Any]:
        """Returns the inputs of a call by their TF1 names."""
        values = inputs.values() if self.kind == "dict" else inputs
        names = inputs if self.kind == "dict" else self.inputs
        return {self.inputs[name]: value for name, value in zip(names, values, strict=True)}

    def write(self, values: Mapping[str, _T]) -> dict[str, _T] | list[_T]:
        """Returns what a call takes, of inputs by their TF1 names."""
        named = {name: values[tf1_name] for name, tf1_name in self.inputs.items()}
        return named if self.kind == "dict" else list(named.values())

    def write_outputs(self, values: Mapping[str, _T]) -> dict[str, _T] | tuple[_T, ...]:
        """Returns a call's result, of outputs by their TF1 names."""
        named = self.name_outputs(values)
        return named if self.kind == "dict" else tuple(named.values())

    def name_outputs(self, values: Mapping[str, _T]) -> dict[str, _T]:
        """Returns the outputs by the names of this spelling."""
        return {name: values[tf1_name] for name, tf1_name in self.outputs.items()}


def find_spellings(signature: Signature, inputs: Collection[str]) -> tuple[Spelling, ...]:
    """Finds the other spellings of a signature: those of TF2's BERT, if it is TF1's.

    Args:
      signature: The signature.
      inputs: Its inputs that calls have to give.
    """
    if not _is_bert_encoder(signature, inputs):
        return ()
    named = {name: name for name in signature.outputs} | {"default": "pooled_output"}
    in_order = {name: name for name in _BERT_OUTPUTS}
    return (
        Spelling("dict", _BERT_INPUTS, named),
        # TF2's took no tuples either, and each spelling takes time to load.
        Spelling("list", _BERT_INPUTS, in_order),
    )


def _is_bert_encoder(signature: Signature, inputs: Collection[str]) -> bool:
    return (
        signature.name == "tokens"
        and set(inputs) == set(_BERT_INPUTS.values())
        and _are_dense(signature.inputs, inputs)
        and _are_dense(signature.outputs, _BERT_OUTPUTS)
        and "default" not in signature.outputs
    )


def _are_dense(infos: Mapping[str, TensorInfo], names: Collection[str]) -> bool:
    return all(name in infos and infos[name].kind is Kind.DENSE for name in names)
