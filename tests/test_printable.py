import json
import unicodedata

import pytest

from converter.printable import printable, printable_json, printable_lines

_EVIL = "a\x1b[31m\x9b\u202eb\u2028\udcff\U000e0041\r\n\t\x7f\u200b\ufeff"


@pytest.mark.parametrize(
    "text", ["", "scope/kernel:0", "ünï 日本 😀 \\x1b", "[bold]=1", "é\u0301\xa0"]
)
def test_what_is_printable_stays(text):
    assert printable(text) == printable_lines(text) == text


def test_one_line():
    expected = r"a\x1b[31m\x9b\u202eb\u2028\udcff\U000e0041\r\n\t\x7f\u200b\ufeff"
    assert printable(_EVIL) == expected
    assert printable(expected) == expected


def test_lines_keep_newlines_and_tabs():
    assert printable_lines(_EVIL).splitlines() == [
        r"a\x1b[31m\x9b\u202eb\u2028\udcff\U000e0041\r", "\t" + r"\x7f\u200b\ufeff",
    ]  # fmt: skip


def test_json_is_the_same_document():
    document = json.dumps({_EVIL: [_EVIL]}, ensure_ascii=False, indent=1)
    printed = printable_json(document)
    assert json.loads(printed) == {_EVIL: [_EVIL]}
    assert printable_lines(printed) == printed
    assert printed.encode().decode() == printed
    assert '"日本"' in printable_json(json.dumps("日本", ensure_ascii=False))


def test_it_knows_all_that_unicode_calls_control_format_or_separator():
    # A few marks of Arabic, Kaithi and hieroglyphs are format characters that can be seen.
    seen = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    seen |= set(range(0x13430, 0x13440))
    left = {
        code
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and printable(chr(code)) == chr(code)
    }
    assert left <= seen
