"""What is known about a visitor right now? Reads profiles straight from the engine's memory, for the API.

Every method takes the engine's lock only to copy what it needs. The timeline is read from the lake, and from the last
events in memory for what the lake doesn't have yet.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from footfall.base.clock import Clock
from footfall.base.codes import Browser, Channel, Device, Os, Status
from footfall.base.errors import BadInput, Missing
from footfall.base.ids import ANONYMOUS, USER
from footfall.base.kinds import KIND_NAMES, N_KINDS, Kind
from footfall.base.times import iso
from footfall.engine import Engine
from footfall.events.columns import Columns, country_text, text_of
from footfall.events.reasons import REASONS
from footfall.events.wire import Entry, Source
from footfall.history import entry_of
from footfall.ports import EventLog, Failed, Identity, Lake, Merge, RecordStore
from footfall.record.admit import root_of
from footfall.record.features import CATALOGUE, N_FEATURES, features_into
from footfall.record.layout import ENDED, KNOWN, PAYING

_RECENT_MAX_EVENTS = 50_000
_CHANGED_KEEP_MS = 30_000
_MAGIC = b"footfall-v"
_SORTS = {
    "last_seen": "last_seen",
    "first_seen": "first_seen",
    "events": "n_events",
    "revenue": "revenue",
    "session_events": "session_n_events",
    "session_start": "session_start",
}


class VisitorIds:
    """Public visitor ids: a row, encrypted with the installation's key. Unguessable, stable, and stored nowhere."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # one block that never repeats: no chaining needed

    def of(self, site: int, row: int) -> str:
        """32 hex digits."""
        encryptor = self._cipher.encryptor()
        block = row.to_bytes(4, "big") + site.to_bytes(2, "big") + _MAGIC
        return (encryptor.update(block) + encryptor.finalize()).hex()

    def row(self, site: int, visitor_id: str) -> int:
        """The row, or -1 if this is no visitor id of the site."""
        try:
            data = bytes.fromhex(visitor_id)
        except ValueError:
            return -1
        if len(data) != 16 or len(visitor_id) != 32:
            return -1
        decryptor = self._cipher.decryptor()
        block = decryptor.update(data) + decryptor.finalize()
        if block[6:] != _MAGIC or int.from_bytes(block[4:6], "big") != site:
            return -1
        return int.from_bytes(block[:4], "big")


class Parts(Protocol):
    """What the host lends: its parts, and the lock around the engine."""

    engine: Engine
    log: EventLog
    store: RecordStore
    lake: Lake
    lock: threading.RLock
    applying: threading.RLock
    wake: Callable[[], None]

    def commit(self) -> bool:
        """Store what changed."""
        ...

    def write_lake(self) -> None:
        """Carry what is committed to the lake."""
        ...


class _Recent(NamedTuple):
    """A batch applied a moment ago, with the rows its events had then."""

    columns: Columns
    rows: np.ndarray


class LiveProfiles:
    """The engine's visitors as the API shows them; carries out :class:`footfall.ports.Profiles`."""

    def __init__(self, parts: Parts, ids: VisitorIds, clock: Clock) -> None:
        self._parts = parts
        self._ids = ids
        self._clock = clock
        self._recent: deque[_Recent] = deque()
        self._n_recent = 0
        self._recent_from = parts.engine.next_offset
        self._changed: deque[tuple[int, np.ndarray]] = deque()
        self._guard = threading.Lock()

    # -- fed by the host -------------------------------------------------------------------------------------------

    def note(self, columns: Columns) -> None:
        """Remember a batch that was just applied."""
        events = columns.events
        with self._guard:
            self._recent.append(_Recent(columns, events["row"].copy()))
            self._n_recent += len(columns)
            while self._n_recent > _RECENT_MAX_EVENTS and len(self._recent) > 1:
                self._n_recent -= len(self._recent.popleft().rows)
                self._recent_from = int(self._recent[0].columns.offsets[0])
        self.note_rows(events["row"][events["status"] == int(Status.APPLIED)])

    def note_rows(self, rows: np.ndarray) -> None:
        """Remember that these visitors changed now."""
        now = self._clock.now_ms()
        with self._guard:
            self._changed.append((now, np.unique(rows)))
            while self._changed and self._changed[0][0] < now - _CHANGED_KEEP_MS:
                self._changed.popleft()

    # -- finding ---------------------------------------------------------------------------------------------------

    def _root(self, row: int) -> int:
        return int(root_of(self._parts.engine.records, row))

    def _row(self, site: int, any_id: str) -> int:
        """Row of a visitor by visitor id, user id or anonymous id; -1 if there is none."""
        engine = self._parts.engine
        with self._parts.lock:
            row = self._ids.row(site, any_id)
            if 0 <= row < engine.n_rows and engine.records[row]["site"] == site:
                return self._root(row)
            for what in (USER, ANONYMOUS):
                row = engine.row_of(site, what, any_id)
                if row >= 0:
                    return row
        return -1

    def _family(self, row: int) -> list[int]:
        """The row and every row that was merged into it."""
        rows = [row]
        for at in rows:
            rows.extend(m.loser for m in self._merges_of(at) if m.winner == at and not m.is_undone)
        return rows

    def _merges_of(self, row: int) -> list[Merge]:
        pending = [m for m in self._parts.engine.pending_merges() if row in (m.winner, m.loser)]
        known = {m.merge_id for m in pending}
        return sorted(
            pending + [m for m in self._parts.store.merges_of(row) if m.merge_id not in known],
            key=lambda m: -m.merge_id,
        )

    def _identities(self, rows: Sequence[int]) -> list[Identity]:
        found: dict[tuple[int, str], Identity] = {}
        for row in rows:
            for identity in self._parts.store.identities_of(row):
                found[(identity.what, identity.text)] = identity
        with self._parts.lock:
            for identity in self._parts.engine.pending_identities():
                if identity.row in rows:
                    found[(identity.what, identity.text)] = identity
                else:
                    found.pop((identity.what, identity.text), None)
        return sorted(found.values(), key=lambda i: (-i.what, i.text))

    def _names(self, site: int, keys: Sequence[int]) -> dict[int, str]:
        wanted = [int(key) for key in keys if key]
        found = self._parts.store.names(site, wanted) if wanted else {}
        if len(found) < len(set(wanted)):
            with self._parts.lock:
                fresh = {key: text for at, key, _, text in self._parts.engine.reader.new_names if at == site}
            found = {**{key: fresh[key] for key in wanted if key in fresh}, **found}
        return found

    # -- lists -----------------------------------------------------------------------------------------------------

    def visitors(
        self, site: int, *, is_live: bool, limit: int, cursor: str | None, q: str, sort: str
    ) -> dict[str, Any]:
        """See :class:`footfall.ports.Profiles`."""
        sort = sort or "last_seen"
        field = _SORTS.get(sort.lstrip("-"))
        if field is None:
            raise BadInput(f"sort must be one of {', '.join(_SORTS)}.", code="bad_sort")
        try:
            start = int(cursor) if cursor else 0
        except ValueError as error:
            raise BadInput("This cursor isn't one that was given out.", code="bad_cursor") from error
        engine = self._parts.engine
        with self._parts.lock:
            if q:
                rows = self._matching(site, q.strip(), limit + start)
                is_live = False
            elif is_live:
                rows = engine.timers.rows()
            else:
                rows = np.arange(engine.n_rows, dtype=np.int32)
            records = engine.records
            kept = rows[(records["site"][rows] == site) & (records["n_events"][rows] > 0)]
            if is_live:
                since = self._clock.now_ms() - engine.settings.session_timeout_s * 1000
                kept = kept[(records["session_last"][kept] >= since) & (records["states"][kept] & ENDED == 0)]
            values = records[field][kept].astype(np.float64)
            order = np.lexsort((kept, values if sort.startswith("+") else -values))
            page = kept[order[start : start + limit]]
            copies = records[page].copy()
        more = start + limit < len(kept)
        return {
            "visitors": self._live_rows(site, page, copies),
            "total": len(kept),
            "cursor": str(start + limit) if more else None,
        }

    def _matching(self, site: int, q: str, most: int) -> np.ndarray:
        row = self._row(site, q)
        rows = [row] if row >= 0 else []
        rows += [self._root(i.row) for i in self._parts.store.search(site, q, most) if i.row >= 0]
        rows += [
            self._root(i.row)
            for i in self._parts.engine.pending_identities()
            if i.site == site and i.row >= 0 and i.text.startswith(q)
        ]
        return np.array(sorted(set(rows)), np.int32)

    def changed_since(self, site: int, since_ms: int, limit: int) -> list[dict[str, Any]]:
        """See :class:`footfall.ports.Profiles`."""
        with self._guard:
            parts = [rows for at, rows in self._changed if at >= since_ms]
        if not parts:
            return []
        with self._parts.lock:
            records = self._parts.engine.records
            rows = np.unique(np.array([self._root(int(row)) for row in np.unique(np.concatenate(parts))], np.int32))
            rows = rows[(records["site"][rows] == site) & (records["n_events"][rows] > 0)]
            rows = rows[np.argsort(-records["last_seen"][rows], kind="stable")][:limit]
            copies = records[rows].copy()
        return self._live_rows(site, rows, copies)

    def _live_rows(self, site: int, rows: np.ndarray, records: np.ndarray) -> list[dict[str, Any]]:
        keys: list[int] = []
        for r in records:
            keys += [int(r["section_now"]), int(r["page_now"]), int(r["region"]), int(r["city"])]
        names = self._names(site, list(dict.fromkeys(keys)))
        return [self._live_row(site, int(row), r, names) for row, r in zip(rows, records, strict=True)]

    def _live_row(self, site: int, row: int, r: Any, names: dict[int, str]) -> dict[str, Any]:
        visitor_id = self._ids.of(site, row)
        users = [i.text for i in self._identities([row]) if i.what == USER] if r["user_key"] else []
        lines = _cart_lines(r)
        return {
            "visitor_id": visitor_id,
            "label": users[0] if users else visitor_id[:8],
            "state": _state(r),
            "last_seen": iso(int(r["last_seen"])),
            "session": {
                "number": int(r["session_number"]),
                "started": iso(int(r["session_start"])),
                "n_events": int(r["session_n_events"]),
                "dwell_s": round(float(r["session_dwell_s"]), 1),
                "ended": bool(r["states"] & ENDED),
            },
            "section": names.get(int(r["section_now"])),
            "url": names.get(int(r["page_now"])),
            "channel": Channel(int(r["session_channel"])).name.lower(),
            "device": Device(int(r["device"])).name.lower(),
            "geo": _geo(r, names),
            "cart": {"n_items": round(_cart_n(r, lines)), "value": round(_cart_value(r, lines), 2)},
            "orders": {"n": int(r["counts"][Kind.ORDER]), "revenue": round(float(r["revenue"]), 2)},
            "currency": self._parts.engine.settings.base_currency,
        }

    # -- one visitor -----------------------------------------------------------------------------------------------

    def visitor(self, site: int, any_id: str) -> dict[str, Any] | None:
        """See :class:`footfall.ports.Profiles`."""
        row = self._row(site, any_id)
        if row < 0:
            return None
        engine = self._parts.engine
        values = np.empty((1, N_FEATURES), np.float32)
        with self._parts.lock:
            record = engine.records[row : row + 1].copy()
            traits = engine.traits_of(row)
        r = record[0]
        now = max(self._clock.now_ms(), int(r["last_seen"]))
        features_into(record, np.zeros(1, np.int32), np.array([now], np.int64), values)
        lines = _cart_lines(r)
        keys = [int(key) for key, _, _ in lines]
        keys += [
            int(r[f]) for f in ("landing", "section_now", "page_now", "campaign", "keyword", "query", "region", "city")
        ]
        keys += [int(key) for f in ("recent_products", "recent_categories", "section_keys") for key in r[f]]
        names = self._names(site, keys)
        currency = engine.settings.base_currency

        def name(field: str) -> str | None:
            return names.get(int(r[field]))

        return {
            "visitor_id": self._ids.of(site, row),
            "identities": [
                {"type": "user" if i.what == USER else "anonymous", "id": i.text, "is_shared": i.is_shared}
                for i in self._identities(self._family(row))
            ],
            "traits": traits,
            "state": _state(r),
            "first_seen": iso(int(r["first_seen"])),
            "last_seen": iso(int(r["last_seen"])),
            "sessions": {
                "n": int(r["session_number"]),
                "started": iso(int(r["session_start"])) if r["session_number"] else None,
                "last": iso(int(r["session_last"])) if r["session_number"] else None,
                "n_events": int(r["session_n_events"]),
                "dwell_s": round(float(r["session_dwell_s"]), 1),
                "ended": bool(r["states"] & ENDED),
                "landing": name("landing"),
                "section": name("section_now"),
                "url": name("page_now"),
                "campaign": name("campaign"),
                "keyword": name("keyword"),
                "query": name("query"),
            },
            "counts": {KIND_NAMES[k]: int(r["counts"][k]) for k in range(N_KINDS) if r["counts"][k]},
            "session_counts": {
                KIND_NAMES[k]: int(r["session_counts"][k]) for k in range(N_KINDS) if r["session_counts"][k]
            },
            "cart": {
                "items": [
                    {"product_id": names.get(key, f"{key:016x}"), "quantity": quantity, "price": price or None}
                    for key, price, quantity in lines
                ],
                "n_items": round(_cart_n(r, lines), 3),
                "value": round(_cart_value(r, lines), 2),
                "currency": currency,
            },
            "orders": {
                "n": int(r["counts"][Kind.ORDER]),
                "revenue": round(float(r["revenue"]), 2),
                "refunded": round(float(r["refunded"]), 2),
                "store_n": int(r["store_orders"]),
                "store_revenue": round(float(r["store_revenue"]), 2),
                "currency": currency,
            },
            "channel": Channel(int(r["session_channel"])).name.lower(),
            "device": Device(int(r["device"])).name.lower(),
            "os": Os(int(r["os"])).name.lower(),
            "browser": Browser(int(r["browser"])).name.lower(),
            "geo": _geo(r, names),
            "recent_products": [names.get(int(k), f"{int(k):016x}") for k in r["recent_products"] if k],
            "recent_categories": [names.get(int(k), f"{int(k):016x}") for k in r["recent_categories"] if k],
            "sections": _sections(r, names),
            "features": {f.name: _number(values[0, k]) for k, f in enumerate(CATALOGUE)},
            "propensity": {"session": None, "week": None, "reasons": []},
            "stage": None,
            "segments": [],
            "journeys": [],
        }

    def timeline(self, site: int, any_id: str, *, limit: int, cursor: str | None) -> dict[str, Any] | None:
        """See :class:`footfall.ports.Profiles`."""
        row = self._row(site, any_id)
        if row < 0:
            return None
        try:
            before = int(cursor) if cursor else 1 << 62
        except ValueError as error:
            raise BadInput("This cursor isn't one that was given out.", code="bad_cursor") from error
        family = self._family(row)
        items = self._recent_items(site, family, before)
        known = {item["offset"] for item in items}
        marks = ",".join("?" * len(family))
        table = self._parts.lake.query(
            f'SELECT "offset", time_ms, kind, name, url, section, product_id, price, payload FROM events '  # noqa: S608
            f"WHERE site = ? AND row IN ({marks}) AND time_ms < ? ORDER BY time_ms DESC LIMIT ?",
            [site, *family, before, limit + 1],
        )
        for item in table.to_pylist():
            if item["offset"] not in known:
                items.append(item)
        items.sort(key=lambda item: (-item["time_ms"], -item["offset"]))
        with self._parts.lock:
            number = int(self._parts.engine.records[row]["session_number"])
        timeout_ms = self._parts.engine.settings.session_timeout_s * 1000
        shown = _with_sessions(items[: limit + 1], number if cursor is None else 0, timeout_ms)
        return {
            "items": shown[:limit],
            "cursor": str(items[limit - 1]["time_ms"]) if len(items) > limit else None,
        }

    def _recent_items(self, site: int, family: Sequence[int], before: int) -> list[dict[str, Any]]:
        with self._guard:
            gap = self._recent_from > self._parts.lake.position()
        if gap:  # more came in than memory keeps since the lake was last written
            self._parts.commit()
            self._parts.write_lake()
        with self._guard:
            recent = list(self._recent)
        found = []
        for columns, rows in recent:
            events = columns.events
            wanted = np.isin(rows, family) & (events["status"] == int(Status.APPLIED)) & (events["time"] < before)
            found += [(columns, int(i)) for i in np.flatnonzero(wanted)]
        names = self._names(site, [int(c.events[i][f]) for c, i in found for f in ("page", "section")])
        return [
            {
                "offset": int(columns.offsets[i]),
                "time_ms": int(columns.events[i]["time"]),
                "kind": int(columns.events[i]["kind"]),
                "name": None,
                "url": names.get(int(columns.events[i]["page"])),
                "section": names.get(int(columns.events[i]["section"])),
                "product_id": None,
                "price": float(columns.events[i]["price"]),
                "payload": columns.line(i).decode("utf-8", "replace"),
            }
            for columns, i in found
        ]

    # -- ledger and refused events ---------------------------------------------------------------------------------

    def ledger(self) -> dict[str, int]:
        """See :class:`footfall.ports.Profiles`."""
        with self._parts.lock:
            out = self._parts.engine.ledger(self._parts.log.next_offset())
            behind = self._clock.now_ms() - self._parts.engine.counters["clock_ms"]
        return {**out, "lag_ms": max(0, behind) if out["lag_events"] else 0}

    def failed(self, site: int, *, limit: int, cursor: str | None, reason: str | None) -> dict[str, Any]:
        """See :class:`footfall.ports.Profiles`."""
        self._parts.commit()
        try:
            before = int(cursor) if cursor else None
        except ValueError as error:
            raise BadInput("This cursor isn't one that was given out.", code="bad_cursor") from error
        by_reason = self._parts.store.n_failed_by_reason(site)
        rows: list[Failed] = []
        while len(rows) <= limit:
            page = self._parts.store.failed(site, limit + 1, before)
            rows += [row for row in page if reason is None or row.reason == reason]
            if len(page) <= limit:
                break
            before = page[-1].offset
        return {
            "failed": [_failed_row(row) for row in rows[:limit]],
            "total": sum(by_reason.values()) if reason is None else by_reason.get(reason, 0),
            "by_reason": by_reason,
            "cursor": str(rows[limit - 1].offset) if len(rows) > limit else None,
        }

    def replay_failed(self, site: int, offsets: Sequence[int] | None, reason: str | None) -> int:
        """See :class:`footfall.ports.Profiles`."""
        self._parts.commit()
        store = self._parts.store
        if offsets is None:
            rows, before = [], None
            while page := store.failed(site, 1000, before):
                rows += page
                before = page[-1].offset
        else:
            rows = store.failed_at(offsets)
        rows = [
            row for row in rows
            if row.site == site and not row.is_replayed and (reason is None or row.reason == reason)
        ]  # fmt: skip
        entries = [
            msgspec.structs.replace(
                row.entry,
                source=int(Source.REPLAY),
                n=1,
                body=_one_line(row.entry.body),
                reject="",
                replay_of=row.offset,
            )
            for row in sorted(rows, key=lambda row: row.offset)
        ]
        for start in range(0, len(entries), 1000):
            self._parts.log.append(entries[start : start + 1000])
        self._parts.wake()
        return len(entries)

    # -- merges ----------------------------------------------------------------------------------------------------

    def merges(self, site: int, any_id: str) -> list[dict[str, Any]] | None:
        """See :class:`footfall.ports.Profiles`."""
        row = self._row(site, any_id)
        if row < 0:
            return None
        found = {m.merge_id: m for at in self._family(row) for m in self._merges_of(at)}
        return [self._merge_row(site, found[k]) for k in sorted(found, reverse=True)]

    def _merge_row(self, site: int, merge: Merge) -> dict[str, Any]:
        return {
            "merge_id": merge.merge_id,
            "time": iso(merge.time_ms),
            "winner": self._ids.of(site, merge.winner),
            "loser": self._ids.of(site, merge.loser),
            "is_undone": merge.is_undone,
        }

    def undo_merge(self, site: int, merge_id: int) -> dict[str, Any]:
        """See :class:`footfall.ports.Profiles`; both records are made again from what they were and all that came since."""
        parts = self._parts
        with parts.applying:  # nothing comes in meanwhile, so that the lake has everything
            parts.commit()
            parts.write_lake()
            merge = parts.store.merge(merge_id)
            if merge is None or merge.site != site:
                raise Missing("There is no such merge.", code="no_merge")
            if merge.is_undone:
                raise BadInput("This merge was already taken back.", code="already_undone")
            engine = parts.engine
            if self._root(merge.loser) != merge.winner or engine.records[merge.winner]["merged_into"]:
                raise BadInput("A later merge stands on this one: take that one back first.", code="not_the_last")
            family = self._family(merge.winner)
            marks = ",".join("?" * len(family))
            rows = parts.lake.query(
                f'SELECT "offset", payload, entry FROM events WHERE site = ? AND row IN ({marks}) '  # noqa: S608
                f'AND "offset" >= ? ORDER BY "offset"',
                [site, *family, merge.offset],
            ).to_pylist()
            later = [
                m for m in reversed(self._merges_of(merge.winner))
                if m.winner == merge.winner and m.merge_id > merge_id and not m.is_undone
            ]  # fmt: skip
            loser_rows = set(self._family(merge.loser))
            loser_keys = {i.key for i in self._identities(list(loser_rows))}
            entries: list[tuple[int, Entry]] = [(r["offset"], entry_of(r["entry"], r["payload"])) for r in rows]
            with parts.lock:
                engine.undo_merge(merge, later, loser_keys, entries)
            self.note_rows(np.array([merge.winner, merge.loser], np.int32))
            parts.commit()
        return self._merge_row(site, msgspec.structs.replace(merge, is_undone=True))


def _state(r: Any) -> str:
    if r["states"] & PAYING:
        return "paying"
    if r["states"] & KNOWN:
        return "known"
    return "returning" if r["session_number"] > 1 else "first_time"


def _geo(r: Any, names: dict[int, str]) -> dict[str, str | None]:
    return {
        "country": country_text(int(r["country"])) or None,
        "region": names.get(int(r["region"])),
        "city": names.get(int(r["city"])),
    }


def _cart_lines(r: Any) -> list[tuple[int, float, float]]:
    n = int(r["n_cart"])
    return [
        (int(k), round(float(p), 4), round(float(q), 4))
        for k, p, q in zip(r["cart_products"][:n], r["cart_prices"][:n], r["cart_quantities"][:n], strict=True)
    ]


def _cart_n(r: Any, lines: list[tuple[int, float, float]]) -> float:
    return sum(q for _, _, q in lines) + float(r["cart_rest_n"])


def _cart_value(r: Any, lines: list[tuple[int, float, float]]) -> float:
    return sum(p * q for _, p, q in lines) + float(r["cart_rest_value"])


def _sections(r: Any, names: dict[int, str]) -> list[dict[str, Any]]:
    rows = [
        {"section": names.get(int(k), f"{int(k):016x}"), "dwell_s": round(float(d), 1), "n_events": int(v)}
        for k, d, v in zip(r["section_keys"], r["section_dwell"], r["section_views"], strict=True)
        if k
    ]
    return sorted(rows, key=lambda row: -float(row["dwell_s"]))


def _number(value: Any) -> float | None:
    number = float(value)
    return round(number, 6) if np.isfinite(number) else None


def _one_line(body: bytes) -> bytes:
    return body.replace(b"\n", b" ").replace(b"\r", b" ")


def _failed_row(row: Failed) -> dict[str, Any]:
    try:
        event: Any = msgspec.json.decode(row.entry.body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
        event = row.entry.body.decode("utf-8", "replace")
    return {
        "offset": row.offset,
        "received_at": iso(row.received_ms),
        "reason": row.reason,
        "advice": REASONS.get(row.reason, ""),
        "detail": row.detail,
        "event": event,
    }


def _with_sessions(items: list[dict[str, Any]], number: int, timeout_ms: int) -> list[dict[str, Any]]:
    """Timeline items, newest first, each with its session's number and the time until the next one of the session."""
    out: list[dict[str, Any]] = []
    after: int | None = None
    for item in items:
        is_same = after is not None and after - item["time_ms"] <= timeout_ms
        if after is not None and not is_same:
            number -= 1
        try:
            payload = msgspec.json.decode(item["payload"])
        except (msgspec.MsgspecError, RecursionError, ValueError):
            payload = {}
        properties = payload.get("properties") if isinstance(payload, dict) else None
        properties = properties if isinstance(properties, dict) else {}
        page = payload.get("context", {}).get("page") if isinstance(payload.get("context"), dict) else None
        title = properties.get("title") or (page.get("title") if isinstance(page, dict) else None)
        product = item["product_id"] or properties.get("product_id")
        price = item["price"]
        out.append(
            {
                "time": iso(item["time_ms"]),
                "kind": KIND_NAMES[item["kind"]],
                "name": item["name"]
                or text_of(payload.get("event"))
                or text_of(payload.get("name"))
                or payload.get("type"),
                "url": item["url"],
                "section": item["section"],
                "title": title if isinstance(title, str) else None,
                "product_id": text_of(product) if isinstance(product, str | int | float) else None,
                "price": round(price, 2) if price is not None and price == price else None,
                "dwell_s": round((after - item["time_ms"]) / 1000, 1) if after is not None and is_same else None,
                "session": number if number > 0 else None,
            }
        )
        after = item["time_ms"]
    return out
