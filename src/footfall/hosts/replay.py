"""History in, by event time: drives the same engine as the live server, with the events' own clock.

Each event is "received" at its own time, so that lateness, session ends and shared facts come out as they would have
on the day. Everything goes through the log, so an import is as durable and as idempotent as live events: the same file
again only adds duplicates.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from footfall.base.kinds import Kind
from footfall.events.formats.chunk import Chunk
from footfall.events.wire import Entry, Source
from footfall.hosts.init import site_named
from footfall.hosts.running import DataFolder
from footfall.settings import Settings

_DAY_MS = 86_400_000
_ENTRY_SPAN_MS = 3_600_000
"""An entry of an import covers at most this much event time, as it has one receive time."""


class ImportResult(msgspec.Struct):
    """What an import did, and what the site's profiles hold after it."""

    events: int
    """Rows read."""
    applied: int
    duplicate: int
    failed: int
    visitors: int
    """Visitors of the site with an event."""
    orders: int
    """Sum of orders over the site's profiles."""
    profile_events: int
    """Sum of events over the site's profiles."""
    seconds: float
    events_per_s: int


def import_files(
    data: Path,
    settings: Settings,
    site_name: str | None,
    chunks: Iterable[Chunk],
    on_progress: Callable[[Chunk], None] | None = None,
) -> ImportResult:
    """Import chunks that are in order of event time (see :mod:`footfall.events.formats`) into a data folder.

    ``site_name`` may be None if the folder has one site. Raises Missing for an unknown site, BadInput if
    there are several and none is named, Unavailable if the folder is in use.
    """
    start_s = time.monotonic()
    folder = DataFolder(data, settings)
    try:
        site = site_named(folder.definitions.sites(), site_name or "").number
        folder.catch_up()
        before = dict(folder.engine.counters)
        n_events = _feed(folder, site, chunks, on_progress)
        after = folder.engine.counters
        folder.commit()
        folder.write_lake()
        records = folder.engine.records[: folder.engine.n_rows]
        mine = (records["site"] == site) & (records["n_events"] > 0)
        seconds = time.monotonic() - start_s
        return ImportResult(
            events=n_events,
            applied=after["applied"] - before["applied"],
            duplicate=after["duplicate"] - before["duplicate"],
            failed=after["failed"] - before["failed"],
            visitors=int(mine.sum()),
            orders=int(records["counts"][mine, Kind.ORDER].sum()),
            profile_events=int(records["n_events"][mine].sum()),
            seconds=round(seconds, 3),
            events_per_s=int(n_events / seconds) if seconds > 0 else 0,
        )
    finally:
        folder.close()


def _feed(folder: DataFolder, site: int, chunks: Iterable[Chunk], on_progress: Callable[[Chunk], None] | None) -> int:
    n_events = 0
    day = None
    last_commit_s = time.monotonic()
    now_ms = time.time_ns() // 1_000_000
    for chunk in chunks:
        if len(chunk.lines) == 0:
            continue
        for entry in _entries(site, chunk, now_ms):
            if day is not None and entry.received_ms // _DAY_MS > day:
                _end_of_day(folder, entry.received_ms // _DAY_MS * _DAY_MS)
            day = max(day or 0, entry.received_ms // _DAY_MS)
            folder.log.append([entry])
            folder.catch_up()
            folder.tick(entry.received_ms)
        n_events += len(chunk.lines)
        if time.monotonic() - last_commit_s > 2.0:
            folder.commit()
            last_commit_s = time.monotonic()
        if on_progress is not None:
            on_progress(chunk)
    folder.tick(now_ms)
    return n_events


def _entries(site: int, chunk: Chunk, now_ms: int) -> Iterator[Entry]:
    """Entries of at most an hour of event time each; an entry is received when its last event happened."""
    times = np.maximum.accumulate(np.where(chunk.times_ms > 0, chunk.times_ms, 0))
    start = 0
    while start < len(times):
        stop = int(np.searchsorted(times, times[start] + _ENTRY_SPAN_MS, side="right"))
        stop = max(stop, start + 1)
        yield Entry(
            site=site,
            received_ms=min(int(times[stop - 1]) or now_ms, now_ms),
            source=int(Source.IMPORT),
            n=stop - start,
            body=b"\n".join(chunk.lines[start:stop]),
            logged_ms=now_ms,
        )
        start = stop


def _end_of_day(folder: DataFolder, midnight_ms: int) -> None:
    """What the live server does at intervals, at the day's end: end sessions, publish facts from all before."""
    folder.tick(midnight_ms)
    folder.commit()
    folder.write_lake()
    folder.publish_facts(midnight_ms)
    folder.catch_up()
