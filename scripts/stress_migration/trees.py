"""Trees of modules: fixtures under many names, some of them damaged or in for mischief."""

from __future__ import annotations

import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "legacy_fixtures" / "golden"

# Larger than most, and so among the first to be converted: one that hangs as the last of all would
# have the other workers wait for it.
_TROUBLED = "image_bn_dropout"


def make_tree(root: pathlib.Path, modules: int) -> list[str]:
    """Makes a tree of sound modules: fixtures, evenly chosen, in turn.

    Returns:
      Their paths in the tree.
    """
    names = sorted(path.parent.name for path in GOLDEN.glob("*/module"))
    step = max(1, len(names) // modules)
    chosen = [names[number * step % len(names)] for number in range(modules)]
    paths = [f"{name}/m{number:04}" for number, name in enumerate(chosen)]
    for name, path in zip(chosen, paths, strict=True):
        shutil.copytree(GOLDEN / name / "module", root / path)
    return paths


def add_troubles(root: pathlib.Path) -> dict[str, str]:
    """Adds three broken modules, one that crashes its worker, and one that hangs.

    The last two do so by their names, which the job function of the tests looks at.

    Returns:
      The outcome that each has to have, by path.
    """
    outcomes = {
        "broken/cut": "refused",
        "broken/flipped": "refused",
        "broken/lacking": "refused",
        "bad/crash": "crashed",
        "bad/hang": "timed_out",
    }
    for path in outcomes:
        shutil.copytree(GOLDEN / _TROUBLED / "module", root / path)
    graph = root / "broken/cut/saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:-7])
    (shard,) = (root / "broken/flipped/variables").glob("*.data-*")
    content = bytearray(shard.read_bytes())
    content[0] ^= 1
    shard.write_bytes(content)
    (root / "broken/lacking/variables/variables.index").unlink()
    return outcomes
