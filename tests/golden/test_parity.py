"""Every fixture through `convert` and `verify`, as users run them."""

import pytest

import converter
from golden.converted_model import convert_golden
from golden.golden_values import GOLDEN


@pytest.mark.slow
def test_the_original_and_the_converted_module_are_equal(fixture_name):
    model = convert_golden(fixture_name)
    report = converter.verify(GOLDEN / fixture_name / "module", model.path)
    assert report.passed, report.first_failure()
    assert report.summary()["tensors"] > 0
    trains = any(part["training_tags"] is not None for part in model.record["callables"].values())
    assert trains == any("training" in row.case for row in report.rows)
