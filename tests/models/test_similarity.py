"""Places by what features add to the margin, and neighbours that tell propensity."""

import msgspec
import numpy as np
import pytest
import xgboost
from tests.models.made_up import made_up

from footfall.base.errors import BadInput
from footfall.models.boosted import Params
from footfall.models.metrics import roc_auc
from footfall.models.rows import SESSION
from footfall.models.similarity import PriorSpace, Space, SpaceOptions, learn, propensity_by_neighbours, scale_of

Learned = tuple[Space, np.ndarray, np.ndarray, np.ndarray]
FEW = SpaceOptions(n_trees=20, most_past=1_500, most_asked=600)


@pytest.fixture(scope="module")
def learned() -> Learned:
    rows = made_up(700, seed=3).rows
    known = rows.known(SESSION)
    features, labels, visitors = rows.features[known], rows.labels[known, SESSION], rows.visitors[known]
    return learn(features, labels, rows.weights[known], visitors, FEW), features, labels, visitors


def test_contributions_are_those_of_xgboost() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 6)).astype(np.float32)
    features[rng.random(features.shape) < 0.1] = np.nan
    labels = (np.nan_to_num(features[:, 0] * features[:, 1]) + rng.normal(size=400) > 0).astype(np.int8)
    ones, visitors = np.ones(400, np.float32), np.arange(400)
    options = SpaceOptions(n_trees=10, n_folds=2)
    space = learn(features, labels, ones, visitors, options)
    only_first = visitors[_left_out(space, visitors) == 0]
    others = np.setdiff1d(visitors, only_first)
    matrix = xgboost.QuantileDMatrix(
        features[others], labels[others], weight=ones[others], max_bin=Params().max_bin, nthread=1
    )
    settings = msgspec.structs.asdict(options.params) | {"objective": "binary:logistic", "nthread": 1, "seed": 0}
    booster = xgboost.train(settings | {"tree_method": "hist"}, matrix, 10)
    expected = booster.predict(xgboost.DMatrix(features[only_first]), pred_contribs=True, approx_contribs=True)[:, :-1]
    found = space.contributions(features[only_first], only_first)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def _left_out(space: Space, visitors: np.ndarray) -> np.ndarray:
    """Which of two boosters never saw the visitor, told by nothing but the trees: they differ in what they say."""
    from footfall.models.similarity import _folds

    return _folds(visitors, 0, space.n_folds, space.seed)


def test_a_space_is_the_same_after_it_was_written_down(learned: Learned) -> None:
    space, features, _, visitors = learned
    again = Space.from_bytes(space.to_bytes())
    np.testing.assert_array_equal(again.embed(features[:50], visitors[:50]), space.embed(features[:50], visitors[:50]))
    assert again.measured == space.measured
    assert again.n_neighbours == space.n_neighbours


def test_the_same_rows_give_the_same_space() -> None:
    rows = made_up(200, seed=5).rows
    made = [
        learn(rows.features, rows.labels[:, SESSION] == 1, rows.weights, rows.visitors, SpaceOptions(n_trees=5))
        for _ in range(2)
    ]
    assert made[0].to_bytes() == made[1].to_bytes()


@pytest.mark.parametrize("data", [b"", b"\x80", b"nonsense", b"\x81\xa6format\x02"])
def test_what_is_no_space_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        Space.from_bytes(data)
    assert caught.value.code == "bad_model"


def test_a_space_that_was_cut_is_refused(learned: Learned) -> None:
    data = learned[0].to_bytes()
    for length in (len(data) // 2, len(data) - 1):
        with pytest.raises(BadInput, match="Train the model anew"):
            Space.from_bytes(data[:length])


def test_a_visitors_own_trees_never_saw_the_visitor() -> None:
    # noise: whoever is judged by trees that learned their outcome looks foretold
    rng = np.random.default_rng(1)
    features = rng.normal(size=(600, 8)).astype(np.float32)
    labels = rng.integers(0, 2, 600).astype(np.int8)
    visitors = np.arange(600)
    params = Params(max_depth=8, learning_rate=0.5, min_child_weight=0.0)
    space = learn(features, labels, np.ones(600, np.float32), visitors, SpaceOptions(params=params))
    seen = space.contributions(features).sum(axis=1)
    unseen = space.contributions(features, visitors).sum(axis=1)
    assert roc_auc(labels, seen) > 0.95
    assert 0.4 < roc_auc(labels, unseen) < 0.6


def test_places_keep_the_distances_of_contributions_and_pull(learned: Learned) -> None:
    space, features, _, _ = learned
    parts = space.contributions(features[:40]).astype(np.float64)
    places = space.places(parts.astype(np.float32)).astype(np.float64)
    between = ((parts[:, None] - parts[None]) ** 2).sum(-1)
    margins = parts.sum(1)
    between += space.pull * (margins[:, None] - margins[None]) ** 2
    found = ((places[:, None] - places[None]) ** 2).sum(-1)
    assert space.explained_frac > 0.99
    np.testing.assert_allclose(found, between, atol=0.02 * between.max())


def test_contributions_can_be_told_from_a_place(learned: Learned) -> None:
    space, features, _, _ = learned
    parts = space.contributions(features[:40])
    np.testing.assert_allclose(space.contributions_at(space.places(parts)), parts, atol=0.1)


def test_similarity_is_one_at_no_distance_and_a_half_at_that_of_two_visits_by_chance(
    learned: Learned,
) -> None:
    space, features, _, visitors = learned
    assert space.similarity(np.array([0.0, space.scale, 2 * space.scale])).tolist() == [1.0, 0.5, 0.25]
    assert space.distance(0.5) == pytest.approx(space.scale)
    places = space.embed(features, visitors)
    weights = made_up(700, seed=3).rows.weights
    one, other = np.random.default_rng(0).choice(len(places), (2, 20_000), p=weights / weights.sum())
    squared = ((places[one] - places[other]) ** 2).sum(axis=1)
    assert np.sqrt(squared.mean()) == pytest.approx(space.scale, rel=0.05)


def test_neighbours_in_the_space_tell_propensity(learned: Learned) -> None:
    space, features, labels, visitors = learned
    fresh = made_up(500, seed=99).rows
    known = fresh.known(SESSION)
    shares = propensity_by_neighbours(
        space.embed(fresh.features[known]),
        space.embed(features, visitors),
        labels,
        np.ones(len(labels)),
        space.n_neighbours,
    )
    assert roc_auc(fresh.labels[known, SESSION], shares) > 0.75
    assert ((shares > 0) & (shares < 1)).all()


def test_nobody_is_their_own_neighbour() -> None:
    past = np.array([[0.0], [0.0], [5.0]], np.float32)
    labels, ones = np.array([1, 1, 0]), np.ones(3)
    alone = propensity_by_neighbours(
        past[:1], past, labels, ones, 2, visitors=np.array([7]), past_visitors=np.array([7, 7, 8])
    )
    assert alone[0] < 0.5
    assert propensity_by_neighbours(past[:1], past, labels, ones, 2)[0] > 0.6


@pytest.mark.parametrize(
    ("labels", "code"), [(np.zeros(60, np.int8), "one_class"), (np.eye(60, dtype=np.int8)[0], "few_rows")]
)
def test_rows_that_teach_nothing_are_refused(labels: np.ndarray, code: str) -> None:
    features = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    with pytest.raises(BadInput) as caught:
        learn(features, labels, np.ones(60, np.float32), np.arange(60), FEW)
    assert caught.value.code == code


def test_constant_features_are_refused() -> None:
    with pytest.raises(BadInput, match="nothing to learn"):
        learn(np.ones((60, 4), np.float32), np.arange(60) % 2, np.ones(60, np.float32), np.arange(60), FEW)


def test_before_anything_was_learned_the_priors_terms_are_the_space() -> None:
    space = PriorSpace()
    features = made_up(20, seed=1).rows.features
    parts = space.contributions(features)
    assert parts.shape == (len(features), len(space.columns))
    np.testing.assert_array_equal(space.contributions_at(space.places(parts)), parts)
    assert space.similarity(np.array([0.0, 1.0])).tolist() == [1.0, 0.5]
    assert space.distance(0.25) == 2.0
    assert space.distance(0.0) == float("inf")
    wider = PriorSpace(scale=3.0)
    assert (wider.similarity(np.array([3.0])).tolist(), wider.distance(0.5)) == ([0.5], 3.0)


def test_the_scale_is_the_distance_of_chance_unless_there_are_few_to_tell_by() -> None:
    places = np.random.default_rng(0).normal(size=(4_000, 3)).astype(np.float32) * 5
    pairs = places[:2_000] - places[2_000:]
    assert scale_of(places) == pytest.approx(float(np.sqrt((pairs**2).sum(axis=1).mean())), rel=0.03)
    assert scale_of(places[:0]) == 1.0
    assert scale_of(np.zeros((10, 3), np.float32)) == pytest.approx(0.5**0.5)
