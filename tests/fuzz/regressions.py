"""Programs that failed once, or that hold what random ones seldom hold, by name.

A failure of `scripts/fuzz_control_flow` prints its program as it can be pasted here.
"""

from __future__ import annotations

from fuzz.program import (
    Block,
    Carried,
    Collect,
    Dense,
    Floats,
    Get,
    Growing,
    If,
    Inputs,
    Int,
    Let,
    Lookup,
    Name,
    NewArray,
    Op,
    Program,
    Put,
    Read,
    Unstack,
    Update,
    Variable,
    While,
)

_V = Variable("v")
_M = Variable("m", matrix=True)
_STATE = Variable("state", trainable=False)
_REF = Variable("ref", resource=False)
_REF_STATE = Variable("ref_state", resource=False, trainable=False)
_BOTH_FLAGS = (Inputs(flag=True), Inputs(flag=False))
_COUNTS = (Inputs(n=0), Inputs(n=1), Inputs(n=3))


def _mean(one: str, other: str) -> Op:
    return Op("mean", (Name(one), Name(other)))


REGRESSIONS = {
    "conds_of_one_predicate_inside_each_other": Program(
        Block(
            (
                Read("v", "v"),
                If(
                    ("a",),
                    Name("flag"),
                    Block(
                        (
                            If(
                                ("b",),
                                Name("flag"),
                                Block((), (Name("v"),)),
                                Block((), (Name("x"),)),
                            ),
                        ),
                        (Name("b"),),
                    ),
                    Block((), (Name("x"),)),
                ),
            ),
            (Name("a"),),
        ),
        (_V,),
        _BOTH_FLAGS,
    ),
    "branches_that_pass_values_through": Program(
        Block(
            (
                Read("v", "v"),
                If(
                    ("a", "b"),
                    Name("flag"),
                    Block((), (Name("v"), Name("x"))),
                    Block((), (Name("x"), Name("v"))),
                ),
            ),
            (_mean("a", "v"), Name("b")),
        ),
        (_V,),
        _BOTH_FLAGS,
    ),
    "swapped_and_unused_loop_variables": Program(
        Block(
            (
                Read("v", "v"),
                While(
                    "i",
                    Name("n"),
                    (Carried("a", Name("v")), Carried("b", Name("x")), Carried("c", Name("v"))),
                    Block((), (Name("b"), Op("tanh", (Name("a"),)), Name("c"))),
                ),
            ),
            (_mean("a", "b"), Name("i")),
        ),
        (_V,),
        _COUNTS,
    ),
    "array_written_in_conds_in_a_loop": Program(
        Block(
            (
                Read("v", "v"),
                NewArray("a", "f", Name("n"), shaped=True),
                While(
                    "i",
                    Name("n"),
                    (),
                    Block(
                        (
                            If(
                                (),
                                Op("equal", (Name("i"), Int(1))),
                                Block((Put("a", Name("i"), Name("v")),)),
                                Block(),
                            ),
                        )
                    ),
                ),
                Collect("c", "a"),
            ),
            (Name("c"),),
        ),
        (_V,),
        _COUNTS,
    ),
    "array_that_grows": Program(
        Block(
            (
                Read("v", "v"),
                NewArray("a", "f", Int(0), dynamic=True, shaped=False),
                While(
                    "i",
                    Name("n"),
                    (Carried("s", Name("x")),),
                    Block(
                        (
                            Let("t", _mean("s", "v")),
                            Put("a", Name("i"), Name("t")),
                            Get("u", "a", Name("i")),
                        ),
                        (Name("u"),),
                    ),
                ),
                Collect("c", "a", "gather"),
                Collect("d", "a", "size"),
            ),
            (Name("c"), Name("s"), Name("d")),
        ),
        (_V,),
        _COUNTS,
    ),
    "int_array_that_is_only_read": Program(
        Block(
            (
                Unstack("ids", (Int(2), Name("n"), Int(0)), kind="i"),
                While(
                    "i",
                    Int(3),
                    (Carried("s", Name("x")),),
                    Block(
                        (Get("id", "ids", Name("i")), Lookup("row", "m", Name("id"))),
                        (_mean("s", "row"),),
                    ),
                ),
            ),
            (Name("s"),),
        ),
        (_M,),
        _COUNTS,
    ),
    "loop_in_cond_in_loop": Program(
        Block(
            (
                While(
                    "i",
                    Int(3),
                    (Carried("s", Name("x")),),
                    Block(
                        (
                            If(
                                ("a",),
                                Op("less", (Name("i"), Name("n"))),
                                Block(
                                    (
                                        While(
                                            "j",
                                            Name("i"),
                                            (Carried("t", Name("s")),),
                                            Block((Dense("u", "m", Name("t")),), (Name("u"),)),
                                        ),
                                    ),
                                    (Name("t"),),
                                ),
                                Block((Read("r", "ref"),), (_mean("r", "s"),)),
                            ),
                        ),
                        (Name("a"),),
                    ),
                ),
            ),
            (Name("s"),),
        ),
        (_M, _REF),
        _COUNTS,
    ),
    "loop_without_back_prop": Program(
        Block(
            (
                Read("v", "v"),
                While(
                    "i",
                    Int(2),
                    (Carried("s", Name("v")),),
                    Block((), (_mean("s", "x"),)),
                    back_prop=False,
                ),
            ),
            (_mean("s", "v"),),
        ),
        (_V,),
    ),
    "loop_stopped_by_maximum_iterations": Program(
        Block(
            (
                Read("v", "v"),
                While(
                    "i",
                    Int(3),
                    (Carried("s", Name("v")),),
                    Block((), (_mean("s", "x"),)),
                    maximum_iterations=2,
                ),
            ),
            (Name("s"), Name("i")),
        ),
        (_V,),
    ),
    "loop_variable_that_grows": Program(
        Block(
            (
                Read("v", "v"),
                While(
                    "i",
                    Name("n"),
                    (),
                    Block((Let("w", _mean("g", "v")),)),
                    growing=(Growing("g", Name("x"), Name("w")),),
                ),
            ),
            (Name("g"),),
        ),
        (_V,),
        _COUNTS,
    ),
    "state_changed_in_conds_and_loops": Program(
        Block(
            (
                Update("ref_state", "assign_add", Name("x"), name="a"),
                While(
                    "i",
                    Name("n"),
                    (Carried("s", Name("x")),),
                    Block(
                        (
                            Read("b", "state"),
                            Update("state", "assign", _mean("s", "b")),
                            If(
                                (),
                                Name("flag"),
                                Block((Update("ref_state", "assign", Name("b")),)),
                                Block((Update("state", "assign_sub", Name("s")),)),
                            ),
                        ),
                        (Name("b"),),
                    ),
                ),
                Read("c", "ref_state"),
            ),
            (_mean("a", "c"), Name("s")),
        ),
        (_STATE, _REF_STATE),
        tuple(Inputs(n=n, flag=flag) for n in (0, 2) for flag in (True, False)),
    ),
    "variable_read_in_a_loop_after_its_update": Program(
        Block(
            (
                Update("v", "assign", Floats((0.25, 0.5, 0.125))),
                While(
                    "i",
                    Int(2),
                    (Carried("s", Name("x")),),
                    Block((Read("a", "v"),), (_mean("s", "a"),)),
                ),
                Update("v", "assign", Name("s")),
            ),
            (Name("s"),),
        ),
        (_V,),
    ),
    "effect_in_a_branch_that_can_never_run": Program(
        Block(
            (
                If(
                    ("a",),
                    Name("flag"),
                    Block((), (Name("x"),)),
                    Block(
                        (
                            If(
                                (),
                                Name("flag"),
                                Block((Update("ref_state", "assign", Name("x")),)),
                                Block(),
                            ),
                        ),
                        (Name("x"),),
                    ),
                ),
            ),
            (Name("x"),),
        ),
        (_REF_STATE,),
        _BOTH_FLAGS,
    ),
    "int_array_written_in_nested_loops": Program(
        Block(
            (
                Read("v", "v"),
                NewArray("a", "i", Int(0), dynamic=True, shaped=False),
                While(
                    "i",
                    Int(1),
                    (Carried("s", Name("v")),),
                    Block(
                        (While("j", Int(1), (), Block((Put("a", Int(0), Int(7)),))),),
                        (Name("s"),),
                    ),
                ),
                Collect("c", "a"),
                While("k", Name("c"), (), Block()),
            ),
            (_mean("s", "v"), Name("k")),
        ),
        (_V,),
    ),
    "variable_read_in_a_branch_that_can_never_run": Program(
        Block(
            (
                If(
                    ("a",),
                    Name("flag"),
                    Block(
                        (
                            If(
                                ("b",),
                                Name("flag"),
                                Block((), (Name("x"),)),
                                Block((Lookup("c", "m", Int(0)),), (Name("c"),)),
                            ),
                        ),
                        (Name("b"),),
                    ),
                    Block((), (Name("x"),)),
                ),
            ),
            (Name("a"),),
        ),
        (_M,),
        _BOTH_FLAGS,
    ),
    "variable_read_only_to_be_waited_for": Program(
        Block(
            (
                While(
                    "i",
                    Int(1),
                    (Carried("s", Name("x")),),
                    Block((Read("a", "state"),), (Name("s"),)),
                ),
                Update("state", "assign_add", Name("x")),
            ),
            (Name("s"), Name("x")),
        ),
        (_STATE,),
    ),
}
