"""Journal, records and comparisons become one value; what is damaged is said in it."""

import json
import os

import msgspec
import pytest
import report_data

from converter import errors
from converter.migration.collect.report import collect_report
from converter.migration.journal import journal_path
from converter.migration.outcomes import ErrorInfo, Failed
from converter.page.document import decode_report, encode_report


def test_every_module_is_there_by_path(root, collect_facts):
    facts = collect_facts(root)
    assert list(facts) == sorted(facts)
    assert facts["text/begun"].outcome == "unfinished"
    assert "is still going on" in facts["text/begun"].problems[0]
    assert facts["image/resnet"].variable_count == 2
    assert facts["image/resnet"].callables == ["default"]
    assert sum(facts["image/resnet"].histogram) == 3 * 8 * 16
    assert [path for path, one in facts.items() if one.problems] == ["text/begun"]


def test_details_hold_the_record_and_the_comparison(root):
    modules = {module.path: module for module in collect_report(root, lambda _: None).modules}
    details = report_data.unpack(modules["text/nnlm"].details)
    assert len(details["record"]["variables"]) == 300
    assert len(details["report"]["rows"]) == 61
    assert details["report"]["file"] == ".tf1hub/parity/text/nnlm/comparison.json"
    assert report_data.unpack(modules["text/queue"].details)["record"] is None


def test_a_module_begun_again_keeps_its_outcome(root, collect_facts):
    report_data.write_journal(root, [], begun=["image/resnet"], run="r2")
    facts = collect_facts(root)["image/resnet"]
    assert facts.outcome == "converted"
    assert "has no outcome" in facts.problems[0]


def test_a_tree_that_was_moved_is_read_where_it_is(root, collect_facts):
    before = collect_facts(root)
    moved = root.with_name("moved")
    root.rename(moved)
    after = collect_facts(moved)
    saved = after["image/resnet"]
    assert saved.destination == str(moved / "image/resnet")
    assert str(moved) in "".join(report_data.unpack(saved.details)["usage"])
    for facts in (before, after):
        for path, one in facts.items():
            changes = {"details": b"", "destination": ""}
            facts[path] = msgspec.structs.replace(one, **changes)
    assert after == before


def test_a_record_or_comparison_that_is_missing_or_damaged_is_said(root, collect_facts):
    record = root / "image/resnet/assets.extra/conversion.json"
    parity = root / ".tf1hub/parity/image/resnet/comparison.json"
    for content, word in ((None, "it is missing"), ("{", "it is damaged"), ("[]", "it is damaged")):
        for file in (record, parity):
            file.unlink(missing_ok=True)
            if content is not None:
                file.write_text(content)
        facts = collect_facts(root)["image/resnet"]
        assert facts.variable_count is None
        assert facts.histogram is None
        assert facts.parity.passed
        assert [problem.partition(":")[0] for problem in facts.problems] == [
            "Its record, conversion.json, could not be read",
            "Its comparison with the original could not be read",
        ]
        assert all(word in problem for problem in facts.problems)


def test_files_of_another_conversion_are_said(root, collect_facts):
    record = report_data.make_record(source={"name": "m", "format": "f", "digest": "other"})
    (root / "image/resnet/assets.extra/conversion.json").write_text(json.dumps(record))
    report_data.write_report_of(root, "image/resnet", report_data.make_report(9))
    problems = collect_facts(root)["image/resnet"].problems
    assert "another conversion" in problems[0]
    assert "another one" in problems[1]


def test_a_comparison_that_failed_is_read_if_it_is_of_this_attempt(tmp_path, collect_facts):
    error = ErrorInfo(kind="ParityError", message="it differs")
    outcome = Failed(**report_data.where(tmp_path, "m"), error=error)
    report_data.write_journal(tmp_path, [outcome])
    assert collect_facts(tmp_path)["m"].parity is None
    file = report_data.write_report_of(tmp_path, "m", report_data.make_report(wrong=True))
    assert collect_facts(tmp_path)["m"].parity.passed is False
    os.utime(file, (report_data.BEGAN - 60,) * 2)
    assert collect_facts(tmp_path)["m"].parity is None
    assert collect_facts(tmp_path)["m"].problems == []


@pytest.mark.parametrize("path", ["../outside", "/etc", "a/../../b"])
def test_no_path_leads_out_of_the_destination(tmp_path, collect_facts, path):
    root = tmp_path / "dst"
    root.mkdir()
    outcome = report_data.saved(root, "inside", report=report_data.make_report())
    report_data.write_journal(root, [msgspec.structs.replace(outcome, path=path)])
    facts = collect_facts(root)[path]
    assert facts.variable_count is None
    assert facts.problems == ["Its path leads out of DST_ROOT, so its files were not read."]


@pytest.mark.parametrize("record", ["/dst/../etc/passwd", "elsewhere.json"])
def test_no_record_is_read_outside_of_its_module(tmp_path, collect_facts, record):
    outcome = report_data.saved(tmp_path, "m")
    broken = msgspec.structs.replace(outcome, destination="/dst", record=record)
    report_data.write_journal(tmp_path, [broken])
    problems = collect_facts(tmp_path)["m"].problems
    assert len(problems) == 1
    assert "could not be read" in problems[0]


def test_a_journal_with_any_types_is_read(root, collect_facts):
    path = journal_path(root)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    finished = next(line for line in lines if line["event"] == "job_finished")
    spoilt = [
        {**finished, "outcome": {**finished["outcome"], "path": name, "seconds": seconds}}
        for name, seconds in (("bad", "x"), (7, 1.0), ("huge", 1e999), ("late", 1e300))
    ]
    started = {**lines[0], "run": "r9", "options": None}
    with path.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in (started, *spoilt))
    assert not {"bad", 7, "huge", "late"} & set(collect_facts(root))
    report = collect_report(root, lambda _: None)
    assert len(report.runs) == 1
    count = len(lines)
    assert report.problems == [
        f"Line {count + number} of the journal is damaged, and its event is lost: {problem}."
        for number, problem in enumerate(
            (
                "expected `object`, got `null` at `options`",
                "expected `float`, got `str` at `outcome.seconds`",
                "expected `str`, got `int` at `outcome.path`",
                "it is not valid JSON: Infinity is not JSON",
                "expected `float` <= 1000000000000000.0 at `outcome.seconds`",
            ),
            start=1,
        )
    ]


def test_sums_of_hostile_numbers_are_written_and_read(tmp_path):
    outcomes = [
        msgspec.structs.replace(
            report_data.saved(tmp_path, path), source_bytes=2**63 - 1, destination_bytes=2**63 - 1,
            seconds=1e15,
        )
        for path in ("a", "b")
    ]  # fmt: skip
    report = collect_report(report_data.write_journal(tmp_path, outcomes), lambda _: None)
    read = decode_report(encode_report(report), "report.json")
    assert read == report
    assert read.totals.source_bytes == 2**63 - 1
    assert read.totals.seconds == 1e15


def test_texts_are_unicode_and_not_absurdly_long(tmp_path):
    outcome = report_data.refused(tmp_path, "a\udcff", message="x" * 20_000)
    report = collect_report(report_data.write_journal(tmp_path, [outcome]), lambda _: None)
    (module,) = decode_report(encode_report(report), "report.json").modules
    assert module.path == "a\\udcff"
    assert module.error.message == "x" * 10_000 + "…"


def test_only_so_many_damaged_lines_are_listed(root):
    path = journal_path(root)
    path.write_bytes(b"nonsense\n" * 12 + path.read_bytes())
    problems = collect_report(root, lambda _: None).problems
    assert problems[0].startswith("Line 1 of the journal is damaged")
    assert problems[10:] == ["2 more lines are damaged."]


def test_no_journal_is_wrong_use(tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(errors.UsageError, match="no journal of a migration"):
            collect_report(place, lambda _: None)


def test_a_journal_that_cannot_be_read_is_an_error(root):
    path = journal_path(root)
    path.unlink()
    path.mkdir()
    with pytest.raises(errors.DestinationError, match="cannot be read"):
        collect_report(root, lambda _: None)


def test_an_archive_s_record_is_found_where_its_savedmodel_is(tmp_path, collect_facts):
    outcome = report_data.saved(tmp_path, "m")
    report_data.write_journal(tmp_path, [msgspec.structs.replace(outcome, path="m.tar.gz")])
    assert collect_facts(tmp_path)["m.tar.gz"].variable_count == 2


def test_progress_is_told(root):
    said = []
    collect_report(root, said.append)
    assert said == ["reading the files of module 1 of 9"]


def test_what_was_not_compared_says_why_and_what_to_do(tmp_path):
    outcome = report_data.saved(tmp_path, "m", report=report_data.make_open_report())
    (tmp_path / "m/README.md").write_text("# m")
    report_data.write_journal(tmp_path, [outcome])
    report = collect_report(tmp_path, lambda _: None)
    (module,) = report.modules
    assert (module.outcome, module.folder, module.card) == ("not_compared", "m", "README.md")
    # What the original has not either is no reason.
    (reason,) = module.not_compared
    assert (reason.text, reason.remedy) == (
        "gradients of default: TensorFlow loses them", "Pass --inputs.",
    )  # fmt: skip
    assert report.totals.counts["not_compared"] == 1
    (group,) = report.groups
    assert (group.title, group.modules) == ("not compared in full", 1)
    assert "--include=m" in group.retry
    # Without the comparison, the journal still has the reason.
    (tmp_path / ".tf1hub/parity/m/comparison.json").unlink()
    (module,) = collect_report(tmp_path, lambda _: None).modules
    assert [entry.text for entry in module.not_compared] == [reason.text]
