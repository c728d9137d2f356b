"""How does a trained model answer while events come in? All its targets in one pass over the trees, and calibrated.

Scores need no XGBoost, which takes seconds to import: :mod:`footfall.models.forest` reads its trees. Reasons come from
XGBoost's exact tree SHAP, one visitor at a time, when somebody asks.
"""

import numpy as np

from footfall.base.errors import Missing
from footfall.models.boosted import contributions
from footfall.models.forest import forest_of
from footfall.models.model import Model
from footfall.models.rows import SESSION, TARGETS, WEEK
from footfall.models.similarity import Space
from footfall.record.features import N_FEATURES


class Served:
    """A model as a :class:`footfall.models.scorer.Scorer`; ``version`` is its number in the registry, from 1.

    Raises BadInput (``bad_model``) if its trees can't be read.
    """

    def __init__(self, model: Model, version: int) -> None:
        self.model = model
        self._version = version
        self._targets = [(k, model.targets[name]) for k, name in enumerate(TARGETS) if name in model.targets]
        self._forest = forest_of([(boosted.booster, boosted.columns) for _, boosted in self._targets])
        self.space = Space.from_bytes(model.space) if model.space is not None else None
        """Where visitors are near each other who are alike."""

    @property
    def version(self) -> int:
        """See :class:`footfall.models.scorer.Scorer`."""
        return self._version

    @property
    def is_calibrated(self) -> bool:
        """Whether there were enough orders to measure which calibration is best."""
        cards = [card for card in self.model.card.targets.values() if card.calibration_log_loss]
        return bool(cards) and all(any(x is not None for x in card.calibration_log_loss.values()) for card in cards)

    def score_into(self, features: np.ndarray, scores: np.ndarray) -> None:
        """See :class:`footfall.models.scorer.Scorer`."""
        margins = self._forest.margins(features)
        if len(self._targets) < len(TARGETS):
            scores[:] = np.nan
        for at, (target, boosted) in enumerate(self._targets):
            scores[:, target] = boosted.calibration.apply(margins[:, at])
        if len(self._targets) == len(TARGETS):  # an order in this session is one within seven days
            np.maximum(scores[:, WEEK], scores[:, SESSION], out=scores[:, WEEK])

    def explain(self, features: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`footfall.models.scorer.Scorer`."""
        boosted = self.model.targets.get(TARGETS[target])
        if boosted is None:
            return np.zeros(0, np.int32), np.zeros(0)
        return boosted.columns, contributions(boosted, features[None], True)[0, :-1].astype(np.float64)

    def prepare_reasons(self) -> None:
        """Import XGBoost and read its model now, which takes seconds, so that the first who asks doesn't wait."""
        self.explain(np.full(N_FEATURES, np.nan, np.float32), SESSION)

    def embed(self, features: np.ndarray) -> np.ndarray:
        """float32[n, d]: where visitors stand among those who are alike, of features float32[n, N_FEATURES].

        Raises Missing if the model was trained without such a space.
        """
        if self.space is None:
            raise Missing("This model knows no similarity: train a new one.", code="no_space")
        return self.space.embed(features)
