import pickle
import re
import subprocess
import sys

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from converter.compile.compile_module import compile_module
from converter.export.saved_model import write_saved_model
from converter.formats.registry import read_module
from converter.sources.source import Source

_ASSEMBLE = """
import pathlib, pickle, sys
from converter.export.saved_model import write_saved_model
from converter.sources.source import Source

compiled = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())
write_saved_model(
    compiled, pathlib.Path(sys.argv[2]), options={}, digest=str, check_source=lambda _: None,
    source=Source(compiled.legacy.directory, "module"),
)
"""


def _read_files(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if path.name != "fingerprint.pb"  # TensorFlow writes a random number into it.
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["defun_gradient", "image_bn_dropout", "table_file"])
def test_another_process_assembles_the_same_bytes(name, golden_compiled, tmp_path):
    compiled = golden_compiled(name)
    (tmp_path / "compiled").write_bytes(pickle.dumps(compiled))
    command = [sys.executable, "-c", _ASSEMBLE, tmp_path / "compiled", tmp_path / "there"]
    subprocess.run(list(map(str, command)), check=True)
    write_saved_model(
        compiled, tmp_path / "here", options={}, digest=str, check_source=lambda _: None,
        source=Source(compiled.legacy.directory, "module"),
    )  # fmt: skip
    here = _read_files(tmp_path / "here")
    assert here["saved_model.pb"]
    assert _read_files(tmp_path / "there") == here


@pytest.mark.parametrize("name", ["bert_tiny", "defun_gradient", "sparse_mixed", "table_file"])
def test_a_copy_is_equal(name, golden_compiled):
    compiled = golden_compiled(name)
    copied = pickle.loads(pickle.dumps(compiled))
    assert copied == compiled
    assert copied.digests() == compiled.digests()


def test_regions_are_named_by_where_they_are_traced(golden_compiled):
    assert list(golden_compiled("image_default_mean").digests())[:5] == [
        "default()", "default(mean=…)", "default(training=True)",
        "default(training=True, mean=…)", "signature 'default'",
    ]  # fmt: skip
    names = list(golden_compiled("table_file").digests())
    assert names == [
        "default()", "default(return_endpoints=True)", "signature 'default'",
        "table 'string_to_index/hash_table/hash_table' of {}, creation",
        "table 'string_to_index/hash_table/hash_table' of {}, filling 0",
    ]  # fmt: skip
    assert list(golden_compiled("defun_gradient").digests()) == [
        "default()", "signature 'default'", "function 'Softplus1p' of {}",
        "function 'Softplus1p' of {}, gradient",
    ]  # fmt: skip
    losses = [name for name in golden_compiled("dense_regularized").digests() if "loss" in name]
    assert losses
    assert all(re.fullmatch(r"regularization loss '\S+:0' of \{\}", name) for name in losses)


def _with_other_bytes(source, node, old, new):
    path = source / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    nodes = {n.name: n for m in saved_model.meta_graphs for n in m.graph_def.node}
    tensor = nodes[node].attr["value"].tensor
    changed = tensor.SerializeToString().replace(old, new)
    assert changed != tensor.SerializeToString()
    tensor.ParseFromString(changed)
    path.write_bytes(saved_model.SerializeToString())


@pytest.mark.parametrize(
    ("node", "old", "new", "regions"),
    [
        ("index_to_string/Const_1", b"no color", b"no_color", {"word()", "signature 'word'"}),
        ("keys", b"green", b"bleen", {"table 'hash_table' of {}, filling 0"}),
    ],
)
def test_a_constant_changes_the_digests_of_the_regions_that_hold_it(
    node, old, new, regions, golden_module
):
    source = golden_module("table_in_memory")
    before = compile_module(read_module(source)).digests()
    _with_other_bytes(source, node, old, new)
    after = compile_module(read_module(source)).digests()
    assert {name for name in before if before[name] != after[name]} == regions
    assert list(before) == list(after)


def test_a_module_that_is_read_again_has_the_same_digests(golden_module):
    path = golden_module("bert_tiny")
    one, other = (compile_module(read_module(path)).digests() for _ in range(2))
    assert one == other
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in one.values())
