"""What is a model trained on and judged by? Point-in-time rows, their labels, and how they are split by time.

A row is a visitor's features just after one of the session's first 1, 2, 3, 5, 8, 13, … events. It knows nothing later
than that event; its labels do. Where rows come from
is no matter here: :mod:`footfall.training_set` makes them by replay.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from footfall.base.errors import BadInput

TARGETS = ("session", "week")
"""What is foretold, by column of labels and scores: an order later in this session; an order within seven days."""
SESSION, WEEK = 0, 1
UNKNOWN = -1
"""Label of a row whose future isn't known yet (its seven days reach past the data's end)."""
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
LEAST_WEEK_DAYS = 21
"""Days that a history must exceed for the target WEEK: a week between any two of three sides, and the last week, whose
labels aren't known yet."""
SHARES = (0.7, 0.15, 0.15)
"""Of the time ordered sessions: to learn from, to choose and calibrate by, to judge by."""


class Rows(msgspec.Struct, frozen=True, eq=False):
    """Rows of one site in order of time; all arrays have length n, and are owned by this."""

    features: np.ndarray
    """float32[n, N_FEATURES]: the catalogue at ``times``; NaN is unknown or never."""
    masked: np.ndarray
    """float32[n, N_FEATURES]: the same moments, had no cart, checkout or payment event ever been seen, as of the latest
    event that was; or float32[0, N] when it wasn't asked for."""
    labels: np.ndarray
    """int8[n, 2]: 1, 0 or UNKNOWN, by TARGETS; what happens strictly after the row's event."""
    visitors: np.ndarray
    """int64[n]: one number a person."""
    sessions: np.ndarray
    """int64[n]: one number a session, over all visitors."""
    session_starts: np.ndarray
    """int64[n], ms."""
    times: np.ndarray
    """int64[n], ms: when the state was so; features are taken at this time."""
    n_seen: np.ndarray
    """int32[n]: events of the session up to and including the row's."""
    offsets: np.ndarray
    """int64[n]: log offset of the row's event."""
    weights: np.ndarray
    """float32[n]: one over the session's number of rows, so that long sessions don't dominate."""
    trails: np.ndarray
    """int64[n]: where in ``kinds`` the session begins; the row's trail is ``kinds[trail : trail + n_seen]``."""
    kinds: np.ndarray
    """uint8[m]: kinds of every event of every session, in order."""
    places: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((0, 2), np.int64))
    """int64[n, 2]: the record's code of the country and hash of the region, 0 if unknown; or int64[0, 2] when
    they weren't kept. Only the demographic rival asks for them."""
    n_bots: int = 0
    """Visitors that were left out, as they are bots."""
    n_refused: int = 0
    """Events of the history that today's settings refuse, and that no row knows of therefore."""

    def __len__(self) -> int:
        return len(self.times)

    def known(self, target: int) -> np.ndarray:
        """int64[k]: indices of the rows whose label of a target is known."""
        return np.flatnonzero(self.labels[:, target] != UNKNOWN)


class Split(NamedTuple):
    """Indices of rows, int64, by what they are for."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def split_by_time(rows: Rows, target: int, shares: tuple[float, float, float] = SHARES) -> Split:
    """Split rows with a known label by the start of their session: the past to learn from, the latest to judge by.

    A session lies on one side as a whole; of sessions that begin at once the lower number is the earlier one. With the
    target WEEK, rows whose seven days reach into the next side are left out, as their label was seen there (purging,
    López de Prado 2018, ch. 7). ``shares`` are those of the sessions that remain. Raises BadInput, code ``few_rows``,
    if nothing is left for a side, and says what there is and what is needed. How many orders a side needs is for those
    to say who learn and judge.
    """
    known = rows.known(target)
    numbers, firsts, session_of = np.unique(rows.sessions[known], return_index=True, return_inverse=True)
    starts = rows.session_starts[known][firsts]
    in_time = np.lexsort((numbers, starts))
    horizon_ms = WEEK_MS if target == WEEK else 0
    n_train, valid_from, n_valid, test_from = _cuts(starts[in_time], horizon_ms, shares)
    side_of = np.full(len(numbers), -1, np.int8)
    side_of[in_time[:n_train]] = 0
    side_of[in_time[valid_from : valid_from + n_valid]] = 1
    side_of[in_time[test_from:]] = 2
    sides = side_of[session_of]
    if horizon_ms and test_from < len(numbers):  # a session's later rows may still reach over
        ends = np.array([starts[in_time[valid_from]], starts[in_time[test_from]], 1 << 62])
        sides[rows.times[known] + horizon_ms >= ends[sides]] = -1
    split = Split(*(known[sides == side] for side in range(3)))
    for name, side in zip(("learn from", "choose by", "judge by"), split, strict=True):
        if not len(side):
            raise _too_few(rows, target, f"no session is left to {name}")
    return split


def _cuts(starts: np.ndarray, horizon_ms: int, shares: tuple[float, float, float]) -> tuple[int, int, int, int]:
    """How to cut sessions, given their sorted starts: number in the first side, begin and number of the second, begin
    of the third, such that a horizon lies between any two sides and the sides have their shares of what remains.

    The larger the first side, the less is left for the third: so the right size is found by halving.
    """
    n = len(starts)

    def cut(n_train: int) -> tuple[int, int, int, int]:
        n_valid = max(1, round(n_train * shares[1] / shares[0]))
        valid_from = _after(starts, n_train, horizon_ms)
        test_from = _after(starts, valid_from + n_valid, horizon_ms)
        return n_train, valid_from, n_valid, test_from

    low, high = 1, max(1, round(n * shares[0]))
    while low < high:
        middle = (low + high + 1) // 2
        if n - cut(middle)[3] >= middle * shares[2] / shares[0] - 1:
            low = middle
        else:
            high = middle - 1
    return cut(low)


def _after(starts: np.ndarray, n: int, horizon_ms: int) -> int:
    """Index of the first session that begins a horizon after the first ``n`` sessions began."""
    if not horizon_ms or not 0 < n <= len(starts):
        return min(n, len(starts))
    return max(n, int(np.searchsorted(starts, starts[n - 1] + horizon_ms, side="right")))


def _too_few(rows: Rows, target: int, why: str) -> BadInput:
    n_sessions = len(np.unique(rows.sessions))
    n_orders = len(np.unique(rows.sessions[rows.labels[:, target] == 1]))
    days = (int(rows.times.max()) - int(rows.times.min())) / DAY_MS if len(rows) else 0.0
    if target == WEEK:
        why += f" (it takes more than {LEAST_WEEK_DAYS} days of visits, as the parts must lie a week apart)"
    return BadInput(
        f"For the target {TARGETS[target]} {why}; the history has {n_sessions} sessions in {days:.1f} days, {n_orders} "
        "of them with an order to come. Collect or import more.",
        code="few_rows",
    )
