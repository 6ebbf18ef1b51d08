"""The last line of a run says how much memory each of its processes took; 2 GiB is too much."""

import resource

import pytest

_PEAKS = pytest.StashKey[list[int]]()


def pytest_configure(config):
    config.stash[_PEAKS] = []


def pytest_sessionfinish(session):
    """A worker of pytest-xdist tells its controller."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peak_mib"] = _peak_mib()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """The controller is told; not by a worker that crashed."""
    node.config.stash[_PEAKS].append(getattr(node, "workeroutput", {}).get("peak_mib", 0))


def pytest_terminal_summary(terminalreporter, config):
    peaks = config.stash[_PEAKS] or [_peak_mib()]
    terminalreporter.write_line(f"peak memory: {', '.join(f'{peak} MiB' for peak in peaks)}")


def _peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
