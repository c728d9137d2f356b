"""How do log entries become records, and what must be kept of it? The one engine of every host.

:class:`Engine` holds the state in memory: records, identities, key sets, timers. :meth:`Engine.apply` takes entries in
log order through columns, admit and step; :meth:`Engine.tick` ends sessions whose time has come;
:meth:`Engine.take_commit` hands over everything that changed, to be stored in one step with the log position. Where a
host sets :attr:`Engine.scoring`, a batch leaves the scores of its visitors in :attr:`Engine.scored`. The engine knows
ports only, reads no clock, and isn't thread-safe: its host holds one lock around it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec
import numpy as np

from footfall.base.codes import Status
from footfall.base.errors import BadInput
from footfall.base.ids import ANONYMOUS, USER, identity_key
from footfall.events import clean
from footfall.events.columns import Columns, Failure, Reader
from footfall.events.facts import Facts, FactsShelf, no_facts
from footfall.events.geo import Geo
from footfall.events.mending import read_all
from footfall.events.reasons import REASONS
from footfall.events.wire import Entry, Source
from footfall.models.scorer import Scored
from footfall.models.scoring import Scoring
from footfall.ports import PLACED, Batch, Commit, Failed, Identity, Merge, RecordStore
from footfall.record import admit as tables
from footfall.record.admit import (
    NEW_ANONYMOUS,
    NEW_PREVIOUS,
    NEW_PREVIOUS_ANONYMOUS,
    NEW_USER,
    SHARED_ANONYMOUS,
    admit,
)
from footfall.record.layout import EVENT, ITEM, LAYOUT, MERGE, RECORD, SESSION
from footfall.record.step import plan_of, step
from footfall.record.timers import Timers, end_sessions
from footfall.settings import Settings

_APPLIED, _DUPLICATE, _FAILED = int(Status.APPLIED), int(Status.DUPLICATE), int(Status.FAILED)
_DAY_MS = 86_400_000
_FAILED_BODY_MAX = 32_768
_NO_MERGES = np.zeros(0, MERGE)
_ONE_FAILED_LESS = (0, 0, -1)
COUNTERS = ("applied", "duplicate", "failed", "control", "retried", "merges", "clock_ms", "facts")
"""What is counted: events by where they ended; control entries; second tries (each is an offset of the log but no event
received); merges; the latest receive time; the version of the facts in force. Beside the first three stand those of
each site, as ``applied:7``."""
_ENDS = COUNTERS[:3]
"""Where an event can end, in the order of ``Status``."""


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
        self._taken: Commit | None = None
        self._taken_traits: dict[int, dict[str, object]] = {}
        self._undone: dict[int, list[tuple[Merge, frozenset[int]]]] = {}
        self.scoring: Scoring | None = None
        """Who scores, set by a host that wants scores; imports and replays don't, and are faster without."""
        self.scored: Scored | None = None
        """What the latest batch gave its visitors; None if it had no applied event, or nobody scores."""

    # -- start -----------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Load the last commit; the host then applies the log from :attr:`next_offset`."""
        snapshot = self.store.load()
        self.next_offset = snapshot.next_offset
        known = {*COUNTERS, *(name for name in snapshot.counters if name.partition(":")[0] in _ENDS)}
        self.counters.update({k: v for k, v in snapshot.counters.items() if k in known})
        self._ensure_rows(snapshot.n_rows)
        self.records[: snapshot.n_rows] = snapshot.records
        self.n_rows = snapshot.n_rows
        del snapshot
        self._load_identities(self.store.identities())
        for keys in self.store.order_keys():
            self.orders.add_all(keys)
        for merge in self.store.undone_merges():
            self._split(merge)
        self._rebuild_seen()
        self.facts = self._shelf.get_if_there(self.counters["facts"])
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
        """The messageIds of the window, from the stored batches and those that aren't stored yet."""
        since = self.counters["clock_ms"] - self._window_ms
        seen = KeySet(65_536)
        taken = self._taken.batches if self._taken is not None else []
        for batch in chain(self.store.batches(since), taken, self._batches):
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

        A control entry must come alone or at the end of ``batch`` (see :func:`split_at_control`). When this raises,
        what the engine holds is half moved: recover a new one from the store.
        """
        if not batch:
            return None
        if batch[0][0] != self.next_offset:
            raise ValueError(f"the engine is at offset {self.next_offset}, not {batch[0][0]}")
        last_offset, last = batch[-1]
        columns = None
        self.scored = None
        if last.source == Source.ENGINE:
            batch = batch[:-1]
        if batch:
            columns = self._apply_events(batch)
        if last.source == Source.ENGINE:
            self._control(last_offset, last)
        self.next_offset = last_offset + last.n
        self._moved = True
        return columns

    def _control(self, offset: int, entry: Entry) -> None:
        self._pass_time(entry.logged_ms or entry.received_ms)
        self.counters["control"] += entry.n
        if entry.facts:
            self.counters["facts"] = entry.facts
            self._shelf.put_in_force(offset, entry.facts)
            self.facts = self._shelf.get_if_there(entry.facts)

    def _pass_time(self, logged_ms: int) -> None:
        self.counters["clock_ms"] = max(self.counters["clock_ms"], logged_ms)

    def _apply_events(self, batch: Sequence[tuple[int, Entry]]) -> Columns:
        self._pass_time(max(entry.logged_ms or entry.received_ms for _, entry in batch))
        columns = read_all(self.reader, batch, self.facts)
        events = columns.events
        n = len(events)
        told = events["section"].copy()
        self._ensure_rows(3 * n)
        self._ensure_identities(4 * n)
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
        start = 0
        for merge in merges[:n_merges]:
            at = int(merge["event_idx"])
            self._step_piece(columns, start, at)
            self._merge(columns, merge, links)
            start = at
        self._step_piece(columns, start, n)
        applied = events["status"] == _APPLIED
        rows = events["row"][applied]
        self._dirty[rows] = True
        self.timers.arm(self.records, rows)
        self._note(columns, batch, told)
        self._score(columns, applied, rows, n_merges > 0)
        return columns

    def _score(self, columns: Columns, applied: np.ndarray, rows: np.ndarray, has_merges: bool) -> None:
        """Score the visitors of a batch's applied events (bool[n]), which belong to ``rows``."""
        if self.scoring is None or not len(rows):
            return
        if has_merges:  # a row may have been merged into another after its event
            rows = rows.copy()
            for i in np.flatnonzero(self.records["merged_into"][rows]):
                rows[i] = tables.root_of(self.records, rows[i])
        events, offsets = columns.events, columns.offsets
        if len(rows) < len(events):
            events, offsets = events[applied], offsets[applied]
        self.scored = self.scoring.score_batch(self.records, rows, events, offsets, self.facts.rates)

    def _step_piece(self, columns: Columns, start: int, stop: int) -> None:
        """Step the events of an index range and remember their traits."""
        if stop == start:
            return
        piece = columns.events[start:stop]
        sessions = np.empty(stop - start, SESSION)
        self._note_ended(sessions, self.move(piece, columns.items, _NO_MERGES, sessions))
        for i, traits in columns.traits[bisect_left(columns.traits, (start,)) : bisect_left(columns.traits, (stop,))]:
            if columns.events[i]["status"] == _APPLIED:
                self._note_traits(int(columns.events[i]["row"]), traits)

    def move(self, events: np.ndarray, items: np.ndarray, merges: np.ndarray, sessions: np.ndarray) -> int:
        """Let :func:`step` move the records by events in log order, or by merges; the replay of history looks at them
        in between."""
        return int(step(self.records, events, items, merges, self.plan, sessions))

    def _merge(self, columns: Columns, merge: np.void, links: np.ndarray) -> None:
        """Make two visitors one, and keep both as they were just before, so that it can be taken back."""
        at, winner, loser = int(merge["event_idx"]), int(merge["winner"]), int(merge["loser"])
        self.counters["merges"] += 1
        self._merges.append(
            Merge(
                merge_id=self.counters["merges"],
                site=int(columns.events[at]["site"]),
                offset=int(columns.offsets[at]),
                time_ms=int(columns.events[at]["time"]),
                winner=winner,
                loser=loser,
                key_a=int(merge["key_a"]),
                key_b=int(merge["key_b"]),
                layout=LAYOUT,
                winner_before=self._just_before(columns, at, winner, links),
                loser_before=self._just_before(columns, at, loser, links),
                winner_traits=_packed(self.traits_of(winner)),
            )
        )
        self._note_ended(*self._merge_records(winner, loser))

    def _just_before(self, columns: Columns, at: int, row: int, links: np.ndarray) -> bytes:
        """A record as it is before the event at an index: without the owner that admit gave it for a later one."""
        record = self.records[row : row + 1].copy()
        owner = record["user_key"][0]
        comes = (columns.events["user_key"][at:] == owner) & (links[at:] & NEW_USER != 0)
        if owner != 0 and comes.any():
            record["user_key"] = 0
        return record.tobytes()

    def _merge_records(self, winner: int, loser: int) -> tuple[np.ndarray, int]:
        """Merge records and traits; returns the session that ended by it, if one did."""
        merges = np.zeros(1, MERGE)
        merges["winner"], merges["loser"] = winner, loser
        nothing = np.zeros(1, EVENT)
        nothing["status"] = _FAILED
        sessions = np.empty(2, SESSION)
        n = self.move(nothing, np.zeros(0, ITEM), merges, sessions)
        self._dirty[[winner, loser]] = True
        traits = {**self.traits_of(loser), **self.traits_of(winner)}  # where both have one, the winner's stands
        if traits:
            self._traits[winner] = traits
        self.timers.arm(self.records, np.array([winner], np.int32))
        return sessions, n

    def _note_ended(self, sessions: np.ndarray, n: int) -> None:
        if n:
            self._ended.append((self.next_offset, sessions[:n].tobytes()))

    def traits_of(self, row: int) -> dict[str, object]:
        """Traits of a row, those not yet stored included."""
        for known in (self._traits, self._taken_traits):
            if row in known:
                return known[row]
        return self.store.traits(row)

    def _note_links(self, columns: Columns, links: np.ndarray) -> None:
        """Remember identities that are new or point elsewhere, with their texts."""
        for i in np.flatnonzero(links):
            event = columns.event(int(i))
            if event is None:
                continue
            site = int(columns.events[i]["site"])
            for bits, what, value in (
                (NEW_ANONYMOUS | SHARED_ANONYMOUS, ANONYMOUS, event.anonymousId),
                (NEW_USER, USER, event.userId),
                (NEW_PREVIOUS, USER, event.previousId),
                (NEW_PREVIOUS_ANONYMOUS, ANONYMOUS, event.previousId),
            ):
                text = clean.identity_text(value) if links[i] & bits else None
                if text is not None:
                    self._note_identity(site, what, text)

    def _note_identity(self, site: int, what: int, text: str) -> None:
        """Let the next commit store an identity as the table has it."""
        key = identity_key(site, what, text)
        found = self.identities[tables.identity_slot(self.identities, np.uint64(key))]
        if found["key"] == key:
            self._new_identities[(site, what, text)] = Identity(
                site, what, text, key, int(found["row"]), bool(found["is_shared"])
            )

    def _note(self, columns: Columns, batch: Sequence[tuple[int, Entry]], told: np.ndarray) -> None:
        """Remember what became of each event: counters, batch, failures, second tries.

        ``told`` uint64[n] are the sections that the events tell by themselves.
        """
        events = columns.events
        n = len(events)
        statuses = events["status"]
        counts = np.bincount(statuses, minlength=3)
        sites = np.bincount(events["site"])
        for site in np.flatnonzero(sites):
            is_only = sites[site] == n
            self._count(int(site), counts if is_only else np.bincount(statuses[events["site"] == site], minlength=3))
        self._batches.append(
            Batch(
                int(columns.offsets[0]),
                n,
                self.counters["clock_ms"],  # never goes back, so that batches leave the duplicate window in order
                statuses.tobytes(),
                events["message_key"].astype("<u8").tobytes(),
                np.where(statuses == _APPLIED, events["order_key"], 0).astype("<u8").tobytes(),
                events["row"].astype("<i4").tobytes(),
                _placed(events["section"], told),
            )
        )
        if counts[_FAILED]:
            firsts = {failure.idx: failure for failure in reversed(columns.failures)}
            self._note_failures(columns, firsts)
        for entry in [entry for _, entry in batch if entry.replay_of >= 0]:
            self._replayed.append(entry.replay_of)
            self.counters["retried"] += 1
            self._count(entry.site, _ONE_FAILED_LESS)

    def _count(self, site: int, counts: Sequence[int] | np.ndarray) -> None:
        """Add to the counters, in all and of the site; ``counts`` int[3] by ``Status``."""
        for name, n in zip(_ENDS, counts, strict=True):
            if n:
                of_site = f"{name}:{site}"
                self.counters[name] += int(n)
                self.counters[of_site] = self.counters.get(of_site, 0) + int(n)

    def _note_traits(self, row: int, given: bytes) -> None:
        """Remember traits, a JSON object; they join those that the visitor has."""
        try:
            traits = msgspec.json.decode(given)
        except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
            return
        if isinstance(traits, dict) and traits:
            self._traits[row] = {**self.traits_of(row), **traits}

    def _note_failures(self, columns: Columns, failures: dict[int, Failure]) -> None:
        for i in np.flatnonzero(columns.events["status"] == _FAILED):
            failure = failures.get(int(i)) or Failure(int(i), "unreadable", "")
            entry = columns.entry(int(i))
            body = entry.body if entry.reject else columns.line(int(i))
            alone = msgspec.structs.replace(
                entry, n=1, body=body[:_FAILED_BODY_MAX] if failure.reason == "event_too_large" else body
            )
            reason = failure.reason if failure.reason in REASONS else "unreadable"
            self._failed.append(
                Failed(int(columns.offsets[i]), entry.site, entry.received_ms, reason, failure.detail[:500], alone)
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
        """Everything that changed since the last call, as copies; None if nothing did.

        Call :meth:`forget_taken` once it is stored; until then readers find it here.
        """
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
        self._taken_traits = self._traits
        self._new_identities, self._traits = {}, {}
        self._batches, self._failed, self._replayed, self._merges = [], [], [], []
        self._ended = []
        self._moved = False
        self._taken = commit
        return commit

    def forget_taken(self) -> None:
        """The store has what was taken."""
        self._taken = None
        self._taken_traits = {}

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
        """Identities that the store doesn't have yet, or not as they are now."""
        taken = self._taken.identities if self._taken is not None else []
        return list({(i.site, i.what, i.text): i for i in (*taken, *self._new_identities.values())}.values())

    def pending_merges(self) -> list[Merge]:
        """Merges that the store doesn't have yet, or not as they are now."""
        taken = self._taken.merges if self._taken is not None else []
        return list({m.merge_id: m for m in (*taken, *self._merges)}.values())

    def pending_names(self, site: int, keys: Iterable[int]) -> dict[int, str]:
        """Of these names those that the store doesn't have yet."""
        wanted = set(keys)
        taken = self._taken.names if self._taken is not None else []
        return {key: text for at, key, _, text in (*taken, *self.reader.new_names) if at == site and key in wanted}

    # -- taking merges back ----------------------------------------------------------------------------------------

    def owner_of(self, row: int, offset: int, key: int) -> int:
        """Whose an event is that was applied to a row, given the merges that were taken back since.

        ``key`` is that of its user id, or without one of its anonymous id. Merges that still stand aren't followed.
        """
        for merge, keys in self._undone.get(row, ()):
            if merge.offset <= offset < merge.undone_offset and key in keys:
                return self.owner_of(merge.loser, offset, key)
        return row

    def lenders_of(self, row: int) -> list[int]:
        """Rows that events of this row were applied to for a time, because of merges that were taken back since."""
        return [m.winner for merges in self._undone.values() for m, _ in merges if m.loser == row]

    def _split(self, merge: Merge) -> None:
        self.splits.make_room(2)
        self.splits.add_all(np.array([merge.key_a ^ merge.key_b], np.uint64))
        self._undone.setdefault(merge.winner, []).append((merge, frozenset(merge.undone_keys)))

    def undo_merge(
        self,
        merge: Merge,
        later: Sequence[tuple[Merge, set[int]]],
        loser_keys: set[int],
        entries: Sequence[tuple[int, Entry]],
    ) -> Merge:
        """Make both visitors of a merge again: as they were, moved by ``entries``, every event of the winner's since.

        An event goes to the loser when its user id, or without one its anonymous id, is among ``loser_keys``. ``later``
        are merges that the winner won since, oldest first, each with the keys of its loser; they are done again, for
        the one of both that they joined. The two ids are never joined again. Returns the merge as it is now.
        """
        if {merge.layout, *(m.layout for m, _ in later)} != {LAYOUT}:
            raise BadInput("This merge was made by an older version and can't be taken back.", code="old_layout")
        winner, loser, keys = merge.winner, merge.loser, set(loser_keys)
        for row, data in ((winner, merge.winner_before), (loser, merge.loser_before)):
            self.records[row] = np.frombuffer(data, RECORD)[0]
        for m, _ in later:
            self.records[m.loser] = np.frombuffer(m.loser_before, RECORD)[0]
        self._traits[winner] = msgspec.json.decode(merge.winner_traits) if merge.winner_traits else {}
        pending = list(later)
        for offset, entry in entries:
            while pending and pending[0][0].offset <= offset:
                self._merge_again(*pending.pop(0), merge, keys)
            self._step_again(offset, entry, merge, keys)
        for m, its_keys in pending:
            self._merge_again(m, its_keys, merge, keys)
        rows = np.array([winner, loser], np.int32)
        self._dirty[rows] = True
        self.timers.arm(self.records, rows)
        undone = msgspec.structs.replace(
            merge, is_undone=True, undone_offset=self.next_offset, undone_keys=tuple(sorted(keys))
        )
        self._split(undone)
        self._merges.append(undone)
        self._moved = True
        return undone

    def _step_again(self, offset: int, entry: Entry, merge: Merge, keys: set[int]) -> None:
        """Step one event of the log again, for the winner or the loser of a merge that is being taken back."""
        columns = read_all(self.reader, [(offset, entry)], self._shelf.in_force(offset), is_slow=True)
        e, event = columns.events[0], columns.event(0)
        user, anonymous = int(e["user_key"]), int(e["anonymous_key"])
        row = merge.loser if (user or anonymous) in keys else merge.winner
        has_no_user = self.records[merge.winner]["user_key"] == 0 and self.records[merge.loser]["user_key"] == 0
        if user and user not in keys and anonymous in keys and has_no_user and event is not None:
            keys.add(user)  # became known after the merge, on a device of the loser's
            row = merge.loser
            self._move_identity(int(e["site"]), clean.identity_text(event.userId), row)
        if user and self.records[row]["user_key"] == 0:
            self.records[row]["user_key"] = user
        knows_previous = tables.identities_get(self.identities, e["previous_key"]) >= 0
        if e["is_alias"] and e["previous_key"] and knows_previous and self.records[row]["user_key"] != 0:
            e["is_alias"] = 2  # as admit says
        e["row"] = row
        step(self.records, columns.events, columns.items, _NO_MERGES, self.plan, np.zeros(3, SESSION))
        for _, traits in columns.traits:
            self._note_traits(row, traits)

    def _move_identity(self, site: int, text: str | None, row: int) -> None:
        if text is not None:
            key = np.array([identity_key(site, USER, text)], np.uint64)
            tables.identities_put(self.identities, key, np.array([row], np.int32), np.zeros(1, np.uint8))
            self._note_identity(site, USER, text)

    def _merge_again(self, m: Merge, its_keys: set[int], undone: Merge, keys: set[int]) -> None:
        winner = undone.winner
        if keys & {m.key_a, m.key_b}:
            winner = undone.loser
            keys |= its_keys
        self._merges.append(
            msgspec.structs.replace(
                m,
                winner=winner,
                winner_before=self.records[winner].tobytes(),
                winner_traits=_packed(self.traits_of(winner)),
            )
        )
        self._merge_records(winner, m.loser)

    # -- the ledger ------------------------------------------------------------------------------------------------

    def ended_of(self, site: int) -> dict[str, int]:
        """How many events of a site were applied, were duplicates, failed."""
        return {name: self.counters.get(f"{name}:{site}", 0) for name in _ENDS}

    def ledger(self, log_next_offset: int, n_extra_waiting: int = 0) -> dict[str, int]:
        """Where the events of the log ended: received = applied + duplicate + failed + lag_events.

        ``n_extra_waiting`` of the offsets that wait are control entries and second tries, which are no events received.
        """
        done = {k: self.counters[k] for k in ("applied", "duplicate", "failed")}
        lag = max(0, log_next_offset - self.next_offset - n_extra_waiting)
        return {"received": sum(done.values()) + lag, **done, "lag_events": lag}


def _placed(sections: np.ndarray, told: np.ndarray) -> bytes:
    """PLACED rows of the events that happened elsewhere than they tell."""
    moved = np.flatnonzero(sections != told)
    placed = np.empty(len(moved), PLACED)
    placed["idx"], placed["section"] = moved, sections[moved]
    return placed.tobytes()


def _packed(traits: dict[str, object]) -> bytes:
    return msgspec.json.encode(traits) if traits else b""


def split_at_control(entries: Sequence[tuple[int, Entry]]) -> list[list[tuple[int, Entry]]]:
    """Batches such that a control entry ends its batch."""
    out: list[list[tuple[int, Entry]]] = [[]]
    for item in entries:
        out[-1].append(item)
        if item[1].source == Source.ENGINE:
            out.append([])
    return [batch for batch in out if batch]
