"""The browser libraries of Segment and RudderStack, unmodified, on a shop's page in a real Chromium."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright
from tests.clients.conftest import KEY, Pages, Server, summary, wait_for

from footfall.base.chromium import ARGUMENTS
from footfall.events.wire import Source

pytestmark = pytest.mark.browser

SEGMENT = """<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<script src="/ajs/index.js"></script><script>
const analytics = AnalyticsNext.AnalyticsBrowser.load({writeKey: "%(key)s", cdnURL: "%(url)s"})
analytics.ready(() => document.title = "ready")
</script>"""

RUDDER = """<!doctype html><title>Shop</title><link rel="icon" href="data:,">
<script src="/rudder.js"></script><script>
const analytics = new rudderanalytics.RudderAnalytics()
analytics.load("%(key)s", "%(url)s", {configUrl: "%(url)s", useBeacon: %(beacon)s, beaconQueueOptions: {maxItems: 1}})
analytics.ready(() => document.title = "ready")
</script>"""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """One page on the shop's server, and every address it talked to."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.context = browser.new_context()
        self.page: Page = self.context.new_page()
        self.page.on("request", self._note)
        self.page.on(
            "console", lambda message: self.complaints.append(message.text) if message.type == "error" else None
        )
        self.page.goto(url)
        self.page.wait_for_function("document.title === 'ready'")

    def _note(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).hostname or "")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[str], Visit]]:
    visits = []

    def open_page(url: str) -> Visit:
        visits.append(Visit(browser, url))
        return visits[-1]

    yield open_page
    for one in visits:
        one.context.close()


def test_segment_analytics_next(
    server: Server, pages: Pages, visit: Callable[[str], Visit], require: Callable[[str], Path]
) -> None:
    shutil.copytree(require("@segment/analytics-next") / "dist" / "umd", pages.folder / "ajs")
    (pages.folder / "index.html").write_text(SEGMENT % {"key": KEY, "url": server.url})
    shop = visit(pages.origin)
    shop.page.evaluate(
        """async () => {
            await analytics.identify("u1", {plan: "gold"})
            await analytics.page("Home")
            await analytics.track("Product Viewed", {product_id: "s1", price: 9.5})
            await analytics.group("g1", {name: "Family"})
            await analytics.alias("u1", "u0")
        }"""
    )
    events = server.wait_for_events(5)
    anonymous_id = shop.page.evaluate("analytics.instance.user().anonymousId()")
    assert summary(events) == summary(
        [
            {"type": "alias", "anonymousId": anonymous_id, "userId": "u1"},
            {"type": "group", "anonymousId": anonymous_id, "userId": "u1"},
            {"type": "identify", "anonymousId": anonymous_id, "userId": "u1"},
            {"type": "page", "name": "Home", "anonymousId": anonymous_id, "userId": "u1"},
            {"type": "track", "event": "Product Viewed", "anonymousId": anonymous_id, "userId": "u1"},
        ]
    )
    assert [event["previousId"] for event in events if event["type"] == "alias"] == ["u0"]
    assert shop.complaints == []
    assert shop.hosts == {"127.0.0.1"}
    assert all(entry.user_agent.startswith("Mozilla/5.0") and entry.ip == "127.0.0.0" for entry in server.entries())


@pytest.mark.parametrize("uses_beacon", [False, True])
def test_rudder_analytics_js(
    server: Server, pages: Pages, visit: Callable[[str], Visit], require: Callable[[str], Path], uses_beacon: bool
) -> None:
    sdk = require("@rudderstack/analytics-js") / "dist/npm/modern/bundled/umd/index.js"
    shutil.copy(sdk, pages.folder / "rudder.js")
    (pages.folder / "index.html").write_text(
        RUDDER % {"key": KEY, "url": server.url, "beacon": "true" if uses_beacon else "false"}
    )
    shop = visit(pages.origin)
    shop.page.evaluate(
        """() => {
            analytics.identify("u1", {plan: "gold"})
            analytics.page("Home")
            analytics.track("Product Viewed", {product_id: "s1", price: 9.5})
            analytics.group("g1", {name: "Family"})
            analytics.alias("u1", "u0")
        }"""
    )
    wait_for(lambda: server.journal.next_offset() >= 5)
    events = server.events()
    anonymous_id = shop.page.evaluate("analytics.getAnonymousId()")
    assert {event["anonymousId"] for event in events} == {anonymous_id}
    assert sorted(event["type"] for event in events) == ["alias", "group", "identify", "page", "track"]
    assert {event["userId"] for event in events} == {"u1"}
    assert [event["previousId"] for event in events if event["type"] == "alias"] == ["u0"]
    assert {entry.source for entry in server.entries()} == {Source.RUDDER}
    assert shop.complaints == []
    assert shop.hosts == {"127.0.0.1"}
