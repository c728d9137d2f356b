"""Which models and similar visitors does the dashboard show in tests? Champion, challenger, drift, alarms at will."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.browser.profiles import SampleProfiles

from footfall.base.errors import BadInput, Missing, Unavailable


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class SampleModels:
    """Three versions, or none. ``text`` turns every text that isn't the server's own into another one."""

    def __init__(self, text: Callable[[str], str] = lambda text: text, *, is_empty: bool = False) -> None:
        self._text = text
        self._now = datetime.now(UTC)
        self.champion = None if is_empty else 7
        self.challenger = None if is_empty else 8
        self.rows = [] if is_empty else [self._row(8), self._row(7), self._row(6), self._row(5, can_serve=False)]
        self.is_training = False
        self.alarms: list[dict[str, Any]] = []
        self.said: list[tuple[str, Any]] = []
        """What was done, as ``("promote", 8)``."""

    def models(self, site: int) -> dict[str, Any]:
        for row in self.rows:
            is_first = row["version"] == self.champion
            row["stage"] = "champion" if is_first else "challenger" if row["version"] == self.challenger else "archived"
        last = {"at": _iso(self._now - timedelta(hours=2)), "outcome": "trained"}
        last["message"] = self._text("model 8 challenges model 7: not clearly better on fresh visits yet")
        return {
            "site": site,
            "catalogue_id": "5e1c0ffee0ddba11",
            "champion": self.champion,
            "challenger": self.challenger,
            "scored_by": "prior" if self.champion is None else "model",
            "is_training": self.is_training,
            "last_training": last if self.rows else None,
            "versions": [dict(row) for row in self.rows],
        }

    def model(self, site: int, version: int) -> dict[str, Any]:
        row = next((row for row in self.models(site)["versions"] if row["version"] == version), None)
        if row is None:
            raise Missing(f"There is no model {version}.")
        target = {
            "effects": {"session_cart_add_n": 0.81, "session_repeat_views": 0.44, "since_last_order_d": 0.2},
            "roc_auc_by_seen": {"1": 0.66, "3": 0.74, "13": 0.88},
            "params": {"max_depth": 5, "eta": 0.0712345},
            "n_trees": 84,
        }
        card = {"made_ms": 1_790_000_000_000, "layout": 9, "note": self._text("made by hand")}
        card |= {"features": [f"feature_{n}" for n in range(40)], "targets": {"session": target, "week": target}}
        return row | {"card": card}

    def drift(self, site: int) -> dict[str, Any]:
        if not self.rows:
            nothing = {"at": None, "version": None, "psi": [], "score_psi": None, "calibration": {}}
            return nothing | {"alarms": self.alarms, "challenger": None}
        names = [("session_channel", 0.31), ("device", 0.14), ("price_mean", 0.08), ("session_n_events", 0.02)]
        return {
            "at": _iso(self._now - timedelta(minutes=3)),
            "version": self.champion,
            "psi": [{"feature": self._text(name), "psi": psi} for name, psi in names],
            "score_psi": 0.06,
            "calibration": {
                "session": {"predicted": 0.041, "observed": 0.038, "n": 12_041, "ece": 0.006},
                "week": {"predicted": 0.083, "observed": 0.091, "n": 3_204, "ece": 0.012},
            },
            "alarms": self.alarms,
            "challenger": {
                "n": 4_812,
                "champion_log_loss": 0.1421,
                "challenger_log_loss": 0.1399,
                "better": "undecided",
            },
        }

    def alarm(self) -> None:
        """Something begins to be wrong."""
        message = self._text("Visitors differ from those model 7 learned from: session_channel has moved (PSI 0.31).")
        self.alarms.append({"what": "psi", "since": _iso(self._now - timedelta(minutes=40)), "message": message})

    def promote(self, site: int, version: int, by: str) -> dict[str, Any]:
        if not next(row for row in self.rows if row["version"] == version)["can_serve"]:
            raise BadInput("This model was made for another feature catalogue.", code="other_catalogue")
        self.said.append(("promote", version))
        self.champion, self.challenger = version, None if self.challenger == version else self.challenger
        return self.models(site)

    def rollback(self, site: int, by: str) -> dict[str, Any]:
        self.said.append(("rollback", None))
        self.champion = 6
        return self.models(site)

    def train(self, site: int, by: str) -> dict[str, Any]:
        if self.is_training:
            raise Unavailable("A training is under way.", code="is_training")
        self.said.append(("train", None))
        self.is_training = True
        return self.models(site)

    def _row(self, version: int, can_serve: bool = True) -> dict[str, Any]:
        better = 0.004 * version
        return {
            "version": version,
            "stage": "archived",
            "made": _iso(self._now - timedelta(days=9 - version, hours=2)),
            "targets": ["session", "week"],
            "n_rows": 61_204 + 5_000 * version,
            "n_sessions": 12_012 + 900 * version,
            "n_orders": 402 + 31 * version,
            "window": {
                "from": _iso(self._now - timedelta(days=60)),
                "to": _iso(self._now - timedelta(days=9 - version)),
            },
            "metrics": {
                "session": {"roc_auc": 0.86 + better, "pr_auc": 0.39 + better, "log_loss": 0.151 - better / 4,
                            "brier": 0.0312, "ece": 0.0051},
                "week": {"roc_auc": 0.81 + better, "pr_auc": 0.41, "log_loss": 0.204, "brier": 0.0523, "ece": None},
            },
            "can_serve": can_serve,
            "why_not": "" if can_serve else self._text("It was made for another feature catalogue: train again."),
        }  # fmt: skip


class SampleSimilar:
    """Neighbours of anybody: the nearer, the more of them ordered."""

    def __init__(self, profiles: SampleProfiles) -> None:
        self._profiles = profiles
        self._text = profiles.text
        self._now = datetime.now(UTC)
        self.asked: list[dict[str, Any]] = []

    def similar(self, site: int, any_id: str, *, n: int, radius: float | None, among: str) -> dict[str, Any] | None:
        visitor = self._profiles.visitor(site, any_id)
        if visitor is None:
            return None
        self.asked.append({"n": n, "radius": radius, "among": among})
        others = [row for row in self._profiles.rows if row["visitor_id"] != visitor["visitor_id"]]
        found = [self._neighbour(k, among, others[k % len(others)]) for k in range(n)]
        found = [one for one in found if radius is None or one["similarity"] >= 1 - radius]
        return {
            "visitor_id": visitor["visitor_id"],
            "version": 7,
            "is_learned": True,
            "n": n,
            "radius": radius,
            "propensity_by_neighbours": None if among == "live" else 0.31,
            "similar": found,
        }

    def _neighbour(self, k: int, among: str, row: dict[str, Any]) -> dict[str, Any]:
        is_live = among == "live" or (among == "all" and k % 4 == 0)
        shared = [("session_n_cart_add", "put 2 products into the cart", 1.2),
                  ("session_repeat_views", "viewed the same product 3 times", 0.6),
                  ("gap_last_s", "did nothing for 7 minutes", -0.2)]  # fmt: skip
        return {
            "visitor_id": row["visitor_id"],
            "label": row["label"],
            "similarity": round(0.98 * 0.985**k, 3),
            "is_live": is_live,
            "session_number": 1 + k,
            "at": _iso(self._now - timedelta(hours=7 * k, minutes=2)),
            "ordered": None if is_live else k % 3 == 0 and k < 60,
            "propensity": row["propensity"]["session"] if is_live else None,
            "shared": [
                {"feature": name, "words": self._text(words), "effect": effect}
                for name, words, effect in shared[: 1 + k % 3]
            ],
        }
