import contextlib
import hashlib
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from converter import errors
from converter.files import source_files
from converter.files.source_files import BackgroundDigest, digest, list_files


@pytest.fixture
def table_file(golden_module):
    return golden_module("table_file")


def test_list_files_is_sorted_and_has_files_only(table_file):
    names = [path.relative_to(table_file).as_posix() for path in list_files(table_file)]
    assert names == [
        "assets/words.txt",
        "saved_model.pb",
        "tfhub_module.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]


def test_list_files_leaves_broken_links_out_but_not_those_that_lead_out(table_file):
    (table_file / "broken").symlink_to("nowhere")
    assert table_file / "broken" not in list_files(table_file)
    (table_file / "out").symlink_to("/nowhere/at/all")
    with pytest.raises(errors.UnsafeModuleError, match="'out' is a link"):
        list_files(table_file)


def test_a_link_that_leads_to_itself_does_no_harm(table_file):
    (table_file / "loop").symlink_to("loop")
    # Python 3.13 resolves it to itself, earlier ones cannot.
    with contextlib.suppress(errors.FormatError):
        assert table_file / "loop" not in list_files(table_file)


def test_digest_is_of_names_and_contents_and_not_of_the_place(table_file, tmp_path):
    first = digest(table_file)
    assert len(first) == 64
    copy = shutil.copytree(table_file, tmp_path / "another" / "place")
    assert digest(copy) == first
    (copy / "assets" / "words.txt").rename(copy / "assets" / "word.txt")
    renamed = digest(copy)
    assert renamed != first
    (copy / "assets" / "word.txt").write_text("changed")
    assert digest(copy) not in (first, renamed)


def test_digest_is_as_documented(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    inner = hashlib.sha256(b"content").hexdigest()
    assert digest(tmp_path) == hashlib.sha256(f"a\0{inner}\n".encode()).hexdigest()


def test_a_stopped_digest_ends_early(tmp_path):
    (tmp_path / "a").write_bytes(bytes(20 << 20))
    asked = []
    digest(tmp_path, lambda: asked.append(1) or True)
    assert len(asked) == 1


def test_a_digest_in_the_background_is_the_same(table_file):
    with BackgroundDigest(table_file) as background:
        assert background.result() == digest(table_file)
    assert not [t for t in threading.enumerate() if t.name.startswith("digest")]


def test_what_is_no_module_is_not_read_in_the_background(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    with BackgroundDigest(tmp_path):
        assert not [t for t in threading.enumerate() if t.name.startswith("digest")]


def test_a_digest_that_somebody_knows_is_not_computed(table_file):
    with BackgroundDigest(table_file, lambda: "known") as background:
        assert background.result() == "known"


def test_an_unsafe_link_shows_when_the_digest_is_asked_for(table_file):
    (table_file / "out").symlink_to("/nowhere/at/all")
    with BackgroundDigest(table_file) as background, pytest.raises(errors.UnsafeModuleError):
        background.result()


# Large modules are hashed by a process.


@pytest.fixture
def processes(monkeypatch):
    """The processes that are started, of all modules."""
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(source_files, "_PROCESS_FROM_BYTES", 0)
    monkeypatch.setattr(subprocess, "Popen", Popen)
    return started


def test_a_process_finds_the_same_digest(table_file, processes, monkeypatch):
    expected = digest(table_file)
    monkeypatch.setattr(source_files, "digest_files", None)
    with BackgroundDigest(table_file) as background:
        assert background.result() == expected
    (process,) = processes
    assert process.returncode == 0


@pytest.mark.parametrize("python", ["/bin/false", "/nowhere/python", ""])
def test_without_a_process_the_thread_does_it(python, table_file, processes, monkeypatch):
    monkeypatch.setattr(sys, "executable", python)
    with BackgroundDigest(table_file) as background:
        assert background.result() == digest(table_file)
    assert not any(process.returncode == 0 for process in processes)


def test_a_process_that_nobody_waits_for_is_killed(table_file, processes):
    with (table_file / "variables" / "large").open("wb") as file:
        file.truncate(1 << 40)
    began = time.monotonic()
    with BackgroundDigest(table_file):
        while not processes:
            time.sleep(0.01)
    (process,) = processes
    assert process.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 60
