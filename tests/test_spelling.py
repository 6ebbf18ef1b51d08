"""Options are flags on the command line, and arguments in Python."""

import inspect

import pytest

import converter
from converter import catalogue, errors, spelling
from converter.exporters.export_model import export_model


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("Pass --overwrite to replace it.", "Pass overwrite=True to replace it."),
        ("Choose one with --tags.", "Choose one with `tags`."),
        ("pass --allow-op ReadFile.", "pass allow_op=['ReadFile']."),
        ("pass --allow-op with the name of the op", "pass `allow_op` with the name of the op"),
        ("pass --import-ops tensorflow_text.", "pass import_ops=['tensorflow_text']."),
        ("with --call-signature NAME", "with call_signature='NAME'"),
        ("Pass --scheduler tcp://HOST:PORT.", "Pass scheduler='tcp://HOST:PORT'."),
        ("Pass --verify (in Python: verify=True), or", "Pass verify=True, or"),
        ("Pass --inputs FILE.npz (in Python: inputs=) with", "Pass inputs= with"),
        ("such as by --exclude 'a b', or", "such as by exclude=['a b'], or"),
        ("leave out --no-conventions here", "leave out conventions=False here"),
        ("node '--tags' and x--tags and --tagsy", "node '--tags' and x--tags and --tagsy"),
        ("`dask worker ADDRESS --nworkers N`", "`dask worker ADDRESS --nworkers N`"),
        ("run `tf1hub convert --tags a`, or --tags", "run `tf1hub convert --tags a`, or `tags`"),
        ("one: --tags a,b or --tags ''.", "one: tags=['a', 'b'] or tags=[]."),
        ("variant with --tags and leave", "variant with `tags` and leave"),
        ("nothing", "nothing"),
    ],
)
def test_arguments_of_python(text, python):
    assert spelling.in_python(text) == python


def test_an_error_speaks_the_language_of_its_reader():
    remedy = "Pass --verify (in Python: verify=True) or --tags."
    error = errors.UsageError("it exists", remedy=remedy)
    assert str(error) == "it exists. Pass verify=True or `tags`."
    with spelling.of_the_command_line():
        assert str(error) == "it exists. Pass --verify or --tags."
    assert str(error) == "it exists. Pass verify=True or `tags`."


def test_every_spelled_argument_is_one_of_python():
    functions = (converter.convert, converter.verify, converter.migrate, converter.inspect,
                 converter.report, export_model)  # fmt: skip
    known = {name for function in functions for name in inspect.signature(function).parameters}
    for name in spelling.ARGUMENTS - {"training"}:  # `debug passes` has no function of Python.
        spelled = spelling.in_python(f"Pass --{name}.")
        assert spelled.removeprefix("Pass ").strip("`.").partition("=")[0] in known, name


def test_messages_of_errors_name_no_flags_in_python():
    for message in catalogue._read_all():
        if message.error in dir(errors):
            for text in (message.text, message.remedy):
                assert set(spelling.find_flags(spelling.in_python(text))) <= {"--verbosity"}, text


def test_a_message_of_python_is_explained():
    text = "--trainable '(' is not a regular expression: missing )"
    for said in (text, spelling.in_python(text)):
        assert "is not a regular expression" in catalogue.explain(said)[0].text
