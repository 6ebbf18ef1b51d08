"""`tf1hub explain`."""

import io
import json

import pytest

from converter.cli import main as cli


@pytest.fixture
def explain(capsys):
    """`explain(*arguments)` returns exit status, stdout and stderr."""

    def call(*arguments):
        status = cli.main(cli.parse_arguments(["tf1hub", "explain", *arguments]))
        return status, *capsys.readouterr()

    return call


def test_it_prints_the_cause_and_the_remedy(explain):
    status, out, err = explain("ModuleNotFoundError:", "No module named 'pkg_resources'")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0] == "tensorflow_hub: No module named 'pkg_resources'"
    assert lines[1].startswith("    tensorflow_hub 0.16.1 and earlier import")
    assert "    Remedy: `pip install 'setuptools<82'`" in out
    assert max(map(len, lines)) <= 100
    assert [line for line in lines if line != line.rstrip()] == []


def test_it_reads_what_another_command_printed(explain, monkeypatch):
    error = "tf1hub: reading\ntf1hub: error: there is no file of inputs at no.npz. Write them.\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(error))
    status, out, _ = explain("-")
    assert (status, out.splitlines()[0]) == (
        0, "PathNotFoundError: there is no file of inputs at {path}",
    )  # fmt: skip


def test_json_is_one_document(explain):
    status, out, _ = explain("--json", "outer_context")
    (message,) = json.loads(out)
    assert (status, message["error"]) == (0, "TensorFlow")
    assert set(message) == {"error", "text", "cause", "remedy"}


def test_a_text_that_no_message_is_like_fails(explain):
    status, out, err = explain("qwertz yxcvb")
    assert (status, out) == (1, "")
    assert err.startswith("tf1hub: error: no message is like this text")
    assert explain("--json", "qwertz yxcvb")[:2] == (1, "[]\n")


def test_an_empty_text_is_wrong_use(explain):
    status, _, err = explain(" ")
    assert (status, "there is no text to explain" in err) == (2, True)
