"""From a search engine to an order, in a real browser against a real server: the profile says exactly what was done."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.serving import serve
from tests.browser.shopping import COOKIE, KEYWORD, SEARCH_HOST, Shopper, Visited, search_engine, shop_before, stored
from tests.served import Served, until

from footfall.base.chromium import ARGUMENTS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BOOTS, MUG, LAMP = "ridge-boot", "tide-mug", "pebble-lamp"
IS_LOADED = "() => window.footfall?.isLoaded"
SECTIONS = (
    "women women/shoes women/shoes/boots women/shoes/boots cart search house/kitchen/mugs cart sale house/living/lamps"
    " cart cart cart checkout checkout"
).split()
"""Of the pages of the journey, in turn."""
REVENUE = 2 * 159.0 + 99.0


@pytest.fixture(scope="module")
def browser(chromium: str, built: None) -> Iterator[Browser]:
    """A Chromium to which a search engine's host is this machine, and which keeps pages for the back button."""
    with serve(search_engine) as engine, sync_playwright() as playwright:
        rules = f"--host-resolver-rules=MAP {SEARCH_HOST}:80 {engine.removeprefix('http://')}"
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[*ARGUMENTS, rules],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all the shoppers of this file; each is a visitor of their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    # What a shop says whose products' names and orders' numbers stand in its addresses.
    rules = "/*/*/*/* -> $1/$2/$3,/order/* -> checkout"
    served = Served(tmp_path_factory.mktemp("order") / "data", port, FOOTFALL_SECTION_RULES=rules)
    yield served
    served.close()


@pytest.fixture
def served(server: Served) -> Served:
    """That server, running, whatever the test before did to it."""
    if not server.is_running():
        server.start()
    return server


def go_shopping(
    shopper: Shopper,
    *,
    arrived: Callable[[], object] = lambda: None,
    cart_is_full: Callable[[], object] = lambda: None,
    is_decided: Callable[[], object] = lambda: None,
) -> None:
    """The journey, and what happens in between."""
    #  search engine -> women (arrived) -> shoes -> boots -> boots into the cart | search -> mugs into it | sale -> lamp
    #  into it (cart_is_full) | one more pair of boots, no mugs (is_decided) | checkout -> order
    shopper.arrive("/women", list_view=1)
    shopper.look()
    arrived()
    shopper.follow("/women/shoes", list_view=1)
    shopper.follow("/women/shoes/boots", list_view=1)
    shopper.look()
    shopper.choose(BOOTS)
    shopper.look()
    shopper.add_to_cart()
    shopper.find("mug")
    shopper.choose(MUG)
    shopper.add_to_cart(quantity=2)
    shopper.follow("/sale", list_view=1)
    shopper.choose(LAMP)
    shopper.add_to_cart()
    cart_is_full()
    shopper.change_quantity(BOOTS, 2)
    shopper.remove(MUG)
    is_decided()
    shopper.check_out()


def is_told(shopper: Shopper, **more: int) -> dict[str, Any]:
    """The profile, once everything has come; it says each thing exactly once."""
    wanted = {kind: n + more.get(kind, 0) for kind, n in shopper.visited.counts.items()}
    shopper.profile_with(**wanted)
    shopper.served.settled()
    profile = shopper.profile()
    assert {kind: profile["counts"].get(kind, 0) for kind in wanted} == wanted
    assert (profile["orders"]["n"], profile["orders"]["revenue"]) == (1, REVENUE)
    assert profile["cart"]["items"] == []
    assert profile["channel"] == "organic_search"
    assert profile["sessions"]["n"] == 1
    assert profile["sessions"]["keyword"] == KEYWORD
    assert profile["sessions"]["landing"] == "women"
    return profile


@pytest.mark.parametrize(
    ("options", "by_proxy"),
    [({}, False), ({"install": "data-layer"}, False), ({}, True)],
    ids=["tag", "data-layer", "own-domain"],
)
def test_from_a_search_engine_to_an_order(served: Served, page: Page, options: dict[str, Any], by_proxy: bool) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    with shop_before(served, by_proxy=by_proxy, **options) as shop:
        shopper = Shopper(page, shop, served)
        go_shopping(
            shopper,
            cart_is_full=lambda: shopper.cart_is((BOOTS, 1, 159.0), (MUG, 2, 21.0), (LAMP, 1, 99.0)),
            is_decided=lambda: shopper.cart_is((BOOTS, 2, 159.0), (LAMP, 1, 99.0)),
        )
        profile = is_told(shopper)

        happened = shopper.timeline()
        seen = [item for item in happened if item["kind"] == "page_view"]
        assert [item["url"].removeprefix(shop).partition("?")[0] for item in seen] == shopper.visited.paths
        assert [item["section"] for item in seen] == SECTIONS
        dwell_s = {row["section"]: row["dwell_s"] for row in profile["sections"]}
        told_s = sum(item["dwell_s"] or 0 for item in happened if item["section"] == "women/shoes/boots")
        assert dwell_s["women/shoes/boots"] >= 0.5
        assert dwell_s["women/shoes/boots"] == pytest.approx(told_s, abs=1)  # each is rounded to tenths
        assert set(profile["recent_products"]) == {BOOTS, MUG, LAMP}
        assert [one["type"] for one in profile["identities"]] == ["user", "anonymous"]
        assert (f"127.0.0.1:{served.port}" in hosts) != by_proxy

        # The order's page again, and again by the back button
        page.reload()
        page.goto(f"{shop}/sale")
        shopper.back(f"/order/{shopper.order_id}")
        shopper.look()  # a page that is left at once has not been seen
        page.reload()
        after = shopper.profile_with(page_view=shopper.visited.counts["page_view"] + 4)
        assert (after["orders"]["n"], after["orders"]["revenue"]) == (1, REVENUE)
        assert after["counts"]["order"] == 1
    assert errors == []


def test_a_server_killed_in_the_middle_loses_and_doubles_nothing(served: Served, page: Page) -> None:
    #  women | killed | shoes ... cart is full | started | killed | cart is decided | started | order
    n_kills = served.n_kills
    with shop_before(served) as shop:
        shopper = Shopper(page, shop, served)

        def is_killed() -> None:
            shopper.profile_with(page_view=1)
            served.kill()

        def is_started_and_killed() -> None:
            served.start()
            shopper.cart_is((BOOTS, 1, 159.0), (MUG, 2, 21.0), (LAMP, 1, 99.0))
            served.kill()

        go_shopping(shopper, arrived=is_killed, cart_is_full=is_started_and_killed, is_decided=served.start)
        is_told(shopper)
        assert served.n_kills == n_kills + 2


def test_what_is_done_without_a_network_arrives_when_it_is_back(served: Served, page: Page) -> None:
    #  women, house | no network: back to women, boots clicked, no page | network: women, shoes ... order
    with shop_before(served, install="data-layer") as shop:
        shopper = Shopper(page, shop, served)

        def goes_offline() -> None:
            shopper.follow("/house", list_view=1)
            shopper.profile_with(page_view=2)
            page.context.set_offline(True)
            shopper.back("/women")
            shopper.visited.saw("/women")
            page.locator(f'main a[data-product="{BOOTS}"]').first.click(no_wait_after=True)
            shopper.visited.did(product_click=1)
            shopper.until_there_is_no_page()
            page.context.set_offline(False)
            page.goto(f"{shop}/women")
            shopper.visited.saw("/women", list_view=1)

        go_shopping(shopper, arrived=goes_offline)
        is_told(shopper)


def test_a_tab_closed_while_its_order_is_being_sent_counts_it_once(served: Served, page: Page) -> None:
    #  lamp in the cart, checkout | server stands still | order | tab closed | server goes on | another tab
    with shop_before(served) as shop:
        shopper = Shopper(page, shop, served)
        shopper.arrive("/house/living/lamps", list_view=1)
        shopper.choose(LAMP)
        shopper.add_to_cart()
        shopper.profile_with(cart_add=1, cart_view=1)
        with served.paused():
            shopper.check_out()
            page.wait_for_function(IS_LOADED)
            page.close()
        shopper.page = shopper.context.new_page()
        shopper.page.goto(f"{shop}/sale")
        shopper.visited.saw("/sale", list_view=1)
        shopper.profile_with(**shopper.visited.counts)
        served.settled()
        profile = shopper.profile()
        assert {kind: profile["counts"].get(kind, 0) for kind in shopper.visited.counts} == shopper.visited.counts
        assert (profile["orders"]["n"], profile["orders"]["revenue"]) == (1, 99.0)


def test_two_tabs_of_one_browser_are_one_visitor_and_double_nothing(served: Served, page: Page) -> None:
    #  tab 1   women/shoes/boots  boots          boots into the cart                     sale       closed
    #  tab 2                             mugs  mug                   mug into the cart         order
    with shop_before(served) as shop:
        first = Shopper(page, shop, served)
        first.arrive("/women/shoes/boots", list_view=1)
        first.choose(BOOTS)
        second = Shopper(page.context.new_page(), shop, served, first.visited)
        second.page.goto(f"{shop}/house/kitchen/mugs")
        second.visited.saw("/house/kitchen/mugs", list_view=1)
        second.choose(MUG)
        first.add_to_cart()
        second.add_to_cart()
        first.follow("/sale", list_view=1)
        second.check_out()
        page.close()
        second.profile_with(**second.visited.counts)
        served.settled()
        profile = second.profile()
        assert {kind: profile["counts"].get(kind, 0) for kind in second.visited.counts} == second.visited.counts
        assert (profile["orders"]["n"], profile["orders"]["revenue"]) == (1, 180.0)
        assert profile["sessions"]["n"] == 1
        assert profile["cart"]["items"] == []


@pytest.mark.parametrize("install", ["tag", "data-layer"])
def test_nothing_is_stored_or_sent_before_a_yes_nor_after_a_no(served: Served, page: Page, install: str) -> None:
    server = f"http://127.0.0.1:{served.port}/"
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.startswith(server) else None)
    nothing = {"cookies": [], "localStorage": [], "sessionStorage": [], "indexedDB": [], "caches": []}
    with shop_before(served, is_consent_required=True, install=install) as shop:
        before = served.settled()["received"]
        shopper = Shopper(page, shop, served)
        shopper.arrive("/women", list_view=1)
        shopper.follow("/women/shoes/boots", list_view=1)
        shopper.choose(BOOTS)
        shopper.add_to_cart()
        page.wait_for_function(IS_LOADED)
        page.evaluate("window.dispatchEvent(new Event('pagehide'))")
        assert stored(page) == nothing
        assert set(sent) <= {f"{server}footfall.js"}
        assert served.settled()["received"] == before

        # Yes: what this page held arrives, and nothing of the pages before
        shopper.visited = Visited({"page_view": 1, "cart_add": 1, "cart_view": 1}, ["/cart"])
        page.click("[data-consent=granted]")
        shopper.profile_with(**shopper.visited.counts)
        assert "ff_anonymous_id" in stored(page)["cookies"]
        anonymous_id = shopper.anonymous_id()
        shopper.check_out()
        profile = shopper.profile_with(**shopper.visited.counts)
        assert {kind: profile["counts"].get(kind, 0) for kind in shopper.visited.counts} == shopper.visited.counts
        assert (profile["orders"]["n"], profile["orders"]["revenue"]) == (1, 159.0)

        # No: all is deleted but the answer, and no behaviour is sent any more
        page.click("[data-consent-open]")
        page.click("[data-consent=denied]")
        until(lambda: stored(page)["cookies"] in ([], ["ff_consent"]))
        assert set(stored(page)["localStorage"]) <= {"ff_consent"}
        served.settled()
        told = served.api(f"/api/visitors/{anonymous_id}")["counts"]
        page.goto(f"{shop}/sale")
        page.wait_for_function(IS_LOADED)
        page.goto(f"{shop}/women")
        page.wait_for_function(IS_LOADED)
        assert served.settled()["failed"] == 0
        after = served.api(f"/api/visitors/{anonymous_id}")["counts"]
        assert {kind: n for kind, n in after.items() if kind != "custom"} == {
            kind: n for kind, n in told.items() if kind != "custom"
        }
        assert COOKIE not in stored(page)["cookies"]
