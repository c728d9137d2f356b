"""What is there to like? The shop's catalogue as somebody with tastes and a purse sees it."""

from collections.abc import Mapping, Sequence
from random import Random

import msgspec

from footfall_shop import telling
from footfall_shop.catalogue import CAMPAIGNS, PRODUCTS, Product
from footfall_shop.listing import narrow

_encode = msgspec.json.Encoder().encode


class Shelves:
    """The catalogue, looked up in the ways shoppers do; made once."""

    def __init__(self) -> None:
        self.by_slug: dict[str, Product] = {product.slug: product for product in PRODUCTS}
        self.by_section: dict[str, list[Product]] = {}
        for product in PRODUCTS:
            self.by_section.setdefault(product.category, []).append(product)
        self.sections = list(self.by_section)
        self.reduced = [product for product in PRODUCTS if product.regular_price]
        self.campaigns = list(CAMPAIGNS.values())
        self._kin = {
            section: [other for other in self.sections if other.split("/")[0] == section.split("/")[0]]
            for section in self.sections
        }
        self._pull = [1 + 0.7 * (idx * 7 % 5) for idx in range(len(self.sections))]
        """Some sections draw more than others."""
        self._lists: dict[tuple[str, ...], tuple[str, msgspec.Raw]] = {}
        self.price_places = {
            product.slug: sum(other.price < product.price for other in products) / max(1, len(products) - 1)
            for products in self.by_section.values()
            for product in products
        }

    def some_tastes(self, rng: Random) -> list[str]:
        """Three lowest sections, the favourite first, the second of the same department."""
        favourite = rng.choices(self.sections, self._pull)[0]
        return [favourite, rng.choice(self._kin[favourite]), rng.choice(self.sections)]

    def liking(self, product: Product, tastes: list[str], thrift: float) -> float:
        """0-1: by taste, price and reduction."""
        taste = 0.75 if product.category == tastes[0] else 0.55 if product.category in tastes else 0.25
        reduction = 1 - product.price / (product.regular_price or product.price)
        return min(1.0, max(0.02, taste + thrift * (1.2 * reduction - 0.45 * self.price_places[product.slug])))

    def some_liked(self, rng: Random, tastes: list[str], thrift: float, n: int) -> list[str]:
        """Slugs of up to ``n`` different products that can be bought, the most liked first."""
        offered = [p for taste in dict.fromkeys(tastes[:2]) for p in self.by_section[taste] if p.is_available]
        chosen = rng.sample(offered, min(n, 4, len(offered)))
        return [p.slug for p in sorted(chosen, key=lambda p: -self.liking(p, tastes, thrift))]

    def list_view(
        self, list_id: str, path: str, products: Sequence[Product], words: Mapping[str, str]
    ) -> tuple[str, msgspec.Raw]:
        """Event and properties of a list that was looked at, as the shop tells them; ``words`` narrow it down."""
        key = (list_id, *(part for pair in sorted(words.items()) for part in pair))
        known = self._lists.get(key)
        if known is None:
            told = telling.list_viewed(narrow(products, words, path), list_id, list_id)
            known = self._lists[key] = told["event"], msgspec.Raw(_encode(told["properties"]))
        return known
