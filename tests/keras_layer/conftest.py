"""Converted modules for tests of the layer, which run where Keras 3 is."""

import os
import shutil

import pytest
import tensorflow as tf
from golden.converted_model import convert_to_disk

# TensorFlow 2.15 comes with Keras 2, which test_requirement.py expects there.
if tuple(int(part) for part in tf.__version__.split(".")[:2]) < (2, 16):
    collect_ignore = [
        "test_arguments.py", "test_files.py", "test_interface.py", "test_layer.py",
        "test_saved_model.py", "test_training.py", "test_usage.py",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def converted():
    """`converted(fixture)` is where a golden module was converted to; nobody may change it."""
    return lambda name: str(convert_to_disk(name).path)


@pytest.fixture
def own(converted, tmp_path):
    """`own(fixture)` is a copy that a test may change."""

    def copy(name):
        return shutil.copytree(converted(name), os.path.join(tmp_path, name))

    return copy
