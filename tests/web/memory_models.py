"""Models kept in plain dicts: what the API is tested against where nothing is trained."""

from typing import Any

from footfall.base.errors import BadInput, Missing, Unavailable

MADE = "2026-01-05T00:00:00.000Z"


class MemoryModels:
    """Two versions of site 1; the first is the champion."""

    def __init__(self) -> None:
        self.champions = {1: [1]}
        self.is_training = False
        self.is_listed = True

    def models(self, site: int) -> dict[str, Any]:
        if not self.is_listed:
            raise Unavailable("The registry is down: start it again.", code="registry_failed")
        n, champion = (2, self.champions[site][-1]) if site in self.champions else (0, None)
        return {
            "site": site, "catalogue_id": "00ff00ff00ff00ff", "champion": champion, "challenger": None,
            "scored_by": "model" if champion else "prior", "is_training": self.is_training, "last_training": None,
            "versions": [self._row(site, version) for version in range(n, 0, -1)],
        }  # fmt: skip

    def model(self, site: int, version: int) -> dict[str, Any]:
        return {**self._row(site, version), "card": {"n_trees": 100}}

    def drift(self, site: int) -> dict[str, Any]:
        return {"at": None, "version": None, "psi": [], "score_psi": None, "calibration": {}, "alarms": [],
                "challenger": None}  # fmt: skip

    def promote(self, site: int, version: int, by: str) -> None:
        self._row(site, version)
        self.champions[site].append(version)

    def rollback(self, site: int, by: str) -> int:
        if len(self.champions.get(site, ())) < 2:
            raise BadInput("No model was champion before this one.", code="no_champion_before")
        self.champions[site].pop()
        return self.champions[site][-1]

    def train(self, site: int, by: str) -> None:
        if self.is_training:
            raise BadInput("A training is under way.", code="is_training")
        self.is_training = True

    def _row(self, site: int, version: int) -> dict[str, Any]:
        if site not in self.champions or version not in (1, 2):
            raise Missing(f"There is no model {version} of this site.")
        stage = "champion" if self.champions[site][-1] == version else "archived"
        return {
            "version": version, "stage": stage, "made": MADE, "targets": ["session"], "n_rows": 10, "n_sessions": 5,
            "n_orders": 2, "window": {"from": MADE, "to": MADE}, "metrics": {}, "can_serve": True, "why_not": "",
        }  # fmt: skip
