"""How far does learned likeness get? The share of orders among the past rows nearest in the space of reasons."""

import numpy as np

from footfall.models.rivals.question import Answer, Question
from footfall.models.similarity import SpaceOptions, learn, propensity_by_neighbours

_LEARN_MOST = 100_000
_PAST_MOST = 60_000
"""Past rows among which neighbours are looked for, exactly."""


def similar_visitors(question: Question) -> Answer:
    """Neighbours in :mod:`footfall.models.similarity`'s space, which chooses how many by training rows alone."""
    train = question.sample(question.split.train, _LEARN_MOST)
    rows = question.rows
    space = learn(
        question.features[train],
        question.labels(train),
        rows.weights[train],
        rows.visitors[train],
        SpaceOptions(n_threads=question.n_threads, seed=question.seed),
    )
    past = question.sample(train, _PAST_MOST)
    places = space.embed(question.features[past], rows.visitors[past])  # by trees that never saw the visitor
    labels, weights = question.labels(past), question.weights(past)

    def scores(idx: np.ndarray) -> np.ndarray:
        asked = space.embed(question.features[idx])
        return propensity_by_neighbours(asked, places, labels, weights, space.n_neighbours)

    note = f"{space.n_neighbours} neighbours among {len(past):,} rows, {space.n_dims} axes"
    return Answer(scores(question.split.valid), scores(question.split.test), note)
