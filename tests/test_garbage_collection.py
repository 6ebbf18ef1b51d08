import gc

import pytest

from converter.garbage_collection import paused


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


def test_it_stays_off_if_it_was():
    gc.disable()
    try:
        with paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
