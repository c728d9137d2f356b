"""How does an event change a record? The one pure function that moves a visitor's profile, compiled.

:func:`step` changes records in place from events that :mod:`footfall.record.admit` has given rows, in their order,
and returns what happened besides: ended sessions. It reads no clock, does no I/O and makes no Python object. The same
trace gives the same bytes whatever the batches it comes in. ``tests/record/naive.py`` says the same in plain Python.

Rules, in the order in which they are applied to an event of time *t*:

1. **Session.** *t* joins the current session when ``session_start - timeout <= t <= session_last + timeout``. A later
   *t* ends that session (if it wasn't ended by its timer) and begins the next; an earlier one belongs to a past session
   and changes lifetime fields only. Store events, e-mail opens and refunds are no visit: they belong to no session.
2. **Place.** Views of pages, lists and products move the visitor to their section, other events do from another page
   than the latest event's. From the same page, an event whose section only its address tells happened in the section
   the visitor is in, unless it is a page view. From another page, one that isn't a view and comes late has none. A
   product view whose category tells more than its address, right after its page's view, names the page: that view
   counts for the product's section.
3. **Dwell.** The time since ``session_last``, at most ``dwell_cap``, goes to the section the visitor was in. What
   follows an engagement is no dwell, as the tracker tells it when a page is hidden or left.
4. **Counts**, decayed sums, days, hours: each event counts; an event older than ``decayed_at`` enters decayed.
5. **What the kind means**: prices on product views, lines on cart events, money on orders and refunds. An order takes
   what it names out of the cart, and everything if none of it is there; one that is older than the cart's latest change
   takes only lines that it names. A view of the whole cart, or a checkout's start, replaces it by what it names, unless
   it is older than the cart's latest change.
"""

import math

import numpy as np

from footfall.base.codes import Channel, Device, Flag
from footfall.base.kinds import N_KINDS, Kind
from footfall.record.compiled import kernel
from footfall.record.layout import (
    ALIASED,
    BOT,
    DECAY_KINDS,
    ENDED,
    HALF_LIVES_S,
    KNOWN,
    N_DAYS,
    N_HALF,
    N_RECENT_CATEGORIES,
    N_RECENT_PRODUCTS,
    N_SECTIONS,
    NO_CHANNEL,
    PAYING,
)
from footfall.record.machine import prefetch
from footfall.record.merge import merge_into
from footfall.record.shared import bring_decays, cart_add, cart_value, end_session, fold_session, one_more, turn_days

PLAN = np.dtype([("session_timeout_ms", "i8"), ("dwell_cap_s", "f8")], align=True)
"""What the shop chose, one row; later also its journeys."""

_DECAY_SLOT = np.full(N_KINDS, -1, np.int8)
for _slot, _kind in enumerate(DECAY_KINDS):
    _DECAY_SLOT[_kind] = _slot

_LATE, _OUTLIER = int(Flag.LATE), int(Flag.OUTLIER_PRICE)
_STORE, _DISCOUNTED, _BOT = int(Flag.STORE), int(Flag.DISCOUNTED), int(Flag.BOT)
_SECTION_GUESSED, _PAGE_NAMED = int(Flag.SECTION_GUESSED), int(Flag.PAGE_NAMED)
_PAGE_VIEW, _LIST_VIEW, _PRODUCT_VIEW = int(Kind.PAGE_VIEW), int(Kind.LIST_VIEW), int(Kind.PRODUCT_VIEW)
_CART_ADD, _CART_REMOVE, _CART_VIEW = int(Kind.CART_ADD), int(Kind.CART_REMOVE), int(Kind.CART_VIEW)
_CHECKOUT_START, _ORDER, _REFUND = int(Kind.CHECKOUT_START), int(Kind.ORDER), int(Kind.REFUND)
_SCROLL, _EMAIL_OPENED, _ENGAGEMENT = int(Kind.SCROLL), int(Kind.EMAIL_OPENED), int(Kind.ENGAGEMENT)
_UNKNOWN_DEVICE, _SERVER, _DIRECT = int(Device.UNKNOWN), int(Device.SERVER), int(Channel.DIRECT)
_APPLIED = 0
_AHEAD = 4
"""Events between asking for a record and changing it."""
_HALF_MS = np.array(HALF_LIVES_S, np.float64) * 1000.0


def plan_of(session_timeout_s: int, dwell_cap_s: int) -> np.ndarray:
    """A plan array of one row."""
    plan = np.zeros(1, PLAN)
    plan["session_timeout_ms"] = session_timeout_s * 1000
    plan["dwell_cap_s"] = dwell_cap_s
    return plan


@kernel
def _begin_session(r, e, t):
    if r["session_number"] > 0:
        fold_session(r)
        gap_s = (t - r["session_last"]) / 1000.0
        r["session_gap_last"] = gap_s
        r["session_gap_sum"] += gap_s
        r["session_gap_sq"] += gap_s * gap_s
        if r["session_gap_n"] == 0 or gap_s < r["session_gap_min"]:
            r["session_gap_min"] = gap_s
        if gap_s > r["session_gap_max"]:
            r["session_gap_max"] = gap_s
        r["session_gap_n"] += 1
    channel = e["channel"]
    if channel == NO_CHANNEL:
        channel = _DIRECT
    if r["session_number"] == 0:
        r["first_channel"] = channel
    r["session_number"] += 1
    r["session_start"] = t
    r["session_last"] = t
    r["session_channel"] = channel
    r["session_device"] = e["device"]
    r["landing"] = e["section"]
    r["section_now"] = e["section"]
    r["session_n_events"] = 0
    r["session_counts"][:] = 0
    r["session_dwell_s"] = 0.0
    r["session_engaged_s"] = 0.0
    r["session_revenue"] = 0.0
    r["session_scroll"] = 0.0
    r["session_price_sum"] = 0.0
    r["session_price_min"] = 0.0
    r["session_price_max"] = 0.0
    r["session_percentile_sum"] = 0.0
    r["session_cart_max"] = cart_value(r)
    r["session_n_prices"] = 0
    r["session_n_percentiles"] = 0
    r["session_n_discounted"] = 0
    r["session_n_repeat"] = 0
    r["session_n_products"] = 0
    r["session_n_moves"] = 0
    r["states"] = r["states"] & ~np.uint16(ENDED)
    r["channel_sessions"][channel] = one_more(r["channel_sessions"][channel])
    r["device_sessions"][e["device"]] = one_more(r["device_sessions"][e["device"]])
    back = r["day_last"] - e["day"]
    if 0 <= back < N_DAYS and r["day_sessions"][e["day"] % N_DAYS] < 255:
        r["day_sessions"][e["day"] % N_DAYS] += 1


@kernel
def _section_add(r, key, dwell_s, n_views):
    """Add dwell and views to the slot of a section, replacing the least one when all are taken."""
    least = 0
    for k in range(N_SECTIONS):
        if r["section_keys"][k] == key:
            r["section_dwell"][k] += dwell_s
            r["section_views"][k] += n_views
            return
        if r["section_keys"][k] == 0:
            r["section_keys"][k] = key
            r["section_dwell"][k] = dwell_s
            r["section_views"][k] = n_views
            return
        if r["section_dwell"][k] < r["section_dwell"][least] or (
            r["section_dwell"][k] == r["section_dwell"][least] and r["section_views"][k] < r["section_views"][least]
        ):
            least = k
    if n_views > 0:
        r["section_keys"][least] = key
        r["section_dwell"][least] = dwell_s
        r["section_views"][least] = n_views


@kernel
def _name_page(r, section):
    """The page that was just seen is in this section: its view moves there, and its dwell if it was the only one."""
    guessed = r["section_now"]
    if guessed == 0 or guessed == section:
        return
    for k in range(N_SECTIONS):
        if r["section_keys"][k] != guessed:
            continue
        dwell_s = 0.0
        r["section_views"][k] -= 1
        if r["section_views"][k] < 1:
            dwell_s = float(r["section_dwell"][k])
            for j in range(k, N_SECTIONS - 1):
                r["section_keys"][j] = r["section_keys"][j + 1]
                r["section_dwell"][j] = r["section_dwell"][j + 1]
                r["section_views"][j] = r["section_views"][j + 1]
            r["section_keys"][N_SECTIONS - 1] = 0
            r["section_dwell"][N_SECTIONS - 1] = 0.0
            r["section_views"][N_SECTIONS - 1] = 0.0
        _section_add(r, section, dwell_s, 1.0)
        break
    if r["landing"] == guessed:
        r["landing"] = section
    r["section_now"] = section


@kernel
def _view_product(r, e, in_session):
    product = e["product"]
    is_repeat = False
    if product != 0:
        at = N_RECENT_PRODUCTS - 1
        for k in range(N_RECENT_PRODUCTS):
            if r["recent_products"][k] == product:
                is_repeat = True
                at = k
                break
        for k in range(at, 0, -1):
            r["recent_products"][k] = r["recent_products"][k - 1]
        r["recent_products"][0] = product
        if is_repeat:
            r["repeat_views"] += 1
    category = e["category"]
    if category != 0:
        at = N_RECENT_CATEGORIES - 1
        for k in range(N_RECENT_CATEGORIES):
            if r["recent_categories"][k] == category:
                at = k
                break
        for k in range(at, 0, -1):
            r["recent_categories"][k] = r["recent_categories"][k - 1]
        r["recent_categories"][0] = category
    is_discounted = (e["flags"] & _DISCOUNTED) != 0
    if is_discounted:
        r["discounted_n"] += 1
    if in_session:
        if is_repeat:
            r["session_n_repeat"] = one_more(r["session_n_repeat"])
        elif product != 0:
            r["session_n_products"] = one_more(r["session_n_products"])
        if is_discounted:
            r["session_n_discounted"] = one_more(r["session_n_discounted"])
    price = e["price"]
    if math.isnan(price) or price <= 0 or (e["flags"] & _OUTLIER) != 0:
        return
    if r["price_n"] == 0 or price < r["price_min"]:
        r["price_min"] = price
    if price > r["price_max"]:
        r["price_max"] = price
    r["price_n"] += 1
    r["price_sum"] += float(price)
    r["price_sq"] += float(price) * float(price)
    r["price_last"] = price
    has_place = not math.isnan(e["percentile"])
    if has_place:
        r["percentile_n"] += 1
        r["percentile_sum"] += e["percentile"]
    if in_session:
        if r["session_n_prices"] == 0 or price < r["session_price_min"]:
            r["session_price_min"] = price
        if price > r["session_price_max"]:
            r["session_price_max"] = price
        r["session_n_prices"] = one_more(r["session_n_prices"])
        r["session_price_sum"] += price
        if has_place:
            r["session_n_percentiles"] = one_more(r["session_n_percentiles"])
            r["session_percentile_sum"] += e["percentile"]


@kernel
def _cart_take(r, product, quantity, rest_quantity):
    """Take ``quantity`` (NaN: all) out of a product's line, or ``rest_quantity`` off the rest if it has none."""
    for k in range(r["n_cart"]):
        if r["cart_products"][k] == product:
            if not math.isnan(quantity) and r["cart_quantities"][k] - quantity > 1e-6:
                r["cart_quantities"][k] -= quantity
                return True
            n = r["n_cart"]
            for j in range(k, n - 1):
                r["cart_products"][j] = r["cart_products"][j + 1]
                r["cart_prices"][j] = r["cart_prices"][j + 1]
                r["cart_quantities"][j] = r["cart_quantities"][j + 1]
            r["cart_products"][n - 1] = 0
            r["cart_prices"][n - 1] = 0.0
            r["cart_quantities"][n - 1] = 0.0
            r["n_cart"] = n - 1
            return True
    if r["cart_rest_n"] > 0:
        left = 0.0 if math.isnan(rest_quantity) else max(float(r["cart_rest_n"]) - float(rest_quantity), 0.0)
        r["cart_rest_value"] = r["cart_rest_value"] * (left / r["cart_rest_n"])
        r["cart_rest_n"] = left
        return True
    return False


@kernel
def _cart_clear(r):
    r["cart_products"][:] = 0
    r["cart_prices"][:] = 0.0
    r["cart_quantities"][:] = 0.0
    r["cart_rest_n"] = 0.0
    r["cart_rest_value"] = 0.0
    r["n_cart"] = 0


@kernel
def _change_cart(r, e, items, t):
    kind = e["kind"]
    n = e["item_n"]
    if kind == _CART_VIEW or kind == _CHECKOUT_START:
        if n == 0 or t < r["cart_changed"]:  # an older one, which came late, says nothing of the cart there is now
            return
        _cart_clear(r)  # these name the whole cart
    for j in range(e["item_start"], e["item_start"] + n):
        it = items[j]
        if kind == _CART_REMOVE:
            if not it["quantity"] <= 0:  # NaN takes the whole line
                _cart_take(r, it["product"], it["quantity"], it["quantity"])
        else:
            quantity = 1.0 if math.isnan(it["quantity"]) else float(it["quantity"])
            price = 0.0 if math.isnan(it["price"]) else float(it["price"])
            if quantity > 0:
                cart_add(r, it["product"], price, quantity)
    r["cart_changed"] = max(r["cart_changed"], t)


@kernel
def _money(e):
    return 0.0 if math.isnan(e["revenue"]) else float(e["revenue"])


@kernel
def _order(r, e, items, t, in_session):
    revenue = _money(e)
    r["states"] = r["states"] | PAYING
    r["revenue"] += revenue
    r["order_last"] = revenue
    if revenue > r["order_max"]:
        r["order_max"] = revenue
    if r["first_order"] == 0 or t < r["first_order"]:
        r["first_order"] = t
    if t > r["last_order"]:
        r["last_order"] = t
    for j in range(e["item_start"], e["item_start"] + e["item_n"]):
        quantity = items[j]["quantity"]
        r["items_bought"] += 1.0 if math.isnan(quantity) else quantity
        if not math.isnan(items[j]["percentile"]):
            r["bought_percentile_n"] += 1
            r["bought_percentile_sum"] += items[j]["percentile"]
    age_ms = float(r["decayed_at"] - t)
    for h in range(N_HALF):
        r["decayed_revenue"][h] += revenue * 2.0 ** (-age_ms / _HALF_MS[h])
    if (e["flags"] & _STORE) != 0:
        r["store_orders"] += 1
        r["store_revenue"] += revenue
        return
    if in_session:
        r["session_revenue"] += revenue
    is_late = t < r["cart_changed"]  # what was put into the cart since isn't known to be bought
    n_taken = 0
    for j in range(e["item_start"], e["item_start"] + e["item_n"]):
        quantity = items[j]["quantity"]
        bought = 0.0 if is_late else 1.0 if math.isnan(quantity) else float(quantity)
        if items[j]["product"] != 0 and _cart_take(r, items[j]["product"], np.nan, bought):
            n_taken += 1
    if n_taken == 0 and not is_late:
        _cart_clear(r)
    r["cart_changed"] = max(r["cart_changed"], t)


@kernel
def _apply(r, e, items, timeout_ms, dwell_cap_s, row, out, n_out):
    t = e["time"]
    kind = e["kind"]
    flags = e["flags"]
    is_visit = (flags & _STORE) == 0 and kind != _EMAIL_OPENED and kind != _REFUND

    # lifetime, order-free
    if r["n_events"] == 0:
        r["first_seen"] = t
        r["last_seen"] = t
        r["decayed_at"] = t
        r["day_last"] = e["day"]
    if t < r["first_seen"]:
        r["first_seen"] = t
    if t > r["last_seen"]:
        r["last_seen"] = t
    r["n_events"] += 1
    r["counts"][kind] += 1
    if (flags & _LATE) != 0:
        r["late_n"] += 1
    if (flags & _BOT) != 0:
        r["states"] = r["states"] | BOT
    if e["knows"] != 0:
        r["states"] = r["states"] | KNOWN
    if e["is_alias"] == 2:
        r["states"] = r["states"] | ALIASED
    r["hours"][e["hour"]] = one_more(r["hours"][e["hour"]])
    r["weekdays"][e["weekday"]] = one_more(r["weekdays"][e["weekday"]])
    if e["day"] > r["day_last"]:
        turn_days(r, e["day"])
    if r["day_last"] - e["day"] < N_DAYS and r["day_events"][e["day"] % N_DAYS] < 255:
        r["day_events"][e["day"] % N_DAYS] += 1
    if t > r["decayed_at"]:
        bring_decays(r, t)
    age_ms = float(r["decayed_at"] - t)
    slot = _DECAY_SLOT[kind]
    if slot >= 0:
        for h in range(N_HALF):
            r["decayed"][slot, h] += 1.0 if age_ms == 0.0 else 2.0 ** (-age_ms / _HALF_MS[h])
        if t // 1000 > r["last_s"][slot]:
            r["last_s"][slot] = t // 1000

    # place, session and dwell
    is_view = kind == _PAGE_VIEW or kind == _LIST_VIEW or kind == _PRODUCT_VIEW
    is_here = kind != _PAGE_VIEW and e["page"] != 0 and e["page"] == r["page_now"]
    if (flags & _SECTION_GUESSED) != 0:
        if is_here:
            if r["section_now"] != 0:
                e["section"] = r["section_now"]
        elif not is_view and t < r["session_last"]:
            e["section"] = 0
    in_session = False
    if is_visit and r["session_number"] > 0:
        in_session = r["session_start"] - timeout_ms <= t <= r["session_last"] + timeout_ms
    if is_visit and not in_session and (r["session_number"] == 0 or t > r["session_last"]):
        if r["session_number"] > 0 and (r["states"] & ENDED) == 0:
            n_out = end_session(r, row, out, n_out)
        _begin_session(r, e, t)
        in_session = True
    elif in_session:
        r["states"] = r["states"] & ~np.uint16(ENDED)
        if t >= r["session_last"]:
            gap_s = (t - r["session_last"]) / 1000.0
            ln = math.log1p(gap_s)
            r["gap_n"] += 1
            r["gap_log_sum"] += ln
            r["gap_log_sq"] += ln * ln
            dwell = min(gap_s, dwell_cap_s) if r["last_kind"] != _ENGAGEMENT else 0.0
            if dwell > 0:
                r["dwell_s"] += dwell
                r["session_dwell_s"] += dwell
                for h in range(N_HALF):
                    r["decayed_dwell"][h] += dwell if age_ms == 0.0 else dwell * 2.0 ** (-age_ms / _HALF_MS[h])
                if r["section_now"] != 0:
                    _section_add(r, r["section_now"], dwell, 0.0)
            r["session_last"] = t
        elif t < r["session_start"]:
            r["session_start"] = t
            if e["section"] != 0:
                r["landing"] = e["section"]
        if r["session_channel"] == _DIRECT and e["channel"] != NO_CHANNEL and e["channel"] != _DIRECT:
            r["channel_sessions"][_DIRECT] -= min(1, r["channel_sessions"][_DIRECT])
            r["session_channel"] = e["channel"]
            r["channel_sessions"][e["channel"]] = one_more(r["channel_sessions"][e["channel"]])
            if r["session_number"] == 1:
                r["first_channel"] = e["channel"]
    if in_session:
        r["session_n_events"] = one_more(r["session_n_events"])
        r["session_counts"][kind] = one_more(r["session_counts"][kind])

    # where, from where, with what: the latest that says so, or any while none does
    is_now = in_session and t >= r["session_last"]
    names_page = kind == _PRODUCT_VIEW and (flags & _PAGE_NAMED) != 0 and is_here and r["last_kind"] == _PAGE_VIEW
    if names_page and is_now:
        _name_page(r, e["section"])
    if e["section"] != 0:
        _section_add(r, e["section"], 0.0, 1.0)
        moves = is_view or not is_here or r["section_now"] == 0
        if is_now and moves:
            if r["landing"] == 0:
                r["landing"] = e["section"]
            if r["section_now"] != 0 and r["section_now"] != e["section"]:
                r["session_n_moves"] = one_more(r["session_n_moves"])
            r["section_now"] = e["section"]
    is_latest = t >= r["last_seen"]
    if e["page"] != 0 and (is_latest or r["page_now"] == 0):
        r["page_now"] = e["page"]
    if e["campaign"] != 0 and (is_latest or in_session or r["campaign"] == 0):
        r["campaign"] = e["campaign"]
    if e["keyword"] != 0 and (is_latest or in_session or r["keyword"] == 0):
        r["keyword"] = e["keyword"]
    if e["query"] != 0 and (is_latest or r["query"] == 0):
        r["query"] = e["query"]
    if e["country"] != 0 and (is_latest or r["country"] == 0):
        r["country"] = e["country"]
        r["region"] = e["region"]
        r["city"] = e["city"]
    if e["device"] != _UNKNOWN_DEVICE and e["device"] != _SERVER and (is_latest or r["device"] == _UNKNOWN_DEVICE):
        r["device"] = e["device"]
        r["os"] = e["os"]
        r["browser"] = e["browser"]
    r["kind_before"] = r["last_kind"]
    r["last_kind"] = kind

    # what the kind means
    if kind == _PRODUCT_VIEW:
        _view_product(r, e, in_session)
    elif kind == _CART_ADD or kind == _CART_REMOVE or kind == _CART_VIEW or kind == _CHECKOUT_START:
        _change_cart(r, e, items, t)
        if in_session:
            value = cart_value(r)
            if value > r["session_cart_max"]:
                r["session_cart_max"] = value
    elif kind == _ORDER:
        _order(r, e, items, t, in_session)
    elif kind == _REFUND:
        r["refunded"] += _money(e)
    elif kind == _ENGAGEMENT:
        r["engaged_s"] += e["engaged_s"]
        if in_session:
            r["session_engaged_s"] += e["engaged_s"]
    elif kind == _SCROLL and not math.isnan(e["scroll"]):
        r["scroll_n"] += 1
        r["scroll_sum"] += e["scroll"]
        if in_session and e["scroll"] > r["session_scroll"]:
            r["session_scroll"] = e["scroll"]
    return n_out


@kernel
def step(records, events, items, merges, plan, sessions):
    """Move the records of a batch in place.

    Parameters
    ----------
    records : RECORD[capacity]
        All visitors, owned by the engine; changed in place.
    events : EVENT[n]
        In log order; only those of ``status`` APPLIED count. ``row`` is each one's visitor. ``section`` is set to where
        the event happened.
    items : ITEM[m]
        Product lines the events point into.
    merges : MERGE[k]
        Visitors that become one, by ``event_idx``; done just before that event.
    plan : PLAN[1]
        Session timeout and dwell cap.
    sessions : SESSION[>= n + k]
        Room for ended sessions; changed in place.

    Returns
    -------
    int
        How many rows of ``sessions`` were written.
    """
    timeout_ms = plan[0]["session_timeout_ms"]
    dwell_cap_s = plan[0]["dwell_cap_s"]
    n_out = 0
    at = 0
    for i in range(len(events)):
        while at < len(merges) and merges[at]["event_idx"] <= i:
            m = merges[at]
            n_out = merge_into(records, m["winner"], m["loser"], timeout_ms, sessions, n_out)
            at += 1
        ahead = i + _AHEAD
        if ahead < len(events) and events[ahead]["row"] >= 0:
            prefetch(records, events[ahead]["row"])
        e = events[i]
        if e["status"] != _APPLIED:
            continue
        row = e["row"]
        n_out = _apply(records[row], e, items, timeout_ms, dwell_cap_s, row, sessions, n_out)
    return n_out
