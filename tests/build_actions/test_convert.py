import argparse
import json
import pathlib

import pytest
import tensorflow as tf

import converter
from converter.build_actions import convert
from converter.conversion.options import ReadingArguments


@pytest.fixture
def run(tmp_path):
    """`run(module, *flags)` converts as Bazel does; returns the output's path, and the record's."""

    def call(module, *flags):
        output = tmp_path / "out/model"
        output.mkdir(parents=True)  # As Bazel does.
        record = tmp_path / "out/model.conversion.json"
        parser = argparse.ArgumentParser()
        convert.add_arguments(parser)
        paths = [f"--module={path}" for path in module]
        arguments = parser.parse_args([*paths, f"--output={output}", f"--record={record}", *flags])
        assert convert.run(arguments) == 0
        return output, record

    return call


def contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_it_writes_what_the_command_line_writes(run, golden_links, golden_module, tmp_path):
    output, record = run(golden_links("half_plus_two"))
    source = golden_module("half_plus_two").rename(tmp_path / "half")
    converter.convert(source, tmp_path / "expected")
    assert contents(output) == contents(tmp_path / "expected")
    assert record.read_bytes() == (output / "assets.extra/conversion.json").read_bytes()
    assert sorted(path.name for path in output.parent.iterdir()) == [output.name, record.name]


def test_nothing_of_the_output_names_a_place(run, golden_links, tmp_path):
    output, _ = run(golden_links("text_embedding_oov"))
    places = [str(tmp_path).encode(), str(pathlib.Path(__file__).parents[2]).encode()]
    assert {"saved_model.pb", "assets.extra/conversion.json"} <= contents(output).keys()
    for name, content in contents(output).items():
        assert not any(place in content for place in places), name


def test_it_is_silent(run, golden_links, capfd):
    run(golden_links("half_plus_two"))
    assert capfd.readouterr() == ("", "")


def test_its_flags_are_those_of_convert(run, golden_links):
    flags = ["--graph-tag=train", "--call-signature=default"]
    output, record = run(golden_links("image_bn_dropout"), *flags)
    options = json.loads(record.read_text())["options"]
    assert options == {"tags": ["train"], "training_tags": None, "call_signature": "default"}
    assert callable(tf.saved_model.load(str(output)).default)


def test_the_rule_takes_every_option_that_decides_the_result(run, golden_links, monkeypatch):
    given = {}

    def take(*_, **options):
        given.update(options)
        raise converter.FormatError("stop")

    monkeypatch.setattr("converter.conversion.convert.convert", take)
    with pytest.raises(converter.FormatError):
        run(golden_links("half_plus_two"), "--allow-op=ReadFile", "--allow-op=Abort")
    assert set(ReadingArguments.__annotations__) <= set(given)
    assert given["allow_op"] == ["ReadFile", "Abort"]


def test_conventions_are_left_out_on_request(run, golden_links):
    _, record = run(golden_links("bert_tokens_only"), "--no-conventions")
    assert json.loads(record.read_text())["options"]["conventions"] is False


def test_an_empty_tag_is_for_the_empty_tag_set(run, golden_links):
    _, record = run(golden_links("image_bn_dropout"), "--graph-tag=", "--training-tag=")
    options = json.loads(record.read_text())["options"]
    assert options == {"tags": [], "training_tags": [], "call_signature": None}


def test_warnings_are_said(run, golden_links, capfd):
    _, record = run(golden_links("gan_uninstantiated"))
    warnings = json.loads(record.read_text())["warnings"]
    assert warnings
    assert capfd.readouterr().err == "".join(f"tf1hub: warning: {text}\n" for text in warnings)
