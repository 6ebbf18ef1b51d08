"""Golden modules, as a sandbox of Bazel has them."""

import pathlib

import pytest

GOLDEN = pathlib.Path(__file__).parents[2] / "legacy_fixtures" / "golden"


def link_files(source, target):
    """Makes folders, and in them a link to each file, as Bazel does."""
    links = []
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        link = target / path.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())
        links.append(link)
    return links


@pytest.fixture
def golden_links(tmp_path):
    """`golden_links(name)` are the files of a golden module, as links below `tmp_path`."""
    return lambda name: link_files(GOLDEN / name / "module", tmp_path / "sandbox" / "half")
