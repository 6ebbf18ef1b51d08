"""TensorArrays: handles and a float `flow` that orders reads and writes."""

from __future__ import annotations

import tensorflow.compat.v1 as tf
import tensorflow_hub as hub

from legacy_fixtures import examples
from legacy_fixtures.fixture import Call, Fixture

_SIZE = 4
_STEPS = 5


def _input():
    return tf.placeholder(tf.float32, [None, _SIZE], name="x")


def _scale(name="scale"):
    return tf.get_variable(name, [_SIZE])


def _dynamic_size():
    """Grows as it is written, until the values are small or an input's number is reached."""
    x = _input()
    count = tf.placeholder(tf.int32, [], name="count")
    scale = _scale()
    array = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[None, _SIZE])

    def body(i, value, array):
        value = tf.tanh(value * scale)
        return i + 1, value, array.write(i, value)

    _, last, array = tf.while_loop(lambda i, *_: i < count, body, [0, x, array])
    outputs = {"default": array.stack(), "size": array.size(), "last": last}
    hub.add_signature(inputs={"x": x, "count": count}, outputs=outputs)


def _concat():
    """Elements of different lengths, concatenated."""
    x = _input()
    scale = _scale()
    count = tf.shape(x)[0]
    array = tf.TensorArray(tf.float32, size=count, infer_shape=False)

    def body(i, array):
        return i + 1, array.write(i, tf.tile(x[i : i + 1] * scale, [i % 3 + 1, 1]))

    _, array = tf.while_loop(lambda i, _: i < count, body, [0, array])
    y = array.concat()
    y.set_shape([None, _SIZE])
    hub.add_signature(inputs=x, outputs=y)


def _concat_equal():
    """Elements of the same shape, concatenated."""
    x = _input()
    scale = _scale()
    array = tf.TensorArray(tf.float32, size=3, element_shape=[2, _SIZE])

    def body(i, array):
        return i + 1, array.write(i, x[i : i + 2] * scale)

    _, array = tf.while_loop(lambda i, _: i < 3, body, [0, array])
    hub.add_signature(inputs=x, outputs=array.concat())


def _split():
    """Splits into elements of given lengths and reads them in a loop."""
    x = _input()
    lengths = tf.placeholder(tf.int64, [None], name="lengths")
    scale = _scale()
    array = tf.TensorArray(tf.float32, size=tf.size(lengths), infer_shape=False)
    array = array.split(x * scale, lengths)

    def body(i, total):
        part = array.read(i)
        part.set_shape([None, _SIZE])
        return i + 1, total * 0.5 + tf.reduce_sum(tf.tanh(part), axis=0)

    count = tf.size(lengths)
    _, total = tf.while_loop(lambda i, _: i < count, body, [0, tf.zeros([_SIZE])])
    hub.add_signature(inputs={"x": x, "lengths": lengths}, outputs=total)


def _gather_scatter():
    """Scatters to given indices, and gathers from others, some of them twice."""
    x = _input()
    order = tf.placeholder(tf.int32, [None], name="order")
    picked = tf.placeholder(tf.int32, [None], name="picked")
    scale = _scale()
    count = tf.size(order)
    array = tf.TensorArray(tf.float32, size=count, element_shape=[_SIZE], clear_after_read=False)
    array = array.scatter(order, x * scale)
    result = tf.TensorArray(tf.float32, size=count, element_shape=[_SIZE], clear_after_read=False)

    def body(i, result):
        return i + 1, result.write(count - 1 - i, tf.sin(array.read(i)))

    _, result = tf.while_loop(lambda i, _: i < count, body, [0, result])
    outputs = {"default": result.gather(picked), "all": result.gather(order)}
    hub.add_signature(inputs={"x": x, "order": order, "picked": picked}, outputs=outputs)


def _unwritten():
    """Every other element is never written, and is zeros of the element's shape."""
    x = _input()
    scale = _scale()
    array = tf.TensorArray(tf.float32, size=6, element_shape=[_SIZE])

    def body(i, array):
        return i + 2, array.write(i, tf.tanh(x[i // 2] * scale))

    _, array = tf.while_loop(lambda i, _: i < 6, body, [0, array])
    hub.add_signature(inputs=x, outputs=array.stack())


def _written_in_cond():
    """Each iteration writes one of two values, or to one array but not to the other."""
    x = _input()
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    projected = tf.matmul(x, kernel)
    count = tf.shape(x)[0]
    either = tf.TensorArray(tf.float32, size=count, element_shape=[_SIZE])
    sparse = tf.TensorArray(tf.float32, size=count, element_shape=[_SIZE])

    def body(i, either, sparse):
        row = projected[i]

        def when_even():
            return either.write(i, tf.tanh(row)).flow, sparse.write(i, row).flow

        def when_odd():
            return either.write(i, -row).flow, sparse.flow

        flows = tf.cond(tf.equal(i % 2, 0), when_even, when_odd)
        return i + 1, _with_flow(either, flows[0]), _with_flow(sparse, flows[1])

    _, either, sparse = tf.while_loop(lambda i, *_: i < count, body, [0, either, sparse])
    hub.add_signature(inputs=x, outputs={"default": either.stack(), "sparse": sparse.stack()})


def _with_flow(array, flow):
    """Returns the array after what `flow` depends on; tf.cond returns no TensorArrays."""
    return tf.TensorArray(array.dtype, handle=array.handle, flow=flow)


def _read_twice():
    """A loop reads each element and its neighbour; another loop reads them again."""
    x = _input()
    scale = _scale()
    count = tf.shape(x)[0]
    array = tf.TensorArray(tf.float32, size=count, element_shape=[_SIZE], clear_after_read=False)
    array = array.unstack(x * scale)
    result = tf.TensorArray(tf.float32, size=count, element_shape=[_SIZE])

    def neighbours(i, result):
        following = array.read((i + 1) % count)
        return i + 1, result.write(i, array.read(i) * tf.tanh(following))

    def total(i, state):
        return i + 1, tf.sin(state + array.read(i))

    _, result = tf.while_loop(lambda i, _: i < count, neighbours, [0, result])
    _, state = tf.while_loop(lambda i, _: i < count, total, [0, tf.zeros([_SIZE])])
    hub.add_signature(inputs=x, outputs={"default": result.stack(), "total": state})


def _forwards_and_backwards():
    """A loop writes an array, which the next loop reads from the end."""
    x = _input()
    scale, shift = _scale(), _scale("shift")
    count = tf.shape(x)[0]
    states = tf.TensorArray(tf.float32, size=count, element_shape=[_SIZE])
    results = tf.TensorArray(tf.float32, size=count, element_shape=[_SIZE])

    def forwards(i, state, states):
        state = tf.tanh(state * scale + x[i])
        return i + 1, state, states.write(i, state)

    def backwards(i, state, results):
        state = tf.tanh(state + states.read(i)) + shift
        return i - 1, state, results.write(i, state)

    _, state, states = tf.while_loop(
        lambda i, *_: i < count, forwards, [0, tf.zeros([_SIZE]), states]
    )
    _, _, results = tf.while_loop(lambda i, *_: i >= 0, backwards, [count - 1, state, results])
    hub.add_signature(inputs=x, outputs=results.stack())


def _nested():
    """An inner loop writes to the outer loop's array, and to one made in the outer body."""
    x = _input()
    scale = _scale()
    rows, columns = tf.shape(x)[0], 3
    array = tf.TensorArray(tf.float32, size=rows * columns, element_shape=[_SIZE])

    def outer(i, array, total):
        local = tf.TensorArray(tf.float32, size=columns, element_shape=[_SIZE])

        def inner(j, array, local):
            value = tf.sin(x[i] * scale + tf.cast(j, tf.float32))
            return j + 1, array.write(i * columns + j, value), local.write(j, value * 2.0)

        _, array, local = tf.while_loop(lambda j, *_: j < columns, inner, [0, array, local])
        return i + 1, array, total * 0.5 + tf.reduce_sum(local.stack(), axis=0)

    _, array, total = tf.while_loop(lambda i, *_: i < rows, outer, [0, array, tf.zeros([_SIZE])])
    hub.add_signature(inputs=x, outputs={"default": array.stack(), "total": total})


def _unrolled():
    """Without a loop: written and read at constant indices."""
    x = _input()
    scale = _scale()
    array = tf.TensorArray(tf.float32, size=3, clear_after_read=False)
    for index, factor in enumerate((1.0, -0.5, 2.0)):
        array = array.write(index, tf.tanh(x * scale * factor))
    outputs = {"default": array.stack(), "second": array.read(1), "size": array.size()}
    hub.add_signature(inputs=x, outputs=outputs)


def _read_only():
    """Arrays of ints and of strings that a loop only reads."""
    ids = tf.placeholder(tf.int32, [None], name="ids")
    words = tf.placeholder(tf.string, [None], name="words")
    table = tf.get_variable("embedding", [7, _SIZE])
    id_array = tf.TensorArray(tf.int32, size=tf.size(ids), element_shape=[]).unstack(ids)
    word_array = tf.TensorArray(tf.string, size=tf.size(words), element_shape=[]).unstack(words)

    def body(i, state, lengths):
        state = tf.tanh(tf.gather(table, id_array.read(i)) + state * 0.5)
        return i + 1, state, lengths + tf.strings.length(word_array.read(i))

    count = tf.size(ids)
    _, state, lengths = tf.while_loop(lambda i, *_: i < count, body, [0, tf.zeros([_SIZE]), 0])
    outputs = {"default": state, "lengths": lengths}
    hub.add_signature(inputs={"ids": ids, "words": words}, outputs=outputs)


def _ints_written():
    """Chooses greedily, and keeps the choices beside the float states."""
    x = _input()
    kernel = tf.get_variable("kernel", [_SIZE, _SIZE])
    choices = tf.TensorArray(tf.int64, size=_STEPS)
    states = tf.TensorArray(tf.float32, size=_STEPS)

    def body(i, state, choices, states):
        state = tf.tanh(tf.matmul(state, kernel) + 0.3 * x)
        return i + 1, state, choices.write(i, tf.argmax(state, axis=1)), states.write(i, state)

    _, _, choices, states = tf.while_loop(lambda i, *_: i < _STEPS, body, [0, x, choices, states])
    outputs = {
        "default": states.stack(),
        "choices": tf.transpose(choices.stack()),
    }
    hub.add_signature(inputs=x, outputs=outputs)


def _strings_written():
    """Words that are made in the loop."""
    numbers = tf.placeholder(tf.int32, [None], name="numbers")
    count = tf.size(numbers)
    array = tf.TensorArray(tf.string, size=count, element_shape=[])
    prefix = tf.get_variable("prefix", [], tf.string, tf.constant_initializer("n"), trainable=False)

    def body(i, array):
        return i + 1, array.write(i, tf.strings.join([prefix, tf.as_string(numbers[i])]))

    _, array = tf.while_loop(lambda i, _: i < count, body, [0, array])
    hub.add_signature(inputs=numbers, outputs=array.stack())


def _booleans_and_doubles():
    """Arrays of further dtypes, and one whose element is a scalar of a variable's dtype."""
    x = tf.placeholder(tf.float64, [None], name="x")
    scale = tf.get_variable("scale", [], tf.float64)
    count = tf.size(x)
    signs = tf.TensorArray(tf.bool, size=count)
    values = tf.TensorArray(tf.float64, size=count)

    def body(i, total, signs, values):
        total = total * 0.5 + tf.tanh(x[i] * scale)
        return i + 1, total, signs.write(i, total > 0.0), values.write(i, total)

    zero = tf.zeros([], tf.float64)
    _, _, signs, values = tf.while_loop(lambda i, *_: i < count, body, [0, zero, signs, values])
    hub.add_signature(inputs=x, outputs={"default": values.stack(), "signs": signs.stack()})


_X = examples.normal(_STEPS, _SIZE)
_BATCH = (Call("default", {"default": _X}),)


def _fixture(name, description, module_fn, calls=_BATCH):
    return Fixture(name, "tensor_arrays", description, module_fn, calls)


TENSOR_ARRAY_DYNAMIC_SIZE = _fixture(
    "tensor_array_dynamic_size",
    "an array that grows",
    _dynamic_size,
    tuple(
        Call("default", {"x": _X, "count": count}, label)
        for count, label in ((1, "one element"), (4, "four elements"))
    ),
)

TENSOR_ARRAY_CONCAT = _fixture(
    "tensor_array_concat", "elements of different lengths, concatenated", _concat
)

TENSOR_ARRAY_CONCAT_EQUAL = _fixture(
    "tensor_array_concat_equal", "elements of one shape, concatenated", _concat_equal
)

TENSOR_ARRAY_SPLIT = _fixture(
    "tensor_array_split",
    "elements of different lengths by a split",
    _split,
    (
        Call("default", {"x": _X, "lengths": [2, 1, 2]}),
        Call("default", {"x": _X, "lengths": [5]}, "one element"),
    ),
)

TENSOR_ARRAY_GATHER_SCATTER = _fixture(
    "tensor_array_gather_scatter",
    "gather and scatter with any indices",
    _gather_scatter,
    (Call("default", {"x": _X, "order": [3, 0, 4, 1, 2], "picked": [4, 4, 1]}),),
)

TENSOR_ARRAY_UNWRITTEN = _fixture(
    "tensor_array_unwritten", "elements that are not written", _unwritten
)

TENSOR_ARRAY_WRITTEN_IN_COND = _fixture(
    "tensor_array_written_in_cond", "writes in branches in a loop", _written_in_cond
)

TENSOR_ARRAY_READ_TWICE = _fixture(
    "tensor_array_read_twice", "elements that are read several times", _read_twice
)

TENSOR_ARRAY_FORWARDS_AND_BACKWARDS = _fixture(
    "tensor_array_forwards_and_backwards",
    "an array from one loop to the next",
    _forwards_and_backwards,
)

TENSOR_ARRAY_NESTED = _fixture(
    "tensor_array_nested", "arrays of an outer and of an inner loop", _nested
)

TENSOR_ARRAY_UNROLLED = _fixture("tensor_array_unrolled", "an array without a loop", _unrolled)

TENSOR_ARRAY_READ_ONLY = _fixture(
    "tensor_array_read_only",
    "arrays of ints and of strings that are only read",
    _read_only,
    (
        Call(
            "default",
            {"ids": [3, 0, 5], "words": examples.strings(["a", "tree", "house"])},
        ),
    ),
)

TENSOR_ARRAY_INTS_WRITTEN = _fixture(
    "tensor_array_ints_written", "an array of ints that a loop writes", _ints_written
)

TENSOR_ARRAY_STRINGS_WRITTEN = _fixture(
    "tensor_array_strings_written",
    "an array of strings that a loop writes",
    _strings_written,
    (Call("default", {"default": [7, -1, 30]}),),
)

TENSOR_ARRAY_OTHER_DTYPES = _fixture(
    "tensor_array_other_dtypes",
    "arrays of booleans and of doubles",
    _booleans_and_doubles,
    (Call("default", {"default": [0.5, -2.0, 1.5, 0.25]}),),
)
