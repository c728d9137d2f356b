"""How far does plain likeness get? The share of orders among the nearest past rows, by raw distance."""

import numpy as np

from footfall.models.rivals.preparing import prepared_by
from footfall.models.rivals.question import Answer, Question

_ROWS_MOST = 60_000
_CHOOSING_MOST = 5_000
"""Validation rows by which k is chosen."""
_NEIGHBOURS = (10, 25, 50, 100, 200, 400)
_AT_ONCE = 4_096


def nearest_neighbours(question: Question) -> Answer:
    """Euclidean distance in the standardised features; k by the log-loss on validation rows."""
    import faiss

    train = question.sample(question.split.train, _ROWS_MOST)
    preparation = prepared_by(question.features[train], question.weights(train))
    past = preparation.apply(question.features[train])
    faiss.omp_set_num_threads(question.n_threads)
    index = faiss.IndexFlatL2(past.shape[1])
    index.add(past)

    def neighbours(idx: np.ndarray, k: int) -> np.ndarray:
        parts = [idx[i : i + _AT_ONCE] for i in range(0, len(idx), _AT_ONCE)]
        found = [index.search(preparation.apply(question.features[part]), k)[1] for part in parts]
        return np.concatenate(found)

    shares = Shares(question.labels(train), question.weights(train), question.base_rate())
    ks = [k for k in _NEIGHBOURS if k <= max(len(train) // 4, 1)] or [1]
    choosing = question.sample(question.split.valid, _CHOOSING_MOST) if len(question.split.valid) else train
    k = shares.best(neighbours(choosing, ks[-1]), ks, question.labels(choosing), question.weights(choosing))
    return Answer(
        shares.among(neighbours(question.split.valid, k), k),
        shares.among(neighbours(question.split.test, k), k),
        f"k = {k}, {len(train):,} past rows",
    )


class Shares:
    """Weighted shares of ones among neighbours, drawn to the base rate as much as one more neighbour would."""

    def __init__(self, labels: np.ndarray, weights: np.ndarray, base_rate: float) -> None:
        self._ones = np.append(labels * weights, 0.0)
        self._weights = np.append(weights, 0.0)
        self._rate = base_rate

    def among(self, neighbours: np.ndarray, k: int) -> np.ndarray:
        """float64[n] of ``neighbours`` int64[n, ≥ k], nearest first; -1 is nobody."""
        near = neighbours[:, :k]
        return np.asarray((self._ones[near].sum(axis=1) + self._rate) / (self._weights[near].sum(axis=1) + 1.0))

    def best(self, neighbours: np.ndarray, ks: list[int], labels: np.ndarray, weights: np.ndarray) -> int:
        """That of ``ks`` with the least log-loss."""
        losses = []
        for k in ks:
            p = self.among(neighbours, k)
            losses.append(-float(np.average(np.where(labels == 1, np.log(p), np.log1p(-p)), weights=weights)))
        return ks[int(np.argmin(losses))]
