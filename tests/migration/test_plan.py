"""The plan: jobs with places of their own, and what needs none."""

import dataclasses

import pytest

from converter import errors
from converter.conversion.options import ConversionOptions
from converter.migration.candidates import Globs
from converter.migration.journal import History
from converter.migration.options import Options
from converter.migration.options_file import read_rules
from converter.migration.outcomes import NotLegacy, Refused
from converter.migration.plan import find_modules, make_plan


@pytest.fixture
def plan(tmp_path):
    def call(root, **changes):
        options = Options(source_root=root, destination_root=tmp_path / "dst")
        options = dataclasses.replace(options, **changes)
        return make_plan(options, find_modules(options), History(), "run")

    return call


def test_each_job_has_places_of_its_own(tree, plan, tmp_path):
    root = tree({"b/1": None, "a": None})
    conversion = ConversionOptions(verify=True, import_ops=("x",), hardlink=True)
    jobs = plan(root, conversion=conversion).jobs
    assert [job.path for job in jobs] == ["b/1", "a"]
    jobs = jobs[::-1]
    job, dst = jobs[1], tmp_path / "dst"
    assert job.source == str(tmp_path / "src/b/1")
    assert job.destination == str(dst / "b/1")
    assert job.staging == str(dst / ".tf1hub/staging/run/0")
    assert job.parity_report == str(dst / ".tf1hub/parity/b/1/comparison.json")
    assert job.options == conversion


def test_each_job_has_its_own_options(tree, plan):
    root = tree({"bert/1": None, "bert/2": None, "other": None})
    rules = read_rules({"bert/*": {"call_signature": "tokens"}, "bert/2": {"verify": False}})
    jobs = plan(root, conversion=ConversionOptions(verify=True), rules=rules).jobs
    assert {job.path: (job.options.call_signature, job.options.verify) for job in jobs} == {
        "bert/1": ("tokens", True), "bert/2": ("tokens", False), "other": (None, True)
    }  # fmt: skip


def test_options_for_a_module_that_is_not_there(tree, plan):
    root = tree({"a": None, "no_model/x.txt": "x"})
    with pytest.raises(errors.UsageError, match="no module matches 'b', for which there are"):
        plan(root, rules=read_rules({"b": {}}))
    # What is left out this time, or is no model, is there all the same.
    rules = read_rules({"a": {}, "no_*": {}})
    assert plan(root, rules=rules, globs=Globs(exclude=("a",))).jobs == ()


def test_the_largest_come_first_and_then_the_alphabet_decides(tree, plan):
    root = tree({"a": None, "b": None, "c": None, "d": None})
    (root / "c/more").write_text("x" * 100)
    assert [job.path for job in plan(root).jobs] == ["c", "a", "b", "d"]


def test_the_migration_s_own_folder_is_no_place_for_a_model(tree, plan):
    found = plan(tree({".tf1hub/staging/run/0": None, ".tf1hub.tgz": "x", "a/.tf1hub/b": None}))
    assert [job.path for job in found.jobs] == ["a/.tf1hub/b"]
    refused = {outcome.path: outcome.error.text for outcome in found.outcomes}
    assert set(refused) == {".tf1hub/staging/run/0", ".tf1hub.tgz"}
    assert all("collide with the journal's folder '.tf1hub'" in text for text in refused.values())
    assert all(isinstance(outcome, Refused) for outcome in found.outcomes)


def test_collisions_begin_nothing(tree, plan, tmp_path):
    with pytest.raises(errors.UsageError, match=r"'a' and 'a\.tar\.gz' would both become 'a'"):
        plan(tree({"a": None, "a.tar.gz": "x"}))
    (tmp_path / "list").write_text("a\na.tar.gz\n")
    with pytest.raises(errors.UsageError, match="would both become 'a'"):
        plan(tmp_path / "src", from_list=tmp_path / "list")


def test_what_is_excluded_collides_with_nothing(tree, plan):
    found = plan(tree({"a": None, "a.tar.gz": "x", "docs/x": "x"}), globs=Globs((), ("a", "docs")))
    assert [job.path for job in found.jobs] == ["a.tar.gz"]
    assert found.outcomes == ()


def test_what_is_not_a_model_needs_no_job(tree, plan):
    (outcome,) = plan(tree({"a": None, "docs/x": "x"})).outcomes
    assert isinstance(outcome, NotLegacy)


def test_a_list_takes_the_place_of_the_tree(tree, plan, tmp_path):
    (tmp_path / "list").write_text("b\nnowhere\n")
    found = plan(tree({"a": None, "b": None}), from_list=tmp_path / "list")
    assert sorted(job.path for job in found.jobs) == ["b", "nowhere"]


def test_it_writes_nothing(tree, plan, tmp_path):
    plan(tree({"a": None}))
    assert not (tmp_path / "dst").exists()


def test_jobs_of_a_retry_compare_again(tree, plan):
    root = tree({"a": None})
    assert [job.retries_open for job in plan(root).jobs] == [False]
    assert [job.retries_open for job in plan(root, retry_failed=True).jobs] == [True]
