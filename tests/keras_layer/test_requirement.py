"""The layer says which Keras it needs, and is not imported unless it is asked for."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import keras
import pytest

import converter


def _import(**environment):
    """What `import converter.keras` says in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "import converter.keras"],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stderr.strip().splitlines()[-1:]


@pytest.fixture
def require_keras():
    """The check, of a module that can be imported only where it passes."""
    path = pathlib.Path(converter.__file__).parent / "keras" / "requirement.py"
    spec = importlib.util.spec_from_file_location("requirement", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.require_keras


def test_keras_2_is_refused(require_keras, monkeypatch):
    monkeypatch.setattr(keras, "__version__", "2.15.0")
    with pytest.raises(converter.UsageError, match="and found Keras 2") as info:
        require_keras()
    assert "tensorflow_hub.KerasLayer" in info.value.remedy


def test_another_backend_is_refused(require_keras, monkeypatch):
    monkeypatch.setattr(keras, "__version__", "3.15.1")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(converter.UsageError, match="which Keras cannot run on jax") as info:
        require_keras()
    assert "KERAS_BACKEND=tensorflow" in info.value.remedy


def test_a_missing_keras_is_said(require_keras, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(converter.UsageError, match="cannot be imported: import of keras") as info:
        require_keras()
    assert "tf1hub-converter[keras]" in info.value.remedy


@pytest.mark.slow
@pytest.mark.skipif(keras.__version__.startswith("2."), reason="it has no backends")
def test_a_real_other_backend_is_refused():
    (line,) = _import(KERAS_BACKEND="numpy")
    # Without SciPy, this backend cannot be imported.
    why = "which cannot be imported|which Keras cannot run on numpy"
    assert re.match(f"converter.errors.UsageError: .*({why}).*KERAS_BACKEND=tensorflow", line)


@pytest.mark.slow
@pytest.mark.skipif(not keras.__version__.startswith("2."), reason="there is Keras 3")
def test_a_real_keras_2_is_refused():
    (line,) = _import()
    assert line.startswith("converter.errors.UsageError: converter.keras needs Keras 3, and found")


@pytest.mark.slow
def test_the_rest_of_the_converter_does_not_import_it():
    script = "import sys, converter; converter.convert; print('keras' in sys.modules)"
    script = f"{script}; print('converter.keras' in sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"
