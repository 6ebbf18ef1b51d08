"""Consumers that know of signatures and of files, and of nothing else."""

import contextlib
import io
import pathlib
import shutil

import numpy as np
import tensorflow as tf
from interface.test_cpp_loader import _LIBRARY, _Session

from consumers.subject import check_outputs
from consumers.warmup_protos import PredictionLog
from converter.parity.values import to_parts

_SIGNATURE = "serving_default"
_NAME = "module"


def session_loader(subject, folder):
    """The signature `serving_default`, by the names of its tensors."""
    del folder
    check_outputs(
        subject.inference, _run_signature(subject.path, to_parts(subject.inference.served))
    )


def _run_signature(path, inputs):
    """The outputs of `serving_default` in a session of its own."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        signature = meta_graph.signature_def[_SIGNATURE]
        feeds = {signature.inputs[name].name: value for name, value in inputs.items()}
        return session.run({k: info.name for k, info in signature.outputs.items()}, feeds)


def _command(name, **flags):
    """Runs a subcommand of `saved_model_cli`; returns what it prints."""
    from absl import flags as absl_flags
    from tensorflow.python.tools import saved_model_cli

    values = [f"--{key}={value}" for key, value in flags.items()]
    absl_flags.FLAGS.unparse_flags()
    absl_flags.FLAGS(["saved_model_cli", *values])
    with contextlib.redirect_stdout(io.StringIO()) as out:
        getattr(saved_model_cli, name)()
    return out.getvalue()


def cli_show(subject, folder):
    """The inputs and outputs of the signature, and `--all`."""
    del folder
    text = _command("show", dir=subject.path, tag_set="serve", signature_def=_SIGNATURE)
    for name in to_parts(subject.inference.served):
        assert f"inputs['{name}'] tensor_info" in text, text
    for name in subject.inference.outputs:
        assert f"outputs['{name}'] tensor_info" in text, text
    assert "Concrete Functions:" in _command("show", dir=subject.path, all=True)


def cli_run(subject, folder):
    """Files of NumPy, or strings as text; an output with a slash needs its folder made before."""
    inputs, expressions, out = [], [], pathlib.Path(folder) / "out"
    for name, value in to_parts(subject.inference.served).items():
        if value.dtype == object:
            expressions.append(f"{name}={[text.decode() for text in value]}")
        else:
            np.save(pathlib.Path(folder) / f"{name}.npy", value)
            inputs.append(f"{name}={folder}/{name}.npy")
    for name in subject.inference.outputs:  # It makes no folders for names with slashes.
        (out / f"{name}.npy").parent.mkdir(parents=True, exist_ok=True)
    _command(
        "run", all=False, dir=subject.path, tag_set="serve", signature_def=_SIGNATURE,
        inputs=";".join(inputs), input_exprs=";".join(expressions), outdir=out, overwrite=True,
    )  # fmt: skip
    found = {name: np.load(out / f"{name}.npy") for name in subject.inference.outputs}
    check_outputs(subject.inference, found)


def tensorflow_serving(subject, folder):
    """The layout `NAME/1/` in the C++ loader; warm-up requests are read and run, without a server.

    The requests are read back from the file, and each runs as the signature that it names.
    """
    version = pathlib.Path(shutil.copytree(subject.path, pathlib.Path(folder) / _NAME / "1"))
    _write_requests(version, subject)
    if _LIBRARY.exists():
        _Session(version)
    records = tf.data.TFRecordDataset(str(_requests_file(version)))
    requests = [
        PredictionLog.FromString(r).predict_log.request for r in records.as_numpy_iterator()
    ]
    assert [request.model_spec.name for request in requests] == [_NAME]
    for request in requests:
        assert request.model_spec.signature_name == _SIGNATURE
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        check_outputs(subject.inference, _run_signature(version, inputs))


def _requests_file(version):
    return version / "assets.extra" / "tf_serving_warmup_requests"


def _write_requests(version, subject):
    log = PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = _NAME
    request.model_spec.version.value = 1
    request.model_spec.signature_name = _SIGNATURE
    for name, value in to_parts(subject.inference.served).items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    _requests_file(version).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(_requests_file(version))) as writer:
        writer.write(log.SerializeToString())


SERVING = {
    "`tf.compat.v1.saved_model.load` in a session": session_loader,
    "`saved_model_cli show`": cli_show,
    "`saved_model_cli run`": cli_run,
    "TensorFlow Serving: layout, warm-up requests": tensorflow_serving,
}
