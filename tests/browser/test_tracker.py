"""The tracker in a real browser, on one origin, sending to another."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page
from tests.browser.capture import World, shop_and_server

pytestmark = pytest.mark.browser


@pytest.fixture
def world() -> Iterator[World]:
    with shop_and_server() as made:
        yield made


def test_a_page_view_arrives_without_a_preflight(world: World, page: Page) -> None:
    page.goto(f"{world.shop}/women/shoes?utm_source=news&q=1")
    event = world.capture.until_event("page")
    assert event["context"]["page"]["path"] == "/women/shoes"
    assert event["context"]["page"]["search"] == "?utm_source=news&q=1"
    assert event["context"]["timezone"] == "Europe/Berlin"
    request = world.capture.requests[0]
    assert request.method == "POST"
    assert request.path == "/v1/batch"
    assert request.headers["content-type"].startswith("text/plain")
    assert request.batch["writeKey"] == "wk_1"
    assert request.batch["sentAt"] >= event["timestamp"]
    assert [r.method for r in world.capture.requests] == ["POST"] * len(world.capture.requests)


def test_calls_made_before_the_script_has_loaded_are_kept_in_order(world: World, page: Page) -> None:
    stub = (
        "<script>footfall=[];for(const c of ['track','identify'])footfall[c]=(...a)=>footfall.push([c,...a]);"
        "footfall.identify('u1');footfall.track('Early',{n:1})</script>"
    )
    world.page("/", head=stub)
    page.goto(world.shop)
    world.capture.until_event("Early")
    assert world.capture.names()[:3] == ["page", "identify", "Early"]
    assert world.capture.events[2]["userId"] == "u1"


def test_moves_within_a_single_page_app_are_page_views(world: World, page: Page) -> None:
    page.goto(f"{world.shop}/a")
    world.capture.until_event("page")
    page.evaluate("history.pushState({}, '', '/b?x=1'); document.title = 'B'")
    page.evaluate("new Promise(done => setTimeout(done, 20)).then(() => history.replaceState({n: 1}, ''))")
    page.evaluate("history.pushState({}, '', '#part')")
    page.go_back()
    page.go_back()
    world.capture.until(lambda c: c.names().count("page") == 3, "three page views")
    views = [event for event in world.capture.events if event["type"] == "page"]
    assert [view["context"]["page"]["path"] for view in views] == ["/a", "/b", "/a"]
    assert views[1]["context"]["page"]["title"] == "B"
    assert views[1]["context"]["page"]["referrer"] == f"{world.shop}/a"
    assert len({view["anonymousId"] for view in views}) == 1


def test_time_on_a_page_goes_out_when_it_is_left(world: World, page: Page) -> None:
    page.goto(f"{world.shop}/read")
    world.capture.until_event("page")
    page.wait_for_function("performance.now() > 400")
    page.goto("about:blank")
    event = world.capture.until_event("engagement")
    assert event["context"]["page"]["path"] == "/read"
    assert event["properties"]["leave"] is True
    assert event["properties"]["visible_ms"] >= event["properties"]["engaged_ms"] >= 100


def test_an_event_of_the_last_moment_goes_by_beacon(world: World, page: Page) -> None:
    world.page("/", body='<a id="go" href="/next" onclick="footfall.track(\'Last words\')">go</a>')
    page.goto(world.shop)
    world.capture.until_event("page")
    page.click("#go")
    world.capture.until_event("Last words")
    world.capture.until(lambda c: c.names().count("page") == 2, "the next page")
    times = [r for r in world.capture.requests if b"Last words" in r.body]
    assert len(times) == 1, "nothing is sent twice while all goes well"


def test_scrolling_tells_how_far(world: World, page: Page) -> None:
    world.page("/", body='<div style="height:5000px"></div>')
    page.goto(world.shop)
    world.capture.until_event("page")
    page.evaluate("scrollTo(0, 1600)")
    world.capture.until_event("scroll")
    page.evaluate("scrollTo(0, 99999)")
    world.capture.until(lambda c: c.names().count("scroll") == 5, "all marks")
    marks = [event["properties"]["percent"] for event in world.capture.events if event.get("event") == "scroll"]
    assert marks == [25, 50, 75, 90, 100]


def test_marked_clicks_are_events(world: World, page: Page) -> None:
    world.page(
        "/",
        body='<button data-footfall-event="Promotion Clicked" data-footfall-prop-promotion_id="p1"><b>x</b></button>',
    )
    page.goto(world.shop)
    world.capture.until_event("page")
    page.click("b")
    assert world.capture.until_event("Promotion Clicked")["properties"] == {"promotion_id": "p1"}


def test_before_consent_there_is_no_trace_in_cookies_storage_or_network(
    world: World, page: Page, context: BrowserContext
) -> None:
    world.page("/", attributes='data-consent="required"', body='<a href="/two">two</a>')
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(world.shop)
    page.wait_for_function("window.footfall?.isLoaded")
    page.evaluate("footfall.identify('u1', {email: 'ada@example.org'}); footfall.track('A')")
    page.click("a")
    page.wait_for_function("window.footfall?.isLoaded")
    page.evaluate("footfall.flush()")
    page.goto(f"{world.shop}/three")
    page.wait_for_function("window.footfall?.isLoaded")
    assert world.capture.requests == []
    assert [url for url in requests if not url.startswith(world.shop) and not url.endswith("/footfall.js")] == []
    assert context.cookies() == []
    assert page.evaluate("[Object.keys(localStorage), Object.keys(sessionStorage)].flat()") == []
    assert page.evaluate("indexedDB.databases().then(all => all.length)") == 0

    page.evaluate("footfall.consent('granted')")
    world.capture.until_event("page")
    assert world.capture.names() == ["Segment Consent Preference Updated", "page"]
    assert {cookie["name"] for cookie in context.cookies()} == {"ff_anonymous_id", "ff_consent"}


def test_withdrawal_deletes_the_ids_and_stops_what_waits(world: World, page: Page, context: BrowserContext) -> None:
    page.goto(world.shop)
    world.capture.until_event("page")
    page.evaluate("footfall.track('Queued'); footfall.consent(false); footfall.track('After')")
    last = world.capture.until_event("Segment Consent Preference Updated")
    assert last["context"]["consent"] == {
        "categoryPreferences": {"analytics": False, "marketing": False, "personalization": False}
    }
    page.goto(f"{world.shop}/later")
    page.wait_for_function("window.footfall?.isLoaded")
    page.goto("about:blank")
    assert "Queued" not in world.capture.names()
    assert "After" not in world.capture.names()
    assert [cookie["name"] for cookie in context.cookies()] == ["ff_consent"]


def test_global_privacy_control_is_a_no_until_the_visitor_says_yes(world: World, context: BrowserContext) -> None:
    context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    page = context.new_page()
    page.goto(world.shop)
    page.wait_for_function("window.footfall?.isLoaded")
    page.goto(f"{world.shop}/two")
    page.wait_for_function("window.footfall?.isLoaded")
    assert world.capture.requests == []
    assert context.cookies() == []


def test_after_a_503_the_same_events_come_again(world: World, page: Page) -> None:
    world.capture.answers = [(503, {"retry-after": "1"})]
    page.goto(world.shop)
    world.capture.until(lambda c: len(c.requests) >= 2, "the second try")
    first, second = world.capture.requests[:2]
    assert first.batch["batch"][0]["messageId"] == second.batch["batch"][0]["messageId"]
    assert second.batch["sentAt"] > first.batch["sentAt"]


def test_what_could_not_be_sent_survives_a_reload(world: World, page: Page) -> None:
    world.capture.answers = [(503, {"retry-after": "2"})]
    page.goto(f"{world.shop}/first")
    world.capture.until(lambda c: len(c.requests) == 1, "the first try")
    page.wait_for_function("Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")
    page.goto(f"{world.shop}/second")
    world.capture.until(lambda c: any(b'/first"' in r.body for r in c.requests[1:]), "the first page, again")
    page.wait_for_function("!Object.keys(localStorage).some(key => key.startsWith('ff_queue_'))")


def test_options_in_the_address_are_ignored(world: World, page: Page) -> None:
    page.goto(f"{world.shop}/?host=https://evil.example&writeKey=x&__proto__[polluted]=1&constructor[prototype][p]=1")
    world.capture.until_event("page")
    assert page.evaluate("({}).polluted ?? ({}).p ?? null") is None
    assert world.capture.requests[0].batch["writeKey"] == "wk_1"


def test_a_page_brought_back_from_the_cache_is_seen_again(world: World, page: Page) -> None:
    page.goto(f"{world.shop}/one")
    world.capture.until_event("page")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    world.capture.until(lambda c: c.names().count("page") == 2, "the second view")
