"""Times and ids are read as clients write them; client time is corrected once."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.base.codes import Flag
from footfall.base.ids import is_identity
from footfall.events.clean import corrected, identity_text, time_ms

NOON = int(datetime(2024, 5, 1, 12, tzinfo=UTC).timestamp() * 1000)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**60), 10**60), st.floats(), st.text(max_size=300)
)


@pytest.mark.parametrize(
    "value",
    [
        "2024-05-01T12:00:00.000Z",
        "2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00.000000000Z",
        "2024-05-01 12:00:00",
        "2024-05-01 12:00:00 UTC",
        "2024-05-01 12:00:00 +0000 UTC",
        "2024-05-01T14:00:00+02:00",
        "2024-05-01T14:00:00+0200",
        "2024-05-01 14:00:00 +0200",
        "20240501T120000Z",
        "20240501120000",
        "2024/05/01 12:00:00",
        "Wed, 01 May 2024 12:00:00 GMT",
        "Wed May 01 2024 14:00:00 GMT+0200 (Central European Summer Time)",
        ' "2024-05-01T12:00:00z" ',
        NOON,
        NOON // 1000,
        float(NOON // 1000),
        NOON * 1000,
        NOON * 1_000_000,
        str(NOON),
        str(NOON // 1000),
        f"{NOON // 1000}.0",
        "1.7145648e9",
    ],
)
def test_noon_of_may_day_in_every_writing(value):
    assert time_ms(value) == NOON


@pytest.mark.parametrize(
    "value",
    [None, True, False, "", " ", "yesterday", 0, 12, -1, float("nan"), float("inf"), "0", "1970-01-01", "12:00", 10**30]
    + ["9" * 5000, "²", "2024-13-01T00:00:00Z", "05/01/2024"],
)
def test_what_is_no_usable_time_is_none(value):
    assert time_ms(value) is None


def test_parts_of_a_second_and_days_alone_are_read():
    assert time_ms("2024-05-01T12:00:00.123456Z") == NOON + 123
    assert time_ms("2024-05-01") == time_ms("20240501") == NOON - 12 * 3_600_000
    assert time_ms("2024-12-31T23:59:60Z") == time_ms("2024-12-31T23:59:59Z")


HOUR = 3_600_000


@pytest.mark.parametrize(
    ("time", "sent", "expected", "flags"),
    [
        #  the client's clock is an hour behind: event 10 s before it was sent
        (NOON - HOUR - 10_000, NOON - HOUR, NOON - 10_000, 0),
        #  an hour ahead
        (NOON + HOUR - 10_000, NOON + HOUR, NOON - 10_000, 0),
        #  no sentAt: the client's time stands, but is never after receipt
        (NOON - 5_000, None, NOON - 5_000, 0),
        (NOON + 5_000, None, NOON, 0),
        (NOON + 24 * HOUR, None, NOON, 0),
        (NOON + 25 * HOUR, None, NOON, Flag.FUTURE),
        #  sent before it happened
        (NOON + HOUR, NOON, NOON, 0),
        (NOON + 30 * HOUR, NOON, NOON, Flag.FUTURE),
        #  kept on the device for days
        (NOON - 72 * HOUR, NOON, NOON - 72 * HOUR, 0),
        (NOON - 73 * HOUR, NOON, NOON - 73 * HOUR, Flag.LATE),
        (None, NOON, NOON, Flag.NO_TIME),
        (None, None, NOON, Flag.NO_TIME),
        #  a correction that leads out of history
        (NOON, NOON + 100 * 366 * 24 * HOUR, NOON, Flag.NO_TIME),
    ],
)
def test_client_time_is_corrected_by_the_time_between_event_and_sending(time, sent, expected, flags):
    assert corrected(time, sent, NOON, late_h=72, future_h=24) == (expected, int(flags))


@given(
    st.one_of(st.none(), st.integers(0, 2**45)), st.one_of(st.none(), st.integers(0, 2**45)), st.integers(NOON, 2**45)
)
def test_corrected_time_is_never_after_receipt(time, sent, received):
    assert corrected(time, sent, received, late_h=72, future_h=24)[0] <= received


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("u1", "u1"),
        ("  u1\n", "u1"),
        ("a\x00b", "ab"),
        (12, "12"),
        (12.0, "12"),
        (12.5, "12.5"),
        (10**30, "1" + "0" * 30),
        (None, None),
        (True, None),
        (False, None),
        (0, None),
        (0.0, None),
        (-1, None),
        (float("nan"), None),
        (float("inf"), None),
        ("", None),
        ("\x00", None),
        ("null", None),
        (" Guest ", None),
        ("undefined", None),
        ("[object Object]", None),
    ],
)
def test_an_id_is_text_that_names_somebody(value, text):
    assert identity_text(value) == text


def test_long_ids_are_bounded_and_stay_different():
    first, second = identity_text("x" * 300 + "1"), identity_text("x" * 300 + "2")
    assert first is not None and second is not None
    assert len(first) == len(second) == 256
    assert first != second
    assert first[:240] == "x" * 240


@given(SCALARS)
def test_no_scalar_raises(value):
    time = time_ms(value)
    assert time is None or 315_532_800_000 <= time <= 253_402_300_799_999
    text = identity_text(value)
    assert text is None or (is_identity(text) and len(text) <= 256 and identity_text(text) == text)
