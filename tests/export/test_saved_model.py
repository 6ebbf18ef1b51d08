"""Writing: whole or not at all, and the same bytes every time."""

import gc
import json
import pathlib
import re
import subprocess
import sys

import pytest
import tensorflow as tf
from golden.golden_values import GOLDEN

import converter
from converter import errors
from converter.files.scratch import ASIDE, scratch_name
from converter.files.source_files import digest


def files(directory: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_what_a_conversion_writes(golden_module, tmp_path):
    source = golden_module("text_embedding_oov")
    before = digest(source)
    conversion = converter.convert(source, tmp_path / "out")
    assert set(files(tmp_path / "out")) == {
        "assets.extra/conversion.json",
        "assets/words.txt",
        "fingerprint.pb",
        "saved_model.pb",
        "variables/variables.data-00000-of-00002",
        "variables/variables.data-00001-of-00002",
        "variables/variables.index",
    }
    assert digest(source) == before == conversion.record.source.digest
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "text_embedding_oov"]


def test_parent_directories_are_made(golden_module, tmp_path):
    converter.convert(golden_module("half_plus_two"), tmp_path / "a" / "b" / "out")
    assert (tmp_path / "a" / "b" / "out" / "saved_model.pb").is_file()


def test_an_existing_destination_is_kept(golden_module, tmp_path):
    source, out = golden_module("half_plus_two"), tmp_path / "out"
    converter.convert(source, out)
    before = files(out)
    with pytest.raises(errors.DestinationError, match="overwrite=True"):
        converter.convert(source, out)
    assert files(out) == before


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_a_killed_conversion_left_is_swept_first(golden_module, tmp_path, overwrite):
    """It died when the old version was aside: that is there again, and may not be replaced."""
    source, out = golden_module("half_plus_two"), tmp_path / "out"
    converter.convert(source, out)
    before = files(out)
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as gone:
        pass
    left = tmp_path / re.sub(r"-\d+-(?=\w+$)", f"-{gone.pid}-", scratch_name())
    (left / "new").mkdir(parents=True)
    (left / ASIDE).mkdir()
    out.rename(left / ASIDE / "out")
    if overwrite:
        converter.convert(golden_module("no_variables"), out, overwrite=True)
        assert files(out) != before
    else:
        with pytest.raises(errors.DestinationError, match="exists already"):
            converter.convert(source, out)
        assert files(out) == before
    assert not list(tmp_path.glob(".*"))


def test_overwrite_replaces_a_saved_model(golden_module, tmp_path):
    out = tmp_path / "out"
    converter.convert(golden_module("half_plus_two"), out)
    converter.convert(golden_module("no_variables"), out, overwrite=True)
    assert json.loads((out / "assets.extra" / "conversion.json").read_text())["variables"] == []
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_overwrite_replaces_nothing_else(golden_module, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(errors.DestinationError, match="not replaced"):
        converter.convert(golden_module("half_plus_two"), out, overwrite=True)
    assert (out / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("where", [".", "inside", ".."])
def test_source_and_destination_are_apart(golden_module, where):
    source = golden_module("half_plus_two")
    before = digest(source)
    with pytest.raises(errors.DestinationError, match="lie one inside the other"):
        converter.convert(source, source / where, overwrite=True)
    assert digest(source) == before


def test_a_failure_leaves_nothing_behind(golden_module, tmp_path):
    source = golden_module("half_plus_two")
    data = source / "variables" / "variables.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[0] ^= 1
    data.write_bytes(content)
    with pytest.raises(errors.WeightsError, match="variable 'a'"):
        converter.convert(source, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["half_plus_two"]


def test_a_disk_that_is_full_while_tensorflow_saves(golden_module, tmp_path, monkeypatch):
    def save(*_):
        raise tf.errors.ResourceExhaustedError(
            None, None, "saved_model.pb; No space left on device"
        )

    monkeypatch.setattr("converter.tf_private.save_without_checkpoint", save)
    with pytest.raises(errors.DestinationError, match="No space left on device"):
        converter.convert(golden_module("half_plus_two"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failed_verification_leaves_the_old_version(golden_module, tmp_path, monkeypatch):
    source, out = golden_module("half_plus_two"), tmp_path / "out"
    converter.convert(source, out)
    before = files(out)

    class Report:
        verdict = "differs"

        def first_failure(self):
            return "output 'default'"

    monkeypatch.setattr("converter.conversion.convert.verify", lambda *_, **__: Report())
    with pytest.raises(errors.ParityError, match="output 'default'"):
        converter.convert(source, out, overwrite=True, verify=True)
    assert files(out) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["half_plus_two", "out"]


def test_an_unwritable_destination(golden_module, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.DestinationError, match="cannot be written"):
        converter.convert(golden_module("half_plus_two"), tmp_path / "file" / "out")


@pytest.mark.parametrize(
    "name",
    ["image_bn_dropout", "while_nested", "cond_in_loop_in_cond", "conditional_batch_norm_in_place"],
)
def test_a_second_conversion_by_the_same_process_has_the_same_bytes(name, golden_module, tmp_path):
    source = golden_module(name)
    converter.convert(source, tmp_path / "one")
    tf.function(lambda x: x + 1)(tf.constant(1))
    converter.convert(source, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


_CONVERT = "import sys, converter; converter.convert(sys.argv[1], sys.argv[2])"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["bert_tiny", "text_embedding_oov", "gan_spectral", "defun_calls", "elmo", "decoder_attention",
     "cond_in_loop_in_cond", "rnn_lstm_block_cell", "v2_while_nested"],
)  # fmt: skip
def test_fresh_processes_write_the_same_bytes(name, tmp_path):
    source = GOLDEN / name / "module"
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", _CONVERT, str(source), str(tmp_path / seed)],
            check=True,
            env={"PYTHONPATH": str(GOLDEN.parents[1]), "PYTHONHASHSEED": seed},
            capture_output=True,
        )
    assert files(tmp_path / "1") == files(tmp_path / "2")


def test_verification_makes_garbage_and_has_a_collector(golden_module, tmp_path, monkeypatch):
    class Passed:
        verdict = "equal"

        def summary(self):
            return {}

    seen = []

    def verify(*_, **__):
        seen.append(gc.isenabled())
        return Passed()

    monkeypatch.setattr("converter.conversion.convert.verify", verify)
    converter.convert(golden_module("half_plus_two"), tmp_path / "out", verify=True)
    assert seen == [True]
