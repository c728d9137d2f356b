"""What does the server make of what the tracker sends? A real one, with the profile read by the API."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from tests.browser.capture import Site
from tests.browser.serving import serve
from tests.served import Served, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Profile = dict[str, Any]


@pytest.fixture(scope="module")
def server(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    served = Served(tmp_path_factory.mktemp("server") / "data", port)
    served.start()
    yield served
    served.close()


@pytest.fixture
def shop(server: Served) -> Iterator[str]:
    """Pages with the tracker and a data layer, at every address."""
    tag = (
        f'<script async src="http://localhost:{server.port}/footfall.js" data-write-key="{server.made.write_key}"'
        ' data-layer="dataLayer"></script>'
    )
    image = f'<img src="http://localhost:{server.port}/v1/pixel.gif?write_key={server.made.write_key}"'
    silent = f'<noscript>{image} alt="" referrerpolicy="no-referrer-when-downgrade"></noscript>'
    body = '<a id="next" href="#more">More</a><form id="f"><input name="q"><button>Go</button></form>'
    page = f"<!doctype html><html><head><title>T</title>{tag}</head><body>{body}{silent}</body></html>"
    with serve(Site({"/": page})) as url:
        yield url.replace("127.0.0.1", "localhost")


def profile(server: Served, page: Page, is_right: Callable[[Profile], bool]) -> Profile:
    """The page's visitor, once it is as expected."""
    anonymous_id = page.evaluate("localStorage.ff_anonymous_id")
    found: Profile = {}

    def is_there() -> bool:
        answer = server.ask(
            "GET", f"/api/visitors/{anonymous_id}", headers={"authorization": f"Bearer {server.made.token}"}
        )
        found.clear()
        found.update(answer.json() if answer.status == 200 else {})
        return answer.status == 200 and is_right(found)

    try:
        until(is_there, 20)
    except AssertionError:
        raise AssertionError(f"the profile is {found}") from None
    return found


GA4_ITEMS = """[
    {item_id: 'boot', item_name: 'Boot', item_category: 'women', item_category2: 'shoes', price: 50, quantity: 2},
    {item_id: 'lamp', item_name: 'Lamp', price: '30.5', quantity: 1},
]"""


def test_a_purchase_in_ga4_names_is_an_order_with_its_lines(server: Served, shop: str, page: Page) -> None:
    page.goto(f"{shop}/cart")
    page.wait_for_function("window.footfall?.isLoaded")
    page.evaluate(f"dataLayer.push({{event: 'view_cart', ecommerce: {{currency: 'USD', items: {GA4_ITEMS}}}}})")
    found = profile(server, page, lambda p: len(p["cart"]["items"]) == 2)
    lines = {line["product_id"]: (line["quantity"], line["price"]) for line in found["cart"]["items"]}
    assert lines == {"boot": (2, 50), "lamp": (1, 30.5)}
    assert found["cart"]["value"] == 130.5
    order = f"{{transaction_id: 'G-1', value: 135.5, currency: 'USD', items: {GA4_ITEMS}}}"
    page.evaluate(f"for (const n of [1, 2]) dataLayer.push({{event: 'purchase', ecommerce: {order}}})")
    found = profile(server, page, lambda p: p["orders"]["n"] == 1)
    assert found["orders"]["revenue"] == 135.5, "the order id makes the second one nothing"


def test_the_older_shapes_are_read_field_by_field(server: Served, shop: str, page: Page) -> None:
    page.goto(shop)
    page.wait_for_function("window.footfall?.isLoaded")
    page.evaluate(
        """
        const products = [{id: 'mug', name: 'Mug', price: '12.50', quantity: 3, category: 'home/kitchen', brand: 'B'}];
        dataLayer.push(
          {ecommerce: {detail: {actionField: {list: 'Sale'}, products}}},
          {event: 'addToCart', ecommerce: {currencyCode: 'USD', add: {products}}},
        );
        """
    )
    found = profile(server, page, lambda p: len(p["cart"]["items"]) == 1)
    assert found["cart"]["items"] == [{"product_id": "mug", "quantity": 3, "price": 12.5}]
    assert found["counts"]["product_view"] == 1
    page.evaluate(
        "dataLayer.push({ecommerce: {remove: {products: [{id: 'mug', quantity: 1}]}}},"
        "{ecommerce: {purchase: {actionField: {id: 'O-1', revenue: '25.00', tax: '4'},"
        " products: [{id: 'mug', price: '12.50', quantity: 2}]}}})"
    )
    found = profile(server, page, lambda p: p["orders"]["n"] == 1)
    assert found["orders"]["revenue"] == 25
    assert found["counts"]["cart_remove"] == 1


def test_what_a_visitor_does_with_a_page_is_counted_by_kind(server: Served, shop: str, page: Page) -> None:
    page.goto(shop)
    page.wait_for_function("window.footfall?.isLoaded")
    page.click("#next")
    page.fill("input", "boots")
    page.wait_for_function("since => performance.now() > since + 300", arg=page.evaluate("performance.now()"))
    page.evaluate("document.querySelector('form').addEventListener('submit', event => event.preventDefault())")
    page.click("form button")
    found = profile(server, page, lambda p: p["counts"].get("form", 0) == 1)
    assert found["counts"]["click"] == 2
    assert found["counts"]["page_view"] == 1


def test_the_cookie_is_set_by_the_server_and_lasts_thirteen_months(
    server: Served, shop: str, page: Page, context: BrowserContext
) -> None:
    def asked() -> list[str]:
        return [c["name"] for c in context.cookies() if c["name"] == "ff_anonymous_id"]

    with page.expect_response("**/v1/batch") as first:
        page.goto(shop)
    assert first.value.request.post_data_json["cookie"] == {"domain": "", "days": 395}
    assert "ff_anonymous_id=" in first.value.all_headers()["set-cookie"]
    page.wait_for_function("localStorage.ff_cookie_at")
    with page.expect_response("**/v1/batch") as second:
        page.evaluate("footfall.track('A')")
    assert "cookie" not in second.value.request.post_data_json
    assert asked() == ["ff_anonymous_id"]


def test_the_image_of_a_page_without_scripts_is_a_page_view(server: Served, shop: str, context: BrowserContext) -> None:
    before = server.settled()["applied"]
    browser = context.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False) as silent:
        silent.new_page().goto(f"{shop}/quiet")
        until(lambda: server.settled()["applied"] == before + 1, 20)
    assert server.settled()["failed"] == 0
