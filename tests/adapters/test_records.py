"""What was committed stays whole, whatever the disk does, and older layouts are read."""

import itertools
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.adapters.faulty_vfs import FaultyVfs, power_cuts
from tests.contracts.record_store import DESCRIPTION, RECORD, RecordStoreContract, batch, commit, failed, record

from footfall.adapters import records
from footfall.adapters.records import RecordLayout, SqliteRecordStore, undone_merges_in
from footfall.base.errors import Unavailable
from footfall.ports import Commit, Identity, Merge

_names = (f"faulty-records-{n}" for n in itertools.count())


def _as_it_is(old: np.ndarray) -> np.ndarray:
    return old


LAYOUT_1 = RecordLayout(1, RECORD, DESCRIPTION, _as_it_is)


def open_store(path: Path, **options: object) -> SqliteRecordStore:
    """A store of the suite's small record."""
    return SqliteRecordStore(path, **({"failed_max": 5, "record": LAYOUT_1} | options))  # type: ignore[arg-type]


class TestSqliteRecordStore(RecordStoreContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Iterator[Callable[[], SqliteRecordStore]]:
        store = open_store(tmp_path / "records.db")
        yield lambda: store
        store.close()


@pytest.fixture
def disk() -> Iterator[FaultyVfs]:
    vfs = FaultyVfs(next(_names))
    yield vfs
    vfs.unregister()


def test_the_real_record_goes_in_and_out(tmp_path: Path) -> None:
    store = SqliteRecordStore(tmp_path / "records.db")
    made = commit(5, 2)
    made.rows = np.array([1], np.int32)
    made.records = np.frombuffer(np.random.default_rng(1).bytes(records.CURRENT.dtype.itemsize), records.CURRENT.dtype)
    store.commit(made)
    assert store.load().records[1].tobytes() == made.records[0].tobytes()
    store.close()


def test_a_closed_store_opens_with_everything(tmp_path: Path) -> None:
    store = open_store(tmp_path / "records.db")
    store.commit(commit(10, 3, {2: 4}, counters={"applied": 10}, identities=[Identity(1, 2, "anna", 11, 2)]))
    store.close()
    store = open_store(tmp_path / "records.db")
    loaded = store.load()
    assert (loaded.next_offset, loaded.n_rows, loaded.counters) == (10, 3, {"applied": 10})
    assert loaded.records[2] == record(4)[0]
    assert store.find(1, "anna") == [Identity(1, 2, "anna", 11, 2)]
    store.close()


def test_records_of_an_older_layout_are_migrated_by_name_beside_current_ones(tmp_path: Path) -> None:
    store = open_store(tmp_path / "records.db")
    store.commit(commit(1, 4, {0: 10, 1: 11, 2: 12}))
    store.close()

    newer = np.dtype([("n_events", "u4"), ("revenue", "f8"), ("score", "f4")], align=True)
    description: list[list[object]] = [["n_events", "u4", []], ["revenue", "f8", []], ["score", "f4", []]]

    def migrate(old: np.ndarray) -> np.ndarray:
        new = np.zeros(len(old), newer)
        new["n_events"], new["revenue"], new["score"] = old["n_events"], old["revenue"], 0.5
        return new

    layout_2 = RecordLayout(2, newer, description, migrate)
    store = open_store(tmp_path / "records.db", record=layout_2)
    made = commit(2, 4)
    made.rows, made.records = np.array([1], np.int32), np.array([(99, 1.5, 0.25)], newer)
    store.commit(made)
    store.close()
    store = open_store(tmp_path / "records.db", record=layout_2)
    loaded = store.load().records
    assert loaded.dtype == newer
    assert loaded["n_events"].tolist() == [10, 99, 12, 0]
    assert loaded["score"].tolist() == [0.5, 0.25, 0.5, 0.0]
    assert loaded["revenue"].tolist() == [10 / 3, 1.5, 4.0, 0.0]
    store.close()


def test_other_fields_under_the_same_layout_number_are_refused(tmp_path: Path) -> None:
    open_store(tmp_path / "records.db").close()
    changed = RecordLayout(1, np.dtype([("n_events", "u8")]), [["n_events", "u8", []]], _as_it_is)
    with pytest.raises(Unavailable) as refused:
        open_store(tmp_path / "records.db", record=changed)
    assert refused.value.code == "layout_conflict"


def test_batches_of_an_older_version_say_nothing_of_places(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    open_store(path).close()
    older = sqlite3.connect(path, isolation_level=None)
    older.execute("ALTER TABLE batches DROP COLUMN placed")
    older.execute("INSERT INTO batches VALUES (0, 1, 1000, x'00', x'01', x'', x'00000000')")
    older.close()
    store = open_store(path)
    assert [(batch.rows, batch.placed) for batch in store.batches(0)] == [(bytes(4), b"")]
    store.commit(commit(5, 1, batches=[batch(1, 1000, [0])]))
    assert [b.placed != b"" for b in store.batches(0)] == [False, True]
    store.close()


def test_order_keys_are_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "ORDERS_BYTES", 80)
    store = open_store(tmp_path / "records.db")
    for k in range(35):
        store.commit(commit(k, 0, batches=[batch(k, 1, [0], [k + 1])]))
    arrays = list(store.order_keys())
    assert [len(keys) for keys in arrays] == [10, 10, 10, 5]
    assert np.concatenate(arrays).tolist() == list(range(1, 36))
    store.close()


def test_a_long_walk_does_not_stop_commits(tmp_path: Path) -> None:
    store = open_store(tmp_path / "records.db")
    store.commit(commit(1, 1, identities=[Identity(1, 2, f"user-{k}", k, 0) for k in range(3000)]))
    walk = iter(store.identities())
    seen = [next(walk)]
    store.commit(commit(2, 1, {0: 5}))
    assert store.find(1, "user-7")[0].key == 7
    seen += walk
    assert len(seen) == 3000
    store.close()


def _write_history(disk: FaultyVfs, path: Path, dice: random.Random) -> list[list[int]]:
    """Commit at random; returns the rows' numbers after each commit."""
    store = open_store(path, vfs=disk.name)
    states = [[0] * 300]
    disk.mark(0)
    for k in range(1, 25):
        rows = dict.fromkeys(dice.sample(range(300), dice.randint(1, 60)), k)
        states.append([rows.get(row, n) for row, n in enumerate(states[-1])])
        store.commit(
            commit(k, 300, rows, counters={"applied": k}, failed=[failed(k)], traits=[(0, b'{"k":%d}' % k)],
                   batches=[batch(k, k, [0], [k])])
        )  # fmt: skip
        disk.mark(k)
        if dice.random() < 0.1:
            store.trim_batches(k)
    store.close()
    return states


@pytest.mark.parametrize(("seed", "is_torn"), [(1, False), (2, True), (3, True)])
def test_after_a_power_cut_the_store_is_as_after_one_of_its_commits(
    tmp_path: Path, disk: FaultyVfs, monkeypatch: pytest.MonkeyPatch, seed: int, is_torn: bool
) -> None:
    monkeypatch.setattr(records, "CHECKPOINT_BYTES", 300_000)
    dice = random.Random(seed)
    states = _write_history(disk, tmp_path / "records.db", dice)
    n_checked = 0
    for k, cut in enumerate(power_cuts(disk.history, dice if is_torn else None)):
        if cut.note is None or dice.random() > 0.15:
            continue
        cut.restore(tmp_path / f"cut-{k}")
        store = open_store(tmp_path / f"cut-{k}" / "records.db")
        loaded = store.load()
        at = loaded.next_offset
        assert cut.note <= at <= cut.note + 1
        if at:
            assert loaded.records["n_events"].tolist() == states[at]
            assert loaded.counters == {"applied": at}
            assert store.traits(0) == {"k": at}
            assert store.failed(1, 1)[0].offset == at
            assert np.concatenate(list(store.order_keys())).tolist() == list(range(1, at + 1))
        store.commit(commit(at + 1, 300, {0: 1}))
        store.close()
        n_checked += 1
    assert n_checked > 50


@pytest.mark.parametrize("nth", range(1, 6))
def test_after_a_failed_sync_the_next_commit_mends_the_store(
    tmp_path: Path, disk: FaultyVfs, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    monkeypatch.setattr(records, "CHECKPOINT_BYTES", 40_000)
    store = open_store(tmp_path / "records.db", vfs=disk.name)
    disk.fails_sync_in = nth
    k = 0
    with pytest.raises(Unavailable):
        for k in range(1, 20):
            store.commit(commit(k, 100, dict.fromkeys(range(100), k)))
    assert store.load().next_offset == k - 1
    store.commit(commit(k, 100, dict.fromkeys(range(100), k)))
    loaded = store.load()
    assert loaded.next_offset == k
    assert set(loaded.records["n_events"].tolist()) == {k}
    store.close()


def test_on_a_disk_that_keeps_failing_no_commit_is_taken_and_reads_go_on(tmp_path: Path, disk: FaultyVfs) -> None:
    store = open_store(tmp_path / "records.db", vfs=disk.name)
    store.commit(commit(1, 1, {0: 1}))
    disk.fails_every_sync = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            store.commit(commit(2, 1, {0: 2}))
    assert store.load().records["n_events"].tolist() == [1]
    disk.fails_every_sync = False
    store.commit(commit(3, 1, {0: 3}))
    assert store.load().records["n_events"].tolist() == [3]
    store.close()


def test_a_full_disk_leaves_the_last_commit_and_recovers_by_itself(tmp_path: Path, disk: FaultyVfs) -> None:
    store = open_store(tmp_path / "records.db", vfs=disk.name)
    store.commit(commit(1, 5000, {0: 1}))
    disk.room_bytes = 30_000
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            store.commit(commit(2, 5000, dict.fromkeys(range(5000), 2)))
        assert refused.value.code == "disk_full"
    assert store.load().records["n_events"].sum() == 1
    disk.room_bytes = None
    store.commit(commit(2, 5000, dict.fromkeys(range(5000), 2)))
    assert store.load().records["n_events"].sum() == 10_000
    store.close()


def test_losing_a_committed_position_is_noticed(tmp_path: Path, disk: FaultyVfs) -> None:
    store = open_store(tmp_path / "records.db", vfs=disk.name)
    store.commit(commit(7, 1, {0: 1}))
    disk.fails_sync_in = 1
    with pytest.raises(Unavailable):
        store.commit(commit(8, 1, {0: 1}))
    with sqlite3.connect(tmp_path / "records.db") as other:
        other.execute("UPDATE meta SET value = 3 WHERE name = 'next_offset'")
    other.close()
    with pytest.raises(Unavailable, match="was committed"):
        store.commit(commit(8, 1, {0: 1}))
    store.close()


def test_merges_that_were_taken_back_can_be_read_beside_the_server(tmp_path: Path) -> None:
    assert undone_merges_in(tmp_path / "records.db") == []
    store = open_store(tmp_path / "records.db")
    kept = Merge(1, 1, 5, 6, 0, 1, 10, 20, 1, b"", b"")
    undone = Merge(2, 1, 7, 8, 2, 3, 30, 40, 1, b"", b"", is_undone=True)
    store.commit(Commit(1, 0, np.zeros(0, np.int32), np.zeros(0, RECORD), [], [], [], [], [], [], [kept, undone], {}))
    assert undone_merges_in(tmp_path / "records.db") == [undone]
    store.close()
