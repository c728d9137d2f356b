"""How is a SQLite file opened so that a commit is on disk, and what do its errors mean?

The journal and the record store share this: write-ahead log, ``synchronous=FULL``, checkpoints that are ours to start
(SQLite swallows the errors of its automatic ones), and a fresh copy of the write-ahead log into the database at every
opening. That copy matters after a failed sync: the kernel may then count pages as clean that never reached the disk,
and only writing them again makes a later sync mean what it says.
"""

import contextlib
import os
from pathlib import Path

import apsw

from footfall.base.errors import Unavailable

BUSY_TIMEOUT_MS = 10_000
PAGE_BYTES = 8192


def open_writer(path: Path, vfs: str | None, cache_bytes: int) -> apsw.Connection:
    """The connection that writes; what the write-ahead log held is durable in the database when it returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path, vfs)
    try:
        for pragma in (
            f"page_size={PAGE_BYTES}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "fullfsync=1",  # macOS, where fsync alone leaves the drive's cache
            "wal_autocheckpoint=0",
            f"journal_size_limit={64 << 20}",
            f"cache_size=-{cache_bytes >> 10}",
            "trusted_schema=0",
        ):
            connection.execute("PRAGMA " + pragma)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        sync_folder(path.parent)
    except BaseException:
        close(connection)
        raise
    return connection


def open_reader(path: Path, vfs: str | None, cache_bytes: int = 8 << 20) -> apsw.Connection:
    """A connection that only reads, for use beside the writer."""
    connection = _connect(path, vfs)
    try:
        connection.execute("PRAGMA query_only=1")
        connection.execute(f"PRAGMA cache_size=-{cache_bytes >> 10}")
    except BaseException:
        close(connection)
        raise
    return connection


def roll_back(connection: apsw.Connection) -> None:
    """End a transaction that failed; SQLite has often done so by itself."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except apsw.Error:
        close(connection)


def close(connection: apsw.Connection | None) -> None:
    """Close for good; what closing would still have liked to save is saved by the next opening."""
    if connection is not None:
        with contextlib.suppress(apsw.Error):
            connection.close(True)


def leaves_file_intact(error: apsw.Error) -> bool:
    """Whether the connection can be used on: the disk was full or somebody held a lock, no sync failed."""
    return isinstance(error, apsw.FullError | apsw.BusyError)


def unavailable(error: apsw.Error, what: str) -> Unavailable:
    """The error that callers see; ``what`` names the file's part, such as "journal"."""
    if isinstance(error, apsw.FullError):
        return Unavailable(
            f"The disk of the {what} is full: free some space; nothing was half-written.", code="disk_full"
        )
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return Unavailable(f"The {what} is damaged ({error}): restore it from a copy.", code=f"corrupt_{what}")
    return Unavailable(f"The {what} failed ({error}): check the disk.", code=f"{what}_failed")


def sync_folder(folder: Path) -> None:
    """Make names created, renamed or removed in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, vfs: str | None) -> apsw.Connection:
    connection = apsw.Connection(str(path), vfs=vfs)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection
