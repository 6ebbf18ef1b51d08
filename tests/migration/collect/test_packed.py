"""Packing keeps each module within its budget, and says what it left out."""

import random

import pytest
import report_data

from converter.migration.collect.packed import budget_bytes, pack


def test_what_fits_is_whole():
    details = {"path": "a", "rows": [{"shape": [1, None], "ok": True}], "none": None, "x": 0.5}
    assert report_data.unpack(pack(details, 4096)) == details


def test_lists_over_the_budget_are_cut_and_say_so():
    letters = random.Random(0)
    names = ["".join(letters.choices("abcdefgh", k=12)) for _ in range(5000)]
    details = {"names": names, "few": ["a", "b"]}
    packed = pack(details, 4096)
    assert len(packed) <= 4096
    found = report_data.unpack(packed)
    kept = len(found["names"]) - 1
    assert kept >= 100
    assert found["names"][:-1] == names[:kept]
    assert found["names"][-1] == {"rest": 5000 - kept}
    assert found["few"] == ["a", "b"]


def test_shapes_and_histograms_are_never_cut():
    noise = random.Random(0).randbytes(100_000).hex()
    details = {"histogram": list(range(65)), "noise": [noise[i : i + 50] for i in range(3000)]}
    packed = pack(details, 4096)
    assert len(packed) <= 4096
    assert report_data.unpack(packed)["histogram"] == list(range(65))


@pytest.mark.parametrize("modules", [1, 10_000, 1_000_000])
def test_the_worst_details_are_within_the_budget(modules):
    noise = random.Random(0)
    texts = [noise.randbytes(1000).hex() for _ in range(30)]
    details = {f"field_{number}": text for number, text in enumerate(texts)}
    details |= {f"list_{number}": texts * 5 for number in range(10)}
    assert len(pack(details, budget_bytes(modules))) <= budget_bytes(modules)


def test_the_page_has_a_bound():
    assert budget_bytes(10_000) * 10_000 <= 48 << 20
    assert budget_bytes(0) == budget_bytes(1) == 192 << 10
    assert budget_bytes(10**6) == 3 << 10
