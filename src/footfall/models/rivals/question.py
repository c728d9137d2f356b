"""What is every rival asked, and what does it answer? The one shape of all rivals."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from footfall.base.errors import BadInput
from footfall.base.kinds import N_KINDS, Kind
from footfall.models.rows import Rows, Split

CART_KINDS = (
    Kind.CART_ADD,
    Kind.CART_REMOVE,
    Kind.CART_VIEW,
    Kind.CHECKOUT_START,
    Kind.PAYMENT_INFO,
)
"""What the question "without cart events" hides."""

_SEEN = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233)
"""Rows are taken after so many events; those in between count with the next."""
_DRAWN = 10.0
"""So many rows of the base rate are added to each number of events seen."""


class Question(NamedTuple):
    """The same rows for every rival: learn from ``split.train``, choose by ``split.valid``, foretell ``split.test``."""

    rows: Rows
    split: Split
    target: int
    is_masked: bool
    """Nothing of CART_KINDS may be looked at: neither in ``features`` nor in the trails."""
    seed: int
    n_threads: int
    n_trials: int
    """Most settings of the boosted trees to try."""
    remaining_s: Callable[[], float]
    """Seconds that are left of the time budget."""

    @property
    def features(self) -> np.ndarray:
        """float32[n, N_FEATURES] to be used."""
        return self.rows.masked if self.is_masked else self.rows.features

    def labels(self, idx: np.ndarray) -> np.ndarray:
        """int8[k], 0 or 1."""
        labels: np.ndarray = self.rows.labels[idx, self.target]
        return labels

    def weights(self, idx: np.ndarray) -> np.ndarray:
        """float64[k] with mean 1."""
        weights = self.rows.weights[idx].astype(np.float64)
        return np.asarray(weights / weights.mean())

    def base_rate(self) -> float:
        """Weighted share of ones in the training rows, kept off 0 and 1 by half a row."""
        weights = self.weights(self.split.train)
        ones = float(weights[self.labels(self.split.train) == 1].sum())
        return (ones + 0.5) / (float(weights.sum()) + 1.0)

    def sample(self, idx: np.ndarray, n_most: int, salt: int = 0) -> np.ndarray:
        """At most ``n_most`` of these rows (at least one visitor's): all rows of randomly chosen visitors, in order.

        Raises BadInput if both labels aren't among them.
        """
        kept = whole_visitors(self.rows.visitors, idx, n_most, self.seed + salt)
        if len(np.unique(self.labels(kept))) < 2:
            raise BadInput("The rows it may learn from are all of one class.", code="one_class")
        return kept

    def trails(self) -> "Trails":
        """Trails to be used."""
        return trails_of(self.rows, self.is_masked)

    def prior_log_odds(self, trails: "Trails") -> np.ndarray:
        """float64[n]: log-odds of every row by how many events it has seen, of those that may be looked at, from the
        training rows.

        What a row has seen then only has to tell its class from the other one among rows of the same number.
        """
        train = self.split.train
        bucket = np.searchsorted(_SEEN, trails.ends - trails.starts)
        weights, n_buckets = self.weights(train), len(_SEEN) + 1
        of_all = np.bincount(bucket[train], weights, n_buckets)
        of_ones = np.bincount(bucket[train], weights * self.labels(train), n_buckets)
        shares = (of_ones + _DRAWN * self.base_rate()) / (of_all + _DRAWN)
        return np.asarray(log_odds(shares)[bucket])


class Answer(NamedTuple):
    """Probabilities as the rival has them; they are calibrated afterwards, for all rivals in the same way."""

    valid: np.ndarray
    """float64[len(split.valid)]"""
    test: np.ndarray
    """float64[len(split.test)]"""
    note: str = ""
    """What was chosen, for the table: ``k = 100``."""


class Rival(Protocol):
    """Raises FootfallError with a reason if it can't be fitted to these rows."""

    def __call__(self, question: Question, /) -> Answer: ...


class Trails(NamedTuple):
    """Kinds of events that each row has seen: ``kinds[start : end]``, of its session's ``kinds[session : …]``."""

    kinds: np.ndarray
    """uint8[m]"""
    starts: np.ndarray
    """int64[n]"""
    ends: np.ndarray
    """int64[n]"""


def trails_of(rows: Rows, is_masked: bool) -> Trails:
    """Trails of all rows, without events of CART_KINDS if those are masked."""
    ends = rows.trails + rows.n_seen
    if not is_masked:
        return Trails(rows.kinds, rows.trails, ends)
    is_kept = np.ones(max(N_KINDS, 256), bool)
    is_kept[list(CART_KINDS)] = False
    kept = is_kept[rows.kinds]
    before = np.concatenate([[0], np.cumsum(kept)])
    return Trails(rows.kinds[kept], before[rows.trails], before[ends])


def whole_visitors(visitors: np.ndarray, idx: np.ndarray, n_most: int, seed: int) -> np.ndarray:
    """At most ``n_most`` of the rows ``idx``, with all of theirs for every visitor kept; in the order given.

    ``visitors`` int64[n] by row. Who is kept depends on the seed only.
    """
    if len(idx) <= n_most:
        return idx
    _, who, n_rows = np.unique(visitors[idx], return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(n_rows))
    is_in = np.zeros(len(n_rows), bool)
    is_in[order] = np.cumsum(n_rows[order]) <= n_most
    is_in[order[0]] = True
    return idx[is_in[who]]


def probability(log_odds: np.ndarray) -> np.ndarray:
    """float64[n]: 1 / (1 + e^-x), for x cut at ±30."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds.astype(np.float64), -30.0, 30.0))))


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """float64[n]: ln(p / (1 - p)), with p kept within 1e-7 of 0 and 1."""
    p = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return np.log(p) - np.log1p(-p)
