import pytest

from converter.files import byte_progress
from converter.files.byte_progress import ByteProgress

_GIB = 1 << 30


@pytest.fixture
def clock(monkeypatch):
    times = [100.0]
    monkeypatch.setattr(byte_progress.time, "monotonic", lambda: times[0])
    return times


def test_it_tells_once_a_second(clock):
    said = []
    progress = ByteProgress(said.append, "copying weights")
    progress(_GIB // 4, _GIB)
    progress(_GIB // 2, _GIB)
    clock[0] += 1
    progress(_GIB, _GIB)
    assert said == ["copying weights: 268.4 MB of 1.1 GB", "copying weights: 1.1 GB of 1.1 GB"]


@pytest.mark.usefixtures("clock")
def test_small_files_are_not_worth_mentioning():
    said = []
    ByteProgress(said.append, "copying weights")(1000, 2000)
    assert said == []
