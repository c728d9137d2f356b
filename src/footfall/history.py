"""What goes to the lake, and what shared facts come out of it? Log entries and their outcome as tables.

Written from the log and the stored batches, never from memory, so that after a crash it is written just the same.
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from footfall.base.codes import Flag, Status
from footfall.base.kinds import Kind
from footfall.events.columns import Columns, Reader, name_key, text_of
from footfall.events.facts import (
    LEAST_CATEGORY,
    LEAST_PRODUCT,
    LEAST_SEEN,
    MOST_CATEGORIES,
    MOST_PRODUCTS,
    N_QUANTILES,
    Facts,
    FactsShelf,
    SiteSums,
    facts_of_quantiles,
    lifts,
)
from footfall.events.geo import Geo, Place
from footfall.events.mending import read_all
from footfall.events.wire import Entry, Event, Properties, Scalar, Source
from footfall.ports import PLACED, Batch, EventLog, Lake, RecordStore
from footfall.record.features import CATALOGUE_ID
from footfall.record.layout import SESSION
from footfall.record.rates import RATE, rates_of
from footfall.settings import Settings

_APPLIED = int(Status.APPLIED)
_EMPTY = Properties()
BATCHES_MAX_BYTES = 64 << 20
"""Outcomes of log ranges that are kept in memory until the lake has the range; beyond that the store is asked."""

EVENTS = pa.schema(
    [
        ("offset", pa.int64()),
        ("site", pa.uint16()),
        ("row", pa.int32()),
        ("time_ms", pa.int64()),
        ("received_ms", pa.int64()),
        ("kind", pa.uint8()),
        ("flags", pa.uint16()),
        ("name", pa.string()),
        ("url", pa.string()),
        ("section", pa.string()),
        ("product_id", pa.string()),
        ("category", pa.string()),
        ("price", pa.float32()),
        ("quantity", pa.float32()),
        ("revenue", pa.float64()),
        ("order_id", pa.string()),
        ("channel", pa.uint8()),
        ("device", pa.uint8()),
        ("os", pa.uint8()),
        ("browser", pa.uint8()),
        ("country", pa.string()),
        ("region", pa.string()),
        ("city", pa.string()),
        ("anonymous_id", pa.string()),
        ("user_id", pa.string()),
        ("payload", pa.string()),
        ("entry", pa.string()),
    ]
)
DECISIONS = pa.schema(
    [
        ("offset", pa.int64()),
        ("site", pa.uint16()),
        ("row", pa.int32()),
        ("time_ms", pa.int64()),
        ("session_number", pa.int32()),
        ("n_events", pa.int32()),
        ("version", pa.int32()),
        ("session", pa.float32()),
        ("week", pa.float32()),
        ("challenger_version", pa.int32()),
        ("challenger_session", pa.float32()),
        ("challenger_week", pa.float32()),
        ("catalogue_id", pa.string()),
        ("features", pa.binary()),
    ]
)
SESSIONS = pa.schema(
    [
        ("offset", pa.int64()),
        ("site", pa.uint16()),
        ("row", pa.int32()),
        ("number", pa.int32()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("n_events", pa.int32()),
        ("dwell_s", pa.float32()),
        ("channel", pa.uint8()),
        ("device", pa.uint8()),
        ("landing_section", pa.uint64()),
        ("exit_section", pa.uint64()),
        ("cart_value", pa.float32()),
        ("revenue", pa.float64()),
    ]
)


class Historian:
    """Carries what the records include from the log and the store to the lake."""

    def __init__(
        self, settings: Settings, log: EventLog, store: RecordStore, lake: Lake, places: Geo, shelf: FactsShelf
    ) -> None:
        self._log, self._store, self._lake = log, store, lake
        self._places, self._shelf = places, shelf
        self._reader = Reader(settings, places)
        self._batches: deque[Batch] = deque()
        self._n_batch_bytes = 0
        self._guard = threading.Lock()

    def note(self, batches: Sequence[Batch]) -> None:
        """Remember what became of events that were just committed, so that the store needn't be asked for it."""
        with self._guard:
            self._batches.extend(batches)
            self._n_batch_bytes += sum(map(_n_bytes, batches))
            while self._batches and self._n_batch_bytes > BATCHES_MAX_BYTES:
                self._n_batch_bytes -= _n_bytes(self._batches.popleft())

    def write(self, committed_offset: int, most: int = 200_000) -> int:
        """Write what is committed and not yet in the lake, in files of at most about ``most`` events.

        Returns the log offset up to which the lake now reaches.
        """
        position = self._lake.position()
        while position < committed_offset:
            entries = self._log.read(position, min(most, committed_offset - position))
            entries = [item for item in entries if item[0] < committed_offset]
            if not entries:
                break
            last = entries[-1][0] + entries[-1][1].n
            self._lake.write("events", position, last, self._table(entries, position, last))
            position = last
        ended = self._store.ended()
        if ended:
            self._lake.write("sessions", ended[0][0], ended[-1][0] + 1, session_table(ended))
            self._store.drop_ended(ended[-1][0])
        return position

    def _table(self, entries: Sequence[tuple[int, Entry]], first: int, last: int) -> pa.Table:
        statuses = np.full(last - first, 255, np.uint8)
        rows = np.full(last - first, -1, np.int32)
        since_ms = min((e.logged_ms or e.received_ms for _, e in entries), default=0)
        placed: dict[int, int] = {}
        for batch in self._outcomes(first, last, since_ms):
            _lay(batch, first, statuses, rows)
            for idx, section in np.frombuffer(batch.placed, PLACED).tolist():
                placed[batch.offset + idx] = section
        parts = []
        for piece in _between_controls(entries):
            columns = read_all(self._reader, piece, self._shelf.in_force(piece[0][0]), is_slow=True)
            self._reader.new_names.clear()
            at = columns.offsets - first
            if placed:
                self._settle_sections(columns, placed)
            parts.append(event_table(columns, statuses[at] == _APPLIED, rows[at], self._places))
        return pa.concat_tables(parts) if parts else EVENTS.empty_table()

    def _settle_sections(self, columns: Columns, placed: dict[int, int]) -> None:
        """Write down where events happened that tell another section by themselves; ``placed`` keys by offset."""
        moved = [(i, placed[offset]) for i, offset in enumerate(columns.offsets.tolist()) if offset in placed]
        for site in {int(columns.events[i]["site"]) for i, _ in moved}:
            here = [(i, key) for i, key in moved if columns.events[i]["site"] == site]
            names = self._store.names(site, list({key for _, key in here if key}))
            columns.sections.update((i, names.get(key, "")) for i, key in here)

    def _outcomes(self, first: int, last: int, since_ms: int) -> Iterable[Batch]:
        """Batches that cover a range: from memory if they are there, else from the store."""
        with self._guard:
            while self._batches and self._batches[0].offset + self._batches[0].n <= first:
                self._n_batch_bytes -= _n_bytes(self._batches.popleft())
            known = [batch for batch in self._batches if batch.offset < last]
        return known if known and known[0].offset <= first else self._store.batches(since_ms)


def _n_bytes(batch: Batch) -> int:
    return 21 * batch.n + len(batch.placed) + 200


def _between_controls(entries: Sequence[tuple[int, Entry]]) -> list[list[tuple[int, Entry]]]:
    """The entries that hold events, split where a control entry stands."""
    pieces: list[list[tuple[int, Entry]]] = [[]]
    for item in entries:
        if item[1].source == Source.ENGINE:
            pieces.append([])
        else:
            pieces[-1].append(item)
    return [piece for piece in pieces if piece]


def _lay(batch: Batch, first: int, statuses: np.ndarray, rows: np.ndarray) -> None:
    """Copy the part of a batch that lies in the range. Control entries inside a batch's range don't occur."""
    start, stop = max(batch.offset, first), min(batch.offset + batch.n, first + len(statuses))
    if start < stop:
        part = slice(start - batch.offset, stop - batch.offset)
        statuses[start - first : stop - first] = np.frombuffer(batch.statuses, np.uint8)[part]
        rows[start - first : stop - first] = np.frombuffer(batch.rows, "<i4")[part]


def event_table(columns: Columns, is_applied: np.ndarray, rows: np.ndarray, places: Geo) -> pa.Table:
    """Rows of the lake's ``events`` for those events that were applied, by visitor and time."""
    keep = np.flatnonzero(is_applied)
    keep = keep[np.lexsort((columns.events["time"][keep], rows[keep]))]
    events = columns.events[keep]
    texts: dict[str, list[str | None]] = {
        k: [] for k in ("name", "url", "section", "product_id", "category", "order_id", "country", "region", "city",
                        "anonymous_id", "user_id", "payload", "entry")
    }  # fmt: skip
    envelopes: dict[int, str] = {}
    found: dict[tuple[Scalar, ...], Place] = {}
    columns_of_texts = [texts[name] for name in texts]
    for i in keep.tolist():
        event, entry = columns.event(i), columns.entry(i)
        assert event is not None
        properties = event.properties or _EMPTY
        product, category = product_of(properties)
        place = _place(places, found, event, entry)
        envelope = envelopes.get(id(entry))
        if envelope is None:
            envelope = msgspec.json.encode(msgspec.structs.replace(entry, n=1, body=b"")).decode()
            envelopes[id(entry)] = envelope
        values = (
            text_of(event.event) or text_of(event.name) or event.type,
            columns.urls[i] or None,
            columns.sections[i] or None,
            text_of(product) or None,
            text_of(category) or None,
            text_of(properties.order_id) or None,
            place.country or None,
            place.region or None,
            place.city or None,
            text_of(event.anonymousId) or None,
            text_of(event.userId) or None,
            columns.line(i).decode("utf-8", "replace"),
            envelope,
        )
        for texts_of_column, value in zip(columns_of_texts, values, strict=True):
            texts_of_column.append(value)
    numbers = {
        "offset": columns.offsets[keep], "site": events["site"], "row": rows[keep], "time_ms": events["time"],
        "received_ms": columns.received[keep], "kind": events["kind"], "flags": events["flags"],
        "price": events["price"], "quantity": events["quantity"], "revenue": events["revenue"],
        "channel": events["channel"], "device": events["device"], "os": events["os"], "browser": events["browser"],
    }  # fmt: skip
    arrays = [
        pa.array(np.ascontiguousarray(numbers[field.name])).cast(field.type)
        if field.name in numbers
        else _text_array(texts[field.name])
        for field in EVENTS
    ]
    return pa.Table.from_arrays(arrays, schema=EVENTS)


def _place(places: Geo, found: dict[tuple[Scalar, ...], Place], event: Event, entry: Entry) -> Place:
    """Where an event happened; ``found`` keeps what was looked up before."""
    context = event.context
    location, ip, zone = (context.location, context.ip, context.timezone) if context else (None, None, None)
    said = (location.country, location.region, location.city) if location else (None, None, None)
    key = (*said, entry.country, entry.region, entry.city, entry.ip or ip, zone)
    place = found.get(key)
    if place is None:
        place = places.place(location, entry.country, entry.region, entry.city, entry.ip or text_of(ip), text_of(zone))
        found[key] = place
    return place


def product_of(properties: Properties) -> tuple[Scalar, Scalar]:
    """Product and category of an event, or else of its first line, as the columns have them."""
    product = properties.product_id
    if product is None:
        product = properties.sku if properties.sku is not None else properties.id
    if text_of(product) or not properties.products:
        return product, properties.category
    line = properties.products[0]
    of_line = (x for x in (line.product_id, line.item_id, line.sku, line.id) if x is not None)
    return next(of_line, None), line.category if line.category is not None else line.item_category


def _text_array(texts: list[str | None]) -> pa.Array:
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:  # lone surrogates become question marks
        return pa.array([text and text.encode("utf-8", "replace").decode() for text in texts], pa.string())


def entry_of(envelope: str, payload: str) -> Entry:
    """The log entry, of one event, that a lake row came from."""
    return msgspec.structs.replace(msgspec.json.decode(envelope, type=Entry), n=1, body=payload.encode())


def session_table(ended: Iterable[tuple[int, int, bytes]]) -> pa.Table:
    """Rows of the lake's ``sessions``."""
    parts = [(offset, np.frombuffer(data, SESSION)) for _, offset, data in ended]
    s = np.concatenate([part for _, part in parts])
    columns = {
        "offset": np.concatenate([np.full(len(part), offset, np.int64) for offset, part in parts]),
        "site": s["site"], "row": s["row"], "number": s["number"], "start_ms": s["start"], "end_ms": s["end"],
        "n_events": s["n_events"], "dwell_s": s["dwell_s"], "channel": s["channel"], "device": s["device"],
        "landing_section": s["landing"], "exit_section": s["exit"], "cart_value": s["cart_value"],
        "revenue": s["revenue"],
    }  # fmt: skip
    arrays = [pa.array(np.ascontiguousarray(columns[f.name])).cast(f.type) for f in SESSIONS]
    return pa.Table.from_arrays(arrays, schema=SESSIONS)


def decision_table(decisions: np.ndarray) -> pa.Table:
    """Rows of the lake's ``decisions`` from DECISION[n]; no score, and no challenger, become NULL."""
    size = decisions.dtype["features"].itemsize
    features = np.ascontiguousarray(decisions["features"]).tobytes()
    arrays = []
    for field in DECISIONS:
        if field.name == "catalogue_id":
            arrays.append(pa.array([CATALOGUE_ID] * len(decisions), pa.string()))
        elif field.name == "features":
            ends = np.arange(len(decisions) + 1, dtype=np.int32) * size
            arrays.append(
                pa.Array.from_buffers(field.type, len(decisions), [None, pa.py_buffer(ends), pa.py_buffer(features)])
            )
        else:
            values = np.ascontiguousarray(decisions[field.name])
            is_null = np.isnan(values) if values.dtype.kind == "f" else None
            if field.name == "challenger_version":
                is_null = values < 0
            arrays.append(pa.array(values, field.type, mask=is_null))
    return pa.Table.from_arrays(arrays, schema=DECISIONS)


def facts_of(lake: Lake, version: int, since_ms: int, until_ms: int) -> Facts:
    """Shared facts from prices of product views, and from views, cart adds and orders, in ``[since_ms, until_ms)`` of
    event time."""
    views = (
        "FROM events WHERE kind = 4 AND time_ms >= ? AND time_ms < ? AND date >= to_timestamp(? / 1000.0)::DATE - 1 "
        "AND price > 0 AND NOT isnan(price)"
    )
    span = [since_ms, until_ms, since_ms]
    shares = [k / (N_QUANTILES - 1) for k in range(N_QUANTILES)]
    categories = lake.query(
        f"SELECT site, category AS name, quantile_cont(price::DOUBLE, {shares}) AS quantiles {views} "
        f"AND category IS NOT NULL GROUP BY ALL HAVING count(*) >= {LEAST_CATEGORY} "
        f"ORDER BY count(*) DESC, site, name LIMIT {MOST_CATEGORIES}",
        span,
    )
    products = lake.query(
        f"SELECT site, product_id AS name, quantile_cont(price::DOUBLE, [0.25, 0.75]) AS quantiles {views} "
        f"AND product_id IS NOT NULL GROUP BY ALL HAVING count(*) >= {LEAST_PRODUCT} "
        f"ORDER BY count(*) DESC, site, name LIMIT {MOST_PRODUCTS}",
        span,
    )
    facts = facts_of_quantiles(version, *_keyed(categories, N_QUANTILES, 512), *_keyed(products, 2, 256))
    rates = rates_of(
        _rates(lake.query(_counted("product_id", MOST_PRODUCTS), span + span), 256),
        _rates(lake.query(_counted("category", MOST_CATEGORIES), span + span), 512),
    )
    return msgspec.structs.replace(facts, rates=rates)


_IN_SPAN = (
    f"time_ms >= ? AND time_ms < ? AND date >= to_timestamp(? / 1000.0)::DATE - 1 AND flags & {int(Flag.BOT)} = 0"
)
_ACTS = f"""
WITH orders AS MATERIALIZED (
  SELECT site, product_id, category,
    CASE WHEN json_valid(payload) THEN json_extract(payload, '$.properties.products[*]') ELSE [] END AS lines
  FROM events WHERE kind = {int(Kind.ORDER)} AND {_IN_SPAN}
), bought AS (
  SELECT site, product_id, category FROM orders WHERE len(lines) = 0
  UNION ALL
  SELECT site,
    trim(coalesce(line->>'$.product_id', line->>'$.item_id', line->>'$.sku', line->>'$.id')) AS product_id,
    trim(coalesce(line->>'$.category', line->>'$.item_category')) AS category
  FROM (SELECT site, unnest(lines) AS line FROM orders)
), said AS (
  SELECT site, kind, product_id, category
  FROM events WHERE kind IN ({int(Kind.PRODUCT_VIEW)}, {int(Kind.CART_ADD)}) AND {_IN_SPAN}
  UNION ALL
  SELECT site, {int(Kind.ORDER)}, nullif(product_id, ''), nullif(category, '') FROM bought
), homes AS (
  SELECT site, product_id, min(category) AS home FROM said
  WHERE product_id IS NOT NULL AND category IS NOT NULL GROUP BY ALL
), acts AS (
  SELECT site, kind, product_id, coalesce(category, home) AS category FROM said LEFT JOIN homes USING (site, product_id)
)"""  # noqa: S608 (own names)
"""SQL: a row for each view, cart add and bought line. Lines seldom name a category: then it is the product's."""


def _counted(column: str, most: int) -> str:
    """SQL: how often each thing was viewed, put into a cart and bought, with sums over all things of its site.

    A thing's chances are its views, or the others where there are more of those: then views weren't sent.
    """
    return f"""{_ACTS}, counts AS (
  SELECT site, {column} AS name, count(*) FILTER (kind = {int(Kind.PRODUCT_VIEW)}) AS n_views,
    count(*) FILTER (kind = {int(Kind.CART_ADD)}) AS n_adds, count(*) FILTER (kind = {int(Kind.ORDER)}) AS n_orders,
    greatest(n_views, n_adds, n_orders) AS n_chances
  FROM acts WHERE {column} IS NOT NULL GROUP BY ALL
), sites AS (
  SELECT site, count(*) AS site_things, sum(n_views)::DOUBLE AS site_views, sum(n_chances)::DOUBLE AS site_chances,
    sum(n_adds)::DOUBLE AS site_adds, sum(n_orders)::DOUBLE AS site_orders,
    sum(n_views::DOUBLE * n_views) AS site_views_sq, sum(n_adds * n_adds / n_chances) AS site_adds_sq,
    sum(n_orders * n_orders / n_chances) AS site_orders_sq
  FROM counts GROUP BY site
)
SELECT * FROM counts JOIN sites USING (site) WHERE n_views + n_adds + n_orders >= {LEAST_SEEN}
ORDER BY n_views + n_adds + n_orders DESC, site, name LIMIT {most}"""  # noqa: S608 (own names)


def _rates(table: pa.Table, most_chars: int) -> np.ndarray:
    """RATE[k] of counted things. Every thing has the same chance to be viewed, and a view is one to go on."""

    def numbers(name: str) -> np.ndarray:
        return np.asarray(table[name].to_numpy(), np.float64)

    known = np.zeros(len(table), RATE)
    known["key"] = _keys(table, most_chars)
    views = SiteSums(*(numbers(f"site_{name}") for name in ("things", "things", "views", "views_sq")))
    known["view_lift"] = lifts(numbers("n_views"), np.ones(len(table)), views)
    for act, field in (("adds", "cart_lift"), ("orders", "order_lift")):
        sums = SiteSums(*(numbers(f"site_{name}") for name in ("things", "chances", act, f"{act}_sq")))
        known[field] = lifts(numbers(f"n_{act}"), numbers("n_chances"), sums)
    return known


def _keys(table: pa.Table, most_chars: int) -> np.ndarray:
    """uint64[k]: keys of names, cut as the columns cut them."""
    sites, names = table["site"].to_pylist(), table["name"].to_pylist()
    return np.array([name_key(site, name[:most_chars]) for site, name in zip(sites, names, strict=True)], np.uint64)


def _keyed(table: pa.Table, n: int, most_chars: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys of names and their quantiles, float64[k, n]; of equal keys the first stays."""
    keys = _keys(table, most_chars)
    values = np.array(table["quantiles"].to_pylist(), np.float64).reshape(len(keys), n)
    kept, at = np.unique(keys, return_index=True)
    return kept, values[at]
