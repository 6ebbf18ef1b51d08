"""A Dask cluster on loopback: scheduler and workers are processes, each in a group of its own."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import distributed
import psutil

ROOT = pathlib.Path(__file__).parents[3]


class Cluster:
    """Starts a scheduler and workers with a nanny and one thread each.

    Args:
      folder: An empty directory; the processes have it as their working directory.
      workers: How many.
      environment: Further variables, such as Dask's configuration.
      protocol: `tcp`, or `tls`.
    """

    def __init__(self, folder, workers=2, environment=None, protocol="tcp"):
        self._folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
            **(environment or {}),
        }
        self.processes = []
        file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--protocol", protocol,
            "--no-dashboard", "--scheduler-file", str(file),
        )  # fmt: skip
        self.address = wait_for(lambda: json.loads(file.read_text())["address"])
        self.workers = [self._start_worker(number) for number in range(workers)]

    def _start_worker(self, number):
        return self._start(
            "worker", self.address, "--nanny", "--nworkers", "1", "--nthreads", "1",
            "--no-dashboard", "--name", str(number), "--local-directory", str(self._folder),
        )  # fmt: skip

    def _start(self, *arguments):
        with (self._folder / "log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                cwd=self._folder, env=self._environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def wait_for_workers(self):
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def close(self):
        for process in self.processes:
            kill_group(process)


def wait_for(find, seconds=60):
    """Waits until `find` returns something, whatever it raises before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError, LookupError):
            found = find()
            if found:
                return found
        time.sleep(0.05)
    raise AssertionError(f"nothing within {seconds} s")


def kill_group(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def is_alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
