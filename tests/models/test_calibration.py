"""Margins become probabilities that hold, whatever kind of map is best, and every map is one table."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from footfall.models.calibration import (
    KINDS,
    LEAST,
    Calibration,
    choose,
    fit,
)
from footfall.models.metrics import ece, roc_auc


def _sigmoid(m: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-m)))


def _made_up(n: int, seed: int = 0, *, slope: float = 1.0, constant: float = 0.0) -> tuple[np.ndarray, ...]:
    """Margins whose true log-odds are ``slope * margin + constant``; labels, weights and visitors (two rows each)."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(-2, 2, n)
    labels = (rng.random(n) < _sigmoid(slope * margins + constant)).astype(np.int8)
    return margins, labels, rng.uniform(0.2, 1.0, n).astype(np.float32), np.arange(n) // 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_calibration_is_a_rising_table_of_probabilities(kind: str) -> None:
    margins, labels, weights, _ = _made_up(2_000)
    calibration = fit(kind, margins, labels, weights)
    xs, ys = calibration.table()
    assert (np.diff(xs) > 0).all()
    assert (np.diff(ys) >= 0).all()
    assert ys[0] >= LEAST and ys[-1] <= 1 - LEAST
    every = np.concatenate([margins, [-1e9, 1e9]])
    assert np.array_equal(calibration.apply(every), np.interp(every, xs, ys))
    assert np.float32(calibration.apply(np.array([1e9]))[0]) < 1
    assert np.float32(calibration.apply(np.array([-1e9]))[0]) > 0


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic", "venn_abers"])
def test_margins_that_are_too_sure_are_mended(kind: str) -> None:
    margins, labels, weights, _ = _made_up(20_000, slope=0.5, constant=-0.5)
    later, happened, others, _ = _made_up(20_000, 1, slope=0.5, constant=-0.5)
    said = fit(kind, margins, labels, weights).apply(later)
    assert ece(happened, said, others) < 0.015
    assert ece(happened, _sigmoid(later), others) > 0.05
    assert roc_auc(happened, said, others) == pytest.approx(roc_auc(happened, later, others), abs=0.002)


def test_identity_is_the_sigmoid() -> None:
    margins = np.linspace(-9, 5, 1_001)
    p = fit("identity", margins, margins > 0, np.ones(1_001)).apply(margins)
    assert p == pytest.approx(_sigmoid(margins), rel=1e-3)


def test_platt_is_logistic_regression_on_the_margin() -> None:
    margins, labels, weights, _ = _made_up(5_000, slope=0.7, constant=0.4)
    peer = LogisticRegression(C=1e9).fit(margins[:, None], labels, sample_weight=weights)
    calibration = fit("platt", margins, labels, weights)
    assert calibration.parameters == pytest.approx((peer.coef_[0, 0], peer.intercept_[0]), abs=0.01)
    assert calibration.apply(margins) == pytest.approx(peer.predict_proba(margins[:, None])[:, 1], abs=0.002)


def test_beta_bends_each_side_by_itself() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(0, 3, 40_000)
    true = _sigmoid(1.5 * np.log(_sigmoid(margins)) - 0.3 * np.log(_sigmoid(-margins)))
    labels, weights = rng.random(40_000) < true, np.ones(40_000)
    beta, platt = (fit(kind, margins, labels, weights).apply(margins) for kind in ("beta", "platt"))
    assert np.abs(beta - true).mean() < 0.5 * np.abs(platt - true).mean()
    assert fit("beta", margins, labels, weights).parameters == pytest.approx((1.5, 0.3, 0.0), abs=0.1)


def test_isotonic_hits_scikit_learns_steps_in_their_middles() -> None:
    margins, labels, weights, _ = _made_up(500)
    steps = IsotonicRegression().fit_transform(margins, labels, sample_weight=weights)
    xs, ys = fit("isotonic", margins, labels, weights).table()
    inner = (ys > ys[0]) & (ys < ys[-1])
    assert ys[inner] == pytest.approx(np.unique(np.round(steps, 12))[1:-1])
    for x, y in zip(xs[inner], ys[inner], strict=True):
        block = np.isclose(steps, y)
        assert x == pytest.approx(np.average(margins[block], weights=weights[block]))


def test_venn_abers_equals_its_definition() -> None:
    # by definition: at each margin, add it once as 0 and once as 1, fit, read off, merge
    rng = np.random.default_rng(2)
    margins = np.round(rng.normal(0, 1.5, 120), 1)
    labels = (rng.random(120) < _sigmoid(margins)).astype(np.float64)
    merged = {}
    for x in np.unique(margins):
        p0, p1 = (
            IsotonicRegression().fit(np.append(margins, x), np.append(labels, label)).predict([x])[0]
            for label in (0.0, 1.0)
        )
        merged[x] = p1 / (1 - p0 + p1)
    xs, ys = fit("venn_abers", margins, labels, np.ones(120)).table()
    assert ys == pytest.approx(np.unique(np.array(list(merged.values()))), rel=1e-6)
    lone = [x for x in merged if np.isclose(list(merged.values()), merged[x]).sum() == 1]
    for x in lone:
        assert np.interp(x, xs, ys) == pytest.approx(merged[x])


@pytest.mark.parametrize("kind", ["platt", "beta"])
def test_slopes_never_fall(kind: str) -> None:
    margins, labels, weights, _ = _made_up(2_000, slope=-1.0)  # a model that has it the wrong way round
    calibration = fit(kind, margins, labels, weights)
    assert min(calibration.parameters[:-1]) >= 0
    base_rate = np.average(labels, weights=weights)
    assert calibration.apply(margins) == pytest.approx(base_rate, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_cleanly_parted_classes_and_equal_margins_are_no_trouble(kind: str) -> None:
    parted = np.concatenate([np.full(10, -3.0), np.full(10, 3.0)])
    labels, weights = np.repeat([0, 1], 10), np.ones(20)
    low, high = fit(kind, parted, labels, weights).apply(np.array([-3.0, 3.0]))
    assert 0 < low < 0.15 and 0.85 < high < 1
    equal = fit(kind, np.zeros(20), labels, weights)
    assert equal.apply(np.array([-1.0, 0.0, 1.0])) == pytest.approx([0.5] * 3, abs=0.3)
    none = fit(kind, parted, np.zeros(20), weights)
    assert (none.apply(parted) > 0).all()


def test_the_plainest_kind_that_is_not_clearly_worse_is_chosen() -> None:
    good = choose(*_made_up(8_000))
    assert good.calibration.kind == "identity"
    bent = choose(*_made_up(8_000, slope=0.4, constant=1.0))
    assert bent.calibration.kind == "platt"
    assert bent.log_losses["identity"] > bent.log_losses["platt"] + 0.02
    assert set(bent.eces) == set(KINDS)


def test_a_step_that_no_curve_follows_is_left_to_the_free_kinds() -> None:
    rng = np.random.default_rng(0)
    margins = rng.uniform(-4, 4, 8_000)
    labels = rng.random(8_000) < np.select([margins < -1, margins < 2], [0.02, 0.3], 0.35)
    chosen = choose(margins, labels, np.ones(8_000), np.arange(8_000))
    assert chosen.calibration.kind in {"isotonic", "venn_abers"}
    assert chosen.calibration.apply(np.array([-3.0, 0.0, 3.0])) == pytest.approx([0.02, 0.3, 0.35], abs=0.02)


def test_few_rows_do_not_get_a_map_that_learns_them_by_heart() -> None:
    # visitors are judged by maps learned from others: twins of a visitor's rows give nothing away
    margins, labels, weights, visitors = (np.repeat(a, 5) for a in _made_up(60))
    chosen = choose(margins, labels, weights, visitors)
    assert chosen.calibration.kind in {"identity", "platt", "beta"}
    assert chosen.log_losses["isotonic"] > chosen.log_losses["platt"]


@pytest.mark.parametrize("n", [0, 3])
def test_too_few_visitors_or_one_class_keep_the_trees_own(n: int) -> None:
    few = choose(np.zeros(n), np.arange(n) % 2, np.ones(n), np.arange(n))
    assert few.calibration.kind == "identity"
    assert all(np.isnan(value) for value in few.log_losses.values())
    one_class = choose(np.linspace(-1, 1, 50), np.zeros(50), np.ones(50), np.arange(50))
    assert one_class.calibration.kind == "identity"


def test_a_calibration_is_data() -> None:
    xs, ys = fit("platt", *_made_up(200)[:3]).table()
    again = Calibration("platt", xs.copy(), ys.copy())
    assert np.array_equal(again.apply(np.array([0.3])), np.interp([0.3], xs, ys))
