"""What stands on a list, and how can it be narrowed? Filters, order and pages, from the words of the address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from footfall_shop.assortment import COLOURS
from footfall_shop.catalogue import Product

PER_PAGE = 24
BANDS = {"0-50": (0.0, 50.0), "50-100": (50.0, 100.0), "100-200": (100.0, 200.0), "200-": (200.0, float("inf"))}
"""Price bands: from, and below."""
_BAND_TITLES = {"0-50": "Under $50", "50-100": "$50 to $100", "100-200": "$100 to $200", "200-": "$200 and more"}
_SORT_TITLES = {
    "": "Our order",
    "popular": "Most loved",
    "new": "New first",
    "price": "Price, low to high",
    "-price": "Price, high to low",
    "sale": "Biggest reduction",
}
SORTS: dict[str, Callable[[Product], Any]] = {
    "popular": lambda product: -product.n_reviews,
    "new": lambda product: not product.is_new,
    "price": lambda product: product.price,
    "-price": lambda product: -product.price,
    "sale": lambda product: -product.percent_off,
}
_SIZE_ORDER = ("XS", "S", "M", "L", "XL", "S/M", "L/XL")


@dataclass(frozen=True)
class Option:
    """One choice of a filter; ``n`` counts what it would leave."""

    value: str
    title: str
    n: int
    is_chosen: bool
    swatch: str = ""


@dataclass(frozen=True)
class Listing:
    """What is shown: one page of the products that are left, and the choices."""

    products: Sequence[Product]
    n_found: int
    n_all: int
    page: int
    n_pages: int
    options: Mapping[str, Sequence[Option]]
    chosen: Mapping[str, str]
    """Filters and order that hold, by name."""
    path: str

    def address(self, **change: str) -> str:
        """The same list with something changed; ``""`` takes it away. Leads to the first page unless it says which."""
        words = {"page": ""} | dict(self.chosen) | change
        query = urlencode({name: value for name, value in words.items() if value})
        return f"{self.path}?{query}" if query else self.path

    @property
    def filters(self) -> list[dict[str, str]]:
        """Chosen filters as Segment's ``Product List Filtered`` writes them."""
        return [{"type": name, "value": value} for name, value in self.chosen.items() if name not in ("sort", "q")]

    @property
    def titles(self) -> list[tuple[str, str]]:
        """(name, title) of each chosen filter, for people to take away."""
        found = []
        for name, options in self.options.items():
            found += [(name, option.title) for option in options if option.is_chosen and name != "sort"]
        return found


def _fits(product: Product, name: str, value: str) -> bool:
    if name == "price":
        low, high = BANDS[value]
        return low <= product.price < high
    if name == "size":
        return value in product.sizes
    if name == "colour":
        return value in product.colours
    return bool(product.regular_price) if name == "sale" else product.is_available


def _size_key(size: str) -> tuple[int, str]:
    return (_SIZE_ORDER.index(size), "") if size in _SIZE_ORDER else (len(_SIZE_ORDER), size)


def narrow(products: Sequence[Product], query: Mapping[str, str], path: str, keep: Sequence[str] = ()) -> Listing:
    """The list at ``path`` narrowed by the words of its address; words that mean nothing are passed over.

    ``keep`` names words that aren't filters but belong to the address, such as the search's ``q``.
    """
    values: dict[str, list[str]] = {
        "price": [band for band in BANDS if any(_fits(product, "price", band) for product in products)],
        "size": sorted({size for product in products for size in product.sizes}, key=_size_key),
        "colour": [colour for colour in COLOURS if any(colour in product.colours for product in products)],
        "sale": ["1"] if len({product.regular_price is None for product in products}) > 1 else [],
        "stock": ["1"] if len({product.is_available for product in products}) > 1 else [],
    }
    chosen = {name: query[name] for name in values if query.get(name, "") in values[name]}
    sort = query.get("sort", "")

    def left(without: str) -> list[Product]:
        return [
            product
            for product in products
            if all(_fits(product, name, value) for name, value in chosen.items() if name != without)
        ]

    found = left("")
    options: dict[str, list[Option]] = {}
    for name, some in values.items():
        others = left(name)
        options[name] = [
            Option(
                value,
                _title(name, value),
                sum(_fits(product, name, value) for product in others),
                chosen.get(name) == value,
                COLOURS[value].main if name == "colour" else "",
            )
            for value in some
        ]
    options["sort"] = [Option(key, title, 0, key == sort) for key, title in _SORT_TITLES.items()]
    if sort in SORTS:
        found = sorted(found, key=SORTS[sort])
        chosen["sort"] = sort
    n_pages = max(1, -(-len(found) // PER_PAGE))
    asked = query.get("page", "1")
    page = min(n_pages, max(1, int(asked))) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    chosen |= {name: query[name] for name in keep if query.get(name)}
    return Listing(
        found[(page - 1) * PER_PAGE : page * PER_PAGE], len(found), len(products), page, n_pages, options, chosen, path
    )


def _title(name: str, value: str) -> str:
    if name == "price":
        return _BAND_TITLES[value]
    if name == "colour":
        return COLOURS[value].name
    if name == "size":
        return value
    return "Reduced" if name == "sale" else "In stock"
