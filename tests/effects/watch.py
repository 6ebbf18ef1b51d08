"""Runs a worker under `strace`, and finds what it did besides its own work.

An effect is a system call with the name of a file outside of what `Allowed` lists, whether or not
it succeeds, one of the network's, or one that starts a process. Threads are none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator

import tensorflow as tf

from effects.jobs import MARKER_ROOT, Case, Job, Outcome, read_marker, read_outcomes

ROOT = pathlib.Path(__file__).resolve().parents[2]
# All system calls that take the name of a file, use the network or start processes; io_uring could
# do any of that unseen.
_SYSTEM_CALLS = "%file,%network,%process,io_uring_setup"
_PROCESS_CALLS = frozenset({"execve", "execveat", "fork", "vfork", "clone", "clone3"})
_HARMLESS_CALLS = frozenset({
    "exit", "exit_group", "wait4", "waitid", "rt_sigreturn", "arch_prctl", "kill", "tgkill",
})  # fmt: skip
_STAT_CALLS = frozenset({"lstat", "newfstatat", "readlink", "stat", "statx"})
_LINE = re.compile(r"^(\d+) +(\w+)\((.*)")
_STRING = re.compile(r'(?:\w+<((?:[^>\\]|\\.)*)>, )?"((?:[^"\\]|\\.)*)"(?:\.\.\.)?')
_SECONDS_BETWEEN_LOOKS = 0.05
_SECONDS_TO_END = 20
_LONGEST_NAME = 4096


def find_strace() -> str:
    """Returns the path of strace.

    Raises:
      FileNotFoundError: if it is not installed.
    """
    path = shutil.which("strace")
    if path is None:
        raise FileNotFoundError("strace is missing: apt-get install strace")
    return path


@dataclasses.dataclass(frozen=True)
class Effect:
    """Something that a process did while it worked on a case; None after the last."""

    case: Case | None
    call: str
    detail: str


@dataclasses.dataclass(frozen=True)
class Watched:
    """What a job came to.

    Attributes:
      outcomes: What the worker says, for the cases that it survived.
      effects: What the watcher saw.
      died: The cases at which the process ended, with its exit status.
    """

    outcomes: tuple[Outcome, ...]
    effects: tuple[Effect, ...]
    died: dict[Case, int]


class Allowed:
    """The files that a conversion may look at: its own, and those of Python and TensorFlow.

    The folders above its own may only be asked for what they are: Python looks for links in paths.

    Args:
      root: The folder of source, result and temporary files.
    """

    def __init__(self, root: str) -> None:
        installed = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
        # An environment may hold TensorFlow by a `.pth` file.
        installed |= {*tf.__path__, str(ROOT / "converter")}
        installed |= {str(pathlib.Path(path).parent) for path in tf.__path__}
        self._folders = {root, *installed, *map(os.path.realpath, installed)}
        self._above = {str(path) for path in pathlib.Path(root).parents}

    def allows(self, call: str, path: str) -> bool:
        """Whether a system call may name a path."""
        if path in self._above:
            return call in _STAT_CALLS
        return any(path == f or path.startswith(f.rstrip("/") + "/") for f in self._folders)


def watch(job: Job) -> Watched:
    """Runs a job in processes of its own, a new one after each that dies."""
    left, died, effects = job.cases, dict[Case, int](), list[Effect]()
    while left:
        remaining = dataclasses.replace(job, cases=left)
        status, log = _run(remaining)
        done = {outcome.case for outcome in read_outcomes(job.outcomes_path)}
        effects += find_effects(log.open(errors="replace"), Allowed(job.root))
        left = tuple(case for case in left if case not in done)
        if left:
            died[left[0]] = status
            left = left[1:]
        elif status:
            died[job.cases[-1]] = status
    return Watched(tuple(read_outcomes(job.outcomes_path)), tuple(effects), died)


def _run(job: Job) -> tuple[int, pathlib.Path]:
    """Runs a worker until it ends, or has no news for long; returns its status, and the log."""
    root = pathlib.Path(job.root)
    for name in ("source", "result", "tmp"):
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "tmp").mkdir()
    log = root / "strace.log"
    command = [
        find_strace(), "--follow-forks", "--decode-fds=path", "--seccomp-bpf",
        f"--string-limit={_LONGEST_NAME}", f"--trace={_SYSTEM_CALLS}", "--signal=none",
        f"--output={log}", sys.executable, "-m", "effects.worker", str(job.write()),
    ]  # fmt: skip
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(root / "tmp")}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    process = subprocess.Popen(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return _wait(process, job), log
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], job: Job) -> int:
    outcomes = job.outcomes_path
    size, changed = -1, time.monotonic()
    while process.poll() is None:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        now = outcomes.stat().st_size if outcomes.exists() else 0
        if now != size:
            size, changed = now, time.monotonic()
        elif time.monotonic() - changed > job.patience_secs:
            return -signal.SIGALRM
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends strace, which writes what it has seen, and the worker."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_TO_END)


def find_effects(lines: Iterable[str], allowed: Allowed) -> Iterator[Effect]:
    """Yields the effects in a log of strace, from the first marker on.

    Args:
      lines: The lines of the log, of `strace --follow-forks --decode-fds=path`.
      allowed: The files that may be looked at.
    """
    case: Case | None = None
    is_marked = False
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue  # The end of a call that another thread interrupted, or of a thread.
        _, call, arguments = match.groups()
        if f'"{MARKER_ROOT}' in arguments:
            is_marked = True
            case = read_marker(next(_paths(arguments)))
        elif is_marked:
            detail = _find_effect(call, arguments, allowed)
            if detail is not None:
                yield Effect(case, call, detail)


def _find_effect(call: str, arguments: str, allowed: Allowed) -> str | None:
    """Returns what a system call does that no conversion may do; None if it is harmless."""
    if call in _HARMLESS_CALLS:
        return None
    if call in _PROCESS_CALLS:
        return None if "CLONE_THREAD" in arguments else arguments.strip()
    paths = list(_paths(arguments))
    if not paths:
        # A call of the network, or one on an open file, such as fstat, which has a name before it.
        return None if _is_on_open_file(call, arguments) else arguments.strip()
    return next((path for path in paths if not allowed.allows(call, path)), None)


def _is_on_open_file(call: str, arguments: str) -> bool:
    return call.startswith(("fstat", "newfstat", "statx", "fstatfs", "fchdir", "getcwd")) or (
        arguments.startswith("0x")  # Of a call with a pointer to a name that is not readable.
        and "NULL" in arguments
    )


def _paths(arguments: str) -> Iterator[str]:
    """Yields the absolute names of files among the arguments of a system call."""
    for folder, name in _STRING.findall(arguments):
        if name:
            yield os.path.normpath(os.path.join(folder, name))
