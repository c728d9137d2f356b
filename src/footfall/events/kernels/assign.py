"""What do the fields found mean, in columns? Fills the kernel's events from spans, compiled.

Everything that needs judgement (which kind a name stands for, which section an address, which channel a referrer) is
decided once in Python and looked up here by the hash of the bytes it was decided from. What isn't in the tables yet is
reported as a miss; the caller decides, enters it and calls again. An event that turns out to be unusual is marked SLOW.
"""

import math

import numpy as np

from footfall.base.codes import Device, Flag
from footfall.base.ids import ANONYMOUS, NO_IDS, USER
from footfall.base.kinds import N_KINDS, Kind
from footfall.events.kernels import scan as s
from footfall.events.kernels.xxh3 import LONGEST, xxh3
from footfall.record.admit import keys_add, slot_of
from footfall.record.compiled import kernel
from footfall.record.layout import NO_CHANNEL
from footfall.record.machine import fold, word

KIND_OF = np.dtype([("key", "u8"), ("kind", "i4")], align=True)
WHERE_OF = np.dtype(
    [("key", "u8"), ("page", "u8"), ("section", "u8"), ("n_host", "u2"), ("flags", "u2"), ("has_query", "u1")],
    align=True,
)
"""``n_host`` is the length of the address up to its path, 0 if it has none; ``has_query`` says that it has ? or #;
``flags`` how the section is known."""
AGENT_OF = np.dtype([("key", "u8"), ("machine", "u4")], align=True)
PLACE_OF = np.dtype([("key", "u8"), ("country", "u8"), ("city", "u8"), ("zone", "i4")], align=True)
ARRIVAL_OF = np.dtype([("key", "u8"), ("campaign", "u8"), ("keyword", "u8"), ("channel", "u1")], align=True)
OFFSET_OF = np.dtype([("key", "u8"), ("minutes", "i4")], align=True)
IN_KIND, IN_WHERE, IN_AGENT, IN_PLACE, IN_ARRIVAL, IN_OFFSET = range(6)
"""Which table a miss is about."""
MISS = np.dtype([("key", "u8"), ("idx", "i4"), ("table", "i4")], align=True)
FRESH = np.dtype([("key", "u8"), ("start", "i8"), ("n", "i4"), ("idx", "i4"), ("what", "u1")], align=True)
"""A name that may be new: where it stands in the text, in which event, and what it names."""
NAMED = ("category", "product", "query")
"""What a fresh name may name."""
_CATEGORY, _PRODUCT, _QUERY = range(3)
ENTRY = np.dtype([("agent", "u8"), ("place", "u8"), ("received", "i8"), ("sent", "i8"), ("site", "u2")], align=True)
"""What the events of an entry share: hashes of user agent and place, receive time, ``sentAt`` in ms or -1, site."""

NEEDS_PRODUCT, NEEDS_LINES, NEEDS_DEPTH, NEEDS_CATEGORY = 1, 2, 4, 8
"""What a kind makes worth reading: one product; product lines; search words, depth or time; a list's category."""
_MAX_DEPTH_PCT = 100.0
ENGAGED_MAX_MS = 86_400_000.0
"""More time between two engagements isn't believed."""


def _needs() -> np.ndarray:
    needs = np.zeros(N_KINDS, np.uint8)
    for kind in (Kind.PRODUCT_CLICK, Kind.PRODUCT_VIEW, Kind.CART_ADD, Kind.CART_REMOVE, Kind.WISHLIST_ADD):
        needs[kind] |= NEEDS_PRODUCT
    for kind in (Kind.CART_ADD, Kind.CART_REMOVE, Kind.CART_VIEW, Kind.CHECKOUT_START, Kind.ORDER, Kind.REFUND):
        needs[kind] |= NEEDS_LINES
    needs[Kind.SEARCH] |= NEEDS_DEPTH
    needs[Kind.SCROLL] |= NEEDS_DEPTH
    needs[Kind.ENGAGEMENT] |= NEEDS_DEPTH
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
_NO_ID_LENGTHS = np.zeros(256, np.uint64)
"""By first byte: a bit for each length that such a word has."""
for _word in NO_IDS - {""}:
    for _letter in {_word[0].lower(), _word[0].upper()}:
        _NO_ID_LENGTHS[ord(_letter)] |= np.uint64(1 << len(_word))
_P1, _P2 = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)
_FNV, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_CART_VIEW, _ORDER, _REFUND = int(Kind.CART_VIEW), int(Kind.ORDER), int(Kind.REFUND)
_ORDER_PREFIX = np.frombuffer(b"order\x00", np.uint8).copy()
_ORDER_ID_MAX = LONGEST - len(_ORDER_PREFIX)
WORDS_SIZE = LONGEST + 16
"""Bytes of scratch for a text that is hashed in another form than it came."""
_LATE, _FUTURE, _NO_TIME = int(Flag.LATE), int(Flag.FUTURE), int(Flag.NO_TIME)
_BOT_FLAG, _BOT = int(Flag.BOT), int(Device.BOT)
_SEARCH, _ENGAGEMENT, _DISCOUNTED = int(Kind.SEARCH), int(Kind.ENGAGEMENT), int(Flag.DISCOUNTED)
_1, _3, _4, _8, _16, _19, _29, _32 = (np.uint64(i) for i in (1, 3, 4, 8, 16, 19, 29, 32))
# salts keep a product, a category and a search of the same words apart among the known names
_SALTS = np.array([0, 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03], np.uint64)
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_EARLIEST_MS = 315_532_800_000


def _marks_of(pattern: bytes) -> tuple[np.uint64, np.uint64]:
    """Which bits of eight bytes are no digits (mask), and what they must be."""
    mask = bytes(0 if c == 48 else 255 for c in pattern)
    given = bytes(0 if c == 48 else c for c in pattern)
    return np.uint64(int.from_bytes(mask, "little")), np.uint64(int.from_bytes(given, "little"))


_DATE_MARKS, _DATE = _marks_of(b"0000-00-")
_CLOCK_MARKS, _CLOCK = _marks_of(b"00T00:00")
_QUARTER_MS = 900_000


@kernel
def _table_hash(b, at, n, seed):
    """Hash of any length for keys of the tables, which never leave this process: sixteen bytes a step."""
    position = np.uint64(at)
    length = np.uint64(n)
    stop = position + length
    h = seed ^ (length * _P1)
    if length < _8:
        if position + _8 <= np.uint64(len(b)):
            last = word(b, position) & ((_1 << (length << _3)) - _1)
        else:
            last = np.uint64(0)
            while position < stop:
                last = (last << _8) | np.uint64(b[position])
                position += _1
            last ^= _P2  # may differ from what the other way gives: then it's decided twice
        return fold(h ^ last, _P1)
    while position + _16 < stop:
        h = fold(h ^ word(b, position), _P2 ^ word(b, position + _8))
        position += _16
    if length >= _16:
        position = stop - _16  # the last sixteen bytes, some of them a second time
    return fold(h ^ word(b, position), _P2 ^ word(b, stop - _8)) ^ (h << _1)


@kernel
def _field_hash(b, where, field, seed):
    """Hash of a field's bytes; another one where the field is absent."""
    n = where[field, 1]
    if n < 0:
        return seed * _P1 + _P2
    return _table_hash(b, where[field, 0], n, seed)


@kernel
def _join(h, other):
    h = (h ^ (h >> np.uint64(31))) * _P2
    h = (h ^ other) * _P1
    return (h ^ (h >> np.uint64(29))) | np.uint64(1)


@kernel
def _is_tidy(b, where, field):
    """A text that needs no trimming and is short enough to be hashed as it is."""
    start, n = np.uint64(where[field, 0]), where[field, 1]
    return 0 < n <= LONGEST and b[start] != 32 and b[start + np.uint64(n) - _1] != 32


@kernel
def _is_no_id(b, where, field):
    """Whether an id is one of the words that clients send when they have none."""
    start, n = np.uint64(where[field, 0]), np.uint64(where[field, 1])
    if n > 63 or not (_NO_ID_LENGTHS[b[start]] >> n) & _1:
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
def _id_key(b, where, field, seed):
    """Key of a text of the event."""
    return _or_1(xxh3(b, where[field, 0], where[field, 1], seed))


@kernel
def _digits2(b, at):
    """Two ASCII digits as a number, far below 0 if they aren't digits."""
    high, low = np.int64(b[at]) - 48, np.int64(b[at + _1]) - 48
    return high * 10 + low if 0 <= high <= 9 and 0 <= low <= 9 else -100_000


@kernel
def _is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@kernel
def _is_utc(b, at, n):
    """Whether the ``n`` bytes at ``at`` are ``Z`` or ``+00:00``."""
    if n == 1:
        return b[at] == 90
    return n == 6 and b[at] == 43 and _digits2(b, at + _1) == 0 and b[at + _3] == 58 and _digits2(b, at + _4) == 0


@kernel
def _fraction_ms(b, at, n):
    """Milliseconds of a fraction of a second, ``.mmm`` or ``.mmmuuu``; -1 if it has another form."""
    if b[at] != 46:
        return -1
    for k in range(np.uint64(n) - _1):
        if not 48 <= b[at + _1 + k] <= 57:
            return -1
    return _digits2(b, at + _1) * 10 + np.int64(b[at + _3]) - 48


@kernel
def parse_time(b, start, n):
    """``YYYY-MM-DDTHH:MM:SS``, ``.mmm`` or ``.mmmuuu`` or neither, and ``Z`` or ``+00:00``, to ms since 1970.

    It stands at ``start`` and has ``n`` bytes; -1 if it has another form.
    """
    at = np.uint64(start)
    n_fraction = 0
    if n == 24 or n == 29:
        n_fraction = 4
    elif n == 27 or n == 32:
        n_fraction = 7
    elif n != 20 and n != 25:
        return -1
    if (
        (word(b, at) & _DATE_MARKS) != _DATE
        or (word(b, at + _8) & _CLOCK_MARKS) != _CLOCK
        or b[at + _16] != 58
        or not _is_utc(b, at + _19 + np.uint64(n_fraction), n - 19 - n_fraction)
    ):
        return -1
    ms = 0
    if n_fraction > 0:
        ms = _fraction_ms(b, at + _19, n_fraction)
        if ms < 0:
            return -1
    year = _digits2(b, at) * 100 + _digits2(b, at + np.uint64(2))
    month, day = _digits2(b, at + np.uint64(5)), _digits2(b, at + _8)
    hour, minute = _digits2(b, at + np.uint64(11)), _digits2(b, at + np.uint64(14))
    second = _digits2(b, at + np.uint64(17))
    if year < 1980 or not (1 <= month <= 12 and 1 <= day <= 31):
        return -1
    if day > 28 and day > _DAYS[month] + (1 if month == 2 and _is_leap(year) else 0):
        return -1
    if not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59):
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
def _first(where, field, other):
    """The field that is there, if any."""
    return field if where[field, 1] >= 0 else other


@kernel
def _believed(amount):
    """An amount, NaN if it is beyond belief."""
    return amount if abs(amount) <= AMOUNT_MAX else np.nan


@kernel
def _name(b, start, n, site, known, i, what, fresh, n_fresh):
    """Key of a name, noted in ``fresh`` if it wasn't known; and the new number of fresh names."""
    key = _or_1(xxh3(b, start, n, site))
    return key, _note_name(key, start, n, known, i, what, fresh, n_fresh)


@kernel
def _note_name(key, start, n, known, i, what, fresh, n_fresh):
    if n_fresh < len(fresh) and keys_add(known, _or_1(key ^ _SALTS[what])):
        f = fresh[n_fresh]
        f["key"], f["start"], f["n"], f["idx"], f["what"] = key, start, n, i, what
        n_fresh += 1
    return n_fresh


@kernel
def _query_key(b, where, site, text):
    """Key of a search's words in lower case; ``text`` is scratch of LONGEST bytes."""
    start, n = np.uint64(where[s.QUERY, 0]), np.uint64(where[s.QUERY, 1])
    for k in range(n):
        c = b[start + k]
        text[k] = c + 32 if 65 <= c <= 90 else c
    return _or_1(xxh3(text, 0, n, site))


@kernel
def _lines(b, odd, where, site, known, i, items, n_items, fresh, n_fresh, texts, amounts):
    """Read ``products`` into ``items`` from ``n_items`` on: (lines or -1 if unusual, fresh names, their value)."""
    at = np.uint64(where[s.PRODUCTS, 0])
    stop = at + np.uint64(where[s.PRODUCTS, 1])
    n_lines = 0
    total = 0.0
    while True:
        at = s.next_product(b, odd, at, stop, texts, amounts)
        if at == 0:
            return n_lines, n_fresh, total
        if at == 1 or n_items + n_lines >= len(items) or n_fresh + 2 > len(fresh):
            return -1, n_fresh, total
        if not _is_tidy(b, texts, 0) or (texts[1, 1] > 0 and not _is_tidy(b, texts, 1)):
            return -1, n_fresh, total
        it = items[n_items + n_lines]
        it["product"], n_fresh = _name(b, texts[0, 0], texts[0, 1], site, known, i, _PRODUCT, fresh, n_fresh)
        it["category"] = 0
        if texts[1, 1] > 0:
            it["category"], n_fresh = _name(b, texts[1, 0], texts[1, 1], site, known, i, _CATEGORY, fresh, n_fresh)
        price, quantity = _believed(amounts[0]), _believed(amounts[1])
        it["price"], it["quantity"], it["percentile"] = price, quantity, np.nan
        if not math.isnan(price):
            total += price * (1.0 if math.isnan(quantity) else quantity)
        n_lines += 1


@kernel
def _revenue(amounts, total):
    """The first amount that is given and believed, else the sum of the lines."""
    for k in range(s.REVENUE, s.VALUE + 1):
        if abs(amounts[k]) <= AMOUNT_MAX:
            return amounts[k]
    return total


@kernel
def _is_discounted(amounts):
    """Whether the product is shown below its regular price."""
    regular = amounts[s.COMPARE_AT] if math.isnan(amounts[s.REGULAR]) else amounts[s.REGULAR]
    is_cheaper = _believed(regular) > _believed(amounts[s.PRICE]) * 1.0001  # false if either isn't known
    return is_cheaper or _believed(amounts[s.DISCOUNT]) > 0


@kernel
def _scrolled_pct(amounts):
    """How far a page was scrolled, 0 to 100, NaN if it isn't told."""
    depth = _believed(amounts[s.DEPTH] if math.isnan(amounts[s.PERCENT]) else amounts[s.PERCENT])
    return depth if math.isnan(depth) else min(max(depth, 0.0), _MAX_DEPTH_PCT)


@kernel
def _engaged_s(engaged_ms):
    """Time in which the visitor was active, 0 if it isn't told or not believed."""
    return engaged_ms / 1000.0 if 0 <= engaged_ms <= ENGAGED_MAX_MS else 0.0


@kernel
def _order_key(b, start, n, site, text):
    """As ``name_key(site, "order\\0" + id)``; ``text`` is scratch of LONGEST bytes."""
    for k in range(len(_ORDER_PREFIX)):
        text[k] = _ORDER_PREFIX[k]
    first = np.uint64(start)
    for k in range(np.uint64(n)):
        text[np.uint64(len(_ORDER_PREFIX)) + k] = b[first + k]
    return _or_1(xxh3(text, 0, len(_ORDER_PREFIX) + n, site))


@kernel
def _miss(misses, n_misses, key, i, table):
    """Note what a table doesn't have; returns the new number of misses."""
    miss = misses[n_misses]
    miss["key"], miss["idx"], miss["table"] = key, i, table
    return n_misses + 1


@kernel
def _has_odd_product(b, where, mark, kind, needs, base_currency):
    """Whether anything about the product, the lines or the money is unusual."""
    if mark & s.ODD_PRODUCT:
        return True
    if needs & NEEDS_PRODUCT and (where[s.PRODUCTS, 1] >= 0 or not _is_tidy(b, where, s.PRODUCT)):
        return True
    if (kind == _ORDER or kind == _REFUND) and where[s.PRODUCTS, 1] < 0:
        return True
    n = where[s.ORDER_ID, 1]
    if n > _ORDER_ID_MAX or (n > 0 and not _is_tidy(b, where, s.ORDER_ID)):
        return True
    if where[s.CATEGORY, 1] > 0 and not _is_tidy(b, where, s.CATEGORY):
        return True
    n = where[s.CURRENCY, 1]
    c = np.uint64(where[s.CURRENCY, 0])
    return n >= 0 and (
        n != 3 or b[c] != base_currency[0] or b[c + _1] != base_currency[1] or b[c + np.uint64(2)] != base_currency[2]
    )


@kernel
def assign(
    b, spans, numbers, marks, which, entry_of, entries, kinds, wheres, agents, places, arrivals, offsets, known,
    base_currency, late_ms, future_ms, events, items, n_items, misses, fresh, words
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
    words : uint8[WORDS_SIZE]
        Scratch.

    Returns
    -------
    tuple of int
        New number of items, number of misses and of fresh names. An event with a miss isn't filled yet.
    """
    n_misses = n_fresh = 0
    kind_keys, where_keys, agent_keys = kinds["key"], wheres["key"], agents["key"]
    place_keys, arrival_keys, offset_keys = places["key"], arrivals["key"], offsets["key"]
    for w in range(len(which)):
        i = np.uint64(which[w])
        if marks[i] & s.SLOW:
            continue
        entry = entries[np.uint64(entry_of[i])]
        site = np.uint64(entry["site"])
        e, where, amounts = events[i], spans[i], numbers[i]

        # what happened
        is_track = where[s.TYPE, 1] < 0 or (where[s.TYPE, 1] == 5 and b[np.uint64(where[s.TYPE, 0])] == 116)
        key = _field_hash(b, where, s.TYPE, site)
        if is_track:
            key = _join(key, _field_hash(b, where, s.EVENT, site))
        key = _join(key, site)
        at = slot_of(kind_keys, key)
        if kind_keys[at] != key:
            n_misses = _miss(misses, n_misses, key, i, IN_KIND)
            continue
        kind = kinds[at]["kind"]
        needs = NEEDS[kind]
        is_slow = False
        if needs & (NEEDS_PRODUCT | NEEDS_LINES):
            is_slow = _has_odd_product(b, where, marks[i], kind, needs, base_currency)
        elif needs & NEEDS_DEPTH:
            is_slow = (marks[i] & s.ODD_DEPTH) != 0
            if kind == _SEARCH and where[s.QUERY, 1] > 0 and not _is_tidy(b, where, s.QUERY):
                is_slow = True
        if needs & NEEDS_CATEGORY and where[s.CATEGORY, 1] > LONGEST:
            is_slow = True

        # whose
        if where[s.ANONYMOUS, 1] >= 0 and (not _is_tidy(b, where, s.ANONYMOUS) or _is_no_id(b, where, s.ANONYMOUS)):
            is_slow = True
        if where[s.USER, 1] >= 0 and (not _is_tidy(b, where, s.USER) or _is_no_id(b, where, s.USER)):
            is_slow = True
        if where[s.MESSAGE, 1] > LONGEST or (where[s.ANONYMOUS, 1] < 0 and where[s.USER, 1] < 0):
            is_slow = True

        # when
        t = sent = np.int64(-1)
        if where[s.TIMESTAMP, 1] >= 0:
            t = parse_time(b, where[s.TIMESTAMP, 0], where[s.TIMESTAMP, 1])
            if t < 0:
                is_slow = True
        if where[s.SENT, 1] >= 0:
            sent = parse_time(b, where[s.SENT, 0], where[s.SENT, 1])
            if sent < 0:
                is_slow = True
        else:
            sent = entry["sent"]
        if where[s.ORIGINAL, 1] >= 0:
            sent = np.int64(-1)  # the client has corrected it
        if is_slow:
            marks[i] |= s.SLOW
            continue

        # where, from where, with what: from the tables
        missed = n_misses
        url = _first(where, s.URL, s.OWN_URL)
        url_hash = _field_hash(b, where, url, site)
        key = _join(url_hash, _field_hash(b, where, _first(where, s.PATH, s.OWN_PATH), site))
        if needs & (NEEDS_PRODUCT | NEEDS_CATEGORY):
            key = _join(key, _field_hash(b, where, s.CATEGORY, site))
        key = _join(key, site)
        at_where = slot_of(where_keys, key)
        if where_keys[at_where] != key:
            n_misses = _miss(misses, n_misses, key, i, IN_WHERE)
        key = _join(_field_hash(b, where, s.AGENT, site), entry["agent"])
        at_agent = slot_of(agent_keys, key)
        if agent_keys[at_agent] != key:
            n_misses = _miss(misses, n_misses, key, i, IN_AGENT)
        key = _join(_field_hash(b, where, s.ZONE, site), _field_hash(b, where, s.LOCATION, site))
        key = _join(_join(key, _field_hash(b, where, s.IP, site)), entry["place"])
        at_place = slot_of(place_keys, key)
        if place_keys[at_place] != key:
            n_misses = _miss(misses, n_misses, key, i, IN_PLACE)
        if n_misses > missed:
            continue
        page = wheres[at_where]
        referrer = _first(where, s.REFERRER, s.OWN_REFERRER)
        at_arrival = np.uint64(0)
        has_arrival = page["has_query"] != 0 or where[referrer, 1] > 0 or where[s.CAMPAIGN, 1] >= 0
        if has_arrival:
            key = url_hash
            if page["has_query"] == 0 and page["n_host"] > 0:
                key = _table_hash(b, where[url, 0], page["n_host"], ~site)
            key = _join(_join(key, _field_hash(b, where, referrer, site)), _field_hash(b, where, s.CAMPAIGN, site))
            at_arrival = slot_of(arrival_keys, key)
            if arrival_keys[at_arrival] != key:
                n_misses = _miss(misses, n_misses, key, i, IN_ARRIVAL)
                continue
        place = places[at_place]
        e["flags"] = 0
        settle_time(e, t, sent, entry["received"], late_ms, future_ms)
        minutes = 0
        if place["zone"] > 0:
            key = (np.uint64(place["zone"]) << np.uint64(32)) | np.uint64(e["time"] // _QUARTER_MS)
            at = slot_of(offset_keys, key)
            if offset_keys[at] != key:
                n_misses = _miss(misses, n_misses, key, i, IN_OFFSET)
                continue
            minutes = offsets[at]["minutes"]
        settle_local(e, minutes)

        # nothing is missing: fill
        e["site"] = entry["site"]
        e["kind"] = kind
        if where[s.ANONYMOUS, 1] >= 0:
            e["anonymous_key"] = _id_key(b, where, s.ANONYMOUS, site * np.uint64(4) + np.uint64(ANONYMOUS))
        if where[s.USER, 1] >= 0:
            e["user_key"] = _id_key(b, where, s.USER, site * np.uint64(4) + np.uint64(USER))
            e["knows"] = 1
        if where[s.MESSAGE, 1] > 0:
            e["message_key"] = xxh3(b, where[s.MESSAGE, 0], where[s.MESSAGE, 1], site)
        e["page"] = page["page"]
        e["section"] = page["section"]
        e["flags"] |= page["flags"]
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
        if needs & NEEDS_DEPTH:
            if kind == _ENGAGEMENT:
                e["engaged_s"] = _engaged_s(amounts[s.ENGAGED])
            elif kind != _SEARCH:
                e["scroll"] = _scrolled_pct(amounts)
            elif where[s.QUERY, 1] > 0:
                key = _query_key(b, where, site, words)
                e["query"] = key
                start, n = where[s.QUERY, 0], where[s.QUERY, 1]
                n_fresh = _note_name(key, start, n, known, i, _QUERY, fresh, n_fresh)
        if needs & (NEEDS_PRODUCT | NEEDS_LINES) and where[s.CATEGORY, 1] > 0:
            start, n = where[s.CATEGORY, 0], where[s.CATEGORY, 1]
            e["category"], n_fresh = _name(b, start, n, site, known, i, _CATEGORY, fresh, n_fresh)
        if needs & NEEDS_PRODUCT:
            start, n = where[s.PRODUCT, 0], where[s.PRODUCT, 1]
            e["product"], n_fresh = _name(b, start, n, site, known, i, _PRODUCT, fresh, n_fresh)
            e["price"] = _believed(amounts[s.PRICE])
            e["quantity"] = _believed(amounts[s.QUANTITY])
            if _is_discounted(amounts):
                e["flags"] |= _DISCOUNTED
            if needs & NEEDS_LINES:  # a cart add or remove: its own line
                it = items[n_items]
                it["product"], it["category"] = e["product"], e["category"]
                it["price"] = _believed(amounts[s.PRICE])
                it["quantity"] = _believed(amounts[s.QUANTITY])
                it["percentile"] = np.nan
                e["item_start"], e["item_n"] = n_items, 1
                n_items += 1
    return n_items, n_misses, n_fresh


@kernel
def assign_lines(b, odd, spans, numbers, marks, known, events, items, n_items, fresh, words, texts, amounts):
    """Add the product lines of the events that :func:`assign` filled, and the money of orders and refunds.

    A pass of its own, because few events have lines and the code for them slows the others down. Parameters as there,
    ``odd`` as from :func:`footfall.events.kernels.scan.mark`, ``texts`` int64[2, 2] and
    ``amounts`` float64[2] are scratch; an event whose lines are unusual is marked SLOW. Returns
    the new number of items and the number of fresh names.
    """
    n_fresh = 0
    for i in range(np.uint64(len(events))):
        if spans[i, s.PRODUCTS, 1] < 0 or marks[i] & s.SLOW:
            continue
        e, where = events[i], spans[i]
        kind = e["kind"]
        if not NEEDS[kind] & NEEDS_LINES:
            continue
        site = np.uint64(e["site"])
        is_money = kind == _ORDER or kind == _REFUND
        n_lines, n_fresh, total = _lines(b, odd, where, site, known, i, items, n_items, fresh, n_fresh, texts, amounts)
        if n_lines < 0 or (n_lines == 0 and (is_money or kind == _CART_VIEW)):
            marks[i] |= s.SLOW
            continue
        e["item_start"], e["item_n"] = n_items, n_lines
        n_items += n_lines
        if is_money:
            amount = _revenue(numbers[i], total)
            e["revenue"] = abs(amount)
            if kind == _ORDER and amount < 0:
                e["kind"] = _REFUND
            elif kind == _ORDER and where[s.ORDER_ID, 1] > 0:
                e["order_key"] = _order_key(b, where[s.ORDER_ID, 0], where[s.ORDER_ID, 1], site, words)
    return n_items, n_fresh


@kernel
def _or_1(h):
    """A hash of 0 stands for "none", so it becomes 1."""
    return h if h != 0 else np.uint64(1)
