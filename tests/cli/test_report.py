"""`tf1hub report`, run in this process."""

import json

import pytest
import report_data

from converter.cli import main as cli


@pytest.fixture
def run(capfd):
    """`run(*arguments)` returns exit status, stdout and stderr."""

    def call(*arguments):
        status = cli.main(cli.parse_arguments(["tf1hub", "report", *map(str, arguments)]))
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def root(tmp_path):
    destination = tmp_path / "[bold]dst"
    destination.mkdir()
    return report_data.write_journal(destination, report_data.one_of_each(destination))


def test_it_says_where_it_wrote_and_the_headline(run, root):
    status, out, err = run(root)
    assert status == 0
    assert out.splitlines() == [
        f"Written to {root}/report.html",
        "  2 of 7 modules converted, 2 proven equal",
        f"  for programs: {root}/report.json and {root}/report.csv",
    ]
    assert err.splitlines()[-1] == "tf1hub: writing the page"


def test_json_is_one_document_with_the_paths(run, root, tmp_path):
    status, out, _ = run(root, "--output", tmp_path / "page.html", "--json")
    assert status == 0
    printed = json.loads(out)
    assert printed["html"] == str(tmp_path / "page.html")
    assert printed["counts"]["refused"] == 2
    with open(printed["json"]) as file:
        assert json.load(file)["totals"]["counts"] == printed["counts"]


def test_no_migration_is_wrong_use(run, tmp_path):
    status, out, err = run(tmp_path)
    assert (status, out) == (2, "")
    assert "has no journal of a migration. Name the DST_ROOT" in err
    status, out, err = run(tmp_path / "nowhere")
    assert (status, out) == (2, "")
    assert "nowhere does not exist. Name the DST_ROOT" in err


def test_an_output_with_another_ending_is_wrong_use(run, root):
    status, _, err = run(root, "--output", "page.txt")
    assert status == 2
    assert "does not end with .html" in err


def test_a_place_that_cannot_be_written_fails(run, root, tmp_path):
    status, _, err = run(root, "--output", tmp_path / "none" / "page.html")
    assert status == 2
    assert "cannot be written: No such file or directory" in err
    assert "--output" in err


def test_open_shows_the_page_in_the_user_s_browser(run, root, tmp_path, monkeypatch):
    browser, shown = tmp_path / "browser", tmp_path / "shown"
    browser.write_text(f'#!/bin/sh\necho "$1" > {shown}\n')
    browser.chmod(0o755)
    monkeypatch.setattr("webbrowser._tryorder", None)  # It is made once, of the environment.
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    status, out, _ = run(root, "--open")
    assert (status, out.splitlines()[0]) == (0, f"Written to {root}/report.html")
    assert shown.read_text() == f"{(root / 'report.html').as_uri()}\n"


def test_without_a_browser_open_is_no_failure(run, root, monkeypatch):
    monkeypatch.setattr("webbrowser._tryorder", [])
    status, _, err = run(root, "--open")
    assert status == 0
    assert f"no browser was found; open {root}/report.html in one" in err
    assert (root / "report.html").exists()
