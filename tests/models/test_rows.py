"""Splits of rows by time: whole sessions, no label of a side seen in the next one, and what to do when it can't be."""

import numpy as np
import pytest

from footfall.base.errors import BadInput
from footfall.models.rows import DAY_MS, SESSION, UNKNOWN, WEEK, WEEK_MS, Rows, split_by_time
from footfall.record.features import N_FEATURES


def rows_of(starts_ms: list[int] | np.ndarray, n_rows: int = 3, *, gap_ms: int = 60_000, order_every: int = 2) -> Rows:
    """``n_rows`` rows for each session; every second session has an order to come."""
    starts = np.asarray(starts_ms, np.int64)
    sessions = np.repeat(np.arange(len(starts)), n_rows)
    step = np.tile(np.arange(n_rows), len(starts))
    times = starts[sessions] + gap_ms * step
    labels = np.stack([sessions % order_every == 0] * 2, axis=1).astype(np.int8)
    end_ms = int(times.max()) if len(times) else 0
    labels[times + WEEK_MS > end_ms, WEEK] = UNKNOWN
    n = len(sessions)
    return Rows(
        features=np.zeros((n, N_FEATURES), np.float32), masked=np.zeros((0, N_FEATURES), np.float32), labels=labels,
        visitors=sessions, sessions=sessions, session_starts=starts[sessions], times=times,
        n_seen=(step + 1).astype(np.int32), offsets=np.arange(n), weights=np.full(n, 1 / n_rows, np.float32),
        trails=sessions * n_rows, kinds=np.zeros(n, np.uint8),
    )  # fmt: skip


def n_sessions(rows: Rows, side: np.ndarray) -> int:
    return len(np.unique(rows.sessions[side]))


def test_sessions_are_shared_out_exactly_and_in_order_of_time() -> None:
    starts = np.random.default_rng(1).permutation(np.arange(200)) * 3_600_000
    rows = rows_of(starts)
    split = split_by_time(rows, SESSION)
    assert [n_sessions(rows, side) for side in split] == [140, 30, 30]
    assert rows.session_starts[split.train].max() < rows.session_starts[split.valid].min()
    assert rows.session_starts[split.valid].max() < rows.session_starts[split.test].min()


def test_every_row_with_a_known_label_is_on_one_side_and_no_session_on_two() -> None:
    rows = rows_of(np.arange(100) * 60_000)  # sessions overlap in time
    split = split_by_time(rows, SESSION)
    assert sorted(np.concatenate(split).tolist()) == list(range(300))
    sides = [set(rows.sessions[side].tolist()) for side in split]
    assert not sides[0] & sides[1]
    assert not sides[1] & sides[2]
    assert not sides[0] & sides[2]


def test_sessions_that_begin_at_once_are_shared_out_all_the_same() -> None:
    rows = rows_of(np.zeros(100, np.int64))
    split = split_by_time(rows, SESSION)
    assert [n_sessions(rows, side) for side in split] == [70, 15, 15]
    assert rows.sessions[split.train].max() == 69


def test_labels_of_a_week_end_before_the_next_side_begins() -> None:
    rows = rows_of(np.arange(0, 90 * DAY_MS, DAY_MS // 10), gap_ms=3_600_000)
    split = split_by_time(rows, WEEK)
    assert rows.times[split.train].max() + WEEK_MS < rows.session_starts[split.valid].min()
    assert rows.times[split.valid].max() + WEEK_MS < rows.session_starts[split.test].min()
    sizes = np.array([n_sessions(rows, side) for side in split])
    assert sizes / sizes.sum() == pytest.approx([0.7, 0.15, 0.15], abs=0.02)
    assert sizes.sum() > 660  # of 900: three weeks of 90 days are lost


def test_a_month_is_enough_for_the_week_and_three_weeks_are_not() -> None:
    split = split_by_time(rows_of(np.arange(0, 30 * DAY_MS, DAY_MS // 20)), WEEK)
    assert min(len(side) for side in split) > 50
    with pytest.raises(BadInput, match=r"in 21\.0 days") as raised:
        split_by_time(rows_of(np.arange(0, 21 * DAY_MS, DAY_MS // 20)), WEEK)
    assert "more than 21 days" in str(raised.value)
    assert raised.value.code == "few_rows"


def test_unknown_labels_are_on_no_side() -> None:
    rows = rows_of(np.arange(0, 60 * DAY_MS, DAY_MS))
    for side in split_by_time(rows, WEEK):
        assert (rows.labels[side, WEEK] != UNKNOWN).all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_sessions_than_sides_are_refused_with_what_there_is(n: int) -> None:
    with pytest.raises(BadInput, match=f"no session is left to .*; the history has {n} sessions in") as raised:
        split_by_time(rows_of(np.arange(n) * DAY_MS), SESSION)
    assert "Collect or import more" in str(raised.value)


def test_other_shares_can_be_asked_for() -> None:
    rows = rows_of(np.arange(100) * DAY_MS)
    split = split_by_time(rows, SESSION, (0.5, 0.25, 0.25))
    assert [n_sessions(rows, side) for side in split] == [50, 25, 25]
