import gc

import pytest

from converter.processes.garbage_collection import importing, paused


def _fail():
    with paused():
        raise ValueError("no")


def test_it_is_off_only_inside():
    with paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="no"):
        _fail()
    assert gc.isenabled()


def test_it_is_as_before_for_a_while():
    with paused() as resumed:
        with resumed():
            assert gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_stays_off_if_it_was():
    gc.disable()
    try:
        with paused() as resumed, resumed():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_imported_is_exempt():
    before = gc.get_freeze_count()
    try:
        with importing():
            assert not gc.isenabled()
            kept = [[] for _ in range(100)]
        assert gc.isenabled()
        assert gc.get_freeze_count() >= before + len(kept)
    finally:
        gc.unfreeze()
