"""Modules with random names, converted and called in every way."""

import collections
import dataclasses
import pathlib
import subprocess
import sys

import hypothesis
import pytest

from converter.assemble import signatures
from converter.compile.signature_names import served_inputs
from fuzz_names.module import Input, Module, Signature
from fuzz_names.oracle import check_live, check_module
from fuzz_names.strategies import modules


def module_of(*names, kind="vector", outputs=("default", "b", "a"), signature="default"):
    return Module((Signature(signature, tuple(Input(name, kind) for name in names), outputs),))


REGRESSIONS = {
    "plain and dollar": module_of("k", "z$b"),
    "sorted otherwise": module_of("0", "b", "a"),
    "eleven unsafe": module_of(*(f"n${index}" for index in range(11))),
    "twelve numbers": module_of(*map(str, range(12))),
    "case": module_of("b", "B", "b_1", outputs=("x", "X", "x_1")),
    "keywords": module_of("in", "class", "in_"),
    "self": module_of("self", "self_", "x"),
    "empty": module_of("", "input"),
    "empty alone": module_of(""),
    "underscores": module_of("_x", "__class__", "arg__x"),
    "not ASCII": module_of("ünï", "é", "É", outputs=("é", "É", "²")),
    "no identifier": module_of("²", "é", "É"),
    "colon": module_of("a:b", "x:0", ":", outputs=("a:b", "/", "")),
    "backslash": module_of("a\\", "b", signature="h\\"),
    "long": module_of("x" * 300, "y"),
    "cleaned alike": module_of("a/b", "a_b", "a.b"),
    "a number that is a name": module_of("_", "-", "__1"),
    "parts of composites": Module(
        (Signature("default", (Input("k", "sparse"), Input("k_indices")), ("o",)),)
    ),
    "names of methods": module_of("cancellation_manager", "args", "kwargs", "cls", "name"),
    "hparams": module_of("self", "training", "inputs", "b", "B", kind="optional"),
    "signature names": Module(
        tuple(
            Signature(name, (Input("x"), Input("z$b")), ("o", "O"))
            for name in ("a", "A", "", "é", "a/b", "serving_default", "__saved_model_init_op")
        )
    ),
}


@pytest.mark.parametrize("name", REGRESSIONS)
def test_regression(name):
    check_module(REGRESSIONS[name])


@pytest.mark.parametrize("name", ["sorted otherwise", "case", "hparams", "signature names"])
def test_live_modules_take_any_names(name):
    check_live(REGRESSIONS[name])


def _check_many(count, seed):
    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=count, derandomize=False)
    @hypothesis.given(modules())
    def check(module):
        check_module(module)

    check()


def test_random_names():
    _check_many(count=5, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 4))
def test_many_random_names(seed):
    _check_many(count=100, seed=seed)


@pytest.mark.slow
def test_the_script_counts_what_it_did():
    script = pathlib.Path(__file__).parents[2] / "scripts" / "fuzz_names"
    command = [sys.executable, str(script), "--examples", "3", "--seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "3 modules, 0 failed; seed 5" in done.stdout


# The oracle.


@pytest.mark.parametrize("name", ["case", "not ASCII"])
def test_inputs_in_another_order_are_found(name, monkeypatch):
    def reverse(signature):
        names = served_inputs(signature)
        parameters = sorted((each.parameter for each in names), reverse=True)
        ranks = dict(zip(sorted(parameters), parameters, strict=True))
        return tuple(dataclasses.replace(each, parameter=ranks[each.parameter]) for each in names)

    monkeypatch.setattr(signatures, "served_inputs", reverse)
    with pytest.raises(AssertionError, match="signatures: 'default'"):
        check_module(REGRESSIONS[name])


def test_random_modules_hold_everything():
    found = collections.Counter()

    @hypothesis.settings(max_examples=200, phases=[hypothesis.Phase.generate])
    @hypothesis.given(modules())
    def count(module):
        for signature in module.signatures:
            names = [each.name for each in signature.inputs]
            found.update(each.kind for each in signature.inputs)
            found["case twins"] += len({name.lower() for name in names}) < len(names)
            found["empty"] += "" in names
            found["self"] += "self" in names
            found["many"] += len(names) == 30
            found["many outputs"] += len(signature.outputs) == 30

    count()
    assert all(found.values())
    assert {"sparse", "optional", "scalar"} <= set(found)
