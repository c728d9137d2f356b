"""Scores are judged as scikit-learn judges them, with weights, and without complaint where a figure means nothing."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from footfall.models.metrics import (
    METRICS,
    best_threshold,
    bootstrap_difference,
    bootstrap_interval,
    brier,
    calibration_bins,
    ece,
    log_loss,
    pr_auc,
    precision_recall_at,
    roc_auc,
)


def _made_up(seed: int, n: int = 3_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.beta(1, 6, n), 2)  # rounded: many ties
    return (rng.random(n) < scores).astype(np.int8), scores, rng.random(n).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_figures_equal_those_of_scikit_learn(seed: int) -> None:
    labels, scores, weights = _made_up(seed)
    assert roc_auc(labels, scores, weights) == pytest.approx(sk.roc_auc_score(labels, scores, sample_weight=weights))
    assert pr_auc(labels, scores, weights) == pytest.approx(
        sk.average_precision_score(labels, scores, sample_weight=weights)
    )
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    assert log_loss(labels, scores, weights) == pytest.approx(sk.log_loss(labels, clipped, sample_weight=weights))
    assert brier(labels, scores, weights) == pytest.approx(sk.brier_score_loss(labels, scores, sample_weight=weights))
    at = 0.3
    precision, recall = precision_recall_at(labels, scores, weights, at)
    assert precision == pytest.approx(sk.precision_score(labels, scores >= at, sample_weight=weights))
    assert recall == pytest.approx(sk.recall_score(labels, scores >= at, sample_weight=weights))


def test_the_best_threshold_has_the_highest_f1_of_all() -> None:
    labels, scores, weights = _made_up(9, 400)
    best = best_threshold(labels, scores, weights)
    f1 = {at: sk.f1_score(labels, scores >= at, sample_weight=weights) for at in np.unique(scores)}
    assert f1[best] == pytest.approx(max(f1.values()))


def test_calibration_error_is_the_mean_distance_of_said_and_happened() -> None:
    # 10 rows said 0.2 of which 3 happened, 10 rows said 0.8 of which 8 happened: (0.1 + 0.0) / 2
    scores = np.repeat([0.2, 0.8], 10)
    labels = np.array([1, 1, 1] + [0] * 7 + [1] * 8 + [0] * 2)
    assert ece(labels, scores) == pytest.approx(0.05)
    weight, said, happened = calibration_bins(labels, scores)
    assert weight.tolist() == [10, 10]
    assert said == pytest.approx([0.2, 0.8])
    assert happened == pytest.approx([0.3, 0.8])


def test_the_order_of_rows_does_not_matter() -> None:
    labels, scores, weights = _made_up(3)
    other = np.random.default_rng(1).permutation(len(labels))
    for name, metric in METRICS.items():
        assert metric(labels[other], scores[other], weights[other]) == pytest.approx(
            metric(labels, scores, weights), rel=1e-9
        ), name


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], []])
def test_one_class_gives_no_figure(name: str, labels: list[int]) -> None:
    scores = [0.1, 0.2, 0.3][: len(labels)]
    assert math.isnan(METRICS[name](labels, scores, None))
    assert math.isnan(best_threshold(labels, scores))
    assert math.isnan(bootstrap_interval(METRICS[name], labels, scores, None, labels).low)


@pytest.mark.parametrize("name", METRICS)
def test_a_score_that_is_no_number_gives_no_figure(name: str) -> None:
    assert math.isnan(METRICS[name]([0, 1, 1], [0.1, float("nan"), 0.3], None))


def test_nothing_over_the_threshold_has_no_precision() -> None:
    precision, recall = precision_recall_at([0, 1], [0.1, 0.2], None, 0.9)
    assert math.isnan(precision)
    assert recall == 0.0


def test_a_sure_mistake_costs_much_but_not_everything() -> None:
    assert log_loss([0, 1], [0.5, 0.0]) == pytest.approx((-math.log(0.5) - math.log(1e-7)) / 2)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="as many of each"):
        roc_auc([0, 1], [0.5])


def test_intervals_resample_whole_visitors() -> None:
    # every visitor's rows are the same 20 times over: as witnesses they are 100, not 2,000
    labels, scores, _ = _made_up(4, 100)
    visitors = np.arange(100)
    alone = bootstrap_interval(roc_auc, labels, scores, None, visitors, seed=1)
    repeated = bootstrap_interval(
        roc_auc, np.repeat(labels, 20), np.repeat(scores, 20), None, np.repeat(visitors, 20), seed=1
    )
    assert repeated == pytest.approx(alone)
    as_if_independent = bootstrap_interval(
        roc_auc, np.repeat(labels, 20), np.repeat(scores, 20), None, np.arange(2_000), seed=1
    )
    assert alone.low < alone.value < alone.high
    assert as_if_independent.high - as_if_independent.low < (alone.high - alone.low) / 2


def test_the_same_seed_gives_the_same_interval() -> None:
    labels, scores, weights = _made_up(5, 300)
    visitors = np.arange(300) // 3
    one, again, other = (bootstrap_interval(brier, labels, scores, weights, visitors, seed=s) for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_a_paired_difference_is_surer_than_two_intervals() -> None:
    labels, scores, weights = _made_up(6, 2_000)
    worse = scores + np.random.default_rng(0).normal(0, 0.05, len(scores))
    visitors = np.arange(2_000)
    a = bootstrap_interval(roc_auc, labels, scores, weights, visitors)
    b = bootstrap_interval(roc_auc, labels, worse, weights, visitors)
    difference = bootstrap_difference(roc_auc, labels, scores, worse, weights, visitors)
    assert difference.value == pytest.approx(a.value - b.value)
    assert 0 < difference.low < difference.value < difference.high
    assert difference.high - difference.low < (a.high - a.low) + (b.high - b.low)
    assert bootstrap_difference(roc_auc, labels, scores, scores, weights, visitors) == (0.0, 0.0, 0.0)
