"""Options as JSON, and what of them decides about an outcome."""

import dataclasses
import json
import pathlib

import pytest

import converter
from converter import errors
from converter.conversion.options import ConversionOptions
from converter.migration.options import Options, local_root
from converter.migration.options_file import read_rules

PLAIN = Options(source_root=pathlib.Path("/src"), destination_root=pathlib.Path("/dst"))


def test_options_are_json():
    rules = read_rules({"a": {"tags": ["x"]}})
    values = json.loads(json.dumps(dataclasses.replace(PLAIN, rules=rules).to_json()))
    assert values["source_root"] == "/src"
    assert values["from_list"] is None
    assert (values["verify"], values["call_signature"]) == (False, None)
    assert values["rules"] == [{"pattern": "a", "options": {"tags": ["x"]}}]


def test_a_module_has_options_of_its_own():
    conversion = ConversionOptions(verify=True)
    rules = read_rules({"a*": {"tags": ["x"]}})
    options = dataclasses.replace(PLAIN, conversion=conversion, rules=rules)
    assert options.conversion_of("b") == conversion
    assert options.conversion_of("a/b") == ConversionOptions(verify=True, tags=("x",))


def test_roots_are_local_and_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert local_root("a") == tmp_path / "a"
    assert local_root(pathlib.Path("/a:/b")) == pathlib.Path("/a:/b")
    for roots in [("gs://bucket/modules", "b"), ("a", "gs://bucket/saved_models")]:
        with pytest.raises(errors.UsageError, match=r"gs://\w+/\w+ is not a local path.*Mount it"):
            converter.migrate(*roots)
    assert not list(tmp_path.iterdir())


def test_the_memory_limit_in_bytes():
    assert PLAIN.memory_limit_bytes is None
    assert dataclasses.replace(PLAIN, memory_limit_gib=1.5).memory_limit_bytes == 3 << 29
