"""Programs whose library has a function with a gradient function."""

import pytest


@pytest.fixture
def library(make_program):
    """`library(f, g)` has these functions, of which g is the gradient of f."""

    def make(*functions, **gradients):
        return make_program(
            functions={function.signature.name: function for function in functions},
            gradients=gradients or {"f": "g"},
        )

    return make


@pytest.fixture
def gradient(make_function):
    body = "d = Mul[T=float](x, dy)"
    return make_function("g", {"x": "float", "dy": "float"}, body, {"dx": "d:z:0"})
