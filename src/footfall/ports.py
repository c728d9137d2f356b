"""What does the engine need from the world? Small protocols; each has one contract suite in ``tests/contracts``.

Every method may be called from any one thread at a time, and may block on I/O unless it says otherwise.
All raise :class:`footfall.base.errors.Unavailable` when the medium is full, broken or gone, and keep what they
had acknowledged before.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from footfall.events.wire import Entry


class EventLog(Protocol):
    """The durable, ordered log of accepted entries; an event's offset is its number in it, from 0."""

    def append(self, entries: Sequence[Entry]) -> int:
        """Write all entries durably (fsync) or none, and return the offset of the first event.

        After a failed sync it refuses every further append with ``Unavailable`` until :meth:`reopen`.
        """
        ...

    def read(self, offset: int, max_events: int) -> list[tuple[int, Entry]]:
        """Whole entries from the one that starts at ``offset``, in order, with their offsets.

        At least one entry if there is any, then as long as ``max_events`` isn't passed. An entry without events
        (control) is returned before the event that has the same offset. ``offset`` is always an entry's start.
        """
        ...

    def next_offset(self) -> int:
        """Offset that the next appended event will have; equals the number of events ever appended. Never blocks."""
        ...

    def trim(self, before: int) -> None:
        """Forget whole entries that lie entirely before an offset (they are in the lake)."""
        ...

    def reopen(self) -> None:
        """Close, open again and verify the tail after an error; appends work again when it returns."""
        ...

    def close(self) -> None:
        """Release files; a later call of anything else is an error."""
        ...


class Site(msgspec.Struct, frozen=True):
    """One shop. ``number`` (1-65535) is what records and the log carry."""

    number: int
    name: str
    write_key: str
    origins: tuple[str, ...] = ()
    """Allowed origins for browsers (``https://shop.example``); empty allows any."""
    is_archived: bool = False


class Identity(msgspec.Struct, array_like=True, gc=False):
    """An id that points to a visitor. ``what`` is ``ids.ANONYMOUS`` or ``ids.USER``; ``row`` the visitor's row."""

    site: int
    what: int
    text: str
    key: int
    row: int
    is_shared: bool = False


class Failed(msgspec.Struct, array_like=True, gc=False):
    """A refused event: where it stood, why, and what it was (``body`` as JSON or raw bytes, ``entry`` its envelope)."""

    offset: int
    site: int
    received_ms: int
    reason: str
    detail: str
    entry: Entry
    is_replayed: bool = False


class Merge(msgspec.Struct, array_like=True, gc=False):
    """Two visitors became one: what is needed to take that back.

    ``winner_before`` and ``loser_before`` are the records' bytes (layout ``layout``) just before.
    """

    merge_id: int
    site: int
    offset: int
    time_ms: int
    winner: int
    loser: int
    key_a: int
    key_b: int
    layout: int
    winner_before: bytes
    loser_before: bytes
    is_undone: bool = False


class Batch(msgspec.Struct, array_like=True, gc=False):
    """What became of the events of one log range: ``statuses`` uint8[n], ``message_keys`` uint64[n],
    ``order_keys`` uint64[n], ``rows`` int32[n], as bytes, little-endian."""

    offset: int
    n: int
    received_ms: int
    statuses: bytes
    message_keys: bytes
    order_keys: bytes
    rows: bytes


class Commit(msgspec.Struct, gc=False):
    """Everything a store must take over in one atomic step."""

    next_offset: int
    n_rows: int
    rows: np.ndarray
    """int32[k]: dirty rows."""
    records: np.ndarray
    """RECORD[k]: copies of the dirty records, in the current layout."""
    identities: list[Identity]
    """New or changed since the last commit; same (site, what, text) replaces."""
    names: list[tuple[int, int, str, str]]
    """(site, hash64, what, text) of new names; ``what`` in section, product, category, campaign, city, page."""
    traits: list[tuple[int, bytes]]
    """(row, JSON object) whole trait objects of rows that changed."""
    batches: list[Batch]
    failed: list[Failed]
    replayed: list[int]
    """Offsets of failed events that were tried again."""
    merges: list[Merge]
    counters: dict[str, int]
    """Ledger and progress counters, whole."""


class Snapshot(msgspec.Struct, gc=False):
    """What a store holds; ``records`` is migrated to the current layout."""

    next_offset: int
    n_rows: int
    records: np.ndarray
    """RECORD[n_rows]."""
    counters: dict[str, int]


class RecordStore(Protocol):
    """Visitor records with the log position they include, and everything that must change with them."""

    def load(self) -> Snapshot:
        """The state as of the last commit (empty at first); called once at start."""
        ...

    def commit(self, commit: Commit) -> None:
        """Take all of it durably or nothing. ``commit.next_offset`` never goes back."""
        ...

    def identities(self) -> Iterable[Identity]:
        """Every identity; called once at start."""
        ...

    def identities_of(self, row: int) -> list[Identity]:
        """The identities that point straight to this row."""
        ...

    def find(self, site: int, text: str) -> list[Identity]:
        """Identities with exactly this text, user ids first."""
        ...

    def search(self, site: int, text: str, limit: int) -> list[Identity]:
        """Identities that start with this text."""
        ...

    def names(self, site: int, hashes: Sequence[int]) -> dict[int, str]:
        """Texts of the hashes that are known."""
        ...

    def traits(self, row: int) -> dict[str, Any]:
        """The visitor's traits, or ``{}``."""
        ...

    def batches(self, since_received_ms: int) -> Iterable[Batch]:
        """Batches received since, by offset; for the duplicate index and for the lake after a restart."""
        ...

    def trim_batches(self, before_received_ms: int) -> None:
        """Forget batches older than the duplicate window."""
        ...

    def order_keys(self) -> Iterable[np.ndarray]:
        """uint64 arrays: the keys of every order ever applied (kept when batches are trimmed)."""
        ...

    def failed(self, site: int, limit: int, before_offset: int | None = None, open_only: bool = True) -> list[Failed]:
        """Refused events, newest first."""
        ...

    def failed_at(self, offsets: Sequence[int]) -> list[Failed]:
        """The refused events at these offsets."""
        ...

    def n_failed_by_reason(self, site: int) -> dict[str, int]:
        """Open refused events by reason."""
        ...

    def merges_of(self, row: int) -> list[Merge]:
        """Merges that this row won or lost, newest first."""
        ...

    def close(self) -> None:
        """Release files."""
        ...


class Lake(Protocol):
    """All events and sessions for ever (or the retention), as Parquet by site and date."""

    def write(self, table: str, first_offset: int, last_offset: int, rows: Any) -> None:
        """Write a ``pyarrow.Table`` of ``events`` or ``sessions`` covering the log range [first, last).

        Files are named by site, date and range, so that writing the same range twice is the same as once.
        """
        ...

    def position(self) -> int:
        """Log offset up to which events are in the lake, without gaps."""
        ...

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Run SQL over the views ``events`` and ``sessions``; returns a ``pyarrow.Table``."""
        ...

    def compact(self, today: str) -> int:
        """Join the small files of finished days; returns how many were joined."""
        ...

    def retain(self, oldest_date: str) -> int:
        """Delete whole days before a date; returns how many files went."""
        ...

    def close(self) -> None:
        """Release DuckDB."""
        ...
