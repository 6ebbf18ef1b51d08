"""`scripts/write_schemas`: the schemas in docs are those of the code, and fit what it writes."""

import json
import pathlib
import subprocess
import sys

import pytest
from golden.converted_model import convert_golden
from schemas import command

_ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(params=command.SCHEMAS)
def schema(request):
    return json.loads((_ROOT / "docs" / request.param).read_text())


def test_the_docs_are_up_to_date():
    assert command.main(["--check"]) == 0


def test_what_is_out_of_date_is_said_and_written(tmp_path, capsys):
    assert command.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out.count("out of date") == len(command.SCHEMAS)
    assert not list(tmp_path.iterdir())
    assert command.main([], tmp_path) == 0
    assert command.main(["--check"], tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(command.SCHEMAS)


def test_every_type_and_every_field_has_a_description(schema):
    for name, definition in schema["$defs"].items():
        assert definition.get("description") or "enum" in definition, name
        for field, described in definition.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}"


@pytest.mark.parametrize("name", ["image_bn_dropout", "text_embedding_oov", "gan_uninstantiated"])
def test_a_record_fits_its_schema(name):
    document = json.loads((_ROOT / "docs" / "record.schema.json").read_text())
    record = json.loads(
        (convert_golden(name).path / "assets.extra" / "conversion.json").read_text()
    )
    assert list(_misfits(record, document, document)) == []


def test_what_does_not_fit_is_found():
    document = json.loads((_ROOT / "docs" / "record.schema.json").read_text())
    record = convert_golden("half_plus_two").record | {"variables": [{"name": 3}], "root": 1}
    found = list(_misfits(record, document, document))
    assert "variables[0].name" in found
    assert "variables[0].dtype is missing" in found
    assert "root" in found


def test_the_command():
    done = subprocess.run(
        [sys.executable, _ROOT / "scripts" / "write_schemas", "--check"], capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


_TYPES = {
    "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None),
    "array": list,
}  # fmt: skip


def _misfits(value, schema, document, place=""):
    """The places where a value does not fit a schema, of what JSON Schema has that ours use."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        yield from _misfits(value, document["$defs"][name], document, place)
    elif schema.get("type") == "object":
        yield from _misfits_of_object(value, schema, document, place)
    elif schema.get("type") == "array" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _misfits(item, schema.get("items", {}), document, f"{place}[{index}]")
    elif not _fits(value, schema, document):
        yield place


def _fits(value, schema, document):
    if "anyOf" in schema:
        return any(not list(_misfits(value, one, document)) for one in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if "type" not in schema:
        return True
    is_flag = isinstance(value, bool)
    return is_flag == (schema["type"] == "boolean") and isinstance(value, _TYPES[schema["type"]])


def _misfits_of_object(value, schema, document, place):
    if not isinstance(value, dict):
        yield place
        return
    prefix = f"{place}." if place else ""
    for name in schema.get("required", []):
        if name not in value:
            yield f"{prefix}{name} is missing"
    others = schema.get("additionalProperties", {})
    for name, item in value.items():
        known = schema.get("properties", {}).get(name, others)
        yield from _misfits(item, known if isinstance(known, dict) else {}, document, prefix + name)
