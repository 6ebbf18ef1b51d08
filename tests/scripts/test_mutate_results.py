"""`scripts/mutate_results`: what it makes, and that verify finds it."""

import pathlib
import random

import pytest
from result_mutation import command, judging
from result_mutation.equivalence import explain
from result_mutation.files import Result, edit_copy
from result_mutation.mutants import find_mutants


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """`right(name)` returns the directory of the right result of a fixture."""
    scratch = str(tmp_path_factory.mktemp("right"))
    return lambda name: judging.convert(name, scratch)


def _find(result, kind):
    return next(mutant for mutant in find_mutants(result) if mutant.kind == kind)


def _contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}


def test_every_mutant_can_be_made_and_is_another_file(right, tmp_path):
    source = right("ref_moving_averages")
    kinds = {}
    for mutant in find_mutants(Result(source)):
        kinds.setdefault(mutant.kind, mutant)
    for number, mutant in enumerate(kinds.values()):
        edit_copy(source, tmp_path / str(number), mutant.edit)
        assert _contents(tmp_path / str(number)) != _contents(source), mutant.where


def test_turns_are_taken_among_the_kinds(right):
    mutants = {"m": list(find_mutants(Result(right("ref_moving_averages"))))}
    chosen = command.choose(mutants, 20, random.Random(0))
    kinds = [mutants["m"][number].kind for _, number in chosen]
    assert len(set(chosen)) == 20
    assert len(set(kinds)) >= 15
    assert chosen == command.choose(mutants, 20, random.Random(0))


def test_what_is_equivalent_is_explained_from_the_graph(right):
    result = Result(right("half_plus_two"))
    # `serving_default` is another name of the only signature.
    assert not [m for m in find_mutants(result) if "points to another" in m.kind]
    assert explain(_find(result, "variable by one ULP"), result) == ""
    swapped = next(
        m for m in find_mutants(result) if m.kind == "inputs swapped" and "(Mul) 0, 1" in m.where
    )
    assert explain(swapped, result) == "the op is commutative"
    stopped = _find(result, "gradient stopped")
    assert explain(stopped, result) == ""


def test_a_stride_of_a_slice_of_one_element_changes_nothing(right):
    result = Result(right("ref_moving_averages"))
    mutants = [m for m in find_mutants(result) if m.kind == "integer constant by one"]
    reasons = {m.where: explain(m, result) for m in mutants if "strided_slice/stack" in m.where}
    strides = {where for where, reason in reasons.items() if "one element" in reason}
    assert strides == {where for where in reasons if "stack_2" in where}
    assert strides != set(reasons)


@pytest.mark.slow
def test_verify_finds_what_can_be_observed(capsys):
    fixtures = ["half_plus_two", "ref_moving_averages", "table_file"]
    assert command.main(["--count", "30", "--seed", "5", "--fixtures", *fixtures]) == 0
    table = capsys.readouterr().out
    assert "| **all** | " in table


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fixture", "kind"),
    [
        ("ref_moving_averages", "constant by one ULP"),
        ("ref_moving_averages", "update dropped"),
        ("half_plus_two", "gradient stopped"),
        ("table_file", "asset's lines swapped"),
        ("dense_regularized", "loss scaled"),
        ("updates_per_signature", "argument ignored"),
    ],
)
def test_verify_finds(right, fixture, kind):
    place = right(fixture)
    number = next(n for n, mutant in enumerate(find_mutants(Result(place))) if mutant.kind == kind)
    assert judging.judge_mutant(fixture, str(place), number).startswith("differs")


def test_the_right_result_is_equal(right):
    place = right("half_plus_two")
    assert judging.judge_right("half_plus_two", str(place)) == "equal"
    assert pathlib.Path(place, "saved_model.pb").is_file()
