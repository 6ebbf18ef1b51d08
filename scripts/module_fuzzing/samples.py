"""Values that are likely to find something: limits of types, odd names, and other things' names."""

from __future__ import annotations

import random
from typing import Any

from converter.safety.op_table import read_table
from module_fuzzing.places import is_map, message

INTEGERS = (
    0, 1, 2, 3, -1, -2, 7, 127, 128, 255, 256, 65536, 1 << 20, (1 << 31) - 1, 1 << 31, -(1 << 31),
    (1 << 32) - 1, 1 << 40, 1 << 62, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1,
)  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 3e38, 1e300, "nan", "inf", "-inf")
NAMES = (
    "", " ", "x", "0", "a/b", "/", "//", "..", "../../etc/passwd", "/etc/passwd", "a b", "a\nb",
    "\x1b[31mred", "\x00", "a\x00b", "\u202egnp.exe", "[bold]x[/bold]", "\u00e9", "\U0001f600",
    "^x", "x:0", "x:1", "x:-1", "x:99999999999999999999", ":0", "^", "loc:@x", "loc:@",
    "default", "serving_default", "__saved_model_init_op", "variables", "__call__", "self",
    "serve", "train", "_Arg", "_Retval", "/.ATTRIBUTES/VARIABLE_VALUE", "s" * 300, "n" * 5000,
    "None", "lambda", "import", "A", "a",
)  # fmt: skip
BYTES = ("", "\0", "x", "\xff", "\xff" * 9, "\x0a\xff\xff\xff\xff\x0f", "/etc/passwd", "[")
FILE_NAMES = (
    "assets/x", "assets/\udcff", "assets/a\nb", "assets/\x1b[31m", "a/b/c/d/e/f",
    "assets/" + "y" * 250, "variables/variables.data-00001-of-00002", "variables/checkpoint",
    "saved_model.pbtxt",
    "tfhub_module.pbtxt", "assets.extra/conversion.json", "assets.extra/x", "keras_metadata.pb",
    "fingerprint.pb", ".hidden", "variables/x.index",
)  # fmt: skip
TARGETS = (
    "/etc/passwd", "/etc", "/", ".", "..", "../..", "missing", "/dev/zero", "/dev/stdin",
    "saved_model.pb", "variables", "assets", "/proc/self/mem",
)  # fmt: skip
# Of one input and one output of the same type.
UNARY_OPS = (
    "Identity", "StopGradient", "PreventGradient", "Neg", "Abs", "Relu", "Square", "Snapshot",
    "CheckNumerics", "ZerosLike", "OnesLike", "Tanh", "Softmax", "Rank", "Size", "Print",
    "PlaceholderWithDefault", "RefIdentity", "Enter", "NextIteration", "Exit", "LoopCond",
    "Placeholder", "Where", "Unique", "Bitcast", "Cast", "DeepCopy", "EnsureShape", "Shape",
)  # fmt: skip
# Ops of the same inputs, of which each can take another's place.
FAMILIES = (
    ("Add", "AddV2", "Sub", "Mul", "RealDiv", "Div", "Maximum", "Minimum", "Pow", "BiasAdd",
     "SquaredDifference", "DivNoNan", "FloorMod", "Mod"),
    ("Relu", "Relu6", "Elu", "Tanh", "Sigmoid", "Neg", "Exp", "Log", "Sqrt", "Rsqrt", "Softplus",
     "Identity", "StopGradient", "Sin", "Square", "Round", "Inv", "Reciprocal", "Softsign"),
    ("Sum", "Mean", "Max", "Min", "Prod", "Reshape", "Tile", "ExpandDims", "Squeeze", "Fill",
     "Transpose", "BroadcastTo", "Reverse", "ReverseV2"),
    ("Less", "LessEqual", "Greater", "GreaterEqual", "Equal", "NotEqual"),
    ("LogicalAnd", "LogicalOr"),
    ("Switch", "RefSwitch"), ("Merge", "RefMerge"), ("Enter", "RefEnter"), ("Exit", "RefExit"),
    ("NextIteration", "RefNextIteration"),
    ("VarHandleOp", "VariableV2", "Variable", "TemporaryVariable"),
    ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"),
    ("Assign", "AssignAdd", "AssignSub"),
    ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"),
    ("HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2"),
    ("PartitionedCall", "StatefulPartitionedCall"), ("If", "StatelessIf", "Case"),
    ("While", "StatelessWhile"),
)  # fmt: skip
# Of attributes and of the whole graph: what modules have, odd ones, and some that are no type.
TYPES = (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 14, 18, 19, 20, 21, 23, 101, 103, 120, 999)


def integer(chance: random.Random, now: int) -> int:
    """An integer to take the place of another."""
    return chance.choice((*INTEGERS, now + 1, now - 1, now * 2, -now))


def real(chance: random.Random, now: float) -> Any:
    """A float to take the place of another; text where JSON has no number for it."""
    return chance.choice((*FLOATS, repr(now * 2), repr(now + 1e-6), repr(-now)))


def text(chance: random.Random, known: list[str], now: str) -> str:
    """A name to take the place of another."""
    kind = chance.random()
    if kind < 0.6 and known:
        return chance.choice(known)
    if kind < 0.8:
        return chance.choice(NAMES)
    other = chance.choice(known) if known else "x"
    return chance.choice((
        f"{now}:1", f"^{now}", f"{now}_1", now[:-1], now.upper(), f"{now}/x", f"^{other}",
        f"{other}:0", f"{other}:1", f"{now}:{chance.choice(INTEGERS)}", now.partition("/")[0],
    ))  # fmt: skip


def content(chance: random.Random, now: bytes) -> str:
    """Bytes to take the place of others, as text of the same code points."""
    changed = bytearray(now)
    kind = chance.randrange(5)
    if changed and kind < 2:
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    elif changed and kind == 2:
        del changed[chance.randrange(len(changed)) :]
    elif kind == 3:
        changed += bytes(changed) or b"\0"
    else:
        return chance.choice(BYTES)
    return changed.decode("latin-1")


def op(chance: random.Random, now: str, known: list[str]) -> str:
    """An op type to take the place of another: of its family, of the graph, or any."""
    kind = chance.random()
    families = [family for family in FAMILIES if now in family]
    if families and kind < 0.6:
        return chance.choice(chance.choice(families))
    if kind < 0.8:
        return chance.choice(known)
    return chance.choice(sorted(read_table()))


def collect_names(root: Any) -> list[str]:
    """The short texts in a message that are likely to be names, sorted."""
    found: set[str] = set()
    _collect(root, found)
    return sorted(found)


def _collect(value: Any, found: set[str]) -> None:
    for field, item in value.ListFields():
        if is_map(item):
            found.update(key for key in item if isinstance(key, str))
            parts = [item[key] for key in item]
        elif isinstance(item, message.Message | str | bytes | int | float):
            parts = [item]
        else:
            parts = list(item)
        for part in parts:
            if isinstance(part, message.Message):
                _collect(part, found)
            elif isinstance(part, str) and field.name not in ("device",):
                found.add(part)
