"""What was acknowledged stays, whatever the disk does."""

import itertools
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.adapters.faulty_vfs import FaultyVfs, power_cuts
from tests.contracts.event_log import EventLogContract, control, entry, read_all

from footfall.adapters import journal
from footfall.adapters.journal import SqliteJournal
from footfall.base.errors import Unavailable

_names = (f"faulty-journal-{n}" for n in itertools.count())


class TestSqliteJournal(EventLogContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Iterator[Callable[[], SqliteJournal]]:
        log = SqliteJournal(tmp_path / "journal.db")
        yield lambda: log
        log.close()


class TestSqliteJournalWithoutTail(EventLogContract):
    """Every read comes from the file."""

    @pytest.fixture
    def make(self, tmp_path: Path) -> Iterator[Callable[[], SqliteJournal]]:
        log = SqliteJournal(tmp_path / "journal.db", tail_max_bytes=0)
        yield lambda: log
        log.close()


@pytest.fixture
def disk() -> Iterator[FaultyVfs]:
    vfs = FaultyVfs(next(_names))
    yield vfs
    vfs.unregister()


def test_the_tail_is_bounded_and_older_entries_come_from_the_file(tmp_path: Path) -> None:
    log = SqliteJournal(tmp_path / "journal.db", tail_max_bytes=20_000)
    for k in range(100):
        log.append([entry(2, str(k) * 100)])
    assert 5 < len(log._tail) < 40
    assert [o for o, _ in read_all(log, 0, 7)] == list(range(0, 200, 2))
    log.close()


def test_an_append_is_read_only_when_it_has_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = SqliteJournal(tmp_path / "journal.db", tail_max_bytes=0)
    log.append([entry(1, "first")])
    seen = []
    monkeypatch.setattr(log, "_remember", lambda *_: seen.extend(log.read(0, 100)))  # its row is in the file already
    log.append([entry(1, "second")])
    assert [offset for offset, _ in seen] == [0]
    assert [offset for offset, _ in log.read(0, 100)] == [0, 1]
    log.close()


def test_a_closed_journal_opens_where_it_ended(tmp_path: Path) -> None:
    log = SqliteJournal(tmp_path / "journal.db")
    log.append([entry(3), control(1)])
    log.append([entry(2)])
    log.close()
    log = SqliteJournal(tmp_path / "journal.db")
    assert log.next_offset() == 6
    assert [(o, e.facts) for o, e in read_all(log)] == [(0, 0), (3, 1), (4, 0)]
    log.close()


def test_trimming_goes_in_steps_and_reuses_the_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "TRIM_ROWS", 3)
    monkeypatch.setattr(journal, "CHECKPOINT_BYTES", 50_000)
    log = SqliteJournal(tmp_path / "journal.db", tail_max_bytes=0)
    sizes = []
    for _ in range(4):
        for _ in range(20):
            log.append([entry(1, "x" * 20_000)])
        log.trim(log.next_offset())
        sizes.append((tmp_path / "journal.db").stat().st_size)
    assert sizes[-1] == sizes[1]
    assert [o for o, _ in read_all(log, 79)] == [79]
    log.close()


def _write_history(disk: FaultyVfs, path: Path, dice: random.Random) -> list[int]:
    """Append, trim and reopen at random; returns the offsets at which entries begin."""
    log = SqliteJournal(path, vfs=disk.name)
    disk.mark((0, 0))
    trimmed = 0
    starts = []
    for _ in range(40):
        group = [entry(dice.randint(1, 3), "x" * dice.randint(1, 9_000)) for _ in range(dice.randint(1, 3))]
        offset = log.append(group)
        for e in group:
            starts.append(offset)
            offset += e.n
        disk.mark((trimmed, log.next_offset()))
        if dice.random() < 0.1:
            trimmed = max(trimmed, dice.choice(starts))
            disk.mark((trimmed, log.next_offset()))
            log.trim(trimmed)
        if dice.random() < 0.05:
            log.reopen()
    log.close()
    return starts


@pytest.mark.parametrize(("seed", "is_torn"), [(1, False), (2, False), (3, True), (4, True)])
def test_a_power_cut_at_any_moment_loses_nothing_acknowledged(
    tmp_path: Path, disk: FaultyVfs, monkeypatch: pytest.MonkeyPatch, seed: int, is_torn: bool
) -> None:
    monkeypatch.setattr(journal, "CHECKPOINT_BYTES", 200_000)
    dice = random.Random(seed)
    starts = _write_history(disk, tmp_path / "journal.db", dice)
    n_checked = 0
    for k, cut in enumerate(power_cuts(disk.history, dice if is_torn else None)):
        if cut.note is None or dice.random() > 0.4:
            continue
        cut.restore(tmp_path / f"cut-{k}")
        log = SqliteJournal(tmp_path / f"cut-{k}" / "journal.db")
        kept_from, acked = cut.note
        assert log.next_offset() >= acked
        if acked:
            found = read_all(log, kept_from)
            assert [o for o, _ in found if o < acked] == [o for o in starts if kept_from <= o < acked]
        log.append([entry(1)])
        log.close()
        n_checked += 1
    assert n_checked > 50


@pytest.mark.parametrize("nth", range(1, 8))
def test_after_a_failed_sync_nothing_is_taken_until_reopened(
    tmp_path: Path, disk: FaultyVfs, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    monkeypatch.setattr(journal, "CHECKPOINT_BYTES", 60_000)  # some of the syncs are those of a checkpoint
    log = SqliteJournal(tmp_path / "journal.db", vfs=disk.name)
    acked = [log.append([entry(1, "first")])]
    disk.fails_sync_in = nth
    with pytest.raises(Unavailable):
        for _ in range(20):
            acked.append(log.append([entry(1, "x" * 20_000)]))
    for _ in range(3):
        with pytest.raises(Unavailable) as refused:
            log.append([entry(1)])
        assert refused.value.code == "journal_failed"
    assert [o for o, _ in read_all(log)][: len(acked)] == acked
    log.reopen()
    assert log.next_offset() >= len(acked)
    acked.append(log.append([entry(1, "last")]))
    assert set(acked) <= {o for o, _ in read_all(log)}
    log.close()


def test_reopening_on_a_disk_that_still_fails_keeps_refusing_and_reading(tmp_path: Path, disk: FaultyVfs) -> None:
    log = SqliteJournal(tmp_path / "journal.db", vfs=disk.name, tail_max_bytes=0)
    log.append([entry(1)])
    disk.fails_every_sync = True
    with pytest.raises(Unavailable):
        log.append([entry(1)])
    with pytest.raises(Unavailable):
        log.reopen()
    with pytest.raises(Unavailable):
        log.append([entry(1)])
    assert [o for o, _ in read_all(log)] == [0]
    disk.fails_every_sync = False
    log.reopen()
    log.append([entry(1)])
    log.close()


def test_what_a_failed_sync_left_behind_survives_the_next_power_cut(tmp_path: Path, disk: FaultyVfs) -> None:
    """A failed sync's bytes must not stand between the disk and what is acknowledged after it."""
    log = SqliteJournal(tmp_path / "journal.db", vfs=disk.name)
    log.append([entry(1, "before")])
    disk.fails_sync_in = 1
    with pytest.raises(Unavailable):
        log.append([entry(1, "unsure")])
    # The kernel now takes the unsure bytes for clean: no later sync of this file would write them.
    lost = [op for op in disk.history if op.what == "write" and b"unsure" in op.data]
    assert lost
    disk.history[:] = [op for op in disk.history if op not in lost]
    log.reopen()
    acked = log.append([entry(1, "after")])
    disk.mark("acked")
    last = list(power_cuts(disk.history))[-1]
    last.restore(tmp_path / "cut")
    log.close()
    log = SqliteJournal(tmp_path / "cut" / "journal.db")
    assert [e.body for o, e in read_all(log) if o == acked] == [b"after"]
    log.close()


def test_a_full_disk_refuses_and_recovers_by_itself(tmp_path: Path, disk: FaultyVfs) -> None:
    log = SqliteJournal(tmp_path / "journal.db", vfs=disk.name)
    disk.room_bytes = 300_000
    acked = []
    with pytest.raises(Unavailable) as refused:
        for _ in range(50):
            acked.append(log.append([entry(1, "x" * 20_000)]))
    assert refused.value.code == "disk_full"
    assert acked
    log.reopen()
    with pytest.raises(Unavailable):
        log.append([entry(1, "x" * 20_000)])
    assert [o for o, _ in read_all(log)] == acked
    disk.room_bytes = None
    acked.append(log.append([entry(1, "x" * 20_000)]))
    log.close()
    log = SqliteJournal(tmp_path / "journal.db")
    assert [o for o, _ in read_all(log)] == acked
    log.close()


def test_a_damaged_row_is_named_by_its_offset(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    log = SqliteJournal(path, tail_max_bytes=0)
    for _ in range(3):
        log.append([entry(5, '{"a":"b"}')])
    with sqlite3.connect(path) as other:
        (body,) = other.execute("SELECT body FROM appends WHERE first_offset = 5").fetchone()
        other.execute("UPDATE appends SET body = ? WHERE first_offset = 5", (body.replace(b"b", b"c"),))
    other.close()
    assert len(log.read(0, 5)) == 1
    with pytest.raises(Unavailable, match="offset 5") as damaged:
        log.read(5, 10)
    assert damaged.value.code == "corrupt_journal"
    with pytest.raises(Unavailable, match="offset 5"):
        log.reopen()
    log.close()
    with pytest.raises(Unavailable, match="offset 5"):
        SqliteJournal(path)


def test_a_missing_row_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    log = SqliteJournal(path, tail_max_bytes=0)
    for _ in range(3):
        log.append([entry(5)])
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM appends WHERE first_offset = 5")
    with pytest.raises(Unavailable, match="offset 5"):
        read_all(log)
    with sqlite3.connect(path) as other:
        other.execute("DELETE FROM appends")
    other.close()
    with pytest.raises(Unavailable, match="acknowledged"):
        log.reopen()
    log.close()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database, " * 1000)
    with pytest.raises(Unavailable) as refused:
        SqliteJournal(path)
    assert refused.value.code == "corrupt_journal"


def test_two_writers_on_one_file_never_write_over_each_other(tmp_path: Path) -> None:
    one, other = SqliteJournal(tmp_path / "journal.db"), SqliteJournal(tmp_path / "journal.db")
    one.append([entry(2, "one")])
    with pytest.raises(Unavailable):
        other.append([entry(1, "other")])
    other.reopen()
    assert other.append([entry(1, "other")]) == 2
    assert [e.body[:3] for _, e in read_all(other)] == [b"one", b"oth"]
    one.close()
    other.close()


_APPENDER = """
import sys
from footfall.adapters.journal import SqliteJournal
from footfall.events.wire import Entry
log = SqliteJournal(sys.argv[1])
k = 0
while True:
    offset = log.append([Entry(1, 1, 0, 2, b"%d" % k * 500), Entry(1, 1, 0, 1, b"y" * 3000)])
    print(offset, flush=True)
    k += 1
"""


def test_kill_9_loses_no_acknowledged_append(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    dice = random.Random(7)
    acked: list[int] = []
    for _ in range(5):
        appender = subprocess.Popen([sys.executable, "-c", _APPENDER, str(path)], stdout=subprocess.PIPE, text=True)
        assert appender.stdout is not None
        for _ in range(dice.randint(1, 400)):
            acked.append(int(appender.stdout.readline()))
        appender.send_signal(signal.SIGKILL)
        acked += [int(line) for line in appender.stdout if line.endswith("\n")]
        appender.wait()
    log = SqliteJournal(path)
    there = {o for o, _ in read_all(log)}
    assert set(acked) <= there
    assert there == set(range(0, log.next_offset(), 3)) | set(range(2, log.next_offset(), 3))
    log.close()
