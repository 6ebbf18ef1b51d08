import ast

import pytest

from bazel import check_imports
from bazel.check_imports import Importable, module_name, violations


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A tree of files, in which the test runs."""
    files = {
        "converter/__init__.py": "from converter.errors import Error\nVERSION: str = '1'\n",
        "converter/errors.py": "class Error(Exception): ...\n",
        "converter/ir/__init__.py": "",
        "converter/ir/graph.py": "",
        "converter/passes/__init__.py": "def run(): ...\nPIPELINE = ()\n",
        "converter/passes/prune.py": "",
        "converter/export/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return [name for name in files if "export" not in name]


def test_names_of_modules():
    assert module_name("converter/ir/graph.py") == "converter.ir.graph"
    assert module_name("converter/ir/__init__.py") == "converter.ir"


@pytest.mark.parametrize(
    "source",
    [
        "import converter.ir.graph",
        "from converter.ir.graph import Node",
        "from converter.ir import graph",
        "from converter import errors, ir, VERSION, Error",
        "from converter.passes import run, PIPELINE, prune",
        "import os.path",
        "import tensorflow as tf\nfrom numpy import array",
    ],
)
def test_it_allows_dependencies_and_what_is_installed(tree, tmp_path, source):
    (tmp_path / "x.py").write_text(source)
    assert list(violations("x.py", Importable(tree))) == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import converter.export", "converter.export"),
        ("import converter.export.saved_model", "converter.export.saved_model"),
        ("from converter.export.saved_model import write", "converter.export.saved_model.write"),
        ("from converter import export", "converter.export"),
        ("def f():\n  from converter import export", "converter.export"),
        ("from converter.ir import region", "converter.ir.region"),
        ("import legacy_fixtures.build", "legacy_fixtures.build"),
    ],
)
def test_it_finds_imports_of_other_targets(tree, tmp_path, source, what):
    (tmp_path / "x.py").write_text(source)
    line = source.count("\n") + 1
    assert list(violations("x.py", Importable(tree))) == [f"x.py:{line}: imports {what}"]


def test_the_program_writes_its_stamp_or_says_why_not(tree, tmp_path, capsys):
    arguments = ["--target=//x", "--stamp=stamp", "--source=x.py"]
    (tmp_path / "arguments").write_text("".join(f"--importable={name}\n" for name in tree))
    (tmp_path / "x.py").write_text("from converter import export")
    assert check_imports.main([*arguments, "@arguments"]) == 1
    assert not (tmp_path / "stamp").exists()
    error = capsys.readouterr().err
    assert "x.py:1: imports converter.export" in error
    assert "//x does not depend on that" in error
    (tmp_path / "x.py").write_text("from converter import errors")
    assert check_imports.main([*arguments, "@arguments"]) == 0
    assert (tmp_path / "stamp").exists()


def test_names_that_a_package_defines():
    text = "import os\nfrom a import b as c\nd = e = 1\nf: int = 2\ndef g(): h = 1\nclass I: ..."
    assert check_imports.defined_names(ast.parse(text)) == {"c", "d", "e", "f", "g", "I"}
