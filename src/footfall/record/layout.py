"""What is known about a visitor, byte by byte? The record's dtype, its number, and how older layouts are read.

Rules for change: a field may be added (it is zero in older records), or dropped; a field never changes its meaning
or unit under the same name: give it a new name and fill it in :func:`migrate`. Every change raises :data:`LAYOUT`.

*Order-free* fields come out the same in whatever order a visitor's events arrive; the others follow arrival order.
"""

from typing import Any, NamedTuple

import numpy as np

from footfall.base.codes import Channel, Device
from footfall.base.kinds import N_KINDS, Kind

LAYOUT = 2
"""Number of the layout below."""

N_CART = 12
N_SECTIONS = 6
N_RECENT_PRODUCTS = 8
N_RECENT_CATEGORIES = 4
N_DAYS = 30
N_CHANNELS = len(Channel)
N_DEVICES = len(Device)
N_SPARE = 1
NO_CHANNEL = 255
"""Channel of an event that says nothing about how the visitor came."""

DECAY_KINDS = (
    Kind.PAGE_VIEW,
    Kind.LIST_VIEW,
    Kind.PRODUCT_VIEW,
    Kind.SEARCH,
    Kind.CART_ADD,
    Kind.CART_REMOVE,
    Kind.WISHLIST_ADD,
    Kind.CHECKOUT_START,
    Kind.ORDER,
    Kind.OFFER_CLICKED,
)
"""Kinds whose counts are also kept with exponential decay, and whose latest time is kept."""
N_DECAY = len(DECAY_KINDS)
PASSIVE_KINDS = (Kind.SCROLL, Kind.HOVER, Kind.ENGAGEMENT)
"""Kinds that tell how a page was looked at; a session of one page view and these is a bounce."""
HALF_LIVES_S = (3_600, 86_400, 7 * 86_400, 30 * 86_400)
"""Half-lives of decayed sums: 1 h, 1 d, 7 d, 30 d."""
N_HALF = len(HALF_LIVES_S)

KNOWN = 1
"""State bit: a user id or an e-mail trait is known."""
PAYING = 2
"""State bit: has ordered."""
SHARED = 4
"""State bit: this visitor is the nobody-in-particular of a device that several people use."""
BOT = 8
"""State bit: an event named a crawler."""
ENDED = 16
"""State bit: the current session was ended by inactivity."""
ALIASED = 32
"""State bit: several user ids were joined on purpose (alias)."""


class Field(NamedTuple):
    """One field of the record."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    unit: str
    about: str
    is_order_free: bool = False


def _f(name: str, dtype: str, unit: str, about: str, shape: tuple[int, ...] = (), free: bool = False) -> Field:
    return Field(name, dtype, shape, unit, about, free)


FIELDS: tuple[Field, ...] = (
    # who
    _f("user_key", "u8", "hash", "Key of the user id that owns this visitor; 0 while anonymous."),
    _f("first_seen", "i8", "ms", "Earliest event time; 0 before the first event.", free=True),
    _f("last_seen", "i8", "ms", "Latest event time.", free=True),
    # the session going on, or the last one
    _f("session_start", "i8", "ms", "First event of the session."),
    _f("session_last", "i8", "ms", "Last event of the session; it is due to end at this plus the timeout."),
    _f("decayed_at", "i8", "ms", "Time to which the decayed sums are brought: the latest event time.", free=True),
    _f(
        "cart_changed",
        "i8",
        "ms",
        "Latest time at which something was put into the cart, taken out, bought or shown; 0 if never. Older lists of "
        "what is in the cart don't replace it.",
    ),
    _f("first_order", "i8", "ms", "Earliest order; 0 if none.", free=True),
    _f("last_order", "i8", "ms", "Latest order; 0 if none.", free=True),
    _f("landing", "u8", "hash", "Section in which the session began."),
    _f("section_now", "u8", "hash", "Section in which the visitor is; when the session ended, the exit."),
    _f("page_now", "u8", "hash", "Page of the latest event that had one."),
    _f("campaign", "u8", "hash", "Campaign of the latest session that had one; 0 if none."),
    _f("keyword", "u8", "hash", "Search words that led to the latest session that had any; 0 if none."),
    _f("query", "u8", "hash", "Latest search in the shop; 0 if none."),
    _f("city", "u8", "hash", "City of the latest event that had a place; 0 if unknown."),
    _f("revenue", "f8", "money", "Sum of orders, store included, before refunds.", free=True),
    _f("store_revenue", "f8", "money", "Part of revenue from orders in a store.", free=True),
    _f("refunded", "f8", "money", "Sum of refunds.", free=True),
    _f("price_sum", "f8", "money", "Sum of prices of viewed products (outliers left out).", free=True),
    _f("price_sq", "f8", "money²", "Sum of their squares.", free=True),
    _f("session_gap_sum", "f8", "s", "Sum of gaps between the end of a session and the start of the next."),
    _f("session_gap_sq", "f8", "s²", "Sum of their squares."),
    _f(
        "recent_products",
        "u8",
        "hash",
        "Last viewed distinct products, newest first; 0 is empty.",
        (N_RECENT_PRODUCTS,),
    ),
    _f("recent_categories", "u8", "hash", "Last viewed distinct categories, newest first.", (N_RECENT_CATEGORIES,)),
    _f("section_keys", "u8", "hash", "Sections by dwell; when full, the least one is replaced.", (N_SECTIONS,)),
    _f(
        "cart_products",
        "u8",
        "hash",
        "Product of each cart line; lines are packed to the front, oldest first (after a merge: by value).",
        (N_CART,),
    ),
    # 4 bytes
    _f("merged_into", "i4", "row+1", "Row this visitor was merged into plus one; 0 if it stands for itself."),
    _f("day_last", "i4", "days", "Latest local day with an event, since 1970-01-01.", free=True),
    _f("n_events", "u4", "count", "Events applied.", free=True),
    _f("session_number", "u4", "count", "Sessions begun; the number of the current one."),
    _f("counts", "u4", "count", "Events by kind.", (N_KINDS,), free=True),
    _f("last_s", "u4", "s", "Latest event time of DECAY_KINDS, whole seconds; 0 if never.", (N_DECAY,), free=True),
    _f("decayed", "f4", "count", "Decayed counts of DECAY_KINDS by half-life as of decayed_at.", (N_DECAY, N_HALF)),
    _f("decayed_dwell", "f4", "s", "Decayed dwell by half-life.", (N_HALF,)),
    _f("decayed_revenue", "f4", "money", "Decayed revenue by half-life.", (N_HALF,)),
    _f("dwell_s", "f4", "s", "Sum of dwell: time between events of one session, each capped."),
    _f("engaged_s", "f4", "s", "Sum of the time in which the visitor was active on the page, as the tracker tells it."),
    _f("section_dwell", "f4", "s", "Dwell in each section slot.", (N_SECTIONS,)),
    _f("section_views", "f4", "count", "Events in each section slot.", (N_SECTIONS,)),
    _f("price_n", "u4", "count", "Product views with a price (outliers left out).", free=True),
    _f("price_min", "f4", "money", "Lowest viewed price; 0 if none.", free=True),
    _f("price_max", "f4", "money", "Highest viewed price; 0 if none.", free=True),
    _f("price_last", "f4", "money", "Latest viewed price."),
    _f("percentile_n", "u4", "count", "Product views whose price could be placed within its category.", free=True),
    _f("percentile_sum", "f4", "fraction", "Sum of those places, each 0 (cheapest) to 1."),
    _f("discounted_n", "u4", "count", "Product views at a reduced price.", free=True),
    _f("bought_percentile_n", "u4", "count", "Bought items whose price could be placed.", free=True),
    _f("bought_percentile_sum", "f4", "fraction", "Sum of their places."),
    _f("repeat_views", "u4", "count", "Product views of a product still among recent_products."),
    _f("gap_n", "u4", "count", "Gaps between events of one session."),
    _f("gap_log_sum", "f4", "ln s", "Sum of ln(1 + gap in s)."),
    _f("gap_log_sq", "f4", "(ln s)²", "Sum of their squares."),
    _f("session_gap_n", "u4", "count", "Gaps between sessions."),
    _f("session_gap_last", "f4", "s", "Gap before the current session; 0 if it is the first."),
    _f("session_gap_min", "f4", "s", "Shortest gap between sessions; 0 if none."),
    _f("session_gap_max", "f4", "s", "Longest gap between sessions; 0 if none."),
    _f("scroll_n", "u4", "count", "Scroll events with a depth.", free=True),
    _f("scroll_sum", "f4", "%", "Sum of their depths."),
    _f("cart_prices", "f4", "money", "Unit price of each cart line; 0 if unknown.", (N_CART,)),
    _f("cart_quantities", "f4", "count", "Quantity of each cart line.", (N_CART,)),
    _f(
        "cart_rest_n",
        "f4",
        "count",
        "Quantity in the cart that has no line of its own (no product id, or more than 12 lines).",
    ),
    _f("cart_rest_value", "f4", "money", "Value of that rest."),
    _f("order_max", "f4", "money", "Largest order.", free=True),
    _f("order_last", "f4", "money", "Latest order (by arrival)."),
    _f("items_bought", "f4", "count", "Quantity bought.", free=True),
    _f("store_orders", "u4", "count", "Orders in a store.", free=True),
    _f("late_n", "u4", "count", "Events that were more than 72 h late.", free=True),
    _f("session_dwell_s", "f4", "s", "Dwell in the session."),
    _f("session_engaged_s", "f4", "s", "Time in which the visitor was active on the page, in the session."),
    _f("session_revenue", "f4", "money", "Revenue in the session."),
    _f("session_scroll", "f4", "%", "Deepest scroll in the session."),
    _f("session_price_sum", "f4", "money", "Sum of viewed prices in the session."),
    _f("session_price_min", "f4", "money", "Lowest viewed price in the session; 0 if none."),
    _f("session_price_max", "f4", "money", "Highest viewed price in the session; 0 if none."),
    _f("session_percentile_sum", "f4", "fraction", "Sum of price places in the session."),
    _f("session_cart_max", "f4", "money", "Highest value of the cart in the session."),
    # past sessions (the current one is added when the next begins)
    _f("past_events", "u4", "count", "Events of past sessions."),
    _f("past_pages", "u4", "count", "Page, list and product views of past sessions."),
    _f("past_dwell_s", "f4", "s", "Dwell of past sessions."),
    _f("past_length_s", "f4", "s", "Length of past sessions, first to last event."),
    _f("past_bounced", "u4", "count", "Past sessions of one event, scrolls, hovers and engagements not counted."),
    _f("past_with_cart", "u4", "count", "Past sessions with a cart add."),
    _f("past_with_checkout", "u4", "count", "Past sessions with a checkout start."),
    _f("past_with_order", "u4", "count", "Past sessions with an order."),
    _f("past_abandoned", "u4", "count", "Past sessions with a cart add and no order."),
    _f("region", "u4", "hash", "Region of the latest event that had a place, 32-bit hash; 0 if unknown."),
    # 2 bytes
    _f("site", "u2", "number", "Site number."),
    _f("states", "u2", "bits", "KNOWN, PAYING, SHARED, BOT, ENDED, ALIASED."),
    _f("country", "u2", "code", "ISO 3166-1 alpha-2 as two ASCII bytes of the latest place; 0 if unknown."),
    _f("session_counts", "u2", "count", "Events by kind in the session (at most 65,535).", (N_KINDS,)),
    _f("session_n_events", "u2", "count", "Events in the session (at most 65,535)."),
    _f("session_n_prices", "u2", "count", "Product views with a price in the session."),
    _f("session_n_percentiles", "u2", "count", "Of these, placed within their category."),
    _f("session_n_discounted", "u2", "count", "Product views at a reduced price in the session."),
    _f("session_n_repeat", "u2", "count", "Repeat views in the session."),
    _f("session_n_products", "u2", "count", "Product views in the session that were no repeat."),
    _f("session_n_moves", "u2", "count", "Changes of section in the session."),
    _f(
        "day_events",
        "u1",
        "count",
        "Events by local day (at most 255), at day modulo 30, for the 30 days up to day_last.",
        (N_DAYS,),
    ),
    _f("hours", "u2", "count", "Events by local hour (at most 65,535).", (24,), free=True),
    _f("weekdays", "u2", "count", "Events by local weekday, Monday first (at most 65,535).", (7,), free=True),
    _f("channel_sessions", "u2", "count", "Sessions by channel.", (N_CHANNELS,)),
    _f("device_sessions", "u2", "count", "Sessions by class of device.", (N_DEVICES,)),
    # 1 byte
    _f("day_sessions", "u1", "count", "Sessions begun by local day, as day_events (at most 255).", (N_DAYS,)),
    _f("n_cart", "u1", "count", "Cart lines."),
    _f("first_channel", "u1", "code", "Channel of the first session."),
    _f("session_channel", "u1", "code", "Channel of the session: the first that was more than direct."),
    _f("session_device", "u1", "code", "Device of the session's first event."),
    _f("device", "u1", "code", "Device of the latest event that had one."),
    _f("os", "u1", "code", "Operating system of the latest event that had one."),
    _f("browser", "u1", "code", "Browser of the latest event that had one."),
    _f("last_kind", "u1", "kind", "Kind of the latest event (by arrival)."),
    _f("kind_before", "u1", "kind", "Kind of the one before."),
    _f("spare", "u1", "none", "Always 0; fills up to whole 8 bytes, so that no byte is undefined.", (N_SPARE,)),
)

RECORD = np.dtype(
    {
        "names": [f.name for f in FIELDS],
        "formats": [(f.dtype, f.shape) if f.shape else f.dtype for f in FIELDS],
    },
    align=True,
)
"""dtype of one visitor's record."""

EVENT = np.dtype(
    [
        ("anonymous_key", "u8"),
        ("user_key", "u8"),
        ("previous_key", "u8"),  # alias: key of previousId as a user id
        ("previous_anonymous_key", "u8"),  # alias: key of previousId as an anonymous id
        ("message_key", "u8"),
        ("order_key", "u8"),  # only on orders with an order id
        ("section", "u8"),
        ("page", "u8"),
        ("product", "u8"),
        ("category", "u8"),
        ("campaign", "u8"),
        ("keyword", "u8"),
        ("query", "u8"),
        ("city", "u8"),
        ("time", "i8"),  # corrected, ms
        ("revenue", "f8"),  # base currency, on orders and refunds; NaN counts as 0
        ("price", "f4"),  # base currency, NaN if none
        ("quantity", "f4"),  # NaN if none
        ("percentile", "f4"),  # place of the price within its category, NaN if unknown
        ("scroll", "f4"),  # percent, NaN if none
        ("engaged_s", "f4"),  # on engagements: time in which the visitor was active since the last one
        ("row", "i4"),  # set by admit
        ("item_start", "i4"),
        ("item_n", "i4"),
        ("region", "u4"),
        ("day", "i4"),  # local day since 1970-01-01
        ("site", "u2"),
        ("flags", "u2"),
        ("country", "u2"),
        ("kind", "u1"),
        ("status", "u1"),  # Status; decode failures come in as FAILED, admit sets DUPLICATE
        ("channel", "u1"),
        ("device", "u1"),
        ("os", "u1"),
        ("browser", "u1"),
        ("hour", "u1"),
        ("weekday", "u1"),
        ("is_alias", "u1"),  # 1 for an alias; admit sets 2 when it joins two user ids
        ("knows", "u1"),  # 1 if the event makes the visitor known (user id, or an e-mail trait)
    ],
    align=True,
)
"""One event as the kernel sees it: a batch is an array of these, made by :mod:`footfall.events.columns`."""

ITEM = np.dtype(
    [("product", "u8"), ("category", "u8"), ("price", "f4"), ("quantity", "f4"), ("percentile", "f4")], align=True
)
"""One product line of an event; ``item_start`` and ``item_n`` of the event point into an array of these."""

SESSION = np.dtype(
    [
        ("start", "i8"),
        ("end", "i8"),
        ("landing", "u8"),
        ("exit", "u8"),
        ("revenue", "f4"),
        ("dwell_s", "f4"),
        ("cart_value", "f4"),
        ("row", "i4"),
        ("number", "u4"),
        ("n_events", "u2"),
        ("site", "u2"),
        ("channel", "u1"),
        ("device", "u1"),
        ("spare", "u1", (6,)),  # no byte is undefined
    ],
    align=True,
)
"""An ended session: the effect that both the timer and the next session's first event give."""

MERGE = np.dtype([("event_idx", "i4"), ("winner", "i4"), ("loser", "i4"), ("key_a", "u8"), ("key_b", "u8")], align=True)
"""Two visitors become one before the event at ``event_idx``; the keys are the ids whose meeting caused it."""


def describe() -> list[list[object]]:
    """The layout as plain data, to be stored beside records."""
    return [[f.name, f.dtype, list(f.shape)] for f in FIELDS]


def migrate(old: np.ndarray) -> np.ndarray:
    """Records of any older layout as RECORD, by field name; new fields are zero, dropped ones are left out.

    ``old`` is a structured array whose dtype was made from a stored :func:`describe`. Longer arrays of a newer layout
    keep the old values in front.
    """
    new = np.zeros(len(old), RECORD)
    for name in RECORD.names or ():
        if name not in (old.dtype.names or ()):
            continue
        source, target = old[name], new[name]
        if source.shape == target.shape:
            target[...] = source
        else:
            common = tuple(slice(0, min(a, b)) for a, b in zip(source.shape, target.shape, strict=True))
            target[common] = source[common]
    return new


def dtype_of(description: list[list[object]]) -> np.dtype:
    """The dtype of a stored :func:`describe`."""
    names = [str(name) for name, _, _ in description]
    formats: list[Any] = [(str(d), tuple(s)) if s else str(d) for _, d, s in description]  # type: ignore[arg-type]
    return np.dtype({"names": names, "formats": formats}, align=True)
