"""How far do boosted trees get? The ones that Footfall serves, tuned in the same way with fewer trials."""

import numpy as np

from footfall.models.boosted import Examples, fit, inputs, telling_columns, tune
from footfall.models.rivals.question import Answer, Question
from footfall.models.rows import WEEK, WEEK_MS

_SHARE_OF_TIME = 0.25
"""Of what is left of the time budget, for looking for settings."""


def boosted_trees(question: Question) -> Answer:
    """XGBoost by way of :mod:`footfall.models.boosted`; the validation rows say when to stop adding trees."""
    import xgboost

    train, valid = examples(question, question.split.train), examples(question, question.split.valid)
    columns = telling_columns(train, n_threads=question.n_threads, seed=question.seed)
    tuned = tune(
        train,
        n_trials=question.n_trials,
        columns=columns,
        budget_s=max(_SHARE_OF_TIME * question.remaining_s(), 0.0),
        n_threads=question.n_threads,
        seed=question.seed,
    )
    fitted = fit(
        train, valid, columns, tuned.params, n_trees=tuned.n_trees, n_threads=question.n_threads, seed=question.seed
    )
    booster = xgboost.Booster({"nthread": question.n_threads})
    booster.load_model(bytearray(fitted.booster))

    def scores(idx: np.ndarray) -> np.ndarray:
        matrix = xgboost.DMatrix(inputs(question.features[idx], columns), nthread=question.n_threads)
        return np.asarray(booster.predict(matrix), np.float64)

    note = f"{fitted.n_trees} trees, {tuned.n_trials} trials"
    return Answer(scores(question.split.valid), scores(question.split.test), note)


def examples(question: Question, idx: np.ndarray) -> Examples:
    """These rows as trees learn from them."""
    rows = question.rows
    return Examples(
        question.features[idx],
        question.labels(idx),
        rows.weights[idx],
        rows.visitors[idx],
        rows.session_starts[idx],
        rows.times[idx] + (WEEK_MS if question.target == WEEK else 0),
    )
