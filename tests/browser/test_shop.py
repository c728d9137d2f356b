"""The example shop in a real browser: people look around and buy, wide and narrow, and the shop tells what they do."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.browser.capture import Capture
from tests.browser.serving import serve
from tests.served import Served, until

from footfall_shop.app import build

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1"
)
ADDRESS = {
    "email": "ada@example.org", "name": "Ada Lindqvist", "address": "Quay 1", "city": "Lund", "postcode": "22100",
    "card": "4242 4242 4242 4242",
}  # fmt: skip


@dataclass
class Shop:
    """The shop's address and what it has sent."""

    url: str
    capture: Capture

    def tracks(self) -> list[str]:
        """Names of the shop's own events, in the order in which they happened; the tracker's are in lower case."""
        own = [event for event in self.capture.events if event["type"] == "track" and event["event"][0].isupper()]
        return [event["event"] for event in sorted(own, key=lambda event: str(event["timestamp"]))]

    def event(self, name: str) -> dict[str, Any]:
        """Properties of the first event of this name; waits for it."""
        properties: dict[str, Any] = self.capture.until_event(name)["properties"]
        return properties


@contextmanager
def open_shop(**options: Any) -> Iterator[Shop]:
    capture = Capture()
    with serve(capture) as server, serve(build(server, "wk_shop", **options)) as url:
        yield Shop(url, capture)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@dataclass
class Complaints:
    """What a page complained of."""

    said: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)


@pytest.fixture
def complaints(page: Page) -> Complaints:
    complaints = Complaints()
    complaints.listen(page)
    return complaints


def add_to_cart(page: Page, size: str = "") -> None:
    if size:
        page.click(f".sizes label:has-text('{size}')")
    page.click('form[action="/cart/add"] button[type=submit]')
    page.wait_for_url("**/cart")


def check_out(page: Page, **fields: str) -> str:
    """From the cart to the order; returns its number."""
    page.click("text=Check out")
    page.wait_for_url("**/checkout")
    for name, value in (ADDRESS | fields).items():
        page.fill(f'form[action="/checkout"] [name={name}]', value)
    page.click('form[action="/checkout"] button[type=submit]')
    page.wait_for_url("**/order/*")
    return urlsplit(page.url).path.rpartition("/")[2]


def test_a_visitor_looks_searches_hesitates_and_buys(shop: Shop, page: Page, complaints: Complaints) -> None:
    page.goto(shop.url)
    page.click("main >> text=See the autumn sale")
    page.wait_for_url("**/campaign/autumn-sale")
    page.click("a[data-product=quilt-liner]")
    page.click("text=Save for later")
    page.wait_for_selector("text=Saved")
    page.click('form[action="/cart/add"] button[type=submit]')
    expect(page.locator("#size-error")).to_be_visible()
    page.select_option("#quantity", "2")
    add_to_cart(page, "M")
    page.fill("#q", "tide mug")
    page.press("#q", "Enter")
    page.click("main a[data-product=tide-mug]")
    add_to_cart(page)
    page.click("[aria-label='Remove Tide Mug']")
    page.wait_for_selector("[aria-label='Remove Tide Mug']", state="detached")
    page.fill("#f-code", "finch10")
    page.click("text=Apply")
    page.wait_for_selector("text=Code FINCH10")
    order_id = check_out(page)
    page.wait_for_selector("text=Thank you, Ada.")
    shop.capture.until_event("Order Completed")
    page.reload()
    page.goto(f"{shop.url}/about")
    shop.capture.until(
        lambda c: [e.get("name") for e in c.events if e["type"] == "page"][-1:] == ["About us"], "the last page"
    )

    assert [name for name in shop.tracks() if name != "Promotion Viewed"] == [
        "Promotion Clicked", "Product List Viewed", "Product Clicked", "Product Viewed", "Product Added to Wishlist",
        "Product Added", "Cart Viewed", "Products Searched", "Product Clicked", "Product Viewed", "Product Added",
        "Cart Viewed", "Product Removed", "Cart Viewed", "Coupon Applied", "Cart Viewed", "Checkout Started",
        "Payment Info Entered", "Order Completed",
    ]  # fmt: skip
    order = shop.event("Order Completed")
    sums = {name: order[name] for name in ("order_id", "revenue", "total", "discount", "coupon", "currency")}
    assert sums == {
        "order_id": order_id, "revenue": 214.2, "total": 214.2, "discount": 23.8, "coupon": "FINCH10",
        "currency": "USD",
    }  # fmt: skip
    (line,) = order["products"]
    assert (line["product_id"], line["variant"], line["price"], line["quantity"]) == (
        "quilt-liner",
        "Moss / M",
        119.0,
        2,
    )
    assert shop.event("Product Clicked")["list_id"] == "campaign/autumn-sale"
    assert shop.event("Products Searched")["query"] == "tide mug"
    assert shop.event("Product Removed")["product_id"] == "tide-mug"
    assert len({event["anonymousId"] for event in shop.capture.events}) == 1
    assert not re.search("4242.?4242", "".join(request.body.decode() for request in shop.capture.requests))
    views = [(event["category"], event["name"]) for event in shop.capture.events if event["type"] == "page"]
    assert views[:4] == [
        ("home", "Home"),
        ("campaign/autumn-sale", "The autumn sale"),
        ("women/clothing/jackets", "Quilt Liner"),
        ("cart", "Cart"),
    ]
    assert complaints.said == []


def test_with_a_data_layer_the_same_shopping_is_told_in_googles_words(page: Page, complaints: Complaints) -> None:
    with open_shop(install="data-layer", legacy_order=True) as shop:
        page.goto(f"{shop.url}/house/living/lamps")
        page.click("a[data-product=arc-lamp]")
        page.wait_for_url("**/arc-lamp")
        entries = page.evaluate("dataLayer.filter((entry) => !entry.event?.startsWith('gtm'))")
        assert entries[0] == {"ecommerce": None}
        assert entries[1]["event"] == "view_item"
        item = entries[1]["ecommerce"]["items"][0]
        assert (item["item_id"], item["item_category3"], item["price"], item["quantity"]) == (
            "arc-lamp",
            "lamps",
            149,
            1,
        )
        add_to_cart(page)
        order_id = check_out(page)
        pushed = page.evaluate("dataLayer.map((entry) => entry.ecommerce)")
        assert [entry["transaction_id"] for entry in pushed if entry and "transaction_id" in entry] == [order_id]
        older = next(entry["purchase"] for entry in pushed if entry and "purchase" in entry)
        assert (older["actionField"]["id"], older["actionField"]["revenue"]) == (order_id, 149)
        assert page.evaluate("document.querySelectorAll('script[src*=telling]').length") == 1
        assert "footfall.track" not in page.content()
        shop.capture.until(lambda c: "purchase" in c.names(), "the purchase")
    assert complaints.said == []


def test_signing_in_and_out_names_and_forgets_the_person(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/account")
    page.fill("main [name=email]", "bob@example.org")
    page.click("main button")
    signed_up = shop.capture.until_event("Signed Up")
    assert re.fullmatch(r"c-[0-9a-f]{12}", signed_up["userId"])
    page.click("text=Sign out")
    shop.capture.until_event("Signed Out")
    page.wait_for_selector(".hero")
    shop.capture.until(lambda c: c.events[-1].get("event") == "Promotion Viewed", "the front page")
    after = shop.capture.events[-1]
    assert "userId" not in after
    assert after["anonymousId"] != signed_up["anonymousId"]


@pytest.mark.parametrize("install", ["tag", "data-layer"])
def test_a_shop_that_asks_first_sends_nothing_until_the_answer(
    page: Page, context: BrowserContext, install: str
) -> None:
    with open_shop(is_consent_required=True, install=install) as shop:
        page.goto(shop.url)
        page.wait_for_function("window.footfall?.isLoaded")
        assert shop.capture.requests == []
        assert context.cookies() == []
        sizes = page.evaluate(
            "[...document.querySelectorAll('.choices .button')].map((b) => `${b.offsetWidth} ${b.className}`)"
        )
        assert sizes[0] == sizes[1] == sizes[2]
        page.check("[data-consent-form] [name=analytics]")
        page.click("text=Save my choice")
        shop.capture.until_event("page")
        page.goto(f"{shop.url}/men")
        assert page.is_hidden("[data-consent-banner]")
        page.click("text=Privacy choices")
        assert page.is_checked("[data-consent-form] [name=analytics]")
        assert not page.is_checked("[data-consent-form] [name=marketing]")


def test_the_gift_finder_is_one_page_with_a_history(shop: Shop, page: Page, complaints: Complaints) -> None:
    page.goto(f"{shop.url}/gifts")
    page.evaluate("window.isSamePage = true")
    page.click("text=For the house")
    page.wait_for_url("**/gifts/home")
    page.click("text=Under $50")
    page.wait_for_url("**/gifts/home/under-50")
    expect(page.locator("h1")).to_have_text("For the house, under $50")
    assert page.title() == "Gift finder, For the house, Under $50 · Alder & Finch"
    page.go_back()
    expect(page.locator("h1")).to_have_text("For the house. How much may it be?")
    page.go_forward()
    page.wait_for_selector("a[data-product=stone-mug]")
    assert page.evaluate("window.isSamePage")
    page.click("a[data-product=stone-mug]")
    assert shop.event("Product Clicked")["list_id"] == "gifts/home/under-50"
    shop.capture.until(lambda c: c.names().count("page") == 6, "each step as a page")
    paths = [event["context"]["page"]["path"] for event in shop.capture.events if event["type"] == "page"]
    assert paths[:5] == ["/gifts", "/gifts/home", "/gifts/home/under-50", "/gifts/home", "/gifts/home/under-50"]
    assert complaints.said == []


def test_everything_works_without_scripts(shop: Shop, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{shop.url}/gifts")
    page.click("text=For him")
    page.click("text=$50 to $100")
    page.click("main a[data-product] >> nth=0")
    page.goto(f"{shop.url}/women/shoes?size=39&sort=price")
    page.click("text=Harbour Slip")
    page.click("[aria-label=Chalk]")
    add_to_cart(page, "39")
    page.select_option(".lines select", "3")
    page.click("text=Change")
    expect(page.locator(".line-total")).to_have_text("$192.00")
    page.goto(f"{shop.url}/checkout")
    # No sum that the button promises and another delivery changes.
    expect(page.locator("[data-checkout] button")).to_have_text("Pay", use_inner_text=True)
    expect(page.locator(".summary .sums")).to_contain_text("Delivery: standard")
    page.goto(f"{shop.url}/cart")
    check_out(page)
    page.wait_for_selector("text=Thank you, Ada.")
    context.close()


def test_suggestions_come_while_typing_and_are_walked_by_keys(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    page.type("#q", "mu")
    page.wait_for_selector("[data-suggestions] >> text=Mugs")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "MugsSection"
    page.keyboard.press("Escape")
    assert page.is_hidden("[data-suggestions]")
    page.type("#q", "g")
    page.wait_for_selector("[data-suggestions] >> text=Tide Mug")
    page.click("[data-suggestions] >> text=Tide Mug")
    page.wait_for_url("**/tide-mug")


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_no_page_is_wider_than_the_screen(shop: Shop, browser: Browser, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    paths = [
        "/",
        "/women",
        "/women/clothing/jackets/quilt-liner",
        "/search?q=wool",
        "/gifts/her/50-100",
        "/campaign/knitwear-season",
        "/sign-in",
        "/delivery",
    ]
    for path in paths:
        page.goto(shop.url + path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    page.goto(f"{shop.url}/house/living/lamps/arc-lamp")
    add_to_cart(page)
    for path in ("/cart", "/checkout"):
        page.goto(shop.url + path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    context.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    served = Served(tmp_path_factory.mktemp("shop") / "data", port, FOOTFALL_SECTION_RULES="*/*/*/* -> $1/$2/$3")
    served.start()
    yield served
    served.close()


@pytest.mark.slow
@pytest.mark.parametrize("install", ["tag", "data-layer"])
def test_a_shopper_with_a_phone_is_known_to_the_last_line(served: Served, browser: Browser, install: str) -> None:
    server = f"http://127.0.0.1:{served.port}"
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True, user_agent=IPHONE)  # type: ignore[arg-type]
    page = context.new_page()
    with serve(build("/ff", served.made.write_key, install=install, upstream_url=server)) as url:  # type: ignore[arg-type]
        page.goto(f"{url}/women?utm_source=news&utm_medium=email&utm_campaign=autumn")
        until(lambda: page.evaluate("Boolean(window.footfall?.isLoaded)"), 20)  # else nobody saw how the visitor came
        page.tap(".menu summary")
        page.tap(".menu >> text=Mugs")
        page.tap("a[data-product=stone-mug]")
        add_to_cart(page)
        page.goto(f"{url}/women/clothing/knitwear/fisher-rib")
        add_to_cart(page, "L")
        page.select_option(".lines select >> nth=0", "3")
        page.wait_for_selector("text=$54.00")
        until(lambda: "ff_anonymous_id" in {c.get("name") for c in context.cookies()}, 20)
        anonymous_id = next(str(c.get("value")) for c in context.cookies() if c.get("name") == "ff_anonymous_id")

        def profile() -> dict[str, Any]:
            found: dict[str, Any] = served.api(f"/api/visitors/{anonymous_id}")
            return found

        def cart() -> dict[str, float]:
            return {line["product_id"]: line["quantity"] for line in profile()["cart"]["items"]}

        until(lambda: cart() == {"stone-mug": 3, "fisher-rib": 1}, 40)
        assert profile()["cart"]["value"] == 164.0
        check_out(page, email=f"{install}@example.org")
        until(lambda: profile()["orders"]["n"] == 1, 40)
        page.reload()
        page.goto(f"{url}/about")
        until(lambda: profile()["counts"]["page_view"] >= 10, 40)
        known = profile()
    context.close()
    assert (known["orders"]["n"], known["orders"]["revenue"]) == (1, 164.0)
    assert known["cart"]["items"] == []
    counts = {
        kind: known["counts"].get(kind, 0)
        for kind in ("product_view", "cart_add", "checkout_start", "payment_info", "order")
    }
    assert counts == {"product_view": 2, "cart_add": 3, "checkout_start": 1, "payment_info": 1, "order": 1}
    assert known["channel"] == "email"
    assert known["device"] == "mobile"
    assert {"house/kitchen/mugs", "women/clothing/knitwear"} <= {row["section"] for row in known["sections"]}
