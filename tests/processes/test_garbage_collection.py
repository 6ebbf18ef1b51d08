import gc

import pytest

from converter.processes.garbage_collection import paused


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
