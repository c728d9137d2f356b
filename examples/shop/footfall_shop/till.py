"""What does it cost? Lines of a cart or an order, discount, delivery and what is still missing for free delivery.

Amounts are in ``CURRENCY``, rounded to cents where they arise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from footfall_shop.assortment import CODES, COLOURS
from footfall_shop.catalogue import BY_SLUG, Product, as_json

FREE_FROM = 90.0
"""Goods of this value are delivered free the standard way."""
QUANTITY_MAX = 10
LINES_MAX = 30


@dataclass(frozen=True)
class Delivery:
    """A way of getting it."""

    key: str
    title: str
    about: str
    promise: str
    """When, said once it is ordered."""
    price: float
    is_free_from: bool = False


DELIVERIES: dict[str, Delivery] = {
    way.key: way
    for way in (
        Delivery("standard", "Standard", "2 to 3 working days", "with you in 2 or 3 days", 6.0, is_free_from=True),
        Delivery("express", "Express", "tomorrow, if you order before two", "with you tomorrow", 14.0),
        Delivery("pickup", "Pick up", "from our workshop, Alder Street 4", "ready for you tomorrow", 0.0),
    )
}


@dataclass(frozen=True)
class Line:
    """So many of one product in one size and colour (``""`` where there is only one size)."""

    product: Product
    size: str
    colour: str
    quantity: int

    @property
    def total(self) -> float:
        """What the line costs."""
        return round(self.product.price * self.quantity, 2)

    @property
    def variant(self) -> str:
        """Colour and size for people: ``Moss / M``."""
        return " / ".join(part for part in (COLOURS[self.colour].name, self.size) if part)

    def as_json(self, quantity: int | None = None, **more: Any) -> dict[str, Any]:
        """The line as a product of an event; ``quantity`` if it isn't about all of it."""
        return as_json(self.product, quantity or self.quantity, variant=self.variant, **more)


def line_of(slug: str, size: str, colour: str, quantity: int) -> Line | None:
    """A line as it was asked for, or ``None`` if the shop can't sell that. The quantity is cut to what there is."""
    product = BY_SLUG.get(slug)
    if product is None or quantity < 1 or not product.is_available:
        return None
    if product.sizes and size not in product.sizes:
        return None
    colour = colour if colour in product.colours else product.colours[0]
    return Line(product, size if product.sizes else "", colour, min(quantity, QUANTITY_MAX, product.stock))


@dataclass(frozen=True)
class Totals:
    """The sums below the lines."""

    goods: float
    discount: float
    delivery: float
    total: float
    saved: float
    """What sale prices take off, against the regular ones."""

    @property
    def revenue(self) -> float:
        """What the goods bring in, without delivery."""
        return round(self.goods - self.discount, 2)

    @property
    def missing(self) -> float:
        """What is missing for free delivery; 0 if nothing is."""
        return round(max(0.0, FREE_FROM - self.revenue), 2)


def add_up(lines: Sequence[Line], code: str = "", delivery: str = "standard") -> Totals:
    """The sums of these lines with this discount code (unknown ones count for nothing) and this delivery."""
    goods = round(sum(line.total for line in lines), 2)
    regular = sum((line.product.regular_price or line.product.price) * line.quantity for line in lines)
    discount = round(goods * CODES.get(code, 0.0), 2)
    way = DELIVERIES.get(delivery, DELIVERIES["standard"])
    is_free = not lines or (way.is_free_from and goods - discount >= FREE_FROM)
    fee = 0.0 if is_free else way.price
    return Totals(goods, discount, fee, round(goods - discount + fee, 2), round(regular - goods, 2))
