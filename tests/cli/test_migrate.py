"""`tf1hub migrate` as a process, where nothing needs a worker; see tests/migration for the rest."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from converter.cli import main, terminal
from converter.compile.refusals import RefusalInfo
from converter.migration.outcomes import (
    Converted,
    ErrorInfo,
    Failed,
    ParitySummary,
    Refused,
)
from converter.migration.report import MigrationReport
from converter.migration.report_tables import print_report

ROOT = pathlib.Path(__file__).parents[2]
ODD = b"odd\xff\xc3\xa4"


@pytest.fixture
def run(tmp_path):
    """`run(*options)` migrates `tmp_path / "src"`, in which one name is no UTF-8."""
    # Such a place is refused without a look at it.
    folder = os.path.join(os.fsencode(tmp_path), b"src/.tf1hub", ODD)
    os.makedirs(folder)
    with open(os.path.join(folder, b"tfhub_module.pb"), "wb"):
        pass

    def call(*options):
        return subprocess.run(
            [sys.executable, "-m", "converter", "migrate", *options, tmp_path / "src",
             tmp_path / "dst"],
            capture_output=True, env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}, check=False,
        )  # fmt: skip

    return call


def test_names_that_are_no_text_are_shown(run):
    done = run()
    assert done.returncode == 1, done.stderr
    assert ".tf1hub/odd\\udcffä" in done.stdout.decode()
    assert b"1" in done.stdout


def test_the_report_is_written_in_the_end(run, tmp_path):
    page = tmp_path / "dst/report.html"
    assert run().stdout.decode().splitlines()[-1] == f"The report: {page}"
    assert page.stat().st_size > 1000
    page.unlink()
    assert b"The report" not in run("--no-report").stdout
    assert b"The report" not in run("--dry-run").stdout
    assert not page.exists()


def test_a_report_that_cannot_be_written_is_a_warning(run, tmp_path):
    (tmp_path / "dst/report.html").mkdir(parents=True)
    done = run()
    assert b"tf1hub: warning: the migration report was not written: " in done.stderr
    assert done.returncode == 1


def test_names_that_are_no_text_are_json(run):
    done = run("--json")
    assert done.returncode == 1, done.stderr
    (outcome,) = json.loads(done.stdout.decode())["outcomes"]
    assert os.fsencode(outcome["path"]) == b".tf1hub/" + ODD
    assert outcome["error"]["kind"] == "Collision"


def _converted(path, verdict):
    reasons = ("all of default: it does not run",) if verdict == "not compared" else ()
    parity = ParitySummary(
        verdict=verdict, passed=verdict == "equal", tensors=1, bit_equal=1, worst_abs=0.0,
        worst_rel=0.0, not_compared=reasons,
    )  # fmt: skip
    return Converted(
        path=path, source=path, destination=path, destination_bytes=1, record="r", parity=parity
    )


@pytest.mark.parametrize(
    ("verdicts", "failed", "status", "said"),
    [
        (["equal", "equal"], False, 0, "All 2 modules converted, all proven equal."),
        (["equal", "not compared"], False, 3, "All 2 modules converted, 1 proven equal, 1 not"),
        (["not compared"], True, 1, "1 of 2 modules converted, 0 proven equal, 1 not compared."),
    ],
)
def test_what_was_not_compared_is_counted_and_said(
    monkeypatch, tmp_path, capsys, verdicts, failed, status, said
):
    outcomes = [_converted(f"m{n}", verdict) for n, verdict in enumerate(verdicts)]
    if failed:
        error = ErrorInfo(kind="ParityError", message="it differs")
        outcomes.append(Failed(path="f", source="f", destination="f", error=error))
    report = MigrationReport(
        run="r", source_root="src", destination_root="dst", outcomes=tuple(outcomes)
    )
    monkeypatch.setattr("converter.migration.migrate.migrate", lambda *_, **__: report)
    arguments = main.parse_arguments(["tf1hub", "migrate", str(tmp_path), str(tmp_path / "dst")])
    assert main.main(arguments) == status
    printed = capsys.readouterr().out
    assert said in printed
    assert ("it does not run" in printed) == ("not compared" in verdicts)


def test_options_are_handed_on(monkeypatch, tmp_path, capsys):
    given = {}

    def migrate(source, destination, **options):
        given.update(options, source=source, destination=destination)
        return MigrationReport(run="r", source_root=source, destination_root=destination)

    monkeypatch.setattr("converter.migration.migrate.migrate", migrate)
    arguments = main.parse_arguments(
        [
            "tf1hub",
            "migrate",
            "src",
            str(tmp_path),
            "--hardlink",
            "--include",
            "a",
            "--workers",
            "3",
            "--options",
            "options.toml",
            "--tags",
            "b,a",
            "--training-tags",
            "",
            "--call-signature",
            "tokens",
        ]
    )
    assert main.main(arguments) == 0
    assert "Nothing was found in src." in capsys.readouterr().out
    assert (given["source"], given["destination"]) == ("src", str(tmp_path))
    assert (given["hardlink"], given["include"], given["workers"]) == (True, ["a"], 3)
    assert (given["options"], given["call_signature"]) == ("options.toml", "tokens")
    assert (given["tags"], given["training_tags"]) == (["a", "b"], [])
    assert (given["engine"], given["scheduler"]) == ("local", None)
    assert not {"verify", "inputs"} & set(given)  # The defaults are those of `converter.migrate`.


def test_remote_trees_are_wrong_use():
    done = subprocess.run(
        [sys.executable, "-m", "converter", "migrate", "gs://bucket/modules", "x"],
        capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("tf1hub: error: gs://bucket/modules is not a local path")


def test_a_dry_run_shows_the_options_of_modules_that_have_some(capsys):
    report = MigrationReport(
        run="r", source_root="src", destination_root="dst", dry_run=True, not_run=("a[b]", "c"),
        options={"a[b]": {"tags": ["gen", "bs8"], "verify": True}, "gone": {"verify": True}},
    )  # fmt: skip
    print_report(report, terminal.output_console())
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "a[b]" in line]
    assert line.split() == ["a[b]", "--verify", "--tags", "bs8,gen"]


def test_a_pattern_that_matches_nothing_is_wrong_use(run, tmp_path):
    options = tmp_path / "options.json"
    options.write_text('{"gone/*": {"verify": true}}')
    done = run("--options", options, "--dry-run")
    assert done.returncode == 2
    assert (
        done.stderr.decode()
        .splitlines()[-1]
        .startswith("tf1hub: error: no module matches 'gone/*', for which there are options.")
    )


def test_a_dry_run_lists_all_reasons_as_inspect_does(capsys):
    reasons = (
        ("op 'Foo' is not registered (at node 'a'). Import it.", ("default", "table 'words'")),
        ("op 'Bar' has no attribute 'x' (at node 'b').", ()),
    )
    outcome = Refused(
        path="[red]a", source="s", destination="d", error=ErrorInfo(kind="K", message="first"),
        refusals=tuple(
            RefusalInfo(error=error, type="UnsupportedOpError", callables=callables)
            for error, callables in reasons
        ),
    )  # fmt: skip
    report = MigrationReport(run="r", source_root="s", destination_root="d", outcomes=(outcome,),
                             dry_run=True)  # fmt: skip
    print_report(report, terminal.output_console())
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "[red]a" in printed
    for error, _ in reasons:
        assert error in printed
    assert "obj.default, table 'words': op 'Foo'" in printed
    assert report.to_json()["outcomes"][0]["refusals"] == [
        {"error": error, "type": "UnsupportedOpError", "callables": list(callables)}
        for error, callables in reasons
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "dask"], "needs the address of a scheduler. Pass --scheduler"),
        (["--scheduler", "tcp://host:1"], "--scheduler is for Dask. Pass --engine dask"),
    ],
)
def test_an_engine_and_a_scheduler_go_together(options, message, tmp_path, capsys):
    arguments = ["tf1hub", "migrate", *options, str(tmp_path / "src"), str(tmp_path / "dst")]
    assert main.main(main.parse_arguments(arguments)) == 2
    assert message in capsys.readouterr().err
