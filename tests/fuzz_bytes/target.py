"""What is fuzzed, and what counts as a failure."""

import contextlib
import dataclasses
import itertools
import pathlib
import time
import traceback
from collections.abc import Callable

import converter
from converter import errors

# Of the processor; seeds take some milliseconds.
MAX_SECONDS = 2.0
MAX_BYTES = 256 << 20
_ROOT = pathlib.Path(converter.__file__).parents[1]


@dataclasses.dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
      name: Its name.
      run: Reads bytes.
      seeds: Returns what the parser accepts, the start of all mutations.
      refuses: What the parser raises for damaged bytes, besides ConversionErrors.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    refuses: tuple[type[Exception], ...] = ()


@dataclasses.dataclass(frozen=True)
class Failure:
    """An input that is neither read nor refused.

    Attributes:
      kind: What failed and where; other inputs of that kind are the same bug.
      text: The traceback, or the measured value.
    """

    kind: str
    text: str


def find_failure(target: Target, data: bytes) -> Failure | None:
    """Runs a target on bytes; None if it reads or refuses them in little time and memory."""
    before, started = _watch_memory(), time.process_time()
    try:
        target.run(data)
    except (errors.ConversionError, *target.refuses):
        pass
    except Exception as error:
        return Failure(_name(error), "".join(traceback.format_exception(error)))
    seconds, taken = time.process_time() - started, _peak_bytes() - before
    if seconds > MAX_SECONDS:
        return Failure("takes too long", f"{seconds:.1f} s")
    if taken > MAX_BYTES:
        return Failure("takes too much memory", f"{taken >> 20} MiB")
    return None


def _name(error: Exception) -> str:
    """The type of an error, and the line of ours that raised it, or called what did."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "converter/" in frame.filename.replace(str(_ROOT), "")]
    last = (ours or list(frames))[-1]
    place = pathlib.Path(last.filename)
    where = place.relative_to(_ROOT) if place.is_relative_to(_ROOT) else place.name
    return f"{type(error).__name__} in {last.name} of {where}"


def _watch_memory() -> int:
    """Starts a new peak of this process; returns the memory that it has (source: proc(5))."""
    # Where a sandbox forbids it, the peak is that of all inputs.
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    return _peak_bytes()


def _peak_bytes() -> int:
    with open("/proc/self/status", encoding="utf-8") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) << 10


def minimize(target: Target, data: bytes, kind: str, tries: int = 1500) -> bytes:
    """Cuts out what a failure of that kind does not need: first halves, then single bytes."""
    budget = itertools.count()
    step = max(len(data) // 2, 1)
    while step:
        position = 0
        while position < len(data) and next(budget) < tries:
            shorter = data[:position] + data[position + step :]
            failure = find_failure(target, shorter)
            if failure is not None and failure.kind == kind:
                data = shorter
            else:
                position += step
        step //= 2
    return data
