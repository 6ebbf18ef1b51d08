"""Model cards: from the record alone, and harmless whatever the module's names are."""

import pathlib
import re

import msgspec
import pytest

import converter
from converter import errors
from converter.conversion.card import code, escape, format_card
from converter.export.record import (
    ConventionsInfo,
    HyperparameterInfo,
    ImageInfo,
    Origin,
    ParityInfo,
    SpellingInfo,
    read_record,
)

_EQUAL = ParityInfo(
    verdict="equal", passed=True, tensors=9, bit_equal=8, worst_abs=0.5, worst_rel=0.5
)
_MODULE = pathlib.Path(__file__).parents[2] / "legacy_fixtures/golden/image_bn_dropout/module"


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    """A converted module, with its card."""
    path = tmp_path_factory.mktemp("card") / "image"
    converter.convert(_MODULE, path, card=True)
    return path


def test_it_is_in_the_saved_model_and_says_the_same_later(saved_model):
    assert (saved_model / "README.md").read_text() == converter.card(saved_model)


@pytest.mark.slow
def test_a_model_with_its_card_is_verified(tmp_path):
    converter.convert(_MODULE, tmp_path / "image", verify=True, card=True)
    assert "Equal: " in (tmp_path / "image/README.md").read_text()
    assert converter.verify(_MODULE, tmp_path / "image").verdict == "equal"


def test_it_has_what_the_record_has(saved_model):
    record = msgspec.structs.replace(read_record(saved_model), parity=_EQUAL)
    text = format_card(record, "m")
    head, _, body = text.removeprefix("---\n").partition("---\n")
    assert head.splitlines()[0] == "tags:"
    assert record.source.digest in body
    assert f"{len(record.variables)} variables" in body
    for part in record.callables.values():
        for name, value in {**part.inputs, **part.outputs}.items():
            assert f"`{name}` {value.dtype}" in body
    assert "Equal: " in body
    assert "training=True" in body
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_it_claims_nothing_that_the_record_lacks(saved_model):
    record = read_record(saved_model)
    plain = format_card(msgspec.structs.replace(record, parity=None), "m")
    assert "Not compared with the original" in plain
    assert "Equal" not in plain
    partly = msgspec.structs.replace(
        record,
        parity=ParityInfo(passed=False, tensors=0, bit_equal=0, worst_abs=0, worst_rel=0,
                          not_compared=("no inputs *fit*",)),
    )  # fmt: skip
    assert "- Not compared: no inputs \\*fit\\*" in format_card(partly, "m")


def test_an_archive_is_named(saved_model):
    record = read_record(saved_model)
    origin = Origin(name="a|b.tar.gz", digest="12ab", size_bytes=3)
    source = msgspec.structs.replace(record.source, origin=origin)
    text = format_card(msgspec.structs.replace(record, source=source), "m")
    assert "| unpacked from | `a\\|b.tar.gz` |" in text
    assert "| `12ab` |" in text


def test_it_counts_in_words_and_has_no_digits_of_rounding(saved_model):
    record = read_record(saved_model)
    (name, part), *_ = record.callables.items()
    hparam = HyperparameterInfo(
        input="m", default=0.8999999761581421, kind="dense", dtype="float32", shape=()
    )
    text = format_card(
        msgspec.structs.replace(
            record,
            callables={name: msgspec.structs.replace(part, hparams={"momentum": hparam})},
            variables=record.variables[:1],
            regularization_losses=("one",),
            image=ImageInfo(
                input="i", height=4, width=None, channels=3, labels=1001, features=None
            ),
            conventions=ConventionsInfo(
                endpoints={},
                spellings=(SpellingInfo(kind="list", inputs={"a": "b"}, outputs={"c": "d"}),),
                assets={"vocab_file": "v.txt"},
            ),
        ),
        "m",
    )
    assert "`momentum=0.9`" in text
    assert "1 variable with" in text
    assert "has 1 loss of" in text
    assert "? pixels (height" in text
    assert "1,001 logits" in text
    assert "`module` takes a list of `a`, and returns `c` as a tuple." in text
    assert "`module.vocab_file` is `v.txt`" in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


HOSTILE = "x`</td><script>alert(1)</script>|[a](javascript:b)\n# \u202e```"


def test_names_of_strangers_are_harmless(saved_model):
    record = read_record(saved_model)
    (name, part), *_ = record.callables.items()
    inputs = {HOSTILE: next(iter(part.inputs.values()))}
    hostile = msgspec.structs.replace(
        record,
        source=msgspec.structs.replace(record.source, name=HOSTILE),
        callables={name: msgspec.structs.replace(part, inputs=inputs, outputs=inputs)},
        warnings=(HOSTILE,),
        root=name,
    )
    text = format_card(hostile, "m")
    assert "\u202e" not in text
    assert re.findall(r"^# .*", text, re.MULTILINE) == ["# m"]
    # Markdown's code spans and fences, which hold anything, taken out.
    text = re.sub(r"```python\n.*?\n```", "", text, flags=re.DOTALL)
    text = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"(?<!\\)<(?!br>)", text)
    assert not re.search(r"(?<!\\)\]\(", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a|b", "`a\\|b`"), ("", "`  `")],
)
def test_code(text, expected):
    assert code(text) == expected


def test_escape():
    assert escape("a*b<c>\n") == "a\\*b\\<c\\>\\\\n"


def test_a_folder_without_a_record_is_refused(tmp_path):
    with pytest.raises(errors.ParityError, match="has no readable assets"):
        converter.card(tmp_path)
