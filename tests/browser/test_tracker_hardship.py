"""What does the tracker do when everything is against it? Nothing that the page would notice, and nothing is lost."""

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import Error as PlaywrightError
from tests.browser.capture import World, shop_and_server

pytestmark = pytest.mark.browser

IS_LOADED = "window.footfall?.isLoaded"
NO_STORAGE = """
    for (const name of ['localStorage', 'sessionStorage'])
      Object.defineProperty(window, name, {get() { throw new DOMException('denied', 'SecurityError') }});
    Object.defineProperty(document, 'cookie', {
      get() { throw new DOMException('denied', 'SecurityError') },
      set() { throw new DOMException('denied', 'SecurityError') },
    });
    navigator.locks.request = () => { throw new DOMException('denied', 'SecurityError') };
"""


@pytest.fixture
def world() -> Iterator[World]:
    with shop_and_server() as made:
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; an error that reaches the page fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


def kept(page: Page) -> bool:
    """Whether events stand in the storage."""
    found: bool = page.evaluate("Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")
    return found


def test_with_storage_and_cookies_denied_the_page_has_one_visitor_and_tries_again(world: World, page: Page) -> None:
    page.add_init_script(NO_STORAGE)
    world.capture.answers = [(503, {})]
    page.goto(world.shop)
    page.wait_for_function(IS_LOADED)
    page.evaluate("footfall.track('A')")
    world.capture.until_event("A")
    assert world.capture.names() == ["page", "A"]
    assert len({event["anonymousId"] for event in world.capture.events}) == 1


def test_in_a_frame_that_may_nothing_events_still_go(world: World, page: Page) -> None:
    world.page("/framed")
    world.site.pages["/outer"] = '<iframe sandbox="allow-scripts" src="/framed"></iframe>'
    page.goto(f"{world.shop}/outer")
    assert world.capture.until_event("page")["context"]["page"]["path"] == "/framed"


def test_with_a_full_storage_what_failed_is_tried_again(world: World, page: Page) -> None:
    page.add_init_script(
        "let n = 0; try { for (;;) localStorage.setItem('fill' + n++, 'x'.repeat(100_000)) } catch {}"
        "try { for (;;) localStorage.setItem('crumb' + n++, 'x') } catch {}"
    )
    world.capture.answers = [(503, {})]
    page.goto(world.shop)
    world.capture.until(lambda c: len(c.requests) == 2, "the second try")
    assert not kept(page)


@pytest.mark.parametrize("off_ms", [86_400_000, -86_400_000])
def test_a_clock_that_is_a_day_off_is_off_in_sent_at_too(world: World, page: Page, off_ms: int) -> None:
    page.add_init_script(
        f"const now = Date.now; Date.now = () => now() + {off_ms};"
        f"Date = class extends Date {{ constructor(...a) {{ super(...(a.length ? a : [now() + {off_ms}])) }} }};"
    )
    page.goto(world.shop)
    event = world.capture.until_event("page")
    sent_at = world.capture.requests[0].batch["sentAt"]
    assert sent_at[:10] == event["timestamp"][:10], "the server takes the difference of both"


def test_a_page_closed_while_its_request_is_under_way_loses_nothing(
    world: World, page: Page, context: BrowserContext
) -> None:
    world.capture.is_hanging = True
    page.goto(world.shop)
    world.capture.until(lambda c: len(c.requests) == 1, "the first request")
    page.evaluate("footfall.track('Last')")
    page.close()
    world.capture.is_hanging = False
    world.capture.until_event("Last")
    later = context.new_page()
    later.goto(f"{world.shop}/later")
    world.capture.until(lambda c: c.names().count("page") == 2, "the later page")
    later.wait_for_function("!Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")
    assert [name for name in world.capture.names() if name != "engagement"] == ["page", "Last", "page"]
    bodies = b"".join(request.body for request in world.capture.requests)
    assert bodies.count(b'"Last"') == 1


def test_what_a_crashed_tab_left_is_sent_by_the_next_page_and_not_before(world: World, context: BrowserContext) -> None:
    world.capture.answers = [(503, {"retry-after": "100"})]
    crashing, other = context.new_page(), context.new_page()
    crashing.goto(f"{world.shop}/crash")
    crashing.wait_for_function(  # kept with its pause: the refusal has come, nothing is written after it
        "Object.keys(localStorage).some(key => key.startsWith('ff_queue_') && JSON.parse(localStorage[key])[1] > 0)"
    )
    crashing.evaluate(  # written more than a minute ago, with no pause left, as other pages see it
        "for (const key of Object.keys(localStorage)) if (key.startsWith('ff_queue_'))"
        "  localStorage[key] = localStorage[key].replace(/^.[0-9]+,[0-9.]+/, '[1,0')"
    )
    other.goto(f"{world.shop}/other")
    other.wait_for_function(IS_LOADED)
    other.evaluate("new Promise(done => requestIdleCallback(() => setTimeout(done, 100)))")
    assert kept(other), "a living tab holds the lock"
    with contextlib.suppress(PlaywrightError):
        crashing.goto("chrome://crash")
    other.wait_for_function("navigator.locks.query().then(({held}) => held.length == 0)")
    other.goto(f"{world.shop}/third")
    world.capture.until(lambda c: any(b'"/crash"' in r.body for r in c.requests[1:]), "the crashed tab's page")
    other.wait_for_function("!Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")


@pytest.mark.parametrize(
    "fetch",
    [
        "() => { throw new Error('broken') }",
        "() => undefined",
        "() => new Promise(() => {})",
        "(...args) => { (window.recorded ??= []).push(args); return Promise.resolve(new Response('{}')) }",
    ],
    ids=["throws", "gives nothing", "hangs", "records"],
)
def test_a_page_that_replaced_fetch_neither_stops_nor_sees_the_tracker(world: World, page: Page, fetch: str) -> None:
    page.add_init_script(f"window.fetch = {fetch}")
    world.capture.answers = [(503, {"retry-after": "1"})]
    page.goto(world.shop)
    page.wait_for_function(IS_LOADED)
    page.evaluate("footfall.track('A')")
    world.capture.until(lambda c: len(c.requests) >= 2 and "A" in c.names(), "the second try")
    assert world.capture.names() == ["page", "A"]
    assert page.evaluate("window.recorded") is None


def test_a_page_that_replaces_fetch_later_doesn_t_see_the_tracker_either(world: World, page: Page) -> None:
    page.goto(world.shop)
    page.wait_for_function(IS_LOADED)
    page.evaluate("window.fetch = () => { throw new Error('broken') }; footfall.track('A')")
    world.capture.until_event("A")


def test_a_hostile_data_layer_neither_stops_the_page_nor_the_tracker(world: World, page: Page) -> None:
    hostile = """<script>
        const circle = {event: 'search', search_term: 'circle'}; circle.self = circle; circle.list = [circle, window];
        const getter = {get event() { throw new Error('getter') }};
        const proxy = new Proxy({}, {get() { throw new Error('proxy') }, ownKeys() { throw new Error('proxy') }});
        const huge = {event: 'search', search_term: 'huge', more: 'x'.repeat(10_000_000), bytes: new Uint8Array(1e7)};
        const frozen = Object.freeze(['event', 'search', Object.freeze({search_term: 'frozen'})]);
        const node = {event: 'search', search_term: 'node', node: document.documentElement};
        window.hostile = [circle, getter, proxy, huge, frozen, node, null, 7, Symbol('s'), () => {}];
        window.dataLayer = [...window.hostile];
    </script>"""
    world.page("/", head=hostile, attributes='data-layer="dataLayer"')
    page.goto(world.shop)
    page.wait_for_function(IS_LOADED)
    page.evaluate("dataLayer.push(...hostile); footfall.track('Done', {n: {n: hostile[0]}})")
    world.capture.until_event("Done")
    terms = [e["properties"]["query"] for e in world.capture.events if e.get("event") == "search"]
    assert terms == ["circle", "huge", "frozen", "node"] * 2
    assert max(len(request.body) for request in world.capture.requests) < 200_000


def test_of_two_trackers_on_a_page_one_speaks(world: World, page: Page) -> None:
    world.page("/", head=world.tag())
    page.goto(world.shop)
    page.wait_for_load_state("load")
    page.evaluate("footfall.track('Last')")
    world.capture.until_event("Last")
    assert world.capture.names() == ["page", "Last"]


def test_a_policy_without_inline_scripts_is_enough(world: World, page: Page) -> None:
    world.site.headers["content-security-policy"] = (
        f"default-src 'none'; script-src {world.server}; connect-src {world.server}; require-trusted-types-for 'script'"
    )
    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
    page.goto(world.shop)
    world.capture.until_event("page")
    page.goto(f"{world.shop}/next")
    world.capture.until(lambda c: c.names().count("page") == 2, "the next page")
    assert [text for text in broken if "favicon" not in text] == []


def test_an_address_that_a_blocker_refuses_is_passed_over(world: World, page: Page, context: BrowserContext) -> None:
    refused: list[str] = []
    page.on("requestfailed", lambda request: refused.append(request.url))
    blocker = context.new_cdp_session(page)
    blocker.send("Network.enable")
    blocker.send("Network.setBlockedURLs", {"urls": ["*blocked.test*"]})
    world.page("/", attributes=f'data-host="http://blocked.test {world.server}"')
    page.goto(world.shop)
    world.capture.until_event("page")
    page.goto(f"{world.shop}/next")
    world.capture.until(lambda c: c.names().count("page") == 2, "the next page")
    assert {url for url in refused if "blocked.test" in url} == {"http://blocked.test/v1/batch"}


def test_a_server_that_hangs_adds_nothing_to_the_load_of_the_page(world: World, page: Page) -> None:
    world.capture.is_hanging = True
    page.goto(f"{world.shop}/one", wait_until="load")
    world.capture.until(lambda c: len(c.requests) == 1, "the first request")
    page.goto(f"{world.shop}/two", wait_until="load")
    assert page.evaluate("document.readyState") == "complete"
    assert "requestfinished" not in world.capture.names()
    world.capture.is_hanging = False
    world.capture.until(lambda c: c.names().count("page") == 2, "both pages")


def test_a_server_that_isn_t_there_adds_nothing_either(world: World, page: Page, free_port: int) -> None:
    world.page("/", attributes=f'data-host="http://127.0.0.1:{free_port}"')
    page.goto(world.shop, wait_until="load")
    page.wait_for_function("Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")
    assert world.capture.requests == []


def test_what_happens_without_a_network_arrives_once_it_is_back(
    world: World, page: Page, context: BrowserContext
) -> None:
    page.goto(world.shop)
    world.capture.until_event("page")
    context.set_offline(True)
    page.evaluate("for (let n = 0; n < 30; n++) footfall.track('Offline', {n})")
    page.wait_for_function("Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")
    context.set_offline(False)
    world.capture.until(lambda c: c.names().count("Offline") == 30, "all of them")
    page.wait_for_function("!Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")
    bodies = b"".join(request.body for request in world.capture.requests)
    assert bodies.count(b'"Offline"') == 30


def test_tabs_of_one_shop_send_each_event_once(world: World, context: BrowserContext) -> None:
    world.capture.answers = [(503, {"retry-after": "1"})] * 200
    tabs = [context.new_page() for _ in range(3)]
    for n, tab in enumerate(tabs):
        tab.goto(f"{world.shop}/tab{n}")
        tab.wait_for_function(IS_LOADED)
        tab.evaluate(f"footfall.track('In tab', {{n: {n}}})")
    tabs[0].goto(f"{world.shop}/moved")
    # What tab 0 sent when it left is in doubt until the page after it has been refused as well.
    world.capture.until(lambda c: any(b"/moved" in request.body for request in c.requests), "the next page's request")
    unused, world.capture.answers = world.capture.answers, []
    n_refused = 200 - len(unused)

    def taken() -> list[int]:
        events = [event for request in world.capture.requests[n_refused:] for event in request.batch["batch"]]
        return sorted(event["properties"]["n"] for event in events if event.get("event") == "In tab")

    world.capture.until(lambda _: set(taken()) == {0, 1, 2}, "every tab")
    for tab in tabs:
        tab.wait_for_function("!Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")
    assert taken() == [0, 1, 2]
