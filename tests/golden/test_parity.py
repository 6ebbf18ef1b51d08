"""Every fixture through `convert` and `verify`, as users run them."""

import pytest

import converter
from golden.converted_model import convert_to_disk
from golden.golden_values import GOLDEN


@pytest.mark.slow
def test_the_original_and_the_converted_module_are_equal(fixture_name):
    model = convert_to_disk(fixture_name)
    report = converter.verify(GOLDEN / fixture_name / "module", model.path)
    # TensorFlow 2 cannot say what the gradients of nested functional loops were, and nobody what
    # those are of which only the name is in the file.
    lost = all(entry.what.startswith("gradients") for entry in report.open)
    assert report.passed or (report.verdict == "not compared" and lost), report.sentence()
    assert report.summary().tensors + report.summary().conditional > 0
    trains = any(part["training_tags"] is not None for part in model.record["callables"].values())
    assert trains == any("training" in row.case for row in report.rows)
