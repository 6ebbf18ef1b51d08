"""Recognizes the ops of a SavedModel that save and restore its own variables, which do no harm."""

from __future__ import annotations

from converter.safety.path_origins import SAVER_FILE_INPUTS, Origin
from converter.safety.reach import Run
from converter.safety.scopes import Scope

_MAX_STEPS = 1000  # Each of many ops may be followed by the same nodes.
_PASS_ON = frozenset({"Cast", "Identity", "IdentityN", "Reshape"})
_ASSIGN = frozenset({"Assign", "AssignVariableOp"})
_RESTORE = frozenset({"Restore", "RestoreSlice", "RestoreV2"})


def explain_saver(
    scope: Scope, name: str, origins: frozenset[Origin], runs: frozenset[Run]
) -> str | None:
    """Explains an op of a saver that does no harm; returns None for any other.

    Args:
      scope: The graph or function of the node.
      name: The node.
      origins: The origins of the file names that it takes.
      runs: The occasions on which it is run.
    """
    op = scope.nodes[name].op
    if op not in SAVER_FILE_INPUTS:
        return None
    if origins == {Origin.CHECKPOINT} and runs <= {Run.SAVE, Run.RESTORE}:
        return "belongs to the model's own saver: loaders choose the file"
    if runs:
        return None
    if origins <= {Origin.CHECKPOINT, Origin.LEFTOVER}:
        return "belongs to a saver that was left in the graph, and that nothing runs"
    if op in _RESTORE and _only_initializes(scope, name):
        return "reads initial values of variables from another checkpoint, and nothing runs it"
    return None


def _only_initializes(scope: Scope, name: str) -> bool:
    """Whether the outputs of a node go to assignments of variables, and nowhere else."""
    waiting, seen = [name], {name}
    while waiting:
        if len(seen) > _MAX_STEPS:
            return False
        for user in scope.users.get(waiting.pop(), ()):
            if user.op in _PASS_ON and user.name not in seen:
                seen.add(user.name)
                waiting.append(user.name)
            elif user.name not in seen and user.op not in _ASSIGN:
                return False
    return True
