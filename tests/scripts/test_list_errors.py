"""The catalogue of messages agrees with the code, and the command that keeps it so works."""

import collections
import pathlib
import re

import pytest
from error_catalogue.catalogue_file import format_messages, update_messages
from error_catalogue.command import ROOT, main
from error_catalogue.raise_sites import find_raise_sites

from converter.catalogue import Message, read_messages

CODE = '''
from converter import errors
from converter.words import COPY, NAME

def check(node, names):
    if not names:
        raise errors.FormatError("there is nothing", node=node.name, remedy=COPY)
    raise errors.OddError(
        f"op {node.op!r} at {node.name!r} has {len(names)} of {', '.join(map(repr, names))}"
        f" in {NAME}"
    )

class LocalError(errors.OddError):
    """One of its children."""

def build(text, remedy):
    ValueError("not one of ours")
    return LocalError(text, remedy=remedy)
'''


@pytest.fixture
def project(tmp_path):
    """A project whose code has three messages."""
    package = tmp_path / "converter"
    package.mkdir()
    (tmp_path / "docs").mkdir()
    (package / "errors.py").write_text("class FormatError: ...\nclass OddError: ...\n")
    (package / "words.py").write_text('COPY = "Copy it."\nNAME = "a.pb"\n')
    (package / "code.py").write_text(CODE)
    return tmp_path


def templates(package):
    return sorted((s.error, s.text, s.remedy or "") for s in find_raise_sites(package))


def test_templates_name_what_varies_and_spell_out_what_does_not(project):
    assert templates(project / "converter") == [
        ("FormatError", "there is nothing", "Copy it."),
        ("OddError", "op {op} at {node} has {count} of {names} in a.pb", ""),
        ("OddError", "{text}", ""),
    ]


def test_the_catalogue_and_the_page_are_up_to_date(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_every_message_has_words():
    """A message that is nothing but another error's text cannot be looked up."""
    messages = read_messages(ROOT / "converter/catalogue.toml")
    assert [m for m in messages if re.fullmatch(r"\{\w+\}", m.text)] == []


# Phrases that no native speaker writes; see English in CONTRIBUTING.md.
UNIDIOMATIC = re.compile(
    r"(?<!there )(?<!There )\b(is|are) no\b(?! longer)|\bof (its|their) own\b(?! \w)"
    r"|\bbecame of\b|\banew\b"
)


def test_messages_are_idiomatic():
    messages = read_messages(ROOT / "converter/catalogue.toml")
    texts = [text for m in messages for text in (m.text, m.cause, m.remedy)]
    assert [text for text in texts if UNIDIOMATIC.search(text)] == []


def test_causes_and_remedies_are_sentences():
    messages = read_messages(ROOT / "converter/catalogue.toml")
    texts = [text for m in messages for text in (m.cause, m.remedy)]
    assert [text for text in texts if not text.endswith(".") or text[0].islower()] == []


def test_no_two_messages_share_a_cause():
    causes = collections.Counter(m.cause for m in read_messages(ROOT / "converter/catalogue.toml"))
    assert [cause for cause, count in causes.items() if count > 1] == []


def test_messages_are_no_sentences_since_the_node_and_the_remedy_follow():
    messages = read_messages(ROOT / "converter/catalogue.toml")
    assert [m.text for m in messages if m.text.endswith((".", "!", " "))] == []


def complete(project):
    """Writes a cause and a remedy wherever there is none."""
    path = project / "converter/catalogue.toml"
    done = [
        Message(m.error, m.text, m.cause or f"Because {m.text}.", m.remedy or "Mend it.")
        for m in read_messages(path)
    ]
    path.write_text(format_messages(done))
    return done


def test_messages_without_a_cause_fail_until_somebody_writes_it(project, capsys):
    assert main([], project) == 1
    assert "without cause or remedy: there is nothing" in capsys.readouterr().out
    complete(project)
    assert main([], project) == 0
    assert main(["--check"], project) == 0


def test_reworded_messages_keep_their_causes(project, capsys):
    main([], project)
    complete(project)
    code = project / "converter/code.py"
    code.write_text(CODE.replace("there is nothing", "there is nothing at all"))
    assert main(["--check"], project) == 1
    printed = capsys.readouterr().out
    assert "no longer in the code: FormatError: there is nothing\n" in printed
    assert "new in the code: FormatError: there is nothing at all\n" in printed
    assert "out of date: docs/errors.md\n" in printed
    assert main([], project) == 0
    known = {m.text: m for m in read_messages(project / "converter/catalogue.toml")}
    assert known["there is nothing at all"].cause == "Because there is nothing."
    assert "there is nothing" not in known


def test_other_messages_do_not_inherit_the_cause_of_one_that_is_gone(project):
    main([], project)
    complete(project)
    code = project / "converter/code.py"
    code.write_text(CODE.replace("there is nothing", "12345"))
    assert main([], project) == 1


def test_the_remedy_of_the_code_wins(project):
    sites = find_raise_sites(project / "converter")
    known = [Message("FormatError", "there is nothing", "A cause.", "An old remedy.")]
    (message, *_) = update_messages(known, sites)
    assert message == Message("FormatError", "there is nothing", "A cause.", "Copy it.")


def test_a_check_writes_nothing(project):
    assert main(["--check"], project) == 1
    assert list(pathlib.Path(project / "docs").iterdir()) == []


def test_any_text_survives_the_file(tmp_path):
    messages = [Message("E", 'quotes " and \\ and `ticks`', "á\n\tb", "{c}")]
    (tmp_path / "m.toml").write_text(format_messages(messages))
    assert read_messages(tmp_path / "m.toml") == messages
