"""Draws mutants: each from a seed and its number alone, so that it can be made again."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2

from converter.formats import hub_protos
from module_fuzzing import samples
from module_fuzzing.editing import read_entries
from module_fuzzing.fixtures import GOLDEN
from module_fuzzing.mutant import GRAPHS, INDEX, MODULE_DEF, SHARD, Edit, Mutant
from module_fuzzing.walk import draw_message_edit

# How many edits a mutant has: one alone is what most faults need.
_COUNTS = (1,) * 12 + (2,) * 5 + (3,) * 2 + (5,)


def draw(seed: int, number: int, fixtures: Sequence[str]) -> Mutant:
    """Returns the mutant of a seed and a number.

    Args:
      seed: The seed of the run.
      number: Counts from 0.
      fixtures: The fixtures to choose from.
    """
    chance = random.Random(f"{seed}/{number}")
    fixture = _find_fixture(chance.choice(fixtures))
    edits: list[Edit] = []
    for _ in range(chance.choice(_COUNTS)):
        edits += _draw_edits(chance, fixture)
    return Mutant(fixture.name, tuple(edits))


@functools.lru_cache(maxsize=32)
def _find_fixture(name: str) -> Fixture:
    return Fixture(name)


class Fixture:
    """A fixture whose parts edits are drawn from.

    Attributes:
      name: Its name.
      files: The paths of its files, sorted.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.directory = GOLDEN / name / "module"
        paths = (path for path in self.directory.rglob("*") if path.is_file())
        self.files = sorted(str(path.relative_to(self.directory)) for path in paths)

    @functools.cached_property
    def saved_model(self) -> Any:
        """The graphs."""
        content = (self.directory / GRAPHS).read_bytes()
        return saved_model_pb2.SavedModel.FromString(content)

    @functools.cached_property
    def names(self) -> list[str]:
        """Names of things in the graphs."""
        return samples.collect_names(self.saved_model)

    @functools.cached_property
    def ops(self) -> list[str]:
        """The op types of the graphs."""
        return sorted({n.op for g in self.saved_model.meta_graphs for n in g.graph_def.node})

    def size(self, file: str) -> int:
        """The size of a file in bytes."""
        return (self.directory / file).stat().st_size


def _draw_edits(chance: random.Random, fixture: Fixture) -> list[Edit]:
    kinds: list[tuple[float, Callable[[random.Random, Fixture], list[Edit]]]] = [
        (10, _draw_of_message), (6, _draw_of_graph), (0.3, _draw_of_module_def),
        (1.5, _draw_of_index), (1, _draw_bytes), (1.2, _draw_files),
    ]  # fmt: skip
    weights, draws = zip(*kinds, strict=True)
    (chosen,) = chance.choices(draws, weights)
    return chosen(chance, fixture)


def _draw_of_message(chance: random.Random, fixture: Fixture) -> list[Edit]:
    return [draw_message_edit(chance, fixture.saved_model, GRAPHS, fixture.names, fixture.ops)]


def _draw_of_module_def(chance: random.Random, fixture: Fixture) -> list[Edit]:
    content = (fixture.directory / MODULE_DEF).read_bytes()
    module_def = hub_protos.ModuleDef.FromString(content)
    return [draw_message_edit(chance, module_def, MODULE_DEF, fixture.names)]


def _draw_of_index(chance: random.Random, fixture: Fixture) -> list[Edit]:
    if INDEX not in fixture.files:
        return _draw_files(chance, fixture)
    entries = read_entries((fixture.directory / INDEX).read_bytes())
    key = chance.choice(sorted(entries))
    kind = chance.random()
    if kind < 0.1:
        return [Edit("clear", INDEX, (key,))]
    if kind < 0.25:
        new = samples.text(chance, fixture.names, "x").encode().hex()
        return [Edit(chance.choice(["repeat", "rename key"]), INDEX, (key,), new)]
    if kind < 0.35:
        return [Edit("graft", INDEX, (key,), other=(chance.choice(sorted(entries)),))]
    return [draw_message_edit(chance, entries[key], INDEX, fixture.names, place=(key,))]


def _draw_bytes(chance: random.Random, fixture: Fixture) -> list[Edit]:
    file = chance.choice(fixture.files)
    size = fixture.size(file)
    offset = chance.randrange(size + 1)
    kind = chance.randrange(5)
    if kind == 0 and size:
        edits = [Edit("flip", file, value=chance.randrange(size * 8))]
    elif kind == 1:
        end = chance.choice([size, size, min(size, offset + chance.randrange(1, 9))])
        edits = [Edit("cut", file, value=[offset, end])]
    elif kind == 2:
        text = chance.choice(samples.BYTES) + chance.choice(["", "\0" * 8, "\xff" * 4])
        edits = [Edit("overwrite", file, value=[offset, text])]
    elif kind == 3:
        edits = [Edit("insert", file, value=[offset, chance.choice(samples.BYTES) or "\0"])]
    else:
        edits = [Edit("stretch", file, value=chance.choice([0, size + 1, 1 << 20, 3 << 30]))]
    if file == SHARD and chance.random() < 0.6:
        edits.append(Edit("reseal", INDEX))
    return edits


def _draw_files(chance: random.Random, fixture: Fixture) -> list[Edit]:
    file = chance.choice(fixture.files)
    folder = file.rpartition("/")[0] or "assets"
    new = chance.choice([*samples.FILE_NAMES, *fixture.files])
    drawn: list[Edit] = [
        Edit("remove file", file),
        Edit("remove file", folder),
        Edit("move file", file, value=new),
        Edit("copy file", file, value=new),
        Edit("hard link", file, value=new),
        Edit("link", chance.choice([file, new, folder]), value=chance.choice(samples.TARGETS)),
        Edit("folder", chance.choice([file, new])),
        Edit("pipe", chance.choice([file, new])),
        Edit("write", new, value=chance.choice(samples.BYTES)),
        Edit("as text", GRAPHS),
    ]
    return [chance.choice(drawn)]


# Graphs as a whole.


def _draw_of_graph(chance: random.Random, fixture: Fixture) -> list[Edit]:
    number = chance.randrange(len(fixture.saved_model.meta_graphs))
    graph = fixture.saved_model.meta_graphs[number].graph_def
    place, nodes = ("meta_graphs", number, "graph_def", "node"), graph.node
    functions = list(graph.library.function)
    if functions and chance.random() < 0.4:
        which = chance.randrange(len(functions))
        place = (*place[:-1], "library", "function", which, "node_def")
        nodes = functions[which].node_def
    if not nodes:
        return _draw_files(chance, fixture)
    position = chance.randrange(len(nodes))
    draws = (_draw_op, _draw_op, _draw_input, _draw_input, _draw_rename, _draw_retype,
             _draw_insert, _draw_attr, _draw_function)  # fmt: skip
    return [chance.choice(draws)(chance, fixture, (*place, position), nodes)]


def _draw_op(chance: random.Random, fixture: Fixture, place: Any, nodes: Any) -> Edit:
    new = samples.op(chance, nodes[place[-1]].op, fixture.ops)
    return Edit("set", at=(*place, "op"), value=new)


def _draw_input(chance: random.Random, _: Fixture, place: Any, nodes: Any) -> Edit:
    """Redirects an input to another node, most often one of the same graph."""
    node, other = nodes[place[-1]], chance.choice(nodes)
    if not node.input:
        return Edit("append", at=(*place, "input"), value=f"^{other.name}")
    position, at = chance.randrange(len(node.input)), (*place, "input")
    new = chance.choice([other.name, other.name, f"{other.name}:1", f"^{other.name}", node.name])
    if "node_def" in place and not new.startswith("^"):
        named_elsewhere = nodes[chance.randrange(len(nodes))].input or [new]
        new = chance.choice([chance.choice(named_elsewhere), new])
    kind = chance.random()
    if kind < 0.6:
        return Edit("set", at=(*at, position), value=new)
    if kind < 0.8 and len(node.input) > 1:
        return Edit("swap", at=(*at, position), value=chance.randrange(len(node.input)))
    return Edit(chance.choice(["clear", "repeat"]), at=(*at, position))


def _draw_rename(chance: random.Random, fixture: Fixture, place: Any, nodes: Any) -> Edit:
    new = samples.text(chance, fixture.names, nodes[place[-1]].name)
    return Edit("rename node", at=place, value=new)


def _draw_retype(chance: random.Random, _: Fixture, place: Any, nodes: Any) -> Edit:
    types = sorted({attr.type for node in nodes for attr in node.attr.values() if attr.type})
    old = chance.choice(types or [1])
    return Edit("retype", at=place[:2], value=[old, chance.choice(samples.TYPES)])


def _draw_insert(chance: random.Random, _: Fixture, place: Any, nodes: Any) -> Edit:
    count = len(nodes[place[-1]].input)
    position = chance.randrange(count) if count else 0
    return Edit("insert op", at=(*place, "input", position), value=chance.choice(samples.UNARY_OPS))


def _draw_attr(chance: random.Random, fixture: Fixture, place: Any, nodes: Any) -> Edit:
    """Changes an attribute, or puts one of another node in its place."""
    node = nodes[place[-1]]
    if not node.attr:
        return _draw_op(chance, fixture, place, nodes)
    key = chance.choice(sorted(node.attr))
    at = (*place, "attr", key)
    if chance.random() < 0.7:
        return draw_message_edit(chance, node.attr[key], GRAPHS, fixture.names, place=at)
    where = chance.randrange(len(nodes))
    keys = sorted(nodes[where].attr)
    other = (*place[:-1], where, "attr", key if key in keys or not keys else chance.choice(keys))
    return Edit("graft", at=at, other=other)


def _draw_function(chance: random.Random, fixture: Fixture, place: Any, nodes: Any) -> Edit:
    """Makes a node a call, perhaps of a function that has a name already."""
    fitting = [n for n, node in enumerate(nodes) if len(node.input) == 1 and "T" in node.attr]
    if not fitting:
        return _draw_op(chance, fixture, place, nodes)
    place = (*place[:-1], chance.choice(fitting))
    name = chance.choice(["fuzz", "fuzz", nodes[place[-1]].op, "Add", "x/y", fixture.names[0]])
    return Edit("make function", at=place, value=name)
