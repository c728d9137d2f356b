"""How does a site's history become a model? Split by time, look for settings, boost, calibrate, judge, and say so.

What is served is what was judged: the trees learned from the earliest 70 % of sessions are kept, not grown again on all
(decision 0057).
"""

import importlib
import platform
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from footfall import __version__
from footfall.base.clock import SystemClock
from footfall.base.errors import BadInput
from footfall.models import boosted as trees
from footfall.models import calibration, metrics
from footfall.models.boosted import Boosted, Examples, OutOfFold, Tuned
from footfall.models.drift import bins_of
from footfall.models.model import Card, Figure, Model, Reference, Search, TargetCard
from footfall.models.rows import SESSION, TARGETS, WEEK, WEEK_MS, Rows, Split, split_by_time
from footfall.record.features import CATALOGUE, CATALOGUE_ID
from footfall.record.layout import LAYOUT

LEAST_ORDERS = (20, 5, 5)
"""Sessions with a positive row that are needed to learn from, to choose by and to judge by: with fewer, a figure says
nothing, and the prior serves as well."""
MOST_REFERENCE_ROWS = 100_000
"""Drift is measured against whole visitors with at most about so many rows."""
N_RESAMPLES = 100
"""Of each interval on the card."""
MOST_EFFECT_ROWS = 5_000
N_EFFECTS = 20

Progress = Callable[[str, int, int], None]
"""Called with what is being done, steps done and steps in all."""
_STEPS = ("boosting", "calibrating", "judging")
SESSION_TARGET = TARGETS[SESSION]
NAMES = ("an order in the session", "an order within seven days")
DAY_MS = 86_400_000
_LIBRARIES = ("xgboost", "sklearn", "optuna", "numpy")


class TrainOptions(msgspec.Struct, frozen=True):
    """What one may ask of a training."""

    n_trials: int = 30
    """Settings tried; 0 takes the defaults."""
    budget_s: float | None = None
    """Time for trying, for each target; None for as long as the trials take."""
    n_threads: int = 2
    seed: int = 0
    targets: tuple[str, ...] = TARGETS
    max_rows: int | None = None
    """Learn from whole visitors, chosen at random, with at most so many rows."""
    site: int = 0
    made_ms: int | None = None
    """When, for the card; None for now."""


class _Learned(NamedTuple):
    """One target as it was learned; indices are of rows."""

    boosted: Boosted
    tuned: Tuned
    chosen: calibration.Chosen
    split: Split
    test_scores: np.ndarray
    """float64[len(split.test)]"""


def train(rows: Rows, options: TrainOptions, on_progress: Progress | None = None) -> Model:
    """Learn every target that the rows allow; the card says why the others don't.

    Raises BadInput ``cannot_train``, with counts and what is needed, if not even the target "session" can be learned.
    """
    wanted = [target for target in TARGETS if target in options.targets or target == SESSION_TARGET]
    n_steps = len(wanted) * (options.n_trials + len(_STEPS))
    learned: dict[str, _Learned] = {}
    skipped: dict[str, str] = {}
    for number, target in enumerate(wanted):
        steps = _Steps(on_progress, target, number * (options.n_trials + len(_STEPS)), n_steps)
        try:
            session = learned[SESSION_TARGET].boosted if SESSION_TARGET in learned else None
            learned[target] = _learn(rows, TARGETS.index(target), session, options, steps)
        except BadInput as error:
            if target == SESSION_TARGET:
                raise
            skipped[target] = str(error)
    if on_progress is not None:
        on_progress("done", n_steps, n_steps)
    reference = _reference(rows, learned, options)
    boosted = {target: found.boosted for target, found in learned.items()}
    return Model(CATALOGUE_ID, LAYOUT, boosted, reference, _card(rows, options, learned, skipped, reference))


def examples(rows: Rows, target: int, chosen: np.ndarray) -> Examples:
    """What trees learn from, of rows int64[k] whose label of a target is known."""
    known_ms = rows.times[chosen] + WEEK_MS if target == WEEK else rows.times[chosen]
    return Examples(
        rows.features[chosen],
        rows.labels[chosen, target],
        rows.weights[chosen],
        rows.visitors[chosen],
        rows.session_starts[chosen],
        known_ms,
    )


def out_of_fold(rows: Rows, target: int, chosen: np.ndarray, boosted: Boosted, **options: Any) -> OutOfFold:
    """:func:`footfall.models.boosted.out_of_fold` of some rows, in the order of ``chosen`` int64[k]."""
    return trees.out_of_fold(examples(rows, target, chosen), boosted, **options)


class _Steps:
    """Tells how far one target is."""

    def __init__(self, tell: Progress | None, target: str, done: int, n_steps: int) -> None:
        self._tell, self._target, self._done, self._n_steps = tell, target, done, n_steps

    def at(self, what: str, n: int) -> None:
        if self._tell is not None:
            self._tell(f"{self._target}: {what}", self._done + n, self._n_steps)


def _learn(rows: Rows, target: int, session: Boosted | None, options: TrainOptions, steps: _Steps) -> _Learned:
    """One target; what is judged is what is served, so the week's probability is at least that of ``session``."""
    split = _split(rows, target, options)
    learn, choose = (examples(rows, target, side) for side in split[:2])
    columns = trees.telling_columns(learn, n_threads=options.n_threads, seed=options.seed)
    if not len(columns):
        raise _cannot(rows, target, "no feature differs between the rows, so there is nothing to tell visitors by")
    steps.at("trying settings", 0)
    tuned = trees.tune(
        learn,
        n_trials=options.n_trials,
        columns=columns,
        budget_s=options.budget_s,
        n_threads=options.n_threads,
        seed=options.seed,
        on_trial=lambda done, _, loss: steps.at(f"trying settings, log-loss {loss:.4f}", done),
    )
    steps.at(_STEPS[0], options.n_trials)
    fitted = trees.fit(
        learn, choose, columns, tuned.params, n_trees=tuned.n_trees, n_threads=options.n_threads, seed=options.seed
    )
    steps.at(_STEPS[1], options.n_trials + 1)
    raw = Boosted(
        fitted.booster, columns, calibration.identity(np.zeros(0)), float("nan"), tuned.params, fitted.n_trees
    )
    margins = trees.raw_margin(raw, choose.features, n_threads=options.n_threads)
    chosen = calibration.choose(margins, choose.labels, choose.weights, choose.groups, seed=options.seed)
    boosted = msgspec.structs.replace(raw, calibration=chosen.calibration)

    def served(features: np.ndarray) -> np.ndarray:
        scores = trees.probability(boosted, features, n_threads=options.n_threads)
        if session is None:
            return scores
        least = trees.probability(session, features, n_threads=options.n_threads)
        return np.asarray(np.maximum(scores, least))

    threshold = metrics.best_threshold(choose.labels, served(choose.features), choose.weights)
    boosted = msgspec.structs.replace(boosted, threshold=threshold)
    steps.at(_STEPS[2], options.n_trials + 2)
    return _Learned(boosted, tuned, chosen, split, served(rows.features[split.test]))


def _split(rows: Rows, target: int, options: TrainOptions) -> Split:
    """Sides in time with enough orders each; of whole visitors with at most ``options.max_rows`` rows."""
    if not len(rows):
        raise _cannot(rows, target, f"there are no visits of people ({rows.n_bots} visitors are bots)")
    if not (rows.labels[:, target] == 1).any():
        raise _cannot(rows, target, "there are no orders")
    try:
        split = split_by_time(rows, target)
    except BadInput as error:
        raise _cannot(rows, target, str(error).rstrip(".")) from error
    if options.max_rows is not None:
        is_in = np.zeros(len(rows), bool)
        is_in[trees.some_visitors(rows.visitors, options.max_rows, options.seed)] = True
        split = Split(*(side[is_in[side]] for side in split))
    for what, least, side in zip(("learn from", "choose by", "judge by"), LEAST_ORDERS, split, strict=True):
        labels = rows.labels[side, target]
        n_orders = len(np.unique(rows.sessions[side[labels == 1]]))
        if n_orders < least:
            raise _cannot(rows, target, f"{n_orders} sessions with an order are left to {what}, {least} are needed")
        if not (labels == 0).any():
            raise _cannot(rows, target, f"all sessions left to {what} end with an order, others are needed too")
    return split


def _cannot(rows: Rows, target: int, why: str) -> BadInput:
    n_sessions = len(np.unique(rows.sessions))
    n_orders = len(np.unique(rows.sessions[rows.labels[:, target] == 1])) if len(rows) else 0
    days = (int(rows.times.max()) - int(rows.times.min())) / DAY_MS if len(rows) else 0.0
    return BadInput(
        f"No model for {NAMES[target]} can be learned: {why}. There are {len(rows)} rows of {n_sessions} sessions in "
        f"{days:.1f} days, {n_orders} of them with an order. Collect or import more history, then train again; "
        "until then the prior scores.",
        code="cannot_train",
        detail={"n_rows": len(rows), "n_sessions": n_sessions, "n_orders": n_orders, "days": round(days, 2)},
    )


def _reference(rows: Rows, learned: dict[str, _Learned], options: TrainOptions) -> Reference:
    columns = np.unique(np.concatenate([found.boosted.columns for found in learned.values()])).astype(np.int32)
    train = learned[SESSION_TARGET].split.train
    train = train[trees.some_visitors(rows.visitors[train], MOST_REFERENCE_ROWS, options.seed)]
    weights = rows.weights[train]
    features = [bins_of(rows.features[train, column], weights) for column in columns]
    scores = {target: bins_of(found.test_scores, rows.weights[found.split.test]) for target, found in learned.items()}
    return Reference(columns, features, scores)


def _card(
    rows: Rows, options: TrainOptions, learned: dict[str, _Learned], skipped: dict[str, str], reference: Reference
) -> Card:
    positive = rows.labels[:, TARGETS.index(SESSION_TARGET)] == 1
    return Card(
        site=options.site,
        made_ms=SystemClock().now_ms() if options.made_ms is None else options.made_ms,
        from_ms=int(rows.times.min()),
        until_ms=int(rows.times.max()),
        n_rows=len(rows),
        n_sessions=len(np.unique(rows.sessions)),
        n_visitors=len(np.unique(rows.visitors)),
        n_orders=len(np.unique(rows.sessions[positive])),
        features=tuple(CATALOGUE[column].name for column in reference.columns),
        targets={
            target: _target_card(rows, TARGETS.index(target), found, options) for target, found in learned.items()
        },
        skipped=skipped,
        seed=options.seed,
        n_trials=options.n_trials,
        layout=LAYOUT,
        catalogue_id=CATALOGUE_ID,
        code_version=__version__,
        libraries=_libraries(),
    )


def _libraries() -> dict[str, str]:
    found = {name: importlib.import_module(name).__version__ for name in _LIBRARIES}
    return {"python": platform.python_version()} | found


def _target_card(rows: Rows, target: int, found: _Learned, options: TrainOptions) -> TargetCard:
    boosted, tuned, split, scores = found.boosted, found.tuned, found.split, found.test_scores
    labels, weights, visitors = rows.labels[split.test, target], rows.weights[split.test], rows.visitors[split.test]
    seen = rows.n_seen[split.test]
    figures, intervals = {}, {}
    for name, metric in metrics.METRICS.items():
        value, low, high = metrics.bootstrap_interval(
            metric, labels, scores, weights, visitors, n=N_RESAMPLES, seed=options.seed
        )
        figures[name], intervals[name] = _figure(value), (_figure(low), _figure(high))
    precision, recall = metrics.precision_recall_at(labels, scores, weights, boosted.threshold)
    return TargetCard(
        n_train=len(split.train),
        n_valid=len(split.valid),
        n_test=len(split.test),
        n_test_orders=len(np.unique(rows.sessions[split.test[labels == 1]])),
        base_rate=float(np.average(labels, weights=weights)),
        metrics=figures,
        intervals=intervals,
        roc_auc_by_seen={
            str(n): _figure(metrics.roc_auc(labels[seen == n], scores[seen == n], weights[seen == n]))
            for n in np.unique(seen)
        },
        threshold=_figure(boosted.threshold),
        precision=_figure(precision),
        recall=_figure(recall),
        calibration=boosted.calibration.kind,
        calibration_log_loss={kind: _figure(value) for kind, value in found.chosen.log_losses.items()},
        calibration_ece={kind: _figure(value) for kind, value in found.chosen.eces.items()},
        params=boosted.params,
        n_trees=boosted.n_trees,
        n_features=len(boosted.columns),
        search=Search(tuned.n_trials, tuned.n_pruned, tuned.n_rows, _figure(tuned.log_loss)),
        effects=_effects(boosted, rows.features[split.test[-MOST_EFFECT_ROWS:]], options),
    )


def _effects(boosted: Boosted, features: np.ndarray, options: TrainOptions) -> dict[str, float]:
    parts = trees.contributions(boosted, features, is_exact=True, n_threads=options.n_threads)[:, :-1]
    sizes = np.abs(parts).mean(axis=0)
    largest = np.argsort(-sizes, kind="stable")[:N_EFFECTS]
    return {CATALOGUE[boosted.columns[at]].name: float(sizes[at]) for at in largest if sizes[at] > 0}


def _figure(value: float) -> Figure:
    return float(value) if np.isfinite(value) else None
