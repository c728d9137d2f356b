"""How does the dashboard stay up to date? Server-sent events: once a second what changed, read once for all who watch.

A client that reads slower than messages come is dropped; it holds up nobody and costs at most its queue.
"""

import asyncio
import contextlib
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import anyio.to_thread
import msgspec
import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from footfall.base.clock import Clock
from footfall.base.errors import FootfallError, Unavailable
from footfall.ports import Profiles
from footfall.web.metrics import Metrics
from footfall.web.shapes import iso

_log = structlog.get_logger(__name__)

ROWS_MAX = 500
"""Most rows in one message."""
CATCH_UP_MS = 300_000
"""How far back ``Last-Event-ID`` may lie."""
FIRST_MS = 10_000
"""How far back the first message looks without it."""


class Pace(msgspec.Struct, frozen=True):
    """How often, how many, how long."""

    interval_s: float = 1.0
    heartbeat_s: float = 15.0
    """A comment after so much silence; also how often the right to watch is checked again."""
    send_timeout_s: float = 10.0
    """A message that can't be sent for so long ends the stream."""
    queue_max: int = 8
    """Messages that may wait for one client."""
    clients_max: int = 200


class _Client:
    """One open stream: a bounded queue; ``None`` in it means that the stream ends."""

    def __init__(self, queue_max: int) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(queue_max)
        self.is_dropped = False

    def offer(self, message: bytes) -> bool:
        """Queue a message; a full queue drops the client instead."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.is_dropped = True
            self.end()
            return False
        return True

    def end(self) -> None:
        """Forget what waits and end."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Live:
    """The live streams of one process."""

    def __init__(self, profiles: Profiles, clock: Clock, metrics: Metrics, pace: Pace | None = None) -> None:
        self._profiles = profiles
        self._clock = clock
        self._metrics = metrics
        self._pace = pace or Pace()
        self._clients: dict[int, set[_Client]] = {}
        self._tickers: dict[int, asyncio.Task[None]] = {}

    @property
    def n_clients(self) -> int:
        """How many streams are open."""
        return sum(map(len, self._clients.values()))

    def stream(self, site: int, last_id: str, may_stay: Callable[[], bool]) -> ASGIApp:
        """An answer that streams until the client leaves, is too slow, or ``may_stay`` (may block) says no.

        Raises ``Unavailable`` when there are too many streams.
        """
        if self.n_clients >= self._pace.clients_max:
            raise Unavailable("Too many live streams are open. Close other dashboards.", retry_after_s=10)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            client = _Client(self._pace.queue_max)
            self._clients.setdefault(site, set()).add(client)
            self._metrics.live_clients.set(self.n_clients)
            try:
                since_ms = self._since_ms(last_id)
                await _first_to_end(_until_gone(receive), self._serve(client, site, since_ms, may_stay, send))
            finally:
                self._remove(site, client)

        return answer

    async def close(self) -> None:
        """End all streams; hosts call it before they wait for connections to close."""
        for clients in self._clients.values():
            for client in clients:
                client.end()
        for ticker in list(self._tickers.values()):
            ticker.cancel()

    def _since_ms(self, last_id: str) -> int:
        now_ms = self._clock.now_ms()
        if last_id.isascii() and last_id.isdigit() and len(last_id) < 16:
            return max(int(last_id), now_ms - CATCH_UP_MS)
        return now_ms - FIRST_MS

    def _remove(self, site: int, client: _Client) -> None:
        clients = self._clients.get(site, set())
        clients.discard(client)
        if not clients:
            self._clients.pop(site, None)
            ticker = self._tickers.pop(site, None)
            if ticker is not None:
                ticker.cancel()
        self._metrics.live_clients.set(self.n_clients)

    async def _serve(self, client: _Client, site: int, since_ms: int, may_stay: Callable[[], bool], send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await self._send(send, {"type": "http.response.start", "status": 200, "headers": headers})
        ticker = self._tickers.get(site)
        if ticker is None or ticker.done():
            self._tickers[site] = asyncio.create_task(self._tick(site))
        loop = asyncio.get_running_loop()
        checked_s = loop.time()
        with contextlib.suppress(FootfallError):
            client.offer(await self._message(site, since_ms, self._clock.now_ms()))
        while True:
            try:
                message = await asyncio.wait_for(client.queue.get(), self._pace.heartbeat_s)
            except TimeoutError:
                message = b": still here\n\n"
            if message is None:
                break
            if loop.time() - checked_s >= self._pace.heartbeat_s:
                if not await anyio.to_thread.run_sync(may_stay):
                    break
                checked_s = loop.time()
            await self._send(send, _body(message))
        last = b"event: dropped\ndata: {}\n\n" if client.is_dropped else b"event: ended\ndata: {}\n\n"
        await self._send(send, _body(last))
        await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, message: Message) -> None:
        async with asyncio.timeout(self._pace.send_timeout_s):
            await send(message)

    async def _tick(self, site: int) -> None:
        since_ms = self._clock.now_ms()
        ledger_before: dict[str, int] | None = None
        while True:
            await asyncio.sleep(self._pace.interval_s)
            now_ms = self._clock.now_ms()
            try:
                rows, ledger = await anyio.to_thread.run_sync(self._read, site, since_ms)
            except FootfallError as error:
                _log.warning("live list can't be read", site=site, error=str(error))
                continue
            except Exception:  # noqa: BLE001 - one bad read must not stop everybody's stream; the next tick tries again
                _log.error("live list can't be read", site=site, trace=traceback.format_exc())
                continue
            since_ms = now_ms
            if not rows and ledger == ledger_before:
                continue
            ledger_before = ledger
            message = _event(site, now_ms, rows, ledger)
            for client in list(self._clients.get(site, ())):
                if not client.offer(message):
                    self._clients[site].discard(client)
                    self._metrics.live_dropped.inc()

    async def _message(self, site: int, since_ms: int, now_ms: int) -> bytes:
        rows, ledger = await anyio.to_thread.run_sync(self._read, site, since_ms)
        return _event(site, now_ms, rows, ledger)

    def _read(self, site: int, since_ms: int) -> tuple[list[dict[str, Any]], dict[str, int]]:
        return self._profiles.changed_since(site, since_ms, ROWS_MAX), self._profiles.ledger()


def _event(site: int, now_ms: int, rows: list[dict[str, Any]], ledger: dict[str, int]) -> bytes:
    content = {"time": iso(now_ms), "site": site, "visitors": rows, "ledger": ledger, "is_cut": len(rows) >= ROWS_MAX}
    return b"event: live\nid: %d\ndata: %s\n\n" % (now_ms, msgspec.json.encode(content))


def _body(chunk: bytes) -> Message:
    return {"type": "http.response.body", "body": chunk, "more_body": True}


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _first_to_end(*jobs: Awaitable[None]) -> None:
    """Run all until one ends, then stop the others; a stream that couldn't be sent simply ends."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, TimeoutError | OSError):
            raise error
