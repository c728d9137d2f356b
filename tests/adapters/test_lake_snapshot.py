"""Reading the lake beside the server that writes it."""

from pathlib import Path

import pytest
from tests.contracts.lake import events, offsets

from footfall.adapters.lake import MANIFEST, ParquetLake
from footfall.adapters.lake_snapshot import lake_of_the_moment, sweep
from footfall.base.errors import Missing

SCRATCH = "scratch-lake"


def found(lake: ParquetLake) -> list[int]:
    return [int(n) for n in lake.query('SELECT "offset" FROM events ORDER BY "offset"')["offset"].to_pylist()]


def test_it_is_the_lake_of_the_moment_whatever_the_server_does(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path / "lake")
    lake.write("events", 0, 3, offsets(0, 3))
    lake.write("events", 3, 5, offsets(3, 5))
    with lake_of_the_moment(tmp_path) as copy:
        lake.write("events", 5, 6, offsets(5, 6))
        lake.compact("2100-01-01")
        assert (found(copy), copy.position()) == ([0, 1, 2, 3, 4], 5)
        lake.retain("2100-01-01")
        assert found(copy) == [0, 1, 2, 3, 4]
    assert found(lake) == []
    assert not (tmp_path / SCRATCH).exists()


def test_files_that_the_server_is_writing_stay(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path / "lake")
    lake.write("events", 0, 3, offsets(0, 3))
    partition = next((tmp_path / "lake").rglob("*.parquet")).parent
    (partition / "unnamed.parquet").write_bytes(b"not in the manifest yet")
    with lake_of_the_moment(tmp_path) as copy:
        assert found(copy) == [0, 1, 2]
    assert (partition / "unnamed.parquet").exists()


def test_a_compaction_in_between_is_met_by_reading_the_manifest_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = ParquetLake(tmp_path / "lake")
    lake.write("events", 0, 3, offsets(0, 3))
    lake.write("events", 3, 5, offsets(3, 5))
    old = (tmp_path / "lake" / MANIFEST).read_bytes()
    lake.compact("2100-01-01")
    read_bytes = Path.read_bytes
    stale = iter([old])

    def read(path: Path) -> bytes:
        return next(stale, b"") or read_bytes(path) if path.name == MANIFEST else read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    with lake_of_the_moment(tmp_path) as copy:
        assert found(copy) == [0, 1, 2, 3, 4]


def test_a_folder_without_a_lake_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="footfall import"), lake_of_the_moment(tmp_path):
        pass


def test_an_empty_lake_can_be_read(tmp_path: Path) -> None:
    ParquetLake(tmp_path / "lake").write("events", 0, 1, events())
    with lake_of_the_moment(tmp_path) as copy:
        assert found(copy) == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    ParquetLake(tmp_path / "lake")
    (tmp_path / SCRATCH / "999999999-dead" / "events").mkdir(parents=True)
    with lake_of_the_moment(tmp_path):
        assert not (tmp_path / SCRATCH / "999999999-dead").exists()


def test_sweeping_leaves_nothing_of_the_dead_and_all_of_the_living(tmp_path: Path) -> None:
    ParquetLake(tmp_path / "lake").write("events", 0, 3, offsets(0, 3))
    (tmp_path / SCRATCH / "999999999-dead" / "events").mkdir(parents=True)
    with lake_of_the_moment(tmp_path) as copy:
        sweep(tmp_path)
        assert found(copy) == [0, 1, 2]
    (tmp_path / SCRATCH / "999999999-dead" / "events").mkdir(parents=True)
    sweep(tmp_path)
    assert not (tmp_path / SCRATCH).exists()
