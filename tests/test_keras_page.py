"""The code of docs/keras.md runs."""

import pathlib
import re
import shutil
import subprocess
import sys

import keras
import pytest
from golden.converted_model import convert_to_disk

_ROOT = pathlib.Path(__file__).parents[1]
_BLOCKS = re.findall(r"```python\n(.*?)```", (_ROOT / "docs" / "keras.md").read_text(), re.DOTALL)
_MODULES = {"image": "image_bn_dropout", "bert": "bert_tiny", "text": "text_embedding_oov"}


def test_all_blocks_are_found():
    assert len(_BLOCKS) == 3


@pytest.mark.slow
@pytest.mark.skipif(keras.__version__.startswith("2."), reason="the page is on Keras 3")
@pytest.mark.parametrize("block", _BLOCKS, ids=range(len(_BLOCKS)))
def test_a_block_runs(block, tmp_path):
    for name, fixture in _MODULES.items():
        shutil.copytree(convert_to_disk(fixture).path, tmp_path / "converted" / name)
    command = [sys.executable, "-W", "error:Gradients do not exist", "-c", block]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(_ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
