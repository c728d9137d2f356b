"""Does a real browser keep the id that our server sets, for whom, and how long? All .test names are this machine."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.browser.conftest import ARGUMENTS
from tests.browser.serving import serve
from tests.web.collecting import KEY, SITES

from footfall.adapters.memory import MemoryLog
from footfall.base.clock import SystemClock
from footfall.settings import Settings
from footfall.web.ack import GroupCommit
from footfall.web.asgi import build
from footfall.web.collector import Collector

pytestmark = pytest.mark.browser

ID = "0123456789abcdef0123456789abcdef"
PAGE = b"<!doctype html><title>A page</title><p>Nothing happens by itself.</p>"


class Pages:
    """One page at every address."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = PAGE

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        headers = [(b"content-type", b"text/html"), *self.headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class World:
    """A collector, and pages beside it on another port; both under any name."""

    def __init__(self, collector_url: str, pages_url: str, pages: Pages, log: MemoryLog) -> None:
        self.collector_port = urlsplit(collector_url).port
        self.pages_port = urlsplit(pages_url).port
        self.pages = pages
        self.log = log

    def page_at(self, host: str) -> str:
        return f"http://{host}:{self.pages_port}/"

    def collector_at(self, host: str) -> str:
        return f"http://{host}:{self.collector_port}"


@pytest.fixture
def world() -> Iterator[World]:
    log = MemoryLog()
    ack = GroupCommit(log, max_events=1_000)
    collector = Collector(Settings(), SITES.get, ack, SystemClock(), lambda: 0)
    pages = Pages()
    with serve(build(collector, None)) as collector_url, serve(pages) as pages_url:
        yield World(collector_url, pages_url, pages, log)
    ack.close()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        rules = "--host-resolver-rules=MAP *.test 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, rules])
        yield browser
        browser.close()


def send(page: Page, url: str, domain: str, *, anonymous_id: str = ID, credentials: str = "include") -> int:
    """What the tracker does, in this page; returns the status that the page sees."""
    status: int = page.evaluate(
        """([url, key, domain, id, credentials]) => fetch(url, {method: "POST", credentials, body: JSON.stringify({
            writeKey: key, cookie: {domain, days: 395}, batch: [{type: "page", anonymousId: id}]})
        }).then((answer) => answer.status)""",
        [url, KEY, domain, anonymous_id, credentials],
    )
    return status


def cookies(context: BrowserContext) -> list[tuple[str, str, str]]:
    return [(c["name"], c["value"], c["domain"]) for c in context.cookies()]


def test_a_page_gets_a_cookie_for_the_whole_shop_that_lives_13_months(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    page.goto(world.page_at("www.shop.test"))
    assert send(page, world.collector_at("data.shop.test") + "/v1/batch", "shop.test") == 200
    [cookie] = context.cookies()
    assert (cookie["name"], cookie["value"], cookie["domain"]) == ("ff_anonymous_id", ID, ".shop.test")
    assert abs(cookie["expires"] - time.time() - 395 * 86_400) < 3_600
    assert (cookie["httpOnly"], cookie["sameSite"]) == (False, "Lax")
    assert page.evaluate("document.cookie") == f"ff_anonymous_id={ID}"
    page.goto(world.page_at("other.shop.test"))
    assert page.evaluate("document.cookie") == f"ff_anonymous_id={ID}"


def test_on_an_address_and_another_port_the_cookie_is_for_that_host(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    page.goto(world.page_at("127.0.0.1"))
    assert send(page, world.collector_at("127.0.0.1") + "/ff/v1/b", "") == 200
    assert cookies(context) == [("ff_anonymous_id", ID, "127.0.0.1")]


def test_a_beacon_of_a_page_that_is_left_brings_the_cookie_too(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    page.goto(world.page_at("www.shop.test"))
    body = f'{{"writeKey":"{KEY}","cookie":{{"domain":"shop.test"}},"batch":[{{"type":"page","anonymousId":"{ID}"}}]}}'
    page.evaluate(
        "([url, body]) => navigator.sendBeacon(url, body)", [world.collector_at("data.shop.test") + "/v1/b", body]
    )
    deadline = time.monotonic() + 10
    while not context.cookies():
        assert time.monotonic() < deadline, "the beacon brought no cookie"
        page.wait_for_timeout(20)
    assert cookies(context) == [("ff_anonymous_id", ID, ".shop.test")]


@pytest.mark.parametrize("domain", ["shop.test", "", "test", "evil.test", "data.shop.test"])
def test_a_foreign_page_plants_no_id(context: BrowserContext, world: World, domain: str) -> None:
    page = context.new_page()
    page.goto(world.page_at("www.evil.test"))
    assert send(page, world.collector_at("data.shop.test") + "/v1/batch", domain) == 200
    assert context.cookies() == []


def test_a_form_of_a_foreign_page_that_leads_to_us_plants_no_id(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    page.goto(world.page_at("www.evil.test"))
    body = (
        f'{{"writeKey":"{KEY}","cookie":{{"domain":"shop.test"}},"batch":[{{"type":"page","anonymousId":"{ID}"}}],"x":"'
    )
    with page.expect_navigation():
        page.evaluate(
            """([url, name]) => { const form = document.createElement("form");
                Object.assign(form, {method: "POST", action: url, enctype: "text/plain"});
                const field = document.createElement("input"); Object.assign(field, {name, value: '"}'});
                form.append(field); document.body.append(form); form.submit(); }""",
            [world.collector_at("data.shop.test") + "/v1/batch", body],
        )
    assert page.inner_text("body") == '{"success":true}', "the body was understood"
    assert context.cookies() == []


def test_an_id_that_the_browser_has_is_not_replaced(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    page.goto(world.page_at("www.shop.test"))
    newer = "f" * 32
    page.evaluate(f"document.cookie = 'ff_anonymous_id={newer}; Domain=shop.test; Path=/'")
    send(page, world.collector_at("data.shop.test") + "/v1/batch", "shop.test")
    assert cookies(context) == [("ff_anonymous_id", newer, ".shop.test")]
    send(page, world.collector_at("data.shop.test") + "/v1/batch", "shop.test", anonymous_id=newer)
    [cookie] = context.cookies()
    assert cookie["expires"] > time.time() + 394 * 86_400, "a script's cookie was made to last"


def test_a_page_that_does_not_ask_keeps_nothing(context: BrowserContext, world: World) -> None:
    page = context.new_page()
    page.goto(world.page_at("www.shop.test"))
    url = world.collector_at("data.shop.test") + "/v1/batch"
    page.evaluate(
        """([url, key]) => fetch(url, {method: "POST", credentials: "include", body: JSON.stringify({
            writeKey: key, batch: [{type: "page", anonymousId: "0123456789abcdef"}]})})""",
        [url, KEY],
    )
    send(page, url, "shop.test", credentials="omit")
    assert context.cookies() == []


@pytest.mark.parametrize("name", ["footfall.js", "ff/a.js"])
def test_an_isolated_page_may_load_the_tracker(context: BrowserContext, world: World, built: None, name: str) -> None:
    world.pages.headers = [
        (b"cross-origin-embedder-policy", b"require-corp"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ]
    page = context.new_page()
    page.goto(world.page_at("127.0.0.1"))
    assert page.evaluate("crossOriginIsolated") is True
    load = """([src, crossorigin]) => new Promise((done) => { const script = document.createElement("script");
        if (crossorigin) script.crossOrigin = "anonymous";
        script.onload = () => done("loaded"); script.onerror = () => done("failed");
        script.src = src; document.head.append(script); })"""
    for crossorigin in (True, False):
        assert page.evaluate(load, [f"{world.collector_at('127.0.0.1')}/{name}?{crossorigin}", crossorigin]) == "loaded"


def test_a_page_without_scripts_is_seen_as_one_visitor(browser: Browser, world: World) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    source = f"{world.collector_at('data.shop.test')}/v1/pixel.gif?write_key={KEY}"
    image = f'<img referrerpolicy="no-referrer-when-downgrade" src="{source}">'
    world.pages.body = f"<!doctype html><noscript>{image}</noscript>".encode()
    for path in ("women/shoes", "women/coats"):
        with page.expect_response("**/v1/pixel.gif*") as got:
            page.goto(world.page_at("www.shop.test") + path)
        assert got.value.status == 200
    context.close()
    lines = [line for _, entry in world.log.read(0, 100) for line in entry.body.splitlines()]
    assert [b'/women/shoes"' in lines[0], b'/women/coats"' in lines[1], len(lines)] == [True, True, 2]
    assert lines[0].replace(b"shoes", b"coats") == lines[1], "one visitor"
