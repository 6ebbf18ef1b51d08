import pytest

from converter import errors
from converter.compile import plan as plan_module
from converter.compile.plan import RESERVED, HparamPlan, make_plan
from converter.compile.plan_options import PlanOptions
from converter.ir.graph import Kind

_NODES = "x = Placeholder[dtype=float]()\nz = Placeholder[dtype=float]()\ny = Neg[T=float](x)\n"


def _const(name, value):
    return (
        f"{name} = Const[dtype=float, value={{tensor {{ dtype: DT_FLOAT tensor_shape {{ }}"
        f" float_val: {value} }}}}]()\n"
    )


@pytest.fixture
def plan_of(make_legacy, make_variant):
    """`plan_of(signatures)` plans a module of one variant."""

    def make(*signatures, text=_NODES, **options):
        variant = make_variant(text=text, signatures=signatures, variables=())
        return make_plan(make_legacy(variant), PlanOptions(**options))

    return make


# The root.


def test_the_root_is_an_attribute(plan_of, signature):
    plan = plan_of(signature("class", {"x": "x"}))
    assert plan.root == "class_"
    assert plan_of(signature("a"), signature("default"), call_signature="a").root == "a"


def test_without_a_root_the_plan_says_how_to_choose_one(plan_of, signature):
    plan = plan_of(signature("a", {"x": "x"}), signature("b", {"x": "x"}))
    assert plan.root is None
    assert plan.warnings == (
        (
            "The module itself cannot be called: no signature is the obvious one. Use its named"
            " callables, or choose one: --call-signature a or --call-signature b."
        ),
    )


# Endpoints and conventions.


def test_a_root_has_an_endpoint(plan_of, signature):
    plan = plan_of(signature("a", {"x": "x"}))
    assert (plan.endpoints, plan.hidden_endpoints) == ({"serve": False}, ())
    assert plan_of(signature("a", {"x": "x"}), conventions=False).endpoints == {"serve": False}


def test_and_one_for_training_if_it_has_a_training_graph(make_legacy, make_variant):
    plan = make_plan(make_legacy(make_variant(), make_variant(["train"])))
    assert plan.endpoints == {"serve": False, "serve_training": True}


def test_no_endpoint_because_there_is_no_root(plan_of, signature):
    plan = plan_of(signature("a", {"x": "x"}), signature("serve", {"x": "x"}))
    assert (plan.root, plan.endpoints, plan.hidden_endpoints) == (None, {}, ())


def test_a_signature_goes_before_an_endpoint_of_its_name(make_legacy, make_variant, signature):
    signatures = [signature(name, {"x": "x"}) for name in ("default", "serve_training")]
    variants = [make_variant(tags, signatures=signatures) for tags in ([], ["train"])]
    plan = make_plan(make_legacy(*variants))
    assert plan.endpoints == {"serve": False}
    assert plan.hidden_endpoints == ("serve_training",)
    assert plan.callables["serve_training"].signature == "serve_training"


def test_only_the_root_is_spelled_in_other_ways(plan_of, signature):
    ids = ("input_ids", "input_mask", "segment_ids")
    text = "".join(f"{name} = Placeholder[dtype=float]()\n" for name in ids)
    text += "y = AddN[N=3, T=float](input_ids, input_mask, segment_ids)\n"
    tokens = signature(
        "tokens", {name: name for name in ids}, {"pooled_output": "y", "sequence_output": "y"}
    )
    other = signature("other", {"input_ids": "input_ids"}, {"pooled_output": "input_ids"})

    def kinds(**options):
        plan = plan_of(tokens, other, text=text, **options)
        return {name: [s.kind for s in part.spellings] for name, part in plan.callables.items()}

    assert kinds() == {"tokens": ["dict", "list"], "other": []}
    assert kinds(call_signature="other") == {"tokens": [], "other": []}
    assert kinds(conventions=False) == {"tokens": [], "other": []}


def _networks(make_legacy, make_variant, signature, *names):
    variants = [
        make_variant(tags, signatures=[signature(name, {"x": "x"})])
        for tags, name in zip((["gen"], ["gen", "train"], ["disc"]), names, strict=True)
    ]
    return make_legacy(*variants)


def test_without_an_inference_variant_a_graph_variant_is_to_be_chosen(
    make_legacy, make_variant, signature
):
    legacy = _networks(make_legacy, make_variant, signature, "g", "g", "d")
    plan = make_plan(legacy)
    assert plan.root is None
    assert plan.warnings == (
        (
            "The module itself cannot be called: no graph variant is the obvious one. Use its named"
            " callables, or choose one: --tags disc or --tags gen."
        ),
    )
    assert make_plan(legacy, PlanOptions(tags=["gen"])).root == "g"
    assert make_plan(legacy, PlanOptions(call_signature="g")).root == "g__gen"


def test_a_signature_of_several_variants_is_no_choice(make_legacy, make_variant, signature):
    legacy = _networks(make_legacy, make_variant, signature, "run", "run", "run")
    with pytest.raises(
        errors.UsageError, match="2 graph variants have a signature 'run'"
    ) as caught:
        make_plan(legacy, PlanOptions(call_signature="run"))
    assert caught.value.remedy == "Choose one: --tags disc or --tags gen."


# Names.


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("default", "default"),
        ("a/b-c", "a_b_c"),
        ("2d", "n2d"),
        ("_private", "n_private"),
        ("__call__", "n_call__"),
        ("class", "class_"),
        ("ä", "n_"),
        ("", "n_"),
        *((name, f"{name}_") for name in ("variables", "signatures", "name", "vocab_file")),
    ],
)
def test_attribute_names(name, attribute, plan_of, signature):
    plan = plan_of(signature(name, {"x": "x"}))
    assert list(plan.callables) == [attribute]
    assert plan.callables[attribute].signature == name
    assert any(repr(attribute) in warning for warning in plan.warnings) is (name != attribute)


def test_every_public_attribute_of_tf_module_is_reserved():
    import tensorflow as tf

    assert {name for name in dir(tf.Module) if not name.startswith("_")} <= RESERVED


def test_attribute_names_that_collide_get_numbers(plan_of, signature):
    plan = plan_of(*(signature(name, {"x": "x"}) for name in ("a.b", "a/b", "a_b")))
    assert {a: p.signature for a, p in plan.callables.items()} == {
        "a_b": "a.b", "a_b_1": "a/b", "a_b_2": "a_b",
    }  # fmt: skip


# Hparams.


def _hparam_text():
    return _NODES + _const("m", 0.5) + "momentum = PlaceholderWithDefault[dtype=float](m)\n"


@pytest.mark.parametrize(
    ("name", "has_hparams"),
    [
        ("a_with_hparams", True),
        ("a_with_bn_hparams", True),
        ("a_with_with_hparams", True),
        ("a_with_b_with_hparams", True),
        ("_with_hparams", False),
        ("a_with_hparams_", False),
        ("a_with_b-hparams", False),
        ("a_with_b/c_hparams", False),
        ("a_hparams", False),
        ("hparams", False),
        # A regular expression would take minutes.
        ("default" + "_with_" * 200_000 + "!", False),
    ],
)
def test_names_of_signatures_with_hparams(name, has_hparams):
    assert plan_module._has_hparams(name) == has_hparams


def test_scalars_that_another_signature_adds_are_hparams(plan_of, signature):
    more = {"x": "x", "batch_norm_momentum": "momentum"}
    plan = plan_of(
        signature("default", {"x": "x"}),
        signature("default_with_bn_hparams", more),
        text=_hparam_text(),
    )
    default = plan.callables["default"]
    assert default.inputs == ("x",)
    assert default.hparams == (HparamPlan("batch_norm_momentum", "batch_norm_momentum", 0.5),)
    assert default.source == "default_with_bn_hparams"
    assert plan.callables["default_with_bn_hparams"].source == "default_with_bn_hparams"


@pytest.mark.parametrize("name", ["vector_with_bn_hparams", "vector_with_many_more_hparams"])
def test_a_signature_of_the_same_computation_shares_its_hparams(name, plan_of, signature):
    plan = plan_of(
        signature("default", {"x": "x"}),
        signature(name, {"x": "x", "m": "m"}),
        text=_hparam_text(),
    )
    assert [h.keyword for h in plan.callables["default"].hparams] == ["m"]


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("default_with_more", {"x": "x", "m": "m"}, {"default": "y"}),  # another name
        ("default_with_bn_hparams", {"x": "x"}, {"default": "y"}),  # adds nothing
        ("default_with_bn_hparams", {"m": "m"}, {"default": "y"}),  # lacks an input
        ("default_with_bn_hparams", {"x": "z", "m": "m"}, {"default": "y"}),  # another input
        ("default_with_bn_hparams", {"x": "x", "m": "m"}, {"default": "z"}),  # another output
    ],
)
def test_no_hparams_because_the_signatures_differ(name, inputs, outputs, plan_of, signature):
    plan = plan_of(
        signature("default", {"x": "x"}), signature(name, inputs, outputs), text=_hparam_text()
    )
    assert plan.callables["default"].hparams == ()


def test_no_hparams_because_what_is_added_is_no_scalar(plan_of, signature, info):
    added = {"x": info("x"), "m": info("m", shape=(2,))}
    plan = plan_of(
        signature("default", {"x": "x"}), signature("default_with_bn_hparams", added),
        text=_hparam_text(),
    )  # fmt: skip
    assert plan.callables["default"].hparams == ()


def test_inputs_that_have_defaults_are_optional(plan_of, signature):
    plan = plan_of(signature("default", {"x": "x", "m": "momentum"}), text=_hparam_text())
    assert plan.callables["default"].inputs == ("x",)
    assert plan.callables["default"].hparams == (HparamPlan("m", "m", 0.5),)


def test_a_default_behind_identities_is_found(plan_of, signature):
    text = (
        _NODES
        + _const("c", 2.0)
        + ("i = Identity[T=float](c)\np = PlaceholderWithDefault[dtype=float](i)\n")
    )
    (hparam,) = plan_of(signature("default", {"p": "p"}), text=text).callables["default"].hparams
    assert hparam.default == 2.0


def test_a_default_that_only_the_graph_can_compute(plan_of, signature):
    text = (
        _NODES
        + _const("c", 2.0)
        + ("i = Neg[T=float](c)\np = PlaceholderWithDefault[dtype=float](i)\n")
    )
    (hparam,) = plan_of(signature("default", {"p": "p"}), text=text).callables["default"].hparams
    assert hparam.default is None


def test_more_than_four_of_those_must_be_given(plan_of, signature):
    names = [f"p{i}" for i in range(6)]
    text = (
        _NODES
        + "c = Neg[T=float](x)\n"
        + "".join(f"{name} = PlaceholderWithDefault[dtype=float](c)\n" for name in names)
    )
    plan = plan_of(signature("default", {name: name for name in names}), text=text)
    assert [h.input for h in plan.callables["default"].hparams] == names[:4]
    assert plan.callables["default"].inputs == ("p4", "p5")
    assert sum("must be given" in warning for warning in plan.warnings) == 2


@pytest.mark.parametrize(
    ("name", "keyword"),
    [("inputs", "inputs_1"), ("self", "self_1"), ("a/b", "a_b"),
     ("return_endpoints", "return_endpoints_1"),
     ("lambda", "lambda_"), ("0", "n0")],
)  # fmt: skip
def test_keywords_do_not_collide_with_parameters(name, keyword, plan_of, signature):
    plan = plan_of(signature("default", {"x": "x", name: "momentum"}), text=_hparam_text())
    (hparam,) = plan.callables["default"].hparams
    assert (hparam.keyword, hparam.input) == (keyword, name)


# Training.


def _pair(make_legacy, make_variant, one, other):
    return make_plan(
        make_legacy(
            make_variant(text=_NODES, signatures=one, variables=()),
            make_variant(["train"], text=_NODES, signatures=other, variables=()),
        )
    )


def test_a_signature_of_both_variants_has_training(make_legacy, make_variant, signature):
    plan = _pair(
        make_legacy, make_variant, [signature("default", {"x": "x"})],
        [signature("default", {"x": "z"}, {"default": "y", "more": "y"})],
    )  # fmt: skip
    assert plan.callables["default"].training_tags == frozenset({"train"})
    assert list(plan.callables) == ["default"]
    assert plan.training_modes(plan.callables["default"]) == (False, True)


def test_a_signature_of_one_variant_has_no_training(make_legacy, make_variant, signature):
    plan = _pair(
        make_legacy, make_variant, [signature("default", {"x": "x"}), signature("a", {"x": "x"})],
        [signature("default", {"x": "x"}), signature("b", {"x": "x"})],
    )  # fmt: skip
    assert plan.callables["a"].training_tags is None
    assert plan.callables["b__train"].tags == frozenset({"train"})
    assert plan.training_modes(plan.callables["a"]) == (False,)


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"x": "x", "z": "z"}, {"default": "y"}),
        ({"z": "z"}, {"default": "y"}),
        ({"x": "x"}, {"o": "y"}),
    ],
)  # fmt: skip
def test_a_signature_of_another_interface_is_offered_separately(
    inputs, outputs, make_legacy, make_variant, signature
):
    plan = _pair(
        make_legacy, make_variant, [signature("default", {"x": "x"})],
        [signature("default", inputs, outputs)],
    )  # fmt: skip
    assert plan.callables["default"].training_tags is None
    assert "default__train" in plan.callables
    assert any("offered separately" in warning for warning in plan.warnings)


def test_an_input_of_another_dtype_or_kind_is_another_interface(
    make_legacy, make_variant, signature, info
):
    for other in (info("x", dtype=3), info("x,y,z", Kind.SPARSE)):
        plan = _pair(
            make_legacy, make_variant, [signature("default", {"x": "x"})],
            [signature("default", {"x": other})],
        )  # fmt: skip
        assert plan.callables["default"].training_tags is None


def test_without_a_training_variant_training_may_be_an_input_s_name(plan_of, signature):
    plan = plan_of(signature("default", {"x": "x", "training": "momentum"}), text=_hparam_text())
    assert [h.keyword for h in plan.callables["default"].hparams] == ["training"]


# Other variants.


def test_a_variant_and_its_training_variant_are_one_callable(make_legacy, make_variant, signature):
    plan = make_plan(_networks(make_legacy, make_variant, signature, "g", "g", "d"))
    assert list(plan.callables) == ["d__disc", "g__gen", "g__gen_train"]
    pair = plan.callables["g__gen"]
    assert (pair.tags, pair.training_tags) == (frozenset({"gen"}), frozenset({"gen", "train"}))
    assert plan.training_modes(pair) == (False, True)
    # The name of the training variant stands for training calls.
    trained = plan.callables["g__gen_train"]
    assert trained.always_trains
    assert (trained.tags, trained.training_tags) == (pair.training_tags, None)
    assert plan.training_modes(trained) == (True,)


def test_a_variant_and_its_training_variant_of_another_interface_are_two(
    make_legacy, make_variant, signature
):
    text = "x = Placeholder[dtype=float]()\nz = Placeholder[dtype=float]()\ny = Neg[T=float](x)\n"
    gen = make_variant(["gen"], text=text, signatures=[signature("g", {"x": "x"})], variables=())
    train = make_variant(
        ["gen", "train"], text=text, signatures=[signature("g", {"x": "x", "z": "z"})], variables=()
    )
    plan = make_plan(make_legacy(make_variant(), gen, train))
    assert list(plan.callables) == ["default", "g__gen", "g__gen_train"]
    assert all(p.training_tags is None and not p.always_trains for p in plan.callables.values())
    assert plan.warnings == (
        (
            "Signature 'g' has other inputs or outputs in the training graph {gen, train}: it is"
            " offered separately there."
        ),
    )


def _updating(make_variant, tags, signatures):
    text = _NODES + "w = VarHandleOp[dtype=float, shape=[]]()\n"
    text += "u = AssignVariableOp[dtype=float](w, x)\n"
    return make_variant(tags, text=text, signatures=signatures, variables=(), update_ops=("u",))


@pytest.mark.parametrize("tags", [[], ["train"], ["serve"]])
def test_the_only_variant_trains_itself_because_it_has_update_ops(
    tags, make_legacy, make_variant, signature
):
    variant = _updating(make_variant, tags, [signature("default", {"x": "x"})])
    plan = make_plan(make_legacy(variant))
    assert list(plan.callables) == ["default"]
    assert plan.callables["default"].training_tags == frozenset(tags)
    assert plan.training_modes(plan.callables["default"]) == (False, True)


def test_what_only_a_training_variant_has_trains_itself(make_legacy, make_variant, signature):
    train = _updating(make_variant, ["train"], [signature("more", {"x": "x"})])
    plan = make_plan(make_legacy(make_variant(), train))
    assert plan.callables["more__train"].training_tags == frozenset({"train"})
    assert plan.callables["default"].training_tags is None


def test_variants_outside_of_the_pair_are_named_by_their_tags(make_legacy, make_variant):
    legacy = make_legacy(make_variant(), make_variant(["gen", "bs8"]), make_variant(["bs-2"]))
    plan = make_plan(legacy)
    assert list(plan.callables) == ["default", "default__bs_2", "default__bs8_gen"]
    assert plan.root == "default"


def test_a_variant_that_is_left_out_has_no_callables_but_a_warning(make_legacy, make_variant):
    plan = make_plan(make_legacy(make_variant(), make_variant(["big"], variables=("gone",))))
    assert list(plan.callables) == ["default"]
    assert plan.warnings == (
        "Graph variant {big} is left out: the checkpoint has no value for variable 'gone'.",
    )
