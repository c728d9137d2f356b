"""A served model says what the trained one says, many times as fast."""

import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest
from tests.models.made_up import made_up

from footfall.base.errors import BadInput, Missing
from footfall.models.boosted import probability, raw_margin
from footfall.models.model import Model, from_bytes, probabilities, to_bytes
from footfall.models.rows import SESSION, WEEK
from footfall.models.serving import Served
from footfall.models.training import TrainOptions, train

ROWS = made_up(1_000, seed=3).rows


@pytest.fixture(scope="module")
def model() -> Model:
    return from_bytes(to_bytes(train(ROWS, TrainOptions(n_trials=0))))


def scores_of(served: Served, features: np.ndarray) -> np.ndarray:
    scores = np.full((len(features), 2), 7.0, np.float32)
    served.score_into(features, scores)
    return scores


def test_both_targets_are_scored_as_the_trained_model_scores_them(model: Model) -> None:
    served = Served(model, 4)
    assert served.version == 4
    assert served.is_calibrated
    scores = scores_of(served, ROWS.features)
    np.testing.assert_allclose(scores[:, SESSION], probabilities(model, "session", ROWS.features), atol=1e-6)
    np.testing.assert_allclose(scores[:, WEEK], probabilities(model, "week", ROWS.features), atol=1e-6)


def test_an_order_within_a_week_is_never_less_probable_than_one_in_this_session(model: Model) -> None:
    session, week = model.targets["session"], model.targets["week"]
    swapped = msgspec.structs.replace(model, targets={"session": week, "week": session})
    alone = probability(session, ROWS.features)
    assert (alone < probability(week, ROWS.features)).any()
    scores = scores_of(Served(swapped, 1), ROWS.features)
    assert (scores[:, WEEK] >= scores[:, SESSION]).all()
    np.testing.assert_allclose(scores[:, WEEK], np.maximum(alone, scores[:, SESSION]), atol=1e-6)
    np.testing.assert_allclose(scores[:, WEEK], probabilities(swapped, "week", ROWS.features), atol=1e-6)


def test_a_target_that_was_not_learned_has_no_score_and_no_reasons(model: Model) -> None:
    served = Served(msgspec.structs.replace(model, targets={"session": model.targets["session"]}), 1)
    scores = scores_of(served, ROWS.features[:5])
    assert np.isnan(scores[:, WEEK]).all() and not np.isnan(scores[:, SESSION]).any()
    columns, effects = served.explain(ROWS.features[0], WEEK)
    assert len(columns) == len(effects) == 0


def test_an_explanation_adds_up_to_the_margin_but_for_the_constant(model: Model) -> None:
    served = Served(model, 1)
    rest = []
    for row in range(20):
        columns, effects = served.explain(ROWS.features[row], SESSION)
        assert list(columns) == list(model.targets["session"].columns)
        margin = raw_margin(model.targets["session"], ROWS.features[row : row + 1])[0]
        rest.append(margin - effects.sum())
    assert np.ptp(rest) < 1e-4


def test_a_model_without_a_space_says_so(model: Model) -> None:
    with pytest.raises(Missing, match="train a new one"):
        Served(msgspec.structs.replace(model, space=None), 1).embed(ROWS.features[:3])


def test_a_model_whose_trees_are_broken_is_refused(model: Model) -> None:
    cut = msgspec.structs.replace(model.targets["session"], booster=model.targets["session"].booster[:100])
    with pytest.raises(BadInput) as refused:
        Served(msgspec.structs.replace(model, targets={"session": cut}), 1)
    assert refused.value.code == "bad_model"


def test_the_server_scores_without_importing_xgboost_or_what_it_is_trained_with() -> None:
    code = (
        "import sys, footfall.hosts.running, footfall.models.serving;"
        "print([name for name in ('xgboost', 'sklearn', 'optuna', 'mlflow', 'faiss') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert out.stdout.strip() == "[]"
