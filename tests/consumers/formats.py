"""Exports to other formats: LiteRT and ONNX by `converter.export_model`, TF.js by its own tool."""

import dataclasses
import json
import os
import pathlib
import subprocess

import numpy as np
import tensorflow as tf

import converter
from consumers.names import TFJS_CONVERTER, TFJS_MODULES
from consumers.subject import check_outputs
from converter.parity.values import to_parts


def _shapes(subject):
    return {name: value.shape for name, value in subject.inference.served.items()}


def _is_converted(subject):
    return os.path.exists(os.path.join(subject.path, "assets.extra", "conversion.json"))


def litert(subject, folder):
    """A LiteRT file of fixed shapes, in an interpreter."""
    file = pathlib.Path(folder) / "model.tflite"
    inputs, outputs = _export(subject, file, "litert")
    interpreter = _interpreter(str(file))
    runner = interpreter.get_signature_runner()
    for call in _calls(subject):
        found = runner(**inputs)
        check_outputs(call, {name: found[key] for name, key in outputs.items()})


def _interpreter(path):
    try:
        from ai_edge_litert import interpreter
    except ImportError:
        interpreter = tf.lite
    return interpreter.Interpreter(path)


def onnx(subject, folder):
    """An ONNX file of fixed shapes, in onnxruntime."""
    import onnxruntime

    file = pathlib.Path(folder) / "model.onnx"
    inputs, outputs = _export(subject, file, "onnx")
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for call in _calls(subject):
        found = session.run(list(outputs.values()), inputs)
        check_outputs(call, dict(zip(outputs, found, strict=True)))


def _calls(subject):
    """The call for inference, and a second one where the first changes variables."""
    yield subject.inference
    if subject.inference.after:
        obj = tf.saved_model.load(subject.path)
        for _ in range(2):
            outputs = obj(subject.inference.argument(), **subject.keywords())
        values = {name: value.numpy() for name, value in subject.named(outputs).items()}
        yield dataclasses.replace(subject.inference, outputs=values)


def _export(subject, file, to):
    """Writes the file; returns inputs by their names in it, and the names of outputs in it."""
    if not _is_converted(subject):
        return _export_ordinary(subject, file, to)
    sparse = any(not isinstance(v, np.ndarray) for v in subject.inference.served.values())
    shapes = {} if sparse else _shapes(subject)
    record = converter.export_model(subject.path, file, to=to, shapes=shapes)
    parts = to_parts(subject.inference.served)
    inputs = {info.exported_as: parts[name] for name, info in record.inputs.items()}
    return inputs, {name: info.exported_as for name, info in record.outputs.items()}


def _export_ordinary(subject, file, to):
    """The same by the exporter itself, with names that it takes."""
    obj = tf.saved_model.load(subject.path)
    parts, safe = to_parts(subject.inference.served), {}
    for name in subject.inference.outputs:
        safe[name] = "out_" + name.replace("/", "_")
    specs = [tf.TensorSpec(v.shape, tf.as_dtype(v.dtype), name=k) for k, v in parts.items()]

    @tf.function(input_signature=specs)
    def serve(*given):
        outputs = obj.signatures["serving_default"](**dict(zip(parts, given, strict=True)))
        return {safe[name]: value for name, value in outputs.items()}

    file.write_bytes(_WRITERS[to](serve, specs, obj))
    return parts, safe


def _write_onnx(function, specs, _):
    import tf2onnx

    model, _ = tf2onnx.convert.from_function(function, input_signature=specs)
    return model.SerializeToString()


def _write_litert(function, _, obj):
    concrete = [function.get_concrete_function()]
    return tf.lite.TFLiteConverter.from_concrete_functions(concrete, obj).convert()


_WRITERS = {"onnx": _write_onnx, "litert": _write_litert}

_RUN_IN_NODE = """
const [,, modules, folder] = process.argv;
const tf = require(modules + '/node_modules/@tensorflow/tfjs');
const fs = require('fs');
const read = name => JSON.parse(fs.readFileSync(folder + '/' + name));
const model = read('model.json');
const specs = model.weightsManifest.flatMap(group => group.weights);
const files = model.weightsManifest.flatMap(group => group.paths);
const bytes = Buffer.concat(files.map(file => fs.readFileSync(folder + '/' + file)));
const weights = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
const handler = {load: async () => ({
  modelTopology: model.modelTopology, weightSpecs: specs, weightData: weights,
  signature: model.signature, userDefinedMetadata: model.userDefinedMetadata,
  modelInitializer: model.modelInitializer, initializerSignature: model.initializerSignature,
})};
(async () => {
  await tf.setBackend('cpu');
  const graph = await tf.loadGraphModel(handler);
  const fed = {}, inputs = read('inputs.json'), taken = Object.keys(model.signature.inputs).sort();
  Object.keys(inputs).sort().forEach((name, i) => {
    const {data, shape, dtype} = inputs[name];
    fed[model.signature.inputs[taken[i]].name] = tf.tensor(data, shape, dtype);
  });
  const keys = Object.keys(model.signature.outputs);
  const results = [];
  for (let call = 0; call < 2; call++) {
    const found = await graph.executeAsync(fed, keys.map(k => model.signature.outputs[k].name));
    results.push(Object.fromEntries([found].flat().map((tensor, i) => {
      const {shape, dtype} = tensor;
      return [keys[i], {data: Array.from(tensor.dataSync()), shape, dtype}];
    })));
  }
  fs.writeFileSync(folder + '/outputs.json', JSON.stringify(results));
})().catch(error => { console.error(error.message); process.exit(1); });
"""


def tfjs(subject, folder):
    """The graph model of `tensorflowjs_converter` in Node, on the CPU backend.

    It calls several inputs `arg0:0` and so on, in the order of their names.
    """
    folder = pathlib.Path(folder)
    _call(
        os.environ[TFJS_CONVERTER], "--input_format=tf_saved_model",
        "--output_format=tfjs_graph_model", "--signature_name=serving_default",
        "--saved_model_tags=serve", subject.path, folder,
    )  # fmt: skip
    inputs = {k: _to_json(v) for k, v in to_parts(subject.inference.served).items()}
    (folder / "inputs.json").write_text(json.dumps(inputs))
    (folder / "run.js").write_text(_RUN_IN_NODE)
    _call("node", folder / "run.js", os.environ[TFJS_MODULES], folder)
    results = json.loads((folder / "outputs.json").read_text())
    for call, found in zip(_calls(subject), results, strict=False):
        check_outputs(call, {name: _from_json(v) for name, v in found.items()})


def _to_json(array):
    if array.dtype == object:
        data, dtype = [text.decode() for text in array.flat], "string"
    else:
        data, dtype = array.ravel().tolist(), str(array.dtype).replace("int64", "int32")
    return {"data": data, "shape": array.shape, "dtype": dtype}


def _from_json(value):
    return np.array(value["data"], value["dtype"]).reshape(value["shape"])


def _tool_environment():
    """Without our paths, and without the ops of oneDNN, which TensorFlow's optimizer puts in."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return {**kept, "TF_ENABLE_ONEDNN_OPTS": "0"}


def _call(*command):
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False,
        env=_tool_environment(),
    )  # fmt: skip
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RuntimeError(" ".join(lines[-2:]))


FORMATS = {"LiteRT": litert, "ONNX": onnx, "TF.js": tfjs}
