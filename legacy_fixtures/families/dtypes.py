"""Variables, inputs and outputs of every dtype.

Left out is what TF 1.15 cannot do itself: it saves quantized dtypes from ref variables only, and
has no Assign of uint32 and uint64 to those.
"""

from __future__ import annotations

import numpy as np
import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture

_SHAPE = (4, 3)
_FLOATS = (tf.float16, tf.bfloat16, tf.float32, tf.float64)
_COMPLEX = (tf.complex64, tf.complex128)
_INTEGERS = (tf.uint8, tf.uint16, tf.int8, tf.int16, tf.int32, tf.int64)
_NEVER_REF = (tf.uint32, tf.uint64)


def _table(dtype):
    """A variable `[4, 3]`; int32 stays trainable, as people forget to say that it is not."""
    trainable = dtype in _FLOATS + _COMPLEX + (tf.int32,)
    name = f"{dtype.name}_table"
    if dtype == tf.string:
        initial = tf.constant(np.full(_SHAPE, "", object))
        return tf.get_variable(name, initializer=initial, trainable=trainable)
    return tf.get_variable(name, _SHAPE, dtype, tf.zeros_initializer, trainable=trainable)


def _variables(use_resource):
    with tf.variable_scope("", use_resource=use_resource):
        ids = tf.placeholder(tf.int32, [None], name="ids")
        dtypes = _FLOATS + _COMPLEX + _INTEGERS + (tf.bool, tf.string)
        dtypes += _NEVER_REF if use_resource else ()
        tables = {dtype.name: _table(dtype) for dtype in dtypes}
    rows = {name: tf.gather(table, ids) for name, table in tables.items()}
    hub.add_signature("rows", {"ids": ids}, rows)
    whole = {name: tf.identity(table.read_value()) for name, table in tables.items()}
    hub.add_signature("whole", outputs=whole)


def _arithmetic():
    """One signature per dtype, with an input and a variable of that dtype."""
    for dtype in _FLOATS + _COMPLEX + (tf.int32, tf.int64, tf.uint8):
        x = tf.placeholder(dtype, [None, 3], name=f"{dtype.name}_x")
        row = _table(dtype)[0]
        outputs = {"sum": x + row, "product": x * row}
        if dtype.is_complex:
            outputs["square"] = tf.real(outputs["product"] * tf.conj(outputs["product"]))
        hub.add_signature(dtype.name, {"x": x}, outputs)


def _casts():
    """Every dtype goes in, and a float comes out."""
    inputs = {
        dtype.name: tf.placeholder(dtype, [None], name=dtype.name)
        for dtype in _FLOATS + _INTEGERS + (tf.bool,)
    }
    weights = tf.get_variable("weights", [len(inputs)])
    columns = [tf.cast(inputs[name], tf.float32) for name in sorted(inputs)]
    hub.add_signature("default", inputs, tf.linalg.matvec(tf.stack(columns, axis=1), weights))


def _flags():
    """Strings and booleans as the state and the input of a signature."""
    names = tf.placeholder(tf.string, [None], name="names")
    mask = tf.placeholder(tf.bool, [None], name="mask")
    known = tf.get_variable("known", initializer=tf.constant(["", ""]), trainable=False)
    enabled = tf.get_variable("enabled", [2], tf.bool, tf.zeros_initializer, trainable=False)
    matches = tf.equal(names[:, tf.newaxis], known.read_value()[tf.newaxis])
    active = tf.logical_and(tf.reduce_any(matches & enabled.read_value(), axis=1), mask)
    greeting = tf.strings.join([names, known.read_value()[0]], separator=" ")
    hub.add_signature(
        inputs={"names": names, "mask": mask}, outputs={"active": active, "greeting": greeting}
    )


def _arithmetic_input(dtype):
    values = examples.normal(2, 3) * 3.0
    if dtype.is_complex:
        values = values + 1j * examples.normal(2, 3, seed=1)
    return np.abs(values) if dtype.is_unsigned else values


def _arithmetic_calls():
    dtypes = _FLOATS + _COMPLEX + (tf.int32, tf.int64, tf.uint8)
    return tuple(Call(dtype.name, {"x": _arithmetic_input(dtype)}) for dtype in dtypes)


_VARIABLE_CALLS = (Call("rows", {"ids": [3, 0, 0, 2]}), Call("whole", {}))
_NUMBERS = {dtype.name: [1, 0, 7] for dtype in _FLOATS + _INTEGERS + (tf.bool,)}

DTYPES_VARIABLES = Fixture(
    name="dtypes_variables",
    family="dtypes",
    description="resource variables of 16 dtypes, looked up and read",
    module_fn=_variables,
    tags_and_args=((frozenset(), {"use_resource": True}),),
    calls=_VARIABLE_CALLS,
)

DTYPES_REF_VARIABLES = Fixture(
    name="dtypes_ref_variables",
    family="dtypes",
    description="ref variables of 14 dtypes, looked up and read",
    module_fn=_variables,
    tags_and_args=((frozenset(), {"use_resource": False}),),
    calls=_VARIABLE_CALLS,
)

DTYPES_ARITHMETIC = Fixture(
    name="dtypes_arithmetic",
    family="dtypes",
    description="a signature per numeric dtype, with gradients for floats and complex numbers",
    module_fn=_arithmetic,
    calls=_arithmetic_calls(),
)

DTYPES_CASTS = Fixture(
    name="dtypes_casts",
    family="dtypes",
    description="eleven inputs, each of another dtype",
    module_fn=_casts,
    calls=(Call("default", _NUMBERS),),
)

DTYPES_FLAGS = Fixture(
    name="dtypes_flags",
    family="dtypes",
    description="string and bool variables at work",
    module_fn=_flags,
    values={"known": np.array([b"ann", b"bo\x00b\xff"], object), "enabled": [False, True]},
    calls=(
        Call(
            "default",
            {
                "names": examples.strings([b"ann", b"bo\x00b\xff", b"bo\x00b\xff", b"zoe"]),
                "mask": [True, True, False, True],
            },
        ),
    ),
)
