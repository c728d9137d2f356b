"""Which numbers describe a visitor? The documented catalogue and the one kernel that computes it from records.

A feature is computed from a record at a time *t*, column-wise for many rows. NaN says "unknown" or "never"; models take
it as it is. The catalogue and the kernel list the features in the same order; ``tests/record`` computes every one of
them by name in plain Python from the formula and compares.
"""

import math
from typing import NamedTuple

import numpy as np
from xxhash import xxh3_64_hexdigest

from footfall.base.codes import Channel, Device
from footfall.base.kinds import KIND_NAMES, Kind
from footfall.record.compiled import kernel
from footfall.record.layout import (
    ALIASED,
    BOT,
    DECAY_KINDS,
    ENDED,
    HALF_LIVES_S,
    KNOWN,
    LAYOUT,
    N_CHANNELS,
    N_DAYS,
    N_DECAY,
    N_DEVICES,
    N_HALF,
    N_RECENT_CATEGORIES,
    N_RECENT_PRODUCTS,
    N_SECTIONS,
    PAYING,
    SHARED,
)
from footfall.record.machine import prefetch
from footfall.record.rates import AVERAGE, rate_slot
from footfall.record.shared import cart_value

_HALF_NAMES = ("1h", "1d", "7d", "30d")
_PER_HALF_MS = -1.0 / (np.array(HALF_LIVES_S, np.float64) * 1000.0)
_COUNTED = tuple(kind for kind in Kind if kind != Kind.SESSION_END)
"""Kinds that visitors cause; ends of sessions are Footfall's own."""
_N_COUNTED = len(_COUNTED)
_COUNTED_KINDS = np.array(_COUNTED, np.int64)
_DECAY_KINDS = np.array(DECAY_KINDS, np.int64)


class Feature(NamedTuple):
    """One number of the catalogue; ``formula`` is in terms of record fields and the time ``t``."""

    name: str
    group: str
    unit: str
    formula: str
    about: str


def _catalogue() -> tuple[Feature, ...]:
    out: list[Feature] = []

    def add(group: str, *rows: tuple[str, str, str, str]) -> None:
        out.extend(Feature(name, group, unit, formula, about) for name, unit, formula, about in rows)

    add(
        "recency",
        ("since_last_event_s", "s", "t - last_seen", "Time since the latest event."),
        ("since_first_event_d", "d", "t - first_seen", "How long the visitor has been known to the shop."),
        ("since_session_start_s", "s", "t - session_start", "Age of the session."),
        ("since_session_last_s", "s", "t - session_last", "Time since the session's latest event."),
        ("since_cart_change_s", "s", "t - cart_changed", "Time since a cart line changed."),
        ("since_last_order_d", "d", "t - last_order", "Time since the latest order."),
        ("since_first_order_d", "d", "t - first_order", "Time since the first order."),
    )
    for kind in DECAY_KINDS:
        k = KIND_NAMES[kind]
        add("recency", (f"since_{k}_h", "h", f"t - last_s[{k}]", f"Time since the latest {k.replace('_', ' ')}."))
    for kind in _COUNTED:
        k = KIND_NAMES[kind]
        add("session", (f"session_{k}_n", "count", f"session_counts[{k}]", "Events of the kind in the session."))
    for kind in _COUNTED:
        k = KIND_NAMES[kind]
        add("lifetime", (f"{k}_n", "count", f"counts[{k}]", "Events of the kind ever."))
    for kind in DECAY_KINDS:
        for half in _HALF_NAMES:
            k = KIND_NAMES[kind]
            add(
                "decayed",
                (
                    f"{k}_decayed_{half}",
                    "count",
                    f"decayed[{k}, {half}] * 2^(-(t - decayed_at) / {half})",
                    f"Events of the kind, each counting half as much every {half}.",
                ),
            )
    for half in _HALF_NAMES:
        add(
            "decayed",
            (
                f"dwell_decayed_{half}_s",
                "s",
                f"decayed_dwell[{half}] * 2^(-(t - decayed_at) / {half})",
                "Dwell, decayed.",
            ),
        )
    for half in _HALF_NAMES:
        add(
            "decayed",
            (
                f"revenue_decayed_{half}",
                "money",
                f"decayed_revenue[{half}] * 2^(-(t - decayed_at) / {half})",
                "Revenue, decayed.",
            ),
        )
    for kind in DECAY_KINDS:
        k = KIND_NAMES[kind]
        add("mix", (f"{k}_share", "fraction", f"counts[{k}] / n_events", "Share of the kind among all events."))
    add(
        "funnel",
        ("view_to_cart", "ratio", "counts[cart_add] / counts[product_view]", "Cart adds for each product view."),
        ("cart_to_checkout", "ratio", "counts[checkout_start] / counts[cart_add]", "Checkouts for each cart add."),
        ("checkout_to_order", "ratio", "counts[order] / counts[checkout_start]", "Orders for each checkout."),
        ("view_to_order", "ratio", "counts[order] / counts[product_view]", "Orders for each product view."),
        ("cart_remove_ratio", "ratio", "counts[cart_remove] / counts[cart_add]", "Removals for each cart add."),
        ("list_to_view", "ratio", "counts[product_view] / counts[list_view]", "Product views for each list view."),
        ("search_to_view", "ratio", "counts[product_view] / counts[search]", "Product views for each search."),
        (
            "promotion_click_rate",
            "ratio",
            "counts[promotion_click] / counts[promotion_view]",
            "Response to promotions.",
        ),
        ("offer_click_rate", "ratio", "counts[offer_clicked] / counts[offer_shown]", "Response to offers on the page."),
        ("offer_dismiss_rate", "ratio", "counts[offer_dismissed] / counts[offer_shown]", "Offers turned away."),
        ("email_click_rate", "ratio", "counts[email_clicked] / counts[email_opened]", "Response to mail."),
        (
            "session_view_to_cart",
            "ratio",
            "session_counts[cart_add] / session_counts[product_view]",
            "The same in the session.",
        ),
        (
            "session_cart_remove_ratio",
            "ratio",
            "session_counts[cart_remove] / session_counts[cart_add]",
            "The same in the session.",
        ),
    )
    add(
        "session",
        ("session_number", "count", "session_number", "Which session of the visitor this is."),
        ("session_events_n", "count", "session_n_events", "Events in the session (depth)."),
        ("session_length_s", "s", "session_last - session_start", "First to last event of the session."),
        ("session_dwell_s", "s", "session_dwell_s", "Dwell in the session."),
        ("session_dwell_per_event_s", "s", "session_dwell_s / session_n_events", "Dwell for each event."),
        ("session_events_per_min", "1/min", "session_n_events / max(session length, 1 s)", "Pace."),
        ("session_revenue", "money", "session_revenue", "Revenue in the session."),
        ("session_scroll_max_pct", "%", "session_scroll", "Deepest scroll."),
        ("session_price_mean", "money", "session_price_sum / session_n_prices", "Mean viewed price."),
        ("session_price_min", "money", "session_price_min", "Lowest viewed price."),
        ("session_price_max", "money", "session_price_max", "Highest viewed price."),
        (
            "session_percentile_mean",
            "fraction",
            "session_percentile_sum / session_n_percentiles",
            "Mean place of viewed prices in their categories.",
        ),
        (
            "session_discounted_share",
            "fraction",
            "session_n_discounted / session_counts[product_view]",
            "Share of views at a reduced price.",
        ),
        ("session_products_n", "count", "session_n_products", "Product views that were no repeat."),
        ("session_repeat_n", "count", "session_n_repeat", "Repeat views."),
        (
            "session_repeat_share",
            "fraction",
            "session_n_repeat / session_counts[product_view]",
            "Share of repeat views.",
        ),
        ("session_moves_n", "count", "session_n_moves", "Changes of section."),
        ("session_cart_max", "money", "session_cart_max", "Highest value of the cart."),
        ("session_is_ended", "bool", "states & ENDED", "Ended by inactivity."),
        ("session_gap_before_h", "h", "session_gap_last", "Gap before the session; NaN in the first."),
        (
            "session_page_share",
            "fraction",
            "session page, list and product views / session_n_events",
            "Share of views.",
        ),
    )
    add(
        "price",
        ("price_views_n", "count", "price_n", "Product views with a price."),
        ("price_mean", "money", "price_sum / price_n", "Mean viewed price."),
        ("price_std", "money", "sqrt(price_sq / price_n - price_mean²)", "Spread of viewed prices."),
        ("price_min", "money", "price_min", "Lowest viewed price."),
        ("price_max", "money", "price_max", "Highest viewed price."),
        ("price_last", "money", "price_last", "Latest viewed price."),
        ("price_last_to_mean", "ratio", "price_last / price_mean", "Latest price against the mean."),
        (
            "price_session_to_mean",
            "ratio",
            "session_price_mean / price_mean",
            "This session's prices against the mean.",
        ),
        (
            "percentile_mean",
            "fraction",
            "percentile_sum / percentile_n",
            "Price attitude: mean place of viewed prices in their categories.",
        ),
        (
            "bought_percentile_mean",
            "fraction",
            "bought_percentile_sum / bought_percentile_n",
            "The same of what was bought.",
        ),
        ("discounted_share", "fraction", "discounted_n / counts[product_view]", "Share of views at a reduced price."),
    )
    add(
        "dwell",
        ("dwell_total_s", "s", "dwell_s", "Dwell ever."),
        ("dwell_per_event_s", "s", "dwell_s / n_events", "Dwell for each event."),
        ("dwell_per_session_s", "s", "dwell_s / session_number", "Dwell for each session."),
        ("sections_n", "count", "section slots in use", "Sections visited (up to 6)."),
        ("section_top1_share", "fraction", "largest section_dwell / sum", "Share of dwell in the favourite section."),
        ("section_top2_share", "fraction", "second largest / sum", "Share of dwell in the second one."),
        ("section_entropy", "bit", "-Σ p log2 p over section_dwell", "How spread the interest is."),
        (
            "section_now_share",
            "fraction",
            "section_dwell of section_now / sum",
            "Share of dwell in the current section.",
        ),
        ("section_now_views", "count", "section_views of section_now", "Events in the current section."),
        ("engaged_total_s", "s", "engaged_s", "Time in which the visitor was active on pages, ever."),
        ("session_engaged_s", "s", "session_engaged_s", "The same in the session."),
        ("engaged_share", "fraction", "engaged_s / dwell_s", "Share of dwell in which the visitor was active."),
    )
    add(
        "gaps",
        ("gap_mean_s", "s", "exp(gap_log_sum / gap_n) - 1", "Geometric mean of gaps between events."),
        ("gap_log_std", "ln s", "sqrt(gap_log_sq / gap_n - (gap_log_sum / gap_n)²)", "Spread of their logarithms."),
        ("session_gap_mean_d", "d", "session_gap_sum / session_gap_n", "Mean gap between sessions."),
        ("session_gap_std_d", "d", "sqrt(session_gap_sq / session_gap_n - mean²)", "Spread of gaps between sessions."),
        ("session_gap_min_h", "h", "session_gap_min", "Shortest gap between sessions."),
        ("session_gap_max_d", "d", "session_gap_max", "Longest gap between sessions."),
    )
    add(
        "past",
        ("past_sessions_n", "count", "session_number - 1", "Sessions before this one."),
        ("past_events_per_session", "count", "past_events / past sessions", "Mean depth of past sessions."),
        ("past_pages_per_session", "count", "past_pages / past sessions", "Mean views of past sessions."),
        ("past_dwell_per_session_s", "s", "past_dwell_s / past sessions", "Mean dwell of past sessions."),
        ("past_length_per_session_s", "s", "past_length_s / past sessions", "Mean length of past sessions."),
        ("past_bounce_rate", "fraction", "past_bounced / past sessions", "Past sessions of a single event."),
        ("past_cart_rate", "fraction", "past_with_cart / past sessions", "Past sessions with a cart add."),
        ("past_checkout_rate", "fraction", "past_with_checkout / past sessions", "Past sessions with a checkout."),
        ("past_order_rate", "fraction", "past_with_order / past sessions", "Past sessions with an order."),
        ("past_abandon_rate", "fraction", "past_abandoned / past_with_cart", "Past carts left behind."),
    )
    add(
        "frequency",
        ("events_1d_n", "count", "day_events of 1 local day up to t", "Events today."),
        ("events_7d_n", "count", "day_events of 7 local days up to t", "Events in 7 days."),
        ("events_30d_n", "count", "day_events of 30 local days up to t", "Events in 30 days."),
        ("sessions_1d_n", "count", "day_sessions of 1 local day up to t", "Sessions today."),
        ("sessions_7d_n", "count", "day_sessions of 7 local days up to t", "Sessions in 7 days."),
        ("sessions_30d_n", "count", "day_sessions of 30 local days up to t", "Sessions in 30 days."),
        ("active_days_7d_n", "count", "days of 7 with events", "Days with a visit in 7."),
        ("active_days_30d_n", "count", "days of 30 with events", "Days with a visit in 30."),
        ("events_per_active_day", "count", "events_30d_n / active_days_30d_n", "Intensity."),
        ("events_7d_to_30d", "ratio", "events_7d_n / events_30d_n", "Above 7/30: interest is growing."),
    )
    for hour in range(0, 24, 4):
        add(
            "when",
            (
                f"hours_{hour:02d}_{hour + 4:02d}_share",
                "fraction",
                f"hours[{hour}:{hour + 4}] / sum",
                "Share of events at these local hours.",
            ),
        )
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"):
        add("when", (f"{day}_share", "fraction", f"weekdays[{day}] / sum", "Share of events on this local weekday."))
    for channel in Channel:
        name = channel.name.lower()
        add(
            "channel",
            (
                f"channel_{name}_share",
                "fraction",
                f"channel_sessions[{name}] / sum",
                "Share of sessions by this channel.",
            ),
        )
    add(
        "channel",
        ("session_channel", "code", "session_channel", "Channel of the session (Channel code)."),
        ("first_channel", "code", "first_channel", "Channel of the first session."),
        ("channels_n", "count", "channels with a session", "Distinct channels."),
        ("has_campaign", "bool", "campaign != 0", "Ever came by a campaign."),
        ("has_keyword", "bool", "keyword != 0", "Search words that led here are known."),
    )
    add(
        "device",
        ("device", "code", "device", "Class of device (Device code)."),
        ("os", "code", "os", "Operating system (Os code)."),
        ("browser", "code", "browser", "Browser (Browser code)."),
        ("mobile_share", "fraction", "device_sessions[mobile] / sum", "Share of sessions on a phone."),
        ("devices_n", "count", "classes of device with a session", "Distinct classes of device."),
    )
    add(
        "cart",
        ("cart_lines_n", "count", "n_cart", "Cart lines."),
        ("cart_items_n", "count", "Σ cart_quantities + cart_rest_n", "Items in the cart."),
        ("cart_value", "money", "Σ price x quantity + cart_rest_value", "Value of the cart."),
        ("cart_price_mean", "money", "cart_value / cart_items_n", "Mean price in the cart."),
        ("cart_price_max", "money", "max cart_prices", "Dearest line."),
        ("cart_to_order_mean", "ratio", "cart_value / order_mean", "Cart against the usual order."),
    )
    add(
        "orders",
        ("revenue", "money", "revenue", "Revenue ever."),
        ("revenue_net", "money", "revenue - refunded", "Revenue less refunds."),
        ("order_mean", "money", "revenue / counts[order]", "Mean order."),
        ("order_max", "money", "order_max", "Largest order."),
        ("order_last", "money", "order_last", "Latest order."),
        ("items_per_order", "count", "items_bought / counts[order]", "Items for each order."),
        ("orders_per_session", "ratio", "counts[order] / session_number", "Orders for each session."),
        ("order_gap_mean_d", "d", "(last_order - first_order) / (counts[order] - 1)", "Mean time between orders."),
        ("refund_share", "fraction", "refunded / revenue", "Share of revenue given back."),
        ("store_orders_n", "count", "store_orders", "Orders in a store."),
        ("store_revenue_share", "fraction", "store_revenue / revenue", "Share of revenue from stores."),
    )
    add(
        "state",
        ("is_known", "bool", "states & KNOWN", "Identified."),
        ("is_paying", "bool", "states & PAYING", "Has ordered."),
        ("is_returning", "bool", "session_number > 1", "Not the first session."),
        ("is_shared_device", "bool", "states & SHARED", "A device of several people."),
        ("is_bot", "bool", "states & BOT", "A crawler."),
        ("is_aliased", "bool", "states & ALIASED", "Several user ids joined on purpose."),
        ("late_share", "fraction", "late_n / n_events", "Share of events that came more than 72 h late."),
        ("events_n", "count", "n_events", "Events ever."),
        ("last_kind", "code", "last_kind", "Kind of the latest event (Kind code)."),
        ("kind_before", "code", "kind_before", "Kind of the one before."),
    )
    add(
        "interest",
        ("recent_products_n", "count", "recent_products in use", "Distinct products among the latest (up to 8)."),
        ("recent_categories_n", "count", "recent_categories in use", "Distinct categories among the latest (up to 4)."),
        ("repeat_views_n", "count", "repeat_views", "Views of a product seen shortly before."),
        ("repeat_share", "fraction", "repeat_views / counts[product_view]", "Share of repeat views."),
        ("scroll_mean_pct", "%", "scroll_sum / scroll_n", "Mean depth of scrolling."),
    )
    add(
        "shared",
        (
            "last_product_view_lift",
            "ratio",
            "view_lift of recent_products[0]",
            "Views of the latest viewed product against the mean product's; 1 if nothing is known of it, as below.",
        ),
        (
            "last_product_cart_lift",
            "ratio",
            "cart_lift of recent_products[0]",
            "Its cart adds for each view against the shop's.",
        ),
        (
            "last_product_order_lift",
            "ratio",
            "order_lift of recent_products[0]",
            "Its orders for each view against the shop's.",
        ),
        (
            "recent_products_order_lift_max",
            "ratio",
            "max order_lift of recent_products",
            "That of the best seller among the latest viewed products.",
        ),
        (
            "recent_products_order_lift_mean",
            "ratio",
            "mean order_lift of recent_products",
            "The mean over the latest viewed products.",
        ),
        (
            "recent_products_cart_lift_mean",
            "ratio",
            "mean cart_lift of recent_products",
            "Cart adds for each view against the shop's, mean over the latest viewed products.",
        ),
        (
            "cart_order_lift_mean",
            "ratio",
            "mean order_lift of cart_products",
            "Orders for each view against the shop's, mean over what is in the cart.",
        ),
        ("cart_order_lift_max", "ratio", "max order_lift of cart_products", "That of the best seller in the cart."),
        (
            "last_category_view_lift",
            "ratio",
            "view_lift of recent_categories[0]",
            "Views of the latest viewed category against the mean category's.",
        ),
        (
            "last_category_cart_lift",
            "ratio",
            "cart_lift of recent_categories[0]",
            "Its cart adds for each view against the shop's.",
        ),
        (
            "last_category_order_lift",
            "ratio",
            "order_lift of recent_categories[0]",
            "Its orders for each view against the shop's.",
        ),
        (
            "recent_categories_order_lift_max",
            "ratio",
            "max order_lift of recent_categories",
            "That of the best selling category among the latest viewed.",
        ),
    )
    return tuple(out)


CATALOGUE = _catalogue()
N_FEATURES = len(CATALOGUE)
FEATURE_IDX = {feature.name: i for i, feature in enumerate(CATALOGUE)}


def catalogue_id(features: tuple[Feature, ...], layout: int) -> str:
    """16 hexadecimal digits: a hash of the features' names, units and formulas in their order, and of the layout."""
    texts = [f"{feature.name}\0{feature.unit}\0{feature.formula}" for feature in features]
    return xxh3_64_hexdigest("\n".join([str(layout), *texts]).encode())


CATALOGUE_ID = catalogue_id(CATALOGUE, LAYOUT)
"""What a model is held against: one that was learned from another catalogue or layout can't be served."""

_PAGE_VIEW, _LIST_VIEW, _PRODUCT_VIEW = int(Kind.PAGE_VIEW), int(Kind.LIST_VIEW), int(Kind.PRODUCT_VIEW)
_SEARCH, _CART_ADD, _CART_REMOVE = int(Kind.SEARCH), int(Kind.CART_ADD), int(Kind.CART_REMOVE)
_CHECKOUT, _ORDER = int(Kind.CHECKOUT_START), int(Kind.ORDER)
_PROMO_VIEW, _PROMO_CLICK = int(Kind.PROMOTION_VIEW), int(Kind.PROMOTION_CLICK)
_SHOWN, _CLICKED, _DISMISSED = int(Kind.OFFER_SHOWN), int(Kind.OFFER_CLICKED), int(Kind.OFFER_DISMISSED)
_OPENED, _MAIL_CLICKED = int(Kind.EMAIL_OPENED), int(Kind.EMAIL_CLICKED)
_MOBILE = int(Device.MOBILE)
_NAN = float("nan")
_DAY_MS = 86_400_000.0
_AHEAD = 4
"""Rows between asking for a record and reading it."""


@kernel
def _over(a, b):
    """Quotient, NaN where ``b`` is 0."""
    return a / b if b != 0 else _NAN


@kernel
def _since(t, when_ms, unit_ms):
    return (t - when_ms) / unit_ms if when_ms != 0 else _NAN


@kernel
def _lifts(table, key):
    """View, cart and order lift of a thing."""
    at = rate_slot(table, key)
    if at < 0:
        return AVERAGE, AVERAGE, AVERAGE
    return float(table[at]["view_lift"]), float(table[at]["cart_lift"]), float(table[at]["order_lift"])


@kernel
def _shared(r, rates, o):
    """What is known across visitors about what this one looked at."""
    for k in range(12):
        o[k] = _NAN
    best = orders = adds = 0.0
    n = 0
    for j in range(N_RECENT_PRODUCTS):
        if r["recent_products"][j] == 0:
            break
        view, cart, order = _lifts(rates.products, r["recent_products"][j])
        best = max(best, order)
        orders += order
        adds += cart
        n += 1
        if j == 0:
            o[0], o[1], o[2] = view, cart, order
    if n > 0:
        o[3] = best
        o[4] = orders / n
        o[5] = adds / n
    best = orders = 0.0
    n = 0
    for j in range(r["n_cart"]):
        _, _, order = _lifts(rates.products, r["cart_products"][j])
        best = max(best, order)
        orders += order
        n += 1
    if n > 0:
        o[6] = orders / n
        o[7] = best
    best = 0.0
    for j in range(N_RECENT_CATEGORIES):
        if r["recent_categories"][j] == 0:
            break
        view, cart, order = _lifts(rates.categories, r["recent_categories"][j])
        best = max(best, order)
        if j == 0:
            o[8], o[9], o[10] = view, cart, order
        o[11] = best


@kernel
def _one(r, t, rates, o):
    k = 0
    # recency
    o[k] = _since(t, r["last_seen"], 1000.0)
    o[k + 1] = _since(t, r["first_seen"], _DAY_MS)
    o[k + 2] = _since(t, r["session_start"], 1000.0)
    o[k + 3] = _since(t, r["session_last"], 1000.0)
    o[k + 4] = _since(t, r["cart_changed"], 1000.0)
    o[k + 5] = _since(t, r["last_order"], _DAY_MS)
    o[k + 6] = _since(t, r["first_order"], _DAY_MS)
    k += 7
    for j in range(N_DECAY):
        o[k + j] = _since(t, float(r["last_s"][j]) * 1000.0, 3_600_000.0)
    k += N_DECAY
    # session and lifetime counts
    counts, here = r["counts"], r["session_counts"]
    for j in range(_N_COUNTED):
        o[k + j] = here[_COUNTED_KINDS[j]]
    k += _N_COUNTED
    for j in range(_N_COUNTED):
        o[k + j] = counts[_COUNTED_KINDS[j]]
    k += _N_COUNTED
    # decayed
    age_ms = float(t - r["decayed_at"])
    for h in range(N_HALF):
        factor = 1.0 if age_ms == 0.0 else 2.0 ** (age_ms * _PER_HALF_MS[h])
        for j in range(N_DECAY):
            o[k + j * N_HALF + h] = r["decayed"][j, h] * factor
        o[k + N_DECAY * N_HALF + h] = r["decayed_dwell"][h] * factor
        o[k + (N_DECAY + 1) * N_HALF + h] = r["decayed_revenue"][h] * factor
    k += (N_DECAY + 2) * N_HALF
    # mix
    n = float(r["n_events"])
    part = _over(1.0, n)
    for j in range(N_DECAY):
        o[k + j] = counts[_DECAY_KINDS[j]] * part
    k += N_DECAY
    # funnel
    views, adds, orders = float(counts[_PRODUCT_VIEW]), float(counts[_CART_ADD]), float(counts[_ORDER])
    s_views, s_adds = float(here[_PRODUCT_VIEW]), float(here[_CART_ADD])
    o[k] = _over(adds, views)
    o[k + 1] = _over(float(counts[_CHECKOUT]), adds)
    o[k + 2] = _over(orders, float(counts[_CHECKOUT]))
    o[k + 3] = _over(orders, views)
    o[k + 4] = _over(float(counts[_CART_REMOVE]), adds)
    o[k + 5] = _over(views, float(counts[_LIST_VIEW]))
    o[k + 6] = _over(views, float(counts[_SEARCH]))
    o[k + 7] = _over(float(counts[_PROMO_CLICK]), float(counts[_PROMO_VIEW]))
    o[k + 8] = _over(float(counts[_CLICKED]), float(counts[_SHOWN]))
    o[k + 9] = _over(float(counts[_DISMISSED]), float(counts[_SHOWN]))
    o[k + 10] = _over(float(counts[_MAIL_CLICKED]), float(counts[_OPENED]))
    o[k + 11] = _over(s_adds, s_views)
    o[k + 12] = _over(float(here[_CART_REMOVE]), s_adds)
    k += 13
    # session
    s_n = float(r["session_n_events"])
    length_s = (r["session_last"] - r["session_start"]) / 1000.0
    s_price_mean = _over(float(r["session_price_sum"]), float(r["session_n_prices"]))
    has_prices = r["session_n_prices"] > 0
    o[k] = r["session_number"]
    o[k + 1] = s_n
    o[k + 2] = length_s
    o[k + 3] = r["session_dwell_s"]
    o[k + 4] = _over(float(r["session_dwell_s"]), s_n)
    o[k + 5] = s_n / max(length_s, 1.0) * 60.0
    o[k + 6] = r["session_revenue"]
    o[k + 7] = r["session_scroll"]
    o[k + 8] = s_price_mean
    o[k + 9] = float(r["session_price_min"]) if has_prices else _NAN
    o[k + 10] = float(r["session_price_max"]) if has_prices else _NAN
    o[k + 11] = _over(float(r["session_percentile_sum"]), float(r["session_n_percentiles"]))
    o[k + 12] = _over(float(r["session_n_discounted"]), s_views)
    o[k + 13] = r["session_n_products"]
    o[k + 14] = r["session_n_repeat"]
    o[k + 15] = _over(float(r["session_n_repeat"]), s_views)
    o[k + 16] = r["session_n_moves"]
    o[k + 17] = r["session_cart_max"]
    o[k + 18] = 1.0 if r["states"] & ENDED else 0.0
    o[k + 19] = float(r["session_gap_last"]) / 3600.0 if r["session_number"] > 1 else _NAN
    o[k + 20] = _over(float(here[_PAGE_VIEW]) + here[_LIST_VIEW] + here[_PRODUCT_VIEW], s_n)
    k += 21
    # price
    price_n = float(r["price_n"])
    mean = _over(r["price_sum"], price_n)
    known = price_n > 0
    o[k] = price_n
    o[k + 1] = mean
    o[k + 2] = math.sqrt(max(r["price_sq"] / price_n - mean * mean, 0.0)) if known else _NAN
    o[k + 3] = float(r["price_min"]) if known else _NAN
    o[k + 4] = float(r["price_max"]) if known else _NAN
    o[k + 5] = float(r["price_last"]) if known else _NAN
    o[k + 6] = float(r["price_last"]) / mean if known else _NAN
    o[k + 7] = s_price_mean / mean if known else _NAN
    o[k + 8] = _over(float(r["percentile_sum"]), float(r["percentile_n"]))
    o[k + 9] = _over(float(r["bought_percentile_sum"]), float(r["bought_percentile_n"]))
    o[k + 10] = _over(float(r["discounted_n"]), views)
    k += 11
    # dwell
    total = 0.0
    first = second = 0.0
    n_sections = 0
    now_dwell = now_views = 0.0
    for j in range(N_SECTIONS):
        if r["section_keys"][j] == 0:
            continue
        n_sections += 1
        d = float(r["section_dwell"][j])
        total += d
        if d > first:
            first, second = d, first
        elif d > second:
            second = d
        if r["section_keys"][j] == r["section_now"]:
            now_dwell, now_views = d, float(r["section_views"][j])
    entropy = 0.0
    if total > 0 and n_sections > 1:
        for j in range(N_SECTIONS):
            p = float(r["section_dwell"][j]) / total
            if r["section_keys"][j] != 0 and p > 0:
                entropy -= p * math.log2(p)
    o[k] = r["dwell_s"]
    o[k + 1] = _over(float(r["dwell_s"]), n)
    o[k + 2] = _over(float(r["dwell_s"]), float(r["session_number"]))
    o[k + 3] = n_sections
    o[k + 4] = _over(first, total)
    o[k + 5] = _over(second, total)
    o[k + 6] = entropy
    o[k + 7] = _over(now_dwell, total)
    o[k + 8] = now_views
    o[k + 9] = r["engaged_s"]
    o[k + 10] = r["session_engaged_s"]
    o[k + 11] = _over(float(r["engaged_s"]), float(r["dwell_s"]))
    k += 12
    # gaps
    gap_n, s_gap_n = float(r["gap_n"]), float(r["session_gap_n"])
    ln_mean = _over(float(r["gap_log_sum"]), gap_n)
    s_gap_mean = _over(r["session_gap_sum"], s_gap_n)
    o[k] = math.exp(ln_mean) - 1.0 if gap_n > 0 else _NAN
    o[k + 1] = math.sqrt(max(float(r["gap_log_sq"]) / gap_n - ln_mean * ln_mean, 0.0)) if gap_n > 0 else _NAN
    o[k + 2] = s_gap_mean / 86_400.0
    o[k + 3] = (
        math.sqrt(max(r["session_gap_sq"] / s_gap_n - s_gap_mean * s_gap_mean, 0.0)) / 86_400.0 if s_gap_n > 0 else _NAN
    )
    o[k + 4] = float(r["session_gap_min"]) / 3600.0 if s_gap_n > 0 else _NAN
    o[k + 5] = float(r["session_gap_max"]) / 86_400.0 if s_gap_n > 0 else _NAN
    k += 6
    # past
    past_n = float(r["session_number"]) - 1.0 if r["session_number"] > 0 else 0.0
    o[k] = past_n
    o[k + 1] = _over(float(r["past_events"]), past_n)
    o[k + 2] = _over(float(r["past_pages"]), past_n)
    o[k + 3] = _over(float(r["past_dwell_s"]), past_n)
    o[k + 4] = _over(float(r["past_length_s"]), past_n)
    o[k + 5] = _over(float(r["past_bounced"]), past_n)
    o[k + 6] = _over(float(r["past_with_cart"]), past_n)
    o[k + 7] = _over(float(r["past_with_checkout"]), past_n)
    o[k + 8] = _over(float(r["past_with_order"]), past_n)
    o[k + 9] = _over(float(r["past_abandoned"]), float(r["past_with_cart"]))
    k += 10
    # frequency: the local day at t, as far from day_last as t is from last_seen
    late_days = max((t - r["last_seen"]) // 86_400_000, 0)
    day_events, day_sessions = r["day_events"], r["day_sessions"]
    e1 = e7 = e30 = s1 = s7 = s30 = a7 = a30 = 0
    if late_days == 0:
        for j in range(N_DAYS):
            e30 += day_events[j]
            s30 += day_sessions[j]
            a30 += 1 if day_events[j] > 0 else 0
    j = r["day_last"] % N_DAYS
    for days_ago in range(late_days, N_DAYS if late_days > 0 else 7):
        if late_days > 0:
            e30 += day_events[j]
            s30 += day_sessions[j]
            a30 += 1 if day_events[j] > 0 else 0
        if days_ago < 7:
            e7 += day_events[j]
            s7 += day_sessions[j]
            a7 += 1 if day_events[j] > 0 else 0
        if days_ago < 1:
            e1 += day_events[j]
            s1 += day_sessions[j]
        j = j - 1 if j > 0 else N_DAYS - 1
    o[k] = e1
    o[k + 1] = e7
    o[k + 2] = e30
    o[k + 3] = s1
    o[k + 4] = s7
    o[k + 5] = s30
    o[k + 6] = a7
    o[k + 7] = a30
    o[k + 8] = _over(float(e30), float(a30))
    o[k + 9] = _over(float(e7), float(e30))
    k += 10
    # when
    hours, weekdays = r["hours"], r["weekdays"]
    n_all = 0
    for j in range(24):
        n_all += hours[j]
    part = _over(1.0, float(n_all))
    for b in range(6):
        o[k + b] = (hours[4 * b] + hours[4 * b + 1] + hours[4 * b + 2] + hours[4 * b + 3]) * part
    k += 6
    n_all = 0
    for j in range(7):
        n_all += weekdays[j]
    part = _over(1.0, float(n_all))
    for j in range(7):
        o[k + j] = weekdays[j] * part
    k += 7
    # channel
    by_channel = r["channel_sessions"]
    n_all = n_channels = 0
    for j in range(N_CHANNELS):
        n_all += by_channel[j]
        n_channels += 1 if by_channel[j] > 0 else 0
    part = _over(1.0, float(n_all))
    for j in range(N_CHANNELS):
        o[k + j] = by_channel[j] * part
    k += N_CHANNELS
    o[k] = r["session_channel"]
    o[k + 1] = r["first_channel"]
    o[k + 2] = n_channels
    o[k + 3] = 1.0 if r["campaign"] != 0 else 0.0
    o[k + 4] = 1.0 if r["keyword"] != 0 else 0.0
    k += 5
    # device
    by_device = r["device_sessions"]
    n_all = n_devices = 0
    for j in range(N_DEVICES):
        n_all += by_device[j]
        n_devices += 1 if by_device[j] > 0 else 0
    o[k] = r["device"]
    o[k + 1] = r["os"]
    o[k + 2] = r["browser"]
    o[k + 3] = _over(float(by_device[_MOBILE]), float(n_all))
    o[k + 4] = n_devices
    k += 5
    # cart
    items = float(r["cart_rest_n"])
    dearest = 0.0
    for j in range(r["n_cart"]):
        items += r["cart_quantities"][j]
        dearest = max(dearest, float(r["cart_prices"][j]))
    value = cart_value(r)
    order_mean = _over(r["revenue"], orders)
    o[k] = r["n_cart"]
    o[k + 1] = items
    o[k + 2] = value
    o[k + 3] = _over(value, items)
    o[k + 4] = dearest
    o[k + 5] = _over(value, order_mean) if orders > 0 else _NAN
    k += 6
    # orders
    o[k] = r["revenue"]
    o[k + 1] = r["revenue"] - r["refunded"]
    o[k + 2] = order_mean
    o[k + 3] = r["order_max"]
    o[k + 4] = r["order_last"]
    o[k + 5] = _over(float(r["items_bought"]), orders)
    o[k + 6] = _over(orders, float(r["session_number"]))
    o[k + 7] = (r["last_order"] - r["first_order"]) / _DAY_MS / (orders - 1.0) if orders > 1 else _NAN
    o[k + 8] = _over(r["refunded"], r["revenue"])
    o[k + 9] = r["store_orders"]
    o[k + 10] = _over(r["store_revenue"], r["revenue"])
    k += 11
    # state
    states = r["states"]
    o[k] = 1.0 if states & KNOWN else 0.0
    o[k + 1] = 1.0 if states & PAYING else 0.0
    o[k + 2] = 1.0 if r["session_number"] > 1 else 0.0
    o[k + 3] = 1.0 if states & SHARED else 0.0
    o[k + 4] = 1.0 if states & BOT else 0.0
    o[k + 5] = 1.0 if states & ALIASED else 0.0
    o[k + 6] = _over(float(r["late_n"]), n)
    o[k + 7] = n
    o[k + 8] = r["last_kind"]
    o[k + 9] = r["kind_before"]
    k += 10
    # interest
    n_products = n_categories = 0
    for j in range(N_RECENT_PRODUCTS):
        n_products += 1 if r["recent_products"][j] != 0 else 0
    for j in range(N_RECENT_CATEGORIES):
        n_categories += 1 if r["recent_categories"][j] != 0 else 0
    o[k] = n_products
    o[k + 1] = n_categories
    o[k + 2] = r["repeat_views"]
    o[k + 3] = _over(float(r["repeat_views"]), views)
    o[k + 4] = _over(float(r["scroll_sum"]), float(r["scroll_n"]))
    k += 5
    _shared(r, rates, o[k : k + 12])
    return k + 12


@kernel
def features_into(records, rows, times, rates, out):
    """Compute the catalogue for some rows at given times.

    Parameters
    ----------
    records : RECORD[capacity]
        Read only.
    rows : int32[n]
        Which visitors.
    times : int64[n]
        At which time each, ms; not before its ``last_seen``.
    rates : Rates
        What is known of products and categories, from the shared facts in force (``Facts.rates``); read only.
    out : float32[n, N_FEATURES]
        Filled; owned by the caller.

    Returns
    -------
    int
        Columns filled; equals ``N_FEATURES`` (a test holds that).
    """
    n = 0
    for i in range(len(rows)):
        if i + _AHEAD < len(rows):
            prefetch(records, rows[i + _AHEAD])
        n = _one(records[rows[i]], times[i], rates, out[i])
    return n
