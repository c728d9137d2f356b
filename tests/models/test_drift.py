"""Whether live traffic still looks like training, and whether what was foretold comes."""

import numpy as np
import pytest

from footfall.models.drift import bins_of, calibration, duel, psi, psi_of, shares

RNG = np.random.default_rng(1)


def test_the_same_distribution_has_an_index_near_nought() -> None:
    bins = bins_of(RNG.gamma(2, 3, 20_000))
    assert psi_of(bins, RNG.gamma(2, 3, 20_000)) < 0.01


def test_a_shift_by_one_deviation_is_far_over_the_usual_alarm() -> None:
    bins = bins_of(RNG.normal(0, 1, 20_000))
    assert psi_of(bins, RNG.normal(1, 1, 20_000)) > 0.5


def test_the_index_is_that_of_the_formula() -> None:
    # (0.4 - 0.5) ln(0.4 / 0.5) + (0.6 - 0.5) ln(0.6 / 0.5)
    assert psi(np.array([0.5, 0.5]), np.array([0.4, 0.6])) == pytest.approx(0.0405465, abs=1e-6)


def test_values_that_begin_to_be_missing_are_noticed() -> None:
    bins = bins_of(RNG.normal(0, 1, 10_000))
    live = RNG.normal(0, 1, 10_000)
    live[:5_000] = np.nan
    assert psi_of(bins, live) > 0.25


def test_a_column_with_two_values_has_their_shares() -> None:
    bins = bins_of(np.array([0.0] * 90 + [1.0] * 10))
    assert shares(bins.edges, np.array([0.0, 1.0, 1.0, np.nan])).sum() == pytest.approx(1)
    assert psi_of(bins, np.array([0.0] * 90 + [1.0] * 10)) == pytest.approx(0)
    assert psi_of(bins, np.array([1.0] * 100)) > 1


@pytest.mark.parametrize("column", [np.full(100, 7.0), np.full(100, np.nan), np.zeros(0)])
def test_columns_that_say_nothing_have_no_drift_against_themselves(column: np.ndarray) -> None:
    bins = bins_of(column)
    assert psi_of(bins, column) == pytest.approx(0)


def test_a_constant_that_changes_drifts() -> None:
    assert psi_of(bins_of(np.full(100, 7.0)), np.full(100, 8.0)) > 1


def test_infinite_values_find_a_bin() -> None:
    bins = bins_of(np.array([1.0, 2.0, np.inf, -np.inf] * 50))
    assert psi_of(bins, np.array([np.inf, -np.inf])) < 10


def test_weights_count_like_repetitions() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    once, many = bins_of(values, np.array([1, 2, 3, 4.0])), bins_of(np.repeat(values, [1, 2, 3, 4]))
    assert once.edges.tolist() == many.edges.tolist()
    assert once.shares == pytest.approx(many.shares)


def outcomes(n: int, is_true: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scores = RNG.beta(1, 20, n)
    return (RNG.random(n) < (scores if is_true else scores * 2)).astype(np.int8), scores, np.arange(n)


def test_true_probabilities_are_not_off() -> None:
    found = calibration(*outcomes(20_000, True), 0.25)
    assert not found.is_off
    assert found.n == 20_000
    assert found.predicted == pytest.approx(found.observed, rel=0.1)


def test_twice_as_many_orders_as_foretold_are_off() -> None:
    assert calibration(*outcomes(20_000, False), 0.25).is_off


def test_a_few_orders_too_many_may_be_chance() -> None:
    assert not calibration(np.array([1, 1, 0, 0]), np.array([0.1, 0.1, 0.1, 0.1]), np.arange(4), 0.25).is_off


def test_a_thousand_decisions_about_one_visitor_prove_nothing() -> None:
    found = calibration(np.ones(1000, np.int8), np.full(1000, 0.1), np.zeros(1000, np.int64), 0.25)
    assert not found.is_off


def test_nothing_known_yet_is_not_off() -> None:
    found = calibration(np.zeros(0, np.int8), np.zeros(0), np.zeros(0, np.int64), 0.25)
    assert (found.n, found.is_off) == (0, False)


def test_the_better_of_two_wins_when_it_is_clear() -> None:
    labels, scores, groups = outcomes(20_000, True)
    worse = np.full(len(scores), scores.mean())
    assert duel(labels, worse, scores, groups).better == "challenger"
    assert duel(labels, scores, worse, groups).better == "champion"
    assert duel(labels, scores, scores, groups).better == "undecided"


def test_a_handful_of_orders_decides_nothing() -> None:
    labels, scores, groups = outcomes(200, True)
    assert duel(labels, np.full(200, 0.5), scores, groups).better == "undecided"
