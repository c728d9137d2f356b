"""Pages find their section by rule, category or path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.base.codes import Flag
from footfall.base.errors import BadInput
from footfall.events.section import Sections


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("/", "home"),
        ("/index.html", "home"),
        ("/en-us/", "home"),
        ("", ""),
        ("/women/shoes/sneakers", "women/shoes/sneakers"),
        ("/en-us/women/shoes/sneakers/red-runner-12345.html", "women/shoes/sneakers"),
        ("/us/en/tv", "tv"),
        ("/collections/shoes/products/red-runner", "shoes"),
        ("/women/shoes/cool-red-shoe.html", "women/shoes"),
        ("/women/shoes.html", "women/shoes"),
        ("/m%C3%A4nner/schuhe/", "männer/schuhe"),
        ("/c/123/women/456/shoes", "women/shoes"),
        ("/blog/2024/05/how-to-choose-the-right-shoe", "blog"),
        ("/products/red-runner", "product"),
        ("/dp/B08N5WRWNW", "product"),
        ("/550e8400-e29b-41d4-a716-446655440000", "product"),
        ("/products", ""),
        ("/home/decor", "home/decor"),
        ("/one/two/three/four/five", "one/two/three/four"),
        ("https://shop.example/women/?x=1", "women"),
        ("/cart", "cart"),
        ("/de/warenkorb", "cart"),
        ("/de/checkout/step1", "checkout"),
        ("/Search?q=x", "search"),
        ("/my-account/orders", "account"),
        ("/order/AF-966A64ADB4", "checkout"),
        ("/en/orders/4711", "checkout"),
        ("/orders", "account"),
        ("/orders/history", "account"),
        ("/account/orders/4711", "account"),
        ("/thank-you-for-your-order/4711", "checkout"),
        ("/shop/order_confirmation", "checkout"),
        ("/checkout/step/2", "checkout"),
    ],
)
def test_a_path_is_cleaned_of_what_is_no_part_of_the_shop(path, section):
    assert Sections().path_of(path, "") == section


@pytest.mark.parametrize(
    ("category", "section"),
    [
        ("Women > Shoes > Sneakers", "women/shoes/sneakers"),
        ("Home > Women", "women"),
        ("electronics.smartphone", "electronics/smartphone"),
        ("Apparel & Accessories/Clothing/Shirts/T-Shirts/Polo", "apparel-accessories/clothing/shirts/t-shirts"),
        ("Size 2.5", "size-2-5"),
        ("4756105", "4756105"),
        (" / ", "x"),
    ],
)
def test_a_category_goes_before_the_path(category, section):
    assert Sections().path_of("/x", category) == section


@pytest.mark.parametrize(
    ("path", "category", "found"),
    [
        ("/women/shoes/boots/ridge-boot", "", ("women/shoes/boots/ridge-boot", Flag.SECTION_GUESSED)),
        ("/cart", "", ("cart", Flag.SECTION_GUESSED)),
        ("/products", "", ("", 0)),
        ("/women/shoes/boots/ridge-boot", "Women > Shoes", ("women/shoes", Flag.PAGE_NAMED)),
        ("/products/ridge-boot", "Shoes", ("shoes", Flag.PAGE_NAMED)),
        ("/", "Shoes", ("shoes", 0)),
        ("/cart", "Shoes", ("shoes", 0)),
        ("", "Shoes", ("shoes", 0)),
        ("/sale/boots", "", ("offers", 0)),
        ("/sale/boots", "Shoes", ("offers", 0)),
    ],
)
def test_what_only_an_address_tells_is_known_as_a_guess(path, category, found):
    assert Sections(("/sale/** -> offers",)).found(path, category) == found


def test_rules_go_before_everything_in_their_order():
    sections = Sections(("/outlet/*/** -> sale/$1", "/magazine/** -> magazine", "/a/* -> first", "/a/b -> second"))
    assert sections.path_of("/Outlet/Men/x/y", "Women") == "sale/men"
    assert sections.path_of("/magazine", "Women") == "magazine"
    assert sections.path_of("/a/b", "") == "first"
    assert sections.path_of("/a/b/c", "Women") == "women"


@pytest.mark.parametrize("rule", ["/a/b", "/a ->", "/**/b -> x"])
def test_a_rule_that_cannot_be_read_is_refused_with_what_to_write(rule):
    with pytest.raises(BadInput, match="PATTERN -> SECTION"):
        Sections((rule,))


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_path_and_category_give_at_most_four_clean_levels(path, category):
    section = Sections(("/x/** -> y",)).path_of(path, category)
    levels = section.split("/") if section else []
    assert len(levels) <= 4
    assert all(level and len(level) <= 64 and level == level.strip() for level in levels)
    assert Sections().path_of(path, category) == Sections().path_of(path, category)
