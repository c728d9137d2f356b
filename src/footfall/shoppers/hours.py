"""When do people shop? The rhythm of hour, weekday and pay day, by the clock on their own wall."""

from datetime import UTC, datetime
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

# Weight of each local hour: lunch, and the evening on the sofa.
_WEEKDAY_HOURS = (3, 2, 1, 1, 1, 2, 4, 6, 7, 8, 9, 10, 13, 11, 9, 9, 9, 10, 11, 14, 17, 17, 13, 7)
_WEEKEND_HOURS = (5, 3, 2, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 13, 13, 13, 13, 12, 11, 12, 13, 13, 10, 7)
_WEEKDAYS = (1.02, 0.96, 0.95, 0.97, 0.92, 1.02, 1.24)
"""Monday to Sunday."""
_PAY_DAYS = {
    25: 1.15,
    26: 1.15,
    27: 1.1,
    28: 1.1,
    29: 1.1,
    30: 1.12,
    31: 1.15,
    1: 1.25,
    2: 1.15,
    3: 1.05,
    15: 1.12,
    16: 1.06,
}
"""By day of the month; half of the Americans are paid on the 15th too."""  # fmt: skip


def local_time(time_ms: int, timezone: str) -> datetime:
    """Wall-clock time in a tz database zone."""
    return datetime.fromtimestamp((time_ms + _offset_ms(time_ms // HOUR_MS, timezone)) / 1_000, UTC)


@lru_cache(65_536)
def _offset_ms(hour: int, timezone: str) -> int:
    offset = datetime.fromtimestamp(hour * 3_600, ZoneInfo(timezone)).utcoffset()
    return int(offset.total_seconds() * 1_000) if offset is not None else 0


def busyness(time_ms: int, timezone: str) -> float:
    """How many people are in the shop from there at this moment, against an average one of 1."""
    local = local_time(time_ms, timezone)
    hours = _WEEKEND_HOURS if local.weekday() >= 5 else _WEEKDAY_HOURS
    return hours[local.hour] * 24 / sum(hours) * _WEEKDAYS[local.weekday()] * _PAY_DAYS.get(local.day, 0.97)


def purse(time_ms: int, timezone: str) -> float:
    """How easily money is spent at this moment, against an average one of 1: around pay day, and in the evening."""
    local = local_time(time_ms, timezone)
    return float(_PAY_DAYS.get(local.day, 0.95) ** 1.5) * (1.12 if 19 <= local.hour <= 22 else 0.97)


def some_moment(rng: Random, start_ms: int, end_ms: int, timezone: str) -> int:
    """A time in ``[start_ms, end_ms)``, the likelier the busier."""
    while True:
        time_ms = start_ms + int(rng.random() * (end_ms - start_ms))
        if rng.random() * 3.2 < busyness(time_ms, timezone):
            return time_ms


def moment_of_day(rng: Random, about_ms: int, timezone: str) -> int:
    """A likely moment within the twelve hours around a time."""
    return some_moment(rng, about_ms - DAY_MS // 4, about_ms + DAY_MS // 4, timezone)
