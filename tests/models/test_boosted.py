"""Boosted trees find what is known to be there, within bounds, and add up their reasons."""

import numpy as np
import pytest
import xgboost
from tests.models.made_up import made_up

from footfall.models.boosted import (
    MOST_COLUMNS,
    MOST_DEPTH,
    MOST_TREES,
    Boosted,
    Examples,
    Params,
    contributions,
    fit,
    out_of_fold,
    probability,
    raw_margin,
    telling_columns,
    tune,
    varying_columns,
)
from footfall.models.calibration import identity
from footfall.models.metrics import log_loss, roc_auc
from footfall.models.rows import SESSION, split_by_time
from footfall.record.features import FEATURE_IDX


def _examples(n_sessions: int, seed: int = 0) -> tuple[Examples, Examples, np.ndarray]:
    """The first 70 % of time to learn from, the last 15 % to judge by, and the latter's true probabilities."""
    rows, truth = made_up(n_sessions, seed=seed)
    split = split_by_time(rows, SESSION)
    every = Examples(
        rows.features, rows.labels[:, SESSION], rows.weights, rows.visitors, rows.session_starts, rows.times
    )
    return every.at(split.train), every.at(split.test), truth[split.test]


def _boosted(train: Examples, test: Examples, params: Params | None = None) -> Boosted:
    fitted = fit(train, test, varying_columns(train.features), params or Params())
    margins = np.array([-5.0, 5.0])
    return Boosted(fitted.booster, fitted.columns, identity(margins), 0.5, params or Params(), fitted.n_trees)


def test_trees_come_close_to_the_known_truth() -> None:
    train, test, truth = _examples(3_000)
    boosted = _boosted(train, test)
    said = probability(boosted, test.features)
    assert roc_auc(test.labels, said, test.weights) > roc_auc(test.labels, truth, test.weights) - 0.03
    assert log_loss(test.labels, said, test.weights) < log_loss(test.labels, truth, test.weights) + 0.05


def test_only_columns_that_differ_between_rows_are_used() -> None:
    features = np.array([[1, np.nan, 2, np.nan, 5], [1, np.nan, 3, 4, np.nan]], np.float32)
    assert varying_columns(features).tolist() == [2, 3, 4]
    train, test, _ = _examples(300)
    columns = varying_columns(train.features)
    assert FEATURE_IDX["session_dwell_s"] in columns
    assert FEATURE_IDX["is_bot"] not in columns
    assert _boosted(train, test).columns.dtype == np.int32


def test_kept_trees_end_where_the_loss_was_lowest() -> None:
    train, test, _ = _examples(800)
    boosted = _boosted(train, test, Params(learning_rate=0.3))
    assert 1 <= boosted.n_trees < MOST_TREES
    loaded = xgboost.Booster()
    loaded.load_model(bytearray(boosted.booster))
    assert loaded.num_boosted_rounds() == boosted.n_trees


@pytest.mark.parametrize("is_exact", [True, False])
def test_contributions_add_up_to_the_margin(is_exact: bool) -> None:
    train, test, _ = _examples(500)
    boosted = _boosted(train, test)
    parts = contributions(boosted, test.features, is_exact)
    assert parts.shape == (len(test.labels), len(boosted.columns) + 1)
    assert parts.sum(axis=1) == pytest.approx(raw_margin(boosted, test.features), abs=1e-4)
    column = boosted.columns.tolist().index(FEATURE_IDX["session_dwell_s"])
    mean = np.abs(parts[:, :-1]).mean(axis=0)
    assert mean[column] > np.median(mean) * 10


def test_infinite_and_unknown_values_are_taken() -> None:
    train, test, _ = _examples(300)
    train.features[::7, FEATURE_IDX["session_dwell_s"]] = np.inf
    train.features[1::7, FEATURE_IDX["session_dwell_s"]] = -np.inf
    boosted = _boosted(train, test)
    assert np.isfinite(raw_margin(boosted, np.full((2, train.features.shape[1]), np.nan, np.float32))).all()
    assert np.isinf(train.features).any()  # what was given is left as it was


def test_the_same_seed_gives_the_same_trees() -> None:
    train, test, _ = _examples(400)
    columns = varying_columns(train.features)
    one, again, other = (fit(train, test, columns, Params(), seed=s).booster for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_the_search_stays_within_bounds_and_reports_each_trial() -> None:
    train, _, _ = _examples(300)
    seen: list[tuple[int, int, float]] = []
    tuned = tune(train, n_trials=8, on_trial=lambda *trial: seen.append(trial))
    assert [done for done, _, _ in seen] == list(range(1, 9))
    assert [loss for _, _, loss in seen] == sorted((loss for _, _, loss in seen), reverse=True)
    assert tuned.log_loss == seen[-1][2]
    assert (tuned.n_trials, tuned.n_rows) == (8, len(train.labels))
    assert 1 <= tuned.params.max_depth <= MOST_DEPTH
    again = tune(train, n_trials=8)
    assert again == tuned


def test_the_defaults_are_tried_first() -> None:
    train, _, _ = _examples(300)
    assert tune(train, n_trials=1).params == Params()


def test_a_used_up_budget_ends_the_search() -> None:
    train, _, _ = _examples(300)
    tuned = tune(train, n_trials=10_000, budget_s=0.3)
    assert 1 <= tuned.n_trials < 10_000
    assert np.isfinite(tuned.log_loss)
    assert tune(train, n_trials=10, budget_s=0.0).params == Params()


def test_without_two_classes_in_time_the_defaults_are_the_answer() -> None:
    train, _, _ = _examples(300)
    tuned = tune(train._replace(labels=np.zeros_like(train.labels)), n_trials=5)
    assert tuned.params == Params()
    assert np.isnan(tuned.log_loss)


def test_labels_that_were_known_only_after_the_cut_are_not_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footfall.models.boosted.FEW", 0)
    train, _, _ = _examples(300)
    tuned = tune(train._replace(known_ms=train.known_ms + 400 * 86_400_000), n_trials=3)
    assert np.isnan(tuned.log_loss)


def test_with_few_orders_settings_are_judged_on_all_visitors_in_turn() -> None:
    train, test, _ = _examples(300)
    late = train._replace(known_ms=train.known_ms + 400 * 86_400_000)  # in windows of time nothing could be learned
    tuned = tune(late, n_trials=2)
    assert np.isfinite(tuned.log_loss)
    assert tuned.n_trees is not None
    columns = varying_columns(train.features)
    assert fit(train, test, columns, tuned.params, n_trees=tuned.n_trees).n_trees == tuned.n_trees


def test_with_many_orders_the_latest_sessions_say_how_many_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footfall.models.boosted.FEW", 1)
    train, _, _ = _examples(300)
    assert tune(train, n_trials=1).n_trees is None


def test_threads_change_nothing_about_what_is_found() -> None:
    train, _, _ = _examples(300)
    assert tune(train, n_trials=3, n_threads=2) == tune(train, n_trials=3)


def test_the_columns_that_tell_are_among_those_chosen() -> None:
    train, _, _ = _examples(1_000)
    rng = np.random.default_rng(0)
    is_constant = ~np.isin(np.arange(train.features.shape[1]), varying_columns(train.features))
    train.features[:, is_constant] = rng.normal(size=(len(train.labels), int(is_constant.sum())))
    chosen = telling_columns(train)
    assert len(chosen) <= MOST_COLUMNS < len(varying_columns(train.features))
    assert np.all(np.diff(chosen) > 0)
    assert FEATURE_IDX["session_dwell_s"] in chosen
    assert telling_columns(train).tolist() == chosen.tolist()


def test_without_two_classes_all_columns_stay() -> None:
    train, _, _ = _examples(300)
    train.features[:] = np.random.default_rng(0).normal(size=train.features.shape)
    none = train._replace(labels=np.zeros_like(train.labels))
    assert len(telling_columns(none)) == train.features.shape[1]


def test_large_data_are_tuned_on_whole_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footfall.models.boosted.MOST_TUNING_ROWS", 500)
    train, _, _ = _examples(600)
    tuned = tune(train, n_trials=1)
    assert 400 < tuned.n_rows <= 500


def test_nobody_is_judged_by_trees_that_saw_them() -> None:
    # labels are a coin for each visitor, and a column tells visitors apart: whoever saw the visitor knows the label
    rng = np.random.default_rng(0)
    train, _, _ = _examples(1_000)
    coin = rng.random(int(train.groups.max()) + 1) < 0.5
    train.features[:, FEATURE_IDX["price_mean"]] = train.groups
    train = train._replace(labels=coin[train.groups].astype(np.int8))
    boosted = _boosted(train, train, Params(max_depth=6, learning_rate=0.3, min_child_weight=0.1))
    seen = roc_auc(train.labels, raw_margin(boosted, train.features))
    found = out_of_fold(train, boosted, n_folds=4, is_exact=False)
    assert seen > 0.9
    assert roc_auc(train.labels, found.margins) < 0.65
    assert found.contributions.sum(axis=1) == pytest.approx(found.margins, abs=1e-3)
    for visitor in np.unique(train.groups)[:50]:
        assert len(np.unique(found.folds[train.groups == visitor])) == 1
