"""A real browser for tests: the system's Chromium, a fresh profile for each test, and the built pages."""

from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.browser.capture import TRACKER

from footfall.base.chromium import ARGUMENTS

expect.set_options(timeout=20_000)  # password hashing takes its time on a busy machine


@pytest.fixture(scope="session")
def built(lacking: Callable[[str, str], NoReturn]) -> None:
    """The tracker and the dashboard, built."""
    if not TRACKER.is_file() or not (TRACKER.parent / "dashboard" / "index.html").is_file():
        lacking("The built front end", "make setup (or: cd frontend && npm ci && npm run build)")


@pytest.fixture(scope="module")
def browser(chromium: str, built: None) -> Iterator[Browser]:
    """One Chromium for a file's tests. Not for the whole run: while it is open, nothing else may run an event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile without a past."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", timezone_id="Europe/Berlin")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab of it."""
    return context.new_page()
