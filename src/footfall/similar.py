"""Which visits are most like a visitor's, and what do they share? Past ones by the index, live ones by looking at all.

What a visitor is like is told as of the last event, in the space of the model that serves the site
(:mod:`footfall.models.similarity`). A site without a model has the prior's, and instead of an index the visitors that
were seen last.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import structlog

from footfall.base.errors import BadInput
from footfall.base.kinds import Kind
from footfall.base.times import iso
from footfall.models.families import FAMILY_OF
from footfall.models.neighbours import Near, Past, Points, nearest_exactly
from footfall.models.serving import Served
from footfall.models.similarity import Likeness, PriorSpace, scale_of
from footfall.models.words import words
from footfall.ports import AMONG
from footfall.profile import LiveProfiles, Parts
from footfall.record.features import CATALOGUE, N_FEATURES, features_into
from footfall.record.layout import BOT, ENDED

_log = structlog.get_logger("footfall")
MOST_RECENT = 5_000
"""Visitors that stand in for past visits while there is no model."""
N_SHARED = 3
_LEAST_SHARED = 0.01
"""Log-odds below which what two visitors share isn't worth a word."""
_AT_ONCE = 1_024
"""Records that are copied under the engine's lock at once, and placed without it."""


class Compared(NamedTuple):
    """How visitors of a site are compared: the model's version, its space, and its past visits."""

    version: int
    space: Likeness
    past: Past | None
    families: np.ndarray
    """float32[c, f]: 1 where a column of the space belongs to a family of features."""


class _Placed(NamedTuple):
    """Where visitors are, by row; arrays of length n."""

    rows: np.ndarray
    """int32, rising."""
    seen: np.ndarray
    """int64, ms: as of which last event."""
    n_events: np.ndarray
    """How many there were; a merge may bring some without a later one."""
    places: np.ndarray


class _Found(NamedTuple):
    """Visitors, nearest first."""

    roots: np.ndarray
    distances: np.ndarray
    places: np.ndarray
    is_live: np.ndarray
    numbers: np.ndarray
    at_ms: np.ndarray
    ordered: np.ndarray
    """int8: 1, 0, or -1 while the visit goes on."""

    def at(self, idx: np.ndarray) -> "_Found":
        return _Found(*(part[idx] for part in self))


def _compared(version: int, space: Likeness, past: Past | None) -> Compared:
    names = [FAMILY_OF[CATALOGUE[column].name] for column in space.columns]
    families = np.array([[name == family for family in sorted(set(names))] for name in names], np.float32)
    return Compared(version, space, past, families)


_UNLEARNED = _compared(0, PriorSpace(), None)


class SimilarVisitors:
    """Carries out :class:`footfall.ports.Similar` on the engine's memory."""

    def __init__(self, parts: Parts, profiles: LiveProfiles) -> None:
        self._parts = parts
        self._profiles = profiles
        self._compared: dict[int, Compared] = {}
        self._placed: dict[tuple[int, bool], tuple[Compared, _Placed]] = {}
        """By site, live or not: where those that were last asked for are."""

    def use(self, site: int, version: int, space: Likeness, past: Past | None) -> None:
        """Compare the visitors of a site in this space from now on."""
        self._compared[site] = _compared(version, space, past)

    def take_over(self, site: int, served: Served | None, past: bytes) -> None:
        """Compare the visitors of a site as this model does, or as the prior does without one (or without a space).

        Past visits that can't be read are told in the log; those seen last stand in for them.
        """
        if served is None or served.space is None:
            self._compared.pop(site, None)
            return
        visits = None
        try:
            visits = Past.from_bytes(past) if past else None
        except BadInput as error:
            _log.error("past visits can't be compared with", site=site, version=served.version, error=str(error))
        self.use(site, served.version, served.space, visits)

    def similar(self, site: int, any_id: str, *, n: int, radius: float | None, among: str) -> dict[str, Any] | None:
        """See :class:`footfall.ports.Similar`."""
        if among not in AMONG:
            raise BadInput(f"`among` is one of {', '.join(AMONG)}.", code="bad_among")
        row = self._profiles.row(site, any_id)
        if row < 0:
            return None
        compared = self._compared.get(site, _UNLEARNED)
        space, past, is_learned = compared.space, compared.past, compared.version > 0
        live = self._live(site)
        here = self._places(site, compared, live if among != "past" or not is_learned else live[:0], is_live=True)
        gone = self._places(site, compared, self._recent(site, live) if past is None else live[:0], is_live=False)
        if not is_learned:
            space = PriorSpace(scale_of(np.concatenate([here.places, gone.places])))
        features = self.features(np.array([row], np.int32))
        parts = space.contributions(features)
        place = space.places(parts)[0]
        most = float("inf") if radius is None else space.distance(1.0 - radius)
        seen = past.points(place, max(2 * n + 8, space.n_neighbours)) if past is not None else None
        found = []
        if among != "past":
            found.append(self._nearest(here, place, n, most, leave_out=row, is_live=True))
        if among != "live" and past is not None:
            found.append(self._near_past(site, past, row, place, n, most, seen))
        elif among != "live":
            found.append(self._nearest(gone, place, n, most, leave_out=row, is_live=False))
        chosen = _merged(found, n)
        propensity = None
        if past is not None:
            told = past.propensity(place, space.n_neighbours, seen)
            propensity = round(told, 6) if np.isfinite(told) else None
        shared = self._shared(compared, parts[0], features[0], chosen.places)
        named = self._profiles.labels(site, np.append(chosen.roots, np.int32(row)))
        scores = self._profiles.session_scores(site, chosen.roots[chosen.is_live])
        propensities = iter(scores.tolist())
        likeness = space.similarity(chosen.distances)
        return {
            "visitor_id": named[-1][0],
            "version": compared.version,
            "is_learned": is_learned,
            "n": n,
            "radius": radius,
            "propensity_by_neighbours": propensity,
            "similar": [
                {
                    "visitor_id": named[i][0],
                    "label": named[i][1],
                    "similarity": round(float(likeness[i]), 6),
                    "is_live": bool(chosen.is_live[i]),
                    "session_number": int(chosen.numbers[i]),
                    "at": iso(int(chosen.at_ms[i])),
                    "ordered": bool(chosen.ordered[i]) if chosen.ordered[i] >= 0 else None,
                    "propensity": _number(next(propensities)) if chosen.is_live[i] else None,
                    "shared": shared[i],
                }
                for i in range(len(chosen.roots))
            ],
        }

    # -- who is near ---------------------------------------------------------------------------------------------------

    def _near_past(
        self, site: int, past: Past, row: int, place: np.ndarray, n: int, most: float, seen: Points | None
    ) -> _Found:
        near: Near = past.near(
            place, n, lambda rows: self._roots(site, rows), most_distance=most, leave_out=row, seen=seen
        )
        visits = near.visits
        return _Found(
            near.roots, near.distances, near.places, np.zeros(len(visits), np.bool_), visits["number"],
            visits["at_ms"], visits["ordered"],
        )  # fmt: skip

    def _nearest(
        self, placed: _Placed, place: np.ndarray, n: int, most: float, *, leave_out: int, is_live: bool
    ) -> _Found:
        idx, distances = nearest_exactly(placed.places, place, n + 1)
        is_near = (distances <= most) & (placed.rows[idx] != leave_out)
        idx, distances = idx[is_near][:n], distances[is_near][:n]
        rows = placed.rows[idx]
        records = self._parts.engine.records
        n_orders = records["session_counts"][rows, int(Kind.ORDER)]
        return _Found(
            rows,
            distances,
            placed.places[idx],
            np.full(len(rows), is_live),
            records["session_number"][rows].astype(np.int32),
            placed.seen[idx],
            np.where(n_orders > 0, 1, -1 if is_live else 0).astype(np.int8),
        )

    def _live(self, site: int) -> np.ndarray:
        """int32[k], rising: visitors with an open session, without bots."""
        rows = self._profiles.live_rows(site)
        return np.sort(rows[self._parts.engine.records["states"][rows] & BOT == 0])

    def _recent(self, site: int, live: np.ndarray) -> np.ndarray:
        """int32[k], rising: who was seen last and isn't live."""
        engine = self._parts.engine
        records = engine.records
        is_past = (records["site"][: engine.n_rows] == site) & (records["session_number"][: engine.n_rows] > 0)
        is_past &= records["states"][: engine.n_rows] & BOT == 0
        is_past[live[live < len(is_past)]] = False
        rows = np.flatnonzero(is_past).astype(np.int32)
        if len(rows) > MOST_RECENT:
            last = np.argpartition(records["last_seen"][rows], len(rows) - MOST_RECENT)[len(rows) - MOST_RECENT :]
            rows = np.sort(rows[last])
        return rows

    def _roots(self, site: int, rows: np.ndarray) -> np.ndarray:
        """Whose visits these rows of the lake are today; -1 for who is gone."""
        engine = self._parts.engine
        records = engine.records
        roots = np.where((rows >= 0) & (rows < engine.n_rows), rows, 0).astype(np.int64)
        merged = records["merged_into"]
        while True:
            into = merged[roots]
            if not into.any():
                break
            roots = np.where(into > 0, into.astype(np.int64) - 1, roots)
        is_here = (records["site"][roots] == site) & (records["n_events"][roots] > 0) & (rows >= 0)
        return np.where(is_here & (rows < engine.n_rows), roots, -1).astype(np.int32)

    # -- where they are ------------------------------------------------------------------------------------------------

    def features(self, rows: np.ndarray) -> np.ndarray:
        """float32[n, N_FEATURES] of visitors as of their last event, with which no session had ended yet."""
        return self._features(rows)[0]

    def _features(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`features`, and when their last events were; few enough rows to be copied at once."""
        with self._parts.lock:
            records = self._parts.engine.records[rows]
            rates = self._parts.engine.facts.rates
        records["states"] &= ~np.uint16(ENDED)
        features = np.empty((len(rows), N_FEATURES), np.float32)
        seen = records["last_seen"].copy()
        features_into(records, np.arange(len(rows), dtype=np.int32), seen, rates, features)
        return features, seen

    def _places(self, site: int, compared: Compared, rows: np.ndarray, *, is_live: bool) -> _Placed:
        """Where visitors are (rows rising); those that did nothing since they were last asked for are still there."""
        known = self._placed.get((site, is_live))
        d = compared.space.places(np.zeros((1, len(compared.space.columns)), np.float32)).shape[1]
        if not len(rows):
            return _nowhere(d)
        before = known[1] if known is not None and known[0] is compared else _nowhere(d)
        places = np.empty((len(rows), d), np.float32)
        records = self._parts.engine.records
        seen, n_events = records["last_seen"][rows], records["n_events"][rows]
        at = np.searchsorted(before.rows, rows)
        at[at == len(before.rows)] = 0
        is_known = np.zeros(len(rows), np.bool_)
        if len(before.rows):
            is_known = (before.rows[at] == rows) & (before.seen[at] == seen) & (before.n_events[at] == n_events)
        places[is_known] = before.places[at[is_known]]
        new = np.flatnonzero(~is_known)
        for start in range(0, len(new), _AT_ONCE):
            part = new[start : start + _AT_ONCE]
            features, seen[part] = self._features(rows[part])
            places[part] = compared.space.places(compared.space.contributions(features))
        placed = _Placed(rows, seen, n_events, places)
        if len(new) or len(rows) != len(before.rows):
            self._placed[site, is_live] = compared, placed
        return placed

    # -- what they share -----------------------------------------------------------------------------------------------

    def _shared(
        self, compared: Compared, parts: np.ndarray, features: np.ndarray, places: np.ndarray
    ) -> list[list[dict[str, Any]]]:
        """For each place, the families of features that move both the same way, by the lesser of both; each told by the
        feature that does most of it for the visitor asked about."""
        if not len(places):
            return []
        mine = parts @ compared.families
        others = compared.space.contributions_at(places) @ compared.families
        both = np.where(np.sign(others) == np.sign(mine), np.minimum(np.abs(others), np.abs(mine)), 0.0)
        largest = np.argsort(-both, axis=1, kind="stable")[:, :N_SHARED]
        told: dict[int, tuple[str, str]] = {}
        out = []
        for i, families in enumerate(largest.tolist()):
            found: list[dict[str, Any]] = []
            for family in families:
                effect = float(both[i, family])
                if effect < _LEAST_SHARED:
                    break
                if family not in told:
                    does_most = int(np.argmax(parts * compared.families[:, family] * np.sign(mine[family])))
                    told[family] = self._words(int(compared.space.columns[does_most]), features)
                name, text = told[family]
                signed = round(float(np.sign(mine[family])) * effect, 4)
                found.append({"feature": name, "words": text, "effect": signed})
            out.append(found)
        return out

    def _words(self, column: int, features: np.ndarray) -> tuple[str, str]:
        name = CATALOGUE[column].name
        return name, words(name, float(features[column]), self._parts.engine.settings.base_currency)


def _nowhere(n_dims: int) -> _Placed:
    return _Placed(
        np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, n_dims), np.float32)
    )


def _merged(found: Sequence[_Found], n: int) -> _Found:
    """The nearest of all, each visitor once; of two at one distance the live one."""
    both = _Found(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    order = np.lexsort((~both.is_live, both.distances))
    firsts = np.sort(np.unique(both.roots[order], return_index=True)[1])[:n]
    return both.at(order[firsts])


def _number(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None
