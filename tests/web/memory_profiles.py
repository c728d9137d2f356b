"""Profiles kept in plain dicts: what the API is tested against where no engine is needed."""

from collections.abc import Sequence
from typing import Any

from footfall.base.errors import BadInput, Missing
from footfall.web.shapes import iso

NOW_MS = 1_760_000_000_000


def live_row(visitor_id: str, label: str, last_seen_ms: int, is_ended: bool = False) -> dict[str, Any]:
    """A row of the live list with nothing special about it."""
    return {
        "visitor_id": visitor_id,
        "label": label,
        "state": "returning",
        "last_seen": iso(last_seen_ms),
        "session": {"number": 2, "started": iso(last_seen_ms), "n_events": 3, "dwell_s": 4.5, "ended": is_ended},
        "section": "women/shoes",
        "url": "https://shop.example/women/shoes",
        "channel": "email",
        "device": "mobile",
        "geo": {"country": "US", "region": None, "city": None},
        "cart": {"n_items": 0, "value": 0.0},
        "orders": {"n": 0, "revenue": 0.0},
        "currency": "USD",
        "propensity": {"session": 0.12, "week": 0.2, "scored_by": "prior"},
    }


class MemoryProfiles:
    """Visitors, failed events and merges by site; lists may be changed by the test at any time."""

    def __init__(self) -> None:
        self.rows: dict[int, list[tuple[int, dict[str, Any]]]] = {}
        """(last change in ms, live row) by site."""
        self.open_failed: dict[int, list[dict[str, Any]]] = {}
        self.open_merges: dict[int, dict[int, dict[str, Any]]] = {}
        self.n_received = 0

    def add(self, site: int, row: dict[str, Any], changed_ms: int) -> None:
        """Put a visitor in, or change it."""
        kept = [(ms, old) for ms, old in self.rows.get(site, []) if old["visitor_id"] != row["visitor_id"]]
        self.rows[site] = [(changed_ms, row), *kept]
        self.n_received += 1

    def visitors(
        self, site: int, *, is_live: bool, limit: int, cursor: str | None, q: str, sort: str, state: str = ""
    ) -> dict[str, Any]:
        if cursor is not None and not cursor.isdigit():
            raise BadInput("This cursor isn't one that this list gave.", code="bad_cursor")
        found = [row for _, row in self.rows.get(site, [])]
        found = [row for row in found if not (is_live and row["session"]["ended"]) and row["label"].startswith(q)]
        found = [row for row in found if state in ("", row["state"])]
        found.sort(key=lambda row: _sort_value(row, sort), reverse=True)
        start = int(cursor or 0)
        has_more = start + limit < len(found)
        return {
            "visitors": found[start : start + limit],
            "total": len(found),
            "cursor": str(start + limit) if has_more else None,
        }

    def visitor(self, site: int, any_id: str) -> dict[str, Any] | None:
        row = self._row(site, any_id)
        if row is None:
            return None
        kept = {name: row[name] for name in ("visitor_id", "last_seen", "channel", "device", "geo", "orders")}
        return kept | {
            "identities": [{"kind": "user", "id": row["label"]}],
            "traits": {},
            "first_seen": row["last_seen"],
            "sessions": 2,
            "counts": {"page_view": 3},
            "session_counts": {"page_view": 1},
            "cart": {"items": [], "value": 0.0},
            "features": {"since_last_event_s": 1.0, "since_last_order_d": float("nan")},
            "propensity": {
                "session": 0.12,
                "week": 0.2,
                "scored_by": {"kind": "prior", "version": 0, "is_calibrated": False},
                "at": row["last_seen"],
                "reasons": [{"feature": "cart_value", "value": 0.0, "effect": -0.4, "words": "nothing in the cart"}],
                "week_reasons": [],
            },
            "stage": None,
            "segments": [],
            "journeys": [],
        }

    def timeline(self, site: int, any_id: str, *, limit: int, cursor: str | None) -> dict[str, Any] | None:
        row = self._row(site, any_id)
        if row is None:
            return None
        item = {"time": row["last_seen"], "kind": "page_view", "name": None, "url": row["url"], "section": None}
        item |= {"title": "Shoes", "product_id": None, "price": None, "dwell_s": 4.5, "session": 2}
        return {"items": [item][:limit], "cursor": None}

    def ledger(self, site: int = 0) -> dict[str, int]:
        n_failed = sum(len(failed) for number, failed in self.open_failed.items() if site in (0, number))
        n_applied = len(self.rows.get(site, [])) if site else self.n_received
        counts = {"received": n_applied + n_failed, "applied": n_applied, "duplicate": 0}
        return counts | {"failed": n_failed, "lag_events": 0, "lag_ms": 0}

    def failed(self, site: int, *, limit: int, cursor: str | None, reason: str | None) -> dict[str, Any]:
        of_site = self.open_failed.get(site, [])
        by_reason: dict[str, int] = {}
        for event in of_site:
            by_reason[event["reason"]] = by_reason.get(event["reason"], 0) + 1
        found = [e for e in of_site if reason is None or e["reason"] == reason]
        return {"failed": found[:limit], "total": len(found), "by_reason": by_reason, "cursor": None}

    def replay_failed(self, site: int, offsets: Sequence[int] | None, reason: str | None) -> int:
        of_site = self.open_failed.get(site, [])
        tried = [e for e in of_site if offsets is None or e["offset"] in offsets]
        tried = [e for e in tried if reason is None or e["reason"] == reason]
        self.open_failed[site] = [e for e in of_site if e not in tried]
        return len(tried)

    def merges(self, site: int, any_id: str) -> list[dict[str, Any]] | None:
        if self._row(site, any_id) is None:
            return None
        return [m for m in self.open_merges.get(site, {}).values() if m["winner"] == any_id]

    def undo_merge(self, site: int, merge_id: int) -> dict[str, Any]:
        merge = self.open_merges.get(site, {}).get(merge_id)
        if merge is None:
            raise Missing(f"There is no merge {merge_id}.")
        if merge["is_undone"]:
            raise BadInput("This merge was undone before.", code="undone_before")
        merge["is_undone"] = True
        return merge

    def similar(self, site: int, any_id: str, *, n: int, radius: float | None, among: str) -> dict[str, Any] | None:
        """See :class:`footfall.ports.Similar`."""
        if self._row(site, any_id) is None:
            return None
        others = [row for _, row in self.rows[site] if any_id not in (row["visitor_id"], row["label"])]
        found = [similar_row(row["visitor_id"], row["label"]) for row in others][:n]
        head = {"visitor_id": any_id, "version": 3, "is_learned": True, "n": n, "radius": radius}
        return {**head, "propensity_by_neighbours": 0.125, "similar": found if among != "past" else []}

    def changed_since(self, site: int, since_ms: int, limit: int) -> list[dict[str, Any]]:
        return [row for changed_ms, row in self.rows.get(site, []) if changed_ms >= since_ms][:limit]

    def _row(self, site: int, any_id: str) -> dict[str, Any] | None:
        found = (row for _, row in self.rows.get(site, []) if any_id in (row["visitor_id"], row["label"]))
        return next(found, None)


def _sort_value(row: dict[str, Any], sort: str) -> Any:
    if sort == "propensity":
        return row["propensity"]["session"]
    return row["last_seen"] if sort == "last_seen" else row["orders"]["revenue"]


def similar_row(visitor_id: str, label: str) -> dict[str, Any]:
    """A live visit that is half alike."""
    return {
        "visitor_id": visitor_id,
        "label": label,
        "similarity": 0.5,
        "is_live": True,
        "session_number": 2,
        "at": iso(NOW_MS),
        "ordered": None,
        "propensity": 0.25,
        "shared": [{"feature": "repeat_views_n", "words": "viewed the same product 3 times", "effect": 0.4}],
    }


def failed_event(offset: int, reason: str) -> dict[str, Any]:
    """A refused event with nothing special about it."""
    return {
        "offset": offset,
        "received_at": iso(NOW_MS),
        "reason": reason,
        "advice": "Check the client.",
        "detail": "",
        "event": {"type": "nonsense"},
    }


def merge_row(merge_id: int, winner: str, loser: str) -> dict[str, Any]:
    """A merge that can be undone."""
    return {
        "merge_id": merge_id,
        "time": iso(NOW_MS),
        "winner": winner,
        "loser": loser,
        "keys": ["k"],
        "is_undone": False,
    }
