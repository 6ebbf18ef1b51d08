"""The contracts of pyproject.toml, which `scripts/check` holds, see what they forbid."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

_ROOT = pathlib.Path(__file__).parents[1]

# The linters are in the extra `dev`, which CI installs before it runs slow tests.
pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path):
    """A copy of what the linters read."""
    shutil.copytree(_ROOT / "converter", tmp_path / "converter")
    shutil.copy(_ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _run(project, *command):
    return subprocess.run(
        [sys.executable, *command], cwd=project, capture_output=True, text=True, check=False
    )


def _lint_imports(project):
    """The contracts that do not hold, and all that the linter says."""
    program = "from importlinter.cli import lint_imports_command as main; main()"
    done = _run(project, "-c", program, "--no-cache")
    return re.findall(r"^(.+) BROKEN", done.stdout, re.M), done.stdout


def test_import_linter_sees_each_kind_of_violation(project):
    assert not _lint_imports(project)[0]
    (project / "converter/ir/upwards.py").write_text("from converter.passes import pipeline\n")
    (project / "converter/passes/later.py").write_text(
        "def f():\n    from converter.cli import main\n"
    )
    (project / "converter/errors.py").write_text("import converter.ir.graph\n")
    (project / "converter/parity/face.py").write_text("import converter\n")
    (project / "converter/export/name.py").write_text("from converter import inspect\n")
    (project / "converter/page/journal.py").write_text("import converter.migration.journal\n")
    (project / "converter/assemble/lowers.py").write_text("import converter.passes.pipeline\n")
    (project / "converter/new_room").mkdir()
    (project / "converter/new_room/__init__.py").write_text("")
    broken, output = _lint_imports(project)
    assert len(broken) == 3, output
    for importer in ("ir.upwards", "passes.later", "errors", "parity.face", "export.name"):
        assert f"converter.{importer} -> converter" in output
    assert "converter.page.journal -> converter.migration.journal" in output
    assert "new_room" in output


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("from tensorflow.python.framework import ops", "TID251"),
        ("import tensorflow.python as p", "TID251"),
        ("from tensorflow import python", "TID251"),
        ("import tensorflow as tf\n\ngraph = tf.compat.v1.Graph()", "TID251"),
        ("import tensorflow_hub as hub", "TID253"),
    ],
)
def test_ruff_keeps_tensorflow_s_private_and_old_api_out(project, source, code):
    (project / "converter/ir/violation.py").write_text(source + "\n")
    done = _run(project, "-m", "ruff", "check", "--no-cache", "converter/ir/violation.py")
    assert code in done.stdout
