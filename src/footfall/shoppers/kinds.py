"""What kinds of shoppers are there? Each kind is a small policy; what it intends shows in what it does, not surely.

A policy says how likely a visit ends in an order as the shopper knows it at the start (``intents``, one for the first
visit, the second, ...; the last holds on), how visits end that don't, and how the shopper moves about. Kinds overlap on
purpose: a window shopper may choose a size and read about delivery, a loyal customer may buy in three clicks without a
second look.
"""

from collections.abc import Mapping

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """A policy. Shares and probabilities are 0-1; ``return_days`` is a median."""

    name: str
    about: str
    share: float
    """Of new shoppers."""
    intents: tuple[float, ...]
    """Probability of an order in the first visit, the second, ..."""
    bounce: float
    """Of a visit without an order: leaves from the page it landed on."""
    cart: float
    """Of a visit without an order that isn't a bounce: leaves a filled cart behind."""
    returns: float
    """Comes back after a visit without an order."""
    returns_after_order: float
    return_days: float
    pages: float
    """Mean number of pages of a visit that is neither bounce nor order."""
    phone: float
    """Uses a phone or tablet."""
    account: float
    """Has an account from before."""
    channels: Mapping[str, float]
    """Weights of ways to the shop for the first visit, see :mod:`footfall.shoppers.arrivals`."""
    warmth: float = 0.0
    """Added to how interested the shopper looks, whatever comes of it."""
    search: float = 0.12
    filters: float = 0.1
    """Narrows a list down, or sorts it by price."""
    sale: float = 0.05
    """Goes to the sale section or to reduced things."""
    coupon: float = 0.01
    """Looks for a code before paying, or for "discount" in the search."""
    repeats: float = 0.15
    """Goes back to a product seen before."""
    gifts: float = 0.02
    """Uses the gift finder."""
    wishes: float = 0.04
    """Saves a product for later."""
    thrift: float = 0.5
    """0 buys what it likes, 1 buys what is cheap."""
    tempo: float = 1.0
    """Factor on the time spent on a page."""
    store: float = 0.0
    """Buys in a store in a month."""
    is_bot: bool = False


_WANDERING = {
    "organic": 20,
    "paid_social": 22,
    "social": 16,
    "display": 9,
    "paid_search": 14,
    "direct": 9,
    "referral": 7,
    "affiliate": 3,
}
_LOOKING_FOR = {
    "organic": 36,
    "paid_search": 26,
    "direct": 12,
    "referral": 10,
    "social": 6,
    "affiliate": 5,
    "paid_social": 5,
}
_BARGAINS = {
    "affiliate": 24,
    "paid_search": 22,
    "organic": 18,
    "paid_social": 14,
    "email": 6,
    "direct": 8,
    "display": 8,
}

KINDS: tuple[Kind, ...] = (
    Kind(
        "bouncer",
        "Followed a link, isn't interested, leaves.",
        share=0.27,
        intents=(0.0008,),
        bounce=0.9,
        cart=0.01,
        returns=0.04,
        returns_after_order=0.1,
        return_days=6,
        pages=2.5,
        phone=0.7,
        account=0.01,
        channels=_WANDERING | {"display": 16, "paid_social": 30},
        tempo=0.6,
    ),
    Kind(
        "window_shopper",
        "Likes to look: many pages, wish lists, even sizes and carts, and next to never an order.",
        share=0.23,
        intents=(0.003, 0.005),
        bounce=0.4,
        cart=0.1,
        returns=0.25,
        returns_after_order=0.2,
        return_days=4,
        pages=4.6,
        phone=0.66,
        account=0.06,
        channels=_WANDERING,
        warmth=0.08,
        wishes=0.12,
        repeats=0.2,
        tempo=1.1,
    ),
    Kind(
        "bargain_hunter",
        "Buys when the price is right: sorts by price, goes through the sale, looks for a code.",
        share=0.12,
        intents=(0.014, 0.024, 0.03),
        bounce=0.42,
        cart=0.2,
        returns=0.42,
        returns_after_order=0.3,
        return_days=4.5,
        pages=4.2,
        phone=0.6,
        account=0.1,
        channels=_BARGAINS,
        filters=0.42,
        sale=0.5,
        coupon=0.3,
        thrift=0.95,
        wishes=0.05,
    ),
    Kind(
        "gift_buyer",
        "Needs a present by a day: gift finder, a price limit, delivery times; one or two visits.",
        share=0.09,
        intents=(0.06, 0.1, 0.08),
        bounce=0.28,
        cart=0.13,
        returns=0.3,
        returns_after_order=0.12,
        return_days=1.4,
        pages=3.6,
        phone=0.55,
        account=0.08,
        channels=_LOOKING_FOR | {"social": 12},
        gifts=0.5,
        filters=0.3,
        thrift=0.45,
        warmth=0.05,
    ),
    Kind(
        "researcher",
        "Comes back over days to the same two or three products, reads everything, then decides.",
        share=0.12,
        intents=(0.004, 0.022, 0.075, 0.12, 0.08),
        bounce=0.27,
        cart=0.1,
        returns=0.58,
        returns_after_order=0.15,
        return_days=1.6,
        pages=4.2,
        phone=0.46,
        account=0.12,
        channels=_LOOKING_FOR,
        warmth=0.06,
        repeats=0.5,
        filters=0.25,
        search=0.22,
        thrift=0.55,
        tempo=1.5,
        wishes=0.07,
    ),
    Kind(
        "errand",
        "Knows what it wants, searches for it, buys it here or somewhere else.",
        share=0.07,
        intents=(0.1, 0.09),
        bounce=0.34,
        cart=0.12,
        returns=0.14,
        returns_after_order=0.2,
        return_days=12,
        pages=2.4,
        phone=0.5,
        account=0.1,
        channels=_LOOKING_FOR | {"organic": 46},
        search=0.4,
        thrift=0.35,
        tempo=0.8,
    ),
    Kind(
        "loyal",
        "A customer for years: signed in, comes by mail or by heart, also buys in the store.",
        share=0.035,
        intents=(0.085, 0.08),
        bounce=0.15,
        cart=0.12,
        returns=0.9,
        returns_after_order=0.9,
        return_days=6,
        pages=3,
        phone=0.5,
        account=1.0,
        channels={"direct": 42, "email": 34, "organic": 14, "paid_search": 6, "push": 4},
        repeats=0.2,
        thrift=0.3,
        wishes=0.06,
        tempo=0.9,
        store=0.35,
    ),
    Kind(
        "abandoner",
        "Fills a cart, sees the total, leaves; a reminder brings some of them back.",
        share=0.055,
        intents=(0.02, 0.1, 0.06),
        bounce=0.14,
        cart=0.66,
        returns=0.5,
        returns_after_order=0.25,
        return_days=0.9,
        pages=3.6,
        phone=0.66,
        account=0.25,
        channels=_WANDERING | {"paid_search": 22},
        warmth=0.12,
        thrift=0.6,
        coupon=0.12,
    ),
    Kind(
        "crawler",
        "A search engine's robot: says so, looks at every page in turn, scrolls none.",
        share=0.006,
        intents=(0.0,),
        bounce=0.0,
        cart=0.0,
        returns=0.95,
        returns_after_order=0.0,
        return_days=1.0,
        pages=14,
        phone=1.0,
        account=0.0,
        channels={"direct": 1},
        is_bot=True,
    ),
    Kind(
        "scraper",
        "A price robot that calls itself Chrome: product after product in order, a second each, no hand moves.",
        share=0.006,
        intents=(0.0,),
        bounce=0.0,
        cart=0.0,
        returns=0.9,
        returns_after_order=0.0,
        return_days=1.0,
        pages=26,
        phone=0.0,
        account=0.0,
        channels={"direct": 1},
        is_bot=True,
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}
SHARES = [kind.share for kind in KINDS]
LATER_CHANNELS = {
    "direct": 44,
    "organic": 17,
    "paid_search": 9,
    "social": 6,
    "email": 14,
    "referral": 3,
    "sms": 3,
    "push": 4,
}
"""How somebody who knows the shop comes back."""
