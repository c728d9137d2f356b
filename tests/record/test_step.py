"""The kernel that moves records does what its plain version says, however its events come."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.record import naive, traces
from tests.record.traces import BASE_MS, MINUTE_MS, event, examples, stepped

from footfall.base.codes import Channel, Device, Flag
from footfall.base.kinds import Kind
from footfall.record.layout import ENDED, FIELDS, N_CART, PAYING, RECORD, SESSION

SET_ELSEWHERE = {"user_key", "site", "merged_into"}
ORDER_FREE = [f.name for f in FIELDS if f.is_order_free]


def differences(record: np.void, expected: dict[str, Any], names: list[str] | None = None) -> dict[str, Any]:
    """Fields that aren't as expected: integers exactly, sums of floats by 1e-4."""
    out = {}
    for f in FIELDS:
        if f.name in SET_ELSEWHERE or (names is not None and f.name not in names):
            continue
        want = np.asarray(expected.get(f.name, np.zeros(f.shape)))
        got = record[f.name]
        if f.dtype[0] == "f":
            same = np.allclose(got, want, rtol=1e-4, atol=1e-3)
        else:
            same = np.array_equal(got, want.astype(f.dtype))
        if not same:
            out[f.name] = (got.tolist(), want.tolist())
    return out


def told(events: list[dict[str, Any]]) -> naive.Visitor:
    visitor = naive.Visitor(traces.TIMEOUT_S, traces.DWELL_CAP_S)
    for e in events:
        visitor.see(e)
    return visitor


# -- against the oracle --------------------------------------------------------------------------------------------


@settings(max_examples=examples(120))
@given(traces.crowds())
def test_every_field_is_what_the_plain_version_says(events: list[dict[str, Any]]) -> None:
    records, _ = stepped(events, 3)
    for row in range(3):
        visitor = told([e for e in events if e["row"] == row])
        assert differences(records[row], visitor.record()) == {}


@settings(max_examples=examples(60))
@given(traces.traces(), st.data())
def test_timers_end_sessions_as_the_plain_version_says(events: list[dict[str, Any]], data: st.DataObject) -> None:
    """Timers may strike anywhere; events that come late go on with a session that was ended."""
    visitor = told([])
    records = np.zeros(1, RECORD)
    out = []
    for start, stop in pairwise(data.draw(traces.cuts(len(events)))):
        for e in events[start:stop]:
            visitor.see(e)
        out.extend(stepped(events[start:stop], records=records)[1])
        out.extend(traces.ended(records, [0]))
        visitor.end()
        assert differences(records[0], visitor.record()) == {}
    assert [s["row"] for s in out] == [0] * len(visitor.out)
    for got, want in zip(out, visitor.out, strict=True):
        assert {k: pytest.approx(got[k].item(), rel=1e-4) for k in want} == want


# -- batches and order ---------------------------------------------------------------------------------------------


@settings(max_examples=examples(50))
@given(traces.crowds(), st.data())
def test_how_a_trace_is_cut_into_batches_leaves_no_trace(events: list[dict[str, Any]], data: st.DataObject) -> None:
    at_once, sessions = stepped(events, 3)
    records = np.zeros(3, RECORD)
    parts = []
    bounds = data.draw(traces.cuts(len(events)))
    for start, stop in pairwise(bounds):
        parts.append(stepped(events[start:stop], records=records)[1])
    assert records.tobytes() == at_once.tobytes()
    assert b"".join(part.tobytes() for part in parts) == sessions.tobytes()


@settings(max_examples=examples(50))
@given(traces.traces(), st.randoms(use_true_random=False))
def test_order_free_fields_come_out_the_same_in_any_order(events: list[dict[str, Any]], random: Any) -> None:
    expected = traces.as_dict(stepped(events)[0][0])
    shuffled = random.sample(events, len(events))
    assert differences(stepped(shuffled)[0][0], expected, ORDER_FREE) == {}


@settings(max_examples=examples(40))
@given(traces.traces(), st.randoms(use_true_random=False))
def test_decayed_counts_and_revenue_come_out_the_same_in_any_order(events: list[dict[str, Any]], random: Any) -> None:
    expected = traces.as_dict(stepped(events)[0][0])
    shuffled = random.sample(events, len(events))
    fields = ["decayed", "decayed_revenue", "percentile_sum", "scroll_sum", "day_events"]
    assert differences(stepped(shuffled)[0][0], expected, fields) == {}


@settings(max_examples=examples(40))
@given(traces.traces())
def test_ending_by_timer_or_by_the_next_event_gives_the_same_record(events: list[dict[str, Any]]) -> None:
    by_event, sessions = stepped(events)
    records, by_timer, now = np.zeros(1, RECORD), [], 0
    for e in events:
        now = max(now, e["time"])
        if records[0]["session_number"] and now > records[0]["session_last"] + traces.TIMEOUT_S * 1000:
            by_timer.extend(traces.ended(records, [0]))
        by_timer.extend(stepped([e], records=records)[1])
    records["states"] &= ~np.uint16(ENDED)
    by_event["states"] &= ~np.uint16(ENDED)
    assert records.tobytes() == by_event.tobytes()
    last = {s["number"]: s.tobytes() for s in by_timer}  # one that went on after all is given again, whole
    assert all(number in last for number in sessions["number"])


@settings(max_examples=examples(25))
@given(traces.crowds())
def test_visitors_do_not_touch_each_other(events: list[dict[str, Any]]) -> None:
    together, _ = stepped(events, 3)
    for row in range(3):
        alone, _ = stepped([e for e in events if e["row"] == row], 3)
        assert alone[row].tobytes() == together[row].tobytes()


def test_duplicates_and_failures_do_not_count() -> None:
    records, _ = stepped([event(), event(status=1), event(status=2)])
    assert records[0]["n_events"] == 1


# -- stories -------------------------------------------------------------------------------------------------------


def at(minutes: float) -> int:
    return BASE_MS + int(minutes * MINUTE_MS)


def one(*events: dict[str, Any]) -> np.void:
    return stepped(list(events))[0][0]


def test_a_session_ends_after_thirty_minutes_and_not_before() -> None:
    # 0 ........ 30:00.000      one session
    # 0 ........ 30:00.001      two
    assert one(event(time=at(0)), event(time=at(30)))["session_number"] == 1
    assert one(event(time=at(0)), event(time=at(30) + 1))["session_number"] == 2


def test_a_session_that_ended_is_handed_over_whole() -> None:
    # home(0) -> shoes(2) -> nothing for an hour -> home(62)
    home, shoes = 11, 12
    records = np.zeros(1, RECORD)
    records["site"] = 3  # as admit sets it
    _, sessions = stepped(
        [
            event(time=at(0), section=home, channel=Channel.EMAIL, device=Device.MOBILE),
            event(time=at(2), section=shoes, kind=Kind.CART_ADD, items=[(5, 20.0, 2)]),
            event(time=at(62), section=home),
        ],
        records=records,
    )
    assert sessions.dtype == SESSION
    assert sessions[["start", "end", "landing", "exit", "dwell_s", "cart_value", "number", "n_events"]].tolist() == [
        (at(0), at(2), home, shoes, 120.0, 40.0, 1, 2)
    ]
    assert sessions[["site", "row", "channel", "device"]].tolist() == [(3, 0, Channel.EMAIL, Device.MOBILE)]


def test_dwell_goes_to_the_section_the_visitor_was_in_and_is_capped() -> None:
    # home(0) --90 s--> shoes(1.5) --20 min, counted as 10--> home(21.5)
    home, shoes = 11, 12
    r = one(event(time=at(0), section=home), event(time=at(1.5), section=shoes), event(time=at(21.5), section=home))
    dwell = dict(zip(r["section_keys"].tolist(), r["section_dwell"].tolist(), strict=True))
    assert (dwell[home], dwell[shoes], r["dwell_s"]) == (90.0, 600.0, 690.0)
    assert r["session_n_moves"] == 2


def test_a_late_event_of_a_past_session_changes_only_what_is_known_for_ever() -> None:
    # session 1 at 0, session 2 at 120; then, late, what was viewed at 1
    before = one(event(time=at(0)), event(time=at(120)))
    after = one(event(time=at(0)), event(time=at(120)), event(time=at(1), kind=Kind.PRODUCT_VIEW, price=8.0))
    assert (after["price_n"], after["counts"][Kind.PRODUCT_VIEW]) == (1, 1)
    for f in FIELDS:
        if f.name.startswith(("session_", "past_")):
            assert np.array_equal(before[f.name], after[f.name]), f.name


def test_a_late_event_just_before_the_session_moves_its_start_and_landing() -> None:
    home, shoes = 11, 12
    r = one(event(time=at(10), section=shoes), event(time=at(9), section=home, channel=Channel.PAID_SEARCH))
    assert (r["session_start"], r["landing"], r["section_now"]) == (at(9), home, shoes)
    assert (r["session_channel"], r["first_channel"]) == (Channel.PAID_SEARCH, Channel.PAID_SEARCH)
    assert r["channel_sessions"].tolist().count(1) == 1


def test_a_purchase_in_the_store_counts_but_is_no_visit() -> None:
    r = one(event(kind=Kind.ORDER, flags=Flag.STORE, revenue=30.0, items=[(5, 30.0, 1)]))
    assert (r["session_number"], r["session_start"], r["store_orders"], r["store_revenue"]) == (0, 0, 1, 30.0)
    assert r["states"] & PAYING


def test_the_store_leaves_the_cart_on_the_site_alone() -> None:
    cart = event(kind=Kind.CART_ADD, items=[(5, 20.0, 2)])
    r = one(cart, event(time=at(1), kind=Kind.ORDER, flags=Flag.STORE, revenue=20.0, items=[(5, 20.0, 1)]))
    assert (r["n_cart"], r["session_revenue"], r["revenue"]) == (1, 0.0, 20.0)


def test_mail_and_refunds_neither_begin_nor_lengthen_a_session() -> None:
    r = one(event(kind=Kind.EMAIL_OPENED), event(time=at(1), kind=Kind.REFUND, revenue=5.0))
    assert r["session_number"] == 0
    r = one(event(), event(time=at(29), kind=Kind.EMAIL_OPENED), event(time=at(31)))
    assert r["session_number"] == 2


def test_a_click_in_a_mail_begins_a_session() -> None:
    assert one(event(kind=Kind.EMAIL_CLICKED, channel=Channel.EMAIL))["session_channel"] == Channel.EMAIL


def test_the_thirteenth_product_goes_to_the_rest_of_the_cart() -> None:
    adds = [event(time=at(p), kind=Kind.CART_ADD, items=[(p, 10.0, 1)]) for p in range(1, 15)]
    r = one(*adds)
    assert (r["n_cart"], r["cart_rest_n"], r["cart_rest_value"], r["session_cart_max"]) == (N_CART, 2, 20.0, 140.0)
    r = one(*adds, event(time=at(15), kind=Kind.CART_REMOVE, items=[(14, 10.0, 1)]))
    assert (r["n_cart"], r["cart_rest_n"], r["cart_rest_value"]) == (N_CART, 1, 10.0)


def test_an_order_takes_what_it_bought_and_leaves_what_it_did_not() -> None:
    # cart: 2 x shoes, 1 x socks, 3 things without an id. Bought: the shoes and one thing that has no line.
    shoes, socks, other = 5, 6, 7
    r = one(
        event(kind=Kind.CART_ADD, items=[(shoes, 80.0, 2), (socks, 4.0, 1), (0, 10.0, 3)]),
        event(time=at(1), kind=Kind.ORDER, revenue=90.0, items=[(shoes, 80.0, 1), (other, 10.0, 1)]),
    )
    assert r["cart_products"].tolist() == [socks] + [0] * (N_CART - 1)
    assert (r["cart_rest_n"], r["cart_rest_value"]) == (2.0, 20.0)


def test_an_order_of_things_that_are_not_in_the_cart_empties_it() -> None:
    r = one(
        event(kind=Kind.CART_ADD, items=[(5, 80.0, 2)]), event(time=at(1), kind=Kind.ORDER, revenue=160.0, items=[])
    )
    assert (r["n_cart"], r["cart_quantities"].sum()) == (0, 0.0)


def test_viewing_the_cart_or_checking_out_says_what_is_in_it() -> None:
    r = one(
        event(kind=Kind.CART_ADD, items=[(5, 80.0, 2), (6, 1.0, 1)]),
        event(time=at(1), kind=Kind.CART_VIEW, items=[(6, 1.0, 4)]),
        event(time=at(2), kind=Kind.CART_VIEW),  # says nothing about lines
    )
    assert (r["cart_products"][:2].tolist(), r["cart_quantities"][0]) == ([6, 0], 4.0)


def test_a_cart_that_is_shown_empty_is_empty() -> None:
    r = one(
        event(kind=Kind.CART_ADD, items=[(5, 80.0, 2)]),
        event(time=at(1), kind=Kind.CART_VIEW, items=[(0, np.nan, 0)]),  # how the reader writes an empty list
    )
    assert (r["n_cart"], r["cart_quantities"].sum(), r["cart_changed"]) == (0, 0.0, at(1))


def test_a_quantity_of_nothing_or_less_changes_no_cart() -> None:
    r = one(
        event(kind=Kind.CART_ADD, items=[(5, 8.0, 2)]),
        event(time=at(1), kind=Kind.CART_ADD, items=[(5, 8.0, -1), (6, 8.0, 0)]),
        event(time=at(2), kind=Kind.CART_REMOVE, items=[(5, 8.0, -1), (5, 8.0, 0)]),
    )
    assert (r["n_cart"], r["cart_quantities"][0]) == (1, 2.0)


def test_a_cart_event_that_comes_late_does_not_turn_the_clock_back() -> None:
    r = one(
        event(time=at(5), kind=Kind.CART_ADD, items=[(5, 8.0, 1)]),
        event(time=at(1), kind=Kind.CART_VIEW, items=[(5, 8.0, 1)]),
    )
    assert r["cart_changed"] == at(5)


def test_a_list_of_the_cart_that_comes_late_leaves_the_newer_cart_alone() -> None:
    # at 0: shoes into the cart; at 1: the cart shown and checked out, told last; at 2: socks into the cart
    shoes, socks = (5, 80.0, 1), (6, 4.0, 1)
    newer = [
        event(kind=Kind.CART_ADD, items=[shoes]),
        event(time=at(2), kind=Kind.CART_ADD, items=[socks]),
    ]
    r = one(
        *newer,
        event(time=at(1), kind=Kind.CHECKOUT_START, items=[shoes]),
        event(time=at(1), kind=Kind.CART_VIEW, items=[shoes]),
        event(time=at(1), kind=Kind.CART_VIEW, items=[(0, np.nan, 0)]),
    )
    assert r["cart_products"][:3].tolist() == [5, 6, 0]
    assert (r["cart_changed"], r["counts"][Kind.CART_VIEW], r["counts"][Kind.CHECKOUT_START]) == (at(2), 2, 1)
    assert one(*newer, event(time=at(2), kind=Kind.CART_VIEW, items=[shoes]))["cart_products"][:2].tolist() == [5, 0]


def test_an_order_that_arrives_late_leaves_what_was_put_into_the_cart_since() -> None:
    # at 0: shoes into the cart; at 1: shoes bought, told last; at 2: socks into the cart
    shoes, socks = (5, 80.0, 1), (6, 4.0, 1)
    r = one(
        event(kind=Kind.CART_ADD, items=[shoes]),
        event(time=at(2), kind=Kind.CART_ADD, items=[socks]),
        event(time=at(1), kind=Kind.ORDER, revenue=80.0, items=[shoes]),
    )
    assert (r["n_cart"], r["cart_products"][0], r["cart_changed"]) == (1, 6, at(2))
    r = one(
        event(time=at(2), kind=Kind.CART_ADD, items=[socks, (0, 1.0, 3)]),
        event(time=at(1), kind=Kind.ORDER, revenue=80.0, items=[shoes]),
    )
    assert (r["n_cart"], r["cart_rest_n"], r["revenue"]) == (1, 3.0, 80.0)


def test_time_after_an_engagement_is_no_dwell_as_the_page_was_hidden_or_left() -> None:
    # looked at for a minute, hidden for five, looked at again for two
    r = one(
        event(section=3),
        event(time=at(1), kind=Kind.ENGAGEMENT, section=3, engaged_s=45.0),
        event(time=at(6), kind=Kind.SCROLL, section=3),
        event(time=at(8), kind=Kind.ENGAGEMENT, section=3, engaged_s=90.0),
    )
    assert (r["dwell_s"], r["section_dwell"][0], r["session_last"]) == (180.0, 180.0, at(8))
    assert (r["engaged_s"], r["session_engaged_s"]) == (135.0, 135.0)


def sections(r: np.void) -> dict[int, tuple[float, float]]:
    """(dwell, events) by section."""
    rows = zip(*(r[f"section_{name}"].tolist() for name in ("keys", "dwell", "views")), strict=True)
    return {key: (dwell, views) for key, dwell, views in rows if key}


def test_what_happens_on_a_page_happens_in_the_section_of_the_page() -> None:
    # the page says boots; what is done on it knows only its address, the product's name
    boots, address = 11, 12
    r = one(
        event(section=boots, page=7),
        *[event(time=at(m), kind=k, section=address, page=7, flags=Flag.SECTION_GUESSED)
          for m, k in enumerate((Kind.SCROLL, Kind.HOVER, Kind.FORM, Kind.CUSTOM, Kind.ENGAGEMENT), 1)],
    )  # fmt: skip
    assert sections(r) == {boots: (300.0, 6.0)}
    assert (r["section_now"], r["landing"], r["session_n_moves"]) == (boots, boots, 0)


def test_a_session_that_begins_on_the_page_left_open_begins_in_its_section() -> None:
    boots, address = 11, 12
    r = one(
        event(section=boots, page=7),
        event(time=at(60), kind=Kind.SCROLL, section=address, page=7, flags=Flag.SECTION_GUESSED),
    )
    assert (r["session_number"], r["landing"], r["section_now"]) == (2, boots, boots)


def test_what_is_done_with_a_product_counts_for_its_section_and_leaves_the_visitor_on_the_page() -> None:
    # shoes taken out of the cart, on the cart's page
    cart, shoes = 11, 12
    r = one(
        event(section=cart, page=7),
        event(time=at(1), kind=Kind.CART_REMOVE, section=shoes, page=7, items=[(5, 80.0, 1)]),
        event(time=at(3), kind=Kind.SCROLL, section=cart, page=7, flags=Flag.SECTION_GUESSED),
    )
    assert sections(r) == {cart: (180.0, 2.0), shoes: (0.0, 1.0)}
    assert (r["section_now"], r["session_n_moves"]) == (cart, 0)


def test_a_product_view_names_the_page_just_seen() -> None:
    # the product's page at 1 says only its address; the product at 1:00.125 is one of the boots
    home, boots, address = 11, 12, 13
    page = event(time=at(1), section=address, page=8, flags=Flag.SECTION_GUESSED)
    product = event(time=at(1) + 125, kind=Kind.PRODUCT_VIEW, section=boots, page=8, flags=Flag.PAGE_NAMED)
    r = one(event(section=home, page=7), page, product, event(time=at(2) + 125))
    assert sections(r) == {home: (60.0, 1.0), boots: (60.125, 2.0)}
    assert (r["section_now"], r["landing"], r["session_n_moves"]) == (boots, home, 1)
    assert one(page, product)["landing"] == boots


def test_a_product_looked_at_on_a_list_leaves_the_list_its_section() -> None:
    shoes, boots = 11, 12
    r = one(
        event(section=shoes, page=7, flags=Flag.SECTION_GUESSED),
        event(time=at(1), kind=Kind.CLICK, section=shoes, page=7, flags=Flag.SECTION_GUESSED),
        event(time=at(1), kind=Kind.PRODUCT_VIEW, section=boots, page=7, flags=Flag.PAGE_NAMED),
    )
    assert sections(r) == {shoes: (60.0, 2.0), boots: (0.0, 1.0)}


def test_what_comes_late_from_a_page_that_was_left_opens_no_section() -> None:
    # boots seen at 0 and left at 1, which is told after the bags at 2
    boots, bags, address = 11, 12, 13
    engagement = event(
        time=at(1), kind=Kind.ENGAGEMENT, section=address, page=7, flags=Flag.SECTION_GUESSED, engaged_s=9.0
    )
    r = one(event(section=boots, page=7), event(time=at(2), section=bags, page=8), engagement)
    assert sections(r) == {boots: (120.0, 1.0), bags: (0.0, 1.0)}
    assert (r["section_now"], r["page_now"], r["engaged_s"]) == (bags, 8, 9.0)


def test_a_page_that_was_only_looked_at_is_a_bounce() -> None:
    # three visits: a page, scrolled; a page and a click; one page
    day = 24 * 60
    r = one(
        event(), event(time=at(1), kind=Kind.SCROLL), event(time=at(2), kind=Kind.ENGAGEMENT, engaged_s=9.0),
        event(time=at(day)), event(time=at(day + 1), kind=Kind.CLICK),
        event(time=at(2 * day)),
        event(time=at(3 * day)),
    )  # fmt: skip
    assert (r["session_number"], r["past_bounced"]) == (4, 2)


def test_money_that_is_no_number_counts_as_nothing() -> None:
    r = one(event(kind=Kind.ORDER, revenue=math.nan), event(time=at(1), kind=Kind.REFUND, revenue=math.nan))
    assert (r["counts"][Kind.ORDER], r["revenue"], r["refunded"], r["order_max"]) == (1, 0.0, 0.0, 0.0)
    assert not np.isnan(r["decayed_revenue"]).any()


def test_the_campaign_of_a_session_may_come_after_its_second_page() -> None:
    # yesterday: campaign 1. Today the second page arrives before the landing page, which came by campaign 2.
    day = 24 * 60
    r = one(event(time=at(0), campaign=1), event(time=at(day + 1)), event(time=at(day), campaign=2, keyword=9))
    assert (r["campaign"], r["keyword"]) == (2, 9)


def test_dwell_that_arrives_late_enters_decayed() -> None:
    # at 60: a purchase in a store; then, late, a visit of a minute that ended an hour before
    r = one(
        event(time=at(60), kind=Kind.ORDER, flags=Flag.STORE), event(time=at(-1)), event(time=at(0)),
    )  # fmt: skip
    assert r["decayed_dwell"][0] == pytest.approx(30.0)


def test_counts_of_sixteen_bits_stop_at_their_end() -> None:
    records, _ = stepped([event()])
    for name in ("session_n_events", "hours", "weekdays", "session_counts", "channel_sessions", "day_events"):
        records[name] = np.iinfo(RECORD[name].base).max
    stepped([event(time=at(1))], records=records)
    r = records[0]
    assert (r["session_n_events"], r["hours"][0], r["weekdays"][0]) == (65_535, 65_535, 65_535)
    assert (r["session_counts"][Kind.PAGE_VIEW], r["day_events"].min()) == (65_535, 255)
    stepped([event(time=at(60))], records=records)
    assert (records[0]["channel_sessions"][Channel.DIRECT], records[0]["past_pages"]) == (65_535, 3 * 65_535)


def test_days_that_fall_out_of_the_thirty_are_emptied() -> None:
    # day 0: two events; day 29: one; day 30: one. The first day is out.
    day = 24 * 60
    r = one(event(time=at(0)), event(time=at(1)), event(time=at(29 * day)), event(time=at(30 * day)))
    assert sorted(r["day_events"].tolist())[-3:] == [0, 1, 1]
    assert r["day_sessions"].sum() == 2
