"""The faults that scripts/mutate_code makes, and what it says of them."""

import ast
import pathlib
import subprocess
import sys

import pytest
from mutation import command
from mutation.mutants import find_mutants, mutate, sample
from mutation.running import BrokenTestsError, Outcome
from mutation.tests_of import narrow, wide

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def write(tmp_path):
    def make(source, name="x.py"):
        (tmp_path / name).write_text(source)
        return tmp_path / name

    return make


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a == b", {"a != b"}),
        ("a is not None", {"a is None"}),
        ("a in b", {"a not in b"}),
        ("a and b", {"a or b", "a", "b"}),
        ("a or b or c", {"a and b and c", "a or b", "a or c", "b or c"}),
        ("not a", {"a"}),
        ("a + b", {"a - b"}),
        ("a // 2", {"a * 2", "a // 3"}),
        ("x = True", {"x = False"}),
        ("x = 'Switch'", {"x = 'Switch?'"}),
        ("x = 'text of a message'", set()),
        ("x += y", {"x -= y", "pass"}),
        ("a if b else c", {"a if not b else c"}),
        ("f(a, b)", {"f(b, a)", "pass"}),
        ("x = f(a, a)", set()),
        ("x = f(*a, b)", set()),
        ("x = f(a, b=c)", {"x = f(a)"}),
        ("x = all(a)", {"x = any(a)"}),
        ("x = a.endswith(b)", {"x = a.startswith(b)"}),
        ("x = a[b:c]", {"x = a[:c]", "x = a[b:]"}),
        ("x = {a, b}", {"x = {a}", "x = {b}"}),
        ("a, b = c", set()),
        ("x = {**a, b: c}", {"x = {b: c}", "x = {**a}"}),
        ("for a in b:\n    c()", {"for a in ():\n    c()", "for a in b:\n    pass"}),
        ("x = [a for a in b if c]", {"x = [a for a in () if c]", "x = [a for a in b]"}),
        ("if a:\n    b()", {"if not a:\n    b()", "if a:\n    pass"}),
        ("def f():\n    return a", {"def f():\n    return None"}),
        ("def f():\n    return", set()),
        ("raise E('a', b)", {"pass"}),
        ("while a:\n    break", {"while not a:\n    break", "while a:\n    pass"}),
    ],
)
def test_faults(source, expected, write):
    path = write(source)
    found = [ast.unparse(mutate(path, mutant.number)) for mutant in find_mutants(path)]
    assert set(found) == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    "source",
    [
        '"""x"""',
        'def f():\n    """x"""',
        "from a import b",
        "@dataclass(frozen=True)\nclass A:\n    x: tuple[int, ...]",
        "def f(a: dict[str, int] = {}) -> tuple[int, ...]: ...",
        "x = f'{a + 1}'",
    ],
)
def test_what_changes_nothing_is_left_alone(source, write):
    assert find_mutants(write(source)) == []


def test_a_fault_knows_where_it_is(write):
    (mutant,) = find_mutants(write("x = 1\n\n\ny = a == b\n".replace("x = 1", "x = y")))
    assert (mutant.line, mutant.what) == (4, "comparison")
    assert (mutant.before, mutant.after) == ("a == b", "a != b")


def test_a_draw_is_spread_over_files_and_lines_and_comes_again(write):
    long, short = write("a < b\n" * 30, "long.py"), write("a < b\n" * 10, "short.py")
    drawn = sample([short, long], 20, seed=3)
    assert [sum(m.path == path for m in drawn) for path in (long, short)] == [15, 5]
    assert len({(m.path, m.line) for m in drawn}) == 20
    assert sample([long, short], 20, seed=3) == drawn
    assert sample([long, short], 20, seed=4) != drawn


def test_the_tests_of_a_file():
    scopes = pathlib.Path("converter/passes/functionalize_control_flow/scopes.py")
    guards = scopes.with_name("guards.py")
    assert narrow(guards) == ["tests/passes/functionalize_control_flow/test_guards.py"]
    assert narrow(scopes) == ["tests/passes/test_functionalize_control_flow.py",
                             "tests/passes/functionalize_control_flow"]  # fmt: skip
    assert wide(scopes) == ["tests/passes"]


@pytest.mark.slow
def test_the_tests_run_against_the_fault():
    path = "converter/tensor_bundle/ordered_code.py"
    number = next(m.number for m in find_mutants(ROOT / path) if m.what == "comparison")
    done = subprocess.run(
        [sys.executable, "scripts/mutate_code", path, "--only", str(number), "--stages", "narrow"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1/1 narrow (" in done.stdout
    assert "by tests/tensor_bundle/test_ordered_code.py::" in done.stdout


def test_what_no_test_finds_survives(monkeypatch, capsys):
    monkeypatch.setattr(command, "import_what_all_tests_need", lambda: None)
    monkeypatch.setattr(command, "run_tests", lambda *_: Outcome.SURVIVED)
    assert command.main(["converter/parity/compare.py", "--mutants", "2"]) == 1
    output = capsys.readouterr().out
    assert output.count(" survived (") == 2
    assert output.endswith(f"{'converter/parity':24} {2:20} {2:20}\n")


def test_tests_that_fail_by_themselves_prove_nothing(monkeypatch):
    def fail(tests, log, *_):
        log.write_text(f"{tests} failed")
        return Outcome.KILLED

    monkeypatch.setattr(command, "import_what_all_tests_need", lambda: None)
    monkeypatch.setattr(command, "run_tests", fail)
    with pytest.raises(BrokenTestsError, match="fails without any fault"):
        command.main(["converter/parity/compare.py", "--mutants", "2"])
