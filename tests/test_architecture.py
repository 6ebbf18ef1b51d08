"""All that `docs/architecture.md` says how to add is added to a copy of the project, and works."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from walkthrough.command import MODULE, fill

from converter.conversion.trace import trace_signature

_ROOT = pathlib.Path(__file__).parents[1]
_PAGE = (_ROOT / "docs" / "architecture.md").read_text()
_HOW_TO = _PAGE.partition("\n## How to add …\n")[2]
_SECTIONS = dict(re.findall(r"^### ([^\n]*: \w+ files)\n(.*?)(?=^###|\Z)", _HOW_TO, re.M | re.S))
_BLOCK = re.compile(r"^(In )?`([\w/]+\.py)`:\n\n```(python|diff)\n(.*?)^```$", re.M | re.S)
# That the new parts have the files of tests that their kind needs.
_TESTS_OF_FILES = [
    f"tests/test_test_files.py::{test}"
    for test in (
        "test_every_pass_has_a_file_and_a_test_file_of_its_name[cancel_negations]",
        "test_every_pass_tests_what_it_leaves_alone[cancel_negations]",
        "test_every_format_has_a_test_file[vouched]",
        "test_every_source_file_has_a_test_file_and_the_reverse[formats]",
        "test_every_source_file_has_a_test_file_and_the_reverse[passes]",
    )
]
_STEPS = re.compile(r"^```\w+ (\w+)=?(\w*)$", re.M)
_NUMBERS = {2: "two", 3: "three", 4: "four"}


def _apply(diff, text):
    """Makes the changes of a diff, whose hunks have lines that occur once in `text`, in a row."""
    for hunk in diff.split("@@\n"):
        lines = [line or " " for line in hunk.splitlines()]
        before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
        after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
        assert text.count(before) == 1, f"not once in the file:\n{before}"
        text = text.replace(before, after)
    return text


def _add_all(project):
    for section in _SECTIONS.values():
        for _, file, kind, code in _BLOCK.findall(section):
            path = project / file
            assert path.exists() == (kind == "diff"), file
            path.write_text(_apply(code, path.read_text()) if kind == "diff" else code)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """The outcome of each test that concerns what is added, and all that pytest said."""
    project = tmp_path_factory.mktemp("project")
    leave_out = shutil.ignore_patterns("__pycache__")
    for name in ("converter", "tests", "scripts/error_catalogue"):
        shutil.copytree(_ROOT / name, project / name, ignore=leave_out)
    shutil.copy(_ROOT / "pyproject.toml", project)
    (project / "legacy_fixtures").symlink_to(_ROOT / "legacy_fixtures")
    _add_all(project)
    tests = {file for _, file, _, _ in _BLOCK.findall(_HOW_TO) if file.startswith("tests/")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider",
         *_TESTS_OF_FILES, *sorted(tests)],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.findall(r"^(PASSED|FAILED|ERROR) (\S+?)::", done.stdout, re.M)
    return {file: {o for o, f in found if f == file} for _, file in found}, done.stdout


@pytest.mark.parametrize("title", _SECTIONS)
def test_what_the_page_adds_works(title, outcomes):
    files = {file for _, file, _, _ in _BLOCK.findall(_SECTIONS[title])}
    (tests,) = (file for file in files if file.startswith("tests/"))
    by_file, printed = outcomes
    assert by_file.get(tests) == {"PASSED"}, printed
    assert title.endswith(f": {_NUMBERS[len(files)]} files")


def test_what_the_page_adds_has_the_tests_that_its_kind_needs(outcomes):
    assert outcomes[0]["tests/test_test_files.py"] == {"PASSED"}, outcomes[1]


def test_the_page_says_how_to_add_each_kind_of_part():
    kinds = [title.split(":")[0].split()[1] for title in _SECTIONS]
    assert kinds == ["pass", "format", "parity", "subcommand", "option"]


def test_the_module_goes_the_way_that_the_page_shows():
    """`scripts/follow_module` writes what is missing here."""
    assert _STEPS.findall(_PAGE), "the page shows no steps"
    assert fill(_PAGE) == _PAGE


def test_a_pass_that_changes_the_module_is_shown():
    passes = trace_signature(MODULE).passes
    changed = {step.name for step in passes if step.before is not step.after}
    assert changed == {name for _, name in _STEPS.findall(_PAGE) if name}


def test_every_folder_is_in_the_table():
    listed = re.findall(r"^\| `(\w+)` \|", _PAGE, re.M)
    folders = {p.parent.name for p in (_ROOT / "converter").glob("*/__init__.py")}
    assert sorted(listed) == sorted(folders)


def test_the_pictures_and_files_that_the_page_names_exist():
    prose = re.sub(r"^```.*?^```$", "", _PAGE, flags=re.M | re.S)
    for name in re.findall(r"\]\((\S+?)\)", prose):
        assert (_ROOT / "docs" / name).exists(), name
    named = re.findall(r"`((?:converter|scripts|tests|legacy_fixtures)/[\w/.]+)`", _PAGE)
    added = {file for _, file, kind, _ in _BLOCK.findall(_HOW_TO) if kind == "python"}
    for name in set(named) - added - {"converter/migration/engines/x.py"}:
        assert (_ROOT / name).exists(), name
