import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from golden.golden_values import read_golden

from converter.assemble.reusable import CallableModule, build_reusable
from converter.compile.compile_module import compile_module
from converter.formats.registry import read_module
from converter.ir.graph import AssetSpec, Kind


def test_variables_are_listed_under_their_tf1_names(golden_live):
    module = golden_live("dense_regularized")
    names = ["hidden/kernel:0", "hidden/bias:0", "logits/kernel:0", "logits/bias:0"]
    assert [variable.name for variable in module.variables] == names


def test_trainable_variables_are_those_of_the_collection(golden_live):
    module = golden_live("dense_not_trainable")
    trainable = {variable.ref() for variable in module.trainable_variables}
    assert trainable < {variable.ref() for variable in module.variables}
    for variable in module.variables:
        assert variable.trainable is (variable.ref() in trainable)


def test_the_root_is_the_default_piece_and_shares_its_function(golden_live):
    module = golden_live("half_plus_two")
    assert module.__dict__["__call__"] is module.default.__dict__["__call__"]
    assert isinstance(module.default, CallableModule)


def test_pieces_list_what_they_use_and_share_it(golden_live):
    module = golden_live("bert_tiny")
    assert module.__dict__["__call__"] is module.tokens.__dict__["__call__"]
    assert module.tokenization_info.variables == []
    tokens = {variable.ref() for variable in module.tokens.variables}
    assert tokens < {variable.ref() for variable in module.mlm.variables}
    assert tokens == {variable.ref() for variable in module.variables}


def test_a_module_that_cannot_be_called_lists_everything(golden_live):
    module = golden_live("variants_training_twins")
    assert not callable(module)
    pieces = (module.generator__bsNone_gen, module.discriminator__bsNone_disc)
    for name in ("variables", "trainable_variables"):
        listed = {variable.ref() for variable in getattr(module, name)}
        assert listed == {v.ref() for piece in pieces for v in getattr(piece, name)}
    assert len(module.regularization_losses) == sum(len(p.regularization_losses) for p in pieces)


def test_losses_are_functions_of_the_weights(golden_live):
    module = golden_live("dense_regularized")
    assert module.regularization_losses
    before = [loss().numpy() for loss in module.regularization_losses]
    assert all(np.ndim(value) == 0 and value > 0 for value in before)
    for variable in module.variables:
        variable.assign(2 * variable)
    after = [loss().numpy() for loss in module.regularization_losses]
    assert all(new > old for new, old in zip(after, before, strict=True))


def test_losses_have_gradients(golden_live):
    module = golden_live("dense_regularized")
    with tf.GradientTape() as tape:
        total = tf.add_n([loss() for loss in module.regularization_losses])
    gradients = tape.gradient(total, module.trainable_variables)
    assert any(gradient is not None for gradient in gradients)


def test_tokenization_info_becomes_attributes(golden_live):
    module = golden_live("bert_tiny")
    assert isinstance(module.vocab_file, tf.saved_model.Asset)
    path = module.vocab_file.asset_path.numpy().decode()
    assert path.endswith("assets/bert_vocab.txt")
    assert isinstance(module.do_lower_case, tf.Variable)
    assert not module.do_lower_case.trainable
    info = module.tokenization_info()
    assert info["vocab_file"].numpy().decode() == path
    assert bool(info["do_lower_case"]) is bool(module.do_lower_case)
    assert module.do_lower_case.ref() not in {v.ref() for v in module.variables}


def test_the_endpoint_is_the_root_s_function(golden_live):
    module = golden_live("image_bn_dropout")
    assert module.serve is module.__dict__["__call__"]
    assert not hasattr(golden_live("half_plus_two"), "serve_training")
    assert not hasattr(golden_live("language_model"), "serve")


def test_the_endpoint_for_training_makes_the_training_call(golden_compiled):
    images = tf.constant(np.random.default_rng(0).random((8, 16, 16, 3), np.float32))
    compiled = golden_compiled("image_bn_dropout")
    one, other = (build_reusable(compiled, live=True).module for _ in range(2))
    one(images, training=True, batch_norm_momentum=0.5)
    endpoints = other.serve_training(images, return_endpoints=True, batch_norm_momentum=0.5)
    assert set(endpoints) > {"default"}
    for mine, its in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_the_endpoint_for_training_takes_what_only_the_graph_knows(golden_live):
    module = golden_live("image_default_mean")
    (call, *_) = read_golden("image_default_mean").calls
    images = tf.constant(next(v for v in call.inputs.values() if np.ndim(v) == 4))
    plain = module.serve_training(images)
    given = module.serve_training(images, mean=tf.constant([0.5, 0.2, 0.9]))
    assert not np.array_equal(plain, given)


def test_a_signature_goes_before_an_endpoint(make_legacy, make_variant, signature):
    names = ("default", "serve")
    variant = make_variant(signatures=[signature(name, {"x": "x"}) for name in names])
    module = build_reusable(compile_module(make_legacy(variant)), live=False).module
    assert isinstance(module.serve, CallableModule)
    assert isinstance(module.default, CallableModule)


def test_traces_are_shared_where_the_module_is_only_saved(golden_module):
    compiled = compile_module(read_module(golden_module("bert_tiny")))
    live = build_reusable(compiled, live=True)
    assert live.shared_traces == {}
    saved = build_reusable(compiled, live=False)
    (traces,) = saved.shared_traces.values()
    assert len(traces) == 3  # TF1's names, TF2's, and a list.
    assert saved.module.serve_training._list_all_concrete_functions() == []


def test_no_tokenization_info_because_there_is_no_such_signature(golden_live):
    module = golden_live("half_plus_two")
    assert not hasattr(module, "vocab_file")
    assert not hasattr(module, "do_lower_case")


@pytest.mark.parametrize("live", [False, True])
def test_every_table_and_asset_is_held_by_the_root(live, golden_module):
    legacy = read_module(golden_module("table_shared_asset"))
    built = build_reusable(compile_module(legacy), live=live)
    assets = [t for t in built.module.tf1_resources if isinstance(t, tf.saved_model.Asset)]
    assert len(assets) == 1
    assert len(built.module.tf1_resources) == 3


def test_an_asset_that_no_signature_reads_is_kept(golden_module):
    path = golden_module("half_plus_two")
    (path / "assets").mkdir()
    (path / "assets" / "words.txt").write_text("x")
    legacy = read_module(path)
    (program,) = legacy.variants.values()
    named = dataclasses.replace(program, assets={"path": AssetSpec("path", "words.txt")})
    legacy = dataclasses.replace(legacy, variants={program.tags: named})
    module = build_reusable(compile_module(legacy), live=False).module
    (asset,) = module.tf1_resources
    assert asset.asset_path.numpy().decode().endswith("assets/words.txt")


def test_the_endpoint_for_training_takes_sparse_inputs(make_legacy, make_variant, signature, info):
    text = """
        i = Placeholder[dtype=int64]()
        v = Placeholder[dtype=float]()
        s = Placeholder[dtype=int64]()
        h = Placeholder[dtype=float]()
        y = Mul[T=float](v, h)
    """
    inputs = {"x": info("i,v,s", Kind.SPARSE, (None, None)), "h": "h"}
    outputs = {"default": info("y", shape=(None,))}
    signatures = [signature("default", inputs, outputs)]
    variants = [
        make_variant(tags, text=text, signatures=signatures, variables=())
        for tags in ([], ["train"])
    ]
    legacy = make_legacy(*variants)
    module = build_reusable(compile_module(legacy), live=True).module
    given = {"x": tf.sparse.from_dense([[1.0, 0.0], [2.0, 3.0]]), "h": tf.constant(2.0)}
    assert module.serve_training(given).numpy().tolist() == [2.0, 4.0, 6.0]
