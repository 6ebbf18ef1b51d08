"""Checks that there is a Keras that the layer works with."""

from __future__ import annotations

from converter import errors

_REMEDY = (
    "Install tf1hub-converter[keras], and set KERAS_BACKEND=tensorflow before Keras is imported. In"
    " Keras 2 (tf_keras), use tensorflow_hub.KerasLayer."
)


def require_keras() -> None:
    """Checks that `import keras` gives Keras 3 on TensorFlow.

    Raises:
      UsageError: if there is no Keras, or it is Keras 2, or runs on another backend.
    """
    try:
        import keras
    except ImportError as error:
        raise errors.UsageError(
            f"converter.keras needs Keras 3, which cannot be imported: {errors.first_line(error)}",
            remedy=_REMEDY,
        ) from error
    if keras.__version__.startswith("2."):
        raise errors.UsageError(
            f"converter.keras needs Keras 3, and found Keras {keras.__version__}", remedy=_REMEDY
        )
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise errors.UsageError(
            f"a converted module is a SavedModel, which Keras cannot run on {backend}",
            remedy=_REMEDY,
        )
