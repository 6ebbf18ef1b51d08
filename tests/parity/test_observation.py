import numpy as np

from converter.parity.observation import VariableFacts, digest, find_changed


def test_digests_tell_values_apart():
    assert digest(np.array([1.0, 2.0])) == digest(np.array([1.0, 2.0]))
    assert digest(np.array([1.0, 2.0])) != digest(np.array([1.0, 3.0]))
    assert digest(np.array([b"a", b""], object)) != digest(np.array([b"", b"a"], object))


def test_finds_what_changed():
    before = {"a": np.ones(2), "b": np.zeros(2), "c": np.zeros(0)}
    after = {"a": np.ones(2), "b": np.array([0.0, 1e-30]), "c": np.zeros((0, 3))}
    assert set(find_changed(before, after)) == {"b", "c"}


def test_facts_are_readable():
    assert str(VariableFacts("float32", (2, None), True, "ab" * 32)).startswith(
        "float32 [2, None] trainable value abab"
    )
    assert "unknown not trainable" in str(VariableFacts("int64", None, False, ""))
