"""Describes what stands beside TF1's names, and the images that an image module takes.

Source of the latter: `image_util.py` of tensorflow_hub 0.12, and
https://www.tensorflow.org/hub/common_signatures/images.
"""

from __future__ import annotations

from collections.abc import Mapping

from converter.compile.compiled_module import CompiledModule
from converter.compile.plan import CallablePlan, ModulePlan
from converter.export.attachments import decode_attachment
from converter.export.record import ConventionsInfo, ImageInfo, SpellingInfo
from converter.formats.legacy_module import LegacyModule
from converter.ir.graph import Kind, Program, Signature, TensorInfo

_INFO = "image_module_info"
_INPUT = "images"
_CLASSIFICATION, _FEATURES = "image_classification", "image_feature_vector"


def describe_conventions(compiled: CompiledModule) -> ConventionsInfo:
    """Describes what stands beside TF1's names."""
    plan = compiled.plan
    spellings = () if plan.root is None else plan.callables[plan.root].spellings
    return ConventionsInfo(
        endpoints=plan.endpoints,
        spellings=tuple(
            SpellingInfo(kind=s.kind, inputs=dict(s.inputs), outputs=dict(s.outputs))
            for s in spellings
        ),
        assets=compiled.tokenization.files,
    )


def describe_image(legacy: LegacyModule, plan: ModulePlan) -> ImageInfo | None:
    """Describes the images that the module itself takes; None if it takes none.

    It does if its only input is named `images`, as TF Hub's common signatures name it, or if the
    exporter attached an ImageModuleInfo.
    """
    if plan.root is None:
        return None
    root = plan.callables[plan.root]
    program = legacy.variants[root.tags]
    info = _find_image(root, program)
    if info is None:
        return None
    name, (height, width, channels) = info
    size = _attached_size(program) or {"height": height, "width": width}
    return ImageInfo(
        input=name,
        height=size["height"],
        width=size["width"],
        channels=channels,
        labels=_last_size(root, program, _CLASSIFICATION),
        features=_last_size(root, program, _FEATURES),
    )


def _find_image(
    root: CallablePlan, program: Program
) -> tuple[str, tuple[int | None, int | None, int | None]] | None:
    """Returns the name and the static sizes of the input that is a batch of images."""
    inputs = program.signatures[root.signature].inputs
    is_told = _INFO in program.attachments
    for name in root.inputs:
        shape, kind = inputs[name].shape, inputs[name].kind
        is_batch = kind is Kind.DENSE and shape is not None and len(shape) == 4
        if is_batch and (name == _INPUT or is_told) and len(root.inputs) == 1:
            return name, (shape[1], shape[2], shape[3])
    return None


def _attached_size(program: Program) -> Mapping[str, int] | None:
    """Returns the height and width of the attached ImageModuleInfo, if it has both."""
    info = decode_attachment(_INFO, program.attachments.get(_INFO, b"")) or {}
    size: Mapping[str, int] = info.get("default_image_size", {})
    return size if size.get("height", 0) > 0 and size.get("width", 0) > 0 else None


def _last_size(root: CallablePlan, program: Program, name: str) -> int | None:
    """Returns the last size of the output `default` of a common signature.

    The root may be it under another name, `default`: then their outputs are one tensor.
    """
    common = program.signatures.get(name)
    own = program.signatures[root.signature]
    if common is None or (own.name != name and _default(own) != _default(common)):
        return None
    output = _default(common)
    shape = None if output is None else output.shape
    return shape[-1] if shape else None


def _default(signature: Signature) -> TensorInfo | None:
    return signature.outputs.get("default")
