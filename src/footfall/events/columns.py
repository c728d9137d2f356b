"""What do log entries mean, in columns? Decodes, cleans and enriches a batch of entries into what the kernel takes.

The hot path: one typed decode a batch, one pass over the events with every lookup in a bounded cache, then NumPy.
What fails the typed decode is read one by one by :mod:`footfall.events.lenient`. Nothing here reads a clock, the
network or anything that isn't in the entry, the settings or the facts, so a replay gives the same columns.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import numpy as np
from numba import njit
from xxhash import xxh3_64_intdigest

from footfall.base.codes import Device, Flag, Os, Status
from footfall.base.ids import ANONYMOUS, USER, identity_key
from footfall.base.kinds import Kind
from footfall.events import channel as channels
from footfall.events import clean, device, geo, lenient, money, names
from footfall.events.facts import Facts, place_prices
from footfall.events.section import Sections
from footfall.events.wire import Campaign, Context, Entry, Event, Page, Product, Properties, Scalar
from footfall.record.layout import EVENT, ITEM, NO_CHANNEL
from footfall.settings import Settings

CACHE_MAX: Final = 131_072
"""Entries a cache may hold before it is emptied."""
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_NAN = float("nan")
T = TypeVar("T")

_DECODER = msgspec.json.Decoder(Event)
_ONE_PRODUCT = frozenset({Kind.PRODUCT_CLICK, Kind.PRODUCT_VIEW, Kind.CART_ADD, Kind.CART_REMOVE, Kind.WISHLIST_ADD})
_LINES = frozenset(
    {Kind.CART_ADD, Kind.CART_REMOVE, Kind.CART_VIEW, Kind.CHECKOUT_START, Kind.ORDER, Kind.REFUND}
)
_SELF_LINE = frozenset({Kind.CART_ADD, Kind.CART_REMOVE, Kind.ORDER})
_MONEY = frozenset({Kind.ORDER, Kind.REFUND})
_KIND_NEEDS = [0] * 256
for _kind in _ONE_PRODUCT:
    _KIND_NEEDS[_kind] |= 1
for _kind in _LINES:
    _KIND_NEEDS[_kind] |= 2
for _kind in (Kind.SEARCH, Kind.SCROLL):
    _KIND_NEEDS[_kind] |= 4
_KIND_NEEDS[Kind.LIST_VIEW] |= 8
_EMPTY_PAGE, _EMPTY_CONTEXT, _EMPTY_PROPERTIES = Page(), Context(), Properties()
_LATE, _FUTURE, _NO_TIME = int(Flag.LATE), int(Flag.FUTURE), int(Flag.NO_TIME)
_STORE, _DISCOUNTED, _BOT_FLAG = int(Flag.STORE), int(Flag.DISCOUNTED), int(Flag.BOT)
_REPAIRED, _UNKNOWN_CURRENCY = int(Flag.REPAIRED), int(Flag.UNKNOWN_CURRENCY)
_BOT = int(Device.BOT)
_FAILED = int(Status.FAILED)
_NO_DEVICE = (int(Device.UNKNOWN), int(Os.UNKNOWN), 0)
_NO_ARRIVAL = (NO_CHANNEL, 0, 0)
_NO_EVENT = Event()
_AMOUNT_MAX = 1e9

Line = tuple[int, int, float, float]
"""A product line: product key, category key, unit price in the base currency, quantity."""
_EMAIL_KEY = b'"email"'


class Failure(msgspec.Struct, gc=False):
    """An event that can't be applied: its index in the batch, reason code and detail."""

    idx: int
    reason: str
    detail: str


class Columns(msgspec.Struct, gc=False):
    """A batch, ready for the kernel, with what only people read beside it."""

    offsets: np.ndarray
    """int64[n]: log offsets."""
    received: np.ndarray
    """int64[n]: receive times, ms."""
    events: np.ndarray
    """EVENT[n]"""
    items: np.ndarray
    """ITEM[m]"""
    decoded: list[Event | None]
    """The events as decoded; None where nothing could be read."""
    lines: list[bytes]
    """Their JSON."""
    entries: list[Entry]
    """The entry of each event."""
    failures: list[Failure]
    sections: list[str]
    """Section path of each event, or empty."""
    urls: list[str]
    """Page address without query of each event, or empty."""


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


@njit(cache=True, nogil=True)
def _parse_times(text, out):
    """Fixed-width ``YYYY-MM-DDTHH:MM:SS.mmmZ`` texts, 24 bytes each, to ms; -1 where the form or a digit is off."""
    for i in range(len(out)):
        b = text[24 * i : 24 * i + 24]
        ok = b[4] == 45 and b[7] == 45 and b[10] == 84 and b[13] == 58 and b[16] == 58 and b[19] == 46 and b[23] == 90
        for k in range(23):
            if k == 4 or k == 7 or k == 10 or k == 13 or k == 16 or k == 19:
                continue
            ok = ok and 48 <= b[k] <= 57
        out[i] = -1
        if not ok:
            continue
        year = (b[0] - 48) * 1000 + (b[1] - 48) * 100 + (b[2] - 48) * 10 + (b[3] - 48)
        month = (b[5] - 48) * 10 + (b[6] - 48)
        day = (b[8] - 48) * 10 + (b[9] - 48)
        hour = (b[11] - 48) * 10 + (b[12] - 48)
        minute = (b[14] - 48) * 10 + (b[15] - 48)
        second = (b[17] - 48) * 10 + (b[18] - 48)
        ms = (b[20] - 48) * 100 + (b[21] - 48) * 10 + (b[22] - 48)
        if year < 1980 or month < 1 or month > 12 or day < 1 or day > 28 or hour > 23 or minute > 59 or second > 59:
            continue  # the days that need a calendar go the slow way
        # days from civil, Howard Hinnant's algorithm (public domain description), for years after 1970
        y = year - 1 if month <= 2 else year
        era = y // 400
        yoe = y - era * 400
        doy = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
        doe = yoe * 365 + yoe // 4 - yoe // 100 + doy
        days = era * 146097 + doe - 719468
        out[i] = ((days * 24 + hour) * 60 + minute) * 60000 + second * 1000 + ms


@njit(cache=True, nogil=True)
def _finish(events, times, sents, received, offsets_min, late_ms, future_ms):
    """Corrected time, flags, and the local hour, weekday and day; the same rule as ``clean.corrected``."""
    for i in range(len(events)):
        e = events[i]
        t, got = times[i], received[i]
        flags = 0
        if t >= 0 and sents[i] >= 0:
            t = got - (sents[i] - t)
            if t < 315_532_800_000:
                t = -1
        if t < 0:
            t = got
            flags = _NO_TIME
        elif t > got:
            if t - got > future_ms:
                flags = _FUTURE
            t = got
        elif got - t > late_ms:
            flags = _LATE
        e["time"] = t
        e["flags"] = e["flags"] | flags
        local = t + offsets_min[i] * 60_000
        day = local // 86_400_000
        e["day"] = day
        e["hour"] = (local - day * 86_400_000) // 3_600_000
        e["weekday"] = (day + 3) % 7


class _Site:
    """The lookups of one site, each behind a bounded cache; keys of names and ids differ by site."""

    def __init__(self, number: int, settings: Settings, places: geo.Geo, new_names: list[tuple[int, int, str, str]]):
        self.number = number
        self._places = places
        self._sections = Sections(settings.section_rules)
        self._new_names = new_names
        self.kinds: dict[Any, int] = {}
        self.anonymous: dict[Any, int] = {}
        self.users: dict[Any, int] = {}
        self.names: dict[tuple[str, str], int] = {}
        self.products: dict[Scalar, int] = {None: 0}
        self.categories: dict[Scalar, int] = {None: 0}
        self.clients: dict[Any, tuple[int, int, int]] = {}
        self.pages: dict[Any, _PageOf] = {}
        self.sections: dict[Any, tuple[str, int]] = {}
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

    def client(self, cache_key: Any, context: Context, entry: Entry) -> tuple[int, int, int]:
        """What browser and place an event comes from, packed: device | os << 8 | browser << 16, country << 32 | region, city."""
        agent = context.userAgent if context.userAgent is not None else entry.user_agent
        found = device.device_of(text_of(agent)[:1024]) if agent else _NO_DEVICE
        ip = entry.ip or text_of(context.ip)
        zone = text_of(context.timezone)
        place = self._places.place(context.location, entry.country, entry.region, entry.city, ip, zone)
        region, city = self.name("region", place.region), self.name("city", place.city)
        packed = int(found[0]) | int(found[1]) << 8 | int(found[2]) << 16
        return _remember(self.clients, cache_key, (packed, country_number(place.country) << 32 | region, city))

    def page(self, url: Scalar, path: Scalar) -> "_PageOf":
        bare = text_of(url)[:2048].partition("#")[0].partition("?")[0]
        rest = bare.partition("://")[2]
        host, _, tail = rest.partition("/")
        where = text_of(path)[:2048].partition("?")[0] or ("/" + tail if rest else bare)
        section, key = self.section((where, None, None), where, None, None)
        value = _PageOf(bare or where, self.name("page", bare or where), where, host.lower(), section, key)
        return _remember(self.pages, (url, path), value)

    def section(self, cache_key: Any, where: str, category: Scalar, given: Scalar) -> tuple[str, int]:
        """(path, key) of the section of a page."""
        named = text_of(given)[:512] or text_of(category)[:512]
        text = self._sections.path_of(where, named) if where or named else ""
        return _remember(self.sections, cache_key, (text, self.name("section", text)))

    def arrival(self, cache_key: Any, url: Scalar, referrer: Scalar, campaign: Campaign | None) -> tuple[int, int, int]:
        """(channel, campaign, keyword) if the event says how the visitor came."""
        found = channels.arrival(text_of(url)[:4096], text_of(referrer)[:4096], campaign)
        value = _NO_ARRIVAL
        if found is not None:
            value = (int(found.channel), self.name("campaign", found.campaign), self.name("keyword", found.keyword))
        return _remember(self.arrivals, cache_key, value)


class _PageOf(NamedTuple):
    """What an address says: the address without query, its key, the path, the host, the section and its key."""

    bare: str
    key: int
    where: str
    host: str
    section: str
    section_key: int


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

    # -- decoding ------------------------------------------------------------------------------------------------

    def _decode(self, bodies: list[bytes], n: int, failures: list[Failure]) -> tuple[list[Event | None], list[bytes]]:
        body = bodies[0] if len(bodies) == 1 else b"\n".join(bodies)
        lines = body.split(b"\n")
        try:
            decoded: list[Event | None] = _DECODER.decode_lines(body)  # type: ignore[assignment]
            if len(decoded) == n == len(lines):
                return decoded, lines
        except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
            pass
        decoded = []
        for i, line in enumerate(lines):
            decoded.append(self._decode_one(line, i, failures))
        return decoded, lines

    def _decode_one(self, line: bytes, idx: int, failures: list[Failure]) -> Event | None:
        try:
            return _DECODER.decode(line)
        except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
            pass
        try:
            return lenient.read(line)
        except lenient.Refused as refused:
            failures.append(Failure(idx, refused.reason, refused.detail))
            return None

    # -- the pass ------------------------------------------------------------------------------------------------

    def read(self, batch: Sequence[tuple[int, Entry]], facts: Facts) -> Columns:
        """Columns of whole entries with their log offsets; control entries must be left out by the caller."""
        failures: list[Failure] = []
        bodies: list[bytes] = []
        entries: list[Entry] = []
        starts: list[int] = []
        for offset, entry in batch:
            bodies.append(entry.body if not entry.reject else b"{}")
            entries.extend([entry] * entry.n if entry.n != 1 else (entry,))
            starts.extend(range(offset, offset + entry.n) if entry.n != 1 else (offset,))
        n = len(entries)
        decoded, lines = self._decode(bodies, n, failures) if n else ([], [])
        if len(lines) != n:
            raise ValueError(f"the log says {n} events at offset {batch[0][0]}, its lines are {len(lines)}")
        events = np.zeros(n, EVENT)
        received = np.array([entry.received_ms for entry in entries], np.int64)
        columns = Columns(
            np.array(starts, np.int64), received, events, np.zeros(0, ITEM), decoded, lines, entries, failures, [], []
        )
        if n:
            self._fill(columns, facts)
        return columns

    def _fill(self, columns: Columns, facts: Facts) -> None:
        events, failures = columns.events, columns.failures
        n = len(events)
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
        machines: list[int] = []
        countries: list[int] = []
        cities: list[int] = []
        stamps: list[Any] = []
        sents: list[int] = []
        zones: list[Any] = []
        urls, sections = columns.urls, columns.sections
        arrived: list[tuple[int, tuple[int, int, int]]] = []
        plain: list[tuple[int, int, int, float, float, bool]] = []
        rare: list[tuple[int, Event, int]] = []
        for i, (event, entry) in enumerate(zip(columns.decoded, columns.entries, strict=True)):
            if entry.site != site:
                site = entry.site
                shop = self._site(site)
                kinds, anonymous_ids, user_ids = shop.kinds, shop.anonymous, shop.users
                pages, section_of, arrivals, clients = shop.pages, shop.sections, shop.arrivals, shop.clients
                products, categories = shop.products, shop.categories
            site_of.append(site)
            if event is None or entry.reject:
                if entry.reject:
                    failures.append(Failure(i, entry.reject, ""))
                    columns.decoded[i] = None
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
            category = properties.category if needs & 9 or kind == 1 else None
            given = properties.section
            if category is None and given is None:
                sections.append(where.section)
                section_keys.append(where.section_key)
            else:
                section_key = (where.where, category, given)
                section = section_of.get(section_key) or shop.section(section_key, where.where, category, given)
                sections.append(section[0])
                section_keys.append(section[1])
            # from where
            referrer = page.referrer if page.referrer is not None else properties.referrer
            campaign = context.campaign
            has_query = type(url) is str and "?" in url
            if campaign is not None or has_query or referrer:
                named = campaign and (campaign.name, campaign.source, campaign.medium, campaign.term, campaign.content)
                arrival_key = (url if has_query else where.host, referrer, named)
                arrival = arrivals.get(arrival_key) or shop.arrival(arrival_key, url, referrer, campaign)
                if arrival is not _NO_ARRIVAL:
                    arrived.append((i, arrival))
            # with what, in which place
            zone = context.timezone
            zones.append(zone)
            at = context.location
            client_key = (
                context.userAgent if context.userAgent is not None else entry.user_agent,
                zone,
                at and (at.country, at.region, at.city),
                entry.ip or context.ip,
                entry.country and (entry.country, entry.region, entry.city),
            )
            machine, country, city = clients.get(client_key) or shop.client(client_key, context, entry)
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
            if needs & 7 or type_ != "track" and type_ != "page" or not (user or anonymous) or not name and type_ == "track" or context.channel is not None or event.traits:
                rare.append((i, event, needs))
        events["site"] = site_of
        events["kind"] = kind_of
        events["anonymous_key"] = anonymous_keys
        events["user_key"] = user_keys
        events["message_key"] = message_keys
        events["page"] = page_keys
        events["section"] = section_keys
        machine_of = np.array(machines, np.uint32)
        events["device"] = machine_of & 255
        events["os"] = machine_of >> 8 & 255
        events["browser"] = machine_of >> 16
        events["flags"][events["device"] == _BOT] = _BOT_FLAG
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
        for i, event, needs in rare:
            self._fill_rare(columns, i, event, needs, lines_of)
        columns.items = np.zeros(len(lines_of), ITEM)
        if lines_of:
            product_of, category_of, prices, quantities = zip(*lines_of, strict=True)
            columns.items["product"], columns.items["category"] = product_of, category_of
            columns.items["price"], columns.items["quantity"] = prices, quantities
            columns.items["percentile"] = _NAN
        times = self._stamps(stamps)
        _finish(
            events,
            times,
            np.array(sents, np.int64),
            columns.received,
            self._zone_offsets(zones, times, columns.received),
            self._settings.late_h * _HOUR_MS,
            self._settings.future_h * _HOUR_MS,
        )
        if len(facts.categories) or len(facts.products):
            place_prices(events, columns.items, facts.categories, facts.quantiles, facts.products, facts.fences)
        for failure in failures:
            events[failure.idx]["status"] = _FAILED

    def _fill_plain(
        self, events: np.ndarray, plain: list[tuple[int, int, int, float, float, bool]], lines_of: list[Line]
    ) -> None:
        """Product events without anything odd: one product, one price in the base currency."""
        idx, products, categories, prices, quantities, is_line = zip(*plain, strict=True)
        at = np.array(idx, np.int64)
        price = np.array(prices, np.float64)
        price[~(np.abs(price) <= _AMOUNT_MAX)] = _NAN
        quantity = np.array(quantities, np.float64)
        quantity[~(np.abs(quantity) <= _AMOUNT_MAX)] = _NAN
        product, category = np.array(products, np.uint64), np.array(categories, np.uint64)
        events["product"][at] = product
        events["category"][at] = category
        events["price"][at] = price
        events["quantity"][at] = quantity
        has_line = np.flatnonzero(np.array(is_line))
        events["item_start"][at[has_line]] = np.arange(len(has_line)) + len(lines_of)
        events["item_n"][at[has_line]] = 1
        lines_of.extend(
            zip(product[has_line], category[has_line], price[has_line], quantity[has_line], strict=True)
        )

    def _stamps(self, stamps: list[Any]) -> np.ndarray:
        """Client times in ms, -1 where there is none."""
        n = len(stamps)
        times = np.full(n, -1, np.int64)
        try:
            joined = "".join(stamps).encode("ascii")
        except (TypeError, UnicodeEncodeError):
            joined = b""
        if len(joined) == 24 * n and all(len(stamp) == 24 for stamp in stamps):
            _parse_times(np.frombuffer(joined, np.uint8), times)
        for i in np.flatnonzero(times < 0):
            if stamps[i] is not None:
                found = clean.time_ms(stamps[i])
                times[i] = -1 if found is None else found
        return times

    def _zone_offsets(self, zones: list[Any], times: np.ndarray, received: np.ndarray) -> np.ndarray:
        """Minutes that each event's local time is ahead of UTC; looked up by zone and quarter of an hour."""
        out = np.zeros(len(zones), np.int64)
        quarters = (np.where(times >= 0, np.minimum(times, received), received) // 900_000).tolist()
        offsets = self._offsets
        for i, zone in enumerate(zones):
            if zone:
                key = (zone, quarters[i])
                offset = offsets.get(key)
                if offset is None:
                    offset = _remember(offsets, key, geo.utc_offset_min(text_of(zone)[:64], quarters[i] * 900_000))
                out[i] = offset
        return out

    def _fill_rare(
        self,
        columns: Columns,
        i: int,
        event: Event,
        needs: int,
        lines_of: list[Line],
    ) -> None:
        """What only some kinds and calls have: products, money, search, scroll, aliases, stores; and refusals."""
        e = columns.events[i]
        shop = self._site(columns.entries[i].site)
        refused = lenient.check(event)
        if refused is None and e["anonymous_key"] == 0 and e["user_key"] == 0:
            refused = "no_identity"
        if refused is not None:
            columns.failures.append(Failure(i, refused, ""))
            return
        context = event.context or _EMPTY_CONTEXT
        if event.type == "alias":
            e["is_alias"] = 1
            e["previous_key"] = shop.id(USER, event.previousId)
            e["previous_anonymous_key"] = shop.id(ANONYMOUS, event.previousId)
        if _EMAIL_KEY in bytes(event.traits):
            e["knows"] = 1
        if context.channel is not None and text_of(context.channel).lower() == "store":
            e["flags"] |= _STORE
        if not needs:
            return
        properties = event.properties or _EMPTY_PROPERTIES
        kind = int(e["kind"])
        if needs & 4:
            if kind == Kind.SEARCH:
                e["query"] = shop.name("query", text_of(properties.query)[:256].lower())
            else:
                depth = money.amount(properties.percent if properties.percent is not None else properties.depth)
                e["scroll"] = min(max(depth, 0.0), 100.0) if depth == depth else _NAN
            return
        rate = 1.0
        if properties.currency is not None:
            rate = money.rate(properties.currency, self._settings.base_currency, self._settings.currencies)
            if rate != rate:
                if kind in _MONEY:
                    columns.failures.append(Failure(i, "no_rate", text_of(properties.currency)[:64]))
                    return
                e["flags"] |= _UNKNOWN_CURRENCY
        e["category"] = shop.category(properties.category)
        product = properties.product_id
        if product is None:
            product = properties.sku if properties.sku is not None else properties.id
        products = properties.products or ()
        own = _line(shop, product, properties.category, properties.price, properties.quantity, rate)
        if needs & 1:
            if own[0] == 0 and products:
                own = _product_line(shop, products[0], rate)
                e["category"] = own[1]
            e["product"], _, e["price"], e["quantity"] = own
            regular = properties.regular_price if properties.regular_price is not None else properties.compare_at_price
            if (regular is not None and money.amount(regular) * rate > own[2] * 1.0001) or (
                properties.discount is not None and money.amount(properties.discount) > 0
            ):
                e["flags"] |= _DISCOUNTED
        if not needs & 2:
            return
        e["item_start"] = len(lines_of)
        if products:
            lines_of.extend(_product_line(shop, line, rate) for line in products)
        elif kind in _SELF_LINE and (own[0] != 0 or kind != Kind.ORDER):
            lines_of.append(own)
        e["item_n"] = len(lines_of) - e["item_start"]
        if kind in _MONEY:
            e["revenue"] = _revenue(properties, lines_of[e["item_start"] :], rate)
            order = text_of(properties.order_id)
            if kind == Kind.ORDER and order:
                e["order_key"] = name_key(shop.number, "order\x00" + order)


def _line(
    shop: _Site, product: Scalar, category: Scalar, price: Scalar, quantity: Scalar, rate: float
) -> Line:
    value = float(price) if type(price) is float or type(price) is int else money.amount(price)
    count = _NAN if quantity is None else money.amount(quantity)
    if not abs(value) <= _AMOUNT_MAX:
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
            return abs(value) * rate
    total = 0.0
    for _, _, price, quantity in lines:
        if price == price:
            total += price * (quantity if quantity == quantity else 1.0)
    return total
