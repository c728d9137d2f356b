"""Ranges are there whole or not at all, whatever moment the process ends at."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.contracts.lake import MAY_1_MS, LakeContract, all_offsets, events, offsets, sessions

from footfall.adapters import lake as lake_module
from footfall.adapters.lake import MANIFEST, ParquetLake
from footfall.base.errors import FootfallError, Unavailable


class TestParquetLake(LakeContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Iterator[Callable[[], ParquetLake]]:
        lake = ParquetLake(tmp_path / "lake", n_threads=1)
        yield lambda: lake
        lake.close()


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_are_named_by_table_site_day_and_range_and_sorted_by_visitor(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path / "o'lake")
    both = [
        {"offset": 0, "row": 2, "site": 7, "time_ms": MAY_1_MS + 86_400_000 - 1},
        {"offset": 1, "row": 1, "site": 7, "time_ms": MAY_1_MS + 5},
        {"offset": 2, "row": 1, "site": 7, "time_ms": MAY_1_MS + 3},
        {"offset": 3, "row": 1, "site": 7, "time_ms": MAY_1_MS + 86_400_000},
        {"offset": 4, "row": 1, "site": 12, "time_ms": -1},
    ]
    lake.write("events", 0, 5, events(*both))
    range_ = "00000000000000000000-00000000000000000005.parquet"
    assert _files(tmp_path / "o'lake") == [
        MANIFEST,
        f"events/site=12/date=1969-12-31/{range_}",
        f"events/site=7/date=2026-05-01/{range_}",
        f"events/site=7/date=2026-05-02/{range_}",
    ]
    first = pq.read_table(tmp_path / "o'lake" / f"events/site=7/date=2026-05-01/{range_}", partitioning=None)
    assert first["offset"].to_pylist() == [2, 1, 0]
    assert lake.query("SELECT DISTINCT site FROM events ORDER BY 1")["site"].to_pylist() == [7, 12]
    lake.close()


def test_a_lake_opens_as_it_was_closed(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path)
    lake.write("events", 0, 5, offsets(0, 5))
    lake.close()
    lake = ParquetLake(tmp_path)
    assert lake.position() == 5
    assert all_offsets(lake) == [0, 1, 2, 3, 4]
    assert lake.damaged() == []
    lake.close()


def test_conditions_on_site_and_date_open_only_those_folders(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path)
    for k in range(6):
        lake.write("events", k, k + 1, offsets(k, k + 1, site=1 + k % 2, day=k // 2))
        lake.write(
            "sessions", k, k + 1, sessions({"site": 1 + k % 2, "start_ms": MAY_1_MS + k // 2 * 86_400_000, "row": k})
        )
    # Everything but one file, and the first, of which the columns' types are read, is made unreadable: an answer shows
    # that nothing else was opened.
    for path in _files(tmp_path):
        if path != MANIFEST and "site=1/date=2026-05-01" not in path and "site=2/date=2026-05-02" not in path:
            (tmp_path / path).write_bytes(b"x")
    for table, column in (("events", "row"), ("sessions", "row")):
        found = lake.query(f"SELECT {column} FROM {table} WHERE site = 2 AND date = DATE '2026-05-02'")
        assert len(found) == 1
        with pytest.raises(Unavailable, match="damaged"):
            lake.query(f"SELECT {column} FROM {table} WHERE site = 2")
    lake.close()


class _Crash(BaseException):
    """The process ends here."""


def _crash_at(monkeypatch: pytest.MonkeyPatch, nth: int) -> Callable[[], int]:
    """Let the process "end" at the nth thing done to the disk from now on; returns how many were done."""
    n_done = 0

    def step(real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **options: Any) -> Any:
            nonlocal n_done
            n_done += 1
            if n_done >= nth:
                raise _Crash
            return real(*args, **options)

        return act

    monkeypatch.setattr(os, "fsync", step(os.fsync))
    monkeypatch.setattr(Path, "replace", step(Path.replace))
    monkeypatch.setattr(Path, "unlink", step(Path.unlink))
    monkeypatch.setattr(Path, "mkdir", step(Path.mkdir))
    return lambda: n_done


def _three_sites(first: int) -> Any:
    return events(*({"offset": first + k, "site": 1 + k % 3, "row": k} for k in range(6)))


@pytest.mark.parametrize("nth", range(1, 40))
def test_after_a_crash_anywhere_in_a_write_the_range_is_whole_or_absent(tmp_path: Path, nth: int) -> None:
    lake = ParquetLake(tmp_path)
    lake.write("events", 0, 6, _three_sites(0))
    with pytest.MonkeyPatch.context() as patch:
        _crash_at(patch, nth)
        try:
            lake.write("events", 6, 12, _three_sites(6))
            is_written = True
        except _Crash:
            is_written = False
    lake.close()
    lake = ParquetLake(tmp_path)
    n = lake.position()
    assert n in ((12,) if is_written else (6, 12))
    assert all_offsets(lake) == list(range(n))
    lake.write("events", n, 12, _three_sites(6))
    assert all_offsets(lake) == list(range(12))
    assert len(_files(tmp_path)) == 7
    assert lake.damaged() == []
    lake.close()


@pytest.mark.parametrize("nth", range(1, 20))
@pytest.mark.parametrize("what", ["compact", "retain"])
def test_after_a_crash_anywhere_in_housekeeping_every_row_is_there_once(tmp_path: Path, nth: int, what: str) -> None:
    lake = ParquetLake(tmp_path)
    for k in range(3):
        lake.write("events", k * 4, k * 4 + 4, offsets(k * 4, k * 4 + 4))
    lake.write("events", 12, 14, offsets(12, 14, day=3))
    with pytest.MonkeyPatch.context() as patch:
        _crash_at(patch, nth)
        try:
            lake.compact("2026-05-02") if what == "compact" else lake.retain("2026-05-02")
            is_done = True
        except _Crash:
            is_done = False
    lake.close()
    lake = ParquetLake(tmp_path)
    found = all_offsets(lake)
    if what == "compact":
        assert found == list(range(14))
        lake.compact("2026-05-02")
        assert len(_files(tmp_path)) == 3
    else:
        assert found in ([12, 13],) if is_done else ([12, 13], list(range(14)))
        lake.retain("2026-05-02")
        assert len(_files(tmp_path)) == 2
    assert lake.damaged() == []
    lake.close()


def test_a_full_disk_refuses_the_range_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = ParquetLake(tmp_path)
    n_left = 2

    def sync(descriptor: int) -> None:
        nonlocal n_left
        n_left -= 1
        if n_left < 0:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(Unavailable) as refused:
        lake.write("events", 0, 6, _three_sites(0))
    assert refused.value.code == "disk_full"
    assert _files(tmp_path) == [MANIFEST]
    monkeypatch.undo()
    lake.write("events", 0, 6, _three_sites(0))
    assert all_offsets(lake) == list(range(6))
    lake.close()


@pytest.mark.parametrize("nth", range(3, 5))
def test_after_a_failed_sync_of_the_manifest_trying_again_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    lake = ParquetLake(tmp_path)
    lake.write("events", 0, 1, offsets(0, 1))
    n_synced, real = 0, os.fsync

    def sync(descriptor: int) -> None:
        nonlocal n_synced
        n_synced += 1
        if n_synced >= nth:
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(Unavailable):
        lake.write("events", 1, 3, offsets(1, 3))
    monkeypatch.undo()
    other = ParquetLake(tmp_path)  # as after a crash at this moment
    assert all_offsets(other) == list(range(other.position()))
    other.close()
    lake.write("events", lake.position(), 5, offsets(lake.position(), 5))
    assert all_offsets(lake) == [0, 1, 2, 3, 4]
    lake.close()
    lake = ParquetLake(tmp_path)
    assert all_offsets(lake) == [0, 1, 2, 3, 4]
    assert lake.damaged() == []
    lake.close()


def test_files_of_a_running_query_outlive_compaction_and_go_after_it(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path)
    for k in range(3):
        lake.write("events", k, k + 1, offsets(k, k + 1))
    old = _files(tmp_path)
    is_inside, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with lake._using():
            is_inside.set()
            may_go.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    is_inside.wait(10)
    assert lake.compact("2026-05-02") == 3
    assert all_offsets(lake) == [0, 1, 2]
    assert set(old) < set(_files(tmp_path))
    may_go.set()
    holder.join()
    assert _files(tmp_path) == [
        MANIFEST, "events/site=1/date=2026-05-01/00000000000000000000-00000000000000000003.parquet"
    ]  # fmt: skip
    lake.close()


def test_an_open_day_is_joined_once_it_has_many_small_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_module, "OPEN_DAY_FILES", 4)
    lake = ParquetLake(tmp_path)
    for k in range(3):
        lake.write("events", k, k + 1, offsets(k, k + 1))
    assert lake.compact("2026-05-01") == 0
    lake.write("events", 3, 4, offsets(3, 4))
    assert lake.compact("2026-05-01") == 4
    assert all_offsets(lake) == [0, 1, 2, 3]
    lake.close()


def test_a_damaged_file_is_found_and_never_joined(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path)
    for k in range(2):
        lake.write("events", k, k + 1, offsets(k, k + 1))
    victim = _files(tmp_path)[1]
    data = bytearray((tmp_path / victim).read_bytes())
    data[10] ^= 1
    (tmp_path / victim).write_bytes(data)
    assert lake.damaged() == [victim]
    with pytest.raises(Unavailable, match=r"isn't what was written"):
        lake.compact("2026-05-02")
    assert len(_files(tmp_path)) == 3
    lake.close()


def test_a_lake_with_a_missing_or_cut_file_does_not_open(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path)
    lake.write("events", 0, 5, offsets(0, 5))
    lake.close()
    path = tmp_path / _files(tmp_path)[1]
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(Unavailable, match="size"):
        ParquetLake(tmp_path)
    path.unlink()
    with pytest.raises(Unavailable, match="missing"):
        ParquetLake(tmp_path)
    path.write_bytes(data)
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(Unavailable, match=MANIFEST):
        ParquetLake(tmp_path)
    assert path.exists()


def test_queries_cannot_leave_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    lake = ParquetLake(tmp_path / "lake")
    for path in (tmp_path / "secret.csv", tmp_path / "lake" / ".." / "secret.csv"):
        with pytest.raises(FootfallError):
            lake.query(f"SELECT * FROM read_csv('{path}')")
    lake.close()


def test_a_lake_of_before_a_table_came_has_it_empty(tmp_path: Path) -> None:
    ParquetLake(tmp_path).close()
    manifest = tmp_path / "_manifest.json"
    told = json.loads(manifest.read_bytes())
    del told["files"]["decisions"]
    manifest.write_text(json.dumps(told))
    lake = ParquetLake(tmp_path)
    assert len(lake.query("SELECT * FROM decisions")) == 0
    lake.close()
