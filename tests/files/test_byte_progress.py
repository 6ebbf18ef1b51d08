import pytest

from converter.files.byte_progress import Amount, ByteProgress

_GIB = 1 << 30


@pytest.fixture
def clock():
    return [100.0]


def make(said, clock, **options):
    return ByteProgress(said.append, "copying weights", clock=lambda: clock[0], **options)


def test_it_tells_once_a_second(clock):
    said = []
    progress = make(said, clock)
    progress(_GIB // 4, _GIB)
    progress(_GIB // 2, _GIB)
    clock[0] += 1
    progress(_GIB, _GIB)
    assert said == [
        "copying weights: 256 MiB of 1.0 GiB, 25%", "copying weights: 1.0 GiB of 1.0 GiB, 100%",
    ]  # fmt: skip


def test_it_tells_how_much_is_done_and_how_long_it_takes(clock):
    said = []
    progress = make(said, clock)
    for quarter in (0, 1, 2):
        progress(quarter * _GIB, 4 * _GIB)
        clock[0] += 30
    assert said[-1] == "copying weights: 2.0 GiB of 4.0 GiB, 50%, 1:00 min left"
    step = said[-1]
    assert isinstance(step, Amount)
    assert (step.what, step.done, step.total) == ("copying weights", 2 * _GIB, 4 * _GIB)


def test_without_a_total_there_is_no_share(clock):
    said = []
    make(said, clock)(3 << 20, None)
    assert said == ["copying weights: 3.0 MiB"]
    assert not isinstance(said[0], Amount)


def test_work_that_stands_still_has_no_time_left(clock):
    said = []
    progress = make(said, clock)
    progress(_GIB, 2 * _GIB)
    clock[0] += 60
    progress(_GIB, 2 * _GIB)
    assert said[-1].endswith("50%")


def test_small_files_are_not_worth_mentioning(clock):
    said = []
    make(said, clock)(1000, 2000)
    assert said == []
    make(said, clock, small_bytes=0)(1000, 2000)
    assert len(said) == 1
