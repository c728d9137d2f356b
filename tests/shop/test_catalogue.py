# ruff: noqa: E501  (tables and events read better unbroken)
"""The shelves are as the shop promises: enough of everything, in places that exist, found by the words people use."""

import pytest

from footfall_shop.catalogue import (
    BY_SLUG,
    CAMPAIGNS,
    CATEGORIES,
    COLOURS,
    PRODUCTS,
    as_json,
    children,
    in_category,
    search,
    suggest,
    title_of,
)
from footfall_shop.drawings import SHAPES


def test_there_is_much_to_look_at_in_three_levels() -> None:
    assert len(PRODUCTS) == len(BY_SLUG) == len({product.sku for product in PRODUCTS}) == 75
    assert all(product.category.count("/") == 2 and product.category in CATEGORIES for product in PRODUCTS)
    assert all(in_category(path) for path in CATEGORIES)
    assert sum(product.regular_price is not None for product in PRODUCTS) == 21
    assert len(CAMPAIGNS) == 4
    assert all(slug in BY_SLUG for campaign in CAMPAIGNS.values() for slug in campaign.slugs)


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.slug)
def test_everything_is_said_of_a_product(product: object) -> None:
    found = next(other for other in PRODUCTS if other is product)
    assert found.about
    assert found.material
    assert found.care
    assert found.made_in
    assert 1 <= found.rating <= 5
    assert found.shape in SHAPES
    assert set(found.colours) <= set(COLOURS)
    assert found.regular_price is None or found.regular_price > found.price
    assert bool(found.sizes) == (found.category.split("/")[1] in ("shoes", "clothing"))


def test_sections_are_known_by_title_and_place() -> None:
    assert children("") == ["women", "men", "house", "outdoor"]
    assert children("house/kitchen") == ["house/kitchen/mugs", "house/kitchen/pans"]
    assert title_of("outdoor/camping/camp-kitchen") == "Camp kitchen"
    assert [product.slug for product in in_category("outdoor/clothing")] == [
        "wool-beanie",
        "sun-hat",
        "watch-cap",
        "field-cap",
    ]


@pytest.mark.parametrize(
    ("query", "first"),
    [("tide mug", "tide-mug"), ("SAUTÉ", "copper-saute"), ("saute", "copper-saute"), ("trainers", "coastal-runner"),
     ("wool jumper", "orchard-cardigan"), ("boots", "ridge-boot"), ("cherry beanie", "wool-beanie"), ("rucksack", "day-pack-20")],
)  # fmt: skip
def test_words_find_what_people_mean(query: str, first: str) -> None:
    assert search(query)[0].slug == first


@pytest.mark.parametrize("query", ["", "   ", "zebra", "mug zebra", "<>"])
def test_words_that_are_nowhere_find_nothing(query: str) -> None:
    assert search(query) == []


def test_suggestions_are_sections_then_products() -> None:
    sections, products = suggest("mu")
    assert [section.path for section in sections] == ["house/kitchen/mugs"]
    assert len(products) == 5
    assert products[0].slug == "stone-mug"


def test_a_product_of_an_event_leaves_out_what_is_unknown() -> None:
    assert as_json(BY_SLUG["stone-mug"], 2, coupon=None, position=3) == {
        "product_id": "stone-mug",
        "sku": BY_SLUG["stone-mug"].sku,
        "name": "Stone Mug",
        "category": "house/kitchen/mugs",
        "brand": "Alder & Finch",
        "price": 18.0,
        "currency": "USD",
        "quantity": 2,
        "position": 3,
    }
