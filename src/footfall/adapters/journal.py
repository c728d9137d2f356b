"""Where do accepted events stand before anything else is done with them? In one SQLite table, a row per group commit.

One row and one statement an append, because every SQLite step gives up the interpreter's lock, and under a busy event
loop taking it back can cost milliseconds. The latest entries stay in memory as well, so that the engine, which reads
just behind the writers, normally doesn't touch the file.

After a failed sync nothing is known of what the disk holds, so the journal refuses appends until :meth:`reopen` has
written everything again and verified it. See ``docs/decisions/0010-journal-rows-and-failed-syncs.md``.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path

import apsw
import msgspec
from xxhash import xxh3_64_intdigest

from footfall.adapters import wal
from footfall.base.errors import BadInput, Missing, Unavailable
from footfall.events.wire import Entry

CHECKPOINT_BYTES = 4 << 20
"""Appended bytes after which the write-ahead log is folded in: small, so that no append waits long for it."""
VERIFY_ROWS = 256
VERIFY_BYTES = 64 << 20
"""How much of the tail is verified at opening, whichever is reached first."""
TRIM_ROWS = 256
"""Rows deleted in one transaction, so that appends get in between."""
ENTRY_BYTES = 500
"""Memory of an entry in the tail besides its body, about."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS appends(
  first_offset INTEGER PRIMARY KEY, n INTEGER NOT NULL, received_ms INTEGER NOT NULL, checksum INTEGER NOT NULL,
  body BLOB NOT NULL) STRICT
"""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Entry]).decode


class SqliteJournal:
    """:class:`footfall.ports.EventLog` on one SQLite file. Appends, reads and trims may come from different threads.

    ``vfs`` names an SQLite file layer (tests put failing disks there). At most ``tail_max_bytes`` of the latest
    entries stay in memory; they are the caller's own objects, so don't change an entry after appending it.
    """

    def __init__(self, path: Path | str, *, vfs: str | None = None, tail_max_bytes: int = 64 << 20) -> None:
        self._path = Path(path)
        self._vfs = vfs
        self._tail_max_bytes = tail_max_bytes
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._tail_lock = threading.Lock()
        self._tail_offsets: list[int] = []
        self._tail: list[Entry] = []
        self._tail_bytes = 0
        self._since_checkpoint = 0
        self._next = 0
        self._broken = ""
        self._is_closed = False
        self._writer: apsw.Connection | None = None
        self._reader: apsw.Connection | None = None
        self._open()

    def append(self, entries: Sequence[Entry]) -> int:
        """Write all entries in one row and sync it; see the port. ``BadInput`` for none, or one without events."""
        counts = [entry.n for entry in entries]
        n = sum(counts)
        if not counts or min(counts) < 1:
            raise BadInput("An append needs entries, and every entry at least one event.")
        body = _encode(entries)
        with self._write_lock:
            writer = self._usable_writer()
            first = self._next
            try:
                self._checkpoint_if_due(writer)
                writer.execute(
                    "INSERT INTO appends VALUES(?,?,?,?,?)",
                    (first, n, entries[-1].received_ms, _checksum(first, n, body), body),
                )
            except apsw.TooBigError as error:
                raise BadInput("An append may have up to 1 GB: write fewer entries at once.") from error
            except apsw.Error as error:
                raise self._failed(writer, error) from error
            self._since_checkpoint += len(body) + 2 * wal.PAGE_BYTES
            self._remember(first, entries, counts)
            self._next = first + n
        return first

    def read(self, offset: int, max_events: int) -> list[tuple[int, Entry]]:
        """See the port. Raises ``Missing`` for an offset that was trimmed or is past the end."""
        if self._is_closed:
            raise Unavailable("The journal is closed.", code="closed")
        if offset == self._next:
            return []
        with self._tail_lock:
            if self._tail_offsets and offset >= self._tail_offsets[0]:
                return take(self._tail_offsets, self._tail, offset, max_events)
        with self._read_lock:
            return self._read_file(offset, max_events)

    def next_offset(self) -> int:
        """Offset of the next appended event; never blocks."""
        return self._next

    def trim(self, before: int) -> None:
        """See the port. Whole appends go, so some entries before the offset may stay; the last append always does."""
        while True:
            with self._write_lock:
                writer = self._usable_writer()
                try:
                    self._checkpoint_if_due(writer)
                    writer.execute(
                        "DELETE FROM appends WHERE first_offset IN ("
                        " SELECT first_offset FROM appends"
                        " WHERE first_offset < (SELECT max(first_offset) FROM appends WHERE first_offset <= ?1)"
                        " ORDER BY first_offset LIMIT ?2)",
                        (before, TRIM_ROWS),
                    )
                    n_deleted = writer.changes()
                    first_kept = writer.execute("SELECT min(first_offset) FROM appends").get
                except apsw.Error as error:
                    raise self._failed(writer, error) from error
                self._since_checkpoint += 2 * n_deleted * wal.PAGE_BYTES
            if n_deleted < TRIM_ROWS:
                break
        with self._tail_lock:
            self._drop_tail(bisect_left(self._tail_offsets, first_kept or 0))

    def reopen(self) -> None:
        """See the port. Raises ``Unavailable`` if the disk still fails or something acknowledged is missing.

        Reads go on meanwhile, and after it failed. When only a full disk refused appends, the tail is verified.
        """
        with self._write_lock:
            if self._is_closed:
                raise Unavailable("The journal is closed.", code="closed")
            if self._broken:
                wal.close(self._writer)
                self._writer = None
                self._open()
                self._broken = ""
            else:
                with self._read_lock:
                    self._verify_tail(self._reader)

    def close(self) -> None:
        """See the port; closing twice is harmless."""
        with self._write_lock, self._read_lock:
            self._is_closed = True
            self._release()

    def _open(self) -> None:
        """Connect, write everything anew, verify the tail, and only then take over."""
        writer = reader = None
        try:
            with _file_errors():
                writer = wal.open_writer(self._path, self._vfs, cache_bytes=8 << 20)
                writer.execute(_SCHEMA)
                reader = wal.open_reader(self._path, self._vfs)
            end = self._verify_tail(reader)
        except BaseException:
            wal.close(reader)
            wal.close(writer)
            raise
        with self._read_lock:
            wal.close(self._reader)
            self._writer, self._reader = writer, reader
        with self._tail_lock:
            if end != self._next:  # rows whose sync failed but which are there now
                self._tail_offsets, self._tail, self._tail_bytes = [], [], 0
            self._next = end
        self._since_checkpoint = 0

    def _verify_tail(self, reader: apsw.Connection | None) -> int:
        """Where the journal ends, after checking the last rows and that nothing acknowledged is missing."""
        if reader is None:
            raise Unavailable("The journal is closed.", code="closed")
        ends = []
        n_bytes = 0
        with _file_errors():
            rows = reader.execute(
                "SELECT first_offset, n, checksum, body FROM appends ORDER BY first_offset DESC LIMIT ?", (VERIFY_ROWS,)
            )
            for first, n, checksum, body in rows:
                _verify(first, n, checksum, body)
                ends.append((first, first + n))
                n_bytes += len(body)
                if n_bytes > VERIFY_BYTES:
                    break
            rows.close(True)
        for (first, _), (_, end) in pairwise(ends):
            if first != end:
                raise _corrupt(end, "the rows after it are missing")
        end = ends[0][1] if ends else 0
        if end < self._next:
            raise Unavailable(
                f"The journal ends at offset {end}, but {self._next} were acknowledged: restore it from a copy.",
                code="corrupt_journal",
            )
        return end

    def _release(self) -> None:
        wal.close(self._reader)
        wal.close(self._writer)
        self._reader = self._writer = None

    def _usable_writer(self) -> apsw.Connection:
        if self._is_closed:
            raise Unavailable("The journal is closed.", code="closed")
        if self._broken or self._writer is None:
            raise Unavailable(f"The journal takes nothing until it is reopened: {self._broken}", code="journal_failed")
        return self._writer

    def _checkpoint_if_due(self, writer: apsw.Connection) -> None:
        """Before a write, not after it, so that an error here refuses the write and hides nothing."""
        if self._since_checkpoint >= CHECKPOINT_BYTES:
            n_frames, n_done = writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            is_whole = n_done >= n_frames
            self._since_checkpoint = 0 if is_whole else CHECKPOINT_BYTES // 2  # a reader was in the way: soon again

    def _failed(self, writer: apsw.Connection, error: apsw.Error) -> Unavailable:
        wal.roll_back(writer)
        if not wal.leaves_file_intact(error):
            self._broken = str(error) or type(error).__name__
        return wal.unavailable(error, "journal")

    def _remember(self, first: int, entries: Sequence[Entry], counts: Sequence[int]) -> None:
        n_bytes = sum([len(entry.body) for entry in entries]) + len(entries) * ENTRY_BYTES
        offsets = list(accumulate(counts[:-1], initial=first))
        with self._tail_lock:
            self._tail_offsets += offsets
            self._tail += entries
            self._tail_bytes += n_bytes
            if self._tail_bytes > self._tail_max_bytes:  # a quarter at once, so that moving the lists costs little
                n_gone, n_bytes = 0, self._tail_bytes
                while n_bytes > self._tail_max_bytes * 3 // 4:
                    n_bytes -= len(self._tail[n_gone].body) + ENTRY_BYTES
                    n_gone += 1
                self._drop_tail(n_gone)

    def _drop_tail(self, n: int) -> None:
        self._tail_bytes -= sum(len(entry.body) + ENTRY_BYTES for entry in self._tail[:n])
        del self._tail_offsets[:n], self._tail[:n]

    def _read_file(self, offset: int, max_events: int) -> list[tuple[int, Entry]]:
        if self._reader is None:
            raise Unavailable("The journal is closed.", code="closed")
        found: list[tuple[int, Entry]] = []
        n_found = 0
        expected = -1
        end = self._next  # a row may be there already whose append hasn't returned
        with _file_errors():
            rows = self._reader.execute(
                "SELECT first_offset, n, checksum, body FROM appends WHERE first_offset >="
                " (SELECT max(first_offset) FROM appends WHERE first_offset <= ?) ORDER BY first_offset",
                (offset,),
            )
            for first, n, checksum, body in rows:
                if expected not in (-1, first):
                    raise _corrupt(expected, "its row is missing")
                expected = first + n
                if first >= end or offset >= expected or n_found >= max_events > 0:
                    break
                for entry in _verify(first, n, checksum, body):
                    if first >= offset:
                        if not found and first != offset:
                            raise BadInput(f"No entry starts at offset {offset}.")
                        if found and n_found + entry.n > max_events:
                            return found
                        found.append((first, entry))
                        n_found += entry.n
                    first += entry.n
            if expected == -1:
                first_kept = self._reader.execute("SELECT min(first_offset) FROM appends").get
                raise Missing(f"The journal begins at offset {first_kept}; {offset} was trimmed.", code="trimmed")
            if not found:
                raise Missing(f"The journal ends at offset {self._next}, before {offset}.", code="past_end")
        return found


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise wal.unavailable(error, "journal") from error


def take(offsets: list[int], entries: list[Entry], offset: int, max_events: int) -> list[tuple[int, Entry]]:
    """Entries from ``offset`` on, at least one, as long as they hold no more than ``max_events`` events.

    ``offsets`` are the entries' own, rising without gaps.
    """
    if not offsets or offset < offsets[0]:
        raise Missing(f"The log no longer holds offset {offset}: it was trimmed.", code="trimmed")
    at = bisect_left(offsets, offset)
    if at == len(offsets):
        raise Missing(f"The log ends before offset {offset}.", code="past_end")
    if offsets[at] != offset:
        raise BadInput(f"No entry starts at offset {offset}.")
    # An entry fits if it ends within the limit, that is, if the next one starts there at the latest.
    stop = max(at + 1, bisect_left(offsets, offset + max_events + 1, at) - 1)
    if stop == len(offsets) - 1 and offsets[stop] + entries[stop].n <= offset + max_events:
        stop += 1
    return list(zip(offsets[at:stop], entries[at:stop], strict=True))


def _checksum(first: int, n: int, body: bytes) -> int:
    """XXH3-64 of the body, seeded with its place, as SQLite's signed integer."""
    digest = xxh3_64_intdigest(body, first ^ n << 48)
    return digest - (1 << 64) if digest >> 63 else digest


def _verify(first: int, n: int, checksum: int, body: bytes) -> list[Entry]:
    if _checksum(first, n, body) != checksum:
        raise _corrupt(first, "its checksum is wrong")
    try:
        return _decode(body)
    except msgspec.MsgspecError as error:
        raise _corrupt(first, f"it can't be decoded ({error})") from error


def _corrupt(offset: int, why: str) -> Unavailable:
    return Unavailable(
        f"The journal is damaged at offset {offset}: {why}. Restore it from a copy.", code="corrupt_journal"
    )
