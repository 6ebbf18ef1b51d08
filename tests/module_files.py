"""Golden modules, damaged in a defined way, and what reading them says."""

import contextlib
import os
import subprocess

import pytest
from tensorflow.core.protobuf import saved_model_pb2

from converter import errors
from converter.formats.registry import read_module


@pytest.fixture
def half_plus_two(golden_module):
    return golden_module("half_plus_two")


@pytest.fixture(scope="session")
def edit():
    """`with edit(module) as saved_model:` rewrites the module's saved_model.pb."""

    @contextlib.contextmanager
    def editor(module):
        path = module / "saved_model.pb"
        saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        yield saved_model
        path.write_bytes(saved_model.SerializeToString())

    return editor


@pytest.fixture(scope="session")
def refusal():
    """`refusal(module, kind)` reads a module, which must be refused with exactly that error."""

    def read(module, kind=errors.FormatError):
        with pytest.raises(errors.ConversionError) as caught:
            read_module(module)
        assert type(caught.value) is kind
        assert "\n" not in str(caught.value)
        return caught.value

    return read


@pytest.fixture
def nest_folders():
    """`nest_folders(root, depth)` makes folders deeper than a path can be, and a file in them."""
    roots = []

    def nest(root, depth):
        roots.append(root)
        folder = os.open(root, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir("d", dir_fd=folder)
            inner = os.open("d", os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = inner
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        os.close(folder)

    yield nest
    for root in roots:  # pytest cleans up by `shutil.rmtree`, recursive up to Python 3.12.
        subprocess.run(["rm", "-rf", root / "d"], check=True)
