"""`scripts/bench`: how it measures, and the tiny end of its ladders."""

import json
import sys

import numpy as np
import pytest
from benchmarks import archives, command, graphs, legacy_toolchain, measuring, stages, use, weights
from benchmarks.measuring import MeasuringError
from benchmarks.models import MODELS, deep_net
from benchmarks.tasks import TASKS, convert_in_stages, save_peer, write_model, write_net
from benchmarks.using import distance, use_model
from fuzz.v1 import v1_graph

import converter

# Measuring.


def test_contestants_take_turns_and_one_that_fails_runs_no_more():
    calls = []

    def fail():
        calls.append("b")
        raise MeasuringError("why")

    results, errors = measuring.take_turns({"a": lambda: calls.append("a"), "b": fail}, 2)
    assert calls == ["a", "b", "a"]
    assert results == {"a": [None, None], "b": []}
    assert errors == {"b": "why"}


def test_a_process_is_timed_and_its_memory_measured():
    finished = measuring.run([sys.executable, "-c", "print('ok'); b'x' * 2**28"])
    assert finished.output == "ok\n"
    assert finished.seconds > 0
    assert finished.peak_bytes > 2**28


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("raise ValueError('why')", "ValueError: why"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9"),
        ("raise SystemExit(3)", "exit status 3"),
    ],
)
def test_a_process_that_fails_has_the_last_word(code, word):
    with pytest.raises(MeasuringError, match=word):
        measuring.run([sys.executable, "-c", code])


def test_the_distance_is_relative_to_the_largest_number_of_all():
    expected = {"a": np.array([1.0, 4.0]), "b": np.array([0.0])}
    assert distance(expected, {"a": np.array([1.0, 4.0]), "b": np.array([1.0])}) == 0.25
    assert distance(expected, {"a": np.array([1.0, 4.0])}) == 0.0
    assert distance(expected, {"b": np.array([0.0])}) == 1.0
    assert np.isnan(distance(expected, {"a": np.array([1.0, 4.0]), "b": np.array([np.nan])}))


def test_an_inner_stage_takes_its_time_from_the_outer_one(monkeypatch):
    clock = iter([0.0, 1.0, 3.0, 7.0])
    monkeypatch.setattr(stages.time, "perf_counter", lambda: next(clock))
    watch = stages.Stopwatch()
    watch.timed("save", watch.timed("weights", lambda: None))()
    assert (watch.seconds["save"], watch.seconds["weights"]) == (1.0 + 4.0, 2.0)


@pytest.mark.parametrize("stage", stages.STAGES)
def test_every_stage_has_functions_in_this_converter(stage):
    assert any(stages.find_places(name) for name in stages.STAGES[stage])


def test_functions_are_as_before_once_they_are_no_longer_watched():
    before = converter.formats.registry.read_module
    with stages.watched():
        assert converter.formats.registry.read_module is not before
    assert converter.formats.registry.read_module is before


# Models.


@pytest.mark.parametrize(("nodes", "conds"), [(100, 0), (100, 1), (1000, 16)])
def test_a_net_has_about_as_many_nodes_as_were_asked_for(nodes, conds):
    with v1_graph() as graph:
        deep_net(nodes, conds)
    assert abs(len(graph.get_operations()) - nodes) <= 5
    assert sum(op.type == "Merge" for op in graph.get_operations()) == conds


def test_models_of_the_ladder_can_be_built():
    assert {model.name for model in use.MODELS if not model.is_legacy} <= set(MODELS)
    text = (legacy_toolchain.FIXTURES / "benchmark_modules.py").read_text()
    assert all(f'"{model.name}"' in text for model in use.MODELS if model.is_legacy)


def test_a_legacy_model_without_a_toolchain_says_what_it_needs(tmp_path):
    with pytest.raises(MeasuringError, match=r"Python 3\.7 .* --legacy-python"):
        legacy_toolchain.get_module("lstm", None, tmp_path)


# The tiny end, in this process.


def test_a_net_is_converted_in_stages_and_by_the_peer(tmp_path):
    write_net(str(tmp_path / "module"), 100, 1)
    found = convert_in_stages(str(tmp_path / "module"), str(tmp_path / "converted"))
    assert set(found["stages"]) == set(stages.STAGES)
    assert all(seconds > 0 for seconds in found["stages"].values())
    assert sum(found["stages"].values()) <= found["seconds"]
    peer = save_peer(str(tmp_path / "module"), str(tmp_path / "peer"))
    assert 0 < peer["load"] < peer["seconds"]


def test_the_sides_of_a_model_agree(tmp_path):
    write_model(str(tmp_path), "tiny")
    converter.convert(tmp_path / "module", tmp_path / "converted")
    found = use_model(
        module=str(tmp_path / "module"),
        converted=str(tmp_path / "converted"),
        inputs=str(tmp_path / "inputs.npz"),
        signature="default",
        threads=1,
        repetitions=1,
    )
    for kind in ("forward", "step"):
        assert found[kind]["errors"] == {}
        assert set(found[kind]["seconds"]) == {use.V1, use.CONVERTED, use.HUB}
        assert found[kind]["worst"] == pytest.approx({use.CONVERTED: 0.0, use.HUB: 0.0}, abs=1e-5)


def test_every_task_that_ladders_run_exists():
    assert {"write_weights", "save_peer", "load_saved_model"} <= set(TASKS)


# The command.


@pytest.mark.parametrize("options", [["--only", "speed"], ["--sizes", "10,x"], ["--nodes", "0"]])
def test_wrong_options_are_refused(options):
    with pytest.raises(SystemExit, match="2"):
        command.main(options)


def test_quick_is_a_default_that_other_options_override():
    quick = command._parse_arguments(["--quick", "--nodes", "50"])
    assert (quick.only, quick.nodes) == (("start", "weights", "graphs"), (50,))
    assert (quick.repetitions, max(quick.sizes)) == (1, 512)


def test_a_baseline_of_another_machine_is_not_compared(tmp_path, capsys):
    path = tmp_path / "bench.json"
    machine = {"cpu": "x", "cores": 2, "memory_gib": 24, "system": "Linux", "date": "2026-11-01"}
    path.write_text(json.dumps({"machine": machine}))
    assert command._read_baseline(path, machine) == {"machine": machine}
    assert command._read_baseline(path, {**machine, "cores": 4}) == {}
    assert "not compared, of another cores" in capsys.readouterr().out
    assert command._read_baseline(None, machine) == {}


@pytest.mark.slow
def test_the_command_writes_all_fields(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(use, "MODELS", (use.Model("tiny", "tiny"),))
    path = tmp_path / "bench.json"
    sizes = ["--sizes", "1,2", "--archive-size", "1", "--nodes", "100"]
    options = [*sizes, "--repetitions", "1", "--threads", "1"]
    assert command.main([*options, "--markdown", "--json", str(path)]) == 0
    results = json.loads(path.read_text())
    assert results["machine"].keys() >= {"date", "tensorflow", "cpu", "cores", "memory_gib"}
    assert [row["mib"] for row in results["weights"]] == [1, 2]
    assert set(results["weights"][1]) >= {"seconds", "peak_bytes", "median_seconds", "goals"}
    assert {weights.CP, weights.CONVERTED, weights.PEER} <= set(results["weights"][1]["seconds"])
    assert [row["suffix"] for row in results["archives"]] == list(archives.SUFFIXES)
    for row in results["archives"]:
        assert row["errors"] == {}
        assert row["seconds"].keys() == {archives.ARCHIVE, archives.BY_HAND}
    assert [row["family"] for row in results["graphs"]] == list(graphs.FAMILIES)
    for row in results["graphs"]:
        assert row["errors"] == {}
        assert set(row["stages"]) == {"import", *stages.STAGES, "other"}
        for key in ("seconds", "load_seconds", "graph_bytes"):
            assert row[key].keys() == {graphs.CONVERTED, graphs.PEER}
    assert all(row["error"] == "" for row in results["start"])
    (row,) = results["use"]
    assert row["error"] == ""
    assert row["forward"]["seconds"].keys() == {use.V1, use.CONVERTED, use.HUB}
    assert "| 2 MiB |" in capsys.readouterr().out
