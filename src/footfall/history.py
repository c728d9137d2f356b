"""What goes to the lake, and what shared facts come out of it? Log entries and their outcome as tables.

Written from the log and the stored batches, never from memory, so that after a crash it is written just the same.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from footfall.base.codes import Status
from footfall.events.columns import Columns, Reader, name_key, text_of
from footfall.events.facts import Facts, FactsShelf, make_facts
from footfall.events.geo import Geo
from footfall.events.wire import Entry, Product, Properties, Source
from footfall.ports import Batch, EventLog, Lake, RecordStore
from footfall.record.layout import SESSION
from footfall.settings import Settings

_APPLIED = int(Status.APPLIED)
_EMPTY = Properties()
_NO_PRODUCT = Product()

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
        real = [item for item in entries if item[1].source != Source.ENGINE]
        columns = self._reader.read(real, self._shelf.at(real[0][1].received_ms if real else 0))
        self._reader.new_names.clear()
        statuses = np.full(last - first, 255, np.uint8)
        rows = np.full(last - first, -1, np.int32)
        for batch in self._store.batches(min((e.logged_ms or e.received_ms for _, e in entries), default=0)):
            _lay(batch, first, statuses, rows)
        at = columns.offsets - first
        return event_table(columns, statuses[at] == _APPLIED, rows[at], self._places)


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
    for i in keep:
        event, entry = columns.decoded[i], columns.entries[i]
        assert event is not None
        properties = event.properties or _EMPTY
        line = properties.products[0] if properties.products else _NO_PRODUCT
        product = next((x for x in (properties.product_id, properties.sku, properties.id, line.product_id) if x is not None), None)
        category = properties.category if properties.category is not None else line.category
        context = event.context
        place = places.place(
            context.location if context else None, entry.country, entry.region, entry.city,
            entry.ip or (text_of(context.ip) if context else ""), text_of(context.timezone) if context else "",
        )  # fmt: skip
        texts["name"].append(text_of(event.event) or text_of(event.name) or event.type)
        texts["url"].append(columns.urls[i] or None)
        texts["section"].append(columns.sections[i] or None)
        texts["product_id"].append(text_of(product) or None)
        texts["category"].append(text_of(category) or None)
        texts["order_id"].append(text_of(properties.order_id) or None)
        texts["country"].append(place.country or None)
        texts["region"].append(place.region or None)
        texts["city"].append(place.city or None)
        texts["anonymous_id"].append(text_of(event.anonymousId) or None)
        texts["user_id"].append(text_of(event.userId) or None)
        texts["payload"].append(columns.lines[i].decode("utf-8", "replace"))
        envelope = envelopes.get(id(entry))
        if envelope is None:
            envelope = msgspec.json.encode(msgspec.structs.replace(entry, n=1, body=b"")).decode()
            envelopes[id(entry)] = envelope
        texts["entry"].append(envelope)
    numbers = {
        "offset": columns.offsets[keep], "site": events["site"], "row": rows[keep], "time_ms": events["time"],
        "received_ms": columns.received[keep], "kind": events["kind"], "flags": events["flags"],
        "price": events["price"], "quantity": events["quantity"], "revenue": events["revenue"],
        "channel": events["channel"], "device": events["device"], "os": events["os"], "browser": events["browser"],
    }  # fmt: skip
    arrays = [
        pa.array(np.ascontiguousarray(numbers[field.name])).cast(field.type)
        if field.name in numbers
        else pa.array([_safe(text) for text in texts[field.name]], field.type)
        for field in EVENTS
    ]
    return pa.Table.from_arrays(arrays, schema=EVENTS)


def _safe(text: str | None) -> str | None:
    return text.encode("utf-8", "replace").decode() if text is not None and not text.isascii() else text


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


def facts_of(lake: Lake, version: int, since_ms: int, until_ms: int) -> Facts:
    """Shared facts from the prices of product views in ``[since_ms, until_ms)`` of event time."""
    views = lake.query(
        "SELECT site, product_id, category, price FROM events "
        "WHERE kind = 4 AND time_ms >= ? AND time_ms < ? AND price > 0 AND NOT isnan(price)",
        [since_ms, until_ms],
    ).to_pydict()
    memo: dict[tuple[int, str], int] = {}

    def keys(texts: list[str | None]) -> np.ndarray:
        out = np.zeros(len(texts), np.uint64)
        for i, (site, text) in enumerate(zip(views["site"], texts, strict=True)):
            if text:
                at = (site, text)
                if at not in memo:
                    memo[at] = name_key(site, text)
                out[i] = memo[at]
        return out

    prices = np.array(views["price"], np.float32)
    products, categories = keys(views["product_id"]), keys(views["category"])
    has_product, has_category = products != 0, categories != 0
    return make_facts(
        version, categories[has_category], prices[has_category], products[has_product], prices[has_product]
    )
