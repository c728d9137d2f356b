"""Does the model that serves still fit? One look at the logged scores of a site, beside what became of them.

The features are those that scores were really made from, at the same points of a session as in training; outcomes come
from the lake, once they can be known. Formulas are in :mod:`footfall.models.drift`.
"""

from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from footfall.base.kinds import Kind
from footfall.base.times import iso
from footfall.models.drift import Calibration, Duel, calibration, duel, psi_of
from footfall.models.model import Model
from footfall.models.rows import SESSION, TARGETS, WEEK, WEEK_MS
from footfall.ports import Lake
from footfall.record.features import CATALOGUE, CATALOGUE_ID, N_FEATURES
from footfall.settings import Settings

MOST_SCORES = 50_000
"""Of the window, chosen by their offsets."""
N_WATCHED = 20
"""Features whose drift raises an alarm: those that move the model's scores most. Others may wander without harm."""
_HOUR_MS = 3_600_000

_OUTCOMES = f"""
SELECT *, ordered OR ordered_after AS ordered_soon FROM (
SELECT d."offset", d.row, d.session_number, d.time_ms, d.version, d.session, d.week, d.challenger_version,
  d.challenger_session, d.challenger_week, s.end_ms,
  EXISTS (SELECT 1 FROM events e WHERE e.site = ? AND e.date BETWEEN ? AND ? AND e.kind = {int(Kind.ORDER)}
    AND e.row = d.row AND e."offset" > d."offset" AND e.time_ms BETWEEN s.start_ms AND s.end_ms) AS ordered,
  EXISTS (SELECT 1 FROM events e WHERE e.site = ? AND e.date BETWEEN ? AND ? AND e.kind = {int(Kind.ORDER)}
    AND e.row = d.row AND e.time_ms > d.time_ms AND e.time_ms <= d.time_ms + {WEEK_MS}) AS ordered_after
FROM (SELECT * FROM decisions WHERE site = ? AND date BETWEEN ? AND ? AND time_ms >= ? AND time_ms < ? AND version = ?
  ORDER BY hash("offset") LIMIT {MOST_SCORES}) d
LEFT JOIN (SELECT * FROM sessions WHERE site = ? AND date BETWEEN ? AND ?) s
  ON s.row = d.row AND s.number = d.session_number
) ORDER BY "offset"
"""  # noqa: S608 (own numbers)
"""The labels of :mod:`footfall.training_set`: an order told later in the session, and by time within the week or so."""


class Finding(NamedTuple):
    """Something wrong, by a name that stays the same as long as it lasts."""

    what: str
    message: str


class Look(msgspec.Struct, frozen=True):
    """What one look found."""

    at_ms: int
    version: int
    n_scores: int
    psi: dict[str, float]
    """By feature that the model reads."""
    score_psi: float | None
    calibration: dict[str, Calibration]
    duel: Duel | None
    findings: tuple[Finding, ...]

    def shown(self, alarms: list[dict[str, str]]) -> dict[str, Any]:
        """As ``GET /api/models/drift`` has it."""
        largest = sorted(self.psi.items(), key=lambda item: -item[1])
        return {
            "at": iso(self.at_ms),
            "version": self.version,
            "psi": [{"feature": name, "psi": round(value, 5)} for name, value in largest],
            "score_psi": self.score_psi,
            "calibration": {
                target: {
                    "predicted": _or_none(found.predicted), "observed": _or_none(found.observed), "n": found.n,
                    "ece": _or_none(found.ece),
                }
                for target, found in self.calibration.items()
            },
            "alarms": alarms,
            "challenger": self.duel and {
                "n": self.duel.n, "champion_log_loss": _or_none(self.duel.champion_log_loss),
                "challenger_log_loss": _or_none(self.duel.challenger_log_loss), "better": self.duel.better,
            },
        }  # fmt: skip


def look(lake: Lake, settings: Settings, site: int, model: Model, version: int, challenger: int, now_ms: int) -> Look:
    """Compare the last ``drift_window_h`` hours of a site's logged scores with what its champion was trained on.

    Whether orders came is compared over those scores of the window before whose outcome is known by now. ``challenger``
    is the version that scores silently, 0 for none. Raises ``Unavailable`` if the lake can't be read.
    """
    window_ms = settings.drift_window_h * _HOUR_MS
    live = _live(lake, site, now_ms - window_ms, now_ms)
    features = np.frombuffer(b"".join(live["features"].to_pylist()), np.float32).reshape(-1, N_FEATURES)
    weights = _session_weights(live)
    names = [CATALOGUE[column].name for column in model.reference.columns.tolist()]
    psi = {
        name: psi_of(bins, features[:, column], weights)
        for name, column, bins in zip(
            names, model.reference.columns.tolist(), model.reference.features, strict=True
        )
    }  # fmt: skip
    mine = live["version"].to_numpy() == version
    scores = live["session"].to_numpy()
    bins = model.reference.scores.get(TARGETS[SESSION])
    score_psi = psi_of(bins, scores[mine], weights[mine]) if bins is not None and mine.any() else None
    known = _outcomes(lake, site, version, now_ms - window_ms, now_ms)
    older = _outcomes(lake, site, version, now_ms - WEEK_MS - window_ms, now_ms - WEEK_MS)
    is_over = ~np.isnan(_floats(known, "end_ms"))
    found = {
        TARGETS[SESSION]: _calibration(known, is_over, "session", "ordered", settings),
        TARGETS[WEEK]: _calibration(older, np.ones(len(older), bool), "week", "ordered_soon", settings),
    }
    contest = _duel(known, is_over, challenger) if challenger else None
    n = len(features)
    told = Look(now_ms, version, n, psi, score_psi, found, contest, ())
    return msgspec.structs.replace(told, findings=tuple(_findings(told, model, settings)))


def look_at_challenger(lake: Lake, settings: Settings, site: int, challenger: int, now_ms: int) -> Look:
    """Hold a challenger against the prior, version 0, where no model serves. Raises as :func:`look`."""
    known = _outcomes(lake, site, 0, now_ms - settings.drift_window_h * _HOUR_MS, now_ms)
    contest = _duel(known, ~np.isnan(_floats(known, "end_ms")), challenger)
    return Look(now_ms, 0, len(known), {}, None, {}, contest, ())


def _findings(told: Look, model: Model, settings: Settings) -> list[Finding]:
    found = []
    limit = settings.drift_psi_alarm
    if told.n_scores >= settings.drift_min_scores:
        watched = list(dict.fromkeys(name for card in model.card.targets.values() for name in card.effects))[:N_WATCHED]
        moved = sorted((name for name in watched if told.psi.get(name, 0.0) >= limit), key=lambda n: -told.psi[n])
        if moved:
            named = ", ".join(f"{name} ({told.psi[name]:.2f})" for name in moved[:3])
            found.append(Finding("features", f"Visitors differ from those that the model learned from: {named}."))
        if told.score_psi is not None and told.score_psi >= limit:
            found.append(
                Finding("scores", f"Scores are distributed otherwise than in training ({told.score_psi:.2f}).")
            )
    for target, of in told.calibration.items():
        if of.is_off and of.n >= settings.drift_min_scores:
            message = f"{of.observed:.2%} ordered ({target}) where {of.predicted:.2%} were foretold."
            found.append(Finding(f"calibration:{target}", message))
    return found


def _live(lake: Lake, site: int, since_ms: int, until_ms: int) -> pa.Table:
    """Logged scores of a window that were made from the features this version computes."""
    return lake.query(
        'SELECT "offset", row, session_number, version, session, features FROM decisions WHERE site = ?'  # noqa: S608
        " AND date BETWEEN ? AND ? AND time_ms >= ? AND time_ms < ? AND catalogue_id = ?"
        f' ORDER BY hash("offset") LIMIT {MOST_SCORES}',
        [site, *_days(since_ms, until_ms), since_ms, until_ms, CATALOGUE_ID],
    )


def _outcomes(lake: Lake, site: int, version: int, since_ms: int, until_ms: int) -> pa.Table:
    events = [site, *_days(since_ms, until_ms + WEEK_MS)]
    span = [site, *_days(since_ms, until_ms), since_ms, until_ms, version]
    return lake.query(_OUTCOMES, [*events, *events, *span, site, *_days(since_ms - WEEK_MS, until_ms)])


def _calibration(table: pa.Table, is_known: np.ndarray, score: str, outcome: str, settings: Settings) -> Calibration:
    scores = _floats(table, score)
    kept = np.flatnonzero(is_known & ~np.isnan(scores))
    labels = table[outcome].to_numpy()[kept].astype(np.int8)
    return calibration(labels, scores[kept], table["row"].to_numpy()[kept], settings.drift_calibration_alarm)


def _duel(table: pa.Table, is_known: np.ndarray, challenger: int) -> Duel:
    scores, others = _floats(table, "session"), _floats(table, "challenger_session")
    is_asked = _floats(table, "challenger_version") == challenger
    kept = np.flatnonzero(is_known & is_asked & ~np.isnan(scores) & ~np.isnan(others))
    part = table.take(pa.array(kept))
    labels = part["ordered"].to_numpy().astype(np.int8)
    return duel(labels, scores[kept], others[kept], part["row"].to_numpy(), _session_weights(part))


def _session_weights(table: pa.Table) -> np.ndarray:
    """float64[n]: one over the session's number of scores, as rows are weighed in training."""
    keys = table["row"].to_numpy().astype(np.int64) << 32 | table["session_number"].to_numpy()
    _, member, n_of = np.unique(keys, return_inverse=True, return_counts=True)
    return 1.0 / n_of[member]


def _floats(table: pa.Table, name: str) -> np.ndarray:
    """float64[n]; NULL is NaN."""
    return np.array(table[name].to_numpy(), np.float64)


def _days(since_ms: int, until_ms: int) -> list[str]:
    return [iso(max(0, since_ms))[:10], iso(until_ms)[:10]]


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 6)
