"""How well do neighbours foretell orders on data that everybody can look at? UCI's Online Shoppers, fold by fold.

12,330 sessions of one shop, 15.5 % with an order (Sakar et al. 2019, Neural Computing and Applications 31; UCI dataset
468). Three stratified folds, dealt twice. Each time everything is learned and chosen on two folds alone: the space, its
pull and number of neighbours (:func:`footfall.models.similarity.learn`), the raw neighbours' number. Nothing is
oversampled: that before a split gives false figures.
"""

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from footfall.base.errors import BadInput, Missing
from footfall.hosts.benches.measuring import at_least, machine, told
from footfall.models.boosted import Params
from footfall.models.metrics import roc_auc
from footfall.models.similarity import SpaceOptions, learn, propensity_by_neighbours

_NUMBERS = (
    "Administrative", "Administrative_Duration", "Informational", "Informational_Duration", "ProductRelated",
    "ProductRelated_Duration", "BounceRates", "ExitRates", "PageValues", "SpecialDay",
)  # fmt: skip
_CODES = ("Month", "OperatingSystems", "Browser", "Region", "TrafficType", "VisitorType", "Weekend")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "June", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PARAMS = Params(
    max_depth=10, learning_rate=0.1, min_child_weight=3.0, reg_lambda=2.0, reg_alpha=0.0, subsample=0.6,
    colsample_bytree=1.0, max_bin=256,
)  # fmt: skip
FORESTS: dict[str, float] = {"num_parallel_tree": 6, "colsample_bynode": 0.25}
"""Each step of boosting is a small random forest. What is served takes fewer and flatter trees."""
_N_TREES = 40
_NEIGHBOURS = (10, 25, 50, 100, 200)
TARGET = 0.935


class Fold(NamedTuple):
    """ROC-AUC on sessions that nothing was learned from."""

    boosted: float
    forest: float
    raw: float
    learned: float
    served: float
    """Of neighbours in a space as a shop's training makes it."""
    n_neighbours: int
    pull: float
    explained_frac: float


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features float32[n, c] (numbers, codes one by one, ratios of pages and time) and orders int8[n].

    Raises Missing if there is no such file, BadInput if it is another one.
    """
    if not path.is_file():
        raise Missing(f"There is no file {path}: give the path of UCI's online_shoppers_intention.csv.")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {*_NUMBERS, *_CODES, "Revenue"} <= rows[0].keys():
        raise BadInput(f"{path} isn't UCI's online_shoppers_intention.csv: columns are missing.")
    numbers = np.array([[float(row[name]) for name in _NUMBERS] for row in rows])
    columns = [numbers, np.array([[_MONTHS.index(row["Month"])] for row in rows], float)]
    for name in _CODES:
        values = sorted({row[name] for row in rows})
        for value in values if len(values) > 2 else values[:1]:
            columns.append(np.array([[row[name] == value] for row in rows], float))
    pages, seconds = numbers[:, 0:6:2], numbers[:, 1:6:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.column_stack(
            [seconds / pages, pages.sum(1), seconds.sum(1), pages[:, 2] / pages.sum(1), numbers[:, 8] * numbers[:, 7],
             numbers[:, 8] * numbers[:, 4], numbers[:, 7] - numbers[:, 6]]
        )  # fmt: skip
    ratios[~np.isfinite(ratios)] = np.nan
    labels = np.array([row["Revenue"] == "TRUE" for row in rows], np.int8)
    return np.concatenate([*columns, ratios], axis=1).astype(np.float32), labels


def folds(labels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices to learn from and to judge by, six times."""
    from sklearn.model_selection import StratifiedKFold

    for repeat in range(2):
        yield from StratifiedKFold(3, shuffle=True, random_state=repeat).split(labels[:, None], labels)


def measure(
    features: np.ndarray, labels: np.ndarray, learn_by: np.ndarray, judge_by: np.ndarray, n_threads: int
) -> Fold:
    """One fold."""
    from sklearn.ensemble import RandomForestClassifier

    known, told_ = features[learn_by], labels[learn_by]
    asked, truth = features[judge_by], labels[judge_by]
    boosted, learned, space = _neighbours(known, told_, asked, truth, options(n_threads))
    _, served, _ = _neighbours(known, told_, asked, truth, SpaceOptions(most_asked=20_000, n_threads=n_threads))
    forest = RandomForestClassifier(400, min_samples_leaf=2, n_jobs=n_threads, random_state=0)
    forest.fit(np.nan_to_num(known, nan=-1.0), told_)
    by_forest = forest.predict_proba(np.nan_to_num(asked, nan=-1.0))[:, 1]
    raw = _raw(known, told_, asked, truth)
    return Fold(
        boosted, roc_auc(truth, by_forest), raw, learned, served, space.n_neighbours, space.pull, space.explained_frac
    )


def options(n_threads: int) -> SpaceOptions:
    """How the space is learned here."""
    return SpaceOptions(
        n_trees=_N_TREES, n_repeats=3, most_asked=20_000, params=PARAMS, more=FORESTS, n_threads=n_threads
    )


def _neighbours(
    known: np.ndarray, labels: np.ndarray, asked: np.ndarray, truth: np.ndarray, given: SpaceOptions
) -> tuple[float, float, Any]:
    """ROC-AUC of the boosters' mean margin and of neighbours in their space, and the space."""
    ones, numbers = np.ones(len(labels), np.float32), np.arange(len(labels))
    space = learn(known, labels, ones, numbers, given)
    parts = space.contributions(asked)
    shares = propensity_by_neighbours(
        space.places(parts), space.embed(known, numbers), labels, ones, space.n_neighbours
    )
    return roc_auc(truth, parts.sum(axis=1)), roc_auc(truth, shares), space


def _raw(known: np.ndarray, labels: np.ndarray, asked: np.ndarray, truth: np.ndarray) -> float:
    """ROC-AUC of neighbours by the standardised logarithms of the ten numbers (codes and ratios do neighbours harm);
    their number by the sessions learned from."""
    known, asked = (np.log1p(part[:, : len(_NUMBERS)]) for part in (known, asked))
    middle, spread = known.mean(axis=0), known.std(axis=0)
    past, now = ((part - middle) / spread for part in (known, asked))
    ones, numbers = np.ones(len(labels)), np.arange(len(labels))
    of_known = [
        roc_auc(labels, propensity_by_neighbours(past, past, labels, ones, k, visitors=numbers, past_visitors=numbers))
        for k in _NEIGHBOURS
    ]
    return roc_auc(truth, propensity_by_neighbours(now, past, labels, ones, _NEIGHBOURS[int(np.argmax(of_known))]))


def run(path: Path, *, as_json: bool, n_threads: int) -> int:
    """Measure all folds and print them; 0 if that could be done."""
    features, labels = read(path)
    found: list[Fold] = []
    start_s = time.perf_counter()
    for learn_by, judge_by in folds(labels):
        found.append(measure(features, labels, learn_by, judge_by, n_threads))
    means = Fold(*(float(np.mean(values)) for values in zip(*found, strict=True)))  # type: ignore[arg-type]
    least_ahead = min(fold.learned - fold.forest for fold in found)
    budgets = [
        at_least("ROC-AUC of boosted trees, mean", round(means.boosted, 4), TARGET),
        at_least("ROC-AUC of neighbours in the learned space, mean", round(means.learned, 4), TARGET),
        at_least("neighbours less random forest, worst fold", round(least_ahead, 4), 0.0),
    ]
    result: dict[str, Any] = {
        "bench": "similar", "data": "uci_online_shoppers", "at": int(time.time()), "machine": machine(),
        "seconds": round(time.perf_counter() - start_s), "folds": [fold._asdict() for fold in found],
        "means": means._asdict(), "budgets": budgets,
    }  # fmt: skip
    table = Table(
        "fold", "boosted", "forest", "raw kNN", "learned kNN", "as served", "k", "pull", "kept", box=None,
        header_style="dim",
    )  # fmt: skip
    for name, fold in [*((f"{k // 3 + 1}.{k % 3 + 1}", fold) for k, fold in enumerate(found)), ("mean", means)]:
        scores = (f"{value:.4f}" for value in fold[:5])
        table.add_row(name, *scores, f"{fold.n_neighbours:.0f}", f"{fold.pull:.1f}", f"{fold.explained_frac:.2%}")
    told("ROC-AUC on UCI Online Shoppers, 3 folds twice", result, [table], budgets, as_json)
    return 0
