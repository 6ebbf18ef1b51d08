"""Links into the report, out of it, and what can be copied from it."""

import json
import pathlib
import urllib.parse

import pytest
import report_data
from browser.expectations import expect

import converter

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("migration")
    outcomes = [
        *report_data.one_of_each(root),
        report_data.saved(root, "loops/open", report=report_data.make_open_report()),
        report_data.saved(root, "many/calls", report_data.make_record(60, ("a", "b", "c", "d"))),
        *(report_data.saved(root, f"many/m{n:03}") for n in range(300)),
    ]
    (root / "many/calls/README.md").write_text("# A card")
    report_data.write_journal(root, outcomes)
    return root


@pytest.fixture(scope="module")
def report(root):
    return converter.report(root).html


def paths(page):
    return page.locator("#rows a.path").all_text_contents()


def test_a_link_to_a_signature_opens_it(open_page, report):
    page = open_page(report, "#module=many/calls&part=call-c")
    card = page.locator('[data-part="call-c"]')
    expect(card).to_be_focused()
    expect(card).to_be_in_viewport()
    assert card.get_attribute("open") is not None
    assert page.locator('[data-part="call-b"]').get_attribute("open") is None


@pytest.mark.parametrize("part", ["variables", "the-conversion", "use-it"])
def test_a_link_to_a_part_leads_to_it(open_page, report, part):
    page = open_page(report, f"#module=many/calls&part={part}")
    expect(page.locator(f'[data-part="{part}"]')).to_be_focused()
    expect(page.locator(f'[data-part="{part}"] h3')).to_be_in_viewport()


def test_each_part_says_its_link(open_page, report):
    page = open_page(report, "#module=many/calls")
    link = page.get_by_role("link", name="Link to Variables")
    assert link.get_attribute("href") == "#module=many/calls&part=variables"
    link.click()
    expect(page.locator('[data-part="variables"]')).to_be_focused()
    assert page.evaluate("location.hash") == "#module=many/calls&part=variables"
    page.reload()
    expect(page.locator('[data-part="variables"]')).to_be_focused()


def test_a_part_that_is_not_there_does_no_harm(open_page, report):
    page = open_page(report, '#module=many/calls&part=x"]:not(y)')
    expect(page.get_by_role("heading", name="The conversion")).to_be_attached()


def test_a_link_to_a_module_that_the_filter_hides_leads_to_its_row(open_page, report):
    page = open_page(report, "#module=many/m250&outcome=refused")
    expect(page.get_by_role("dialog")).to_contain_text("Variables: 2")
    page.keyboard.press("Escape")
    # Its row was far below the window, of which the page makes none before.
    expect(page.locator("#rows a:focus")).to_have_text("many/m250")
    expect(page.locator("#rows a:focus")).to_be_in_viewport()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("#group=not-compared-in-full", ["loops/open"]),
        ("#group=uses-an-op-that-cannot-be-converted", ["text/other_queue", "text/queue"]),
        ("#folder=new", ["new/tf2"]),
        ("#outcome=not_compared", ["loops/open"]),
    ],
)
def test_a_link_to_some_modules_shows_them(open_page, report, address, expected):
    page = open_page(report, address)
    expect(page.locator("#tools")).to_be_in_viewport()
    assert paths(page) == expected


def test_an_address_that_is_typed_into_an_open_page_leads_there(open_page, report):
    page = open_page(report)
    page.evaluate("location.hash = '#folder=new'")
    expect(page.locator("#rows a.path")).to_have_text(["new/tf2"])
    expect(page.locator("#tools")).to_be_in_viewport()
    page.evaluate("location.hash = '#module=text/queue'")
    expect(page.get_by_role("dialog")).to_contain_text("queue/dequeue")


def test_what_a_link_narrows_is_said_and_undone(open_page, report):
    page = open_page(report)
    page.get_by_role("link", name="uses an op that cannot be converted: 2").click()
    expect(page.locator("#cause")).to_contain_text("Only uses an op that cannot be converted")
    page.get_by_role("button", name="Show all causes and folders").click()
    expect(page.locator("#shown")).to_have_text("310 modules")
    expect(page.get_by_label("Search")).to_be_focused()


def test_links_lead_to_the_folder_the_card_and_the_same_for_programs(open_page, report, root):
    page = open_page(report, "#module=many/calls")
    dialog = page.get_by_role("dialog")
    places = {"Open its folder": "many/calls", "Model card": "many/calls/README.md"}
    for name, place in places.items():
        url = dialog.get_by_role("link", name=name).evaluate("link => link.href")
        assert _to_path(url) == root / place
    page.keyboard.press("Escape")
    for name in ("JSON", "CSV"):
        url = page.get_by_role("link", name=name).evaluate("link => link.href")
        assert _to_path(url) == root / f"report.{name.lower()}"
    page.goto(f"{pathlib.Path(report).as_uri()}#module=text/nnlm")
    expect(dialog.get_by_role("link", name="Open its folder")).to_be_visible()
    assert dialog.get_by_role("link", name="Model card").count() == 0


def test_a_page_elsewhere_links_to_the_tree(open_page, root, tmp_path):
    page = open_page(converter.report(root, tmp_path / "page.html").html, "#module=many/calls")
    link = page.get_by_role("link", name="Open its folder")
    assert _to_path(link.evaluate("link => link.href")) == root / "many/calls"


def test_no_path_of_a_module_is_an_address_elsewhere(open_page, tmp_path):
    hostile = ["javascript:alert(1)", "#x?y&z", "a%2Fb", "sp ace", report_data.HOSTILE]
    outcomes = [report_data.saved(tmp_path, path) for path in hostile]
    report_data.write_journal(tmp_path, outcomes)
    report = converter.report(tmp_path).html
    for path in hostile:
        page = open_page(report, f"#module={urllib.parse.quote(path)}")
        link = page.get_by_role("link", name="Open its folder")
        assert _to_path(link.evaluate("link => link.href")) == tmp_path / path


def test_paths_lines_and_commands_are_copied(open_page, report, root):
    page = open_page(report, "#module=many/calls", permissions=["clipboard-read"])
    dialog = page.get_by_role("dialog")

    def copy(name):
        page.get_by_role("button", name=name).click()
        expect(page.locator("#said")).to_have_text("Copied.")
        page.evaluate("document.getElementById('said').textContent = ''")
        return page.evaluate("navigator.clipboard.readText()")

    assert copy("Copy the path of the SavedModel") == str(root / "many/calls")
    lines = copy("Copy the lines of Python").splitlines()
    assert lines[2:4] == [f"module = tf.saved_model.load({str(root / 'many/calls')!r})",
                          "outputs = module({"]  # fmt: skip
    compile("\n".join(lines), "copied", "exec")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_text("Command that retries these 2").first.click()
    command = copy("Copy the command for: uses an op")
    assert command.startswith("tf1hub migrate --retry-failed --verify --workers 2 \\\n")
    assert "--include=text/queue" in command


def test_where_the_clipboard_is_closed_the_text_is_selected(open_page, report, root):
    script = "navigator.clipboard.writeText = () => Promise.reject(Error('closed'));"
    script += "document.execCommand = () => false;"
    page = open_page(report, "#module=many/calls", script=script)
    page.get_by_role("button", name="Copy the path of the SavedModel").click()
    expect(page.locator("#said")).to_contain_text("it is selected")
    assert page.evaluate("getSelection().toString()") == str(root / "many/calls")


def test_what_is_no_tensor_is_not_listed_as_one(open_page, tmp_path):
    values = report_data.make_report().to_json()
    fact = {**values["rows"][-1], "tensor": "variables", "is_fact": True}
    outcome = report_data.saved(tmp_path, "m", report=report_data.make_report())
    values["rows"].append(fact)
    file = tmp_path / ".tf1hub/parity/m/comparison.json"
    file.write_text(json.dumps(values))
    page = open_page(
        converter.report(report_data.write_journal(tmp_path, [outcome])).html, "#module=m"
    )
    section = page.locator('[data-part="compared-with-the-original"]')
    expect(section).to_contain_text("Names, lists and other facts")
    tensors, facts = section.locator("table").all()
    assert "variables" not in tensors.inner_text()
    assert "variables" in facts.inner_text()
    assert "string" not in facts.inner_text()


def _to_path(url):
    parts = urllib.parse.urlsplit(url)
    assert parts.scheme == "file"
    return pathlib.Path(urllib.parse.unquote(parts.path).rstrip("/"))
