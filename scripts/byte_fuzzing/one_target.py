"""Fuzzes one target, in its own process: `one_target.py TARGET FINDINGS [option of libFuzzer]…`.

An input that fails is written to FINDINGS, the smallest of each kind, and the search goes on. Only
what ends the process (a hang, a crash of native code) is left to libFuzzer.
"""

from __future__ import annotations

import hashlib
import pathlib
import sys
import time
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
_LONGEST = "longest"
_NOTABLE_SECONDS = 0.01


class Search:
    """Runs inputs, and keeps those that fail.

    Args:
      target: The target.
      findings: Where they go: `KIND.bytes` and `KIND.text`, and `longest`, the seconds.
    """

    def __init__(self, target: Any, find_failure: Any, findings: pathlib.Path) -> None:
        self._target = target
        self._find_failure = find_failure
        self._findings = findings
        self._sizes: dict[str, int] = {}
        self._longest = _NOTABLE_SECONDS

    def run(self, data: bytes) -> None:
        """Runs one input."""
        started = time.perf_counter()
        failure = self._find_failure(self._target, data)
        seconds = time.perf_counter() - started
        if seconds > self._longest:
            self._longest = seconds
            (self._findings / _LONGEST).write_text(f"{seconds:.2f}")
        if failure is not None and len(data) < self._sizes.get(failure.kind, len(data) + 1):
            self._sizes[failure.kind] = len(data)
            stem = self._findings / hashlib.sha256(failure.kind.encode()).hexdigest()[:16]
            stem.with_suffix(".bytes").write_bytes(data)
            stem.with_suffix(".text").write_text(f"{failure.kind}\n{failure.text}")


def main(name: str, findings: str, *options: str) -> None:
    """Fuzzes until libFuzzer ends the process."""
    import atheris  # Optional.

    with atheris.instrument_imports(include=["converter"], enable_loader_override=False):
        from fuzz_bytes.target import find_failure
        from fuzz_bytes.targets import find_target
    # Not that of "RegEx": its patterns (atheris 3.0) do not match from a position on.
    atheris.enabled_hooks.add("str")
    search = Search(find_target(name), find_failure, pathlib.Path(findings))
    atheris.Setup([sys.argv[0], *options], search.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
