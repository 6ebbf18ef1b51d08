"""Every outcome has a word and a meaning."""

from typing import get_args

from converter.migration.outcomes import COUNTED
from converter.page.document import OutcomeName
from converter.page.outcome_labels import LABELS, MEANINGS


def test_labels_are_words_and_meanings_sentences():
    assert set(MEANINGS) == {*COUNTED, "unfinished"} == {*get_args(OutcomeName)}
    assert list(LABELS) == list(MEANINGS)
    assert LABELS["timed_out"] == "timed out"
    assert LABELS["not_legacy"] == "nothing to convert"
    assert all(meaning.endswith(".") for meaning in MEANINGS.values())
