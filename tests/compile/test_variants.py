import pytest

from converter import errors
from converter.compile.variants import (
    choose_variants,
    format_option,
    format_tags,
    reachable_variables,
)
from converter.ir.graph import TensorRef


@pytest.fixture
def choose(make_legacy, make_variant):
    """`choose("", "train")` chooses among variants, written as tags with blanks between them."""

    def run(*tag_sets, **options):
        legacy = make_legacy(*(make_variant(tags.split()) for tags in tag_sets))
        chosen = choose_variants(legacy, **options)
        assert not chosen.left_out
        return (
            None if chosen.inference is None else " ".join(sorted(chosen.inference)),
            None if chosen.training is None else " ".join(sorted(chosen.training)),
            [" ".join(sorted(tags)) for tags in chosen.others],
        )

    return run


@pytest.mark.parametrize(
    ("tag_sets", "inference", "training", "others"),
    [
        # Inference: {}, else inference, serve, batch_norm_fixed, else the only one.
        ([""], "", None, []),
        (["inference"], "inference", None, []),
        (["serve"], "serve", None, []),
        (["batch_norm_fixed"], "batch_norm_fixed", None, []),
        (["only"], "only", None, []),
        (["train"], "train", None, []),
        (["serve", "inference", ""], "", None, ["inference", "serve"]),
        (["serve", "inference"], "inference", None, ["serve"]),
        (["batch_norm_fixed", "serve"], "serve", None, ["batch_norm_fixed"]),
        (["other", "serve"], "serve", None, ["other"]),
        (["gen bs8", "disc bs8"], None, None, ["bs8 disc", "bs8 gen"]),
        # Training: the same set with a mark in it …
        (["", "train"], "", "train", []),
        (["", "training"], "", "training", []),
        (["", "is_training"], "", "is_training", []),
        (["", "batch_norm_trains"], "", "batch_norm_trains", []),
        (["serve", "serve train"], "serve", "serve train", []),
        (["bs8", "bs8 is_training"], "bs8", "bs8 is_training", []),
        # … also where a mark of inference gives way to it.
        (["batch_norm_fixed", "batch_norm_trains"], "batch_norm_fixed", "batch_norm_trains", []),
        (["serve", "train"], "serve", "train", []),
        (["inference", "training"], "inference", "training", []),
        # One of several.
        (["", "training", "train"], "", "train", ["training"]),
        (["serve", "serve train", "train"], "serve", "serve train", ["train"]),
        # A mark beside other tags is another variant.
        (["", "bs8 train"], "", None, ["bs8 train"]),
        # The training variants of others are theirs.
        (["gen bs8", "gen bs8 train", "disc bs8"], None, None, ["bs8 disc", "bs8 gen"]),
        (["", "gen", "gen training"], "", None, ["gen"]),
        (["", "bs8"], "", None, ["bs8"]),
        (["gen", "disc train"], "gen", None, ["disc train"]),
        (["train", "training"], None, None, ["train", "training"]),
    ],
)  # fmt: skip
def test_tag_sets_are_paired(tag_sets, inference, training, others, choose):
    assert choose(*tag_sets) == (inference, training, others)
    assert choose(*reversed(tag_sets)) == (inference, training, others)


@pytest.mark.parametrize(
    ("tag_sets", "trains_as"),
    [
        (["", "gen", "gen train", "train"], {"gen": "gen train"}),
        (["gen 8", "gen 8 train", "disc 8", "disc 8 training"],
         {"8 gen": "8 gen train", "8 disc": "8 disc training"}),
        # A mark of inference gives way, unless the set without it is there, too.
        (["", "gen batch_norm_fixed", "gen batch_norm_trains"],
         {"batch_norm_fixed gen": "batch_norm_trains gen"}),
        (["", "gen inference", "gen train"], {"gen inference": "gen train"}),
        (["", "gen", "gen inference", "gen train"], {"gen": "gen train"}),
        (["", "gen", "gen inference", "gen train", "gen inference train"],
         {"gen": "gen train", "gen inference": "gen inference train"}),
        # Each for one: the likelier mark of training for the first.
        (["", "gen", "gen training", "gen train"], {"gen": "gen train"}),
        (["", "gen", "gen inference", "gen training", "gen train"],
         {"gen": "gen train", "gen inference": "gen training"}),
        # That of the module itself is taken.
        (["", "serve", "train"], {}),
        # No set for training is trained by another.
        (["", "gen train", "gen train is_training"], {}),
    ],
)  # fmt: skip
def test_sets_beside_the_pair_have_training_variants(
    tag_sets, trains_as, make_legacy, make_variant
):
    for order in (tag_sets, tag_sets[::-1]):
        chosen = choose_variants(make_legacy(*(make_variant(tags.split()) for tags in order)))
        found = {
            " ".join(sorted(tags)): " ".join(sorted(twin))
            for tags, twin in chosen.trains_as.items()
        }
        expected = {" ".join(sorted(k.split())): " ".join(sorted(v.split()))
                    for k, v in trains_as.items()}  # fmt: skip
        assert found == expected
        assert not {*chosen.others} & {*chosen.trains_as.values()}
        roles = {chosen.inference, chosen.training, *chosen.others, *chosen.trains_as.values()}
        assert set(chosen.used) == roles - {None}


_UPDATING = """
    x = Placeholder[dtype=float]()
    unfed = Placeholder[dtype=float]()
    w = VarHandleOp[dtype=float, shape=[]]()
    y = Neg[T=float](x)
    from_x = AssignVariableOp[dtype=float](w, x)
    from_unfed = AssignVariableOp[dtype=float](w, unfed)
"""


@pytest.fixture
def updating(make_legacy, make_variant):
    """`updating("", "gen")` are variants with an update op each, chosen among."""

    def run(*tag_sets, update_op="from_x", **options):
        variants = [
            make_variant(tags.split(), text=_UPDATING, update_ops=(update_op,)) for tags in tag_sets
        ]
        return choose_variants(make_legacy(*variants), **options)

    return run


def test_a_variant_alone_with_update_ops_is_its_own_training_variant(updating):
    for tags in ("", "train", "serve", "other"):
        chosen = updating(tags)
        assert chosen.inference == chosen.training == frozenset(tags.split())
        assert chosen.used == (chosen.inference,)
        assert chosen.training_graphs == frozenset()


def test_variants_beside_the_pair_may_be_their_own_training_variants(updating):
    chosen = updating("", "train", "gen", "disc", "disc train")
    gen, disc, both = frozenset({"gen"}), frozenset({"disc"}), frozenset({"disc", "train"})
    assert chosen.training == frozenset({"train"})
    assert chosen.others == (disc, gen)
    assert (chosen.training_of(gen), chosen.training_of(disc)) == (gen, both)
    assert chosen.training_graphs == {chosen.training, both}
    # What is offered of a training variant alone is trained by it, too.
    assert chosen.training_of(both) == both


def test_no_training_because_no_signature_feeds_the_update_op(updating):
    chosen = updating("", "gen", update_op="from_unfed")
    assert chosen.training is None
    assert chosen.trains_as == {}
    assert chosen.loss_variant(frozenset({"gen"})) == frozenset({"gen"})


def test_the_user_may_name_one_variant_for_both(choose):
    assert choose("", "train", tags=[], training_tags=[]) == ("", "", ["train"])


def test_the_user_may_name_the_inference_variant(choose):
    assert choose("", "serve", "serve train", tags=["serve"]) == ("serve", "serve train", [""])


def test_the_user_may_name_the_training_variant(choose):
    assert choose("", "train", "fine", training_tags=["fine"]) == ("", "fine", ["train"])


def test_the_user_may_name_the_empty_tag_set(choose):
    assert choose("a", "", tags=[]) == ("", None, ["a"])


@pytest.mark.parametrize("option", ["tags", "training_tags"])
def test_tags_that_the_module_lacks(option, choose):
    with pytest.raises(errors.UsageError) as caught:
        choose("", "gen bs8", **{option: ["gen"]})
    assert "no graph variant with tags {gen}" in str(caught.value)
    assert caught.value.remedy == "It has {bs8, gen}, {}."


def test_a_variant_without_weights_is_left_out_with_the_reason(make_legacy, make_variant):
    legacy = make_legacy(make_variant(), make_variant(["big"], variables=("w", "gone")))
    chosen = choose_variants(legacy)
    assert chosen.left_out == {
        frozenset({"big"}): "the checkpoint has no value for variable 'gone'"
    }
    assert chosen.others == ()


def test_a_training_variant_without_weights_is_no_training_variant(make_legacy, make_variant):
    legacy = make_legacy(make_variant(), make_variant(["train"], variables=("gone",)))
    chosen = choose_variants(legacy)
    assert chosen.training is None
    assert list(chosen.left_out) == [frozenset({"train"})]


def test_an_inference_variant_without_weights_is_an_error(make_legacy, make_variant):
    legacy = make_legacy(make_variant(variables=("gone",)), make_variant(["train"]))
    with pytest.raises(
        errors.WeightsError, match=r"variant \{\} cannot be used: the checkpoint has"
    ):
        choose_variants(legacy)


def test_no_variant_with_weights_is_an_error(make_legacy, make_variant):
    legacy = make_legacy(
        make_variant(["a"], variables=("gone",)), make_variant(["b"], variables=("gone",))
    )
    with pytest.raises(errors.WeightsError, match="no value for variable 'gone'"):
        choose_variants(legacy)


def test_a_variable_that_nothing_uses_needs_no_value(make_legacy, make_variant):
    text = "x = Placeholder[dtype=float]()\ny = Neg[T=float](x)\nw = VarHandleOp()\n"
    assert choose_variants(make_legacy(make_variant(text=text), keys=())).inference == frozenset()


def test_reachable_variables_are_those_of_outputs_update_ops_and_losses(make_variant):
    text = """
        x = Placeholder[dtype=float]()
        out = VarHandleOp()
        y = ReadVariableOp(out)
        loss = VarHandleOp()
        l = ReadVariableOp(loss)
        up = VarHandleOp()
        u = AssignVariableOp(up, x)
        unused = VarHandleOp()
    """
    program = make_variant(
        text=text,
        variables=("unused", "up", "loss", "out"),
        regularization_losses=(TensorRef("l"),),
        update_ops=("u",),
    )
    assert [spec.name for spec in reachable_variables(program)] == ["up", "loss", "out"]


def test_format_tags():
    assert format_tags(frozenset()) == "{}"
    assert format_tags(frozenset({"gen", "bs8"})) == "{bs8, gen}"


def test_format_option():
    assert format_option("--tags", frozenset({"gen", "bs8"})) == "--tags bs8,gen"
    assert format_option("--training-tags", frozenset()) == "--training-tags ''"
    assert format_option("--call-signature", "a b") == "--call-signature 'a b'"
