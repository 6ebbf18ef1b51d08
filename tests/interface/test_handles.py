"""Handles through every door, with tensorflow_hub as a neighbour in the same cache."""

import argparse
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf
from sources.hub_server import redirects, sends, status

import converter
from converter import errors
from converter.build_actions import command
from converter.cli import main as cli
from converter.files.source_files import digest
from converter.migration.convert_job import convert_job, inspect_job
from converter.migration.job import Job
from converter.migration.outcomes import Converted, Failed, Refused, UpToDate

GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures" / "golden"
TEXT = GOLDEN / "text_embedding_oov" / "module"
WORDS = tf.constant(["a cat", "on the mat"])


def packed(module, tmp_path):
    return pathlib.Path(shutil.make_archive(str(tmp_path / "packed"), "gztar", module)).read_bytes()


@pytest.fixture
def handle(hub_server, tmp_path):
    """The handle of a text module; its server redirects as those of TF Hub did."""
    hub_server.answer("/blobs/9f.tar.gz", sends(packed(TEXT, tmp_path)))
    return hub_server.answer("/google/text/1", redirects("/blobs/9f.tar.gz?signature=secret"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(capsys, *arguments):
    status = cli.main(cli.parse_arguments(["tf1hub", *map(str, arguments)]))
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def half_written(*places):
    """Names that no finished command leaves."""
    return [p for place in places if place.exists() for p in place.rglob("*")
            if p.name.startswith(".tf1hub-") or p.name.endswith((".tmp", ".lock"))]  # fmt: skip


def test_every_command_takes_it(handle, hub_server, tmp_path, capsys):
    out = tmp_path / "results" / "out"
    for command_line in (["inspect", handle], ["scan", handle], ["debug", "passes", handle]):
        code, shown, said = run(capsys, *command_line, "--json")
        assert code == 0
        json.loads(shown)
        assert f"tf1hub: downloading {handle}" in said
    assert run(capsys, "convert", handle, out)[0] == 0
    assert run(capsys, "verify", handle, out)[0] == 0
    # The directory is the original of what was made from the handle.
    assert run(capsys, "verify", TEXT, out)[0] == 0
    assert len(hub_server.paths) == 10  # Five downloads; and each asks twice.
    assert not half_written(tmp_path)
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_with_a_cache_it_is_downloaded_once(handle, hub_server, cache, tmp_path, capsys):
    first = converter.convert(handle, tmp_path / "out", verify=True)
    assert first.verdict == "equal"
    assert converter.verify(handle, tmp_path / "out").verdict == "equal"
    assert run(capsys, "convert", handle, tmp_path / "again")[0] == 0
    loaded = converter.load(handle)
    assert loaded(WORDS).shape == [2, 6]
    assert len(hub_server.paths) == 2
    assert not half_written(tmp_path)
    sha1 = hashlib.sha1(handle.encode()).hexdigest()
    assert sorted(p.name for p in cache.iterdir()) == [sha1, f"{sha1}.descriptor.txt"]
    assert digest(cache / sha1) == digest(TEXT)


def test_the_record_says_where_it_is_from(handle, hub_server, cache, tmp_path, capsys):
    made = converter.convert(handle, tmp_path / "out").record.source
    archive = (tmp_path / "packed.tar.gz").read_bytes()
    assert (made.name, made.digest) == ("google/text/1", digest(TEXT))
    record = json.loads((tmp_path / "out/assets.extra/conversion.json").read_bytes())
    assert record["source"]["origin"] == {
        "name": "google/text/1",
        "digest": hashlib.sha256(archive).hexdigest(),
        "size_bytes": len(archive),
        "handle": handle,
        "url": hub_server.url("/blobs/9f.tar.gz?..."),
    }
    # From the cache, what is known of it; by its folder as well.
    for source in (handle, next(p for p in cache.iterdir() if p.is_dir())):
        known = converter.inspect(source).source
        assert (known.name, known.digest) == (made.name, made.digest)
        assert known.origin.handle == handle
        assert converter.scan(source).source == "google/text/1"
        code, shown, _ = run(capsys, "inspect", source)
        assert code == 0
        assert f"google/text/1  tf1_hub\nSHA-256 {made.digest}\nfrom {handle}\n" in shown
    # All but the origin is that of the directory.
    converter.convert(TEXT, tmp_path / "plain")
    plain = json.loads((tmp_path / "plain/assets.extra/conversion.json").read_bytes())
    for document in (record, plain):
        del document["source"]
    assert record == plain


def test_inspect_says_who_sent_it(handle, hub_server, capsys):
    code, shown, _ = run(capsys, "inspect", handle)
    assert code == 0
    there = hub_server.url("/blobs/9f.tar.gz?...")
    assert f"from {handle}, sent by {there}, SHA-256 " in shown
    assert "secret" not in shown


def test_a_loaded_module_keeps_its_files_as_long_as_it_is_used(handle, tmp_path):
    loaded = converter.load(handle)
    expected = loaded(WORDS).numpy()
    tf.saved_model.save(loaded, str(tmp_path / "saved"))
    again = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_array_equal(again(WORDS), expected)


def test_tensorflow_hub_takes_what_was_stored(handle, hub_server, cache, tmp_path):
    import tensorflow_hub as hub

    converter.convert(handle, tmp_path / "out")
    asked = len(hub_server.paths)
    assert hub.resolve(handle) == str(cache / hashlib.sha1(handle.encode()).hexdigest())
    theirs = hub.load(handle).signatures["default"](WORDS)["default"]
    ours = tf.saved_model.load(str(tmp_path / "out"))(WORDS)
    np.testing.assert_array_equal(theirs, ours)
    assert len(hub_server.paths) == asked


@pytest.mark.usefixtures("cache")
def test_what_tensorflow_hub_stored_is_taken(handle, hub_server, tmp_path):
    import tensorflow_hub as hub

    folder = hub.resolve(handle)
    asked = len(hub_server.paths)
    assert asked == 2
    for source in (handle, folder):
        summary = converter.inspect(source)
        assert summary.source.digest == digest(TEXT)
        assert summary.source.origin.handle == handle
    converter.convert(handle, tmp_path / "out")
    assert converter.verify(folder, tmp_path / "out").verdict == "equal"
    assert len(hub_server.paths) == asked


def slowly(answer, begun, going):
    """An answer that waits until `going` is set."""

    def wait(handler):
        begun.set()
        going.wait(60)
        answer(handler)

    return wait


@pytest.mark.usefixtures("cache")
def test_a_download_of_tensorflow_hub_is_waited_for(hub_server, tmp_path):
    import tensorflow_hub as hub

    begun, going = threading.Event(), threading.Event()
    url = hub_server.answer("/m", slowly(sends(packed(TEXT, tmp_path)), begun, going))
    thread = threading.Thread(target=hub.resolve, args=(url,))
    thread.start()
    begun.wait(60)
    said = []

    def progress(text):
        said.append(text)
        going.set()

    with converter.open_source(url, progress=progress) as source:
        assert source.digest() == digest(TEXT)
    thread.join()
    (waiting,) = said
    assert waiting.startswith(f"waiting for {socket.gethostname()}.{os.getpid()}.")
    assert len(hub_server.paths) == 1


@pytest.mark.slow  # tensorflow_hub looks every five seconds.
@pytest.mark.usefixtures("cache")
def test_tensorflow_hub_waits_for_a_download(hub_server, tmp_path):
    import tensorflow_hub as hub

    begun, going = threading.Event(), threading.Event()
    url = hub_server.answer("/m", slowly(sends(packed(TEXT, tmp_path)), begun, going))

    def download():
        with converter.open_source(url):
            pass

    thread, timer = threading.Thread(target=download), threading.Timer(2, going.set)
    thread.start()
    begun.wait(60)
    timer.start()
    assert digest(pathlib.Path(hub.resolve(url))) == digest(TEXT)
    thread.join()
    timer.join()
    assert len(hub_server.paths) == 1


@pytest.mark.usefixtures("cache")
def test_a_tf2_model_that_tensorflow_hub_stored(hub_server, tmp_path):
    import tensorflow_hub as hub

    converter.convert(TEXT, tmp_path / "tf2")
    url = hub_server.answer("/google/text/2", sends(packed(tmp_path / "tf2", tmp_path)))
    hub.resolve(url)
    assert converter.scan(url).format == "tf2_saved_model"
    assert len(hub_server.paths) == 1


@pytest.mark.parametrize("with_cache", [False, True])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (status(404), "answered 404 Not Found"),
        (sends(b"<html>"), "sent an HTML page, expected an archive"),
        (sends(b"\x1f\x8b" + bytes(100)), "the archive is damaged"),
        (redirects("file:///etc/passwd"), "expected http or https"),
    ],
)
def test_a_fault_is_one_line(answer, words, with_cache, hub_server, tmp_path, capsys, monkeypatch):
    if with_cache:
        monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    url = hub_server.answer("/m", answer)
    for arguments in (["inspect", url], ["convert", url, tmp_path / "new" / "out"]):
        code, shown, said = run(capsys, *arguments)
        (line,) = [line for line in said.splitlines() if "error" in line]
        assert (code, shown) == (1, "")
        assert line.startswith(f"tf1hub: error: {url}")
        assert words in line
    assert not (tmp_path / "new").exists()
    assert not half_written(tmp_path)
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").iterdir())


def test_a_destination_in_use_is_found_before_the_download(handle, hub_server, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(errors.DestinationError, match="exists already"):
        converter.convert(handle, tmp_path / "out")
    assert hub_server.paths == []


def test_a_migration_takes_a_list_of_them(handle, hub_server, tmp_path):
    gone = hub_server.answer("/google/gone/1", status(404))
    page = hub_server.answer("/google/page/1", sends(b"<html>"))
    (tmp_path / "src").mkdir()
    shutil.copytree(TEXT, tmp_path / "src" / "local")
    listed = tmp_path / "list"
    listed.write_text(f"local\n{handle}  # from TF Hub\n{gone}\n{page}\n")
    roots = tmp_path / "src", tmp_path / "dst"

    def migrate(**options):
        report = converter.migrate(*roots, from_list=listed, workers=1, **options)
        return {outcome.path: outcome for outcome in report.outcomes}

    place = "127.0.0.1_" + handle.partition("127.0.0.1:")[2]
    foreseen = migrate(dry_run=True)
    found = migrate()
    kinds = {path.rpartition("/google/")[2]: type(outcome) for path, outcome in found.items()}
    assert kinds == {"local": Converted, "text/1": Converted, "gone/1": Failed, "page/1": Refused}
    assert {path: type(o) for path, o in foreseen.items()} == {
        path: type(o) for path, o in found.items() if not isinstance(o, Converted)
    }
    assert found[place].source == handle
    assert found[place].source_digest == digest(TEXT)
    record = json.loads((tmp_path / "dst" / place / "assets.extra/conversion.json").read_bytes())
    assert record["source"]["origin"]["handle"] == handle
    assert not half_written(tmp_path / "dst" / place, tmp_path / "tmp")
    # A handle is one version for good: only what failed is asked for again.
    hub_server.requests.clear()
    again = migrate()
    assert isinstance(again[place], UpToDate)
    assert hub_server.paths == ["/google/gone/1?tf-hub-format=compressed"]


@pytest.mark.slow
def test_workers_of_dask_take_them(handle, hub_server, tmp_path):
    import distributed

    (tmp_path / "src").mkdir()
    (tmp_path / "list").write_text(f"{handle}\n")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", host="127.0.0.1",
        dashboard_address=":0",
    ) as cluster:  # fmt: skip
        report = converter.migrate(
            tmp_path / "src", tmp_path / "dst", from_list=tmp_path / "list", engine="dask",
            scheduler=cluster.scheduler_address, verify=True,
        )  # fmt: skip
    (outcome,) = report.outcomes
    assert isinstance(outcome, Converted)
    assert outcome.parity.verdict == "equal"
    assert len(hub_server.paths) == 2


def test_two_handles_that_lead_to_one_place_are_wrong_use(tmp_path, capsys):
    (tmp_path / "src").mkdir()
    (tmp_path / "list").write_text("https://h/m?v=1\nhttps://h/m?v=2\n")
    code, _, said = run(
        capsys, "migrate", "--from-list", tmp_path / "list", tmp_path / "src", tmp_path / "dst"
    )
    assert code == 2
    assert "would both go to 'h/m'" in said
    assert not (tmp_path / "dst").exists()


def test_a_worker_uses_the_usual_place_of_tensorflow_hub(hub_server, tmp_path):
    """Though its temporary files go elsewhere."""
    url = hub_server.url("/google/text/1")
    entry = tmp_path / "tmp" / "tfhub_modules" / hashlib.sha1(url.encode()).hexdigest()
    shutil.copytree(TEXT, entry)
    assert isinstance(convert_job(job(url, tmp_path)), Converted)
    assert hub_server.paths == []


def job(source, tmp_path):
    (tmp_path / "dst" / ".tf1hub").mkdir(parents=True, exist_ok=True)
    return Job(
        path="m", source=str(source), destination=str(tmp_path / "dst" / "m"),
        staging=str(tmp_path / "dst" / ".tf1hub" / "0"),
        parity_report=str(tmp_path / "dst" / ".tf1hub" / "m.json"),
    )  # fmt: skip


@pytest.mark.parametrize("form", ["directory", "archive"])
def test_other_filesystems_in_every_command(form, remote, tmp_path, capsys):
    """Workers of a migration cannot see ram://, so the job runs here."""
    source = remote / "text.tar.gz" if form == "archive" else remote / "text"
    if form == "archive":
        source.write_bytes(packed(TEXT, tmp_path))
    else:
        for path in (p for p in TEXT.rglob("*") if p.is_file()):
            copy = source / path.relative_to(TEXT).as_posix()
            copy.parent.mkdir()
            copy.write_bytes(path.read_bytes())
    for command_line in (["inspect", source], ["scan", source], ["debug", "passes", source]):
        assert run(capsys, *command_line, "--json")[0] == 0
    assert run(capsys, "convert", source, tmp_path / "out")[0] == 0
    assert run(capsys, "convert", source, remote / "out")[0] == 0
    assert run(capsys, "verify", source, tmp_path / "out")[0] == 0
    assert converter.load(str(source))(WORDS).shape == [2, 6]
    assert inspect_job(job(source, tmp_path)) is None
    assert isinstance(convert_job(job(source, tmp_path)), Converted)
    assert isinstance(convert_job(job(source, tmp_path)), UpToDate)
    assert not half_written(tmp_path)


def test_nothing_on_another_filesystem(remote, tmp_path, capsys):
    for source in (remote / "gone", remote / "gone.tar.gz"):
        for arguments in (["inspect", source], ["convert", source, tmp_path / "out"]):
            code, _, said = run(capsys, *arguments)
            assert code == 2
            assert f"error: {source} does not exist" in said.splitlines()[-1]
        assert isinstance(convert_job(job(source, tmp_path)), Refused)
    code, _, said = run(capsys, "convert", "s3x://bucket/m", tmp_path / "out")
    assert code == 1
    assert "error: s3x://bucket/m cannot be read: " in said.splitlines()[-1]


def test_builds_use_no_network(capsys):
    parser = argparse.ArgumentParser()
    command.add_module(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--module", "https://host/m"])
    assert "builds use no network: download it by a repository rule" in capsys.readouterr().err
    assert parser.parse_args(["--module", "a/b"]).module == [pathlib.Path("a/b")]


@pytest.mark.slow
def test_the_command_in_its_own_process(handle, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "converter", "convert", "--verify", handle, tmp_path / "out"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"tf1hub: downloading {handle}\n")
    assert "Equal:" in done.stdout
