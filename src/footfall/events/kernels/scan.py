"""Where in an event's JSON do the fields stand? One pass over the bytes, compiled.

:func:`scan` checks the whole text against the JSON grammar and notes where the fields that columns are made of begin
and end. It is careful, not clever: an event with anything unusual (an escape or a non-ASCII character in a field that
is read, a number where a text is expected, a field given twice, deep nesting, any error) is only marked, and
:mod:`footfall.events.columns` decodes that one with msgspec. So this pass never decides what is refused, and what it
does read must come out as it would there; a test holds that for random events.
"""

from typing import Any

import numpy as np

from footfall.record.compiled import kernel
from footfall.record.machine import first_bit, newlines_64, odd_64, word

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
    "query",
    "originalTimestamp",
    "traits",
)
"""Columns of ``spans``; own_ ones are of ``properties``, url, path and referrer of ``context.page``; campaign,
location and traits are whole raw objects, products a whole raw array."""
N_FIELDS = len(FIELDS)
(TYPE, MESSAGE, ANONYMOUS, USER, EVENT, TIMESTAMP, SENT, PRODUCT, CATEGORY, CURRENCY, URL, PATH, REFERRER, AGENT, ZONE,
 IP, CAMPAIGN, LOCATION, OWN_URL, OWN_PATH, OWN_REFERRER, ORDER_ID, PRODUCTS,
 QUERY, ORIGINAL, TRAITS) = range(N_FIELDS)  # fmt: skip
NUMBERS = (
    "price",
    "quantity",
    "revenue",
    "total",
    "value",
    "percent",
    "depth",
    "regular_price",
    "compare_at_price",
    "discount",
    "engaged_ms",
)
"""Columns of ``numbers``, all of ``properties``."""
N_NUMBERS = len(NUMBERS)
PRICE, QUANTITY, REVENUE, TOTAL, VALUE, PERCENT, DEPTH, REGULAR, COMPARE_AT, DISCOUNT, ENGAGED = range(N_NUMBERS)

SLOW = 1
"""Mark: decode this event the slow way."""
ODD_PRODUCT = 2
"""Mark: has fields that can't be read here but only matter if the kind is about products or money."""
ODD_DEPTH = 4
"""Mark: the same of fields that only matter for searches, scrolls and engagements."""
_ODD_NUMBERS = np.full(N_NUMBERS, ODD_PRODUCT, np.uint8)
"""What it means for an event that a number isn't one."""
_ODD_NUMBERS[[PERCENT, DEPTH, ENGAGED]] = ODD_DEPTH
_ODD_TEXTS = np.full(N_FIELDS, SLOW, np.uint8)
"""The same of texts."""
_ODD_TEXTS[[PRODUCT, CURRENCY, ORDER_ID]] = ODD_PRODUCT
_ODD_TEXTS[QUERY] = ODD_DEPTH
_MAY_BE_DIGITS = np.zeros(N_FIELDS, np.bool_)
"""Texts that clients also write as whole numbers."""
_MAY_BE_DIGITS[[MESSAGE, ANONYMOUS, USER, PRODUCT, ORDER_ID]] = True
_DIGITS_MAX = np.uint64(18)
_DEEPEST = 48
# positions are unsigned, so that compiled code needs no test for negative ones
_0, _1, _2, _3, _4, _5, _6, _7, _8 = (np.uint64(i) for i in range(9))
_17, _56, _63, _64 = (np.uint64(i) for i in (17, 56, 63, 64))
_TOP, _PROPERTIES, _CONTEXT, _PAGE, _OTHER = 0, 1, 2, 3, 4
_TEXT, _NUMBER, _RAW, _IS_SLOW, _ENTER = (np.uint64(i) for i in range(1, 6))


def _load8(text: bytes, start: int) -> int:
    return int.from_bytes(text[start : start + 8].ljust(8, b"\0"), "little")


def _key_table() -> np.ndarray:
    """Rows (level, length, first 8 bytes, last 8 bytes, action, argument) of the keys that mean something."""
    rows: list[tuple[int, str, Any, int]] = []
    top = {"type": TYPE, "messageId": MESSAGE, "anonymousId": ANONYMOUS, "userId": USER, "event": EVENT,
           "timestamp": TIMESTAMP, "sentAt": SENT, "originalTimestamp": ORIGINAL}  # fmt: skip
    rows += [(_TOP, key, _TEXT, field) for key, field in top.items()]
    rows += [(_TOP, "previousId", _IS_SLOW, 0), (_TOP, "traits", _RAW, TRAITS)]
    rows += [(_TOP, "properties", _ENTER, _PROPERTIES), (_TOP, "context", _ENTER, _CONTEXT)]
    own = {"product_id": PRODUCT, "category": CATEGORY, "currency": CURRENCY, "url": OWN_URL, "path": OWN_PATH,
           "referrer": OWN_REFERRER, "order_id": ORDER_ID, "query": QUERY}  # fmt: skip
    rows += [(_PROPERTIES, key, _TEXT, field) for key, field in own.items()]
    rows += [(_PROPERTIES, key, _NUMBER, which) for which, key in enumerate(NUMBERS)]
    rows += [(_PROPERTIES, "products", _RAW, PRODUCTS)]
    rows += [(_PROPERTIES, "section", _IS_SLOW, 0)]
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
_ITEM_CAT, _PRODUCT_, _CATEGORY, _PRICE_, _QUANTITY = (
    np.uint64(_load8(text, 0)) for text in (b"item_cat", b"product_", b"category", b"price", b"quantity")
)
_MULTIPLIER_0 = _MULTIPLIER[0]


@kernel
def mark(b, starts, stops, odd):
    """Look once at every byte: where do lines begin and end, and where stand bytes that end or spoil a text?

    Parameters
    ----------
    b : uint8[m]
        The lines, a newline between each two.
    starts, stops : int64[n]
        Filled: where each line begins and ends.
    odd : uint64[m // 64 + 2]
        Filled: a bit for each byte that is a quote, a backslash, a control character or beyond printable ASCII;
        the last is 0.

    Returns
    -------
    int
        How many lines there are; only the first ``n`` are in ``starts`` and ``stops``.
    """
    n_bytes = np.uint64(len(b))
    n = np.uint64(len(starts))
    n_lines = _0
    if n > 0:
        starts[0] = 0
    odd[len(odd) - 1] = 0
    for block in range(np.uint64(len(odd) - 1)):
        at = block << _6
        if at + _64 <= n_bytes:
            odd[block] = odd_64(b, at)
            newlines = newlines_64(b, at)
        else:
            here = newlines = _0
            for k in range(n_bytes - at):
                c = b[at + k]
                if c == 34 or c == 92 or c < 32 or c >= 127:
                    here |= _1 << k
                if c == 10:
                    newlines |= _1 << k
            odd[block] = here
        while newlines != 0:
            end = at + first_bit(newlines)
            if n_lines < n:
                stops[n_lines] = end
            n_lines += _1
            if n_lines < n:
                starts[n_lines] = end + _1
            newlines &= newlines - _1
    if n_lines < n:
        stops[n_lines] = n_bytes
    return n_lines + _1


@kernel
def _string_end(b, odd, at, stop):
    """Position after the closing quote of a string whose content begins at ``at``: (end, is_plain); 0 if broken.

    Plain is printable ASCII without escapes. ``odd`` says where to look, see :func:`mark`.
    """
    is_plain = True
    while True:
        block, bit = at >> _6, at & _63
        ahead = (odd[block] >> bit) | ((odd[block + _1] << _1) << (_63 - bit))  # of the next 64 bytes
        if ahead == 0:
            at += _64
            if at >= stop:
                return _0, False
            continue
        at += first_bit(ahead)
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
        else:
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
def _skip(b, odd, at, stop):
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
            at, _ = _string_end(b, odd, at + _1, stop)
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
            at, _ = _string_end(b, odd, at + _1, stop)
            if at == _0:
                return _0
            while at < stop and (b[at] == 32 or b[at] == 9 or b[at] == 13):
                at += _1
            if at >= stop or b[at] != 58:
                return _0
            at += _1


@kernel
def _few_bytes(b, at, n):
    """The ``n`` bytes from ``at`` on, at most 7 of them, as a number."""
    if at + _8 <= np.uint64(len(b)):
        return word(b, at) & ((_1 << (n << _3)) - _1)
    x = _0
    i = _0
    while i < n:
        x |= np.uint64(b[at + i]) << (i << _3)
        i += _1
    return x


@kernel
def _digits_end(b, at, stop):
    """Position after a whole number of at most 18 digits that begins at ``at``; 0 if it is another number or broken."""
    end = _number_end(b, at, stop)
    if end == _0 or end - at > _DIGITS_MAX:
        return _0
    for i in range(at, end):
        if not 48 <= b[i] <= 57:
            return _0
    return end


@kernel
def _is_given(action, field, spans, numbers, entered):
    """Whether the field of an action was met before in this event."""
    if action == _TEXT or action == _RAW:
        return spans[field, 1] >= 0
    if action == _NUMBER:
        return not np.isnan(numbers[field])
    return action == _ENTER and (entered >> field) & 1 != 0


@kernel
def _event(b, odd, at, stop, spans, numbers):
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
        at, is_plain = _string_end(b, odd, key, stop)
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
                first = last = _few_bytes(b, key, n)
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
            at = _skip(b, odd, at, stop)
            if at == _0:
                return SLOW
            continue
        if c == 110:  # null is as good as absent, unless the field was given before
            at = _literal_end(b, at, stop)
            field = np.int64(argument)
            if at == _0 or _is_given(action, field, spans, numbers, entered):
                return SLOW
            continue
        if action == _TEXT:
            field = np.int64(argument)
            if spans[field, 1] >= 0:
                return SLOW
            start = end = at
            if c == 34:
                start = at + _1
                at, is_plain = _string_end(b, odd, start, stop)
                if at == _0:
                    return SLOW
                end = at - _1
            else:
                is_plain = False
                if _MAY_BE_DIGITS[field] and 48 <= c <= 57:
                    end = _digits_end(b, at, stop)
                    is_plain = end != _0
                at = end if is_plain else _skip(b, odd, at, stop)
                if at == _0:
                    return SLOW
            if is_plain:
                spans[field, 0] = start
                spans[field, 1] = end - start
            else:
                marks |= _ODD_TEXTS[field]
                if marks & SLOW:
                    return SLOW
        elif action == _NUMBER:
            which = np.int64(argument)
            if not np.isnan(numbers[which]):
                return SLOW
            start = at
            value = np.nan
            if c == 45 or 48 <= c <= 57:
                at = _number_end(b, at, stop)
                if at != _0:
                    value = _value_of_number(b, start, at)
            else:
                at = _skip(b, odd, at, stop)
            if at == _0:
                return SLOW
            numbers[which] = value
            if np.isnan(value):
                marks |= _ODD_NUMBERS[which]
        elif action == _RAW:
            start = at
            at = _skip(b, odd, at, stop)
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
def next_product(b, odd, at, stop, spans, numbers):
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
    has_other_category = False
    at = _past_space(b, at + _1, stop)
    while b[at] != 125:
        if b[at] == 44:
            at = _past_space(b, at + _1, stop)
        key = at + _1
        at, is_plain = _string_end(b, odd, key, stop)
        if not is_plain:
            return _1
        n = at - _1 - key
        at = _past_space(b, _past_space(b, at, stop) + _1, stop)
        first = word(b, key) if n >= _8 else _few_bytes(b, key, n)
        if n == np.uint64(13) and first == _ITEM_CAT:
            has_other_category = True
        c = b[at]
        if (n == np.uint64(10) and first == _PRODUCT_) or (n == _8 and first == _CATEGORY):
            which = 0 if first == _PRODUCT_ else 1
            if c == 110:
                at = _literal_end(b, at, stop)
            else:
                if spans[which, 1] >= 0:
                    return _1
                start = at
                if c == 34:
                    start = at + _1
                    at, is_plain = _string_end(b, odd, start, stop)
                    if not is_plain:
                        return _1
                    end = at - _1
                elif which == 0 and 48 <= c <= 57:
                    at = end = _digits_end(b, at, stop)
                    if end == _0:
                        return _1
                else:
                    return _1
                spans[which, 0] = start
                spans[which, 1] = end - start
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
            at = _skip(b, odd, at, stop)
        at = _past_space(b, at, stop)
    if spans[0, 1] < 0 or (has_other_category and spans[1, 1] < 0):
        return _1  # other names of the product or its category
    return _past_space(b, at + _1, stop)


@kernel
def scan(b, odd, starts, stops, spans, numbers, marks):
    """Find the fields of many events.

    Parameters
    ----------
    b : uint8[m]
        All their text.
    odd : uint64[m // 64 + 2]
        From :func:`mark`.
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
        marks[i] = _event(b, odd, np.uint64(starts[i]), np.uint64(stops[i]), spans[i], numbers[i])
