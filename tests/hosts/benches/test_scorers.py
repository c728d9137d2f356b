"""Everybody in the benchmark does the same scoring."""

from pathlib import Path

import numpy as np
import pytest

from footfall.hosts.benches import scorers
from footfall.hosts.benches.engine import BATCH, SITE, Bench
from footfall.models.calibration import identity
from footfall.models.scoring import Scoring


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(200, Path(tmp_path_factory.mktemp("bench")), is_warm=False)


def test_the_engine_scores_with_the_model_that_the_others_are_held_against(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorers, "N_TREES", 5)
    scoring = Scoring()
    seen = bench.run_scored(bench.batches(bench.traffic.visits(2 * BATCH)), scoring)
    them = scorers.trained(np.concatenate(seen))
    scoring.use(SITE, them.served)
    [features] = bench.run_scored(bench.batches(bench.traffic.visits(500)), scoring)
    assert scoring.n_failed == 0
    scores = np.empty((len(features), 2), np.float32)
    them.served.score_into(features, scores)
    margins = [b.inplace_predict(features[:, them.columns], predict_type="margin") for b in them.boosters]
    session, week = (identity(of_target).apply(of_target) for of_target in margins)
    np.testing.assert_allclose(scores[:, 0], session, atol=1e-3)
    np.testing.assert_allclose(scores[:, 1], np.maximum(session, week), atol=1e-3)
    samples = scorers.measure_alone(them, [features], 5)
    assert {"footfall", "xgboost", "scikit-learn"} <= set(samples)
    assert {name: sample.n for name, sample in samples.items() if name != "river"} == dict.fromkeys(
        ("footfall", "xgboost", "scikit-learn"), len(features)
    )
