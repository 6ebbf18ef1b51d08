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
_NETWORK_CALLS = frozenset({
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    "socket", "socketpair", "io_uring_setup",
})  # fmt: skip
# A process may end, and look at files that it has opened.
_HARMLESS_CALLS = frozenset({
    "arch_prctl", "exit", "exit_group", "fchdir", "fstat", "fstatfs", "getcwd", "rt_sigreturn",
    "wait4", "waitid",
})  # fmt: skip
_STAT_CALLS = frozenset({"lstat", "newfstatat", "readlink", "stat", "statx"})
_READ_CALLS = _STAT_CALLS | {"access", "faccessat", "faccessat2", "open", "openat"}
_WRITE_FLAGS = re.compile(r"\bO_(WRONLY|RDWR|CREAT|TRUNC)\b")
_LINE = re.compile(r"^(\d+) +(\w+)\((.*)")
_STRING = re.compile(r'(?:\w+<((?:[^>\\]|\\.)*)>, )?"((?:[^"\\]|\\.)*)"(?:\.\.\.)?')
_SECONDS_TO_START = 600.0  # TensorFlow's import takes long where a machine is busy.
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
    """The files that a conversion may look at.

    - Those in its own folder.
    - The folders above, for what they are: Python looks for links in paths.
    - Packages, to read them: Python imports modules when it first needs them.

    Args:
      root: The conversion's folder: source, result and temporary files.
    """

    def __init__(self, root: str) -> None:
        paths = sysconfig.get_paths()
        packages = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
        # An environment may have TensorFlow from another, by a `.pth` file.
        packages |= {str(pathlib.Path(path).parent) for path in tf.__path__}
        packages.add(str(ROOT / "converter"))
        self._packages = packages | set(map(os.path.realpath, packages))
        self._root = root
        self._above = {str(path) for path in pathlib.Path(root).parents}

    def allows(self, call: str, arguments: str, path: str) -> bool:
        """Whether a system call may name a path."""
        if path in self._above:
            return call in _STAT_CALLS
        if _is_below(path, self._root):
            return True
        is_reading = call in _READ_CALLS and not _WRITE_FLAGS.search(arguments)
        return is_reading and any(_is_below(path, folder) for folder in self._packages)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def watch(job: Job) -> Watched:
    """Runs a job in processes of its own, a new one after each that dies."""
    left, died, effects = job.cases, dict[Case, int](), list[Effect]()
    while left:
        remaining = dataclasses.replace(job, cases=left)
        status, log = _run(remaining)
        if not job.outcomes_path.exists():
            raise RuntimeError(f"the watched process ended before the first case: {status}")
        done = {outcome.case for outcome in read_outcomes(job.outcomes_path)}
        with log.open(errors="replace") as lines:
            effects += find_effects(lines, Allowed(job.root))
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
    paths = [str(ROOT), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    environment["TMPDIR"] = str(root / "tmp")
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    process = subprocess.Popen(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return _wait(process, job), log
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], job: Job) -> int:
    """Waits for the end of the worker, and as long for each case as the job says."""
    path, patience = job.outcomes_path, _SECONDS_TO_START
    size, changed = -1, time.monotonic()
    while process.poll() is None:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
        now = path.stat().st_size if path.exists() else -1
        if now != size:
            size, changed, patience = now, time.monotonic(), job.patience_secs
        elif time.monotonic() - changed > patience:
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
    if call in _NETWORK_CALLS or not (paths or call in _STAT_CALLS):
        return arguments.strip()
    return next((path for path in paths if not allowed.allows(call, arguments, path)), None)


def _paths(arguments: str) -> Iterator[str]:
    """Yields the absolute names of files among the arguments of a system call."""
    for folder, name in _STRING.findall(arguments):
        if name:
            yield os.path.normpath(os.path.join(folder, name))
