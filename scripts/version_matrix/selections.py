"""Which tests a name of `--tests` stands for."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from version_matrix.cells import Cell

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXCHANGE = "exchange"

# Of every family, and of every kind of state and control flow, one or two.
_FIXTURES = (
    "half_plus_two", "image_bn_dropout", "image_bn_variants", "endpoints_own_weights",
    "layers_fused_batch_norm", "text_embedding_oov", "text_embedding_weighted", "table_key_value",
    "bert_tiny", "served_bert", "elmo", "gan_spectral", "flow_autoregressive", "sparse_mixed",
    "ragged_both", "rnn_lstm", "rnn_ref_gru_lengths", "decoder_beam_search", "crf", "cond_nested",
    "while_nested", "while_cond_in_body", "v2_while_nested", "v2_rnn", "tensor_array_nested",
    "map_fn", "scan", "defun_gradient", "gradient_registered", "dtypes_variables", "ref_scatter",
    "state_between_iterations", "updates_per_signature", "saved_model_keras",
    "saved_model_train_pair",
)  # fmt: skip
_A_FEW_FIXTURES = (
    "image_bn_dropout", "text_embedding_oov", "bert_tiny", "elmo", "gan_spectral", "sparse_mixed",
    "ragged_both", "rnn_lstm", "cond_nested", "while_nested", "v2_while_nested",
    "dtypes_variables", "updates_per_signature",
)  # fmt: skip
_GOLDEN = "tests/golden/test_golden.py"
_OF_FIXTURES = (
    "test_variables_are_those_of_tf1", "test_calls_equal_tf1", "test_losses_equal_tf1",
)  # fmt: skip


def _values_of(fixtures: Sequence[str]) -> list[str]:
    """The tests that hold fixtures to the values of TensorFlow 1.15."""
    return [f"{_GOLDEN}::{test}[{fixture}]" for fixture in fixtures for test in _OF_FIXTURES]


_CORE = (
    # Variables, outputs, gradients, update ops, losses.
    *_values_of(_FIXTURES),
    # The interface, through every loader, saved and loaded again, and 50 steps of training.
    "tests/interface/test_contract.py",
    "tests/interface/test_cpp_loader.py",
    "tests/interface/test_keras_layer.py",
    "tests/interface/test_session_loader.py",
    "tests/interface/test_tfsm_layer.py",
    "tests/interface/test_training_steps.py",
    "tests/keras_layer",
    # What is private to TensorFlow.
    "tests/test_tf_private.py",
)
_KERAS_3 = ("tests/keras_layer/test_files.py",)
_QUICK = (
    *_values_of(_A_FEW_FIXTURES),
    "tests/interface/test_training_steps.py",
    *_KERAS_3,
    "tests/test_tf_private.py",
)
_SELECTIONS = {
    "quick": _QUICK,
    "core": _CORE,
    "fast": ("tests",),
    "golden": ("tests/golden",),
    "interface": ("tests/interface", "tests/keras_layer"),
    "consumer": ("tests/consumers",),
}
NAMES = (*_SELECTIONS, EXCHANGE)


def arguments_of(selection: str, cell: Cell | None = None) -> Sequence[str]:
    """The arguments of pytest for a name of a selection, or for a path.

    Without files that cannot be imported in a cell, if one is given.

    Raises:
      ValueError: if it is neither, or there is no such file here.
    """
    arguments = _SELECTIONS.get(selection, (selection,))
    if not (ROOT / arguments[0].partition("::")[0]).exists():
        raise ValueError(f"{selection!r} is not one of {', '.join(NAMES)}, nor a file of tests")
    # TensorFlow 2.15 comes with Keras 2. In a folder that is named, pytest leaves such files out.
    left_out = _KERAS_3 if cell and cell.tensorflow == "2.15" else ()
    return [argument for argument in arguments if argument not in left_out]
