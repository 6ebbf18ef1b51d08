"""A process that is watched: its status, its limits, its signals."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from converter.processes.limited_process import OverMemoryError, OverTimeError, run_limited


def _run(program, *arguments, timeout_secs=60.0, memory_limit_bytes=None):
    return run_limited(
        [sys.executable, "-c", program, *map(str, arguments)], os.environ,
        timeout_secs=timeout_secs, memory_limit_bytes=memory_limit_bytes,
    )  # fmt: skip


def _is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_its_status_and_streams_are_passed_on(capfd):
    assert _run("print('out'); import sys; print('err', file=sys.stderr); sys.exit(3)") == 3
    assert capfd.readouterr() == ("out\n", "err\n")


def test_a_signal_that_ends_it_is_its_status():
    assert _run("import os; os.abort()") == -signal.SIGABRT


def test_it_is_killed_when_it_takes_too_long_with_all_that_it_started(tmp_path):
    program = (
        "import subprocess, sys, pathlib, time\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "pathlib.Path(sys.argv[1]).write_text(str(child.pid))\n"
        "time.sleep(60)"
    )
    start = time.monotonic()
    with pytest.raises(OverTimeError):
        _run(program, tmp_path / "pid", timeout_secs=3.0)
    assert time.monotonic() - start < 20
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10  # A killed process dies when it is scheduled next.
    while _is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(child)


def test_it_is_killed_when_it_takes_too_much_memory_with_all_below_it():
    hog = "x = bytearray(200 << 20); import time; time.sleep(60)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hog!r}])"
    with pytest.raises(OverMemoryError) as caught:
        _run(program, memory_limit_bytes=100 << 20)
    assert caught.value.memory_bytes > 100 << 20


@pytest.fixture
def heeded():
    """A handler of SIGINT and SIGTERM, which background jobs of a shell ignore, as tests may be."""

    def handle(number, _frame):
        raise AssertionError(f"signal {number} reached the tests")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    yield handle
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on(number, tmp_path, heeded):
    ready = tmp_path / "ready"
    program = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(7))\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "time.sleep(60)"
    )

    def send():
        while not ready.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    threading.Thread(target=send).start()
    assert _run(program, ready) == 7
    assert signal.getsignal(number) is heeded


@pytest.mark.usefixtures("heeded")
def test_a_signal_that_comes_while_the_process_starts_is_passed_on(monkeypatch):
    start = subprocess.Popen

    def start_interrupted(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)  # Python calls handlers between its own instructions.
        return start(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", start_interrupted)
    assert _run("import time; time.sleep(60)") == -signal.SIGTERM


def test_it_runs_in_other_threads_too():
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(_run("raise SystemExit(4)")))
    thread.start()
    thread.join()
    assert statuses == [4]


def test_ignored_signals_stay_ignored():
    program = (
        "import os, signal, sys\n"
        "from converter.processes.limited_process import run_limited\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "child = 'import os, signal; os.kill(os.getppid(), signal.SIGINT);'\n"
        "child += 'print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)'\n"
        "command = [sys.executable, '-c', child]\n"
        "sys.exit(run_limited(command, os.environ, timeout_secs=60.0, memory_limit_bytes=None))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
