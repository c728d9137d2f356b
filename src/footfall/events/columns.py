"""What do log entries mean, in columns? Decodes, cleans and enriches a batch of entries into what the kernel takes.

Two ways lead to the same columns. The slow one is the specification: a typed decode, then one pass in Python over the
events, every lookup in a bounded cache; what fails the typed decode is read by :mod:`footfall.events.lenient`. The fast
one (:mod:`footfall.events.kernels`) finds the fields in the bytes and fills the columns compiled, for events without
anything unusual, and leaves the others to the slow one. Nothing here reads a clock, the network or anything that isn't
in the entry, the settings or the facts, so a replay gives the same columns.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import numpy as np
from xxhash import xxh3_64_intdigest

from footfall.base.codes import Device, Flag, Os, Status
from footfall.base.ids import ANONYMOUS, USER, identity_key
from footfall.base.kinds import Kind
from footfall.events import channel as channels
from footfall.events import clean, device, geo, lenient, money, names
from footfall.events.facts import Facts, place_prices
from footfall.events.kernels.assign import (
    AGENT_OF,
    AMOUNT_MAX,
    ARRIVAL_OF,
    ENGAGED_MAX_MS,
    ENTRY,
    FRESH,
    IN_AGENT,
    IN_KIND,
    IN_OFFSET,
    IN_PLACE,
    IN_WHERE,
    KIND_OF,
    MISS,
    NAMED,
    NEEDS,
    NEEDS_CATEGORY,
    NEEDS_DEPTH,
    NEEDS_LINES,
    NEEDS_PRODUCT,
    OFFSET_OF,
    PLACE_OF,
    WHERE_OF,
    WORDS_SIZE,
    assign,
    assign_lines,
    settle_local,
    settle_time,
)
from footfall.events.kernels.scan import N_FIELDS, N_NUMBERS, SLOW, TRAITS, mark, scan
from footfall.events.section import Sections
from footfall.events.wire import Campaign, Context, Entry, Event, Page, Product, Properties, Scalar
from footfall.record.admit import grown_keys, room_for, slot_of
from footfall.record.compiled import kernel
from footfall.record.layout import EVENT, ITEM, NO_CHANNEL
from footfall.settings import Settings

CACHE_MAX: Final = 131_072
"""Entries a cache may hold before it is emptied."""
_HOUR_MS = 3_600_000
_QUARTER_MS = 900_000
_WITH_CATEGORY = NEEDS_PRODUCT | NEEDS_CATEGORY
_NAN = float("nan")
T = TypeVar("T")

_DECODER = msgspec.json.Decoder(Event)
_NOTHING = (0, 0, _NAN, 0.0)
"""A line of no product, none of it."""
_SELF_LINE = frozenset({Kind.CART_ADD, Kind.CART_REMOVE, Kind.ORDER})
_MONEY = frozenset({Kind.ORDER, Kind.REFUND})
_KIND_NEEDS = NEEDS.tolist()
_TABLE_MAX = 1 << 18
"""Entries a table of the fast way may hold before it is emptied."""
_KNOWN_MAX = 1 << 20
_HOST_MAX = 1024
_EMPTY_PAGE, _EMPTY_CONTEXT, _EMPTY_PROPERTIES = Page(), Context(), Properties()
_LATE, _FUTURE, _NO_TIME = int(Flag.LATE), int(Flag.FUTURE), int(Flag.NO_TIME)
_STORE, _DISCOUNTED, _BOT_FLAG = int(Flag.STORE), int(Flag.DISCOUNTED), int(Flag.BOT)
_REPAIRED, _UNKNOWN_CURRENCY = int(Flag.REPAIRED), int(Flag.UNKNOWN_CURRENCY)
_BOT = int(Device.BOT)
_FAILED = int(Status.FAILED)
_NO_DEVICE = (int(Device.UNKNOWN), int(Os.UNKNOWN), 0)
_NO_ARRIVAL = (NO_CHANNEL, 0, 0)
_NO_EVENT = Event()

Line = tuple[int, int, float, float]
"""A product line: product key, category key, unit price in the base currency, quantity."""
_EMAIL_KEY = b'"email"'


class Failure(msgspec.Struct, gc=False):
    """An event that can't be applied: its index in the batch, reason code and detail."""

    idx: int
    reason: str
    detail: str


class Columns:
    """A batch, ready for the kernel; what only people read is made when asked for.

    Attributes
    ----------
    offsets, received : int64[n]
        Log offset and receive time of each event.
    events : EVENT[n]
    items : ITEM[m]
    failures : list of Failure
    """

    __slots__ = ("_body", "_decoded", "_entries", "_entry_of", "_odd", "_starts", "_stops", "events",
                 "failures", "items", "offsets", "received", "sections", "traits", "urls")  # fmt: skip

    def __init__(self, batch: Sequence[tuple[int, Entry]]) -> None:
        self._entries = [entry for _, entry in batch]
        bodies = [entry.body if not entry.reject else b"{}" for entry in self._entries]
        counts = np.array([entry.n for entry in self._entries], np.int64)
        firsts = np.array([offset for offset, _ in batch], np.int64)
        n = int(counts.sum())
        self._entry_of = np.repeat(np.arange(len(batch), dtype=np.int32), counts)
        within = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
        self.offsets: np.ndarray = firsts[self._entry_of] + within
        received = np.array([entry.received_ms for entry in self._entries], np.int64)
        self.received: np.ndarray = received[self._entry_of]
        self._body = bodies[0] if len(bodies) == 1 else b"\n".join(bodies)
        self._starts, self._stops = np.empty(n, np.int64), np.empty(n, np.int64)
        self._odd = np.empty(len(self._body) // 64 + 2, np.uint64)
        n_lines = mark(np.frombuffer(self._body, np.uint8), self._starts, self._stops, self._odd)
        if n and n_lines != n:
            raise ValueError(f"the log says {n} events at offset {batch[0][0]}, its lines are {n_lines}")
        self.events: np.ndarray = np.zeros(n, EVENT)
        self.items: np.ndarray = np.zeros(0, ITEM)
        self.failures: list[Failure] = []
        self.sections: dict[int, str] = {}
        """Section path by index, of events read the slow way; what it is once they are applied may differ."""
        self.urls: dict[int, str] = {}
        """Page address without query by index, of events read the slow way."""
        self.traits: list[tuple[int, bytes]] = []
        """(index, JSON object) of the traits that events give their visitors, by index."""
        self._decoded: dict[int, Event | None] = {}

    def __len__(self) -> int:
        return len(self.events)

    def line(self, i: int) -> bytes:
        """An event's JSON."""
        return self._body[self._starts[i] : self._stops[i]]

    def entry(self, i: int) -> Entry:
        """The log entry an event came in."""
        entry: Entry = self._entries[self._entry_of[i]]
        return entry

    def event(self, i: int) -> Event | None:
        """An event as decoded; None if it can't be."""
        if i not in self._decoded:
            self._decoded[i] = _decode_one(self.line(i), i, self.failures)
        return self._decoded[i]

    def slow_ones(self) -> list[int]:
        """Indices of the events that were read the slow way or decoded since."""
        return sorted(self._decoded)


def name_key(site: int, text: str) -> int:
    """64-bit key of a name (section, product, category …) of a site; 0 for the empty name."""
    return (xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"), site) or 1) if text else 0


def region_key(site: int, text: str) -> int:
    """32-bit key of a region's name; 0 for none."""
    return (name_key(site, text) & 0xFFFFFFFF) or 1 if text else 0


def country_number(code: str) -> int:
    """ISO 3166-1 alpha-2 code as a number; 0 for none."""
    return ord(code[0]) << 8 | ord(code[1]) if len(code) == 2 and code.isascii() else 0


def country_text(number: int) -> str:
    """The code that :func:`country_number` was made from."""
    return chr(number >> 8) + chr(number & 255) if number else ""


def text_of(value: Scalar) -> str:
    """A scalar as text; empty for None and truth values, ``12.0`` is ``"12"``."""
    if isinstance(value, str):
        return value.strip()
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e18 else repr(value)
    return str(value)


@kernel
def _settle_times(events, times, sents, received, late_ms, future_ms):
    for i in range(len(events)):
        settle_time(events[i], times[i], sents[i], received[i], late_ms, future_ms)


@kernel
def _settle_locals(events, minutes):
    for i in range(len(events)):
        settle_local(events[i], minutes[i])


_DECODE_ERRORS = (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError)


def _decode_one(line: bytes, idx: int, failures: list[Failure]) -> Event | None:
    try:
        return _DECODER.decode(line)
    except _DECODE_ERRORS:
        pass
    try:
        return lenient.read(line)
    except lenient.Refused as refused:
        failures.append(Failure(idx, refused.reason, refused.detail))
        return None


class _Tables:
    """The tables of the fast way; see :mod:`footfall.events.kernels.assign`."""

    def __init__(self) -> None:
        self.kinds = np.zeros(1024, KIND_OF)
        self.wheres = np.zeros(8192, WHERE_OF)
        self.agents = np.zeros(8192, AGENT_OF)
        self.places = np.zeros(8192, PLACE_OF)
        self.arrivals = np.zeros(8192, ARRIVAL_OF)
        self.offsets = np.zeros(8192, OFFSET_OF)
        self.known = np.zeros(65_536, np.uint64)
        self.n_known = 0
        self._n = dict.fromkeys(("kinds", "wheres", "agents", "places", "arrivals", "offsets"), 0)

    def make_room(self, n_more: int) -> None:
        """Keep ``known`` at most half full with ``n_more`` more keys; when it would grow too large it begins anew."""
        if 2 * (self.n_known + n_more) > len(self.known):
            size = room_for(2 * (self.n_known + n_more))
            if size > _KNOWN_MAX and self.n_known:
                self.n_known = 0
                self.known = np.zeros(room_for(2 * n_more), np.uint64)
            else:
                self.known = grown_keys(self.known, size)

    def put(self, table: str, key: int, *values: int) -> None:
        """Enter a decision; a full table grows, one that is too large begins anew."""
        rows = getattr(self, table)
        if 2 * (self._n[table] + 1) > len(rows):
            grown = np.zeros(len(rows) if len(rows) >= 2 * _TABLE_MAX else 2 * len(rows), rows.dtype)
            if len(grown) > len(rows):
                for row in rows[rows["key"] != 0]:
                    grown[slot_of(grown["key"], row["key"])] = row
            else:
                self._n[table] = 0
            setattr(self, table, grown)
            rows = grown
        rows[slot_of(rows["key"], np.uint64(key))] = (key, *values)
        self._n[table] += 1


class _Scratch:
    """Arrays that every batch uses again."""

    def __init__(self) -> None:
        self._n = 0
        self.words = np.zeros(WORDS_SIZE, np.uint8)
        self.texts = np.zeros((2, 2), np.int64)
        self.amounts = np.zeros(2, np.float64)

    def make_room(self, n: int) -> None:
        if n > self._n:
            self._n = max(n, 4096)
            self.spans = np.zeros((self._n, N_FIELDS, 2), np.int32)
            self.numbers = np.zeros((self._n, N_NUMBERS), np.float64)
            self.misses = np.zeros(5 * self._n, MISS)
            self.fresh = np.zeros(4 * self._n + 64, FRESH)
            self.items = np.zeros(4 * self._n + 64, ITEM)


class _Site:
    """The lookups of one site, each behind a bounded cache; keys of names and ids differ by site."""

    def __init__(self, number: int, settings: Settings, places: geo.Geo, new_names: list[tuple[int, int, str, str]]):
        self.number = number
        self._places = places
        self.reads_addresses = places.reads_addresses
        self._sections = Sections(settings.section_rules)
        self._new_names = new_names
        self.kinds: dict[Any, int] = {}
        self.anonymous: dict[Any, int] = {}
        self.users: dict[Any, int] = {}
        self.names: dict[tuple[str, str], int] = {}
        self.products: dict[Scalar, int] = {None: 0}
        self.categories: dict[Scalar, int] = {None: 0}
        self.machines: dict[Scalar, int] = {None: 0}
        self.places: dict[Any, tuple[int, int]] = {}
        self.pages: dict[Any, _PageOf] = {}
        self.sections: dict[Any, _SectionOf] = {}
        self.arrivals: dict[Any, tuple[int, int, int]] = {}

    def name(self, what: str, text: str) -> int:
        """Key of a name; a new one is noted for the store."""
        if not text:
            return 0
        key = self.names.get((what, text))
        if key is None:
            key = region_key(self.number, text) if what == "region" else name_key(self.number, text)
            _remember(self.names, (what, text), key)
            self._new_names.append((self.number, key, what, text[:512]))
        return key

    def kind(self, cache_key: Any, event: Event) -> int:
        return _remember(self.kinds, cache_key, int(names.kind_of(event.type, text_of(event.event))))

    def id(self, what: int, value: Scalar) -> int:
        """Identity key of an id as sent; 0 if it names nobody."""
        text = clean.identity_text(value)
        key = 0 if text is None else identity_key(self.number, what, text)
        return _remember(self.anonymous if what == ANONYMOUS else self.users, value, key)

    def message(self, value: Scalar) -> int:
        text = text_of(value)
        return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"), self.number) if text else 0

    def product(self, value: Scalar) -> int:
        return _remember(self.products, value, self.name("product", text_of(value)[:256]))

    def category(self, value: Scalar) -> int:
        return _remember(self.categories, value, self.name("category", text_of(value)[:512]))

    def machine(self, user_agent: Scalar) -> int:
        """Device | os << 8 | browser << 16 of a user agent."""
        agent = text_of(user_agent)[:1024]
        found = device.device_of(agent) if agent else _NO_DEVICE
        return _remember(self.machines, user_agent, int(found[0]) | int(found[1]) << 8 | int(found[2]) << 16)

    def place_key(self, context: Context, entry: Entry) -> Any:
        """What a place depends on."""
        spot = context.location
        return (
            context.timezone,
            spot and (spot.country, spot.region, spot.city),
            entry.country and (entry.country, entry.region, entry.city),
            (entry.ip or context.ip) if self.reads_addresses else None,
        )

    def place(self, cache_key: Any, context: Context, entry: Entry) -> tuple[int, int]:
        """(country << 32 | region, city) of an event."""
        ip = entry.ip or text_of(context.ip)
        zone = text_of(context.timezone)
        place = self._places.place(context.location, entry.country, entry.region, entry.city, ip, zone)
        region, city = self.name("region", place.region), self.name("city", place.city)
        return _remember(self.places, cache_key, (country_number(place.country) << 32 | region, city))

    def page(self, url: Scalar, path: Scalar) -> "_PageOf":
        return _remember(self.pages, (url, path), self.page_of(url, path))

    def page_of(self, url: Scalar, path: Scalar) -> "_PageOf":
        bare = text_of(url)[:2048].partition("#")[0].partition("?")[0]
        rest = bare.partition("://")[2]
        host, _, tail = rest.partition("/")
        where = text_of(path)[:2048].partition("?")[0] or ("/" + tail if rest else bare)
        return _PageOf(
            bare or where, self.name("page", bare or where), where, host.lower(), self.section_of(where, None, None)
        )

    def section(self, cache_key: Any, where: str, category: Scalar, given: Scalar) -> "_SectionOf":
        return _remember(self.sections, cache_key, self.section_of(where, category, given))

    def section_of(self, where: str, category: Scalar, given: Scalar) -> "_SectionOf":
        named = text_of(given)[:512] or text_of(category)[:512]
        text, flags = self._sections.found(where, named) if where or named else ("", 0)
        return _SectionOf(text, self.name("section", text), flags)

    def arrival(self, cache_key: Any, url: Scalar, referrer: Scalar, campaign: Campaign | None) -> tuple[int, int, int]:
        return _remember(self.arrivals, cache_key, self.arrival_of(url, referrer, campaign))

    def arrival_of(self, url: Scalar, referrer: Scalar, campaign: Campaign | None) -> tuple[int, int, int]:
        """(channel, campaign, keyword) if the event says how the visitor came."""
        found = channels.arrival(text_of(url)[:4096], text_of(referrer)[:4096], campaign)
        if found is None:
            return _NO_ARRIVAL
        return int(found.channel), self.name("campaign", found.campaign), self.name("keyword", found.keyword)


class _SectionOf(NamedTuple):
    """The section of a page: its path, the key of that, and how it is known (flags)."""

    text: str
    key: int
    flags: int


class _PageOf(NamedTuple):
    """What an address says: the address without query, its key, the path, the host, the section."""

    bare: str
    key: int
    where: str
    host: str
    section: _SectionOf


def _remember(cache: dict[Any, T], key: Any, value: T) -> T:
    if len(cache) >= CACHE_MAX:
        cache.clear()
    cache[key] = value
    return value


class Reader:
    """Reads entries into columns; one for each thread that reads, as it holds caches."""

    def __init__(self, settings: Settings, places: geo.Geo) -> None:
        self._settings = settings
        self._places = places
        self._sites: dict[int, _Site] = {}
        self._offsets: dict[Any, int] = {}
        self._times: dict[Any, int] = {}
        self._envelopes: dict[Any, int] = {}
        self._zones: list[str] = []
        self._zone_numbers: dict[str, int] = {}
        self._tables = _Tables()
        self._scratch = _Scratch()
        self._base_currency = np.frombuffer(settings.base_currency.encode().ljust(3)[:3], np.uint8)
        self.new_names: list[tuple[int, int, str, str]] = []
        """(site, key, what, text) of names met since the owner last emptied this list."""

    def _site(self, number: int) -> _Site:
        found = self._sites.get(number)
        if found is None:
            found = self._sites[number] = _Site(number, self._settings, self._places, self.new_names)
        return found

    def _time(self, value: Scalar) -> int:
        found = clean.time_ms(value)
        return _remember(self._times, value, -1 if found is None else found)

    def read(self, batch: Sequence[tuple[int, Entry]], facts: Facts, *, is_slow: bool = False) -> Columns:
        """Columns of whole entries with their log offsets; control entries must be left out by the caller.

        ``is_slow`` reads every event the slow way, so that addresses and sections are there as texts.
        """
        columns = Columns(batch)
        n = len(columns)
        if is_slow:
            items, slow = columns.items, np.arange(n, dtype=np.int32)
        else:
            items, slow = self._read_fast(columns)
        if len(slow):
            part, lines = self._read_slow(columns, slow.tolist())
            has_lines = part["item_n"] > 0
            part["item_start"][has_lines] += len(items)
            columns.events[slow] = part
            items = np.concatenate([items, lines]) if len(items) else lines
            columns.traits.sort()
        columns.items = items
        if len(facts.categories) or len(facts.products):
            place_prices(columns.events, items, facts.categories, facts.quantiles, facts.products, facts.fences)
        for failure in columns.failures:
            columns.events[failure.idx]["status"] = _FAILED
        return columns

    # -- the fast way --------------------------------------------------------------------------------------------

    def _read_fast(self, columns: Columns) -> tuple[np.ndarray, np.ndarray]:
        """Fill what can be filled compiled; returns the items and the indices of the events left to the slow way."""
        n = len(columns)
        scratch = self._scratch
        scratch.make_room(n)
        body = np.frombuffer(columns._body, np.uint8)
        spans, numbers, marks = scratch.spans[:n], scratch.numbers[:n], np.empty(n, np.uint8)
        scan(body, columns._odd, columns._starts, columns._stops, spans, numbers, marks)
        entries = self._entries_of(columns, marks)
        tables = self._tables
        items = scratch.items
        n_items = 0
        which = np.arange(n, dtype=np.int32)
        late_ms, future_ms = self._settings.late_h * _HOUR_MS, self._settings.future_h * _HOUR_MS
        while len(which):
            tables.make_room(len(scratch.fresh))
            n_items, n_misses, n_fresh = assign(
                body, spans, numbers, marks, which, columns._entry_of, entries, tables.kinds, tables.wheres,
                tables.agents, tables.places, tables.arrivals, tables.offsets, tables.known, self._base_currency,
                late_ms, future_ms, columns.events, items, n_items, scratch.misses, scratch.fresh, scratch.words,
            )  # fmt: skip
            self._note_names(columns, scratch.fresh[:n_fresh])
            misses = scratch.misses[:n_misses].copy()
            which = np.unique(misses["idx"]).astype(np.int32)
            if n_misses:
                self._decide(columns, spans, marks, misses)
        tables.make_room(len(scratch.fresh))
        n_items, n_fresh = assign_lines(
            body, columns._odd, spans, numbers, marks, tables.known, columns.events, items, n_items, scratch.fresh,
            scratch.words, scratch.texts, scratch.amounts,
        )  # fmt: skip
        self._note_names(columns, scratch.fresh[:n_fresh])
        for i in np.flatnonzero((spans[:, TRAITS, 1] > 0) & (marks & SLOW == 0)):
            self._note_traits(columns, int(i), *spans[i, TRAITS].tolist())
        slow = np.flatnonzero(marks & SLOW).astype(np.int32)
        if len(slow):
            columns.events[slow] = np.zeros(1, EVENT)
        return items[:n_items].copy(), slow

    def _note_traits(self, columns: Columns, i: int, start: int, n: int) -> None:
        traits = columns._body[start : start + n]
        if _EMAIL_KEY in traits:
            columns.events[i]["knows"] = 1
        columns.traits.append((i, traits))

    def _note_names(self, columns: Columns, found: np.ndarray) -> None:
        self._tables.n_known += len(found)
        for fresh in found:
            start, length = int(fresh["start"]), int(fresh["n"])
            what = NAMED[fresh["what"]]
            text = columns._body[start : start + length].decode("ascii")
            text = text.lower() if what == "query" else text
            self.new_names.append((columns.entry(int(fresh["idx"])).site, int(fresh["key"]), what, text))

    def _entries_of(self, columns: Columns, marks: np.ndarray) -> np.ndarray:
        """ENTRY rows of the batch; events of refused entries are marked SLOW."""
        rows = columns._entries
        entries = np.zeros(len(rows), ENTRY)
        entries["site"] = [entry.site for entry in rows]
        entries["received"] = [entry.received_ms for entry in rows]
        entries["sent"] = [self._sent(entry.sent_at) if entry.sent_at else -1 for entry in rows]
        hashes = self._envelopes
        entries["agent"] = [
            found
            if (found := hashes.get(entry.user_agent)) is not None
            else self._hash(entry.user_agent, entry.user_agent)
            for entry in rows
        ]
        reads_addresses = self._places.reads_addresses
        if reads_addresses or any(entry.country for entry in rows):
            entries["place"] = [
                0 if not entry.country and not (reads_addresses and entry.ip) else self._place_hash(entry)
                for entry in rows
            ]
        refused = [k for k, entry in enumerate(rows) if entry.reject]
        if refused:
            marks[np.isin(columns._entry_of, refused)] |= SLOW
        return entries

    def _hash(self, cache_key: Any, text: str) -> int:
        return _remember(self._envelopes, cache_key, xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")))

    def _place_hash(self, entry: Entry) -> int:
        ip = entry.ip if self._places.reads_addresses else ""
        parts = (entry.country, entry.region, entry.city, ip)
        found = self._envelopes.get(parts)
        return found if found is not None else self._hash(parts, "\0".join(parts))

    def _sent(self, text: str) -> int:
        found = self._times.get(text)
        return found if found is not None else self._time(text)

    def _decide(self, columns: Columns, spans: np.ndarray, marks: np.ndarray, misses: np.ndarray) -> None:
        """Enter what the fast way asked for into its tables, as the slow way would decide it."""
        tables = self._tables
        decided: set[tuple[int, int]] = set()
        for miss in misses:
            i, table, key = int(miss["idx"]), int(miss["table"]), int(miss["key"])
            if (table, key) in decided:
                continue
            decided.add((table, key))
            try:
                event = _DECODER.decode(columns.line(i))
            except _DECODE_ERRORS:
                marks[i] |= SLOW
                continue
            entry = columns.entry(i)
            shop = self._site(entry.site)
            context = event.context or _EMPTY_CONTEXT
            if table == IN_KIND:
                if lenient.check(event) is not None or event.type in ("alias", "group"):
                    marks[i] |= SLOW
                    decided.discard((table, key))
                    continue
                tables.put("kinds", key, int(names.kind_of(event.type, text_of(event.event))))
            elif table == IN_AGENT:
                agent = context.userAgent if context.userAgent is not None else entry.user_agent
                machine = shop.machines.get(agent)
                tables.put("agents", key, shop.machine(agent) if machine is None else machine)
            elif table == IN_PLACE:
                at = shop.place_key(context, entry)
                country, city = shop.places.get(at) or shop.place(at, context, entry)
                zone = text_of(context.timezone)[:64]
                tables.put("places", key, country, city, self._zone(zone) if zone else 0)
            elif table == IN_OFFSET:
                minutes = geo.utc_offset_min(self._zones[(key >> 32) - 1], (key & 0xFFFFFFFF) * _QUARTER_MS)
                tables.put("offsets", key, minutes)
            else:
                page = context.page or _EMPTY_PAGE
                properties = event.properties or _EMPTY_PROPERTIES
                url = page.url if page.url is not None else properties.url
                path = page.path if page.path is not None else properties.path
                if table == IN_WHERE:
                    where = shop.pages.get((url, path)) or shop.page(url, path)
                    kind = names.kind_of(event.type, text_of(event.event))
                    category = properties.category if NEEDS[kind] & _WITH_CATEGORY else None
                    spot = (where.where, category, None)
                    section = shop.sections.get(spot) or shop.section(spot, where.where, category, None)
                    text = url if isinstance(url, str) else ""
                    n_host = max(text.find("/", 8, _HOST_MAX), 0)
                    has_query = "?" in text or "#" in text
                    tables.put("wheres", key, where.key, section.key, n_host, section.flags, has_query)
                else:
                    referrer = page.referrer if page.referrer is not None else properties.referrer
                    channel, campaign, keyword = shop.arrival_of(url, referrer, context.campaign)
                    tables.put("arrivals", key, campaign, keyword, channel)

    def _zone(self, zone: str) -> int:
        """Number of a time zone's name, from 1."""
        number = self._zone_numbers.get(zone)
        if number is None:
            self._zones.append(zone)
            number = self._zone_numbers[zone] = len(self._zones)
        return number

    # -- the slow way: the specification -------------------------------------------------------------------------

    def _read_slow(self, columns: Columns, which: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """EVENT rows and ITEM rows of these events."""
        decoded: list[Event | None] = []
        body = columns._body if len(which) == len(columns) else b"\n".join([columns.line(i) for i in which])
        try:
            decoded = _DECODER.decode_lines(body)  # type: ignore[assignment]
        except _DECODE_ERRORS:
            decoded = []
        if len(decoded) != len(which):
            decoded = [_decode_one(columns.line(i), i, columns.failures) for i in which]
        columns._decoded.update(zip(which, decoded, strict=True))
        columns.traits += [
            (i, bytes(event.traits))
            for i, event in zip(which, decoded, strict=True)
            if event is not None
            and event.type != "group"  # a group's are its own
            and bytes(event.traits).startswith(b"{")
        ]
        events = np.zeros(len(which), EVENT)
        return events, self._fill(columns, which, decoded, events)

    def _fill(self, columns: Columns, which: list[int], decoded: list[Event | None], events: np.ndarray) -> np.ndarray:
        failures = columns.failures
        base = self._settings.base_currency
        times_of = self._times
        hash64 = xxh3_64_intdigest
        site = -1
        site_of: list[int] = []
        kind_of: list[int] = []
        anonymous_keys: list[int] = []
        user_keys: list[int] = []
        message_keys: list[int] = []
        page_keys: list[int] = []
        section_keys: list[int] = []
        section_flags: list[int] = []
        machines: list[int] = []
        countries: list[int] = []
        cities: list[int] = []
        stamps: list[Any] = []
        sents: list[int] = []
        zones: list[Any] = []
        urls: list[str] = []
        sections: list[str] = []
        received: list[int] = []
        arrived: list[tuple[int, tuple[int, int, int]]] = []
        plain: list[tuple[int, int, int, float, float, bool]] = []
        rare: list[tuple[int, Event, int]] = []
        for i, (at, event) in enumerate(zip(which, decoded, strict=True)):
            entry = columns.entry(at)
            received.append(entry.received_ms)
            if entry.site != site:
                site = entry.site
                shop = self._site(site)
                kinds, anonymous_ids, user_ids = shop.kinds, shop.anonymous, shop.users
                pages, section_of, arrivals = shop.pages, shop.sections, shop.arrivals
                machine_of, place_of = shop.machines, shop.places
                products, categories = shop.products, shop.categories
            site_of.append(site)
            if event is None or entry.reject:
                if entry.reject:
                    failures.append(Failure(at, entry.reject, ""))
                    columns._decoded[at] = None
                event = _NO_EVENT
            context = event.context or _EMPTY_CONTEXT
            page = context.page or _EMPTY_PAGE
            properties = event.properties or _EMPTY_PROPERTIES
            # what happened
            type_ = event.type
            name = event.event
            kind = kinds.get(name if type_ == "track" else (type_,), -1)
            if kind < 0:
                kind = shop.kind(name if type_ == "track" else (type_,), event)
            kind_of.append(kind)
            # whose
            value = event.anonymousId
            if value is None:
                anonymous = 0
            else:
                anonymous = anonymous_ids.get(value, -1)
                if anonymous < 0:
                    anonymous = shop.id(ANONYMOUS, value)
            anonymous_keys.append(anonymous)
            value = event.userId
            if value is None:
                user = 0
            else:
                user = user_ids.get(value, -1)
                if user < 0:
                    user = shop.id(USER, value)
            user_keys.append(user)
            value = event.messageId
            if type(value) is str and value:
                message_keys.append(hash64(value.encode("utf-8", "surrogatepass"), site))
            else:
                message_keys.append(shop.message(value))
            # where
            url = page.url if page.url is not None else properties.url
            path = page.path if page.path is not None else properties.path
            where = pages.get((url, path)) or shop.page(url, path)
            urls.append(where.bare)
            page_keys.append(where.key)
            needs = _KIND_NEEDS[kind]
            category = properties.category if needs & _WITH_CATEGORY else None
            given = properties.section
            if category is None and given is None:
                section = where.section
            else:
                section_key = (where.where, category, given)
                section = section_of.get(section_key) or shop.section(section_key, where.where, category, given)
            sections.append(section.text)
            section_keys.append(section.key)
            section_flags.append(section.flags)
            # from where
            referrer = page.referrer if page.referrer is not None else properties.referrer
            campaign = context.campaign
            has_query = type(url) is str and ("?" in url or "#" in url)
            if campaign is not None or has_query or referrer:
                named = campaign and (campaign.name, campaign.source, campaign.medium, campaign.term, campaign.content)
                arrival_key = (url if has_query else where.host, referrer, named)
                arrival = arrivals.get(arrival_key) or shop.arrival(arrival_key, url, referrer, campaign)
                if arrival is not _NO_ARRIVAL:
                    arrived.append((i, arrival))
            # with what, in which place
            zones.append(context.timezone)
            agent = context.userAgent if context.userAgent is not None else entry.user_agent
            machine = machine_of.get(agent, -1)
            if machine < 0:
                machine = shop.machine(agent)
            place_key = shop.place_key(context, entry)
            country, city = place_of.get(place_key) or shop.place(place_key, context, entry)
            machines.append(machine)
            countries.append(country)
            cities.append(city)
            # when
            stamps.append(event.timestamp)
            sent = event.sentAt if event.sentAt is not None else (entry.sent_at or None)
            if sent is None or event.originalTimestamp is not None:
                sents.append(-1)
            else:
                moment = times_of.get(sent)
                sents.append(moment if moment is not None else self._time(sent))
            # what only some events have
            if needs & 1:
                product = properties.product_id
                price = properties.price
                quantity = properties.quantity
                if (
                    product is not None
                    and type_ == "track"
                    and (user or anonymous)
                    and (type(price) is float or type(price) is int or price is None)
                    and (quantity is None or type(quantity) is int)
                    and (properties.currency is None or properties.currency == base)
                    and properties.products is None
                    and properties.regular_price is None
                    and properties.compare_at_price is None
                    and properties.discount is None
                    and context.channel is None
                    and not event.traits
                ):
                    product_key = products.get(product, -1)
                    if product_key < 0:
                        product_key = shop.product(product)
                    category = properties.category
                    category_key = categories.get(category, -1)
                    if category_key < 0:
                        category_key = shop.category(category)
                    plain.append((
                        i, product_key, category_key, _NAN if price is None else price,
                        _NAN if quantity is None else quantity, needs & 2 != 0,
                    ))  # fmt: skip
                    continue
            if (
                needs & 7
                or type_ != "track"
                and type_ != "page"
                or not (user or anonymous)
                or not name
                and type_ == "track"
                or context.channel is not None
                or event.traits
            ):
                rare.append((i, event, needs))
        events["site"] = site_of
        events["kind"] = kind_of
        events["anonymous_key"] = anonymous_keys
        events["user_key"] = user_keys
        events["message_key"] = message_keys
        events["page"] = page_keys
        events["section"] = section_keys
        events["flags"] = section_flags
        packed = np.array(machines, np.uint32)
        events["device"] = packed & 255
        events["os"] = packed >> 8 & 255
        events["browser"] = packed >> 16
        events["flags"][events["device"] == _BOT] |= _BOT_FLAG
        country_of = np.array(countries, np.uint64)
        events["country"] = country_of >> np.uint64(32)
        events["region"] = country_of & np.uint64(0xFFFFFFFF)
        events["city"] = cities
        events["knows"] = events["user_key"] != 0
        events["channel"] = NO_CHANNEL
        for i, arrival in arrived:
            events[i]["channel"], events[i]["campaign"], events[i]["keyword"] = arrival
        for column in ("price", "quantity", "percentile", "scroll"):
            events[column] = _NAN
        lines_of: list[Line] = []
        if plain:
            self._fill_plain(events, plain, lines_of)
        found = [
            values
            for i, event, needs in rare
            if (
                values := self._rare(
                    columns, i, which[i], kind_of[i], user_keys[i] or anonymous_keys[i], event, needs, lines_of
                )
            )
        ]
        if found:
            _fill_rare(events, found)
        items = np.zeros(len(lines_of), ITEM)
        if lines_of:
            product_of, category_of, prices, quantities = zip(*lines_of, strict=True)
            items["product"], items["category"] = product_of, category_of
            items["price"], items["quantity"] = prices, quantities
            items["percentile"] = _NAN
        times = [-1 if stamp is None else self._time(stamp) for stamp in stamps]
        _settle_times(
            events, np.array(times, np.int64), np.array(sents, np.int64), np.array(received, np.int64),
            self._settings.late_h * _HOUR_MS, self._settings.future_h * _HOUR_MS,
        )  # fmt: skip
        _settle_locals(events, self._zone_offsets(zones, events["time"]))
        columns.urls.update(zip(which, urls, strict=True))
        columns.sections.update(zip(which, sections, strict=True))
        return items

    def _fill_plain(
        self, events: np.ndarray, plain: list[tuple[int, int, int, float, float, bool]], lines_of: list[Line]
    ) -> None:
        """Product events without anything odd: one product, one price in the base currency."""
        idx, products, categories, prices, quantities, is_line = zip(*plain, strict=True)
        at = np.array(idx, np.int64)
        price = np.array(prices, np.float64)
        price[~(np.abs(price) <= AMOUNT_MAX)] = _NAN
        quantity = np.array(quantities, np.float64)
        quantity[~(np.abs(quantity) <= AMOUNT_MAX)] = _NAN
        product, category = np.array(products, np.uint64), np.array(categories, np.uint64)
        events["product"][at] = product
        events["category"][at] = category
        events["price"][at] = price
        events["quantity"][at] = quantity
        has_line = np.flatnonzero(np.array(is_line))
        events["item_start"][at[has_line]] = np.arange(len(has_line)) + len(lines_of)
        events["item_n"][at[has_line]] = 1
        lines_of.extend(zip(product[has_line], category[has_line], price[has_line], quantity[has_line], strict=True))

    def _zone_offsets(self, zones: list[Any], times: np.ndarray) -> np.ndarray:
        """Minutes that each event's local time is ahead of UTC; looked up by zone and quarter of an hour."""
        out = np.zeros(len(zones), np.int64)
        offsets = self._offsets
        for i, (zone, quarter) in enumerate(zip(zones, (times // _QUARTER_MS).tolist(), strict=True)):
            if zone:
                offset = offsets.get((zone, quarter))
                if offset is None:
                    offset = geo.utc_offset_min(text_of(zone)[:64], quarter * _QUARTER_MS)
                    _remember(offsets, (zone, quarter), offset)
                out[i] = offset
        return out

    def _rare(
        self, columns: Columns, i: int, at: int, kind: int, who: int, event: Event, needs: int, lines_of: list[Line]
    ) -> "_Rare | None":
        """What only some kinds and calls have: products, money, search, scroll, aliases, stores. None if refused."""
        refused = lenient.check(event)
        if refused is None and not who:
            refused = "no_identity"
        if refused is not None:
            columns.failures.append(Failure(at, refused, ""))
            return None
        shop = self._site(columns.entry(at).site)
        out = _Rare(i, kind)
        context = event.context
        if event.type == "alias":
            out.is_alias = 1
            out.previous_key = shop.id(USER, event.previousId)
            out.previous_anonymous_key = shop.id(ANONYMOUS, event.previousId)
        if event.traits and _EMAIL_KEY in bytes(event.traits):
            out.knows = 1
        if context is not None and context.channel is not None and text_of(context.channel).lower() == "store":
            out.flags |= _STORE
        properties = event.properties or _EMPTY_PROPERTIES
        if needs & NEEDS_DEPTH:
            if kind == Kind.SEARCH:
                out.query = shop.name("query", text_of(properties.query)[:256].lower())
            elif kind == Kind.ENGAGEMENT:
                engaged_ms = money.amount(properties.engaged_ms)
                out.engaged_s = engaged_ms / 1000.0 if 0 <= engaged_ms <= ENGAGED_MAX_MS else 0.0
            else:
                depth = money.amount(properties.percent if properties.percent is not None else properties.depth)
                out.scroll = min(max(depth, 0.0), 100.0) if depth == depth else _NAN
        if not needs & (NEEDS_PRODUCT | NEEDS_LINES):
            return out
        rate = 1.0
        if properties.currency is not None and properties.currency != self._settings.base_currency:
            rate = money.rate(properties.currency, self._settings.base_currency, self._settings.currencies)
            if rate != rate:
                if kind in _MONEY:
                    columns.failures.append(Failure(at, "no_rate", text_of(properties.currency)[:64]))
                    return None
                out.flags |= _UNKNOWN_CURRENCY
        product = properties.product_id
        if product is None:
            product = properties.sku if properties.sku is not None else properties.id
        products = properties.products or ()
        own = _line(shop, product, properties.category, properties.price, properties.quantity, rate)
        out.category = own[1]
        if needs & NEEDS_PRODUCT:
            if own[0] == 0 and products:
                own = _product_line(shop, products[0], rate)
            out.product, out.category, out.price, out.quantity = own
            regular = properties.regular_price if properties.regular_price is not None else properties.compare_at_price
            if (regular is not None and money.amount(regular) * rate > own[2] * 1.0001) or (
                properties.discount is not None and money.amount(properties.discount) > 0
            ):
                out.flags |= _DISCOUNTED
        if not needs & NEEDS_LINES:
            return out
        out.item_start = len(lines_of)
        if products:
            lines_of.extend([_product_line(shop, line, rate) for line in products])
        elif kind in _SELF_LINE and (own[0] != 0 or kind != Kind.ORDER):
            lines_of.append(own)
        elif kind == Kind.CART_VIEW and properties.products == []:
            lines_of.append(_NOTHING)  # a cart that is shown empty is empty
        out.item_n = len(lines_of) - out.item_start
        if kind in _MONEY:
            amount = _revenue(properties, lines_of[out.item_start :], rate)
            out.revenue = abs(amount)
            if kind == Kind.ORDER and amount < 0:  # money that goes back, as tills write it
                out.kind = kind = Kind.REFUND
            order = text_of(properties.order_id)
            if kind == Kind.ORDER and order:
                out.order_key = name_key(shop.number, "order\x00" + order)
        return out


class _Rare(msgspec.Struct, gc=False):
    """The columns of an event that only some events have, with the values of those that don't."""

    i: int
    kind: int
    is_alias: int = 0
    knows: int = 0
    previous_key: int = 0
    previous_anonymous_key: int = 0
    flags: int = 0
    query: int = 0
    scroll: float = _NAN
    engaged_s: float = 0.0
    product: int = 0
    category: int = 0
    price: float = _NAN
    quantity: float = _NAN
    item_start: int = 0
    item_n: int = 0
    revenue: float = 0.0
    order_key: int = 0


def _fill_rare(events: np.ndarray, found: list[_Rare]) -> None:
    rows = list(zip(*map(msgspec.structs.astuple, found), strict=True))
    at = np.array(rows[0], np.int64)
    for name, values in zip(_Rare.__struct_fields__[1:], rows[1:], strict=True):
        column = np.array(values, events.dtype[name])
        if name == "flags":
            events["flags"][at] |= column
        elif name == "knows":
            events["knows"][at] |= column
        else:
            events[name][at] = column


def _line(shop: _Site, product: Scalar, category: Scalar, price: Scalar, quantity: Scalar, rate: float) -> Line:
    value = float(price) if type(price) is float or type(price) is int else money.amount(price)
    count = _NAN if quantity is None else money.amount(quantity)
    if not abs(value) <= AMOUNT_MAX:
        value = _NAN
    return (
        shop.product(product),
        shop.category(category),
        value * rate,
        count,
    )


def _product_line(shop: _Site, line: Product, rate: float) -> Line:
    product = next((x for x in (line.product_id, line.item_id, line.sku, line.id) if x is not None), None)
    category = line.category if line.category is not None else line.item_category
    return _line(shop, product, category, line.price, line.quantity, rate)


def _revenue(properties: Properties, lines: list[Line], rate: float) -> float:
    for given in (properties.revenue, properties.total, properties.value):
        value = money.amount(given) if given is not None else _NAN
        if value == value:
            return value * rate
    total = 0.0
    for _, _, price, quantity in lines:
        if price == price:
            total += price * (quantity if quantity == quantity else 1.0)
    return total
