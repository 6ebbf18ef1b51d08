"""Options as JSON, and what of them decides about an outcome."""

import dataclasses
import json
import pathlib

from converter.migration.options import Options

PLAIN = Options(source_root=pathlib.Path("/src"), destination_root=pathlib.Path("/dst"))


def test_the_fingerprint_knows_what_decides():
    def fingerprint(**changes):
        return dataclasses.replace(PLAIN, **changes).fingerprint

    assert fingerprint(workers=9, dry_run=True, engine="dask") == PLAIN.fingerprint
    assert fingerprint(verify=True) != PLAIN.fingerprint
    assert fingerprint(import_ops=("a",)) != PLAIN.fingerprint
    assert fingerprint(import_ops=("a", "b")) == fingerprint(import_ops=("b", "a"))


def test_options_are_json():
    values = json.loads(json.dumps(PLAIN.to_json()))
    assert values["source_root"] == "/src"
    assert values["from_list"] is None


def test_the_memory_limit_in_bytes():
    assert PLAIN.memory_limit_bytes is None
    assert dataclasses.replace(PLAIN, memory_limit_gib=1.5).memory_limit_bytes == 3 << 29
