"""The tasks that `scripts/bench` runs in separate processes.

python -m benchmarks.tasks NAME '{"argument": …}' [RESULT.json]
"""

from __future__ import annotations

import json
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any


def write_weights(directory: str, mib: int) -> None:
    """Writes a module of so many MiB of weights, in tables of at most 64 MiB."""
    import tensorflow as tf
    from fuzz.v1 import v1_graph, write_graph

    from benchmarks.models import embeddings

    tables = max(1, round(mib / 64))
    rows, width = mib * 2**20 // tables // 4096, 1024
    path = pathlib.Path(directory)
    with v1_graph() as graph:
        signature = embeddings(tables, rows, width)
        write_graph(path, graph, signature.inputs, signature.outputs)
    # Every table holds the same numbers, so that one of them is in memory at a time.
    value = tf.random.uniform([rows, width], seed=1)
    tf.raw_ops.SaveV2(
        prefix=str(path / "variables" / "variables"),
        tensor_names=[f"embedding_{index}" for index in range(tables)],
        shape_and_slices=[""] * tables,
        tensors=[value] * tables,
    )


def write_net(directory: str, nodes: int, conds: int) -> dict[str, int]:
    """Writes a module with a deep net; returns the numbers of its nodes and variables."""
    from fuzz.v1 import v1_graph, write_module

    from benchmarks.models import deep_net

    with v1_graph() as graph:
        signature = deep_net(nodes, conds)
        variables = graph.get_collection("variables")
        counts = {"nodes": len(graph.get_operations()), "variables": len(variables)}
        write_module(pathlib.Path(directory), graph, signature.inputs, signature.outputs)
    return counts


def write_model(directory: str, name: str) -> None:
    """Writes `module` and `inputs.npz` of a model that the installed TensorFlow makes."""
    import numpy as np
    from fuzz.v1 import v1_graph, write_module

    from benchmarks.models import MODELS

    path = pathlib.Path(directory)
    with v1_graph() as graph:
        signature = MODELS[name]()
        write_module(path / "module", graph, signature.inputs, signature.outputs)
    random = np.random.default_rng(0)
    inputs = {
        name: random.normal(0.0, 1.0, tensor.shape.as_list()).astype(np.float32)
        for name, tensor in signature.inputs.items()
    }
    np.savez(path / "inputs.npz", **inputs)


def convert_in_stages(source: str, destination: str) -> dict[str, Any]:
    """Converts a module; returns the seconds in all and of each stage."""
    imported = time_import()
    import converter
    from benchmarks.stages import watched

    with watched() as watch:
        start, cpu = time.perf_counter(), time.process_time()
        converter.convert(source, destination)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"import": imported, "seconds": seconds, "cpu": cpu, "stages": watch.seconds}


def save_peer(source: str, destination: str) -> dict[str, float]:
    """Converts a module as TensorFlow can; returns the seconds in all, and those of loading."""
    imported = time_import()
    import tensorflow as tf
    import tensorflow_hub as hub

    start, cpu = time.perf_counter(), time.process_time()
    loaded = hub.load(source)
    read = time.perf_counter() - start
    # Without signatures the result could not be called.
    tf.saved_model.save(loaded, destination, signatures=dict(loaded.signatures))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"import": imported, "load": read, "seconds": seconds, "cpu": cpu}


def load_saved_model(directory: str) -> float:
    """Loads a SavedModel of TF2; returns the seconds."""
    import tensorflow as tf

    start = time.perf_counter()
    tf.saved_model.load(directory)
    return time.perf_counter() - start


def use_model(threads: int, **arguments: Any) -> dict[str, Any]:
    """Times the sides of a model, with so many threads each; see `using.py`."""
    import tensorflow as tf

    from benchmarks.using import use_model as run

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    return run(threads=threads, **arguments)


def time_import() -> float:
    """Imports TensorFlow; returns the seconds."""
    start = time.perf_counter()
    import tensorflow as tf

    del tf
    return time.perf_counter() - start


TASKS: dict[str, Callable[..., Any]] = {
    task.__name__: task
    for task in (
        write_weights,
        write_net,
        write_model,
        convert_in_stages,
        save_peer,
        load_saved_model,
        use_model,
    )
}


def main(name: str, arguments: str, result: str | None = None) -> None:
    """Runs a task and writes what it returns."""
    returned = TASKS[name](**json.loads(arguments))
    if result is not None:
        pathlib.Path(result).write_text(json.dumps(returned))


if __name__ == "__main__":
    main(*sys.argv[1:])
