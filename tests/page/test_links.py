"""Links from the page to other files."""

import pathlib

import pytest

from converter.page.links import find_links


def places(folder, stem="report"):
    return {suffix: folder / f"{stem}{suffix}" for suffix in (".html", ".json", ".csv")}


def test_a_page_in_the_tree_links_to_it_wherever_it_is_moved(tmp_path):
    (tmp_path / ".tf1hub").mkdir()
    links = find_links(places(tmp_path), "/not/there/any/more")
    assert (links.json, links.csv, links.models) == ("./report.json", "./report.csv", ".")


def test_a_page_elsewhere_links_to_a_tree_of_this_machine(tmp_path):
    tree = tmp_path / "a b"
    tree.mkdir()
    assert find_links(places(tmp_path), str(tree)).models == tree.as_uri()


@pytest.mark.parametrize("root", ["/not/there", "relative", "a\0b", "", "gs://bucket/x"])
def test_what_is_not_on_this_machine_has_no_link(tmp_path, root):
    assert find_links(places(tmp_path), root).models == ""


def test_names_of_files_are_quoted(tmp_path):
    links = find_links(places(tmp_path, "javascript:a b#?%"), "")
    assert links.json == "./javascript%3Aa%20b%23%3F%25.json"
    other = pathlib.Path(str(tmp_path) + "/\udcff")
    assert find_links(places(other.parent, "\udcff"), "").csv == "./%FF.csv"
