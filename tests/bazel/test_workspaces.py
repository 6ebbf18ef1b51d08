"""Bazel itself, in scratch workspaces: docs/bazel.md as it stands there, and a wrong import."""

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
def bazel(tmp_path):
    """`bazel(workspace, *argv)` runs Bazel, and returns its status and all it says."""
    start = ["bazel", f"--output_user_root={tmp_path / 'output'}", "--max_idle_secs=30"]
    environment = {**os.environ, "PYTHON_BIN_PATH": sys.executable}
    workspaces = []

    def run(workspace, *argv):
        workspaces.append(workspace)
        done = subprocess.run(
            [*start, *argv], cwd=workspace, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    yield run
    for workspace in set(workspaces):
        run(workspace, "clean", "--expunge")


def digest(directory):
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    assert files
    return {
        path.relative_to(directory): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.fixture
def consumer(tmp_path):
    """The workspace of the docs, beside a link to this project."""
    (tmp_path / "tf1hub").symlink_to(_ROOT)
    workspace = tmp_path / "mine"
    module = _ROOT / "legacy_fixtures/golden/text_embedding_oov/module"
    shutil.copytree(module, workspace / "text_module")
    assert set(_BLOCKS) >= {"WORKSPACE", "BUILD", ".bazelrc"}
    for name in ("WORKSPACE", "BUILD", ".bazelrc"):
        (workspace / name).write_text(_BLOCKS[name].replace("/src/tf1hub", str(_ROOT)))
    return workspace


def test_the_docs_workspace_converts_its_module_and_tests_it(consumer, bazel):
    status, output = bazel(consumer, "test", "--config=offline", "//...")
    assert status == 0, output
    first = digest(consumer / "bazel-bin/text")
    assert pathlib.Path("saved_model.pb") in first

    status, output = bazel(consumer, "test", "--config=offline", "//...")
    assert status == 0
    assert re.search(r"//:text_parity_test\s+\(cached\) PASSED", output), output

    assert bazel(consumer, "clean")[0] == 0
    status, output = bazel(consumer, "build", "--config=offline", "//:text")
    assert status == 0, output
    assert digest(consumer / "bazel-bin/text") == first


def test_a_changed_module_fails_with_one_line(consumer, bazel):
    shard = next(consumer.glob("text_module/variables/*.data-*"))
    values = bytearray(shard.read_bytes())
    values[0] ^= 1
    shard.write_bytes(values)
    status, output = bazel(consumer, "build", "--config=offline", "//:text")
    assert status == 1
    assert re.search(r"^tf1hub: error: .*embeddings/part_\d", output, re.M), output


@pytest.mark.parametrize(
    ("package", "source", "what"),
    [
        ("passes", "from converter.export import saved_model\n", "export.saved_model"),
        ("ir", "def f():\n    import converter.formats.registry\n", "formats.registry"),
    ],
)
def test_an_import_against_the_layers_fails_the_build(tmp_path, bazel, package, source, what):
    project = tmp_path / "project"
    ignored = shutil.ignore_patterns(".*", "bazel-*", "golden", "__pycache__", "*.egg-info")
    shutil.copytree(_ROOT, project, ignore=ignored)
    shutil.copy(_ROOT / ".bazelrc", project)
    target = f"//converter/{package}"
    status, output = bazel(project, "build", "--config=offline", target)
    assert status == 0, output
    (project / "converter" / package / "violation.py").write_text(source)
    status, output = bazel(project, "build", "--config=offline", target)
    assert status == 1
    assert f"violation.py:{len(source.splitlines())}: imports converter.{what}" in output
