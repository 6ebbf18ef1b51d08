"""Converted modules as layers of Keras 3: `from converter.keras import ModuleLayer`."""

from converter.keras.requirement import require_keras

require_keras()

# isort: split

from converter.keras.layer import ModuleLayer

__all__ = ["ModuleLayer"]
