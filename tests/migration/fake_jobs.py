"""Jobs for tests of what is around them: what a module's name says is what its job does.

See `_MISBEHAVIOR` for the words; `refuse`, `full` and `tf2` decide about the outcome. Any other
module is "converted" to a file that says how often. The converter's own job takes no such orders.
"""

import ctypes
import dataclasses
import os
import pathlib
import signal
import stat
import struct
import subprocess
import sys
import time

from converter.migration.outcomes import (
    Converted,
    ErrorInfo,
    Failed,
    NotLegacy,
    ParitySummary,
    Reason,
    Refused,
    UpToDate,
)


def migrate_by(function, source_root, destination_root, **arguments):
    """Does what `converter.migrate` does, with jobs that `function`, `module:function`, runs."""
    from converter.migration.options import make_options
    from converter.migration.run import run_migration
    from converter.migration.watcher import Silent

    watcher = arguments.pop("watcher", None) or Silent()
    stopping = arguments.pop("stopping", lambda: False)
    options = make_options(source_root, destination_root, arguments)
    options = dataclasses.replace(options, job_function=function)
    return run_migration(options, watcher, stopping)


def convert(job):
    name = pathlib.PurePosixPath(job.path).name
    where = {"path": job.path, "source": job.source, "destination": job.destination}
    _log(job)
    for word, misbehave in _MISBEHAVIOR.items():
        if word in name:
            misbehave(job)
    facts = {"attempts": job.attempt, "started": time.time(), "worker": f"here:{os.getpid()}"}
    if "full" in name:
        error = ErrorInfo(kind="DestinationError", message="x: No space left on device")
        return Failed(**where, **facts, error=error)
    if "refuse" in name:
        return Refused(**where, **facts, error=ErrorInfo(kind="FormatError", message="no"))
    if "tf2" in name:
        return NotLegacy(**where, **facts, reason=Reason.TF2, explanation="It is TF2.")
    destination = pathlib.Path(job.destination)
    destination.mkdir(parents=True, exist_ok=True)
    with (destination / "saved_model.pb").open("a") as file:
        file.write(".")
    record = destination / "record.json"
    return Converted(**where, **facts, destination_bytes=1, record=str(record))


def real(job):
    """The converter's own job, with a log, and the misbehavior that a path asks for."""
    from converter.migration.convert_job import convert_job

    _log(job)
    for word, misbehave in _MISBEHAVIOR.items():
        if word in pathlib.PurePosixPath(job.path).name:
            misbehave(job)
    return convert_job(job)


def verify(job):
    """A job of `scripts/verify_migrated`: all are equal, but those whose name says otherwise."""
    _log(job)
    name = pathlib.PurePosixPath(job.path).name
    where = {"path": job.path, "source": job.source, "destination": job.destination}
    if "differs" in name:
        error = ErrorInfo(kind="ParityError", message="it differs: x / outputs / y")
        return Failed(**where, attempts=1, error=error)
    if "crash" in name:
        _crash(job)
    parity = ParitySummary(
        verdict="equal", passed=True, tensors=3, bit_equal=2, worst_abs=0.5, worst_rel=0.25
    )
    return UpToDate(**where, attempts=1, destination_bytes=1, record="r", parity=parity)


def _log(job):
    """Notes an attempt where `TF1HUB_TEST_LOG` says; a write of a line is atomic."""
    if "TF1HUB_TEST_LOG" in os.environ:
        with pathlib.Path(os.environ["TF1HUB_TEST_LOG"]).open("a") as file:
            file.write(f"{time.time()} {os.getpid()} {os.getppid()} {job.path}\n")


def _crash(job):
    sys.stderr.write(f"about to crash {job.path}\n")
    sys.stderr.flush()
    ctypes.string_at(0)


def _kill_parent(_):
    """Kills the Dask worker, and this process with it."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1000)


def _hang(_):
    time.sleep(1000)


def _hang_in_child(job):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    pathlib.Path(job.staging).with_suffix(".pid").write_text(str(child.pid))
    child.wait()


def _answer_otherwise(job):
    """Answers in place of the worker, as a module could that has taken it over."""
    answers = {
        "answer_nothing": b"[]",
        "answer_other": b'{"outcome": {"outcome": "converted", "x": []}}',
        "answer_text": b"\xff",
        "answer_large": None,
    }
    answer = answers[pathlib.PurePosixPath(job.path).name]
    descriptors = [int(path.name) for path in pathlib.Path("/proc/self/fd").iterdir()]
    (descriptor,) = [d for d in descriptors if _is_socket(d)]
    os.write(descriptor, struct.pack("!i", len(answer) if answer else 1 << 30))
    os.write(descriptor, answer or b"x")
    time.sleep(1000)


def _is_socket(descriptor):
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:  # That of the directory that was listed.
        return False


def _grow(_):
    held = []
    while True:
        held.append(b"x" * (50 << 20))
        time.sleep(0.05)


_MISBEHAVIOR = {
    "crash": _crash,
    "exit": lambda _: os._exit(3),
    "killed": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "poison": _kill_parent,
    "hang": _hang,
    "child": _hang_in_child,
    "grow": _grow,
    "slow": lambda _: time.sleep(1),
    "chatty": lambda _: os.write(2, b"x" * 20_000),
    "answer": _answer_otherwise,
}
