import pytest

from converter.compile.compile_module import compile_module
from converter.compile.plan import make_plan
from converter.compile.plan_options import PlanOptions
from converter.export.conventions import describe_conventions, describe_image
from converter.export.record import ImageInfo
from converter.formats.hub_protos import ImageModuleInfo
from converter.formats.registry import read_module
from converter.ir.graph import Kind

_TEXT = """
    x = Placeholder[dtype=float]()
    other = Placeholder[dtype=float]()
    y = Neg[T=float](x)
    z = Neg[T=float](x)
"""
_SIZED = (None, 224, 160, 3)


@pytest.fixture
def describe(make_legacy, make_variant, signature, info):
    """`describe(default=(inputs, outputs), …)` describes the images of such signatures' module."""

    def make(attachments=None, **signatures):
        made = [
            signature(
                name,
                {key: info(ref, shape=shape, **more) for key, (ref, shape, more) in inputs.items()},
                {key: info(ref, shape=shape) for key, (ref, shape) in outputs.items()},
            )
            for name, (inputs, outputs) in signatures.items()
        ]
        variant = make_variant(
            text=_TEXT, signatures=made, variables=(), attachments=attachments or {}
        )
        legacy = make_legacy(variant)
        return describe_image(legacy, make_plan(legacy))

    return make


def _images(name="images", shape=_SIZED, **more):
    return {name: ("x", shape, more)}


def test_a_classifier_has_labels(describe):
    logits = {"default": ("y", (None, 1001))}
    expected = ImageInfo(
        input="images", height=224, width=160, channels=3, labels=1001, features=None
    )
    assert describe(image_classification=(_images(), logits)) == expected
    same = (_images(), logits)
    assert describe(image_classification=same, default=same) == expected


def test_a_feature_vector_has_features(describe):
    vector, logits = {"default": ("y", (None, 8))}, {"default": ("z", (None, 5))}
    found = describe(
        default=(_images(), vector),
        image_feature_vector=(_images(), vector),
        image_classification=(_images(), logits),  # It does not return these.
    )
    assert (found.labels, found.features) == (None, 8)


def test_unknown_sizes_are_those_of_the_attachment(describe):
    info = ImageModuleInfo()
    info.default_image_size.height, info.default_image_size.width = 300, 200
    attached = {"image_module_info": info.SerializeToString()}
    output = {"default": ("y", (None, 8))}
    inputs = _images(shape=(None, None, None, 3))
    found = describe(attached, default=(inputs, output))
    assert (found.height, found.width, found.channels) == (300, 200, 3)
    # Its name does not matter then.
    assert describe(attached, default=(_images("pixels"), output)).input == "pixels"
    found = describe(default=(inputs, output))
    assert (found.height, found.width, found.labels, found.features) == (None, None, None, None)


_HEIGHT_ONLY = ImageModuleInfo(default_image_size={"height": 3}).SerializeToString()


@pytest.mark.parametrize("attached", [b"", b"\x0a", _HEIGHT_ONLY])
def test_an_attachment_that_says_no_size(attached, describe):
    output = {"default": ("y", (None, 8))}
    found = describe({"image_module_info": attached}, default=(_images(), output))
    assert (found.height, found.width) == (224, 160)


@pytest.mark.parametrize(
    "inputs",
    [
        _images("pixels"),
        _images(shape=(None, 224)),
        _images(shape=None),
        _images() | {"size": ("other", (), {})},
        {"images": ("x,other,x:1", _SIZED, {"kind": Kind.SPARSE})},
    ],
)
def test_it_takes_no_images(inputs, describe):
    assert describe(default=(inputs, {"default": ("y", (None, 8))})) is None


def test_it_takes_no_images_because_it_cannot_be_called(describe):
    output = {"default": ("y", (None, 8))}
    assert describe(a=(_images(), output), b=(_images(), output)) is None


def test_what_stands_beside_tf1_s_names(golden_module):
    legacy = read_module(golden_module("albert_tiny"))
    told = describe_conventions(compile_module(legacy))
    assert told.endpoints == {"serve": False, "serve_training": True}
    assert [spelling.kind for spelling in told.spellings] == ["dict", "list"]
    assert list(told.spellings[1].inputs) == ["input_word_ids", "input_mask", "input_type_ids"]
    assert told.assets == {"vocab_file": "albert.model", "sp_model_file": "albert.model"}
    told = describe_conventions(compile_module(legacy, PlanOptions(conventions=False)))
    assert (told.spellings, list(told.assets)) == ((), ["vocab_file"])
