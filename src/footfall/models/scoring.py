"""Who of a batch is scored, and by whom? Every visitor an event touched, by the model of its site or by the prior.

Pure: no clock, and nothing of it is kept in records, as a score is a function of record, shared facts and model. A
model that fails can't stop the events: the prior scores instead, the failure is counted, and its text kept for who
tells it.
"""

import numpy as np

from footfall.base.codes import Flag
from footfall.base.kinds import Kind
from footfall.models.prior import Prior
from footfall.models.rows import TARGETS
from footfall.models.scorer import Scored, Scorer
from footfall.record.features import FEATURE_IDX, N_FEATURES, features_into
from footfall.record.rates import Rates

_IS_BOT = FEATURE_IDX["is_bot"]
_EMAIL_OPENED, _REFUND, _STORE = int(Kind.EMAIL_OPENED), int(Kind.REFUND), int(Flag.STORE)
_LOW = (1 << 32) - 1


class Scoring:
    """The scorers of all sites. One thread at a time calls :meth:`score_batch`; :meth:`scores_of` any number."""

    def __init__(self) -> None:
        self.prior: Scorer = Prior()
        self.scorers: dict[int, Scorer] = {}
        """By site; a site without one is scored by the prior."""
        self.challengers: dict[int, Scorer] = {}
        """By site: what is asked too, where decisions are logged."""
        self.n_failed = 0
        """How often a scorer raised."""
        self.failures: dict[int, str] = {}
        """By site: how its scorer, or challenger, failed first."""
        self._features = np.empty((0, N_FEATURES), np.float32)

    def use(self, site: int, scorer: Scorer | None, challenger: Scorer | None = None) -> None:
        """Let these score a site from now on; without a scorer the prior does."""
        for scorers, given in ((self.scorers, scorer), (self.challengers, challenger)):
            if given is None:
                scorers.pop(site, None)
            else:
                scorers[site] = given
        self.failures.pop(site, None)

    def of(self, site: int) -> Scorer:
        """Who scores a site."""
        return self.scorers.get(site, self.prior)

    def score_batch(
        self, records: np.ndarray, rows: np.ndarray, events: np.ndarray, offsets: np.ndarray, rates: Rates
    ) -> Scored:
        """Score each visitor of a batch as of its ``last_seen``.

        ``rows`` int32[k], ``events`` EVENT[k] and ``offsets`` int64[k] are of the batch's applied events, in order. The
        features belong to this and are overwritten by the next batch.
        """
        rows, idx = latest(rows)
        offsets, sites = offsets[idx], events["site"][idx]
        if len(rows) > len(self._features):
            self._features = np.empty((2 * len(rows), N_FEATURES), np.float32)
        features = self._features[: len(rows)]
        times = records["last_seen"][rows]
        features_into(records, rows, times, rates, features)
        scores = np.empty((len(rows), len(TARGETS)), np.float32)
        versions = np.empty(len(rows), np.int32)
        present = sites[:1] if len(sites) and (sites == sites[0]).all() else np.unique(sites)
        for site in present.tolist():
            if len(present) == 1:
                versions[:] = self.scores_of(site, features, scores)
            else:
                here = np.flatnonzero(sites == site)
                part = np.empty((len(here), len(TARGETS)), np.float32)
                versions[here] = self.scores_of(site, features[here], part)
                scores[here] = part
        return Scored(
            rows, offsets, times, features, scores, versions, sites, _is_in_session(records, rows, events, idx)
        )

    def scores_of(self, site: int, features: np.ndarray, scores: np.ndarray) -> int:
        """Fill ``scores`` float32[n, 2] from ``features`` float32[n, N_FEATURES] of a site's visitors; NaN for bots.

        Returns the version that scored.
        """
        scorer = self.of(site)
        if not self._ask(site, scorer, features, scores):
            scorer = self.prior
            scorer.score_into(features, scores)
        scores[features[:, _IS_BOT] > 0] = np.nan
        return scorer.version

    def challenged(self, site: int, features: np.ndarray) -> tuple[int, np.ndarray] | None:
        """Version and scores float32[n, 2] of the site's challenger; None if there is none, or it failed."""
        challenger = self.challengers.get(site)
        if challenger is None:
            return None
        scores = np.empty((len(features), len(TARGETS)), np.float32)
        if not self._ask(site, challenger, features, scores):
            return None
        scores[features[:, _IS_BOT] > 0] = np.nan
        return challenger.version, scores

    def explain(self, site: int, scorer: Scorer, features: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
        """As ``scorer`` explains a visitor of a site; nothing if it fails, which is counted."""
        try:
            return scorer.explain(features, target)
        except Exception as error:  # noqa: BLE001 - a score without reasons is better than no answer, and it is told
            self._note(site, scorer, error)
            return np.zeros(0, np.int32), np.zeros(0)

    def _ask(self, site: int, scorer: Scorer, features: np.ndarray, scores: np.ndarray) -> bool:
        try:
            scorer.score_into(features, scores)
        except Exception as error:  # noqa: BLE001 - an event can fail, a process can't: the prior scores, and it is told
            self._note(site, scorer, error)
            return False
        return True

    def _note(self, site: int, scorer: Scorer, error: Exception) -> None:
        self.n_failed += 1
        self.failures.setdefault(site, f"version {scorer.version}: {type(error).__name__}: {error}")


def _is_in_session(records: np.ndarray, rows: np.ndarray, events: np.ndarray, idx: np.ndarray) -> np.ndarray:
    """bool[n]: whether event ``idx[i]`` belongs to the session of ``rows[i]``, as ``record/step.py`` has it."""
    times, kinds = events["time"][idx], events["kind"][idx]
    is_visit = (kinds != _EMAIL_OPENED) & (kinds != _REFUND) & (events["flags"][idx] & _STORE == 0)
    is_within = (records["session_start"][rows] <= times) & (times <= records["session_last"][rows])
    return np.asarray(is_visit & is_within)


def latest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows there are, rising, int32[n], and where each stands last, int64[n]; of int32[k]."""
    keys = (rows.astype(np.int64) << 32) | np.arange(len(rows))
    keys.sort()
    found = keys >> 32
    is_last = np.ones(len(keys), np.bool_)
    is_last[:-1] = found[1:] != found[:-1]
    return found[is_last].astype(np.int32), keys[is_last] & _LOW
