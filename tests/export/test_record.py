"""The record says of a module what its users and tools look up there."""

import copy
import json

import pytest
from golden.converted_model import convert_to_disk

from converter.export.attachments import decode_attachment
from converter.export.record import FILENAME, FOLDER, read_record, to_bytes
from converter.files.source_files import digest
from converter.version import __version__

_IMAGES = {"kind": "dense", "dtype": "float32", "shape": [None, 16, 16, 3]}


@pytest.fixture(scope="module")
def record():
    return lambda name: copy.deepcopy(dict(convert_to_disk(name).record))


def test_where_it_comes_from(record, golden_module):
    found = record("table_file")
    assert found["source"]["name"] == "source"
    assert found["source"]["format"] == "tf1_hub"
    assert found["source"]["digest"] == digest(golden_module("table_file"))
    assert found["converter"] == __version__
    assert found["parity"] is None
    assert found["options"]["call_signature"] is None


def test_what_the_graph_variants_are_for(record):
    assert record("image_bn_dropout")["graph_variants"] == [
        {"tags": [], "role": "inference"},
        {"tags": ["train"], "role": "training"},
    ]
    gan = {tuple(v["tags"]): v for v in record("gan_uninstantiated")["graph_variants"]}
    assert gan["bs8", "disc"]["role"] == "left out"
    assert "no value for variable 'discriminator/conv/kernel'" in gan["bs8", "disc"]["why"]
    assert gan["bs2", "gen"]["role"] == "named callables"


def test_callables(record):
    found = record("image_bn_dropout")
    assert found["root"] == "default"
    default = found["callables"]["default"]
    assert (default["signature"], default["tags"], default["training_tags"]) == (
        "default", [], ["train"],
    )  # fmt: skip
    assert default["inputs"] == {"images": _IMAGES}
    assert default["outputs"]["default"]["shape"] == [None, 8]
    assert default["return_endpoints"]
    assert default["regularization_losses"] == [0, 1]
    assert len(found["regularization_losses"]) == 2
    assert len(default["update_ops"]) == 4
    assert "TinyNet/Conv2d_1a_3x3/BatchNorm/moving_mean" in default["variables"]


def test_hyperparameters_have_the_defaults_of_the_graph(record):
    callables = record("image_bn_dropout")["callables"]
    hparam = callables["default"]["hparams"]["batch_norm_momentum"]
    assert hparam.pop("default") == pytest.approx(0.9)
    assert hparam == {
        "input": "batch_norm_momentum", "kind": "dense", "dtype": "float32", "shape": [],
    }  # fmt: skip
    assert callables["image_classification"]["hparams"] == {}


def test_kinds_and_unknown_shapes(record):
    mixed = record("sparse_mixed")["callables"]["default"]
    assert mixed["inputs"]["x"]["kind"] == "sparse"
    assert mixed["training_tags"] is None
    assert not mixed["return_endpoints"]
    outputs = record("odd_unknown_rank")["callables"]["default"]["outputs"]
    assert [outputs[key]["shape"] for key in ("default", "rank", "shape")] == [None, [], [None]]


def test_variables_and_where_their_values_were(record):
    second = record("text_embedding_oov")["variables"][1]
    assert second == {
        "name": "embeddings/part_1",
        "dtype": "float32",
        "shape": [5, 6],
        "trainable": True,
        "checkpoint_key": "embeddings",
        "slice": {"full_shape": [15, 6], "offset": [5, 0], "shape": [5, 6]},
    }
    image = {v["name"]: v for v in record("image_bn_dropout")["variables"]}
    moving = image["TinyNet/Conv2d_1a_3x3/BatchNorm/moving_mean"]
    assert not moving["trainable"]
    assert "slice" not in moving
    unknown = record("unknown_shape_variable")["variables"]
    assert [(v["dtype"], v["shape"]) for v in unknown] == [("float32", None), ("int64", None)]


def test_tables_and_assets(record):
    found = record("table_file")
    (table,) = found["tables"]
    assert table == {
        "tags": [],
        "node": "string_to_index/hash_table/hash_table",
        "op": "HashTableV2",
        "initializers": ["string_to_index/hash_table/table_init/InitializeTableFromTextFileV2"],
    }
    assert found["assets"] == ["words.txt"]


def test_attachments_are_decoded_where_their_type_is_known(record):
    found = {(tuple(a["tags"]), a["key"]): a for a in record("attachments")["attachments"]}
    assert set(found) == {
        ((), "image_module_info"), ((), "limits"), (("train",), "image_module_info"),
        (("train",), "limits"), (("train",), "optimizer"),
    }  # fmt: skip
    info = found[(), "image_module_info"]
    assert info["size_bytes"] == 6
    assert info["json"] == {"default_image_size": {"height": 8, "width": 12}}
    assert found[(), "limits"]["json"] is None


def test_a_damaged_attachment_is_not_decoded():
    assert decode_attachment("image_module_info", b"\x0a\xff") is None


def test_it_is_json_that_people_can_read():
    text = to_bytes({"names": ["ä"]}).decode()
    assert text == '{\n "names": [\n  "ä"\n ]\n}\n'
    assert json.loads(text) == {"names": ["ä"]}


def test_the_first_records_are_read(record, tmp_path):
    older = record("half_plus_two")
    assert older.pop("regions")
    for part in older["callables"].values():
        for name in ("always_trains", "served_as", "serving_keywords"):
            del part[name]
    older["parity"] = {
        "passed": True, "tensors": 12, "bit_equal": 12, "worst_abs": 0.0, "worst_rel": 0.0,
    }  # fmt: skip
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / FILENAME).write_bytes(to_bytes(older))
    found = read_record(tmp_path)
    assert found.regions == {}
    assert found.callables["default"].serving_keywords == {}
    assert found.parity.verdict == "equal"
