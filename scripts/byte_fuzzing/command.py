"""Fuzzes the parsers of files by their bytes, guided by coverage.

    scripts/fuzz_bytes --minutes 30 --seed 7
    scripts/fuzz_bytes --minutes 5 --target saved_model

It needs atheris: `pip install -e '.[fuzz]'`. Each target of `tests/fuzz_bytes/targets.py` has the
same share of the time. It starts from the repository's fixtures. An input that is neither read nor
refused, or that takes too much time or memory, is made smaller and stored below
`tests/regressions/bytes`, where a fast test runs it from then on. Exit status 1 when there is one.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import pathlib
import sys
import tempfile
from collections.abc import Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="fuzz_bytes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=5.0, metavar="M", help="default: 5")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="default: 1")
    parser.add_argument("--target", action="append", metavar="NAME", help="default: all")
    arguments = parser.parse_args(argv)
    if importlib.util.find_spec("atheris") is None:
        print("fuzz_bytes needs atheris: pip install -e '.[fuzz]'", file=sys.stderr)
        return 2
    return _fuzz(parser, arguments)


def _fuzz(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    from fuzz_bytes.files import MEMORY
    from fuzz_bytes.targets import TARGETS

    from byte_fuzzing.running import fuzz

    names = [target.name for target in TARGETS]
    chosen = arguments.target or names
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        parser.error(f"there is no target {unknown[0]!r}. There are {', '.join(names)}")
    found = 0
    seconds = arguments.minutes * 60 / len(chosen)
    with tempfile.TemporaryDirectory(prefix="fuzz_bytes_", dir=MEMORY) as place:
        for target in (target for target in TARGETS if target.name in chosen):
            found += fuzz(target, seconds, arguments.seed, pathlib.Path(place) / target.name)
    print(f"{found} findings; seed {arguments.seed}")
    return int(found > 0)
