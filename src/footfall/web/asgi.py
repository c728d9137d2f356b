"""Who answers which path? The collector its hot routes, this module the two health checks, the API everything else."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from footfall.web.answer import JSON, Answer, error_answer
from footfall.web.collector import Collector
from footfall.web.slashes import mark

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

ALIVE = Answer(200, b'{"status":"ok"}', JSON)
READY = Answer(200, b'{"status":"ready"}', JSON)


_ENDLESS = frozenset({"/api/live"})


class App:
    """One ASGI application out of the collector and the rest."""

    def __init__(self, collector: Collector, rest: Asgi | None, trouble: Callable[[], str] = str) -> None:
        self._collector = collector
        self._trouble = trouble
        self._route = collector.route
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            handler = self._route(path)
            if handler is not None:
                await handler(scope, receive, send)
                return
            if path in {"/healthz", "/readyz"}:
                await (ALIVE if path == "/healthz" else self._readiness()).send(send, None)
                return
            scope = mark(scope)
            if scope["method"] == "HEAD" and path not in _ENDLESS:
                scope = {**scope, "method": "GET"}  # the server keeps the body back
        if self._rest is not None:
            await self._rest(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await error_answer(404, "missing", "There is nothing here.").send(send, None)

    def _readiness(self) -> Answer:
        """200 when events are taken, else 503 and why."""
        collector = self._collector
        lag_events = collector.lag()
        if not collector.ack.is_healthy:
            why = collector.ack.outage
        elif lag_events > collector.settings.lag_max_events:
            why = f"{lag_events:,} events wait to be applied."
        else:
            why = self._trouble()
        if not why:
            return READY
        return Answer(
            503,
            msgspec.json.encode({"code": "not_ready", "message": why}),
            (*JSON, (b"retry-after", b"1")),
        )


def build(collector: Collector, rest: Asgi | None, trouble: Callable[[], str] = str) -> App:
    """The whole server's application; ``rest`` gets the lifespan and every path that isn't the collector's.

    ``trouble`` says why the server isn't ready although the collector is, or nothing.
    """
    return App(collector, rest, trouble)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
