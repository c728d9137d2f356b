"""Rows for training: history gone through again, to the bit, and nothing later in them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.stories import DAY_MS, HOUR_MS, MINUTE_MS, NOON_MS, SETTINGS, Shop, call, in_chunks, trace, track

from footfall import training_set
from footfall.adapters.memory import MemoryLake
from footfall.base.ids import ANONYMOUS
from footfall.base.kinds import Kind
from footfall.events.facts import no_facts
from footfall.models.rows import SESSION, UNKNOWN, WEEK, WEEK_MS, Rows
from footfall.ports import Lake
from footfall.record.checkpoints import CART_KINDS, is_checkpoint, step_and_look
from footfall.record.features import CATALOGUE, FEATURE_IDX, N_FEATURES, features_into
from footfall.training_set import make_rows

Make = Callable[[Lake], Rows]
GOOGLEBOT = {"context": {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}}
IN_STORE = {"context": {"channel": "store"}}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "data")
    yield shop
    shop.close()


def rows_of(shop: Shop, **more: Any) -> Rows:
    shop.store()
    folder = shop.folder
    splits = [merge.key_a ^ merge.key_b for merge in folder.store.undone_merges()]
    return make_rows(folder.lake, folder.shelf, folder.settings, 1, splits=splits, **more)


def lived(shop: Shop, events: Sequence[dict[str, Any]], sizes: Sequence[int]) -> dict[int, np.ndarray]:
    """Let the shop's server live through events in batches of these sizes, with timers and facts at intervals; returns
    by log offset the features that the live engine had of the event's visitor after the batch of that event."""
    had = {}
    for number, chunk in enumerate(in_chunks(events, sizes)):
        now_ms = max(_ms(event) for event in chunk) + 100
        shop.clock.set_ms(now_ms)
        shop.folder.tick(now_ms)
        first = shop.folder.log.next_offset()
        shop.send(*chunk)
        engine = shop.folder.engine
        last_of = {}
        rows_in_lake = np.frombuffer(engine._batches[-1].rows, "<i4")
        statuses = np.frombuffer(engine._batches[-1].statuses, np.uint8)
        for i in np.flatnonzero(statuses == 0).tolist():
            row = int(rows_in_lake[i])
            while engine.records[row]["merged_into"]:
                row = int(engine.records[row]["merged_into"]) - 1
            last_of[row] = first + i
        rows = np.array(list(last_of), np.int32)
        out = np.empty((len(rows), N_FEATURES), np.float32)
        features_into(engine.records, rows, engine.records["last_seen"][rows], engine.facts.rates, out)
        had.update(dict(zip(last_of.values(), out, strict=True)))
        if number % 20 == 19:
            shop.store()
            shop.folder.publish_facts(now_ms)
            shop.apply()
    return had


# -- the same as live --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[1, 3, 7, 2, 5] * 100, [13, 40, 1] * 40], ids=["small", "large"])
def test_a_row_is_what_the_live_engine_had_bit_by_bit(shop: Shop, sizes: list[int]) -> None:
    had = lived(shop, trace(5, 600, step_ms=100_000), sizes)
    counters = shop.folder.engine.counters
    assert counters["merges"] > 3
    assert counters["facts"] > 0
    rows = rows_of(shop, wanted_offsets=np.array(sorted(had)))
    assert sorted(rows.offsets.tolist()) == sorted(had)
    for offset, features in zip(rows.offsets.tolist(), rows.features, strict=True):
        assert _differing(features, had[offset]) == [], offset


def test_rows_are_the_same_however_the_lake_is_read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(shop, trace(6, 400), [11] * 36)
    rows = rows_of(shop, is_masked=True)
    monkeypatch.setattr(training_set, "_BATCH", 7)
    monkeypatch.setattr(training_set, "_BLOCK", 10)
    monkeypatch.setattr(training_set, "PIECE_EVENTS", 25)
    again = rows_of(shop, is_masked=True)
    for name in (
        "features",
        "masked",
        "labels",
        "visitors",
        "sessions",
        "times",
        "n_seen",
        "offsets",
        "trails",
        "kinds",
    ):
        assert np.array_equal(getattr(rows, name), getattr(again, name), equal_nan=name in ("features", "masked")), name


def test_a_message_that_came_again_after_the_window_counts_again(shop: Shop) -> None:
    for day in (0, 9):
        shop.clock.set_ms(NOON_MS + day * DAY_MS)
        shop.send(track("Something", NOON_MS + day * DAY_MS))
        shop.store()
        shop.folder.tidy(NOON_MS + day * DAY_MS)
        shop.send(track("Product Viewed", NOON_MS) | {"timestamp": None})
    rows = rows_of(shop)
    assert rows.features[:, FEATURE_IDX["product_view_n"]].tolist() == [0, 1, 1, 2]


# -- which rows --------------------------------------------------------------------------------------------------------


def test_a_session_is_looked_at_after_its_first_second_third_fifth_eighth_event(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + DAY_MS)
    shop.send(*(track("Product Viewed", NOON_MS + i * MINUTE_MS) for i in range(9)))
    shop.send(*(track("Products Searched", NOON_MS + (90 + i) * MINUTE_MS) for i in range(2)))
    rows = rows_of(shop)
    assert rows.n_seen.tolist() == [1, 2, 3, 5, 8, 1, 2]
    assert rows.offsets.tolist() == [0, 1, 2, 4, 7, 9, 10]
    assert rows.times.tolist() == [NOON_MS + m * MINUTE_MS for m in (0, 1, 2, 4, 7, 90, 91)]
    assert rows.features[:, FEATURE_IDX["session_number"]].tolist() == [1] * 5 + [2] * 2
    assert rows.sessions.tolist() == [0] * 5 + [1] * 2
    assert rows.session_starts.tolist() == [NOON_MS] * 5 + [NOON_MS + 90 * MINUTE_MS] * 2
    assert rows.weights.tolist() == pytest.approx([0.2] * 5 + [0.5] * 2)
    trails = [rows.kinds[t : t + n].tolist() for t, n in zip(rows.trails, rows.n_seen, strict=True)]
    assert trails[4:] == [[Kind.PRODUCT_VIEW] * 8, [Kind.SEARCH], [Kind.SEARCH] * 2]


def test_checkpoints_are_the_numbers_of_fibonacci() -> None:
    assert [n for n in range(100) if is_checkpoint(n)] == [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]


def test_what_is_no_visit_is_no_checkpoint(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + DAY_MS)
    shop.send(
        track("Product Viewed", NOON_MS),
        track("Email Opened", NOON_MS + MINUTE_MS),
        track("Order Completed", NOON_MS + 2 * MINUTE_MS, order_id="s1", revenue=5) | IN_STORE,
        track("Order Refunded", NOON_MS + 3 * MINUTE_MS, order_id="s1", revenue=5),
        track("Product Viewed", NOON_MS + 4 * MINUTE_MS),
    )
    rows = rows_of(shop)
    assert rows.offsets.tolist() == [0, 4]
    assert rows.n_seen.tolist() == [1, 2]


def test_bots_are_left_out_and_counted(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + DAY_MS)
    shop.send(
        track("Product Viewed", NOON_MS, "person"),
        call("page", NOON_MS + MINUTE_MS, "robot"),
        call("page", NOON_MS + 2 * MINUTE_MS, "robot") | GOOGLEBOT,
    )
    rows = rows_of(shop)
    assert (rows.offsets.tolist(), rows.n_bots) == ([0], 1)


def test_a_history_of_nothing_but_bots_has_no_rows(shop: Shop) -> None:
    shop.send(*(call("page", NOON_MS + i, "robot") | GOOGLEBOT for i in range(5)))
    rows = rows_of(shop, is_masked=True)
    assert (len(rows), rows.n_bots, rows.features.shape, rows.masked.shape) == (0, 1, (0, N_FEATURES), (0, N_FEATURES))


def test_no_history_has_no_rows(shop: Shop) -> None:
    rows = rows_of(shop)
    assert (len(rows), rows.labels.shape, rows.places.shape) == (0, (0, 2), (0, 2))


def test_only_rows_of_the_asked_time_come_and_know_all_before(shop: Shop) -> None:
    lived(shop, trace(7, 300), [300])
    rows = rows_of(shop)
    since_ms, until_ms = int(np.quantile(rows.times, 0.3)), int(np.quantile(rows.times, 0.8))
    asked = rows_of(shop, since_ms=since_ms, until_ms=until_ms)
    inside = (rows.times >= since_ms) & (rows.times < until_ms)
    assert asked.offsets.tolist() == rows.offsets[inside].tolist()
    assert asked.features.tobytes() == rows.features[inside].tobytes()
    assert asked.labels.tolist() == rows.labels[inside].tolist()


def test_whole_sessions_are_left_out_when_there_are_too_many_rows(shop: Shop) -> None:
    lived(shop, trace(8, 500), [50] * 10)
    rows = rows_of(shop)
    few = rows_of(shop, most_rows=len(rows) // 3)
    assert 0 < len(few) <= len(rows) // 3
    kept = np.isin(rows.offsets, few.offsets)
    assert few.features.tobytes() == rows.features[kept].tobytes()
    assert np.bincount(np.unique(few.sessions, return_inverse=True)[1], few.weights) == pytest.approx(1.0)


def test_events_that_todays_settings_refuse_are_counted(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + DAY_MS)
    with_rate = msgspec.structs.replace(SETTINGS, currencies={"XXX": 2.0})
    shop.folder.engine.reader = type(shop.folder.engine.reader)(with_rate, shop.folder.places)
    shop.send(track("Product Viewed", NOON_MS), track("Order Completed", NOON_MS + 1, order_id="1", currency="XXX"))
    rows = rows_of(shop)
    assert (len(rows), rows.n_refused) == (1, 1)


def test_progress_is_told_up_to_the_last_event(shop: Shop) -> None:
    lived(shop, trace(9, 100), [100])
    told = []
    rows_of(shop, on_progress=lambda done, n: told.append((done, n)))
    assert told[-1][0] == told[-1][1] == shop.folder.engine.counters["applied"]


def test_a_visitor_is_numbered_by_a_row_that_leads_to_the_visitor_of_today(shop: Shop) -> None:
    lived(shop, trace(10, 400), [17] * 24)
    rows = rows_of(shop)
    engine = shop.folder.engine
    roots = set()
    for number in np.unique(rows.visitors).tolist():
        root = number
        while engine.records[root]["merged_into"]:
            root = int(engine.records[root]["merged_into"]) - 1
        assert root not in roots
        roots.add(root)
        assert engine.records[root]["n_events"] > 0


# -- labels ------------------------------------------------------------------------------------------------------------


def test_the_label_of_a_session_is_an_order_after_the_event(shop: Shop) -> None:
    #  n          1     2      3          4      5      | next session
    #  event     view  view  order      view   view     | view
    #  label      1     1      0          -      0      | 0
    shop.clock.set_ms(NOON_MS + DAY_MS)
    views = [track("Product Viewed", NOON_MS + k * MINUTE_MS) for k in (0, 1, 3, 4)]
    shop.send(
        *views[:2],
        track("Order Completed", NOON_MS + 2 * MINUTE_MS, order_id="1", revenue=5),
        *views[2:],
        track("Product Viewed", NOON_MS + 3 * HOUR_MS),
        track("Product Viewed", NOON_MS + 9 * HOUR_MS, "somebody else"),
    )
    rows = rows_of(shop)
    assert rows.n_seen.tolist() == [1, 2, 3, 5, 1, 1]
    assert rows.labels[:, SESSION].tolist() == [1, 1, 0, 0, 0, UNKNOWN]  # the last one may be going on


def test_sessions_that_may_go_on_count_as_they_are_when_they_are_most_of_the_history(shop: Shop) -> None:
    shop.send(
        track("Product Viewed", NOON_MS, "one"),
        track("Product Viewed", NOON_MS + MINUTE_MS, "two"),
        track("Order Completed", NOON_MS + 2 * MINUTE_MS, "two", order_id="1", revenue=5),
    )
    assert rows_of(shop).labels.tolist() == [[0, UNKNOWN], [1, UNKNOWN], [0, UNKNOWN]]


def test_an_order_in_a_store_is_not_in_the_session_but_in_the_week(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + 30 * DAY_MS)
    shop.send(
        track("Product Viewed", NOON_MS),
        track("Order Completed", NOON_MS + MINUTE_MS, order_id="1", revenue=5) | IN_STORE,
        track("Product Viewed", NOON_MS + 20 * DAY_MS, "somebody else"),
    )
    assert rows_of(shop).labels.tolist() == [[0, 1], [UNKNOWN, UNKNOWN]]


def test_the_label_of_a_week_is_unknown_while_the_week_goes_on_even_if_an_order_came(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + 30 * DAY_MS)
    shop.send(
        track("Product Viewed", NOON_MS, "in time"),
        track("Product Viewed", NOON_MS, "too late"),
        track("Product Viewed", NOON_MS + 2 * DAY_MS, "early"),
        track("Order Completed", NOON_MS + WEEK_MS, "in time", order_id="1", revenue=5),
        track("Order Completed", NOON_MS + WEEK_MS + 1, "too late", order_id="2", revenue=5),
        track("Order Completed", NOON_MS + 3 * DAY_MS, "early", order_id="3", revenue=5),
    )
    rows = rows_of(shop)
    by_offset = dict(zip(rows.offsets.tolist(), rows.labels[:, WEEK].tolist(), strict=True))
    assert by_offset == {0: 1, 1: 0, 2: UNKNOWN, 3: UNKNOWN, 4: UNKNOWN, 5: UNKNOWN}


def test_an_order_in_the_same_second_is_later_in_the_session_and_in_the_week(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + 30 * DAY_MS)
    shop.send(
        track("Product Viewed", NOON_MS),
        track("Order Completed", NOON_MS, order_id="1", revenue=5),
        track("Product Viewed", NOON_MS + 20 * DAY_MS, "somebody else"),
    )
    assert rows_of(shop).labels.tolist() == [[1, 1], [0, 0], [UNKNOWN, UNKNOWN]]


def test_there_are_no_rows_from_before_the_oldest_facts_that_are_kept(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + 30 * DAY_MS)
    for version in (1, 2, 3):
        shop.send(track("Product Viewed", NOON_MS + version * DAY_MS, f"visitor {version}"))
        shop.folder.shelf.put(msgspec.structs.replace(no_facts(), version=version))
        shop.folder.shelf.put_in_force(shop.folder.log.next_offset(), version)
    shop.send(track("Product Viewed", NOON_MS + 4 * DAY_MS, "visitor 4"))
    assert rows_of(shop).offsets.tolist() == [0, 1, 2, 3]
    shop.folder.shelf.trim(1, 3)
    assert rows_of(shop).offsets.tolist() == [3]
    assert rows_of(shop, wanted_offsets=np.array([1])).offsets.tolist() == [1]


def test_a_session_goes_on_when_its_device_turns_out_to_be_a_known_users(shop: Shop) -> None:
    # u1 was here the day before; the phone's session becomes hers at the sign-in, and she orders
    shop.clock.set_ms(NOON_MS + 3 * DAY_MS)
    day = NOON_MS + DAY_MS
    shop.send(
        track("Product Viewed", NOON_MS, "laptop", "u1"),
        track("Product Viewed", day, "phone"),
        track("Products Searched", day + MINUTE_MS, "phone"),
        track("Product Viewed", day + 2 * MINUTE_MS, "phone", "u1"),
        track("Order Completed", day + 3 * MINUTE_MS, "phone", "u1", order_id="1", revenue=5),
        track("Product Viewed", day + DAY_MS, "another"),
    )
    rows = rows_of(shop)
    assert rows.offsets.tolist() == [0, 1, 2, 3, 5]
    assert rows.labels[:, SESSION].tolist() == [0, 1, 1, 1, UNKNOWN]
    assert len(set(rows.visitors[:4].tolist())) == 1
    assert rows.n_seen.tolist() == [1, 1, 2, 3, 1]
    assert len(set(rows.sessions[1:4].tolist())) == 1
    trail = rows.kinds[rows.trails[3] :][:3].tolist()
    assert trail == [Kind.PRODUCT_VIEW, Kind.SEARCH, Kind.PRODUCT_VIEW]


def test_sessions_that_turn_out_to_be_one_share_their_future_and_keep_their_own_pasts(shop: Shop) -> None:
    # laptop:  view      search                     (u1)
    # phone:        list                cart, signed in as u1: now one session, of four events
    shop.clock.set_ms(NOON_MS + DAY_MS)
    shop.send(
        track("Product Viewed", NOON_MS, "laptop", "u1"),
        track("Product List Viewed", NOON_MS + MINUTE_MS, "phone"),
        track("Products Searched", NOON_MS + 2 * MINUTE_MS, "laptop", "u1"),
        track("Cart Viewed", NOON_MS + 3 * MINUTE_MS, "phone", "u1"),
        track("Order Completed", NOON_MS + 4 * MINUTE_MS, "laptop", "u1", order_id="1", revenue=5),
        track("Product Viewed", NOON_MS + 5 * HOUR_MS, "another"),
    )
    rows = rows_of(shop)
    assert rows.offsets.tolist() == [0, 1, 2, 4, 5]
    assert rows.n_seen.tolist() == [1, 1, 2, 5, 1]
    assert len(set(rows.sessions[:4].tolist())) == 1
    assert rows.labels[:, SESSION].tolist() == [1, 1, 1, 0, UNKNOWN]
    trails = [rows.kinds[t : t + n].tolist() for t, n in zip(rows.trails, rows.n_seen, strict=True)]
    assert trails[:4] == [
        [Kind.PRODUCT_VIEW],
        [Kind.LIST_VIEW],
        [Kind.PRODUCT_VIEW, Kind.SEARCH],
        [Kind.PRODUCT_VIEW, Kind.LIST_VIEW, Kind.SEARCH, Kind.CART_VIEW, Kind.ORDER],
    ]


def test_a_trail_has_as_many_events_as_the_session_had(shop: Shop) -> None:
    lived(shop, trace(11, 600, step_ms=60_000), [9] * 70)
    rows = rows_of(shop)
    last_kinds = rows.kinds[rows.trails + rows.n_seen - 1]
    wanted = rows.features[:, FEATURE_IDX["last_kind"]]
    assert last_kinds.tolist() == wanted.astype(int).tolist()
    assert rows.n_seen.tolist() == rows.features[:, FEATURE_IDX["session_events_n"]].astype(int).tolist()


def test_a_merge_that_was_taken_back_never_happened(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + DAY_MS)
    shop.send(
        track("Product Viewed", NOON_MS, "laptop", "u1"),
        track("Product Viewed", NOON_MS + MINUTE_MS, "phone"),
        track("Products Searched", NOON_MS + 2 * MINUTE_MS, "phone", "u1"),
    )
    assert len(set(rows_of(shop).visitors.tolist())) == 1
    engine = shop.folder.engine
    [merge] = shop.folder.store.merges_of(engine.row_of(1, ANONYMOUS, "phone"))
    engine.undo_merge(merge, [], {merge.key_a}, [])
    rows = rows_of(shop)
    assert len(set(rows.visitors.tolist())) == 2


# -- what a masked record never saw ------------------------------------------------------------------------------------


def test_masked_rows_are_those_of_a_history_without_carts(tmp_path: Path) -> None:
    # who is who is known from all events, in both: so nobody signs in here
    events = [{**event, "userId": None} for event in trace(12, 300) if event["type"] != "alias"]
    hidden = {"Product Added", "Product Removed", "Cart Viewed", "Checkout Started"}
    whole, without = Shop(tmp_path / "whole"), Shop(tmp_path / "without")
    try:
        kept = [event for event in events if event.get("event") not in hidden]
        for shop, sent in ((whole, events), (without, kept)):
            shop.clock.set_ms(NOON_MS + 20 * DAY_MS)
            for event in sent:
                shop.send(event)
        rows = rows_of(whole, is_masked=True)
        offset_of = {event["messageId"]: offset for offset, event in reversed(list(enumerate(kept)))}
        seen = [(i, offset_of[m]) for i, o in enumerate(rows.offsets) if (m := events[o]["messageId"]) in offset_of]
        its = [index for index, _ in seen]
        other = rows_of(without, wanted_offsets=np.array([offset for _, offset in seen]))
        by_offset = dict(zip(other.offsets.tolist(), other.features, strict=True))
        assert len(its) > 60
        assert (rows.features[its] != rows.masked[its]).any()
        for index, offset in seen:
            assert _differing(rows.masked[index], by_offset[offset]) == []
    finally:
        whole.close()
        without.close()


def test_a_masked_row_of_a_cart_event_knows_nothing_of_it(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + DAY_MS)
    shop.send(track("Product Viewed", NOON_MS), track("Product Added", NOON_MS + MINUTE_MS, product_id="p", price=5))
    rows = rows_of(shop, is_masked=True)
    names = ("session_events_n", "cart_add_n", "cart_value", "since_last_event_s", "last_kind")
    assert rows.features[1, [FEATURE_IDX[name] for name in names]].tolist() == [2, 1, 5, 0, Kind.CART_ADD]
    assert rows.masked[1, [FEATURE_IDX[name] for name in names]].tolist() == [1, 0, 0, 0, Kind.PRODUCT_VIEW]
    assert _differing(rows.masked[1], rows.features[0]) == []  # not even that time has passed
    shop.clock.set_ms(NOON_MS + 2 * DAY_MS)
    shop.send(track("Product Added", NOON_MS + 30 * HOUR_MS, product_id="p", price=5))  # another session
    again = rows_of(shop, is_masked=True)
    assert _differing(again.masked[2], rows.features[0]) == []
    assert {Kind.CART_ADD, Kind.CHECKOUT_START, Kind.PAYMENT_INFO} < set(CART_KINDS)
    assert Kind.ORDER not in CART_KINDS


# -- nothing later can reach a row -------------------------------------------------------------------------------------


def until(lake: Lake, offset: int) -> Lake:
    """The lake as it was just after an event."""
    found = lake.query('SELECT * EXCLUDE (date) FROM events WHERE "offset" <= ?', [offset])
    past = MemoryLake()
    past.write("events", 0, offset + 1, found)
    return past


def rows_that_know_the_future(make: Make, lake: Lake, n_tried: int = 8) -> list[int]:
    """Log offsets of rows that come out differently when nothing after their event ever happened."""
    rows = make(lake)
    guilty = []
    for index in np.linspace(0, len(rows) - 1, n_tried).astype(int).tolist():
        offset = int(rows.offsets[index])
        then = make(until(lake, offset))
        [at] = np.flatnonzero(then.offsets == offset).tolist()
        if then.features[at].tobytes() != rows.features[index].tobytes():
            guilty.append(offset)
    return guilty


def test_no_row_knows_what_comes_after_it(shop: Shop) -> None:
    lived(shop, trace(13, 300), [23] * 15)
    shop.store()
    make = _maker(shop)
    assert rows_that_know_the_future(make, shop.folder.lake) == []


def test_features_of_the_batchs_end_are_caught(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(shop, trace(13, 300), [23] * 15)
    shop.store()

    def leaky(records: np.ndarray, *rest: Any) -> Any:
        found: tuple[int, int] = step_and_look(records, *rest)
        n, rates, rows, times, features = found[0], rest[4], rest[17], rest[18], rest[19]
        features_into(records, rows[:n], times[:n], rates, features[:n])
        return found

    monkeypatch.setattr("footfall.training_set.step_and_look", leaky)
    assert len(rows_that_know_the_future(_maker(shop), shop.folder.lake)) > 3


def test_a_label_among_the_features_is_caught(shop: Shop) -> None:
    lived(shop, trace(14, 300), [23] * 15)
    shop.store()
    make = _maker(shop)

    def leaky(lake: Lake) -> Rows:
        rows = make(lake)
        rows.features[:, FEATURE_IDX["cart_value"]] += rows.labels[:, SESSION]
        return rows

    assert rows_that_know_the_future(leaky, shop.folder.lake) != []


def test_facts_of_the_future_are_caught(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    events = trace(15, 700)
    for event in events[::2]:  # one product is viewed more than others
        if event.get("event") == "Product Viewed":
            event["properties"]["product_id"] = "p0"
    lived(shop, events, [23] * 35)
    shop.store()
    shelf = shop.folder.shelf
    latest = shelf.in_force(1 << 60)
    assert latest.version > 0
    made = _maker(shop)(shop.folder.lake)
    monkeypatch.setattr(shelf, "in_force", lambda _: latest)
    leaky = _maker(shop)(shop.folder.lake)
    monkeypatch.undo()
    first = min(shelf.changes(-1, 1 << 60))
    rates = [FEATURE_IDX["last_product_view_lift"], FEATURE_IDX["last_category_order_lift"]]
    before = made.offsets < first
    assert before.any()
    assert _are_all_average(made.features[before][:, rates])
    assert not _are_all_average(made.features[~before][:, rates])
    assert not _are_all_average(leaky.features[before][:, rates])


def test_facts_in_force_are_older_than_the_row(shop: Shop) -> None:
    lived(shop, trace(16, 700), [23] * 35)
    rows = rows_of(shop)
    versions = [shop.folder.shelf.in_force(offset).version for offset in rows.offsets.tolist()]
    assert max(versions) > 0
    received = dict(
        zip(
            *(shop.folder.lake.query('SELECT "offset", received_ms FROM events')[k].to_pylist() for k in (0, 1)),
            strict=True,
        )
    )
    assert all(version <= received[offset] for version, offset in zip(versions, rows.offsets.tolist(), strict=True))


def _are_all_average(lifts: np.ndarray) -> bool:
    return bool((np.isnan(lifts) | (lifts == 1.0)).all())


def _differing(a: np.ndarray, b: np.ndarray) -> list[str]:
    return [CATALOGUE[k].name for k in np.flatnonzero(a.view(np.uint32) != b.view(np.uint32))]


def _ms(event: dict[str, Any]) -> int:
    return round(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000)


def _maker(shop: Shop) -> Make:
    return lambda lake: make_rows(lake, shop.folder.shelf, SETTINGS, 1)


def test_another_site_has_no_part_in_it(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + DAY_MS)
    shop.send(track("Product Viewed", NOON_MS), site=2)
    shop.send(track("Product Viewed", NOON_MS + 1))
    shop.store()
    folder = shop.folder
    assert make_rows(folder.lake, folder.shelf, SETTINGS, 1).offsets.tolist() == [1]
    assert make_rows(folder.lake, folder.shelf, SETTINGS, 2).offsets.tolist() == [0]
    assert len(make_rows(folder.lake, folder.shelf, SETTINGS, 3)) == 0
