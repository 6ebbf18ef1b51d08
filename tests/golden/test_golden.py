"""Every converted fixture against the values that TF 1.15 recorded, after save and reload."""

import numpy as np
import pytest

from converter.parity.compare import Tolerance, compare, magnitude
from converter.parity.values import from_tensor, to_components
from golden.converted_model import convert_golden, restore, snapshot
from golden.golden_values import GOLDEN, read_golden

_WITH_UPDATE_OPS_OF_THEIR_OWN = sorted(
    path.parent.name
    for path in GOLDEN.glob("*/golden.json")
    if b'"update_ops_after"' in path.read_bytes()
)

# Between TF 1.15 and the installed TensorFlow kernels have changed, and with them the order of
# sums.
CROSS_VERSION = {
    "float16": Tolerance(rtol=5e-3, noise=4e-3),
    "bfloat16": Tolerance(rtol=4e-2, noise=3e-2),
    "float64": Tolerance(rtol=1e-10, noise=1e-11),
    "complex128": Tolerance(rtol=1e-10, noise=1e-11),
}
DEFAULT = Tolerance(rtol=1e-4, noise=1e-5)


def assert_equal(expected, actual, what, scale=0.0):
    expected_parts, actual_parts = to_components(expected), to_components(actual)
    assert len(expected_parts) == len(actual_parts), what
    for one, other in zip(expected_parts, actual_parts, strict=True):
        tolerance = CROSS_VERSION.get(one.dtype.name, DEFAULT)
        found = compare(_name_assets(one), _name_assets(other), tolerance, scale)
        assert found.passed, f"{what}: {found}"


def _name_assets(array):
    """Paths into the module's assets, by what follows the module's place."""
    if array.dtype != object:
        return array
    named = [
        value[value.rfind(b"/assets/") :] if b"/assets/" in value else value for value in array.flat
    ]
    result = np.empty(array.shape, dtype=object)
    result.flat = named
    return result


def test_variables_are_those_of_tf1(fixture_name):
    golden, model = read_golden(fixture_name), convert_golden(fixture_name)
    variables = model.variables()
    dropped = {d["name"] for d in model.record["dropped"] if d["what"] == "variable"}
    assert variables.keys().isdisjoint(dropped)
    assert golden.variables.keys() == variables.keys() | dropped
    for key, variable in variables.items():
        assert_equal(golden.variables[key], from_tensor(variable.read_value()), key)
        assert variable.trainable == (key in golden.trainable), key


def test_calls_equal_tf1(fixture_name):
    golden, model = read_golden(fixture_name), convert_golden(fixture_name)
    before = snapshot(model)
    assert golden.calls
    for call in golden.calls:
        outputs, gradients = model.run(call)
        after = snapshot(model)
        restore(model, before)
        where = f"{call.signature} of {sorted(call.tags)} ({call.label})"
        assert set(outputs) == set(call.outputs), where
        for key, expected in call.outputs.items():
            assert_equal(expected, outputs[key], f"{where}, output {key}")
        if call.gradients is not None:
            assert {key for key, g in call.gradients.items() if g is not None} <= gradients.keys()
            scale = max([magnitude(g) for g in call.gradients.values()], default=0.0)
            for key, actual in gradients.items():
                expected = call.gradients.get(key)
                if expected is None:
                    assert actual is None or not actual.any(), f"{where}, gradient of {key}"
                else:
                    assert actual is not None, f"{where}, gradient of {key}"
                    assert_equal(expected, actual, f"{where}, gradient of {key}", scale)
        assert call.variables_after.keys() <= after.keys(), where
        for key, actual in after.items():
            expected = call.variables_after.get(key, before[key])
            assert_equal(expected, actual, f"{where}, {key} afterwards")


@pytest.mark.parametrize("name", _WITH_UPDATE_OPS_OF_THEIR_OWN)
def test_update_ops_of_variants_without_another_for_training_equal_tf1(name):
    calls = [call for call in read_golden(name).calls if call.update_ops_after is not None]
    assert calls
    model = convert_golden(name)
    before = snapshot(model)
    for call in calls:
        outputs, _ = model.run(call, with_update_ops=True)
        after = snapshot(model)
        restore(model, before)
        for key, expected in call.outputs.items():
            assert_equal(expected, outputs[key], f"output {key}")
        for key, actual in after.items():
            expected = call.update_ops_after.get(key, before[key])
            assert_equal(expected, actual, f"{key} afterwards")


def test_losses_equal_tf1(fixture_name):
    golden, model = read_golden(fixture_name), convert_golden(fixture_name)
    losses = model.losses()
    calls = [call for call in golden.calls if model.trains_with(call.tags)]
    assert calls
    for call in calls:
        listed = sorted(model.losses_of_variant(call.tags))
        assert len(listed) == len(call.regularization_losses)
        for expected, index in zip(call.regularization_losses, listed, strict=True):
            assert_equal(expected, np.asarray(losses[index]().numpy()), "regularization loss")
