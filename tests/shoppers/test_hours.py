"""The shop is busy when people are awake where they live, on Sundays, and around pay day."""

from collections import Counter
from datetime import UTC, datetime
from random import Random

from footfall.shoppers.hours import busyness, local_time, purse, some_moment


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def test_evening_in_new_york_is_early_morning_in_berlin() -> None:
    assert local_time(ms("2026-11-18T01:30:00"), "America/New_York").hour == 20
    assert local_time(ms("2026-11-18T01:30:00"), "Europe/Berlin").hour == 2
    assert busyness(ms("2026-11-18T01:30:00"), "America/New_York") > 4 * busyness(
        ms("2026-11-18T01:30:00"), "Europe/Berlin"
    )


def test_a_summer_hour_is_an_hour_earlier() -> None:
    assert local_time(ms("2026-07-01T12:00:00"), "Europe/Berlin").hour == 14
    assert local_time(ms("2026-12-01T12:00:00"), "Europe/Berlin").hour == 13


def test_purses_open_around_pay_day() -> None:
    assert purse(ms("2026-12-01T12:00:00"), "UTC") > 1.2 * purse(ms("2026-12-10T12:00:00"), "UTC")


def test_moments_follow_the_rhythm_of_a_week() -> None:
    rng = Random(1)
    start_ms = ms("2026-11-02T00:00:00")
    moments = [local_time(some_moment(rng, start_ms, start_ms + 14 * 86_400_000, "UTC"), "UTC") for _ in range(4_000)]
    days = Counter(moment.weekday() for moment in moments)
    hours = Counter(moment.hour for moment in moments)
    assert days[6] == max(days.values())
    assert hours[20] > 5 * hours[3]
