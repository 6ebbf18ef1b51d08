"""The driver, with the exporter that TensorFlow has, and with one that tests write."""

import hashlib
import json
import pathlib
import shutil

import msgspec
import numpy as np
import pytest

import converter
from converter.exporters import export_model as module
from converter.exporters.comparison import run_signature
from converter.exporters.exporter import ExportFailedError
from converter.exporters.obstacles import Obstacle
from converter.exporters.record import ExportRecord


class FakeExporter:
    """Writes three bytes, and runs the signature itself."""

    def __init__(self, change=lambda array: array, error=None):
        self.change, self.error, self.calls = change, error, []

    def export(self, signature):
        assert signature.function is not None
        if self.error is not None:
            raise self.error
        return b"abc"

    def load(self, content, signature):
        assert content == b"abc"

        def run(arrays):
            self.calls.append(arrays)
            found = run_signature(signature, arrays)
            return {name: self.change(array) for name, array in found.items()}

        return run

    def versions(self):
        return {"fake": "1"}


@pytest.fixture
def export(converted, tmp_path, monkeypatch):
    """`export(name, exporter, **options)` exports a golden module to `model.bin`."""

    def call(name, exporter=None, **options):
        if exporter is not None:
            monkeypatch.setattr(module, "make_exporter", lambda _: exporter)
        options.setdefault("to", "litert")
        return converter.export_model(converted(name), tmp_path / "model.bin", **options)

    return call


def test_a_signature_is_exported_compared_and_recorded(export, tmp_path):
    record = export("half_plus_two")
    content = (tmp_path / "model.bin").read_bytes()
    assert record.digest == hashlib.sha256(content).hexdigest()
    assert (record.size_bytes, record.verdict, record.not_compared) == (len(content), "equal", None)
    assert record.inputs["default"].exported_as == "default"
    output = record.outputs["default"]
    assert (output.exported_as, output.calls) == ("default_output", 3)
    written = json.loads((tmp_path / "model.bin.json").read_text())
    assert msgspec.convert(written, ExportRecord) == record


def test_an_original_is_converted_first(golden_module, tmp_path):
    steps = []
    record = converter.export_model(
        golden_module("half_plus_two"), tmp_path / "a.tflite", to="litert", progress=steps.append
    )
    assert record.verdict == "equal"
    assert steps[0] == "reading the module"
    assert "exporting to LiteRT" in steps


def test_names_are_mapped_back(export):
    record = export("image_bn_dropout", FakeExporter())
    assert record.outputs["TinyNet/Logits"].exported_as == "TinyNet_Logits"
    assert record.versions["fake"] == "1"


def test_a_difference_is_an_error_and_leaves_nothing(export, tmp_path):
    with pytest.raises(converter.ParityError, match="output 'default' of the exported file"):
        export("half_plus_two", FakeExporter(lambda array: array * np.float32(1.01)))
    assert not list(tmp_path.iterdir())


def test_the_old_file_stays_where_the_new_one_differs(export, tmp_path):
    (tmp_path / "model.bin").write_text("old")
    with pytest.raises(converter.ParityError):
        export("half_plus_two", FakeExporter(lambda array: array + 1), overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]
    assert (tmp_path / "model.bin").read_text() == "old"


def test_random_numbers_are_not_compared(export):
    exporter = FakeExporter(lambda array: array + 1)
    record = export("random_noise", exporter)
    assert (record.verdict, record.not_compared) == (
        "not compared", "the signature draws random numbers",
    )  # fmt: skip
    assert exporter.calls
    assert all(output.calls == 0 for output in record.outputs.values())


def test_without_inputs_nothing_is_compared(export, monkeypatch):
    def fail(*_):
        raise module.UnmakeableError("there are none")

    monkeypatch.setattr(module, "choose_inputs", fail)
    record = export("half_plus_two", FakeExporter())
    assert record.verdict == "not compared"
    assert record.not_compared == "there are none. Pass --inputs FILE.npz (in Python: inputs=)"


def test_the_arrays_of_the_user_are_compared(export):
    exporter = FakeExporter()
    export("half_plus_two", exporter, inputs={"default": [3.5]})
    assert [arrays["default"].tolist() for arrays in exporter.calls] == [[3.5]]


@pytest.mark.parametrize("name", ["table_file", "state_counted_loop"])
def test_state_is_refused_before_the_exporter_runs(export, name):
    exporter = FakeExporter(error=AssertionError())
    with pytest.raises(converter.UnsupportedOpError, match=r"no variables .* of (Lookup|Assign)"):
        export(name, exporter)


def test_ops_in_the_way_are_named(export, tmp_path):
    error = ExportFailedError("no", (Obstacle("Foo", "tf1/a"),))
    with pytest.raises(converter.UnsupportedOpError, match=r"because of Foo \(at 'a'\)\. Fix"):
        export("half_plus_two", FakeExporter(error=error))
    assert not list(tmp_path.iterdir())


def test_a_failure_without_ops_says_what_the_exporter_says(export):
    with pytest.raises(converter.UnsupportedOpError, match=r"to LiteRT: it is Monday\. Serve"):
        export(
            "half_plus_two",
            FakeExporter(error=ExportFailedError("it is Monday")),
            shapes={"default": (2,)},
        )


def test_what_tensorflow_cannot_freeze_is_refused(export, monkeypatch):
    monkeypatch.setattr(module, "find_state_ops", lambda _: [])
    with pytest.raises(converter.UnsupportedOpError, match="TensorFlow cannot freeze it: Input"):
        export("gan_truncation", FakeExporter())


def test_too_many_weights(export, monkeypatch):
    monkeypatch.setattr(module, "_MOST_WEIGHTS_BYTES", 3)
    with pytest.raises(converter.UnsupportedOpError, match=r"0\.0 GiB of variables; an exported"):
        export("half_plus_two", FakeExporter())


def test_an_existing_file_is_not_replaced(export, tmp_path):
    (tmp_path / "model.bin").write_text("old")
    with pytest.raises(converter.UnsuitableDestinationError, match="exists already"):
        export("half_plus_two")


def test_exporters_are_chosen_by_format():
    assert type(module.make_exporter("litert")).__name__ == "LitertExporter"
    assert type(module.make_exporter("onnx")).__name__ == "OnnxExporter"


def test_a_damaged_model_is_named(converted, tmp_path):
    model = pathlib.Path(shutil.copytree(converted("half_plus_two"), tmp_path / "model"))
    data = next((model / "variables").glob("variables.data-*"))
    data.write_bytes(data.read_bytes()[:-2])
    with pytest.raises(converter.FormatError, match="model is damaged: "):
        converter.export_model(model, tmp_path / "model.bin", to="litert")
