"""Every visitor of a batch is scored once, by the right model, and a broken model stops nothing."""

import numpy as np

from footfall.models.prior import Prior
from footfall.models.scoring import Scoring, latest
from footfall.record.features import FEATURE_IDX, N_FEATURES
from footfall.record.layout import BOT, EVENT, RECORD
from footfall.record.rates import no_rates


class Constant:
    """Says the same of everybody."""

    is_calibrated = True

    def __init__(self, version: int, score: float) -> None:
        self.version, self.score, self.n_asked = version, score, 0

    def score_into(self, features: np.ndarray, scores: np.ndarray) -> None:
        self.n_asked += len(features)
        scores[:] = self.score

    def explain(self, features: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(1, np.int32), np.ones(1)


class Broken(Constant):
    def score_into(self, features: np.ndarray, scores: np.ndarray) -> None:
        raise ZeroDivisionError("of course")

    def explain(self, features: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
        raise ZeroDivisionError("of course")


def records_of(n: int) -> np.ndarray:
    records = np.zeros(n, RECORD)
    records["last_seen"] = 1_792_843_200_000 + np.arange(n)
    records["n_events"] = records["session_n_events"] = records["session_number"] = 1
    return records


def events_of(sites: list[int]) -> np.ndarray:
    events = np.zeros(len(sites), EVENT)
    events["site"] = sites
    return events


def test_each_row_once_with_its_last_place() -> None:
    rows, idx = latest(np.array([5, 2, 5, 9, 2, 5], np.int32))
    assert rows.tolist() == [2, 5, 9]
    assert idx.tolist() == [4, 5, 3]


def test_visitors_are_scored_by_the_model_of_their_site_or_by_the_prior() -> None:
    scoring, records = Scoring(), records_of(6)
    scoring.use(7, Constant(3, 0.25))
    rows = np.array([4, 1, 4, 2], np.int32)
    scored = scoring.score_batch(records, rows, events_of([7, 1, 7, 1]), np.array([10, 11, 12, 13]), no_rates())
    assert scored.rows.tolist() == [1, 2, 4]
    assert scored.offsets.tolist() == [11, 13, 12]
    assert scored.sites.tolist() == [1, 1, 7]
    assert scored.versions.tolist() == [0, 0, 3]
    assert scored.times.tolist() == records["last_seen"][[1, 2, 4]].tolist()
    expected = np.empty((2, 2), np.float32)
    Prior().score_into(scored.features[:2], expected)
    assert np.array_equal(scored.scores[:2], expected)
    assert scored.scores[2].tolist() == [0.25, 0.25]


def test_crawlers_have_no_score() -> None:
    scoring, records = Scoring(), records_of(2)
    records["states"][1] = BOT
    rows = np.array([0, 1], np.int32)
    scored = scoring.score_batch(records, rows, events_of([1, 1]), np.array([0, 1]), no_rates())
    assert np.isnan(scored.scores).tolist() == [[False, False], [True, True]]


def test_a_model_that_raises_is_replaced_by_the_prior_counted_and_told_once() -> None:
    scoring, records = Scoring(), records_of(2)
    scoring.use(1, Broken(9, 0.0))
    for _ in range(3):
        scored = scoring.score_batch(records, np.array([0], np.int32), events_of([1]), np.array([5]), no_rates())
        assert scored.versions.tolist() == [0]
        assert 0 < scored.scores[0, 0] < 1
    assert scoring.n_failed == 3
    assert scoring.failures == {1: "version 9: ZeroDivisionError: of course"}
    scoring.use(1, Constant(10, 0.5))
    assert scoring.failures == {}


def test_a_model_that_cannot_explain_itself_gives_no_reasons() -> None:
    scoring, broken = Scoring(), Broken(9, 0.0)
    columns, effects = scoring.explain(1, broken, np.zeros(N_FEATURES, np.float32), 0)
    assert len(columns) == len(effects) == 0
    assert scoring.n_failed == 1
    columns, effects = scoring.explain(1, scoring.prior, np.zeros(N_FEATURES, np.float32), 0)
    assert len(columns) == len(effects) > 3


def test_the_challenger_is_asked_only_for_itself() -> None:
    scoring, features = Scoring(), np.zeros((2, N_FEATURES), np.float32)
    features[1, FEATURE_IDX["is_bot"]] = 1
    assert scoring.challenged(1, features) is None
    champion, challenger = Constant(1, 0.5), Constant(2, 0.75)
    scoring.use(1, champion, challenger)
    answer = scoring.challenged(1, features)
    assert answer is not None
    assert answer[0] == 2
    np.testing.assert_array_equal(answer[1], [[0.75, 0.75], [np.nan, np.nan]])
    assert champion.n_asked == 0
    scoring.use(1, champion, Broken(3, 0.0))
    assert scoring.challenged(1, features) is None
    scoring.use(1, None)
    assert scoring.of(1).version == 0
