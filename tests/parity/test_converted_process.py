import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from converter import errors
from converter.parity import converted_process
from converter.parity.converted_loading import load_converted
from converter.parity.converted_process import run_in_every_way, write_deterministic_copy
from converter.parity.converted_runner import Request


def test_the_copy_has_all_but_the_fingerprint(converted, tmp_path):
    source = converted("bert_tiny")
    write_deterministic_copy(source, tmp_path / "copy")
    names = {path.name for path in source.iterdir()} - {"fingerprint.pb"}
    assert {path.name for path in (tmp_path / "copy").iterdir()} == names
    assert (tmp_path / "copy" / "variables").is_symlink()
    graph = (tmp_path / "copy" / "saved_model.pb").read_bytes()
    assert b"StatelessRandomUniform" in graph
    assert b"StatelessRandomUniform" not in (source / "saved_model.pb").read_bytes()


def test_refuses_what_is_not_a_saved_model(tmp_path):
    with pytest.raises(errors.ParityError, match="is not a SavedModel"):
        write_deterministic_copy(tmp_path, tmp_path / "copy")
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(errors.ParityError, match="is not a SavedModel"):
        write_deterministic_copy(tmp_path, tmp_path / "copy")


def test_a_process_that_dies_is_an_error_with_its_last_words(converted, monkeypatch):
    request = Request(str(converted("half_plus_two")), (), (), import_ops=("no_such_package",))
    with pytest.raises(errors.ParityError, match=r"ended with status 1.*no_such_package"):
        run_in_every_way(request, fresh_process=True)
    monkeypatch.setattr(converted_process, "_MODULE", "tests.parity.crashes")
    with pytest.raises(errors.ParityError, match=r"was killed by signal 11"):
        run_in_every_way(request, fresh_process=True)


def test_both_ways_to_run_show_the_same(converted):
    request = Request(str(converted("half_plus_two")), (), ("default",))
    there = run_in_every_way(request, fresh_process=True)
    here = run_in_every_way(request, fresh_process=False)
    assert there.facts.variables == here.facts.variables
    np.testing.assert_array_equal(there.facts.signatures, here.facts.signatures)


def test_an_answer_that_makes_no_sense_is_an_error(converted, monkeypatch):
    request = Request(str(converted("half_plus_two")), (), ())
    for module in ("tests.parity.says_nothing", "tests.parity.says_a_pickle"):
        monkeypatch.setattr(converted_process, "_MODULE", module)
        with pytest.raises(errors.ParityError, match="sent an answer that cannot be read"):
            run_in_every_way(request, fresh_process=True)


def test_runs_what_lies_on_disk_where_nothing_draws(converted, monkeypatch):
    monkeypatch.setattr(converted_process, "write_deterministic_copy", None)
    seen = run_in_every_way(Request(str(converted("half_plus_two")), (), ()), fresh_process=False)
    assert seen.facts.variables


@pytest.mark.parametrize("fresh_process", [False, True])
@pytest.mark.parametrize("shard", [0, 1])  # The weights, and the object graph.
def test_a_damaged_model_is_named(converted, tmp_path, shard, fresh_process):
    model = pathlib.Path(shutil.copytree(converted("half_plus_two"), tmp_path / "model"))
    data = model / "variables" / f"variables.data-0000{shard}-of-00002"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    with pytest.raises(errors.FormatError, match=r"model is damaged: \w.*Checksum") as caught:
        run_in_every_way(Request(str(model), (), ()), fresh_process=fresh_process)
    assert "Convert the module again" in caught.value.remedy
    assert "\n" not in str(caught.value)


def test_an_op_that_is_not_known_is_no_damage(monkeypatch):
    def load(_):
        raise FileNotFoundError("Op type not registered 'NoSuchOp' in binary")

    monkeypatch.setattr(tf.saved_model, "load", load)
    with pytest.raises(FileNotFoundError, match="NoSuchOp"):
        load_converted("somewhere")
