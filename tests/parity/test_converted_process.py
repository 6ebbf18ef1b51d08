import numpy as np
import pytest

from converter import errors
from converter.parity import converted_process
from converter.parity.converted_process import run_deterministic, write_deterministic_copy
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


def test_refuses_what_is_no_saved_model(tmp_path):
    with pytest.raises(errors.ParityError, match="no SavedModel"):
        write_deterministic_copy(tmp_path, tmp_path / "copy")
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(errors.ParityError, match="no SavedModel"):
        write_deterministic_copy(tmp_path, tmp_path / "copy")


def test_a_process_that_dies_is_an_error_with_its_last_words(converted, monkeypatch):
    request = Request(converted("half_plus_two"), (), (), import_ops=("no_such_package",))
    with pytest.raises(errors.ParityError, match=r"ended with status 1.*no_such_package"):
        run_deterministic(request, fresh_process=True)
    monkeypatch.setattr(converted_process, "_MODULE", "tests.parity.crashes")
    with pytest.raises(errors.ParityError, match=r"was killed by signal 11"):
        run_deterministic(request, fresh_process=True)


def test_both_ways_to_run_show_the_same(converted):
    request = Request(converted("half_plus_two"), (), ("default",))
    there = run_deterministic(request, fresh_process=True)
    here = run_deterministic(request, fresh_process=False)
    assert there.facts.variables == here.facts.variables
    np.testing.assert_array_equal(there.facts.signatures, here.facts.signatures)
