"""How far does a random forest get? Three hundred trees on all features, as they are."""

import numpy as np

from footfall.models.rivals.question import Answer, Question

_ROWS_MOST = 100_000
_N_TREES = 300
_LEAST_LEAF_FRAC = 0.0002
"""A leaf holds at least this share of the rows it learns from, and at least five."""


def random_forest(question: Question) -> Answer:
    """Breiman 2001, as scikit-learn has it: √p features a split, unknown values to the better side."""
    from sklearn.ensemble import RandomForestClassifier

    train = question.sample(question.split.train, _ROWS_MOST)
    n_leaf = max(5, int(_LEAST_LEAF_FRAC * len(train)))
    forest = RandomForestClassifier(
        n_estimators=_N_TREES, min_samples_leaf=n_leaf, n_jobs=question.n_threads, random_state=question.seed
    )
    forest.fit(_finite(question.features[train]), question.labels(train), sample_weight=question.weights(train))

    def scores(idx: np.ndarray) -> np.ndarray:
        return np.asarray(forest.predict_proba(_finite(question.features[idx]))[:, 1], np.float64)

    return Answer(scores(question.split.valid), scores(question.split.test), f"{_N_TREES} trees, {len(train):,} rows")


def _finite(features: np.ndarray) -> np.ndarray:
    return np.where(np.isinf(features), np.nan, features)
