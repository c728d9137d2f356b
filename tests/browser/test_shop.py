"""The demo shop in a real browser: a person looks around and buys, and every step arrives as a Segment event."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, Page
from tests.browser.capture import Capture
from tests.browser.serving import serve

from footfall_shop.app import build

pytestmark = pytest.mark.browser


@dataclass
class Shop:
    """The shop's address and what it has sent."""

    url: str
    capture: Capture


@pytest.fixture
def shop() -> Iterator[Shop]:
    capture = Capture()
    with serve(capture) as server, serve(build(server, "wk_shop")) as url:
        yield Shop(url, capture)


def test_a_visitor_looks_searches_hesitates_and_buys(shop: Shop, page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(shop.url)
    page.click("text=See the sale")
    page.click("text=Jackets")
    page.click("text=Quilt Liner")
    page.click("text=Save for later")
    page.select_option("select[name=quantity]", "2")
    page.click("text=Add to cart")
    page.fill("input[name=q]", "mug")
    page.press("input[name=q]", "Enter")
    page.click("text=Tide Mug")
    page.click("text=Add to cart")
    page.click("[aria-label='Remove Tide Mug']")
    page.click("text=Check out")
    page.fill("input[name=email]", "ada@example.org")
    page.fill("input[name=name]", "Ada")
    page.fill("input[name=address]", "Quay 1")
    page.click("button:has-text('Pay')")
    page.wait_for_selector("text=Thank you")
    order = shop.capture.until_event("Order Completed")
    assert page.evaluate("typeof footfall.consent") == "function"  # the shop's own names don't hide the tracker
    page.goto("about:blank")
    shop.capture.until(lambda c: c.names().count("engagement") >= 3, "time on the pages")

    found = shop.capture.events
    by_name = {event["event"]: event for event in found if event["type"] == "track"}
    assert set(by_name) >= {
        "Promotion Viewed", "Promotion Clicked", "Product List Viewed", "Product Clicked", "Product Viewed",
        "Product Added to Wishlist", "Product Added", "Cart Viewed", "Products Searched", "Product Removed",
        "Checkout Started", "Payment Info Entered", "Order Completed", "engagement",
    }  # fmt: skip
    assert order["properties"]["revenue"] == 238.0
    assert order["properties"]["currency"] == "USD"
    assert order["properties"]["order_id"].startswith("AF-")
    assert order["properties"]["products"] == [
        {
            "product_id": "quilt-liner",
            "sku": "QUI-085",
            "name": "Quilt Liner",
            "category": "women/clothing/jackets",
            "price": 119.0,
            "currency": "USD",
            "regular_price": 149.0,
            "quantity": 2,
        }
    ]
    assert by_name["Products Searched"]["properties"]["query"] == "mug"
    assert by_name["Product Removed"]["properties"]["product_id"] == "tide-mug"
    assert order["userId"] == "ada@example.org"
    assert len({event["anonymousId"] for event in found}) == 1
    views = [event for event in found if event["type"] == "page"]
    assert views[2]["category"] == "women/clothing/jackets"
    assert len(views) == len({view["messageId"] for view in views}) == 11
    assert errors == []


def test_signing_in_and_out_names_and_forgets_the_person(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/account")
    page.fill("input[name=email]", "bob@example.org")
    page.click("main button")
    signed_in = shop.capture.until_event("Signed In")
    assert signed_in["userId"] == "bob@example.org"
    page.click("text=Sign out")
    shop.capture.until_event("Signed Out")
    page.wait_for_selector(".hero")
    shop.capture.until(lambda c: c.events[-1].get("event") == "Promotion Viewed", "the front page")
    after = shop.capture.events[-1]
    assert "userId" not in after
    assert after["anonymousId"] != signed_in["anonymousId"]


def test_a_shop_that_asks_first_sends_nothing_until_the_answer(page: Page, context: BrowserContext) -> None:
    capture = Capture()
    with serve(capture) as server, serve(build(server, "wk_shop", is_consent_required=True)) as url:
        page.goto(url)
        page.wait_for_function("window.footfall.isLoaded")
        assert capture.requests == []
        assert context.cookies() == []
        page.click("[data-consent=granted]")
        capture.until_event("page")
        page.goto(f"{url}/men")
        assert page.is_hidden("[data-consent-banner]")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/women/shoes", 200),
        ("/women/shoes/sneakers/coastal-runner", 200),
        ("/men/shoes/coastal-runner", 404),
        ("/pictures/none.svg", 404),
        ("/thank-you/AF-OTHER", 404),
        ("/search?q=%3Cscript%3Ealert(1)%3C/script%3E", 200),
        ("/women?sort=%22%3E%3Cscript%3E", 200),
    ],
)
def test_addresses_answer_with_their_page(shop: Shop, page: Page, path: str, status: int) -> None:
    answer = page.goto(f"{shop.url}{path}")
    assert answer is not None
    assert answer.status == status
    assert "<script>alert" not in answer.text()
