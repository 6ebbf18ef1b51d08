"""How the report looks: readable in light and dark, wide and narrow, and on paper."""

import pytest
import report_data
from browser.expectations import expect

import converter

pytestmark = pytest.mark.browser

_SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}
_LONG = "differs/" + "long_name_" * 20

# The least contrast of visible text with what is behind it, and where it is.
# https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio
_WORST_CONTRAST = """
() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const channel = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const color = parse(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let worst = { contrast: 21, text: "", count: 0 };
  for (let count = 1; walker.nextNode(); ) {
    const text = walker.currentNode.data.trim();
    const parent = walker.currentNode.parentElement;
    const exempt = "script, :disabled, .hidden, title";
    if (!text || !parent.checkVisibility() || parent.closest(exempt)) continue;
    const style = getComputedStyle(parent);
    const [one, other] = [
      parse(parent instanceof SVGElement ? style.fill : style.color), behind(parent),
    ].map(luminance).sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    worst.count = count++;
    if (contrast < worst.contrast) worst = { ...worst, contrast, text };
  }
  return worst;
}
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    root = tmp_path_factory.mktemp("migration")
    outcomes = [
        *report_data.one_of_each(root),
        report_data.saved(root, _LONG, report=report_data.make_report(9, wrong=True)),
        report_data.refused(root, "long", message="x" * 500, details="y" * 3000 + "\nz"),
        *(report_data.saved(root, f"many/m{n:03}") for n in range(1200)),
    ]  # fmt: skip
    report_data.write_journal(root, outcomes, begun=["text/begun"])
    return converter.report(root).html


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


@pytest.fixture(params=_SIZES)
def size(request):
    return _SIZES[request.param]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "#cause=0&outcome=crashed",
        "#module=text/nnlm",
        "#module=text/queue",
        "#module=long",
        f"#module={_LONG}",
    ],
)
def test_text_is_readable_and_fits(open_page, report, scheme, size, address):
    page = open_page(report, address, color_scheme=scheme, viewport=size)
    if "module" in address:
        expect(page.get_by_role("heading", name="The conversion")).to_be_attached()
    worst = page.evaluate(_WORST_CONTRAST)
    assert worst["count"] > 50
    assert worst["contrast"] >= 4.5, worst
    for box in ("document.documentElement", "document.getElementById('module')"):
        assert page.evaluate(f"{box}.scrollWidth <= {box}.clientWidth"), box


def test_light_and_dark_differ(open_page, report):
    colors = {
        scheme: open_page(report, color_scheme=scheme).evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    }
    assert colors["light"] != colors["dark"]


def test_nothing_moves_while_the_page_loads(open_page, report, size):
    page = open_page(report, viewport=size)
    shift = page.evaluate(
        """() => new Promise((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) sum += entry.value;
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(sum), 500);
        })"""
    )
    assert shift < 0.01


def test_paper_is_white_however_dark_the_screen(open_page, report):
    page = open_page(report, "#module=text/nnlm", color_scheme="dark")
    expect(page.get_by_role("dialog")).to_contain_text("Variables: 300")
    for _ in range(2):
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(_WORST_CONTRAST)["contrast"] >= 4.5
        page.emulate_media(media="screen", color_scheme="dark")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()


def test_on_paper_there_are_all_rows_up_to_a_thousand(open_page, report):
    page = open_page(report)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("[data-place]").count() == 1000
    expect(page.locator("#unprinted")).to_have_text("… and 211 more: report.csv has all.")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("[data-place]").count() < 80
    expect(page.locator("#unprinted")).to_be_hidden()


def test_on_paper_an_opened_module_stands_alone(open_page, report):
    page = open_page(report, "#module=text/nnlm")
    expect(page.get_by_role("dialog")).to_contain_text("Variables: 300")
    page.emulate_media(media="print")
    assert page.locator("main").is_hidden()
    assert page.get_by_role("dialog").is_visible()
    assert len(page.pdf()) > 10_000


def test_the_report_is_printed_in_full(open_page, report):
    pages = open_page(report).pdf()
    assert pages.startswith(b"%PDF")
    assert pages.count(b"/Type /Page\n") > 10
