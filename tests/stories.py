"""Shops for tests: made-up events, an engine over memory, and a data folder driven by hand."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
from xxhash import xxh3_64_hexdigest

from footfall.adapters.memory import MemoryLog, MemoryRecordStore
from footfall.base.clock import ManualClock
from footfall.base.times import iso
from footfall.engine import Engine, split_at_control
from footfall.events.facts import FactsShelf
from footfall.events.geo import Geo
from footfall.events.wire import Entry, Source
from footfall.hosts.init import Made, init
from footfall.hosts.running import Running
from footfall.settings import Settings

NOON_MS = 1_792_843_200_000
"""2026-10-24T12:00:00Z"""
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
SETTINGS = Settings(reserve_visitors=1024)
NAMES = ("Product Viewed", "Product Added", "Product Removed", "Products Searched", "Cart Viewed", "Checkout Started",
         "Order Completed", "Order Refunded", "Product List Viewed", "Scrolled", "Something Else")  # fmt: skip
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537"


def track(
    name: str, at_ms: int = NOON_MS, anonymous: str | None = "a1", user: str | None = None, **properties: Any
) -> dict[str, Any]:
    """A track call; ``messageId`` is made of all that is given, so that the same call is the same event."""
    event: dict[str, Any] = {"type": "track", "event": name, "timestamp": iso(at_ms), "properties": properties}
    return _whose(event, anonymous, user)


def call(
    kind: str, at_ms: int = NOON_MS, anonymous: str | None = "a1", user: str | None = None, **fields: Any
) -> dict[str, Any]:
    """A call of another type; ``fields`` stand at the event's top."""
    return _whose({"type": kind, "timestamp": iso(at_ms), **fields}, anonymous, user)


def _whose(event: dict[str, Any], anonymous: str | None, user: str | None) -> dict[str, Any]:
    if anonymous is not None:
        event["anonymousId"] = anonymous
    if user is not None:
        event["userId"] = user
    return {"messageId": xxh3_64_hexdigest(msgspec.json.encode(event, order="deterministic")), **event}


def entry(
    *events: dict[str, Any] | bytes, received_ms: int = NOON_MS + DAY_MS // 4, site: int = 1, **more: Any
) -> Entry:
    """A log entry of these events."""
    lines = [event if isinstance(event, bytes) else msgspec.json.encode(event) for event in events]
    return Entry(site, received_ms, int(Source.SEGMENT), len(lines), b"\n".join(lines), **more)


def trace(
    seed: int, n: int, *, n_people: int = 8, start_ms: int = NOON_MS, step_ms: int = 40_000
) -> list[dict[str, Any]]:
    """Events in order of time: devices that become known, merge and are shared, carts, orders, traits and mistakes."""
    rng = Random(seed)
    now, out = start_ms, []
    for i in range(n):
        now += rng.choice((1, 50, step_ms, step_ms, 3 * step_ms)) if rng.random() > 0.02 else 45 * MINUTE_MS
        person = rng.randrange(n_people)
        device = f"d{person}-{rng.randrange(2)}" if rng.random() > 0.03 else "kiosk"
        user = f"u{person}" if rng.random() < 0.3 else None
        event = _something(rng, i, now, device, user)
        event["messageId"] = f"m{seed}-{i}"
        event["context"] = {"userAgent": CHROME, "timezone": "Europe/Berlin", "page": _page(rng)}
        out.append(event)
        if rng.random() < 0.03:
            out.append(dict(event))
    return out


def _page(rng: Random) -> dict[str, str]:
    path = rng.choice(("/women/shoes", "/men", "/sale/2026", "/"))
    query = rng.choice(("", "", "?utm_source=google&utm_medium=cpc&utm_campaign=fall"))
    return {"url": f"https://shop.example{path}{query}", "referrer": rng.choice(("", "https://www.bing.com/"))}


def _something(rng: Random, i: int, now: int, device: str, user: str | None) -> dict[str, Any]:
    dice = rng.random()
    if dice < 0.10:
        return call("identify", now, device, user, traits={"plan": rng.choice("abc"), f"k{i % 5}": i})
    if dice < 0.13:
        return call("alias", now, device, user, previousId=f"d{rng.randrange(8)}-{rng.randrange(2)}")
    if dice < 0.30:
        return call("page", now, device, user, name="Somewhere")
    if dice < 0.33:
        return track("", now, device, user)  # refused
    name = rng.choice(NAMES)
    product = {"product_id": f"p{rng.randrange(12)}", "category": f"c{rng.randrange(3)}", "price": rng.randrange(1, 90)}
    if name.startswith("Order"):
        order = {"order_id": f"o{i}", "revenue": rng.randrange(5, 500), "products": [product]}
        if rng.random() < 0.2:
            order["currency"] = "XXX"  # refused as long as there is no rate
        return track(name, now, device, user, **order)
    if name == "Scrolled":
        return track(name, now, device, user, percent=rng.randrange(100))
    return track(name, now, device, user, **product)


class Bench:
    """An engine over a log and a store in memory."""

    def __init__(self, folder: Path, settings: Settings = SETTINGS, store: MemoryRecordStore | None = None) -> None:
        self.folder, self.settings = folder, settings
        self.log = MemoryLog()
        self.store = store or MemoryRecordStore()
        self.engine = self.recovered()

    def recovered(self) -> Engine:
        """A new engine with what was committed."""
        engine = Engine(self.settings, self.store, places=Geo(""), shelf=FactsShelf(self.folder / "facts"))
        engine.recover()
        return engine

    def send(self, *events: dict[str, Any] | bytes, **more: Any) -> None:
        """One request."""
        self.log.append([entry(*events, **more)])
        self.catch_up()

    def catch_up(self, most: int = 100_000) -> None:
        """Apply what the log has."""
        while self.engine.next_offset < self.log.next_offset():
            for batch in split_at_control(self.log.read(self.engine.next_offset, most)):
                self.engine.apply(batch)

    def commit(self) -> None:
        """Store what changed."""
        commit = self.engine.take_commit()
        if commit is not None:
            self.store.commit(commit)
            self.engine.forget_taken()

    def end_all(self) -> None:
        """End every session."""
        while len(self.engine.tick(1 << 60)):
            pass

    def record(self, what: int, text: str, site: int = 1) -> np.void:
        """The record of whom an id belongs to."""
        row = self.engine.row_of(site, what, text)
        assert row >= 0, text
        found: np.void = self.engine.records[row]
        return found


class Shop:
    """A data folder without its loops: the test says what happens when."""

    def __init__(
        self, data: Path, settings: Settings = SETTINGS, now_ms: int = NOON_MS, vfs: str | None = None
    ) -> None:
        self.is_open = True
        self.made: Made | None = None
        if not (data / "definitions.db").exists():
            self.made = init(data, "shop", settings)
        self.clock = ManualClock(now_ms)
        self.running = Running(data, settings, self.clock, vfs)
        self.folder = self.running.folder
        self.profiles = self.running.profiles
        self.folder.catch_up()

    @property
    def records(self) -> np.ndarray:
        """Records in use."""
        return self.folder.engine.records[: self.folder.engine.n_rows]

    def send(self, *events: dict[str, Any] | bytes, **more: Any) -> None:
        """One request, received now, and applied."""
        self.folder.log.append([entry(*events, **{"received_ms": self.clock.now_ms(), **more})])
        self.apply()

    def apply(self) -> None:
        """Apply what the log has."""
        while self.folder.apply(1000):
            pass

    def store(self) -> None:
        """Commit, and carry it to the lake."""
        self.folder.commit()
        self.folder.write_lake()

    def end_all(self) -> None:
        """End every session."""
        self.folder.tick(1 << 60)

    def close(self) -> None:
        """As the server does at its end; twice is harmless."""
        if self.is_open:
            self.is_open = False
            self.running.stop()

    def crash(self) -> None:
        """Let go of the folder without storing anything."""
        self.is_open, folder = False, self.folder
        for part in (folder.lake, folder.store, folder.log, folder.definitions, folder.places):
            part.close()
        folder._lock_file.close()


def bytes_of(engine: Engine) -> bytes:
    """Every record, byte by byte."""
    return engine.records[: engine.n_rows].tobytes()


def in_chunks(events: Sequence[Any], sizes: Iterable[int]) -> list[list[Any]]:
    """The events in runs of these sizes, the last ones in one."""
    out, at = [], 0
    for size in sizes:
        out.append(list(events[at : at + size]))
        at += size
    out.append(list(events[at:]))
    return [run for run in out if run]
