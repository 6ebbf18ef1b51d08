"""Every outcome has a word and a meaning."""

from converter.page.meanings import LABELS, MEANINGS


def test_labels_are_words_and_meanings_sentences():
    assert list(LABELS) == list(MEANINGS)
    assert LABELS["timed_out"] == "timed out"
    assert LABELS["not_legacy"] == "nothing to convert"
    assert all(meaning.endswith(".") for meaning in MEANINGS.values())
