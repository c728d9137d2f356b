"""How far do hidden moods get? Two hidden Markov models over kinds of events: of orderers and of others."""

import logging
from typing import NamedTuple

import numpy as np

from footfall.base.errors import BadInput
from footfall.base.kinds import N_KINDS
from footfall.models.rivals.question import Answer, Question, Trails, probability

_N_STATES = (3, 5)
"""Numbers of hidden states tried."""
_SESSIONS_MOST = 2_000
"""Sessions of each class to learn from."""
_EVENTS_MOST = 200
"""A trail counts up to here; the longest ones say nothing new and cost the most."""
_ROUNDS = 25
_PRIOR = 1.1
"""Dirichlet prior of every probability: a tenth of an event seen in advance, so that nothing is impossible."""


class Chain(NamedTuple):
    """A hidden Markov model of ``k`` states; rows sum to 1."""

    start: np.ndarray
    """float64[k]"""
    moves: np.ndarray
    """float64[k, k]"""
    shows: np.ndarray
    """float64[k, N_KINDS]"""


def hidden_markov(question: Question) -> Answer:
    """Log-odds by the number of events seen, plus the log-likelihood ratio of the two models (Rabiner 1989)."""
    trails, split = question.trails(), question.split
    labels, weights = question.labels(split.valid), question.weights(split.valid)
    wanted = np.concatenate([split.valid, split.test])
    prior = question.prior_log_odds(trails)[wanted]
    best: tuple[float, int, np.ndarray] | None = None
    for n_states in _N_STATES:
        if best is not None and question.remaining_s() <= 0:
            break
        chains = [_learned(question, trails, label, n_states) for label in (0, 1)]
        scores = prior + log_likelihoods(chains[1], trails, wanted) - log_likelihoods(chains[0], trails, wanted)
        of_valid = scores[: len(split.valid)]
        loss = float(np.average(np.logaddexp(0.0, np.where(labels == 1, -1, 1) * of_valid), weights=weights))
        if best is None or loss < best[0]:
            best = (loss, n_states, scores)
    assert best is not None
    _, n_states, scores = best
    of_both = probability(scores)
    return Answer(of_both[: len(split.valid)], of_both[len(split.valid) :], f"{n_states} hidden states")


def _learned(question: Question, trails: Trails, label: int, n_states: int) -> Chain:
    """Baum-Welch on the longest trail of each session of a class; raises BadInput if there is none."""
    from hmmlearn.hmm import CategoricalHMM

    train = question.split.train
    mine = train[(question.labels(train) == label) & (trails.ends[train] > trails.starts[train])]
    mine = mine[np.argsort(trails.ends[mine], kind="stable")[::-1]]
    mine = np.sort(mine[np.unique(question.rows.sessions[mine], return_index=True)[1]])
    if not len(mine):
        raise BadInput("No session of one class has an event that may be looked at.", code="one_class")
    if len(mine) > _SESSIONS_MOST:
        mine = np.sort(np.random.default_rng(question.seed).choice(mine, _SESSIONS_MOST, replace=False))
    parts = [trails.kinds[trails.starts[i] : min(trails.ends[i], trails.starts[i] + _EVENTS_MOST)] for i in mine]
    model = CategoricalHMM(
        n_states,
        startprob_prior=_PRIOR,
        transmat_prior=_PRIOR,
        emissionprob_prior=_PRIOR,
        n_features=N_KINDS,
        n_iter=_ROUNDS,
        tol=0.01 * len(mine),
        random_state=question.seed,
    )
    logging.getLogger("hmmlearn").setLevel(logging.ERROR)  # it warns of each step that priors take back
    model.fit(np.concatenate(parts).astype(np.int64)[:, None], [len(part) for part in parts])
    return Chain(_kept(model.startprob_), _kept(model.transmat_), _kept(model.emissionprob_))


def _kept(probabilities: np.ndarray) -> np.ndarray:
    """The same without a zero; a state that nothing led to becomes even."""
    mended = np.nan_to_num(probabilities, nan=0.0) + 1e-6
    return np.asarray(mended / mended.sum(axis=-1, keepdims=True))


def log_likelihoods(chain: Chain, trails: Trails, idx: np.ndarray) -> np.ndarray:
    """float64[len(idx)]: log-likelihood of each row's trail; the forward algorithm, all sessions at once.

    Rows of a session share the way, and take their value where their trail ends. An empty trail has 0.
    """
    starts, which = np.unique(trails.starts[idx], return_inverse=True)
    lengths = np.minimum(trails.ends[idx] - trails.starts[idx], _EVENTS_MOST)
    longest = np.zeros(len(starts), np.int64)
    np.maximum.at(longest, which, lengths)
    order = np.argsort(-longest, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    starts, longest, which = starts[order], longest[order], place[which]
    by_length = np.argsort(lengths, kind="stable")
    first_of = np.searchsorted(lengths[by_length], np.arange(int(longest[0] if len(longest) else 0) + 2))
    out = np.zeros(len(idx))
    sums = np.zeros(len(starts))
    states = np.tile(chain.start, (len(starts), 1))
    for step in range(len(first_of) - 2):
        n = int(np.searchsorted(-longest, -step, side="left"))  # sessions with an event at this step come first
        if step:
            states[:n] = states[:n] @ chain.moves
        states[:n] *= chain.shows.T[trails.kinds[starts[:n] + step]]
        total = states[:n].sum(axis=1)
        states[:n] /= total[:, None]
        sums[:n] += np.log(total)
        ending = by_length[first_of[step + 1] : first_of[step + 2]]
        out[ending] = sums[which[ending]]
    return out
