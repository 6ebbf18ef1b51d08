import dataclasses

import pytest

from converter.formats.training_signatures import find_training, leave_out_training
from converter.ir.graph import VariableSpec

_GRAPH = """
x = Placeholder[dtype=float]()
w = VariableV2[dtype=float, shape=[]]()
w_read = Identity[T=float](w)
y = Mul[T=float](x, w_read)
w_ref = RefIdentity[T=float](w)
assigned = Assign[T=float](w_ref, x)
count = VariableV2[dtype=float, shape=[]]()
counted = AssignAdd[T=float](count, x)
step = ApplyGradientDescent[T=float](count, x, x)
stepped = Identity[T=float](y, ^step)
r = VarHandleOp[dtype=float, shape=[]]()
assign_r = AssignVariableOp[dtype=float](r, x)
after_r = ReadVariableOp[dtype=float](r, ^assign_r)
"""


def _program(make_program, signature, *names):
    made = {name: signature(name, {"x": "x"}, {"out": name}) for name in names}
    specs = {n: VariableSpec(n, n, 1, (), n != "count", n) for n in ("w", "count", "r")}
    return make_program(_GRAPH, signatures=made, variables=specs)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("y", ""),
        ("counted", ""),
        ("assigned", "it writes to the trainable variable 'w', at node 'assigned'"),
        ("after_r", "it writes to the trainable variable 'r', at node 'assign_r'"),
        ("stepped", "it runs the optimizer, by op 'ApplyGradientDescent' at node 'step'"),
    ],
)
def test_signatures_that_train_are_found(name, reason, make_program, signature):
    program = _program(make_program, signature, name)
    assert find_training(program, program.signatures[name]) == reason


def test_they_are_left_out_one_by_one(make_program, signature):
    left = leave_out_training(_program(make_program, signature, "y", "stepped", "assigned"))
    assert list(left.signatures) == ["y"]
    assert [(o.what, o.name) for o in left.omissions] == [
        ("signature", "stepped"), ("signature", "assigned"),
    ]  # fmt: skip


def test_what_a_fed_tensor_needs_does_not_run(make_program, signature):
    program = _program(make_program, signature, "y")
    fed = signature("fed", {"x": "assigned"}, {"out": "assigned"})
    program = dataclasses.replace(program, signatures={"fed": fed})
    assert leave_out_training(program).signatures == {"fed": fed}
