"""What is known about a visitor right now? Reads profiles straight from the engine's memory, for the API.

Every method takes the engine's lock only to copy what it needs. The timeline is read from the lake, and from the last
events in memory for what the lake doesn't have yet.
"""

import contextlib
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from footfall.base.clock import Clock
from footfall.base.codes import Browser, Channel, Device, Flag, Os, Status
from footfall.base.errors import BadInput, FootfallError, Missing, Unavailable
from footfall.base.ids import ANONYMOUS, USER, identity_key
from footfall.base.kinds import KIND_NAMES, N_KINDS, Kind
from footfall.base.times import iso
from footfall.engine import Engine
from footfall.events.clean import identity_text
from footfall.events.columns import Columns, country_text, text_of
from footfall.events.reasons import REASONS
from footfall.events.wire import Entry, Event, Source
from footfall.history import entry_of, product_of
from footfall.models.reasons import top_reasons
from footfall.models.rows import SESSION, TARGETS, WEEK
from footfall.models.scorer import Scored, Scorer
from footfall.models.scoring import Scoring
from footfall.ports import STATES, EventLog, Failed, Identity, Lake, Merge, RecordStore
from footfall.record.admit import root_of
from footfall.record.features import CATALOGUE, N_FEATURES, features_into
from footfall.record.layout import ENDED, KNOWN, PAYING
from footfall.record.rates import Rates

_RECENT_MAX_EVENTS = 50_000
_RECENT_MAX_BYTES = 64 << 20
_MAGIC = b"footfall-v"
_FOUND_MAX = 1_000
"""Most visitors that a search finds."""
_Q_MIN = 2
"""Characters from which on names are searched."""
_NAMING = frozenset(
    {"email", "name", "firstname", "lastname", "fullname", "username", "nickname", "displayname", "company", "phone"}
)
"""Traits by which people are looked for, without case and underscores."""
_SORTS = ("last_seen", "events", "dwell", "cart", "revenue", "propensity")
_UNKNOWN = -1.0
"""A score that wasn't made yet; NaN is one that can't be."""
_SCORE = np.dtype([("scores", "f4", (len(TARGETS),)), ("version", "i4")])
"""What a visitor was given last, and by which version."""
_SCORED_AT_ONCE = 4_096
"""Records that are copied under the lock to be scored on demand."""
_N_REASONS = 3
_STORE = int(Flag.STORE)
_OUTSIDE = frozenset({int(Kind.EMAIL_OPENED), int(Kind.REFUND)})
"""Kinds that never begin, lengthen or end a session."""
_TOO_LARGE = frozenset({"event_too_large", "batch_too_large"})
_REPLAY_AT_ONCE = 500
_INT64_MAX = (1 << 63) - 1


class VisitorIds:
    """Public visitor ids: a row, encrypted with the installation's key. Unguessable, stable, and stored nowhere."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # one block that never repeats: no chaining needed

    def of(self, site: int, row: int) -> str:
        """32 hex digits."""
        return self.of_all(site, [row])[0]

    def of_all(self, site: int, rows: Sequence[int]) -> list[str]:
        """32 hex digits of each row."""
        encryptor = self._cipher.encryptor()
        tail = site.to_bytes(2, "big") + _MAGIC
        blocks = b"".join([row.to_bytes(4, "big") + tail for row in rows])
        text = (encryptor.update(blocks) + encryptor.finalize()).hex()
        return [text[start : start + 32] for start in range(0, len(text), 32)]

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
    """What the host lends: its parts, and the locks around the engine."""

    @property
    def engine(self) -> Engine:
        """The engine as it is now; the host may replace it."""
        ...

    @property
    def log(self) -> EventLog:
        """Where second tries go."""
        ...

    @property
    def store(self) -> RecordStore:
        """What was committed."""
        ...

    @property
    def lake(self) -> Lake:
        """The past."""
        ...

    @property
    def lock(self) -> threading.RLock:
        """Held around the engine's memory."""
        ...

    @property
    def applying(self) -> threading.RLock:
        """Held while the engine moves; taken before ``lock``."""
        ...

    @property
    def scoring(self) -> Scoring:
        """Who scores which site."""
        ...

    @property
    def wake(self) -> Callable[[], None]:
        """Tells that the log has something new."""
        ...

    def ledger(self, site: int = 0) -> dict[str, int]:
        """Where every event is, at one moment; of a site, or of all (0)."""
        ...

    def commit(self) -> bool:
        """Store what changed; raises Unavailable if that can't be done now."""
        ...

    def write_lake(self) -> None:
        """Carry what is committed to the lake."""
        ...


class _Recent(NamedTuple):
    """A batch applied a moment ago, with the rows its events had then."""

    columns: Columns
    rows: np.ndarray
    n_bytes: int


class _Place(NamedTuple):
    """Where a page of a timeline ends: time and offset of its last event, and the number of the session it was in."""

    time_ms: int = _INT64_MAX
    offset: int = _INT64_MAX
    session: int = 0


class LiveProfiles:
    """The engine's visitors as the API shows them; carries out :class:`footfall.ports.Profiles`."""

    def __init__(self, parts: Parts, ids: VisitorIds, clock: Clock) -> None:
        self._parts = parts
        self._ids = ids
        self._clock = clock
        self._recent: deque[_Recent] = deque()
        self._n_recent = 0
        self._n_recent_bytes = 0
        self._recent_from = parts.engine.next_offset
        self._changed_ms = np.zeros(1024, np.int64)
        self._last_change_ms = 0
        self._scored = _unscored(1024)
        self._n_forgotten = 0
        self._guard = threading.Lock()
        self._replaying: set[int] = set()
        self._replay_lock = threading.Lock()

    # -- fed by the host -------------------------------------------------------------------------------------------

    def note(self, columns: Columns, n_bytes: int) -> None:
        """Remember a batch that was just applied; ``n_bytes`` is about what it holds in memory."""
        events = columns.events
        with self._guard:
            self._recent.append(_Recent(columns, events["row"], n_bytes))
            self._n_recent += len(columns)
            self._n_recent_bytes += n_bytes
            while len(self._recent) > 1 and (
                self._n_recent > _RECENT_MAX_EVENTS or self._n_recent_bytes > _RECENT_MAX_BYTES
            ):
                gone = self._recent.popleft()
                self._n_recent -= len(gone.rows)
                self._n_recent_bytes -= gone.n_bytes
                self._recent_from = int(self._recent[0].columns.offsets[0])
        rows = events["row"][events["status"] == int(Status.APPLIED)]
        with self._guard:
            self._scored["scores"][rows[rows < len(self._scored)]] = (
                _UNKNOWN  # until note_scored, or until somebody looks
            )
        self.note_rows(rows)

    def note_rows(self, rows: np.ndarray) -> None:
        """Remember that these visitors changed now."""
        if not len(rows):
            return
        with self._guard:  # the clock is read inside, so that a reader's moment before it is before every later change
            most = int(rows.max())
            if most >= len(self._changed_ms):
                grown = np.zeros(max(most + 1, 2 * len(self._changed_ms)), np.int64)
                grown[: len(self._changed_ms)] = self._changed_ms
                self._changed_ms = grown
            self._last_change_ms = self._clock.now_ms()
            self._changed_ms[rows] = self._last_change_ms

    def note_ended(self, rows: np.ndarray) -> None:
        """Remember that the sessions of these visitors ended now: what was said of them was said before."""
        self._forget(rows)
        self.note_rows(rows)

    def note_scored(self, scored: Scored) -> None:
        """Remember what a batch gave its visitors."""
        with self._guard:
            self._reach(int(scored.rows[-1]))
            self._scored["scores"][scored.rows] = scored.scores
            self._scored["version"][scored.rows] = scored.versions

    def forget_scores(self, _: int) -> None:
        """A site has another model: visitors are scored anew when they do something, or somebody looks.

        Those of all sites are, as looking up whose is whose in millions of records would take longer.
        """
        with self._guard:
            self._scored["scores"] = _UNKNOWN
            self._n_forgotten += 1

    def _forget(self, rows: np.ndarray) -> None:
        with self._guard:
            self._scored["scores"][rows[rows < len(self._scored)]] = _UNKNOWN
            self._n_forgotten += 1

    def _reach(self, most: int) -> None:
        if most >= len(self._scored):
            grown = _unscored(max(most + 1, 2 * len(self._scored)))
            grown[: len(self._scored)] = self._scored
            self._scored = grown

    def _scores(self, site: int, rows: np.ndarray) -> np.ndarray:
        """SCORE[n] of these visitors of a site, as of their last event; those not known are made now, and kept."""
        if not len(rows):
            return _unscored(0)
        with self._guard:
            self._reach(int(rows.max()))
            found: np.ndarray = self._scored[rows]
        missing = np.flatnonzero(found["scores"][:, SESSION] == _UNKNOWN)
        for start in range(0, len(missing), _SCORED_AT_ONCE):
            at = missing[start : start + _SCORED_AT_ONCE]
            with self._guard:
                n_forgotten = self._n_forgotten
            with self._parts.lock:
                records = self._parts.engine.records[rows[at]]
                rates = self._parts.engine.facts.rates
            found["scores"][at], found["version"][at] = self._scored_now(site, records, rates)[1:]
            with self._guard:
                if n_forgotten == self._n_forgotten:
                    is_new = self._scored["scores"][rows[at], SESSION] == _UNKNOWN  # else the engine was faster
                    self._scored[rows[at][is_new]] = found[at[is_new]]
        return found

    def _scored_now(self, site: int, records: np.ndarray, rates: Rates) -> tuple[np.ndarray, np.ndarray, int]:
        """Features float32[n, N_FEATURES] as of each record's last event, scores float32[n, 2], and who scored."""
        features = np.empty((len(records), N_FEATURES), np.float32)
        scores = np.empty((len(records), len(TARGETS)), np.float32)
        features_into(records, np.arange(len(records), dtype=np.int32), records["last_seen"].copy(), rates, features)
        return features, scores, self._parts.scoring.scores_of(site, features, scores)

    # -- finding ---------------------------------------------------------------------------------------------------

    def _root(self, row: int) -> int:
        return int(root_of(self._parts.engine.records, row))

    def row(self, site: int, any_id: str) -> int:
        """Row of a visitor by visitor id, user id or anonymous id; -1 if there is none."""
        engine = self._parts.engine
        with self._parts.lock:
            row = self._ids.row(site, any_id)
            if 0 <= row < engine.n_rows and engine.records[row]["site"] == site:
                return self._root(row)
            text = identity_text(any_id)
            for what in (USER, ANONYMOUS) if text is not None else ():
                row = engine.row_of(site, what, text or "")
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
        with self._parts.lock:
            known = {m.merge_id: m for m in self._parts.engine.pending_merges()}
        merges = {m.merge_id: m for m in self._parts.store.merges_of(row)} | known
        return [merges[k] for k in sorted(merges, reverse=True) if row in (merges[k].winner, merges[k].loser)]

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
                found = {**self._parts.engine.pending_names(site, wanted), **found}
        return found

    def live_rows(self, site: int) -> np.ndarray:
        """int32[n]: rows of the visitors with an open session."""
        engine = self._parts.engine
        with self._parts.lock:
            rows = engine.timers.rows()
        records = engine.records
        kept = rows[(records["site"][rows] == site) & (records["n_events"][rows] > 0)]
        since = self._clock.now_ms() - engine.settings.session_timeout_s * 1000
        return np.asarray(kept[(records["session_last"][kept] >= since) & (records["states"][kept] & ENDED == 0)])

    def labels(self, site: int, rows: np.ndarray) -> list[tuple[str, str]]:
        """Visitor id, and what a visitor is called in lists, of each row."""
        with self._parts.lock:
            records = self._parts.engine.records[rows]
        users = self._users(rows, records)
        ids = self._ids.of_all(site, rows.tolist())
        return [(visitor_id, users.get(int(row), visitor_id[:8])) for row, visitor_id in zip(rows, ids, strict=True)]

    def session_scores(self, site: int, rows: np.ndarray) -> np.ndarray:
        """float32[n]: propensities to order in the session, as of each one's last event; NaN for bots."""
        scores: np.ndarray = self._scores(site, rows)["scores"][:, SESSION]
        return scores

    # -- lists -----------------------------------------------------------------------------------------------------

    def visitors(
        self, site: int, *, is_live: bool, limit: int, cursor: str | None, q: str, sort: str, state: str = ""
    ) -> dict[str, Any]:
        """See :class:`footfall.ports.Profiles`."""
        if sort not in _SORTS:
            raise BadInput(f"`sort` is one of {', '.join(_SORTS)}.", code="bad_sort")
        if state and state not in STATES:
            raise BadInput(f"`state` is one of {', '.join(STATES)}.", code="bad_state")
        (start,) = _numbers(cursor, 1) if cursor else (0,)
        engine = self._parts.engine
        if q:
            rows = self._matching(site, q.strip())
            is_live = False
        else:
            rows = np.arange(engine.n_rows, dtype=np.int32)
        # without the lock: this may be a long walk, and a row that moves meanwhile is sorted as it was or as it is
        records = engine.records
        if is_live:
            kept = self.live_rows(site)
        else:
            kept = rows[(records["site"][rows] == site) & (records["n_events"][rows] > 0)]
        if state:
            kept = kept[_states(records["states"][kept], records["session_number"][kept]) == STATES.index(state)]
        if sort == "propensity":
            values = np.nan_to_num(self._scores(site, kept)["scores"][:, SESSION], nan=-1.0)
        else:
            values = _sort_values(records, kept, sort)
        page = _largest(kept, values, start + limit)[start:]
        with self._parts.lock:
            copies = engine.records[page]
        return {
            "visitors": self._live_rows(site, page, copies),
            "total": len(kept),
            "cursor": str(start + limit) if start + limit < len(kept) else None,
        }

    def _matching(self, site: int, q: str) -> np.ndarray:
        """Rows of visitors with an id that begins with this, or whose name or e-mail has words that do."""
        row = self.row(site, q)
        found = {row} if row >= 0 else set()
        named = self._named(site, q.casefold().split()) if len(q) >= _Q_MIN else []
        with self._parts.lock:
            pending = self._parts.engine.pending_identities()
            known = [*self._parts.store.search(site, q, _FOUND_MAX), *(i for i in pending if i.site == site)]
            found |= {self._root(i.row) for i in known if i.row >= 0 and i.text.startswith(q)}
            found |= {self._root(row) for row in named}
        return np.array(sorted(found), np.int32)

    def _named(self, site: int, words: list[str]) -> list[int]:
        """Rows whose naming traits, as of the last commit, have for each of these a word that begins with it."""
        plain = [word for word in words if word.isascii() and word.isprintable() and not {'"', "\\"} & set(word)]
        sites = self._parts.engine.records["site"]
        patterns = [re.compile(("(?<![^\\W_])" if word[0].isalnum() else "") + re.escape(word)) for word in words]
        found: list[int] = []
        for row, traits in self._parts.store.traits_holding(max(plain, key=len, default="")):
            if row >= len(sites) or sites[row] != site or not _is_named(traits, patterns):
                continue
            found.append(row)
            if len(found) == _FOUND_MAX:
                break
        return found

    def changed_since(self, site: int, since_ms: int, limit: int) -> list[dict[str, Any]]:
        """See :class:`footfall.ports.Profiles`."""
        with self._guard:
            if self._last_change_ms < since_ms:
                return []
            rows = np.flatnonzero(self._changed_ms >= since_ms).astype(np.int32)
            times = self._changed_ms[rows]
        with self._parts.lock:
            records = self._parts.engine.records
            for i in np.flatnonzero(records["merged_into"][rows]):
                rows[i] = self._root(int(rows[i]))
            is_here = (records["site"][rows] == site) & (records["n_events"][rows] > 0)
            rows, times = rows[is_here], times[is_here]
            order = np.lexsort((rows, -records["last_seen"][rows], -times))
            rows, times = rows[order], times[order]
            _, firsts = np.unique(rows, return_index=True)  # a visitor and what was merged into it: once
            page = rows[np.sort(firsts)][:limit]
            copies = records[page]
        return self._live_rows(site, page, copies)

    def _live_rows(self, site: int, rows: np.ndarray, records: np.ndarray) -> list[dict[str, Any]]:
        keys: list[int] = []
        for r in records:
            keys += [int(r["section_now"]), int(r["page_now"]), int(r["region"]), int(r["city"])]
        names = self._names(site, list(dict.fromkeys(keys)))
        users = self._users(rows, records)
        scores = self._scores(site, rows)
        return [
            {**self._live_row(site, int(row), r, names, users), "propensity": _row_propensity(scored)}
            for row, r, scored in zip(rows, records, scores, strict=True)
        ]

    def _users(self, rows: np.ndarray, records: np.ndarray) -> dict[int, str]:
        """User ids by row, of the visitors that have one."""
        keys = {int(row): int(r["user_key"]) for row, r in zip(rows, records, strict=True) if r["user_key"]}
        if not keys:
            return {}
        with self._parts.lock:
            pending = {i.key: i.text for i in self._parts.engine.pending_identities()}
        found: dict[int, str] = {}
        for row, key in keys.items():
            text = pending.get(key)
            if text is None:
                text = next((i.text for i in self._parts.store.identities_of(row) if i.key == key), None)
            if text is not None:
                found[row] = text
        return found

    def _live_row(self, site: int, row: int, r: Any, names: dict[int, str], users: dict[int, str]) -> dict[str, Any]:
        visitor_id = self._ids.of(site, row)
        lines = _cart_lines(r)
        return {
            "visitor_id": visitor_id,
            "label": users.get(row, visitor_id[:8]),
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
        row = self.row(site, any_id)
        if row < 0:
            return None
        engine = self._parts.engine
        values = np.empty((1, N_FEATURES), np.float32)
        with self._parts.lock:
            record = engine.records[row : row + 1].copy()
            traits, rates = engine.traits_of(row), engine.facts.rates
        r = record[0]
        now = max(self._clock.now_ms(), int(r["last_seen"]))
        features_into(record, np.zeros(1, np.int32), np.array([now], np.int64), rates, values)
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
            "propensity": self._propensity(site, record, rates),
            "stage": None,
            "segments": [],
            "journeys": [],
        }

    def _propensity(self, site: int, record: np.ndarray, rates: Rates) -> dict[str, Any]:
        """How likely an order is as of the record's last event (RECORD[1]), who says so, and why."""
        features, scores, version = self._scored_now(site, record, rates)
        scoring = self._parts.scoring
        scorer = scoring.of(site) if version else scoring.prior
        session, week = (_probability(score) for score in scores[0])
        return {
            "session": session,
            "week": week,
            "scored_by": {**_scored_by(version), "is_calibrated": scorer.is_calibrated},
            "at": iso(int(record[0]["last_seen"])),
            "reasons": [] if session is None else self._reasons(site, scorer, features[0], SESSION),
            "week_reasons": [] if week is None else self._reasons(site, scorer, features[0], WEEK),
        }

    def _reasons(self, site: int, scorer: Scorer, features: np.ndarray, target: int) -> list[dict[str, Any]]:
        columns, effects = self._parts.scoring.explain(site, scorer, features, target)
        names = [CATALOGUE[column].name for column in columns]
        currency = self._parts.engine.settings.base_currency
        return [
            {"feature": r.feature, "value": _number(r.value), "effect": round(r.effect, 4), "words": r.words}
            for r in top_reasons(names, features[columns], effects, _N_REASONS, currency)
        ]

    def timeline(self, site: int, any_id: str, *, limit: int, cursor: str | None) -> dict[str, Any] | None:
        """See :class:`footfall.ports.Profiles`."""
        row = self.row(site, any_id)
        if row < 0:
            return None
        place = _Place(*_numbers(cursor, 3)) if cursor else _Place()
        family = self._family(row)
        items = {item["offset"]: item for item in self._recent_items(site, family, place)}
        items |= {item["offset"]: item for item in self._past_items(site, family, place, limit + 1)}
        found = sorted(items.values(), key=lambda item: (-item["time_ms"], -item["offset"]))
        settings = self._parts.engine.settings
        with self._parts.lock:
            number = place.session if cursor else int(self._parts.engine.records[row]["session_number"])
        after_ms = place.time_ms if cursor and place.session else None
        shown = _with_sessions(found[:limit], number, after_ms, settings.session_timeout_s * 1000, settings.dwell_cap_s)
        last = found[limit - 1] if len(found) > limit else None
        session = next((item["session"] for item in reversed(shown) if item["session"]), place.session)
        return {
            "items": shown,
            "cursor": f"{last['time_ms']}:{last['offset']}:{session}" if last is not None else None,
        }

    def _lenders(self, family: Iterable[int]) -> list[int]:
        """The rows of a family, and those that its events were applied to by merges that were taken back since."""
        rows = list(family)
        with self._parts.lock:
            for at in rows:
                rows.extend(r for r in self._parts.engine.lenders_of(at) if r not in rows)
        return rows

    def _past_items(self, site: int, family: Sequence[int], place: _Place, n: int) -> list[dict[str, Any]]:
        """Events of a family from the lake, newest first: at least ``n`` if there are so many."""
        rows = self._lenders(family)
        marks = ",".join("?" * len(rows))
        found: list[dict[str, Any]] = []
        time_ms, offset = place.time_ms, place.offset
        while len(found) < n:
            page = self._parts.lake.query(
                'SELECT "offset", row, time_ms, kind, flags, name, url, section, product_id, price, payload,'  # noqa: S608
                f" user_id, anonymous_id FROM events WHERE site = ? AND row IN ({marks})"
                ' AND (time_ms < ? OR (time_ms = ? AND "offset" < ?)) ORDER BY time_ms DESC, "offset" DESC LIMIT ?',
                [site, *rows, time_ms, time_ms, offset, n],
            ).to_pylist()
            for item in page:
                key = _key_of(site, item.pop("user_id"), item.pop("anonymous_id"))
                if self._parts.engine.owner_of(item.pop("row"), item["offset"], key) in family:
                    found.append(item)
            if len(page) < n:
                break
            time_ms, offset = page[-1]["time_ms"], page[-1]["offset"]
        return found

    def _recent_items(self, site: int, family: Sequence[int], place: _Place) -> list[dict[str, Any]]:
        with self._guard:
            gap = self._recent_from > self._parts.lake.position()
        if gap:  # more came in than memory keeps since the lake was last written
            with contextlib.suppress(Unavailable):  # what the disk doesn't take now is shown later
                self._parts.commit()
                self._parts.write_lake()
        rows_of_all = self._lenders(family)
        with self._guard:
            recent = list(self._recent)
        found: list[tuple[Columns, int]] = []
        for columns, rows, _ in recent:
            events, offsets = columns.events, columns.offsets
            times = events["time"]
            is_before = (times < place.time_ms) | ((times == place.time_ms) & (offsets < place.offset))
            wanted = np.isin(rows, rows_of_all) & (events["status"] == int(Status.APPLIED)) & is_before
            for i in np.flatnonzero(wanted):
                key = int(events[i]["user_key"]) or int(events[i]["anonymous_key"])
                if self._parts.engine.owner_of(int(rows[i]), int(offsets[i]), key) in family:
                    found.append((columns, int(i)))
        names = self._names(site, [int(c.events[i][f]) for c, i in found for f in ("page", "section")])
        return [
            {
                "offset": int(columns.offsets[i]),
                "time_ms": int(columns.events[i]["time"]),
                "kind": int(columns.events[i]["kind"]),
                "flags": int(columns.events[i]["flags"]),
                "name": None,
                "url": names.get(int(columns.events[i]["page"])),
                "section": names.get(int(columns.events[i]["section"])),
                "product_id": _product_id(columns.event(i)),
                "price": float(columns.events[i]["price"]),
                "payload": columns.line(i).decode("utf-8", "replace"),
            }
            for columns, i in found
        ]

    # -- ledger and refused events ---------------------------------------------------------------------------------

    def ledger(self, site: int = 0) -> dict[str, int]:
        """See :class:`footfall.ports.Profiles`."""
        out = self._parts.ledger(site)
        return {**out, "lag_ms": self._oldest_ms() if out["lag_events"] else 0}

    def _oldest_ms(self) -> int:
        """Age of the oldest event that isn't applied yet."""
        try:
            waiting = self._parts.log.read(self._parts.engine.next_offset, 1)
        except FootfallError:
            return 0
        since_ms = [entry.logged_ms or entry.received_ms for _, entry in waiting]
        return max(0, self._clock.now_ms() - since_ms[0]) if since_ms else 0

    def _commit_if_possible(self) -> None:
        with contextlib.suppress(Unavailable):  # then what is stored already is shown
            self._parts.commit()

    def failed(self, site: int, *, limit: int, cursor: str | None, reason: str | None) -> dict[str, Any]:
        """See :class:`footfall.ports.Profiles`."""
        before = _numbers(cursor, 1)[0] if cursor else None
        self._commit_if_possible()
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
        with self._replay_lock:
            self._commit_if_possible()
            store = self._parts.store
            waiting = store.failed_at(sorted(self._replaying))  # second tries that may not be applied yet
            self._replaying = {row.offset for row in waiting if not row.is_replayed}
            if offsets is None:
                offsets, before = [], None
                while page := store.failed(site, _REPLAY_AT_ONCE, before):
                    offsets += [row.offset for row in page]
                    before = page[-1].offset
            chosen = sorted(set(offsets) - self._replaying)
            n = 0
            for start in range(0, len(chosen), _REPLAY_AT_ONCE):
                rows = [
                    row for row in store.failed_at(chosen[start : start + _REPLAY_AT_ONCE])
                    if row.site == site and not row.is_replayed and reason in (None, row.reason) and _is_whole(row)
                ]  # fmt: skip
                if rows:
                    self._parts.log.append([_again(row, self._clock.now_ms()) for row in rows])
                    self._replaying |= {row.offset for row in rows}
                    n += len(rows)
            self._parts.wake()
            return n

    # -- merges ----------------------------------------------------------------------------------------------------

    def merges(self, site: int, any_id: str) -> list[dict[str, Any]] | None:
        """See :class:`footfall.ports.Profiles`."""
        row = self.row(site, any_id)
        if row < 0:
            return None
        found = {m.merge_id: m for at in self._family(row) for m in self._merges_of(at)}
        return [self._merge_row(site, found[k]) for k in sorted(found, reverse=True)]

    def _merge_row(self, site: int, merge: Merge) -> dict[str, Any]:
        rows = {merge.winner, merge.loser, *self._family(merge.winner), *self._family(merge.loser)}
        texts = {i.key: i.text for i in self._identities(list(rows))}
        return {
            "merge_id": merge.merge_id,
            "time": iso(merge.time_ms),
            "winner": self._ids.of(site, merge.winner),
            "loser": self._ids.of(site, merge.loser),
            "keys": [texts.get(key, f"{key:016x}") for key in (merge.key_a, merge.key_b)],
            "is_undone": merge.is_undone,
        }

    def _keys(self, row: int) -> set[int]:
        """Keys of the identities of a row and of all that was merged into it."""
        return {i.key for i in self._identities(self._family(row))}

    def undo_merge(self, site: int, merge_id: int) -> dict[str, Any]:
        """See :class:`footfall.ports.Profiles`; both records are made again from what they were and all since."""
        parts = self._parts
        with parts.applying:  # nothing comes in meanwhile, so that the lake has everything
            parts.commit()
            parts.write_lake()
            merge = parts.store.merge(merge_id)
            if merge is None or merge.site != site:
                raise Missing("There is no such merge.", code="no_merge")
            if merge.is_undone:
                raise BadInput("This merge was already taken back.", code="already_undone")
            engine, winner = parts.engine, merge.winner
            if self._root(merge.loser) != winner or engine.records[winner]["merged_into"]:
                raise BadInput("A later merge stands on this one: take that one back first.", code="not_the_last")
            rows = self._lenders([winner])
            past = parts.lake.query(
                'SELECT "offset", row, payload, entry, user_id, anonymous_id FROM events WHERE site = ?'  # noqa: S608
                f' AND row IN ({",".join("?" * len(rows))}) AND "offset" >= ? ORDER BY "offset"',
                [site, *rows, merge.offset],
            ).to_pylist()
            entries = [
                (e["offset"], entry_of(e["entry"], e["payload"]))
                for e in past
                if engine.owner_of(e["row"], e["offset"], _key_of(site, e["user_id"], e["anonymous_id"])) == winner
            ]
            later = [
                (m, self._keys(m.loser))
                for m in reversed(self._merges_of(winner))
                if m.winner == winner and m.merge_id > merge_id and not m.is_undone
            ]
            loser_keys = self._keys(merge.loser)
            with parts.lock:
                undone = engine.undo_merge(merge, later, loser_keys, entries)
            rows_now = np.array([winner, merge.loser], np.int32)
            self._forget(rows_now)
            self.note_rows(rows_now)
            parts.commit()
        return self._merge_row(site, undone)


def _numbers(cursor: str, n: int) -> list[int]:
    """The numbers of a cursor, each from 0 to 2^63 - 1; ``BadInput`` if it isn't one that was given out."""
    parts = cursor.split(":")
    if len(parts) == n and all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
        numbers = [int(part) for part in parts]
        if max(numbers) <= _INT64_MAX:
            return numbers
    raise BadInput("This cursor isn't one that was given out.", code="bad_cursor")


def _key_of(site: int, user_id: str | None, anonymous_id: str | None) -> int:
    """Key of an event's user id, or without one of its anonymous id; 0 without both."""
    for what, value in ((USER, user_id), (ANONYMOUS, anonymous_id)):
        text = identity_text(value)
        if text is not None:
            return identity_key(site, what, text)
    return 0


def _largest(rows: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """The ``n`` rows with the largest values, largest first, ties by row; without sorting all of them."""
    if len(rows) > 4 * n:
        is_in = values >= -np.partition(-values, n - 1)[n - 1]
        rows, values = rows[is_in], values[is_in]
    found: np.ndarray = rows[np.lexsort((rows, -values))][:n]
    return found


def _sort_values(records: np.ndarray, rows: np.ndarray, sort: str) -> np.ndarray:
    """What the live rows show, as numbers (float64[len(rows)])."""
    value: np.ndarray
    if sort == "cart":
        lines = records["cart_prices"][rows].astype(np.float64) * records["cart_quantities"][rows]
        value = lines.sum(axis=1) + records["cart_rest_value"][rows]
        return value
    fields = {"last_seen": "last_seen", "events": "session_n_events", "dwell": "session_dwell_s", "revenue": "revenue"}
    value = records[fields[sort]][rows].astype(np.float64)
    return value


def _is_named(traits: dict[str, Any], patterns: Sequence[re.Pattern[str]]) -> bool:
    naming = [text for name, text in traits.items() if isinstance(text, str) and _plain_name(name) in _NAMING]
    text = " ".join(naming).casefold()
    return all(pattern.search(text) for pattern in patterns)


def _plain_name(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")


def _states(states: np.ndarray, session_numbers: np.ndarray) -> np.ndarray:
    """Place in ``STATES`` of each visitor, int64[n], from the record's ``states`` and ``session_number``."""
    return np.where(states & PAYING, 3, np.where(states & KNOWN, 2, np.where(session_numbers > 1, 1, 0)))


def _state(r: Any) -> str:
    return STATES[int(_states(r["states"], r["session_number"]))]


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


def _unscored(n: int) -> np.ndarray:
    scored = np.zeros(n, _SCORE)
    scored["scores"] = _UNKNOWN
    return scored


def _probability(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)


def _scored_by(version: int) -> dict[str, Any]:
    return {"kind": "model" if version else "prior", "version": version}


def _row_propensity(scored: np.void) -> dict[str, Any]:
    session, week = (_probability(score) for score in scored["scores"])
    return {"session": session, "week": week, "scored_by": _scored_by(int(scored["version"]))["kind"]}


def _number(value: Any) -> float | None:
    number = float(value)
    return round(number, 6) if np.isfinite(number) else None


def _product_id(event: Event | None) -> str | None:
    properties = event.properties if event is not None else None
    return text_of(product_of(properties)[0]) or None if properties is not None else None


def _is_whole(row: Failed) -> bool:
    """Whether trying again makes sense: of what was too large only the beginning may have been kept."""
    if row.reason not in _TOO_LARGE:
        return True
    try:
        msgspec.json.decode(row.entry.body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
        return False
    return True


def _again(row: Failed, now_ms: int) -> Entry:
    """The log entry that tries a refused event again; it happened and was received when it did at first."""
    body = row.entry.body.replace(b"\n", b" ").replace(b"\r", b" ")
    return msgspec.structs.replace(
        row.entry, source=int(Source.REPLAY), n=1, body=body, reject="", replay_of=row.offset, logged_ms=now_ms
    )


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


def _dwell_s(item: dict[str, Any], after_ms: int, cap_s: int) -> float:
    """Dwell from an item to the next one of its session, as the record counts it: none after an engagement."""
    return 0.0 if item["kind"] == Kind.ENGAGEMENT else round(min((after_ms - item["time_ms"]) / 1000, cap_s), 1)


def _names_page(newer: dict[str, Any], item: dict[str, Any]) -> bool:
    """Whether an item is a page view and the one after it says in which section the page is."""
    is_product = newer["kind"] == Kind.PRODUCT_VIEW and bool(newer["flags"] & Flag.PAGE_NAMED)
    return is_product and item["kind"] == Kind.PAGE_VIEW and newer["url"] == item["url"]


def _with_sessions(
    items: list[dict[str, Any]], number: int, after_ms: int | None, timeout_ms: int, cap_s: int
) -> list[dict[str, Any]]:
    """Timeline items, newest first, each with its session's number and the dwell until the next one of the session.

    ``number`` is that of the session of the newest item, or of the item at ``after_ms`` if that is given. What happened
    in a store or in a mail stands outside of sessions.
    """
    out: list[dict[str, Any]] = []
    after = after_ms
    newer: dict[str, Any] | None = None
    for item in items:
        is_visit = item["kind"] not in _OUTSIDE and not item["flags"] & _STORE
        is_same = is_visit and after is not None and after - item["time_ms"] <= timeout_ms
        if is_visit and after is not None and not is_same:
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
        section = item["section"]
        if newer is not None and is_same and _names_page(newer, item):
            section = newer["section"]
        out.append(
            {
                "time": iso(item["time_ms"]),
                "kind": KIND_NAMES[item["kind"]],
                "name": item["name"]
                or text_of(payload.get("event"))
                or text_of(payload.get("name"))
                or payload.get("type"),
                "url": item["url"],
                "section": section,
                "title": title if isinstance(title, str) else None,
                "product_id": text_of(product) if isinstance(product, str | int | float) else None,
                "price": round(price, 2) if price is not None and price == price else None,
                "dwell_s": _dwell_s(item, after, cap_s) if after and is_same else None,
                "session": number if number > 0 and is_visit else None,
            }
        )
        after = item["time_ms"] if is_visit else after
        newer = item
    return out
