"""How far do weighted sums get? Logistic regression on all features, and on demographics alone."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from footfall.base.errors import BadInput
from footfall.models.rivals.preparing import common_values, one_hot, prepared_by
from footfall.models.rivals.question import Answer, Question, probability
from footfall.record.features import FEATURE_IDX

_ROWS_MOST = 200_000
_STEPS_MOST = 200
_STRENGTHS = (0.0001, 0.001, 0.01, 0.1)
"""L2 penalties tried, each times the number of rows (so that they mean the same for small and large data)."""
DEMOGRAPHIC = ("device", "os", "browser", "session_channel", "first_channel")
"""What is known of a visitor without a click; country and region come from ``Rows.places``."""


def logistic_regression(question: Question) -> Answer:
    """On all features, standardised, with a column for "unknown" where a feature has any."""
    train = question.sample(question.split.train, _ROWS_MOST)
    preparation = prepared_by(question.features[train], question.weights(train))
    return _fitted(question, train, lambda idx: preparation.apply(question.features[idx]))


def demographics(question: Question) -> Answer:
    """On country, region, device, system, browser and channel alone, a column for each common value."""
    rows = question.rows
    train = question.sample(question.split.train, _ROWS_MOST)
    columns = [rows.features[:, FEATURE_IDX[name]] for name in DEMOGRAPHIC]
    if len(rows.places) == len(rows):
        columns += [rows.places[:, 0], rows.places[:, 1]]
    weights = question.weights(train)
    common = [(column, common_values(column[train], weights)) for column in columns]
    common = [(column, values) for column, values in common if len(values) > 1]
    if not common:
        raise BadInput(
            "The events tell no country, device or channel apart: nothing demographic is known.", code="constant"
        )
    answer = _fitted(
        question, train, lambda idx: np.concatenate([one_hot(column[idx], values) for column, values in common], axis=1)
    )
    return answer._replace(note=f"{sum(len(values) for _, values in common)} values of {len(common)} attributes")


def _fitted(question: Question, train: np.ndarray, matrix_of: Callable[[np.ndarray], np.ndarray]) -> Answer:
    """The penalty with the least log-loss on the validation rows wins."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    split = question.split
    matrix, labels, weights = matrix_of(train), question.labels(train), question.weights(train)
    valid = matrix_of(split.valid)
    valid_labels, valid_weights = question.labels(split.valid), question.weights(split.valid)
    best: tuple[float, float, Any] | None = None
    for strength in sorted(_STRENGTHS, reverse=True):
        if best is not None and question.remaining_s() <= 0:
            break
        model = LogisticRegression(C=1.0 / (strength * len(train)), max_iter=_STEPS_MOST, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it wasn't done after the last step is no matter here
            model.fit(matrix, labels, sample_weight=weights)
        loss = log_loss(valid_labels, model.predict_proba(valid)[:, 1], sample_weight=valid_weights, labels=[0, 1])
        if best is None or loss < best[0]:
            best = (loss, strength, model)
    assert best is not None
    _, strength, model = best
    return Answer(
        probability(model.decision_function(valid)),
        probability(model.decision_function(matrix_of(split.test))),
        f"{matrix.shape[1]} columns, L2 {strength:g}",
    )
