"""Lists the ops of the running TensorFlow that `converter/safety/ops.toml` does not classify.

Run it with each TensorFlow to support. An op needs a line in the group that says what its kernel
does; read the kernel, and where that is not clear choose a group whose ops are refused. Exit
status: 0 if there is nothing to do, 1 otherwise.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import tensorflow as tf

from converter import tf_private
from converter.safety.op_table import read_table


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    argparse.ArgumentParser(prog="list_unclassified_ops", description=__doc__).parse_args(argv)
    missing = sorted(tf_private.list_registered_ops() - read_table().keys())
    for op in missing:
        op_def = tf_private.get_op_def(op)
        state = "stateful" if op_def is not None and op_def.is_stateful else "stateless"
        print(f"{op}\t{state}\t{' '.join(op_def.summary.split()) if op_def else ''}")
    print(f"{len(missing)} ops of TensorFlow {tf.__version__} are not classified.")
    return int(bool(missing))
