"""Reading of JSON that anybody may have written."""

import os

import msgspec
import pytest

from converter.migration.collect import untrusted
from converter.migration.collect.untrusted import DamagedError, cut, harmless, read_json


class Document(msgspec.Struct):
    x: str


def test_reads_an_object(tmp_path):
    (tmp_path / "a.json").write_text('{"x": "a\\udc80", "y": 1}')
    assert read_json(tmp_path / "a.json", Document) == Document("a\\udc80")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "it is not valid JSON"),
        (b'{"x": ', "it is not valid JSON"),
        (b"\xff\xfe\x00", "it is not valid JSON"),
        (b'{"x": NaN}', "it is not valid JSON: NaN"),
        (b"[1]", "expected `object`, got `array`"),
        (b"null", "expected `object`, got `null`"),
        (b"{}", "object missing required field `x`"),
        (b'{"x": 1}', "expected `str`, got `int` at `x`"),
        (b"[" * 100_000, "it is not valid JSON: it is nested too deeply"),
        (
            b'{"x": ' + b"[" * 400 + b"]" * 400 + b"}",
            "it is not valid JSON: it is nested too deeply",
        ),
        (b'{"x": ' + b"9" * 5000 + b"}", "it is not valid JSON"),
    ],
)
def test_another_content_is_damage(tmp_path, content, expected):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DamagedError, match=f"it is damaged: {expected}"):
        read_json(tmp_path / "a.json", Document)


def test_a_file_that_cannot_be_read_is_damage(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_text("{}" * 100)
    monkeypatch.setattr(untrusted.limits, "MAX_JSON_BYTES", 100)
    for name, expected in {
        "none": "it is missing",
        "pipe": "it is not a regular file",
        "": "it cannot be read: Is a directory",
        "large": "it has 200 bytes, expected 100 or fewer",
        "large/below": "it cannot be read: Not a directory",
        "a\0b": "it cannot be read: embedded null byte",
        "x" * 300: "it cannot be read: File name too long",
    }.items():
        with pytest.raises(DamagedError, match=expected):
            read_json(tmp_path / name, Document)


def test_texts_are_made_harmless_everywhere():
    value = {"a\udc80": ["b\udc80", {"c": "x" * 20_000}], "n": [1, None, True, 0.5]}
    assert harmless(value) == {
        "a\\udc80": ["b\\udc80", {"c": "x" * 10_000 + "…"}],
        "n": [1, None, True, 0.5],
    }


def test_a_text_that_fits_is_not_cut():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc…"
