"""What every command prints and writes for people, of modules whose names are hostile."""

import argparse
import io
import json
import logging
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unicodedata
import urllib.parse

import absl.logging
import numpy as np
import pytest
from google.protobuf import descriptor
from hostile_models import PLACES
from tensorflow.core.framework import variable_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

import converter
from converter import errors
from converter.build_actions import convert as build_convert
from converter.build_actions import verify as build_verify
from converter.cli import main as cli
from converter.cli.streams import printable_streams
from converter.display.console import Console, escape
from converter.formats import hub_protos
from converter.parity.checks import Row
from converter.parity.compare import missing
from converter.parity.report import ParityReport
from converter.parity.report_table import print_report
from converter.parity.verdict import NotCompared
from converter.tensor_bundle.checkpoint_index import Index, read_index, write_index

# A formula, orders to the terminal, reversed text, a second line, what is invisible, markup.
EVIL = "=\x1b]0;owned\x07\x9b31m\u202e\u2028\r\ntf1hub: fine\u200b\U000e0041\x7f[red]:smile:[/nope]"
# TensorFlow takes [ in the path of a checkpoint for a pattern.
EVIL_FILE = EVIL.replace("/", "").replace("[", "(")
# Of a second graph variant, which is left out with a warning.
EVIL_TAG = f"tag{EVIL}"


def hidden(content: bytes) -> set[str]:
    """The characters that a reader would not see or a terminal obey; the text must be UTF-8."""
    return {
        character
        for character in content.decode()
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "\n"
    }


def assert_harmless(content: bytes) -> None:
    assert not hidden(content), content
    assert b"\ntf1hub: fine" not in content


@pytest.fixture
def run(capfdbinary):
    """`run(*arguments)` runs a command, looks at what it prints, and returns status and stdout."""

    def call(*arguments):
        try:
            status = cli.main(cli.parse_arguments(["tf1hub", *map(str, arguments)]))
        except SystemExit as stop:
            status = stop.code
        captured = capfdbinary.readouterr()
        assert_harmless(captured.out)
        assert_harmless(captured.err)
        assert b"Traceback" not in captured.err
        assert b"internal error" not in captured.err
        return status, captured.out.decode()

    return call


@pytest.fixture
def place(tmp_path):
    """`place(module)` moves a module to a directory with a hostile name."""

    def move(module: pathlib.Path) -> pathlib.Path:
        target = tmp_path / "src" / EVIL_FILE
        target.parent.mkdir()
        return module.rename(target)

    return move


@pytest.fixture
def hostile(golden_module, edit, place):
    """A module that converts: signature, input, output, tag, asset, attachment and directory."""
    module = golden_module("text_embedding_oov")
    with edit(module) as saved_model:
        for meta_graph in saved_model.meta_graphs:
            signature = meta_graph.signature_def["default"]
            for infos in (signature.inputs, signature.outputs):
                name = sorted(infos)[0]
                infos[EVIL].CopyFrom(infos[name])
                del infos[name]
            meta_graph.signature_def[EVIL].CopyFrom(signature)
            attached = meta_graph.collection_def["hub_module_attachments"].bytes_list
            attached.value.append(_attachment())
        _rename_assets(saved_model, EVIL_FILE)
        left_out = saved_model.meta_graphs.add()
        left_out.CopyFrom(saved_model.meta_graphs[0])
        left_out.meta_info_def.tags.append(EVIL_TAG)
        left_out.signature_def[f"more{EVIL}"].CopyFrom(left_out.signature_def["default"])
    (module / "assets" / "words.txt").rename(module / "assets" / EVIL_FILE)
    return place(module)


def _rename_assets(saved_model, filename) -> None:
    for meta_graph in saved_model.meta_graphs:
        for packed in meta_graph.collection_def["saved_model_assets"].any_list.value:
            asset = meta_graph_pb2.AssetFileDef()
            packed.Unpack(asset)
            asset.filename = filename
            packed.Pack(asset)


def _attachment() -> bytes:
    return hub_protos.ModuleAttachment(key=EVIL, value=EVIL.encode()).SerializeToString()


def rename(message, names) -> None:
    """Replaces names wherever they stand in a proto: alone, before a port, after `^` or `@`."""
    for field, value in message.ListFields():
        if field.type == descriptor.FieldDescriptor.TYPE_MESSAGE:
            for part in _parts(value):
                rename(part, names)
        elif field.type == descriptor.FieldDescriptor.TYPE_STRING:
            if isinstance(value, str):
                setattr(message, field.name, _renamed(value, names))
            else:
                value[:] = [_renamed(text, names) for text in value]


def _parts(value):
    if hasattr(value, "ListFields"):
        return [value]
    if hasattr(value, "items"):
        return [part for part in value.values() if hasattr(part, "ListFields")]
    return value


def _renamed(text: str, names) -> str:
    head, _, port = text.partition(":")
    mark = "^" if head.startswith("^") else ""
    new = names.get(head.removeprefix("^"))
    return text if new is None else f"{mark}{new}" + (f":{port}" if port else "")


@pytest.fixture
def hostile_nodes(golden_module, edit, place):
    """A module that is refused: the names of a node, a variable and its tensor are hostile."""
    module = golden_module("half_plus_two")
    with edit(module) as saved_model:
        graph = saved_model.meta_graphs[0].graph_def
        names = {node.name: f"{node.name}{EVIL}" for node in graph.node}
        for meta_graph in saved_model.meta_graphs:
            for collection in meta_graph.collection_def.values():
                values = collection.bytes_list.value
                values[:] = [_rename_variable(value, names) for value in values]
            rename(meta_graph, names)
    index = module / "variables" / "variables.index"
    known = read_index(index.read_bytes())
    entries = {f"{name}{EVIL}": entry for name, entry in known.entries.items()}
    index.write_bytes(write_index(Index(known.shards, entries)))
    return place(module)


def _rename_variable(value: bytes, names) -> bytes:
    variable = variable_pb2.VariableDef.FromString(value)
    rename(variable, names)
    return variable.SerializeToString()


def test_inspect(run, hostile):
    status, out = run("inspect", hostile, "--all")
    assert status == 0
    assert "Cannot be converted" not in out
    shown = "".join(out.split())
    assert shown.count(r"\x1b]0;owned\x07\x9b31m\u202e\u2028\r\n") > 5
    assert ":smile:[/nope]" in shown


@pytest.fixture
def hostile_ops(golden_module, edit, place):
    """A model that scan finds much in: ops, nodes, functions, tags and what holds graphs."""
    module = golden_module("half_plus_two")
    with edit(module) as saved_model:
        for number, change in enumerate(PLACES.values()):
            meta_graph = saved_model.meta_graphs.add()
            meta_graph.CopyFrom(saved_model.meta_graphs[0])
            meta_graph.meta_info_def.tags.append(f"{number}{EVIL}")
            change[0](meta_graph, EVIL if number % 2 else "PyFunc")
            functions = meta_graph.graph_def.library.function
            nodes = [*meta_graph.graph_def.node, *(n for f in functions for n in f.node_def)]
            names = [node.name for node in nodes] + [f.signature.name for f in functions]
            # What follows a colon in a reference is the number of an output.
            rename(meta_graph, {name: f"{name}{EVIL.replace(':', '')}" for name in names})
    return place(module)


@pytest.mark.parametrize("width", ["40", "100", "1000"])
def test_scan(run, hostile_ops, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    status, out = run("scan", hostile_ops, "--all")
    assert status == 1
    assert width == "40" or "PyFunc" in out
    assert "".join(out.split()).count(r"owned\x07\x9b31m\u202e\u2028\r\n") > 20
    status, out = run("scan", hostile_ops, "--json")
    assert {finding["op"] for finding in json.loads(out)["findings"]} >= {"PyFunc", EVIL}


def test_a_scan_as_sarif(run, hostile_ops, tmp_path):
    log = tmp_path / f"log{EVIL_FILE}"
    assert run("scan", hostile_ops, "--sarif", log)[0] == 1
    assert_harmless(log.read_bytes())
    results = json.loads(log.read_text())["runs"][0]["results"]
    texts = [result["message"]["text"] for result in results]
    places = [r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for r in results]
    assert len(results) > 20
    assert not hidden("".join([*texts, *places]).encode())
    assert not any(re.search(r"(?<!\\)\[", text) for text in texts)
    assert any(r"\[red\]" in text for text in texts)


def test_a_directory_whose_name_is_not_utf_8(run, hostile):
    place = hostile.rename(hostile.with_name(os.fsdecode(b"\xff\x1b" + os.fsencode(EVIL_FILE))))
    status, out = run("inspect", place)
    assert status == 0
    assert out.startswith(r"\udcff\x1b=\x1b]0;owned")
    _, out = run("inspect", place, "--json")
    assert json.loads(out)["source"]["name"] == place.name


_NOT_UTF_8 = os.fsdecode(b"m\xff\n")


@pytest.mark.parametrize("fixture", ["half_plus_two", "table_file"])
def test_tensorflow_gets_no_path_that_is_not_utf_8(run, golden_module, tmp_path, fixture):
    """Such files it cannot open, or takes them for others."""
    good, out = golden_module(fixture), tmp_path / "out"
    bad = tmp_path / _NOT_UTF_8 / fixture
    shutil.copytree(good, bad)
    for command in (
        ("convert", bad, out), ("convert", good, bad.parent / "out"),
        ("convert", bad, out, "--verify"), ("verify", bad, out), ("verify", good, bad),
        ("migrate", bad.parent, out), ("migrate", good.parent, bad.parent / "out", "--dry-run"),
    ):  # fmt: skip
        assert run(*command) == (2, "")
    for command in (["inspect"], ["scan"], ["debug", "passes"]):
        assert run(*command, bad)[0] == 0
    assert not out.exists()
    assert os.listdir(bad.parent) == [fixture]
    with pytest.raises(errors.UsageError, match="is not UTF-8, and TensorFlow opens no other"):
        converter.load(bad)


def _name_asset(filename):
    """Returns a function that gives the asset of a module another name."""

    def change(module):
        path = module / "saved_model.pb"
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        _rename_assets(saved_model, filename)
        path.write_bytes(saved_model.SerializeToString())

    return change


def _nest(module):
    """Makes 1,500 folders, deeper than a path may be long."""
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(module)
        for _ in range(1500):
            os.mkdir("f")
            os.chdir("f")
        pathlib.Path("leaf").touch()
    finally:
        os.fchdir(before)
        os.close(before)


# What is done to a module, what the error says, and whether it stays readable.
_FILES = {
    "not UTF-8": (lambda m: open(os.fsencode(m) + b"/assets/\xff\n", "w").close(),
                  r"'assets/\udcff\n' of a file is not UTF-8", False),
    "deep": (_nest, "has more than 64 folders", False),
    "link to itself": (lambda m: (m / "loop").symlink_to("loop"), "leads to itself", False),
    "link out": (lambda m: (m / "assets/x").symlink_to("/etc"), "outside of the module", False),
    "NUL in an asset": (_name_asset("a\0b"), "has a NUL character", True),
    "long asset": (_name_asset("ä" * 128), "has a part of more than 255 bytes", True),
    "long path of an asset": (_name_asset("/".join(["a" * 200] * 30)), "has 6,036 bytes", True),
    "asset without a name": (_name_asset(""), "asset '' is missing", True),
    "asset that is a folder": (_name_asset("."), "asset '.' is missing", True),
}  # fmt: skip


@pytest.mark.parametrize("name", _FILES)
def test_hostile_files_are_refused_in_one_line(golden_module, tmp_path, capfd, request, name):
    change, message, is_readable = _FILES[name]
    module, out = golden_module("table_file"), tmp_path / "out"
    # pytest's own way to remove 1,500 folders is recursive.
    request.addfinalizer(lambda: subprocess.run(["rm", "-rf", module], check=True))
    change(module)
    for command in (["inspect", module], ["scan", module], ["convert", module, out]):
        status = cli.main(cli.parse_arguments(["tf1hub", *map(str, command)]))
        printed, written = capfd.readouterr()
        if is_readable and command[0] != "convert":
            assert status == 0
            assert command[0] == "scan" or message in " ".join(printed.split())
        else:
            (line,) = [x for x in written.splitlines() if x.startswith("tf1hub: error: ")]
            assert (status, message in line) == (1, True), line
            assert "Traceback" not in written
            assert "internal error" not in written
        assert not out.exists()


def test_a_migration_refuses_modules_at_such_paths(run, golden_module, tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    golden_module("half_plus_two").rename(root / _NOT_UTF_8)
    for more in ([], ["--dry-run"]):
        status, out = run("migrate", root, tmp_path / "dst", "--json", "--workers", "1", *more)
        (outcome,) = json.loads(out)["outcomes"]
        assert (status, outcome["outcome"], outcome["path"]) == (1, "refused", _NOT_UTF_8)
        assert "is not UTF-8" in outcome["error"]["message"]


def test_a_scan_of_a_directory_whose_name_is_not_utf_8(run, hostile_ops, tmp_path, monkeypatch):
    place = hostile_ops.rename(hostile_ops.with_name(os.fsdecode(b"\xff\x1b")))
    log = tmp_path / "log.sarif"
    for here in (tmp_path, place.parent, place):
        monkeypatch.chdir(here)
        assert run("scan", place, "--sarif", log)[0] == 1
        result = json.loads(log.read_text())["runs"][0]["results"][0]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        path = os.fsdecode(urllib.parse.unquote_to_bytes(uri.removeprefix("file://")))
        assert here / path == place / "saved_model.pb"
    assert json.loads(run("scan", place, "--json")[1])["source"] == place.name


def test_json_keeps_names_exactly(run, hostile):
    status, out = run("inspect", hostile, "--json")
    assert status == 0
    summary = json.loads(out)
    assert summary["source"]["name"] == hostile.name
    names = {name for variant in summary["graph_variants"] for name in variant["signatures"]}
    assert {EVIL, f"more{EVIL}", "default"} <= names
    assert EVIL_FILE in summary["assets"]
    assert EVIL in {item["key"] for item in summary["attachments"]}


@pytest.mark.slow
def test_convert_and_verify(run, hostile, tmp_path):
    result = tmp_path / f"out{EVIL_FILE}"
    arguments = ("--call-signature", EVIL)
    status, out = run("convert", hostile, result, "--verify", *arguments)
    assert status == 0
    assert "Converted to" in out
    written = (result / "assets.extra" / "conversion.json").read_bytes()
    assert_harmless(written)
    record = json.loads(written)
    assert EVIL in {part["signature"] for part in record["callables"].values()}
    status, out = run("convert", hostile, result, "--overwrite", "--json", *arguments)
    assert json.loads(out)["destination"] == str(result)
    assert run("verify", hostile, result)[0] == 0


def test_debug_passes(run, hostile):
    assert run("debug", "passes", hostile, "--signature", EVIL)[0] == 0
    status, out = run("debug", "passes", hostile, "--signature", EVIL, "--json")
    assert status == 0
    assert json.loads(out)["signature"] == EVIL


@pytest.mark.parametrize("command", ["inspect", "scan", "convert", "debug", "migrate", "dry-run"])
def test_nodes_and_variables(run, hostile_nodes, tmp_path, command):
    commands = {
        "inspect": ("inspect", hostile_nodes),
        "scan": ("scan", hostile_nodes, "--all", "--sarif", tmp_path / "log"),
        "convert": ("convert", hostile_nodes, tmp_path / "out"),
        "debug": ("debug", "passes", hostile_nodes),
        "migrate": ("migrate", hostile_nodes.parent, tmp_path / "dst", "--workers", "1"),
        "dry-run": ("migrate", hostile_nodes.parent, tmp_path / "dst", "--dry-run"),
    }
    run(*commands[command])


def test_migrate_and_report(run, hostile, tmp_path):
    root = tmp_path / "dst"
    shutil.copytree(hostile, hostile.with_name(f"broken{hostile.name}"))
    (hostile.with_name(f"broken{hostile.name}") / "saved_model.pb").write_bytes(b"\x1b\xff")
    status, _ = run("migrate", hostile.parent, root, "--workers", "1")
    assert status == 1
    status, out = run("migrate", hostile.parent, root, "--json")
    assert hostile.name in {outcome["path"] for outcome in json.loads(out)["outcomes"]}
    assert run("migrate", hostile.parent, root, "--dry-run")[0] == 1
    assert run("report", root)[0] == 0
    for name in ("report.html", "report.csv", "report.json"):
        assert_harmless((root / name).read_bytes())
    assert run("report", root / "report.json", "--output", root / "again.html")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (EVIL,),
        ("inspect", EVIL),
        ("inspect", "m", f"--{EVIL}"),
        ("inspect", "m", "--tags", EVIL),
        ("convert", EVIL, EVIL),
        ("verify", EVIL, EVIL),
        ("verify", EVIL, EVIL, "--rtol", EVIL),
        ("migrate", EVIL, EVIL),
        ("migrate", "m", "n", "--workers", EVIL),
        ("report", EVIL),
        ("debug", "passes", EVIL, "--after", EVIL),
        ("inspect", "m", "--import-ops", EVIL),
        ("scan", EVIL),
        ("scan", "m", "--fail-on", EVIL),
    ],
    ids=lambda arguments: " ".join(map(ascii, arguments))[:40],
)
def test_wrong_use(run, arguments):
    assert run(*arguments)[0] in (1, 2)


@pytest.mark.parametrize("name", ["--signature", "--tags", "--after"])
def test_what_the_user_asks_for(run, golden_module, name):
    assert run("debug", "passes", golden_module("half_plus_two"), name, EVIL)[0] == 2


@pytest.mark.slow
def test_build_actions(hostile, tmp_path, capfdbinary):
    result = tmp_path / "result"

    def run_action(action, *arguments):
        parser = argparse.ArgumentParser()
        action.add_arguments(parser)
        parser.set_defaults(run=action.run)
        status = cli.main(parser.parse_args(["--module", str(hostile), *map(str, arguments)]))
        captured = capfdbinary.readouterr()
        assert_harmless(captured.out)
        assert_harmless(captured.err)
        return status

    record = tmp_path / "record.json"
    assert run_action(build_convert, "--output", result, "--record", record) == 0
    assert run_action(build_verify, "--saved-model", result) == 0
    assert run_action(build_verify, "--saved-model", tmp_path / EVIL_FILE) == 1


def test_the_table_of_a_comparison():
    row = Row(EVIL, "outputs", EVIL, missing(np.ones(2, np.float32)))
    report = ParityReport((row,), (NotCompared(EVIL, EVIL, EVIL, EVIL),), notes=(EVIL,))
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=100))
    assert_harmless(stream.getvalue().encode())
    assert "tf1hub: fine" in stream.getvalue()


def test_an_unforeseen_error_with_its_traceback(capfdbinary, monkeypatch):
    def fail(_):
        raise ValueError(EVIL)

    monkeypatch.setattr(absl.logging, "get_verbosity", lambda: absl.logging.DEBUG)
    assert cli.main(argparse.Namespace(run=fail)) == 1
    written = capfdbinary.readouterr().err
    assert b"Traceback" in written
    assert not hidden(written)


def test_whatever_else_is_printed(capfdbinary):
    def say(_):
        sys.stdout.write(EVIL)
        sys.stderr.writelines([EVIL, EVIL])
        return 0

    assert cli.main(argparse.Namespace(run=say)) == 0
    captured = capfdbinary.readouterr()
    assert not hidden(captured.out)
    assert not hidden(captured.err)
    assert captured.err.count(rb"owned\x07") == 2


def test_logs(capfdbinary):
    handler = absl.logging.get_absl_handler().python_handler
    before, stream = handler.formatter, io.StringIO()
    with printable_streams():
        handler.setStream(stream)
        handler.handle(logging.makeLogRecord({"msg": EVIL, "levelno": logging.ERROR}))
        handler.setStream(sys.__stderr__)
    assert handler.formatter is before
    assert not hidden(stream.getvalue().encode() + capfdbinary.readouterr().err)
    assert "tf1hub: fine" in stream.getvalue()


def test_the_streams_are_as_before_afterwards():
    before = sys.stdout, sys.stderr
    with pytest.raises(ValueError, match="x"), printable_streams():
        raise ValueError("x")
    assert (sys.stdout, sys.stderr) == before


def test_a_terminal_gets_styles_and_nothing_else():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system="standard", width=300)
    console.print(f"[bold]{escape(EVIL)}[/bold]", EVIL.replace("[/nope]", ""))
    console.print(EVIL, markup=False, style="red")
    written = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert not hidden(written.encode())
    assert stream.getvalue() != written
    assert written.count(r"\x1b]0;owned") == 3
    assert ":smile:[/nope]" in written
