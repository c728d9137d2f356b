"""How good are scores? Weighted figures for probabilities against what happened, and how sure one can be of them.

Every metric takes ``labels`` (0 or 1, length n), ``scores`` (length n) and ``weights`` (length n, not negative; None
is 1 each), and gives a float. Where a figure means nothing it is NaN, not an error: with one class only, without
weight, or with a score that isn't a number. A million rows take well under a second.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

Metric = Callable[[ArrayLike, ArrayLike, ArrayLike | None], float]

LEAST_PROBABILITY = 1e-7
"""Log-loss takes probabilities closer to 0 or 1 than this as this far, so that one sure mistake isn't infinite."""
N_ECE_BINS = 15
"""Bins of the expected calibration error, of equal weight."""
NAN = float("nan")


class Interval(NamedTuple):
    """A figure and the range that holds 95 of 100 resamples of it."""

    value: float
    low: float
    high: float


class PrecisionRecall(NamedTuple):
    """Of those at or over a threshold, the share that are positive; of the positive, the share at or over it."""

    precision: float
    recall: float


def roc_auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Chance that a positive scores higher than a negative; ties count half."""
    _, positive, negative = _steps(labels, scores, weights)
    n_positive, n_negative = positive.sum(), negative.sum()
    if not n_positive > 0 or not n_negative > 0:
        return NAN
    below = np.cumsum(negative) - negative
    return float(np.sum(positive * (below + negative / 2)) / (n_positive * n_negative))


def pr_auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Average precision: precision at each threshold, weighted by the recall that it adds."""
    _, positive, negative = _steps(labels, scores, weights)
    n_positive, n_negative = positive.sum(), negative.sum()
    if not n_positive > 0 or not n_negative > 0:
        return NAN
    positive, negative = positive[::-1], negative[::-1]
    hits, all_over = np.cumsum(positive), np.cumsum(positive + negative)
    precision = np.divide(hits, all_over, out=np.zeros_like(hits), where=all_over > 0)
    return float(np.sum(positive * precision) / n_positive)


def log_loss(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean of minus the log of the probability given to what happened, with LEAST_PROBABILITY."""
    y, p, w = _arrays(labels, scores, weights)
    if not _has_both(y, w):
        return NAN
    p = np.clip(p, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return float(-np.sum(w * np.log(np.where(y, p, 1 - p))) / w.sum())


def brier(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean squared difference of probability and what happened (Brier 1950)."""
    y, p, w = _arrays(labels, scores, weights)
    if not _has_both(y, w):
        return NAN
    return float(np.sum(w * (p - y) ** 2) / w.sum())


def ece(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Calibration error: mean distance of mean score and share of positives in N_ECE_BINS bins of equal weight.

    Equal scores are in one bin, so that it doesn't depend on the order of rows (Naeini, Cooper & Hauskrecht 2015; bins
    of equal mass as Nixon et al. 2019 advise, because propensities crowd near 0).
    """
    y, p, w = _arrays(labels, scores, weights)
    if not _has_both(y, w) or np.isnan(p).any():
        return NAN
    n, said, happened = calibration_bins(y, p, w, N_ECE_BINS)
    return float(np.sum(n * np.abs(said - happened)) / n.sum())


def calibration_bins(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, n_bins: int = N_ECE_BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight, mean score and share of positives, float64[k] each, of at most ``n_bins`` bins of about equal weight, by
    rising score; none without weight or with a score that isn't a number."""
    steps, positive, negative = _steps(labels, scores, weights)
    n = positive + negative
    if not n.sum() > 0:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    middle = (np.cumsum(n) - n / 2) / n.sum()
    bins = np.minimum((middle * n_bins).astype(np.int64), n_bins - 1)
    weight = np.bincount(bins, n, n_bins)
    kept = weight > 0
    said = np.bincount(bins, n * steps, n_bins)[kept] / weight[kept]
    return weight[kept], said, np.bincount(bins, positive, n_bins)[kept] / weight[kept]


def precision_recall_at(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None, threshold: float
) -> PrecisionRecall:
    """Precision and recall of saying yes at ``threshold`` and over; NaN precision when nothing is over it."""
    y, p, w = _arrays(labels, scores, weights)
    over = p >= threshold
    hits = float(w[over & y].sum())
    n_over, n_positive = float(w[over].sum()), float(w[y].sum())
    return PrecisionRecall(hits / n_over if n_over > 0 else NAN, hits / n_positive if n_positive > 0 else NAN)


def best_threshold(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The score from which on saying yes gives the highest F1 (the highest such score if several do).

    Choose it on other rows than it is judged by.
    """
    steps, positive, negative = _steps(labels, scores, weights)
    n_positive = positive.sum()
    if not n_positive > 0 or not negative.sum() > 0:
        return NAN
    hits, all_over = np.cumsum(positive[::-1]), np.cumsum((positive + negative)[::-1])
    f1 = 2 * hits / (all_over + n_positive)
    return float(steps[::-1][np.argmax(f1)])


METRICS: dict[str, Metric] = {"roc_auc": roc_auc, "pr_auc": pr_auc, "log_loss": log_loss, "brier": brier, "ece": ece}
"""The figures that every table and every model card has."""


def bootstrap_interval(
    metric: Metric,
    labels: ArrayLike,
    scores: ArrayLike,
    weights: ArrayLike | None,
    groups: ArrayLike,
    *,
    n: int = 200,
    seed: int = 0,
) -> Interval:
    """A metric with its 95 % interval, by resampling whole visitors: rows of one visitor are no independent witnesses.

    ``groups`` int64[n_rows] says who a row is of. Percentile bootstrap over groups (Field & Welsh 2007); resamples
    with one class only are left out.
    """
    y, p, w = _arrays(labels, scores, weights)
    order = np.argsort(p, kind="stable")
    members = np.unique(np.asarray(groups), return_inverse=True)[1][order]
    y, p, w = y[order], p[order], w[order]
    drawn = [metric(y, p, w * counts[members]) for counts in _resamples(members, n, seed)]
    return _interval(metric(y, p, w), drawn)


def bootstrap_difference(
    metric: Metric,
    labels: ArrayLike,
    scores: ArrayLike,
    others: ArrayLike,
    weights: ArrayLike | None,
    groups: ArrayLike,
    *,
    n: int = 200,
    seed: int = 0,
) -> Interval:
    """Metric of ``scores`` less metric of ``others``, on the same rows and the same resamples (paired) with interval.

    An interval without 0 in it says that one is better than chance explains.
    """
    y, p, w = _arrays(labels, scores, weights)
    q = np.asarray(others, np.float64)
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    first, second = np.argsort(p, kind="stable"), np.argsort(q, kind="stable")
    sides = [(y[order], one[order], w[order], members[order]) for one, order in ((p, first), (q, second))]
    drawn = []
    for counts in _resamples(members, n, seed):
        a, b = (metric(y_, p_, w_ * counts[members_]) for y_, p_, w_, members_ in sides)
        drawn.append(a - b)
    return _interval(metric(y, p, w) - metric(y, q, w), drawn)


def _resamples(members: np.ndarray, n: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    n_groups = int(members.max()) + 1 if len(members) else 0
    for _ in range(n if n_groups else 0):
        yield np.bincount(rng.integers(0, n_groups, n_groups), minlength=n_groups)


def _interval(value: float, drawn: list[float]) -> Interval:
    kept = np.array(drawn)[np.isfinite(drawn)] if drawn else np.zeros(0)
    if not len(kept):
        return Interval(value, NAN, NAN)
    low, high = np.quantile(kept, (0.025, 0.975))
    return Interval(value, float(low), float(high))


def _arrays(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y, p = np.asarray(labels).astype(bool), np.asarray(scores, np.float64)
    w = np.ones(len(p)) if weights is None else np.asarray(weights, np.float64)
    if not len(y) == len(p) == len(w):
        raise ValueError(f"{len(y)} labels, {len(p)} scores and {len(w)} weights: give as many of each")
    return y, p, w


def _has_both(y: np.ndarray, w: np.ndarray) -> bool:
    return bool(w[y].sum() > 0 and w[~y].sum() > 0)


def _steps(
    labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rising distinct scores, and the weight of positives and of negatives at each; none with a score that is NaN."""
    y, p, w = _arrays(labels, scores, weights)
    if not len(p) or np.isnan(p).any():
        return np.zeros(0), np.zeros(0), np.zeros(0)
    order = np.argsort(p, kind="stable")
    p, w, y = p[order], w[order], y[order]
    starts = np.flatnonzero(np.concatenate(([True], p[1:] != p[:-1])))
    positive = np.add.reduceat(np.where(y, w, 0.0), starts)
    negative = np.add.reduceat(np.where(y, 0.0, w), starts)
    return p[starts], positive, negative
