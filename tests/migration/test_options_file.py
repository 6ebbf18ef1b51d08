"""Options by path pattern: TOML and JSON, what they mean, and what is no such file."""

import pytest

from converter import errors
from converter.conversion.options import ConversionOptions
from converter.migration.options_file import Rule, apply_rules, check_matched, read_rules

TOML = """
["bert/*"]
call_signature = "tokens"
verify = true

["*/big"]
tags = ["gen", "bs8"]
"""
JSON = """{
  "bert/*": {"call_signature": "tokens", "verify": true},
  "*/big": {"tags": ["gen", "bs8"]}
}"""
RULES = (
    Rule("bert/*", {"call_signature": "tokens", "verify": True}),
    Rule("*/big", {"tags": ["gen", "bs8"]}),
)


@pytest.fixture
def write(tmp_path):
    def call(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return call


def test_toml_and_json_are_the_same(write):
    assert read_rules(write("a.toml", TOML)) == RULES
    assert read_rules(str(write("a.json", JSON))) == RULES
    assert read_rules({rule.pattern: rule.options for rule in RULES}) == RULES


def test_all_rules_that_match_count_and_the_last_one_most():
    rules = read_rules(
        {"*": {"verify": True, "tags": ["a"]}, "b/*": {"tags": []}, "b/c": {"verify": False}}
    )
    given = ConversionOptions(call_signature="x", tags=("given",))

    def options(path):
        found = apply_rules(rules, path, given)
        assert found.call_signature == "x"
        return found.verify, found.tags

    assert options("a") == (True, ("a",))
    assert options("b/d/e") == (True, ())  # * matches slashes.
    assert options("b/c") == (False, ())
    assert options("B/c") == (True, ("a",))


def test_null_gives_the_choice_back_to_the_rules(write):
    rules = read_rules(write("a.json", '{"a": {"call_signature": null, "tags": null}}'))
    given = ConversionOptions(call_signature="x", tags=("y",))
    assert apply_rules(rules, "a", given) == ConversionOptions()


def test_a_pattern_that_matches_nothing():
    check_matched(RULES, ["bert/1", "gan/big"])
    with pytest.raises(errors.UsageError, match=r"no module matches '\*/big', for which there"):
        check_matched(RULES, ["bert/1", "big"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", "[a]\nverify = 1", "at 'a': option 'verify' is 1, expected true or false"),
        ("a.toml", "[a]\noverwrite = true", "at 'a': there is no option 'overwrite'"),
        ("a.toml", "[a.b]\nverify = true", "at 'a': there is no option 'b'"),
        ("a.toml", "verify = true", "'verify' is True, expected a table of options"),
        ("a.toml", "[a", "is not valid TOML: "),
        ("a.toml", "[a]\n[a]", "is not valid TOML: "),
        ("a.json", "[]", "expected a table from patterns of paths to options"),
        ("a.json", '{"a": []}', r"'a' is \[\], expected a table of options"),
        ("a.json", '{"a": {"tags": 3}}', "at 'a': option 'tags' is 3, expected a list of"),
        ("a.json", '{"a": {}, "b": {}, "a": {}}', "is not valid JSON: 'a' is there twice"),
        ("a.json", '{"a": {"tags": [], "tags": []}}', "is not valid JSON: 'tags' is there twice"),
        ("a.json", "{", "is not valid JSON: "),
        ("a.json", b"\xff", "is not valid JSON: "),
        ("a.json", '{"a": ' + "[" * 5000, "is not valid JSON: maximum recursion depth"),
        ("a.toml", "a = " + "[" * 5000, "is not valid TOML: maximum recursion depth"),
        ("a.yaml", "a: {}", "ends with neither .toml nor .json"),
    ],
)
def test_what_is_no_such_file(name, content, message, write):
    path = write(name, content)
    with pytest.raises(errors.UsageError, match=message) as caught:
        read_rules(path)
    assert str(caught.value).startswith(str(path))
    assert caught.value.remedy


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(errors.UsageError, match="cannot be read: No such file"):
        read_rules(tmp_path / "a.toml")
