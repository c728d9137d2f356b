"""A disk that fails on demand, for SQLite: syncs that report an error, a disk that fills up, a power cut.

A power cut is worked out afterwards: every write, sync, truncation and deletion is noted, and :func:`power_cuts` tells
what the disk may hold if the power had gone after any of them. Only a sync promises anything. What was not yet synced
is lost, or, in the other variant, stands there in parts of 512 bytes picked at random.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw

SECTOR_BYTES = 512


class Op(NamedTuple):
    """One thing done to a file; ``what`` is create, write, truncate, sync, delete, or mark (a note of the test)."""

    what: str
    name: str = ""
    offset: int = 0
    data: bytes = b""
    note: Any = None


class FaultyVfs(apsw.VFS):
    """Passes everything on to the real file system, unless told otherwise."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.history: list[Op] = []
        self.fails_sync_in: int | None = None
        """1 fails the next sync, 2 the one after that; ``None`` none."""
        self.fails_every_sync = False
        self.room_bytes: int | None = None
        """How much files may still grow before the disk is full; ``None`` without limit."""
        super().__init__(name, "")

    def mark(self, note: Any) -> None:
        """Note in the history what the world was told by now."""
        self.history.append(Op("mark", note=note))

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "FaultyFile":
        return FaultyFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self.history.append(Op("delete", Path(filename).name))


class FaultyFile(apsw.VFSFile):
    """One open file of a :class:`FaultyVfs`."""

    def __init__(self, vfs: FaultyVfs, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._vfs = vfs
        self._name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "temporary").name
        vfs.history.append(Op("create", self._name))
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        growth = max(0, offset + len(data) - self.xFileSize())
        if self._vfs.room_bytes is not None:
            if growth > self._vfs.room_bytes:
                raise apsw.FullError("no room")
            self._vfs.room_bytes -= growth
        super().xWrite(data, offset)
        self._vfs.history.append(Op("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._vfs.history.append(Op("truncate", self._name, newsize))

    def xSync(self, flags: int) -> None:
        vfs = self._vfs
        if vfs.fails_sync_in is not None:
            vfs.fails_sync_in -= 1
        if vfs.fails_every_sync or vfs.fails_sync_in == 0:
            vfs.fails_sync_in = None
            error: Any = apsw.IOError("sync failed")
            error.extendedresult = apsw.SQLITE_IOERR_FSYNC
            raise error
        super().xSync(flags)
        self._vfs.history.append(Op("sync", self._name))


class Cut(NamedTuple):
    """The disk after a power cut: what the test had noted last by then, and the files."""

    note: Any
    files: dict[str, bytes]

    def restore(self, folder: Path) -> None:
        """Write the files into a new folder."""
        folder.mkdir()
        for name, data in self.files.items():
            (folder / name).write_bytes(data)


def power_cuts(history: list[Op], chooser: random.Random | None = None) -> Iterator[Cut]:
    """The disk as it may be after each operation; with a ``chooser`` a random part of what wasn't synced is there.

    A deletion lasts from the next sync of any file on, as journalling file systems do it.
    """
    durable: dict[str, bytearray] = {}
    pending: list[Op] = []
    note: Any = None
    for op in history:
        if op.what == "mark":
            note = op.note
        elif op.what == "sync":
            later = []
            for p in pending:
                if p.name == op.name or p.what == "delete":
                    _do(durable, p)
                else:
                    later.append(p)
            pending = later
        else:
            pending.append(op)
        files = {name: bytearray(data) for name, data in durable.items()}
        if chooser is not None:
            for p in pending:
                for part in _sectors(p):
                    if chooser.random() < 0.5:
                        _do(files, part)
        yield Cut(note, {name: bytes(data) for name, data in files.items()})


def _sectors(op: Op) -> Iterator[Op]:
    if op.what != "write":
        yield op
        return
    at = 0
    while at < len(op.data):
        n = SECTOR_BYTES - (op.offset + at) % SECTOR_BYTES
        yield Op("write", op.name, op.offset + at, op.data[at : at + n])
        at += n


def _do(files: dict[str, bytearray], op: Op) -> None:
    if op.what == "delete":
        files.pop(op.name, None)
        return
    data = files.setdefault(op.name, bytearray())
    if op.what == "truncate":
        del data[op.offset :]
    elif op.what == "write":
        if len(data) < op.offset:
            data.extend(bytes(op.offset - len(data)))
        data[op.offset : op.offset + len(op.data)] = op.data
