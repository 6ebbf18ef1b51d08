"""`converter.migrate`: its arguments reach the run, and its result describes that."""

import pytest

import converter


class _Notes:
    def __init__(self):
        self.seen = []

    def planned(self, plan, workers):
        self.seen.append(("planned", sorted(job.path for job in plan.jobs), workers))

    def started(self, path):
        self.seen.append(("started", path))

    def finished(self, path, outcome):
        self.seen.append(("finished", path, outcome))


def test_its_arguments_reach_the_run(tree, tmp_path):
    notes = _Notes()
    root = tree({"a": "golden:half_plus_two", "b": "golden:half_plus_two", "c": None})
    report = converter.migrate(
        root, tmp_path / "dst", dry_run=True, include=["[ab]"], exclude=["b"], workers=1,
        tags=[], options={"a": {"call_signature": "default"}}, watcher=notes,
    )  # fmt: skip
    assert (report.dry_run, report.not_run) == (True, ("a",))
    assert report.options == {"a": {"tags": [], "call_signature": "default"}}
    assert notes.seen == [("planned", ["a"], 1), ("started", "a"), ("finished", "a", None)]
    assert not (tmp_path / "dst").exists()


def test_it_begins_nothing_because_it_is_to_stop(tree, tmp_path):
    root = tree({"a": "golden:half_plus_two"})
    report = converter.migrate(root, tmp_path / "dst", workers=1, stopping=lambda: True)
    assert (report.interrupted, report.not_run, report.outcomes) == (True, ("a",), ())


def test_arguments_that_it_does_not_have(tree, tmp_path):
    root = tree({"a": None})
    with pytest.raises(TypeError, match="'worker'"):
        converter.migrate(root, tmp_path / "dst", worker=1)
    with pytest.raises(converter.UsageError, match="gs://bucket"):
        converter.migrate("gs://bucket/modules", tmp_path / "dst")
