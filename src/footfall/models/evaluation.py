"""How good is every way of foretelling orders, on the same rows? The table of rivals, and the points of its plots.

All rivals learn from the oldest 70 % of the sessions, choose what there is to choose by the next 15 %, are calibrated
by those in the same way, and are judged by the latest 15 %. Figures weigh a session's rows so that each session counts
once; intervals come from resampling whole visitors. ``docs/evaluation.md`` says more.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from footfall.base.errors import BadInput, FootfallError
from footfall.models import metrics
from footfall.models.calibration import beta
from footfall.models.rivals.alike import similar_visitors
from footfall.models.rivals.base_rate import base_rate
from footfall.models.rivals.blend import blend
from footfall.models.rivals.forest import random_forest
from footfall.models.rivals.hidden import hidden_markov
from footfall.models.rivals.linear import demographics, logistic_regression
from footfall.models.rivals.markov import markov_chain
from footfall.models.rivals.nearest import nearest_neighbours
from footfall.models.rivals.question import Answer, Question, Rival, log_odds, whole_visitors
from footfall.models.rivals.trees import boosted_trees
from footfall.models.rows import TARGETS, Rows, Split, split_by_time

CLICKS = (1, 2, 3, 5, 8, 13, 21)
"""Rows are looked at by how many events of the session had been seen; the last holds all from there on."""
LEAST_SESSIONS = 5
"""Sessions with an order, and without, that each side of the split needs: fewer tell nothing."""
TRAIN_MOST, JUDGE_MOST = 400_000, 40_000
"""Rows that rivals may learn from, and that choose and judge (each), cut by whole visitors."""
N_RESAMPLES = 200
_CURVE_POINTS = 200
_CURVE_BINS = 12


class Named(NamedTuple):
    """A rival and how it is called."""

    name: str
    title: str
    fit: Rival


RIVALS = (
    Named("base_rate", "Base rate", base_rate),
    Named("demographics", "Demographics only", demographics),
    Named("markov", "Markov chain", markov_chain),
    Named("hidden_markov", "Hidden Markov model", hidden_markov),
    Named("logistic", "Logistic regression", logistic_regression),
    Named("forest", "Random forest", random_forest),
    Named("nearest", "kNN, raw distance", nearest_neighbours),
    Named("similar", "kNN, learned likeness", similar_visitors),
    Named("boosted", "Boosted trees", boosted_trees),
)
BLEND = "blend"
BLENDED = ("logistic", "boosted", "nearest", "markov")
TITLES = {rival.name: rival.title for rival in RIVALS} | {BLEND: "Blend of four"}
FIGURES = ("roc_auc", "pr_auc", "log_loss", "brier", "ece", "precision", "recall")
"""Of every rival, in the order of the table; precision and recall are at the threshold with the best validation F1."""
COMPARED = ("roc_auc", "log_loss")
"""Figures that are also compared with those of the boosted trees, resample by resample."""


class Figure(msgspec.Struct, frozen=True):
    """A number and its 95 % interval; NaN (null in JSON) where it means nothing."""

    value: float
    low: float
    high: float


class OfClicks(msgspec.Struct, frozen=True):
    """How well a rival does after so many clicks."""

    n_seen: int
    n_rows: int
    n_positive: int
    roc_auc: Figure


class Curves(msgspec.Struct, frozen=True):
    """Points of the plots, each from 0 to 1, thinned out."""

    roc: list[tuple[float, float]]
    """False positive rate, true positive rate."""
    pr: list[tuple[float, float]]
    """Recall, precision."""
    gain: list[tuple[float, float]]
    """Share of visitors' rows by falling score, share of the orders among them."""
    calibration: list[tuple[float, float, float]]
    """Mean score, share that ordered, share of the rows; of bins of about equal weight."""
    histogram: list[tuple[float, float, float]]
    """Lowest score, highest score, share of the rows; of bins of equal width."""


class Result(msgspec.Struct, frozen=True):
    """One rival's row."""

    name: str
    title: str
    why_not: str = ""
    """Why it couldn't be fitted; then the rest is empty."""
    note: str = ""
    seconds: float = 0.0
    threshold: float = float("nan")
    figures: dict[str, Figure] = {}
    versus_boosted: dict[str, Figure] = {}
    """COMPARED figures less those of the boosted trees."""
    by_clicks: list[OfClicks] = []
    curves: Curves | None = None


class Table(msgspec.Struct, frozen=True):
    """All rivals on one set of features."""

    is_masked: bool
    results: list[Result]
    demographics_gap: Figure | None
    """ROC-AUC of ``judged_by`` less that of demographics, paired; None if one of both is missing."""
    judged_by: str
    """The rival that stands for what clicks tell: boosted trees, or the best by validation log-loss without them."""

    def result(self, name: str) -> Result | None:
        """A rival's row if it could be fitted."""
        return next((result for result in self.results if result.name == name and not result.why_not), None)


class Side(msgspec.Struct, frozen=True):
    """What lies on one side of the split."""

    n_rows: int
    n_sessions: int
    n_visitors: int
    n_positive_sessions: int
    start_ms: int
    end_ms: int


class Evaluation(msgspec.Struct, frozen=True):
    """The whole comparison."""

    target: str
    seed: int
    made: str
    """ISO time."""
    sides: dict[str, Side]
    """``train``, ``valid`` and ``test``."""
    is_cut: bool
    """Whether rows of some visitors were left out, because there were more than TRAIN_MOST or JUDGE_MOST."""
    base_rate: float
    """Weighted share of positive test rows."""
    n_resamples: int
    tables: list[Table]
    """With all features, then without cart events if those rows were made."""
    verdict: list[str]
    """Clicks against demographics in words, a sentence for each table."""
    seconds: float


class Options(msgspec.Struct, frozen=True):
    """How to evaluate."""

    target: str = "session"
    seed: int = 0
    n_threads: int = 2
    n_trials: int = 10
    budget_s: float = 900.0
    """Fitting stops at the first rival after this; rows left out say so."""
    n_resamples: int = N_RESAMPLES


Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps are done, of how many."""


def evaluate(rows: Rows, options: Options, on_progress: Progress | None = None) -> Evaluation:
    """Fit and judge all rivals. Raises BadInput if the rows can't tell one model from another: say too few orders."""
    start_s = time.monotonic()
    target = TARGETS.index(options.target)
    split = split_by_time(rows, target)
    _refuse_too_few(rows, split, target)
    cut = cut_to_size(rows, split, options.seed)
    masks = [False, True] if len(rows.masked) == len(rows) else [False]
    n_steps = 2 * len(masks) * len(TITLES)
    done = 0

    def step(what: str) -> None:
        nonlocal done
        if on_progress is not None:
            on_progress(what, done, n_steps)
        done += 1

    def remaining_s() -> float:
        return options.budget_s - (time.monotonic() - start_s)

    tables = []
    for is_masked in masks:
        question = Question(
            rows, cut, target, is_masked, options.seed, options.n_threads, options.n_trials, remaining_s
        )
        tables.append(_table(question, options, step))
    if on_progress is not None:
        on_progress("done", n_steps, n_steps)
    test = cut.test
    return Evaluation(
        target=options.target,
        seed=options.seed,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        sides={name: _side(rows, idx, target) for name, idx in cut._asdict().items()},
        is_cut=any(len(a) < len(b) for a, b in zip(cut, split, strict=True)),
        base_rate=float(np.average(rows.labels[test, target], weights=rows.weights[test])),
        n_resamples=options.n_resamples,
        tables=tables,
        verdict=verdict(tables),
        seconds=round(time.monotonic() - start_s, 1),
    )


def cut_to_size(rows: Rows, split: Split, seed: int) -> Split:
    """The split with at most TRAIN_MOST and JUDGE_MOST rows a side, cut by whole visitors."""
    return Split(
        *(
            whole_visitors(rows.visitors, idx, most, seed)
            for idx, most in zip(split, (TRAIN_MOST, JUDGE_MOST, JUDGE_MOST), strict=True)
        )
    )


def _refuse_too_few(rows: Rows, split: Split, target: int) -> None:
    what = "an order later in the session" if TARGETS[target] == "session" else "an order within seven days"
    for name, idx in split._asdict().items():
        labels, sessions = rows.labels[idx, target], rows.sessions[idx]
        n_all, n_with = len(np.unique(sessions)), len(np.unique(sessions[labels == 1]))
        n_without = len(np.unique(sessions[labels == 0]))
        if min(n_with, n_without) < LEAST_SESSIONS:
            part = {"train": "oldest 70 %", "valid": "next 15 %", "test": "latest 15 %"}[name]
            raise BadInput(
                f"Of the {n_all:,} sessions that are the {part}, {n_with:,} have {what} and {n_without:,} have "
                f"moments without: at least {LEAST_SESSIONS} of each are needed to judge anything. Import or "
                "collect more history; `footfall import` says how many events became orders.",
                code="few_orders",
            )


def _side(rows: Rows, idx: np.ndarray, target: int) -> Side:
    sessions = rows.sessions[idx]
    return Side(
        n_rows=len(idx),
        n_sessions=len(np.unique(sessions)),
        n_visitors=len(np.unique(rows.visitors[idx])),
        n_positive_sessions=len(np.unique(sessions[rows.labels[idx, target] == 1])),
        start_ms=int(rows.times[idx].min()),
        end_ms=int(rows.times[idx].max()),
    )


def _table(question: Question, options: Options, step: Callable[[str], None]) -> Table:
    answers: dict[str, Answer] = {}
    results: dict[str, Result] = {}
    fits: dict[str, Callable[[], Answer]] = {rival.name: partial(rival.fit, question) for rival in RIVALS}
    fits[BLEND] = lambda: blend(question, answers, BLENDED)
    judge = _Judge(question, options)
    suffix = ", without cart events" if question.is_masked else ""
    for name, fit in fits.items():
        step(f"{TITLES[name]}{suffix}")
        start_s = time.monotonic()
        try:
            if question.remaining_s() <= 0:
                raise BadInput(f"The {options.budget_s:.0f} s were spent before its turn: give more with --budget-s.")
            answer = _calibrated(question, fit())
        except (FootfallError, ValueError, ArithmeticError, np.linalg.LinAlgError, MemoryError) as error:
            results[name] = Result(name, TITLES[name], why_not=str(error) or type(error).__name__)
            continue
        answers[name] = answer
        seconds = round(time.monotonic() - start_s, 2)
        step(f"Intervals of {TITLES[name].lower()}{suffix}")
        results[name] = judge.result(name, answer, seconds)
    if "boosted" in answers:
        for name, answer in answers.items():
            if name != "boosted":
                versus = {figure: judge.difference(figure, answer, answers["boosted"]) for figure in COMPARED}
                results[name] = msgspec.structs.replace(results[name], versus_boosted=versus)
    judged_by = _standing_for_clicks(question, answers)
    gap = None
    if judged_by and "demographics" in answers:
        gap = judge.difference("roc_auc", answers[judged_by], answers["demographics"])
    return Table(question.is_masked, list(results.values()), gap, judged_by)


def _calibrated(question: Question, answer: Answer) -> Answer:
    """Both sides' probabilities after beta calibration by the validation rows: it changes what probabilities are
    worth and not who is before whom. A rival whose order was worse than chance there becomes a constant."""
    for scores in (answer.valid, answer.test):
        if not np.isfinite(scores).all():
            raise BadInput("Its scores aren't all finite.", code="not_finite")
    idx = question.split.valid
    margins = log_odds(answer.valid)
    calibration = beta(margins, question.labels(idx).astype(np.float64), question.rows.weights[idx].astype(np.float64))
    return answer._replace(valid=calibration.apply(margins), test=calibration.apply(log_odds(answer.test)))


def _standing_for_clicks(question: Question, answers: dict[str, Answer]) -> str:
    if "boosted" in answers:
        return "boosted"
    idx = question.split.valid
    labels, weights = question.labels(idx), question.weights(idx)
    losses = {
        name: metrics.log_loss(labels, answer.valid, weights)
        for name, answer in answers.items()
        if name not in ("base_rate", "demographics", BLEND)
    }
    return min(losses, key=lambda name: losses[name]) if losses else ""


class _Judge:
    """Figures of scores on the test rows of one question."""

    def __init__(self, question: Question, options: Options) -> None:
        rows, self._idx = question.rows, question.split.test
        self._question, self._options = question, options
        self._labels, self._weights = question.labels(self._idx), question.weights(self._idx)
        self._visitors = rows.visitors[self._idx]
        self._bucket = np.searchsorted(CLICKS, rows.n_seen[self._idx], side="right") - 1
        key = rows.sessions[self._idx] * len(CLICKS) + self._bucket
        _, which, n_rows = np.unique(key, return_inverse=True, return_counts=True)
        self._bucket_weights = 1.0 / n_rows[which]

    def result(self, name: str, answer: Answer, seconds: float) -> Result:
        """A rival's row of the table."""
        valid = self._question.split.valid
        threshold = metrics.best_threshold(self._question.labels(valid), answer.valid, self._question.weights(valid))
        figures = {figure: self._figure(metric, answer.test) for figure, metric in metrics.METRICS.items()}
        figures["precision"] = self._figure(partial(_precision, threshold), answer.test)
        figures["recall"] = self._figure(partial(_recall, threshold), answer.test)
        return Result(
            name,
            TITLES[name],
            note=answer.note,
            seconds=seconds,
            threshold=threshold,
            figures=figures,
            by_clicks=self._by_clicks(answer.test),
            curves=curves(self._labels, answer.test, self._weights),
        )

    def difference(self, name: str, one: Answer, other: Answer) -> Figure:
        """A figure of one less that of the other, paired."""
        found = metrics.bootstrap_difference(
            metrics.METRICS[name], self._labels, one.test, other.test, self._weights, self._visitors,
            n=self._options.n_resamples, seed=self._options.seed,
        )  # fmt: skip
        return Figure(*found)

    def _figure(self, metric: metrics.Metric, scores: np.ndarray) -> Figure:
        found = metrics.bootstrap_interval(
            metric, self._labels, scores, self._weights, self._visitors,
            n=self._options.n_resamples, seed=self._options.seed,
        )  # fmt: skip
        return Figure(*found)

    def _by_clicks(self, scores: np.ndarray) -> list[OfClicks]:
        out = []
        for bucket, n_seen in enumerate(CLICKS):
            at = np.flatnonzero(self._bucket == bucket)
            found = metrics.bootstrap_interval(
                metrics.roc_auc, self._labels[at], scores[at], self._bucket_weights[at], self._visitors[at],
                n=self._options.n_resamples, seed=self._options.seed,
            )  # fmt: skip
            out.append(OfClicks(n_seen, len(at), int(self._labels[at].sum()), Figure(*found)))
        return out


def _precision(threshold: float, labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None) -> float:
    return metrics.precision_recall_at(labels, scores, weights, threshold).precision


def _recall(threshold: float, labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None) -> float:
    return metrics.precision_recall_at(labels, scores, weights, threshold).recall


def curves(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> Curves:
    """ROC, precision-recall, gain and calibration of scores; equal scores are one step."""
    order = np.argsort(-scores, kind="stable")
    y, w, p = labels[order].astype(np.float64), weights[order], scores[order]
    last = np.flatnonzero(np.append(p[1:] != p[:-1], True))
    hits, all_over = np.cumsum(w * y)[last], np.cumsum(w)[last]
    n_positive, n_all = max(float(hits[-1]), 1e-12), float(all_over[-1])
    recall, precision = hits / n_positive, hits / all_over
    false = (all_over - hits) / max(n_all - n_positive, 1e-12)
    reached = all_over / n_all
    n, said, happened = metrics.calibration_bins(labels, scores, weights, _CURVE_BINS)
    edges = np.linspace(0.0, max(float(scores.max()), 1e-6), 2 * _CURVE_BINS + 1)
    spread = np.histogram(scores, edges, weights=weights)[0] / weights.sum()
    return Curves(
        roc=[(0.0, 0.0), *_thinned(false, recall)],
        pr=_thinned(recall, precision),
        gain=[(0.0, 0.0), *_thinned(reached, recall)],
        calibration=_triples(said, happened, n / max(float(n.sum()), 1e-12)),
        histogram=_triples(edges[:-1], edges[1:], spread),
    )


def _thinned(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    """At most _CURVE_POINTS of the points, even along x + y, the last among them."""
    way = np.abs(np.diff(x, prepend=x[0])) + np.abs(np.diff(y, prepend=y[0]))
    so_far = np.cumsum(way)
    wanted = np.linspace(0.0, so_far[-1], _CURVE_POINTS)
    at = np.unique(np.append(np.searchsorted(so_far, wanted, side="left").clip(0, len(x) - 1), len(x) - 1))
    return [(round(float(x[i]), 5), round(float(y[i]), 5)) for i in at]


def _triples(*columns: np.ndarray) -> list[tuple[float, float, float]]:
    return [(round(float(a), 6), round(float(b), 6), round(float(c), 6)) for a, b, c in zip(*columns, strict=True)]


def verdict(tables: list[Table]) -> list[str]:
    """Clicks against demographics, a sentence for each table, with the numbers as they are."""
    return [_verdict(table) for table in tables]


def _verdict(table: Table) -> str:
    where = "Without cart events" if table.is_masked else "With everything seen"
    clicks, demographic = table.result(table.judged_by), table.result("demographics")
    if clicks is None:
        return f"{where}, no rival could be fitted to the clicks."
    of_clicks = f"the clicks ({clicks.title.lower()}) reach a ROC-AUC of {_ranged(clicks.figures['roc_auc'])}"
    if demographic is None or table.demographics_gap is None:
        return f"{where}, {of_clicks}; nothing demographic could be fitted to compare with."
    of_both = f"{of_clicks}, country, device and channel alone {_ranged(demographic.figures['roc_auc'])}"
    gap = table.demographics_gap
    if gap.low > 0:
        return f"{where}, {of_both}: clicks tell more, by {_ranged(gap)}."
    if gap.high < 0:
        return (
            f"{where}, {of_both}: here demographics tell more, by {_ranged(Figure(-gap.value, -gap.high, -gap.low))}."
        )
    return f"{where}, {of_both}: these rows don't show that either tells more (difference {_ranged(gap)})."


def _ranged(figure: Figure) -> str:
    if not np.isfinite(figure.low):
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
