"""How far does the order of clicks get? Two Markov chains over kinds of events: of orderers and of others."""

import numpy as np

from footfall.base.kinds import N_KINDS
from footfall.models.rivals.question import Answer, Question, Trails, probability

_START = N_KINDS
"""State before a session's first event."""
_STRENGTHS = (1.0, 10.0, 100.0)
"""Tried: with how many transitions' weight a class's chain is drawn to that of both classes."""


def markov_chain(question: Question) -> Answer:
    """Log-odds by the number of events seen, plus the log-likelihood ratio of the two chains over what a row has seen.

    Bayes' rule among rows of equally long trails: without that condition the ratio, which grows with every event, would
    mostly tell how long a trail is. First-order chains (Montgomery et al. 2004 foretell purchases from paths in this
    way), smoothed toward the chain of all rows; how strongly is chosen on the validation rows. A row counts with its
    weight.
    """
    trails, split = question.trails(), question.split
    before = _before(trails)
    counts = [_counts(question, trails, before, split.train[question.labels(split.train) == c]) for c in (0, 1)]
    weights, labels = question.weights(split.valid), question.labels(split.valid)
    prior = question.prior_log_odds(trails)
    best: tuple[float, float, np.ndarray] | None = None
    for strength in _STRENGTHS:
        ratio = np.log(_chain(counts[1], counts[0], strength)) - np.log(_chain(counts[0], counts[1], strength))
        sums = np.concatenate([[0.0], np.cumsum(ratio[before, trails.kinds])])
        scores = prior + sums[trails.ends] - sums[trails.starts]
        loss = float(np.average(np.logaddexp(0.0, np.where(labels == 1, -1, 1) * scores[split.valid]), weights=weights))
        if best is None or loss < best[0]:
            best = (loss, strength, scores)
    assert best is not None
    _, strength, scores = best
    return Answer(probability(scores[split.valid]), probability(scores[split.test]), f"smoothed by {strength:g}")


def _before(trails: Trails) -> np.ndarray:
    """int64[m]: the kind before each event, _START at a session's first."""
    before = np.full(len(trails.kinds) + 1, _START, np.int64)
    before[1:] = trails.kinds
    before[trails.starts] = _START
    return before[:-1]


def _counts(question: Question, trails: Trails, before: np.ndarray, idx: np.ndarray) -> np.ndarray:
    """float64[N_KINDS + 1, N_KINDS]: weighted transitions that these rows have seen."""
    weights = question.rows.weights[idx].astype(np.float64)
    change = np.bincount(trails.starts[idx], weights, minlength=len(trails.kinds) + 1)
    change -= np.bincount(trails.ends[idx], weights, minlength=len(trails.kinds) + 1)
    weight_at = np.maximum(np.cumsum(change)[:-1], 0.0)
    flat = np.bincount(before * N_KINDS + trails.kinds, weight_at, minlength=(N_KINDS + 1) * N_KINDS)
    return np.asarray(flat, np.float64).reshape(N_KINDS + 1, N_KINDS)


def _chain(mine: np.ndarray, others: np.ndarray, strength: float) -> np.ndarray:
    """Transition probabilities, drawn to those of both classes together, and these to even ones."""
    both = mine + others + 1.0 / N_KINDS
    both /= both.sum(axis=1, keepdims=True)
    drawn = mine + strength * both
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))
