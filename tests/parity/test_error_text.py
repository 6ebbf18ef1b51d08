import pytest

from converter.parity.error_text import summarize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one line", "one line"),
        ("", "ValueError"),
        ("first\nsecond", "first"),
        ("bad index\n\t [[{{node a}}]]", "bad index"),
        (
            "Graph execution error:\n\nDetected at node 'a'\nbad\n\t [[{{node a}}]]\n\nand",
            "bad",
        ),
    ],
)
def test_finds_the_line_that_says_it(text, expected):
    assert summarize(ValueError(text)) == expected
