"""Bounds of strings hold for what TensorFlow makes."""

import zlib

import numpy as np
import pytest
import tensorflow as tf

from converter.ir import serde
from converter.safety.extent import Extent, valued
from converter.safety.string_bounds import longest_string, variant_bytes

_R = tf.raw_ops
_WORDS = ["ab", "c" * 50]
_MADE = {
    "as_string": lambda: _R.AsString(
        input=tf.constant([-1.5e300], tf.float64), width=1000, precision=300),
    "as_string_of_numbers": lambda: _R.AsString(
        input=tf.constant([tf.float64.max], tf.float64), precision=6),
    "base64": lambda: _R.EncodeBase64(input=_WORDS, pad=True),
    "decompress": lambda: _R.DecodeCompressed(
        bytes=[zlib.compress(b"0" * 1_000_000, 9)], compression_type="ZLIB"),
    "encode_png": lambda: _R.EncodePng(image=tf.zeros([40, 50, 3], tf.uint8)),
    "format": lambda: _R.StringFormat(
        inputs=[tf.fill([100], tf.float32.min)] * 2, template="%%", placeholder="%",
        summarize=-1),
    "join": lambda: _R.StringJoin(inputs=[_WORDS, "x" * 30], separator="y" * 40),
    "reduce_join": lambda: _R.ReduceJoin(inputs=_WORDS, reduction_indices=[0], separator="--"),
    "regex": lambda: _R.StaticRegexReplace(input=_WORDS, pattern="(c*)", rewrite="\\1\\1\\1"),
    "regex_of_nothing": lambda: _R.RegexReplace(input=_WORDS, pattern="", rewrite="long"),
    "serialize": lambda: _R.SerializeTensor(tensor=tf.zeros([1000])),
    "ngrams": lambda: _R.StringNGrams(
        data=_WORDS, data_splits=[0, 2], separator="----", ngram_widths=[2], left_pad="l" * 9,
        right_pad="r" * 9, pad_width=1, preserve_short_sequences=False).ngrams,
    "transcode": lambda: _R.UnicodeTranscode(
        input=_WORDS, input_encoding="UTF-8", output_encoding="UTF-32-BE"),
    "upper": lambda: _R.StringUpper(input=_WORDS),
}  # fmt: skip


@pytest.mark.parametrize("name", _MADE)
def test_no_string_is_longer(name):
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        made = _MADE[name]()
        strings, inputs = session.run([made, list(made.op.inputs)])
        inputs = [np.array(x, object) if isinstance(x, bytes) else x for x in inputs]
    extents = [
        Extent(array.shape, longest=max(map(len, array.flat), default=0))
        if array.dtype == object
        else Extent(array.shape)
        for array in inputs
    ]
    sizes = [
        extent.size_bytes(tensor.dtype.as_datatype_enum)
        for extent, tensor in zip(extents, made.op.inputs, strict=True)
    ]
    node = serde.nodes_from_graph_def(graph.as_graph_def())[made.op.name]
    longest = max(map(len, getattr(strings, "flat", [strings])))
    assert longest <= longest_string(node, extents, sizes)


def test_a_list_takes_its_places_and_its_elements():
    assert variant_bytes([valued([2]), valued(1000)], [4, 4]) >= 32_000
    assert variant_bytes([Extent((1000,))], [4000]) >= 4000
