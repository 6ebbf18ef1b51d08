"""No remedy names a flag that the command lacks without the commands that have it."""

import argparse

import pytest

from converter import catalogue, errors
from converter.cli import main as cli
from converter.cli.fitting import fit
from converter.spelling import find_flags

_PARSER = cli.make_parser()
_LINES = {
    **{name: argparse.Namespace(command=name) for name in _PARSER.commands() if name != "debug"},
    "debug passes": argparse.Namespace(command="debug", topic="passes"),
}
_OF_ALL = {"--verbosity"}  # absl's, which no help lists.
_MESSAGES = [
    f"{message.text}. {message.remedy}"
    for message in catalogue._read_all()
    if message.error in dir(errors) and find_flags(f"{message.text} {message.remedy}")
]


@pytest.mark.parametrize("name", _LINES)
def test_flags_that_the_command_lacks_are_named_with_their_commands(name):
    parser = _PARSER.innermost(_LINES[name])
    own = {flag for action in parser.visible_actions() for flag in action.option_strings}
    for message in _MESSAGES:
        fitted = fit(message, _PARSER, _LINES[name])
        for flag in find_flags(message):
            said = f" {flag} is a flag of `tf1hub " in fitted
            assert said or flag in own or flag in _OF_ALL, (name, fitted)
            assert not (said and flag in own), (name, fitted)


def test_there_are_messages_with_flags():
    assert len(_MESSAGES) > 20


def test_the_commands_are_listed():
    text = fit("Pass --overwrite, or --card.", _PARSER, _LINES["verify"])
    assert text == (
        "Pass --overwrite, or --card. --overwrite is a flag of `tf1hub convert` and"
        " `tf1hub export`. --card is a flag of `tf1hub convert`."
    )
    assert fit("Pass --overwrite.", _PARSER, _LINES["convert"]) == "Pass --overwrite."
    assert fit("Pass '--overwrite'.", _PARSER, _LINES["card"]) == "Pass '--overwrite'."


def test_errors_are_fitted(capsys, monkeypatch):
    def fail(_):
        raise errors.UnsafeModuleError("no", remedy="Pass --allow-op X (in Python: allow_op=).")

    for command in cli.COMMANDS:
        monkeypatch.setattr(command, "run", fail)
    arguments = cli.parse_arguments(["tf1hub", "explain", "a"])
    assert cli.main(arguments) == 1
    said = capsys.readouterr().err
    assert "Pass --allow-op X. --allow-op is a flag of `tf1hub inspect`, " in said
