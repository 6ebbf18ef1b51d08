import json
import shutil

import numpy as np
import pytest

from converter import errors
from converter.parity.verify import verify


def _failed(report):
    return {row.check for row in report.failures}


@pytest.mark.parametrize(
    "name",
    ["bert_tokens_only", "dense_regularized", "dtypes_variables", "gan_spectral",
     "image_default_mean", "odd_colliding_inputs", "ragged_both", "ref_moving_averages",
     "sparse_input", "table_file", "table_mutable", "unknown_shape_variable"],
)  # fmt: skip
def test_golden_modules_pass(golden, converted, name):
    report = verify(golden(name), converted(name), fresh_process=False)
    assert report.passed, report.first_failure()
    summary = report.summary()
    # A session may sum in another order.
    same = [row for row in report.rows if row.check != "session"]
    assert all(row.comparison.bit_equal for row in same)
    assert summary.tensors > 0
    assert summary.facts + summary.tensors + summary.conditional == len(report.rows)


def test_runs_in_a_process_of_its_own(golden, converted):
    steps = []
    report = verify(golden("half_plus_two"), converted("half_plus_two"), progress=steps.append)
    assert report.passed
    assert steps[-1] == "running the converted module"
    assert "default" in steps[0]


def test_says_which_random_ops_it_replaced(golden, converted):
    report = verify(golden("random_noise"), converted("random_noise"), fresh_process=False)
    assert report.passed
    assert "RandomShuffle" in report.random_ops
    assert report.summary().tensors == 0
    assert report.summary().conditional > 0
    assert "more equal with random ops replaced" in report.sentence()


def test_says_what_tf1_cannot_differentiate(golden, converted):
    name = "layers_custom_gradient"
    report = verify(golden(name), converted(name), fresh_process=False)
    assert report.verdict == "not compared"
    assert "gradient overrides" in report.notes[0]
    assert all(entry.what.startswith("gradients") for entry in report.open)


def test_finds_a_changed_weight(golden, convert_damaged, edit_weight):
    damaged = convert_damaged("half_plus_two", edit_weight("a", lambda a: a * np.float32(1.01)))
    report = verify(golden("half_plus_two"), damaged, fresh_process=False)
    assert not report.passed
    assert {"outputs", "variables", "serving"} <= _failed(report)
    assert "a" in [row.tensor for row in report.failures if row.check == "variables"]


def test_finds_a_weight_that_moves_no_output(golden, convert_damaged, edit_weight):
    def change(value):
        return value + np.float32(1e-3)

    name = "ref_exponential_average"
    key = "kernel/ExponentialMovingAverage"
    damaged = convert_damaged(name, edit_weight(key, change))
    report = verify(golden(name), damaged, fresh_process=False)
    assert "variables" in _failed(report)


def test_finds_swapped_outputs(golden, convert_damaged, edit_graphs):
    def swap(meta_graph):
        outputs = meta_graph.signature_def["default"].outputs
        one, other = outputs["difference"].name, outputs["twice"].name
        outputs["difference"].name, outputs["twice"].name = other, one

    damaged = convert_damaged("defun_calls", edit_graphs(swap))
    report = verify(golden("defun_calls"), damaged, fresh_process=False)
    assert _failed(report) == {"outputs", "serving", "session", "after saving", "in a copy"}
    assert {row.tensor for row in report.failures} == {
        f"{door}{name}" for door in ("", "serving_default/") for name in ("difference", "twice")
    }


def test_finds_a_missing_update_op(golden, convert_damaged, edit_graphs):
    def drop(meta_graph):
        if "update_ops" in meta_graph.collection_def:
            del meta_graph.collection_def["update_ops"].node_list.value[0]

    damaged = convert_damaged("image_default_mean", edit_graphs(drop))
    report = verify(golden("image_default_mean"), damaged, fresh_process=False)
    assert "effects" in _failed(report)
    assert "outputs" not in _failed(report)
    assert all("training" in row.case for row in report.failures if row.check == "effects")


def test_finds_a_missing_loss(golden, convert_damaged, edit_graphs):
    def drop(meta_graph):
        del meta_graph.collection_def["regularization_losses"].node_list.value[0]

    damaged = convert_damaged("dense_regularized", edit_graphs(drop))
    report = verify(golden("dense_regularized"), damaged, fresh_process=False)
    assert _failed(report) == {"losses"}


def test_finds_a_variable_that_should_be_trainable(golden, convert_damaged, edit_graphs):
    def drop(meta_graph):
        del meta_graph.collection_def["trainable_variables"].bytes_list.value[0]

    damaged = convert_damaged("dense_regularized", edit_graphs(drop))
    report = verify(golden("dense_regularized"), damaged, fresh_process=False)
    assert {"gradients", "trainable", "variables"} <= _failed(report)


def test_tolerance_of_the_user(golden, convert_damaged, edit_weight):
    damaged = convert_damaged("half_plus_two", edit_weight("a", lambda a: a * np.float32(1.001)))
    strict = verify(golden("half_plus_two"), damaged, fresh_process=False)
    loose = verify(golden("half_plus_two"), damaged, rtol=0.01, fresh_process=False)
    assert "outputs" in _failed(strict)
    assert _failed(loose) == {"variables"}
    assert loose.rtol == 0.01


def test_arrays_of_the_user(golden, converted):
    where = golden("half_plus_two"), converted("half_plus_two")
    report = verify(*where, inputs={"default": [1.0, 2.0, 3.0]}, fresh_process=False)
    output = next(row for row in report.rows if row.check == "outputs")
    assert output.comparison.shape == (3,)
    with pytest.raises(errors.UsageError, match="'nope'"):
        verify(*where, inputs={"nope": [1.0]}, fresh_process=False)


def test_fails_if_no_call_can_be_compared(golden, converted):
    where = golden("ref_embedding"), converted("ref_embedding")
    wrong = {"default": np.full((2, 3), 100)}
    report = verify(*where, inputs=wrong, fresh_process=False)
    assert report.verdict == "not compared"
    assert not report.passed
    assert not report.failures
    assert report.not_compared[0].case == "default"
    assert "--inputs" in report.not_compared[0].remedy


def test_refuses_a_destination_of_another_source(golden, converted):
    with pytest.raises(errors.ParityError, match="was not converted from"):
        verify(golden("dense_regularized"), converted("half_plus_two"))


def test_refuses_a_destination_without_a_usable_record(golden, converted, tmp_path):
    with pytest.raises(errors.ParityError, match=r"conversion\.json"):
        verify(golden("half_plus_two"), tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(converted("half_plus_two"), copy)
    (copy / "assets.extra" / "conversion.json").write_text(json.dumps({"source": {}}))
    with pytest.raises(errors.ParityError, match=r"damaged: .* missing required field"):
        verify(golden("half_plus_two"), copy)


def test_refuses_a_record_without_the_options(golden, converted, tmp_path):
    """A later version of the converter may choose by another option."""
    copy = tmp_path / "copy"
    shutil.copytree(converted("half_plus_two"), copy)
    path = copy / "assets.extra" / "conversion.json"
    record = json.loads(path.read_text())
    del record["options"]["training_tags"]
    path.write_text(json.dumps(record))
    with pytest.raises(errors.ParityError, match="has no option 'training_tags'"):
        verify(golden("half_plus_two"), copy)
