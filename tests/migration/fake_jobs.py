"""Jobs for tests of what is around them: what a module's name says is what its job does.

See `_MISBEHAVIOR` for the words; `refuse`, `full` and `tf2` decide about the outcome. Any other
module is "converted" to a file that says how often. The converter's own job takes no such orders.
"""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

from converter.migration.outcomes import Converted, ErrorInfo, Failed, NotLegacy, Reason, Refused


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


def _log(job):
    """Notes an attempt where `TF1HUB_TEST_LOG` says; a write of a line is atomic."""
    if "TF1HUB_TEST_LOG" in os.environ:
        with pathlib.Path(os.environ["TF1HUB_TEST_LOG"]).open("a") as file:
            file.write(f"{time.time()} {os.getpid()} {os.getppid()} {job.path}\n")


def _crash(job):
    sys.stderr.write(f"about to crash {job.path}\n")
    sys.stderr.flush()
    ctypes.string_at(0)


def _hang(_):
    time.sleep(1000)


def _hang_in_child(job):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    pathlib.Path(job.staging).with_suffix(".pid").write_text(str(child.pid))
    child.wait()


def _grow(_):
    held = []
    while True:
        held.append(b"x" * (50 << 20))
        time.sleep(0.05)


_MISBEHAVIOR = {
    "crash": _crash,
    "exit": lambda _: os._exit(3),
    "killed": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "hang": _hang,
    "child": _hang_in_child,
    "grow": _grow,
    "slow": lambda _: time.sleep(1),
}
