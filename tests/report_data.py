"""Migrations for tests of the report: journal, records and comparisons, without any conversion."""

import dataclasses
import json
import zlib

import msgspec
import numpy as np

from converter.migration.journal import (
    JobFinished,
    JobStarted,
    Journal,
    RunFinished,
    RunStarted,
)
from converter.migration.outcomes import (
    Converted,
    Crashed,
    ErrorInfo,
    Failed,
    NotLegacy,
    ParitySummary,
    Reason,
    Refused,
    TimedOut,
)
from converter.migration.state import State
from converter.parity.checks import Row
from converter.parity.compare import Tolerance, compare
from converter.parity.report import NotCompared, ParityReport

BEGAN = 1_700_000_000.0
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">'\"&<!--"


def make_record(variables=2, callables=("default",), **fields):
    """A record as `export/record.py` makes them."""
    value = {"kind": "dense", "dtype": "float32", "shape": [None, 3]}
    record = {
        "record_version": 1,
        "converter": "0.1.0",
        "tensorflow": "2.21.0",
        "source": {"name": "m", "format": "tf1_hub", "digest": "d" * 64},
        "options": {},
        "graph_variants": [
            {"tags": [], "role": "inference"},
            {"tags": ["x"], "role": "left out", "why": "its variables are not there"},
        ],
        "root": callables[0] if callables else None,
        "callables": {
            name: {
                "signature": name,
                "tags": [],
                "training_tags": ["train"],
                "always_trains": False,
                "inputs": {"images": value, "ids": {**value, "kind": "sparse", "shape": None}},
                "hparams": {"momentum": {"input": "m", "default": 0.9, **value, "shape": []}},
                "outputs": {"default": value, "layer/relu": value},
                "return_endpoints": True,
                "variables": [f"scope/w{i}" for i in range(variables)],
                "regularization_losses": [],
                "update_ops": ["update"],
            }
            for name in callables
        },
        "variables": [
            {
                "name": f"scope/w{i}", "dtype": "float32", "shape": [2, i + 1],
                "trainable": i % 2 == 0, "checkpoint_key": f"scope/w{i}",
            }
            for i in range(variables)
        ],
        "regularization_losses": ["loss:0"],
        "tables": [{"tags": [], "node": "table", "op": "HashTableV2", "initializers": ["init"]}],
        "assets": ["words.txt"],
        "attachments": [{"tags": [], "key": "info", "size_bytes": 12, "json": None}],
        "dropped": [{"what": "placement", "name": "9 nodes of {}", "why": "it changes nothing"}],
        "warnings": [],
        "parity": None,
    }  # fmt: skip
    return {**record, **fields}


def make_report(tensors=3, wrong=False, seed=0):
    """A comparison of some tensors, of which the first is exact, and the last may be wrong."""
    random = np.random.default_rng(seed)
    rows = []
    for index in range(tensors):
        expected = random.normal(size=(8, 16)).astype(np.float32)
        steps = random.geometric(0.3, expected.shape) - 1 if index else 0
        actual = (expected.view(np.int32) + np.int32(steps)).view(np.float32)
        if wrong and index == tensors - 1:
            actual[0, 0] += 1
        compared = compare(expected, actual, Tolerance(rtol=1e-5))
        rows.append(Row("default", "outputs", f"layer_{index}", compared))
    words = np.array([b"a", b"b"], object)
    rows.append(Row("default", "outputs", "words", compare(words, words, Tolerance())))
    skipped = (NotCompared("default", "gradients", "it has none", leaves_open=False),)
    return ParityReport(tuple(rows), not_compared=skipped, notes=("a note",))


def make_open_report():
    """A comparison of which nothing differs, and something could not be made."""
    report = make_report()
    gap = NotCompared("default", "gradients", "TensorFlow loses them", remedy="Pass --inputs.")
    return dataclasses.replace(report, not_compared=(*report.not_compared, gap))


def where(root, path, **facts):
    """The fields that every outcome has."""
    defaults = {
        "attempts": 1, "seconds": 2.5, "started": BEGAN, "worker": "host:7", "source_bytes": 2048,
    }  # fmt: skip
    place = {"path": path, "source": f"/src/{path}", "destination": str(root / path)}
    return {**place, **defaults, **facts}


def saved(root, path, record=None, report=None, kind=Converted, **facts):
    """The outcome of a module with a SavedModel; writes its record, and its comparison if given."""
    record = make_record() if record is None else record
    place = root / path / "assets.extra" / "conversion.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(record))
    compared = {}
    if report is not None:
        summary = msgspec.convert(report.summary(), ParitySummary, from_attributes=True)
        file = write_report_of(root, path, report)
        compared = {"parity": summary, "parity_report": str(file)}
    return kind(
        **where(root, path, **facts), destination_bytes=4096, record=str(place),
        source_digest="d" * 64, **compared,
    )  # fmt: skip


def write_report_of(root, path, report):
    """Writes a comparison to its place."""
    file = State(root).parity_report(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report.to_json()))
    return file


def refused(root, path, message="node 'a' has op Foo", kind="UnsupportedOpError", **error):
    """The outcome of a module that is refused."""
    info = ErrorInfo(kind=kind, message=message, remedy="Import its package.", **error)
    return Refused(**where(root, path), error=info)


def one_of_each(root):
    """Outcomes of every type, and their files."""
    return [
        saved(root, "image/resnet", report=make_report()),
        saved(root, "text/nnlm", make_record(300), make_report(60), seconds=75.0),
        refused(root, "text/queue", node="queue/dequeue"),
        refused(root, "text/other_queue", message="node 'b' has op Foo"),
        Failed(
            **where(root, "image/differs"),
            error=ErrorInfo(kind="ParityError", message="differs: default: 1 not 2", remedy="Run."),
        ),
        TimedOut(
            **where(root, "image/slow", seconds=3600.0), limit_secs=3600.0,
            error=ErrorInfo(kind="TimedOut", message="it took longer than 3600 seconds"),
        ),
        Crashed(
            **where(root, "image/crash"), exit_status=-11,
            error=ErrorInfo(kind="Crashed", message="its worker died", details="Fatal\nStack"),
        ),
        NotLegacy(
            **where(root, "new/tf2", attempts=0), reason=Reason.TF2, explanation="It is TF2."
        ),
    ]  # fmt: skip


def write_migration(root):
    """Makes the DST_ROOT of a migration with every outcome, one module begun and not finished."""
    root.mkdir()
    return write_journal(root, one_of_each(root), begun=["text/begun"])


def write_journal(root, outcomes, begun=(), run="r1"):
    """Writes the journal of a run that had these outcomes, and left others begun."""
    with Journal(root) as journal:
        journal.append(
            RunStarted(
                run=run, time=BEGAN, converter="0.1.0", source_root="/src",
                options={"source_root": "/src", "verify": True, "workers": 2, "from_list": None,
                         "globs": {"include": ["a*"], "exclude": []}, "timeout_secs": 3600.0},
            )
        )  # fmt: skip
        journal.append(*(JobStarted(run=run, time=BEGAN + 1, path=path) for path in begun))
        journal.append(*(_finished(outcome, run) for outcome in outcomes))
        counts = {"converted": len(outcomes)}
        journal.append(
            RunFinished(run=run, time=BEGAN + 90, counts=counts, interrupted=bool(begun))
        )
    return root


def _finished(outcome, run):
    return JobFinished(
        run=run, time=BEGAN + 60, outcome=outcome, source_stat_digest="s",
        destination_stat_digest=None, fingerprint="f", converter="0.1.0",
    )  # fmt: skip


def write_many(root, count):
    """Writes the journal of a migration of many modules, each with a record and a comparison."""
    record, report = json.dumps(make_record(40)), make_report(12)
    full = json.dumps(report.to_json())
    summary = msgspec.convert(report.summary(), ParitySummary, from_attributes=True)
    outcomes = []
    for number in range(count):
        path = f"group_{number % 50:02}/module_{number:05}"
        if number % 100 == 7:
            outcomes.append(refused(root, path, f"node 'n{number}' has op Foo"))
            continue
        place, file = (
            root / path / "assets.extra" / "conversion.json",
            State(root).parity_report(path),
        )
        for target, content in ((place, record), (file, full)):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        outcomes.append(
            Converted(
                **where(root, path, seconds=1 + number * 79 % 100, source_bytes=number * 1009),
                destination_bytes=number * 997, record=str(place), source_digest="d" * 64,
                parity=summary, parity_report=str(file),
            )
        )  # fmt: skip
    return write_journal(root, outcomes)


def unpack(details):
    """The details of a module, as a browser unpacks them."""
    return json.loads(zlib.decompress(details))
