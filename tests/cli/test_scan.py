"""`tf1hub scan`: its output, SARIF, and exit status; and the section of `tf1hub inspect`."""

import json

import pytest
from hostile_models import PLACES

from converter.cli import main as cli


@pytest.fixture
def hostile(half_plus_two, edit):
    """A module with a PyFunc that a call runs, and an Abort that nothing runs."""
    with edit(half_plus_two) as saved_model:
        PLACES["function"][0](saved_model.meta_graphs[0], "PyFunc")
        PLACES["nowhere"][0](saved_model.meta_graphs[0], "Abort")
    return half_plus_two


@pytest.fixture
def medium(half_plus_two, edit):
    """A module whose worst finding is of medium severity."""
    with edit(half_plus_two) as saved_model:
        PLACES["function"][0](saved_model.meta_graphs[0], "Abort")
    return half_plus_two


def _run(*arguments):
    return cli.main(cli.parse_arguments(["tf1hub", *map(str, arguments)]))


def test_it_prints_findings_and_fails(hostile, capsys):
    assert _run("scan", hostile) == 1
    printed = capsys.readouterr().out
    for text in ("high", "PyFunc", "function inner", "node evil", "call", "runs code: calls a"):
        assert text in printed
    assert "2 findings: 1 high, 1 low." in printed
    assert "never" in printed


def test_it_finds_nothing(half_plus_two, capsys):
    assert _run("scan", half_plus_two, "--fail-on", "low") == 0
    assert capsys.readouterr().out.splitlines() == [
        "Looked at 15 nodes of 1 graph and 0 functions.", "Nothing found.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("level", "status"), [("none", 0), ("low", 1), ("medium", 1), ("high", 0), (None, 0)]
)
def test_the_level_decides_the_exit_status(level, status, medium, capsys):
    arguments = [] if level is None else ["--fail-on", level]
    assert _run("scan", medium, *arguments) == status
    assert "1 finding: 1 medium." in capsys.readouterr().out


def test_wrong_usage(half_plus_two, tmp_path, capsys):
    assert _run("scan", tmp_path / "nowhere") == 2
    assert "nowhere does not exist. Check the path." in capsys.readouterr().err
    with pytest.raises(SystemExit) as exited:
        _run("scan", half_plus_two, "--fail-on", "often")
    assert exited.value.code == 2


def test_what_is_no_model_fails(tmp_path, capsys):
    (tmp_path / "model.h5").touch()
    assert _run("scan", tmp_path) == 1
    assert "its 'model.h5' is a file of Keras" in capsys.readouterr().err


def test_it_prints_one_json_document(hostile, capsys):
    assert _run("scan", hostile, "--json") == 1
    values = json.loads(capsys.readouterr().out)
    assert values["worst"] == "high"
    assert [finding["op"] for finding in values["findings"]] == ["PyFunc", "Abort"]


def test_it_lists_all_findings_and_notes_on_request(half_plus_two, edit, capsys):
    with edit(half_plus_two) as saved_model:
        nodes = saved_model.meta_graphs[0].graph_def.node
        for i in range(31):
            nodes.add(name=f"evil_{i}", op="PyFunc")
        nodes.add(name="left", op="RestoreV2", input=["path"])
        nodes.add(name="path", op="Const")
    assert _run("scan", half_plus_two) == 0
    printed = capsys.readouterr().out
    assert "… 1 more: --all lists them" in printed
    assert "1 op of savers reads" in printed
    assert "evil_30" not in printed
    assert _run("scan", half_plus_two, "--all") == 0
    printed = capsys.readouterr().out
    assert "evil_30" in printed
    assert "initial values of" in printed


def test_names_are_no_markup(half_plus_two, edit, capsys):
    with edit(half_plus_two) as saved_model:
        saved_model.meta_graphs[0].graph_def.node.add(name="[bold]x[/]", op="[red]Op")
    assert _run("scan", half_plus_two) == 0
    printed = capsys.readouterr().out
    assert "[bold]x[/]" in printed
    assert "[red]Op" in printed


def test_inspect_lists_findings(half_plus_two, edit, capsys):
    with edit(half_plus_two) as saved_model:
        for op in ("PyFunc", "WriteFile"):
            saved_model.meta_graphs[0].graph_def.node.add(name=op, op=op)
    assert _run("inspect", half_plus_two) == 0
    printed = capsys.readouterr().out
    assert "Not plainly safe" in printed
    assert "PyFunc" in printed
    assert _run("inspect", half_plus_two, "--json") == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [finding["op"] for finding in findings] == ["PyFunc", "WriteFile"]


def test_inspect_says_nothing_because_there_are_no_findings(half_plus_two, capsys):
    assert _run("inspect", half_plus_two) == 0
    assert "Not plainly safe" not in capsys.readouterr().out


# SARIF.

_LEVELS = {"none", "note", "warning", "error"}
_KINDS = {"notApplicable", "pass", "fail", "review", "open", "informational"}


def _check_sarif(log):
    """Checks what the schema of SARIF 2.1.0 requires of the objects that we write."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        assert isinstance(driver["name"], str)
        rules = [rule["id"] for rule in driver["rules"]]
        assert len(set(rules)) == len(rules)
        for rule in driver["rules"]:
            assert rule["shortDescription"]["text"]
            assert rule["defaultConfiguration"]["level"] in _LEVELS
            assert 0 <= float(rule["properties"]["security-severity"]) <= 10
        for result in run["results"]:
            _check_result(result, rules)


def _check_result(result, rules):
    assert result["message"]["text"]
    assert result["ruleId"] == rules[result["ruleIndex"]]
    assert result["level"] in _LEVELS
    assert result["kind"] in _KINDS
    # Section 3.27.10: any kind but "fail" has the level "none".
    assert (result["kind"] == "fail") == (result["level"] != "none")
    for location in result["locations"]:
        physical = location["physicalLocation"]
        assert " " not in physical["artifactLocation"]["uri"]
        assert physical["region"]["startLine"] >= 1
        assert all(part["fullyQualifiedName"] for part in location["logicalLocations"])
    assert all(isinstance(value, str) for value in result["partialFingerprints"].values())


def test_it_writes_sarif(hostile, tmp_path, monkeypatch):
    target = tmp_path / "log.sarif"
    monkeypatch.chdir(tmp_path)
    assert _run("scan", hostile, "--sarif", target) == 1
    log = json.loads(target.read_text())
    _check_sarif(log)
    first, second = log["runs"][0]["results"]
    assert (first["ruleId"], first["level"]) == ("runs-code", "error")
    assert (second["ruleId"], second["level"]) == ("denial-of-service", "note")
    assert first["message"]["text"] == (
        "PyFunc calls a Python function of the process; runs at call."
    )
    (location,) = first["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == (
        f"{hostile.name}/saved_model.pb"
    )
    assert location["logicalLocations"][0]["fullyQualifiedName"] == (
        "{} > function inner > node evil"
    )
    prints = [result["partialFingerprints"] for result in (first, second)]
    assert prints[0] != prints[1]


def test_sarif_of_a_model_elsewhere_has_its_whole_uri(medium, tmp_path, monkeypatch):
    target = tmp_path / "log.sarif"
    folder = tmp_path / "work here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert _run("scan", medium, "--sarif", target) == 0
    (result,) = json.loads(target.read_text())["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == medium.as_uri() + "/saved_model.pb"
    medium.rename(folder / "a model")
    assert _run("scan", "a model", "--sarif", target) == 0
    (result,) = json.loads(target.read_text())["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20model/saved_model.pb"
    monkeypatch.chdir(folder / "a model")
    assert _run("scan", ".", "--sarif", target) == 0
    (result,) = json.loads(target.read_text())["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == (
        "saved_model.pb"
    )


def test_sarif_without_findings_has_no_results(half_plus_two, tmp_path):
    target = tmp_path / "log.sarif"
    assert _run("scan", half_plus_two, "--sarif", target) == 0
    log = json.loads(target.read_text())
    _check_sarif(log)
    assert log["runs"][0]["results"] == []


def test_sarif_that_cannot_be_written(half_plus_two, tmp_path, capsys):
    assert _run("scan", half_plus_two, "--sarif", tmp_path / "no" / "log.sarif") == 2
    assert "log.sarif cannot be written" in capsys.readouterr().err


def test_every_class_of_ops_has_a_rule(half_plus_two, edit, tmp_path):
    with edit(half_plus_two) as saved_model:
        nodes = saved_model.meta_graphs[0].graph_def.node
        for op in ("PyFunc", "ReadFile", "WriteFile", "RpcClient", "Abort", "_Arg", "NoSuchOp",
                   "InitializeTableFromTextFileV2", "DatasetFromGraph"):  # fmt: skip
            nodes.add(name=op, op=op)
    # TensorFlow may evaluate some of these while it imports the graph.
    assert _run("scan", half_plus_two, "--sarif", tmp_path / "log.sarif") == 1
    log = json.loads((tmp_path / "log.sarif").read_text())
    _check_sarif(log)
    assert len({result["ruleId"] for result in log["runs"][0]["results"]}) == 8
