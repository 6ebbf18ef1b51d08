"""Bazel itself, in a scratch workspace: docs/bazel.md as it stands there."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

_ROOT = pathlib.Path(__file__).parents[2]
_DOCS = (_ROOT / "docs/bazel.md").read_text()
_BLOCKS = dict(re.findall(r"^`([\w.]+)`:\n\n```\w*\n(.*?)^```", _DOCS, re.M | re.S))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bazel") is None, reason="Bazel is not installed"),
]


@pytest.fixture
def bazel(tmp_path, consumer):
    """`bazel(*argv)` runs Bazel in the workspace, and returns its status and output."""
    start = ["bazel", f"--output_user_root={tmp_path / 'output'}", "--max_idle_secs=30"]

    def run(*argv):
        done = subprocess.run(
            [*start, *argv], cwd=consumer, env={**os.environ, "PYTHON_BIN_PATH": sys.executable},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    yield run
    run("clean", "--expunge")


def digest(directory):
    files = {path.relative_to(directory): path for path in directory.rglob("*") if path.is_file()}
    assert pathlib.Path("saved_model.pb") in files
    return {name: hashlib.sha256(path.read_bytes()).digest() for name, path in files.items()}


@pytest.fixture
def consumer(tmp_path):
    """The workspace of the docs, beside a link to this project."""
    (tmp_path / "tf1hub").symlink_to(_ROOT)
    workspace = tmp_path / "mine"
    module = _ROOT / "legacy_fixtures/golden/text_embedding_oov/module"
    shutil.copytree(module, workspace / "text_module")
    for name in ("WORKSPACE", "BUILD", ".bazelrc"):
        (workspace / name).write_text(_BLOCKS[name].replace("/src/tf1hub", str(_ROOT)))
    return workspace


def test_the_docs_workspace_converts_its_module_and_tests_it(consumer, bazel):
    status, output = bazel("test", "--config=offline", "//...")
    assert status == 0, output
    first = digest(consumer / "bazel-bin/text")

    status, output = bazel("test", "--config=offline", "//...")
    assert status == 0
    assert re.search(r"//:text_parity_test\s+\(cached\) PASSED", output), output

    assert bazel("clean")[0] == 0
    status, output = bazel("build", "--config=offline", "//:text")
    assert status == 0, output
    assert digest(consumer / "bazel-bin/text") == first


def test_a_changed_module_fails_with_one_line(consumer, bazel):
    shard = next(consumer.glob("text_module/variables/*.data-*"))
    values = bytearray(shard.read_bytes())
    values[0] ^= 1
    shard.write_bytes(values)
    status, output = bazel("build", "--config=offline", "//:text")
    assert status == 1
    assert re.search(r"^tf1hub: error: .*embeddings/part_\d", output, re.M), output
