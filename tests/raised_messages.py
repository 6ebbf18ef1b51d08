"""A pytest plugin: every message of the converter's errors is raised in a whole run.

Each worker notes where errors are made. After a run of all tests that pass, the run fails if a
message of the code was made nowhere, or if one that `NOT_RAISED` exempts was. Runs of some tests,
or of another tier, only note.
"""

import pathlib
import sys

import pytest
from error_catalogue.raise_sites import find_raise_sites

from converter import errors

_PACKAGE = pathlib.Path(errors.__file__).parent
_SITES = pytest.StashKey[set]()

# Messages that no test of the fast tier raises in its own process, and why.
NOT_RAISED = {
    "a branch uses a value of another branch": (
        "the guards of a Merge's inputs refuse every such graph first; this checks that they did"
    ),
}


def pytest_configure(config):
    sites = config.stash[_SITES] = set()
    for kind in (errors.ConversionError, errors.InternalError):
        _note_places(kind, sites)


def _note_places(kind, sites):
    """Adds the file and line of each call of `kind`, or of a class below it, to `sites`."""
    make = kind.__init__

    def make_and_note(self, *args, **kwargs):
        frame = sys._getframe(1)
        sites.add((frame.f_code.co_filename, frame.f_lineno))
        make(self, *args, **kwargs)

    kind.__init__ = make_and_note


def pytest_sessionfinish(session, exitstatus):
    config = session.config
    sites = config.stash[_SITES]
    if hasattr(config, "workeroutput"):
        config.workeroutput["error_sites"] = sorted(sites)
    elif exitstatus == pytest.ExitCode.OK and is_whole(config):
        problems = find_problems(find_raise_sites(_PACKAGE), in_package(sites), NOT_RAISED)
        if problems:
            config.get_terminal_writer().line("\n" + "\n".join(problems), red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Takes what a worker has noted, before the session of the controller finishes."""
    del error
    output = getattr(node, "workeroutput", {})
    node.config.stash[_SITES].update(map(tuple, output.get("error_sites", ())))


def is_whole(config):
    """Whether a run has all tests of the fast tier."""
    options = config.option
    return (
        config.args_source == pytest.Config.ArgsSource.TESTPATHS
        and options.markexpr == "not slow and not browser"
        and not any(
            getattr(options, name, None)
            for name in ("keyword", "deselect", "ignore", "ignore_glob", "lf", "stepwise",
                         "collectonly")
        )
    )  # fmt: skip


def in_package(sites):
    """Places as `find_raise_sites` has them: files relative to the package."""
    paths = ((pathlib.Path(name), line) for name, line in sites)
    return {
        (path.relative_to(_PACKAGE).as_posix(), line)
        for path, line in paths
        if path.is_relative_to(_PACKAGE)
    }


def find_problems(raise_sites, noted, exempt):
    """One line for each message that was not made, and for each exemption that is not needed."""
    texts = {site.text for site in raise_sites}
    made = {
        site.text
        for site in raise_sites
        for file, line in noted
        if file == site.file and site.first_line <= line <= site.last_line
    }
    exempted = set(exempt)
    return [
        *(f"no test raises the message {text!r}" for text in sorted(texts - made - exempted)),
        *(f"exempt, but raised by a test: {text!r}" for text in sorted(made & exempted)),
        *(f"exempt, but not in the code: {text!r}" for text in sorted(exempted - texts)),
    ]
