"""The command line: help, and errors that know the command and what was meant."""

import pytest

from converter.cli import main as cli
from converter.cli.loudness import Loudness


@pytest.fixture
def parse(capsys):
    """`parse(*arguments)` returns status, stdout and stderr of a line that ends the process."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.parse_arguments(["tf1hub", *arguments])
        return stop.value.code, *capsys.readouterr()

    return call


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",)])
def test_help_is_printed(parse, arguments):
    status, out, err = parse(*arguments)
    assert (status, err) == (0, "")
    assert out.startswith("usage: tf1hub ")
    for command in cli.COMMANDS:
        assert f"    {command.NAME} " in out


@pytest.mark.parametrize("name", [command.NAME for command in cli.COMMANDS])
def test_help_of_a_command_is_printed(parse, name):
    assert parse("help", name) == parse(name, "--help")
    assert parse("help", name)[1].startswith(f"usage: tf1hub {name} ")


@pytest.mark.parametrize(
    ("line", "usage", "error"),
    [
        ("convrt a b", "tf1hub", "there is no command 'convrt'; did you mean convert?"),
        ("xyz a b", "tf1hub", "there is no command 'xyz'"),
        ("help convrt", "tf1hub", "there is no command 'convrt'; did you mean convert?"),
        (
            "convert a b --overwite", "tf1hub convert",
            "unrecognized arguments: --overwite; did you mean --overwrite?",
        ),
        (
            "verify a b --atoll=1", "tf1hub verify",
            "unrecognized arguments: --atoll=1; did you mean --atol?",
        ),
        ("inspect a b", "tf1hub inspect", "unrecognized arguments: b"),
        ("convert a", "tf1hub convert", "the following arguments are required: DST"),
    ],
)  # fmt: skip
def test_wrong_use_names_the_usage_and_what_was_meant(parse, line, usage, error):
    status, out, err = parse(*line.split())
    assert (status, out) == (2, "")
    assert err.startswith(f"usage: {usage} ")
    assert err.splitlines()[-1] == f"{usage}: error: {error}"


def test_flags_of_absl_are_still_taken():
    arguments = cli.parse_arguments(["tf1hub", "inspect", "a", "--verbosity=0"])
    assert arguments.source == "a"


@pytest.mark.parametrize("words", [("help", "help"), ("help", "-q")])
def test_help_of_help_is_that_of_all(parse, words):
    status, out, _ = parse(*words)
    assert status == 0
    assert out.startswith("usage: tf1hub ")


def test_the_usage_of_a_topic_is_its_own(parse):
    status, _, err = parse("debug", "passes", "a", "--afer", "b")
    assert status == 2
    assert err.startswith("usage: tf1hub debug passes ")
    assert err.endswith("error: unrecognized arguments: --afer b; did you mean --after?\n")


def test_dashes_make_no_two_flags_alike(parse):
    assert parse("debug", "passes", "a", "--wat")[2].endswith("unrecognized arguments: --wat\n")


@pytest.mark.parametrize("place", ["before", "behind"])
@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.NAME)
def test_every_command_takes_quiet_and_verbose(command, place):
    line = [command.NAME, *_WORDS.get(command.NAME, ["a"])]
    for flags, loudness in (
        (["-q"], Loudness.QUIET), (["--quiet"], Loudness.QUIET),
        (["-v"], Loudness.VERBOSE), (["--verbose"], Loudness.VERBOSE),
    ):  # fmt: skip
        words = [*flags, *line] if place == "before" else [*line, *flags]
        assert cli.parse_arguments(["tf1hub", *words]).loudness is loudness


_WORDS = {
    "convert": ["a", "b"], "verify": ["a", "b"], "migrate": ["a", "b"], "debug": ["passes", "a"],
    "export": ["a", "b", "--to", "onnx"], "completion": ["zsh"],
}  # fmt: skip


def test_quiet_and_verbose_exclude_each_other(parse):
    assert "not allowed with argument" in parse("inspect", "a", "-q", "-v")[2]
