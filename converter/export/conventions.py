"""Describes what stands beside TF1's names, and the images that an image module takes.

Source of the latter: `image_util.py` of tensorflow_hub 0.12, and
https://www.tensorflow.org/hub/common_signatures/images.
"""

from __future__ import annotations

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
        endpoints=dict(plan.endpoints),
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
    name = _find_input(root, program)
    if name is None:
        return None
    _, height, width, channels = program.signatures[root.signature].inputs[name].shape or ()
    height, width = _attached_size(program) or (height, width)
    return ImageInfo(
        input=name,
        height=height,
        width=width,
        channels=channels,
        labels=_last_size(root, program, _CLASSIFICATION),
        features=_last_size(root, program, _FEATURES),
    )


def _find_input(root: CallablePlan, program: Program) -> str | None:
    """Returns the name of the only input if it is a batch of images."""
    if len(root.inputs) != 1:
        return None
    (name,) = root.inputs
    info = program.signatures[root.signature].inputs[name]
    is_batch = info.kind is Kind.DENSE and info.shape is not None and len(info.shape) == 4
    return name if is_batch and (name == _INPUT or _INFO in program.attachments) else None


def _attached_size(program: Program) -> tuple[int, int] | None:
    """Returns the height and width of the attached ImageModuleInfo, if it has both."""
    info = decode_attachment(_INFO, program.attachments.get(_INFO, b"")) or {}
    size = info.get("default_image_size", {})
    height, width = size.get("height", 0), size.get("width", 0)
    return (height, width) if height > 0 and width > 0 else None


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
