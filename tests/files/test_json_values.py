import json

import pytest

from converter.files.json_values import decode, encode, explain
from converter.migration.collect.untrusted import harmless


def _nested(depth, opening="[", closing="]"):
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]")])
def test_values_as_deep_as_an_array_of_the_most_axes(opening, closing):
    levels = sum(opening.count(bracket) for bracket in "[{")
    content = _nested(300 // levels, opening, closing)
    values = decode(content, list | dict)
    assert values == json.loads(content)
    assert harmless(values) == values
    assert json.loads(encode(values)) == values


@pytest.mark.parametrize("depth", [301, 400, 900, 5000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deeper_values_are_refused(depth, opening, closing):
    with pytest.raises(ValueError, match="nested too deeply") as caught:
        decode(_nested(depth, opening, closing), list | dict)
    assert explain(caught.value) == "it is not valid JSON: it is nested too deeply"


@pytest.mark.parametrize("content", [b"1", b'"a"', b"null", b"[]", b"{}", b'[[], {}, "[[["]'])
def test_flat_values(content):
    assert decode(content, object) == json.loads(content)
