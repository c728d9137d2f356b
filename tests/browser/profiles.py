# ruff: noqa: E501  (rows of a table read better unbroken)
"""What does the dashboard show in tests? Profiles with a small, lifelike population, or with hostile text everywhere."""

import math
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from footfall.base.errors import Missing
from footfall.base.kinds import KIND_NAMES
from footfall.events.reasons import REASONS
from footfall.record.features import CATALOGUE

PEOPLE = [
    ("Ada Lindqvist", "paying", "women/shoes/boots", "/women/shoes/boots/ridge-boot", "email", "mobile", "SE", "Stockholm"),
    ("Visitor 4f1c", "first_time", "home", "/", "organic_search", "desktop", "DE", "Hamburg"),
    ("bob@example.org", "known", "cart", "/cart", "direct", "desktop", "GB", "Leeds"),
    ("Visitor a09e", "returning", "house/living/lamps", "/house/living/lamps", "paid_social", "mobile", "FR", "Lyon"),
    ("Visitor 77d2", "first_time", "men/shoes/sneakers", "/men/shoes/sneakers/track-70", "paid_search", "tablet", "US", "Boise"),
    ("Chiamaka Obi", "paying", "checkout", "/checkout", "referral", "mobile", "NG", "Lagos"),
    ("Visitor e3b5", "returning", "outdoor/camping/tents", "/outdoor/camping/tents/lake-tent", "display", "desktop", "NL", None),
    ("Visitor 1d80", "first_time", None, None, "direct", "unknown", None, None),
]  # fmt: skip
LIKELY = [0.62, 0.034, 0.41, 0.0009, 0.12, 0.87, 0.21, None]
"""By visitor: the propensity of this visit. Nobody scores the last one, as if it were a robot."""
SHOP = "https://shop.example"


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class SampleProfiles:
    """A shop with a handful of visitors. ``text`` turns every text that a visitor could have chosen into another one."""

    def __init__(
        self, text: Callable[[str], str] = lambda text: text, *, is_empty: bool = False, scored_by: str = "model"
    ) -> None:
        self.text = text
        self.scored_by = scored_by
        self._lock = threading.Lock()
        self._now = datetime.now(UTC)
        self.rows = [] if is_empty else [self._row(n) for n in range(len(PEOPLE))]
        self.changed: dict[str, int] = {}
        self.counters = dict.fromkeys(("received", "applied", "duplicate", "failed", "lag_events", "lag_ms"), 0)
        self.refused: list[dict[str, Any]] = []
        self.joined: list[dict[str, Any]] = []
        if not is_empty:
            self.counters |= {"received": 48_213, "applied": 48_090, "duplicate": 117, "failed": 6}
            self.refused = [self._refusal(n, reason) for n, reason in enumerate([*REASONS, "no_rate"][:6])]
            self.joined = [self._merge(1)]

    def change(self, visitor_id: str, **fields: Any) -> None:
        """A visitor does something: the row changes and the stream will tell."""
        with self._lock:
            row = next(row for row in self.rows if row["visitor_id"] == visitor_id)
            row.update(fields, last_seen=_iso(datetime.now(UTC)))
            self._seen(visitor_id)

    def arrive(self, label: str) -> str:
        """Somebody new comes."""
        with self._lock:
            row = self._row(1) | {
                "visitor_id": f"{len(self.rows):032x}",
                "label": label,
                "last_seen": _iso(datetime.now(UTC)),
            }
            self.rows.insert(0, row)
            self._seen(row["visitor_id"])
            return str(row["visitor_id"])

    def _seen(self, visitor_id: str) -> None:
        self.changed[visitor_id] = int(datetime.now(UTC).timestamp() * 1000)
        self.counters["received"] += 1
        self.counters["applied"] += 1

    def visitors(
        self, site: int, *, is_live: bool, limit: int, cursor: str | None, q: str, sort: str, **more: Any
    ) -> dict[str, Any]:
        with self._lock:
            found = [row for row in self.rows if not (is_live and row["session"]["ended"])]
            found = [row for row in found if q.lower() in f"{row['label']} {row['visitor_id']}".lower()]
            state = more.get("state")
            found = [row for row in found if not state or row["state"] == state]
            if sort == "propensity":
                found.sort(key=lambda row: -(row["propensity"]["session"] or 0.0))
            start = int(cursor or 0)
            end = start + limit
            shown = [dict(row) for row in found[start:end]]
            return {"visitors": shown, "total": len(found), "cursor": str(end) if end < len(found) else None}

    def visitor(self, site: int, any_id: str) -> dict[str, Any] | None:
        row = self._find(any_id)
        if row is None:
            return None
        text = self.text
        counts = {
            "page_view": 63,
            "product_view": 41,
            "list_view": 22,
            "search": 9,
            "cart_add": 7,
            "order": 3,
            "scroll": 118,
        }
        values = [math.nan, 0.0, 1.0, 12.5, 0.372, 7.0, 86_400.0, 259.9]
        return {
            "visitor_id": row["visitor_id"],
            "state": row["state"],
            "identities": [
                {"type": "user", "id": text("ada@example.org"), "is_shared": False},
                {"type": "anonymous", "id": text("f2a9c41e0b7d4f1c8e3a5b6d7c8f9012"), "is_shared": False},
                {"type": "anonymous", "id": text("77aa10c2d4e34b0f9a8b7c6d5e4f3a2b"), "is_shared": True},
            ],
            "traits": {text("name"): text("Ada Lindqvist"), "email": text("ada@example.org"), "newsletter": True,
                       "sizes": [text("39"), text("40")]},
            "first_seen": _iso(self._now - timedelta(days=212)),
            "last_seen": row["last_seen"],
            "sessions": {"n": 14, "landing": text(SHOP + "/women"), "campaign": text("autumn-sale"), "keyword": text("warm boots"),
                         "query": text("boots")},
            "os": "android",
            "browser": "chrome",
            "recent_products": [text("ridge-boot"), text("chelsea-fern")],
            "sections": [{"section": text("women/shoes/boots"), "dwell_s": 812.0, "n_events": 31},
                         {"section": text("women/clothing"), "dwell_s": 240.5, "n_events": 12}],
            "recent_categories": [text("women/shoes/boots")],
            "counts": counts,
            "session_counts": {"page_view": 6, "product_view": 4, "cart_add": 1, "scroll": 9},
            "cart": {"items": [{"product_id": text("ridge-boot"), "quantity": 1, "price": 159.0},
                               {"product_id": text("moss-crew"), "quantity": 2, "price": 85.0}], "value": 329.0, "currency": "EUR"},
            "orders": {"n": 3, "revenue": 412.5},
            "channel": row["channel"],
            "device": row["device"],
            "geo": row["geo"],
            "features": {feature.name: values[n % len(values)] for n, feature in enumerate(CATALOGUE)},
            "propensity": self._propensity(row),
            "stage": None,
            "segments": [text("Autumn browsers")],
            "journeys": [],
        }  # fmt: skip

    def timeline(self, site: int, any_id: str, *, limit: int, cursor: str | None) -> dict[str, Any] | None:
        if self._find(any_id) is None:
            return None
        steps: list[tuple[str, str, str | None, float | None]] = [
            ("custom", "/women/shoes/boots/ridge-boot", None, None),
            ("cart_add", "/women/shoes/boots/ridge-boot", "Ridge Boot", 159.0),
            ("scroll", "/women/shoes/boots/ridge-boot", None, None),
            ("product_view", "/women/shoes/boots/ridge-boot", "Ridge Boot", 159.0),
            ("list_view", "/women/shoes/boots", "Boots", None),
            ("search", "/search?q=warm+boots", "warm boots", None),
            ("page_view", "/", "Alder & Finch", None),
        ]
        items = []
        when = self._now
        for session in (14, 13):
            for kind, path, title, price in [("order", "/order/AF-1", None, 85.0), *steps] if session == 13 else steps:
                when -= timedelta(seconds=47)
                items.append(
                    {
                        "time": _iso(when),
                        "kind": kind,
                        "name": self.text("engagement") if kind == "custom" else None,
                        "url": self.text(SHOP + path),
                        "section": self.text("women/shoes"),
                        "title": self.text(title) if title else None,
                        "product_id": self.text("ridge-boot") if price else None,
                        "price": price,
                        "dwell_s": 47.0,
                        "session": session,
                    }
                )
            when -= timedelta(days=3)
        start = int(cursor or 0)
        end = start + limit
        return {"items": items[start:end], "cursor": str(end) if end < len(items) else None}

    def ledger(self, site: int = 0) -> dict[str, int]:
        with self._lock:
            return dict(self.counters)

    def failed(self, site: int, *, limit: int, cursor: str | None, reason: str | None) -> dict[str, Any]:
        by_reason: dict[str, int] = {}
        for event in self.refused:
            by_reason[event["reason"]] = by_reason.get(event["reason"], 0) + 1
        found = [event for event in self.refused if reason in (None, event["reason"])]
        return {"failed": found[:limit], "total": len(found), "by_reason": by_reason, "cursor": None}

    def replay_failed(self, site: int, offsets: Sequence[int] | None, reason: str | None) -> int:
        tried = [event for event in self.refused if offsets is None or event["offset"] in offsets]
        tried = [event for event in tried if reason in (None, event["reason"])]
        self.refused = [event for event in self.refused if event not in tried]
        self.counters["failed"] -= len(tried)
        self.counters["applied"] += len(tried)
        return len(tried)

    def merges(self, site: int, any_id: str) -> list[dict[str, Any]] | None:
        return None if self._find(any_id) is None else self.joined

    def undo_merge(self, site: int, merge_id: int) -> dict[str, Any]:
        for merge in self.joined:
            if merge["merge_id"] == merge_id:
                merge["is_undone"] = True
                return merge
        raise Missing(f"There is no merge {merge_id}.")

    def changed_since(self, site: int, since_ms: int, limit: int) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self.rows if self.changed.get(row["visitor_id"], 0) >= since_ms][:limit]

    def _find(self, any_id: str) -> dict[str, Any] | None:
        return next((row for row in self.rows if any_id in (row["visitor_id"], row["label"])), None)

    def _row(self, n: int) -> dict[str, Any]:
        label, state, section, path, channel, device, country, city = PEOPLE[n]
        text = self.text
        seen = self._now - timedelta(seconds=3 + 41 * n)
        n_orders = 3 if state == "paying" else 0
        n_items = (3, 0, 2, 0, 1, 4, 0, 0)[n]
        return {
            "visitor_id": f"{0xC0FFEE + 7919 * n:032x}",
            "label": text(label),
            "state": state,
            "last_seen": _iso(seen),
            "session": {"number": 1 if state == "first_time" else 2 + 4 * n, "started": _iso(seen - timedelta(minutes=4)),
                        "n_events": 1 + 5 * n, "dwell_s": 20.0 + 77 * n, "ended": n == 6},
            "section": text(section) if section else None,
            "url": text(f"{SHOP}{path}") if path else None,
            "channel": channel,
            "device": device,
            "geo": {"country": country, "region": None, "city": text(city) if city else None},
            "cart": {"n_items": n_items, "value": 79.5 * n_items},
            "orders": {"n": n_orders, "revenue": 137.5 * n_orders},
            "currency": "EUR",
            "propensity": {"session": LIKELY[n], "week": LIKELY[n] and min(0.95, LIKELY[n] * 1.3), "scored_by": self.scored_by},
        }  # fmt: skip

    def _propensity(self, row: dict[str, Any]) -> dict[str, Any]:
        text = self.text
        is_prior = row["propensity"]["scored_by"] == "prior"
        return {
            "session": row["propensity"]["session"],
            "week": row["propensity"]["week"],
            "scored_by": {"kind": row["propensity"]["scored_by"], "version": 0 if is_prior else 7, "is_calibrated": not is_prior},
            "at": row["last_seen"],
            "reasons": [{"feature": "session_n_cart_add", "value": 2.0, "effect": 1.31, "words": text("put 2 products into the cart")},
                        {"feature": "session_repeat_views", "value": 3.0, "effect": 0.62, "words": text("viewed the same product 3 times")},
                        {"feature": "gap_last_s", "value": 412.0, "effect": -0.28, "words": text("did nothing for 7 minutes")}],
            "week_reasons": [{"feature": "n_orders", "value": 3.0, "effect": 0.94, "words": text("ordered 3 times before")},
                             {"feature": "days_since_order", "value": 61.0, "effect": -0.51, "words": text("last ordered 61 days ago")},
                             {"feature": "session_n_cart_add", "value": 2.0, "effect": 0.33, "words": text("put 2 products into the cart")}],
        }  # fmt: skip

    def _refusal(self, n: int, reason: str) -> dict[str, Any]:
        event = {"type": self.text("track"), "event": self.text("Order Completed"), "anonymousId": self.text(f"a{n}"),
                 "properties": {self.text("order_id"): self.text("AF-77"), "revenue": 89.0, "currency": "XAU"}}  # fmt: skip
        return {
            "offset": 48_000 - 331 * n,
            "received_at": _iso(self._now - timedelta(minutes=2 + 9 * n)),
            "reason": reason,
            "advice": REASONS[reason],
            "detail": self.text("currency XAU"),
            "event": self.text('{"type": "track", ') if reason == "bad_json" else event,
        }

    def _merge(self, merge_id: int) -> dict[str, Any]:
        return {
            "merge_id": merge_id,
            "time": _iso(self._now - timedelta(days=9)),
            "winner": self.rows[0]["visitor_id"],
            "loser": self.text("77aa10c2d4e34b0f9a8b7c6d5e4f3a2b"),
            "is_undone": False,
        }


assert set(KIND_NAMES) >= {"page_view", "list_view", "search", "cart_add", "order"}
