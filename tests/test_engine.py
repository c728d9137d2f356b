"""The engine: from log entries to records, and back again after a crash or a merge taken back."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stories import DAY_MS, MINUTE_MS, NOON_MS, SETTINGS, Bench, bytes_of, call, entry, in_chunks, trace, track

from footfall.adapters.memory import MemoryRecordStore
from footfall.base.ids import ANONYMOUS, USER
from footfall.base.kinds import Kind
from footfall.engine import split_at_control
from footfall.events.facts import FactsShelf, make_facts
from footfall.events.wire import Entry, Source
from footfall.models.scoring import Scoring
from footfall.record.features import FEATURE_IDX
from footfall.record.layout import ENDED, SESSION


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def status_counts(bench: Bench) -> tuple[int, int, int]:
    counters = bench.engine.counters
    return counters["applied"], counters["duplicate"], counters["failed"]


# -- where an event ends -------------------------------------------------------------------------------------------


def test_every_event_ends_in_one_place(bench: Bench) -> None:
    bench.send(track("Product Viewed"), track("Product Viewed"), track(""), b"not json", b"[]")
    assert status_counts(bench) == (1, 1, 3)
    assert bench.engine.ledger(bench.log.next_offset()) == {
        "received": 5, "applied": 1, "duplicate": 1, "failed": 3, "lag_events": 0,
    }  # fmt: skip
    commit = bench.engine.take_commit()
    assert commit is not None
    assert [(f.offset, f.reason) for f in commit.failed] == [
        (2, "no_event_name"),
        (3, "bad_json"),
        (4, "not_an_object"),
    ]


def test_what_the_collector_refused_is_kept_with_its_reason_and_text(bench: Bench) -> None:
    bench.log.append([entry(b"{broken", reject="bad_json", ip="10.1.2.0")])
    bench.catch_up()
    commit = bench.engine.take_commit()
    assert commit is not None
    [failed] = commit.failed
    assert (failed.reason, failed.entry.body, failed.entry.ip) == ("bad_json", b"{broken", "10.1.2.0")


def test_events_in_the_log_that_are_not_applied_yet_are_lag(bench: Bench) -> None:
    bench.send(track("Product Viewed"))
    bench.log.append([entry(track("A"), track("B"))])
    ledger = bench.engine.ledger(bench.log.next_offset())
    assert (ledger["received"], ledger["applied"], ledger["lag_events"]) == (3, 1, 2)


def test_control_entries_and_second_tries_are_no_events_received(bench: Bench) -> None:
    bench.send(track(""))
    bench.commit()
    bench.log.append([Entry(0, NOON_MS, int(Source.ENGINE), 1, b"")])
    bench.log.append([_second_try(0, track("Mended"))])
    before = bench.engine.ledger(bench.log.next_offset(), n_extra_waiting=2)
    assert before == {"received": 1, "applied": 0, "duplicate": 0, "failed": 1, "lag_events": 0}
    bench.catch_up()
    after = bench.engine.ledger(bench.log.next_offset())
    assert after == {"received": 1, "applied": 1, "duplicate": 0, "failed": 0, "lag_events": 0}


def _second_try(offset: int, event: dict[str, Any]) -> Entry:
    return msgspec.structs.replace(entry(event), source=int(Source.REPLAY), replay_of=offset)


def test_a_failed_event_does_not_use_up_its_message_id(bench: Bench) -> None:
    order = track("Order Completed", currency="EUR", revenue=10, order_id="o1")
    bench.send(order)
    assert status_counts(bench) == (0, 0, 1)
    rates = Bench(bench.folder, msgspec.structs.replace(SETTINGS, currencies={"EUR": 2.0}), bench.store)
    bench.commit()
    rates.log, rates.engine = bench.log, rates.recovered()
    rates.log.append([_second_try(0, order)])
    rates.catch_up()
    assert status_counts(rates) == (1, 0, 0)
    assert rates.record(ANONYMOUS, "a1")["revenue"] == 20.0


def test_an_order_counts_once_whatever_its_message_id(bench: Bench) -> None:
    first = track("Order Completed", order_id="o1", revenue=10)
    bench.send(first, {**first, "messageId": "another"})
    assert status_counts(bench) == (1, 1, 0)
    assert bench.record(ANONYMOUS, "a1")["revenue"] == 10.0


def test_a_message_id_is_forgotten_after_the_window(bench: Bench) -> None:
    event = track("Product Viewed")
    bench.send(event)
    bench.commit()
    bench.send(track("Later"), received_ms=NOON_MS + 9 * DAY_MS)
    bench.engine.forget_old_messages()
    bench.send(event, received_ms=NOON_MS + 9 * DAY_MS)
    assert status_counts(bench) == (3, 0, 0)


def test_forgetting_old_messages_keeps_those_that_are_just_being_stored(bench: Bench) -> None:
    first, second, third = (track("A", NOON_MS + i) for i in range(3))
    bench.send(first)
    bench.commit()
    bench.send(second, received_ms=NOON_MS + 2 * DAY_MS)
    commit = bench.engine.take_commit()
    bench.send(third, received_ms=NOON_MS + 2 * DAY_MS)
    bench.engine.forget_old_messages()  # the commit isn't stored yet
    assert commit is not None
    bench.store.commit(commit)
    bench.send(first, second, third, received_ms=NOON_MS + 2 * DAY_MS)
    assert status_counts(bench) == (3, 3, 0)


def test_a_second_try_of_an_old_event_does_not_hide_its_neighbours_from_the_window(bench: Bench) -> None:
    # day 0: refused   day 20: a new event, and the old one again, in one batch   restart   the new event once more
    old, new = track(""), track("Product Viewed", NOON_MS + 20 * DAY_MS)
    bench.send(old)
    bench.commit()
    again = msgspec.structs.replace(entry(track("Mended")), replay_of=0, source=int(Source.REPLAY))
    bench.log.append([entry(new, received_ms=NOON_MS + 20 * DAY_MS)])
    bench.log.append([again])
    bench.catch_up()
    bench.commit()
    bench.engine = bench.recovered()
    bench.send(new, received_ms=NOON_MS + 20 * DAY_MS + 1)
    assert status_counts(bench) == (2, 1, 0)


def test_an_event_that_breaks_the_reader_is_refused_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    read = bench.engine.reader.read

    def breaking(batch: Any, *args: Any, **more: Any) -> Any:
        if any(b"poison" in item.body and not item.reject for _, item in batch):
            raise ZeroDivisionError("a bug")
        return read(batch, *args, **more)

    monkeypatch.setattr(bench.engine.reader, "read", breaking)
    bench.log.append([entry(track("A"), track("B")), entry(track("C"), track("poison"), track("D")), entry(track("E"))])
    bench.catch_up()
    assert status_counts(bench) == (5, 0, 1)
    commit = bench.engine.take_commit()
    assert commit is not None
    [failed] = commit.failed
    assert (failed.offset, failed.reason, failed.detail) == (3, "unreadable", "ZeroDivisionError: a bug")
    assert b"poison" in failed.entry.body


# -- whose ---------------------------------------------------------------------------------------------------------


def test_two_sites_never_meet(bench: Bench) -> None:
    bench.send(track("Product Viewed", user="u1", product_id="p"), site=1)
    bench.send(track("Product Viewed", user="u1", product_id="p"), site=2)
    assert status_counts(bench) == (2, 0, 0)
    assert bench.engine.n_rows == 2
    assert bench.record(USER, "u1", 1)["n_events"] == bench.record(USER, "u1", 2)["n_events"] == 1
    commit = bench.engine.take_commit()
    assert commit is not None
    assert {(site, text) for site, _, what, text in commit.names if what == "product"} == {(1, "p"), (2, "p")}
    keys = {key for _, key, what, _ in commit.names if what == "product"}
    assert len(keys) == 2


def test_ids_of_an_alias_survive_a_restart(bench: Bench) -> None:
    # nobody knows "old" yet: it may turn up as a device's id or as an account's
    bench.send(call("alias", user="u1", anonymous=None, previousId="old"))
    bench.commit()
    bench.engine = bench.recovered()
    bench.send(track("Product Viewed", anonymous="old"))
    bench.send(track("Product Added", anonymous=None, user="old"))
    assert bench.record(USER, "u1")["n_events"] == 3


def test_a_device_known_as_shared_stays_so_after_a_restart(bench: Bench) -> None:
    bench.send(track("A", anonymous="kiosk", user="u1"), track("B", anonymous="kiosk", user="u2"))
    bench.commit()
    bench.engine = bench.recovered()
    bench.send(track("C", anonymous="kiosk"), track("D", anonymous="kiosk", user="u3"))
    owners = [bench.engine.row_of(1, USER, f"u{k}") for k in (1, 2, 3)]
    assert len({*owners, bench.engine.row_of(1, ANONYMOUS, "kiosk")}) == 4
    assert [int(bench.engine.records[row]["n_events"]) for row in owners] == [1, 1, 1]


# -- traits --------------------------------------------------------------------------------------------------------


def test_traits_before_a_merge_in_the_same_request_are_kept(bench: Bench) -> None:
    # the device says "red", becomes known as u1, who is known already as "blue" and tall
    bench.send(call("identify", anonymous=None, user="u1", traits={"colour": "blue", "is_tall": True}))
    bench.send(
        call("identify", anonymous="a1", traits={"colour": "red", "hat": 7}),
        track("Signed In", anonymous="a1", user="u1"),
        call("identify", anonymous="a1", traits={"shoe": 41}),
    )
    row = bench.engine.row_of(1, USER, "u1")
    assert bench.engine.traits_of(row) == {"colour": "blue", "is_tall": True, "hat": 7, "shoe": 41}


def test_traits_of_a_group_are_not_the_visitors(bench: Bench) -> None:
    bench.send(call("group", user="u1", groupId="g", traits={"name": "ACME", "employees": 7}))
    assert bench.engine.traits_of(bench.engine.row_of(1, USER, "u1")) == {}


def test_traits_taken_for_a_commit_are_still_known_until_it_is_stored(bench: Bench) -> None:
    bench.send(call("identify", traits={"a": 1}))
    commit = bench.engine.take_commit()
    bench.send(call("identify", NOON_MS + 1, traits={"b": 2}))
    assert commit is not None
    bench.store.commit(commit)
    bench.engine.forget_taken()
    bench.commit()
    assert bench.store.traits(0) == {"a": 1, "b": 2}


def test_identities_names_and_merges_taken_for_a_commit_are_still_found(bench: Bench) -> None:
    bench.send(track("Product Viewed", product_id="p"), track("Signed In", user="u1", anonymous=None))
    bench.send(track("Signed In", NOON_MS + 1, user="u1", anonymous="a1"))
    commit = bench.engine.take_commit()
    assert commit is not None
    assert {i.text for i in bench.engine.pending_identities()} == {"a1", "u1"}
    assert [m.merge_id for m in bench.engine.pending_merges()] == [1]
    keys = [key for _, key, what, _ in commit.names if what == "product"]
    assert list(bench.engine.pending_names(1, keys).values()) == ["p"]
    bench.engine.forget_taken()
    assert not bench.engine.pending_identities()


# -- facts ---------------------------------------------------------------------------------------------------------


def test_facts_hold_from_their_control_entry_on_and_after_a_restart(bench: Bench) -> None:
    shelf = FactsShelf(bench.folder / "facts")
    view = track("Product Viewed", product_id="p", category="c", price=30)
    bench.send(view)
    keys = [key for _, key, what, text in bench.engine.reader.new_names if what == "category"]
    prices = np.arange(1, 42, dtype=np.float32)
    shelf.put(make_facts(7, np.full(41, keys[0], np.uint64), prices, np.zeros(0, np.uint64), prices[:0]))
    bench.log.append([Entry(0, NOON_MS, int(Source.ENGINE), 1, b"", facts=7), entry({**view, "messageId": "2"})])
    bench.catch_up()
    record = bench.record(ANONYMOUS, "a1")
    assert (record["percentile_n"], round(float(record["percentile_sum"]), 3)) == (1, 0.725)
    bench.commit()
    bench.engine = bench.recovered()
    bench.send({**view, "messageId": "3"})
    assert bench.record(ANONYMOUS, "a1")["percentile_n"] == 2


def test_lost_facts_cost_price_places_and_nothing_else(bench: Bench) -> None:
    bench.log.append([Entry(0, NOON_MS, int(Source.ENGINE), 1, b"", facts=99)])
    bench.send(track("Product Viewed", product_id="p", category="c", price=30))
    assert status_counts(bench) == (1, 0, 0)
    bench.commit()
    assert bench.recovered().counters["facts"] == 99


# -- time ----------------------------------------------------------------------------------------------------------


def test_a_session_ends_by_its_timer_once(bench: Bench) -> None:
    bench.send(track("Product Viewed", NOON_MS))
    assert len(bench.engine.tick(NOON_MS + 30 * MINUTE_MS - 1)) == 0
    assert bench.engine.tick(NOON_MS + 30 * MINUTE_MS + 1).tolist() == [0]
    assert len(bench.engine.tick(NOON_MS + 60 * MINUTE_MS)) == 0
    assert bench.engine.records[0]["states"] & ENDED
    commit = bench.engine.take_commit()
    assert commit is not None
    [(offset, data)] = commit.ended
    assert (offset, np.frombuffer(data, SESSION)["n_events"].tolist()) == (1, [1])


def test_timers_are_there_again_after_a_restart(bench: Bench) -> None:
    bench.send(track("Product Viewed", NOON_MS))
    bench.commit()
    engine = bench.recovered()
    assert engine.tick(NOON_MS + 31 * MINUTE_MS).tolist() == [0]


# -- after a crash -------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    seed=st.integers(0, 5),
    commits=st.lists(st.integers(1, 120), max_size=6),
    sizes=st.lists(st.integers(1, 40), max_size=30),
    crashes=st.sets(st.integers(0, 30), max_size=5),
)
def test_whenever_it_stops_recovery_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, seed: int, commits: list[int], sizes: list[int], crashes: set[int]
) -> None:
    events = trace(seed, 200)
    folder = tmp_path_factory.mktemp("recovery")
    whole, broken = Bench(folder), Bench(folder)
    for request in in_chunks(events, (7, 1, 30)):
        whole.send(*request)
    at = 0
    for i, request in enumerate(in_chunks(events, sizes)):
        broken.send(*request)
        if commits and broken.engine.next_offset - at >= commits[0]:
            broken.commit()
            at = broken.engine.next_offset
            commits = commits[1:]
        if i in crashes:
            broken.engine = broken.recovered()
            broken.catch_up(most=sizes[i % len(sizes)] if sizes else 100)
    broken.engine = broken.recovered()
    broken.catch_up()
    for bench in (whole, broken):
        bench.end_all()
        bench.commit()
    assert bytes_of(broken.engine) == bytes_of(whole.engine)
    assert state_of(broken) == state_of(whole)


def state_of(bench: Bench) -> dict[str, Any]:
    """Everything that is stored, in a form that doesn't depend on when it was."""
    store: MemoryRecordStore = bench.store
    counters = store.load().counters
    sessions = [np.frombuffer(data, SESSION) for _, _, data in store.ended()]
    last = {(int(s["row"]), int(s["number"])): s.tobytes() for part in sessions for s in part}
    return {
        "counters": {k: v for k, v in counters.items() if k != "clock_ms"},
        "identities": sorted(store.identities(), key=repr),
        "traits": {row: store.traits(row) for row in range(bench.engine.n_rows)},
        "failed": [(f.offset, f.reason) for f in store.failed(1, 1000)],
        "merges": [m for row in range(bench.engine.n_rows) for m in store.merges_of(row)],
        "sessions": sorted(last.items()),
    }  # fmt: skip


def test_the_trace_of_these_tests_has_everything_in_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for seed in range(6):
        bench.send(*trace(seed, 200))
    applied, duplicate, failed = status_counts(bench)
    assert applied > 900
    assert duplicate > 10
    assert failed > 20
    assert bench.engine.counters["merges"] > 5
    assert sum(i.is_shared for i in bench.engine.pending_identities()) >= 1
    assert set(np.flatnonzero(bench.engine.records["counts"].sum(axis=0))) >= {
        Kind.PAGE_VIEW, Kind.PRODUCT_VIEW, Kind.CART_ADD, Kind.ORDER, Kind.REFUND, Kind.SEARCH, Kind.CUSTOM,
    }  # fmt: skip


@settings(max_examples=30)
@given(seed=st.integers(0, 20), sizes=st.lists(st.integers(1, 60), max_size=40))
def test_the_cut_into_batches_makes_no_difference(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("batches")
    events = trace(seed, 200)
    one, many = Bench(folder), Bench(folder)
    one.send(*events)
    for request in in_chunks(events, sizes):
        many.send(*request)
    assert bytes_of(one.engine) == bytes_of(many.engine)
    assert one.engine.counters == many.engine.counters
    rows = range(one.engine.n_rows)
    assert [one.engine.traits_of(row) for row in rows] == [many.engine.traits_of(row) for row in rows]
    assert sorted(one.engine.pending_identities(), key=repr) == sorted(many.engine.pending_identities(), key=repr)


def test_a_control_entry_ends_its_batch() -> None:
    events, control = entry(track("A")), Entry(0, NOON_MS, int(Source.ENGINE), 1, b"")
    batches = split_at_control([(0, events), (1, control), (2, control), (3, events), (4, events)])
    assert [[offset for offset, _ in batch] for batch in batches] == [[0, 1], [2], [3, 4]]


# -- scores --------------------------------------------------------------------------------------------------------


def test_scores_leave_no_trace_in_records(tmp_path: Path) -> None:
    events = trace(21, 400)
    plain, scored = Bench(tmp_path / "plain"), Bench(tmp_path / "scored")
    scored.engine.scoring = Scoring()
    for bench in (plain, scored):
        for chunk in in_chunks(events, [37] * 10):
            bench.send(*chunk)
    assert (
        scored.engine.records[: scored.engine.n_rows].tobytes() == plain.engine.records[: plain.engine.n_rows].tobytes()
    )
    one, other = plain.engine.take_commit(), scored.engine.take_commit()
    assert one is not None and other is not None
    assert one.records.tobytes() == other.records.tobytes()
    assert one.batches == other.batches
    assert plain.engine.scored is None and scored.engine.scored is not None


def test_a_batch_scores_whom_it_touched_as_of_their_last_event(bench: Bench) -> None:
    bench.engine.scoring = Scoring()
    bench.send(
        track("Product Viewed", anonymous="a1"),
        track("Product Viewed", NOON_MS + MINUTE_MS, anonymous="a2"),
        track("Product Added", NOON_MS + 2 * MINUTE_MS, anonymous="a1", product_id="p"),
        track("", NOON_MS + 3 * MINUTE_MS, anonymous="a3"),  # refused
    )
    scored = bench.engine.scored
    assert scored is not None
    rows = [bench.engine.row_of(1, ANONYMOUS, name) for name in ("a1", "a2")]
    assert dict(zip(scored.rows.tolist(), scored.offsets.tolist(), strict=True)) == dict(zip(rows, (2, 1), strict=True))
    assert sorted(scored.times.tolist()) == [NOON_MS + MINUTE_MS, NOON_MS + 2 * MINUTE_MS]
    bench.send(track("", NOON_MS + 4 * MINUTE_MS, anonymous="a1"))
    assert bench.engine.scored is None


def test_who_became_one_within_a_batch_is_scored_as_one(bench: Bench) -> None:
    bench.engine.scoring = Scoring()
    bench.send(
        track("Product Viewed", anonymous="a1", user="u1"),
        track("Product Viewed", NOON_MS + 1_000, anonymous="a2"),
        track("Product Viewed", NOON_MS + 2_000, anonymous="a2", user="u1"),
    )
    scored = bench.engine.scored
    assert scored is not None
    assert scored.rows.tolist() == [bench.engine.row_of(1, USER, "u1")]
    assert scored.offsets.tolist() == [2]
    assert scored.features[0, FEATURE_IDX["product_view_n"]] == 3


def test_a_refund_or_an_event_of_long_ago_is_outside_of_the_session(bench: Bench) -> None:
    bench.engine.scoring = Scoring()
    for event, is_inside in (
        (track("Product Viewed", NOON_MS), True),
        (track("Order Refunded", NOON_MS + MINUTE_MS, order_id="o", revenue=3), False),
        (track("Product Viewed", NOON_MS - DAY_MS), False),
        (track("Product Viewed", NOON_MS - MINUTE_MS), True),
    ):
        bench.send(event, received_ms=NOON_MS + 2 * MINUTE_MS)
        scored = bench.engine.scored
        assert scored is not None
        assert scored.is_in_session.tolist() == [is_inside]
