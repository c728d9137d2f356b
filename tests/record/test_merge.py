"""Two visitors become one: nothing is lost, and nobody can tell which of them won."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.record import traces
from tests.record.test_step import ORDER_FREE, differences
from tests.record.traces import BASE_MS, MINUTE_MS, TIMEOUT_S, event, examples, stepped

from footfall.base.codes import Channel, Device, Flag
from footfall.base.kinds import Kind
from footfall.record.layout import (
    DECAY_KINDS,
    ENDED,
    FIELDS,
    HALF_LIVES_S,
    KNOWN,
    N_CART,
    PAYING,
    SESSION,
)
from footfall.record.merge import merge_into

WHO = {"merged_into", "user_key", "site"}
FIELDS_BUT_WHO = [f.name for f in FIELDS if f.name not in WHO]


def merged(records: np.ndarray, winner: int, loser: int) -> tuple[np.ndarray, np.ndarray]:
    """A copy of the records after the merge, and sessions that it ended."""
    records = records.copy()
    sessions = np.zeros(2, SESSION)
    n = merge_into(records, winner, loser, TIMEOUT_S * 1000, sessions, 0)
    return records, sessions[:n]


DIFFERENT = {"section": 10, "page": 7, "os": 3, "revenue": 1.0, "campaign": 8, "product": 11, "category": 5}


def both(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> np.ndarray:
    """Two visitors' records."""
    return stepped([{**e, "row": 0} for e in a] + [{**e, "row": 1} for e in b], 2)[0]


def total(record: np.void, *fields: str) -> float:
    return sum(float(np.sum(record[name])) for name in fields)


# -- laws ----------------------------------------------------------------------------------------------------------


@settings(max_examples=examples(150))
@given(traces.crowds(2, 30), st.booleans(), st.booleans())
def test_who_wins_makes_no_difference(events: list[dict[str, Any]], a_ends: bool, b_ends: bool) -> None:
    records, _ = stepped(events, 2)
    traces.ended(records, [row for row, ends in ((0, a_ends), (1, b_ends)) if ends])
    one, one_out = merged(records, 0, 1)
    other, other_out = merged(records, 1, 0)
    assert {n: (one[0][n], other[1][n]) for n in FIELDS_BUT_WHO if one[0][n].tobytes() != other[1][n].tobytes()} == {}
    one_out["row"] = other_out["row"] = 0
    assert one_out.tobytes() == other_out.tobytes()


@settings(max_examples=examples(60))
@given(traces.traces(15), st.integers(0, 3))
def test_twins_merge_the_same_way_whoever_wins(events: list[dict[str, Any]], n_kept: int) -> None:
    """Visitors with the very same times: only what they did tells them apart."""
    twin = [e if i < n_kept else {**e, **DIFFERENT} for i, e in enumerate(events)]
    records = both(events, twin)
    one, other = merged(records, 0, 1)[0], merged(records, 1, 0)[0]
    assert {n for n in FIELDS_BUT_WHO if one[0][n].tobytes() != other[1][n].tobytes()} == set()


@settings(max_examples=examples(100))
@given(traces.crowds(2))
def test_merging_gives_what_one_visitor_would_have_had(events: list[dict[str, Any]]) -> None:
    """Order-free fields: as if all events had been one visitor's."""
    alone, _ = stepped([{**e, "row": 0} for e in events])
    together = merged(stepped(events, 2)[0], 0, 1)[0]
    names = [*ORDER_FREE, "decayed", "decayed_revenue", "percentile_sum", "scroll_sum", "bought_percentile_sum"]
    assert differences(together[0], traces.as_dict(alone[0]), [*names, "day_events"]) == {}


@settings(max_examples=examples(100))
@given(traces.crowds(2))
def test_merging_loses_nothing(events: list[dict[str, Any]]) -> None:
    records, _ = stepped(events, 2)
    after = merged(records, 0, 1)[0][0]
    for fields in (
        ("n_events",),
        ("counts",),
        ("hours",),
        ("dwell_s",),
        ("gap_n",),
        ("gap_log_sum",),
        ("repeat_views",),
        ("cart_quantities", "cart_rest_n"),
        ("session_n_events", "past_events"),
        ("session_dwell_s", "past_dwell_s"),
        ("items_bought",),
    ):
        expected = total(records[0], *fields) + total(records[1], *fields)
        assert total(after, *fields) == pytest.approx(expected, rel=1e-4, abs=1e-3), fields
    value = sum(float((r["cart_prices"] * r["cart_quantities"]).sum() + r["cart_rest_value"]) for r in records)
    both_carts = set(records["cart_products"].ravel().tolist())
    if len(both_carts) <= N_CART and not _has_two_prices(records):
        got = float((after["cart_prices"] * after["cart_quantities"]).sum() + after["cart_rest_value"])
        assert got == pytest.approx(value, rel=1e-4, abs=1e-3)


def _has_two_prices(records: np.ndarray) -> bool:
    seen: dict[int, float] = {}
    for r in records:
        for product, price in zip(r["cart_products"].tolist(), r["cart_prices"].tolist(), strict=True):
            if product and seen.setdefault(product, price) != price:
                return True
    return False


@settings(max_examples=examples(100))
@given(traces.crowds(2))
def test_sessions_are_counted_as_often_as_they_are_listed(events: list[dict[str, Any]]) -> None:
    records, _ = stepped(events, 2)
    r = merged(records, 0, 1)[0][0]
    number = int(r["session_number"])
    assert number in {
        total(records[0], "session_number") + total(records[1], "session_number") - lost for lost in (0, 1)
    }
    assert r["channel_sessions"].sum() == r["device_sessions"].sum() == number
    assert r["session_gap_n"] == max(number - 1, 0)
    if number:
        assert r["channel_sessions"][r["session_channel"]] >= 1
        assert r["channel_sessions"][r["first_channel"]] >= 1
        assert r["session_start"] <= r["session_last"] <= r["last_seen"]


@settings(max_examples=examples(80))
@given(traces.crowds(3), st.permutations([0, 1, 2]))
def test_three_become_one_in_any_order(events: list[dict[str, Any]], order: list[int]) -> None:
    records, _ = stepped(events, 3)
    first = merged(merged(records, 0, 1)[0], 0, 2)[0]
    a, b, c = order
    other = merged(merged(records, a, b)[0], a, c)[0]
    assert differences(other[a], traces.as_dict(first[0]), ORDER_FREE) == {}
    tree = merged(merged(records, b, c)[0], a, b)[0]
    assert differences(tree[a], traces.as_dict(first[0]), ORDER_FREE) == {}


@settings(max_examples=examples(60))
@given(traces.crowds(2), traces.traces(12))
def test_life_goes_on_after_a_merge(events: list[dict[str, Any]], later: list[dict[str, Any]]) -> None:
    records = merged(stepped(events, 2)[0], 0, 1)[0]
    stepped(later, records=records)
    alone, _ = stepped([{**e, "row": 0} for e in events] + later)
    assert differences(records[0], traces.as_dict(alone[0]), ORDER_FREE) == {}
    assert int(records[0]["channel_sessions"].sum()) == int(records[0]["session_number"])


@settings(max_examples=examples(40))
@given(traces.traces())
def test_merging_with_nobody_changes_nothing(events: list[dict[str, Any]]) -> None:
    records = both(events, [])
    for winner, loser in ((0, 1), (1, 0)):
        after = merged(records, winner, loser)[0]
        assert {n for n in FIELDS_BUT_WHO if after[winner][n].tobytes() != records[0][n].tobytes()} == set()


# -- stories -------------------------------------------------------------------------------------------------------


def at(minutes: float) -> int:
    return BASE_MS + int(minutes * MINUTE_MS)


def test_the_loser_keeps_only_where_it_went() -> None:
    records = both([event(site=4)], [event(site=4)])
    records["site"] = 4
    records["user_key"] = [0, 77]
    records = merged(records, 0, 1)[0]
    assert (records[0]["merged_into"], records[1]["merged_into"]) == (0, 1)
    assert (records[0]["user_key"], records[1]["user_key"]) == (77, 0)
    records[1]["merged_into"] = 0
    records[1]["site"] = 0
    assert not any(records[1].tobytes())


def test_two_users_become_the_winner() -> None:
    records = both([event()], [event()])
    records["user_key"] = [66, 77]
    assert merged(records, 0, 1)[0][0]["user_key"] == 66
    assert merged(records, 1, 0)[0][1]["user_key"] == 77


def test_sessions_that_overlap_become_one() -> None:
    # phone:   home(0) ---------- shoes(10)              by mail
    # laptop:            home(5) ------------ cart(20)   direct
    home, shoes, cart = 11, 12, 13
    phone = [
        event(time=at(0), section=home, channel=Channel.EMAIL, device=Device.MOBILE),
        event(time=at(10), section=shoes, device=Device.MOBILE),
    ]
    laptop = [
        event(time=at(5), section=home, device=Device.DESKTOP),
        event(time=at(20), section=cart, device=Device.DESKTOP),
    ]
    records, sessions = merged(both(phone, laptop), 0, 1)
    r = records[0]
    assert len(sessions) == 0
    assert (r["session_number"], r["session_start"], r["session_last"]) == (1, at(0), at(20))
    assert (r["session_n_events"], r["past_events"]) == (4, 0)
    assert (r["landing"], r["section_now"]) == (home, cart)
    assert (r["session_channel"], r["first_channel"]) == (Channel.EMAIL, Channel.EMAIL)
    assert (r["channel_sessions"][Channel.EMAIL], r["channel_sessions"][Channel.DIRECT]) == (1, 0)
    assert (r["device_sessions"][Device.MOBILE], r["device_sessions"][Device.DESKTOP]) == (1, 0)


def test_a_joined_session_came_by_the_channel_that_is_more_than_direct() -> None:
    # the first came direct at 0, the second by a paid search at 5: they are one session by paid search
    a, b = [event(time=at(0))], [event(time=at(5), channel=Channel.PAID_SEARCH)]
    r = merged(both(a, b), 0, 1)[0][0]
    assert (r["session_channel"], r["first_channel"]) == (Channel.PAID_SEARCH, Channel.PAID_SEARCH)
    assert (r["channel_sessions"][Channel.PAID_SEARCH], r["channel_sessions"].sum()) == (1, 1)


def test_a_session_that_was_joined_is_not_the_first_one() -> None:
    # phone:  mail(0) ............ search(120)        laptop: direct(121), and late, of a mail read before: (-9)
    phone = [event(channel=Channel.EMAIL), event(time=at(120), channel=Channel.ORGANIC_SEARCH)]
    laptop = [event(time=at(121)), event(time=at(-9), kind=Kind.EMAIL_OPENED)]
    for winner in (0, 1):
        r = merged(both(phone, laptop), winner, 1 - winner)[0][winner]
        assert (r["session_number"], r["first_channel"]) == (2, Channel.EMAIL)
        assert r["channel_sessions"][Channel.DIRECT] == 0


def test_the_earlier_of_two_sessions_becomes_a_past_one_and_is_handed_over() -> None:
    # phone:  0 .. 10                    laptop:  100 .. 105
    records, sessions = merged(both([event(), event(time=at(10))], [event(time=at(100)), event(time=at(105))]), 1, 0)
    r = records[1]
    assert sessions[["start", "end", "row", "n_events"]].tolist() == [(at(0), at(10), 0, 2)]
    assert (r["session_number"], r["past_events"], r["session_n_events"]) == (2, 2, 2)
    assert (r["session_gap_n"], r["session_gap_last"], r["session_gap_sum"]) == (1, 5400.0, 5400.0)


def test_a_session_that_was_ended_already_is_not_handed_over_again() -> None:
    records = both([event()], [event(time=at(100))])
    traces.ended(records, [0])
    records, sessions = merged(records, 0, 1)
    assert len(sessions) == 0
    assert not records[0]["states"] & ENDED


def test_a_visitor_of_the_store_gets_the_session_of_the_site() -> None:
    store = [event(time=at(-9), kind=Kind.ORDER, flags=Flag.STORE, revenue=30.0)]
    site = [event(channel=Channel.SMS)]
    for winner in (0, 1):
        r = merged(both(store, site), winner, 1 - winner)[0][winner]
        assert (r["session_number"], r["session_channel"], r["first_channel"]) == (1, Channel.SMS, Channel.SMS)
        assert (r["revenue"], r["first_seen"]) == (30.0, at(-9))


def test_the_states_of_both_hold() -> None:
    r = merged(both([event(knows=1)], [event(kind=Kind.ORDER, revenue=1.0)]), 0, 1)[0][0]
    assert r["states"] == KNOWN | PAYING


def test_carts_unite_line_by_line() -> None:
    # phone: 1 x shoes at 80; laptop, later: 2 x shoes, now at 75, and 1 x socks at 4
    shoes, socks = 5, 6
    phone = [event(kind=Kind.CART_ADD, items=[(shoes, 80.0, 1)])]
    laptop = [event(time=at(1), kind=Kind.CART_ADD, items=[(socks, 4.0, 1), (shoes, 75.0, 2)])]
    for winner in (0, 1):
        r = merged(both(phone, laptop), winner, 1 - winner)[0][winner]
        assert r["cart_products"][:3].tolist() == [shoes, socks, 0]
        assert r["cart_quantities"][:2].tolist() == [3.0, 1.0]
        assert r["cart_prices"][:2].tolist() == [75.0, 4.0]


def test_lines_that_find_no_room_go_to_the_rest() -> None:
    # ten cheap products here, ten dear ones there: the dear ones and two cheap ones keep their lines
    a = [event(kind=Kind.CART_ADD, items=[(p, 1.0, 1) for p in range(1, 11)])]
    b = [event(kind=Kind.CART_ADD, items=[(p, 9.0, 1) for p in range(21, 31)])]
    r = merged(both(a, b), 0, 1)[0][0]
    assert (r["n_cart"], r["cart_rest_n"], r["cart_rest_value"]) == (N_CART, 8.0, 8.0)
    assert set(r["cart_products"].tolist()) == {*range(21, 31), 1, 2}


def test_the_later_visitor_says_where_and_with_what() -> None:
    a = [event(time=at(0), country=1, region=2, city=3, device=Device.MOBILE, os=6, browser=2, page=5)]
    b = [event(time=at(3), country=7, city=9, query=8)]
    for winner in (0, 1):
        r = merged(both(a, b), winner, 1 - winner)[0][winner]
        assert (r["country"], r["region"], r["city"]) == (7, 0, 9)
        assert (r["device"], r["os"], r["browser"]) == (Device.MOBILE, 6, 2)
        assert (r["page_now"], r["query"]) == (5, 8)


def test_what_was_viewed_last_stands_first() -> None:
    a = [event(time=at(k), kind=Kind.PRODUCT_VIEW, product=p, category=p) for k, p in ((0, 1), (1, 2), (2, 3))]
    b = [event(time=at(k), kind=Kind.PRODUCT_VIEW, product=p, category=p) for k, p in ((5, 4), (6, 2))]
    r = merged(both(a, b), 0, 1)[0][0]
    assert r["recent_products"].tolist() == [2, 4, 3, 1, 0, 0, 0, 0]
    assert r["recent_categories"].tolist() == [2, 4, 3, 1]


def test_sections_with_most_dwell_stay() -> None:
    # eight sections: 1-4 for 10 s each here, 5-8 for 60 s each there
    a = [event(time=at(0) + 10_000 * k, section=k + 1) for k in range(4)] + [event(time=at(0) + 40_000)]
    b = [event(time=at(1) * 1 + 60_000 * k, section=k + 5) for k in range(4)] + [event(time=at(5))]
    r = merged(both(a, b), 0, 1)[0][0]
    assert r["section_keys"].tolist() == [5, 6, 7, 8, 1, 2]


def test_decayed_sums_are_brought_to_one_time() -> None:
    # an order at 0 and one an hour later: at the later time they count 1/2 + 1
    a, b = [event(kind=Kind.ORDER, revenue=8.0)], [event(time=at(60), kind=Kind.ORDER, revenue=2.0)]
    r = merged(both(a, b), 0, 1)[0][0]
    assert r["decayed"][DECAY_KINDS.index(Kind.ORDER)][HALF_LIVES_S.index(3600)] == pytest.approx(1.5)
    assert r["decayed_revenue"][0] == pytest.approx(6.0)
    assert r["decayed_at"] == at(60)
