import os
import subprocess
import sys

from converter.processes.resident_memory import resident_bytes

_HOLD = "x = bytearray({} << 20); print('ready', flush=True); input()"


def test_the_memory_of_children_counts():
    before = resident_bytes(os.getpid())
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLD.format(100)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout.readline()
        assert resident_bytes(os.getpid()) - before > 90 << 20
        assert resident_bytes(child.pid) > 100 << 20
        child.communicate(b"\n")


def test_a_process_that_is_gone_holds_nothing():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert resident_bytes(child.pid) == 0
