"""The messages are found by what users have of them, and the foreign ones exist."""

import importlib.util
import inspect
import itertools
import pathlib
import re
import subprocess
import sys

import pytest
import tensorflow as tf

import converter
from converter import catalogue, errors
from converter.catalogue import explain, read_messages

_FOLDER = pathlib.Path(catalogue.__file__).parent
_FOREIGN = read_messages(_FOLDER / "foreign_messages.toml")


def test_a_printed_line_is_found_by_its_template():
    error = errors.PathNotFoundError("there is no file of inputs at a b.npz", remedy="Write them.")
    (message,) = explain(f"tf1hub: error: {error}\n")
    assert (message.error, message.text) == (
        "PathNotFoundError", "there is no file of inputs at {path}",
    )  # fmt: skip
    assert message.is_complete


_WITH_WORDS = [m for m in catalogue._read_all() if catalogue.count_letters(m.text) > 5]


@pytest.mark.parametrize("message", _WITH_WORDS, ids=lambda m: m.text[:40])
def test_every_message_explains_itself(message):
    """What varies is filled in; another message may be as like it."""
    said = re.sub(r"\{\w+\}", "x y/z:0", message.text)
    assert message.text in [found.text for found in explain(f"error: {said}. Do this.")]


def _matches(template, text):
    """As a regular expression says it, which takes ages for some texts."""
    parts = re.split(r"\{\w+\}", template.rstrip("."))
    return re.search(".+?".join(map(re.escape, parts)), text, re.IGNORECASE) is not None


@pytest.mark.parametrize(
    "template", ["a", "a{x}b", "{x}a", "a{x}", "{x}ab{y}a.", "{x}{y}b", "aa{x}aa"]
)
def test_a_template_is_found_where_a_regular_expression_finds_it(template):
    texts = ("".join(letters) for n in range(7) for letters in itertools.product("aBc", repeat=n))
    texts = list(texts)
    found = [text for text in texts if catalogue._has(text.lower(), template)]
    assert found == [text for text in texts if _matches(template, text)]
    assert found


# In a process that dies after so much processor time; what took ages took hours.
_EXPLAIN = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
from converter.catalogue import explain
for text in ("a b ", "x 'y' z: it has 3 ", "not of a b\\n", "itself "):
    explain(text * 5_000)
"""


def test_a_long_text_takes_time_in_proportion_to_its_length():
    assert subprocess.run([sys.executable, "-c", _EXPLAIN], check=False).returncode == 0


def test_lines_that_are_wrapped_are_found():
    (message,) = explain("ValueError: Setting hub.KerasLayer.trainable =\n   True is unsupported"
                         " when loading from the TF1 Hub format.")  # fmt: skip
    assert "tf1hub convert SRC DST" in message.remedy


def test_a_part_of_a_message_is_found():
    assert {m.text for m in explain("outer_context")} == {
        "'NoneType' object has no attribute 'outer_context'"
    }


def test_words_of_a_message_are_found():
    assert explain("keras sequential instances layer")[0].error == "Keras"


@pytest.mark.parametrize("text", ["", "a", "qwertz yxcvb", "xylophone zeppelin archive"])
def test_what_is_like_no_message_is_not_explained(text):
    assert explain(text) == ()


def test_it_is_in_the_package():
    assert converter.explain is explain
    assert isinstance(explain("pkg_resources")[0], converter.Message)


def test_foreign_messages_are_written_for_people():
    for message in _FOREIGN:
        assert message.is_complete
        assert message.cause.endswith(".")
        assert message.remedy.endswith(".")
    assert len({message.cause for message in _FOREIGN}) == len(_FOREIGN)


# Where other packages have a message; what Python itself says stands nowhere.
_SOURCES = {
    "tensorflow_hub": ["tensorflow_hub/keras_layer.py", "tensorflow_hub/module_v2.py"],
    "Keras": ["keras/src/models/sequential.py", "keras/src/backend/common/keras_tensor.py",
              "keras/src/saving/saving_api.py"],
}  # fmt: skip
_OF_PYTHON = re.compile(r"No module named|has no attribute|is not callable")


@pytest.mark.skipif(not tf.__version__.startswith("2.21"), reason="worded as in TensorFlow 2.21")
@pytest.mark.parametrize("message", [m for m in _FOREIGN if m.error in _SOURCES],
                         ids=lambda m: m.text[:40])  # fmt: skip
def test_other_packages_say_so(message):
    if _OF_PYTHON.search(message.text):
        pytest.skip("Python says this")
    site = pathlib.Path(importlib.util.find_spec("tensorflow_hub").origin).parents[1]
    code = "".join((site / name).read_text() for name in _SOURCES[message.error])
    said = re.sub(r'"\s*\n\s*f?"', "", code)
    longest = max(re.split(r"\{\w+\}|'", message.text), key=len)
    assert longest.strip(" .") in said


def test_messages_of_python_are_as_python_says_them():
    hub = pytest.importorskip("tensorflow_hub")
    if not hasattr(hub, "Module"):
        with pytest.raises(AttributeError, match="'tensorflow_hub' has no attribute 'Module'"):
            _ = hub.Module
    module = tf.Module()
    with pytest.raises(TypeError, match="object is not callable"):
        module()
    assert inspect.isfunction(explain)
