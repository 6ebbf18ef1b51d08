import json

import pytest

from converter.cli import main as cli
from converter.cli.export import parse_shape
from converter.exporters import export_model


@pytest.fixture
def run(capsys):
    """`run(*arguments)` returns exit status, stdout and stderr."""

    def call(*arguments):
        status = cli.main(cli.parse_arguments(["tf1hub", "export", *map(str, arguments)]))
        return status, *capsys.readouterr()

    return call


def test_a_module_is_exported_and_the_differences_are_printed(run, golden_module, tmp_path):
    source, out = golden_module("half_plus_two"), tmp_path / "model.tflite"
    status, text, _ = run(source, "--to", "litert", out)
    assert status == 0
    assert f"Exported to {out}" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["default", "default", "float32", "[?]"] in rows
    assert any(row[:2] == ["default", "default_output"] for row in rows)
    status, text, _ = run(
        source, "--to", "litert", out, "--overwrite", "--json",
        "--shape", "default=2",
    )  # fmt: skip
    assert json.loads(text)["inputs"]["default"]["shape"] == [2]
    assert json.loads(text) == json.loads((tmp_path / "model.tflite.json").read_text())


def test_what_is_not_compared_is_said(run, golden_module, tmp_path, monkeypatch):
    monkeypatch.setattr(export_model, "has_random_ops", lambda _: True)
    status, _, words = run(golden_module("half_plus_two"), "--to", "litert", tmp_path / "a")
    assert (status, words.splitlines()[-1]) == (
        3, "tf1hub: warning: not compared: the signature draws random numbers.",
    )  # fmt: skip


def test_what_cannot_be_exported_is_one_line(run, golden_module, tmp_path):
    status, text, words = run(golden_module("sparse_input"), "--to", "litert", tmp_path / "a")
    assert (status, text) == (1, "")
    assert words.splitlines()[-1].startswith(
        "tf1hub: error: signature 'serving_default' cannot be exported to LiteRT because of"
        " SparseTensorDenseMatMul (at 'SparseTensorDenseMatMul/SparseTensorDenseMatMul')."
    )
    assert "Traceback" not in words


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("x=1,?,3", ("x", (1, None, 3))),
        ("a=b=2", ("a=b", (2,))),
        ("x=", ("x", ())),
    ],
)
def test_shapes_are_parsed(text, parsed):
    assert parse_shape(text) == parsed


@pytest.mark.parametrize("text", ["x", "x=-1", "x=a", "x=1,,2"])
def test_what_is_no_shape(text, capsys):
    with pytest.raises(SystemExit):
        cli.parse_arguments(["tf1hub", "export", "m", "o", "--to", "litert", "--shape", text])
    assert "expected INPUT=1,?,3, not" in capsys.readouterr().err
