"""How do trees learn from rows? Boosted trees (XGBoost), their settings looked for within a budget, and what they say.

Trees add up to a margin in log-odds; :mod:`footfall.models.calibration` makes a probability of it. Rare orders are
neither weighted up nor copied: that would only spoil the probabilities. The space of settings is bounded (MOST_TREES,
MOST_DEPTH), so that any forest found here is cheap to serve in every micro-batch.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from footfall.models.calibration import Calibration

if TYPE_CHECKING:
    import optuna
    import xgboost

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
"""OpenMP's threads that have to wait give their core away; it reads this once, when XGBoost loads it. By default they
spin, and beside a busy server a training on four cores then takes several times the processor time."""

MOST_TREES = 200
MOST_DEPTH = 6
PATIENCE = 20
"""Boosting stops after so many trees without a lower log-loss on rows that it doesn't learn from."""
MOST_TUNING_ROWS = 50_000
"""Settings are looked for on whole visitors with at most about so many rows; the final trees learn from all."""
WINDOWS = ((0.6, 0.8), (0.8, 1.0))
"""Settings are judged twice: learn from the sessions before the first share, be judged by those up to the second."""
FEW = 400
"""With fewer visitors than so many who have a yes, windows hold too few of them to judge by: FOLDS of visitors do."""
FOLDS = 4
MOST_COLUMNS = 64
"""Trees choose among so many columns at most: the rest tells next to nothing and would take most of the time."""

_LARGEST = np.finfo(np.float32).max

OnTrial = Callable[[int, int, float], None]
"""Called after each trial with trials done, trials wanted, and the lowest log-loss so far."""


class Params(msgspec.Struct, frozen=True):
    """Settings of the trees, named as XGBoost names them. The defaults suit a past with few orders: flat trees, small
    steps, and look-alike columns in turns (decision 0070)."""

    max_depth: int = 3
    learning_rate: float = 0.08
    min_child_weight: float = 1.0
    reg_lambda: float = 3.0
    reg_alpha: float = 0.1
    subsample: float = 0.8
    colsample_bytree: float = 0.3
    max_bin: int = 128


_STARTS = (Params(), Params(max_depth=5, learning_rate=0.15, colsample_bytree=0.6))
"""Where the search begins: what is safe on a small past, and what a large one allows."""
_SCREENING = Params(max_depth=4, learning_rate=0.2, subsample=0.6, max_bin=32)
_N_SCREENING_TREES = 30
_CELLS_A_THREAD = 4_000_000
"""Numbers that trees are grown from, below which a further thread costs more than it saves."""


class Examples(NamedTuple):
    """What trees learn from or are judged by; arrays of length n, not copied."""

    features: np.ndarray
    """float32[n, N_FEATURES]"""
    labels: np.ndarray
    """0 or 1."""
    weights: np.ndarray
    """float32"""
    groups: np.ndarray
    """int64: whose row it is."""
    session_starts: np.ndarray
    """int64, ms."""
    known_ms: np.ndarray
    """int64, ms: when the label is known; a window isn't learned from before."""

    def at(self, rows: np.ndarray) -> "Examples":
        """Those of some rows (indices or a mask)."""
        return Examples(*(part[rows] for part in self))


class Boosted(msgspec.Struct, frozen=True, eq=False):
    """One target's trees with what turns their margin into a probability and a yes."""

    booster: bytes
    """XGBoost's own model file (UBJSON), with the trees that are used and no others."""
    columns: np.ndarray
    """int32[k]: which features of the catalogue the trees' inputs are, rising."""
    calibration: Calibration
    threshold: float
    """Probability with the highest F1 on the validation side; NaN if it had one class."""
    params: Params
    n_trees: int


class Fitted(NamedTuple):
    """Trees as they come from boosting, not yet calibrated."""

    booster: bytes
    columns: np.ndarray
    n_trees: int


class Tuned(NamedTuple):
    """What the search found. ``log_loss`` is the mean over WINDOWS or FOLDS, NaN if nothing could be tried."""

    params: Params
    log_loss: float
    n_trials: int
    n_pruned: int
    n_rows: int
    n_trees: int | None = None
    """How many trees were best over FOLDS; None where the validation side tells it better."""


class OutOfFold(NamedTuple):
    """What trees that never saw a row's visitor say of it; in the order of the examples."""

    margins: np.ndarray
    """float32[n], log-odds."""
    contributions: np.ndarray
    """float32[n, k + 1]: by the boosted trees' columns, and the constant last."""
    folds: np.ndarray
    """int8[n]"""


def varying_columns(features: np.ndarray) -> np.ndarray:
    """int32[k]: columns that differ between rows; one that is here a number, there unknown, does too."""
    lowest, highest = np.fmin.reduce(features, axis=0), np.fmax.reduce(features, axis=0)
    has_unknown = np.isnan(features).any(axis=0)
    return np.flatnonzero((highest > lowest) | (has_unknown & ~np.isnan(lowest))).astype(np.int32)


def telling_columns(examples: Examples, *, n_threads: int = 1, seed: int = 0) -> np.ndarray:
    """int32[k], rising: of the columns that vary, at most MOST_COLUMNS that lower the loss most in a quick boosting on
    whole visitors with at most about MOST_TUNING_ROWS rows.

    Each of its trees sees a third of the columns, so that look-alikes have their turns (as in Guyon & Elisseeff 2003,
    4.2: embedded selection). Where one class is missing nothing can be told, and all that vary are returned.
    """
    columns = varying_columns(examples.features)
    if len(columns) <= MOST_COLUMNS:
        return columns
    examples = examples.at(some_visitors(examples.groups, MOST_TUNING_ROWS, seed))
    if not _has_both(examples):
        return columns
    import xgboost

    matrix = _binned(examples, columns, _SCREENING, n_threads)
    booster = xgboost.train(_settings(_SCREENING, n_threads, seed), matrix, _N_SCREENING_TREES)
    gains = np.zeros(len(columns))
    for name, gain in booster.get_score(importance_type="total_gain").items():
        gains[int(name[1:])] = gain
    most = np.argsort(-gains, kind="stable")[:MOST_COLUMNS]
    telling = np.sort(columns[most[gains[most] > 0]])
    return telling if len(telling) else columns


def inputs(features: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """float32[n, k]: what trees read; XGBoost takes no infinite values, so they become the largest finite ones."""
    taken = np.take(features, columns, axis=1)
    return np.clip(taken, -_LARGEST, _LARGEST, out=taken)


def fit(
    train: Examples,
    valid: Examples,
    columns: np.ndarray,
    params: Params,
    *,
    n_trees: int | None = None,
    n_threads: int = 1,
    seed: int = 0,
) -> Fitted:
    """Boost on ``train``: ``n_trees``, or until the log-loss on ``valid`` stops falling, or MOST_TREES. Both need both
    classes."""
    import xgboost

    n_threads = min(n_threads, 1 + len(train.labels) * len(columns) // _CELLS_A_THREAD)
    matrix = _binned(train, columns, params, n_threads)
    settings = _settings(params, n_threads, seed)
    if n_trees is not None:
        booster = xgboost.train(settings, matrix, min(n_trees, MOST_TREES))
    else:
        booster = _boost(settings, matrix, _binned(valid, columns, params, n_threads, matrix))
        booster = booster[: booster.best_iteration + 1]
    return Fitted(bytes(booster.save_raw("ubj")), columns, int(booster.num_boosted_rounds()))


def tune(
    examples: Examples,
    *,
    n_trials: int,
    columns: np.ndarray | None = None,
    budget_s: float | None = None,
    n_threads: int = 1,
    seed: int = 0,
    on_trial: OnTrial | None = None,
) -> Tuned:
    """Look for the settings with the lowest mean log-loss over WINDOWS of time (TPE; Bergstra et al. 2011, in Optuna).

    With FEW visitors who have a yes it is judged by FOLDS of visitors instead, each by trees that saw none of them: a
    window would hold a handful, and the settings be chosen by chance. The first trial is the defaults, so the outcome
    is never worse there than they are. A trial that does worse so far than the median before it is dropped. When
    ``budget_s`` is used up no further trial begins; how far one gets then depends on the machine, everything else on
    ``seed`` alone. Where a window or fold has one class or no rows it is left out; with none left, or ``n_trials`` 0,
    the defaults are the answer. ``columns`` are those to learn from, if not all that vary.
    """
    examples = examples.at(some_visitors(examples.groups, MOST_TUNING_ROWS, seed))
    is_few = len(np.unique(examples.groups[examples.labels > 0])) < FEW
    parts = list(_folds(examples, seed) if is_few else _windows(examples)) if n_trials > 0 else []
    if not parts:
        return Tuned(Params(), float("nan"), 0, 0, len(examples.labels))
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    columns = varying_columns(examples.features) if columns is None else columns
    matrices = []
    for train, valid in parts:
        matrix = _binned(train, columns, Params(), n_threads)
        matrices.append((matrix, _binned(valid, columns, Params(), n_threads, matrix)))
    ends_s = None if budget_s is None else time.monotonic() + budget_s
    n_at_once = min(n_threads, len(matrices))
    pool = ThreadPoolExecutor(n_at_once, "footfall-tuning")

    def judged(trial: "optuna.Trial") -> float:
        settings = _settings(_suggested(trial), n_threads // n_at_once, seed)
        boosters: list[xgboost.Booster] = []
        while True:
            now = matrices[len(boosters) : len(boosters) + n_at_once]
            boosters += pool.map(lambda pair: _boost(settings, *pair), now)
            loss = float(np.mean([booster.best_score for booster in boosters]))
            trial.report(loss, len(boosters))
            if len(boosters) == len(matrices):
                break
            if trial.number and (trial.should_prune() or _is_over(ends_s)):
                raise optuna.TrialPruned
        trial.set_user_attr("n_trees", round(float(np.mean([booster.best_iteration + 1 for booster in boosters]))))
        return loss

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=8),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=0),
    )
    for start in _STARTS:
        study.enqueue_trial({k: value for k, value in msgspec.structs.asdict(start).items() if k != "max_bin"})

    def after(study: "optuna.Study", trial: "optuna.trial.FrozenTrial") -> None:
        if on_trial is not None:
            on_trial(trial.number + 1, n_trials, study.best_value)

    with pool:
        study.optimize(judged, n_trials=n_trials, timeout=budget_s, callbacks=[after])
    states = [trial.state for trial in study.trials]
    n_whole, n_pruned = (states.count(getattr(optuna.trial.TrialState, name)) for name in ("COMPLETE", "PRUNED"))
    if not n_whole:
        return Tuned(Params(), float("nan"), 0, 0, len(examples.labels))
    best = msgspec.convert(study.best_params, Params)
    n_trees = study.best_trial.user_attrs["n_trees"] if is_few else None
    return Tuned(best, float(study.best_value), n_whole + n_pruned, n_pruned, len(examples.labels), n_trees)


def raw_margin(boosted: Boosted, features: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
    """float32[n], log-odds before calibration, of features float32[n, N_FEATURES]."""
    found = _predict(boosted, features, n_threads, output_margin=True)
    return np.asarray(found, np.float32)


def probability(boosted: Boosted, features: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
    """float64[n], calibrated, of features float32[n, N_FEATURES]."""
    return boosted.calibration.apply(raw_margin(boosted, features, n_threads=n_threads))


def contributions(boosted: Boosted, features: np.ndarray, is_exact: bool, *, n_threads: int = 1) -> np.ndarray:
    """float32[n, k + 1]: what each of ``boosted.columns`` adds to the margin, in log-odds, and the constant last.

    A row adds up to its :func:`raw_margin`. Exact: tree SHAP (Lundberg et al. 2020). Else Saabas' path differences
    (2014), some thirty times cheaper: each split's whole effect goes to its feature, however the others stand.
    """
    found = _predict(boosted, features, n_threads, pred_contribs=True, approx_contribs=not is_exact)
    return np.asarray(found, np.float32)


def out_of_fold(
    examples: Examples,
    boosted: Boosted,
    *,
    n_folds: int = 5,
    n_threads: int = 1,
    seed: int = 0,
    is_exact: bool = True,
) -> OutOfFold:
    """Margins and contributions of every row from trees with the same settings, columns and number, grown without its
    visitor. Needs at least ``n_folds`` visitors (BadInput by :mod:`footfall.models.training` comes earlier)."""
    import xgboost

    folds = _dealt(examples.groups, n_folds, seed)
    margins = np.empty(len(folds), np.float32)
    parts = np.empty((len(folds), len(boosted.columns) + 1), np.float32)
    settings = _settings(boosted.params, n_threads, seed)
    for fold in range(n_folds):
        here = np.flatnonzero(folds == fold)
        others = examples.at(np.flatnonzero(folds != fold))
        matrix = _binned(others, boosted.columns, boosted.params, n_threads)
        booster = xgboost.train(settings, matrix, boosted.n_trees)
        unseen = xgboost.DMatrix(inputs(examples.features[here], boosted.columns), nthread=n_threads)
        margins[here] = booster.predict(unseen, output_margin=True)
        parts[here] = booster.predict(unseen, pred_contribs=True, approx_contribs=not is_exact)
    return OutOfFold(margins, parts, folds)


def _settings(params: Params, n_threads: int, seed: int) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(params),
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "nthread": n_threads,
        "seed": seed,
        "verbosity": 0,
    }


def _suggested(trial: "optuna.Trial") -> Params:
    return Params(
        max_depth=trial.suggest_int("max_depth", 1, MOST_DEPTH),
        learning_rate=trial.suggest_float("learning_rate", 0.04, 0.3, log=True),
        min_child_weight=trial.suggest_float("min_child_weight", 0.1, 30.0, log=True),
        reg_lambda=trial.suggest_float("reg_lambda", 0.1, 30.0, log=True),
        reg_alpha=trial.suggest_float("reg_alpha", 1e-3, 10.0, log=True),
        subsample=trial.suggest_float("subsample", 0.5, 1.0),
        colsample_bytree=trial.suggest_float("colsample_bytree", 0.2, 1.0),
    )


def _boost(settings: dict[str, Any], matrix: Any, watched: Any) -> "xgboost.Booster":
    import xgboost

    return xgboost.train(
        settings,
        matrix,
        MOST_TREES,
        evals=[(watched, "valid")],
        early_stopping_rounds=PATIENCE,
        verbose_eval=False,
    )


def _binned(examples: Examples, columns: np.ndarray, params: Params, n_threads: int, like: Any = None) -> Any:
    import xgboost

    return xgboost.QuantileDMatrix(
        inputs(examples.features, columns),
        examples.labels,
        weight=examples.weights,
        max_bin=params.max_bin,
        nthread=n_threads,
        ref=like,
    )


def _predict(boosted: Boosted, features: np.ndarray, n_threads: int, **what: bool) -> Any:
    import xgboost

    matrix = xgboost.DMatrix(inputs(features, boosted.columns), nthread=n_threads)
    return _loaded(boosted.booster, n_threads).predict(matrix, **what)


@lru_cache(maxsize=8)
def _loaded(booster: bytes, n_threads: int) -> "xgboost.Booster":
    import xgboost

    found = xgboost.Booster({"nthread": n_threads})
    found.load_model(bytearray(booster))
    return found


def _windows(examples: Examples) -> Iterator[tuple[Examples, Examples]]:
    """Pairs to learn from and be judged by, in time; labels that were known only later are left out of the first."""
    starts = examples.session_starts
    marks = np.sort(starts)
    for share, end in WINDOWS:
        cut_ms = marks[min(int(share * len(marks)), len(marks) - 1)]
        end_ms = marks[int(end * len(marks))] if end < 1 else marks[-1] + 1
        train = examples.at(np.flatnonzero((starts < cut_ms) & (examples.known_ms < cut_ms)))
        valid = examples.at(np.flatnonzero((starts >= cut_ms) & (starts < end_ms)))
        if _has_both(train) and _has_both(valid):
            yield train, valid


def _folds(examples: Examples, seed: int) -> Iterator[tuple[Examples, Examples]]:
    """Pairs to learn from and be judged by, without a visitor in both."""
    folds = _dealt(examples.groups, FOLDS, seed)
    for fold in range(FOLDS):
        train, valid = (examples.at(np.flatnonzero(side)) for side in (folds != fold, folds == fold))
        if _has_both(train) and _has_both(valid):
            yield train, valid


def _dealt(groups: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """int8[n]: which fold each row's visitor is dealt into, all folds of about as many visitors."""
    members = np.unique(groups, return_inverse=True)[1]
    n_groups = int(members.max()) + 1
    return (np.random.default_rng(seed).permutation(n_groups) % n_folds).astype(np.int8)[members]


def some_visitors(groups: np.ndarray, most_rows: int, seed: int) -> np.ndarray:
    """Rows, rising, of randomly chosen visitors with at most so many rows together (one visitor at least)."""
    if len(groups) <= most_rows:
        return np.arange(len(groups))
    members, n_of = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    order = np.random.default_rng(seed).permutation(len(n_of))
    n_chosen = max(1, int(np.searchsorted(np.cumsum(n_of[order]), most_rows, side="right")))
    is_chosen = np.zeros(len(n_of), bool)
    is_chosen[order[:n_chosen]] = True
    return np.flatnonzero(is_chosen[members])


def _has_both(examples: Examples) -> bool:
    return len(np.unique(examples.labels)) == 2


def _is_over(ends_s: float | None) -> bool:
    return ends_s is not None and time.monotonic() > ends_s
