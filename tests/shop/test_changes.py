"""A cart is filled, changed and paid for; each change is told once, on the page that follows."""

import sqlite3
from pathlib import Path

import pytest
from tests.shop.visitor import HOST, Reader, Visitor, data_of, event_of, shopping, told

from footfall_shop.assortment import PRODUCTS
from footfall_shop.till import LINES_MAX


def test_adding_needs_a_size_where_there_are_sizes(visitor: Visitor) -> None:
    answer = visitor.send("/cart/add", product="ridge-boot", quantity="1")
    assert answer.headers["location"] == "/women/shoes/boots/ridge-boot?missing=size"
    page = visitor.follow(answer)
    assert 'id="size-error" data-size-error>' in page.text
    assert told(page) == []
    assert told(visitor.add("ridge-boot", size="39")) == ["Product Added", "Cart Viewed"]


def test_sizes_are_lines_of_their_own_and_the_same_again_is_one_line(visitor: Visitor) -> None:
    visitor.add("ridge-boot", size="39")
    visitor.add("ridge-boot", size="40", quantity=2)
    cart = visitor.add("ridge-boot", size="39")
    assert event_of(cart, "Product Added")["quantity"] == 1
    lines = event_of(cart, "Cart Viewed")["products"]
    assert [(line["variant"], line["quantity"]) for line in lines] == [("Walnut / 39", 2), ("Walnut / 40", 2)]


def test_a_quantity_is_changed_and_a_line_removed(visitor: Visitor) -> None:
    visitor.add("stone-mug", quantity=3)
    more = visitor.follow(visitor.send("/cart/change", product="stone-mug", size="", colour="sand", quantity="5"))
    assert (event_of(more, "Product Added")["quantity"], event_of(more, "Cart Viewed")["value"]) == (2, 90.0)
    less = visitor.follow(visitor.send("/cart/change", product="stone-mug", size="", colour="sand", quantity="1"))
    assert event_of(less, "Product Removed")["quantity"] == 4
    none = visitor.follow(visitor.send("/cart/remove", product="stone-mug"))
    assert event_of(none, "Product Removed")["quantity"] == 1
    assert event_of(none, "Cart Viewed") == {"value": 0, "currency": "USD", "products": []}
    assert "It is empty so far" in none.text


def test_what_a_full_cart_does_not_take_is_not_told(visitor: Visitor) -> None:
    one_size = [product for product in PRODUCTS if product.is_available and not product.sizes]
    kinds = [(product.slug, colour) for product in one_size for colour in product.colours]
    for slug, colour in kinds[:LINES_MAX]:
        visitor.send("/cart/add", product=slug, colour=colour, quantity="1")
    visitor.get("/cart")
    assert told(visitor.add(kinds[LINES_MAX][0], colour=kinds[LINES_MAX][1])) == ["Cart Viewed"]
    assert told(visitor.add(kinds[0][0], colour=kinds[0][1])) == ["Product Added", "Cart Viewed"]


def test_what_is_sold_out_unknown_or_none_is_not_added(visitor: Visitor) -> None:
    for product, size, quantity in (("winter-lace", "38", "1"), ("none", "", "1"), ("stone-mug", "", "0")):
        visitor.send("/cart/add", product=product, size=size, quantity=quantity)
    assert visitor.get("/cart").text.count('action="/cart/remove"') == 0
    assert told(visitor.add("stone-mug", quantity=400)) == ["Product Added", "Cart Viewed"]
    assert event_of(visitor.get("/cart"), "Cart Viewed")["products"][0]["quantity"] == 10


def test_a_code_takes_ten_percent_off_and_another_is_refused(visitor: Visitor) -> None:
    visitor.add("arc-lamp")
    wrong = visitor.follow(visitor.send("/cart/code", code="GUESS"))
    assert told(wrong) == ["Coupon Denied", "Cart Viewed"]
    assert 'id="e-code"' in wrong.text
    right = visitor.follow(visitor.send("/cart/code", code=" finch10 "))
    assert event_of(right, "Coupon Applied") == {"coupon_id": "FINCH10", "coupon_name": "FINCH10", "discount": 14.9}
    assert event_of(right, "Cart Viewed")["value"] == 134.1
    assert told(visitor.follow(visitor.send("/cart/code", code=""))) == ["Coupon Removed", "Cart Viewed"]


def test_the_checkout_says_beside_each_field_what_is_wrong(visitor: Visitor) -> None:
    visitor.add("stone-mug")
    assert told(visitor.get("/checkout")) == ["Checkout Started"]
    page = visitor.order(email="ada", name=" ", card="12 no card", country="XX", delivery="owl")
    assert page.status_code == 422
    assert Reader(page.text).problems == []
    assert page.text.count('class="error"') == 5
    assert 'value="Quay 1"' in page.text
    assert "12 no card" not in page.text
    assert told(page) == []
    assert visitor.get("/cart").text.count('action="/cart/remove"') == 1


def test_an_order_is_told_once_with_lines_and_sums(visitor: Visitor) -> None:
    visitor.add("quilt-liner", size="M", quantity=2)
    visitor.add("stone-mug")
    visitor.send("/cart/code", code="FINCH10")
    visitor.get("/cart")
    answer = visitor.order(delivery="express")
    page = visitor.follow(answer)
    assert told(page) == ["identify", "Order Completed"]
    order = event_of(page, "Order Completed")
    assert order["order_id"] == answer.headers["location"].removeprefix("/order/")
    sums = {name: order[name] for name in ("subtotal", "discount", "revenue", "shipping", "total", "coupon")}
    assert sums == {
        "subtotal": 256.0,
        "discount": 25.6,
        "revenue": 230.4,
        "shipping": 14.0,
        "total": 244.4,
        "coupon": "FINCH10",
    }
    assert [(line["product_id"], line["quantity"], line["price"]) for line in order["products"]] == [
        ("quilt-liner", 2, 119.0),
        ("stone-mug", 1, 18.0),
    ]
    identified = data_of(page)["events"][0]
    assert identified["traits"] == {"email": "ada@example.org", "name": "Ada Lindqvist", "country": "SE"}
    assert told(visitor.get(answer.headers["location"])) == []
    assert told(visitor.get("/cart")) == ["Cart Viewed"]


def test_an_order_is_seen_by_nobody_else(visitor: Visitor) -> None:
    visitor.add("stone-mug")
    address = visitor.order().headers["location"]
    secret = visitor.cookies.pop("shop_session")
    assert visitor.get(address).status_code == 404
    visitor.cookies["shop_session"] = secret
    assert visitor.get(address).status_code == 200


def test_card_and_street_are_written_nowhere(tmp_path: Path) -> None:
    database = tmp_path / "shop.sqlite"
    with shopping(database=database) as visitor:
        visitor.add("stone-mug")
        page = visitor.follow(visitor.order(card="4929123412341234", address="Secret Lane 7"))
        assert "4929123412341234" not in page.text
    with sqlite3.connect(database) as db:
        db.execute("pragma wal_checkpoint(truncate)")
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert b"4929123412341234" not in content
        assert b"Secret Lane" not in content
    assert b"ada@example.org" in database.read_bytes()


def test_cart_account_and_orders_outlive_a_restart(tmp_path: Path) -> None:
    with shopping(database=tmp_path / "shop.sqlite") as visitor:
        visitor.send("/sign-in", email="ada@example.org")
        visitor.add("stone-mug")
        visitor.order()
        visitor.add("tide-mug")
        secret = visitor.cookies["shop_session"]
    with shopping(database=tmp_path / "shop.sqlite") as visitor:
        visitor.cookies["shop_session"] = secret
        assert "Stone Mug" in visitor.get("/account").text
        assert "Tide Mug" in visitor.get("/cart").text


def test_signing_in_names_the_person_and_changes_the_secret(visitor: Visitor) -> None:
    visitor.add("stone-mug")
    before = visitor.cookies["shop_session"]
    first = visitor.follow(visitor.send("/sign-in", email=" Ada@Example.org "))
    assert told(first) == ["identify", "Signed Up"]
    assert visitor.cookies["shop_session"] != before
    assert event_of(visitor.get("/cart"), "Cart Viewed")["products"][0]["product_id"] == "stone-mug"
    visitor.send("/sign-out")
    assert event_of(visitor.get("/cart"), "Cart Viewed")["products"] == []
    again = visitor.follow(visitor.send("/sign-in", email="ada@example.org"))
    assert told(again) == ["identify", "Signed In"]
    assert data_of(again)["events"][0]["identify"] == data_of(first)["events"][0]["identify"]


def test_wishes_are_kept_and_come_along_into_the_account(visitor: Visitor) -> None:
    page = visitor.follow(visitor.send("/wishlist", product="dusk-lamp"))
    assert told(page) == ["Product Added to Wishlist", "Product Viewed"]
    assert 'aria-pressed="true"' in page.text
    answer = visitor.ask(
        "POST", "/wishlist", data={"product": "stone-mug"}, headers={"origin": HOST, "accept": "application/json"}
    )
    assert answer.json()["isSaved"] is True
    assert answer.json()["events"][0]["event"] == "Product Added to Wishlist"
    account = visitor.follow(visitor.send("/sign-in", email="ada@example.org"))
    assert "Dusk Lamp" in account.text
    assert "Stone Mug" in account.text
    assert told(visitor.follow(visitor.send("/wishlist", product="dusk-lamp")))[0] == "Product Removed from Wishlist"


def test_an_order_that_is_returned_is_refunded_once(visitor: Visitor) -> None:
    visitor.send("/sign-in", email="ada@example.org")
    visitor.add("arc-lamp")
    address = visitor.order().headers["location"]
    visitor.get(address)
    account = visitor.follow(visitor.send("/account/return", order=address.removeprefix("/order/")))
    refund = event_of(account, "Order Refunded")
    assert (refund["revenue"], refund["products"][0]["product_id"]) == (149.0, "arc-lamp")
    assert told(visitor.follow(visitor.send("/account/return", order=address.removeprefix("/order/")))) == []


@pytest.mark.parametrize(
    "origin",
    [None, "null", "https://evil.example", "http://shop.example.evil", "http://shop.example:81", "http://[", "://"],
)
def test_a_form_from_elsewhere_changes_nothing(visitor: Visitor, origin: str | None) -> None:
    answer = visitor.send("/cart/add", origin, product="stone-mug", quantity="1")
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert visitor.get("/cart").text.count('action="/cart/remove"') == 0


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor: Visitor) -> None:
    cookie = visitor.send("/cart/add", product="stone-mug", quantity="1").headers["set-cookie"]
    assert cookie.startswith("shop_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_a_form_that_is_too_large_is_refused(visitor: Visitor) -> None:
    assert visitor.send("/cart/add", product="x" * 100_000).status_code == 413


def test_a_page_that_tells_what_was_done_is_kept_by_no_browser_and_not_fetched_ahead(visitor: Visitor) -> None:
    visitor.send("/cart/add", product="stone-mug", quantity="1")
    assert visitor.get("/cart", headers={"sec-purpose": "prefetch;prerender"}).status_code == 503
    told_now = visitor.get("/cart")
    assert told(told_now) == ["Product Added", "Cart Viewed"]
    assert told_now.headers["cache-control"] == "no-store"
    assert visitor.get("/cart").headers["cache-control"] == "private, no-cache"
    placed = visitor.follow(visitor.order())
    assert placed.headers["cache-control"] == "no-store"
