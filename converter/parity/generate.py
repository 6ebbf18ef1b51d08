"""Generates values for inputs by dtype, shape and use; the same ones in every run."""

from __future__ import annotations

import base64
import dataclasses
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from converter.ir.graph import Kind, TensorInfo
from converter.parity.uses import Use
from converter.parity.values import RaggedValue, SparseValue, Value

_WORDS = (b"hello", b"world", b"a", b"the", b"Seven", b"7", b"na\xc3\xafve", b"")
_UNKNOWN_WORD = b"zzunknown"


# Of an input; a signature may promise sizes that nobody can feed.
_MOST_ELEMENTS = 1 << 27


class UnmakeableError(Exception):
    """No value can be generated for an input."""


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """A way to choose what the signature leaves open.

    Attributes:
      batch: The size of an unknown first dimension.
      size: The size of an unknown second dimension; later ones count up from it.
      image_size: Height and width of images of unknown size.
      simple_ids: Whether all ids are zero.
      positive: Whether all numbers are positive.
      scalars: Whether inputs of unknown rank are scalars.
      like_siblings: Whether an unknown size is that of another input along the same axis.
      ones: Whether integers and scalars are one, as a scale, a length or a count may have to be.
      opposite: Whether numbers lie on the other side of where they would: what asks for their sign
        takes its other branch then.
      flipped: Whether flags are the other way round.
    """

    batch: int = 8
    size: int = 3
    image_size: int = 32
    simple_ids: bool = False
    positive: bool = False
    scalars: bool = False
    like_siblings: bool = True
    ones: bool = False
    opposite: bool = False
    flipped: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Siblings:
    """The sizes that the other inputs of a signature suggest for one.

    Attributes:
      sizes: The size that some other input has along an axis.
      longest: For the lengths of sequences, the longest of them.
    """

    sizes: Mapping[int, int] = dataclasses.field(default_factory=dict)
    longest: int | None = None


_ALONE = Siblings()

# In the order in which they are tried, until the TF1 graph takes the inputs. Batch norm that trains
# is ill-conditioned on a batch of 2, so small batches come last.
ATTEMPTS = (
    Attempt(),
    Attempt(positive=True),
    Attempt(like_siblings=False),
    Attempt(size=4),
    Attempt(simple_ids=True),
    Attempt(simple_ids=True, positive=True, image_size=96),
    Attempt(simple_ids=True, positive=True, image_size=224, batch=2),
    Attempt(simple_ids=True, positive=True, scalars=True),
    Attempt(simple_ids=True, batch=1, size=1),
)
# Tried only where none of those runs.
SMALL_BATCHES = (
    Attempt(batch=1),
    Attempt(batch=1, like_siblings=False),
    Attempt(ones=True, positive=True),
    Attempt(ones=True, positive=True, batch=1),
    Attempt(ones=True, positive=True, batch=1, scalars=True),
    Attempt(simple_ids=True, positive=True, batch=1, image_size=224),
    Attempt(simple_ids=True, positive=True, batch=1, image_size=299),
    Attempt(simple_ids=True, positive=True, batch=2),
    Attempt(simple_ids=True, positive=True, batch=4),
)


def attempts_at_sizes(sizes: Sequence[int]) -> Iterator[Attempt]:
    """Attempts at the sizes that a graph's own constants show, in their order.

    Each may be that of images, of any axis but the first, or of the batch.
    """
    for size in sizes:
        for ones in (False, True):
            yield Attempt(
                simple_ids=not ones, ones=ones, positive=True, batch=1, size=size, image_size=size
            )
        yield Attempt(simple_ids=True, positive=True, batch=size)


def generate(
    seed: str, info: TensorInfo, use: Use, attempt: Attempt, siblings: Siblings = _ALONE
) -> Value:
    """Makes up a value.

    Args:
      seed: The same seed gives the same value.
      info: What the signature says of the input.
      use: What the graph does with it.
      attempt: How to choose what both leave open.
      siblings: What the other inputs of the signature say of it.

    Raises:
      UnmakeableError: if no values of the dtype can be generated.
    """
    maker = _make_maker(seed, info, use, attempt, siblings)
    if info.kind is Kind.SPARSE:
        return maker.sparse()
    return maker.ragged() if info.kind is Kind.RAGGED else maker.dense(maker.shape())


def generate_triplet(
    seed: str, infos: Sequence[TensorInfo], rank: int, use: Use, attempt: Attempt
) -> list[np.ndarray]:
    """Makes up the indices, the values and the dense shape of one sparse tensor.

    Args:
      seed: The same seed gives the same tensor.
      infos: What the signature says of the three.
      rank: Of the tensor.
      use: What the graph does with the values.
      attempt: How to choose what they leave open.

    Raises:
      UnmakeableError: if no values of the dtype can be generated.
    """
    info = dataclasses.replace(infos[1], shape=(None,) * rank)
    made = _make_maker(seed, info, use, attempt, _ALONE).sparse()
    whole = (infos[0], infos[2])
    indices, shape = (
        array.astype(tf.as_dtype(part.dtype).as_numpy_dtype)
        for array, part in zip((made.indices, made.dense_shape), whole, strict=True)
    )
    return [indices, made.values, shape]


def _make_maker(
    seed: str, info: TensorInfo, use: Use, attempt: Attempt, siblings: Siblings
) -> _Maker:
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    return _Maker(random, info, use, attempt, siblings)


def differing_scalar(default: bool | int | float | str) -> bool | int | float | str:
    """A value unlike the default of a hyperparameter, yet one that makes sense where it does."""
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if isinstance(default, str):
        return default + "x"
    if 0 <= default <= 1:  # Such as a momentum or a rate.
        return (default + 0.5) / 2 if default != 0.5 else 0.25
    return default * 0.75


def _check_size(shape: Sequence[int]) -> None:
    count = math.prod(shape)
    if count > _MOST_ELEMENTS:
        raise UnmakeableError(f"no value of {count} elements is generated")


class _Maker:
    def __init__(
        self,
        random: np.random.Generator,
        info: TensorInfo,
        use: Use,
        attempt: Attempt,
        siblings: Siblings,
    ) -> None:
        self._random = random
        self._info = info
        self._use = use
        self._attempt = attempt
        self._sizes = siblings.sizes if attempt.like_siblings else {}
        self._longest = siblings.longest
        self._dtype = tf.as_dtype(info.dtype)

    # Shapes.

    def shape(self) -> tuple[int, ...]:
        shape = self._info.shape
        if shape is None:
            rank = 2 if self._dtype.is_floating or self._info.kind is Kind.SPARSE else 1
            shape = () if self._attempt.scalars else (None,) * rank
        sizes = tuple(
            self._unknown_size(axis, len(shape)) if size is None else size
            for axis, size in enumerate(shape)
        )
        _check_size(sizes)
        return sizes

    def _unknown_size(self, axis: int, rank: int) -> int:
        if axis == 0:
            return self._attempt.batch
        if axis == rank - 1 and self._use.width is not None:
            return self._use.width
        if axis in self._sizes:
            return self._sizes[axis]
        if rank >= 4 and axis < rank - 1:
            return self._attempt.image_size
        return self._attempt.size + axis - 1

    def sparse(self) -> SparseValue:
        """Fills about half of the cells, none in the second row if there are three."""
        shape = self.shape()
        filled = self._random.random(shape) < 0.5
        if shape and shape[0] > 2:
            filled[1] = False
        if filled.size:
            filled.flat[0] = True
        indices = np.argwhere(filled).astype(np.int64)
        return SparseValue(indices, self.dense((len(indices),)), np.array(shape, np.int64))

    def ragged(self) -> RaggedValue:
        """Makes rows of 2, 0, 3, 1, … entries."""
        info = self._info
        shape = info.shape or (None,) * (info.ragged_rank + 1)
        rows = self._attempt.batch if shape[0] is None else shape[0]
        _check_size([rows, *(size or 1 for size in shape[1:])])
        splits = []
        for level in range(info.ragged_rank):
            size = shape[level + 1]
            lengths = [(2, 0, 3, 1)[row % 4] if size is None else size for row in range(rows)]
            dtype = tf.as_dtype(info.row_splits_dtype).as_numpy_dtype
            splits.append(np.cumsum([0, *lengths]).astype(dtype))
            rows = sum(lengths)
        inner = shape[1 + info.ragged_rank :]
        sizes = [self._unknown_size(1, 2) if size is None else size for size in inner]
        return RaggedValue(self.dense((rows, *sizes)), tuple(splits))

    # Elements.

    def dense(self, shape: tuple[int, ...]) -> np.ndarray:
        dtype = self._dtype
        if dtype == tf.string:
            return self._strings(shape)
        if dtype == tf.bool:
            return np.asarray((self._random.random(shape) < 0.5) != self._attempt.flipped)
        if dtype.is_complex:
            parts = self._random.standard_normal((2, *shape))
            made = np.asarray(parts[0] + 1j * parts[1]).astype(dtype.as_numpy_dtype)
            return np.asarray(-made if self._attempt.opposite else made)
        if dtype.is_floating:
            return self._floats(shape).astype(dtype.as_numpy_dtype)
        if dtype.is_integer and not dtype.is_quantized:
            return self._integers(shape).astype(dtype.as_numpy_dtype)
        raise UnmakeableError(f"no values of dtype {dtype.name} can be generated")

    def _floats(self, shape: tuple[int, ...]) -> np.ndarray:
        if self._attempt.ones and not shape:
            return np.ones(shape)
        if len(shape) == 4 or self._attempt.positive:  # Pixels, by convention in [0, 1].
            return self._reflect(np.asarray(self._random.uniform(0.05, 1.0, shape)), 0.05, 1.0)
        made = np.asarray(self._random.standard_normal(shape))
        return np.asarray(-made if self._attempt.opposite else made)

    def _reflect(self, made: np.ndarray, least: float, most: float) -> np.ndarray:
        """Numbers as far from `most` as they were from `least`, if they are to be the opposite."""
        return np.asarray(least + most - made if self._attempt.opposite else made)

    def _integers(self, shape: tuple[int, ...]) -> np.ndarray:
        if self._attempt.ones:
            return np.ones(shape, np.int64)
        if self._use.is_size or (self._use.is_compared and not shape):
            made = np.asarray(self._random.integers(2, 5, shape))
            return self._reflect(made, 2, 4) if self._use.is_size else self._reflect(made, 0, 1)
        if self._attempt.simple_ids:
            return np.full(shape, 1 if self._longest is not None else 0)
        if self._use.keys:
            keys = [int(key) for key in self._use.keys]
            return self._random.choice([*keys, max(keys) + 1], shape)
        if self._longest is not None:
            made = np.asarray(self._random.integers(1, self._longest + 1, shape))
            return self._reflect(made, 1, self._longest)
        if self._use.limit is None and self._dtype in (tf.uint8, tf.int8):
            return self._reflect(np.asarray(self._random.integers(0, 100, shape)), 0, 99)
        # Segment ids must be sorted, scattered rows distinct; no other ids mind.
        limit = max(self._use.limit or 2, 1)
        ids = self._reflect(self._ids(shape, limit), 0, limit - 1)
        return np.sort(ids) if len(shape) == 1 else ids

    def _ids(self, shape: tuple[int, ...], limit: int) -> np.ndarray:
        count = math.prod(shape)
        if len(shape) == 1 and count <= limit <= 1 << 20:
            return self._random.permutation(limit)[:count]
        return np.asarray(self._random.integers(0, limit, shape))

    def _strings(self, shape: tuple[int, ...]) -> np.ndarray:
        make = self._string_maker()
        array = np.empty(shape, dtype=object)
        first = 1 if self._attempt.opposite else 0
        array.reshape(-1)[:] = [make(first + number) for number in range(array.size)]
        return array

    def _string_maker(self) -> Callable[[int], bytes]:
        encoding = self._use.encoding
        if encoding in ("png", "jpeg", "gif", "bmp"):
            return lambda _: self._encoded_image(encoding)
        if encoding == "number":
            return lambda number: str(number * 1.5 - 2).encode()
        if encoding == "base64":
            return lambda number: base64.urlsafe_b64encode(self._word(number)).rstrip(b"=")
        if encoding == "raw":
            return lambda _: self._random.bytes(16)
        if self._use.in_sentences:
            return lambda number: b" ".join(self._word(number + more) for more in range(3))
        return self._word

    def _word(self, number: int) -> bytes:
        """A known word, and an unknown one now and then."""
        known = [key for key in self._use.keys if isinstance(key, bytes)]
        if not known:
            return _WORDS[number % len(_WORDS)]
        return _UNKNOWN_WORD if number % 4 == 3 else known[number * 3 % len(known)]

    def _encoded_image(self, encoding: str) -> bytes:
        size = self._attempt.image_size
        pixels = self._random.integers(0, 256, (size, size, 3)).astype(np.uint8)
        encode: Any = tf.io.encode_jpeg if encoding == "jpeg" else tf.io.encode_png
        # Every decoder but that of BMP takes PNG, too.
        return bytes(encode(pixels).numpy()) if encoding != "bmp" else _bmp(pixels)


def _bmp(pixels: np.ndarray) -> bytes:
    """Encodes `[height, width, 3]` pixels; the width must be a multiple of four."""
    height, width, _ = pixels.shape
    size = pixels.size + 54
    header = b"BM" + b"".join(
        number.to_bytes(length, "little")
        for number, length in (
            (size, 4), (0, 4), (54, 4), (40, 4), (width, 4), (height, 4), (1, 2), (24, 2), (0, 24),
        )
    )  # fmt: skip
    return header + pixels[::-1, :, ::-1].tobytes()
