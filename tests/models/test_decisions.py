"""What is kept of live scores: checkpoints, as many as a second may take, until the lake has them."""

import numpy as np
from tests.models.test_scoring import Constant

from footfall.models.decisions import CHECKPOINTS, DecisionLog, decided
from footfall.models.scorer import Scored
from footfall.models.scoring import Scoring
from footfall.record.checkpoints import is_checkpoint
from footfall.record.features import FEATURE_IDX, N_FEATURES


def scored_of(n_events: list[int], first_offset: int = 100, score: float = 0.5) -> Scored:
    n = len(n_events)
    features = np.arange(n * N_FEATURES, dtype=np.float32).reshape(n, N_FEATURES)
    features[:, FEATURE_IDX["session_events_n"]] = n_events
    features[:, FEATURE_IDX["session_number"]] = 3
    features[:, FEATURE_IDX["is_bot"]] = 0
    return Scored(
        np.arange(n, dtype=np.int32), first_offset + np.arange(n)[::-1], np.full(n, 1_000), features,
        np.full((n, 2), score, np.float32), np.full(n, 4, np.int32), np.full(n, 1, np.uint16), np.full(n, True),
    )  # fmt: skip


def test_checkpoints_are_those_of_training() -> None:
    assert CHECKPOINTS[:8].tolist() == [1, 2, 3, 5, 8, 13, 21, 34]
    assert [n for n in range(1, 3_000) if is_checkpoint(n)] == [n for n in CHECKPOINTS.tolist() if n < 3_000]


def test_only_checkpoints_are_kept_by_offset_with_all_that_they_were_made_from() -> None:
    scored = scored_of([1, 4, 0, 5, 13])
    kept, n_left_out = decided(scored, Scoring(), 100)
    assert n_left_out == 0
    assert kept["n_events"].tolist() == [13, 5, 1]
    assert kept["offset"].tolist() == [100, 101, 104]
    assert kept["row"].tolist() == [4, 3, 0]
    assert kept["session_number"].tolist() == [3, 3, 3]
    assert kept["version"].tolist() == [4, 4, 4]
    assert kept["challenger_version"].tolist() == [-1, -1, -1]
    assert kept["features"].tobytes() == scored.features[[4, 3, 0]].tobytes()
    scored.features[:] = 0  # the next batch
    assert kept["features"][0, 0] != 0


def test_an_event_outside_of_the_session_reaches_no_checkpoint() -> None:
    scored = scored_of([1, 2])._replace(is_in_session=np.array([False, True]))
    assert decided(scored, Scoring(), 100)[0]["n_events"].tolist() == [2]


def test_crawlers_are_not_kept() -> None:
    assert len(decided(scored_of([1, 2], score=np.nan), Scoring(), 100)[0]) == 0


def test_the_challenger_says_what_it_would_have_said() -> None:
    scoring = Scoring()
    challenger = Constant(5, 0.75)
    scoring.use(1, Constant(4, 0.5), challenger)
    kept, _ = decided(scored_of([1, 4, 5]), scoring, 100)
    assert kept["challenger_version"].tolist() == [5, 5]
    assert kept["challenger_session"].tolist() == [0.75, 0.75]
    assert challenger.n_asked == 2


def test_no_more_than_a_second_may_take_drawn_by_lot_not_by_who_they_are() -> None:
    log, scoring = DecisionLog(10, 1_000), Scoring()
    log.note(scored_of([1] * 400), scoring, 5_000)
    log.note(scored_of([1] * 100, 500), scoring, 5_999)
    assert (log.n_logged, log.n_left_out) == (10, 490)
    log.note(scored_of([1] * 10, 600), scoring, 6_000)
    assert log.n_logged == 20
    waiting = log.waiting(10_000)
    assert waiting is not None
    rows = waiting.decisions["row"][:10]
    assert rows.min() < 150 and rows.max() > 250


def test_memory_is_bounded_and_what_came_first_stays() -> None:
    log, scoring = DecisionLog(1_000, 15), Scoring()
    for second in range(3):
        log.note(scored_of([1] * 10, 100 * second), scoring, 1_000 * second)
    waiting = log.waiting(10_000)
    assert waiting is not None
    assert (len(waiting.decisions), waiting.first) == (15, 0)
    assert log.n_left_out == 15


def test_what_is_committed_can_be_written_and_what_will_be_applied_again_is_forgotten() -> None:
    log, scoring = DecisionLog(1_000, 1_000), Scoring()
    assert log.waiting(1_000) is None
    log.note(scored_of([1, 2, 3], 100), scoring, 0)
    log.note(scored_of([1, 2, 3], 200), scoring, 0)
    written = log.waiting(202)
    assert written is not None
    assert (written.first, written.last) == (100, 202)
    assert written.decisions["offset"].tolist() == [100, 101, 102, 200, 201]
    assert log.waiting(100) is None
    log.drop(202)
    log.note(scored_of([1], 300), scoring, 0)
    log.forget(300)
    left = log.waiting(1_000)
    assert left is not None
    assert left.decisions["offset"].tolist() == [202]
