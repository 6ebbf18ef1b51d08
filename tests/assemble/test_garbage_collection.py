import gc

import pytest

from converter.assemble.garbage_collection import paused


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


def test_a_function_runs_with_it_off_each_time():
    @paused()
    def is_enabled():
        return gc.isenabled()

    assert not is_enabled()
    assert gc.isenabled()
    assert not is_enabled()
    assert gc.isenabled()


def test_it_stays_off_if_it_was():
    gc.disable()
    try:
        with paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
