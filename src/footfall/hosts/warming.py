"""Compiles every kernel before the first real event needs it: half a minute on the first start, nothing after.

``python -m footfall.hosts.warming`` does just that, so that setting up takes the time and no start does.
"""

import json
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from footfall.adapters.memory import MemoryLake, MemoryRecordStore
from footfall.engine import Engine
from footfall.events.facts import Facts, FactsShelf, place_prices
from footfall.events.geo import Geo
from footfall.events.wire import Entry, Source
from footfall.history import EVENTS
from footfall.models.forest import forest_of
from footfall.models.prior import Prior
from footfall.models.rows import TARGETS
from footfall.models.similarity import trees_of
from footfall.record.features import N_FEATURES, features_into
from footfall.settings import Settings
from footfall.training_set import make_rows


def warm_up(settings: Settings, empty_folder: Path) -> None:
    """Send a few made-up events through an engine that is thrown away."""
    engine = Engine(settings, MemoryRecordStore(), places=Geo(""), shelf=FactsShelf(empty_folder))
    base = {"type": "track", "event": "Product Added", "properties": {"product_id": "p", "price": 1}}
    events = [{**base, "anonymousId": f"warm-{i}", "messageId": f"m{i}"} for i in range(32)]
    events.append({**base, "anonymousId": "warm-1", "userId": "warm", "traits": {"email": "x"}})
    events.append({**base, "anonymousId": "warm-2", "userId": "warm"})
    body = b"\n".join(json.dumps(event).encode() for event in events)
    engine.apply([(0, Entry(1, 1_700_000_000_000, int(Source.SEGMENT), len(events), body))])
    engine.tick(1_800_000_000_000)
    values = np.empty((1, N_FEATURES), np.float32)
    times = np.array([1_800_000_000_000], np.int64)
    features_into(engine.records, np.zeros(1, np.int32), times, engine.facts.rates, values)
    Prior().score_into(values, np.empty((1, len(TARGETS)), np.float32))
    Prior().contributions(values)
    forest_of([]).margins(values)
    trees_of([]).contributions(values, np.ones(1, np.uint64))
    keys = np.array([1, 2], np.uint64)
    facts = Facts(1, keys, np.zeros((2, 21), np.float32), keys, np.zeros((2, 2), np.float32))
    columns = engine.reader.read([(0, Entry(1, 1, 0, 1, b"{}"))], facts)
    place_prices(columns.events, columns.items, facts.categories, facts.quantiles, facts.products, facts.fences)
    engine.forget_old_messages()
    engine.take_commit()


def warm_up_training(empty_folder: Path) -> None:
    """Go through the history of a made-up visitor; a server needs none of this, ``footfall train`` does."""
    entry = Entry(1, 1_700_000_000_000, int(Source.SEGMENT), 1, b"")
    payload = '{"type":"track","event":"Product Viewed","anonymousId":"warm","messageId":"m"}'
    event = {"site": 1, "time_ms": entry.received_ms, "received_ms": entry.received_ms, "payload": payload,
             "entry": msgspec.json.encode(entry).decode()}  # fmt: skip
    lake = MemoryLake()
    nothing = {field.name: "" if field.type == pa.string() else 0 for field in EVENTS}
    lake.write("events", 0, 1, pa.Table.from_pylist([nothing | event], EVENTS))
    make_rows(lake, FactsShelf(empty_folder), Settings(), 1, is_masked=True)


def main() -> None:
    """Compile, and leave nothing but what was compiled."""
    with tempfile.TemporaryDirectory() as folder:
        warm_up(Settings(), Path(folder))
        warm_up_training(Path(folder))


if __name__ == "__main__":
    main()
