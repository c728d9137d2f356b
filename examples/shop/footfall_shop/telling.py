"""What does the shop tell of what happens? Segment's e-commerce events with their full properties, as plain data.

A page carries its events as JSON; ``telling-footfall.js`` hands them to the tracker as they are, and
``telling-datalayer.js`` writes them as GA4 entries of ``dataLayer``.
"""

from collections.abc import Sequence
from typing import Any

from footfall_shop.assortment import CURRENCY, Campaign, Product
from footfall_shop.catalogue import as_json
from footfall_shop.forms import customer_id
from footfall_shop.listing import Listing
from footfall_shop.store import Placed, Visit
from footfall_shop.till import Line, Totals

Event = dict[str, Any]
AFFILIATION = "Alder & Finch"


def track(event: str, /, **properties: Any) -> Event:
    """One event; properties that are ``None`` are left out."""
    return {"event": event, "properties": {key: value for key, value in properties.items() if value is not None}}


def identify(email: str, **traits: Any) -> Event:
    """Who this is, from now on."""
    return {"identify": customer_id(email), "traits": {"email": email} | {k: v for k, v in traits.items() if v}}


def listed(products: Sequence[Product], list_id: str, first: int = 1) -> dict[str, Any]:
    """Products as a list shows them, by slug: what a click on one tells."""
    return {
        product.slug: as_json(product, position=position, list_id=list_id)
        for position, product in enumerate(products, first)
    }


def list_viewed(listing: Listing, list_id: str, category: str) -> Event:
    """A list was seen, narrowed or not."""
    products = [as_json(product, position=n) for n, product in enumerate(listing.products, 1)]
    if listing.filters or "sort" in listing.chosen:
        order = listing.chosen.get("sort", "")
        sorts = [{"type": order.lstrip("-"), "value": "desc" if order.startswith("-") else "asc"}] if order else []
        filters = listing.filters
        return track(
            "Product List Filtered", list_id=list_id, category=category, filters=filters, sorts=sorts, products=products
        )
    return track("Product List Viewed", list_id=list_id, category=category, products=products)


def searched(query: str, n_found: int) -> Event:
    """Somebody looked for something."""
    return track("Products Searched", query=query, n_results=n_found)


def promotion(campaign: Campaign, position: str) -> dict[str, Any]:
    """A campaign as a promotion that is seen or clicked."""
    return {
        "promotion_id": campaign.name,
        "name": campaign.title,
        "creative": f"scene-{campaign.scene}",
        "position": position,
    }


def _lines(lines: Sequence[Line], code: str = "") -> list[dict[str, Any]]:
    return [line.as_json(position=n, coupon=code or None) for n, line in enumerate(lines, 1)]


def cart_changed(line: Line, n_before: int, n_after: int) -> list[Event]:
    """A line of the cart grew or shrank; nothing if it stayed."""
    if n_after == n_before:
        return []
    name = "Product Added" if n_after > n_before else "Product Removed"
    return [track(name, **line.as_json(abs(n_after - n_before)))]


def cart_viewed(visit: Visit, totals: Totals) -> Event:
    """The cart was looked at; an empty one too."""
    return track("Cart Viewed", value=totals.revenue, currency=CURRENCY, products=_lines(visit.lines, visit.code))


def wish_changed(product: Product, is_wanted: bool) -> Event:
    """The wish list changed."""
    name = "Product Added to Wishlist" if is_wanted else "Product Removed from Wishlist"
    return track(name, wishlist_name="Wishlist", **as_json(product))


def checkout_started(visit: Visit, totals: Totals) -> Event:
    """The checkout was opened."""
    return track(
        "Checkout Started", order_id=None, checkout_id=visit.checkout, affiliation=AFFILIATION, value=totals.revenue,
        revenue=totals.revenue, shipping=totals.delivery, discount=totals.discount, coupon=visit.code or None,
        currency=CURRENCY, products=_lines(visit.lines, visit.code),
    )  # fmt: skip


def _order(placed: Placed) -> dict[str, Any]:
    revenue = round(placed.goods - placed.discount, 2)
    return {
        "order_id": placed.id, "affiliation": AFFILIATION, "total": placed.total, "subtotal": placed.goods,
        "revenue": revenue, "shipping": placed.delivery, "tax": 0.0, "discount": placed.discount,
        "coupon": placed.code or None, "currency": CURRENCY, "products": _lines(placed.lines, placed.code),
    }  # fmt: skip


def order_completed(placed: Placed) -> Event:
    """An order was placed."""
    return track("Order Completed", **_order(placed))


def order_refunded(placed: Placed) -> Event:
    """A whole order was sent back."""
    return track("Order Refunded", **_order(placed))
