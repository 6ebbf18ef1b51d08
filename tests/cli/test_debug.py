"""The programs after each pass, from the command line."""

import json

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from converter import errors
from converter.cli import main as cli
from converter.ir.region_text import parse_region
from converter.ir.text import parse_graph
from converter.passes import pipeline
from converter.passes.pipeline import PIPELINE, Pass

_NAMES = [step.name for step in PIPELINE]


@pytest.fixture
def debug(capfd):
    """`debug(*arguments)` returns exit status, stdout and stderr of `tf1hub debug passes`."""

    def call(*arguments):
        try:
            status = cli.main(
                cli.parse_arguments(["tf1hub", "debug", "passes", *map(str, arguments)])
            )
        except SystemExit as stop:
            status = stop.code
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return call


def _sections(out):
    """The titles of programs, and their texts."""
    head, *sections = out.split("\n\n")
    titles = {}
    for section in sections:
        title, text = section.split("\n", 1)
        titles[title.removeprefix("# ")] = text
    return head.splitlines(), titles


def _replace_ops(module, old, new):
    path = module / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for node in saved_model.meta_graphs[0].graph_def.node:
        if node.op == old:
            node.op = new
    path.write_bytes(saved_model.SerializeToString())


def test_the_program_after_each_pass_that_changes_it(debug, golden_module):
    status, out, err = debug(golden_module("while_nested"))
    assert (status, err) == (0, "")
    head, sections = _sections(out)
    assert head[0].startswith("# tf1hub ")
    assert ", TensorFlow " in head[0]
    assert head[1] == "# graph variant {}, signature 'default'"
    rows = [line.removeprefix("# ").split() for line in head[4:]]
    assert [row[0] for row in rows] == _NAMES
    assert rows[0][1:4] == ["67", "->", "67"]
    assert rows[-1][1:4] == ["67", "->", "33"]
    changed = [row[0] for row in rows if row[-1] != "unchanged"]
    assert changed[-1] == "functionalize_control_flow"
    assert [title.split(",")[0] for title in sections] == [
        "before all passes", *(f"after {name}" for name in changed),
    ]  # fmt: skip
    assert sections["before all passes, 67 nodes"].count("= LoopCond[") == 2
    last = sections["after functionalize_control_flow, 33 nodes"]
    assert "loop while/while_context(" in last
    assert "LoopCond" not in last


def test_exact_text_reads_back(debug, golden_module):
    module = golden_module("text_embedding_oov")
    _, exact, _ = debug(module, "--exact")
    _, sections = _sections(exact)
    *flat, region = sections.values()
    for text in flat:
        assert parse_graph(text).results
    assert parse_region(region).results


def test_large_constants_are_abbreviated(debug, golden_module, replace_constant):
    module = replace_constant(golden_module("while_nested"))
    _, out, _ = debug(module)
    assert "value=float[1,1000]{... " in out
    _, out, _ = debug(module, "--exact")
    assert "{... " not in out


@pytest.fixture
def replace_constant():
    """Makes a constant of the module `while_nested` one of 1000 elements."""

    def replace(module):
        path = module / "saved_model.pb"
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        nodes = saved_model.meta_graphs[0].graph_def.node
        (node,) = (node for node in nodes if node.name == "while/mul/x")
        del node.attr["_output_shapes"]
        tensor = node.attr["value"].tensor
        tensor.Clear()
        tensor.dtype = 1
        tensor.tensor_shape.dim.add(size=1)
        tensor.tensor_shape.dim.add(size=1000)
        tensor.tensor_content = bytes(4000)
        path.write_bytes(saved_model.SerializeToString())
        return module

    return replace


def test_after_one_pass_and_one_pass_only(debug, golden_module):
    module = golden_module("while_nested")
    _, out, _ = debug(module, "--after", "bind_resources")
    assert list(_sections(out)[1]) == ["after bind_resources, 67 nodes"]
    _, out, _ = debug(module, "--only", "bind_resources")
    sections = _sections(out)[1]
    assert list(sections) == ["before bind_resources, 67 nodes", "after bind_resources, 67 nodes"]
    assert ["VarHandleOp" in text for text in sections.values()] == [True, False]
    _, out, _ = debug(module, "--after", "lower_ref_tables")  # Unchanged, but asked for.
    assert list(_sections(out)[1]) == ["after lower_ref_tables, 67 nodes"]


def test_training_tags_and_signatures(debug, golden_module):
    module = golden_module("image_bn_dropout")
    _, out, _ = debug(module, "--training", "--after", "functionalize_control_flow")
    assert "# graph variant {train}, signature 'default'" in out
    assert "AssignSubVariableOp" in out
    _, out, _ = debug(module, "--tags", "train", "--after", "functionalize_control_flow")
    assert "# graph variant {train}, signature 'default'" in out
    assert "AssignSubVariableOp" not in out
    _, out, _ = debug(module, "--signature", "default", "--after", "bind_resources")
    assert "# graph variant {}, signature 'default'" in out


def test_json(debug, golden_module):
    status, out, _ = debug(golden_module("while_nested"), "--json", "--only", "bind_resources")
    report = json.loads(out)
    assert status == 0
    assert (report["graph_variant"], report["signature"]) == ([], "default")
    assert [step["name"] for step in report["passes"]] == _NAMES
    last = report["passes"][-1]
    assert (last["nodes_before"], last["nodes_after"], last["changed"]) == (67, 33, True)
    assert last["seconds"] >= 0
    assert list(report["programs"]) == ["before bind_resources", "after bind_resources"]
    assert parse_graph(report["programs"]["after bind_resources"]).args == ("default",)
    assert (report["failed_pass"], report["error"]) == (None, None)


@pytest.mark.parametrize("option", ["--after", "--only"])
@pytest.mark.parametrize("name", ["raise_control_flow", "pipeline", "a.b"])
def test_a_pass_that_does_not_exist(option, name, debug, golden_module):
    status, out, err = debug(golden_module("half_plus_two"), option, name)
    assert (status, out) == (2, "")
    assert err == (
        f"tf1hub: error: there is no pass {name!r}. `tf1hub debug passes SRC` lists the passes.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--signature", "x"), "no signature 'x'. Choose one with --signature: 'default'."),
        (("--tags", "gen"), "no graph variant with tags {gen}. It has {}."),
        (("--training",), "graph variant {} has no training variant. Leave out --training."),
    ],
)
def test_what_the_module_does_not_have(arguments, message, debug, golden_module):
    status, out, err = debug(golden_module("half_plus_two"), *arguments)
    assert (status, out) == (2, "")
    assert err.endswith(f"{message}\n")


def test_a_variant_must_be_chosen_where_no_rule_chooses(debug, golden_module):
    status, _, err = debug(golden_module("gan_spectral"))
    assert status == 2
    assert "Choose one: --tags bs2,disc, --tags bs2,gen, --tags bs8,disc" in err


@pytest.mark.parametrize("arguments", [(), ("--after", "x", "--only", "x")])
def test_wrong_usage(arguments, debug):
    assert debug(*arguments)[0] == 2


def test_a_topic_is_needed(capfd):
    with pytest.raises(SystemExit) as stop:
        cli.parse_arguments(["tf1hub", "debug"])
    assert stop.value.code == 2
    assert "TOPIC" in capfd.readouterr().err


def test_a_refusal_comes_after_what_was_reached(debug, golden_module):
    module = golden_module("cond_nested")
    _replace_ops(module, "Merge", "Frobnicate")
    status, out, err = debug(module)
    assert status == 1
    head, sections = _sections(out)
    assert head[-1].split() == ["#", "check_graph", "refused"]
    assert list(sections) == [title for title in sections if title.startswith("before all passes")]
    assert "Frobnicate" in err


def _fail(error):
    def fail_here(form, program):
        del form, program
        raise error

    return Pass(fail_here)


@pytest.mark.parametrize(
    ("error", "row", "message"),
    [
        (errors.UnsupportedOpError("no", node="x"), "refused", "no (at node 'x')."),
        (errors.InternalError("broken"), "failed", "internal error: broken."),
        (KeyError("x"), "failed", "internal error: KeyError: 'x'."),
    ],
)
@pytest.mark.parametrize("arguments", [(), ("--after", "fail_here"), ("--only", "last")])
def test_a_pass_that_fails(error, row, message, arguments, debug, golden_module, monkeypatch):
    *earlier, last, _ = PIPELINE
    monkeypatch.setattr(pipeline, "PIPELINE", (*earlier, last, _fail(error)))
    monkeypatch.setattr("converter.cli.debug.is_module", lambda _: True)
    arguments = [last.name if a == "last" else a for a in arguments]
    status, out, err = debug(golden_module("while_nested"), *arguments)
    assert status == 1
    head, sections = _sections(out)
    assert head[-2].split()[1] == last.name
    assert head[-1].split() == ["#", "fail_here", row]
    assert message in err
    # The program that the pass took can be seen, in whatever is asked for.
    assert "_VariableValue" in list(sections.values())[-1]


def test_json_tells_of_a_refusal(debug, golden_module, monkeypatch):
    refusing = _fail(errors.UnsupportedOpError("no", node="x"))
    monkeypatch.setattr(pipeline, "PIPELINE", (*PIPELINE[:-1], refusing))
    status, out, err = debug(golden_module("while_nested"), "--json")
    report = json.loads(out)
    assert (status, report["failed_pass"]) == (1, "fail_here")
    assert report["error"] == "no (at node 'x')."
    assert err == "tf1hub: error: no (at node 'x').\n"
