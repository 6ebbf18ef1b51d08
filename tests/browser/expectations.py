"""Playwright's assertions, for tests that can be collected without playwright."""


def expect(subject):
    """`playwright.sync_api.expect`: README's test command collects these tests, too."""
    from playwright.sync_api import expect as of_playwright

    return of_playwright(subject)
