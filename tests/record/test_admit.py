"""Whose an event is follows the rules of identity; what was here before is a duplicate; batches leave no trace."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.record import naive, traces
from tests.record.traces import BASE_MS, MINUTE_MS, examples

from footfall.base.codes import Status
from footfall.base.kinds import Kind
from footfall.record import admit as tables
from footfall.record.admit import (
    IDENTITY_SLOT,
    NEW_ANONYMOUS,
    NEW_PREVIOUS,
    NEW_PREVIOUS_ANONYMOUS,
    NEW_USER,
    SHARED_ANONYMOUS,
    admit,
)
from footfall.record.layout import ALIASED, RECORD, SESSION
from footfall.record.layout import SHARED as SHARED_STATE
from footfall.record.step import plan_of, step

PHONE, LAPTOP, TABLET = 0x1D2E8C14A0B3F597, 0x2B90D7716E5A4C83, 0x3F04A95BC2718ED6
ANN, BOB, CID = 0x4E6B1398D7F0A52C, 0x59A7C0E2148D3B6F, 0x6C3D5F8A9B2E7140
DEVICES, USERS = (PHONE, LAPTOP, TABLET), (ANN, BOB, CID)
OTHER_KIND = 0x0800400020001000
"""A text has two keys, one as a user id and one as an anonymous id. Here the wrong one is the right one plus this."""
NEVER_SEEN = (0x71F2E4D6C8B0A193, 0x7A8B6C5D4E3F2011)
"""A device and a user that only aliases name."""


class Shop:
    """Tables of a shop that is visited: what the engine holds, for tests."""

    def __init__(self, splits: Sequence[tuple[int, int]] = ()) -> None:
        self.records = np.zeros(400, RECORD)
        self.n_rows = 0
        self.identities = np.zeros(1024, IDENTITY_SLOT)
        self.seen = np.zeros(1024, np.uint64)
        self.orders = np.zeros(1024, np.uint64)
        self.splits = np.zeros(2 if not splits else 64, np.uint64)
        for a, b in splits:
            tables.keys_add(self.splits, np.uint64(a ^ b))
        self.gone = np.zeros(len(self.records), np.int32)
        self.rows: list[int] = []
        self.statuses: list[int] = []
        self.links: list[int] = []
        self.merges: list[tuple[int, int]] = []
        self.keys: list[tuple[int, int]] = []
        self.n_identities = self.n_seen = self.n_orders = 0
        self.sessions: list[bytes] = []

    def batch(self, events: Sequence[dict[str, Any]]) -> "Shop":
        """Admit and step one batch."""
        columns, items = traces.arrays(events)
        n = len(columns)
        merges, links = tables.merge_room(n), np.zeros(n, np.uint8)
        self.n_rows, n_merges, n_identities, n_seen, n_orders = admit(
            self.records, self.n_rows, columns, self.identities, self.seen, self.orders, self.splits, self.gone,
            merges, links,
        )  # fmt: skip
        self.n_identities += n_identities
        self.n_seen += n_seen
        self.n_orders += n_orders
        assert not self.gone.any()
        sessions = np.zeros(n + n_merges, SESSION)
        n_out = step(self.records, columns, items, merges[:n_merges], plan_of(1800, 600), sessions)
        self.sessions.extend(s.tobytes() for s in sessions[:n_out])
        self.rows.extend(columns["row"].tolist())
        self.statuses.extend(columns["status"].tolist())
        self.links.extend(links.tolist())
        self.merges.extend((int(m["winner"]), int(m["loser"])) for m in merges[:n_merges])
        self.keys.extend((int(m["key_a"]), int(m["key_b"])) for m in merges[:n_merges])
        return self

    def row_of(self, key: int) -> int:
        """Where an id leads to now."""
        return int(tables.root_of(self.records, tables.identities_get(self.identities, np.uint64(key))))

    def owner(self, row: int) -> int:
        return int(self.records[row]["user_key"])

    def n_events(self, row: int) -> int:
        return int(self.records[row]["n_events"])


def seen(anonymous: int = 0, user: int = 0, **fields: Any) -> dict[str, Any]:
    """A page view of a device and, if logged in, a user."""
    return traces.event(anonymous_key=anonymous, user_key=user, site=1, **fields)


def alias(previous: int, anonymous: int = 0, user: int = 0, **fields: Any) -> dict[str, Any]:
    """An alias call; ``previous`` is a device or a user of above."""
    is_device = previous in (*DEVICES, NEVER_SEEN[0])
    own = {"previous_anonymous_key": previous} if is_device else {"previous_key": previous}
    other = {"previous_key": previous + OTHER_KIND} if is_device else {"previous_anonymous_key": previous + OTHER_KIND}
    return seen(anonymous, user, is_alias=1, kind=Kind.IDENTIFY, **own, **other, **fields)


BATCHES = pytest.mark.parametrize("size", [1, 2, 100], ids=["one by one", "in pairs", "at once"])


def told(events: Sequence[dict[str, Any]], size: int, splits: Sequence[tuple[int, int]] = ()) -> Shop:
    """The events in batches of a size, a minute apart."""
    shop = Shop(splits)
    timed = [{**e, "time": BASE_MS + i * MINUTE_MS} for i, e in enumerate(events)]
    for start in range(0, len(timed), size):
        shop.batch(timed[start : start + size])
    return shop


# -- who it is -----------------------------------------------------------------------------------------------------


@BATCHES
def test_a_new_id_begins_a_visitor_and_a_known_one_goes_to_it(size: int) -> None:
    # phone, laptop, phone, Ann (from a server, without a device)
    shop = told([seen(PHONE), seen(LAPTOP), seen(PHONE), seen(user=ANN)], size)
    assert shop.rows == [0, 1, 0, 2]
    assert shop.owner(2) == ANN
    assert shop.links == [NEW_ANONYMOUS, NEW_ANONYMOUS, 0, NEW_USER]


@BATCHES
def test_an_anonymous_visitor_who_logs_in_stays_the_same(size: int) -> None:
    # phone: view, view, log-in as Ann, view
    shop = told([seen(PHONE), seen(PHONE), seen(PHONE, ANN), seen(PHONE, ANN), seen(PHONE)], size)
    assert shop.rows == [0] * 5
    assert (shop.merges, shop.owner(0), shop.n_events(0)) == ([], ANN, 5)


@BATCHES
def test_both_ids_new_are_one_visitor(size: int) -> None:
    shop = told([seen(PHONE, ANN), seen(PHONE), seen(user=ANN)], size)
    assert shop.rows == [0, 0, 0]
    assert shop.links[0] == NEW_ANONYMOUS | NEW_USER


@BATCHES
def test_a_user_on_several_devices_is_one_visitor(size: int) -> None:
    # phone:   view ----- log-in as Ann ------------------------ view
    # laptop:        view ---------------- log-in as Ann -------      (here both become one)
    # tablet:                                             Ann at once
    shop = told(
        [seen(PHONE), seen(LAPTOP), seen(PHONE, ANN), seen(LAPTOP, ANN), seen(TABLET, ANN), seen(PHONE), seen(TABLET)],
        size,
    )
    assert shop.rows == [0, 1, 0, 0, 0, 0, 0]
    assert (shop.merges, shop.keys) == ([(0, 1)], [(LAPTOP, ANN)])
    assert (shop.n_events(0), shop.n_events(1)) == (7, 0)
    assert shop.row_of(LAPTOP) == shop.row_of(TABLET) == shop.row_of(ANN) == 0


@BATCHES
def test_two_people_on_one_device_stay_two(size: int) -> None:
    # phone: view -- Ann -- Ann out, view -- Bob -- Bob out, view -- Ann again -- view
    shop = told(
        [seen(PHONE), seen(PHONE, ANN), seen(PHONE), seen(PHONE, BOB), seen(PHONE), seen(PHONE, ANN), seen(PHONE)],
        size,
    )
    ann, bob, nobody = 0, 1, 2
    assert shop.rows == [ann, ann, ann, bob, nobody, ann, nobody]
    assert shop.merges == []
    assert (shop.owner(ann), shop.owner(bob), shop.owner(nobody)) == (ANN, BOB, 0)
    assert shop.records[nobody]["states"] & SHARED_STATE
    assert not shop.records[ann]["states"] & SHARED_STATE
    assert shop.links[3] == NEW_USER | SHARED_ANONYMOUS
    assert shop.links[4] == SHARED_ANONYMOUS


@BATCHES
def test_a_known_user_on_somebody_elses_device_joins_nobody(size: int) -> None:
    # laptop: Bob.  phone: Ann, then Bob, then nobody
    shop = told([seen(LAPTOP, BOB), seen(PHONE, ANN), seen(PHONE, BOB), seen(PHONE)], size)
    assert shop.rows == [0, 1, 0, 2]
    assert shop.merges == []


@BATCHES
def test_a_third_person_on_a_shared_device_is_a_third_visitor(size: int) -> None:
    shop = told([seen(PHONE, ANN), seen(PHONE, BOB), seen(PHONE, CID), seen(PHONE), seen(PHONE, CID)], size)
    assert shop.rows == [0, 1, 2, 3, 2]


@BATCHES
def test_a_shared_devices_own_visitor_is_never_taken_over(size: int) -> None:
    # phone: Ann, Bob, nobody, then Cid for the first time: what nobody did stays nobody's
    shop = told([seen(PHONE, ANN), seen(PHONE, BOB), seen(PHONE), seen(PHONE, CID)], size)
    assert shop.rows == [0, 1, 2, 3]
    assert shop.merges == []


@BATCHES
def test_ids_that_name_nobody_join_nobody(size: int) -> None:
    # null, guest, 0 … arrive as key 0: two devices with such a user id are two visitors
    shop = told([seen(PHONE, 0), seen(LAPTOP, 0), seen(0, ANN), seen(0, BOB)], size)
    assert shop.rows == [0, 1, 2, 3]
    assert shop.n_identities == 4


# -- alias ---------------------------------------------------------------------------------------------------------


@BATCHES
def test_an_alias_takes_the_device_to_the_user(size: int) -> None:
    # phone: view.  server: alias phone -> Ann.  phone: view
    shop = told([seen(PHONE), alias(PHONE, user=ANN), seen(PHONE)], size)
    assert shop.merges == [(1, 0)]
    assert shop.rows == [0, 1, 1]
    assert not shop.records[1]["states"] & ALIASED


@BATCHES
def test_an_alias_that_comes_before_its_device_is_remembered(size: int) -> None:
    shop = told([alias(PHONE, user=ANN), seen(PHONE), seen(user=ANN)], size)
    assert shop.rows == [0, 0, 0]
    assert shop.links[0] == NEW_USER | NEW_PREVIOUS | NEW_PREVIOUS_ANONYMOUS


@BATCHES
def test_an_alias_joins_two_user_ids_on_purpose(size: int) -> None:
    # laptop: Bob.  phone: Ann.  server: Ann is Bob now
    shop = told([seen(LAPTOP, BOB), seen(PHONE, ANN), alias(ANN, user=BOB), seen(PHONE), seen(user=ANN)], size)
    assert shop.rows == [0, 1, 0, 0, 0]
    assert (shop.merges, shop.keys, shop.owner(0)) == ([(0, 1)], [(ANN, BOB)], BOB)
    assert shop.records[0]["states"] & ALIASED


@BATCHES
def test_after_an_alias_the_device_of_both_is_no_shared_one(size: int) -> None:
    # phone: Ann.  server: Ann is Bob now.  phone: Bob, then nobody
    shop = told([seen(PHONE, ANN), alias(ANN, user=BOB), seen(PHONE, BOB), seen(PHONE)], size)
    assert len({shop.row_of(key) for key in (PHONE, ANN, BOB)}) == 1
    assert shop.rows[2] == shop.rows[3] == shop.row_of(BOB)


@BATCHES
def test_an_alias_from_a_device_does_not_join_two_users(size: int) -> None:
    # phone: Ann.  Then Bob signs up on it, and his client says: phone is Bob
    shop = told([seen(PHONE, ANN), alias(PHONE, user=BOB), seen(PHONE), seen(user=BOB)], size)
    assert shop.merges == []
    assert shop.rows == [0, 1, 2, 1]
    assert shop.records[2]["states"] & SHARED_STATE
    assert shop.links[1] & NEW_PREVIOUS_ANONYMOUS


@BATCHES
def test_an_alias_from_a_shared_device_joins_nobody(size: int) -> None:
    # phone: Ann, Bob, nobody.  Then: phone is Cid
    shop = told([seen(PHONE, ANN), seen(PHONE, BOB), seen(PHONE), alias(PHONE, user=CID), seen(PHONE)], size)
    assert shop.merges == []
    assert shop.rows == [0, 1, 2, 3, 2]
    # nor does an alias that a shared device sends while nobody is logged in
    shop = told([seen(PHONE, ANN), seen(PHONE, BOB), seen(LAPTOP), alias(LAPTOP, PHONE), seen(LAPTOP)], size)
    assert shop.merges == []


@BATCHES
def test_an_alias_of_two_devices_makes_them_one(size: int) -> None:
    # laptop: view.  phone: view.  phone: I was laptop.  phone: Ann
    shop = told([seen(LAPTOP), seen(PHONE), alias(LAPTOP, PHONE), seen(PHONE, ANN), seen(LAPTOP)], size)
    assert shop.merges == [(1, 0)]
    assert (shop.rows, shop.owner(1)) == ([0, 1, 1, 1, 1], ANN)
    assert not shop.records[1]["states"] & ALIASED


def test_an_alias_of_oneself_is_nothing() -> None:
    shop = told([seen(PHONE, ANN), alias(ANN, PHONE, ANN), alias(PHONE, PHONE, ANN)], 100)
    assert (shop.merges, shop.rows) == ([], [0, 0, 0])


def test_how_an_alias_is_batched_does_not_change_its_state() -> None:
    # phone: I was laptop (nobody is a user yet).  phone: Ann.  Only one user id was ever named.
    events = [seen(LAPTOP), alias(LAPTOP, PHONE), seen(PHONE, ANN)]
    for size in (1, 2, 100):
        assert not told(events, size).records[1]["states"] & ALIASED


# -- merges of merges ----------------------------------------------------------------------------------------------


@BATCHES
def test_an_id_leads_through_a_chain_of_merges(size: int) -> None:
    # tablet -> laptop's -> phone's -> Ann's, each by an alias; then tablet alone
    chain = [seen(TABLET), seen(LAPTOP), seen(PHONE), seen(user=ANN)]
    chain += [alias(TABLET, LAPTOP), alias(LAPTOP, PHONE), alias(PHONE, user=ANN)]
    shop = told([*chain, seen(TABLET), seen(LAPTOP)], size)
    assert shop.merges == [(1, 0), (2, 1), (3, 2)]
    assert shop.rows[-2:] == [3, 3]
    assert (shop.n_events(3), shop.records["n_events"].sum()) == (9, 9)
    assert tables.root_of(shop.records, 0) == 3


@BATCHES
def test_events_before_a_merge_count_for_who_it_was_then(size: int) -> None:
    # In one batch: phone's three views are applied to phone's visitor, merged, and the fourth to Ann's
    shop = told([seen(user=ANN), seen(PHONE), seen(PHONE), seen(PHONE), seen(PHONE, ANN), seen(PHONE)], size)
    assert shop.rows == [0, 1, 1, 1, 0, 0]
    assert shop.n_events(0) == 6


# -- split by hand -------------------------------------------------------------------------------------------------


@BATCHES
def test_ids_that_were_split_by_hand_stay_apart(size: int) -> None:
    # phone: view.  laptop: Ann.  An agent said: phone isn't Ann's.  phone: Ann, then nobody
    events = [seen(PHONE), seen(LAPTOP, ANN), seen(PHONE, ANN), seen(PHONE)]
    assert told(events, size).merges == [(1, 0)]
    shop = told(events, size, splits=[(PHONE, ANN)])
    assert (shop.merges, shop.rows) == ([], [0, 1, 1, 0])


@BATCHES
def test_a_split_device_that_was_forgotten_begins_a_visitor_of_its_own(size: int) -> None:
    shop = told([seen(PHONE, ANN), seen(PHONE), seen(PHONE, ANN)], size, splits=[(PHONE, ANN)])
    assert (shop.merges, shop.rows) == ([], [0, 1, 0])


@BATCHES
def test_an_alias_does_not_join_what_was_split(size: int) -> None:
    shop = told([seen(PHONE), seen(user=ANN), alias(PHONE, user=ANN)], size, splits=[(PHONE, ANN)])
    assert shop.merges == []
    shop = told([seen(user=BOB), seen(user=ANN), alias(BOB, user=ANN)], size, splits=[(BOB, ANN)])
    assert shop.merges == []


# -- duplicates ----------------------------------------------------------------------------------------------------


@BATCHES
def test_a_message_counts_once(size: int) -> None:
    shop = told([seen(PHONE, message_key=1), seen(PHONE, message_key=2), seen(PHONE, message_key=1)], size)
    assert shop.statuses == [Status.APPLIED, Status.APPLIED, Status.DUPLICATE]
    assert (shop.n_events(0), shop.n_seen) == (2, 2)


@BATCHES
def test_an_order_counts_once_whatever_its_message(size: int) -> None:
    # the order comes from the page and, with another messageId, from the shop's back end; then a retry of the second
    order = {"kind": Kind.ORDER, "order_key": 9, "revenue": 5.0}
    shop = told(
        [seen(PHONE, message_key=1, **order), seen(user=ANN, message_key=2, **order), seen(user=ANN, message_key=2)],
        size,
    )
    assert shop.statuses == [Status.APPLIED, Status.DUPLICATE, Status.DUPLICATE]
    assert (shop.n_seen, shop.n_orders, shop.records["revenue"].sum()) == (2, 1, 5.0)


def test_a_duplicate_says_whose_it_was_and_makes_nobody() -> None:
    shop = told([seen(PHONE, ANN, message_key=1), seen(PHONE, ANN, message_key=1), seen(LAPTOP, message_key=1)], 100)
    assert shop.rows == [0, 0, -1]
    assert (shop.n_rows, shop.n_identities) == (1, 2)


def test_events_without_a_message_id_are_never_duplicates() -> None:
    assert told([seen(PHONE), seen(PHONE)], 100).statuses == [Status.APPLIED] * 2


def test_what_failed_is_left_alone_and_may_come_again() -> None:
    shop = told([seen(PHONE, message_key=1, status=Status.FAILED), seen(PHONE, message_key=1)], 100)
    assert shop.statuses == [Status.FAILED, Status.APPLIED]
    assert (shop.n_rows, shop.n_events(0)) == (1, 1)


# -- against the oracle --------------------------------------------------------------------------------------------

devices = st.sampled_from([0, *DEVICES])
users = st.sampled_from([0, 0, *USERS])


@st.composite
def visits(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Random use of a few devices by a few users, with aliases, duplicates and failures."""
    out = []
    for i in range(draw(st.integers(1, 25))):
        device, user = draw(devices), draw(users)
        if not device and not user:
            device = PHONE
        fields: dict[str, Any] = {"time": BASE_MS + i * draw(st.sampled_from([1000, 20 * MINUTE_MS]))}
        fields["message_key"] = draw(st.sampled_from([0, 0, 100 + i, 100 + i, 100]))
        if draw(st.integers(0, 7)) == 0:
            fields |= {"kind": Kind.ORDER, "order_key": draw(st.integers(0, 3)), "revenue": 10.0}
        if draw(st.integers(0, 15)) == 0:
            fields["status"] = Status.FAILED
        previous = draw(st.sampled_from([0] * 6 + [PHONE, LAPTOP, ANN, BOB, *NEVER_SEEN]))
        if previous:
            own = alias(previous)
            fields |= {name: own[name] for name in ("is_alias", "previous_key", "previous_anonymous_key")}
        out.append(seen(device, user, **fields))
    return out


pairs = st.lists(st.tuples(st.sampled_from([PHONE, LAPTOP, ANN]), st.sampled_from([ANN, BOB, CID])), max_size=2)


@settings(max_examples=examples(250))
@given(visits(), pairs, st.data())
def test_the_rules_hold_and_batches_leave_no_trace(
    events: list[dict[str, Any]], splits: list[tuple[int, int]], data: st.DataObject
) -> None:
    splits = [(a, b) for a, b in splits if a != b]
    people = naive.People({frozenset(pair) for pair in splits})
    expected = []
    for e in events:
        if e["status"] == Status.FAILED:
            people.n_events += 1
            expected.append((Status.FAILED, 0))
        else:
            status, row = people.see(e)
            expected.append((Status[status.upper()], -1 if row is None else row))
    at_once = Shop(splits).batch(events)
    assert list(zip(at_once.statuses, at_once.rows, strict=True)) == expected
    assert at_once.merges == [(winner, loser) for _, winner, loser in people.merges]
    assert at_once.n_rows == len(people.rows)
    assert at_once.n_identities == len(people.ids)
    for key in people.ids:
        row = people.row_of(key)
        assert at_once.row_of(key) == (-1 if row is None else row)
        slot = at_once.identities[tables.identity_slot(at_once.identities, np.uint64(key))]
        assert bool(slot["is_shared"]) == (key in people.shared)
    for row, person in enumerate(people.rows):
        if person["into"] is None:
            assert at_once.owner(row) == person["owner"]
            assert not person["is_shared"] or at_once.records[row]["states"] & SHARED_STATE

    in_parts = Shop(splits)
    bounds = data.draw(traces.cuts(len(events)))
    for start, stop in pairwise(bounds):
        in_parts.batch(events[start:stop])
    assert in_parts.records.tobytes() == at_once.records.tobytes()
    for name in ("rows", "statuses", "links", "merges", "keys", "sessions", "n_seen", "n_orders", "n_identities"):
        assert getattr(in_parts, name) == getattr(at_once, name), name


@settings(max_examples=examples(100))
@given(visits())
def test_every_applied_event_stands_in_exactly_one_record(events: list[dict[str, Any]]) -> None:
    shop = Shop().batch(events)
    assert shop.records["n_events"].sum() == shop.statuses.count(Status.APPLIED)
    for row in range(shop.n_rows):
        assert (shop.n_events(row) == 0) == (shop.records[row]["merged_into"] != 0)


@settings(max_examples=examples(100))
@given(visits())
def test_two_users_are_one_only_by_an_alias_from_one_to_the_other(events: list[dict[str, Any]]) -> None:
    """A device, shared or not, never joins two people."""
    plain = [{**e, "is_alias": 0 if e["previous_key"] in (*USERS, NEVER_SEEN[1]) else e["is_alias"]} for e in events]
    shop = Shop().batch(plain)
    rows = [shop.row_of(user) for user in (ANN, BOB, CID)]
    known = [row for row in rows if row >= 0]
    assert len(set(known)) == len(known)


# -- tables --------------------------------------------------------------------------------------------------------


@settings(max_examples=examples(50))
@given(st.lists(st.integers(1, 2**64 - 1) | st.integers(1, 40).map(lambda n: n << 29), max_size=200))
def test_a_set_holds_what_was_put_in_and_grows_without_loss(keys: list[int]) -> None:
    table = np.zeros(tables.room_for(len(keys), least=4), np.uint64)
    array = np.array(keys, np.uint64)
    assert tables.keys_add_all(table, array) == len(set(keys))
    assert tables.keys_add_all(table, array) == 0
    grown = tables.grown_keys(table, 4 * len(table))
    assert sorted(grown[grown != 0].tolist()) == sorted(set(keys))
    for key in array:
        assert tables.keys_has(grown, key)
        assert not tables.keys_add(grown, key)
    assert tables.keys_has(grown, np.uint64(12345)) == (12345 in keys)


def test_zero_is_no_key() -> None:
    table = np.zeros(8, np.uint64)
    assert tables.keys_add_all(table, np.zeros(3, np.uint64)) == 0


@settings(max_examples=examples(50))
@given(st.dictionaries(st.integers(1, 2**64 - 1), st.tuples(st.integers(-1, 99), st.integers(0, 1)), max_size=100))
def test_identities_grow_without_loss(known: dict[int, tuple[int, int]]) -> None:
    table = np.zeros(tables.room_for(len(known), least=4), IDENTITY_SLOT)
    keys = np.array(list(known), np.uint64)
    rows = np.array([row for row, _ in known.values()], np.int32)
    shared = np.array([is_shared for _, is_shared in known.values()], np.uint8)
    assert tables.identities_put(table, keys, rows, shared) == len(known)
    assert tables.identities_put(table, keys, rows, shared) == 0
    grown = tables.grown_identities(table, 2 * len(table))
    for key, (row, is_shared) in known.items():
        slot = grown[tables.identity_slot(grown, np.uint64(key))]
        assert (slot["key"], slot["row"], slot["is_shared"]) == (key, row, is_shared)
        assert tables.identities_get(grown, np.uint64(key)) == row
    assert tables.identities_get(np.zeros(4, IDENTITY_SLOT), np.uint64(5)) == -1


def test_tables_are_at_most_half_full_and_a_power_of_two() -> None:
    for n in (0, 1, 2, 3, 511, 512, 513, 100_000):
        slots = tables.room_for(n)
        assert slots & (slots - 1) == 0
        assert slots >= max(2 * n, 1024)
        assert slots < max(4 * n + 4, 1025)


def test_a_shop_that_outgrows_its_tables_goes_on_where_it_was() -> None:
    shop = Shop().batch([seen(PHONE, ANN, message_key=1), seen(LAPTOP)])
    shop.identities = tables.grown_identities(shop.identities, 4096)
    shop.seen = tables.grown_keys(shop.seen, 4096)
    shop.batch([seen(LAPTOP, ANN), seen(PHONE, message_key=1)])
    assert (shop.rows, shop.merges) == ([0, 1, 0, 0], [(0, 1)])
    assert shop.statuses[-1] == Status.DUPLICATE
