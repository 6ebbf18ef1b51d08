import argparse

import numpy as np
import pytest
import tensorflow as tf

import converter
from converter.build_actions import verify


@pytest.fixture
def run():
    """`run(module, saved_model, *flags)` compares as a test of Bazel does."""

    def call(module, saved_model, *flags):
        parser = argparse.ArgumentParser()
        verify.add_arguments(parser)
        paths = [f"--module={path}" for path in module]
        return verify.run(parser.parse_args([*paths, f"--saved-model={saved_model}", *flags]))

    return call


@pytest.fixture
def saved_model(golden_module, tmp_path):
    converter.convert(golden_module("half_plus_two"), tmp_path / "converted")
    return tmp_path / "converted"


def test_equal_models_pass_and_the_report_is_printed(run, golden_links, saved_model, capsys):
    assert run(golden_links("half_plus_two"), saved_model) == 0
    assert "Equal:" in capsys.readouterr().out


def test_a_different_model_fails(run, golden_links, saved_model, capsys):
    change_weights(saved_model)
    assert run(golden_links("half_plus_two"), saved_model) == 1
    assert "Equal:" not in capsys.readouterr().out


def test_its_flags_are_those_of_verify(run, golden_links, tmp_path, monkeypatch):
    given = {}

    def take(source, destination, **options):
        given.update(options, source=source.directory.name, destination=destination)
        raise converter.ParityError("stop")

    monkeypatch.setattr("converter.conversion.verify.verify", take)
    with pytest.raises(converter.ParityError):
        run(golden_links("half_plus_two"), tmp_path, "--rtol=1e-3", "--atol=2", "--import-ops=x")
    assert given == {
        "source": "half", "destination": tmp_path, "inputs": None, "rtol": 1e-3, "atol": 2.0,
        "import_ops": ["x"],
    }  # fmt: skip


def test_inputs_are_those_of_verify(run, golden_links, saved_model, tmp_path):
    np.savez(tmp_path / "inputs.npz", wrong=np.zeros(3))
    with pytest.raises(converter.UsageError, match="wrong"):
        run(golden_links("half_plus_two"), saved_model, f"--inputs={tmp_path / 'inputs.npz'}")


def change_weights(saved_model):
    prefix = str(saved_model / "variables/variables")
    reader = tf.train.load_checkpoint(prefix)
    keys = sorted(reader.get_variable_to_shape_map())
    values = [reader.get_tensor(key) for key in keys]
    # With NumPy 1, a float32 times a Python float is a float64.
    changed = [v * v.dtype.type(1.01) if isinstance(v, np.generic) else v for v in values]
    assert sum(isinstance(value, np.generic) for value in values) == 2
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=keys, shape_and_slices=[""] * len(keys), tensors=changed
    )
