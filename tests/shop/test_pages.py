# ruff: noqa: E501  (tables and events read better unbroken)
"""Every page of the shop is there, well formed, and says what it is about."""

import re
from urllib.parse import quote

import pytest
from tests.shop.visitor import Reader, Visitor, data_of, event_of, shopping, told

from footfall_shop.catalogue import CAMPAIGNS, CATEGORIES, PRODUCTS

PAGES = [
    "/", "/sale", "/search", "/search?q=wool", "/search?q=zebra", "/cart", "/account", "/sign-in", "/wishlist",
    "/about", "/delivery", "/returns", "/privacy", "/gifts", "/gifts/her", "/gifts/her/under-50", "/women?sort=-price&size=M",
    "/women?price=0-50&size=37&colour=cherry", "/women?page=99",
    *(f"/{path}" for path in CATEGORIES), *(product.path for product in PRODUCTS),
    *(campaign.path for campaign in CAMPAIGNS.values()),
]  # fmt: skip


@pytest.mark.parametrize("install", ["tag", "data-layer"])
def test_every_page_is_there_and_well_formed(install: str) -> None:
    with shopping(install=install, is_consent_required=True) as visitor:
        for path in PAGES:
            page = visitor.get(path)
            assert page.status_code == 200, path
            assert page.headers["content-type"] == "text/html; charset=utf-8", path
            assert Reader(page.text).problems == [], path
            assert page.headers["content-security-policy"].startswith(
                "default-src 'none'; script-src 'self' https://footfall.example;"
            )
            assert "set-cookie" not in page.headers, path


def test_every_address_and_picture_of_the_pages_leads_somewhere(visitor: Visitor) -> None:
    addresses = set()
    for path in PAGES:
        for tag, attributes in Reader(visitor.get(path).text).tags:
            for name in ("href", "src"):
                if (attributes.get(name) or "").startswith("/") and tag != "script":
                    addresses.add(str(attributes[name]).partition("#")[0])
    assert len(addresses) > 300
    wrong = [address for address in sorted(addresses) if visitor.get(address).status_code not in (200, 303)]
    assert wrong == []


@pytest.mark.parametrize(
    "path",
    ["/nope", "/women/nope", "/men/shoes/coastal-runner", "/men/shoes/sneakers/coastal-runner", "/campaign/none", "/gifts/dog",
     "/gifts/her/none", "/order/AF-1", "/pictures/1/none-moss-1.svg", "/pictures/1/ridge-boot-walnut-9.svg", "/static/1/app.py"],
)  # fmt: skip
def test_what_is_not_there_is_said_so(visitor: Visitor, path: str) -> None:
    page = visitor.get(path)
    assert page.status_code == 404
    assert Reader(page.text).problems == []


def test_files_and_pictures_are_kept_for_ever_and_sent_packed(visitor: Visitor) -> None:
    page = visitor.get("/women/clothing/jackets/quilt-liner")
    for address in re.findall(r'(?:src|href)="(/(?:pictures|static)/[^"]+)"', page.text):
        file = visitor.get(address, headers={"accept-encoding": "gzip"})
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert int(file.headers["content-length"]) < 10_000, address


def test_pages_are_small_on_the_wire_and_never_kept_by_others(visitor: Visitor) -> None:
    for path in ("/", "/women", "/sale", "/women/shoes/boots/ridge-boot"):
        page = visitor.get(path, headers={"accept-encoding": "gzip"})
        assert page.headers["content-encoding"] == "gzip"
        assert page.headers["cache-control"] == "private, no-cache"
        assert int(page.headers["content-length"]) < 9_000


def test_a_list_tells_what_it_shows_and_how_it_was_narrowed(visitor: Visitor) -> None:
    plain = event_of(visitor.get("/women/shoes/boots"), "Product List Viewed")
    assert (plain["list_id"], plain["category"]) == ("women/shoes/boots", "women/shoes/boots")
    assert [product["product_id"] for product in plain["products"]] == [
        "ridge-boot",
        "chelsea-fern",
        "puddle-boot",
        "winter-lace",
    ]
    assert [product["position"] for product in plain["products"]] == [1, 2, 3, 4]
    narrowed = event_of(visitor.get("/women/shoes/boots?price=100-200&stock=1&sort=-price"), "Product List Filtered")
    assert narrowed["filters"] == [{"type": "price", "value": "100-200"}, {"type": "stock", "value": "1"}]
    assert narrowed["sorts"] == [{"type": "price", "value": "desc"}]
    assert [product["product_id"] for product in narrowed["products"]] == ["ridge-boot", "chelsea-fern"]


def test_a_product_is_told_with_all_that_the_shop_knows(visitor: Visitor) -> None:
    page = visitor.get("/women/clothing/jackets/quilt-liner?colour=oat")
    assert event_of(page, "Product Viewed") == {
        "product_id": "quilt-liner",
        "sku": "AF-23646",
        "name": "Quilt Liner",
        "category": "women/clothing/jackets",
        "brand": "Alder & Finch",
        "variant": "Oat",
        "price": 119.0,
        "regular_price": 149.0,
        "currency": "USD",
        "url": "http://shop.example/women/clothing/jackets/quilt-liner",
    }
    assert data_of(page)["page"] == ["women/clothing/jackets", "Quilt Liner"]


def test_a_search_tells_its_words_and_an_empty_one_nothing(visitor: Visitor) -> None:
    assert event_of(visitor.get("/search?q=tide+mug"), "Products Searched") == {"query": "tide mug", "n_results": 1}
    assert event_of(visitor.get("/search?q=zebra"), "Products Searched")["n_results"] == 0
    assert told(visitor.get("/search")) == []


def test_campaigns_are_promotions_on_the_front_page_and_where_they_lead(visitor: Visitor) -> None:
    home = visitor.get("/")
    assert told(home) == ["Promotion Viewed"] * 4
    assert set(data_of(home)["promotions"]) == {"autumn-sale", "knitwear-season", "night-by-the-lake", "slow-mornings"}
    landing = visitor.get("/campaign/knitwear-season")
    assert told(landing) == ["Promotion Viewed", "Product List Viewed"]
    assert "FINCH10" in landing.text


def test_suggestions_name_sections_and_products(visitor: Visitor) -> None:
    found = visitor.get("/suggest?q=mug").json()
    assert found[0] == {"title": "Mugs", "path": "/house/kitchen/mugs", "about": "Section"}
    assert {"title": "Tide Mug", "path": "/house/kitchen/mugs/tide-mug", "about": "$21.00"} in found
    assert visitor.get("/suggest?q=").json() == []


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</script><i>evil</i>", "\x00'--"]
)
def test_what_visitors_type_stays_text(visitor: Visitor, hostile: str) -> None:
    visitor.add("stone-mug")
    for page in (
        visitor.get("/search", params={"q": hostile}),
        visitor.get("/women", params={"sort": hostile, "size": hostile, "page": hostile}),
        visitor.get("/women/shoes/boots/ridge-boot", params={"colour": hostile, "missing": hostile}),
        visitor.order(email=hostile, name=hostile, city=hostile, country=hostile, card=hostile),
        visitor.send("/sign-in", email=hostile),
        visitor.get(f"/nope/{quote(hostile, safe='')}"),
    ):
        assert page.status_code in (200, 404, 422)
        assert Reader(page.text).problems == []
        for part in ("<script>alert", "<img src=x", "<i>evil"):
            assert part not in page.text, part


def test_the_head_of_a_page_is_answered_and_uses_nothing_up(visitor: Visitor) -> None:
    placed = visitor_order(visitor)
    assert visitor.ask("HEAD", placed).status_code == 200
    assert "Order Completed" in told(visitor.get(placed))


def visitor_order(visitor: Visitor) -> str:
    """Order a mug; returns the order's address."""
    visitor.add("stone-mug")
    return str(visitor.order().headers["location"])


def test_browsers_without_scripts_ask_for_an_image_unless_they_must_be_asked_first(visitor: Visitor) -> None:
    image = '<noscript><img src="https://footfall.example/v1/pixel.gif?write_key=wk_test"'
    assert image in visitor.get("/").text
    with shopping(is_consent_required=True) as asked:
        assert "pixel.gif" not in asked.get("/").text
