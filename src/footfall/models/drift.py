"""Does live traffic still look like what a model was trained on, and does what it foretells still come?

Three looks, all pure: the population stability index of each feature and score, foretold against observed orders, and
champion against challenger on the same decisions. What follows is said in
:mod:`footfall.hosts.modelling`.
"""

from typing import Literal, NamedTuple

import msgspec
import numpy as np

from footfall.models import metrics

N_BINS = 10
"""Bins of about equal weight in training; missing values have one more for themselves."""
LEAST_SHARE = 1e-4
"""Shares below this count as this, or one empty bin would be worth infinitely much."""
_SURE = 3.0
"""Standard errors by which orders must differ from what was foretold."""
LEAST_ORDERS = 20
"""Champion and challenger aren't compared on fewer."""


class Bins(msgspec.Struct, frozen=True, eq=False):
    """How one column was distributed in training."""

    edges: np.ndarray
    """float64[k], rising: a value lies in the bin of the first edge that isn't below it, or after the last."""
    shares: np.ndarray
    """float64[k + 2], sum 1: of the k + 1 bins, and of missing values last."""


class Calibration(NamedTuple):
    """Foretold and observed orders over decisions whose outcome is known."""

    predicted: float
    """Mean probability."""
    observed: float
    """Share that ordered."""
    n: int
    ece: float
    is_off: bool
    """Whether they differ by more than the tolerance, and by more than chance explains."""


class Duel(NamedTuple):
    """Champion and challenger on the same decisions."""

    n: int
    champion_log_loss: float
    challenger_log_loss: float
    better: Literal["champion", "challenger", "undecided"]


def bins_of(values: np.ndarray, weights: np.ndarray | None = None) -> Bins:
    """Bins of a training column, float[n]; a column of few distinct values gets as many bins as it has of them.

    The edges are quantiles, so that no bin depends on the column's unit or on outliers.
    """
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    known = ~np.isnan(values)
    order = np.argsort(values[known], kind="stable")
    ordered, summed = values[known][order].astype(np.float64), np.cumsum(weights[known][order])
    edges = np.zeros(0)
    if len(ordered):
        at = np.searchsorted(summed, np.arange(1, N_BINS) / N_BINS * summed[-1])
        edges = np.unique(ordered[np.minimum(at, len(ordered) - 1)])
    return Bins(edges, shares(edges, values, weights))


def shares(edges: np.ndarray, values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """float64[k + 2]: weight in each bin of these edges, and of missing values, as shares; zeros when there is none."""
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    at = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
    found = np.bincount(at, weights, minlength=len(edges) + 2)
    return found / found.sum() if found.sum() > 0 else found


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """Population stability index of two distributions over the same bins: sum of (a - e) ln(a / e).

    Below 0.1 is read as no change, from 0.25 on as a shift that asks for a new model (Siddiqi 2006, Credit Risk
    Scorecards, ch. 9). It is the sum of both Kullback-Leibler divergences, so it is symmetric and never negative.
    """
    e, a = np.maximum(expected, LEAST_SHARE), np.maximum(actual, LEAST_SHARE)
    return float(np.sum((a - e) * np.log(a / e)))


def psi_of(bins: Bins, values: np.ndarray, weights: np.ndarray | None = None) -> float:
    """:func:`psi` of live values, float[n], against a training column; 0 when there are no values."""
    return psi(bins.shares, shares(bins.edges, values, weights)) if len(values) else 0.0


def calibration(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray, tolerance: float) -> Calibration:
    """Whether as many ordered as was foretold; labels 0 or 1, scores probabilities, groups say whose a decision is.

    It is off when the sum of orders differs from the sum of probabilities by more than the share ``tolerance`` of the
    latter, and by more than ``_SURE`` standard errors. These count by visitor, as decisions about one visitor share
    their outcome.
    """
    n = len(labels)
    if not n:
        return Calibration(float("nan"), float("nan"), 0, float("nan"), False)
    gaps = labels.astype(np.float64) - scores.astype(np.float64)
    by_group = np.bincount(np.unique(groups, return_inverse=True)[1], gaps)
    total, foretold = float(gaps.sum()), float(scores.sum(dtype=np.float64))
    is_off = abs(total) > tolerance * foretold and abs(total) > _SURE * float(np.sqrt(np.sum(by_group**2)))
    return Calibration(foretold / n, float(labels.mean()), n, metrics.ece(labels, scores), is_off and len(by_group) > 1)


def duel(
    labels: np.ndarray,
    champion: np.ndarray,
    challenger: np.ndarray,
    groups: np.ndarray,
    weights: np.ndarray | None = None,
) -> Duel:
    """Which of two scores, made of the same decisions, foretells better: by log-loss, paired, with its 95 % interval.

    Undecided while the interval holds 0, or there are fewer than ``LEAST_ORDERS`` orders.
    """
    first, second = (metrics.log_loss(labels, scores, weights) for scores in (champion, challenger))
    better: Literal["champion", "challenger", "undecided"] = "undecided"
    if labels.sum() >= LEAST_ORDERS:
        gap = metrics.bootstrap_difference(metrics.log_loss, labels, challenger, champion, weights, groups)
        if gap.high < 0:
            better = "challenger"
        elif gap.low > 0:
            better = "champion"
    return Duel(len(labels), first, second, better)
