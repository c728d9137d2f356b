"""What does the dashboard show of a real server's scores? Events go in by HTTP, and the page follows by itself."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def server(built: None, tmp_path: Path) -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    served = Served(tmp_path / "data", port)
    served.start()
    yield served
    served.close()


def send(server: Served, visitor: str, event: str, **properties: Any) -> None:
    body = {"writeKey": server.made.write_key, "anonymousId": visitor, "event": event, "properties": properties}
    answer = server.ask("POST", "/v1/track", json.dumps(body).encode(), {"content-type": "application/json"})
    assert answer.status == 200


def percent(page: Page) -> float:
    return float(page.locator(".likely b").first.inner_text().strip("<> %"))


def test_a_visitor_who_fills_a_cart_is_likelier_at_once_and_the_page_says_why(
    server: Served, context: BrowserContext, page: Page
) -> None:
    #   ada    looks at a boot . . . . . . puts it into the cart
    #   bob    looks at a boot
    send(server, "bob", "Product Viewed", product_id="boot", price=120)
    send(server, "ada", "Product Viewed", product_id="boot", price=120)
    base = f"http://127.0.0.1:{server.port}"
    page.goto(server.made.login_url)
    for field in ("password", "again"):
        page.fill(f"input[name={field}]", "nine quiet otters")
    page.click("button[type=submit]")
    expect(page.locator("h1")).to_have_text("Visitors")
    page.goto(f"{base}/?sort=propensity")
    expect(page.locator("[data-visitor]")).to_have_count(2)
    before = percent(page)
    send(server, "ada", "Product Added", product_id="boot", price=120, quantity=1)
    ada = page.locator("[data-visitor]", has=page.locator("td[data-column=Cart] strong"))
    expect(ada.locator(".likely-prior")).to_be_visible()
    expect(page.locator("[data-visitor]").first.locator("td[data-column=Cart]")).to_contain_text("120")
    assert percent(page) > before

    ada.locator("a").click()
    expect(page.locator(".outlook h2")).to_contain_text("by a rule of thumb")
    expect(page.locator(".outlook-target").first.locator(".reason-up").first).to_contain_text("cart")
    page.click("text=On the site now")
    expect(page.locator(".alike > li")).to_have_count(1)
    expect(page.locator(".alike-near")).to_contain_text("alike")
    page.click("nav >> text=Models")
    expect(page.locator(".empty h2")).to_have_text("No model yet")
