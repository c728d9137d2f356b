"""Where are all events and ended sessions for ever? In Parquet files by site and day, read with SQL.

A file counts if and only if the manifest names it, and the manifest is replaced as a whole. So a range that reaches
into many sites and days is there at once or not at all, and so are compaction and retention; what a crash left beside
the manifest is removed at the next start. See ``docs/lake.md`` and ``docs/decisions/0012-one-manifest-of-the-lake.md``.
"""

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from xxhash import xxh3_64

from footfall.adapters.wal import sync_folder
from footfall.base.errors import BadInput, Unavailable
from footfall.history import DECISIONS, EVENTS, SESSIONS

DAY_MS = 86_400_000
MANIFEST = "_manifest.json"
SPILL = "_spill"
OPEN_DAY_FILES = 64
"""A day that isn't over is compacted once it has so many small files."""
SMALL_BYTES = 32 << 20

_SQL_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.uint8(): "UTINYINT",
    pa.uint16(): "USMALLINT",
    pa.uint64(): "UBIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
}


class LakeTable(NamedTuple):
    """A table of the lake: its columns, the one whose day a row goes to, and what makes a row one of a kind."""

    schema: pa.Schema
    time_column: str
    latest: str
    """SQL that keeps of rows written several times the last, or empty."""


TABLES = {
    "events": LakeTable(EVENTS, "time_ms", ""),
    "sessions": LakeTable(
        SESSIONS,
        "start_ms",
        'QUALIFY row_number() OVER (PARTITION BY site, date, row, number ORDER BY end_ms DESC, "offset" DESC) = 1',
    ),
    "decisions": LakeTable(DECISIONS, "time_ms", ""),
}


class LakeFile(msgspec.Struct, frozen=True, array_like=True):
    """A file that counts: its path within the lake, its range, and what it must hold."""

    path: str
    first: int
    last: int
    n_rows: int
    n_bytes: int
    checksum: str
    """XXH3-64 of the file's bytes, in hexadecimal."""

    def partition(self) -> str:
        """``<table>/site=<number>/date=<day>``."""
        return self.path.rpartition("/")[0]

    def day(self) -> str:
        """YYYY-MM-DD."""
        return self.partition().rpartition("date=")[2]


class Manifest(msgspec.Struct, frozen=True):
    """What counts: the files of each table, and the log offset up to which ``events`` reaches."""

    position: int
    files: dict[str, tuple[LakeFile, ...]]
    version: int = 1


class ParquetLake:
    """:class:`footfall.ports.Lake` in a folder; any thread may call any method, and many at once ``query``.

    ``n_threads`` and ``memory_mb`` bound what queries and compaction may take; larger sorts spill into the folder.
    """

    def __init__(self, folder: Path | str, *, n_threads: int = 2, memory_mb: int = 1024) -> None:
        self._folder = Path(folder).absolute()
        self._write_lock = threading.Lock()
        self._use_lock = threading.Lock()
        self._generation = 0
        self._n_using: Counter[int] = Counter()
        self._doomed: list[tuple[int, Path]] = []
        self._is_closed = False
        with _disk_errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._manifest = self._read_manifest()
            self._check_and_clear()
        self._duckdb = duckdb.connect(
            config={
                "threads": n_threads,
                "memory_limit": f"{memory_mb}MB",
                "temp_directory": str(self._folder / SPILL),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "allow_persistent_secrets": False,
                "python_enable_replacements": False,
            }
        )
        self._duckdb.execute(f"SET allowed_directories = [{_quoted(str(self._folder) + '/')}]")
        self._duckdb.execute("SET enable_external_access = false")
        self._duckdb.execute("SET enable_progress_bar = false")  # which goes to stdout, where answers are
        self._duckdb.execute("SET lock_configuration = true")
        for table, files in self._manifest.files.items():
            self._make_view(table, files)

    def write(self, table: str, first_offset: int, last_offset: int, rows: pa.Table) -> None:
        """See the port.

        ``events`` must follow the position without a gap; what is already there is cut off. A range of another table
        replaces earlier files that lie within it. Raises ``BadInput`` for a gap, or columns that don't fit.
        """
        rows = fitting(table, rows)
        if last_offset < first_offset:
            raise BadInput(f"The range {first_offset}..{last_offset} ends before it starts.")
        with self._write_lock, _disk_errors():
            self._check_open()
            files = self._manifest.files[table]
            position = self._manifest.position
            if table == "events":
                if first_offset > position:
                    raise BadInput(
                        f"The lake reaches up to offset {position}: write from there, not from {first_offset}."
                    )
                if last_offset <= position:
                    return
                if first_offset < position:
                    rows = rows.filter(pc.greater_equal(rows["offset"], position))
                    first_offset = position
                position = last_offset
                replaced = set()
            else:
                if any((file.first, file.last) == (first_offset, last_offset) for file in files):
                    return
                replaced = {file for file in files if first_offset <= file.first and file.last <= last_offset}
            written: list[LakeFile] = []
            try:
                for partition, part in _partitions(table, rows):
                    written.append(self._write_file(partition, first_offset, last_offset, part))
            except BaseException:
                self._discard(written)
                raise
            self._swap(table, replaced, written, position)

    def position(self) -> int:
        """See the port."""
        return self._manifest.position

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """See the port. One ``SELECT``; raises ``BadInput`` for anything else, or for a mistake in it.

        The views have a column ``date`` (DATE) besides those of ``docs/lake.md``; conditions on ``site`` and ``date``
        skip the other folders.
        """
        with self._using():
            cursor = self._duckdb.cursor()
            try:
                return select(cursor, sql, parameters)
            finally:
                cursor.close()

    def compact(self, today: str) -> int:
        """See the port. Also joins the small files of an open day, once there are many; queries go on meanwhile."""
        with self._write_lock, _disk_errors():
            self._check_open()
            n_joined = 0
            for table in TABLES:
                parts: defaultdict[str, list[LakeFile]] = defaultdict(list)
                for file in self._manifest.files[table]:
                    parts[file.partition()].append(file)
                for partition, files in sorted(parts.items()):
                    if files[0].day() >= today:
                        files = [file for file in files if file.n_bytes < SMALL_BYTES]
                        if len(files) < OPEN_DAY_FILES:
                            continue
                    if len(files) > 1:
                        self._swap(table, set(files), [self._join(table, partition, files)], self._manifest.position)
                        n_joined += len(files)
            return n_joined

    def retain(self, oldest_date: str, table: str = "") -> int:
        """See the port; the position stays."""
        with self._write_lock, _disk_errors():
            self._check_open()
            n_gone = 0
            for name, files in self._manifest.files.items():
                if table not in ("", name):
                    continue
                old = {file for file in files if file.day() < oldest_date}
                if old:
                    self._swap(name, old, [], self._manifest.position)
                    n_gone += len(old)
            return n_gone

    def damaged(self) -> list[str]:
        """Paths of files that aren't what was written; reads all of them."""
        files = [file for files in self._manifest.files.values() for file in files]
        with self._using(), _disk_errors():
            return [file.path for file in files if _checksum(self._folder / file.path) != file.checksum]

    def close(self) -> None:
        """See the port; closing twice is harmless."""
        with self._write_lock:
            self._is_closed = True
            self._duckdb.close()

    def _read_manifest(self) -> Manifest:
        path = self._folder / MANIFEST
        if path.exists():
            try:
                found = msgspec.json.decode(path.read_bytes(), type=Manifest)
            except msgspec.MsgspecError as error:
                raise Unavailable(
                    f"{path} is damaged ({error}): restore it from a copy.", code="corrupt_lake"
                ) from error
            # a table that came with a later version is empty
            return msgspec.structs.replace(found, files=dict.fromkeys(TABLES, ()) | found.files)
        if any(self._found()):
            raise Unavailable(f"{path} is missing, but there are files: restore it from a copy.", code="corrupt_lake")
        manifest = Manifest(0, dict.fromkeys(TABLES, ()))
        self._write_manifest(manifest)
        return manifest

    def _write_manifest(self, manifest: Manifest) -> None:
        _write_durably(self._folder / MANIFEST, msgspec.json.encode(manifest))
        sync_folder(self._folder)

    def _found(self) -> Iterator[Path]:
        for table in TABLES:
            yield from (path for path in (self._folder / table).rglob("*") if path.is_file())

    def _check_and_clear(self) -> None:
        """Every file that counts must be there; what doesn't count is left from a crash and goes."""
        named = {file.path: file for files in self._manifest.files.values() for file in files}
        for path in list(self._found()):
            file = named.pop(path.relative_to(self._folder).as_posix(), None)
            if file is None:
                path.unlink()
            elif path.stat().st_size != file.n_bytes:
                raise Unavailable(f"{path} has another size than was written: restore it.", code="corrupt_lake")
        if named:
            missing = self._folder / min(named)
            raise Unavailable(f"{len(named)} files of the lake are missing: restore {missing}.", code="corrupt_lake")
        for path in (self._folder / SPILL).glob("*"):
            path.unlink()

    def _write_file(self, partition: str, first: int, last: int, rows: pa.Table) -> LakeFile:
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd", write_page_checksum=True)
        data = sink.getvalue()
        path = f"{partition}/{first:020}-{last:020}.parquet"
        self._make_folder(partition)
        _write_durably(self._folder / path, data)
        sync_folder(self._folder / partition)
        return LakeFile(path, first, last, len(rows), data.size, xxh3_64(data).hexdigest())

    def _make_folder(self, partition: str) -> None:
        if not (self._folder / partition).is_dir():
            (self._folder / partition).mkdir(parents=True, exist_ok=True)
            for parent in Path(partition).parents:
                sync_folder(self._folder / parent)

    def _join(self, table: str, partition: str, files: Sequence[LakeFile]) -> LakeFile:
        """All rows of these files in one, sorted again; the sources must be what was once written."""
        sources = [self._folder / file.path for file in files]
        for file, source in zip(files, sources, strict=True):
            if _checksum(source) != file.checksum:
                raise Unavailable(f"{source} isn't what was written: restore it from a copy.", code="corrupt_lake")
        first, last = min(file.first for file in files), max(file.last for file in files)
        path = f"{partition}/{first:020}-{last:020}.parquet"
        target = self._folder / path
        temporary = target.with_name(f"{uuid4().hex}.tmp")
        names = ", ".join(f'"{field.name}"' for field in TABLES[table].schema if field.name != "site")
        cursor = self._duckdb.cursor()
        try:
            cursor.execute(
                f"COPY (SELECT {names} FROM read_parquet({_list(sources)}, hive_partitioning = false)"  # noqa: S608 (own names)
                f' ORDER BY row, {TABLES[table].time_column}, "offset")'
                f" TO {_quoted(str(temporary))} (FORMAT parquet, COMPRESSION zstd)"
            )
            n_rows = pq.read_metadata(temporary).num_rows
            if n_rows != sum(file.n_rows for file in files):
                raise Unavailable(f"Joining the files of {partition} lost rows; they stay as they are.")
            _sync_file(temporary)
            joined = LakeFile(path, first, last, n_rows, temporary.stat().st_size, _checksum(temporary))
            temporary.replace(target)
            sync_folder(target.parent)
        except duckdb.Error as error:
            raise Unavailable(f"The files of {partition} can't be joined ({error}); they stay as they are.") from error
        else:
            return joined
        finally:
            cursor.close()
            temporary.unlink(missing_ok=True)

    def _swap(self, table: str, gone: set[LakeFile], new: Sequence[LakeFile], position: int) -> None:
        """Let the manifest name the new files instead of those gone; these go once no query can be reading them.

        If this fails midway, nobody knows which manifest will be found after a crash: so no file of either is touched,
        and trying again is safe.
        """
        kept = [file for file in self._manifest.files[table] if file not in gone]
        files = tuple(sorted([*kept, *new], key=lambda file: file.path))
        manifest = Manifest(position, self._manifest.files | {table: files})
        self._write_manifest(manifest)
        if gone or new:
            self._make_view(table, files)
        self._manifest = manifest
        with self._use_lock:
            paths = {file.path for file in new}
            self._doomed += [(self._generation, self._folder / file.path) for file in gone if file.path not in paths]
            self._generation += 1
        self._clear_doomed()

    def _discard(self, written: Sequence[LakeFile]) -> None:
        """Remove what no manifest came to name; if that fails too, the next start does it."""
        named = {file.path for files in self._manifest.files.values() for file in files}
        for file in written:
            if file.path not in named:
                with suppress(OSError):
                    (self._folder / file.path).unlink(missing_ok=True)

    def _make_view(self, table: str, files: Sequence[LakeFile]) -> None:
        schema, _, latest = TABLES[table]
        if files:
            names = ", ".join(f'"{field.name}"' for field in schema)
            source = _list([self._folder / file.path for file in files])
            body = (
                f"SELECT {names}, date FROM read_parquet({source}, hive_partitioning = true,"  # noqa: S608 (own names)
                f" hive_types = {{'site': USMALLINT, 'date': DATE}}) {latest}"
            )
        else:
            names = ", ".join(f'NULL::{_SQL_TYPES[field.type]} AS "{field.name}"' for field in schema)
            body = f"SELECT {names}, NULL::DATE AS date WHERE false"
        cursor = self._duckdb.cursor()
        try:
            cursor.execute(f"CREATE OR REPLACE VIEW {table} AS {body}")
        except duckdb.Error as error:
            raise Unavailable(f"The lake's {table} can't be read ({error}).", code="lake_failed") from error
        finally:
            cursor.close()

    @contextmanager
    def _using(self) -> Iterator[None]:
        """While this lasts, no file that a view names now is deleted."""
        self._check_open()
        with self._use_lock:
            generation = self._generation
            self._n_using[generation] += 1
        try:
            yield
        finally:
            with self._use_lock:
                self._n_using[generation] -= 1
                if not self._n_using[generation]:
                    del self._n_using[generation]
            self._clear_doomed()

    def _clear_doomed(self) -> None:
        with self._use_lock:
            oldest = min(self._n_using, default=self._generation)
            free = [path for generation, path in self._doomed if generation < oldest]
            self._doomed = [item for item in self._doomed if item[0] >= oldest]
        for path in free:
            with suppress(OSError):  # then the next start does it
                path.unlink(missing_ok=True)
                path.parent.rmdir()  # only if it is empty now

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable("The lake is closed.", code="closed")


def fitting(table: str, rows: pa.Table) -> pa.Table:
    """The rows with exactly the table's columns and types; ``BadInput`` if that can't be."""
    if table not in TABLES:
        raise BadInput(f"The lake has no table {table!r}, only {', '.join(TABLES)}.")
    schema = TABLES[table].schema
    try:
        return rows.select(schema.names).cast(schema)
    except (KeyError, pa.ArrowInvalid) as error:
        raise BadInput(f"These rows don't fit the table {table}: {error}") from error


def select(cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any]) -> pa.Table:
    """The answer to one SELECT statement; what is wrong with it is ``BadInput``."""
    try:
        statements = cursor.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise BadInput("The lake answers one SELECT at a time.")
        return cursor.sql(sql, params=list(parameters)).to_arrow_table()
    except (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InternalException, duckdb.FatalException) as error:
        raise Unavailable(f"The lake can't answer ({error}).", code="lake_failed") from error
    except duckdb.Error as error:
        if ".parquet'" in str(error):
            raise Unavailable(f"A file of the lake is damaged ({error}).", code="corrupt_lake") from error
        raise BadInput(f"This query can't be answered: {error}") from error


def _partitions(table: str, rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Rows by site and day, each sorted by visitor and time, without the column that the folder's name gives."""
    if not len(rows):
        return
    sites = rows["site"].to_numpy()
    times = rows[TABLES[table].time_column].to_numpy()
    days = times // DAY_MS
    order = np.lexsort((rows["offset"].to_numpy(), times, rows["row"].to_numpy(), days, sites))
    rows, sites, days = rows.take(pa.array(order)), sites[order], days[order]
    is_start = np.ones(len(order), bool)
    is_start[1:] = (sites[1:] != sites[:-1]) | (days[1:] != days[:-1])
    starts = np.flatnonzero(is_start)
    for start, stop in zip(starts, np.append(starts[1:], len(order)), strict=True):
        day = _day(int(days[start]))
        yield f"{table}/site={sites[start]}/date={day}", rows.slice(start, stop - start).drop_columns("site")


def _day(days: int) -> date:
    try:
        return datetime.fromtimestamp(days * 86_400, UTC).date()
    except (OverflowError, ValueError, OSError) as error:
        raise BadInput(f"An event's time lies {days} days after 1970, which no calendar has.") from error


def _write_durably(path: Path, data: bytes | pa.Buffer) -> None:
    """Temporary file, sync, rename; the caller syncs the folder."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _checksum(path: Path) -> str:
    digest = xxh3_64()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = "disk_full" if error.errno == 28 else "lake_failed"
        raise Unavailable(f"The lake's disk failed ({error}); what was there stays.", code=code) from error


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _list(paths: Sequence[Path]) -> str:
    return "[" + ", ".join(_quoted(str(path)) for path in paths) + "]"
