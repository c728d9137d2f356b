"""Two visitors turn out to be one: what is the record of both?

:func:`merge_into` is symmetric (which of the two wins makes no difference to the bytes) and loses no count, money or
cart line. Sums add, extremes compare, decayed sums are brought to one time and add, carts unite line by line. Sessions
that overlap within the timeout become one; otherwise the earlier one becomes a past session. Where a table is full
(sections, recent products, cart lines) the larger or newer entries stay, ties by key; what leaves the cart's lines goes
to its rest. Merging more than two in another order can only differ in those full tables and in the last bits of sums.
"""

import numpy as np

from footfall.base.codes import Channel
from footfall.base.kinds import N_KINDS
from footfall.record.compiled import allocating_kernel
from footfall.record.layout import (
    ENDED,
    N_CART,
    N_CHANNELS,
    N_DAYS,
    N_DECAY,
    N_DEVICES,
    N_HALF,
    N_RECENT_CATEGORIES,
    N_RECENT_PRODUCTS,
    N_SECTIONS,
    RECORD,
)
from footfall.record.shared import bring_decays, end_session, fold_session, turn_days

_DIRECT = int(Channel.DIRECT)
_TAKEN = N_CART * 2


@allocating_kernel
def _capped(value, most):
    return value if value < most else most


@allocating_kernel
def _merge_sections(w, b):
    n = 2 * N_SECTIONS
    keys = np.zeros(n, np.uint64)
    dwell = np.zeros(n, np.float64)
    views = np.zeros(n, np.float64)
    m = 0
    for side in range(2):
        r = w if side == 0 else b
        for k in range(N_SECTIONS):
            key = r["section_keys"][k]
            if key == 0:
                continue
            at = m
            for j in range(m):
                if keys[j] == key:
                    at = j
                    break
            if at == m:
                keys[at] = key
                m += 1
            dwell[at] += r["section_dwell"][k]
            views[at] += r["section_views"][k]
    for k in range(N_SECTIONS):
        best = -1
        for j in range(m):
            if keys[j] == 0:
                continue
            if (
                best < 0
                or dwell[j] > dwell[best]
                or (dwell[j] == dwell[best] and views[j] > views[best])
                or (dwell[j] == dwell[best] and views[j] == views[best] and keys[j] < keys[best])
            ):
                best = j
        if best < 0:
            w["section_keys"][k] = 0
            w["section_dwell"][k] = 0.0
            w["section_views"][k] = 0.0
        else:
            w["section_keys"][k] = keys[best]
            w["section_dwell"][k] = dwell[best]
            w["section_views"][k] = views[best]
            keys[best] = 0


@allocating_kernel
def _merge_recent(into, newer, older, n):
    """The newer one's list, then what only the older one has."""
    both = np.zeros(2 * n, np.uint64)
    m = 0
    for side in range(2):
        source = newer if side == 0 else older
        for k in range(n):
            key = source[k]
            is_new = key != 0
            for j in range(m):
                if both[j] == key:
                    is_new = False
            if is_new:
                both[m] = key
                m += 1
    for k in range(n):
        into[k] = both[k]


@allocating_kernel
def _merge_carts(w, b):
    """Unite lines: quantities add, the price of the cart that changed later holds (changed at once: the higher one).

    Lines by value, larger first, ties by product.
    """
    products = np.zeros(_TAKEN, np.uint64)
    prices = np.zeros(_TAKEN, np.float64)
    quantities = np.zeros(_TAKEN, np.float64)
    m = 0
    b_is_newer, at_once = b["cart_changed"] > w["cart_changed"], b["cart_changed"] == w["cart_changed"]
    for side in range(2):
        r = w if (side == 0) == b_is_newer else b  # the older first, so that the newer overwrites prices
        for k in range(r["n_cart"]):
            at = m
            for j in range(m):
                if products[j] == r["cart_products"][k]:
                    at = j
                    break
            if at == m:
                products[at] = r["cart_products"][k]
                m += 1
            quantities[at] += r["cart_quantities"][k]
            price = float(r["cart_prices"][k])
            if price > 0 and not (at_once and price < prices[at]):
                prices[at] = price
    w["cart_rest_n"] += b["cart_rest_n"]
    w["cart_rest_value"] += b["cart_rest_value"]
    w["cart_products"][:] = 0
    w["cart_prices"][:] = 0.0
    w["cart_quantities"][:] = 0.0
    w["n_cart"] = min(m, N_CART)
    for k in range(m):
        best = -1
        for j in range(m):
            if products[j] == 0:
                continue
            value, top = prices[j] * quantities[j], 0.0 if best < 0 else prices[best] * quantities[best]
            if best < 0 or value > top or (value == top and products[j] < products[best]):
                best = j
        if k < N_CART:
            w["cart_products"][k] = products[best]
            w["cart_prices"][k] = prices[best]
            w["cart_quantities"][k] = quantities[best]
        else:
            w["cart_rest_n"] += quantities[best]
            w["cart_rest_value"] += prices[best] * quantities[best]
        products[best] = 0


@allocating_kernel
def _copy_session(to, source):
    to["session_start"] = source["session_start"]
    to["session_last"] = source["session_last"]
    to["session_channel"] = source["session_channel"]
    to["session_device"] = source["session_device"]
    to["session_gap_last"] = source["session_gap_last"]
    to["landing"] = source["landing"]
    to["section_now"] = source["section_now"]
    to["session_n_events"] = source["session_n_events"]
    to["session_counts"][:] = source["session_counts"]
    to["session_dwell_s"] = source["session_dwell_s"]
    to["session_engaged_s"] = source["session_engaged_s"]
    to["session_revenue"] = source["session_revenue"]
    to["session_scroll"] = source["session_scroll"]
    to["session_price_sum"] = source["session_price_sum"]
    to["session_price_min"] = source["session_price_min"]
    to["session_price_max"] = source["session_price_max"]
    to["session_percentile_sum"] = source["session_percentile_sum"]
    to["session_cart_max"] = source["session_cart_max"]
    to["session_n_prices"] = source["session_n_prices"]
    to["session_n_percentiles"] = source["session_n_percentiles"]
    to["session_n_discounted"] = source["session_n_discounted"]
    to["session_n_repeat"] = source["session_n_repeat"]
    to["session_n_products"] = source["session_n_products"]
    to["session_n_moves"] = source["session_n_moves"]


@allocating_kernel
def _join_sessions(w, b):
    """Add the loser's session to the winner's; both overlap, and count as one from now on.

    It begins as the one that began first, ends as the one that ended last, and came by the first channel that was more
    than direct. The session that is no more is taken off the counts by channel and device.
    """
    if b["session_n_prices"] > 0:
        if w["session_n_prices"] == 0 or b["session_price_min"] < w["session_price_min"]:
            w["session_price_min"] = b["session_price_min"]
        w["session_price_max"] = max(w["session_price_max"], b["session_price_max"])
    for k in range(N_KINDS):
        w["session_counts"][k] = _capped(np.int64(w["session_counts"][k]) + b["session_counts"][k], 65535)
    w["session_n_events"] = _capped(np.int64(w["session_n_events"]) + b["session_n_events"], 65535)
    w["session_n_prices"] = _capped(np.int64(w["session_n_prices"]) + b["session_n_prices"], 65535)
    w["session_n_percentiles"] = _capped(np.int64(w["session_n_percentiles"]) + b["session_n_percentiles"], 65535)
    w["session_n_discounted"] = _capped(np.int64(w["session_n_discounted"]) + b["session_n_discounted"], 65535)
    w["session_n_repeat"] = _capped(np.int64(w["session_n_repeat"]) + b["session_n_repeat"], 65535)
    w["session_n_products"] = _capped(np.int64(w["session_n_products"]) + b["session_n_products"], 65535)
    w["session_n_moves"] = _capped(np.int64(w["session_n_moves"]) + b["session_n_moves"], 65535)
    w["session_dwell_s"] += b["session_dwell_s"]
    w["session_engaged_s"] += b["session_engaged_s"]
    w["session_revenue"] += b["session_revenue"]
    w["session_price_sum"] += b["session_price_sum"]
    w["session_percentile_sum"] += b["session_percentile_sum"]
    w["session_scroll"] = max(w["session_scroll"], b["session_scroll"])
    w["session_cart_max"] = max(w["session_cart_max"], b["session_cart_max"])
    at_once = w["session_start"] == b["session_start"]
    w_is_first = w["session_start"] < b["session_start"]
    keep_w = w["session_channel"] >= b["session_channel"] if at_once else w_is_first
    if (w["session_channel"] if keep_w else b["session_channel"]) == _DIRECT:
        keep_w = w["session_channel"] != _DIRECT
    gone = b if keep_w else w
    gone["channel_sessions"][gone["session_channel"]] -= min(1, gone["channel_sessions"][gone["session_channel"]])
    if not keep_w:
        w["session_channel"] = b["session_channel"]
    keep_w = w["session_device"] >= b["session_device"] if at_once else w_is_first
    gone = b if keep_w else w
    gone["device_sessions"][gone["session_device"]] -= min(1, gone["device_sessions"][gone["session_device"]])
    if not keep_w:
        w["session_device"] = b["session_device"]
    if at_once:
        w["landing"] = max(w["landing"], b["landing"])
        w["session_gap_last"] = max(w["session_gap_last"], b["session_gap_last"])
    elif not w_is_first:
        w["session_start"] = b["session_start"]
        w["session_gap_last"] = b["session_gap_last"]
        if b["landing"] != 0:
            w["landing"] = b["landing"]
    elif w["landing"] == 0:
        w["landing"] = b["landing"]
    if b["session_last"] == w["session_last"]:
        w["section_now"] = max(w["section_now"], b["section_now"])
    elif b["session_last"] > w["session_last"]:
        w["session_last"] = b["session_last"]
        if b["section_now"] != 0:
            w["section_now"] = b["section_now"]
    elif w["section_now"] == 0:
        w["section_now"] = b["section_now"]


@allocating_kernel
def _do_overlap(w, b, timeout_ms):
    return b["session_start"] - timeout_ms <= w["session_last"] and w["session_start"] - timeout_ms <= b["session_last"]


@allocating_kernel
def _merge_sessions(w, b, winner, loser, timeout_ms, out, n_out):
    w_ended, b_ended = w["states"] & ENDED, b["states"] & ENDED
    if b["session_number"] == 0:
        return n_out
    if w["session_number"] == 0:
        _copy_session(w, b)
        w["session_number"] = b["session_number"]
        w["states"] = (w["states"] & ~np.uint16(ENDED)) | b_ended
        return n_out
    number = w["session_number"] + b["session_number"]
    if _do_overlap(w, b, timeout_ms):
        _join_sessions(w, b)
        w["session_number"] = number - 1
        w["states"] = (w["states"] & ~np.uint16(ENDED)) | (w_ended & b_ended)
        return n_out
    b_is_later = b["session_last"] > w["session_last"]
    early, late = (w, b) if b_is_later else (b, w)
    if (early["states"] & ENDED) == 0:
        n_out = end_session(early, winner if b_is_later else loser, out, n_out)
    # in its own sums, which are added later, the early session becomes a past one and the pause between both a gap
    fold_session(early)
    gap_s = (late["session_start"] - early["session_last"]) / 1000.0
    early["session_gap_sum"] += gap_s
    early["session_gap_sq"] += gap_s * gap_s
    if early["session_gap_n"] == 0 or gap_s < early["session_gap_min"]:
        early["session_gap_min"] = gap_s
    early["session_gap_max"] = max(early["session_gap_max"], gap_s)
    early["session_gap_n"] += 1
    if late["session_number"] == 1 or gap_s < late["session_gap_last"]:
        late["session_gap_last"] = gap_s
    if b_is_later:
        _copy_session(w, b)
        w["states"] = (w["states"] & ~np.uint16(ENDED)) | b_ended
    w["session_number"] = number
    return n_out


@allocating_kernel
def _add_sums(w, b):
    """Everything that simply adds."""
    w["n_events"] += b["n_events"]
    w["revenue"] += b["revenue"]
    w["store_revenue"] += b["store_revenue"]
    w["refunded"] += b["refunded"]
    w["price_sum"] += b["price_sum"]
    w["price_sq"] += b["price_sq"]
    w["price_n"] += b["price_n"]
    w["percentile_n"] += b["percentile_n"]
    w["percentile_sum"] += b["percentile_sum"]
    w["discounted_n"] += b["discounted_n"]
    w["bought_percentile_n"] += b["bought_percentile_n"]
    w["bought_percentile_sum"] += b["bought_percentile_sum"]
    w["repeat_views"] += b["repeat_views"]
    w["gap_n"] += b["gap_n"]
    w["gap_log_sum"] += b["gap_log_sum"]
    w["gap_log_sq"] += b["gap_log_sq"]
    w["scroll_n"] += b["scroll_n"]
    w["scroll_sum"] += b["scroll_sum"]
    w["items_bought"] += b["items_bought"]
    w["store_orders"] += b["store_orders"]
    w["late_n"] += b["late_n"]
    w["dwell_s"] += b["dwell_s"]
    w["engaged_s"] += b["engaged_s"]
    w["past_events"] += b["past_events"]
    w["past_pages"] += b["past_pages"]
    w["past_dwell_s"] += b["past_dwell_s"]
    w["past_length_s"] += b["past_length_s"]
    w["past_bounced"] += b["past_bounced"]
    w["past_with_cart"] += b["past_with_cart"]
    w["past_with_checkout"] += b["past_with_checkout"]
    w["past_with_order"] += b["past_with_order"]
    w["past_abandoned"] += b["past_abandoned"]
    for k in range(N_KINDS):
        w["counts"][k] += b["counts"][k]
    for k in range(N_DECAY):
        w["last_s"][k] = max(w["last_s"][k], b["last_s"][k])
        for h in range(N_HALF):
            w["decayed"][k, h] += b["decayed"][k, h]
    for h in range(N_HALF):
        w["decayed_dwell"][h] += b["decayed_dwell"][h]
        w["decayed_revenue"][h] += b["decayed_revenue"][h]
    for k in range(24):
        w["hours"][k] = _capped(np.int64(w["hours"][k]) + b["hours"][k], 65535)
    for k in range(7):
        w["weekdays"][k] = _capped(np.int64(w["weekdays"][k]) + b["weekdays"][k], 65535)
    for k in range(N_CHANNELS):
        w["channel_sessions"][k] = _capped(np.int64(w["channel_sessions"][k]) + b["channel_sessions"][k], 65535)
    for k in range(N_DEVICES):
        w["device_sessions"][k] = _capped(np.int64(w["device_sessions"][k]) + b["device_sessions"][k], 65535)
    for k in range(N_DAYS):
        w["day_events"][k] = _capped(np.int64(w["day_events"][k]) + b["day_events"][k], 255)
        w["day_sessions"][k] = _capped(np.int64(w["day_sessions"][k]) + b["day_sessions"][k], 255)
    w["session_gap_sum"] += b["session_gap_sum"]
    w["session_gap_sq"] += b["session_gap_sq"]
    if b["session_gap_n"] > 0:
        if w["session_gap_n"] == 0 or b["session_gap_min"] < w["session_gap_min"]:
            w["session_gap_min"] = b["session_gap_min"]
        w["session_gap_max"] = max(w["session_gap_max"], b["session_gap_max"])
    w["session_gap_n"] += b["session_gap_n"]


@allocating_kernel
def _first_channel(w, b, timeout_ms):
    """Channel of the first session of both, as far as records tell: who was seen first had it.

    Unless somebody's only session is one with the other's current one: then it isn't the first of both.
    """
    w_n, b_n = w["session_number"], b["session_number"]
    if w_n > 1 and b_n == 1 and _do_overlap(w, b, timeout_ms):
        return w["first_channel"]
    if b_n > 1 and w_n == 1 and _do_overlap(w, b, timeout_ms):
        return b["first_channel"]
    if b_n == 0 or (w_n != 0 and w["first_seen"] < b["first_seen"]):
        return w["first_channel"]
    if w_n == 0 or b["first_seen"] < w["first_seen"]:
        return b["first_channel"]
    return max(w["first_channel"], b["first_channel"])


@allocating_kernel
def _latest(r):
    return (
        r["last_seen"], r["first_seen"], r["last_kind"], r["kind_before"], r["price_last"], r["page_now"],
        r["campaign"], r["keyword"], r["query"], r["country"], r["region"], r["city"], r["device"], r["os"],
        r["browser"],
    )  # fmt: skip


@allocating_kernel
def _is_newer(a, b):
    """Whether the latest values are a's; for visitors last seen at once, an order that doesn't depend on who asks."""
    latest_a, latest_b = _latest(a), _latest(b)
    if latest_a != latest_b:
        return latest_a > latest_b
    for k in range(N_RECENT_PRODUCTS):
        if a["recent_products"][k] != b["recent_products"][k]:
            return a["recent_products"][k] > b["recent_products"][k]
    for k in range(N_RECENT_CATEGORIES):
        if a["recent_categories"][k] != b["recent_categories"][k]:
            return a["recent_categories"][k] > b["recent_categories"][k]
    return False


@allocating_kernel
def _merge_rest(w, b, b_is_newer):
    """Extremes, latest values and tables."""
    if b["price_n"] > 0:
        if w["price_n"] == 0 or b["price_min"] < w["price_min"]:
            w["price_min"] = b["price_min"]
        w["price_max"] = max(w["price_max"], b["price_max"])
    w["order_max"] = max(w["order_max"], b["order_max"])
    if b["first_order"] != 0 and (w["first_order"] == 0 or b["first_order"] < w["first_order"]):
        w["first_order"] = b["first_order"]
    if b["last_order"] > w["last_order"]:
        w["order_last"] = b["order_last"]
    elif b["last_order"] == w["last_order"]:
        w["order_last"] = max(w["order_last"], b["order_last"])
    w["last_order"] = max(w["last_order"], b["last_order"])
    _merge_sections(w, b)
    newer, older = (b, w) if b_is_newer else (w, b)
    _merge_recent(w["recent_products"], newer["recent_products"], older["recent_products"], N_RECENT_PRODUCTS)
    _merge_recent(w["recent_categories"], newer["recent_categories"], older["recent_categories"], N_RECENT_CATEGORIES)
    _merge_carts(w, b)
    w["cart_changed"] = max(w["cart_changed"], b["cart_changed"])
    if b_is_newer:
        w["kind_before"] = b["kind_before"]
        w["last_kind"] = b["last_kind"]
    if b_is_newer and b["price_last"] > 0 or w["price_last"] == 0:
        w["price_last"] = b["price_last"]
    if b_is_newer and b["page_now"] != 0 or w["page_now"] == 0:
        w["page_now"] = b["page_now"]
    if b_is_newer and b["campaign"] != 0 or w["campaign"] == 0:
        w["campaign"] = b["campaign"]
    if b_is_newer and b["keyword"] != 0 or w["keyword"] == 0:
        w["keyword"] = b["keyword"]
    if b_is_newer and b["query"] != 0 or w["query"] == 0:
        w["query"] = b["query"]
    if b_is_newer and b["country"] != 0 or w["country"] == 0:
        w["country"] = b["country"]
        w["region"] = b["region"]
        w["city"] = b["city"]
    if b_is_newer and b["device"] != 0 or w["device"] == 0:
        w["device"] = b["device"]
        w["os"] = b["os"]
        w["browser"] = b["browser"]
    w["first_seen"] = min(w["first_seen"], b["first_seen"])
    w["last_seen"] = max(w["last_seen"], b["last_seen"])


@allocating_kernel
def merge_into(records, winner, loser, timeout_ms, out, n_out):
    """Make ``records[winner]`` the record of both and leave in ``records[loser]`` only where it went.

    ``out`` is SESSION room for a session that ends by this; returns the new number of its rows.
    """
    w, b = records[winner], records[loser]
    user_key = w["user_key"] if w["user_key"] != 0 else b["user_key"]
    states = (w["states"] | b["states"]) & ~np.uint16(ENDED)
    site = w["site"]
    if w["n_events"] == 0:
        records[winner] = records[loser]
        states |= b["states"] & ENDED
    elif b["n_events"] == 0:
        states |= w["states"] & ENDED
    else:
        now = max(w["decayed_at"], b["decayed_at"])
        bring_decays(w, now)
        bring_decays(b, now)
        day = max(w["day_last"], b["day_last"])
        turn_days(w, day)
        turn_days(b, day)
        b_is_newer = _is_newer(b, w)
        first_channel = _first_channel(w, b, timeout_ms)
        n_out = _merge_sessions(w, b, winner, loser, timeout_ms, out, n_out)
        w["first_channel"] = w["session_channel"] if w["session_number"] == 1 else first_channel
        states |= w["states"] & ENDED
        _merge_rest(w, b, b_is_newer)
        _add_sums(w, b)
    w["user_key"] = user_key
    w["states"] = states
    w["site"] = site
    w["merged_into"] = 0
    records[loser] = np.zeros(1, RECORD)[0]
    b["site"] = site
    b["merged_into"] = winner + 1
    return n_out
