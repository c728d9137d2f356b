"""What does Footfall run on when nothing needs to last? The ports in plain memory, for tests and throw-away replays."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.adapters.journal import take
from footfall.adapters.lake import TABLES, fitting, select
from footfall.adapters.records import applied_order_keys, storable
from footfall.base.errors import BadInput, Unavailable
from footfall.events.wire import Entry
from footfall.ports import Batch, Commit, Failed, Identity, Merge, Snapshot
from footfall.record.layout import RECORD


class MemoryLog:
    """:class:`footfall.ports.EventLog` in a list."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offsets: list[int] = []
        self._entries: list[Entry] = []
        self._next = 0
        self._is_closed = False

    def append(self, entries: Sequence[Entry]) -> int:
        """See the port."""
        if not entries or min(entry.n for entry in entries) < 1:
            raise BadInput("An append needs entries, and every entry at least one event.")
        with self._lock:
            self._check_open()
            first = self._next
            for entry in entries:
                self._offsets.append(self._next)
                self._entries.append(entry)
                self._next += entry.n
        return first

    def read(self, offset: int, max_events: int) -> list[tuple[int, Entry]]:
        """See the port."""
        with self._lock:
            self._check_open()
            if offset == self._next:
                return []
            return take(self._offsets, self._entries, offset, max_events)

    def next_offset(self) -> int:
        """See the port."""
        return self._next

    def trim(self, before: int) -> None:
        """See the port."""
        with self._lock:
            self._check_open()
            n_gone = bisect_left(self._offsets, before)
            if n_gone and self._offsets[n_gone - 1] + self._entries[n_gone - 1].n > before:
                n_gone -= 1
            del self._offsets[:n_gone], self._entries[:n_gone]

    def reopen(self) -> None:
        """Nothing to do."""
        self._check_open()

    def close(self) -> None:
        """See the port."""
        self._is_closed = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable("The log is closed.", code="closed")


class MemoryRecordStore:
    """:class:`footfall.ports.RecordStore` in arrays and dictionaries; ``dtype`` is that of a record."""

    def __init__(self, *, failed_max: int = 100_000, dtype: "np.dtype[Any]" = RECORD) -> None:
        self._lock = threading.Lock()
        self._is_closed = False
        self._failed_max = failed_max
        self._next_offset = 0
        self._records = np.zeros(0, dtype)
        self._counters: dict[str, int] = {}
        self._identities: dict[tuple[int, str, int], Identity] = {}
        self._names: dict[tuple[int, int], str] = {}
        self._traits: dict[int, bytes] = {}
        self._batches: dict[int, Batch] = {}
        self._orders: list[np.ndarray] = []
        self._ended: list[tuple[int, int, bytes]] = []
        self._n_ended = 0
        self._failed: dict[int, Failed] = {}
        self._merges: dict[int, Merge] = {}

    def load(self) -> Snapshot:
        """See the port."""
        with self._lock:
            self._check_open()
            return Snapshot(self._next_offset, len(self._records), self._records.copy(), dict(self._counters))

    def commit(self, commit: Commit) -> None:
        """See the port."""
        if commit.records.dtype != self._records.dtype or len(commit.records) != len(commit.rows):
            raise BadInput("A commit needs one record of the current layout for each row.")
        if len(commit.rows) and not 0 <= int(commit.rows.min()) <= int(commit.rows.max()) < commit.n_rows:
            raise BadInput(f"A commit's rows must lie in 0..{commit.n_rows - 1}.")
        with self._lock:
            self._check_open()
            if commit.next_offset < self._next_offset:
                raise BadInput(f"The store includes offset {self._next_offset}, it can't go back.")
            if commit.n_rows > len(self._records):
                self._records = np.concatenate(
                    [self._records, np.zeros(commit.n_rows - len(self._records), self._records.dtype)]
                )
            self._records[commit.rows] = commit.records
            for identity in commit.identities:
                text = storable(identity.text)
                self._identities[identity.site, text, identity.what] = msgspec.structs.replace(identity, text=text)
            self._names |= {(site, key): storable(text) for site, key, _, text in commit.names}
            self._traits |= dict(commit.traits)
            self._batches |= {batch.offset: batch for batch in commit.batches}
            for offset, sessions in commit.ended:
                self._n_ended += 1
                self._ended.append((self._n_ended, offset, sessions))
            self._orders.append(applied_order_keys(commit.batches))
            self._failed |= {failed.offset: msgspec.structs.replace(failed) for failed in commit.failed}
            for offset in commit.replayed:
                if offset in self._failed:
                    self._failed[offset].is_replayed = True
            for offset in sorted(self._failed)[: max(0, len(self._failed) - self._failed_max)]:
                del self._failed[offset]
            self._merges |= {merge.merge_id: msgspec.structs.replace(merge) for merge in commit.merges}
            self._counters |= commit.counters
            self._next_offset = commit.next_offset

    def identities(self) -> Iterable[Identity]:
        """See the port."""
        return self._sorted_identities(lambda _: True)

    def identities_of(self, row: int) -> list[Identity]:
        """See the port."""
        found = self._sorted_identities(lambda identity: identity.row == row)
        return sorted(found, key=attrgetter("what", "text"))

    def find(self, site: int, text: str) -> list[Identity]:
        """See the port."""
        text = storable(text)
        return self._sorted_identities(lambda identity: identity.site == site and identity.text == text)

    def search(self, site: int, text: str, limit: int) -> list[Identity]:
        """See the port; by text, upper and lower case differ."""
        text = storable(text)
        found = self._sorted_identities(lambda identity: identity.site == site and identity.text.startswith(text))
        return found[:limit]

    def names(self, site: int, hashes: Sequence[int]) -> dict[int, str]:
        """See the port."""
        with self._lock:
            return {key: self._names[site, key] for key in map(int, hashes) if (site, key) in self._names}

    def traits(self, row: int) -> dict[str, Any]:
        """See the port."""
        with self._lock:
            return dict(msgspec.json.decode(self._traits.get(row, b"{}")))

    def traits_holding(self, text: str) -> Iterable[tuple[int, dict[str, Any]]]:
        """See the port."""
        wanted = text.encode().lower()  # bytes are lowered from A to Z alone
        with self._lock:
            found = sorted((row, data) for row, data in self._traits.items() if wanted in data.lower())
        return ((row, dict(msgspec.json.decode(data))) for row, data in found)

    def batches(self, since_received_ms: int) -> Iterable[Batch]:
        """See the port."""
        with self._lock:
            kept = [batch for batch in self._batches.values() if batch.received_ms >= since_received_ms]
        return sorted(kept, key=attrgetter("offset"))

    def trim_batches(self, before_received_ms: int) -> None:
        """See the port."""
        with self._lock:
            self._check_open()
            kept = {at: batch for at, batch in self._batches.items() if batch.received_ms >= before_received_ms}
            self._batches = kept

    def ended(self) -> list[tuple[int, int, bytes]]:
        """See the port."""
        with self._lock:
            return list(self._ended)

    def drop_ended(self, up_to: int) -> None:
        """See the port."""
        with self._lock:
            self._check_open()
            self._ended = [item for item in self._ended if item[0] > up_to]

    def order_keys(self) -> Iterable[np.ndarray]:
        """See the port."""
        with self._lock:
            return list(self._orders)

    def failed(self, site: int, limit: int, before_offset: int | None = None, open_only: bool = True) -> list[Failed]:
        """See the port."""
        with self._lock:
            found = [
                msgspec.structs.replace(failed)
                for offset, failed in sorted(self._failed.items(), reverse=True)
                if failed.site == site
                and (before_offset is None or offset < before_offset)
                and not (open_only and failed.is_replayed)
            ]
        return found[:limit]

    def failed_at(self, offsets: Sequence[int]) -> list[Failed]:
        """See the port; those that are no longer kept are left out."""
        with self._lock:
            return [msgspec.structs.replace(self._failed[at]) for at in sorted(set(offsets)) if at in self._failed]

    def n_failed_by_reason(self, site: int) -> dict[str, int]:
        """See the port."""
        with self._lock:
            still_open = [f for f in self._failed.values() if f.site == site and not f.is_replayed]
        return dict(Counter(failed.reason for failed in still_open))

    def merges_of(self, row: int) -> list[Merge]:
        """See the port."""
        with self._lock:
            return [
                merge for _, merge in sorted(self._merges.items(), reverse=True) if row in (merge.winner, merge.loser)
            ]

    def merge(self, merge_id: int) -> Merge | None:
        """See the port."""
        with self._lock:
            return self._merges.get(merge_id)

    def undone_merges(self) -> list[Merge]:
        """See the port."""
        with self._lock:
            return [merge for _, merge in sorted(self._merges.items()) if merge.is_undone]

    def close(self) -> None:
        """See the port."""
        self._is_closed = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable("The records are closed.", code="closed")

    def _sorted_identities(self, is_wanted: Callable[[Identity], bool]) -> list[Identity]:
        """By site and text, user ids before anonymous ones."""
        with self._lock:
            self._check_open()
            found = [msgspec.structs.replace(identity) for identity in self._identities.values() if is_wanted(identity)]
        return sorted(found, key=lambda identity: (identity.site, identity.text, -identity.what))


class MemoryLake:
    """:class:`footfall.ports.Lake` in Arrow tables, asked with the same SQL."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._position = 0
        self._is_closed = False
        self._parts: dict[str, dict[tuple[int, int], pa.Table]] = {table: {} for table in TABLES}
        self._duckdb = duckdb.connect(config={"threads": 1, "python_enable_replacements": False})
        self._duckdb.execute("SET enable_external_access = false")
        self._duckdb.execute("SET lock_configuration = true")

    def write(self, table: str, first_offset: int, last_offset: int, rows: pa.Table) -> None:
        """See the port."""
        rows = fitting(table, rows)
        with self._lock:
            self._check_open()
            parts = self._parts[table]
            if table == "events":
                if first_offset > self._position:
                    raise BadInput(f"The lake reaches up to offset {self._position}: write from there.")
                rows = rows.filter(pc.greater_equal(rows["offset"], self._position))
                self._position = max(self._position, last_offset)
            else:
                for first, last in [key for key in parts if first_offset <= key[0] and key[1] <= last_offset]:
                    del parts[first, last]
            if len(rows):
                parts[first_offset, last_offset] = rows

    def position(self) -> int:
        """See the port."""
        return self._position

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """See the port."""
        with self._lock:
            self._check_open()
            for table, (schema, time_column, latest) in TABLES.items():
                rows = pa.concat_tables([schema.empty_table(), *self._parts[table].values()])
                self._duckdb.register(f"{table}_rows", rows)
                self._duckdb.execute(
                    f"CREATE OR REPLACE VIEW {table} AS SELECT *, make_timestamp({time_column} * 1000)::DATE AS date"  # noqa: S608 (own names)
                    f" FROM {table}_rows {latest}"
                )
            return select(self._duckdb, sql, parameters)

    def compact(self, today: str) -> int:
        """Nothing to do."""
        return 0

    def retain(self, oldest_date: str, table: str = "") -> int:
        """See the port; returns how many parts lost rows."""
        oldest_ms = int(datetime.fromisoformat(oldest_date).replace(tzinfo=UTC).timestamp() * 1000)
        n_changed = 0
        with self._lock:
            self._check_open()
            for name, parts in self._parts.items():
                for key, rows in parts.items() if table in ("", name) else ():
                    parts[key] = rows.filter(pc.greater_equal(rows[TABLES[name].time_column], oldest_ms))
                    n_changed += len(parts[key]) < len(rows)
        return n_changed

    def close(self) -> None:
        """See the port."""
        self._is_closed = True

    def _check_open(self) -> None:
        if self._is_closed:
            raise Unavailable("The lake is closed.", code="closed")
