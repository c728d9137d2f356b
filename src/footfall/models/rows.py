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
WEEK_MS = 7 * 86_400_000
SHARES = (0.7, 0.15, 0.15)
"""Of the time ordered sessions: to learn from, to choose and calibrate by, to judge by."""


class Rows(msgspec.Struct, frozen=True, eq=False):
    """Rows of one site in order of time; all arrays have length n, and are owned by this."""

    features: np.ndarray
    """float32[n, N_FEATURES]: the catalogue at ``times``; NaN is unknown or never."""
    masked: np.ndarray
    """float32[n, N_FEATURES]: the same moments, had no cart, checkout or payment event ever been seen; or float32[0, N]
    when it wasn't asked for."""
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

    A session lies on one side as a whole. With the target WEEK, rows whose seven days reach into the next side are left
    out, as their label was seen there (purging, López de Prado 2018, ch. 7). Raises BadInput if a side stays empty.
    """
    known = rows.known(target)
    starts = rows.session_starts[known]
    firsts = np.unique(rows.sessions[known], return_index=True)[1]
    sorted_starts = np.sort(starts[firsts])
    if len(sorted_starts) < 3:
        raise BadInput("There are fewer than three sessions to learn from: collect or import more.", code="few_rows")
    at = np.cumsum(shares)[:2] * len(sorted_starts)
    cut_1, cut_2 = (int(sorted_starts[min(int(i), len(sorted_starts) - 1)]) for i in at)
    horizon_ms = WEEK_MS if target == WEEK else 0
    times = rows.times[known]
    train = known[(starts < cut_1) & (times + horizon_ms < cut_1 if horizon_ms else starts < cut_1)]
    valid = known[(starts >= cut_1) & (starts < cut_2) & ((times + horizon_ms < cut_2) if horizon_ms else True)]
    test = known[starts >= cut_2]
    for name, side in (("learn from", train), ("choose by", valid), ("judge by", test)):
        if not len(side):
            raise BadInput(
                f"No rows are left to {name}: the data's time is too short for this target.", code="few_rows"
            )
    return Split(train, valid, test)
