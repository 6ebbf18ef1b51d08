"""Names of inputs of served signatures that both TensorFlow and Python accept.

The keys of a SignatureDef may be any strings. The Python loader cleans them until they can be
parameters, in calls as well as in the file (source: `sanitize_arg_name` in function_type.py):
`f(**{"z$b": t})` gives parameter `z_b`. A name that no parameter can have (a keyword such as `in`)
still works as a flat keyword of the function. A name that works as neither (`self`, the empty name,
one that collides with another after cleaning) is replaced.

TensorFlow passes inputs to a function in the order of the parameters' names, both before and after
it cleans them, so these must sort alike.
"""

from __future__ import annotations

import dataclasses
import keyword
import re
from collections.abc import Callable, Mapping, Sequence

from converter.compile.plan import ModulePlan
from converter.ir import query
from converter.ir.graph import Kind, Signature, TensorInfo

# The SignatureDef with the op that initializes the model (source: constants.py of saved_model).
INIT_SIGNATURE = "__saved_model_init_op"

_OP_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclasses.dataclass(frozen=True, slots=True)
class InputName:
    """The names of one tensor that a served signature takes.

    Attributes:
      name: The key in the SignatureDef.
      cleaned: The keyword of a Python call, as the loader cleans it.
      parameter: The name in the structured signature. The loader cleans it, and gives it to a
        parameter of the loaded function.
      keyword: The flat keyword of that function. It names the input when the function is saved
        again.
    """

    name: str
    cleaned: str
    parameter: str
    keyword: str

    @property
    def python_name(self) -> str:
        """The keyword for Python calls: the name itself if the loader cleans it to that."""
        return self.name if self.cleaned == clean(self.name) else self.cleaned


def clean(name: str) -> str:
    """Cleans a name as TensorFlow (2.15 and 2.21) does; the empty name stays empty."""
    swapped = "".join(c if c.isalnum() else "_" for c in name)
    return swapped if not swapped or swapped[0].isalpha() else f"arg_{swapped}"


def name_inputs(names: Sequence[str]) -> tuple[InputName, ...]:
    """Names the inputs of a signature.

    Args:
      names: The inputs' keys in the SignatureDef.
    """
    # Python's methods already have a `self`, and TensorFlow fails to clean the empty name.
    special = {"self": "self_", "": "input"}
    cleaned = _distinct(names, lambda name: special.get(name, clean(name)))
    parameters = _distinct(cleaned, _make_parameter)
    # Node names are case-insensitive.
    op_names = _distinct(parameters, _make_op_name, key=str.lower)
    keywords = op_names if cleaned == parameters else cleaned
    if list(map(clean, names)) == parameters and sorted(names, key=clean) == sorted(names):
        parameters = list(names)
    return tuple(map(InputName, names, cleaned, parameters, keywords))


def _make_parameter(name: str) -> str:
    if keyword.iskeyword(name):
        return f"{name}_"
    return name if name.isidentifier() else _make_op_name(name)


def _make_op_name(name: str) -> str:
    return name if _OP_NAME.fullmatch(name) else clean(re.sub("[^0-9A-Za-z]", "_", name))


def _distinct(
    names: Sequence[str], make: Callable[[str], str], key: Callable[[str], str] = str
) -> list[str]:
    """Returns `make(name)` for each name, with a number where its `key` is not unique.

    A name that `make` does not change never gets a number.
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
    """Names the tensors of a value in a signature as TensorFlow's V1 loader does."""
    if info.kind is Kind.SPARSE:
        return [f"{name}_{part}" for part in ("indices", "values", "dense_shape")]
    if info.kind is Kind.RAGGED:
        return [f"{name}_component_{index}" for index in range(len(info.components))]
    return [name]


def part_keys(infos: Mapping[str, TensorInfo]) -> dict[str, list[str]]:
    """Returns the SignatureDef keys of the tensors of inputs or outputs, by TF1 name.

    A dense tensor keeps its name; a component of a composite is renamed if its name is taken.
    """
    taken = {name for name, info in infos.items() if info.kind is Kind.DENSE}
    return {
        name: [name]
        if info.kind is Kind.DENSE
        else [query.claim_name(part, taken) for part in component_names(name, info)]
        for name, info in infos.items()
    }


def served_inputs(signature: Signature) -> tuple[InputName, ...]:
    """Names the tensors that a served signature takes, in the order of its inputs."""
    keys = part_keys(signature.inputs)
    return name_inputs([key for parts in keys.values() for key in parts])


def python_names(signature: Signature) -> dict[str, str]:
    """Returns the keywords for Python calls that differ from the SignatureDef key, by that key."""
    names = served_inputs(signature)
    return {each.name: each.python_name for each in names if each.python_name != each.name}


def serving_names(plan: ModulePlan) -> dict[str, str]:
    """Returns the names in `signatures` of the callables that are served, by attribute.

    Callables of the inference variant are served under their TF1 names. A module without an
    inference variant serves all of its callables.
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
