"""Shared by all tests: TensorFlow kept quiet, golden modules, and builders of small programs."""

import os

# Before TensorFlow is first imported, which reads them then.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Workers of pytest-xdist have one, and tables would be as wide as that.
os.environ.pop("COLUMNS", None)

import gc
import pathlib
import re
import shutil
import traceback

import hypothesis
import pytest
from tensorflow.core.framework import function_pb2, types_pb2

from converter import tf_private
from converter.files.paths import RemotePath
from converter.ir.graph import Program
from converter.ir.text import parse_graph

pytest_plugins = [
    "hostile_models", "hub_stand_ins", "migration_trees", "module_files", "peak_memory",
    "raised_messages", "sources.hub_server", "sources.kaggle_server", "small_modules",
]  # fmt: skip

# Before a test imports what registers further ops, as TensorFlow Lite does.
_OPS = tf_private.list_registered_ops()
_GOLDEN = pathlib.Path(__file__).parent.parent / "legacy_fixtures" / "golden"

hypothesis.settings.register_profile(
    "repeatable",
    # The machine may be busy, and a failure has to come back in the next run.
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.too_slow,
    ],
)
hypothesis.settings.load_profile("repeatable")


# What users may leave out. Where it is missing, tests that import it are skipped.
_OPTIONAL = {"tensorflow_hub", "tf_keras"}
_TESTS = pathlib.Path(__file__).parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    """Skips a test that itself imports an optional package where that is missing."""
    try:
        return (yield)
    except ModuleNotFoundError as error:
        importer = pathlib.Path(traceback.extract_tb(error.__traceback__)[-1].filename)
        if error.name in _OPTIONAL and importer.is_relative_to(_TESTS):
            pytest.skip(f"{error.name} is not installed")
        raise


def fixture_names() -> list[str]:
    """The names of all golden modules."""
    return sorted(path.parent.name for path in _GOLDEN.glob("*/module"))


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Has pytest-xdist run all tests of a golden module in one worker."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    names = set(fixture_names())

    class LoadModules(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            parameter = nodeid.partition("[")[2].rstrip("]")
            return parameter if parameter in names else nodeid

    return LoadModules(config, log)


def pytest_collection_finish():
    """Spares the garbage collector what TensorFlow and the tests are, which is 0.1 s each time."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc):
    """Runs each test that takes `fixture_name` once for every golden module.

    All tests of one module run in a row, so that it is converted and loaded once, and dropped.
    """
    if "fixture_name" in metafunc.fixturenames:
        metafunc.parametrize("fixture_name", fixture_names(), scope="session")


@pytest.fixture
def ops_of_tensorflow(monkeypatch):
    """Has `list_registered_ops` return those that TensorFlow alone registers; returns them."""
    monkeypatch.setattr(tf_private, "list_registered_ops", lambda: _OPS)
    return _OPS


@pytest.fixture
def golden_module(tmp_path):
    """`golden_module(name)` returns the path of a private copy of a golden module."""

    def copy(name: str) -> pathlib.Path:
        return pathlib.Path(shutil.copytree(_GOLDEN / name / "module", tmp_path / name))

    return copy


@pytest.fixture(scope="session")
def make_program():
    """`make_program(text, **fields)` returns a program with the nodes of `text`."""

    def make(text: str = "", **fields) -> Program:
        defaults = {
            "tags": frozenset(),
            "functions": {},
            "gradients": {},
            "signatures": {},
            "variables": {},
            "tables": {},
            "assets": {},
            "regularization_losses": (),
            "update_ops": (),
            "attachments": {},
        }
        return Program(nodes=parse_graph(text).nodes, **{**defaults, **fields})

    return make


@pytest.fixture
def remote(request):
    """A directory on a filesystem that only TensorFlow speaks to."""
    root = RemotePath(f"ram://{re.sub(r'[^A-Za-z0-9_]', '_', request.node.name)}")
    root.mkdir()
    yield root
    root.remove_tree()


@pytest.fixture(scope="session")
def make_function():
    """`make_function(name, args, body, ret)` returns a FunctionDef.

    `args` and `results` map names to types, or to attributes that hold types (`"$T"`). Nodes of
    `body` name their inputs as FunctionDefs do: `arg`, `arg:1`, `node:output_arg:0`.
    """

    def make(name, args, body, ret, *, results=None, control_ret=(), stateful=False, lists=None):
        function = function_pb2.FunctionDef()
        function.signature.name = name
        function.signature.is_stateful = stateful
        for arg, dtype in args.items():
            _set_type(function.signature.input_arg.add(name=arg), dtype)
        for result in ret:
            _set_type(
                function.signature.output_arg.add(name=result), (results or {}).get(result, "float")
            )
        for attr, kind in (lists or {}).items():
            function.signature.attr.add(name=attr, type=kind)
        for node in parse_graph(body).nodes.values():
            node_def = function.node_def.add(name=node.name, op=node.op)
            node_def.input.extend(_function_input(ref) for ref in node.inputs)
            node_def.input.extend(f"^{control}" for control in node.control_inputs)
            for key, value in node.attrs.items():
                node_def.attr[key].CopyFrom(value)
        for result, source in ret.items():
            function.ret[result] = source
        for control in control_ret:
            function.control_ret[control] = control
            function.signature.control_output.append(control)
        return function

    return make


def _set_type(arg, dtype):
    if dtype.startswith("$*"):
        arg.type_list_attr = dtype[2:]
    elif dtype.startswith("$"):
        arg.type_attr = dtype[1:]
    elif "*" in dtype:
        arg.number_attr, dtype = dtype.split("*")
        arg.type = types_pb2.DataType.Value(f"DT_{dtype.upper()}")
    else:
        arg.type = types_pb2.DataType.Value(f"DT_{dtype.upper()}")


def _function_input(ref):
    return str(ref) if ":" in ref.node or ref.index else ref.node
