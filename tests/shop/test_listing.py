"""A list is narrowed, ordered and paged by the words of its address."""

from footfall_shop.catalogue import PRODUCTS, in_category
from footfall_shop.listing import narrow


def slugs(path: str, **query: str) -> list[str]:
    return [product.slug for product in narrow(in_category(path), query, f"/{path}").products]


def test_filters_hold_together() -> None:
    assert slugs("women/clothing/knitwear", sale="1") == ["fair-isle-yoke"]
    assert slugs("women/shoes", price="100-200", stock="1", colour="walnut") == ["ridge-boot"]
    assert slugs("house/kitchen/mugs", price="100-200") == slugs("house/kitchen/mugs")  # no such band here


def test_a_price_on_the_border_is_in_the_upper_band() -> None:
    assert "camp-pot" in slugs("outdoor", price="50-100")
    assert next(p.price for p in narrow(PRODUCTS, {"price": "0-50", "sort": "-price"}, "/").products) < 50


def test_every_order_is_an_order() -> None:
    def by(sort: str) -> list[str]:
        return slugs("house/kitchen/mugs", sort=sort)

    assert by("price") == ["stone-mug", "forest-mug", "tide-mug", "espresso-pair", "breakfast-bowl"]
    assert by("-price") == by("price")[::-1]
    assert by("popular")[0] == "stone-mug"
    assert by("new")[0] == "breakfast-bowl"
    assert by("sale")[0] == "espresso-pair"
    assert by("nonsense") == by("")


def test_options_count_what_they_would_leave() -> None:
    listing = narrow(in_category("women/shoes/boots"), {"colour": "walnut"}, "/women/shoes/boots")
    assert [(option.value, option.n) for option in listing.options["price"]] == [("50-100", 0), ("100-200", 2)]
    assert {option.value: option.n for option in listing.options["colour"]}["walnut"] == 2
    assert [option.title for option in listing.options["colour"] if option.is_chosen] == ["Walnut"]
    assert listing.titles == [("colour", "Walnut")]


def test_sizes_stand_in_the_order_people_know() -> None:
    assert [o.value for o in narrow(in_category("men"), {}, "/men").options["size"]] == [
        "XS", "S", "M", "L", "XL", "40", "41", "42", "43", "44", "45", "46",
    ]  # fmt: skip


def test_long_lists_have_pages_and_addresses_that_keep_the_filters() -> None:
    listing = narrow(PRODUCTS, {"stock": "1", "page": "2"}, "/search", keep=["q"])
    assert (listing.n_found, listing.n_pages, listing.page, len(listing.products)) == (73, 4, 2, 24)
    assert listing.address(page="3") == "/search?page=3&stock=1"
    assert listing.address(stock="") == "/search"
    assert narrow(PRODUCTS, {"page": "99"}, "/").page == 4
    for nonsense in ("0", "-1", "x", "", "²", "9" * 400):
        assert narrow(PRODUCTS, {"page": nonsense}, "/").page == 1
    assert narrow(PRODUCTS, {"q": "a b&c"}, "/search", keep=["q"]).address(sale="1") == "/search?q=a+b%26c&sale=1"
