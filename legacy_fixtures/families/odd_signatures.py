"""Signatures that are legal and that nobody expects."""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture


def _endpoints():
    """Inputs and outputs at the edges: none, unused, passed through, constant."""
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    unused = tf.placeholder(tf.int32, [], name="unused")
    weight = tf.get_variable("weight", [2])
    hub.add_signature("no_inputs", outputs=weight * 2.0)
    hub.add_signature("unused_input", {"x": x, "unused": unused}, x * weight)
    hub.add_signature("only_unused_input", {"unused": unused}, weight + 1.0)
    hub.add_signature("output_is_input", {"x": x}, {"default": x, "scaled": x * weight})
    constant = tf.constant([[1, 2], [3, 4]], name="constant")
    hub.add_signature("constant_output", {"x": x}, {"constant": constant, "x": x})
    hub.add_signature("same_output_twice", {"x": x}, {"a": constant, "b": constant})


def _fed_ops():
    """Inputs that are no placeholders; feeding overrides what the graph computes there."""
    weight = tf.get_variable("weight", [3])
    with_default = tf.placeholder_with_default(np.float32([1, 2, 3]), [None], name="with_default")
    constant = tf.constant([4.0, 5.0, 6.0], name="constant")
    filled = tf.fill([3], 7.0, name="filled")
    parts = tf.split(tf.range(6.0), 2, name="parts")
    scaled = tf.multiply(weight, 2.0, name="scaled")
    hub.add_signature("with_default", {"x": with_default}, with_default * weight)
    hub.add_signature("constant", {"x": constant}, constant * weight)
    hub.add_signature("filled", {"x": filled}, filled * weight)
    split_outputs = {"fed": parts[1] * weight, "not_fed": parts[0] * weight}
    hub.add_signature("split_output", {"x": parts[1]}, split_outputs)
    hub.add_signature("inner_tensor", {"x": scaled}, scaled + weight)
    hub.add_signature("constant_not_fed", outputs=constant + filled + scaled)


def _input_names():
    canvas = tf.placeholder(tf.float32, [None, 2], name="canvas")
    tau = tf.placeholder(tf.float32, [], name="tau")
    first = tf.placeholder(tf.float32, [2], name="first")
    weight = tf.get_variable("weight", [2])
    inputs = {"observation/canvas": canvas, "tensor_dict$tau_a": tau, "0": first}
    total = canvas * weight * tau + first
    outputs = {"default": total, "action/logits": total * 2.0, "1": tau, "for": first + weight}
    hub.add_signature(inputs=inputs, outputs=outputs)


def _colliding_inputs():
    """Names that a Python callable uses for itself, and two that differ only in punctuation."""
    names = ("self", "inputs", "training", "return_endpoints", "a/b", "a_b", "x y")
    inputs = {
        name: tf.placeholder(tf.float32, [None], name=f"input_{index}")
        for index, name in enumerate(names)
    }
    weights = tf.unstack(tf.get_variable("weights", [len(names)]))
    weighted = [inputs[name] * weights[index] for index, name in enumerate(names)]
    hub.add_signature(inputs=inputs, outputs=tf.add_n(weighted))


def _serving_names():
    """Inputs and outputs whose names sort otherwise than parameters do, or can be none."""
    for signature, names in _SERVING_NAMES.items():
        inputs = {
            name: tf.placeholder(tf.float32, [None], name=f"{signature}_{index}")
            for index, name in enumerate(names)
        }
        weights = tf.unstack(tf.get_variable(signature, [len(names)]))
        weighted = {name: inputs[name] * weights[index] for index, name in enumerate(names)}
        # Each output has another part in each input, so that no exchange goes unseen.
        outputs = {"default": tf.add_n(list(weighted.values())), **weighted}
        hub.add_signature(signature, inputs=inputs, outputs=outputs)


def _reserved_signatures():
    x = tf.placeholder(tf.float32, [None], name="x")
    weight = tf.get_variable("weight", [])
    for factor, name in enumerate(_RESERVED_SIGNATURES, start=1):
        hub.add_signature(name, {"x": x}, x * weight * float(factor))


def _signature_names():
    x = tf.placeholder(tf.float32, [None], name="x")
    weight = tf.get_variable("weight", [])
    for factor, name in enumerate(_SIGNATURE_NAMES, start=1):
        hub.add_signature(name, {"x": x}, x * weight * float(factor))


def _one_with_inputs():
    x = tf.placeholder(tf.string, [None], name="x")
    lengths = tf.cast(tf.strings.length(x), tf.float32)
    weight = tf.get_variable("weight", [])
    hub.add_signature("encode", {"text": x}, lengths * weight)
    hub.add_signature("info", outputs={"version": tf.constant(3), "weight": tf.identity(weight)})


def _two_with_inputs():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    code = tf.placeholder(tf.float32, [None, 2], name="code")
    kernel = tf.get_variable("kernel", [3, 2])
    hub.add_signature("encode", {"x": x}, tf.tanh(tf.matmul(x, kernel)))
    hub.add_signature("decode", {"code": code}, tf.matmul(code, kernel, transpose_b=True))


def _unknown_rank():
    x = tf.placeholder(tf.float32, None, name="x")
    y = tf.placeholder(tf.float32, None, name="y")
    weight = tf.get_variable("weight", [])
    outputs = {"default": x * weight + y, "rank": tf.rank(x), "shape": tf.shape(x)}
    hub.add_signature(inputs={"x": x, "y": y}, outputs=outputs)


def _shared_inputs():
    """One tensor is two signatures' input under two names, and one signature feeds another's."""
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    kernel = tf.get_variable("kernel", [2, 2])
    hidden = tf.nn.relu(tf.matmul(x, kernel), name="hidden")
    top = tf.reduce_sum(hidden * kernel[0], axis=1)
    hub.add_signature("default", {"x": x}, {"default": top, "hidden": hidden})
    hub.add_signature("again", {"other": x}, top)
    hub.add_signature("from_hidden", {"hidden": hidden}, top)


_SIGNATURE_NAMES = (
    "default",
    "variables",
    "trainable_variables",
    "regularization_losses",
    "signatures",
    "name",
    "class",
    "a/b",
    "2d-view",
    "__call__",
    "_private",
)
_RESERVED_SIGNATURES = (
    "default",
    "Default",
    "serving_default",
    "__saved_model_init_op",
    "__saved_model_train_op",
)
_SERVING_NAMES = {
    "dollar": ("k", "z$b"),
    "digits": ("0", "b", "a"),
    "eleven": tuple(f"d${index}" for index in range(11)),
    "letter_case": ("b", "B", "b_1"),
    "keywords": ("in", "class", "None", "in_", "x"),
    "own_self": ("self", "self_", "cls"),
    "underscores": ("_x", "__class__", "arg__x", "_"),
    "colon": ("x:0", "y:1", "a"),
    "empty": ("", "input"),
    "empty_alone": ("",),
    "not_ascii": ("ünï", "é", "É", "²"),
    "cleaned_alike": ("a/b", "a_b", "a.b", "a b"),
    "long": ("l" * 300, "k"),
}
_X = examples.normal(4, 2)
_VECTOR = [0.5, -1.5, 2.5]

ODD_ENDPOINTS = Fixture(
    name="odd_endpoints",
    family="odd_signatures",
    description="no input, unused input, output = input, Const output",
    module_fn=_endpoints,
    calls=(
        Call("no_inputs", {}),
        Call("unused_input", {"x": _X, "unused": 3}),
        Call("only_unused_input", {"unused": 3}),
        Call("output_is_input", {"x": _X}),
        Call("constant_output", {"x": _X}),
        Call("same_output_twice", {"x": _X}),
    ),
)

ODD_FED_OPS = Fixture(
    name="odd_fed_ops",
    family="odd_signatures",
    description="inputs are PlaceholderWithDefault, Const, Fill, Split and Mul outputs",
    module_fn=_fed_ops,
    calls=(
        Call("with_default", {"x": [3.0, -1.0, 0.5]}),
        Call("with_default", {"x": [1.0, 2.0, 3.0]}, label="default"),
        Call("constant", {"x": _VECTOR}),
        Call("filled", {"x": _VECTOR}),
        Call("split_output", {"x": _VECTOR}),
        Call("inner_tensor", {"x": _VECTOR}),
        Call("constant_not_fed", {}),
    ),
)

ODD_INPUT_NAMES = Fixture(
    name="odd_input_names",
    family="odd_signatures",
    description="input and output names with slashes, dollars and digits",
    module_fn=_input_names,
    calls=(
        Call(
            "default",
            {"observation/canvas": _X, "tensor_dict$tau_a": 0.75, "0": [0.25, -0.5]},
        ),
    ),
)

ODD_COLLIDING_INPUTS = Fixture(
    name="odd_colliding_inputs",
    family="odd_signatures",
    description="inputs named self, training, a/b beside a_b",
    module_fn=_colliding_inputs,
    calls=(
        Call(
            "default",
            {
                "self": [1.0, 2.0],
                "inputs": [3.0, 4.0],
                "training": [5.0, 6.0],
                "return_endpoints": [7.0, 8.0],
                "a/b": [9.0, 10.0],
                "a_b": [11.0, 12.0],
                "x y": [13.0, 14.0],
            },
        ),
    ),
)

ODD_SERVING_NAMES = Fixture(
    name="odd_serving_names",
    family="odd_signatures",
    description="names of inputs and outputs that Python cannot say, or sorts otherwise",
    module_fn=_serving_names,
    calls=tuple(
        Call(
            signature,
            {name: [index + 1.0, index - 0.5] for index, name in enumerate(names)},
        )
        for signature, names in _SERVING_NAMES.items()
    ),
)

ODD_RESERVED_SIGNATURES = Fixture(
    name="odd_reserved_signatures",
    family="odd_signatures",
    description="signatures named like TensorFlow's own, or in another case",
    module_fn=_reserved_signatures,
    calls=tuple(Call(name, {"x": [1.0, -2.0]}) for name in _RESERVED_SIGNATURES),
)

ODD_SIGNATURE_NAMES = Fixture(
    name="odd_signature_names",
    family="odd_signatures",
    description="signatures named like attributes, like keywords, and with slashes",
    module_fn=_signature_names,
    calls=tuple(Call(name, {"x": [1.0, -2.0]}) for name in _SIGNATURE_NAMES),
)

ODD_ONE_WITH_INPUTS = Fixture(
    name="odd_one_with_inputs",
    family="odd_signatures",
    description="no default signature, but only one that takes inputs",
    module_fn=_one_with_inputs,
    calls=(Call("encode", {"text": examples.strings(["a", "", "abc"])}), Call("info", {})),
)

ODD_TWO_WITH_INPUTS = Fixture(
    name="odd_two_with_inputs",
    family="odd_signatures",
    description="no default signature and two that take inputs",
    module_fn=_two_with_inputs,
    calls=(
        Call("encode", {"x": examples.normal(4, 3)}),
        Call("decode", {"code": examples.normal(4, 2)}),
    ),
)

ODD_UNKNOWN_RANK = Fixture(
    name="odd_unknown_rank",
    family="odd_signatures",
    description="inputs of unknown rank",
    module_fn=_unknown_rank,
    calls=(
        Call("default", {"x": examples.normal(2, 3, 2), "y": [1.0, -1.0]}),
        Call("default", {"x": 2.5, "y": -1.0}, label="scalars"),
    ),
)

ODD_SHARED_INPUTS = Fixture(
    name="odd_shared_inputs",
    family="odd_signatures",
    description="signatures that share tensors, one fed in the middle of another",
    module_fn=_shared_inputs,
    calls=(
        Call("default", {"x": _X}),
        Call("again", {"other": _X}),
        Call("from_hidden", {"hidden": np.abs(_X)}),
    ),
)
