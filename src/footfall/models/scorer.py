"""What turns features into propensities while events come in? The one shape that the engine knows of any model."""

from typing import NamedTuple, Protocol

import numpy as np


class Scorer(Protocol):
    """A model ready to serve one site; pure, and asked by any thread."""

    @property
    def version(self) -> int:
        """Number of the model's version in the registry; 0 is the prior."""
        ...

    def score_into(self, features: np.ndarray, scores: np.ndarray) -> None:
        """Fill ``scores`` float32[n, 2] (probabilities by ``rows.TARGETS``; NaN where the model has no such target)
        from ``features`` float32[n, N_FEATURES]."""
        ...

    def explain(self, features: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
        """What moved a score: int32[k], columns of the catalogue, and float64[k], what each added in log-odds.

        ``features`` float32[N_FEATURES] is one visitor, ``target`` one of ``rows.TARGETS`` by its index. Any thread may
        ask. Empty arrays if there is no such target.
        """
        ...

    @property
    def is_calibrated(self) -> bool:
        """Whether the shop's own orders say that of ten visitors at 10 % one orders."""
        ...


class Scored(NamedTuple):
    """What the engine's last batch gave its visitors; arrays of length n, one entry a touched visitor, owned by it."""

    rows: np.ndarray
    """int32[n]"""
    offsets: np.ndarray
    """int64[n]: log offset of the visitor's latest event in the batch."""
    times: np.ndarray
    """int64[n], ms: at which the features were taken, the record's ``last_seen``."""
    features: np.ndarray
    """float32[n, N_FEATURES]; overwritten by the next batch, copy what is kept."""
    scores: np.ndarray
    """float32[n, 2]"""
    versions: np.ndarray
    """int32[n]: which version scored."""
    sites: np.ndarray
    """uint16[n]"""
    is_in_session: np.ndarray
    """bool[n]: whether the latest event belongs to the record's session, which a refund or a late event may not."""
