import pathlib
import re

import pytest

from converter import errors
from converter.exporters import formats
from converter.exporters.formats import FORMATS, get_format

_PYPROJECT = (pathlib.Path(__file__).parents[2] / "pyproject.toml").read_text()


def test_the_packages_of_tensorflow_are_there():
    assert get_format("litert").title == "LiteRT"


def test_a_format_that_there_is_not():
    with pytest.raises(errors.UsageError, match=r"no format 'coreml'\. Choose one of 'onnx'"):
        get_format("coreml")


def test_missing_packages_are_named_with_the_command_that_installs_them(monkeypatch):
    monkeypatch.setattr(formats, "is_module", lambda name: name == "tf2onnx")
    with pytest.raises(errors.UsageError) as caught:
        get_format("onnx")
    assert str(caught.value) == (
        "exporting to ONNX needs onnxruntime, not installed here."
        ' Install them: pip install "tf1hub-converter[onnx]".'
    )


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_its_name_is_that_of_an_extra_with_its_packages(each):
    (extra,) = re.findall(rf"^{each.name} = \[(.*?)\]", _PYPROJECT, re.M | re.S)
    assert all(f'"{package}>=' in extra for package in each.packages)
