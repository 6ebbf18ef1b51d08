"""Damaged bytes are read or refused; `scripts/fuzz_bytes` searches for more of them."""

import random
import subprocess
import sys

import pytest

from converter import errors
from fuzz_bytes import target
from fuzz_bytes.files import join, split
from fuzz_bytes.mutate import mutate
from fuzz_bytes.regressions import REGRESSIONS, list_regressions
from fuzz_bytes.target import Target, find_failure, minimize
from fuzz_bytes.targets import TARGETS, find_target

_NAMES = [target.name for target in TARGETS]
_INPUTS = 200


@pytest.mark.parametrize("path", list_regressions(), ids=lambda path: "-".join(path.parts[-2:]))
def test_regression(path):
    failure = find_failure(find_target(path.parent.name), path.read_bytes())
    assert failure is None, failure.text


@pytest.mark.parametrize("name", _NAMES)
def test_a_target_reads_its_seeds(name):
    """Otherwise all mutations of them would be refused for the same reason."""
    parser = find_target(name)
    seeds = parser.seeds()
    refused = 0
    for seed in seeds:
        try:
            parser.run(seed)
        except (errors.ConversionError, *parser.refuses):
            refused += 1
    assert refused <= len(seeds) // 2


@pytest.mark.slow
@pytest.mark.parametrize("name", _NAMES)
def test_random_bytes(name):
    parser = find_target(name)
    seeds, rng = parser.seeds(), random.Random(1)
    for _ in range(_INPUTS):
        data = mutate(rng.choice(seeds), seeds, rng)
        failure = find_failure(parser, data)
        if failure is not None:
            smallest = minimize(parser, data, failure.kind)
            pytest.fail(f"store {smallest!r} as {REGRESSIONS / name}/…: {failure.text}")


# The oracle.


def _fail_on(data):
    if b"bad" in data and b"!" in data:
        raise KeyError("x")
    if b"slow" in data:
        sum(range(20_000_000))
    if b"large" in data:
        b"x" * (50 << 20)
    if b"bug" in data:
        raise errors.InternalError("y")
    if b"refused" in data:
        raise errors.FormatError("z")
    if b"documented" in data:
        raise ValueError("z")


_TARGET = Target("one", _fail_on, lambda: [b""], (ValueError,))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"bad!", "KeyError in _fail_on of tests/fuzz_bytes/test_parsers.py"),
        (b"slow", "takes too long"),
        (b"large", "takes too much memory"),
        (b"bug", "InternalError in _fail_on of tests/fuzz_bytes/test_parsers.py"),
    ],
)
def test_a_failure_is_found_and_named(data, kind, monkeypatch):
    monkeypatch.setattr(target, "MAX_SECONDS", 0.05)
    monkeypatch.setattr(target, "MAX_BYTES", 20 << 20)
    assert find_failure(_TARGET, data).kind == kind


@pytest.mark.parametrize("data", [b"", b"refused", b"documented"])
def test_what_is_read_or_refused_is_no_failure(data):
    assert find_failure(_TARGET, data) is None


def test_what_a_target_does_not_document_is_a_failure():
    undocumented = Target("one", _fail_on, lambda: [b""])
    assert find_failure(undocumented, b"documented").kind.startswith("ValueError in _fail_on")


def test_a_failure_inside_of_a_library_is_named_by_the_line_of_ours_that_called_it():
    failure = find_failure(Target("one", errors.first_line, list), _Unprintable())
    assert failure.kind == "ZeroDivisionError in first_line of converter/errors.py"


class _Unprintable:
    def __str__(self):
        return str(1 // 0)


def test_a_failing_input_is_made_small():
    data = b"much before " * 20 + b"bad" + b"between" * 9 + b"!" + bytes(100)
    assert minimize(_TARGET, data, find_failure(_TARGET, data).kind) == b"bad!"


def test_minimizing_keeps_the_kind_of_failure():
    data = b"bug and bad!"
    kind = find_failure(_TARGET, data).kind
    assert minimize(_TARGET, data, kind) == b"bad!"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_decides_all_mutations(seed):
    def make():
        rng = random.Random(seed)
        return [mutate(b"some bytes to change", [b"others"], rng) for _ in range(200)]

    assert make() == make()
    assert len(set(make())) > 150


def test_mutations_of_nothing():
    rng = random.Random(3)
    assert any(mutate(b"", [b"", b"x"], rng) for _ in range(50))


def test_the_files_of_an_input():
    assert split(join([b"one", b"", b"three"]), 3) == [b"one", b"", b"three"]
    assert split(b"\xff\xff\xff\xffabc", 2) == [b"abc", b""]


def test_names_are_distinct():
    assert len(set(_NAMES)) == len(_NAMES)


def test_the_script_says_what_it_needs():
    script = REGRESSIONS.parents[2] / "scripts" / "fuzz_bytes"
    code = f"""
import runpy, sys
sys.modules["atheris"] = None
sys.argv = ["fuzz_bytes", "--minutes", "1"]
runpy.run_path({str(script)!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "fuzz_bytes needs atheris: pip install -e '.[fuzz]'\n"
