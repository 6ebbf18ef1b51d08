"""A process that ends with its parent."""

import os
import subprocess
import sys

import psutil
import pytest

CHILD = """
import sys, time
from converter.processes.parent_death import die_with_parent
die_with_parent(int(sys.argv[1]))
print("alive", flush=True)
time.sleep(1000)
"""
PARENT = f"""
import os, subprocess, sys
child = subprocess.Popen(
    [sys.executable, "-c", {CHILD!r}, str(os.getpid())], stdout=subprocess.PIPE,
    start_new_session=True,
)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can do that")
def test_it_ends_with_its_parent():
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    assert psutil.wait_procs([child], timeout=30)[1] == []


def test_it_ends_when_its_parent_was_dead_before():
    command = [sys.executable, "-c", CHILD, str(os.getpid() + 1)]
    done = subprocess.run(command, stdout=subprocess.PIPE, env=ENVIRONMENT, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
