"""Options as JSON, and what of them decides about an outcome."""

import dataclasses
import json
import pathlib

import pytest

import converter
from converter import errors
from converter.migration.options import Options, local_root

PLAIN = Options(source_root=pathlib.Path("/src"), destination_root=pathlib.Path("/dst"))


def test_the_fingerprint_knows_what_decides():
    def fingerprint(**changes):
        return dataclasses.replace(PLAIN, **changes).fingerprint

    assert fingerprint(workers=9, dry_run=True, engine="dask") == PLAIN.fingerprint
    assert fingerprint(hardlink=True, memory_limit_gib=2.0) == PLAIN.fingerprint
    assert fingerprint(verify=True) != PLAIN.fingerprint
    assert fingerprint(import_ops=("a",)) != PLAIN.fingerprint
    assert fingerprint(import_ops=("a", "b")) == fingerprint(import_ops=("b", "a"))


def test_options_are_json():
    values = json.loads(json.dumps(PLAIN.to_json()))
    assert values["source_root"] == "/src"
    assert values["from_list"] is None


def test_roots_are_local_and_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert local_root("a") == tmp_path / "a"
    assert local_root(pathlib.Path("/a:/b")) == pathlib.Path("/a:/b")
    for roots in [("gs://bucket/modules", "b"), ("a", "gs://bucket/saved_models")]:
        with pytest.raises(errors.UsageError, match=r"gs://bucket/\w+ is no local path.*Mount it"):
            converter.migrate(*roots)
    assert not list(tmp_path.iterdir())


def test_the_memory_limit_in_bytes():
    assert PLAIN.memory_limit_bytes is None
    assert dataclasses.replace(PLAIN, memory_limit_gib=1.5).memory_limit_bytes == 3 << 29
