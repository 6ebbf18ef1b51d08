"""Keeps what native code prints from stdout, and makes it printable.

Ops such as PrintV2, and TensorFlow's C++ log, write to the file descriptors 1 and 2. Python's
streams, which `streams.py` guards, do not see that. So these descriptors lead to a process that
passes on what is printable to stderr, and Python's streams get descriptors of their own. A thread
could not do that: native code may print while it keeps Python from running any.

`python -m converter.cli.native_output` is the program of that process.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TextIO

from converter.cli.standard_files import accepting
from converter.printable import printable_lines
from converter.processes import python_process

_BLOCK_BYTES = 1 << 16
_WAIT_SECS = 10


@contextlib.contextmanager
def native_output_apart() -> Iterator[None]:
    """Leads the descriptors 1 and 2 to stderr, made printable; later, to nowhere.

    The process has to end soon after: what runs on in it prints nothing any more.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    sys.stdout, sys.stderr = _on_other_descriptor(sys.stdout), _on_other_descriptor(sys.stderr)
    process = subprocess.Popen(
        python_process.command(__name__), stdin=subprocess.PIPE, stdout=sys.stderr.fileno(),
        stderr=subprocess.DEVNULL, env=python_process.environment(),
        start_new_session=True,  # A Ctrl-C must not end it before the last words.
    )  # fmt: skip
    assert process.stdin is not None
    try:
        _point_descriptors_to(process.stdin.fileno())
        process.stdin.close()
        yield
    finally:
        sys.stdout.flush()
        with open(os.devnull, "wb") as nowhere:
            _point_descriptors_to(nowhere.fileno())
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_WAIT_SECS)


def _on_other_descriptor(stream: TextIO) -> TextIO:
    """The same stream on a copy of its descriptor, which no child inherits."""
    return accepting(stream, os.dup(stream.fileno()))


def _point_descriptors_to(descriptor: int) -> None:
    for number in (1, 2):
        os.dup2(descriptor, number)


def main() -> None:
    """Writes to stdout what comes from stdin, made printable."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")
    with open(0, "rb", buffering=0) as source:
        pass_on(source, decoder)


def pass_on(source: io.RawIOBase, decoder: codecs.IncrementalDecoder) -> None:
    """Copies text to stdout at once; reads to the end even if nobody takes it any more."""
    is_open = True
    while block := source.read(_BLOCK_BYTES):
        if is_open:
            try:
                sys.stdout.write(printable_lines(decoder.decode(block)))
                sys.stdout.flush()
            except OSError:
                is_open = False
    if not is_open:
        os._exit(1)  # Python would complain of what it cannot flush.


if __name__ == "__main__":
    main()
