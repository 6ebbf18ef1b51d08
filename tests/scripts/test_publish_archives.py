"""`scripts/publish_archives`: the same bytes for the same model, and only what has changed."""

import json
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest
import tensorflow as tf
from recipes import publish_archives

import converter

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def model(tmp_path):
    """`model(path, content)` makes, or changes, what looks like an output of the converter."""

    def make(path, content="x"):
        place = tmp_path / "dst" / path
        (place / "assets.extra").mkdir(parents=True, exist_ok=True)
        (place / "variables").mkdir(exist_ok=True)
        (place / "saved_model.pb").write_text(content)
        (place / "variables/data").write_text(content)
        (place / "assets.extra/conversion.json").write_text("{}")
        return place

    return make


@pytest.fixture
def publish(tmp_path, capsys):
    """`publish(*options)` returns the exit status, and the names of what was packed."""

    def call(*options, archives="archives"):
        status = publish_archives.main([str(tmp_path / "dst"), str(tmp_path / archives), *options])
        lines = capsys.readouterr().err.splitlines()
        return status, [line.removeprefix("packed ") for line in lines if "packed " in line]

    return call


def check_sums(folder):
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return len(done.stdout.splitlines())


def test_archives_hold_the_model_and_the_list_fits(model, publish, tmp_path):
    model("a/b")
    model("c")
    model(".tf1hub/staging/run/0")
    (tmp_path / "dst/notes").mkdir()
    assert publish() == (0, ["a/b.tar.gz", "c.tar.gz"])
    assert check_sums(tmp_path / "archives") == 2
    with tarfile.open(tmp_path / "archives/a/b.tar.gz") as archive:
        assert archive.getnames() == [
            "assets.extra", "assets.extra/conversion.json", "saved_model.pb", "variables",
            "variables/data",
        ]  # fmt: skip
        member = archive.getmember("saved_model.pb")
        assert archive.extractfile(member).read() == b"x"
        assert (member.mtime, member.uid, member.uname, member.mode) == (0, 0, "", 0o644)
    assert sorted(path.name for path in (tmp_path / "archives").iterdir()) == [
        "SHA256SUMS", "a", "archives.json", "c.tar.gz",
    ]  # fmt: skip


def test_the_same_model_gives_the_same_bytes(model, publish, tmp_path):
    place = model("a")
    publish()
    first = (tmp_path / "archives/a.tar.gz").read_bytes()
    for path in place.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    os.link(place / "variables/data", tmp_path / "link")
    assert publish(archives="others") == (0, ["a.tar.gz"])
    assert (tmp_path / "others/a.tar.gz").read_bytes() == first


def test_only_what_has_changed_is_packed(model, publish, tmp_path):
    model("a")
    model("b")
    publish()
    before = (tmp_path / "archives/b.tar.gz").stat().st_mtime_ns
    assert publish() == (0, [])
    model("a", "other")
    assert publish() == (0, ["a.tar.gz"])
    assert (tmp_path / "archives/b.tar.gz").stat().st_mtime_ns == before
    (tmp_path / "archives/b.tar.gz").write_bytes(b"cut off")
    assert publish() == (0, ["b.tar.gz"])
    assert check_sums(tmp_path / "archives") == 2
    (tmp_path / "archives/archives.json").write_text("{")
    assert publish() == (0, ["a.tar.gz", "b.tar.gz"])


def test_what_is_gone_leaves_the_list_and_its_archive_when_asked(model, publish, tmp_path):
    for name in "abc":
        model(name)
    publish()
    for name in "ab":
        (tmp_path / "dst" / name / "saved_model.pb").unlink()
        publish(*["--prune"][: name == "b"])
    assert check_sums(tmp_path / "archives") == 1
    assert {path.name for path in (tmp_path / "archives").glob("*.gz")} == {"a.tar.gz", "c.tar.gz"}


def test_a_model_that_is_replaced_while_it_is_packed_is_packed_again(
    model, publish, tmp_path, monkeypatch
):
    model("a")
    pack = publish_archives._pack

    def replace(*arguments):
        checksum = pack(*arguments)
        model("a", "new")
        return checksum

    monkeypatch.setattr(publish_archives, "_pack", replace)
    publish()
    monkeypatch.setattr(publish_archives, "_pack", pack)
    assert publish() == (0, ["a.tar.gz"])
    with tarfile.open(tmp_path / "archives/a.tar.gz") as archive:
        assert archive.extractfile("saved_model.pb").read() == b"new"


def test_an_archive_appears_complete_or_not_at_all(model, publish, tmp_path, monkeypatch):
    model("a")
    publish()
    before = (tmp_path / "archives/a.tar.gz").read_bytes()
    model("a", "other")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    assert publish()[0] == 1
    assert (tmp_path / "archives/a.tar.gz").read_bytes() == before
    assert check_sums(tmp_path / "archives") == 1
    assert not [p for p in (tmp_path / "archives").rglob("*") if p.name.startswith(".")]


def test_odd_names_are_listed_as_sha256sum_reads_them(model, publish, tmp_path):
    for name in ("a b", "new\nline", "back\\slash", os.fsdecode(b"\xff")):
        model(name)
    assert publish()[0] == 0
    assert check_sums(tmp_path / "archives") == 4
    assert len(json.loads((tmp_path / "archives/archives.json").read_text())) == 4
    assert publish() == (0, [])


def test_wrong_use(publish, tmp_path, model):
    assert publish()[0] == 2
    (tmp_path / "dst").mkdir()
    assert publish()[0] == 2
    model("a")
    assert publish(archives="dst/archives")[0] == 2


def test_an_archive_of_a_real_one_loads(tmp_path):
    converter.convert(
        ROOT / "legacy_fixtures/golden/half_plus_two/module", tmp_path / "dst/half_plus_two"
    )
    assert publish_archives.main([str(tmp_path / "dst"), str(tmp_path / "archives")]) == 0
    with tarfile.open(tmp_path / "archives/half_plus_two.tar.gz") as archive:
        archive.extractall(tmp_path / "unpacked")
    loaded = tf.saved_model.load(str(tmp_path / "unpacked"))
    assert loaded(tf.constant([4.0])).numpy() == [4.0]


def test_help():
    environment = {"PATH": f"{pathlib.Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run(
        [ROOT / "scripts/publish_archives", "--help"], capture_output=True, text=True, check=True,
        env=environment,
    )  # fmt: skip
    assert "SHA256SUMS" in done.stdout
