"""What is not a module is called the same by every command, with a remedy that works."""

import pathlib
import re
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from golden.golden_values import GOLDEN

import converter
from converter import errors
from converter.cli import main as cli
from converter.migration.outcomes import NotLegacy, Reason

ROOT = pathlib.Path(__file__).parents[2]


def export_graph(folder, *, frozen):
    """A small model: a checkpoint with its `.meta`, or a frozen graph."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        kernel = tf.get_variable("kernel", initializer=np.float32([[1], [2], [3]]))
        tf.matmul(x, kernel, name="y")
        session.run(tf.global_variables_initializer())
        if not frozen:
            tf.train.Saver().save(session, str(folder / "model.ckpt"))
            return
        frozen_graph = tf.graph_util.convert_variables_to_constants(
            session, graph.as_graph_def(), ["y"]
        )
        (folder / "frozen_inference_graph.pb").write_bytes(frozen_graph.SerializeToString())


def module_below(folder):
    shutil.copytree(GOLDEN / "half_plus_two" / "module", folder / "nnlm")


def tf2_model(folder):
    converter.convert(GOLDEN / "half_plus_two" / "module", folder / "source")
    for part in (folder / "source").iterdir():
        part.rename(folder / part.name)
    (folder / "source").rmdir()


CASES = {
    "module below": (module_below, "", "its folder 'nnlm' has", "Pass {source}/nnlm."),
    "part of a module": (module_below, "nnlm/variables", "a part of the model", "Pass {root}/nnlm"),
    "file of a module": (
        module_below, "nnlm/variables/variables.index", "is one file of a model",
        "Pass its directory, {root}/nnlm",
    ),
    "TF2": (tf2_model, "", "is a TF2 SavedModel already", "hub.KerasLayer"),
    "checkpoint": (
        lambda folder: export_graph(folder, frozen=False), "", "its 'checkpoint' is a TF1 check",
        "simple_save",
    ),
    "file of a checkpoint": (
        lambda folder: export_graph(folder, frozen=False), "model.ckpt.index", "it is a TF1 checkp",
        "simple_save",
    ),
    "frozen graph": (
        lambda folder: export_graph(folder, frozen=True), "", "is a bare graph", "simple_save"
    ),
    "file of a frozen graph": (
        lambda folder: export_graph(folder, frozen=True), "frozen_inference_graph.pb",
        "it is a bare graph", "simple_save",
    ),
}  # fmt: skip


def run(*arguments):
    return cli.main(cli.parse_arguments(["tf1hub", *map(str, arguments)]))


@pytest.fixture
def place(tmp_path):
    def make(case):
        build, part, words, remedy = CASES[case]
        root = tmp_path / "in"
        root.mkdir()
        build(root)
        source = root / part if part else root
        return source, words, remedy.format(source=source, root=root)

    return make


@pytest.mark.parametrize("case", CASES)
def test_every_command_says_the_same(case, place, tmp_path, capsys):
    source, words, remedy = place(case)
    shutil.copytree(GOLDEN / "half_plus_two" / "module", tmp_path / "sound")
    converter.convert(tmp_path / "sound", tmp_path / "converted")
    capsys.readouterr()
    lines = set()
    commands = [
        ["inspect", source], ["convert", source, tmp_path / "out"],
        ["verify", source, tmp_path / "converted"], ["debug", "passes", source],
    ]  # fmt: skip
    # A scan takes any SavedModel.
    for command in commands if case == "TF2" else [*commands, ["scan", source]]:
        assert run(*command) == 1
        lines.update(x for x in capsys.readouterr().err.splitlines() if "error:" in x)
    (line,) = lines
    assert words in line
    assert remedy in line
    with pytest.raises(errors.FormatError) as caught:
        converter.load(source)
    assert str(caught.value) == line.removeprefix("tf1hub: error: ")
    assert not (tmp_path / "out").exists()


def test_a_migration_says_so_of_what_it_skips(tmp_path):
    root = tmp_path / "tree"
    for name, case in (("ckpt", "checkpoint"), ("a/frozen", "frozen graph"), ("new", "TF2")):
        (root / name).mkdir(parents=True)
        CASES[case][0](root / name)
    (root / "docs").mkdir()
    (root / "docs" / "README").touch()
    module_below(root)
    shutil.make_archive(str(root / "packed"), "zip", root / "ckpt")
    report = converter.migrate(root, tmp_path / "dst", workers=1)
    skipped = {o.path: o for o in report.outcomes if isinstance(o, NotLegacy)}
    assert set(skipped) == {"ckpt", "a/frozen", "new", "docs", "packed.zip"}
    assert skipped["new"].reason is Reason.TF2
    assert "hub.KerasLayer(PATH, trainable=True) fine-tunes it" in skipped["new"].explanation
    assert skipped["ckpt"].explanation.startswith("Its 'checkpoint' is a TF1 checkpoint, which")
    assert "simple_save" in skipped["ckpt"].explanation
    assert "its 'checkpoint' is a TF1 checkpoint" in skipped["packed.zip"].explanation
    assert "is a bare graph" in skipped["a/frozen"].explanation
    assert skipped["docs"].explanation == "It holds files, but neither a model nor an archive."
    assert report.counts["converted"] == 1


@pytest.mark.parametrize("kind", ["checkpoint", "graph"])
def test_what_the_documentation_exports_converts(kind, tmp_path, monkeypatch):
    export_graph(tmp_path, frozen=kind == "graph")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "saved_models.md").read_text()
    (code,) = re.findall(rf"```python {kind}\n(.*?)```", page, re.DOTALL)
    exec(code, {})
    conversion = converter.convert("saved_model", "converted", verify=True)
    assert conversion.verdict == "equal"
    loaded = tf.saved_model.load_v2("converted")
    assert loaded(tf.constant([[1.0, 1.0, 1.0]]))["y"].numpy() == [[6.0]]
    assert len(loaded.variables) == (1 if kind == "checkpoint" else 0)
