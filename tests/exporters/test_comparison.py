import numpy as np
import pytest

from converter import errors
from converter.exporters import comparison
from converter.exporters.comparison import choose_inputs, compare_outputs, run_signature
from converter.exporters.inputs import InputMaker
from converter.parity.generate import UnmakeableError

_INPUTS = [{"default": np.float32([1, 2])}, {"default": np.float32([4])}]


def _compare(signature, run, **tolerances):
    given = {"rtol": None, "atol": None, **tolerances}
    return compare_outputs(signature, run, _INPUTS, **given)


def test_equal_outputs_are_counted_by_call(signature_of):
    signature = signature_of("half_plus_two")
    found = _compare(signature, lambda arrays: run_signature(signature, arrays))
    assert [each.bit_equal for each in found["default"]] == [True, True]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a + np.float32([0.01, 0][: len(a)]), r"at \[0\], expected 2.5 \(largest"),
        (lambda a: np.where(a == a[-1], np.float32(np.nan), a), "nan at"),
        (lambda a: a[:1] if len(a) > 1 else a[:0], r"shape \[1\], expected \[2\]"),
        (lambda a: a.astype(np.float64), "dtype float64, expected float32"),
    ],
)
def test_one_wrong_element_is_found(signature_of, change, said):
    signature = signature_of("half_plus_two")

    def run(arrays):
        return {"default": change(run_signature(signature, arrays)["default"])}

    with pytest.raises(errors.ParityError, match=said) as caught:
        _compare(signature, run)
    assert caught.value.remedy.startswith("Nothing was written.")


def test_a_difference_in_a_later_call_is_found(signature_of):
    signature = signature_of("half_plus_two")

    def run(arrays):
        result = run_signature(signature, arrays)["default"]
        return {"default": result if len(result) > 1 else result * 2}

    with pytest.raises(errors.ParityError, match="output 'default' of the exported file"):
        _compare(signature, run)


def test_tolerances_are_those_that_were_given(signature_of):
    signature = signature_of("half_plus_two")

    def run(arrays):
        return {"default": run_signature(signature, arrays)["default"] + np.float32(0.01)}

    _compare(signature, run, atol=0.02)
    _compare(signature, run, rtol=0.01)
    with pytest.raises(errors.ParityError):
        _compare(signature, run, atol=0.005)


def test_a_signature_that_takes_no_generated_inputs(signature_of, monkeypatch):
    def fail(*_):
        raise ValueError("no such input\nmore")

    signature = signature_of("half_plus_two")
    maker = InputMaker(signature, {})
    monkeypatch.setattr(comparison, "run_signature", fail)
    with pytest.raises(UnmakeableError, match="does not run with the generated inputs: no such"):
        choose_inputs(signature, maker)
