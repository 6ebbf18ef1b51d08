"""Chromium, and pages in it that must not log an error or ask for anything."""

import os
import pathlib

import pytest

_CHROMIUM = pathlib.Path(os.environ.get("TF1HUB_CHROMIUM", "/usr/bin/chromium"))
_WIDE = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def browser():
    """Chromium, headless."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("playwright is missing: pip install -e '.[browser]'")
    if not _CHROMIUM.exists():
        pytest.fail(
            f"{_CHROMIUM} is missing: apt-get install chromium, or set TF1HUB_CHROMIUM to the path"
            " of a Chromium"
        )
    with sync_playwright() as playwright:
        # Chromium's sandbox does not start for root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe():
    """The script of axe-core, which finds what keeps people from using a page."""
    try:
        import axe_playwright_python
    except ImportError:
        pytest.fail("axe-playwright-python is missing: pip install -e '.[browser]'")
    folder = pathlib.Path(axe_playwright_python.__file__).parent
    return (folder / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def open_page(browser):
    """`open_page(path, address="", **options)` opens a file in a context of its own.

    When the test ends, no page may have logged anything, raised an error, or asked for another
    file than its own.
    """
    contexts, said, asked = [], [], []

    def call(path, address="", script=None, **options):
        context = browser.new_context(**{"viewport": _WIDE, **options})
        contexts.append(context)
        page = context.new_page()
        url = pathlib.Path(path).as_uri()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url.removeprefix(url)))
        if script:
            page.add_init_script(script)
        page.goto(url + address)
        return page

    yield call
    for context in contexts:
        context.close()
    assert said == []
    assert [rest for rest in asked if rest and not rest.startswith("#")] == []
