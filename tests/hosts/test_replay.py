"""History in by event time: the same events give the same bytes, live, imported or exported, and only once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.served import Served
from tests.stories import DAY_MS, HOUR_MS, MINUTE_MS, SETTINGS, Shop, bytes_of, in_chunks, trace, track

from footfall.base.clock import SystemClock
from footfall.base.errors import BadInput, Missing
from footfall.base.ids import USER
from footfall.events.formats.mapping import Mapping
from footfall.events.formats.order import sorted_by_time
from footfall.events.formats.read import mapping_of, read
from footfall.hosts.export import export
from footfall.hosts.importing import take_in
from footfall.hosts.init import init
from footfall.hosts.replay import ImportResult, import_files
from footfall.ports import Identity
from footfall.record.layout import ENDED

pytestmark = pytest.mark.xdist_group("served")  # one real server at a time

YESTERDAY_NOON_MS = SystemClock().now_ms() // DAY_MS * DAY_MS - DAY_MS // 2


def imported(data: Path, files: list[Path], mapping: Mapping | None, site: str | None = None) -> ImportResult:
    """Import without the list of files that were taken in before, so that the events themselves must be known."""
    scratch = data.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return import_files(data, SETTINGS, site, sorted_by_time(read(files, mapping), scratch))


def state_of(data: Path) -> tuple[bytes, list[Identity], dict[str, int]]:
    """Records, identities and counters of a folder nobody holds, all sessions ended."""
    shop = Shop(data, now_ms=SystemClock().now_ms())
    try:
        shop.end_all()
        shop.store()
        engine = shop.folder.engine
        identities = sorted(shop.folder.store.identities(), key=lambda i: (i.what, i.text))
        assert (shop.records["states"][shop.records["session_number"] > 0] & ENDED != 0).all()
        counts = {k: engine.counters[k] for k in ("applied", "failed", "merges")}
        return bytes_of(engine), identities, counts
    finally:
        shop.close()


# -- the same everywhere -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return trace(11, 300, start_ms=YESTERDAY_NOON_MS, step_ms=20_000)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, events: list[dict[str, Any]]) -> Iterator[Path]:
    """A data folder into which the events came over HTTP, a request after the other."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = Served(tmp_path_factory.mktemp("live") / "data", port)
    served.start()
    try:
        for request in in_chunks(events, [1, 2, 30, 1, 1, 7, 60, 3, 90]):
            answer = served.ask("POST", "/v1/batch", json.dumps({"batch": request}).encode(), auth(served))
            assert answer.status == 200
        assert served.settled()["received"] == len(events)
        assert served.stop() == 0
        yield served.data
    finally:
        served.close()


def auth(served: Served) -> dict[str, str]:
    return {"x-write-key": served.made.write_key}


def test_a_trace_sent_live_and_the_same_trace_imported_give_identical_bytes(
    live: Path, tmp_path: Path, events: list[dict[str, Any]]
) -> None:
    data, file = tmp_path / "data", tmp_path / "trace.ndjson"
    init(data, "shop", SETTINGS)
    file.write_bytes(b"\n".join(msgspec.json.encode(event) for event in events))
    result = imported(data, [file], None)
    assert result.events == len(events)
    assert result.failed > 3
    assert result.duplicate > 3
    assert state_of(data) == state_of(live)


def test_what_was_live_exported_and_imported_again_gives_identical_bytes(live: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    expected = state_of(live)
    n = export(live, SETTINGS, out)["events"]
    init(data, "shop", SETTINGS)
    result = imported(data, sorted(out.glob("events/*/*.parquet")), None)
    assert (result.events, result.applied, result.duplicate, result.failed) == (n, n, 0, 0)
    records, identities, counts = state_of(data)
    assert records == expected[0]
    assert identities == expected[1]
    assert counts["merges"] == expected[2]["merges"]


# -- real files ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_taobao_gives_the_same_figures_however_often_it_comes(tmp_path: Path, shared_data: Path) -> None:
    data, file = tmp_path / "data", shared_data / "taobao_userbehavior_head" / "UserBehavior.csv"
    init(data, "shop", SETTINGS)
    first = take_in(data, SETTINGS, [file], "taobao", None, "")
    assert (first.events, first.applied, first.duplicate, first.failed) == (84_475, 84_475, 0, 0)
    assert (first.visitors, first.orders) == (815, 1_750)
    again = take_in(data, SETTINGS, [file], "taobao", None, "")
    assert (again.events, again.applied, again.duplicate, again.failed) == (84_475, 0, 84_475, 0)
    assert (again.visitors, again.orders) == (815, 1_750)
    # and without remembering the file: every messageId is known, in the next process too
    before = state_of(data)[0]
    bypassed = imported(data, [file], mapping_of("taobao", None))
    assert (bypassed.applied, bypassed.duplicate, bypassed.failed) == (0, 84_475, 0)
    assert (bypassed.visitors, bypassed.orders, bypassed.profile_events) == (815, 1_750, 84_475)
    assert state_of(data)[0] == before


@pytest.mark.slow
def test_rees46_gives_the_same_figures_however_often_it_comes(tmp_path: Path, shared_data: Path) -> None:
    data, file = tmp_path / "data", shared_data / "rees46_oct2019_head" / "2019-Oct.csv"
    init(data, "shop", SETTINGS)
    first = take_in(data, SETTINGS, [file], "rees46", None, "")
    assert (first.events, first.applied, first.duplicate, first.failed) == (17_434, 17_429, 5, 0)
    assert first.orders == 214
    again = take_in(data, SETTINGS, [file], "rees46", None, "")
    assert (again.applied, again.duplicate, again.visitors, again.orders) == (0, 17_434, first.visitors, 214)
    bypassed = imported(data, [file], mapping_of("rees46", None))
    assert (bypassed.applied, bypassed.duplicate) == (0, 17_434)
    assert (bypassed.visitors, bypassed.orders, bypassed.profile_events) == (first.visitors, 214, 17_429)


# -- time ----------------------------------------------------------------------------------------------------------


def table(tmp_path: Path, rows: list[tuple[int, str, int]]) -> Path:
    """A Taobao file of (user, behaviour, epoch seconds)."""
    file = tmp_path / "t.csv"
    file.write_text("".join(f"{user},10,3,{what},{seconds}\n" for user, what, seconds in rows))
    return file


def test_sessions_end_by_the_clock_of_the_events(tmp_path: Path) -> None:
    # user 1: 0:00  0:29 | 3:00      user 2: 0:10
    data, start = tmp_path / "data", 1_511_600_000
    init(data, "shop", SETTINGS)
    rows = [(1, "pv", 0), (2, "pv", 600), (1, "pv", 29 * 60), (1, "buy", 3 * 3600)]
    file = table(tmp_path, [(user, what, start + s) for user, what, s in rows])
    result = imported(data, [file], mapping_of("taobao", None))
    assert (result.visitors, result.orders, result.profile_events) == (2, 1, 4)
    assert isinstance(result.events_per_s, int)
    shop = Shop(data)
    assert shop.records["session_number"].tolist() == [2, 1]
    found = shop.folder.lake.query("SELECT row, number, n_events FROM sessions ORDER BY ALL").to_pylist()
    assert [tuple(row.values()) for row in found] == [(0, 1, 2), (0, 2, 1), (1, 1, 1)]
    shop.close()


def test_events_of_the_future_are_taken_for_events_of_now(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "e.ndjson"
    init(data, "shop", SETTINGS)
    before_ms = SystemClock().now_ms()
    lines = [track("Now", before_ms - HOUR_MS), track("Then", 95_000_000_000_000)]
    file.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
    assert imported(data, [file], None).applied == 2
    shop = Shop(data)
    [record] = shop.records
    assert before_ms <= int(record["last_seen"]) <= SystemClock().now_ms()
    assert record["session_number"] == 2
    shop.close()


def test_older_history_does_not_disturb_what_came_since(tmp_path: Path) -> None:
    now_ms = SystemClock().now_ms()
    shop = Shop(tmp_path / "data", now_ms=now_ms)
    shop.send(track("Product Viewed", now_ms - MINUTE_MS, anonymous=None, user="1", product_id="p", price=3))
    shop.store()
    shop.close()
    file = table(tmp_path, [(1, "buy", 1_511_600_000), (1, "pv", 1_511_600_060)])
    assert imported(shop.folder.path, [file], mapping_of("taobao", None)).applied == 2
    shop = Shop(tmp_path / "data", now_ms=now_ms)
    [record] = shop.records
    assert (int(record["last_seen"]), int(record["first_seen"])) == (now_ms - MINUTE_MS, 1_511_600_000_000)
    assert (record["n_events"], record["session_n_events"], record["session_number"]) == (3, 1, 1)
    assert shop.folder.engine.row_of(1, USER, "1") == 0
    shop.close()


def test_an_import_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    data, start = tmp_path / "data", 1_511_600_000
    init(data, "shop", SETTINGS)
    rows = [(user, "buy" if i % 9 == 0 else "pv", start + 700 * i + user) for i in range(60) for user in (1, 2, 3)]
    file = table(tmp_path, rows)
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def cut_off() -> Iterator[Any]:
        for chunk in sorted_by_time(read([file], mapping_of("taobao", None)), scratch):
            yield msgspec.structs.replace(chunk, lines=chunk.lines[:100], times_ms=chunk.times_ms[:100])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files(data, SETTINGS, None, cut_off())
    result = imported(data, [file], mapping_of("taobao", None))
    assert (result.applied, result.duplicate, result.profile_events) == (80, 100, 180)
    whole = tmp_path / "whole"
    init(whole, "shop", SETTINGS)
    imported(whole, [file], mapping_of("taobao", None))
    assert state_of(data)[0] == state_of(whole)[0]


def test_the_site_must_be_clear(tmp_path: Path) -> None:
    data = tmp_path / "data"
    init(data, "shop", SETTINGS)
    shop = Shop(data)
    shop.folder.definitions.add_site("second", (), by="test")
    shop.close()
    file = table(tmp_path, [(1, "pv", 1_511_600_000)])
    with pytest.raises(BadInput, match="Say which site with --site; there are shop, second"):
        imported(data, [file], mapping_of("taobao", None), None)
    with pytest.raises(Missing, match="There is no site third; there are shop, second"):
        imported(data, [file], mapping_of("taobao", None), "third")
    assert imported(data, [file], mapping_of("taobao", None), "second").visitors == 1
    assert imported(data, [file], mapping_of("taobao", None), "shop").applied == 1


def test_events_that_wait_in_the_log_are_not_counted_as_imported(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shop = Shop(data)
    shop.send(track("A"), track("B"))
    shop.crash()
    file = table(tmp_path, [(1, "pv", 1_511_600_000)])
    result = imported(data, [file], mapping_of("taobao", None))
    assert (result.applied, result.profile_events) == (1, 3)
