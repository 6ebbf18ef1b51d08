"""How the inputs of served signatures are named, where TensorFlow and Python cannot say any name.

A SignatureDef takes any string. The Python loader cleans names until they may be parameters
(source: `sanitize_arg_name` in function_type.py), of calls as well as of the file:
`f(**{"z$b": t})` gives parameter `z_b`. Where no parameter can have the name (a keyword such as
`in`), a call may still go by the function's flat keywords. What neither can say (`self`, the empty
name, one that another name is cleaned to) gets a name of its own.

TensorFlow hands inputs to a function in the order of their parameters' names, so a renamed
function is right only if its names sort as they did when it was traced.
"""

from __future__ import annotations

import dataclasses
import keyword
import re
from collections.abc import Callable, Mapping, Sequence

from converter.compile.plan import ModulePlan
from converter.ir import query
from converter.ir.graph import Kind, Signature, TensorInfo

# The SignatureDef of this name says how the model is initialized (source: constants.py of
# saved_model).
INIT_SIGNATURE = "__saved_model_init_op"

_OP_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclasses.dataclass(frozen=True, slots=True)
class InputName:
    """The names of one tensor that a served signature takes.

    Attributes:
      name: Its key in the SignatureDef.
      spoken: The keyword that a Python call gives, as the loader cleans it.
      parameter: Its name in the structured signature, which the loader cleans: that of a
        parameter of the function that Python loads.
      keyword: The flat keyword of that function, by which a copy that is saved names it again.
      traced: The parameter that the function is traced with.
    """

    name: str
    spoken: str
    parameter: str
    keyword: str
    traced: str

    @property
    def python_name(self) -> str:
        """What a Python call gives: the name itself where Python can say it."""
        return self.name if self.spoken == clean(self.name) else self.spoken


def clean(name: str) -> str:
    """The keyword that TensorFlow (2.15 and 2.21) makes of a name; the empty one stays empty."""
    swapped = "".join(c if c.isalnum() else "_" for c in name)
    return swapped if not swapped or swapped[0].isalpha() else f"arg_{swapped}"


def name_inputs(names: Sequence[str]) -> tuple[InputName, ...]:
    """Names the inputs of a signature.

    Args:
      names: Their keys in the SignatureDef.
    """
    spoken = _distinct(names, _make_spoken)
    parameters = _distinct(spoken, _make_parameter)
    # Graphs name their nodes without regard to case.
    op_names = _distinct(parameters, _make_op_name, key=str.lower)
    order, width = sorted(parameters), len(str(len(parameters)))
    ranked = [f"input_{order.index(name):0{width}}" for name in parameters]
    keywords = op_names if spoken == parameters else spoken
    traced = parameters if op_names == parameters else ranked
    if list(map(clean, names)) == parameters and sorted(names, key=clean) == sorted(names):
        parameters = list(names)
    return tuple(map(InputName, names, spoken, parameters, keywords, traced))


def _make_spoken(name: str) -> str:
    # Python's methods have a `self` already, and TensorFlow fails to clean the empty name.
    return {"self": "self_", "": "input"}.get(name, clean(name))


def _make_parameter(name: str) -> str:
    if keyword.iskeyword(name):
        return f"{name}_"
    return name if name.isidentifier() else _make_op_name(name)


def _make_op_name(name: str) -> str:
    return name if _OP_NAME.fullmatch(name) else clean(re.sub("[^0-9A-Za-z]", "_", name))


def _distinct(
    names: Sequence[str], make: Callable[[str], str], key: Callable[[str], str] = str
) -> list[str]:
    """Returns `make(name)` for each name, numbered where its `key` would not be the only one.

    Names that need no change are theirs, and no number makes a name that another one has.
    """
    wanted = [make(name) for name in names]
    owners: dict[str, str] = {}
    for name, made in sorted(zip(names, wanted, strict=True), key=lambda pair: pair[0] != pair[1]):
        owners.setdefault(key(made), name)
    taken = set(owners)
    found = []
    for name, made in zip(names, wanted, strict=True):
        is_owner = owners[key(made)] == name
        number = "" if is_owner else query.claim_name(key(made), taken).removeprefix(key(made))
        found.append(f"{made}{number}")
    return found


def component_names(name: str, info: TensorInfo) -> list[str]:
    """The names of a value's tensors in a signature, as TensorFlow's V1 loader gives them."""
    if info.kind is Kind.SPARSE:
        return [f"{name}_{part}" for part in ("indices", "values", "dense_shape")]
    if info.kind is Kind.RAGGED:
        return [f"{name}_component_{index}" for index in range(len(info.components))]
    return [name]


def part_keys(infos: Mapping[str, TensorInfo]) -> dict[str, list[str]]:
    """The SignatureDef keys of inputs' or outputs' tensors, by TF1 name.

    A dense one has its own name; parts of composites make way where one of theirs is taken.
    """
    taken = {name for name, info in infos.items() if info.kind is Kind.DENSE}
    return {
        name: [name]
        if info.kind is Kind.DENSE
        else [query.claim_name(part, taken) for part in component_names(name, info)]
        for name, info in infos.items()
    }


def served_inputs(signature: Signature) -> tuple[InputName, ...]:
    """Names what a served signature takes, in the order of its inputs' tensors."""
    keys = part_keys(signature.inputs)
    return name_inputs([key for parts in keys.values() for key in parts])


def python_names(signature: Signature) -> dict[str, str]:
    """What Python calls give instead of names that they cannot say, by SignatureDef key."""
    names = served_inputs(signature)
    return {each.name: each.python_name for each in names if each.python_name != each.name}


def serving_names(plan: ModulePlan) -> dict[str, str]:
    """The names in `signatures` of the callables that are served, by attribute.

    Those of the inference variant are served under their TF1 names. A module without such a
    variant serves all its callables.
    """
    inference = plan.variants.inference
    names = {
        attribute: attribute if inference is None else part.signature
        for attribute, part in plan.callables.items()
        if inference in (None, part.tags) and not part.always_trains
    }
    for attribute, name in names.items():
        if name == INIT_SIGNATURE:
            names[attribute] = query.unique_name(attribute, names.values())
    return names
