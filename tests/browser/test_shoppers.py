"""Simulated shoppers say what real ones say: the same events, with the same fields, as Chromium on the real shop."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.browser.capture import Capture
from tests.browser.serving import serve

from footfall.base.times import iso
from footfall.shoppers import browsing
from footfall.shoppers.crowd import Crowd
from footfall.shoppers.kinds import BY_NAME
from footfall.shoppers.shelves import Shelves
from footfall.shoppers.visits import Truth
from footfall_shop.app import build

pytestmark = pytest.mark.browser

OPTIONAL = {
    # what a product, a link or a visit may have or not
    ".regular_price", "[].regular_price", ".coupon", "[].coupon", ".discount", ".id", ".href", ".product_id",
    ".category", ".name", ".form_id", ".form_name",
    ".filters[].type", ".filters[].value", ".sorts[].type", ".sorts[].value",
    "userId",
}  # fmt: skip


@pytest.fixture
def shop(built: None) -> Iterator[tuple[str, Capture]]:
    capture = Capture()
    with serve(capture) as server, serve(browsing.behind_proxy(build("/ff", "wk_shop", upstream_url=server))) as url:
        yield url, capture


def fields(value: Any, path: str = "") -> set[str]:
    """Every field of an event, as a path: ``properties.products[].price``."""
    if isinstance(value, dict):
        return {part for key, inner in value.items() for part in {f"{path}.{key}", *fields(inner, f"{path}.{key}")}}
    if isinstance(value, list):
        return {part for inner in value for part in fields(inner, f"{path}[]")}
    return set()


def by_name(events: list[dict[str, Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for event in events:
        found.setdefault(event.get("event") or event["type"], set()).update(fields(event))
    return found


def is_optional(path: str) -> bool:
    return any(path.lstrip(".").endswith(optional) for optional in OPTIONAL)


def seen(page: Page) -> None:
    """A page that is left before the tracker has come tells nothing."""
    page.wait_for_function("() => window.footfall?.isLoaded")
    page.wait_for_timeout(100)


def a_real_visit(page: Page, url: str) -> None:
    """Home, a list, a product with a size, the cart, delivery, a code, a wish, the checkout, the order; an account."""
    page.goto(f"{url}/?utm_source=google&utm_medium=cpc&utm_campaign=x&utm_term=y", referer="https://www.google.com/")
    seen(page)
    page.get_by_role("link", name="Women").first.click()
    page.locator("[data-filters] select[name=sort]").first.select_option("price")
    page.wait_for_url("**sort=price**")
    seen(page)
    page.goto(f"{url}/women/shoes/sneakers")
    seen(page)
    card = page.locator("a[data-product]").first
    card.hover()
    page.wait_for_timeout(700)  # as long as the tracker takes for a pointer at rest
    card.click()
    page.locator("form[data-wish] button").click()
    page.get_by_text("Saved").wait_for()
    page.mouse.wheel(0, 900)
    page.wait_for_timeout(300)  # so does the scroll's look
    page.locator("input[name=size]").first.check(force=True)
    page.locator('form[action="/cart/add"] button[type=submit]').click()
    page.wait_for_url("**/cart")
    seen(page)
    page.goto(f"{url}/search?q=mug")
    seen(page)
    page.goto(f"{url}/gifts")
    seen(page)
    page.goto(f"{url}/campaign/knitwear-season")
    seen(page)
    page.goto(f"{url}/women/shoes/boots/ridge-boot")
    seen(page)
    page.locator("input[name=size]").first.check(force=True)
    page.goto(f"{url}/sign-in")  # leaves the form unsent
    seen(page)
    page.locator('form[action="/sign-in"] input[name=email]').fill("ada@example.org")
    page.locator('form[action="/sign-in"] button').first.click()
    page.wait_for_url("**/account")
    seen(page)
    page.goto(f"{url}/checkout")
    seen(page)
    form = page.locator('form[action="/checkout"]')
    answers = {"email": "ada@example.org", "name": "Ada", "address": "Quay 1", "city": "Lund", "postcode": "22100"}
    for name, text in (answers | {"card": "4242 4242 4242 4242"}).items():
        form.locator(f"[name={name}]").fill(text)
    form.locator("button[type=submit]").first.click()
    page.wait_for_url("**/order/*")
    seen(page)
    page.goto(f"{url}/delivery")  # sends what earlier pages could not
    seen(page)


def test_what_shoppers_say_has_the_fields_that_the_tracker_sends(page: Page, shop: tuple[str, Capture]) -> None:
    url, capture = shop
    required = {
        "page", "identify", "engagement", "scroll", "click", "hover", "form_started", "form", "form_abandoned",
        "Product List Viewed", "Product List Filtered", "Product Clicked", "Product Viewed", "Product Added",
        "Product Added to Wishlist", "Products Searched", "Promotion Viewed", "Cart Viewed", "Checkout Started",
        "Payment Info Entered", "Order Completed", "Signed Up",
    }  # fmt: skip
    a_real_visit(page, url)
    capture.until(lambda said: required <= set(said.names()), "every kind of event")
    real = by_name(capture.events)
    crowd = Crowd(1, url)
    events = [
        json.loads(said.line(iso(said.at_ms).encode()))
        for said in crowd.history(1_795_000_000_000, days=9, visitors=900)
    ]
    for event in events:
        event["context"].pop("ip", None)  # live, the request tells it
    made_up = by_name([event for event in events if "anonymousId" in event])
    shared = set(real) & set(made_up)
    assert required <= shared
    for name in sorted(shared):
        differ = {path for path in real[name] ^ made_up[name] if not is_optional(path)}
        assert not differ, f"{name}: only in Chromium {real[name] & differ}, only made up {made_up[name] & differ}"


def test_a_real_browser_shops_by_itself_and_its_truth_is_told(
    shop: tuple[str, Capture], tmp_path: Path, chromium: str
) -> None:
    url, capture = shop
    doors = browsing.Doors((url,), tmp_path, 1, 3)

    async def one_visit() -> Truth:
        from playwright.async_api import async_playwright

        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=browsing.ARGUMENTS)
            kind = BY_NAME["errand"]
            found = await browsing.visit(browser, Random(5), kind, doors, Shelves(), pace=0.05, is_buying=True)
            await browser.close()
            return found

    with ThreadPoolExecutor(1) as thread:  # Playwright's own loop runs in this one
        found = thread.submit(asyncio.run, one_visit()).result(120)
    capture.until_event("Order Completed")
    assert found.ordered
    order = next(event for event in capture.events if event.get("event") == "Order Completed")
    assert order["properties"]["order_id"] == found.order_id
    assert order["anonymousId"] == found.anonymous_id
    told = [request.headers["x-forwarded-for"] for request in capture.requests]
    # of what Chromium sends when a page is gone, some has neither header nor cookie
    assert sum(address.startswith("198.1") for address in told) > 0.6 * len(told), told
