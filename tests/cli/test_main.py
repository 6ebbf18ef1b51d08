"""The command line, run in this process."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from converter.cli import main as cli


@pytest.fixture
def run(capfd):
    """`run(*arguments)` returns exit status, stdout and stderr."""

    def call(*arguments):
        try:
            status = cli.main(cli.parse_arguments(["tf1hub", *map(str, arguments)]))
        except SystemExit as stop:
            status = stop.code
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return call


def error_line(stderr):
    """The one line that says what failed; progress may stand before it."""
    lines = [line for line in stderr.splitlines() if line.startswith("tf1hub: error: ")]
    assert len(lines) == 1
    assert stderr.rstrip().endswith(lines[0])
    assert "Traceback" not in stderr
    return lines[0].removeprefix("tf1hub: error: ")


def test_convert_says_where_it_went(run, golden_module, tmp_path):
    status, out, err = run("convert", golden_module("half_plus_two"), tmp_path / "out")
    assert status == 0
    assert out.splitlines()[0] == f"Converted to {tmp_path / 'out'}"
    assert "2 variables (2 trainable)" in out
    assert "tf1hub: reading the module" in err
    assert tf.saved_model.load(str(tmp_path / "out"))(tf.constant([2.0])).numpy() == [3.0]


def test_convert_prints_its_record_as_one_json_document(run, golden_module, tmp_path):
    status, out, _ = run("convert", golden_module("half_plus_two"), tmp_path / "out", "--json")
    assert status == 0
    record = json.loads(out)["record"]
    assert record == json.loads((tmp_path / "out/assets.extra/conversion.json").read_text())


def test_warnings_go_to_stderr(run, golden_module, tmp_path):
    _, out, err = run("convert", golden_module("gan_uninstantiated"), tmp_path / "out")
    assert "tf1hub: warning: Graph variant {bs8, disc} is left out" in err
    assert "left out" not in out


def test_options_reach_the_conversion(run, golden_module, tmp_path):
    status, out, _ = run(
        "convert", golden_module("gan_spectral"), tmp_path / "out", "--json",
        "--tags", "gen,bs8", "--training-tags", "disc,bs8", "--call-signature", "generator",
    )  # fmt: skip
    assert status == 0
    record = json.loads(out)["record"]
    assert record["options"] == {
        "tags": ["bs8", "gen"],
        "training_tags": ["bs8", "disc"],
        "call_signature": "generator",
    }
    assert record["root"] == "generator"


def test_inspect_fits_100_columns(run, fixture_name, golden_module):
    module = golden_module(fixture_name)
    status, out, err = run("inspect", module)
    assert status == 0
    assert err == ""
    # The command to type has the path, which is as long as the machine has it.
    assert max(map(len, out.replace(str(module), "module").splitlines())) <= 100


def test_inspect_of_the_bert_pattern(run, golden_module):
    source = golden_module("bert_tiny")
    _, out, _ = run("inspect", source)
    for text in (
        "{train}   training",
        "input_ids",
        "float32 [?, ?, 16]",
        "44, 44 of them trainable",
        "14 more: --all lists them",
        "bert_vocab.txt",
        'obj.tokens({"input_ids": …, "input_mask": …, "segment_ids": …}, training=False)',
        'obj({"input_word_ids": …, "input_mask": …, "input_type_ids": …}, training=False)',
        "obj([input_word_ids, input_mask, input_type_ids], training=False)",
        'obj.serve({"input_ids": …, "input_mask": …, "segment_ids": …})',
        'obj.serve_training({"input_ids": …, "input_mask": …, "segment_ids": …})',
        "KiB on disk",
        "6,152 parameters, 6,152 of them trainable; 24 KiB",
        "    module = tf.saved_model.load('DST')",
        "        'input_ids': tf.ones([2, 8], tf.int32),",
    ):
        assert text in out
    assert "placement" not in out
    _, everything, _ = run("inspect", source, "--all", "-v")
    assert "bert/pooler/dense/kernel" in everything
    assert "46 nodes of {train}" in everything


def test_inspect_shows_no_lines_of_python_for_what_cannot_be_converted(run, golden_module):
    source = golden_module("half_plus_two")
    shutil.rmtree(source / "variables")
    _, out, _ = run("inspect", source)
    assert "Cannot be converted" in out
    assert "saved_model.load" not in out


def test_inspect_leaves_conventions_out(run, golden_module):
    _, out, _ = run("inspect", golden_module("bert_tokens_only"), "--no-conventions")
    assert "input_word_ids" not in out
    assert "obj.serve(" in out


def test_inspect_says_what_images_a_module_takes(run, golden_module):
    _, out, _ = run("inspect", golden_module("image_bn_dropout"))
    assert "Images: [16, 16, 3], values from 0 to 1; 8 features" in out
    _, out, _ = run("inspect", golden_module("half_plus_two"))
    assert "Images:" not in out


def test_conventions_are_left_out_on_request(run, golden_module, tmp_path):
    source = golden_module("bert_tokens_only")
    _, out, _ = run("convert", source, tmp_path / "out", "--json", "--no-conventions")
    record = json.loads(out)["record"]
    assert record["options"]["conventions"] is False
    assert record["conventions"]["spellings"] == []


def test_inspect_lists_inputs_that_python_cannot_say(run, golden_module):
    _, out, _ = run("inspect", golden_module("odd_serving_names"))
    rows = [line.split() for line in out.splitlines()]
    assert ["'own_self'", "'self'", "self__1"] in rows
    assert ["'empty_alone'", "''", "input"] in rows


def test_inspect_says_nothing_of_inputs_that_python_can_say(run, golden_module):
    _, out, _ = run("inspect", golden_module("odd_input_names"))
    assert "Keywords of signatures in Python" not in out


def test_inspect_prints_one_json_document(run, fixture_name, golden_module):
    status, out, _ = run("inspect", golden_module(fixture_name), "--json")
    assert status == 0
    summary = json.loads(out)
    assert summary["graph_variants"]
    assert summary["refused"] is None


def add_conditional(source, other_side="", signature="default", scope=""):
    """Leads an output of half_plus_two through a Switch, and joins it with another tensor."""
    path = source / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    meta_graph = saved_model.meta_graphs[0]
    output = meta_graph.signature_def[signature].outputs["default"]
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(True, name=f"{scope}condition")
    meta_graph.graph_def.node.extend(graph.as_graph_def().node)
    switch = meta_graph.graph_def.node.add(
        name=f"{scope}switch", op="Switch", input=[output.name, f"{scope}condition"]
    )
    merge = meta_graph.graph_def.node.add(
        name=f"{scope}merge", op="Merge", input=[other_side or output.name, f"{scope}switch:1"]
    )
    for node in (switch, merge):
        node.attr["T"].type = output.dtype
    merge.attr["N"].i = 2
    output.name = f"{scope}merge:0"
    path.write_bytes(saved_model.SerializeToString())


def test_control_flow_converts(run, golden_module, tmp_path):
    source = golden_module("half_plus_two")
    add_conditional(source, "switch")
    status, out, _ = run("inspect", source)
    assert status == 0
    assert "1 conditional " in out
    assert "Cannot be converted" not in out
    assert run("convert", "--verify", source, tmp_path / "out")[0] == 0


def test_control_flow_without_a_nested_form_is_refused_with_the_node(run, golden_module, tmp_path):
    source = golden_module("half_plus_two")
    add_conditional(source)
    status, out, _ = run("inspect", source)
    assert status == 0
    assert "1 conditional " in out
    assert "Cannot be converted" in out
    assert "(at node 'merge')" in " ".join(out.split())
    status, out, err = run("convert", source, tmp_path / "out")
    assert status == 1
    assert "(at node 'merge')" in error_line(err)
    assert not (tmp_path / "out").exists()


def add_signatures(source, *names):
    """Offers what half_plus_two computes under more names."""
    path = source / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    signatures = saved_model.meta_graphs[0].signature_def
    for name in names:
        signatures[name].CopyFrom(signatures["default"])
    path.write_bytes(saved_model.SerializeToString())


def test_inspect_lists_all_refusals_and_who_has_them(run, golden_module, tmp_path):
    source = golden_module("half_plus_two")
    add_signatures(source, "fine", "other")
    add_conditional(source)
    add_conditional(source, signature="other", scope="second/")
    add_signatures(source, "same")
    status, out, _ = run("inspect", source, "--json")
    assert status == 0
    summary = json.loads(out)
    assert summary["callables"] == {}
    one, other = summary["refusals"]
    assert one["callables"] == ["default", "same"]
    assert "(at node 'merge'). Build the choice" in one["error"]
    assert other["callables"] == ["other"]
    assert "(at node 'second/merge'). Build" in other["error"]
    assert summary["refused"] == one["error"]
    status, out, _ = run("inspect", source)
    assert status == 0
    text = " ".join(out.split())
    assert text.count("Cannot be converted") == 1
    assert "obj.default, obj.same: the inputs of a Merge do not exclude each other" in text
    assert "obj.other: the inputs of a Merge do not exclude each other" in text
    assert "obj.fine:" not in text
    _, _, err = run("convert", source, tmp_path / "out")
    assert "(at node 'merge')" in error_line(err)


def test_inspect_lists_a_refusal_that_no_callable_has(run, golden_module):
    source = golden_module("half_plus_two")
    for file in (source / "variables").iterdir():
        file.unlink()
    _, out, _ = run("inspect", source, "--json")
    summary = json.loads(out)
    assert "no value for variable 'a'" in summary["refused"]
    assert [refusal["error"] for refusal in summary["refusals"]] == [summary["refused"]]


def test_inspect_lists_no_refusals_of_what_can_be_converted(run, golden_module):
    _, out, _ = run("inspect", golden_module("half_plus_two"), "--json")
    summary = json.loads(out)
    assert summary["refused"] is None
    assert summary["refusals"] == []


def test_an_unknown_op_is_named_with_its_package(run, golden_module, tmp_path):
    source = golden_module("half_plus_two")
    path = source / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    node = next(n for n in saved_model.meta_graphs[0].graph_def.node if n.op == "Mul")
    node.op = "SentencepieceTokenizeOp"
    path.write_bytes(saved_model.SerializeToString())
    status, _, err = run("convert", source, tmp_path / "out")
    assert status == 1
    line = error_line(err)
    assert "'SentencepieceTokenizeOp'" in line
    assert node.name in line
    assert "--import-ops tensorflow_text" in line


def test_verify_of_equal_models(run, golden_module, tmp_path):
    source = golden_module("half_plus_two")
    run("convert", source, tmp_path / "out")
    status, out, _ = run("verify", source, tmp_path / "out")
    assert status == 0
    assert "Equal" in out
    status, out, _ = run("verify", source, tmp_path / "out", "--json")
    assert status == 0
    assert json.loads(out)["passed"] is True


def test_verify_of_models_that_differ(run, golden_module, tmp_path):
    source = golden_module("half_plus_two")
    run("convert", source, tmp_path / "out")
    prefix = str(tmp_path / "out/variables/variables")
    reader = tf.train.load_checkpoint(prefix)
    values = {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}
    key = next(key for key in values if key.endswith("VARIABLE_VALUE"))
    values[key] = values[key] + np.float32(1)
    names = sorted(values)
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names),
        tensors=[tf.constant(values[name]) for name in names],
    )  # fmt: skip
    status, out, _ = run("verify", source, tmp_path / "out")
    assert status == 1
    assert "default" in out


def test_what_could_not_be_compared_has_an_exit_status(run, golden_module, tmp_path):
    source, out = golden_module("ref_embedding"), tmp_path / "out"
    np.savez(tmp_path / "wrong.npz", default=np.full((2, 3), 100))
    wrong = ("--inputs", tmp_path / "wrong.npz")
    status, stdout, err = run("convert", "--verify", *wrong, source, out)
    assert status == 3
    assert "Not compared: all of default" in " ".join(stdout.split())
    assert "qual to the original" not in stdout
    assert "Pass --inputs FILE.npz (in Python: inputs=) with `default/default` (int64" in err
    assert (out / "saved_model.pb").is_file()
    parity = json.loads((out / "assets.extra" / "conversion.json").read_text())["parity"]
    assert (parity["verdict"], parity["passed"]) == ("not compared", False)
    assert "not in [0, 7)" in parity["not_compared"][0]

    status, stdout, _ = run("verify", source, out, *wrong, "--json")
    assert status == 3
    assert json.loads(stdout)["verdict"] == "not compared"


def test_inputs_are_for_comparing(run, golden_module, tmp_path):
    np.savez(tmp_path / "mine.npz", default=np.ones(3, np.float32))
    source, inputs = golden_module("half_plus_two"), ("--inputs", tmp_path / "mine.npz")
    status, _, err = run("convert", source, tmp_path / "out", *inputs)
    assert status == 2
    assert "--verify" in error_line(err)
    np.savez(tmp_path / "mine.npz", nope=np.ones(3, np.float32))
    status, _, err = run("convert", "--verify", source, tmp_path / "out", *inputs)
    assert status == 2
    assert "'nope'" in error_line(err)
    assert not (tmp_path / "out").exists()


def test_verify_takes_the_user_s_arrays(run, golden_module, tmp_path):
    source = golden_module("half_plus_two")
    run("convert", source, tmp_path / "out")
    np.savez(tmp_path / "mine.npz", default=np.float32([1, 2, 3]))
    status, _, _ = run("verify", source, tmp_path / "out", "--inputs", tmp_path / "mine.npz")
    assert status == 0
    np.savez(tmp_path / "mine.npz", pictures=np.float32([1, 2, 3]))
    status, _, err = run("verify", source, tmp_path / "out", "--inputs", tmp_path / "mine.npz")
    assert status == 2
    assert "pictures" in error_line(err)


BAD_INPUT = {
    "absent": (lambda p: p.rename(p.parent / "elsewhere"), "does not exist"),
    "empty": (lambda p: [f.unlink() for f in p.rglob("*") if f.is_file()], "neither"),
    "future feature": (
        lambda p: (p / "tfhub_module.pb").write_bytes(b"\x08\x03\x12\x06quanta"),
        "quanta",
    ),
    "truncated graph": (
        lambda p: (p / "saved_model.pb").write_bytes((p / "saved_model.pb").read_bytes()[:-9]),
        "saved_model.pb is damaged",
    ),
    "no weights": (
        lambda p: [f.unlink() for f in (p / "variables").iterdir()],
        "no value for variable 'a'",
    ),
    "truncated weights": (
        lambda p: (p / "variables/variables.data-00000-of-00001").write_bytes(b"\0"),
        "variable 'a' ends at byte 4 of 'variables.data-00000-of-00001', which has 1",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
@pytest.mark.parametrize("command", ["convert", "inspect"])
def test_bad_input_is_one_line_and_leaves_nothing(run, golden_module, tmp_path, case, command):
    source = golden_module("half_plus_two")
    damage, expected = BAD_INPUT[case]
    damage(source)
    out = tmp_path / "out"
    status, stdout, err = run(command, source, *([out] if command == "convert" else []))
    if command == "inspect" and case == "no weights":
        assert status == 0
        assert expected in " ".join(stdout.split())
        return
    assert status == (2 if case == "absent" else 1)
    assert stdout == ""
    assert expected in error_line(err)
    assert not out.exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--tags", "gen,bs64"], "no graph variant with tags {bs64, gen}"),
        (["--training-tags", "learn"], "no graph variant with tags {learn}"),
        (["--tags", "gen,bs8", "--call-signature", "genrator"], "no signature 'genrator'"),
        (["--import-ops", "tensorflow_texts"], "'tensorflow_texts' of --import-ops"),
    ],
)
def test_unknown_names_are_wrong_use(run, golden_module, tmp_path, arguments, expected):
    source = golden_module("gan_spectral")
    status, _, err = run("convert", source, tmp_path / "out", *arguments)
    assert status == 2
    assert expected in error_line(err)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [["frobnicate"], ["convert"], ["inspect", "a", "b"]])
def test_wrong_arguments_are_wrong_use(run, arguments):
    status, out, err = run(*arguments)
    assert status == 2
    assert out == ""
    assert "usage: tf1hub" in err


def test_an_error_that_nobody_foresaw_is_one_line(run, golden_module, monkeypatch):
    def fail(_, **__):
        raise KeyError("surprise")

    monkeypatch.setattr("converter.conversion.inspect.inspect", fail)
    status, _, err = run("inspect", golden_module("half_plus_two"))
    assert status == 1
    assert "internal error: KeyError: 'surprise'" in error_line(err)


@pytest.mark.slow
def test_the_command_from_the_shell(golden_module, tmp_path):
    def shell(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "converter", *map(str, arguments)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert "inspect" in shell("--help").stdout
    source = golden_module("half_plus_two")
    done = shell("convert", "--verify", source, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Equal: " in done.stdout
    assert all(line.startswith("tf1hub: ") for line in done.stderr.splitlines()), done.stderr
    failed = shell("--verbosity=1", "inspect", tmp_path / "nowhere")
    assert failed.returncode == 2
    assert "Traceback" in failed.stderr
    version = shell("--version")
    assert version.stdout.startswith("tf1hub ")
