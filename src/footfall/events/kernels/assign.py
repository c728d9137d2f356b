"""What do the fields found mean, in columns? Fills the kernel's events from spans, compiled.

Everything that needs judgement (which kind a name stands for, which section an address, which channel a referrer) is
decided once in Python and looked up here by the hash of the bytes it was decided from. What isn't in the tables yet is
reported as a miss; the caller decides, enters it and calls again. An event that turns out to be unusual is marked SLOW.
"""

import math

import numpy as np
from numba import njit

from footfall.base.codes import Device, Flag
from footfall.base.ids import ANONYMOUS, NO_IDS, USER
from footfall.base.kinds import N_KINDS, Kind
from footfall.events.kernels import scan as s
from footfall.events.kernels.scan import word
from footfall.events.kernels.xxh3 import LONGEST, xxh3
from footfall.record.admit import keys_add, slot_of
from footfall.record.compiled import kernel
from footfall.record.layout import NO_CHANNEL

KIND_OF = np.dtype([("key", "u8"), ("kind", "i4")], align=True)
WHERE_OF = np.dtype([("key", "u8"), ("page", "u8"), ("section", "u8")], align=True)
AGENT_OF = np.dtype([("key", "u8"), ("machine", "u4")], align=True)
PLACE_OF = np.dtype([("key", "u8"), ("country", "u8"), ("city", "u8"), ("zone", "i4")], align=True)
ARRIVAL_OF = np.dtype([("key", "u8"), ("campaign", "u8"), ("keyword", "u8"), ("channel", "u1")], align=True)
OFFSET_OF = np.dtype([("key", "u8"), ("minutes", "i4")], align=True)
IN_KIND, IN_WHERE, IN_AGENT, IN_PLACE, IN_ARRIVAL, IN_OFFSET = range(6)
"""Which table a miss is about."""
MISS = np.dtype([("key", "u8"), ("idx", "i4"), ("table", "i4")], align=True)
FRESH = np.dtype([("key", "u8"), ("start", "i8"), ("n", "i4"), ("idx", "i4"), ("is_product", "u1")], align=True)
"""A product or category whose name may be new: where it stands in the text, and in which event."""
ENTRY = np.dtype([("agent", "u8"), ("place", "u8"), ("received", "i8"), ("sent", "i8"), ("site", "u2")], align=True)
"""What the events of an entry share: hashes of user agent and place, receive time, ``sentAt`` in ms or -1, site."""

NEEDS_PRODUCT, NEEDS_LINES, NEEDS_DEPTH, NEEDS_CATEGORY = 1, 2, 4, 8
"""What a kind makes worth reading: one product; product lines; search words or depth; the category of a list."""


def _needs() -> np.ndarray:
    needs = np.zeros(N_KINDS, np.uint8)
    for kind in (Kind.PRODUCT_CLICK, Kind.PRODUCT_VIEW, Kind.CART_ADD, Kind.CART_REMOVE, Kind.WISHLIST_ADD):
        needs[kind] |= NEEDS_PRODUCT
    for kind in (Kind.CART_ADD, Kind.CART_REMOVE, Kind.CART_VIEW, Kind.CHECKOUT_START, Kind.ORDER, Kind.REFUND):
        needs[kind] |= NEEDS_LINES
    needs[Kind.SEARCH] |= NEEDS_DEPTH
    needs[Kind.SCROLL] |= NEEDS_DEPTH
    needs[Kind.LIST_VIEW] |= NEEDS_CATEGORY
    needs[Kind.PAGE_VIEW] |= NEEDS_CATEGORY
    return needs


NEEDS = _needs()
AMOUNT_MAX = 1e9
"""Larger prices and quantities aren't believed."""


def _fnv(text: bytes) -> int:
    h = 0xCBF29CE484222325
    for c in text:
        h = ((h ^ c) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


_NO_ID_MAX = max(len(word) for word in NO_IDS if len(word) != 36)
_NO_ID_HASHES = np.sort(np.array([_fnv(word.encode()) for word in NO_IDS], np.uint64))
_P1, _P2 = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)
_FNV, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_CART_VIEW, _ORDER, _REFUND = int(Kind.CART_VIEW), int(Kind.ORDER), int(Kind.REFUND)
_ORDER_PREFIX = np.frombuffer(b"order\x00", np.uint8).copy()
_ORDER_ID_MAX = LONGEST - len(_ORDER_PREFIX)
_LATE, _FUTURE, _NO_TIME = int(Flag.LATE), int(Flag.FUTURE), int(Flag.NO_TIME)
_BOT_FLAG, _BOT = int(Flag.BOT), int(Device.BOT)
_1, _8, _29, _32 = np.uint64(1), np.uint64(8), np.uint64(29), np.uint64(32)
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_EARLIEST_MS = 315_532_800_000
_QUARTER_MS = 900_000


@njit(inline="always")
def _table_hash(b, at, n, seed):
    """Hash of any length for keys of the tables, which never leave this process: eight bytes a step."""
    h = seed ^ (np.uint64(n) * _P1)
    position = np.uint64(at)
    stop = position + np.uint64(n)
    while position + _8 <= stop:
        h = (h ^ word(b, position)) * _P2
        h ^= h >> _29
        position += _8
    if n >= 8:
        if position < stop:  # the last eight bytes, some of them a second time
            h = (h ^ word(b, stop - _8)) * _P2
    else:
        while position < stop:
            h = (h ^ np.uint64(b[position])) * _P2
            position += _1
    return h ^ (h >> _32)


@kernel
def _field_hash(b, spans, i, field, seed):
    """Hash of a field's bytes; another one where the field is absent."""
    n = spans[i, field, 1]
    if n < 0:
        return seed * _P1 + _P2
    return _table_hash(b, spans[i, field, 0], n, seed)


@kernel
def _join(h, other):
    h = (h ^ (h >> np.uint64(31))) * _P2
    h = (h ^ other) * _P1
    return (h ^ (h >> np.uint64(29))) | np.uint64(1)


@kernel
def _is_tidy(b, spans, i, field):
    """A text that needs no trimming and is short enough to be hashed as it is."""
    start, n = spans[i, field, 0], spans[i, field, 1]
    return 0 < n <= LONGEST and b[start] != 32 and b[start + n - 1] != 32


@kernel
def _is_no_id(b, spans, i, field):
    start, n = spans[i, field, 0], spans[i, field, 1]
    if n > _NO_ID_MAX and not (n == 36 and b[start] == 48):
        return False
    h = _FNV
    for k in range(n):
        c = b[start + k]
        if 65 <= c <= 90:
            c += 32
        h = (h ^ np.uint64(c)) * _FNV_PRIME
    at = np.searchsorted(_NO_ID_HASHES, h)
    return at < len(_NO_ID_HASHES) and _NO_ID_HASHES[at] == h


@kernel
def digits2(b, at):
    """Two ASCII digits as a number, -1000 if they aren't digits."""
    high, low = np.int64(b[at]) - 48, np.int64(b[at + 1]) - 48
    return high * 10 + low if 0 <= high <= 9 and 0 <= low <= 9 else -100_000


@kernel
def _is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@kernel
def parse_time(b, at):
    """``YYYY-MM-DDTHH:MM:SS.mmmZ`` at ``at``, 24 bytes, to ms since 1970; -1 if it has another form."""
    if not (
        b[at + 4] == 45 and b[at + 7] == 45 and b[at + 10] == 84 and b[at + 13] == 58 and b[at + 16] == 58
        and b[at + 19] == 46 and b[at + 23] == 90 and 48 <= b[at + 22] <= 57
    ):  # fmt: skip
        return -1
    year = digits2(b, at) * 100 + digits2(b, at + 2)
    month, day = digits2(b, at + 5), digits2(b, at + 8)
    hour, minute, second = digits2(b, at + 11), digits2(b, at + 14), digits2(b, at + 17)
    ms = digits2(b, at + 20) * 10 + np.int64(b[at + 22]) - 48
    if ms < 0 or year < 1980 or not (1 <= month <= 12 and 1 <= day <= 31 and 0 <= hour <= 23):
        return -1
    if day > 28 and day > _DAYS[month] + (1 if month == 2 and _is_leap(year) else 0):
        return -1
    if not (0 <= minute <= 59 and 0 <= second <= 59):
        return -1
    # days since 1970 in the proleptic Gregorian calendar, with the year beginning in March
    y = year - 1 if month <= 2 else year
    era = y // 400
    year_of_era = y - era * 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468
    return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + ms


@kernel
def settle_time(e, t, sent, received, late_ms, future_ms):
    """Corrected time and its flags into ``e``, as ``clean.corrected`` says; ``t`` and ``sent`` are -1 if unknown."""
    if t >= 0 and sent >= 0:
        t = received - (sent - t)
        if t < _EARLIEST_MS:
            t = -1
    if t < 0:
        t = received
        e["flags"] |= _NO_TIME
    elif t > received:
        if t - received > future_ms:
            e["flags"] |= _FUTURE
        t = received
    elif received - t > late_ms:
        e["flags"] |= _LATE
    e["time"] = t


@kernel
def settle_local(e, minutes):
    """Local day, hour and weekday (Monday 0) of the event's time into ``e``."""
    local = e["time"] + minutes * 60_000
    day = local // 86_400_000
    e["day"] = day
    e["hour"] = (local - day * 86_400_000) // 3_600_000
    e["weekday"] = (day + 3) % 7


@kernel
def _first(spans, i, field, other):
    """The field that is there, if any."""
    return field if spans[i, field, 1] >= 0 else other


@kernel
def _believed(amount):
    """An amount, NaN if it is beyond belief."""
    return amount if abs(amount) <= AMOUNT_MAX else np.nan


@kernel
def _name(b, start, n, site, known, i, is_product, fresh, n_fresh):
    """Key of a name, noted in ``fresh`` if it wasn't known; and the new number of fresh names."""
    key = _or_1(xxh3(b, start, n, site))
    if n_fresh < len(fresh) and keys_add(known, key):
        f = fresh[n_fresh]
        f["key"], f["start"], f["n"], f["idx"], f["is_product"] = key, start, n, i, is_product
        n_fresh += 1
    return key, n_fresh


@kernel
def _lines(b, spans, i, site, known, items, n_items, fresh, n_fresh):
    """Read ``products`` into ``items`` from ``n_items`` on: (lines or -1 if unusual, fresh names, their value)."""
    at = np.uint64(spans[i, s.PRODUCTS, 0])
    stop = at + np.uint64(spans[i, s.PRODUCTS, 1])
    texts = np.empty((2, 2), np.int64)
    amounts = np.empty(2, np.float64)
    n_lines = 0
    total = 0.0
    while True:
        at = s.next_product(b, at, stop, texts, amounts)
        if at == 0:
            return n_lines, n_fresh, total
        if at == 1 or n_items + n_lines >= len(items) or n_fresh + 2 > len(fresh):
            return -1, n_fresh, total
        if not (0 < texts[0, 1] <= LONGEST and b[texts[0, 0]] != 32 and b[texts[0, 0] + texts[0, 1] - 1] != 32):
            return -1, n_fresh, total
        n = texts[1, 1]
        if n > LONGEST or (n > 0 and (b[texts[1, 0]] == 32 or b[texts[1, 0] + n - 1] == 32)):
            return -1, n_fresh, total
        it = items[n_items + n_lines]
        it["product"], n_fresh = _name(b, texts[0, 0], texts[0, 1], site, known, i, 1, fresh, n_fresh)
        it["category"] = 0
        if n > 0:
            it["category"], n_fresh = _name(b, texts[1, 0], n, site, known, i, 0, fresh, n_fresh)
        price, quantity = _believed(amounts[0]), _believed(amounts[1])
        it["price"], it["quantity"], it["percentile"] = price, quantity, np.nan
        if not math.isnan(price):
            total += price * (1.0 if math.isnan(quantity) else quantity)
        n_lines += 1


@kernel
def _revenue(numbers, i, total):
    """The first amount that is given and believed, else the sum of the lines."""
    for k in range(s.REVENUE, s.VALUE + 1):
        if abs(numbers[i, k]) <= AMOUNT_MAX:
            return numbers[i, k]
    return total


@kernel
def _order_key(b, start, n, site):
    """As ``name_key(site, "order\\0" + id)``."""
    text = np.zeros(len(_ORDER_PREFIX) + n + 8, np.uint8)
    for k in range(len(_ORDER_PREFIX)):
        text[k] = _ORDER_PREFIX[k]
    for k in range(n):
        text[len(_ORDER_PREFIX) + k] = b[start + k]
    return _or_1(xxh3(text, 0, len(_ORDER_PREFIX) + n, site))


@kernel
def assign(
    b, spans, numbers, marks, which, entry_of, entries, kinds, wheres, agents, places, arrivals, offsets, known,
    base_currency, late_ms, future_ms, events, items, n_items, misses, fresh
):  # fmt: skip
    """Fill the events ``which`` (int32[k]) from their spans.

    Parameters
    ----------
    b, spans, numbers, marks
        As from :func:`footfall.events.kernels.scan.scan`; events that prove unusual are marked SLOW.
    entry_of : int32[n]
        Index of each event's row in ``entries`` (ENTRY).
    kinds, wheres, agents, places, arrivals, offsets
        The tables; read only.
    known : uint64[2**j]
        Key set of product and category names already reported; changed.
    base_currency : uint8[3]
    late_ms, future_ms : int
        Limits of ``clean.corrected``.
    events : EVENT[n]
        Rows of ``which`` are filled; they must come in as zeros.
    items : ITEM[>= n_items + k]
        The lines of cart adds and removes are appended.
    n_items : int
    misses, fresh
        MISS[>= 5 k] and FRESH[>= 2 k]: what wasn't in the tables, names that may be new.

    Returns
    -------
    tuple of int
        New number of items, number of misses and of fresh names. An event with a miss isn't filled yet.
    """
    n_misses = n_fresh = 0
    kind_keys, where_keys, agent_keys = kinds["key"], wheres["key"], agents["key"]
    place_keys, arrival_keys, offset_keys = places["key"], arrivals["key"], offsets["key"]
    for w in range(len(which)):
        i = which[w]
        if marks[i] & s.SLOW:
            continue
        entry = entries[entry_of[i]]
        site = np.uint64(entry["site"])
        e = events[i]

        # what happened
        is_track = spans[i, s.TYPE, 1] < 0 or (spans[i, s.TYPE, 1] == 5 and b[spans[i, s.TYPE, 0]] == 116)
        key = _field_hash(b, spans, i, s.TYPE, site)
        if is_track:
            key = _join(key, _field_hash(b, spans, i, s.EVENT, site))
        key = _join(key, site)
        at = slot_of(kind_keys, key)
        if kind_keys[at] != key:
            misses[n_misses]["key"], misses[n_misses]["idx"], misses[n_misses]["table"] = key, i, IN_KIND
            n_misses += 1
            continue
        kind = kinds[at]["kind"]
        needs = NEEDS[kind]
        is_slow = False
        if needs & (NEEDS_PRODUCT | NEEDS_LINES):
            is_slow = (marks[i] & s.ODD_PRODUCT) != 0
            if needs & NEEDS_PRODUCT and spans[i, s.PRODUCTS, 1] >= 0:
                is_slow = True
            if (kind == _ORDER or kind == _REFUND) and spans[i, s.PRODUCTS, 1] < 0:
                is_slow = True
            if spans[i, s.ORDER_ID, 1] > _ORDER_ID_MAX or (
                spans[i, s.ORDER_ID, 1] > 0 and not _is_tidy(b, spans, i, s.ORDER_ID)
            ):
                is_slow = True
            if needs & NEEDS_PRODUCT and not _is_tidy(b, spans, i, s.PRODUCT):
                is_slow = True
            if spans[i, s.CATEGORY, 1] > 0 and not _is_tidy(b, spans, i, s.CATEGORY):
                is_slow = True
            n = spans[i, s.CURRENCY, 1]
            if n >= 0:
                c = spans[i, s.CURRENCY, 0]
                if n != 3 or b[c] != base_currency[0] or b[c + 1] != base_currency[1] or b[c + 2] != base_currency[2]:
                    is_slow = True
        elif needs & NEEDS_DEPTH:
            is_slow = True
        if needs & NEEDS_CATEGORY and spans[i, s.CATEGORY, 1] > LONGEST:
            is_slow = True

        # whose
        if spans[i, s.ANONYMOUS, 1] >= 0 and (
            not _is_tidy(b, spans, i, s.ANONYMOUS) or _is_no_id(b, spans, i, s.ANONYMOUS)
        ):
            is_slow = True
        if spans[i, s.USER, 1] >= 0 and (not _is_tidy(b, spans, i, s.USER) or _is_no_id(b, spans, i, s.USER)):
            is_slow = True
        if spans[i, s.MESSAGE, 1] > LONGEST or (spans[i, s.ANONYMOUS, 1] < 0 and spans[i, s.USER, 1] < 0):
            is_slow = True

        # when
        t = sent = np.int64(-1)
        if spans[i, s.TIMESTAMP, 1] >= 0:
            if spans[i, s.TIMESTAMP, 1] == 24:
                t = parse_time(b, spans[i, s.TIMESTAMP, 0])
            if t < 0:
                is_slow = True
        if spans[i, s.SENT, 1] >= 0:
            if spans[i, s.SENT, 1] == 24:
                sent = parse_time(b, spans[i, s.SENT, 0])
            if sent < 0:
                is_slow = True
        else:
            sent = entry["sent"]
        if is_slow:
            marks[i] |= s.SLOW
            continue

        # where, from where, with what: from the tables
        missed = n_misses
        url = _first(spans, i, s.URL, s.OWN_URL)
        key = _join(
            _field_hash(b, spans, i, url, site), _field_hash(b, spans, i, _first(spans, i, s.PATH, s.OWN_PATH), site)
        )
        if needs & (NEEDS_PRODUCT | NEEDS_CATEGORY):
            key = _join(key, _field_hash(b, spans, i, s.CATEGORY, site))
        key = _join(key, site)
        at_where = slot_of(where_keys, key)
        if where_keys[at_where] != key:
            misses[n_misses]["key"], misses[n_misses]["idx"], misses[n_misses]["table"] = key, i, IN_WHERE
            n_misses += 1
        key = _join(_field_hash(b, spans, i, s.AGENT, site), entry["agent"])
        at_agent = slot_of(agent_keys, key)
        if agent_keys[at_agent] != key:
            misses[n_misses]["key"], misses[n_misses]["idx"], misses[n_misses]["table"] = key, i, IN_AGENT
            n_misses += 1
        key = _join(_field_hash(b, spans, i, s.ZONE, site), _field_hash(b, spans, i, s.LOCATION, site))
        key = _join(_join(key, _field_hash(b, spans, i, s.IP, site)), entry["place"])
        at_place = slot_of(place_keys, key)
        if place_keys[at_place] != key:
            misses[n_misses]["key"], misses[n_misses]["idx"], misses[n_misses]["table"] = key, i, IN_PLACE
            n_misses += 1
        referrer = _first(spans, i, s.REFERRER, s.OWN_REFERRER)
        has_query = False
        n_host = 0
        start = spans[i, url, 0]
        for k in range(spans[i, url, 1]):
            c = b[start + k]
            if c == 63 or c == 35:
                has_query = True
                break
            if c == 47 and n_host == 0 and k > 7:
                n_host = k
        at_arrival = np.uint64(0)
        has_arrival = has_query or spans[i, referrer, 1] > 0 or spans[i, s.CAMPAIGN, 1] >= 0
        if has_arrival:
            if has_query or n_host == 0:
                key = _field_hash(b, spans, i, url, site)
            else:
                key = _table_hash(b, start, n_host, ~site)
            key = _join(
                _join(key, _field_hash(b, spans, i, referrer, site)), _field_hash(b, spans, i, s.CAMPAIGN, site)
            )
            at_arrival = slot_of(arrival_keys, key)
            if arrival_keys[at_arrival] != key:
                misses[n_misses]["key"], misses[n_misses]["idx"], misses[n_misses]["table"] = key, i, IN_ARRIVAL
                n_misses += 1
        if n_misses > missed:
            continue
        place = places[at_place]
        e["flags"] = 0
        settle_time(e, t, sent, entry["received"], late_ms, future_ms)
        minutes = 0
        if place["zone"] > 0:
            key = (np.uint64(place["zone"]) << np.uint64(32)) | np.uint64(e["time"] // _QUARTER_MS)
            at = slot_of(offset_keys, key)
            if offset_keys[at] != key:
                misses[n_misses]["key"], misses[n_misses]["idx"], misses[n_misses]["table"] = key, i, IN_OFFSET
                n_misses += 1
                continue
            minutes = offsets[at]["minutes"]
        settle_local(e, minutes)

        # nothing is missing: fill
        e["site"] = entry["site"]
        e["kind"] = kind
        if spans[i, s.ANONYMOUS, 1] >= 0:
            e["anonymous_key"] = _or_1(
                xxh3(b, spans[i, s.ANONYMOUS, 0], spans[i, s.ANONYMOUS, 1], site * np.uint64(4) + np.uint64(ANONYMOUS))
            )
        if spans[i, s.USER, 1] >= 0:
            e["user_key"] = _or_1(
                xxh3(b, spans[i, s.USER, 0], spans[i, s.USER, 1], site * np.uint64(4) + np.uint64(USER))
            )
            e["knows"] = 1
        if spans[i, s.MESSAGE, 1] > 0:
            e["message_key"] = xxh3(b, spans[i, s.MESSAGE, 0], spans[i, s.MESSAGE, 1], site)
        e["page"] = wheres[at_where]["page"]
        e["section"] = wheres[at_where]["section"]
        machine = agents[at_agent]["machine"]
        e["device"] = machine & 255
        e["os"] = (machine >> 8) & 255
        e["browser"] = (machine >> 16) & 255
        if machine & 255 == _BOT:
            e["flags"] |= _BOT_FLAG
        e["country"] = place["country"] >> np.uint64(32)
        e["region"] = place["country"] & np.uint64(0xFFFFFFFF)
        e["city"] = place["city"]
        e["channel"] = NO_CHANNEL
        if has_arrival:
            e["channel"] = arrivals[at_arrival]["channel"]
            e["campaign"] = arrivals[at_arrival]["campaign"]
            e["keyword"] = arrivals[at_arrival]["keyword"]
        e["price"] = np.nan
        e["quantity"] = np.nan
        e["percentile"] = np.nan
        e["scroll"] = np.nan
        if needs & (NEEDS_PRODUCT | NEEDS_LINES) and spans[i, s.CATEGORY, 1] > 0:
            start, n = spans[i, s.CATEGORY, 0], spans[i, s.CATEGORY, 1]
            e["category"], n_fresh = _name(b, start, n, site, known, i, 0, fresh, n_fresh)
        if needs & NEEDS_PRODUCT:
            start, n = spans[i, s.PRODUCT, 0], spans[i, s.PRODUCT, 1]
            e["product"], n_fresh = _name(b, start, n, site, known, i, 1, fresh, n_fresh)
            e["price"] = _believed(numbers[i, s.PRICE])
            e["quantity"] = _believed(numbers[i, s.QUANTITY])
            if needs & NEEDS_LINES:  # a cart add or remove: its own line
                it = items[n_items]
                it["product"], it["category"] = e["product"], e["category"]
                it["price"] = _believed(numbers[i, s.PRICE])
                it["quantity"] = _believed(numbers[i, s.QUANTITY])
                it["percentile"] = np.nan
                e["item_start"], e["item_n"] = n_items, 1
                n_items += 1
    return n_items, n_misses, n_fresh


@kernel
def assign_lines(b, spans, numbers, marks, known, events, items, n_items, fresh):
    """Add the product lines of the events that :func:`assign` filled, and the money of orders and refunds.

    A pass of its own, because few events have lines and the code for them slows the others down. Parameters as there;
    an event whose lines are unusual is marked SLOW. Returns the new number of items and the number of fresh names.
    """
    n_fresh = 0
    for i in range(len(events)):
        if spans[i, s.PRODUCTS, 1] < 0 or marks[i] & s.SLOW:
            continue
        e = events[i]
        kind = e["kind"]
        if not NEEDS[kind] & NEEDS_LINES:
            continue
        site = np.uint64(e["site"])
        is_money = kind == _ORDER or kind == _REFUND
        n_lines, n_fresh, total = _lines(b, spans, i, site, known, items, n_items, fresh, n_fresh)
        if n_lines < 0 or (n_lines == 0 and (is_money or kind == _CART_VIEW)):
            marks[i] |= s.SLOW
            continue
        e["item_start"], e["item_n"] = n_items, n_lines
        n_items += n_lines
        if is_money:
            amount = _revenue(numbers, i, total)
            e["revenue"] = abs(amount)
            if kind == _ORDER and amount < 0:
                e["kind"] = _REFUND
            elif kind == _ORDER and spans[i, s.ORDER_ID, 1] > 0:
                e["order_key"] = _order_key(b, spans[i, s.ORDER_ID, 0], spans[i, s.ORDER_ID, 1], site)
    return n_items, n_fresh


@kernel
def _or_1(h):
    """A hash of 0 stands for "none", so it becomes 1."""
    return h if h != 0 else np.uint64(1)
