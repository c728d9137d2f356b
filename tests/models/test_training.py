"""A site's history becomes a model that holds what its card says, or a message that says what is missing."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from tests.models.made_up import made_up

from footfall.base.errors import BadInput
from footfall.models.metrics import METRICS, ece, log_loss, roc_auc
from footfall.models.model import Card, Model, from_bytes, probabilities, to_bytes
from footfall.models.rows import SESSION, WEEK, Rows, split_by_time
from footfall.models.training import TrainOptions, examples, out_of_fold, train
from footfall.record.features import FEATURE_IDX, N_FEATURES

QUICK = TrainOptions(n_trials=0, n_threads=1, made_ms=1_760_000_000_000, site=3)
SESSION_ONLY = msgspec.structs.replace(QUICK, targets=("session",))


@pytest.fixture(scope="module")
def shop() -> tuple[Rows, np.ndarray]:
    rows, truth = made_up(4_000)
    return rows, truth


@pytest.fixture(scope="module")
def model(shop: tuple[Rows, np.ndarray]) -> Model:
    return train(shop[0], QUICK)


def _cut(rows: Rows, kept: np.ndarray) -> Rows:
    own = {
        name: getattr(rows, name)[kept]
        for name in rows.__struct_fields__
        if name not in {"kinds", "masked", "places", "n_bots", "n_refused"}
    }
    return msgspec.structs.replace(rows, **own)


def test_scores_come_close_to_the_known_truth_and_hold(shop: tuple[Rows, np.ndarray], model: Model) -> None:
    rows, truth = shop
    test = split_by_time(rows, SESSION).test
    labels, weights = rows.labels[test, SESSION], rows.weights[test]
    said = probabilities(model, "session", rows.features[test])
    assert roc_auc(labels, said, weights) > roc_auc(labels, truth[test], weights) - 0.02
    assert log_loss(labels, said, weights) < log_loss(labels, truth[test], weights) + 0.02
    assert ece(labels, said, weights) < 0.03


def test_the_card_says_what_can_be_measured_again(shop: tuple[Rows, np.ndarray], model: Model) -> None:
    rows, _ = shop
    card = model.card
    assert (card.site, card.made_ms) == (3, 1_760_000_000_000)
    assert (card.n_rows, card.n_sessions) == (len(rows), 4_000)
    assert (card.from_ms, card.until_ms) == (rows.times[0], rows.times[-1])
    assert card.skipped == {}
    assert "session_dwell_s" in card.features and "is_bot" not in card.features
    for target, name in ((SESSION, "session"), (WEEK, "week")):
        test = split_by_time(rows, target).test
        said = probabilities(model, name, rows.features[test])
        told = card.targets[name]
        for figure, metric in METRICS.items():
            assert told.metrics[figure] == pytest.approx(metric(rows.labels[test, target], said, rows.weights[test]))
        low, high = told.intervals["roc_auc"]
        assert low is not None and high is not None and told.metrics["roc_auc"] is not None
        assert low < told.metrics["roc_auc"] < high
        assert set(told.calibration_log_loss) == {"identity", "platt", "beta", "isotonic", "venn_abers"}
        assert told.n_trees <= 200
    assert next(iter(card.targets["session"].effects)) in {"session_dwell_s", "session_repeat_n"}
    assert card.targets["session"].roc_auc_by_seen["1"] < card.targets["session"].roc_auc_by_seen["13"]  # type: ignore[operator]
    assert msgspec.json.decode(msgspec.json.encode(card), type=Card) == card


def test_the_reference_is_what_was_trained_on(shop: tuple[Rows, np.ndarray], model: Model) -> None:
    assert [len(bins.shares) == len(bins.edges) + 2 for bins in model.reference.features]
    assert len(model.reference.features) == len(model.reference.columns)
    at = model.reference.columns.tolist().index(FEATURE_IDX["past_order_rate"])
    unknown = np.isnan(shop[0].features[:, FEATURE_IDX["past_order_rate"]]).mean()
    assert model.reference.features[at].shares[-1] == pytest.approx(unknown, abs=0.05)
    assert set(model.reference.scores) == {"session", "week"}


def test_nothing_later_than_a_row_moves_the_model(shop: tuple[Rows, np.ndarray], model: Model) -> None:
    # other labels and features on the side that judges: trees, calibration and threshold stay as they are
    rows, _ = shop
    test = split_by_time(rows, SESSION).test
    labels, features = rows.labels.copy(), rows.features.copy()
    labels[test, SESSION] = 1 - labels[test, SESSION]
    features[test] = 0
    other = train(msgspec.structs.replace(rows, labels=labels, features=features), SESSION_ONLY)
    assert other.targets["session"].booster == model.targets["session"].booster
    assert other.targets["session"].threshold == model.targets["session"].threshold
    assert other.card.targets["session"].metrics != model.card.targets["session"].metrics


def test_the_same_rows_and_seed_give_the_same_file() -> None:
    rows, _ = made_up(800)
    options = msgspec.structs.replace(SESSION_ONLY, n_trials=2)
    one, again, other = (to_bytes(train(rows, msgspec.structs.replace(options, seed=seed))) for seed in (5, 5, 6))
    assert one == again
    assert one != other
    assert from_bytes(one).card.seed == 5


def test_progress_rises_to_its_end() -> None:
    seen: list[tuple[str, int, int]] = []
    train(made_up(2_000).rows, msgspec.structs.replace(QUICK, n_trials=2, budget_s=60), lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert {total for _, _, total in seen} == {10}
    assert seen[-1] == ("done", 10, 10)
    assert any(what.startswith("week: trying settings, log-loss 0.") for what, _, _ in seen)


def test_at_most_so_many_rows_of_whole_visitors_are_used(shop: tuple[Rows, np.ndarray]) -> None:
    told = train(shop[0], msgspec.structs.replace(SESSION_ONLY, max_rows=9_000)).card.targets["session"]
    assert 8_000 < told.n_train + told.n_valid + told.n_test <= 9_000


def test_short_data_have_a_model_for_the_session_alone() -> None:
    rows, _ = made_up(1_500, n_days=5)
    model = train(rows, QUICK)
    assert set(model.targets) == {"session"}
    assert "seven days" in model.card.skipped["week"]


def test_every_row_is_taken_apart_by_trees_that_never_saw_its_visitor(
    shop: tuple[Rows, np.ndarray], model: Model
) -> None:
    rows, _ = shop
    chosen = split_by_time(rows, SESSION).train[:3_000]
    found = out_of_fold(rows, SESSION, chosen, model.targets["session"], n_folds=3, is_exact=False)
    assert found.contributions.shape == (3_000, len(model.targets["session"].columns) + 1)
    assert roc_auc(rows.labels[chosen, SESSION], found.margins) > 0.85
    assert (examples(rows, WEEK, chosen).known_ms == rows.times[chosen] + 7 * 86_400_000).all()


def _no_rows(rows: Rows) -> Rows:
    return msgspec.structs.replace(_cut(rows, np.zeros(len(rows), bool)), n_bots=7)


def _twenty_rows(rows: Rows) -> Rows:
    return _cut(rows, np.arange(len(rows)) < 20)


def _no_orders(rows: Rows) -> Rows:
    return msgspec.structs.replace(rows, labels=np.zeros_like(rows.labels))


def _only_orders(rows: Rows) -> Rows:
    return msgspec.structs.replace(rows, labels=np.ones_like(rows.labels))


def _all_alike(rows: Rows) -> Rows:
    return msgspec.structs.replace(rows, features=np.ones((len(rows), N_FEATURES), np.float32))


def _late_orders_only(rows: Rows) -> Rows:
    labels = rows.labels.copy()
    labels[: len(rows) * 9 // 10] = 0
    return msgspec.structs.replace(rows, labels=labels)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_rows, "no visits of people .7 visitors are bots"),
        (_twenty_rows, "20 rows of"),
        (_no_orders, "there are no orders"),
        (_only_orders, "all sessions left to learn from end with an order"),
        (_all_alike, "no feature differs"),
        (_late_orders_only, "0 sessions with an order are left to learn from, 20 are needed"),
    ],
)
def test_data_that_teach_nothing_are_refused_with_counts(
    shop: tuple[Rows, np.ndarray], spoil: Callable[[Rows], Rows], message: str
) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        train(spoil(shop[0]), QUICK)
    assert caught.value.code == "cannot_train"
    assert "then train again" in str(caught.value)
    assert isinstance(caught.value.detail, dict) and set(caught.value.detail) == {
        "n_rows",
        "n_sessions",
        "n_orders",
        "days",
    }
