"""Which tests look at a file of the converter: `tests` has the same tree."""

from __future__ import annotations

import pathlib

from mutation.running import ROOT

# Whole modules, by what is special to them, against the values of TF 1.15: one or two for each kind
# of thing that the converter handles.
_MODULES = (
    "attachments",
    "bert_tiny",
    "cond_layers_in_branches",
    "conditional_batch_norm_in_place_ref",
    "decoder_beam_search_by_hand",
    "defun_gradient",
    "dense_regularized",
    "devices",
    "elmo_ref",
    "gan_uninstantiated",
    "image_bn_variants",
    "layers_custom_gradient",
    "nested_image",
    "odd_input_names",
    "odd_signature_names",
    "ragged_both",
    "ref_scatter",
    "rnn_lstm_block_fused",
    "side_effects",
    "sparse_mixed",
    "state_ref_update_op_in_branch",
    "table_in_memory",
    "tensor_array_nested",
    "text_embedding_oov",
    "unknown_shape_variable",
    "updates_per_signature",
    "v2_state",
)
_ANY_MODULE = " or ".join(f"[{name}]" for name in _MODULES)


def narrow(path: pathlib.Path) -> list[str]:
    """The test file of its name; else the test file of its folder's name, and all of the folder."""
    folder = pathlib.Path("tests", *path.parts[1:-1])
    mirror = folder / f"test_{path.stem}.py"
    if (ROOT / mirror).exists():
        return [str(mirror)]
    found = (folder.parent / f"test_{folder.name}.py", folder)
    return [str(test) for test in found if (ROOT / test).exists()]


def wide(path: pathlib.Path) -> list[str]:
    """All tests of the part of the converter that a file is of."""
    return [str(pathlib.Path("tests", path.parts[1]))]


def widest(_: pathlib.Path) -> list[str]:
    """The tests of whole modules, for some of the modules."""
    return ["tests/golden/test_golden.py", "tests/interface", "-k", f"interface or {_ANY_MODULE}"]


STAGES = {"narrow": narrow, "wide": wide, "whole modules": widest}
