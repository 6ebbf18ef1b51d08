"""The command that retries some modules: it is parsed as typed, and chooses these alone."""

import dataclasses
import fnmatch
import shlex

import msgspec
import pytest
import report_data

from converter.cli import main
from converter.migration.collect.retry import match_exactly, write_retry
from converter.migration.journal import read_journal

PATHS = ["a/b", "it's", "sp ace", "[x]*?", "-dash", "é", "$HOME `id`"]


@pytest.fixture
def history(tmp_path):
    """`history(**options)` is the journal of a run with these options."""

    def call(**options):
        outcomes = [report_data.refused(tmp_path, path) for path in PATHS]
        report_data.write_journal(tmp_path, outcomes)
        found = read_journal(tmp_path)
        (run,) = found.runs
        started = msgspec.structs.replace(run.started, options={**run.started.options, **options})
        return dataclasses.replace(found, runs=(dataclasses.replace(run, started=started),))

    return call


def parse(command):
    """The arguments, as a shell and then the program read them."""
    return main.parse_arguments(shlex.split(command.replace("\\\n", " ")))


def test_the_command_chooses_these_modules_and_no_others(history):
    for path in PATHS:
        arguments = parse(write_retry(history(), [path], "/dst place"))
        assert arguments.source_root == "/src"
        assert arguments.destination_root == "/dst place"
        assert arguments.retry_failed
        (glob,) = arguments.include
        assert [p for p in PATHS if fnmatch.fnmatchcase(p, glob)] == [path]
    arguments = parse(write_retry(history(), PATHS, "/dst"))
    assert [p for p in PATHS if any(fnmatch.fnmatchcase(p, g) for g in arguments.include)] == PATHS


def test_it_has_the_options_of_the_run(history):
    command = write_retry(
        history(
            verify=True, tags=["a", "b"], import_ops=["x y"], conventions=False, workers=3,
            timeout_secs=90.5, memory_limit_gib=2.0, from_list="/l i.txt", rules=[{}],
            rules_file="/o.toml", engine="dask", scheduler="tcp://h:1", inputs=None,
            fail_fast=True,
        ),
        ["a/b"],
        "/dst",
    )  # fmt: skip
    arguments = parse(command)
    assert (arguments.verify, arguments.tags, arguments.import_ops) == (True, ["a", "b"], ["x y"])
    assert (arguments.conventions, arguments.workers, arguments.timeout_secs) == (False, 3, 90.5)
    assert (arguments.memory_limit_gib, arguments.from_list) == (2.0, "/l i.txt")
    assert (arguments.options, arguments.engine) == ("/o.toml", "dask")
    assert arguments.scheduler == "tcp://h:1"
    assert not arguments.fail_fast
    assert write_retry(history(), ["a/b"], "/dst").count("--") == 4


def test_rules_that_came_from_no_file_need_one(history):
    assert "--options FILE" in write_retry(history(rules=[{"pattern": "a"}]), ["a/b"], "/dst")


@pytest.mark.parametrize(
    "options", [{"tags": 7}, {"verify": "yes"}, {"call_signature": ["x"]}, {"import_ops": {}}]
)
def test_a_damaged_journal_gives_no_command(history, options):
    assert write_retry(history(**options), ["a/b"], "/dst") == ""


def test_a_module_without_a_run_gives_no_command(history):
    assert write_retry(history(), ["other"], "/dst") == ""


@pytest.mark.parametrize("root", ["/d\u202est", "/d\nst", "/d\udcff"])
def test_what_cannot_be_seen_is_not_offered_to_copy(history, root):
    assert write_retry(history(), ["a/b"], root) == ""


@pytest.mark.parametrize("path", ["a\u202eb", "a\nb", "a\udcffb", "a\x1b[31mb"])
def test_letters_that_cannot_be_typed_are_matched(path):
    glob = match_exactly(path)
    assert glob.isprintable()
    assert fnmatch.fnmatchcase(path, glob)
