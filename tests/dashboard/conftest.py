"""One browser for all tests, and a context of its own for each page."""

import pytest
from playwright.sync_api import expect, sync_playwright

from screen import CHROMIUM, Dashboard, LiveRun, complaints_of, ended_ledger

# The run, the queue, LINE and the browser share the machine.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def browser():
    assert CHROMIUM, "no Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        # A container has no user namespaces for Chromium's sandbox. The pages are our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens an address in a context of its own, with these options."""
    contexts = []

    def open_page(address, **options):
        context = browser.new_context(**options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.complaints = complaints_of(context)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def ended(tmp_path_factory):
    """The dashboard of runs that have ended."""
    with Dashboard(ended_ledger(tmp_path_factory.mktemp("ended"))) as dashboard:
        yield dashboard


@pytest.fixture
def live(tmp_path):
    """A run under way, with its dashboard."""
    with LiveRun(tmp_path, people=20_000) as run:
        yield run
