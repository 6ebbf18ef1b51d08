"""The command line: help, and errors that know the command and what was meant."""

import pytest

from converter.cli import main as cli


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
