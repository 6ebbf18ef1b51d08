"""Converted modules through the C++ loader, that of TF Serving: it restores by the SaverDef."""

import ctypes
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from golden.converted_model import convert_to_disk
from golden.golden_values import read_golden

from converter.export.canonical import read_saved_model

_LIBRARY = pathlib.Path(tf.__file__).parent / "libtensorflow_cc.so.2"
pytestmark = pytest.mark.skipif(not _LIBRARY.exists(), reason="another name of the library")


class _Output(ctypes.Structure):
    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


class _Session:
    """A session of TensorFlow's C API (tensorflow/c/c_api.h) on a SavedModel.

    Sessions, graphs and tensors last as long as the process: a test makes few.
    """

    def __init__(self, path):
        self._library = ctypes.CDLL(str(_LIBRARY))
        self._library.TF_Message.restype = ctypes.c_char_p
        self._status = self._call("TF_NewStatus")
        self._graph = self._call("TF_NewGraph")
        options, tags = self._call("TF_NewSessionOptions"), (ctypes.c_char_p * 1)(b"serve")
        self._session = self._call(
            "TF_LoadSessionFromSavedModel",
            options, None, str(path).encode(), tags, 1, self._graph, None, self._status,
        )  # fmt: skip
        self._check()

    def run(self, fed, value, fetched):
        """Feeds a float tensor and fetches another; both by name."""
        given, taken = self._output(fed), self._output(fetched)
        shape = (ctypes.c_int64 * value.ndim)(*value.shape)
        size = ctypes.c_size_t(value.nbytes)
        float32 = tf.float32.as_datatype_enum
        tensor = self._call("TF_AllocateTensor", float32, shape, value.ndim, size)
        ctypes.memmove(self._call("TF_TensorData", tensor), value.tobytes(), value.nbytes)
        results = (ctypes.c_void_p * 1)()
        self._library.TF_SessionRun(
            self._session, None, ctypes.byref(given), ctypes.byref(tensor), 1,
            ctypes.byref(taken), results, 1, None, 0, None, self._status,
        )  # fmt: skip
        self._check()
        result = ctypes.c_void_p(results[0])
        self._library.TF_TensorByteSize.restype = ctypes.c_size_t
        count = self._library.TF_TensorByteSize(result)
        data = ctypes.string_at(self._call("TF_TensorData", result), count)
        return np.frombuffer(data, np.float32)

    def _call(self, name, *arguments):
        function = getattr(self._library, name)
        function.restype = ctypes.c_void_p
        return ctypes.c_void_p(function(*arguments))

    def _check(self):
        code = self._library.TF_GetCode(self._status)
        assert code == 0, self._library.TF_Message(self._status)

    def _output(self, tensor):
        name, _, index = tensor.partition(":")
        operation = self._call("TF_GraphOperationByName", self._graph, name.encode())
        return _Output(operation, int(index))


@pytest.mark.parametrize("name", ["half_plus_two", "while_partitioned"])
def test_it_restores_and_runs(name):
    path = convert_to_disk(name).path
    (meta_graph,) = read_saved_model(path).meta_graphs
    call = next(c for c in read_golden(name).calls if c.signature == "default" and not c.tags)
    signature = meta_graph.signature_def["default"]
    ((key, value),), ((result, expected),) = call.inputs.items(), call.outputs.items()
    value = np.asarray(value, np.float32)
    found = _Session(path).run(signature.inputs[key].name, value, signature.outputs[result].name)
    np.testing.assert_allclose(found, np.ravel(expected), rtol=1e-5)


@pytest.mark.parametrize("name", ["bert_tiny", "no_variables", "text_embedding_oov"])
def test_it_loads_strings_tables_and_nothing(name):
    _Session(convert_to_disk(name).path)
