"""Converted modules as layers of Keras 3: `from converter.keras import ModuleLayer`."""

from converter.keras.requirement import require_keras

# Before the layer derives its class from one of Keras.
require_keras()

from converter.keras.layer import ModuleLayer  # noqa: E402

__all__ = ["ModuleLayer"]
