"""Which features say the same thing? One family for each of the catalogue's features, by what its name is about.

``session_product_view_n``, ``product_view_n`` and ``product_view_decayed_1h`` all say that products were viewed: three
reasons of a score should be three different things. A family is told by the words its names begin with; of several
that fit, the longest counts.
"""

import re

from footfall.record.features import CATALOGUE

FAMILIES: dict[str, tuple[str, ...]] = {
    "cart": (
        "cart", "cart_add", "cart_view", "cart_change", "cart_max", "view_to_cart", "past_cart_rate",
    ),
    "cart removals": ("cart_remove", "cart_remove_ratio", "past_abandon_rate"),
    "checkout": ("checkout_start", "payment_info", "cart_to_checkout", "checkout_to_order", "past_checkout_rate"),
    "orders": (
        "order", "orders", "last_order", "first_order", "revenue", "items_per_order", "past_order_rate",
        "view_to_order", "is_paying", "store",
    ),
    "refunds": ("refund",),
    "product views": (
        "product_view", "product_click", "products", "recent_products_n", "price_views", "list_to_view",
    ),
    "repeat views": ("repeat",),
    "product lists": ("list_view", "recent_categories_n"),
    "searches": ("search", "search_to_view"),
    "wish list": ("wishlist_add",),
    "activity": ("events", "page_view", "page_share", "moves", "click", "hover", "form", "custom"),
    "latest steps": ("last_kind", "kind_before"),
    "time spent": (
        "dwell", "engaged", "engagement", "length", "session_start", "session_dwell_per_event", "dwell_per_event",
    ),
    "scrolling": ("scroll",),
    "pace": ("events_per_min", "gap_mean_s", "gap_log_std"),
    "still here": ("last_event", "session_last", "is_ended"),
    "sections": ("section", "sections"),
    "prices": ("price", "percentile", "bought_percentile"),
    "discounts": ("discounted",),
    "sessions": (
        "number", "sessions", "is_returning", "first_event", "active_days", "events_7d_to_30d", "events_1d",
        "events_7d", "events_30d", "events_per_active_day", "past_sessions",
    ),
    "time between sessions": ("gap_before", "session_gap"),
    "sessions before": ("past",),
    "time of day": ("hours",),
    "weekday": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    "channel": ("channel", "channels", "first_channel", "has_campaign", "has_keyword"),
    "device": ("device", "devices", "os", "browser", "mobile", "is_shared_device"),
    "promotions": ("promotion",),
    "offers": ("offer",),
    "mails": ("email",),
    "account": ("is_known", "sign_up", "sign_in", "identify", "is_aliased"),
    "crawlers": ("is_bot",),
    "late data": ("late",),
    "how the product sells": ("last_product", "recent_products"),
    "how the cart's products sell": ("cart_order_lift",),
    "how the category sells": ("last_category", "recent_categories"),
}  # fmt: skip
"""What a family is about, and the beginnings of names; ``session_`` and ``since_`` before a beginning are no matter."""

_BEGINNINGS = sorted(
    ((beginning, family) for family, all_of_it in FAMILIES.items() for beginning in all_of_it),
    key=lambda pair: -len(pair[0]),
)


def _family(name: str) -> str:
    for text in (name, re.sub("^(session|since)_", "", name)):
        for beginning, family in _BEGINNINGS:
            if text == beginning or text.startswith(beginning + "_"):
                return family
    raise LookupError(f"Feature {name} is in no family: name it in models/families.py.")


FAMILY_OF: dict[str, str] = {feature.name: _family(feature.name) for feature in CATALOGUE}
"""Family by name of feature."""
