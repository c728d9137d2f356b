"""An in-process ASGI client, and a log that can be made to fail, for the tests of the collector."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from footfall.adapters.memory import MemoryLog
from footfall.base.errors import Unavailable
from footfall.events.wire import Entry
from footfall.ports import Site
from footfall.web.asgi import Asgi

KEY = "wk_shop"
SHOP = Site(7, "shop", KEY)
FENCED = Site(8, "fenced", "wk_fenced", origins=("https://shop.example",))
CLOSED = Site(9, "closed", "wk_closed", is_archived=True)
SITES = {site.write_key: site for site in (SHOP, FENCED, CLOSED)}


class FailingLog(MemoryLog):
    """A log whose disk is full, or which can't be opened, as long as the test says so, and which can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = False
        self.n_reopen_failures = 0
        self.n_appends = 0
        self.may_append = threading.Event()
        self.may_append.set()

    def append(self, entries: Sequence[Entry]) -> int:
        self.may_append.wait()
        self.n_appends += 1
        if self.is_full:
            raise Unavailable("The disk is full.")
        return super().append(entries)

    def reopen(self) -> None:
        if self.n_reopen_failures > 0:
            self.n_reopen_failures -= 1
            raise Unavailable("The file is gone.")
        super().reopen()


class Response(NamedTuple):
    """What the application answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def ask(
    app: Asgi,
    method: str,
    path: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    query: str = "",
    peer: str = "203.0.113.77",
) -> Response:
    """One request, without a socket."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode("latin-1"),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
        "client": (peer, 50_000),
        "scheme": "http",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, end = sent
    names = [name for name, _ in start["headers"]]
    assert len(names) == len(set(names)), "a header was sent twice"
    return Response(
        start["status"], {name.decode(): value.decode("latin-1") for name, value in start["headers"]}, end["body"]
    )


def entries_of(log: MemoryLog) -> list[Entry]:
    return [entry for _, entry in log.read(0, 1_000_000)] if log.next_offset() else []


def events_of(log: MemoryLog) -> list[Any]:
    """Every event that was accepted, decoded, in order."""
    return [
        msgspec.json.decode(line) for entry in entries_of(log) if not entry.reject for line in entry.body.split(b"\n")
    ]


def rejects_of(log: MemoryLog) -> list[tuple[str, bytes]]:
    return [(entry.reject, entry.body) for entry in entries_of(log) if entry.reject]


async def until(condition: Any, deadline_s: float = 10.0) -> None:
    """Poll until it holds."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.002)
