"""The report as a user meets it: in Chromium, with a mouse and with a keyboard."""

import json
import re

import pytest
import report_data
from browser.expectations import expect

import converter

pytestmark = pytest.mark.browser

_NOTE_FIRST_ROW = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("[data-place]")) return;
  window.firstRow = performance.now();
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""


# Scrolls through all rows in 50 steps, and returns how long the page took to draw the slowest.
_SCROLL = """
async () => {
  const step = document.body.scrollHeight / 50;
  let longest = 0;
  for (let frame = 0; frame < 50; frame++) {
    const start = performance.now();
    scrollBy(0, step);
    dispatchEvent(new Event("scroll"));
    await new Promise((resolve) => requestAnimationFrame(resolve));
    document.body.offsetHeight;
    longest = Math.max(longest, performance.now() - start);
  }
  return longest;
}
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a migration with every outcome."""
    root = tmp_path_factory.mktemp("migration")
    outcomes = [
        *report_data.one_of_each(root),
        *(report_data.saved(root, f"many/m{n:03}", seconds=n / 10) for n in range(120)),
    ]
    report_data.write_journal(root, outcomes, begun=["text/begun"])
    return converter.report(root).html


@pytest.fixture
def page(open_page, report):
    return open_page(report)


def paths(page):
    """The modules that are drawn, from top to bottom."""
    return page.locator("#rows a.path").all_text_contents()


def shown(page):
    return page.locator("#shown").inner_text()


def address(page):
    return page.evaluate("location.hash")


def test_the_table_has_all_modules_by_path(page):
    assert shown(page) == "129 modules"
    assert page.locator("#table").get_attribute("aria-rowcount") == "130"
    assert paths(page)[:4] == ["image/crash", "image/differs", "image/resnet", "image/slow"]


def test_a_column_sorts_up_and_down(page):
    head = page.get_by_role("columnheader", name="Time")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert paths(page)[:2] == ["many/m000", "many/m001"]
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert paths(page)[:2] == ["image/slow", "text/nnlm"]
    assert page.locator("[role=columnheader][aria-sort=none]").count() == 6
    assert address(page) == "#sort=-seconds"


def test_what_has_no_value_is_last_either_way(page):
    head = page.get_by_role("columnheader", name="Worst error").get_by_role("button")
    head.click()
    assert paths(page)[:2] == ["image/resnet", "text/nnlm"]
    head.click()
    assert paths(page)[:2] == ["text/nnlm", "image/resnet"]


def test_outcomes_filter(page):
    filters = page.locator("#filters")
    filters.get_by_role("button", name="refused").click()
    assert paths(page) == ["text/other_queue", "text/queue"]
    assert shown(page) == "2 of 129 modules"
    filters.get_by_role("button", name="crashed").click()
    assert paths(page) == ["image/crash", "text/other_queue", "text/queue"]
    assert filters.locator("[aria-pressed=true]").count() == 2
    filters.get_by_role("button", name="refused").click()
    assert paths(page) == ["image/crash"]
    assert address(page) == "#outcome=crashed"


def test_the_chart_s_legend_filters(page):
    page.locator(".legend").get_by_role("link", name="timed out").click()
    assert paths(page) == ["image/slow"]
    page.go_back()
    assert shown(page) == "129 modules"


def test_search_finds_paths_outcomes_and_errors(page):
    search = page.get_by_label("Search")
    for text, expected in {
        "NNLM": ["text/nnlm"],
        "text unsupportedop": ["text/other_queue", "text/queue"],
        "timed out": ["image/slow"],
        "resnet image": ["image/resnet"],
    }.items():
        search.fill(text)
        assert paths(page) == expected
    search.fill("no such thing")
    assert paths(page) == []
    page.get_by_role("button", name="Show all", exact=True).click()
    assert shown(page) == "129 modules"
    assert search.input_value() == ""


def test_a_cause_filters(page):
    page.get_by_role("link", name="show in the table").click()
    assert paths(page) == ["text/other_queue", "text/queue"]
    expect(page.locator("#cause")).to_contain_text("UnsupportedOpError node … has op Foo")
    page.get_by_role("button", name="Show all causes").click()
    assert shown(page) == "129 modules"


def test_a_module_opens_and_shows_what_is_known(page):
    page.get_by_role("link", name="text/nnlm").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="text/nnlm")).to_be_focused()
    expect(dialog).to_contain_text('obj.default({"images": …, "ids": …}, training=False)')
    expect(dialog).to_contain_text("sparse float32 of any rank")
    expect(dialog).to_contain_text("Variables: 300")
    expect(dialog).to_contain_text("61 tensors compared, 2 of them bit for bit")
    assert dialog.locator("svg.chart").count() == 1
    # A picture for each of the first tensors; strings have none.
    assert dialog.locator("svg.spark").count() == 25
    assert "apart by 2 to 3" in dialog.locator("svg.spark").first.get_attribute("aria-label")
    dialog.get_by_role("button", name="Show all 61").click()
    assert dialog.locator("svg.spark").count() == 60
    dialog.get_by_role("button", name="Show all 300").click()
    expect(dialog).to_contain_text("scope/w299")
    assert address(page) == "#module=text/nnlm"


def test_a_module_that_failed_says_why_and_what_to_do(page):
    page.get_by_role("link", name="text/queue").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("UnsupportedOpError node 'a' has op Foo")
    expect(dialog).to_contain_text("At node queue/dequeue")
    expect(dialog).to_contain_text("What to do: Import its package.")


def test_a_module_closes_in_every_way(page):
    dialog = page.get_by_role("dialog")
    ways = {
        "escape": lambda: page.keyboard.press("Escape"),
        "button": lambda: dialog.get_by_role("button", name="close").click(),
        "back": page.go_back,
        "beside": lambda: page.mouse.click(20, 400),
    }
    page.locator("#filters").get_by_role("button", name="refused").click()
    for close in ways.values():
        page.get_by_role("link", name="text/queue").last.click()
        expect(dialog).to_contain_text("queue/dequeue")
        close()
        expect(dialog).to_be_hidden()
        assert address(page) == "#outcome=refused"
        assert shown(page) == "2 of 129 modules"


def test_forward_opens_it_again(page):
    page.get_by_role("link", name="text/queue").last.click()
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.go_forward()
    expect(page.get_by_role("dialog")).to_contain_text("queue/dequeue")


def test_a_link_leads_to_a_module_and_to_a_filter(open_page, report):
    page = open_page(report, "#module=text/queue&outcome=refused&sort=-path")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("queue/dequeue")
    dialog.get_by_role("button", name="next").click()
    expect(dialog).to_contain_text("node 'b' has op Foo")
    assert dialog.get_by_role("button", name="next").is_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert paths(page) == ["text/queue", "text/other_queue"]


@pytest.mark.parametrize(
    "hash_", ["#module=no/such", "#outcome=x&sort=y&cause=99&q=", "#cause=-1", "#runs", "#&&=%zz"]
)
def test_an_address_that_means_nothing_does_no_harm(open_page, report, hash_):
    page = open_page(report, hash_)
    assert shown(page) == "129 modules"
    if "module" in hash_:
        expect(page.get_by_role("dialog")).to_contain_text("has no module of this name")


def test_the_keyboard_walks_through_the_table(page):
    page.get_by_role("link", name="image/crash").last.focus()
    focused = page.locator("#rows a:focus")
    for key, expected in [
        ("ArrowDown", "image/differs"),
        ("End", "text/queue"),
        ("ArrowUp", "text/other_queue"),
        ("Home", "image/crash"),
        ("ArrowUp", "image/crash"),
    ]:
        page.keyboard.press(key)
        expect(focused).to_have_text(expected)
        expect(focused).to_be_in_viewport()
    page.keyboard.press("PageDown")
    assert int(focused.locator("xpath=../..").get_attribute("data-place")) > 5
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_focus_stays_where_it_is_while_the_page_scrolls(page):
    page.get_by_role("link", name="image/crash").last.focus()
    page.mouse.wheel(0, 10_000)
    expect(page.locator("#rows a").last).to_have_text("text/queue")
    expect(page.locator("#rows a:focus")).to_have_text("image/crash")


def test_rows_are_in_the_document_in_their_order(page):
    for step in (3000, -1500, 900):
        page.mouse.wheel(0, step)
        page.wait_for_timeout(100)
        places = page.eval_on_selector_all(
            "[data-place]", "rows => rows.map(row => Number(row.dataset.place))"
        )
        assert places == sorted(places)


def test_damage_is_said(open_page, tmp_path):
    outcome = report_data.saved(tmp_path, "m", report=report_data.make_report())
    (tmp_path / "m/assets.extra/conversion.json").write_text("{")
    report_data.write_journal(tmp_path, [outcome])
    journal = tmp_path / ".tf1hub/journal.jsonl"
    journal.write_bytes(b"x\n" + journal.read_bytes())
    page = open_page(converter.report(tmp_path).html, "#module=m")
    expect(page.get_by_role("dialog")).to_contain_text("conversion.json, could not be read")
    expect(page.locator("main .notice").first).to_contain_text("Line 1 of the journal is damaged")


def test_hostile_texts_stay_text(open_page, tmp_path):
    path = report_data.HOSTILE
    record = json.loads(
        json.dumps(report_data.make_record()).replace(
            "scope", json.dumps(report_data.HOSTILE)[1:-1]
        )
    )
    record["warnings"] = record["assets"] = [report_data.HOSTILE]
    outcomes = [
        report_data.saved(tmp_path, path, record, warnings=(report_data.HOSTILE,)),
        report_data.refused(
            tmp_path, f"refused{path}", message=report_data.HOSTILE, node=report_data.HOSTILE,
            details=report_data.HOSTILE,
        ),
    ]  # fmt: skip
    report_data.write_journal(tmp_path, outcomes)
    page = open_page(converter.report(tmp_path).html)
    title = page.title()
    for name in (path, f"refused{path}"):
        page.locator("#rows").get_by_role("link", name=name, exact=True).click()
        expect(page.locator("#module-title")).to_have_text(name)
        expect(page.locator("#details")).to_contain_text(report_data.HOSTILE)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_label("Search").fill("<img")
    assert len(paths(page)) == 2
    assert page.locator("img").count() == 0
    assert page.title() == title


def test_an_old_browser_is_told(open_page, report):
    page = open_page(report, "#module=text/nnlm", script="delete window.DecompressionStream")
    expect(page.get_by_role("dialog")).to_contain_text("cannot unpack the details")


def test_without_scripts_the_page_says_what_it_can(open_page, report):
    page = open_page(report, java_script_enabled=False)
    expect(page.get_by_text("The table needs JavaScript.")).to_be_visible()
    expect(page.locator("h1")).to_have_text(re.compile("122 of 128 modules converted"))
    expect(page.locator(".groups")).to_contain_text("Import its package.")


def test_ten_thousand_rows(open_page, tmp_path, capsys):
    root = report_data.write_many(tmp_path, 10_000)
    page = open_page(converter.report(root).html, script=_NOTE_FIRST_ROW)
    timings = {"first row": page.evaluate("firstRow")}
    timings["whole page"] = page.evaluate(
        "performance.timing.loadEventEnd - performance.timeOrigin"
    )
    assert shown(page) == "10,000 modules"
    drawn = page.locator("[data-place]")
    assert drawn.count() < 80
    for name, action in {
        "sort": "document.querySelectorAll('#heads button')[2].click()",
        "search": "const s = document.getElementById('search'); s.value = 'module_00 group';"
        " s.dispatchEvent(new Event('input'))",
        "filter": "document.querySelector('#filters [data-outcome=refused]').click()",
        "unfilter": "document.getElementById('search').value = '';"
        " document.getElementById('search').dispatchEvent(new Event('input'))",
    }.items():
        timings[name] = page.evaluate(
            f"(() => {{ const t = performance.now(); {action}; document.body.offsetHeight;"
            " return performance.now() - t; })()"
        )
        assert drawn.count() < 80
    assert shown(page) == "100 of 10,000 modules"
    page.locator("#filters").get_by_role("button", name="refused").click()
    page.get_by_role("columnheader", name="Module", exact=True).get_by_role("button").click()
    timings["longest of 50 frames of scrolling"] = page.evaluate(_SCROLL)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("#rows a").last).to_have_text("group_49/module_09999")
    assert drawn.count() < 80
    page.locator("#rows a").last.click()
    expect(page.get_by_role("dialog")).to_contain_text("Variables: 40")
    with capsys.disabled():
        told = ", ".join(f"{name} {milliseconds:.0f} ms" for name, milliseconds in timings.items())
        print(f"\n10,000 rows: {told}")  # noqa: T201


def test_the_policy_stops_what_does_not_belong(browser, report, tmp_path):
    """Were a text to become markup after all, it could neither run nor load anything."""
    smuggled = (
        "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
        "<script src='https://example.com/x.js'></script>"
        "<style>h1 { display: none }</style><base href='https://example.com/'>"
    )
    with open(report, encoding="utf-8") as file:
        text = file.read()
    (tmp_path / "page.html").write_text(text.replace("<header>", f"{smuggled}<header>"))
    context = browser.new_context()
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator("h1").is_visible()
    assert shown(page) == "129 modules"
    assert page.title() != "owned"
    assert asked == [(tmp_path / "page.html").as_uri()]
    assert len([text for text in said if "Content Security Policy" in text]) >= 5
    context.close()
