"""How do log entries become records, and what must be kept of it? The one engine of every host.

:class:`Engine` holds the state in memory: records, identities, key sets, timers. :meth:`Engine.apply` takes entries in
log order through columns, admit and step; :meth:`Engine.tick` ends sessions whose time has come; :meth:`Engine.take_commit`
hands over everything that changed, to be stored in one step with the log position. It knows ports only, reads no
clock, and isn't thread-safe: its host holds one lock around it.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from footfall.base.codes import Status
from footfall.base.errors import BadInput
from footfall.base.ids import ANONYMOUS, USER, identity_key
from footfall.events import clean
from footfall.events.columns import Columns, Failure, Reader
from footfall.events.facts import Facts, FactsShelf, no_facts
from footfall.events.geo import Geo
from footfall.events.reasons import REASONS
from footfall.events.wire import Entry, Source
from footfall.ports import Batch, Commit, Failed, Identity, Merge, RecordStore
from footfall.record import admit as tables
from footfall.record.admit import NEW_ANONYMOUS, NEW_PREVIOUS, NEW_USER, SHARED_ANONYMOUS, admit
from footfall.record.layout import EVENT, ITEM, LAYOUT, MERGE, RECORD, SESSION
from footfall.record.step import plan_of, step
from footfall.record.timers import Timers, end_sessions
from footfall.settings import Settings

_APPLIED, _DUPLICATE, _FAILED = int(Status.APPLIED), int(Status.DUPLICATE), int(Status.FAILED)
_DAY_MS = 86_400_000
_FAILED_BODY_MAX = 32_768
COUNTERS = ("applied", "duplicate", "failed", "control", "retried", "merges", "clock_ms", "facts")
"""What is counted: events by where they ended; control entries; second tries (each is an offset of the log but no event
received); merges; the latest receive time; the version
of the facts in force."""


class KeySet:
    """A growing set of 64-bit keys for the kernel; never more than half full."""

    def __init__(self, least: int = 1024) -> None:
        self.table = np.zeros(least, np.uint64)
        self.n = 0

    def make_room(self, n_more: int) -> None:
        """Grow before ``n_more`` keys may be added."""
        if 2 * (self.n + n_more) > len(self.table):
            self.table = tables.grown_keys(self.table, tables.room_for(int(1.5 * (self.n + n_more))))

    def add_all(self, keys: np.ndarray) -> None:
        """Add keys; 0 is skipped."""
        self.make_room(len(keys))
        self.n += tables.keys_add_all(self.table, keys)


class Engine:
    """The state of all visitors, moved by log entries; see the module."""

    def __init__(self, settings: Settings, store: RecordStore, *, places: Geo, shelf: FactsShelf) -> None:
        self.settings = settings
        self.store = store
        self.reader = Reader(settings, places)
        self.plan = plan_of(settings.session_timeout_s, settings.dwell_cap_s)
        self._shelf = shelf
        self.facts: Facts = no_facts()
        self.counters: dict[str, int] = dict.fromkeys(COUNTERS, 0)
        self.next_offset = 0
        self.n_rows = 0
        self.records = np.zeros(settings.reserve_visitors, RECORD)
        self.identities = np.zeros(1024, tables.IDENTITY_SLOT)
        self.n_identities = 0
        self.orders = KeySet()
        self.splits = KeySet(2)
        self.timers = Timers(settings.session_timeout_s * 1000)
        self._window_ms = settings.duplicate_window_days * _DAY_MS
        self.seen = KeySet(65_536)
        self._seen_rebuilt_ms = 0
        self._gone = np.zeros(settings.reserve_visitors, np.int32)
        self._dirty = np.zeros(settings.reserve_visitors, np.bool_)
        # what the next commit takes over
        self._new_identities: dict[tuple[int, int, str], Identity] = {}
        self._traits: dict[int, dict[str, object]] = {}
        self._batches: list[Batch] = []
        self._failed: list[Failed] = []
        self._replayed: list[int] = []
        self._merges: list[Merge] = []
        self._ended: list[tuple[int, bytes]] = []
        self._moved = False

    # -- start -----------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Load the last commit; the host then applies the log from :attr:`next_offset`."""
        snapshot = self.store.load()
        self.next_offset = snapshot.next_offset
        self.counters.update({k: v for k, v in snapshot.counters.items() if k in self.counters})
        self._ensure_rows(snapshot.n_rows)
        self.records[: snapshot.n_rows] = snapshot.records
        self.n_rows = snapshot.n_rows
        del snapshot
        self._load_identities(self.store.identities())
        for keys in self.store.order_keys():
            self.orders.add_all(keys)
        for merge in self.store.undone_merges():
            self.splits.add_all(np.array([merge.key_a ^ merge.key_b], np.uint64))
        self._rebuild_seen()
        self.facts = self._shelf.get(self.counters["facts"])
        self.timers.rebuild(self.records, self.n_rows)

    def _load_identities(self, identities: Iterable[Identity]) -> None:
        chunk: list[Identity] = []
        for identity in identities:
            chunk.append(identity)
            if len(chunk) == 100_000:
                self._put_identities(chunk)
                chunk.clear()
        self._put_identities(chunk)

    def _put_identities(self, chunk: Sequence[Identity]) -> None:
        if not chunk:
            return
        self._ensure_identities(len(chunk))
        self.n_identities += tables.identities_put(
            self.identities,
            np.array([i.key for i in chunk], np.uint64),
            np.array([i.row for i in chunk], np.int32),
            np.array([i.is_shared for i in chunk], np.uint8),
        )

    def _rebuild_seen(self) -> None:
        """The messageIds of the window, from the stored batches and those not yet committed."""
        since = self.counters["clock_ms"] - self._window_ms
        seen = KeySet(65_536)
        for batch in (*self.store.batches(since), *self._batches):
            keys = np.frombuffer(batch.message_keys, "<u8")
            statuses = np.frombuffer(batch.statuses, np.uint8)
            seen.add_all(keys[statuses != _FAILED].astype(np.uint64))
        self.seen = seen
        self._seen_rebuilt_ms = self.counters["clock_ms"]

    # -- growth ----------------------------------------------------------------------------------------------------

    def _ensure_rows(self, n_more: int) -> None:
        need = self.n_rows + n_more
        if need <= len(self.records):
            return
        capacity = max(need, 2 * len(self.records))
        for name in ("records", "_gone", "_dirty"):
            old = getattr(self, name)
            new = np.zeros(capacity, old.dtype)
            new[: self.n_rows] = old[: self.n_rows]
            setattr(self, name, new)

    def _ensure_identities(self, n_more: int) -> None:
        if 2 * (self.n_identities + n_more) > len(self.identities):
            room = tables.room_for(int(1.5 * (self.n_identities + n_more)))
            self.identities = tables.grown_identities(self.identities, room)

    # -- apply -----------------------------------------------------------------------------------------------------

    def apply(self, batch: Sequence[tuple[int, Entry]]) -> Columns | None:
        """Take whole entries in log order, starting at :attr:`next_offset`; returns the columns of their events.

        A control entry must come alone or at the end of ``batch`` (see :func:`split_at_control`).
        """
        if not batch:
            return None
        if batch[0][0] != self.next_offset:
            raise ValueError(f"the engine is at offset {self.next_offset}, not {batch[0][0]}")
        last_offset, last = batch[-1]
        columns = None
        if last.source == Source.ENGINE:
            batch = batch[:-1]
        if batch:
            columns = self._apply_events(batch)
        if last.source == Source.ENGINE:
            self._control(last)
        self.next_offset = last_offset + last.n
        self.counters["clock_ms"] = max(self.counters["clock_ms"], last.logged_ms or last.received_ms)
        self._moved = True
        return columns

    def _control(self, entry: Entry) -> None:
        self.counters["control"] += entry.n
        if entry.facts:
            self.counters["facts"] = entry.facts
            self.facts = self._shelf.get(entry.facts)

    def _apply_events(self, batch: Sequence[tuple[int, Entry]]) -> Columns:
        columns = self.reader.read(batch, self.facts)
        events = columns.events
        n = len(events)
        self._ensure_rows(3 * n)
        self._ensure_identities(3 * n)
        self.seen.make_room(n)
        self.orders.make_room(n)
        merges = tables.merge_room(n)
        links = np.zeros(n, np.uint8)
        first_row = self.n_rows
        self.n_rows, n_merges, n_identities, n_seen, n_orders = admit(
            self.records, self.n_rows, events, self.identities, self.seen.table, self.orders.table,
            self.splits.table, self._gone, merges, links,
        )  # fmt: skip
        self.n_identities += n_identities
        self.seen.n += n_seen
        self.orders.n += n_orders
        if self.n_rows > first_row:
            self._dirty[first_row : self.n_rows] = True
        if n_identities or links.any():
            self._note_links(columns, links)
        if n_merges:
            self._step_with_merges(columns, merges[:n_merges])
        else:
            sessions = np.empty(n, SESSION)
            self._note_ended(sessions, step(self.records, events, columns.items, merges[:0], self.plan, sessions))
        applied = events["status"] == _APPLIED
        rows = events["row"][applied]
        self._dirty[rows] = True
        self.timers.arm(self.records, rows)
        self._note(columns, batch)
        return columns

    def _step_with_merges(self, columns: Columns, merges: np.ndarray) -> None:
        """Step piece by piece, so that the records can be kept as they were just before each merge."""
        events, start = columns.events, 0
        alone = np.zeros(1, MERGE)
        for merge in merges:
            at = int(merge["event_idx"])
            winner, loser = int(merge["winner"]), int(merge["loser"])
            self._step_piece(columns, start, at, alone[:0])
            before = self.records[winner].tobytes(), self.records[loser].tobytes()
            self._merges.append(
                Merge(
                    merge_id=self.counters["merges"] + 1,
                    site=int(events[at]["site"]),
                    offset=int(columns.offsets[at]),
                    time_ms=int(events[at]["time"]),
                    winner=winner,
                    loser=loser,
                    key_a=int(merge["key_a"]),
                    key_b=int(merge["key_b"]),
                    layout=LAYOUT,
                    winner_before=before[0],
                    loser_before=before[1],
                )
            )
            self.counters["merges"] += 1
            alone[0] = merge
            alone[0]["event_idx"] = 0
            sessions = np.empty(2, SESSION)
            nothing = events[at : at + 1].copy()
            nothing["status"] = _FAILED
            self._note_ended(sessions, step(self.records, nothing, columns.items, alone, self.plan, sessions))
            self._dirty[[winner, loser]] = True
            traits = self._merged_traits(winner, loser)
            if traits:
                self._traits[winner] = traits
            self.timers.arm(self.records, np.array([winner], np.int32))
            start = at
        self._step_piece(columns, start, len(events), alone[:0])

    def _step_piece(self, columns: Columns, start: int, stop: int, merges: np.ndarray) -> None:
        if stop > start:
            sessions = np.empty(stop - start, SESSION)
            piece = columns.events[start:stop]
            self._note_ended(sessions, step(self.records, piece, columns.items, merges, self.plan, sessions))

    def _note_ended(self, sessions: np.ndarray, n: int) -> None:
        if n:
            self._ended.append((self.next_offset, sessions[:n].tobytes()))

    def traits_of(self, row: int) -> dict[str, object]:
        """Traits of a row, those not yet stored included."""
        found = self._traits.get(row)
        return found if found is not None else self.store.traits(row)

    def _merged_traits(self, winner: int, loser: int) -> dict[str, object]:
        """Traits of both; where both have one, the winner's stands."""
        return {**self.traits_of(loser), **self.traits_of(winner)}

    def _note_links(self, columns: Columns, links: np.ndarray) -> None:
        """Remember identities that are new or point elsewhere, with their texts."""
        for i in np.flatnonzero(links):
            event = columns.decoded[i]
            if event is None:
                continue
            site = int(columns.events[i]["site"])
            for bits, what, value in (
                (NEW_ANONYMOUS | SHARED_ANONYMOUS, ANONYMOUS, event.anonymousId),
                (NEW_USER, USER, event.userId),
                (NEW_PREVIOUS, USER, event.previousId),
            ):
                text = clean.identity_text(value) if links[i] & bits else None
                if text is None:
                    continue
                key = identity_key(site, what, text)
                slot = tables.identity_slot(self.identities, np.uint64(key))
                if self.identities[slot]["key"] != key:  # an alias from an anonymous id
                    what = ANONYMOUS
                    key = identity_key(site, what, text)
                    slot = tables.identity_slot(self.identities, np.uint64(key))
                found = self.identities[slot]
                if found["key"] == key:
                    self._new_identities[(site, what, text)] = Identity(
                        site, what, text, key, int(found["row"]), bool(found["is_shared"])
                    )

    def _note(self, columns: Columns, batch: Sequence[tuple[int, Entry]]) -> None:
        """Remember what became of each event: counters, batch, failures, traits, second tries."""
        events = columns.events
        n = len(events)
        statuses = events["status"]
        counts = np.bincount(statuses, minlength=3)
        self.counters["applied"] += int(counts[_APPLIED])
        self.counters["duplicate"] += int(counts[_DUPLICATE])
        self.counters["failed"] += int(counts[_FAILED])
        self._batches.append(
            Batch(
                int(columns.offsets[0]),
                n,
                batch[-1][1].logged_ms or batch[-1][1].received_ms,
                statuses.tobytes(),
                events["message_key"].astype("<u8").tobytes(),
                np.where(statuses == _APPLIED, events["order_key"], 0).astype("<u8").tobytes(),
                events["row"].astype("<i4").tobytes(),
            )
        )
        if counts[_FAILED]:
            self._note_failures(columns, {failure.idx: failure for failure in columns.failures})
        for _, entry in batch:
            if entry.replay_of >= 0:
                self._replayed.append(entry.replay_of)
                self.counters["retried"] += 1
                self.counters["failed"] -= 1
        for i, event in enumerate(columns.decoded):
            if event is not None and event.traits and statuses[i] == _APPLIED:
                self._note_traits(int(events["row"][i]), bytes(event.traits))

    def _note_traits(self, row: int, raw: bytes) -> None:
        try:
            traits = msgspec.json.decode(raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
            return
        if isinstance(traits, dict) and traits:
            self._traits[row] = {**self.traits_of(row), **traits}

    def _note_failures(self, columns: Columns, failures: dict[int, Failure]) -> None:
        for i in np.flatnonzero(columns.events["status"] == _FAILED):
            failure = failures.get(int(i)) or Failure(int(i), "unreadable", "")
            entry = columns.entries[i]
            body = entry.body if entry.reject else columns.lines[i]
            alone = msgspec.structs.replace(
                entry, n=1, body=body[:_FAILED_BODY_MAX] if failure.reason == "event_too_large" else body
            )
            assert failure.reason in REASONS, failure.reason
            self._failed.append(
                Failed(
                    int(columns.offsets[i]), entry.site, entry.received_ms, failure.reason, failure.detail[:500], alone
                )
            )

    # -- time ------------------------------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> np.ndarray:
        """End the sessions that are due by ``now_ms`` (at most 100,000 at a call); returns their rows."""
        rows = self.timers.due(self.records, now_ms)
        if len(rows):
            sessions = np.empty(len(rows), SESSION)
            self._note_ended(sessions, end_sessions(self.records, rows, sessions))
            self._dirty[rows] = True
            self._moved = True
        return rows

    # -- what must be stored ---------------------------------------------------------------------------------------

    def take_commit(self) -> Commit | None:
        """Everything that changed since the last call, as copies; None if nothing did."""
        if not self._moved:
            return None
        rows = np.flatnonzero(self._dirty[: self.n_rows]).astype(np.int32)
        names, self.reader.new_names[:] = list(self.reader.new_names), []
        commit = Commit(
            next_offset=self.next_offset,
            n_rows=self.n_rows,
            rows=rows,
            records=self.records[rows],
            identities=list(self._new_identities.values()),
            names=names,
            traits=[(row, msgspec.json.encode(traits)) for row, traits in self._traits.items()],
            batches=self._batches,
            failed=self._failed,
            replayed=self._replayed,
            merges=self._merges,
            counters=dict(self.counters),
            ended=self._ended,
        )
        self._dirty[rows] = False
        self._new_identities, self._traits = {}, {}
        self._batches, self._failed, self._replayed, self._merges = [], [], [], []
        self._ended = []
        self._moved = False
        return commit

    def forget_old_messages(self) -> None:
        """Drop messageIds that left the duplicate window; call now and then (once a day is enough)."""
        if self.counters["clock_ms"] - self._seen_rebuilt_ms >= _DAY_MS:
            self._rebuild_seen()

    # -- reading ---------------------------------------------------------------------------------------------------

    def row_of(self, site: int, what: int, text: str) -> int:
        """Row of an identity, or -1."""
        row = tables.identities_get(self.identities, np.uint64(identity_key(site, what, text)))
        return int(tables.root_of(self.records, row)) if row >= 0 else -1

    def pending_identities(self) -> list[Identity]:
        """Identities that the next commit will store."""
        return list(self._new_identities.values())

    def pending_merges(self) -> list[Merge]:
        """Merges that the next commit will store."""
        return list(self._merges)

    def undo_merge(
        self, merge: Merge, later: Sequence[Merge], loser_keys: set[int], entries: Sequence[tuple[int, Entry]]
    ) -> None:
        """Make both visitors of a merge again: as they were, moved by ``entries``, every event since that either caused.

        An event goes to the loser when its user id, or without one its anonymous id, is among ``loser_keys``. ``later``
        are merges that the winner won since, oldest first; they are done again. The two ids are never joined again.
        """
        before = {
            merge.winner: merge.winner_before,
            merge.loser: merge.loser_before,
            **{m.loser: m.loser_before for m in later},
        }
        layouts = {merge.layout, *(m.layout for m in later)}
        if layouts != {LAYOUT}:
            raise BadInput("This merge was made by an older version and can't be taken back.", code="old_layout")
        for row, data in before.items():
            self.records[row] = np.frombuffer(data, RECORD)[0]
        pending = list(later)
        for offset, entry in entries:
            while pending and pending[0].offset <= offset:
                self._merge_again(pending.pop(0), merge, loser_keys)
            columns = self.reader.read([(offset, entry)], self._shelf.at(entry.received_ms))
            e = columns.events[0]
            key = int(e["user_key"]) or int(e["anonymous_key"])
            e["row"] = merge.loser if key in loser_keys else merge.winner
            step(self.records, columns.events, columns.items, np.zeros(0, MERGE), self.plan, np.zeros(3, SESSION))
        for m in pending:
            self._merge_again(m, merge, loser_keys)
        rows = np.array(list(before), np.int32)
        self._dirty[rows] = True
        self.timers.arm(self.records, rows)
        self.splits.make_room(2)
        self.splits.add_all(np.array([merge.key_a ^ merge.key_b], np.uint64))
        self._merges.append(msgspec.structs.replace(merge, is_undone=True))
        self._moved = True

    def _merge_again(self, m: Merge, undone: Merge, loser_keys: set[int]) -> None:
        winner = undone.loser if loser_keys & {m.key_a, m.key_b} else undone.winner
        merges = np.zeros(1, MERGE)
        merges["winner"], merges["loser"] = winner, m.loser
        nothing = np.zeros(1, EVENT)
        nothing["status"] = _FAILED
        step(self.records, nothing, np.zeros(0, ITEM), merges, self.plan, np.zeros(3, SESSION))

    def ledger(self, log_next_offset: int) -> dict[str, int]:
        """Where the events of the log ended: received = applied + duplicate + failed + lag_events."""
        done = {k: self.counters[k] for k in ("applied", "duplicate", "failed")}
        lag = max(0, log_next_offset - self.next_offset)
        return {"received": sum(done.values()) + lag, **done, "lag_events": lag}


def split_at_control(entries: Sequence[tuple[int, Entry]]) -> list[list[tuple[int, Entry]]]:
    """Batches such that a control entry, or a second try, ends its batch."""
    out: list[list[tuple[int, Entry]]] = [[]]
    for item in entries:
        out[-1].append(item)
        if item[1].source == Source.ENGINE:
            out.append([])
    return [batch for batch in out if batch]
