"""Who else could score what the engine's batches touch? A model made for the benchmark, and others doing the same.

The model is of the size that training keeps within (two targets, 100 trees each, five levels), learned from the
benchmark's own features and labels with a rule and noise in them. scikit-learn's boosted trees have the same number of
trees and levels and the same rows; River's logistic regression has neither, and learns as it goes, one row at a time.
"""

from typing import Any, NamedTuple, cast

import numpy as np

from footfall.hosts.benches.measuring import Sample, Timed
from footfall.models.boosted import Boosted, Params, varying_columns
from footfall.models.calibration import identity
from footfall.models.model import Model
from footfall.models.rows import TARGETS
from footfall.models.serving import Served
from footfall.record.features import CATALOGUE, CATALOGUE_ID, FEATURE_IDX
from footfall.record.layout import LAYOUT

N_TREES = 100
DEPTH = 5
N_ROWS = 6_000
"""Learned from."""
_BASE = -3.0
"""Log-odds of the made-up orders, about: 5 %."""
_TOLD_BY = ("session_cart_add_n", "session_product_view_n", "order_n", "session_dwell_s", "price_last")


class Trained(NamedTuple):
    """The same task learned by several."""

    served: Served
    columns: np.ndarray
    """int32[k]: the features that vary, which all of them learned from."""
    boosters: list[Any]
    """XGBoost's, by target."""
    forests: list[Any]
    """scikit-learn's HistGradientBoostingClassifier, by target."""


def trained(features: np.ndarray) -> Trained:
    """Train all of them on features float32[n, N_FEATURES]; some twenty seconds."""
    import xgboost
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(7)
    columns = varying_columns(features)
    inputs = np.ascontiguousarray(features[:, columns])
    params = {"objective": "binary:logistic", "max_depth": DEPTH, "eta": 0.1, "colsample_bytree": 0.6, "nthread": 1}
    targets: dict[str, Boosted] = {}
    boosters, forests = [], []
    for name in TARGETS:
        labels = _labels(features, rng)
        booster = xgboost.train(params, xgboost.DMatrix(inputs, labels, nthread=1), N_TREES)
        booster.set_param({"nthread": 1})
        data = bytes(booster.save_raw("ubj"))
        margins = booster.inplace_predict(inputs, predict_type="margin")
        targets[name] = Boosted(data, columns, identity(margins), 0.5, Params(max_depth=DEPTH), N_TREES)
        boosters.append(booster)
        forest = HistGradientBoostingClassifier(
            max_iter=N_TREES, max_depth=DEPTH, max_leaf_nodes=1 << DEPTH, early_stopping=False
        )
        forests.append(forest.fit(inputs, labels))
    nothing = cast(Any, None)
    model = Model(CATALOGUE_ID, LAYOUT, targets, reference=nothing, card=nothing)
    return Trained(Served(model, 1), columns, boosters, forests)


def _labels(features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """0 or 1: a few features say something, the rest is noise."""
    margin = np.full(len(features), _BASE) + rng.normal(size=len(features))
    for name in _TOLD_BY:
        values = np.nan_to_num(features[:, FEATURE_IDX[name]].astype(np.float64))
        margin += rng.uniform(0.3, 1.0) * (values - values.mean()) / (values.std() + 1e-9)
    return (rng.random(len(features)) < 1 / (1 + np.exp(-margin))).astype(np.int8)


def measure_alone(them: Trained, batches: list[np.ndarray], n_for_river: int) -> dict[str, Sample]:
    """Rows a second of scoring these features and nothing else, both targets, batch by batch.

    The others are given their inputs cut out already.
    """
    n = sum(map(len, batches))
    inputs = [np.ascontiguousarray(batch[:, them.columns]) for batch in batches]
    samples = {}
    scores = np.empty((max(map(len, batches)), len(TARGETS)), np.float32)
    with Timed() as timed:
        for batch in batches:
            them.served.score_into(batch, scores[: len(batch)])
    samples["footfall"] = timed.sample(n)
    with Timed() as timed:
        for batch in inputs:
            for booster in them.boosters:
                booster.inplace_predict(batch)
    samples["xgboost"] = timed.sample(n)
    with Timed() as timed:
        for batch in inputs:
            for forest in them.forests:
                forest.predict_proba(batch)
    samples["scikit-learn"] = timed.sample(n)
    if river_version() and n_for_river:
        samples["river"] = _river(batches[0][:n_for_river])
    return samples


def river_version() -> str:
    """The installed version, or empty."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("river")
    except PackageNotFoundError:
        return ""


def _river(features: np.ndarray) -> Sample:
    from river import linear_model, preprocessing

    names = [feature.name for feature in CATALOGUE]
    labels = [_labels(features, np.random.default_rng(k)) for k in range(len(TARGETS))]
    models = [preprocessing.StandardScaler() | linear_model.LogisticRegression() for _ in TARGETS]
    rows = [dict(zip(names, row, strict=True)) for row in np.nan_to_num(features).tolist()]
    with Timed() as timed:
        for i, row in enumerate(rows):
            for model, label in zip(models, labels, strict=True):
                model.predict_proba_one(row)
                model.learn_one(row, bool(label[i]))
    return timed.sample(len(rows))
