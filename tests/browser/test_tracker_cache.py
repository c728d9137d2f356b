"""Does the back button still bring a page back at once? The tracker may not be why a browser throws a page away."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.capture import World, shop_and_server
from tests.browser.conftest import ARGUMENTS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(chromium: str, built: None) -> Iterator[Browser]:
    """A Chromium that keeps pages for the back button; Playwright's usual one doesn't."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=ARGUMENTS, ignore_default_args=["--disable-back-forward-cache"]
        )
        yield browser
        browser.close()


@pytest.fixture
def world() -> Iterator[World]:
    with shop_and_server() as made:
        yield made


def go_and_come_back(page: Page, world: World) -> bool:
    """Whether the first page was kept while the second was looked at."""
    page.evaluate("addEventListener('pageshow', ({persisted}) => { window.wasKept = persisted })")
    page.goto(f"{world.shop}/two")
    page.wait_for_function("window.footfall?.isLoaded")
    page.evaluate("setTimeout(() => history.back())")  # a kept page doesn't load, which go_back would wait for
    page.wait_for_function("window.footfall?.isLoaded && location.pathname == '/one'")
    was_kept: bool = page.evaluate("window.wasKept === true")
    return was_kept


def test_a_page_brought_back_is_seen_again(world: World, page: Page) -> None:
    page.goto(f"{world.shop}/one")
    world.capture.until_event("page")
    assert go_and_come_back(page, world)
    world.capture.until(lambda c: c.names().count("page") == 3, "the third view")
    views = [event["context"]["page"]["path"] for event in world.capture.events if event["type"] == "page"]
    assert views == ["/one", "/two", "/one"]


def test_a_page_that_waits_for_the_server_is_kept_too_and_sends_everything_once(world: World, page: Page) -> None:
    world.capture.answers = [(503, {"retry-after": "1"})]
    page.goto(f"{world.shop}/one")
    page.wait_for_function("Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")
    assert go_and_come_back(page, world)
    world.capture.until(lambda c: c.names().count("page") == 3, "the third view")
    page.wait_for_function("!Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")
    taken = [event["messageId"] for r in world.capture.requests[1:] for event in r.batch["batch"]]
    assert len(taken) == len(set(taken))
