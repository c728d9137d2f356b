"""Questions for rivals in tests: rows of a shop that never was, or a handful written down by hand."""

from collections.abc import Sequence

import numpy as np
from tests.models.made_up import made_up

from footfall.models.rivals.question import Question
from footfall.models.rows import Rows, Split, split_by_time
from footfall.record.features import N_FEATURES


def question(n_sessions: int = 600, *, is_masked: bool = False, seed: int = 0) -> Question:
    """A question about made-up rows, with all time of the world."""
    rows = made_up(n_sessions, seed=seed, is_masked=True).rows
    return asked(rows, split_by_time(rows, 0), is_masked=is_masked)


def asked(rows: Rows, split: Split, *, is_masked: bool = False) -> Question:
    """About the session's order, of these rows."""
    return Question(rows, split, 0, is_masked, 1, 1, 1, lambda: 1e9)


def rows_of(trails: Sequence[tuple[str, int]], kinds: dict[str, int]) -> Rows:
    """One row for each trail (a letter a kind, as ``kinds`` says) and label; a visitor and a session each."""
    n = len(trails)
    lengths = [len(trail) for trail, _ in trails]
    every = np.arange(n, dtype=np.int64)
    labels = np.array([[label, label] for _, label in trails], np.int8)
    return Rows(
        features=np.zeros((n, N_FEATURES), np.float32),
        masked=np.zeros((0, N_FEATURES), np.float32),
        labels=labels,
        visitors=every,
        sessions=every,
        session_starts=every * 1_000,
        times=every * 1_000,
        n_seen=np.array(lengths, np.int32),
        offsets=every,
        weights=np.ones(n, np.float32),
        trails=np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64),
        kinds=np.array([kinds[letter] for trail, _ in trails for letter in trail], np.uint8),
    )
