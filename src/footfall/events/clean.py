"""What do a client's times and ids really say? Lenient parsing, and the one correction of client time.

Pure: the receive time comes in as an argument, and no clock is read.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from footfall.base.codes import Flag
from footfall.base.ids import hash64, is_identity
from footfall.events.wire import Scalar

ID_MAX = 256
"""Longest id in characters."""

_HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST_MS = 315_532_800_000  # 1980-01-01: earlier "times" are counters or zeros
_LATEST_MS = 253_402_300_799_999  # 9999-12-31, the last that ISO 8601 and datetime can say
_TIME_TEXT_MAX = 64
_COMPACT = re.compile(r"(?:19|20)\d{12}")
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?(?:[eE]\+?\d{1,2})?")
_ZONE_NAME = re.compile(r" ?(?:UTC|GMT|Z)$", re.IGNORECASE)
_LOOSE_OFFSET = re.compile(r"(?<=\d) ?([+-])(\d\d):?(\d\d)$")
_JS_DATE = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d{4})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")


def time_ms(value: Scalar) -> int | None:
    """Milliseconds since 1970-01-01 UTC, or None if this is no usable time.

    Reads ISO 8601 in its variants (no zone means UTC), RFC 2822, JavaScript's ``Date`` text, and epoch
    seconds, milliseconds, microseconds or nanoseconds as number or text, told apart by size.
    """
    if isinstance(value, str):
        return _time_of_text(value)
    if value is None or isinstance(value, bool):
        return None
    return _time_of_number(value)


def _time_of_number(value: float) -> int | None:
    if not -1e20 < value < 1e20:  # false for NaN as well
        return None
    if value < 1e11:
        value = value * 1000
    elif value >= 1e17:
        value = value // 1_000_000
    elif value >= 1e14:
        value = value // 1000
    ms = int(value)
    return ms if _EARLIEST_MS <= ms <= _LATEST_MS else None


def _time_of_text(text: str) -> int | None:
    try:
        return _time_of_datetime(datetime.fromisoformat(text)) if not text.isdigit() else _time_of_digits(text)
    except ValueError:
        return _time_of_odd_text(text)


def _time_of_digits(text: str) -> int | None:
    if len(text) > 20 or not text.isascii():
        return None
    if _COMPACT.fullmatch(text):
        return _time_of_datetime(datetime.strptime(text + "+0000", "%Y%m%d%H%M%S%z"))
    ms = _time_of_number(int(text))
    if ms is None and len(text) == 8:
        return _time_of_datetime(datetime.fromisoformat(text))
    return ms


def _time_of_odd_text(text: str) -> int | None:
    text = text[:_TIME_TEXT_MAX].strip().strip('"')
    if not text or not text.isascii():
        return None
    if _NUMBER.fullmatch(text):
        return _time_of_digits(text) if text.isdigit() else _time_of_number(float(text))
    js = _JS_DATE.match(text)
    if js:
        month, day, year, clock, offset = js.groups()
        text = f"{day} {month} {year} {clock} {offset}"
    bare = _ZONE_NAME.sub("", text)
    tidy = bare if bare == text or _LOOSE_OFFSET.search(bare) else f"{bare}+00:00"  # Go writes `+0000 UTC`
    tidy = _LOOSE_OFFSET.sub(r"\1\2:\3", tidy).replace("/", "-").replace(":60", ":59")
    for parse, candidate in ((datetime.fromisoformat, tidy), (parsedate_to_datetime, text)):
        try:
            return _time_of_datetime(parse(candidate))
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _time_of_datetime(moment: datetime) -> int | None:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    ms = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    return ms if _EARLIEST_MS <= ms <= _LATEST_MS else None


def corrected(time: int | None, sent: int | None, received: int, *, late_h: int, future_h: int) -> tuple[int, int]:
    """When an event really happened, by the server's clock: ``(ms, Flag bits)``.

    A client's clock may be off, but the time between ``timestamp`` and ``sentAt`` is right:
    ``received - (sent - time)``. Without ``sent`` the client's time stands. The result is never after receipt;
    more than ``future_h`` ahead of it is flagged ``FUTURE``, more than ``late_h`` before it ``LATE``.
    """
    if time is None:
        return received, int(Flag.NO_TIME)
    if sent is not None:
        time = received - (sent - time)
        if time < _EARLIEST_MS:
            return received, int(Flag.NO_TIME)
    if time > received:
        return received, int(Flag.FUTURE) if time - received > future_h * _HOUR_MS else 0
    return time, int(Flag.LATE) if received - time > late_h * _HOUR_MS else 0


def identity_text(value: Scalar) -> str | None:
    """An id as text, or None if it names nobody (``null``, ``guest``, ``0``, an empty text, a truth value).

    Numbers become text (``12.0`` is ``"12"``), surrounding space and control characters go. Of an id longer than
    256 characters the first 240 are kept and the rest is replaced by a hash, so that different ids stay different.
    """
    if isinstance(value, str):
        text = value
    elif value is None or isinstance(value, bool):
        return None
    elif isinstance(value, int):
        if value.bit_length() > 256:
            return None
        text = str(value)
    elif value.is_integer() and abs(value) < 1e18:
        text = str(int(value))
    elif value - value == 0:  # finite
        text = repr(value)
    else:
        return None
    if not text.isprintable():
        text = _CONTROL.sub("", text)
    text = text.strip()
    if len(text) > ID_MAX:
        text = f"{text[: ID_MAX - 16]}{hash64(text):016x}"
    return text if is_identity(text) else None


def offset_of(text: str) -> timezone | None:
    """The fixed offset that a text like ``UTC+02:00``, ``+0200`` or ``-5`` names, or None."""
    match = _FIXED_OFFSET.fullmatch(text[:16])
    if not match:
        return None
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset) if offset < timedelta(hours=15) else None


_FIXED_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?")
