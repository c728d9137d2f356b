"""What do step and merge both need? Small compiled moves of one record."""

import numpy as np

from footfall.base.kinds import Kind
from footfall.record.compiled import kernel
from footfall.record.layout import ENDED, HALF_LIVES_S, N_CART, N_DAYS, N_DECAY, N_HALF, PASSIVE_KINDS

_HALF_MS = np.array(HALF_LIVES_S, np.float64) * 1000.0
_PAGE_VIEW, _LIST_VIEW, _PRODUCT_VIEW = int(Kind.PAGE_VIEW), int(Kind.LIST_VIEW), int(Kind.PRODUCT_VIEW)
_PASSIVE_KINDS = np.array(PASSIVE_KINDS, np.int64)
_CART_ADD, _CHECKOUT_START, _ORDER = int(Kind.CART_ADD), int(Kind.CHECKOUT_START), int(Kind.ORDER)


@kernel
def one_more(count):
    """A 16-bit count plus one; at 65,535 it stays."""
    return count + 1 if count < 65535 else count


@kernel
def bring_decays(r, t):
    """Bring every decayed sum forward to time ``t`` (ms, not before ``decayed_at``): x · 2^(-age / half-life)."""
    age_ms = float(t - r["decayed_at"])
    for h in range(N_HALF):
        factor = 2.0 ** (-age_ms / _HALF_MS[h])
        for k in range(N_DECAY):
            r["decayed"][k, h] *= factor
        r["decayed_dwell"][h] *= factor
        r["decayed_revenue"][h] *= factor
    r["decayed_at"] = t


@kernel
def turn_days(r, day):
    """Make ``day`` the latest day; days that fall out of the 30-day window are emptied."""
    if day - r["day_last"] >= N_DAYS:
        r["day_events"][:] = 0
        r["day_sessions"][:] = 0
    else:
        for d in range(r["day_last"] + 1, day + 1):
            r["day_events"][d % N_DAYS] = 0
            r["day_sessions"][d % N_DAYS] = 0
    r["day_last"] = day


@kernel
def cart_value(r):
    """Value of the cart, lines and rest."""
    value = float(r["cart_rest_value"])
    for k in range(r["n_cart"]):
        value += float(r["cart_prices"][k]) * float(r["cart_quantities"][k])
    return value


@kernel
def cart_add(r, product, price, quantity):
    """Add to the product's line (the newest known price holds), or a new line, or the rest when there's no room."""
    if product != 0:
        for k in range(r["n_cart"]):
            if r["cart_products"][k] == product:
                r["cart_quantities"][k] += quantity
                if price > 0:
                    r["cart_prices"][k] = price
                return
        n = r["n_cart"]
        if n < N_CART:
            r["cart_products"][n] = product
            r["cart_prices"][n] = price
            r["cart_quantities"][n] = quantity
            r["n_cart"] = n + 1
            return
    r["cart_rest_n"] += quantity
    r["cart_rest_value"] += price * quantity


@kernel
def fold_session(r):
    """Add the current session to the sums over past sessions; the caller then begins another."""
    counts = r["session_counts"]
    r["past_events"] += r["session_n_events"]
    r["past_pages"] += int(counts[_PAGE_VIEW]) + int(counts[_LIST_VIEW]) + int(counts[_PRODUCT_VIEW])
    r["past_dwell_s"] += r["session_dwell_s"]
    r["past_length_s"] += (r["session_last"] - r["session_start"]) / 1000.0
    n_chosen = int(r["session_n_events"])
    for kind in _PASSIVE_KINDS:
        n_chosen -= int(counts[kind])
    if n_chosen <= 1:
        r["past_bounced"] += 1
    if counts[_CART_ADD] > 0:
        r["past_with_cart"] += 1
    if counts[_CHECKOUT_START] > 0:
        r["past_with_checkout"] += 1
    if counts[_ORDER] > 0:
        r["past_with_order"] += 1
    if counts[_CART_ADD] > 0 and counts[_ORDER] == 0:
        r["past_abandoned"] += 1


@kernel
def end_session(r, row, out, n_out):
    """Mark the session as ended and write it to ``out[n_out]``; returns the new number of rows."""
    r["states"] = r["states"] | ENDED
    s = out[n_out]
    s["start"] = r["session_start"]
    s["end"] = r["session_last"]
    s["landing"] = r["landing"]
    s["exit"] = r["section_now"]
    s["revenue"] = r["session_revenue"]
    s["dwell_s"] = r["session_dwell_s"]
    s["cart_value"] = cart_value(r)
    s["row"] = row
    s["number"] = r["session_number"]
    s["n_events"] = r["session_n_events"]
    s["site"] = r["site"]
    s["channel"] = r["session_channel"]
    s["device"] = r["device"]
    s["spare"][:] = 0
    return n_out + 1
