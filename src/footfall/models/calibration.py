"""How does a margin become a probability that holds? Maps learned on rows the trees have not seen, and which is best.

Whatever the kind, a calibration is a table: probabilities at rising margins, linear between them, constant beyond. So
every kind is served by the same few lines, and what is served is what was measured. A margin is what the trees add up
to, in log-odds.

The weights of rows count witnesses: those of one session add up to 1 (:class:`footfall.models.rows.Rows`).
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from footfall.models import metrics

KINDS = ("identity", "platt", "beta", "isotonic", "venn_abers")
"""From plain to free."""
N_KNOTS = 257
"""Knots of the smooth kinds. Over 20 units of margin the line between two is off by less than 0.1 % of a small p."""
MARGIN_BEYOND = 4.0
"""Smooth kinds go on this far beyond the margins seen, so that the surest keep their order."""
N_BINS = 256
"""Venn-Abers looks at margins in so many bins of equal weight."""
LEAST = 1e-6
"""No probability is closer to 0 or 1."""
N_FOLDS = 5

_RIDGE = 1e-6
"""Keeps Newton's equations solvable where all margins are equal."""
_LONGEST_STEP = 5.0


class Calibration(msgspec.Struct, frozen=True, eq=False):
    """A rising map from margin to probability; the arrays are owned by it."""

    kind: str
    xs: np.ndarray
    """float64[k], rising margins."""
    ys: np.ndarray
    """float64[k], probabilities, not falling, within [LEAST, 1 - LEAST]."""
    parameters: tuple[float, ...] = ()
    """What was fitted, for the card: of platt (a, c) of a·m + c; of beta (a, b, c) of a·ln s - b·ln(1 - s) + c."""

    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """Knots and probabilities, float64[k] each: the probability at a margin is linear between them."""
        return self.xs, self.ys

    def apply(self, margins: np.ndarray) -> np.ndarray:
        """float64[n]: probabilities of margins float[n]."""
        return np.asarray(np.interp(margins, self.xs, self.ys))


class Chosen(NamedTuple):
    """The calibration to take, and how all of them did on rows they were not fitted to."""

    calibration: Calibration
    log_losses: dict[str, float]
    eces: dict[str, float]


def identity(margins: np.ndarray) -> Calibration:
    """The trees' own probabilities."""
    return _smooth("identity", margins, lambda m: m, ())


def platt(margins: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Calibration:
    """A line in log-odds (Platt 1999, with his targets just short of 0 and 1)."""
    (a,), c = _logistic(margins[:, None], labels, weights)
    return _smooth("platt", margins, lambda m: a * m + c, (a, c))


def beta(margins: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Calibration:
    """Two slopes in log-odds, one to each side (Kull, Silva Filho & Flach 2017); with equal ones it is Platt's."""
    parts = np.stack([_log_sigmoid(margins), -_log_sigmoid(-margins)], axis=1)
    (a, b), c = _logistic(parts, labels, weights)
    return _smooth("beta", margins, lambda m: a * _log_sigmoid(m) - b * _log_sigmoid(-m) + c, (a, b, c))


def isotonic(margins: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Calibration:
    """The rising map closest to what happened, linear between the middles of its steps (Zadrozny & Elkan 2002; centred
    as Oron & Flournoy 2017, so that it keeps the order). A step of 0 or 1 is worth half a witness less."""
    x, y, w = _bins(margins, labels, weights, None)
    least = 0.5 / (w.sum() + 1)
    return _steps("isotonic", x, np.clip(_rising(y, w), least, 1 - least), w)


def venn_abers(margins: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Calibration:
    """Inductive Venn-Abers (Vovk & Petej 2014): a new row is added once as 0 and once as 1, an isotonic map fitted to
    each, and the two answers p0 and p1 merged as p1 / (1 - p0 + p1), which is best for log-loss."""
    x, y, w = _bins(margins, labels, weights, N_BINS)
    ones = y * w
    p = np.empty((2, len(x)))
    for at in range(len(x)):
        added = w.copy()
        added[at] += 1.0
        p[0, at] = _rising(ones / added, added)[at]
        ones[at] += 1.0
        p[1, at] = _rising(ones / added, added)[at]
        ones[at] -= 1.0
    return _steps("venn_abers", x, p[1] / (1.0 - p[0] + p[1]), w)


def fit(kind: str, margins: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Calibration:
    """A calibration of a kind from margins float[n], labels 0 or 1, weights float[n]."""
    margins, labels, weights = (np.asarray(a, np.float64) for a in (margins, labels, weights))
    if kind == "identity":
        return identity(margins)
    return {"platt": platt, "beta": beta, "isotonic": isotonic, "venn_abers": venn_abers}[kind](
        margins, labels, weights
    )


def choose(
    margins: np.ndarray, labels: np.ndarray, weights: np.ndarray, groups: np.ndarray, *, seed: int = 0
) -> Chosen:
    """The plainest kind that isn't clearly worse than the best by cross-fitted log-loss, fitted to all rows.

    Each fifth of the visitors is judged by maps learned from the others. Clearly is by more than one standard error of
    the difference, over visitors (the one-standard-error rule: Breiman et al. 1984). With fewer than N_FOLDS visitors,
    or one class only, nothing can be measured and the trees' own probabilities stay: the figures then are NaN.

    margins float[n], labels 0 or 1, weights float[n], groups int64[n] (whose row it is).
    """
    members = np.unique(groups, return_inverse=True)[1]
    n_groups = int(members.max()) + 1 if len(members) else 0
    n_folds = min(N_FOLDS, n_groups)
    folds = (np.random.default_rng(seed).permutation(n_groups) % max(n_folds, 1))[members]
    said = {kind: np.full(len(margins), np.nan) for kind in KINDS}
    for fold in range(n_folds if n_folds == N_FOLDS else 0):
        here = folds == fold
        for kind in KINDS:
            said[kind][here] = fit(kind, margins[~here], labels[~here], weights[~here]).apply(margins[here])
    log_losses = {kind: metrics.log_loss(labels, said[kind], weights) for kind in KINDS}
    eces = {kind: metrics.ece(labels, said[kind], weights) for kind in KINDS}
    plainest = "identity"
    if np.isfinite(list(log_losses.values())).all():
        best = min(KINDS, key=log_losses.__getitem__)
        plainest = next(k for k in KINDS if not _is_worse(said[k], said[best], labels, weights, members))
    return Chosen(fit(plainest, margins, labels, weights), log_losses, eces)


def _is_worse(said: np.ndarray, best: np.ndarray, labels: np.ndarray, weights: np.ndarray, members: np.ndarray) -> bool:
    """Whether one log-loss is higher than another by more than its standard error over visitors."""
    gaps = weights * np.log(np.where(labels > 0, best / said, (1 - best) / (1 - said)))
    by_visitor = np.bincount(members, gaps)
    return bool(by_visitor.sum() > np.sqrt(np.sum((by_visitor - by_visitor.mean()) ** 2)))


def _smooth(
    kind: str, margins: np.ndarray, log_odds: Callable[[np.ndarray], np.ndarray], parameters: tuple[float, ...]
) -> Calibration:
    low, high = (float(margins.min()), float(margins.max())) if len(margins) else (0.0, 0.0)
    xs = np.linspace(low - MARGIN_BEYOND, high + MARGIN_BEYOND, N_KNOTS)
    ys = np.exp(_log_sigmoid(log_odds(xs)))
    return Calibration(kind, xs, np.clip(ys, LEAST, 1 - LEAST), parameters)


def _steps(kind: str, x: np.ndarray, y: np.ndarray, w: np.ndarray) -> Calibration:
    """One knot for each step of equal values, in its middle by weight."""
    y = np.maximum.accumulate(np.clip(y, LEAST, 1 - LEAST))
    starts = np.flatnonzero(np.concatenate(([True], y[1:] != y[:-1])))
    middles = np.add.reduceat(x * w, starts) / np.add.reduceat(w, starts)
    return Calibration(kind, middles, y[starts])


def _bins(
    margins: np.ndarray, labels: np.ndarray, weights: np.ndarray, n_bins: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean margin, share of ones and weight by distinct margin, or by at most ``n_bins`` bins of them."""
    order = np.argsort(margins, kind="stable")
    x, y, w = margins[order], labels[order], weights[order]
    starts = np.flatnonzero(np.concatenate(([True], x[1:] != x[:-1])))
    total = np.add.reduceat(w, starts)
    if n_bins is not None and len(starts) > n_bins:
        bins = ((np.cumsum(total) - total / 2) / total.sum() * n_bins).astype(np.int64)
        starts = starts[np.concatenate(([True], bins[1:] != bins[:-1]))]
        total = np.add.reduceat(w, starts)
    return np.add.reduceat(x * w, starts) / total, np.add.reduceat(y * w, starts) / total, total


def _rising(y: np.ndarray, w: np.ndarray) -> np.ndarray:
    from sklearn.isotonic import isotonic_regression

    return np.asarray(isotonic_regression(y, sample_weight=w))


def _logistic(parts: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[list[float], float]:
    """Slopes (none falling) and constant of a weighted logistic regression on parts float64[n, k], by Newton's method.

    Platt's targets keep it finite where the classes are cleanly apart. A slope that comes out negative is set to 0 and
    the others are fitted again, as Kull et al. do.
    """
    n_ones, n_zeros = float(weights[labels > 0].sum()), float(weights[labels <= 0].sum())
    targets = np.where(labels > 0, (n_ones + 1) / (n_ones + 2), 1 / (n_zeros + 2))
    used = list(range(parts.shape[1]))
    while True:
        x = np.column_stack([parts[:, used], np.ones(len(parts))])
        at = np.zeros(x.shape[1])
        for _ in range(100):
            p = np.exp(_log_sigmoid(x @ at))
            slope = x.T @ (weights * (targets - p)) - _RIDGE * at
            bend = (x * (weights * p * (1 - p))[:, None]).T @ x + _RIDGE * np.eye(len(at))
            step = np.linalg.solve(bend, slope)
            at = at + step * min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-12))
            if np.abs(step).max() < 1e-9:
                break
        falling = [k for k, slope_ in zip(used, at, strict=False) if slope_ < 0]
        if not falling:
            slopes = [0.0] * parts.shape[1]
            for k, slope_ in zip(used, at, strict=False):
                slopes[k] = float(slope_)
            return slopes, float(at[-1])
        used = [k for k in used if k not in falling]


def _log_sigmoid(m: np.ndarray) -> np.ndarray:
    return np.asarray(-np.logaddexp(0.0, -m))
