"""What native code prints reaches neither stdout nor, raw, stderr; seen from outside."""

import json
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from converter.printable import printable_lines
from converter.processes import python_process

_EVIL = b'\x1b]0;evil\x07{"verdict": 1}\xe2\x80\xae\xc2\x9b31m\xff'
_SHOWN = '\\x1b]0;evil\\x07{"verdict": 1}\\u202e\\x9b31m\\xff'
_PROGRAM = """
import os, sys
from converter.cli.native_output import native_output_apart
with native_output_apart():
    for number in (1, 2):
        for _ in range({times}):
            os.write(number, {text!r})
    print("result")
    print("words", file=sys.stderr)
    {end}
os.write(1, b"too late"); os.write(2, b"too late")
"""


@pytest.fixture
def talkative(half_plus_two, edit):
    """A module that prints on every stream whenever it is called."""
    with edit(half_plus_two) as saved_model:
        meta_graph = saved_model.meta_graphs[0]
        nodes = meta_graph.graph_def.node
        output = meta_graph.signature_def["default"].outputs["default"].name.partition(":")[0]
        text = nodes.add(name="text", op="Const")
        text.attr["dtype"].type = tf.string.as_datatype_enum
        text.attr["value"].tensor.CopyFrom(tf.make_tensor_proto([_EVIL], shape=[]))
        for stream in (b"stdout", b"stderr", b"log(error)"):
            name = f"print_{len(nodes)}"
            nodes.add(name=name, op="PrintV2", input=["text"]).attr["output_stream"].s = stream
            next(n for n in nodes if n.name == output).input.append(f"^{name}")
    return half_plus_two


def _run(*command):
    """Runs a command line of Python; returns the status, stdout, and stderr."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    finished = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, env=environment, check=False
    )
    for stream in (finished.stdout, finished.stderr):
        assert printable_lines(stream.decode()) == stream.decode()
    return finished.returncode, finished.stdout.decode(), finished.stderr.decode()


def test_verify_and_convert(talkative, tmp_path):
    out = tmp_path / "out"
    line = ["-m", "converter", "convert", talkative, out, "--json", "--verify"]
    status, stdout, stderr = _run(*line)
    assert status == 0
    assert json.loads(stdout)["record"]["parity"]["verdict"] == "equal"
    assert stderr.count(_SHOWN) >= 3
    status, stdout, stderr = _run("-m", "converter", "verify", talkative, out, "--json")
    assert status == 0
    assert json.loads(stdout)["verdict"] == "equal"
    assert stderr.count(_SHOWN) >= 3


def _run_program(text=_EVIL, times=1, end="pass"):
    program = _PROGRAM.format(text=text, times=times, end=end)
    return _run("-c", program)


def test_descriptors():
    status, stdout, stderr = _run_program()
    assert (status, stdout) == (0, "result\n")
    assert stderr.count(_SHOWN) == 2
    assert "words\n" in stderr
    assert "too late" not in stderr


def test_more_than_a_pipe_holds():
    _, stdout, stderr = _run_program(text=b"x" * 1000, times=1000)
    assert stdout == "result\n"
    assert stderr.count("x") == 2_000_000


def test_a_process_that_crashes_is_still_heard():
    status, stdout, stderr = _run_program(end="sys.stdout.flush(); os.abort()")
    assert status != 0
    assert stdout == "result\n"
    assert stderr.count(_SHOWN) == 2


def test_characters_that_come_in_pieces():
    command = python_process.command("converter.cli.native_output")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for piece in (b"\xc3", b"\xa4", b"\xe2\x80", b"\xae", b"\xff\n"):
            process.stdin.write(piece)
            process.stdin.flush()
        process.stdin.close()
        assert process.stdout.read().decode() == "ä\\u202e\\xff\n"


def test_nobody_reads():
    """The module goes on although what it prints goes nowhere."""
    program = _PROGRAM.format(text=b"x" * 1000, times=1000, end="pass")
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stderr.close()
        process.stdout.read()
        assert process.wait(60) is not None
