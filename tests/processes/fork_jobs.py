"""What children of a fork server do in tests; each function is prepared in the server."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

_EVENTS = []


def prepare(argument):
    """Returns what `argument` names."""
    _EVENTS.append(f"prepared with OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS')}")
    return globals()[f"_{argument}"]


def prepare_with_a_thread(_):
    threading.Thread(target=time.sleep, args=[1000], daemon=True).start()
    return _report


def prepare_to_start_a_thread(_):
    """The server starts a thread when it gets SIGUSR1."""
    signal.signal(signal.SIGUSR1, lambda *_: prepare_with_a_thread(_))
    return _report


def prepare_without_room(_):
    """The first fork fails, as it does where no more processes are allowed."""
    fork = os.fork

    def refuse():
        os.fork = fork
        raise BlockingIOError(11, "Resource temporarily unavailable")

    os.fork = refuse
    return _report


def prepare_a_context(_):
    """Runs an op of TensorFlow."""
    import tensorflow as tf

    tf.constant(1)
    return _report


def _report(descriptor):
    """Tells of the child, and hangs."""
    facts = {
        "pid": os.getpid(),
        "session": os.getsid(0),
        "events": _EVENTS,
        "blas": os.environ.get("OPENBLAS_NUM_THREADS"),
        "random": random.random(),
        "hash": hash("a"),
        "interrupt": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "path": sys.path,
        "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd") if _is_open(name)),
        "own": descriptor,
    }
    os.write(descriptor, json.dumps(facts).encode())
    time.sleep(1000)


def _is_open(name):
    try:
        os.fstat(int(name))
    except OSError:
        return False
    return True


def _obey(descriptor):
    """Runs the code that it is sent."""
    exec(os.read(descriptor, 1000).decode(), {"descriptor": descriptor, **globals()})


def start_sleeper(descriptor):
    """Starts a process below this one, and tells its number."""
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    os.write(descriptor, str(sleeper.pid).encode())
