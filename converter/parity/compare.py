"""Compares two arrays. Pure NumPy: it knows nothing of modules."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

_BITS = {"float16": np.int16, "bfloat16": np.int16, "float32": np.int32, "float64": np.int64}


@dataclasses.dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may be apart: `atol + rtol * |expected| + noise * scale`.

    Attributes:
      rtol: Relative to the element.
      atol: Absolute.
      noise: Relative to the largest magnitude of the tensor, or of the group of tensors that it
        is one of. A sum of large terms that cancel each other is as wrong as the terms were
        rounded, however small it is.
    """

    rtol: float = 0.0
    atol: float = 0.0
    noise: float = 0.0


EXACT = Tolerance()

# Both sides run the same kernels of the same TensorFlow on the same machine. What may differ is
# the order of sums (fused and constant-folded ops, threads), which costs some dozens of units in
# the last place (eps is 1.2e-7 for float32), and more where a sum cancels.
TOLERANCES = {
    "float64": Tolerance(rtol=1e-12, noise=1e-13),
    "float32": Tolerance(rtol=1e-5, noise=1e-6),
    # Eight and eleven bits of mantissa: eps is 7.8e-3 and 9.8e-4, and intermediate results are
    # rounded to it wherever the graph is not fused.
    "float16": Tolerance(rtol=4e-3, noise=2e-3),
    "bfloat16": Tolerance(rtol=3e-2, noise=1.6e-2),
    # Complex numbers are pairs of floats, compared by their distance in the plane.
    "complex64": Tolerance(rtol=1e-5, noise=1e-6),
    "complex128": Tolerance(rtol=1e-12, noise=1e-13),
}


def default_tolerance(dtype: str) -> Tolerance:
    """The tolerance for a dtype, by NumPy's name; what holds no fractions is exact."""
    return TOLERANCES.get(dtype, EXACT)


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing two arrays.

    Attributes:
      passed: Whether they agree within the tolerance.
      bit_equal: Whether all bits agree; one NaN is as good as another.
      dtype: Of the expected array.
      shape: Of the expected array.
      max_abs: The largest absolute difference; infinite where only one side is a number.
      max_rel: The largest difference relative to the expected element, among elements that are
        more than noise.
      max_ulps: The largest difference in units in the last place, for floats.
      ulps_histogram: How many elements are how far apart in units in the last place, for floats:
        entry k counts the distances of k bits, which are 0, 1, 2 to 3, 4 to 7, and so on. Ends
        with the last entry that is not 0. Elements that are not finite on both sides are left out.
      is_fact: Whether it compares statements, such as names and lists, rather than tensors.
      where: The index of the worst element, if any element differs.
      expected: That element in the expected array.
      actual: That element in the actual array.
      problem: Why the arrays cannot be compared element by element, or "".
    """

    passed: bool
    bit_equal: bool
    dtype: str
    shape: tuple[int, ...]
    max_abs: float = 0.0
    max_rel: float = 0.0
    max_ulps: int | None = None
    where: tuple[int, ...] | None = None
    expected: str = ""
    actual: str = ""
    problem: str = ""
    ulps_histogram: tuple[int, ...] | None = None
    is_fact: bool = False

    @property
    def count(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))


def compare(
    expected: np.ndarray, actual: np.ndarray, tolerance: Tolerance, group_scale: float = 0.0
) -> Comparison:
    """Compares an array with the one it should be.

    NaN equals NaN only, and an infinity itself only. Strings, bools and integers must be equal,
    whatever the tolerance.

    Args:
      expected: What it should be.
      actual: What it is.
      tolerance: How far elements may be apart.
      group_scale: The largest magnitude of the tensors that `expected` is one of, such as all
        gradients of a call: a bias before batch norm has the gradient zero, and shows what is
        left of terms as large as the others' gradients. 0 if it stands alone.
    """
    if expected.dtype != actual.dtype:
        problem = f"dtype {_dtype_name(actual)}, expected {_dtype_name(expected)}"
        return _refuse(expected, problem)
    if expected.shape != actual.shape:
        problem = f"shape {list(actual.shape)}, expected {list(expected.shape)}"
        return _refuse(expected, problem)
    if expected.dtype.name not in TOLERANCES:
        return _compare_exactly(expected, actual)
    return _compare_numbers(expected, actual, tolerance, group_scale)


def compare_facts(expected: str, actual: str) -> Comparison:
    """Compares two statements, such as `trainable` and `not trainable`."""
    one, other = (np.array(text, dtype=object) for text in (expected, actual))
    return dataclasses.replace(compare(one, other, EXACT), is_fact=True)


def magnitude(array: np.ndarray) -> float:
    """The largest finite absolute value, 0 if there is none."""
    if array.dtype == object or not array.size:
        return 0.0
    absolute = np.abs(_widen(array))
    return float(np.max(absolute, initial=0.0, where=np.isfinite(absolute)))


def missing(expected: np.ndarray) -> Comparison:
    """The comparison with an array that is not there."""
    return _refuse(expected, "missing")


def _refuse(expected: np.ndarray, problem: str) -> Comparison:
    return Comparison(
        passed=False,
        bit_equal=False,
        dtype=_dtype_name(expected),
        shape=expected.shape,
        max_abs=float("inf"),
        max_rel=float("inf"),
        problem=problem,
    )


def _dtype_name(array: np.ndarray) -> str:
    return "string" if array.dtype == object else array.dtype.name


def _compare_exactly(expected: np.ndarray, actual: np.ndarray) -> Comparison:
    differs = np.asarray(expected != actual, dtype=bool)
    if expected.dtype == object or expected.dtype == np.bool_:
        difference = differs.astype(np.float64)
    else:
        # Where 64-bit integers differ by less than their rounding to a float, count one.
        apart = np.abs(expected.astype(np.float64) - actual.astype(np.float64))
        difference = np.where(differs, np.maximum(apart, 1.0), 0.0)
    return _describe(expected, actual, difference, difference, _relative(difference, expected))


def _compare_numbers(
    expected: np.ndarray, actual: np.ndarray, tolerance: Tolerance, group_scale: float
) -> Comparison:
    wide_expected, wide_actual = _widen(expected), _widen(actual)
    difference = _difference(wide_expected, wide_actual)
    size = np.abs(wide_expected)
    noise = tolerance.noise * max(magnitude(expected), group_scale)
    allowed = tolerance.rtol * np.where(np.isfinite(size), size, 0.0) + tolerance.atol + noise
    relative = _relative(difference, wide_expected)
    is_noise = (size <= noise) & (np.abs(wide_actual) <= noise)
    return _describe(
        expected,
        actual,
        difference - allowed,
        difference,
        np.where(is_noise, 0.0, relative),
        _ulps(expected, actual),
    )


def _widen(array: np.ndarray) -> np.ndarray:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _difference(expected: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Distances, 0 between equal infinities and two NaNs, infinite where one is NaN or infinite."""
    same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(expected - actual)
    return np.where(same, 0.0, np.where(np.isfinite(distance), distance, np.inf))


def _relative(difference: np.ndarray, expected: np.ndarray) -> np.ndarray:
    if expected.dtype == object or expected.dtype == np.bool_:
        return difference
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = difference / np.abs(_widen(expected))
    return np.where(difference == 0, 0.0, np.where(np.isnan(relative), np.inf, relative))


def _ulps(expected: np.ndarray, actual: np.ndarray) -> np.ndarray | None:
    """Distances in representable numbers between the elements that are finite on both sides."""
    if expected.dtype.name not in _BITS:
        return None
    one, other = _ordered_bits(expected), _ordered_bits(actual)
    # Unsigned subtraction wraps around, so that the result is right for any two signs.
    larger, smaller = np.maximum(one, other), np.minimum(one, other)
    apart = larger.view(np.uint64) - smaller.view(np.uint64)
    finite = np.isfinite(_widen(expected)) & np.isfinite(_widen(actual))
    return apart[finite.reshape(-1)]


def _count_by_bits(distances: np.ndarray) -> tuple[int, ...]:
    """How many distances have 0 bits, 1 bit, 2 bits, … up to those of the largest."""
    if not distances.size:
        return ()
    bits = int(distances.max()).bit_length()
    # A pass over the array for each power of two is exact, and makes no copy of it. There are few:
    # what is equal but for rounding is some bits apart.
    at_least = [int(np.count_nonzero(distances >= np.uint64(1 << bit))) for bit in range(bits)]
    counts = [distances.size, *at_least, 0]
    return tuple(more - fewer for more, fewer in itertools.pairwise(counts))


def _ordered_bits(array: np.ndarray) -> np.ndarray:
    """Integers in the order of the floats, one apart for neighbours; -0.0 and 0.0 are both 0."""
    bits = _flat(array).view(_BITS[array.dtype.name])
    wide = bits.astype(np.int64)
    return np.where(wide < 0, np.int64(np.iinfo(bits.dtype).min) - wide, wide)


def _flat(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1)


def _is_bit_equal(expected: np.ndarray, actual: np.ndarray) -> bool:
    if expected.dtype == object:
        return bool(np.all(expected == actual))
    one, other = _flat(expected), _flat(actual)
    size = expected.dtype.itemsize
    same = (one.view(np.uint8) == other.view(np.uint8)).reshape(-1, size).all(axis=1)
    if expected.dtype.name in _BITS or expected.dtype.kind == "c":
        same |= np.isnan(_widen(one)) & np.isnan(_widen(other))
    return bool(same.all())


def _describe(
    expected: np.ndarray,
    actual: np.ndarray,
    excess: np.ndarray,
    difference: np.ndarray,
    relative: np.ndarray,
    ulps: np.ndarray | None = None,
) -> Comparison:
    passed = not bool((excess > 0).any())
    where = _find_worst(difference if passed else excess)
    return Comparison(
        passed=passed,
        bit_equal=_is_bit_equal(expected, actual),
        dtype=_dtype_name(expected),
        shape=expected.shape,
        max_abs=float(np.max(difference, initial=0)),
        max_rel=float(np.max(relative, initial=0)),
        max_ulps=None if ulps is None else int(np.max(ulps, initial=0)),
        where=where,
        expected="" if where is None else _show(expected[where]),
        actual="" if where is None else _show(actual[where]),
        ulps_histogram=None if ulps is None else _count_by_bits(ulps),
    )


def _find_worst(far: np.ndarray) -> tuple[int, ...] | None:
    if not (far > 0).any():
        return None
    return tuple(int(axis) for axis in np.unravel_index(int(np.argmax(far)), far.shape))


def _show(element: object) -> str:
    return repr(element) if isinstance(element, bytes) else str(element)
