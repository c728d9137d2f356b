"""Trees as flat arrays say what XGBoost says."""

import os
import subprocess
import sys

import numpy as np
import pytest
import xgboost

from footfall.base.errors import BadInput
from footfall.models.forest import Forest, forest_of, margins_into

N, N_INPUTS = 3_000, 12


def noise(n: int, n_columns: int, seed: int, missing: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_columns)).astype(np.float32)
    x[rng.random(x.shape) < missing] = np.nan
    return np.round(x, 1)  # many values that equal a threshold


def trained(x: np.ndarray, seed: int, n_trees: int = 30, **params: object) -> xgboost.Booster:
    rng = np.random.default_rng(seed)
    margin = np.nan_to_num(x, nan=0.7) @ rng.normal(size=x.shape[1]) - 1.0
    y = rng.random(len(x)) < 1 / (1 + np.exp(-margin))
    settings = {"objective": "binary:logistic", "max_depth": 5, "eta": 0.2, "nthread": 1, **params}
    return xgboost.train(settings, xgboost.DMatrix(x, y, nthread=1), n_trees)


def bytes_of(booster: xgboost.Booster) -> bytes:
    return bytes(booster.save_raw("ubj"))


def said(booster: xgboost.Booster, x: np.ndarray) -> np.ndarray:
    return np.asarray(booster.inplace_predict(x, predict_type="margin"))


@pytest.mark.parametrize("n", [1, 63, 64, 65, 3_000])
def test_two_boosters_over_their_own_columns_say_what_xgboost_says(n: int) -> None:
    features = noise(N, 40, seed=1)
    columns = [np.arange(0, 24, 2, dtype=np.int32), np.arange(5, 29, 2, dtype=np.int32)]
    boosters = [trained(features[:, c], seed=k) for k, c in enumerate(columns)]
    forest = forest_of([(bytes_of(b), c) for b, c in zip(boosters, columns, strict=True)])
    expected = [said(b, features[:n, c]) for b, c in zip(boosters, columns, strict=True)]
    np.testing.assert_allclose(forest.margins(features[:n]), np.stack(expected, axis=1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 2, 8])
def test_trees_of_any_depth_and_shape(depth: int) -> None:
    x = noise(N, N_INPUTS, seed=2)
    booster = trained(x, 3, max_depth=depth, grow_policy="lossguide", max_leaves=2 ** (depth - 1) + 1)
    forest = forest_of([(bytes_of(booster), np.arange(N_INPUTS, dtype=np.int32))])
    np.testing.assert_allclose(forest.margins(x)[:, 0], said(booster, x), rtol=0, atol=1e-5)
    assert forest.depth <= depth


def test_missing_values_go_where_training_sent_them_and_rows_of_nothing_too() -> None:
    x = noise(N, N_INPUTS, seed=4, missing=0.6)
    booster = trained(x, 5)
    forest = forest_of([(bytes_of(booster), np.arange(N_INPUTS, dtype=np.int32))])
    assert {-np.inf, np.inf} == set(forest.missing.tolist())
    nothing = np.full((3, N_INPUTS), np.nan, np.float32)
    np.testing.assert_allclose(forest.margins(nothing)[:, 0], said(booster, nothing), rtol=0, atol=1e-5)


def test_a_tree_of_one_leaf_says_the_same_of_everybody() -> None:
    x = noise(200, 3, seed=6)
    booster = trained(x, 7, n_trees=3, min_child_weight=1e9)
    forest = forest_of([(bytes_of(booster), np.arange(3, dtype=np.int32))])
    assert forest.depth == 1
    np.testing.assert_allclose(forest.margins(x)[:, 0], said(booster, x), rtol=0, atol=1e-6)


def test_infinite_features_are_larger_than_any_threshold() -> None:
    x = noise(N, 2, seed=8, missing=0.0)
    forest = forest_of([(bytes_of(trained(x, 9)), np.arange(2, dtype=np.int32))])
    largest = np.finfo(np.float32).max
    endless = np.array([[np.inf, -np.inf]], np.float32)
    finite = np.array([[largest, -largest]], np.float32)
    assert forest.margins(endless)[0, 0] == forest.margins(finite)[0, 0]


def test_the_kernel_equals_its_own_source_run_by_python() -> None:
    x = noise(70, 4, seed=10)
    forest = forest_of([(bytes_of(trained(x, 11, n_trees=4)), np.arange(4, dtype=np.int32))])
    out = np.empty((70, 1), np.float32)
    interpreted = getattr(margins_into, "py_func", margins_into)
    interpreted(
        x, forest.columns, forest.missing, forest.nodes, forest.ends, forest.targets, forest.bases,
        np.zeros(len(forest.columns) * 64, np.float32), np.zeros((forest.depth + 2) * 64, np.float32),
        np.zeros(64, np.float32), out,
    )  # fmt: skip
    np.testing.assert_array_equal(out, forest.margins(x))


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "other objective"])
def test_what_are_no_trees_is_refused_with_advice(damage: str) -> None:
    x = noise(200, 3, seed=12)
    whole = bytes_of(trained(x, 13, n_trees=2))
    data = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"not a model",
        "other objective": bytes_of(trained(x, 13, n_trees=2, objective="reg:squarederror")),
    }[damage]
    with pytest.raises(BadInput, match="train it anew") as refused:
        forest_of([(data, np.arange(3, dtype=np.int32))])
    assert refused.value.code == "bad_model"


def test_reading_trees_doesnt_import_xgboost() -> None:
    code = "import sys, footfall.models.forest; print('xgboost' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert out.stdout.strip() == "False"


def test_many_threads_may_ask_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    x = noise(500, 4, seed=14)
    forest: Forest = forest_of([(bytes_of(trained(x, 15)), np.arange(4, dtype=np.int32))])
    expected = forest.margins(x)
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda _: forest.margins(x), range(40)):
            np.testing.assert_array_equal(answer, expected)
