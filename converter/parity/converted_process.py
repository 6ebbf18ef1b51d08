"""Runs the converted module in another process.

It runs as it lies on disk. For calls that draw random numbers there is a copy of it, in which
random ops are replaced.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import subprocess

import tensorflow as tf
from google.protobuf import message
from tensorflow.core.protobuf import saved_model_pb2

from converter import errors
from converter.files.paths import Path, RemotePath, as_path
from converter.files.scratch import temporary_folder
from converter.parity.converted_loading import DamagedModelError, refuse_damaged
from converter.parity.converted_runner import DAMAGED_STATUS, Request, run_converted
from converter.parity.exchange import DamagedMessageError, read_message, write_message
from converter.parity.observation import Observations
from converter.parity.random_ops import make_deterministic
from converter.processes import python_process

_MODULE = "converter.parity.converted_runner"
_GRAPH = "saved_model.pb"
_LAST_LINES = 3
# What a call may show: outputs, gradients and new values, each through several doors.
_MOST_BYTES_PER_CASE = 64
_LEAST_LIMIT_BYTES = 1 << 30


def run_in_every_way(request: Request, *, fresh_process: bool) -> Observations:
    """Runs the converted module.

    Raises:
      FormatError: if its files are damaged.
      ParityError: if there is none, or the process that runs it dies or talks nonsense.
    """
    try:
        return _run(request, fresh_process=fresh_process)
    except DamagedModelError as error:
        raise refuse_damaged(request.directory, error) from error


def _run(request: Request, *, fresh_process: bool) -> Observations:
    with temporary_folder() as folder:
        scratch = folder.resolve()
        source = as_path(request.directory)
        if isinstance(source, RemotePath):  # What another process may not be able to read.
            source.download(scratch / "result")
            request = dataclasses.replace(request, directory=str(scratch / "result"))
        if any(case.draws for case in request.cases):
            copy = scratch / "module"
            write_deterministic_copy(as_path(request.directory), copy)
            request = dataclasses.replace(request, deterministic=str(copy))
        if fresh_process:
            return _run_in_process(request, scratch)
        return run_converted(request)


def write_deterministic_copy(source: Path, copy: pathlib.Path) -> None:
    """Writes a SavedModel with random ops replaced; all but the graph are links to the original.

    Raises:
      ParityError: if the SavedModel cannot be read.
    """
    try:
        saved_model = saved_model_pb2.SavedModel.FromString((source / _GRAPH).read_bytes())
        copy.mkdir()
        for path in source.iterdir():
            # The fingerprint is that of another graph, and of no use here.
            if path.name not in (_GRAPH, "fingerprint.pb"):
                _link(path.resolve(), copy / path.name)
    except (OSError, ValueError, message.DecodeError) as error:
        raise errors.ParityError(
            f"{source} is not a SavedModel that can be read: {error}",
            remedy="Convert the module again.",
        ) from error
    for meta_graph in saved_model.meta_graphs:
        make_deterministic(meta_graph.graph_def)
    (copy / _GRAPH).write_bytes(saved_model.SerializeToString())


def _link(path: Path, link: pathlib.Path) -> None:
    if isinstance(path, RemotePath):
        path.download(link)
        return
    try:
        link.symlink_to(path, target_is_directory=path.is_dir())
    except OSError:  # A filesystem, or a Windows user, without the right to make links.
        shutil.copytree(path, link) if path.is_dir() else shutil.copy(path, link)


def _run_in_process(request: Request, scratch: pathlib.Path) -> Observations:
    question, answer = scratch / "request", scratch / "response"
    write_message(question, request)
    finished = subprocess.run(
        python_process.command(_MODULE, str(question), str(answer), str(os.getpid())),
        env={**python_process.environment(), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    status = finished.returncode
    if status:
        ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        lines = _read_lines(finished.stderr)
        if status == DAMAGED_STATUS and lines:
            raise DamagedModelError(lines[-1])
        last = " | ".join(lines[-_LAST_LINES:]) or "it said nothing"
        raise errors.ParityError(
            f"the process that ran the converted module {ended}: {last}",
            remedy="Nothing was compared. Try again with more free memory.",
        )
    return _read_answer(answer, request)


def _read_lines(printed: bytes) -> list[str]:
    """The lines that say something; those that mark places in a line of code do not."""
    lines = [line.strip() for line in printed.decode(errors="replace").splitlines()]
    return [line for line in lines if line.strip("^~")]


def _read_answer(answer: pathlib.Path, request: Request) -> Observations:
    """Reads the answer of a process that has run a stranger's ops, and so may be damaged."""
    weights = _weights_bytes(request.directory)
    limit = _LEAST_LIMIT_BYTES + _MOST_BYTES_PER_CASE * weights * len(request.cases)
    try:
        observations = read_message(answer, Observations, limit)
        if len(observations.cases) != len(request.cases):
            raise DamagedMessageError(
                f"{len(observations.cases)} cases, expected {len(request.cases)}"
            )
    except DamagedMessageError as error:
        raise errors.ParityError(
            f"the process that ran the converted module sent an answer that cannot be read:"
            f" {error}",
            remedy="Nothing was compared: do not trust the module.",
        ) from error
    return observations


def _weights_bytes(directory: str) -> int:
    folder = f"{directory}/variables"
    if not tf.io.gfile.isdir(folder):
        return 0
    names = tf.io.gfile.listdir(folder)
    return sum(tf.io.gfile.stat(f"{folder}/{name}").length for name in names)
