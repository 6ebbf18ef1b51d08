import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.assemble import overridden_gradients
from converter.assemble.emit import emit
from converter.assemble.overridden_gradients import with_gradient
from converter.ir import gradient_overrides
from converter.ir.text import parse_graph
from converter.parity import legacy_gradients
from converter.passes.pipeline import lower

_X = tf.constant([-2.0, -0.4, 0.0, 0.3, 1.7])


class _NoBindings:
    producer = 134


def _gradients(text, make_program, *inputs):
    """The gradients of the sum of all squared results by the inputs, and the results."""
    program = make_program()
    region = lower(parse_graph(text), program)

    @tf.function(autograph=False)
    def run(*given):
        outputs = emit(region, given, _NoBindings())
        total = tf.add_n([tf.reduce_sum(output * output) for output in outputs])
        return tf.gradients(total, list(given)), outputs

    found, outputs = run(*inputs)
    return found, outputs


def _unary(op, override, make_program):
    text = f'x = _Arg[T=float]()\ny = {op}[T=float, _gradient_op_type="{override}"](x)\nreturn y'
    (gradient,), (output,) = _gradients(text, make_program, _X)
    return gradient, output


def test_straight_through(make_program):
    gradient, output = _unary("Sign", "Identity", make_program)
    np.testing.assert_array_equal(output, np.sign(_X))
    np.testing.assert_array_equal(gradient, 2 * np.sign(_X))


def test_a_gradient_that_looks_at_its_output(make_program):
    gradient, _ = _unary("Identity", "Relu", make_program)
    np.testing.assert_array_equal(gradient, np.where(_X > 0, 2 * _X, 0))


@pytest.mark.parametrize("override", ["StopGradient", "Shape"])
def test_no_gradient_passes(override, make_program):
    assert _unary("Exp", override, make_program)[0] is None


def test_the_lower_bound_of_gdn(make_program):
    text = """
        x = _Arg[T=float]()
        b = _Arg[T=float]()
        m = Maximum[T=float, _gradient_op_type="GDNLowerBound"](x, b)
        y = Sub[T=float](m, b)
        return y
    """
    (by_x, by_bound), _ = _gradients(text, make_program, _X, tf.constant(-0.5))
    # Where x is below the bound, the gradient of what is squared there is not negative.
    np.testing.assert_allclose(by_x, np.where(_X >= -0.5, 2 * (_X + 0.5), 0), rtol=1e-6)
    assert by_bound is not None  # By the subtraction alone.


@pytest.mark.parametrize(("target", "passes"), [(3.0, True), (-3.0, False)])
def test_below_the_bound_of_gdn_only_what_leads_back_to_it_passes(target, passes, make_program):
    text = """
        x = _Arg[T=float]()
        b = _Arg[T=float]()
        c = _Arg[T=float]()
        m = Maximum[T=float, _gradient_op_type="GDNLowerBound"](x, b)
        y = Sub[T=float](m, c)
        return y
    """
    inputs = tf.constant([-2.0]), tf.constant(-0.5), tf.constant(target)
    (by_x, _, _), _ = _gradients(text, make_program, *inputs)
    assert by_x == ([2 * (-0.5 - target)] if passes else [0])


def _gradient_around_missing(weight, *, jit_compile=None):
    """The gradient of the sum of `x`, and of `weight` times what an op without a gradient gives."""
    node = parse_graph('n = Softmax[T=float, _gradient_op_type="tf1hub/missing"](x)').nodes["n"]

    @tf.function(autograph=False, jit_compile=jit_compile)
    def run(x, weight):
        (y,) = with_gradient(node, lambda inputs: [tf.nn.softmax(inputs[0])])(x)
        return tf.gradients(weight * y[0, 0] + tf.reduce_sum(x), x)[0]

    return run(tf.constant([[0.1, 0.2]]), weight)


@pytest.mark.parametrize("jit_compile", [None, True])
def test_what_is_beside_an_op_without_a_gradient_has_its_own(jit_compile):
    found = _gradient_around_missing(0.0, jit_compile=jit_compile)
    np.testing.assert_array_equal(found, [[1.0, 1.0]])


def test_an_op_without_a_gradient_fails_where_it_is_needed():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"No gradient defined .*Softmax"):
        _gradient_around_missing(1.0)


def test_compiled_by_xla_it_gives_no_numbers():
    assert np.isnan(_gradient_around_missing(1.0, jit_compile=True)).all()


def test_folded_batch_norm_has_the_gradient_of_mean_and_variance(make_program):
    images = tf.constant(np.random.default_rng(3).normal(size=(4, 2, 2, 3)), tf.float32)
    scale = tf.ones([3])
    text = """
        x = _Arg[T=float]()
        s = _Arg[T=float]()
        e = _Arg[T=float]()
        n = FusedBatchNormV3[T=float, U=float, is_training=true,
            _gradient_op_type="FoldFusedBatchNormGrad"](x, s, s, e, e)
        return n:1, n:2
    """.replace(",\n            _gradient", ", _gradient")
    (by_x, by_scale, _), _ = _gradients(text, make_program, images, scale, tf.zeros([0]))
    with tf.GradientTape() as tape:
        tape.watch(images)
        mean = tf.reduce_mean(images, [0, 1, 2])
        variance = tf.reduce_sum(tf.square(images - mean), [0, 1, 2]) / 15.0
        total = tf.reduce_sum(mean * mean) + tf.reduce_sum(variance * variance)
    np.testing.assert_allclose(by_x, tape.gradient(total, images), rtol=1e-4, atol=1e-6)
    assert by_scale is None


@pytest.mark.parametrize(
    ("op", "override", "problem"),
    [
        ("Neg", "MatMul", "does not fit it"),
        ("Neg", "Split", "does not fit it"),
        ("Neg", "FoldFusedBatchNormGrad", "does not fit it"),
    ],
)
def test_a_gradient_that_does_not_fit_its_op_is_refused(op, override, problem, make_program):
    with pytest.raises(errors.UnsupportedOpError, match=problem) as raised:
        _unary(op, override, make_program)
    assert raised.value.node == "y"


def test_a_gradient_of_another_shape_is_refused():
    node = parse_graph('n = Softmax[T=float, _gradient_op_type="Identity"](x)').nodes["n"]

    @tf.function(autograph=False)
    def run(x):
        return with_gradient(node, lambda inputs: [tf.raw_ops.L2Loss(t=inputs[0])])(x)

    with pytest.raises(errors.UnsupportedOpError, match="hapes"):
        run(tf.ones([2, 3]))


def test_every_gradient_of_a_library_is_written_on_both_sides():
    names = gradient_overrides.LIBRARY_GRADIENTS.keys()
    names |= gradient_overrides.CONTRIB_OP_GRADIENTS.keys()
    assert overridden_gradients._GRADIENTS.keys() == names | {gradient_overrides.MISSING}
    oracle = {name.removeprefix("TF1Hub/") for name in legacy_gradients._GRADIENTS}
    assert oracle >= names


@pytest.mark.parametrize(
    ("fixture", "shape", "arguments", "persistent"),
    [
        # TensorFlow 2.15 cannot watch FakeQuant with a persistent tape, in any model.
        ("gradient_quantized", (8, 6, 6, 3), {"training": True}, False),
        ("gradient_gdn", (8, 3, 3, 4), {}, True),
    ],
)
def test_gradients_survive_a_second_save(
    fixture, shape, arguments, persistent, golden_live, tmp_path
):
    images = np.random.default_rng(5).normal(size=shape).astype(np.float32)

    def differentiate(model):
        values = [variable.numpy() for variable in model.variables]
        with tf.GradientTape(persistent=persistent) as tape:
            loss = tf.reduce_sum(model(images, **arguments))
        found = tape.gradient(loss, model.trainable_variables)
        if persistent:
            again = tape.gradient(loss, model.trainable_variables)
            tf.nest.map_structure(np.testing.assert_array_equal, found, again)
        for variable, value in zip(model.variables, values, strict=True):
            variable.assign(value)
        return {v.name: g for v, g in zip(model.trainable_variables, found, strict=True)}

    model = golden_live(fixture)
    expected = differentiate(model)
    assert all(np.any(gradient) for gradient in expected.values())
    for step in ("first", "second"):
        tf.saved_model.save(model, str(tmp_path / step))
        model = tf.saved_model.load(str(tmp_path / step))
        for name, gradient in differentiate(model).items():
            np.testing.assert_allclose(gradient, expected[name], rtol=1e-4, atol=1e-6)
