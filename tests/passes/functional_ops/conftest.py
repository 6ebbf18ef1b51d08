"""Small functions that ops in tests take."""

import pytest

from converter.ir.text import format_graph, parse_graph
from converter.passes.inline_functions import inline_functions

_FLOAT = {"x": "float"}


@pytest.fixture(scope="session")
def functions(make_function):
    """Functions of one float, and `less` and `step` of a loop over two."""
    pair = {"i": "float", "n": "float"}
    return {
        function.signature.name: function
        for function in (
            make_function("neg", _FLOAT, "y = Neg[T=float](x)", {"out": "y:y:0"}),
            make_function("same", _FLOAT, "", {"out": "x"}),
            make_function("one", _FLOAT, "c = Const[dtype=float]()", {"out": "c:output:0"}),
            make_function(
                "shout", _FLOAT, "s = PrintV2(x)", {"out": "x"}, stateful=True
            ),
            make_function("shout_only", _FLOAT, "s = PrintV2(x)", {}, stateful=True),
            make_function("quiet", _FLOAT, "", {}),
            make_function(
                "less", pair, "p = Less[T=float](i, n)", {"out": "p:z:0"}, results={"out": "bool"}
            ),
            make_function("double", pair, "j = Add[T=float](i, i)", {"j": "j:z:0", "m": "n"}),
            make_function("swap", pair, "", {"j": "n", "m": "i"}),
            make_function("keep", pair, "", {"j": "i", "m": "n"}),
            make_function(
                "shout_twice", pair, "s = PrintV2(i)\nt = PrintV2(n)",
                {"j": "i", "m": "n"}, stateful=True,
            ),
            make_function(
                "shout_less", pair, "s = PrintV2(i)\np = Less[T=float](i, n)", {"out": "p:z:0"},
                results={"out": "bool"}, stateful=True,
            ),
        )
    }  # fmt: skip


@pytest.fixture
def lower(functions, make_program):
    """`lower(text)` returns the text of the graph after functions are inlined."""

    def run(text, **more):
        program = make_program(functions=functions | more)
        return format_graph(inline_functions(parse_graph(text), program))

    return run
