"""Plans the interface of the converted module, from its graphs alone.

`inspect` prints a plan, `convert` builds it, and the record keeps it.
"""

from __future__ import annotations

import dataclasses
import keyword
import re
from collections.abc import Collection, Iterator, Mapping

from converter.compile.conventions import SERVE, SERVE_TRAINING, Spelling, find_spellings
from converter.compile.plan_options import PlanOptions
from converter.compile.root import explain_no_root, find_root, get_root
from converter.compile.variants import Tags, VariantChoice, choose_variants, format_tags
from converter.formats.legacy_module import LegacyModule
from converter.ir import constants, query
from converter.ir.graph import Kind, Node, Program, Signature, TensorInfo

# Attributes with a meaning to the interface, tf.Module or TensorFlow's loader.
RESERVED = frozenset(
    {
        "asset_paths", "do_lower_case", "graph", "graph_debug_info", "initializer", "name",
        "name_scope", "non_trainable_variables", "prune", "regularization_losses", "resources",
        "restore", "signatures", "sp_model_file", "submodules", "tensorflow_git_version",
        "tensorflow_version", "tf1_resources", "trainable_variables", "variables", "vocab_file",
        "with_name_scope",
    }
)  # fmt: skip
_PARAMETERS = frozenset({"inputs", "self"})
# Of optional inputs whose default only the graph can compute, each subset needs its own trace.
_MAX_GRAPH_DEFAULTS = 4


@dataclasses.dataclass(frozen=True, slots=True)
class HparamPlan:
    """An optional keyword argument of a callable.

    Attributes:
      keyword: The argument's name.
      input: The TF1 input that it feeds.
      default: The graph's own value as a Python scalar; None when only the graph can compute it.
    """

    keyword: str
    input: str
    default: bool | int | float | str | None


@dataclasses.dataclass(frozen=True, slots=True)
class CallablePlan:
    """One callable of the converted module.

    Attributes:
      attribute: Its name as an attribute of the root.
      signature: The TF1 signature that it runs.
      tags: The graph variant of plain calls.
      training_tags: The graph variant of calls with `training=True`, if that is offered.
      source: The signature whose inputs it takes: `signature`, or the one that adds hparams.
      inputs: The required TF1 inputs.
      hparams: The optional inputs.
      always_trains: Whether every call is a training call, which runs `tags` and its update ops.
      spellings: Other ways to give the inputs.
    """

    attribute: str
    signature: str
    tags: Tags
    training_tags: Tags | None
    source: str
    inputs: tuple[str, ...]
    hparams: tuple[HparamPlan, ...]
    always_trains: bool = False
    spellings: tuple[Spelling, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ModulePlan:
    """The interface of the converted module.

    Attributes:
      variants: The roles of the graph variants.
      callables: The named callables, by attribute.
      root: The attribute of the callable that the module itself runs when called; None if it
        cannot be called.
      warnings: Full sentences for the user.
      conventions: Whether the conventions of TF2 models are followed beside TF1's names.
      endpoints: The attributes that call the root, each with whether it trains.
    """

    variants: VariantChoice
    callables: Mapping[str, CallablePlan]
    root: str | None
    warnings: tuple[str, ...]
    conventions: bool = True
    endpoints: Mapping[str, bool] = dataclasses.field(default_factory=dict)

    @property
    def hidden_endpoints(self) -> tuple[str, ...]:
        """The endpoints that are not offered because signatures have their names."""
        wanted = () if self.root is None else _list_endpoints(self.callables[self.root])
        return tuple(name for name in wanted if name in self.callables)

    def training_modes(self, plan: CallablePlan) -> tuple[bool, ...]:
        """The values of `training` that calls of `plan` can have."""
        return (False, True) if plan.training_tags is not None else (plan.always_trains,)


def make_plan(legacy: LegacyModule, options: PlanOptions | None = None) -> ModulePlan:
    """Plans the interface of the converted module.

    Args:
      legacy: The module.
      options: The user's choices; none by default.

    Raises:
      UsageError: if the module has no such tag set or signature.
      WeightsError: if the checkpoint lacks variables of the inference variant.
    """
    chosen = options or PlanOptions()
    variants = choose_variants(legacy, chosen.tags, chosen.training_tags)
    return _Planner(legacy, variants).run(chosen)


def needs_trace_per_call(hparam: HparamPlan) -> bool:
    """Whether calls with and without the argument run different graphs.

    They do if only the graph can compute the default.
    """
    return hparam.default is None


def has_endpoints(program: Program, plan: CallablePlan) -> bool:
    """Whether the callable takes `return_endpoints`."""
    outputs = program.signatures[plan.signature].outputs
    return "default" in outputs and len(outputs) > 1


class _Planner:
    def __init__(self, legacy: LegacyModule, variants: VariantChoice) -> None:
        self._legacy = legacy
        self._variants = variants
        self._callables: dict[str, CallablePlan] = {}
        self._warnings = [
            f"Graph variant {format_tags(tags)} is left out: {reason}."
            for tags, reason in variants.left_out.items()
        ]

    def run(self, options: PlanOptions) -> ModulePlan:
        if self._variants.inference is not None:
            self._add_pair(self._variants.inference)
        for tags in self._variants.others:
            self._add_pair(tags)
        root = self._find_root(options.call_signature)
        if root is not None and options.conventions:
            self._spell(root)
        endpoints = {} if root is None else _list_endpoints(self._callables[root])
        return ModulePlan(
            variants=self._variants,
            callables=self._callables,
            root=root,
            warnings=tuple(self._warnings),
            conventions=options.conventions,
            endpoints={n: trains for n, trains in endpoints.items() if n not in self._callables},
        )

    def _spell(self, attribute: str) -> None:
        """Adds the other spellings of a callable."""
        plan = self._callables[attribute]
        signature = self._legacy.variants[plan.tags].signatures[plan.signature]
        spellings = find_spellings(signature, plan.inputs)
        self._callables[attribute] = dataclasses.replace(plan, spellings=spellings)

    def _add_pair(self, tags: Tags) -> None:
        """Adds the signatures of a graph variant, and of the one that trains it."""
        training = self._variants.training_of(tags)
        paired: set[str] = set()
        for signature in self._signatures(tags):
            twin = self._training_for(signature, training)
            is_inference = tags == self._variants.inference
            wanted = signature.name if is_inference else _variant_name(signature, tags)
            self._add(wanted, signature, tags, twin)
            if twin is not None:
                paired.add(signature.name)
        if training is None or training == tags:
            return
        for signature in self._signatures(training):
            wanted = _variant_name(signature, training)
            if signature.name not in paired:
                alone = self._variants.training_of(training)
                self._add(wanted, signature, training, alone)
            elif tags != self._variants.inference:
                self._add(wanted, signature, training, None, always_trains=True)

    def _signatures(self, tags: Tags) -> Iterator[Signature]:
        yield from self._legacy.variants[tags].signatures.values()

    def _add(
        self,
        wanted: str,
        signature: Signature,
        tags: Tags,
        training_tags: Tags | None,
        *,
        always_trains: bool = False,
    ) -> None:
        program = self._legacy.variants[tags]
        attribute = _attribute_name(wanted, self._callables)
        if attribute != wanted:
            self._warnings.append(
                f"Signature {signature.name!r} of graph variant {format_tags(tags)} is offered as"
                f" attribute {attribute!r}."
            )
        source = _find_hparam_signature(program, signature) or signature
        optional = [
            name
            for name, info in source.inputs.items()
            if name not in signature.inputs or _default_node(program, info)
        ]
        has_flag = training_tags is not None
        hparams = list(self._hparams(program, source, optional, has_training_flag=has_flag))
        self._callables[attribute] = CallablePlan(
            attribute=attribute,
            signature=signature.name,
            tags=tags,
            training_tags=training_tags,
            source=source.name,
            inputs=tuple(
                name for name in signature.inputs if name not in {h.input for h in hparams}
            ),
            hparams=tuple(hparams),
            always_trains=always_trains,
        )

    def _hparams(
        self, program: Program, source: Signature, optional: list[str], *, has_training_flag: bool
    ) -> Iterator[HparamPlan]:
        taken = {*_PARAMETERS, "return_endpoints", *(["training"] if has_training_flag else [])}
        without_value = 0
        for name in optional:
            default = _static_default(program, source.inputs[name])
            without_value += default is None
            if without_value > _MAX_GRAPH_DEFAULTS and default is None:
                self._warnings.append(
                    f"Input {name!r} of signature {source.name!r} has a default in the graph, but"
                    f" must be given: more than {_MAX_GRAPH_DEFAULTS} of its kind."
                )
                continue
            argument = query.unique_name(_identifier(name), taken)
            taken.add(argument)
            yield HparamPlan(argument, name, default)

    def _training_for(self, signature: Signature, training: Tags | None) -> Tags | None:
        """The training tag set, if its signature of that name has the same interface."""
        if training is None:
            return None
        twin = self._legacy.variants[training].signatures.get(signature.name)
        if twin is None:
            return None
        if not _same_interface(signature, twin):
            self._warnings.append(
                f"Signature {signature.name!r} has other inputs or outputs in the training graph"
                f" {format_tags(training)}: it is offered separately there."
            )
            return None
        return training

    def _find_root(self, call_signature: str | None) -> str | None:
        inference = self._variants.inference
        candidates = [
            plan
            for plan in self._callables.values()
            if not plan.always_trains and inference in (None, plan.tags)
        ]
        if call_signature is not None:
            return get_root(candidates, call_signature).attribute
        if inference is None:
            self._warnings.append(explain_no_root(candidates, by_tags=True))
            return None
        root = find_root(candidates)
        if root is None:
            self._warnings.append(explain_no_root(candidates, by_tags=False))
        return None if root is None else root.attribute


def _list_endpoints(root: CallablePlan) -> dict[str, bool]:
    """The endpoints that a root should have, each with whether it trains."""
    return {SERVE: False, **({SERVE_TRAINING: True} if root.training_tags is not None else {})}


def _variant_name(signature: Signature, tags: Tags) -> str:
    return f"{signature.name}__{'_'.join(sorted(tags))}"


def _attribute_name(wanted: str, taken: Collection[str]) -> str:
    name = _identifier(wanted)
    if name in RESERVED:
        name += "_"
    return query.unique_name(name, taken)


def _identifier(text: str) -> str:
    """Replaces the characters of `text` that a Python identifier cannot have by `_`."""
    name = re.sub(r"[^0-9A-Za-z_]", "_", text)
    if not name or name[0].isdigit() or name.startswith("_"):
        name = f"n{name}" if name[:1].isdigit() else f"n_{name.lstrip('_')}"
    return f"{name}_" if keyword.iskeyword(name) else name


def _same_interface(one: Signature, other: Signature) -> bool:
    def interface(infos: Mapping[str, TensorInfo]) -> dict[str, tuple[Kind, int]]:
        return {name: (info.kind, info.dtype) for name, info in infos.items()}

    same_inputs = interface(one.inputs) == interface(other.inputs)
    return same_inputs and ("default" in one.outputs) == ("default" in other.outputs)


def _find_hparam_signature(program: Program, signature: Signature) -> Signature | None:
    """Returns the signature that adds scalar inputs to the same computation, if there is one.

    By convention its name is `<signature>_with_…_hparams`. It also extends other signatures that
    return tensors of the computation, such as `default` beside `image_feature_vector`.
    """
    own = f"{signature.name}_with_"
    names = sorted(program.signatures, key=lambda name: (not name.startswith(own), name))
    for name in names:
        other = program.signatures[name]
        if _has_hparams(name) and name != signature.name and _adds_scalars(other, signature):
            return other
    return None


def _has_hparams(name: str) -> bool:
    """Whether `name` is `<other>_with_<word>hparams`; one expression for it would be quadratic."""
    other, _, rest = name.rpartition("_with_")
    return bool(other) and rest.endswith("hparams") and re.fullmatch(r"\w+", rest) is not None


def _adds_scalars(other: Signature, signature: Signature) -> bool:
    extra = [info for name, info in other.inputs.items() if name not in signature.inputs]
    return (
        bool(extra)
        and all(info.kind is Kind.DENSE and info.shape == () for info in extra)
        and _includes(other.inputs, signature.inputs)
        and _includes(other.outputs, signature.outputs)
    )


def _includes(infos: Mapping[str, TensorInfo], part: Mapping[str, TensorInfo]) -> bool:
    return all(
        name in infos and infos[name].components == info.components for name, info in part.items()
    )


def _default_node(program: Program, info: TensorInfo) -> Node | None:
    """Returns the PlaceholderWithDefault that an input feeds, or None."""
    node = program.nodes.get(info.components[0].node)
    return node if node is not None and node.op == "PlaceholderWithDefault" else None


def _static_default(program: Program, info: TensorInfo) -> bool | int | float | str | None:
    """Returns the value of a scalar input that is not fed, if it is a constant of the graph."""
    node = program.nodes.get(info.components[0].node)
    seen: set[str] = set()
    while node is not None and node.op in ("PlaceholderWithDefault", "Identity"):
        if node.name in seen or not node.inputs:
            return None
        seen.add(node.name)
        node = program.nodes.get(node.inputs[0].node)
    return constants.find_scalar(node) if node is not None else None
