"""Where in an event's JSON do the fields stand? One pass over the bytes, compiled.

:func:`scan` checks the whole text against the JSON grammar and notes where the fields that columns are made of begin
and end. It is careful, not clever: an event with anything unusual (an escape or a non-ASCII character in a field that
is read, a number where a text is expected, a field given twice, deep nesting, any error) is only marked, and
:mod:`footfall.events.columns` decodes that one with msgspec. So this pass never decides what is refused, and what it
does read must come out as it would there; a test holds that for random events.
"""

from typing import Any

import numpy as np
from numba import njit

from footfall.record.compiled import kernel

FIELDS = (
    "type",
    "messageId",
    "anonymousId",
    "userId",
    "event",
    "timestamp",
    "sentAt",
    "product_id",
    "category",
    "currency",
    "url",
    "path",
    "referrer",
    "userAgent",
    "timezone",
    "ip",
    "campaign",
    "location",
    "own_url",
    "own_path",
    "own_referrer",
    "order_id",
    "products",
)
"""Columns of ``spans``; own_ ones are of ``properties``, url, path and referrer of ``context.page``; campaign and
location are whole raw objects, products a whole raw array."""
N_FIELDS = len(FIELDS)
(TYPE, MESSAGE, ANONYMOUS, USER, EVENT, TIMESTAMP, SENT, PRODUCT, CATEGORY, CURRENCY, URL, PATH, REFERRER, AGENT, ZONE,
 IP, CAMPAIGN, LOCATION, OWN_URL, OWN_PATH, OWN_REFERRER, ORDER_ID, PRODUCTS) = range(N_FIELDS)  # fmt: skip
NUMBERS = ("price", "quantity", "revenue", "total", "value")
"""Columns of ``numbers``, all of ``properties``."""
N_NUMBERS = len(NUMBERS)
PRICE, QUANTITY, REVENUE, TOTAL, VALUE = range(N_NUMBERS)

SLOW = 1
"""Mark: decode this event the slow way."""
ODD_PRODUCT = 2
"""Mark: has fields (sku, discount …) that only matter if the kind is about products or money."""
ODD_DEPTH = 4
"""Mark: has fields that only matter for searches and scrolls."""

_DEEPEST = 48
# positions are unsigned, so that compiled code needs no test for negative ones
_0, _1, _2, _3, _4, _5, _6, _7, _8 = (np.uint64(i) for i in range(9))
_17, _56 = np.uint64(17), np.uint64(56)
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_QUOTES, _SLASHES, _DELETES, _SPACES = (np.uint64(c * 0x0101010101010101) for c in (34, 92, 127, 32))
_TOP, _PROPERTIES, _CONTEXT, _PAGE, _OTHER = 0, 1, 2, 3, 4
_TEXT, _NUMBER, _RAW, _IS_SLOW, _IS_ODD_PRODUCT, _IS_ODD_DEPTH, _ENTER = (np.uint64(i) for i in range(1, 8))


def _load8(text: bytes, start: int) -> int:
    return int.from_bytes(text[start : start + 8].ljust(8, b"\0"), "little")


def _key_table() -> np.ndarray:
    """Rows (level, length, first 8 bytes, last 8 bytes, action, argument) of the keys that mean something."""
    rows: list[tuple[int, str, Any, int]] = []
    top = {"type": TYPE, "messageId": MESSAGE, "anonymousId": ANONYMOUS, "userId": USER, "event": EVENT,
           "timestamp": TIMESTAMP, "sentAt": SENT}  # fmt: skip
    rows += [(_TOP, key, _TEXT, field) for key, field in top.items()]
    rows += [(_TOP, key, _IS_SLOW, 0) for key in ("originalTimestamp", "previousId", "traits")]
    rows += [(_TOP, "properties", _ENTER, _PROPERTIES), (_TOP, "context", _ENTER, _CONTEXT)]
    own = {"product_id": PRODUCT, "category": CATEGORY, "currency": CURRENCY, "url": OWN_URL, "path": OWN_PATH,
           "referrer": OWN_REFERRER, "order_id": ORDER_ID}  # fmt: skip
    rows += [(_PROPERTIES, key, _TEXT, field) for key, field in own.items()]
    rows += [(_PROPERTIES, key, _NUMBER, which) for which, key in enumerate(NUMBERS)]
    rows += [(_PROPERTIES, "products", _RAW, PRODUCTS)]
    rows += [(_PROPERTIES, "section", _IS_SLOW, 0)]
    odd = ("id", "sku", "regular_price", "compare_at_price", "discount")
    rows += [(_PROPERTIES, key, _IS_ODD_PRODUCT, 0) for key in odd]
    rows += [(_PROPERTIES, key, _IS_ODD_DEPTH, 0) for key in ("query", "depth", "percent")]
    rows += [(_CONTEXT, "page", _ENTER, _PAGE), (_CONTEXT, "channel", _IS_SLOW, 0)]
    texts = {"userAgent": AGENT, "timezone": ZONE, "ip": IP}
    rows += [(_CONTEXT, key, _TEXT, field) for key, field in texts.items()]
    rows += [(_CONTEXT, "campaign", _RAW, CAMPAIGN), (_CONTEXT, "location", _RAW, LOCATION)]
    rows += [(_PAGE, key, _TEXT, field) for key, field in (("url", URL), ("path", PATH), ("referrer", REFERRER))]
    out = np.zeros((len(rows), 6), np.uint64)
    for i, (level, key, action, argument) in enumerate(rows):
        text = key.encode()
        assert len(text) <= 17
        out[i] = (level, len(text), _load8(text, 0), _load8(text, max(0, len(text) - 8)), action, argument)
    return out


def _table() -> tuple[np.ndarray, np.ndarray]:
    """A perfect hash of the keys: a multiplier under which no two share a slot, found by trying."""
    rows = _key_table()
    rng = np.random.default_rng(1)
    with np.errstate(over="ignore"):
        while True:
            multiplier = rng.integers(1 << 62, dtype=np.uint64) | np.uint64(1)
            slots = (
                (rows[:, 2] ^ (rows[:, 3] << np.uint64(1)) ^ (rows[:, 1] << np.uint64(56)) ^ rows[:, 0]) * multiplier
            ) >> np.uint64(57)
            if len(np.unique(slots)) == len(rows):
                break
    table = np.zeros((128, 6), np.uint64)
    table[:, 1] = 99
    table[slots] = rows
    return table, np.array([multiplier], np.uint64)


_KEYS, _MULTIPLIER = _table()
_ID, _SKU, _ITEM_ID, _ITEM_CAT, _PRODUCT_, _CATEGORY, _PRICE_, _QUANTITY = (
    np.uint64(_load8(text, 0))
    for text in (b"id", b"sku", b"item_id", b"item_cat", b"product_", b"category", b"price", b"quantity")
)
_MULTIPLIER_0 = _MULTIPLIER[0]


@njit(inline="always")
def word(b, at):
    """Eight bytes, little-endian; one load once compiled."""
    return (
        np.uint64(b[at])
        | np.uint64(b[at + _1]) << np.uint64(8)
        | np.uint64(b[at + _2]) << np.uint64(16)
        | np.uint64(b[at + _3]) << np.uint64(24)
        | np.uint64(b[at + _4]) << np.uint64(32)
        | np.uint64(b[at + _5]) << np.uint64(40)
        | np.uint64(b[at + _6]) << np.uint64(48)
        | np.uint64(b[at + _7]) << np.uint64(56)
    )


@njit(inline="always")
def _string_end(b, at, stop):
    """Position after the closing quote of a string whose content begins at ``at``: (end, is_plain); 0 if broken.

    Plain is printable ASCII without escapes. Eight bytes are looked at together: a byte is plain if it has no high bit,
    isn't below 32, and is neither quote, backslash nor 127 (each test is exact where no byte has its high bit set).
    """
    is_plain = True
    while True:
        while at + _8 <= stop:
            x = word(b, at)
            quote, slash, delete = x ^ _QUOTES, x ^ _SLASHES, x ^ _DELETES
            odd = (x | (quote - _ONES) | (slash - _ONES) | (delete - _ONES) | (x - _SPACES)) & _HIGHS
            if odd != 0:  # the first odd byte: its mark is the lowest set bit, below which no byte borrowed
                below = ((odd & (~odd + _1)) >> _7) - _1
                at += ((below & _ONES) * _ONES) >> _56
                break
            at += _8
        if at >= stop:
            return _0, False
        c = b[at]
        if c == 34:
            return at + _1, is_plain
        if c < 32:
            return _0, False
        if c == 92:
            is_plain = False
            at += _1
            if at >= stop:
                return _0, False
            c = b[at]
            if c == 117:
                for _ in range(4):
                    at += _1
                    if at >= stop:
                        return _0, False
                    h = b[at]
                    if not (48 <= h <= 57 or 65 <= h <= 70 or 97 <= h <= 102):
                        return _0, False
            elif not (c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116):
                return _0, False
        elif c >= 127:
            is_plain = False
        at += _1


@kernel
def _number_end(b, at, stop):
    """Position after a JSON number that begins at ``at``; 0 if broken."""
    if at < stop and b[at] == 45:
        at += _1
    if at >= stop or not 48 <= b[at] <= 57:
        return _0
    if b[at] == 48:
        at += _1
    else:
        while at < stop and 48 <= b[at] <= 57:
            at += _1
    if at < stop and b[at] == 46:
        at += _1
        if at >= stop or not 48 <= b[at] <= 57:
            return _0
        while at < stop and 48 <= b[at] <= 57:
            at += _1
    if at < stop and (b[at] == 101 or b[at] == 69):
        at += _1
        if at < stop and (b[at] == 43 or b[at] == 45):
            at += _1
        if at >= stop or not 48 <= b[at] <= 57:
            return _0
        while at < stop and 48 <= b[at] <= 57:
            at += _1
    return at


@kernel
def _literal_end(b, at, stop):
    """Position after true, false or null; 0 if it is none of them."""
    if at + _4 <= stop and b[at] == 116 and b[at + _1] == 114 and b[at + _2] == 117 and b[at + _3] == 101:
        return at + _4
    if at + _4 <= stop and b[at] == 110 and b[at + _1] == 117 and b[at + _2] == 108 and b[at + _3] == 108:
        return at + _4
    if (
        at + _5 <= stop and b[at] == 102 and b[at + _1] == 97 and b[at + _2] == 108 and b[at + _3] == 115
        and b[at + _4] == 101
    ):  # fmt: skip
        return at + _5
    return _0


@kernel
def _value_of_number(b, at, end):
    """The number as float64 if it is exact that way (up to 15 digits, no exponent), else NaN."""
    sign = 1.0
    if b[at] == 45:
        sign = -1.0
        at += _1
    mantissa = 0
    n_digits = 0
    n_decimals = 0
    is_decimal = False
    for i in range(at, end):
        c = b[i]
        if c == 46:
            is_decimal = True
        elif 48 <= c <= 57:
            mantissa = mantissa * 10 + (c - 48)
            n_digits += 1
            if is_decimal:
                n_decimals += 1
        else:
            return np.nan
        if n_digits > 15:
            return np.nan
    scale = 1.0
    for _ in range(n_decimals):
        scale *= 10.0
    return sign * (mantissa / scale)


@kernel
def _skip(b, at, stop):
    """Position after a space-free value of any kind that begins at ``at``; 0 if broken or too deep."""
    depth = _0
    objects = _0  # bit d: the open value at depth d is an object
    while True:
        while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
            at += _1
        if at >= stop:
            return _0
        c = b[at]
        is_closed = False
        if c == 123 or c == 91:
            if depth >= _DEEPEST:
                return _0
            if c == 123:
                objects |= _1 << depth
            else:
                objects &= ~(_1 << depth)
            depth += _1
            at += _1
            while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
                at += _1
            if at < stop and b[at] == (125 if c == 123 else 93):
                at += _1
                depth -= _1
                is_closed = True
            elif c == 91:
                continue
        elif c == 34:
            at, _ = _string_end(b, at + _1, stop)
            is_closed = True
        elif c == 45 or 48 <= c <= 57:
            at = _number_end(b, at, stop)
            is_closed = True
        else:
            at = _literal_end(b, at, stop)
            is_closed = True
        if at == _0:
            return _0
        while is_closed:
            if depth == _0:
                return at
            while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
                at += _1
            if at >= stop:
                return _0
            if b[at] == 44:
                at += _1
                is_closed = False
            elif b[at] == (125 if (objects >> (depth - _1)) & _1 else 93):
                at += _1
                depth -= _1
            else:
                return _0
        if (objects >> (depth - _1)) & _1:
            while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
                at += _1
            if at >= stop or b[at] != 34:
                return _0
            at, _ = _string_end(b, at + _1, stop)
            if at == _0:
                return _0
            while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
                at += _1
            if at >= stop or b[at] != 58:
                return _0
            at += _1


@kernel
def _load(b, at, n):
    x = _0
    i = _0
    while i < n:
        x |= np.uint64(b[at + i]) << (i << _3)
        i += _1
    return x


@kernel
def _event(b, at, stop, spans, numbers):
    """Scan one event; returns its marks."""
    marks = 0
    level_0 = level_1 = _0  # the objects around the current one
    level = _0
    depth = 0
    while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
        at += _1
    if at >= stop or b[at] != 123:
        return SLOW
    at += _1
    is_first = True
    entered = np.int64(0)
    while True:
        while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
            at += _1
        if at >= stop:
            return SLOW
        if b[at] == 125:
            at += _1
            if depth == 0:
                break
            level = level_0 if depth == 1 else level_1
            depth -= 1
            is_first = False
            continue
        if not is_first:
            if b[at] != 44:
                return SLOW
            at += _1
            while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
                at += _1
            if at >= stop:
                return SLOW
        is_first = False
        if b[at] != 34:
            return SLOW
        key = at + _1
        at, is_plain = _string_end(b, key, stop)
        if at == _0 or not is_plain:
            return SLOW  # an escaped key might be one of ours
        n = at - _1 - key
        while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
            at += _1
        if at >= stop or b[at] != 58:
            return SLOW
        at += _1
        while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
            at += _1
        if at >= stop:
            return SLOW
        action = np.uint64(0)
        argument = np.uint64(0)
        if n <= _17:
            size = n
            if n >= _8:
                first = word(b, key)
                last = word(b, key + n - _8)
            else:
                first = last = _load(b, key, n)
            slot = ((first ^ (last << np.uint64(1)) ^ (size << np.uint64(56)) ^ level) * _MULTIPLIER_0) >> np.uint64(57)
            if (
                _KEYS[slot, 1] == size
                and _KEYS[slot, 2] == first
                and _KEYS[slot, 3] == last
                and _KEYS[slot, 0] == level
            ):
                action, argument = _KEYS[slot, 4], _KEYS[slot, 5]
        c = b[at]
        if action == 0:
            at = _skip(b, at, stop)
            if at == _0:
                return SLOW
            continue
        if c == 110:  # null is as good as absent
            at = _literal_end(b, at, stop)
            if at == _0:
                return SLOW
            continue
        if action == _TEXT:
            if c != 34:
                return SLOW
            start = at + _1
            at, is_plain = _string_end(b, start, stop)
            field = np.int64(argument)
            if at == _0 or not is_plain or spans[field, 1] >= 0:
                return SLOW
            spans[field, 0] = start
            spans[field, 1] = at - _1 - start
        elif action == _NUMBER:
            if not (c == 45 or 48 <= c <= 57):
                return SLOW
            start = at
            at = _number_end(b, at, stop)
            if at == _0:
                return SLOW
            value = _value_of_number(b, start, at)
            which = np.int64(argument)
            if np.isnan(value) or not np.isnan(numbers[which]):
                return SLOW
            numbers[which] = value
        elif action == _RAW:
            start = at
            at = _skip(b, at, stop)
            field = np.int64(argument)
            if at == _0 or spans[field, 1] >= 0 or b[start] != (91 if field == PRODUCTS else 123):
                return SLOW
            spans[field, 0] = start
            spans[field, 1] = at - start
        elif action == _ENTER:
            if c != 123 or (entered >> np.int64(argument)) & 1:
                return SLOW
            entered |= np.int64(1) << np.int64(argument)
            if depth == 0:
                level_0 = level
            else:
                level_1 = level
            depth += 1
            level = argument
            is_first = True
            at += _1
        else:
            if action == _IS_SLOW:
                return SLOW
            marks |= ODD_PRODUCT if action == _IS_ODD_PRODUCT else ODD_DEPTH
            at = _skip(b, at, stop)
            if at == _0:
                return SLOW
    while at < stop:
        if not (b[at] == 32 or b[at] == 9 or b[at] == 13):
            return SLOW
        at += _1
    return marks


@kernel
def _past_space(b, at, stop):
    while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
        at += _1
    return at


@kernel
def next_product(b, at, stop, spans, numbers):
    """Read the next object of a ``products`` array that :func:`scan` has checked.

    ``at`` is the array's start or what the last call returned; ``spans`` int64[2, 2] and ``numbers`` float64[2] are
    filled with product_id and category, price and quantity. Returns the position after the object; 0 at the array's
    end, 1 if a line is unusual.
    """
    if b[at] == 93:
        return _0
    at = _past_space(b, at + _1, stop)  # past the bracket, or the comma
    if b[at] == 93:
        return _0
    if b[at] != 123:
        return _1
    spans[0, 1] = spans[1, 1] = -1
    numbers[0] = numbers[1] = np.nan
    at = _past_space(b, at + _1, stop)
    while b[at] != 125:
        if b[at] == 44:
            at = _past_space(b, at + _1, stop)
        key = at + _1
        at, is_plain = _string_end(b, key, stop)
        if not is_plain:
            return _1
        n = at - _1 - key
        at = _past_space(b, _past_space(b, at, stop) + _1, stop)
        first = _load(b, key, min(n, _8))
        if n == _2 and first == _ID or n == _3 and first == _SKU or n == _7 and first == _ITEM_ID:
            return _1  # other names of a product
        if n == np.uint64(13) and first == _ITEM_CAT:
            return _1
        c = b[at]
        if (n == np.uint64(10) and first == _PRODUCT_) or (n == _8 and first == _CATEGORY):
            which = 0 if first == _PRODUCT_ else 1
            if c == 110:
                at = _literal_end(b, at, stop)
            else:
                if c != 34 or spans[which, 1] >= 0:
                    return _1
                start = at + _1
                at, is_plain = _string_end(b, start, stop)
                if not is_plain:
                    return _1
                spans[which, 0] = start
                spans[which, 1] = at - _1 - start
        elif (n == np.uint64(5) and first == _PRICE_) or (n == _8 and first == _QUANTITY):
            which = 0 if first == _PRICE_ else 1
            if c == 110:
                at = _literal_end(b, at, stop)
            else:
                if not (c == 45 or 48 <= c <= 57) or not np.isnan(numbers[which]):
                    return _1
                start = at
                at = _number_end(b, at, stop)
                numbers[which] = _value_of_number(b, start, at)
                if np.isnan(numbers[which]):
                    return _1
        else:
            at = _skip(b, at, stop)
        at = _past_space(b, at, stop)
    return _past_space(b, at + _1, stop)


@kernel
def scan(b, starts, stops, spans, numbers, marks):
    """Find the fields of many events.

    Parameters
    ----------
    b : uint8[m]
        All their text.
    starts, stops : int64[n]
        Where each begins and ends in ``b``.
    spans : int32[n, N_FIELDS, 2]
        Filled: start and length of each field, length -1 where it is absent or null.
    numbers : float64[n, N_NUMBERS]
        Filled, NaN where absent or null.
    marks : uint8[n]
        Filled: SLOW, ODD_PRODUCT and ODD_DEPTH. Of a SLOW event nothing else is to be used.
    """
    for i in range(len(starts)):
        for k in range(N_FIELDS):
            spans[i, k, 1] = -1
        for k in range(N_NUMBERS):
            numbers[i, k] = np.nan
        marks[i] = _event(b, np.uint64(starts[i]), np.uint64(stops[i]), spans[i], numbers[i])
