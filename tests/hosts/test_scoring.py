"""Live scores of a data folder: who makes them, what is kept of them, and whether training sees the same."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from tests.models.test_scoring import Broken, Constant
from tests.stories import DAY_MS, HOUR_MS, MINUTE_MS, NOON_MS, SETTINGS, Shop, entry, in_chunks, trace, track

from footfall.base.errors import Unavailable
from footfall.record.features import CATALOGUE_ID, N_FEATURES
from footfall.training_set import make_rows


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "data")
    shop.folder.is_scoring = True
    yield shop
    shop.close()


def decisions(shop: Shop, columns: str = "*") -> list[dict[str, Any]]:
    rows: pa.Table = shop.folder.lake.query(f'SELECT {columns} FROM decisions ORDER BY "offset"')
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def test_scores_at_checkpoints_are_in_the_lake_with_what_they_were_made_from(shop: Shop) -> None:
    for i in range(6):  # one request each, so each is a batch
        shop.send(track("Product Viewed", NOON_MS + i * 1_000, anonymous="a1"))
    assert decisions(shop) == []
    shop.store()
    found = decisions(shop)
    assert [(d["offset"], d["n_events"]) for d in found] == [(0, 1), (1, 2), (2, 3), (4, 5)]
    first = found[0]
    row = shop.profiles.visitor(1, "a1")
    assert row is not None
    assert (first["site"], first["session_number"], first["version"], first["challenger_version"]) == (1, 1, 0, None)
    assert first["time_ms"] == NOON_MS and first["catalogue_id"] == CATALOGUE_ID
    assert len(np.frombuffer(first["features"], "<f4")) == N_FEATURES
    assert 0 < first["session"] < 1 and 0 < first["week"] < 1
    shop.store()
    assert decisions(shop) == found


@pytest.mark.parametrize("seed", [1, 2])
def test_training_sees_bit_by_bit_what_was_served(shop: Shop, seed: int) -> None:
    for i, chunk in enumerate(in_chunks(trace(seed, 1_200), [40] * 29)):
        shop.send(*chunk, received_ms=_last_ms(chunk) + 1_000)
        if i % 9 == 4:
            shop.folder.tick(_last_ms(chunk) + 1_000)
        if i == 12:
            shop.store()
            shop.folder.publish_facts(_last_ms(chunk) + HOUR_MS)
            shop.apply()
    shop.store()
    kept = decisions(shop)
    assert len(kept) > 30
    offsets = np.array([d["offset"] for d in kept], np.int64)
    folder = shop.folder
    splits = [m.key_a ^ m.key_b for m in folder.store.undone_merges()]
    rows = make_rows(folder.lake, folder.shelf, folder.settings, 1, wanted_offsets=offsets, splits=splits)
    assert sorted(rows.offsets.tolist()) == offsets.tolist()
    replayed = dict(zip(rows.offsets.tolist(), rows.features, strict=True))
    for decision in kept:
        assert replayed[decision["offset"]].tobytes() == decision["features"], decision["offset"]


def _last_ms(chunk: list[dict[str, Any]]) -> int:
    from datetime import datetime

    return max(int(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000) for event in chunk)


def test_the_challenger_is_asked_about_what_is_logged(shop: Shop) -> None:
    shop.folder.use_model(1, Constant(3, 0.25), Constant(4, 0.75))
    shop.send(track("Product Viewed", anonymous="a1"))
    shop.store()
    [one] = decisions(shop, "version, session, week, challenger_version, challenger_session, challenger_week")
    assert one == {
        "version": 3, "session": 0.25, "week": 0.25,
        "challenger_version": 4, "challenger_session": 0.75, "challenger_week": 0.75,
    }  # fmt: skip


def test_what_was_not_committed_is_decided_on_again_and_logged_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.send(track("Product Viewed", anonymous="a1"))
    with monkeypatch.context() as patch:
        patch.setattr(shop.folder.engine, "_note", _fail)
        shop.folder.log.append([entry(track("Product Viewed", anonymous="a2"), received_ms=NOON_MS)])
        with pytest.raises(ZeroDivisionError):
            shop.folder.apply(1_000)
    shop.apply()  # recovered from before the first event
    shop.store()
    assert [d["offset"] for d in decisions(shop)] == [0, 1]


def _fail(*_: object) -> None:
    raise ZeroDivisionError


def test_a_lake_that_fails_gets_the_decisions_later(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.send(track("Product Viewed", anonymous="a1"))
    write = shop.folder.lake.write

    def full(table: str, *rest: Any) -> None:
        if table == "decisions":
            raise Unavailable("The disk is full.", code="disk_full")
        write(table, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(shop.folder.lake, "write", full)
        with pytest.raises(Unavailable):
            shop.store()
    shop.send(track("Product Viewed", anonymous="a2"))
    shop.store()
    assert [d["offset"] for d in decisions(shop)] == [0, 1]


def test_decisions_go_after_their_retention_and_events_stay(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "data", msgspec.structs.replace(SETTINGS, decision_retention_days=10))
    shop.folder.is_scoring = True
    shop.send(track("Product Viewed", anonymous="a1"))
    shop.store()
    shop.folder.tidy(NOON_MS + 9 * DAY_MS)
    assert len(decisions(shop)) == 1
    shop.folder.tidy(NOON_MS + 12 * DAY_MS)
    assert decisions(shop) == []
    assert shop.folder.lake.query("SELECT count(*) AS n FROM events").to_pylist() == [{"n": 1}]
    shop.close()


def test_a_model_that_fails_is_told_of_once_and_stops_nothing(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.folder.use_model(1, Broken(5, 0.5))
    for i in range(3):
        shop.send(track("Product Viewed", NOON_MS + i, anonymous="a1"))
    assert shop.folder.scoring.n_failed == 3
    assert sum(text.count("version 5: ZeroDivisionError") for text in capsys.readouterr()) == 1
    shop.store()
    assert [d["version"] for d in decisions(shop)] == [0, 0, 0]
    assert shop.folder.ledger()["applied"] == 3


def test_models_change_while_events_flow_and_none_is_lost(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SETTINGS, decisions_max_per_s=10_000, lake_interval_s=3_600)
    shop = Shop(tmp_path / "data", settings)
    running = shop.running
    running.start()
    try:
        n, n_swaps = 3_000, 40
        swapped = threading.Event()

        def swap() -> None:
            for version in range(1, n_swaps + 1):
                running.folder.use_model(1, Constant(version, version / 100), Constant(version + 100, 0.5))
            swapped.set()

        swapping = threading.Thread(target=swap)
        for start in range(0, n, 100):
            events = [track("A", NOON_MS - MINUTE_MS + i, anonymous=f"a{i}") for i in range(start, start + 100)]
            running.folder.log.append([entry(*events, received_ms=NOON_MS + start)])
            if start == 500:
                swapping.start()
        swapping.join()
        assert swapped.is_set()
        while running.lag_events():
            threading.Event().wait(0.005)
        assert running.folder.ledger()["applied"] == n
        running.folder.log.append([entry(track("A", anonymous="last"), received_ms=NOON_MS + n)])
        while running.lag_events():
            threading.Event().wait(0.005)
        page = shop.profiles.visitors(1, is_live=False, limit=500, cursor=None, q="", sort="propensity")
        assert {row["propensity"]["session"] for row in page["visitors"]} == {n_swaps / 100}
        running.folder.commit()
        running.folder.write_lake()
        for d in decisions(shop, "version, session, challenger_version"):
            if d["version"]:
                assert d["session"] == pytest.approx(d["version"] / 100)
                assert d["challenger_version"] == d["version"] + 100
    finally:
        shop.is_open = False
        running.stop()
