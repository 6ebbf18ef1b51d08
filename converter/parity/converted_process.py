"""Runs the converted module in a process of its own, with its random ops made deterministic."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import pickle
import shutil
import subprocess

from google.protobuf import message
from tensorflow.core.protobuf import saved_model_pb2

from converter import errors, python_process
from converter.export.scratch import temporary_folder
from converter.formats.paths import Path, RemotePath
from converter.parity.converted_runner import Request, run_converted
from converter.parity.observation import Observations
from converter.parity.random_ops import make_deterministic

_MODULE = "converter.parity.converted_runner"
_GRAPH = "saved_model.pb"
_LAST_LINES = 3


def run_deterministic(request: Request, *, fresh_process: bool) -> Observations:
    """Runs a copy of the converted module whose random ops are deterministic.

    Raises:
      ParityError: if the process that runs it dies.
    """
    with temporary_folder() as scratch:
        copy = scratch.resolve() / "module"
        write_deterministic_copy(request.directory, copy)
        request = dataclasses.replace(request, directory=copy)
        if fresh_process:
            return _run_in_process(request, scratch)
        return run_converted(request)


def write_deterministic_copy(source: Path, copy: pathlib.Path) -> None:
    """Writes a SavedModel with random ops replaced; all but the graph are links to the original.

    Raises:
      ParityError: if there is no SavedModel that can be read.
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
            f"{source} is no SavedModel that can be read: {error}",
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
    question, answer = scratch / "request.pickle", scratch / "response.pickle"
    question.write_bytes(pickle.dumps(request))
    finished = subprocess.run(
        python_process.command(_MODULE, str(question), str(answer), str(os.getpid())),
        env={**python_process.environment(), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if finished.returncode or not answer.is_file():
        raise errors.ParityError(
            f"the process that ran the converted module {_how_it_ended(finished.returncode)}:"
            f" {_last_lines(finished.stderr)}",
            remedy="Nothing was compared.",
        )
    observations: Observations = pickle.loads(answer.read_bytes())
    return observations


def _how_it_ended(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"


def _last_lines(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines()]
    return " | ".join([line for line in lines if line][-_LAST_LINES:]) or "it said nothing"
