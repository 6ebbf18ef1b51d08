"""What is wrong with a module, in plain words."""

import pytest

from converter import errors
from converter.page.cause_titles import _FAULT, title_of


@pytest.mark.parametrize(
    ("kind", "message", "remedy", "title"),
    [
        ("FormatError", "saved_model.pb is damaged", "Copy the module again.", "damaged on disk"),
        ("FormatError", "a.zip: the archive is cut off", "Copy it again.", "damaged on disk"),
        ("WeightsError", "the checkpoint has no value for variable 'a'",
         "The checkpoint is damaged or incomplete: copy the module again.", "damaged on disk"),
        ("WeightsError", "variable 'a' has no value: b", "Export the model again.",
         "lacks values of variables"),
        ("FormatError", "tag set {} occurs twice", "Give each different tags.",
         "not a sound TF1 module"),
        # The word alone is no proof: damage is a matter of files.
        ("UnsupportedOpError", "node 'damaged' has op Foo", "",
         "uses an op that cannot be converted"),
        ("ParityError", "the converted module differs from the original: x", "",
         "differs from the original"),
        ("ParityError", "it does not run", "", "comparison failed"),
        ("TimedOut", "it took longer than 1 seconds", "", "took longer than the time limit"),
        ("InternalError", "a pass broke its promise", "", "fault of the converter"),
        ("KeyError", "'a'", "", "fault of the converter"),
    ],
)  # fmt: skip
def test_titles(kind, message, remedy, title):
    assert title_of(kind, message, remedy) == title


def test_every_error_that_is_not_the_converter_s_fault_has_a_title():
    kinds = [
        kind.__name__
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ConversionError)
    ]
    assert len(kinds) > 10
    assert [kind for kind in kinds if title_of(kind, "", "") == _FAULT] == []
