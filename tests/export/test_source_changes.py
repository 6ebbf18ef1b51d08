"""The digest in a record is of the files that were used: a source that changes is refused."""

import os
import time

import pytest

import converter
from converter import errors
from converter.export import describe
from converter.files import source_files
from converter.files.source_files import BackgroundDigest, digest

_FILES = ("saved_model.pb", "tfhub_module.pb", "variables/variables.index",
          "variables/variables.data-00000-of-00001", "assets/words.txt")  # fmt: skip
_STEPS = ("reading the module", "rewriting its graphs", "tracing and saving", "record")


def _overwrite(path):
    """Flips a bit; size, inode and modification time stay as they are."""
    before = path.stat()
    with path.open("r+b") as file:
        byte = file.read(1)
        file.seek(0)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path):
    """Puts another file there, with the same size and modification time."""
    before, new = path.stat(), path.with_name("new")
    new.write_bytes(bytes(before.st_size))
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.rename(path)


@pytest.fixture(autouse=True)
def _record_is_a_step(monkeypatch):
    """Makes the moment when the digest is in the record one at which files change."""
    make = describe.make_record

    def after(*arguments):
        made = make(*arguments)
        _STEP_HOOKS[-1]("record")
        return made

    monkeypatch.setattr(describe, "make_record", after)


_STEP_HOOKS = [lambda _: None]


def _convert(module, destination, hook, **options):
    _STEP_HOOKS.append(hook)
    try:
        return converter.convert(module, destination, progress=hook, **options)
    finally:
        _STEP_HOOKS.pop()


@pytest.mark.parametrize("change", [_overwrite, _replace], ids=["overwritten", "replaced"])
@pytest.mark.parametrize("name", _FILES)
@pytest.mark.parametrize("step", _STEPS)
def test_whatever_changes_it_is_refused(golden_module, tmp_path, step, name, change):
    module, done = golden_module("text_embedding_oov"), []

    def hook(said):
        if said.startswith(step) and not done:
            done.append(said)
            change(module / name)

    with pytest.raises(errors.ConversionError):
        _convert(module, tmp_path / "out", hook)
    assert done
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("change", [_overwrite, _replace], ids=["overwritten", "replaced"])
@pytest.mark.parametrize("step", _STEPS)
def test_what_is_linked_is_refused_as_well(golden_module, tmp_path, step, change):
    module = golden_module("text_embedding_oov")

    def hook(said):
        if said == step:
            time.sleep(0.02)  # A tick of the kernel's clock.
            change(module / _FILES[3])

    with pytest.raises(errors.ConversionError):
        _convert(module, tmp_path / "out", hook, hardlink=True)


def test_a_source_that_stays_is_converted(golden_module, tmp_path):
    module, said = golden_module("text_embedding_oov"), []
    for options in ({}, {"hardlink": True, "overwrite": True}):
        conversion = _convert(module, tmp_path / "out", said.append, **options)
        assert conversion.record.source.digest == digest(module)
    assert {*_STEPS} <= set(said)


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_digest_of_other_files_than_were_read_is_refused(golden_module, monkeypatch, when):
    """A digest that began before, or ended after, the change of a file that was read."""
    module = golden_module("text_embedding_oov")
    compute = source_files._file_digest

    def slow(*arguments):
        if when == "while":
            _overwrite(module / _FILES[0])
        return compute(*arguments)

    monkeypatch.setattr(source_files, "_file_digest", slow)
    with BackgroundDigest(module) as background:
        if when == "before":
            background._future.result()
            _overwrite(module / _FILES[0])
        with pytest.raises(errors.FormatError, match="changed while"):
            background.result()
