"""`scripts/fuzz_modules`: what it makes, how it judges, and a small run of it."""

import json
import os
import pathlib
import signal

import pytest
from google.protobuf import text_format
from module_fuzzing import command, judging, regressions, shrinking, trials
from module_fuzzing.drawing import draw
from module_fuzzing.editing import EDITS, make, opened
from module_fuzzing.fixtures import GOLDEN, small_fixtures
from module_fuzzing.judgement import EQUAL, FINDING, REFUSED, UNMADE, Judgement
from module_fuzzing.mutant import GRAPHS, INDEX, SHARD, Edit, Mutant, write_json
from module_fuzzing.places import MisfitError
from module_fuzzing.statistics import Statistics
from tensorflow.core.protobuf import saved_model_pb2

import converter

_SMALLEST = ("half_plus_two", "table_file", "while_simple", "ref_state", "defun_calls")
_NODES = ("meta_graphs", 0, "graph_def", "node")


@pytest.fixture
def made(tmp_path):
    """`made(*edits, fixture=…)` returns the directory of a mutant."""

    def write(*edits, fixture="half_plus_two"):
        make(Mutant(fixture, edits), tmp_path / "module")
        return tmp_path / "module"

    return write


def _graph(directory):
    content = (directory / GRAPHS).read_bytes()
    return saved_model_pb2.SavedModel.FromString(content).meta_graphs[0]


# Drawing.


def test_a_mutant_is_the_same_each_time_and_survives_json():
    for number in range(40):
        mutant = draw(3, number, small_fixtures())
        assert draw(3, number, small_fixtures()) == mutant
        assert Mutant.from_json(json.loads(write_json(mutant.to_json()))) == mutant


def test_many_mutants_have_edits_of_every_kind():
    drawn = [edit for number in range(1500) for edit in draw(5, number, _SMALLEST).edits]
    assert {edit.do for edit in drawn} == set(EDITS)
    tops = {edit.at[2] for edit in drawn if edit.file == GRAPHS and len(edit.at) > 2}
    assert tops >= {
        "graph_def", "signature_def", "collection_def", "saver_def", "asset_file_def",
        "meta_info_def",
    }  # fmt: skip


def test_most_mutants_can_be_made(tmp_path):
    failures = 0
    for number in range(60):
        try:
            make(draw(9, number, small_fixtures()), tmp_path / str(number))
        except MisfitError:
            failures += 1
    assert failures < 12


# Edits.


def test_a_message_is_edited_at_a_place(made):
    directory = made(
        Edit("set", at=(*_NODES, 12, "op"), value="Sub"),
        Edit("clear", at=(*_NODES, 5)),
        Edit("rename key", at=("meta_graphs", 0, "signature_def", "default"), value="other"),
        Edit("append", at=("meta_graphs", 0, "meta_info_def", "tags"), value="train"),
    )
    graph = _graph(directory)
    assert [node.op for node in graph.graph_def.node][11] == "Sub"
    assert list(graph.signature_def) == ["other"]
    assert graph.meta_info_def.tags[-1] == "train"


def test_a_message_in_the_bytes_of_a_collection_is_edited(made):
    place = ("meta_graphs", 0, "collection_def", "variables", "bytes_list", "value", 0)
    directory = made(
        Edit("set", at=(*place, "@tensorflow.VariableDef", "variable_name"), value="renamed:0")
    )
    value = _graph(directory).collection_def["variables"].bytes_list.value[0]
    assert b"renamed:0" in value


def test_an_entry_of_the_index_is_edited_and_sealed(made):
    key = b"a".hex()
    directory = made(Edit("rename key", INDEX, (key,), b"z".hex()))
    with opened(directory, INDEX) as entries:
        assert key not in entries
        assert b"z".hex() in entries


def test_a_node_is_renamed_everywhere(made):
    graph = _graph(made(Edit("rename node", at=(*_NODES, 12), value="product")))
    assert "product" in graph.graph_def.node[14].input
    assert "mul" not in text_format.MessageToString(graph.graph_def)


def test_a_changed_shard_can_be_sealed_again(made):
    directory = made(Edit("flip", SHARD, value=3), Edit("reseal", INDEX))
    before = (GOLDEN / "half_plus_two" / "module" / SHARD).read_bytes()
    assert (directory / SHARD).read_bytes() != before
    converter.convert(directory, directory.parent / "converted")


@pytest.mark.parametrize(
    "edit",
    [
        Edit("set", at=(*_NODES, 99, "op"), value="Sub"),
        Edit("set", at=(*_NODES, 12, "nothing"), value="Sub"),
        Edit("flip", SHARD, value=1 << 40),
        Edit("remove file", "assets/none"),
        Edit("move file", GRAPHS, value="../outside"),
    ],
)
def test_an_edit_that_does_not_fit_is_said_to(edit, made):
    with pytest.raises(MisfitError):
        made(edit)


def test_no_edit_follows_a_link_out_of_the_module(made, tmp_path):
    (tmp_path / "victim").mkdir()
    link = Edit("link", "assets", value=str(tmp_path / "victim"))
    with pytest.raises(MisfitError, match="outside"):
        made(link, Edit("write", "assets/x", value="x"))
    assert not list((tmp_path / "victim").iterdir())


@pytest.mark.parametrize(
    "first",
    [
        Edit("pipe", SHARD),
        Edit("link", SHARD, value="/dev/zero"),
        Edit("stretch", SHARD, value=3 << 30),
    ],
)
def test_no_edit_reads_what_never_ends(first, made):
    with pytest.raises(MisfitError, match="usual size"):
        made(first, Edit("flip", SHARD, value=0))


# Judging.


def test_a_refusal_an_equal_result_and_a_mutant_that_cannot_be_made(tmp_path):
    edits = {
        REFUSED: Edit("set", at=(*_NODES, 12, "op"), value="NoSuchOp"),
        EQUAL: Edit("set", at=(*_NODES, 12, "op"), value="Sub"),
        UNMADE: Edit("clear", at=(*_NODES, 99)),
    }
    for number, (state, edit) in enumerate(edits.items()):
        judgement = judging.judge(Mutant("half_plus_two", (edit,)), tmp_path / str(number))
        assert judgement.state == state, judgement.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("x"), "raises"),
        (converter.InternalError("x"), "raises"),
        (RecursionError(), "refused by RecursionError"),
        (MemoryError(), "refused by MemoryError"),
    ],
)
def test_what_is_no_refusal_is_a_finding(error, kind, tmp_path, monkeypatch):
    def compile_module(*_):
        raise error

    monkeypatch.setattr("converter.conversion.convert.compile_module", compile_module)
    judgement = judging.judge(Mutant("half_plus_two", ()), tmp_path)
    assert (judgement.state, judgement.step, judgement.kind) == (FINDING, "convert", kind)
    assert "test_fuzz_modules.py" in judgement.details


def test_a_wrong_result_is_a_finding(tmp_path, monkeypatch):
    right = converter.convert

    def convert_wrongly(source, destination):
        right(source, destination)
        with opened(pathlib.Path(destination), GRAPHS) as saved_model:
            for function in saved_model.meta_graphs[0].graph_def.library.function:
                for node in function.node_def:
                    node.op = "Sub" if node.op == "Mul" else node.op

    monkeypatch.setattr(converter, "convert", convert_wrongly)
    judgement = judging.judge(Mutant("half_plus_two", ()), tmp_path)
    assert (judgement.state, judgement.kind) == (FINDING, "differs")


def test_files_that_a_refusal_leaves_are_a_finding(tmp_path, monkeypatch):
    def convert(_, destination):
        pathlib.Path(f"{destination}.partial").touch()
        raise converter.FormatError("x")

    monkeypatch.setattr(converter, "convert", convert)
    judgement = judging.judge(Mutant("half_plus_two", ()), tmp_path)
    assert (judgement.state, judgement.kind) == (FINDING, "leaves files")
    assert judgement.message == "converted.partial"


# Running.


def test_a_worker_that_dies_is_a_finding_only_in_the_converter():
    died = trials.WorkerDiedError(-signal.SIGABRT, 'File "/x/converter/ir/text.py", line 7 in f')
    for step, state in (("convert", FINDING), ("compare", "not compared"), ("make", UNMADE)):
        judgement = Judgement(step=step)
        trials._explain(judgement, died)
        assert judgement.state == state
    assert trials._frame(died.last_words) == 'ir/text.py", line 7 in f'


@pytest.mark.slow
def test_a_hanging_worker_is_replaced():
    runner = trials.Trials(trials.Limits(timeout_secs=1e-3))
    try:
        order = Mutant("half_plus_two", ()).to_json()
        _, judgement = runner.run(order)
        assert judgement.kind.endswith("hangs")
        runner._limits = trials.Limits()
        assert runner.run(order)[1].state == EQUAL
    finally:
        runner.close()


def test_shrinking_drops_edits_and_simplifies_values():
    edits = [{"do": "a", "value": 4096}, {"do": "b"}, {"do": "c", "value": "x" * 64}]

    def fails(mutant):
        kinds = {edit["do"]: edit.get("value") for edit in mutant["edits"]}
        return kinds.get("a", 0) >= 5 and "x" in kinds.get("c", "")

    small = shrinking.shrink({"fixture": "f", "edits": edits}, fails)
    assert [edit["do"] for edit in small["edits"]] == ["a", "c"]
    assert 5 <= small["edits"][0]["value"] < 10
    assert len(small["edits"][1]["value"]) <= 8


def test_a_finding_is_written_and_read(tmp_path):
    mutant = draw(3, 4, small_fixtures())
    judgement = Judgement(step="convert", kind="raises", message="x", place="ir/text.py:f")
    for _ in range(2):
        directory = regressions.write(tmp_path, mutant.to_json(), judgement)
        assert regressions.read(directory)[0] == mutant
    assert len(regressions.list_all(tmp_path)) == 2


def test_statistics_name_the_longest_and_the_findings():
    statistics = Statistics(seed=1)
    statistics.add(7, Judgement(state=REFUSED, kind="FormatError", seconds=2.0))
    statistics.add(8, Judgement(state=FINDING, kind="raises", step="load", peak_bytes=5))
    statistics.add(9, Judgement(state=FINDING, kind="crashes", step="load"))
    assert (statistics.mutants, statistics.longest, statistics.peak_bytes) == (3, 7, 5)
    assert statistics.deaths == {"crashes": [9]}
    assert list(statistics.findings.values()) == [[8], [9]]
    assert json.loads(json.dumps(statistics.to_json()))["states"] == {REFUSED: 1, FINDING: 2}


@pytest.mark.slow
def test_a_small_run_finds_nothing(tmp_path, capfd):
    options = ["--mutants", "60", "--seed", "2026", "--keep", str(tmp_path), "--json"]
    status = command.main([*options, "--fixtures", *_SMALLEST])
    found = json.loads(capfd.readouterr().out)
    assert status == 0, found["findings"]
    assert found["mutants"] == 60
    assert found["states"][REFUSED] >= 15
    assert found["states"][EQUAL] >= 5
    assert not os.listdir(tmp_path)
