"""What can be found where? Products by name, section, words and price, and what a shop tells others about one.

Pages, tests and simulated shoppers read the shop through this module; the rows are in ``assortment``.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from footfall_shop.assortment import (
    BRAND,
    CAMPAIGNS,
    CODES,
    COLOURS,
    CURRENCY,
    PRODUCTS,
    SECTIONS,
    Campaign,
    Product,
    Section,
)

__all__ = [
    "BRAND",
    "BY_SLUG",
    "CAMPAIGNS",
    "CATEGORIES",
    "CODES",
    "COLOURS",
    "CURRENCY",
    "PRODUCTS",
    "SECTIONS",
    "Campaign",
    "Product",
    "Section",
    "as_json",
    "children",
    "in_category",
    "search",
    "suggest",
    "title_of",
]

BY_SLUG: dict[str, Product] = {product.slug: product for product in PRODUCTS}
CATEGORIES: dict[str, Section] = {section.path: section for section in SECTIONS}
"""Every section of the shop by path, in shop order."""
_LEAVES = {product.category for product in PRODUCTS}


def title_of(path: str) -> str:
    """A section for people: ``women/shoes`` is ``Shoes``; a path the shop doesn't have is made readable."""
    section = CATEGORIES.get(path)
    return section.title if section else path.rpartition("/")[2].replace("-", " ").capitalize()


def in_category(path: str) -> list[Product]:
    """Products at or below a section, in shop order; ``""`` is the whole shop."""
    return [product for product in PRODUCTS if not path or f"{product.category}/".startswith(f"{path}/")]


def children(path: str) -> list[str]:
    """Paths of the sections one level below, in shop order."""
    depth = path.count("/") + 1 if path else 0
    start = f"{path}/" if path else ""
    return [other for other in CATEGORIES if other.startswith(start) and other.count("/") == depth]


def as_json(product: Product, quantity: int | None = None, **more: Any) -> dict[str, Any]:
    """A product as properties of a Segment v2 e-commerce event, or as an entry of its ``products``.

    ``more`` adds or overrides (``variant``, ``coupon``, ``position`` …); what is ``None`` is left out. Prices are for
    one piece, in ``CURRENCY``.
    """
    properties: dict[str, Any] = {
        "product_id": product.slug,
        "sku": product.sku,
        "name": product.name,
        "category": product.category,
        "brand": BRAND,
        "price": product.price,
        "currency": CURRENCY,
        "regular_price": product.regular_price,
        "quantity": quantity,
    } | more
    return {name: value for name, value in properties.items() if value is not None}


def _plain(text: str) -> str:
    """Lower case without accents."""
    split = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", _plain(text))


_SAME = {
    "jumper": "knitwear", "jumpers": "knitwear", "pullover": "knitwear", "sweater": "knitwear", "trainers": "sneakers",
    "cup": "mug", "cups": "mug", "rucksack": "backpack", "coat": "jackets", "coats": "jackets", "throw": "blanket",
    "pillow": "cushion", "light": "lamp", "wellies": "wellie", "knit": "knitwear", "dress": "dresses", "gift": "mug",
}  # fmt: skip
"""Words people use for what the shop calls otherwise."""
_NAMES = {product.slug: _plain(product.name) for product in PRODUCTS}
_TEXTS = {
    product.slug: " ".join(
        _words(" ".join((
            product.name, product.category, product.about, product.material, product.shape,
            *(COLOURS[colour].name for colour in product.colours),
        )))
    )
    for product in PRODUCTS
}  # fmt: skip


def _score(product: Product, words: Sequence[str]) -> float:
    """How well the words fit: 0 if one isn't found; words in the name count most, then the section."""
    total = 0.0
    for word in words:
        forms = {word, word.removesuffix("s") if len(word) > 3 else word, _SAME.get(word, word)}
        if any(form in _NAMES[product.slug] for form in forms):
            total += 10
        elif any(form in product.category for form in forms):
            total += 5
        elif any((form if len(form) > 3 else f" {form}") in f" {_TEXTS[product.slug]}" for form in forms):
            total += 1
        else:
            return 0
    return total


def search(query: str) -> list[Product]:
    """Products in which every word is found (name, section, material, colour, description), the best fit first."""
    words = _words(query)[:12]
    if not words:
        return []
    scores = {product.slug: _score(product, words) for product in PRODUCTS}
    found = [product for product in PRODUCTS if scores[product.slug]]
    return sorted(found, key=lambda product: -scores[product.slug])


def suggest(query: str, limit: int = 6) -> tuple[list[Section], list[Product]]:
    """What somebody who typed this so far may mean: lowest sections first, then products, ``limit`` together."""
    typed = _plain(query.strip())
    if not typed:
        return [], []
    sections = [section for section in SECTIONS if section.path in _LEAVES and typed in _plain(section.title)][:2]
    begin = [product for product in PRODUCTS if f" {typed}" in f" {_NAMES[product.slug]}"]
    products = list(dict.fromkeys([*begin, *search(query)]))
    return sections, products[: max(0, limit - len(sections))]
