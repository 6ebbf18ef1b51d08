"""The examples of `docs/conventions.md`, in the order of the page."""

import pathlib
import re
import shutil
import textwrap

import pytest
from golden.converted_model import convert_to_disk

from interface.test_keras_layer import TENSORFLOW

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "conventions.md").read_text()
EXAMPLES = re.findall(r"^( *)```python\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)
MODULES = {"bert": "bert_tiny", "image": "image_bn_dropout", "text": "text_embedding_oov"}


@pytest.mark.skipif(TENSORFLOW < (2, 16), reason="this TensorFlow comes with Keras 2")
def test_the_examples_run(tmp_path, monkeypatch):
    for name, fixture in MODULES.items():
        shutil.copytree(convert_to_disk(fixture).path, tmp_path / "converted" / name)
    monkeypatch.chdir(tmp_path)
    found = {}
    for _, text in EXAMPLES:
        exec(textwrap.dedent(text), found)
    assert len(EXAMPLES) == 5
    assert found["vocab_file"].endswith(b"vocab.txt")
    assert found["outputs"]["default"].shape.as_list() == [None, 16]
    assert found["sequence_output"].shape.as_list() == [None, None, 16]
    assert (found["height"], found["width"]) == (16, 16)
    assert found["embeddings"].shape.as_list() == [2, 6]
    assert found["model"].output_shape == (None, 4)
    layer = found["Regularized"]("converted/image", call_training_endpoint="serve_training")
    layer(found["tf"].ones([8, 16, 16, 3]), training=True)
    assert layer.losses
