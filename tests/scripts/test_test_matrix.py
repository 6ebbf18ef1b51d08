"""`scripts/test_matrix`: its cells, environments, results and page; CI runs the exchange itself."""

import dataclasses
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from version_matrix import command, environments, exchange, exchanging, page, running, selections
from version_matrix.cells import CELLS, Beside, choose_cells
from version_matrix.results import merge_results, read_results, write_results

ROOT = pathlib.Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
OLDEST, NEWEST = CELLS[0], CELLS[-1]


@pytest.fixture
def result():
    return running.make_result(
        NEWEST, pathlib.Path(sys.executable), "core", 0.0, counts={"passed": 3}, failures={}
    )


def names(cells):
    return [cell.name for cell in cells]


# Cells.


def test_the_cells_are_the_versions_that_the_project_names():
    supported = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT)
    assert list(dict.fromkeys(cell.python for cell in choose_cells(["tf2.21"]))) == supported
    assert f'"tensorflow>={OLDEST.tensorflow},<2.22"' in PYPROJECT
    assert (OLDEST.tensorflow, NEWEST.tensorflow) == ("2.15", "2.21")
    assert len(set(names(CELLS))) == len(CELLS)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["py3.13-plain"], ["tf2.20-py3.13-plain", "tf2.21-py3.13-plain"]),
        (["hub0.15"], ["tf2.15-py3.11-hub0.15"]),
        (["tf2.21-py3.13-plain", "hub0.15"], ["tf2.15-py3.11-hub0.15", "tf2.21-py3.13-plain"]),
        ([], names(CELLS)),
    ],
)
def test_patterns_choose_cells_in_their_order(patterns, expected):
    assert names(choose_cells(patterns)) == expected


def test_a_pattern_that_names_no_cell():
    with pytest.raises(ValueError, match=r"no cell is named 'py3\.1'"):
        choose_cells(["py3.1"])


# Environments.


def test_requirements_are_those_of_the_project_for_the_tensorflow():
    found = environments.find_requirements(choose_cells(["tf2.16-py3.12-tf_keras"])[0])
    assert found[-1] == "tensorflow==2.16.*"
    assert any(line.startswith("tf-keras") for line in found)
    plain = environments.find_requirements(choose_cells(["tf2.16-py3.12-plain"])[0])
    assert not any(line.startswith(("tf-keras", "tensorflow-hub")) for line in plain)
    hub_api = environments.find_requirements(choose_cells(["hub0.15"])[0])
    assert "tensorflow-hub>=0.12,<0.16" in hub_api


def test_an_environment_is_made_once_and_anew_if_it_is_out_of_date(tmp_path, monkeypatch):
    calls = []

    def make(command, **_):
        calls.append(command)
        if "venv" in command:
            python = pathlib.Path(command[-1], "bin", "python")
            python.parent.mkdir(parents=True)
            python.touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(environments, "find_interpreter", lambda version: f"python{version}")
    monkeypatch.setattr(environments.subprocess, "run", make)
    python = environments.make_environment(NEWEST, tmp_path)
    assert len(calls) == 2
    assert environments.make_environment(NEWEST, tmp_path) == python
    assert len(calls) == 2
    (tmp_path / NEWEST.name / "requirements.txt").write_text("tensorflow==2.3\n")
    environments.make_environment(NEWEST, tmp_path)
    assert len(calls) == 4


def test_an_environment_that_cannot_be_made(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "find_interpreter", lambda version: version)
    failed = subprocess.CompletedProcess([], 1, "", "first\nno such package\n")
    monkeypatch.setattr(environments.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(environments.EnvironmentMakingError, match="no such package"):
        environments.make_environment(NEWEST, tmp_path)


def test_the_newest_release_of_pyenv_is_taken(tmp_path, monkeypatch):
    for release in ("3.99.2", "3.99.10"):
        python = tmp_path / "versions" / release / "bin" / "python3.99"
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert "3.99.10" in environments.find_interpreter("3.99")
    with pytest.raises(environments.EnvironmentMakingError, match=r"no Python 3\.98"):
        environments.find_interpreter("3.98")


# Tests in a cell.


def test_outcomes_of_tests_are_counted(tmp_path):
    file = tmp_path / "test_some.py"
    file.write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 1 == 2, 'why'\n"
        "def test_left_out(): pytest.skip('not here')\n"
        "@pytest.fixture\n"
        "def broken(): raise OSError('gone')\n"
        "def test_broken(broken): pass\n"
    )
    python = pathlib.Path(sys.executable)
    result = running.run_tests(NEWEST, python, str(file), "0", quiet=True)
    assert result.counts == {"passed": 1, "failed": 2, "skipped": 1}
    # In front may be folders, as many as there are below the root that pytest finds.
    found = {name.rpartition(".")[2]: why for name, why in result.failures.items()}
    assert set(found) == {"test_some::test_bad", "test_some::test_broken"}
    assert "why" in found["test_some::test_bad"]
    assert result.skips == {"not here": 1}
    assert result.versions["tensorflow"]
    assert not result.passed


def test_a_file_that_is_skipped_has_its_reason(tmp_path):
    file = tmp_path / "test_skipped.py"
    file.write_text("import pytest\npytest.skip('not here', allow_module_level=True)\n")
    python = pathlib.Path(sys.executable)
    result = running.run_tests(NEWEST, python, str(file), "0", quiet=True)
    assert result.skips == {"not here": 1}


def test_a_process_without_tests_has_not_passed(tmp_path):
    (tmp_path / "test_none.py").write_text("")
    python = pathlib.Path(sys.executable)
    result = running.run_tests(NEWEST, python, str(tmp_path / "test_none.py"), "0", quiet=True)
    assert result.failures["pytest"].startswith("exit status 5")


@pytest.mark.parametrize("name", [name for name in selections.NAMES if name != "exchange"])
def test_selections_are_files_that_exist(name):
    if name == "consumer" and not (ROOT / "tests" / "consumers").exists():
        pytest.skip("there are no tests of consumers")
    for argument in selections.arguments_of(name):
        file, _, test = argument.partition("::")
        assert (ROOT / file).exists()
        fixture = test.partition("[")[2].rstrip("]")
        assert (ROOT / "legacy_fixtures" / "golden" / fixture).exists()
        assert f"def {test.partition('[')[0]}" in (ROOT / file).read_text() if test else True


def test_files_for_keras_3_are_left_out_where_there_is_keras_2():
    file = "tests/keras_layer/test_files.py"
    assert file in selections.arguments_of("quick", NEWEST)
    assert file not in selections.arguments_of("quick", OLDEST)


# The exchange.


def test_the_oldest_and_the_newest_with_tensorflow_hub_write():
    assert names(exchanging.choose_writers(CELLS)) == [
        "tf2.15-py3.10-tf_keras", "tf2.21-py3.13-tf_keras",
    ]  # fmt: skip
    plain = choose_cells(["plain-tf2.18"])
    assert names(exchanging.choose_writers(plain)) == [plain[0].name, plain[-1].name]


def test_weights_that_differ_are_found(tmp_path):
    there, right = tmp_path / "there.npz", {"v": np.ones(1), "w": np.array([1, 2], np.float32)}
    np.savez(there, **right)
    assert exchange.compare_weights(lambda: right, there) == 0
    for wrong in ([1, 2.001], [1, np.nan]):
        with pytest.raises(AssertionError, match="weights differ by"):
            exchange.compare_weights(lambda: {**right, "w": np.array(wrong)}, there)  # noqa: B023
    with pytest.raises(AssertionError, match="one has no variable 'x'"):
        exchange.compare_weights(lambda: {**right, "x": np.zeros(1)}, there)


def test_weights_that_do_not_move_are_found():
    before, after = {"w": np.array([1.0, 2.0])}, {"w": np.array([1.0, 2.1])}
    assert exchange.require_move(after, before) is after
    for still in (before["w"], before["w"] + 1e-7, before["w"] * np.nan):
        with pytest.raises(AssertionError, match="moved no weight"):
            exchange.require_move({"w": still}, before)


def test_what_a_version_raises_is_what_is_found(capsys):
    def fail():
        raise TypeError("no such argument\nmore")

    assert exchange.outcome_of(fail) == "TypeError: no such argument"
    assert "Traceback" in capsys.readouterr().err


# Results and the page.


def test_results_of_later_runs_replace_those_of_earlier_ones(result, tmp_path):
    file = tmp_path / "in" / "results.json"
    assert read_results(file) == []
    other = dataclasses.replace(result, selection="fast")
    newer = dataclasses.replace(result, counts={"failed": 1}, failures={"test": "why"})
    write_results(file, merge_results([result, other], [newer]))
    assert read_results(file) == [newer, other]


def test_the_page_has_what_fails_and_what_was_not_run(result, tmp_path):
    carried = dataclasses.replace(
        result,
        selection="exchange from tf2.15-py3.10-tf_keras",
        differences={"elmo, .keras file, trained": 1e-7, "elmo, loop, trained": 2e-6},
        failures={"while_nested, values": "AssertionError: too far"},
        counts={"passed": 2, "failed": 1},
    )
    page.write_page(tmp_path / "page.md", [result, carried])
    text = (tmp_path / "page.md").read_text()
    assert "| core | 3 | 0 | 0 |" in text
    assert "| 2 | 3 | 1 | 2.0e-06 | 1.0e-07 |" in text
    assert "- `while_nested, values: AssertionError: too far` (`tf2.21-py3.13-plain`)" in text
    (missing,) = re.findall(r"^Not run: (.*)\.$", text, re.MULTILINE)
    assert len(missing.split(", ")) == len(CELLS) - 1


def test_the_page_is_one_that_the_script_wrote(tmp_path):
    page.write_page(tmp_path / "page.md", [])
    new, old = (tmp_path / "page.md").read_text(), command.PAGE.read_text()
    for part in (page.INTRODUCTION, page.EXCHANGE_INTRODUCTION):
        assert part in new
        assert part in old


@pytest.mark.parametrize(("failures", "status"), [({}, 0), ({"test": "why"}, 1)])
def test_the_exit_status_says_whether_all_passed(result, failures, status, tmp_path, monkeypatch):
    found = dataclasses.replace(result, failures=failures)
    monkeypatch.setattr(command, "run_tests", lambda *_, **__: found)
    arguments = ["--only", NEWEST.name, "--tests", "core", "--environments", str(tmp_path)]
    assert command.main([*arguments, "--use", f"{NEWEST.name}={sys.executable}"]) == status
    assert read_results(tmp_path / "results.json") == [found]


def test_an_environment_that_is_missing_is_a_failure(tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise environments.EnvironmentMakingError("no Python 3.13")

    monkeypatch.setattr(command, "make_environment", fail)
    arguments = ["--only", NEWEST.name, "--environments", str(tmp_path)]
    assert command.main(arguments) == 1
    assert "no Python 3.13" in capsys.readouterr().out


def test_without_tests_the_page_is_written_and_nothing_made(result, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "make_environment", lambda *_: pytest.fail("it was made"))
    monkeypatch.setattr(command, "PAGE", tmp_path / "versions.md")
    store = tmp_path / "results.json"
    write_results(store, [result])
    assert command.main(["--json", str(store), "--write", "--tests"]) == 0
    assert result.versions["tensorflow"] in (tmp_path / "versions.md").read_text()
    assert read_results(store) == [result]


def test_the_exchange_goes_from_each_writer_to_all_others(result, tmp_path, monkeypatch, capsys):
    def write(_python, folder, _names):
        if "tf2.16" in folder.name:
            raise exchanging.ExchangeError("no space left")

    used = []

    def use(writer, _folder, cell, _python):
        used.append((writer.name, cell.name))
        return dataclasses.replace(result, cell=cell.name, selection=f"exchange from {writer.name}")

    monkeypatch.setattr(command, "make_environment", lambda *_: pathlib.Path(sys.executable))
    monkeypatch.setattr(command, "write_models", write)
    monkeypatch.setattr(command, "use_models", use)
    oldest, newest = "tf2.15-py3.11-tf_keras", "tf2.21-py3.11-tf_keras"
    arguments = ["--environments", str(tmp_path), "--tests", "exchange", "--only", oldest, newest]
    assert command.main(arguments) == 0
    assert sorted(used) == [(oldest, newest), (newest, oldest)]
    assert len(read_results(tmp_path / "results.json")) == 2
    assert command.main([*arguments, "--exchange-from", "tf2.16-py3.11-tf_keras"]) == 1
    assert "no space left" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["--only", "tf1"], ["--tests", "nothing"], ["--use", "tf2.21=python"]]
)
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(arguments)
    assert "error: " in capsys.readouterr().err


def test_the_cells_of_ci_exist():
    script = ROOT / ".ci" / "run"
    if not script.exists():
        pytest.skip("Bazel's sandbox does not have it")
    named = re.findall(r"(?:oldest|newest)=(tf\S+)", script.read_text())
    assert len(named) == 2
    assert set(named) <= set(names(CELLS))
    assert any(cell.beside is Beside.HUB_API for cell in CELLS if cell.name in named)
