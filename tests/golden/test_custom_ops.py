"""A module whose ops a package registers; for this, tensorflow_text has to be installed.

`scripts/test_custom_ops` installs it beside the TensorFlow of an environment, and runs these.
"""

import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import converter
from converter import errors
from converter.cli import main as cli
from converter.processes.custom_ops import is_module
from golden import test_golden
from golden.converted_model import convert_to_disk
from golden.golden_values import CUSTOM_OPS, fixture_folder, read_golden

NAME = "wiki40b"
PACKAGES = [CUSTOM_OPS[NAME]]
MODULE = fixture_folder(NAME) / "module"

needs_package = pytest.mark.skipif(
    not is_module(CUSTOM_OPS[NAME]), reason="tensorflow_text is not installed"
)


def run(code, *arguments):
    """Runs code in a fresh process, in which no package is imported yet."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_package
@pytest.mark.parametrize("what", ["variables_are_those_of", "calls_equal", "losses_equal"])
def test_it_equals_tf1(what):
    getattr(test_golden, f"test_{what}_tf1")(NAME)


@needs_package
@pytest.mark.slow
def test_the_comparison_finds_it_equal(tmp_path, capsys):
    out, word = tmp_path / "out", ["--import-ops", *PACKAGES]

    def command(name, *options):
        arguments = [name, str(MODULE), str(out), *options]
        status = cli.main(cli.parse_arguments(["tf1hub", *arguments]))
        return status, capsys.readouterr()

    status, said = command("convert", "--verify", *word)
    assert status == 0
    assert "`import tensorflow_text` has to run before it is loaded" in said.err
    status, said = command("verify", "--json", *word)
    assert status == 0
    report = json.loads(said.out)
    assert (report["verdict"], report["not_compared"]) == ("equal", [])
    assert len(report["rows"]) > 200
    status, said = command("verify")
    assert status == 1
    assert "--import-ops tensorflow_text" in said.err


@needs_package
def test_what_the_result_needs_is_in_its_record():
    (warning,) = [w for w in convert_to_disk(NAME).record["warnings"] if "custom ops" in w]
    assert "`import tensorflow_text` has to run before it is loaded" in warning
    assert "'SentencepieceOp'" in warning


_LOAD = """
import sys, tensorflow as tf
if sys.argv[2:]:
    __import__(sys.argv[2])
model = tf.saved_model.load(sys.argv[1])
ids = model.tokenization(tf.constant(["the cat"]))["token_ids"]
print(model.detokenization(ids)["text"][0].numpy().decode())
"""


@needs_package
def test_a_process_loads_it_if_it_imports_the_package():
    path = convert_to_disk(NAME).path
    assert run(_LOAD, path, *PACKAGES).stdout == "the cat\n"
    failed = run(_LOAD, path)
    assert failed.returncode != 0
    assert "SentencepieceOp" in failed.stderr


@needs_package
@pytest.mark.parametrize("shared_name", ["", "tokens"])
def test_two_models_in_one_process_keep_their_own_tokens(shared_name, tmp_path):
    """The names of their nodes are the same; TensorFlow's loader makes them others, and only it."""
    models = []
    for word in (b"house", b"mouse"):
        source = pathlib.Path(shutil.copytree(MODULE, tmp_path / word.decode()))
        content = (source / "saved_model.pb").read_bytes()
        saved_model = saved_model_pb2.SavedModel.FromString(content)
        for graph in saved_model.meta_graphs:
            for node in graph.graph_def.node:
                if node.op == "SentencepieceOp":
                    node.attr["model"].s = node.attr["model"].s.replace(b"house", word)
                    node.attr["shared_name"].s = shared_name.encode()
        (source / "saved_model.pb").write_bytes(saved_model.SerializeToString())
        models.append(converter.load(source, import_ops=PACKAGES))
        converter.convert(source, f"{source}_2", import_ops=PACKAGES)
        models.append(tf.saved_model.load(f"{source}_2"))
    texts = [model.detokenization(tf.constant([[23]]))["text"].numpy() for model in models]
    assert texts == [[b"house"], [b"house"], [b"mouse"], [b"mouse"]]


_INSPECT = """
import sys, converter
print(converter.inspect(sys.argv[1]).refused)
"""


def test_without_the_word_of_the_user_it_is_refused():
    """Whether or not the package is installed: nothing imports it unasked."""
    done = run(_INSPECT, MODULE)
    assert done.stdout == (
        "op 'SentencepieceOp' is not registered in this TensorFlow (at node"
        " 'SentenceTokenizerInitializer/SentencepieceOp'). It comes with tensorflow_text: install"
        " it and pass import_ops=['tensorflow_text'].\n"
    )


@needs_package
def test_that_the_package_is_imported_is_not_the_word_of_the_user(tmp_path):
    converter.inspect(MODULE, import_ops=PACKAGES)
    with pytest.raises(errors.UnsafeModuleError) as caught:
        converter.convert(MODULE, tmp_path / "out")
    assert "unknown to this version" in caught.value.message
    assert "pass --import-ops tensorflow_text" in caught.value.remedy


@pytest.mark.skipif(is_module(CUSTOM_OPS[NAME]), reason="tensorflow_text is installed")
def test_a_package_that_is_not_installed_is_named(capsys, tmp_path):
    arguments = ["convert", str(MODULE), str(tmp_path / "out"), "--import-ops", *PACKAGES]
    assert cli.main(cli.parse_arguments(["tf1hub", *arguments])) == 2
    assert "pip install tensorflow-text" in capsys.readouterr().err


def test_what_is_recorded_is_all_that_it_offers():
    calls = read_golden(NAME).calls
    assert {call.signature for call in calls} == {
        "activations", "detokenization", "neg_log_likelihood", "prediction", "tokenization",
        "word_embeddings",
    }  # fmt: skip
    ids = [call.outputs["token_ids"] for call in calls if call.signature == "tokenization"]
    assert sorted(np.sum(part == 0) > 0 for part in ids) == [False, True, True]  # <unk>
