"""Programs that turn TensorFlow 2 off, as those of TF1 do, convert modules all the same."""

import pathlib
import subprocess
import sys

import pytest
from golden.golden_values import GOLDEN

import converter

# Control flow of V1, and functional; ref variables; a table with its asset.
_NAMES = ("while_cond_in_body", "v2_cond", "ref_moving_averages", "text_embedding_oov")

_PROGRAM = """
import pathlib, sys
import tensorflow.compat.v1 as tf
getattr(tf, sys.argv[1])()
import converter
golden, results = map(pathlib.Path, sys.argv[2:4])
with tf.Graph().as_default() as graph, tf.Session():
    for name in sys.argv[4:]:
        converter.convert(golden / name / "module", results / name)
    module = converter.load(golden / "text_embedding_oov" / "module")
    assert len(module.variables) == 3 and not graph.get_operations()
assert not tf.executing_eagerly()
"""


@pytest.mark.parametrize("off", ["disable_eager_execution", "disable_v2_behavior"])
def test_the_bytes_are_the_same(off, tmp_path):
    command = [sys.executable, "-c", _PROGRAM, off, str(GOLDEN), str(tmp_path / "there"), *_NAMES]
    subprocess.run(command, check=True, cwd=pathlib.Path(converter.__file__).parents[1])
    for name in _NAMES:
        converter.convert(GOLDEN / name / "module", tmp_path / "here" / name)
    here, there = (
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "here", tmp_path / "there")
    )
    assert here == there
