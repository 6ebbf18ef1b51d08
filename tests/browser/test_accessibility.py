"""Everybody can use the report: axe-core finds nothing, and the keyboard reaches everything."""

import json

import pytest
import report_data
from browser.expectations import expect

import converter

pytestmark = pytest.mark.browser

_SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    root = tmp_path_factory.mktemp("migration")
    outcomes = [
        *report_data.one_of_each(root),
        report_data.saved(root, "loops/open", report=report_data.make_open_report()),
        *(report_data.saved(root, f"many/m{n:03}") for n in range(60)),
    ]
    report_data.write_journal(root, outcomes, run="r1")
    report_data.write_journal(root, outcomes[:2], begun=["text/begun"], run="r2")
    return converter.report(root).html


@pytest.fixture
def page(open_page, report):
    return open_page(report)


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("phone", "dark")])
@pytest.mark.parametrize(
    "address",
    ["", "#group=not-compared-in-full", "#module=text/nnlm", "#module=text/queue",
     "#module=loops/open"],
)  # fmt: skip
def test_axe_finds_nothing(open_page, report, axe, scheme, size, address):
    # The policy of the page lets no other script run.
    page = open_page(report, address, color_scheme=scheme, viewport=_SIZES[size], bypass_csp=True)
    if "module" in address:
        expect(page.get_by_role("heading", name="The conversion")).to_be_attached()
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate(axe)
    results = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    found = [
        {"rule": one["id"], "help": one["help"], "nodes": [n["html"] for n in one["nodes"]][:3]}
        for one in results["violations"]
    ]
    assert not found, json.dumps(found, indent=1)
    assert len(results["passes"]) > 20


def test_axe_would_find_something(open_page, report, axe):
    page = open_page(report, bypass_csp=True)
    page.evaluate("document.getElementById('search').previousElementSibling.remove()")
    page.evaluate("document.getElementById('search').removeAttribute('placeholder')")
    page.evaluate(axe)
    assert "label" in page.evaluate("axe.run().then(r => r.violations.map(v => v.id))")


def test_the_tab_key_reaches_every_control_in_order(page):
    """Everything that a mouse can press has the focus once, and is in the window then."""
    expected = page.locator("a[href], button, input, summary, [tabindex='0']").evaluate_all(
        "all => all.filter(one => one.checkVisibility() && !one.disabled).length"
    )
    seen = []
    for _ in range(expected):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => {
                  const one = document.activeElement;
                  one.dataset.seen = (Number(one.dataset.seen) || 0) + 1;
                  const box = one.getBoundingClientRect();
                  const isIn = box.bottom > 0 && box.top < innerHeight;
                  return [one.tagName, Number(one.dataset.seen), isIn];
                }"""
            )
        )
        if page.evaluate("document.activeElement.closest('#rows') !== null"):
            break  # The arrows move on from here; rows are made as the window moves.
    assert {tag for tag, _, _ in seen} >= {"A", "BUTTON", "INPUT", "SUMMARY"}
    assert {count for _, count, _ in seen} == {1}
    assert all(is_in for _, _, is_in in seen)


def test_a_module_is_opened_read_and_left_by_keyboard(page):
    page.get_by_label("Search").focus()
    page.keyboard.type("nnlm")
    expect(page.locator("#shown")).to_have_text("1 of 70 modules")
    page.locator("#rows a").first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="text/nnlm")).to_be_focused()
    for _ in range(12):  # The focus does not leave the dialog for the page behind it.
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body"
            " || document.activeElement.closest('dialog') !== null"
        )
    page.keyboard.press("Escape")
    expect(page.locator("#rows a:focus")).to_have_text("text/nnlm")


def test_the_focus_returns_to_the_link_that_opened_a_module(page):
    link = page.locator("#attention").get_by_role("link", name="loops/open")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("TensorFlow loses them")
    page.keyboard.press("Escape")
    expect(link).to_be_focused()


def test_a_screen_reader_finds_the_parts_and_hears_of_changes(page):
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "63 of 69 modules converted, 2 proven equal, 1 not compared, 60 not verified"
    )
    names = ["Outcomes", "Needs attention", "By folder", "Runs", "Environment", "Modules"]
    for name in names:
        assert page.get_by_role("region", name=name).count() == 1
    # The number of rows is a live region, and each picture has words.
    assert page.get_by_role("status").first.inner_text() == "70 modules"
    for picture in page.get_by_role("img").all():
        assert picture.evaluate(
            "one => one.ariaLabel || document.getElementById("
            "one.getAttribute('aria-labelledby')).textContent"
        )
    history = page.locator("#history-title").text_content()
    assert history.count("2023-11-14 22:13:20 UTC") == 2
    row = page.get_by_role("row").filter(has_text="loops/open")
    assert "not compared" in row.inner_text()
