"""Whose session is due to end? A heap of rows by due time, compiled; the record itself is the timer.

A visitor with a session that isn't ended stands in the heap once, at or before the time its session is due. When it
comes up, the record says whether the session is really due or has gone on; then it goes back with its later time. So an
event costs one comparison, and after a restart the heap is made anew from the records.
"""

import numpy as np

from footfall.record.compiled import kernel
from footfall.record.layout import ENDED, RECORD
from footfall.record.shared import end_session

TIMER = np.dtype([("due", "i8"), ("row", "i4")], align=True)


@kernel
def _before(a, b):
    return a["due"] < b["due"] or (a["due"] == b["due"] and a["row"] < b["row"])


@kernel
def _push(heap, n, due, row):
    heap[n]["due"] = due
    heap[n]["row"] = row
    at = n
    while at > 0:
        up = (at - 1) // 2
        if not _before(heap[at], heap[up]):
            break
        _swap(heap, at, up)
        at = up
    return n + 1


@kernel
def _swap(heap, a, b):
    due, row = heap[a]["due"], heap[a]["row"]
    heap[a]["due"], heap[a]["row"] = heap[b]["due"], heap[b]["row"]
    heap[b]["due"], heap[b]["row"] = due, row


@kernel
def _sink(heap, n):
    """Let the first entry sink to its place among ``n``."""
    at = 0
    while True:
        down = 2 * at + 1
        if down >= n:
            break
        if down + 1 < n and _before(heap[down + 1], heap[down]):
            down += 1
        if not _before(heap[down], heap[at]):
            break
        _swap(heap, at, down)
        at = down


@kernel
def _arm(records, rows, is_armed, heap, n, timeout_ms):
    """Enter each row that has an open session and isn't in the heap; returns the heap's new size."""
    for i in range(len(rows)):
        row = rows[i]
        if is_armed[row]:
            continue
        r = records[row]
        if r["session_number"] != 0 and (r["states"] & ENDED) == 0:
            is_armed[row] = True
            n = _push(heap, n, r["session_last"] + timeout_ms, row)
    return n


@kernel
def _due(records, is_armed, heap, n, now_ms, timeout_ms, out):
    """Take due rows into ``out``; returns the heap's new size and how many rows are due. Stops when ``out`` is full."""
    n_out = 0
    while n > 0 and heap[0]["due"] <= now_ms and n_out < len(out):
        row = heap[0]["row"]
        r = records[row]
        is_open = r["session_number"] != 0 and (r["states"] & ENDED) == 0
        due = r["session_last"] + timeout_ms
        if is_open and due > now_ms:
            heap[0]["due"] = due
            _sink(heap, n)
            continue
        if is_open:
            out[n_out] = row
            n_out += 1
        is_armed[row] = False
        n -= 1
        _swap(heap, 0, n)
        _sink(heap, n)
    return n, n_out


@kernel
def end_sessions(records, rows, sessions):
    """Mark the sessions of ``rows`` as ended and write them to ``sessions`` (SESSION[>= len(rows)])."""
    n_out = 0
    for i in range(len(rows)):
        n_out = end_session(records[rows[i]], rows[i], sessions, n_out)
    return n_out


class Timers:
    """Open sessions by the time they are due to end."""

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._heap = np.zeros(1024, TIMER)
        self._n = 0
        self._is_armed = np.zeros(1024, np.bool_)

    def arm(self, records: np.ndarray, rows: np.ndarray) -> None:
        """Watch the sessions of these rows (int32); rows already watched cost nothing."""
        if len(self._is_armed) < len(records):
            grown = np.zeros(len(records), np.bool_)
            grown[: len(self._is_armed)] = self._is_armed
            self._is_armed = grown
        if self._n + len(rows) > len(self._heap):
            heap = np.zeros(2 * (self._n + len(rows)), TIMER)
            heap[: self._n] = self._heap[: self._n]
            self._heap = heap
        self._n = _arm(records, rows, self._is_armed, self._heap, self._n, self._timeout_ms)

    def due(self, records: np.ndarray, now_ms: int, most: int = 100_000) -> np.ndarray:
        """Rows (int32), at most ``most``, whose session is due by ``now_ms``, in order; they are watched no longer."""
        if self._n == 0 or self._heap[0]["due"] > now_ms:
            return np.zeros(0, np.int32)
        out = np.empty(min(most, self._n), np.int32)
        self._n, n_out = _due(records, self._is_armed, self._heap, self._n, now_ms, self._timeout_ms, out)
        return out[:n_out]

    def rebuild(self, records: np.ndarray, n_rows: int) -> None:
        """Watch every open session; at start."""
        assert records.dtype == RECORD
        self._n = 0
        self._is_armed[:] = False
        for start in range(0, n_rows, 1_000_000):
            self.arm(records, np.arange(start, min(n_rows, start + 1_000_000), dtype=np.int32))

    def rows(self) -> np.ndarray:
        """Every row (int32) that is watched, in no order: the visitors with an open session, and a few more."""
        return self._heap["row"][: self._n].copy()

    def __len__(self) -> int:
        return self._n
