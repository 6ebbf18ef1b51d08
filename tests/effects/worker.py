"""The process that is watched: `python -m effects.worker JOB`.

Before each case it looks for a path that does not exist, which the watcher takes for a marker.
"""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import resource
import shutil
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
from hostile_models import PLACES
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

import converter
from converter import errors
from effects.jobs import MARKER_ROOT, Case, Job, Outcome
from effects.payloads import Canary, make_payload

# Nested graphs are looked at only if the op that holds them is let through.
HOLDER = "DatasetFromGraph"
_SECONDS_FOR_THREADS = 0.5


def main(path: str) -> int:
    """Does a job."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    job = Job.read(pathlib.Path(path))
    with contextlib.redirect_stderr(io.StringIO()):
        run(job)
    return 0


def run(job: Job) -> None:
    """Does all cases of a job, and writes the outcome of each."""
    source = pathlib.Path(shutil.copytree(job.module, pathlib.Path(job.root, "source")))
    original = (source / "saved_model.pb").read_bytes()
    converter.scan(source)  # So that all modules are imported.
    converter.inspect(source)
    converter.convert(source, _result(job))
    token, _graph = _register_python_function(job)
    canary = Canary(job.file, job.urls, token)
    with job.outcomes_path.open("a") as outcomes:
        for case in job.cases:
            saved_model = saved_model_pb2.SavedModel.FromString(original)
            add, _ = PLACES[case.place]
            add(saved_model.meta_graphs[0], make_payload(case.op, canary))
            (source / "saved_model.pb").write_bytes(saved_model.SerializeToString())
            _mark(case.marker)
            outcomes.write(_run_case(case, job, source, saved_model).to_line())
            outcomes.flush()
    time.sleep(_SECONDS_FOR_THREADS)
    _mark(MARKER_ROOT)


def _result(job: Job) -> pathlib.Path:
    result = pathlib.Path(job.root, "result")
    shutil.rmtree(result, ignore_errors=True)
    return result


def _mark(path: str) -> None:
    os.access(path, os.F_OK)


def _register_python_function(job: Job) -> tuple[str, tf.Graph]:
    """Registers a function that reads the canary; returns its token, and what keeps it alive."""
    with tf.Graph().as_default() as graph:
        called = tf.numpy_function(lambda *_: np.int32(os.access(job.file, 0)), [], tf.int32)
        return called.op.get_attr("token").decode(), graph


def _run_case(
    case: Case, job: Job, source: pathlib.Path, saved_model: saved_model_pb2.SavedModel
) -> Outcome:
    if case.mode == "import":
        return Outcome(case, converted=_import(saved_model.meta_graphs[0]))
    allowed = [case.op] if case.mode == "allow" else []
    allowed += [HOLDER] if "nested" in case.place else []
    found, inspected = False, ""
    if case.mode == "convert":
        report = converter.scan(source)
        found = any(finding.op == case.op for finding in (*report.findings, *report.notes))
        inspected = _inspect(source, allowed)
    try:
        converter.convert(source, _result(job), allow_op=allowed)
    except errors.ConversionError as error:
        node = getattr(error, "node", None) or ""
        return Outcome(case, found, inspected, type(error).__name__, node, str(error))
    return Outcome(case, found, inspected)


def _inspect(source: pathlib.Path, allowed: list[str]) -> str:
    try:
        refusals = converter.inspect(source, allow_op=allowed).refusals
    except errors.ConversionError as error:
        return type(error).__name__
    return refusals[0].type if refusals else ""


def _import(meta_graph: meta_graph_pb2.MetaGraphDef) -> str:
    try:
        with tf.Graph().as_default():
            tf.graph_util.import_graph_def(meta_graph.graph_def, name="")
    except (ValueError, TypeError, KeyError, tf.errors.OpError) as error:
        return type(error).__name__
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
