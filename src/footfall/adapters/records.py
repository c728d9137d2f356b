"""Where do visitors' records last? In one SQLite file, together with the log position they include.

One row a record: of what was measured, pages of several records load faster, but a commit then writes several times as
much (``docs/decisions/0011-one-row-a-record.md``). Records go in with one statement for thousands of rows, because
every SQLite step gives up the interpreter's lock and may wait long to get it back.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec
import numpy as np

from footfall.adapters import wal
from footfall.base.codes import Status
from footfall.base.errors import BadInput, Unavailable
from footfall.ports import Batch, Commit, Failed, Identity, Merge, Snapshot
from footfall.record import layout

CHECKPOINT_BYTES = 128 << 20
"""Size of the write-ahead log at which it is folded in; large, as the same visitors change again and again."""
STATEMENT_BYTES = 64 << 20
"""Most bytes of records that one statement takes."""
STATEMENT_ROWS = 500
"""Rows of other tables that one statement takes."""
MIGRATED_ROWS = 8192
"""Records of an older layout that are migrated at once."""
ORDERS_BYTES = 32 << 10
"""Order keys are packed into blobs of about this size."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS layouts(layout INTEGER PRIMARY KEY, description TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS records(row INTEGER PRIMARY KEY, layout INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS identities(
  site INTEGER, what INTEGER, text TEXT, key INTEGER NOT NULL, row INTEGER NOT NULL, is_shared INTEGER NOT NULL,
  PRIMARY KEY(site, text, what)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS identities_row ON identities(row);
CREATE TABLE IF NOT EXISTS names(
  site INTEGER, hash INTEGER, what TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(site, hash)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS traits(row INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS batches(
  first_offset INTEGER PRIMARY KEY, n INTEGER NOT NULL, received_ms INTEGER NOT NULL, statuses BLOB NOT NULL,
  message_keys BLOB NOT NULL, order_keys BLOB NOT NULL, rows BLOB NOT NULL, placed BLOB NOT NULL DEFAULT x'') STRICT;
CREATE INDEX IF NOT EXISTS batches_received ON batches(received_ms);
CREATE TABLE IF NOT EXISTS ended(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, log_offset INTEGER NOT NULL, sessions BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS failed(
  event_offset INTEGER PRIMARY KEY, site INTEGER NOT NULL, is_replayed INTEGER NOT NULL, reason TEXT NOT NULL,
  data BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS failed_site ON failed(site, is_replayed, reason);
CREATE TABLE IF NOT EXISTS merges(
  merge_id INTEGER PRIMARY KEY, winner INTEGER NOT NULL, loser INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS merges_winner ON merges(winner);
CREATE INDEX IF NOT EXISTS merges_loser ON merges(loser);
"""
_IDENTITY = "SELECT site, what, text, key, row, is_shared FROM identities "
_BATCHES_SINCE = """
SELECT first_offset, n, received_ms, statuses, message_keys, order_keys, rows, placed FROM batches
WHERE received_ms >= ?1 AND first_offset >= (SELECT min(first_offset) FROM batches WHERE received_ms >= ?1)
ORDER BY first_offset
"""
_FAILED = "SELECT is_replayed, data FROM failed "
_encode = msgspec.msgpack.Encoder().encode
_decode_failed = msgspec.msgpack.Decoder(Failed).decode
_decode_merge = msgspec.msgpack.Decoder(Merge).decode


class RecordLayout(NamedTuple):
    """What the store must know of a record: number, dtype, how that is written down, and how older ones are read."""

    number: int
    dtype: np.dtype[Any]
    description: list[list[object]]
    migrate: Callable[[np.ndarray], np.ndarray]


CURRENT = RecordLayout(layout.LAYOUT, layout.RECORD, layout.describe(), layout.migrate)


class SqliteRecordStore:
    """:class:`footfall.ports.RecordStore` on one SQLite file; reads may come from any thread, also during a commit.

    Keeps at most ``failed_max`` failed events, the oldest go first. After a failed sync the next commit first writes
    everything again and verifies it; reads go on meanwhile. ``vfs`` names an SQLite file layer (tests put failing disks
    there).
    """

    def __init__(
        self, path: Path | str, *, failed_max: int = 100_000, vfs: str | None = None, record: RecordLayout = CURRENT
    ) -> None:
        self._path = Path(path)
        self._failed_max = failed_max
        self._vfs = vfs
        self._record = record
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._next_offset = 0
        self._is_broken = False
        self._is_closed = False
        self._writer: apsw.Connection | None = None
        self._reader: apsw.Connection | None = None
        with self._write_lock:
            self._open()

    def load(self) -> Snapshot:
        """See the port; records of older layouts are migrated, rows never committed are zero."""
        with self._reading() as reader, reader:  # one transaction, so that all of it is of one moment
            meta = dict(reader.execute("SELECT name, value FROM meta"))
            counters = dict(reader.execute("SELECT name, value FROM counters"))
            records = np.zeros(meta.get("n_rows", 0), self._record.dtype)
            older = {
                number: layout.dtype_of(msgspec.json.decode(text))
                for number, text in reader.execute("SELECT layout, description FROM layouts")
                if number != self._record.number
            }
            self._fill(records, older, reader.execute("SELECT row, layout, data FROM records ORDER BY row"))
        return Snapshot(meta.get("next_offset", 0), len(records), records, counters)

    def commit(self, commit: Commit) -> None:
        """See the port. Raises ``BadInput`` if the position would go back or records don't fit the layout."""
        if commit.records.dtype != self._record.dtype or len(commit.records) != len(commit.rows):
            raise BadInput("A commit needs one record of the current layout for each row.")
        if len(commit.rows) and not 0 <= int(commit.rows.min()) <= int(commit.rows.max()) < commit.n_rows:
            raise BadInput(f"A commit's rows must lie in 0..{commit.n_rows - 1}.")
        with self._writing() as writer:
            if commit.next_offset < self._next_offset:
                raise BadInput(
                    f"The store includes offset {self._next_offset} and can't go back to {commit.next_offset}."
                )
            writer.execute("BEGIN IMMEDIATE")
            self._put(writer, commit)
            writer.execute("COMMIT")
            self._next_offset = commit.next_offset

    def identities(self) -> Iterable[Identity]:
        """See the port."""
        return (_identity(*row) for row in self._stream(_IDENTITY, ()))

    def identities_of(self, row: int) -> list[Identity]:
        """See the port."""
        return [_identity(*found) for found in self._fetch(_IDENTITY + "WHERE row = ? ORDER BY what, text", (row,))]

    def find(self, site: int, text: str) -> list[Identity]:
        """See the port."""
        found = self._fetch(_IDENTITY + "WHERE site = ? AND text = ? ORDER BY what DESC", (site, storable(text)))
        return [_identity(*row) for row in found]

    def search(self, site: int, text: str, limit: int) -> list[Identity]:
        """See the port; by text, upper and lower case differ."""
        text = storable(text)
        found = self._fetch(
            _IDENTITY + "WHERE site = ?1 AND text >= ?2 AND text <= ?3 ORDER BY text, what DESC LIMIT ?4",
            (site, text, text + "\U0010ffff", limit),
        )
        return [_identity(*row) for row in found]

    def names(self, site: int, hashes: Sequence[int]) -> dict[int, str]:
        """See the port."""
        found: dict[int, str] = {}
        for at in range(0, len(hashes), STATEMENT_ROWS):
            some = [_signed(int(key)) for key in hashes[at : at + STATEMENT_ROWS]]
            places = ",".join("?" * len(some))
            sql = f"SELECT hash, text FROM names WHERE site = ? AND hash IN ({places})"  # noqa: S608 (question marks)
            found |= {_unsigned(key): text for key, text in self._fetch(sql, (site, *some))}
        return found

    def traits(self, row: int) -> dict[str, Any]:
        """See the port."""
        found = self._fetch("SELECT data FROM traits WHERE row = ?", (row,))
        return dict(msgspec.json.decode(found[0][0])) if found else {}

    def traits_holding(self, text: str) -> Iterable[tuple[int, dict[str, Any]]]:
        """See the port."""
        sql = "SELECT row, data FROM traits WHERE instr(lower(CAST(data AS TEXT)), lower(?)) ORDER BY row"
        return ((row, msgspec.json.decode(data)) for row, data in self._stream(sql, (storable(text),)))

    def batches(self, since_received_ms: int) -> Iterable[Batch]:
        """See the port."""
        return (Batch(*row) for row in self._stream(_BATCHES_SINCE, (since_received_ms,)))

    def trim_batches(self, before_received_ms: int) -> None:
        """See the port."""
        n_deleted = STATEMENT_ROWS
        while n_deleted == STATEMENT_ROWS:  # in steps, so that commits get in between
            with self._writing() as writer:
                writer.execute(
                    "DELETE FROM batches WHERE first_offset IN"
                    " (SELECT first_offset FROM batches WHERE received_ms < ? LIMIT ?)",
                    (before_received_ms, STATEMENT_ROWS),
                )
                n_deleted = writer.changes()

    def ended(self) -> list[tuple[int, int, bytes]]:
        """See the port."""
        return self._fetch("SELECT sequence, log_offset, sessions FROM ended ORDER BY sequence", ())

    def drop_ended(self, up_to: int) -> None:
        """See the port."""
        with self._writing() as writer:
            writer.execute("DELETE FROM ended WHERE sequence <= ?", (up_to,))

    def order_keys(self) -> Iterable[np.ndarray]:
        """See the port."""
        return (np.frombuffer(keys, "<u8") for (keys,) in self._stream("SELECT keys FROM orders ORDER BY id", ()))

    def failed(self, site: int, limit: int, before_offset: int | None = None, open_only: bool = True) -> list[Failed]:
        """See the port."""
        found = self._fetch(
            _FAILED + "WHERE site = ? AND event_offset < ? AND (is_replayed = 0 OR NOT ?)"
            " ORDER BY event_offset DESC LIMIT ?",
            (site, (1 << 63) - 1 if before_offset is None else before_offset, open_only, limit),
        )
        return [_failed(*row) for row in found]

    def failed_at(self, offsets: Sequence[int]) -> list[Failed]:
        """See the port; those that are no longer kept are left out."""
        found: list[Failed] = []
        for at in range(0, len(offsets), STATEMENT_ROWS):
            some = offsets[at : at + STATEMENT_ROWS]
            places = ",".join("?" * len(some))
            sql = _FAILED + f"WHERE event_offset IN ({places}) ORDER BY event_offset"
            found += [_failed(*row) for row in self._fetch(sql, tuple(some))]
        return found

    def n_failed_by_reason(self, site: int) -> dict[str, int]:
        """See the port."""
        sql = "SELECT reason, count(*) FROM failed WHERE site = ? AND is_replayed = 0 GROUP BY reason"
        return dict(self._fetch(sql, (site,)))

    def merges_of(self, row: int) -> list[Merge]:
        """See the port."""
        sql = "SELECT data FROM merges WHERE winner = ?1 OR loser = ?1 ORDER BY merge_id DESC"
        return [_decode_merge(data) for (data,) in self._fetch(sql, (row,))]

    def merge(self, merge_id: int) -> Merge | None:
        """See the port."""
        rows = self._fetch("SELECT data FROM merges WHERE merge_id = ?", (merge_id,))
        return _decode_merge(rows[0][0]) if rows else None

    def undone_merges(self) -> list[Merge]:
        """See the port."""
        merges = (_decode_merge(data) for (data,) in self._fetch("SELECT data FROM merges ORDER BY merge_id", ()))
        return [merge for merge in merges if merge.is_undone]

    def close(self) -> None:
        """See the port; closing twice is harmless."""
        with self._write_lock, self._read_lock:
            self._is_closed = True
            self._release()

    def _open(self) -> None:
        """Connect, write everything anew, check that nothing acknowledged is missing, and only then take over."""
        writer = reader = None
        try:
            writer = wal.open_writer(self._path, self._vfs, cache_bytes=64 << 20)
            writer.execute("BEGIN IMMEDIATE")
            writer.execute(_SCHEMA)
            if not writer.execute("SELECT 1 FROM pragma_table_info('batches') WHERE name = 'placed'").get:
                writer.execute(
                    "ALTER TABLE batches ADD COLUMN placed BLOB NOT NULL DEFAULT x''"
                )  # made by an older version
            self._note_layout(writer)
            writer.execute("COMMIT")
            next_offset = writer.execute("SELECT value FROM meta WHERE name = 'next_offset'").get or 0
            if next_offset < self._next_offset:
                raise Unavailable(
                    f"The records include offset {next_offset}, but {self._next_offset} was committed:"
                    " restore them from a copy.",
                    code="corrupt_records",
                )
            reader = wal.open_reader(self._path, self._vfs, cache_bytes=16 << 20)
        except BaseException as error:
            wal.close(reader)
            wal.close(writer)
            if isinstance(error, apsw.Error):
                raise wal.unavailable(error, "records") from error
            raise
        with self._read_lock:
            wal.close(self._reader)
            self._writer, self._reader = writer, reader
        self._next_offset = next_offset
        self._is_broken = False

    def _note_layout(self, writer: apsw.Connection) -> None:
        description = msgspec.json.encode(self._record.description).decode()
        known = writer.execute("SELECT description FROM layouts WHERE layout = ?", (self._record.number,)).get
        if known is None:
            writer.execute("INSERT INTO layouts VALUES(?,?)", (self._record.number, description))
        elif known != description:
            raise Unavailable(
                f"The stored records have another layout {self._record.number} than this version: raise the layout's"
                " number with every change of its fields.",
                code="layout_conflict",
            )

    def _release(self) -> None:
        wal.close(self._reader)
        wal.close(self._writer)
        self._reader = self._writer = None

    @contextmanager
    def _writing(self) -> Iterator[apsw.Connection]:
        """The writing connection, mended first if its last sync failed; what fails inside is rolled back."""
        with self._write_lock:
            if self._is_closed:
                raise Unavailable("The records are closed.", code="closed")
            if self._is_broken:
                wal.close(self._writer)
                self._writer = None
                self._open()
            writer = self._writer
            assert writer is not None
            try:
                n_frames, n_done = writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
                if (n_frames - n_done) * wal.PAGE_BYTES >= CHECKPOINT_BYTES:
                    writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                yield writer
            except apsw.Error as error:
                wal.roll_back(writer)
                self._is_broken = not wal.leaves_file_intact(error)
                raise wal.unavailable(error, "records") from error
            except BaseException:
                wal.roll_back(writer)
                raise

    @contextmanager
    def _reading(self) -> Iterator[apsw.Connection]:
        with self._read_lock:
            if self._reader is None:
                raise Unavailable("The records are closed.", code="closed")
            try:
                yield self._reader
            except apsw.Error as error:
                raise wal.unavailable(error, "records") from error

    def _fetch(self, sql: str, parameters: tuple[Any, ...]) -> list[Any]:
        with self._reading() as reader:
            return list(reader.execute(sql, parameters))

    def _stream(self, sql: str, parameters: tuple[Any, ...]) -> Iterator[Any]:
        """Rows one by one over a connection of its own, so that a long walk keeps nobody waiting."""
        with self._reading():
            reader = wal.open_reader(self._path, self._vfs)
        try:
            yield from reader.execute(sql, parameters)
        except apsw.Error as error:
            raise wal.unavailable(error, "records") from error
        finally:
            wal.close(reader)

    def _fill(
        self, records: np.ndarray, older: dict[int, np.dtype[Any]], rows: Iterable[tuple[int, int, bytes]]
    ) -> None:
        current, size = self._record.number, self._record.dtype.itemsize
        flat = records.view(np.uint8).data
        waiting: dict[int, list[tuple[int, bytes]]] = {number: [] for number in older}
        for row, number, data in rows:
            if number == current:
                flat[row * size : (row + 1) * size] = data
                continue
            waiting[number].append((row, data))
            if len(waiting[number]) == MIGRATED_ROWS:
                self._fill_migrated(records, older[number], waiting[number])
                waiting[number] = []
        for number, some in waiting.items():
            if some:
                self._fill_migrated(records, older[number], some)

    def _fill_migrated(self, records: np.ndarray, dtype: np.dtype[Any], some: list[tuple[int, bytes]]) -> None:
        old = np.frombuffer(b"".join(data for _, data in some), dtype)
        records[[row for row, _ in some]] = self._record.migrate(old)

    def _put(self, writer: apsw.Connection, commit: Commit) -> None:
        self._put_records(writer, commit.rows, commit.records)
        _insert(
            writer, "INSERT OR REPLACE INTO identities(site, what, text, key, row, is_shared) VALUES ", 6,
            [(i.site, i.what, storable(i.text), _signed(i.key), i.row, i.is_shared) for i in commit.identities],
        )  # fmt: skip
        _insert(
            writer, "INSERT OR REPLACE INTO names(site, hash, what, text) VALUES ", 4,
            [(site, _signed(key), what, storable(text)) for site, key, what, text in commit.names],
        )  # fmt: skip
        _insert(writer, "INSERT OR REPLACE INTO traits VALUES ", 2, commit.traits)
        _insert(
            writer, "INSERT OR REPLACE INTO batches VALUES ", 8,
            [
                (b.offset, b.n, b.received_ms, b.statuses, b.message_keys, b.order_keys, b.rows, b.placed)
                for b in commit.batches
            ],
        )  # fmt: skip
        _insert(writer, "INSERT INTO ended(log_offset, sessions) VALUES ", 2, commit.ended)
        self._put_orders(writer, applied_order_keys(commit.batches))
        self._put_failed(writer, commit)
        _insert(
            writer, "INSERT OR REPLACE INTO merges VALUES ", 4,
            [(m.merge_id, m.winner, m.loser, _encode(m)) for m in commit.merges],
        )  # fmt: skip
        _insert(writer, "INSERT OR REPLACE INTO counters VALUES ", 2, list(commit.counters.items()))
        _insert(
            writer, "INSERT OR REPLACE INTO meta VALUES ", 2,
            [("next_offset", commit.next_offset), ("n_rows", commit.n_rows)],
        )  # fmt: skip

    def _put_records(self, writer: apsw.Connection, rows: np.ndarray, records: np.ndarray) -> None:
        size = self._record.dtype.itemsize
        order = np.argsort(rows, kind="stable")
        rows, records = rows[order], np.ascontiguousarray(records).view(np.dtype((np.void, size)))[order]
        step = max(1, STATEMENT_BYTES // size)
        for at in range(0, len(rows), step):
            some = records[at : at + step]
            writer.execute(
                "INSERT INTO records(row, layout, data)"
                " SELECT value, ?1, substr(?2, key * ?3 + 1, ?3) FROM json_each(?4) WHERE 1"
                " ON CONFLICT(row) DO UPDATE SET layout = excluded.layout, data = excluded.data",
                (self._record.number, memoryview(some.view(np.uint8).data), size, str(rows[at : at + step].tolist())),
            )

    def _put_orders(self, writer: apsw.Connection, keys: np.ndarray) -> None:
        if not len(keys):
            return
        last = writer.execute("SELECT id, keys FROM orders ORDER BY id DESC LIMIT 1").get
        if last is not None and len(last[1]) < ORDERS_BYTES:
            writer.execute("UPDATE orders SET keys = ? WHERE id = ?", (last[1] + keys.tobytes(), last[0]))
        else:
            writer.execute("INSERT INTO orders(keys) VALUES (?)", (keys.tobytes(),))

    def _put_failed(self, writer: apsw.Connection, commit: Commit) -> None:
        _insert(
            writer, "INSERT OR REPLACE INTO failed VALUES ", 5,
            [(f.offset, f.site, f.is_replayed, f.reason, _encode(f)) for f in commit.failed],
        )  # fmt: skip
        for offset in commit.replayed:
            writer.execute("UPDATE failed SET is_replayed = 1 WHERE event_offset = ?", (offset,))
        if commit.failed:
            n_over = writer.execute("SELECT count(*) FROM failed").get - self._failed_max
            if n_over > 0:
                writer.execute(
                    "DELETE FROM failed WHERE event_offset IN"
                    " (SELECT event_offset FROM failed ORDER BY event_offset LIMIT ?)",
                    (n_over,),
                )


def applied_order_keys(batches: Sequence[Batch]) -> np.ndarray:
    """uint64: keys of the orders that were applied in these batches."""
    keys = np.frombuffer(b"".join(batch.order_keys for batch in batches), "<u8")
    statuses = np.frombuffer(b"".join(batch.statuses for batch in batches), np.uint8)
    applied: np.ndarray = keys[(keys != 0) & (statuses == Status.APPLIED)]
    return applied


def storable(text: str) -> str:
    """The text with what isn't Unicode (lone surrogates) replaced."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _insert(writer: apsw.Connection, head: str, width: int, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows many at a time: a statement costs a switch of threads."""
    one = "(" + ",".join("?" * width) + ")"
    for at in range(0, len(rows), STATEMENT_ROWS):
        some = rows[at : at + STATEMENT_ROWS]
        writer.execute(head + ",".join([one] * len(some)), [value for row in some for value in row])


def _identity(site: int, what: int, text: str, key: int, row: int, is_shared: int) -> Identity:
    return Identity(site, what, text, _unsigned(key), row, bool(is_shared))


def _failed(is_replayed: int, data: bytes) -> Failed:
    failed = _decode_failed(data)
    failed.is_replayed = bool(is_replayed)
    return failed


def _signed(key: int) -> int:
    return key - (1 << 64) if key >> 63 else key


def _unsigned(key: int) -> int:
    return key & ((1 << 64) - 1)


def undone_merges_in(path: Path) -> list[Merge]:
    """Merges that were taken back, of a file that another process may be writing; ``[]`` if there is no file.

    Raises ``Unavailable`` if it can't be read.
    """
    if not path.exists():
        return []
    try:
        reader = wal.open_reader(path, None)
        try:
            merges = [_decode_merge(data) for (data,) in reader.execute("SELECT data FROM merges ORDER BY merge_id")]
        finally:
            wal.close(reader)
    except apsw.Error as error:
        raise wal.unavailable(error, "record store") from error
    return [merge for merge in merges if merge.is_undone]
