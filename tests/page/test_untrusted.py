"""Reading of JSON that anybody may have written."""

import math
import os

import pytest

from converter.page import untrusted
from converter.page.untrusted import DamagedError


def test_reads_an_object(tmp_path):
    (tmp_path / "a.json").write_text('{"x": 1}')
    assert untrusted.read_object(tmp_path / "a.json")["x"] == 1


def test_a_name_that_is_missing_is_said(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DamagedError, match="'x' is missing"):
        untrusted.read_object(tmp_path / "a.json")["x"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "expected JSON"),
        (b'{"x": ', "expected JSON"),
        (b"\xff\xfe\x00", "expected JSON"),
        (b"[1]", "expected an object, found list"),
        (b"null", "expected an object, found null"),
        (b"[" * 100_000, "expected JSON"),
        (b'{"x": ' + b"9" * 5000 + b"}", "expected JSON"),
    ],
)
def test_what_is_no_object_is_damaged(tmp_path, content, expected):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DamagedError, match=f"it is damaged: {expected}"):
        untrusted.read_object(tmp_path / "a.json")


def test_what_cannot_be_read_is_damaged(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_text("{}" * 100)
    monkeypatch.setattr(untrusted, "_MAX_FILE_BYTES", 100)
    for name, expected in {
        "none": "it is missing",
        "pipe": "it is no file",
        "": "it cannot be read: Is a directory",
        "large": "it has 200 bytes, expected 100 or fewer",
        "large/below": "it cannot be read: Not a directory",
        "a\0b": "it cannot be read: embedded null byte",
        "x" * 300: "it cannot be read: File name too long",
    }.items():
        with pytest.raises(DamagedError, match=expected):
            untrusted.read_object(tmp_path / name)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (untrusted.text, "a", "a"),
        (untrusted.text, "a\udc80", "a\\udc80"),
        (untrusted.texts, ["a", "b"], ["a", "b"]),
        (untrusted.items, (1, 2), [1, 2]),
        (untrusted.flag, True, True),
        (untrusted.count, 0, 0),
        (untrusted.count, 2**63 - 1, 2**63 - 1),
        (untrusted.number, 1, 1.0),
        (untrusted.number, -0.5, -0.5),
        (untrusted.number, "inf", math.inf),
        (untrusted.finite, 3, 3.0),
    ],
)
def test_values_of_the_right_type_are_read(read, value, expected):
    found = read(value)
    assert found == expected
    assert type(found) is type(expected)
    assert untrusted.optional(read, value) == expected
    assert untrusted.optional(read, None) is None


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (untrusted.text, [None, 1, [], b"a"]),
        (untrusted.texts, ["a", [1], None]),
        (untrusted.items, ["a", {}, None, 1]),
        (untrusted.fields, [[], "a", None]),
        (untrusted.flag, [0, 1, "true", None]),
        (untrusted.count, [True, -1, 2**63, 1.0, "1", None]),
        (untrusted.number, [True, "1", "infinity", None, [], 10**400]),
        (untrusted.finite, ["inf", "nan", math.nan, math.inf]),
    ],
)
def test_values_of_another_type_are_damaged(read, values):
    for value in values:
        with pytest.raises(DamagedError, match="expected"):
            read(value)


def test_a_text_that_is_absurdly_long_is_cut():
    assert untrusted.text("a" * 20_000) == "a" * 10_000 + "…"
    assert untrusted.cut("abc", 3) == "abc"


def test_numbers_that_json_has_not_are_strings():
    assert untrusted.to_json(1.5) == 1.5
    assert [untrusted.to_json(value) for value in (math.inf, -math.inf)] == ["inf", "-inf"]
    assert math.isnan(untrusted.number(untrusted.to_json(math.nan)))
