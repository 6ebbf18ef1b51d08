"""Targets that read text, JSON and archives."""

import gzip
import io
import json
import pathlib
import tarfile
import zipfile

import numpy as np
from parity.evidence_samples import FACTS, SEEN
from report_data import HOSTILE, make_record, make_report, write_migration

from converter.compile.compile_module import compile_module
from converter.export import record
from converter.files.source_files import digest
from converter.formats.registry import read_module
from converter.ir.region_text import format_region, parse_region
from converter.ir.text import format_graph, parse_graph
from converter.migration.collect.parity_facts import read_parity_facts
from converter.migration.collect.record_facts import read_record_facts
from converter.migration.collect.report import collect_report
from converter.migration.journal import journal_path
from converter.migration.module_list import read_module_list
from converter.migration.options_file import read_rules
from converter.page.document import decode_report, encode_report
from converter.parity.exchange import read_message, write_message
from converter.parity.observation import Observations
from converter.parity.user_inputs import read_arrays
from converter.sources.registry import open_source
from fuzz_bytes.files import GOLDEN, folder, join, split, write

_MOST_MESSAGE_BYTES = 1 << 24


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def read_region_text(data: bytes) -> None:
    """Reads a region, and prints it so that it is read as the same."""
    text = format_region(parse_region(_text(data)))
    assert format_region(parse_region(text)) == text


def region_seeds() -> list[bytes]:
    """Regions of fixtures with loops and branches, as text."""
    modules = ("v2_ref_while", "cond_in_loop_in_cond", "half_plus_two", "while_strings")
    return [
        format_region(region).encode()
        for module in modules
        for _, region in compile_module(read_module(GOLDEN / module / "module")).regions()
    ][:8]


def read_graph_text(data: bytes) -> None:
    """Reads a graph, and prints it so that it is read as the same."""
    text = format_graph(parse_graph(_text(data)))
    assert format_graph(parse_graph(text)) == text


def graph_text_seeds() -> list[bytes]:
    """Graphs with attributes of all types."""
    attrs = (
        'a = Op[b=true, f=1.5, i=-3, l=(1, 2), s="x\\n", h=[2,?], t=float, u=[...], m=("a")]()',
        'c = Const[dtype=int32, value=int32[2]{1, 2}]()\nd = Const[value=string[2]("a", "b")](^c)',
        'e = Op[f={func { name: "g" }}, x=serialized{"\\010\\001"}](c, d:1)\nreturn e:2\ntarget c',
        "h = Const[dtype=half, value=half[3](0.5), v=bfloat16{nan}, c=complex64(1+2j)]()",
    )
    return [line.encode() for line in attrs]


def read_record(data: bytes) -> None:
    """Reads a record, and writes it so that it is read as the same."""
    directory = write("record", f"{record.FOLDER}/{record.FILENAME}", data)
    found = record.read_record(directory)
    found.all_warnings()
    record.write_record(found, directory)
    assert record.to_bytes(record.read_record(directory)) == record.to_bytes(found)


def read_old_record(data: bytes) -> None:
    """Reads a record of any version as the report of a migration does."""
    read_record_facts(write("record_facts", "conversion.json", data) / "conversion.json")


def record_seeds() -> list[bytes]:
    """Records without and with the summary of a comparison."""
    parity = {"passed": True, "tensors": 1, "bit_equal": 1, "worst_abs": "nan", "worst_rel": 0.0}
    records = [make_record(), make_record(0, ()), make_record(warnings=[HOSTILE], parity=parity)]
    return [json.dumps(values).encode() for values in records]


def read_comparison(data: bytes) -> None:
    """Reads a comparison as the report of a migration does."""
    read_parity_facts(write("comparison", "parity.json", data) / "parity.json")


def comparison_seeds() -> list[bytes]:
    """Comparisons that are equal, and not."""
    reports = (make_report(), make_report(2, wrong=True))
    return [json.dumps(report.to_json()).encode() for report in reports]


def read_journal(data: bytes) -> None:
    """Reads the journal of a migration, and writes its report so that it is read."""
    root = folder("journal")
    path = journal_path(root)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    content = encode_report(collect_report(root, lambda _: None))
    decode_report(content, "report.json")


def journal_seeds() -> list[bytes]:
    """A journal with an outcome of every kind, and its lines alone."""
    root = folder("journal_seeds") / "migration"
    if not root.exists():
        write_migration(root)
    content = journal_path(root).read_bytes()
    return [content, *content.splitlines(keepends=True)]


def read_report(data: bytes) -> None:
    """Reads the report of a migration, and writes it so that it is read as the same."""
    content = encode_report(decode_report(data, "report.json"))
    assert encode_report(decode_report(content, "report.json")) == content


def report_seeds() -> list[bytes]:
    """The report of a migration with an outcome of every kind."""
    journal_seeds()
    root = folder("journal_seeds") / "migration"
    return [encode_report(collect_report(root, lambda _: None))]


def read_toml_options(data: bytes) -> None:
    """Reads options by pattern."""
    read_rules(write("toml", "options.toml", data) / "options.toml")


def toml_seeds() -> list[bytes]:
    """Options of several types."""
    return [
        b'["bert/*"]\ncall_signature = "tokens"\n\n["gan/*"]\ntags = ["bs8"]\nverify = true\n',
        b'["*"]\ninputs = "a.npz"\nhardlink = false\nallow_op = ["PyFunc"]\nimport_ops = []\n',
    ]


def read_json_options(data: bytes) -> None:
    """Reads options by pattern."""
    read_rules(write("json", "options.json", data) / "options.json")


def json_seeds() -> list[bytes]:
    """The same as JSON."""
    return [b'{"bert/*": {"call_signature": "tokens"}, "*": {"tags": ["a"], "allow_op": []}}']


def read_list(data: bytes) -> None:
    """Reads a list of modules."""
    path = write("list", "modules.txt", data) / "modules.txt"
    read_module_list(path, pathlib.Path("/src"))


def list_seeds() -> list[bytes]:
    """Paths and handles, with comments."""
    return [b"# all\nimage/resnet # small\n../text\n/abs/x\nhttps://tfhub.dev/google/nnlm/1?tf=x\n"]


def read_input_arrays(data: bytes) -> None:
    """Reads the arrays that a user compares a module with."""
    read_arrays(str(write("arrays", "inputs.npz", data) / "inputs.npz"))


def array_seeds() -> list[bytes]:
    """Arrays, compressed and not."""
    seeds = []
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, x=np.ones((2, 3), np.float32), text=np.array(["a", "bc"]))
        seeds.append(file.getvalue())
    return seeds


def read_answer(data: bytes) -> None:
    """Reads what the process of a converted module answers."""
    document, arrays = split(data, 2)
    write("answer", "answer.json", document)
    path = write("answer", "answer.npz", arrays) / "answer"
    read_message(path, Observations, _MOST_MESSAGE_BYTES)


def answer_seeds() -> list[bytes]:
    """Observations of two cases."""
    path = folder("answer_seeds") / "answer"
    write_message(path, Observations((SEEN, SEEN), FACTS, FACTS))
    return [join([path.with_suffix(end).read_bytes() for end in (".json", ".npz")])]


def read_archive(data: bytes) -> None:
    """Unpacks a `.tar`, compressed here unless it says that it is, or a `.zip`."""
    is_whole = data.startswith((b"\x1f\x8b", b"PK"))
    place = folder("archive")
    path = place / "module.tar.gz"
    path.write_bytes(data if is_whole else gzip.compress(data, 1))
    try:
        with open_source(path, destination=place / "converted") as source:
            assert source.known_digest == digest(source.directory)
    finally:
        assert [file.name for file in place.iterdir()] == [path.name]


def archive_seeds() -> list[bytes]:
    """A module in the formats of tar, and compressed."""
    seeds = []
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=kind) as members:
            members.add(GOLDEN / "half_plus_two" / "module" / "variables", "module/variables")
            members.add(
                GOLDEN / "half_plus_two" / "module" / "tfhub_module.pb", "module/" + "é" * 60
            )
            members.addfile(tarfile.TarInfo("module/saved_model.pb"))
        seeds.append(file.getvalue().rstrip(b"\0") + bytes(1024))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as members:
        members.write(GOLDEN / "half_plus_two" / "module" / "saved_model.pb", "saved_model.pb")
    return [*seeds, gzip.compress(seeds[0]), packed.getvalue()]
