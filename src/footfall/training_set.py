"""Which rows can a model learn from? A site's history, gone through again by the engine that serves it.

The lake's events go through the real :class:`footfall.engine.Engine` in log order: same reading, same identities, same
merges, same step. After the 1st, 2nd, 3rd, 5th, 8th, 13th … event of a session the features are taken, at the time of
the visitor's latest event and with the shared facts that were in force at that event's log offset. Labels come from
what follows. So a row is what the live engine had at that moment, bit by bit, and nothing later can reach it; see
``docs/training-set.md``.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple, cast

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.base.codes import Status
from footfall.base.kinds import Kind
from footfall.engine import Engine, KeySet
from footfall.events.facts import FactsShelf
from footfall.events.geo import Geo
from footfall.events.wire import Entry
from footfall.history import entry_of
from footfall.models.rows import SESSION, UNKNOWN, WEEK, WEEK_MS, Rows
from footfall.ports import Lake, RecordStore
from footfall.record.checkpoints import MOMENT, NO_MERGES, end_if_due, is_kept, step_and_look
from footfall.record.features import N_FEATURES
from footfall.record.layout import BOT, EVENT, RECORD
from footfall.record.layout import SESSION as ENDED_SESSION
from footfall.settings import Settings

PIECE_EVENTS = 200_000
"""About so many events are read from the lake at once."""
_BLOCK = 25_000
_BATCH = 10_000
_APPLIED = int(Status.APPLIED)
_ORDER = int(Kind.ORDER)
_DAY_MS = 86_400_000
_EVER = (-(1 << 62), 1 << 62)

Progress = Callable[[int, int], None]
"""Told how many events are done, and how many there are."""


def make_rows(
    lake: Lake,
    shelf: FactsShelf,
    settings: Settings,
    site: int,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    is_masked: bool = False,
    splits: Sequence[int] = (),
    on_progress: Progress | None = None,
    wanted_offsets: np.ndarray | None = None,
    most_rows: int | None = None,
) -> Rows:
    """Rows of a site's whole history in the lake, in order of time.

    Parameters
    ----------
    since_ms, until_ms
        Only rows of times in ``[since_ms, until_ms)``. The replay begins with the first event all the same, and labels
        see all that the lake has.
    is_masked
        Also fill ``masked``.
    splits
        ``key_a ^ key_b`` of every merge that was taken back (``RecordStore.undone_merges``): these never join.
    on_progress
        Called after every batch.
    wanted_offsets
        Log offsets, int64. When given, the rows are those just after these events and no others, whatever the events
        are, those of bots too: to compare with what was served. What lies outside of sessions has the session -1.
    most_rows
        When there are more, every second session is left out, and again, until they fit. Which ones stay doesn't
        depend on what happened in them.

    There are none from before the oldest shared facts that are still kept: they would lack what was served with them.
    Visitors are numbered by the lake's row of their first event, which leads to the visitor of today. Raises
    Unavailable if the lake can't be read.
    """
    span = (_EVER[0] if since_ms is None else since_ms, _EVER[1] if until_ms is None else until_ms)
    places = Geo(settings.geo_database)
    try:
        replay = _Replay(settings, shelf, places, is_masked, span, most_rows)
        replay.never_join(splits)
        pieces = _pieces(lake, site)
        n_events = sum(piece.n_events for piece in pieces)
        for table in _tables(lake, site, pieces):
            for batch in _batches(table, shelf, settings.duplicate_window_days * _DAY_MS, wanted_offsets):
                replay.take(batch)
                if on_progress is not None:
                    on_progress(replay.n_events, n_events)
        return replay.rows(
            0 if wanted_offsets is not None else shelf.whole_from(), is_wanted=wanted_offsets is not None
        )
    finally:
        places.close()


# -- reading the lake --------------------------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """A range of log offsets and the days its events fell on, so that the other days' files aren't opened."""

    first: int
    stop: int
    days: list[date]
    n_events: int


def _pieces(lake: Lake, site: int) -> list[_Piece]:
    blocks = lake.query(
        f'SELECT "offset" // {_BLOCK} AS block, list(DISTINCT date) AS days, count(*) AS n'  # noqa: S608 (own number)
        " FROM events WHERE site = ? GROUP BY 1 ORDER BY 1",
        [site],
    ).to_pylist()
    pieces: list[_Piece] = []
    for block in blocks:
        first, days, n = block["block"] * _BLOCK, set(block["days"]), block["n"]
        if pieces and pieces[-1].n_events + n <= PIECE_EVENTS:
            last = pieces.pop()
            first, days, n = last.first, days.union(last.days), last.n_events + n
        pieces.append(_Piece(first, (block["block"] + 1) * _BLOCK, sorted(days), n))
    return pieces


def _tables(lake: Lake, site: int, pieces: Sequence[_Piece]) -> Iterator[pa.Table]:
    """The pieces' events in log order; the next one is read while the last one is worked on."""

    def read(piece: _Piece) -> pa.Table:
        days = ", ".join(f"DATE '{day}'" for day in piece.days)
        return lake.query(
            'SELECT "offset", row, received_ms, payload, entry FROM events'  # noqa: S608 (own dates)
            f' WHERE site = ? AND date IN ({days}) AND "offset" >= ? AND "offset" < ? ORDER BY "offset"',
            [site, piece.first, piece.stop],
        )

    with ThreadPoolExecutor(1, "footfall-lake-ahead") as ahead:
        coming = ahead.submit(read, pieces[0]) if pieces else None
        for _, following in pairwise([*pieces, None]):
            assert coming is not None
            table = coming.result()
            coming = ahead.submit(read, following) if following is not None else None
            yield table


class _Batch(NamedTuple):
    """Events that were read with the same facts, as log entries again."""

    entries: list[Entry]
    facts_at: int
    """A log offset that says which facts."""
    offsets: np.ndarray
    """int64[n]: log offset of each event."""
    rows: np.ndarray
    """int32[n]: the lake's row."""
    received: np.ndarray
    """int64[n], ms"""
    wanted: np.ndarray
    """bool[n], or empty for checkpoints."""


def _batches(table: pa.Table, shelf: FactsShelf, window_ms: int, wanted_offsets: np.ndarray | None) -> Iterator[_Batch]:
    table = table.combine_chunks()
    offsets, rows, received = (table[name].to_numpy() for name in ("offset", "row", "received_ms"))
    if not len(offsets):
        return
    envelopes = table["entry"]
    is_new = np.ones(len(offsets), np.bool_)
    is_new[1:] = pc.not_equal(envelopes[1:], envelopes[:-1]).to_numpy()
    lines = table["payload"].cast(pa.binary())
    changes = np.searchsorted(offsets, shelf.changes(int(offsets[0]), int(offsets[-1])))
    is_wanted = np.zeros(0, np.bool_) if wanted_offsets is None else np.isin(offsets, wanted_offsets)
    for start, stop in _cuts(received, changes, window_ms):
        starts = np.flatnonzero(is_new[start:stop]) + start
        if not len(starts) or starts[0] != start:
            starts = np.concatenate([[start], starts])
        texts = lines[start:stop].to_pylist()
        entries = []
        for a, b in pairwise([*starts.tolist(), stop]):
            entry = entry_of(envelopes[a].as_py(), "")
            body = b"\n".join(texts[a - start : b - start])
            entries.append(msgspec.structs.replace(entry, n=b - a, body=body))
        part = slice(start, stop)
        yield _Batch(entries, int(offsets[start]), offsets[part], rows[part], received[part], is_wanted[part])


def _cuts(received: np.ndarray, changes: np.ndarray, window_ms: int) -> Iterator[tuple[int, int]]:
    """Index ranges of at most ``_BATCH`` events, between changes of the facts, and shorter than the duplicate window:
    the lake has no duplicates, but the same messageId again after the window is none."""
    bounds = [0, *changes[changes > 0].tolist(), len(received)]
    for first, last in pairwise(bounds):
        start = first
        while start < last:
            stop = min(start + _BATCH, last)
            late = np.flatnonzero(np.abs(received[start:stop] - received[start]) >= window_ms)
            stop = start + int(late[0]) if len(late) else stop
            yield start, stop
            start = stop


# -- going through it again --------------------------------------------------------------------------------------------


class _NoStore:
    """What the engine asks of a store while it applies: nobody has traits that it wasn't told of."""

    def traits(self, row: int) -> dict[str, Any]:
        return {}


class _Looks(NamedTuple):
    """Looks of a batch, one entry each."""

    moments: np.ndarray
    """MOMENT[k]"""
    event_idx: np.ndarray
    """int64[k]: which event of the replay."""
    offsets: np.ndarray
    """int64[k]"""
    features: np.ndarray
    masked: np.ndarray

    def kept(self, thinning: int) -> "_Looks":
        keep = np.array([is_kept(session, thinning) for session in self.moments["session"].tolist()], np.bool_)
        return _Looks(*(part[keep] if len(part) == len(keep) else part for part in self))


class _Replay(Engine):
    """The engine, looked at between its events."""

    def __init__(
        self,
        settings: Settings,
        shelf: FactsShelf,
        places: Geo,
        is_masked: bool,
        span: tuple[int, int],
        most_rows: int | None,
    ) -> None:
        super().__init__(settings, cast("RecordStore", _NoStore()), places=places, shelf=shelf)
        self.n_events = 0
        self.n_refused = 0
        self._is_masked = is_masked
        self._span = np.array(span, np.int64)
        self._most_rows = most_rows
        self._thinning = 0
        self._n_looks = 0
        self._looks: list[_Looks] = []
        self._masked_records = np.zeros(0, RECORD)
        self._session_of = np.zeros(0, np.int64)
        self._touched = np.zeros(0, np.int64)
        """When each row's latest event was received, ms."""
        self._lake_rows = np.zeros(0, np.int32)
        """Of each row, the lake's row of its first event, -1 before it."""
        self._n_sessions = 0
        self._joined: list[tuple[int, int, int]] = []
        """(new session, the two that became it), by the first."""
        self._told: list[tuple[np.ndarray, ...]] = []
        """(index, session, row, time, kind) of events that belong to a session, or are orders; by batch."""
        self._batch = _Batch([], 0, *(np.zeros(0, t) for t in (np.int64, np.int32, np.int64, np.bool_)))
        self._at = 0
        self._sessions = np.zeros(0, np.int64)
        self._moments = np.zeros(_BATCH, MOMENT)
        self._rows = np.zeros(_BATCH, np.int32)
        self._times = np.zeros(_BATCH, np.int64)
        self._features = np.zeros((_BATCH, N_FEATURES), np.float32)
        self._masked = np.zeros((_BATCH if is_masked else 0, N_FEATURES), np.float32)
        self._two_ended, self._one_event = np.zeros(2, ENDED_SESSION), np.zeros(1, EVENT)

    def never_join(self, pairs: Sequence[int]) -> None:
        """Keep pairs of ids apart."""
        self.splits.make_room(len(pairs))
        self.splits.add_all(np.array(pairs, np.uint64))

    def take(self, batch: _Batch) -> None:
        """Apply a batch and keep what was seen."""
        self._batch, self._at = batch, 0
        n = len(batch.offsets)
        self._sessions = np.full(n, -1, np.int64)
        self.seen = KeySet()
        self.facts = self._shelf.in_force(batch.facts_at)
        offset = self.next_offset
        entries = []
        for entry in batch.entries:
            entries.append((offset, entry))
            offset += entry.n
        columns = self.apply(entries)
        self.take_commit()
        self.forget_taken()
        assert columns is not None
        events = columns.events
        self.n_refused += int(np.count_nonzero(events["status"] != _APPLIED))
        told = np.flatnonzero((events["status"] == _APPLIED) & ((self._sessions >= 0) | (events["kind"] == _ORDER)))
        self._told.append(
            (
                told + self.n_events,
                self._sessions[told],
                events["row"][told],
                events["time"][told],
                events["kind"][told],
            )
        )
        self.n_events += n
        self._thin()

    def move(self, events: np.ndarray, items: np.ndarray, merges: np.ndarray, sessions: np.ndarray) -> int:
        """As the engine's, event by event."""
        self._make_room()
        if len(merges):
            self._join(events, items, merges, sessions)
            return 0
        part = slice(self._at, self._at + len(events))
        self._at = part.stop
        n, self._n_sessions = step_and_look(
            self.records, self._masked_records, events, items, self.plan, self.facts.rates,
            self._batch.received[part], self._touched, self._batch.wanted[part], self._span, self._thinning, NO_MERGES,
            self._two_ended, self._one_event, self._session_of, self._n_sessions, self._sessions[part],
            self._moments, self._rows, self._times, self._features, self._masked,
        )  # fmt: skip
        applied = np.flatnonzero(events["status"] == _APPLIED)
        rows, firsts = np.unique(events["row"][applied], return_index=True)
        is_first = self._lake_rows[rows] < 0
        self._lake_rows[rows[is_first]] = self._batch.rows[part][applied[firsts[is_first]]]
        if n:
            moments = self._moments[:n].copy()
            idx = moments["event_idx"].astype(np.int64) + part.start
            features, masked = self._features[:n].copy(), self._masked[:n].copy()
            self._looks.append(_Looks(moments, idx + self.n_events, self._batch.offsets[idx], features, masked))
            self._n_looks += n
        return 0

    def _make_room(self) -> None:
        n = len(self.records)
        if len(self._session_of) < n:
            self._session_of = _grown(self._session_of, n, -1)
            self._lake_rows = _grown(self._lake_rows, n, -1)
            self._touched = _grown(self._touched, n, 0)
            if self._is_masked:
                grown = np.zeros(n, RECORD)
                grown[: len(self._masked_records)] = self._masked_records
                self._masked_records = grown

    def _join(self, events: np.ndarray, items: np.ndarray, merges: np.ndarray, sessions: np.ndarray) -> None:
        """Merge, and follow whose session goes on: the later one, or, where both are one now, a new one of both."""
        winner, loser = int(merges["winner"][0]), int(merges["loser"][0])
        now_ms, timeout_ms = self._batch.received[self._at], self.plan[0]["session_timeout_ms"]
        for row in (winner, loser):
            end_if_due(self.records[row], now_ms, self._touched[row], timeout_ms)
            if self._is_masked:
                end_if_due(self._masked_records[row], now_ms, self._touched[row], timeout_ms)
        w, b = self.records[winner].copy(), self.records[loser].copy()
        super().move(events, items, merges, sessions)
        if self._is_masked:
            both, self.records = self.records, self._masked_records
            super().move(events, items, merges, sessions)
            self.records = both
        after = self.records[winner]
        self._touched[winner] = max(self._touched[winner], self._touched[loser])
        if self._lake_rows[winner] < 0:
            self._lake_rows[winner] = self._lake_rows[loser]
        if b["session_number"] == 0:
            return
        mine, its = int(self._session_of[winner]), int(self._session_of[loser])
        if w["session_number"] and after["session_number"] == w["session_number"] + b["session_number"] - 1:
            self._joined.append((self._n_sessions, mine, its))
            self._session_of[winner] = self._n_sessions
            self._n_sessions += 1
        elif w["session_number"] == 0 or b["session_last"] > w["session_last"]:
            self._session_of[winner] = its

    def _thin(self) -> None:
        """Leave out every second session until what there is fits."""
        while self._most_rows is not None and self._n_looks > self._most_rows:
            self._thinning += 1
            self._looks = [looks.kept(self._thinning) for looks in self._looks]
            self._n_looks = sum(len(looks.moments) for looks in self._looks)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def rows(self, first_offset: int, *, is_wanted: bool) -> Rows:
        """What was seen from a log offset on, as rows with labels; and lets go of it."""
        moments = _joined([look.moments for look in self._looks], MOMENT)
        event_idx = _joined([look.event_idx for look in self._looks], np.int64)
        offsets = _joined([look.offsets for look in self._looks], np.int64)
        features, masked = [look.features for look in self._looks], [look.masked for look in self._looks]
        self._looks = []
        people = _roots(self.records["merged_into"][: self.n_rows])
        is_bot = (self.records["states"][: self.n_rows] & BOT) != 0
        is_kept_look = np.ones(len(moments), np.bool_) if is_wanted else ~is_bot[people[moments["row"]]]
        is_kept_look &= offsets >= first_offset
        places_of = np.full(len(moments), -1, np.int64)
        kept = np.flatnonzero(is_kept_look)
        kept = kept[np.lexsort((offsets[kept], moments["time"][kept]))]
        places_of[kept] = np.arange(len(kept))
        moments, event_idx, offsets = moments[kept], event_idx[kept], offsets[kept]
        n_bots = int(np.count_nonzero(is_bot[np.unique(people[self._row_of_events()])])) if self.n_rows else 0

        history = _History.of(self._told, self._n_sessions, self._joined, people)
        sessions = history.root_of(moments["session"])
        trails, kinds = history.trails(moments["session"])
        starts = moments["session_start"].copy()
        unique, at, n_of = np.unique(sessions, return_inverse=True, return_counts=True)
        earliest = np.full(len(unique), _EVER[1], np.int64)
        np.minimum.at(earliest, at, starts)
        return Rows(
            features=_laid(features, places_of, len(kept)),
            masked=_laid(masked, places_of, len(kept) if self._is_masked else 0),
            labels=history.labels(
                moments, event_idx, sessions, people[moments["row"]], int(self.plan[0]["session_timeout_ms"])
            ),
            visitors=self._lake_rows[people[moments["row"]]].astype(np.int64),
            sessions=sessions,
            session_starts=earliest[at],
            times=moments["time"].copy(),
            n_seen=moments["n_seen"].copy(),
            offsets=offsets,
            weights=(1.0 / n_of[at]).astype(np.float32),
            trails=trails,
            kinds=kinds,
            places=np.stack([moments["country"].astype(np.int64), moments["region"].astype(np.int64)], axis=1),
            n_bots=n_bots,
            n_refused=self.n_refused,
        )

    def _row_of_events(self) -> np.ndarray:
        return _joined([part[2] for part in self._told], np.int32)


class _History(NamedTuple):
    """Events of the whole history that belong to a session, or are orders, in the order in which they came."""

    idx: np.ndarray
    sessions: np.ndarray
    people: np.ndarray
    times: np.ndarray
    kinds: np.ndarray
    roots: np.ndarray
    """int64[n_sessions]: what each session became part of, or itself."""
    joined: list[tuple[int, int, int]]

    @classmethod
    def of(
        cls,
        told: Sequence[tuple[np.ndarray, ...]],
        n_sessions: int,
        joined: list[tuple[int, int, int]],
        people: np.ndarray,
    ) -> "_History":
        types = (np.int64, np.int64, np.int32, np.int64, np.uint8)
        idx, sessions, rows, times, kinds = (_joined([t[k] for t in told], types[k]) for k in range(5))
        roots = np.arange(n_sessions, dtype=np.int64)
        for new, a, b in reversed(joined):
            roots[a] = roots[b] = roots[new]
        return cls(idx, sessions, people[rows], times, kinds, roots, joined)

    def root_of(self, sessions: np.ndarray) -> np.ndarray:
        """The session that each became part of; -1 stays."""
        return np.where(sessions >= 0, self.roots[np.maximum(sessions, 0)], -1) if len(self.roots) else sessions.copy()

    def labels(
        self, moments: np.ndarray, event_idx: np.ndarray, sessions: np.ndarray, people: np.ndarray, timeout_ms: int
    ) -> np.ndarray:
        """int8[k, 2], see :class:`footfall.models.rows.Rows`."""
        labels = np.full((len(moments), 2), UNKNOWN, np.int8)
        if not len(self.idx) or not len(moments):
            return labels
        end_ms = int(self.times.max())
        is_order = self.kinds == _ORDER
        # the session
        roots = self.root_of(self.sessions)
        in_session = roots >= 0
        last_order = np.full(len(self.roots), -1, np.int64)
        np.maximum.at(last_order, roots[is_order & in_session], self.idx[is_order & in_session])
        last_ms = np.full(len(self.roots), _EVER[0], np.int64)
        np.maximum.at(last_ms, roots[in_session], self.times[in_session])
        ours = np.maximum(sessions, 0)
        may_go_on = last_ms + timeout_ms > end_ms
        if 2 * np.count_nonzero(may_go_on[np.unique(roots[in_session])]) > len(np.unique(roots[in_session])):
            may_go_on[:] = False  # a history of hours: what there is of its sessions counts as if it were all
        is_over = (sessions >= 0) & ~may_go_on[ours]
        labels[is_over, SESSION] = (last_order[ours] > event_idx)[is_over]
        # the week: the person's next order, in whatever session or in a store
        times = moments["time"]
        is_known = times + WEEK_MS <= end_ms
        labels[is_known, WEEK] = self._orders_within(people, times, WEEK_MS)[is_known]
        # an order in the same second comes later all the same, if it was told later
        labels[is_known & (labels[:, SESSION] == 1), WEEK] = 1
        return labels

    def _orders_within(self, people: np.ndarray, times: np.ndarray, horizon_ms: int) -> np.ndarray:
        """Whether each person orders in (t, t + horizon]."""
        is_order = self.kinds == _ORDER
        buyers, numbers = np.unique(self.people[is_order], return_inverse=True)
        if not len(buyers):
            return np.zeros(len(people), np.bool_)
        first_ms = int(min(self.times[is_order].min(), times.min()))
        span = int(max(self.times[is_order].max(), times.max())) - first_ms + horizon_ms + 2
        orders = np.sort(numbers.astype(np.int64) * span + (self.times[is_order] - first_ms))
        number = np.minimum(np.searchsorted(buyers, people), len(buyers) - 1)
        now = number.astype(np.int64) * span + (times - first_ms)
        n_after = np.searchsorted(orders, now, side="right")
        n_until = np.searchsorted(orders, now + horizon_ms, side="right")
        found: np.ndarray = (buyers[number] == people) & (n_until > n_after)
        return found

    def trails(self, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where the trail of each wanted session begins in the kinds, int64[k], and the kinds of all, uint8[m].

        A session made of two has a trail of its own: both ones' events as they came, then what followed.
        """
        at = np.flatnonzero(self.sessions >= 0)
        at = at[np.argsort(self.sessions[at], kind="stable")]
        starts = np.searchsorted(self.sessions[at], np.arange(len(self.roots) + 1))
        own: dict[int, np.ndarray] = {}  # of the joined ones and what they are made of: indices of events
        extra: list[np.ndarray] = []
        begins = starts[:-1].astype(np.int64)
        n = len(at)
        for new, a, b in self.joined:
            before = [own.get(k, at[starts[k] : starts[k + 1]]) for k in (a, b)]
            both = np.concatenate([np.sort(np.concatenate(before)), at[starts[new] : starts[new + 1]]])
            own[new] = both
            extra.append(both)
            begins[new] = n
            n += len(both)
        kinds = self.kinds[np.concatenate([at, *extra])]
        where = np.where(wanted >= 0, begins[np.maximum(wanted, 0)], 0) if len(begins) else np.zeros_like(wanted)
        return where, kinds


def _grown(old: np.ndarray, n: int, fill: int) -> np.ndarray:
    new = np.full(n, fill, old.dtype)
    new[: len(old)] = old
    return new


def _joined(parts: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts])


def _roots(merged_into: np.ndarray) -> np.ndarray:
    """int64[n_rows]: the row that each row's merges lead to."""
    roots = np.where(merged_into > 0, merged_into.astype(np.int64) - 1, np.arange(len(merged_into)))
    while True:
        further = roots[roots]
        if np.array_equal(further, roots):
            return roots
        roots = further


def _laid(parts: list[np.ndarray], places: np.ndarray, n: int) -> np.ndarray:
    """Rows of the parts at their places, -1 for nowhere; takes the parts away one by one, so that there is never two
    of everything."""
    out = np.empty((n, N_FEATURES), np.float32)
    at = 0
    for k in range(len(parts)):
        part, parts[k] = parts[k], np.zeros((0, N_FEATURES), np.float32)
        where = places[at : at + len(part)]
        at += len(part)
        is_kept_row = where >= 0
        if is_kept_row.all():
            out[where] = part
        elif n:
            out[where[is_kept_row]] = part[is_kept_row]
    return out
