import inspect
import pickle

import pytest

from converter import errors

_ALL = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, errors.ConversionError)
]


@pytest.mark.parametrize("kind", _ALL)
def test_the_text_is_one_line_of_message_node_and_remedy(kind):
    error = kind("the op\n  is odd", node="scope/x", remedy="Replace\tit.")
    assert str(error) == "the op is odd (at node 'scope/x'). Replace it."


def test_an_error_without_a_remedy_has_that_of_the_catalogue():
    error = errors.FormatError("op 'A' lacks attribute 'T'", node="n")
    assert error.remedy.startswith("Copy the module again from where it was published.")
    assert str(error) == f"op 'A' lacks attribute 'T' (at node 'n'). {error.remedy}"
    assert error.with_message("x: y").remedy == error.remedy

    class Narrower(errors.UnsupportedOpError):
        """A class that the catalogue does not know."""

    assert Narrower("a V1 loop carries no values").remedy.startswith("Carry a counter")
    assert errors.UsageError("a V1 loop carries no values").remedy == ""


@pytest.mark.parametrize("name", ["' has no attribute '" * 4000, "\x1b\u202e\n" * 4000])
def test_names_of_strangers_neither_slow_an_error_down_nor_break_its_line(name):
    error = errors.FormatError(f"op {name!r} has no attribute {name!r}", node=name)
    assert error.remedy.startswith("Use the TensorFlow that exported the module")
    assert str(error).isprintable()


def test_node_and_remedy_may_be_absent():
    assert str(errors.FormatError("it is odd")) == "it is odd."
    assert str(errors.FormatError("it is damaged", remedy="Copy it.")) == "it is damaged. Copy it."


@pytest.mark.parametrize("kind", _ALL)
def test_errors_cross_process_boundaries(kind):
    error = kind("m", node="n", remedy="r")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, again.node, again.remedy) == ("m", "n", "r")
    assert str(again) == str(error)


def test_our_own_fault_is_kept_apart():
    assert not issubclass(errors.InternalError, errors.ConversionError)
    assert not issubclass(errors.ConversionError, errors.InternalError)


@pytest.mark.parametrize("kind", [*_ALL, errors.InternalError])
def test_every_error_says_whose_fault_it_is(kind):
    assert kind.__doc__


def test_no_text_holds_what_a_terminal_obeys():
    error = errors.FormatError("it has \x1b[31m\u202ered", node="a\x9b", remedy="See \x07.")
    assert str(error) == r"it has \x1b[31m\u202ered (at node 'a\x9b'). See \x07."
    assert error.node == "a\x9b"


def test_exhaustion_is_an_error_of_ours():
    @errors.explaining_exhaustion()
    def fail(error):
        raise error

    with pytest.raises(errors.OutOfMemoryError, match="not enough memory for the module"):
        fail(MemoryError())
    with pytest.raises(errors.UnsupportedOpError, match="the module is nested too deeply"):
        fail(RecursionError())
    with pytest.raises(ValueError, match="other"):
        fail(ValueError("other"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one line", "one line"),
        ("", "ValueError"),
        ("first\nsecond", "first"),
        ("bad index\n\t [[{{node a}}]]", "bad index"),
        (
            "Graph execution error:\n\nDetected at node 'a'\nbad\n\t [[{{node a}}]]\n\nand",
            "bad",
        ),
    ],
)
def test_finds_the_line_of_a_tensorflow_error_that_says_it(text, expected):
    assert errors.summarize(ValueError(text)) == expected
