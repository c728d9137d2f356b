"""What was refused, why, and again? Refused events of a data folder, read beside a server or with it stopped."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from footfall.adapters.definitions import open_definitions
from footfall.adapters.records import SqliteRecordStore
from footfall.base.errors import Missing, Unavailable
from footfall.base.times import iso
from footfall.events.reasons import REASONS
from footfall.hosts.init import site_named
from footfall.ports import Failed
from footfall.settings import Settings

_PAGE = 1_000


class Row(msgspec.Struct, frozen=True):
    """One refused event of the list."""

    offset: int
    received: str
    reason: str
    detail: str


class Listed(msgspec.Struct, frozen=True):
    """Refused events, newest first, and how many there are of each reason."""

    failed: list[Row]
    n_by_reason: dict[str, int]


class Again(msgspec.Struct, frozen=True):
    """What became of a second try."""

    replayed: int
    applied: int
    duplicate: int
    failed: int


def listed(data: Path, settings: Settings, site_name: str, reason: str, limit: int) -> Listed:
    """The newest ``limit`` refused events of a site, of one reason if it isn't empty."""
    site = _site(data, site_name)
    with _store(data, settings) as store:
        rows = []
        for failed in _pages(store, site):
            if not reason or failed.reason == reason:
                rows.append(Row(failed.offset, iso(failed.received_ms), failed.reason, failed.detail))
                if len(rows) == limit:
                    break
        return Listed(rows, store.n_failed_by_reason(site))


def shown(data: Path, settings: Settings, offset: int) -> dict[str, Any]:
    """One refused event with its envelope; its body as JSON where it is JSON, else as text. Raises ``Missing``."""
    with _store(data, settings) as store:
        found = store.failed_at([offset])
    if not found:
        raise Missing(f"No refused event stands at offset {offset}: see `footfall failed list --data {data}`.")
    failed = found[0]
    entry = msgspec.structs.asdict(failed.entry)
    body = entry.pop("body")
    try:
        event = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        event = body.decode("utf-8", "replace")
    return {
        "offset": failed.offset,
        "received": iso(failed.received_ms),
        "reason": failed.reason,
        "detail": failed.detail,
        "what_to_do": what_to_do(failed.reason),
        "is_replayed": failed.is_replayed,
        "event": event,
        "entry": entry,
    }


def replay(data: Path, settings: Settings, site_name: str, offsets: Sequence[int] | None, reason: str) -> Again:
    """Try refused events again: these, or all (of a reason); raises ``Unavailable`` while a server runs."""
    from footfall.hosts.running import Running

    site = _site(data, site_name)
    try:
        running = Running(data, settings)
    except Unavailable as error:
        if error.code != "in_use":
            raise
        raise Unavailable(
            f"A server runs on {data}: use its page Failed events, POST /api/failed/replay, or stop the server first.",
            code=error.code,
        ) from error
    try:
        folder = running.folder
        folder.catch_up()
        before = dict(folder.engine.counters)
        n = running.profiles.replay_failed(site, offsets, reason or None)
        if offsets and not n:
            raise Missing(f"Nothing refused waits at these offsets: see `footfall failed list --data {data}`.")
        folder.catch_up()
        after = folder.engine.counters
    finally:
        running.stop()
    # A second try that fails takes the place of the first, which then no longer counts.
    n_applied, n_duplicate = after["applied"] - before["applied"], after["duplicate"] - before["duplicate"]
    return Again(n, n_applied, n_duplicate, n - n_applied - n_duplicate)


def what_to_do(reason: str) -> str:
    """The sentence that says what a reason means and how to mend it."""
    return REASONS.get(reason, "Unknown to this version.")


def _site(data: Path, name: str) -> int:
    definitions = open_definitions(data)
    try:
        return site_named(definitions.sites(), name).number
    finally:
        definitions.close()


@contextmanager
def _store(data: Path, settings: Settings) -> Iterator[SqliteRecordStore]:
    path = data / "records.db"
    if not path.exists():
        raise Missing(f"{data} has no records yet: start it with `footfall serve --data {data}`.")
    store = SqliteRecordStore(path, failed_max=settings.failed_max)
    try:
        yield store
    finally:
        store.close()


def _pages(store: SqliteRecordStore, site: int) -> Iterator[Failed]:
    before: int | None = None
    while page := store.failed(site, _PAGE, before):
        yield from page
        before = page[-1].offset
