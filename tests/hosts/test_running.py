"""A data folder and its loops: what is stored when, and what happens when a part fails."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.adapters.faulty_vfs import FaultyVfs, power_cuts
from tests.served import until
from tests.stories import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    NOON_MS,
    SETTINGS,
    Shop,
    bytes_of,
    call,
    entry,
    in_chunks,
    trace,
    track,
)

from footfall.base.clock import ManualClock
from footfall.base.errors import BadInput, Unavailable
from footfall.base.ids import USER
from footfall.hosts.init import init
from footfall.hosts.running import Running
from footfall.ports import Commit
from footfall.record.layout import ENDED


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "data")
    yield shop
    shop.close()


def after_a_crash(shop: Shop) -> Shop:
    shop.crash()
    return Shop(shop.folder.path, now_ms=shop.clock.now_ms())


# -- one process ---------------------------------------------------------------------------------------------------


def test_a_folder_belongs_to_one_process(shop: Shop) -> None:
    with pytest.raises(Unavailable) as refused:
        Running(shop.folder.path, SETTINGS)
    assert refused.value.code == "in_use"


# -- what is stored ------------------------------------------------------------------------------------------------


def test_without_any_commit_the_log_brings_everything_back(shop: Shop) -> None:
    shop.clock.set_ms(NOON_MS + DAY_MS)
    for request in in_chunks(trace(5, 120), [1, 20, 3]):
        shop.send(*request)
    before = bytes_of(shop.folder.engine)
    shop = after_a_crash(shop)
    assert bytes_of(shop.folder.engine) == before
    shop.close()


def test_a_commit_that_the_disk_refuses_is_stored_later_with_nothing_lost(shop: Shop) -> None:
    shop.send(
        call("identify", anonymous="a1", user="u1", traits={"a": 1}), track(""), track("Product Viewed", product_id="p")
    )
    store, attempts = shop.folder.store, []

    def full(commit: Commit) -> None:
        attempts.append(commit)
        raise Unavailable("The disk is full.", code="disk_full")

    store.commit = full  # type: ignore[method-assign]
    for _ in range(2):
        with pytest.raises(Unavailable):
            shop.folder.commit()
    assert attempts[0] is attempts[1]
    # meanwhile events go on, and what the API shows is whole
    shop.send(call("identify", NOON_MS + 1, anonymous="a1", user="u1", traits={"b": 2}))
    visitor = shop.profiles.visitor(1, "u1")
    assert visitor is not None
    assert visitor["traits"] == {"a": 1, "b": 2}
    assert [i["id"] for i in visitor["identities"]] == ["u1", "a1"]
    assert visitor["recent_products"] == ["p"]
    assert shop.profiles.failed(1, limit=9, cursor=None, reason=None)["total"] == 0  # not stored yet
    assert shop.profiles.ledger()["failed"] == 1
    del store.commit  # type: ignore[method-assign]
    shop.store()
    assert shop.profiles.failed(1, limit=9, cursor=None, reason=None)["total"] == 1
    before = bytes_of(shop.folder.engine)
    shop = after_a_crash(shop)
    assert bytes_of(shop.folder.engine) == before
    assert shop.folder.engine.traits_of(0) == {"a": 1, "b": 2}
    assert shop.folder.engine.row_of(1, USER, "u1") == 0
    assert shop.folder.committed_offset == 4
    shop.close()


def test_a_commit_that_fails_by_a_mistake_of_ours_is_not_forgotten_either(shop: Shop) -> None:
    shop.send(track("A"))
    store = shop.folder.store

    def broken(commit: Commit) -> None:
        raise BadInput("a mistake")

    store.commit = broken  # type: ignore[method-assign]
    with pytest.raises(BadInput):
        shop.folder.commit()
    del store.commit  # type: ignore[method-assign]
    shop.send(track("B"))
    shop.folder.commit()
    shop.folder.commit()
    shop = after_a_crash(shop)
    assert shop.folder.engine.counters["applied"] == 2
    assert shop.records["n_events"].tolist() == [2]
    shop.close()


@pytest.mark.parametrize("fails_at", ["_note", "_step_piece", "_note_links"])
def test_an_engine_that_failed_midway_is_thrown_away_and_recovered(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    shop.clock.set_ms(NOON_MS + DAY_MS)
    first, second = trace(6, 60), trace(7, 60)
    shop.send(*first)
    shop.folder.commit()
    shop.send(*second[:30])
    with monkeypatch.context() as patch:
        patch.setattr(type(shop.folder.engine), fails_at, _raises)
        shop.folder.log.append([entry(*second[30:], received_ms=NOON_MS + DAY_MS)])
        for _ in range(2):
            with pytest.raises(MemoryError):
                shop.apply()
            assert shop.folder.commit() is False  # nothing half moved is ever stored
    shop.apply()
    assert shop.profiles.ledger()["lag_events"] == 0
    whole = Shop(shop.folder.path.parent / "whole", now_ms=NOON_MS + DAY_MS)
    for request in (first, second[:30], second[30:]):
        whole.send(*request)
    assert bytes_of(shop.folder.engine) == bytes_of(whole.folder.engine)
    assert shop.folder.engine.counters == whole.folder.engine.counters
    whole.close()
    shop.store()
    shop = after_a_crash(shop)
    assert shop.folder.engine.counters["applied"] == int(shop.records["n_events"].sum())
    shop.close()


def _raises(*_: Any) -> None:
    raise MemoryError


# -- power cuts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_after_a_power_cut_what_was_in_the_log_is_in_the_profiles(tmp_path: Path, disk: FaultyVfs, seed: int) -> None:
    rng = random.Random(seed)
    events = trace(seed, 60)
    shop = Shop(tmp_path / "data", now_ms=NOON_MS + DAY_MS, vfs=disk.name)
    for i, request in enumerate(in_chunks(events, [rng.randrange(1, 9) for _ in range(15)])):
        shop.send(*request)
        disk.mark(shop.folder.log.next_offset())
        if i % 3 == 2:
            shop.folder.commit()
    whole = bytes_of(shop.folder.engine)
    shop.crash()
    cuts = list(power_cuts(disk.history, rng))
    for i, cut in enumerate(rng.sample(cuts, 8)):
        folder = tmp_path / f"cut-{i}"
        init(folder, "shop", SETTINGS)
        for name in ("journal.db", "journal.db-wal", "records.db", "records.db-wal"):
            if name in cut.files:
                (folder / name).write_bytes(cut.files[name])
        after = Shop(folder, now_ms=NOON_MS + DAY_MS)
        assert after.folder.log.next_offset() >= (cut.note or 0)
        assert after.profiles.ledger()["received"] == after.folder.log.next_offset()
        assert after.folder.engine.counters["applied"] == int(after.records["n_events"].sum())
        after.send(*events)  # the client sends it all again
        assert bytes_of(after.folder.engine) == whole
        after.close()


# -- the loops -----------------------------------------------------------------------------------------------------


def test_what_is_logged_is_applied_stored_and_in_the_lake_by_itself(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SETTINGS, commit_interval_ms=10, lake_interval_s=1)
    init(tmp_path / "data", "shop", settings)
    running = Running(tmp_path / "data", settings)
    running.start()
    try:
        now_ms = running.clock.now_ms()
        running.folder.log.append([entry(track("A", now_ms), track("B", now_ms - HOUR_MS), received_ms=now_ms)])
        until(lambda: running.lag_events() == 0)
        until(lambda: running.folder.committed_offset == 2)
        until(lambda: running.folder.lake.position() == 2)
        assert running.trouble() == ""
    finally:
        running.stop()
    assert not any(thread.name.startswith("footfall-") for thread in threading.enumerate())


def test_sessions_end_although_there_is_always_something_to_apply(tmp_path: Path) -> None:
    data = tmp_path / "data"
    init(data, "shop", SETTINGS)
    clock = ManualClock(NOON_MS + HOUR_MS)
    running = Running(data, SETTINGS, clock)
    running.folder.log.append([entry(track("A", NOON_MS), received_ms=NOON_MS + 1)])
    running.folder.catch_up()
    n_turns = 0

    def always(most: int) -> int:
        nonlocal n_turns
        n_turns += 1
        return 1

    running.folder.apply = always  # type: ignore[method-assign]
    for _ in range(3):
        running._turn_engine()
    assert n_turns == 3
    assert running.folder.engine.records[0]["states"] & ENDED
    running.stop()


def test_a_loop_that_fails_for_long_makes_the_server_unready_and_goes_on_when_it_can(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SETTINGS, commit_interval_ms=10)
    init(tmp_path / "data", "shop", settings)
    clock = ManualClock(NOON_MS)
    running = Running(tmp_path / "data", settings, clock)
    store = running.folder.store

    def full(commit: Commit) -> None:
        raise Unavailable("The disk is full.", code="disk_full")

    store.commit = full  # type: ignore[method-assign]
    running.start()
    try:
        running.folder.log.append([entry(track("A"), received_ms=NOON_MS)])
        until(lambda: "store" in running.troubles)
        assert running.trouble() == ""
        clock.set_ms(NOON_MS + MINUTE_MS)
        assert running.trouble() == "The store loop has failed for 60 s: Unavailable: The disk is full."
        del store.commit  # type: ignore[method-assign]
        until(lambda: not running.troubles)
        assert running.trouble() == ""
        until(lambda: running.folder.committed_offset == 1)
    finally:
        running.stop()


def test_too_much_lag_makes_the_server_unready(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SETTINGS, lag_max_events=4)
    shop = Shop(tmp_path / "data", settings)
    shop.folder.log.append([entry(track("A"), track("B"), track("C"))])
    assert shop.running.trouble() == "3 events wait to be applied."
    shop.apply()
    assert shop.running.trouble() == ""
    shop.close()


def test_it_stops_with_a_full_disk_and_the_log_has_it_all(tmp_path: Path, disk: FaultyVfs) -> None:
    shop = Shop(tmp_path / "data", vfs=disk.name)
    shop.send(track("A"))
    disk.room_bytes = 0
    shop.close()
    disk.room_bytes = None
    shop = Shop(tmp_path / "data")
    assert shop.records["n_events"].tolist() == [1]
    shop.close()


def test_the_api_answers_while_the_disk_is_full(tmp_path: Path, disk: FaultyVfs) -> None:
    shop = Shop(tmp_path / "data", vfs=disk.name)
    shop.send(track("A"), track(""))
    shop.store()
    shop.send(track("B", NOON_MS), track("", NOON_MS + 1))
    disk.room_bytes = 0
    profiles = shop.profiles
    assert profiles.failed(1, limit=9, cursor=None, reason=None)["total"] == 1
    assert profiles.ledger()["failed"] == 2
    assert profiles.visitor(1, "a1") is not None
    found = profiles.timeline(1, "a1", limit=9, cursor=None)
    assert found is not None
    assert [item["name"] for item in found["items"]] == ["B", "A"]
    assert len(profiles.changed_since(1, 0, 9)) == 1
    with pytest.raises(Unavailable):
        profiles.replay_failed(1, None, None)
    disk.room_bytes = None
    assert profiles.failed(1, limit=9, cursor=None, reason=None)["total"] == 2
    shop.close()


def test_a_log_is_open_again_only_when_it_has_taken_something(tmp_path: Path, disk: FaultyVfs) -> None:
    shop = Shop(tmp_path / "data", vfs=disk.name)
    shop.send(track("A"))
    disk.room_bytes = 0
    for _ in range(2):
        with pytest.raises(Unavailable):
            shop.folder.log.reopen()
    disk.room_bytes = None
    shop.folder.log.reopen()
    assert shop.folder.ledger() == {"received": 1, "applied": 1, "duplicate": 0, "failed": 0, "lag_events": 0}
    shop.send(track("B", NOON_MS + 1))
    shop.apply()
    shop.store()
    assert shop.folder.ledger() == {"received": 2, "applied": 2, "duplicate": 0, "failed": 0, "lag_events": 0}
    shop = after_a_crash(shop)
    assert shop.folder.ledger() == {"received": 2, "applied": 2, "duplicate": 0, "failed": 0, "lag_events": 0}
    shop.close()


# -- housekeeping --------------------------------------------------------------------------------------------------


def test_the_journal_goes_once_the_lake_has_it_and_it_is_old_enough(shop: Shop) -> None:
    for day in range(4):
        shop.clock.set_ms(NOON_MS + day * DAY_MS)
        shop.send(track("A", NOON_MS + day * DAY_MS))
        shop.folder.commit()
    shop.folder.trim_journal(shop.clock.now_ms())
    assert [offset for offset, _ in shop.folder.log.read(0, 9)] == [0, 1, 2, 3]  # the lake has nothing yet
    shop.folder.write_lake()
    shop.folder.trim_journal(shop.clock.now_ms())
    assert shop.folder.log.read(2, 9)[0][0] == 2
    with pytest.raises(Exception, match="trimmed"):
        shop.folder.log.read(0, 9)
    shop = after_a_crash(shop)
    assert shop.folder.engine.counters["applied"] == 4
    shop.close()


def test_housekeeping_keeps_the_window_of_duplicates(shop: Shop) -> None:
    days = [track("A", NOON_MS + day * DAY_MS) for day in range(12)]
    for day, event in enumerate(days):
        shop.clock.set_ms(NOON_MS + day * DAY_MS)
        shop.send(event)
        shop.store()
        shop.folder.tidy(shop.clock.now_ms())
    shop.send(*days[5:])
    assert (shop.folder.engine.counters["applied"], shop.folder.engine.counters["duplicate"]) == (12, 7)
    shop.store()
    shop = after_a_crash(shop)
    shop.send(*days[5:])
    assert (shop.folder.engine.counters["applied"], shop.folder.engine.counters["duplicate"]) == (12, 14)
    shop.send(days[0])
    assert shop.folder.engine.counters["applied"] == 13  # longer ago than anybody promised to remember
    shop.close()
