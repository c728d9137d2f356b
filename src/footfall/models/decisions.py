"""Which scores are kept with what they were made from? Those at the checkpoints of a session, as they were served.

So the next training can be held against what was really served, drift be measured on live traffic, and a challenger be
compared with the champion on the same visitors. Only what happened in the engine's batch is known here; where it goes
is the host's matter.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from footfall.models.rows import SESSION, WEEK
from footfall.models.scorer import Scored
from footfall.models.scoring import Scoring
from footfall.record.features import FEATURE_IDX, N_FEATURES

_SECOND_MS = 1_000
_NUMBER, _N_EVENTS = FEATURE_IDX["session_number"], FEATURE_IDX["session_events_n"]
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio (Knuth, The Art of Computer Programming 3, 6.4): spreads neighbouring offsets."""

DECISION = np.dtype(
    [
        ("offset", "<i8"),
        ("site", "<u2"),
        ("row", "<i4"),
        ("time_ms", "<i8"),
        ("session_number", "<i4"),
        ("n_events", "<i4"),
        ("version", "<i4"),
        ("session", "<f4"),  # NaN: no score
        ("week", "<f4"),
        ("challenger_version", "<i4"),  # -1: none was asked
        ("challenger_session", "<f4"),
        ("challenger_week", "<f4"),
        ("features", "<f4", (N_FEATURES,)),
    ]
)
"""A score as it was served; see ``docs/lake.md``."""


def _checkpoints() -> np.ndarray:
    numbers = [1, 2]
    while numbers[-1] < 1 << 24:
        numbers.append(numbers[-1] + numbers[-2])
    return np.array(numbers, np.int64)


CHECKPOINTS = _checkpoints()
"""int64: events of a session after which its visitor is looked at, as training does: 1, 2, 3, 5, 8, 13, …"""


def decided(scored: Scored, scoring: Scoring, most: int) -> tuple[np.ndarray, int]:
    """DECISION[k], by offset, of the visitors who just reached a checkpoint, and how many there were beyond ``most``.

    Who is left out is decided by lot, from the offset, so it has nothing to do with who they are. The challenger is
    asked about those who are kept.
    """
    n_events = scored.features[:, _N_EVENTS].astype(np.int64)
    at = np.searchsorted(CHECKPOINTS, n_events)
    is_one = CHECKPOINTS[np.minimum(at, len(CHECKPOINTS) - 1)] == n_events
    kept = np.flatnonzero(is_one & scored.is_in_session & ~np.isnan(scored.scores).all(axis=1))
    n_left_out = max(0, len(kept) - most)
    if n_left_out:
        lots = scored.offsets[kept].astype(np.uint64) * _SPREAD
        kept = kept[np.argsort(lots)[:most]]
    kept = kept[np.argsort(scored.offsets[kept])]
    out = np.zeros(len(kept), DECISION)
    features = scored.features[kept]
    out["offset"], out["site"], out["row"] = scored.offsets[kept], scored.sites[kept], scored.rows[kept]
    out["time_ms"], out["version"] = scored.times[kept], scored.versions[kept]
    out["session_number"], out["n_events"] = features[:, _NUMBER], features[:, _N_EVENTS]
    out["session"], out["week"] = scored.scores[kept, SESSION], scored.scores[kept, WEEK]
    out["features"] = features
    out["challenger_version"] = -1
    out["challenger_session"] = out["challenger_week"] = np.nan
    for site in np.unique(out["site"]).tolist():
        here = out["site"] == site
        answer = scoring.challenged(site, features[here])
        if answer is not None:
            out["challenger_version"][here] = answer[0]
            out["challenger_session"][here], out["challenger_week"][here] = answer[1][:, SESSION], answer[1][:, WEEK]
    return out, n_left_out


class Written(NamedTuple):
    """Decisions that may be written: DECISION[n] of the log range [first, last)."""

    decisions: np.ndarray
    first: int
    last: int


class DecisionLog:
    """What was decided and isn't written yet; bounded, in memory. Any thread may call any method."""

    def __init__(self, most_per_s: int, most_waiting: int) -> None:
        self._most_per_s = most_per_s
        self._most_waiting = most_waiting
        self._waiting: deque[np.ndarray] = deque()
        self._n_waiting = 0
        self._second = -1
        self._n_in_second = 0
        self._guard = threading.Lock()
        self.n_logged = 0
        self.n_left_out = 0
        """Beyond what a second, or memory, may take."""

    def note(self, scored: Scored, scoring: Scoring, clock_ms: int) -> None:
        """Keep what was just decided. ``clock_ms`` is the latest receive time, by which seconds are counted."""
        with self._guard:
            if clock_ms // _SECOND_MS != self._second:
                self._second, self._n_in_second = clock_ms // _SECOND_MS, 0
            most = min(self._most_per_s - self._n_in_second, self._most_waiting - self._n_waiting)
            decisions, n_left_out = decided(scored, scoring, max(0, most))
            self.n_left_out += n_left_out
            if len(decisions):
                self._waiting.append(decisions)
                self._n_waiting += len(decisions)
                self._n_in_second += len(decisions)
                self.n_logged += len(decisions)

    def waiting(self, until_offset: int) -> Written | None:
        """Decisions about events before an offset, oldest first; None if there are none."""
        with self._guard:
            parts = [part[part["offset"] < until_offset] for part in self._waiting]
        found = _joined(parts)
        return Written(found, int(found["offset"][0]), int(found["offset"][-1]) + 1) if len(found) else None

    def drop(self, until_offset: int) -> None:
        """They are written."""
        self._keep(lambda part: part["offset"] >= until_offset)

    def forget(self, from_offset: int) -> None:
        """These events will be applied again, and decided on again."""
        self._keep(lambda part: part["offset"] < from_offset)

    def _keep(self, is_kept: Callable[[np.ndarray], np.ndarray]) -> None:
        with self._guard:
            kept = [part[is_kept(part)] for part in self._waiting]
            self._waiting = deque(part for part in kept if len(part))
            self._n_waiting = sum(map(len, self._waiting))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, DECISION)
