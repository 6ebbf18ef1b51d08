"""Every block of code in the documentation runs, or says why it does not."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import pytest
from page_blocks import PAGES, PROGRAMS, README, ROOT, as_shell, name_of, read_blocks

# Pages whose blocks another test runs, and of which kinds; it names the page.
_ELSEWHERE = {
    "README.md": ("tests/test_readme_session.py", PROGRAMS),
    "SECURITY.md": ("tests/test_security_page.py", ("python",)),
    "docs/architecture.md": ("tests/test_architecture.py", ("python",)),
    "docs/bazel.md": ("tests/bazel/test_workspaces.py", ("python", "sh")),
    "docs/bulk.md": ("tests/test_readme_session.py", PROGRAMS),
    "docs/commands.md": ("tests/test_readme_session.py", PROGRAMS),
    "docs/conventions.md": ("tests/interface/test_conventions_page.py", ("python",)),
    "docs/example.md": ("tests/test_readme_session.py", PROGRAMS),
    "docs/in_memory.md": ("tests/interface/test_module_specs.py", ("python",)),
    "docs/keras.md": ("tests/test_keras_page.py", ("python",)),
    "docs/saved_models.md": ("tests/interface/test_misplaced_sources.py", ("python",)),
}
# The titles of blocks that are not run, which readers see, too.
_NOT_RUN = {
    "CONTRIBUTING.md": ["it takes hours"],
    "SECURITY.md": ["it names files of yours"],
    "docs/bulk.md": ["it names machines of yours"],
    "docs/commands.md": [
        "it changes files of yours",
        "it needs tensorflow_text",
        "it needs tensorflow_text",
    ],
    "docs/export.md": ["it needs the extra onnx"],
    "docs/in_memory.md": ["it installs packages"],
    "docs/performance.md": ["it takes hours"],
    "docs/serving.md": ["it needs Docker"],
    "docs/sources.md": ["it needs a network", "it needs a network"],
}
_TITLE = "Not run by the tests: "
_IN_README = {block.text for block in read_blocks(README)}


def blocks_to_run(page):
    """The blocks that no other test runs, as `[kind, commands]`."""
    _, kinds = _ELSEWHERE.get(name_of(page), ("", ()))
    blocks = [
        block
        for block in read_blocks(page)
        if block.is_run and block.kind not in kinds and block.text not in _IN_README
    ]
    return [[b.kind, as_shell(b.text) if b.kind == "console" else b.text] for b in blocks]


_TO_RUN = [page for page in PAGES if blocks_to_run(page)]


@pytest.mark.slow
@pytest.mark.skipif(keras.__version__.startswith("2."), reason="the pages are on Keras 3, too")
@pytest.mark.parametrize("page", _TO_RUN, ids=name_of)
def test_the_blocks_of_a_page_run_as_they_stand(page, tmp_path):
    for name in ("legacy_fixtures", "scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "blocks.json").write_text(json.dumps(blocks_to_run(page)))
    done = subprocess.run(
        [sys.executable, str(pathlib.Path(__file__).with_name("run_blocks.py")), "blocks.json"],
        cwd=tmp_path, env=environment(tmp_path / "bin"), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def environment(commands):
    """The variables of a shell in which the project is installed, with few threads."""
    commands.mkdir()
    programs = {
        "python3": f'exec {sys.executable} "$@"',
        "tf1hub": f'exec {sys.executable} -m converter "$@"',
        "saved_model_cli": f'exec {sys.executable} -m tensorflow.python.tools.saved_model_cli "$@"',
    }
    for name, line in programs.items():
        (commands / name).write_text(f"#!/bin/sh\n{line}\n")
        (commands / name).chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def test_pages_whose_blocks_run_are_found():
    names = {name_of(page) for page in _TO_RUN}
    recipes = {name_of(page) for page in ROOT.glob("docs/recipes/*.md")}
    assert len(recipes) == 6
    assert recipes <= names
    assert {"docs/fine_tuning.md", "docs/serving.md", "docs/scripts.md", "docs/index.md"} <= names


def test_blocks_that_do_not_run_say_why_and_are_few():
    titles = {
        name_of(page): [block.title for block in read_blocks(page) if block.title] for page in PAGES
    }
    found = {name: texts for name, texts in titles.items() if texts}
    assert found == {name: [_TITLE + why for why in whys] for name, whys in _NOT_RUN.items()}


@pytest.mark.parametrize("name", _ELSEWHERE)
def test_the_other_test_of_a_page_names_it(name):
    test, kinds = _ELSEWHERE[name]
    assert pathlib.PurePath(name).name in (ROOT / test).read_text()
    assert {b.kind for b in read_blocks(ROOT / name) if b.is_run} & set(kinds)


def test_every_fence_is_read_and_has_a_language():
    for page in PAGES:
        blocks = read_blocks(page)
        fences = [line for line in page.read_text().splitlines() if line.lstrip()[:3] == "```"]
        assert len(fences) == 2 * len(blocks), name_of(page)
        assert all(block.kind for block in blocks), name_of(page)
