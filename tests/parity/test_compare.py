import collections
import math

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from converter.parity.compare import (
    EXACT,
    TOLERANCES,
    Tolerance,
    compare,
    compare_facts,
    default_tolerance,
    magnitude,
    missing,
)


def _floats(*values, dtype=np.float32):
    return np.array(values, dtype)


def test_equal_arrays_are_bit_equal():
    found = compare(_floats(1, -2), _floats(1, -2), EXACT)
    assert found.passed
    assert found.bit_equal
    assert (found.max_abs, found.max_rel, found.max_ulps, found.where) == (0, 0, 0, None)


def test_finds_the_one_wrong_element():
    actual = np.ones((2, 3), np.float32)
    actual[1, 2] = 1.5
    found = compare(np.ones((2, 3), np.float32), actual, Tolerance(rtol=0.1))
    assert not found.passed
    assert found.where == (1, 2)
    assert (found.expected, found.actual) == ("1.0", "1.5")
    assert (found.max_abs, found.max_rel) == (0.5, 0.5)


def test_relative_tolerance_grows_with_the_expected_element():
    tolerance = Tolerance(rtol=0.1)
    assert compare(_floats(100), _floats(109), tolerance).passed
    assert not compare(_floats(1), _floats(1.2), tolerance).passed
    # Relative to what is expected, not to what is there.
    assert not compare(_floats(100), _floats(110.5), tolerance).passed
    assert compare(_floats(110.5), _floats(100), tolerance).passed


def test_absolute_tolerance_does_not():
    tolerance = Tolerance(atol=0.5)
    assert compare(_floats(100), _floats(100.4), tolerance).passed
    assert not compare(_floats(100), _floats(109), tolerance).passed
    assert compare(_floats(0), _floats(0.4), tolerance).passed


def test_the_worst_element_is_the_one_that_exceeds_its_tolerance():
    found = compare(_floats(1000, 1), _floats(1001, 1.5), Tolerance(rtol=0.01))
    assert found.where == (1,)
    assert found.max_abs == 1.0


def test_noise_is_relative_to_the_largest_magnitude_of_the_tensor():
    tolerance = Tolerance(noise=1e-3)
    assert compare(_floats(0, 100), _floats(0.05, 100), tolerance).passed
    assert not compare(_floats(0, 1), _floats(0.05, 1), tolerance).passed


def test_noise_is_relative_to_that_of_a_group_if_it_is_larger():
    tolerance = Tolerance(noise=1e-3)
    found = compare(_floats(0), _floats(0.05), tolerance, group_scale=100)
    assert found.passed
    assert found.max_rel == 0  # Both are noise.
    assert not compare(_floats(0), _floats(0.2), tolerance, group_scale=100).passed


def test_nan_equals_nan_only():
    nan = float("nan")
    found = compare(_floats(nan, 1), _floats(nan, 1), EXACT)
    assert found.passed
    assert found.bit_equal
    for expected, actual in ((nan, 1.0), (1.0, nan), (nan, float("inf"))):
        found = compare(_floats(expected), _floats(actual), Tolerance(rtol=1, atol=1e9))
        assert not found.passed
        assert found.max_abs == float("inf")


def test_nans_of_different_bits_are_equal():
    other = np.array([0x7FC00001], np.uint32).view(np.float32)
    assert compare(_floats(float("nan")), other, EXACT).bit_equal


def test_complex_nans_of_different_bits_are_equal():
    parts = np.array([0x7FC00001, 0x3F800000], np.uint32).view(np.float32)
    one, other = np.array([complex(float("nan"), 1)], np.complex64), parts.view(np.complex64)
    assert compare(one, other, EXACT).bit_equal
    assert not compare(one, np.array([1 + 1j], np.complex64), EXACT).bit_equal


def test_infinity_equals_itself_only():
    inf = float("inf")
    assert compare(_floats(inf, -inf, 1), _floats(inf, -inf, 1), EXACT).passed
    for actual in (-inf, 1.0, 3e38):
        assert not compare(_floats(inf), _floats(actual), Tolerance(rtol=1, atol=1)).passed


def test_an_infinity_does_not_loosen_the_tolerance_of_others():
    inf = float("inf")
    assert not compare(_floats(inf, 1), _floats(inf, 2), Tolerance(rtol=1e-3, noise=1e-3)).passed


def test_negative_zero_is_equal_but_not_to_the_bit():
    found = compare(_floats(0.0), _floats(-0.0), EXACT)
    assert found.passed
    assert not found.bit_equal
    assert found.max_ulps == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_counts_units_in_the_last_place(dtype):
    dtype = tf.as_dtype(dtype).as_numpy_dtype
    bits = {2: np.int16, 4: np.int32, 8: np.int64}[np.dtype(dtype).itemsize]
    expected = np.array([1.0, -1.0], dtype)
    actual = (expected.view(bits) + bits(3)).view(dtype)
    assert compare(expected, actual, EXACT).max_ulps == 3


def test_units_in_the_last_place_go_through_zero():
    tiny = np.array([1], np.int32).view(np.float32)
    assert compare(tiny, -tiny, EXACT).max_ulps == 2
    least = compare(
        np.array([-np.finfo(np.float64).max]), np.array([np.finfo(np.float64).max]), EXACT
    )
    assert least.max_ulps > 1 << 62


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32])
def test_refuses_another_dtype(dtype):
    found = compare(_floats(1), _floats(1, dtype=dtype), Tolerance(rtol=1))
    assert not found.passed
    assert "expected float32" in found.problem


def test_refuses_another_shape():
    found = compare(np.ones((2, 1)), np.ones((1, 2)), Tolerance(rtol=1))
    assert not found.passed
    assert found.problem == "shape [1, 2], expected [2, 1]"


def test_scalars_and_empty_arrays():
    assert compare(np.float32(2.0).reshape(()), np.float32(2.0).reshape(()), EXACT).where is None
    assert compare(np.array(2.0), np.array(3.0), EXACT).where == ()
    assert compare(np.zeros((0, 3)), np.zeros((0, 3)), EXACT).passed
    assert compare(np.zeros((0,), object), np.zeros((0,), object), EXACT).bit_equal


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (np.array([True]), np.array([False])),
        (np.array([2**62], np.int64), np.array([2**62 + 1], np.int64)),
        (np.array([255], np.uint8), np.array([0], np.uint8)),
        (np.array([b"a\0"], object), np.array([b"a"], object)),
    ],
)
def test_bools_integers_and_strings_are_exact(expected, actual):
    loose = Tolerance(rtol=1, atol=1e9)
    assert compare(expected, expected.copy(), loose).bit_equal
    found = compare(expected, actual, loose)
    assert not found.passed
    assert found.where == (0,)
    assert found.max_abs >= 1


def test_differences_are_told_in_the_size_of_what_is_expected():
    found = compare(_floats(4, 8), _floats(4, 6), EXACT)
    assert (found.max_abs, found.max_rel) == (2, 0.25)
    found = compare(np.array([4, 10], np.int32), np.array([4, 4], np.int32), EXACT)
    assert not found.passed
    assert (found.max_abs, found.max_rel, found.where) == (6, 0.6, (1,))
    assert (found.expected, found.actual) == ("10", "4")


def test_what_is_not_there_is_infinitely_wrong():
    found = missing(np.zeros((2, 3), np.float32))
    assert not found.passed
    assert not found.bit_equal
    assert (found.max_abs, found.max_rel) == (math.inf, math.inf)
    assert (found.dtype, found.shape, found.problem) == ("float32", (2, 3), "missing")


def test_facts_are_equal_or_not_and_say_what_they_are():
    assert compare_facts("there", "there").passed
    found = compare_facts("there", "absent")
    assert not found.passed
    assert found.is_fact
    assert (found.expected, found.actual) == ("there", "absent")


def test_strings_are_called_so():
    text = np.array([b"a"], object)
    assert compare(text, text.copy(), EXACT).dtype == "string"
    assert compare(text, _floats(1), EXACT).problem == "dtype float32, expected string"


def test_complex_numbers_are_compared_by_distance():
    expected, actual = np.array([3 + 4j], np.complex64), np.array([3 + 4.05j], np.complex64)
    assert compare(expected, actual, Tolerance(rtol=0.02)).passed
    assert not compare(expected, actual, Tolerance(rtol=0.005)).passed
    assert compare(expected, actual, EXACT).max_ulps is None
    nan = np.array([complex(0, float("nan"))], np.complex64)
    assert compare(nan, nan.copy(), EXACT).passed
    assert not compare(nan, expected, Tolerance(atol=100)).passed


def test_magnitude_ignores_what_is_not_finite():
    assert magnitude(_floats(1, -3, float("inf"), float("nan"))) == 3
    assert magnitude(_floats()) == 0
    assert magnitude(np.array([b"x"], object)) == 0


def test_default_tolerances():
    assert default_tolerance("float32") is TOLERANCES["float32"]
    assert default_tolerance("int32") == EXACT
    assert not missing(_floats(1)).passed
    assert missing(np.zeros((2, 3))).count == 6


@pytest.mark.parametrize(
    ("dtype", "rounding", "noise"),
    [
        ("float16", 3e-3, 1.5e-3),
        ("bfloat16", 2e-2, 1.2e-2),
        ("float32", 8e-6, 8e-7),
        ("float64", 8e-13, 8e-14),
        ("complex64", 8e-6, 8e-7),
        ("complex128", 8e-13, 8e-14),
    ],
)
def test_rounding_is_forgiven_and_nothing_three_times_as_large(dtype, rounding, noise):
    tolerance, numbers = default_tolerance(dtype), tf.as_dtype(dtype).as_numpy_dtype
    one, zero = np.array([1], numbers), np.array([0, 1], numbers)
    assert compare(one, np.array([1 + rounding], numbers), tolerance).passed
    assert not compare(one, np.array([1 + 3 * rounding], numbers), tolerance).passed
    assert compare(zero, np.array([noise, 1], numbers), tolerance).passed
    assert not compare(zero, np.array([3 * noise, 1], numbers), tolerance).passed


# The distribution of distances.

_FLOATS = ("float16", "bfloat16", "float32", "float64")


@st.composite
def _pairs_of_arrays(draw):
    """Two arrays of one float type, made of any bits at all, and near each other or not."""
    dtype = tf.as_dtype(draw(st.sampled_from(_FLOATS))).as_numpy_dtype
    bits = np.dtype(dtype).itemsize * 8
    pairs = draw(
        st.lists(st.tuples(st.integers(0, 2**bits - 1), st.integers(0, 64), st.booleans()))
    )
    expected = [one for one, _, _ in pairs]
    actual = [
        ((one ^ (1 << bits - 1)) if is_negated else one + step) % 2**bits
        for one, step, is_negated in pairs
    ]
    unsigned = np.dtype(f"uint{bits}")
    return tuple(np.array(side, unsigned).view(dtype) for side in (expected, actual))


def _rank(number):
    """The place of a float among all floats of its type; neighbours are one apart."""
    bits = number.dtype.itemsize * 8
    pattern = int.from_bytes(number.tobytes(), "little")
    return pattern if pattern < 1 << bits - 1 else (1 << bits - 1) - pattern


@hypothesis.given(_pairs_of_arrays())
def test_the_histogram_counts_every_finite_pair_by_the_bits_of_its_distance(arrays):
    found = compare(*arrays, EXACT)
    distances = [
        abs(_rank(one) - _rank(other))
        for one, other in zip(*arrays, strict=True)
        if math.isfinite(float(one)) and math.isfinite(float(other))
    ]
    counts = collections.Counter(distance.bit_length() for distance in distances)
    expected = tuple(counts[bit] for bit in range(max(counts, default=-1) + 1))
    assert found.ulps_histogram == expected
    assert found.max_ulps == max(distances, default=0)


def test_the_histogram_has_an_entry_for_each_power_of_two():
    expected = np.zeros(8, np.float64)
    actual = np.array([0, 1, 2, 3, 4, 7, 8, 2**60 - 1], np.int64).view(np.float64)
    histogram = compare(expected, actual, EXACT).ulps_histogram
    assert histogram[:5] == (1, 1, 2, 2, 1)
    # One less than a power of two is not rounded up to it.
    assert len(histogram) == 61
    assert histogram[60] == 1


def test_the_whole_range_fits_the_histogram():
    largest = np.finfo(np.float64).max
    histogram = compare(np.array([-largest]), np.array([largest]), EXACT).ulps_histogram
    assert histogram == (*(0,) * 64, 1)


def test_what_is_not_finite_is_left_out_of_the_histogram():
    nan, inf = float("nan"), float("inf")
    assert compare(_floats(nan, inf, 1), _floats(nan, 1, 1), EXACT).ulps_histogram == (1,)
    assert compare(_floats(nan), _floats(nan), EXACT).ulps_histogram == ()
    assert compare(_floats(), _floats(), EXACT).ulps_histogram == ()


@pytest.mark.parametrize(
    "array", [np.array([1]), np.array([True]), np.array([b"x"], object), np.array([1j])]
)
def test_there_is_no_histogram_where_there_are_no_units_in_the_last_place(array):
    assert compare(array, array, EXACT).ulps_histogram is None
    assert missing(array).ulps_histogram is None
    assert compare(array, array[:0], EXACT).ulps_histogram is None
