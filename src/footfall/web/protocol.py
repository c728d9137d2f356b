"""How long may a client take, and how much may it say, before there is a request? uvicorn's protocol with limits.

uvicorn waits for the end of headers for ever, and keeps all that comes; here they must be complete within a time and a
size. And where uvicorn writes the head and the body of an answer to the socket one after the other, here they leave
together: a system call less is 7 % of what a small POST costs.

A request that brings events, is complete, and comes while its connection has nothing else under way, as nearly all
do, goes straight to the collector, and the reply is written when the collector says so: no task, no futures, no
messages. Anything unusual about it (a query, ``Expect``, HTTP/1.0, pipelining, a body that comes in parts or is long, a
client that doesn't read) and it takes uvicorn's way through ASGI, with the same answer. Use it as
``uvicorn.Config(http=partial(Protocol, doors=..., door_max_bytes=...))``, or without doors.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from footfall.web.answer import CLOSE, Answer, Header, error_answer

logger = logging.getLogger(__name__)

HEADERS_MAX_BYTES = 65_536
"""Request line and headers; as long as they are incomplete."""
HEADERS_LIMIT_S = 10.0
"""From the first byte of a request, or from connecting, until its headers are complete."""

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: 68\r\n\r\n"
    b'{"code":"headers_too_large","message":"Send fewer, shorter headers"}'
)
_BROKEN = error_answer(500, "internal", "Something broke here; the server's log has the cause.")


Reply = Callable[[Answer, bytes | None], None]
"""Takes the answer, and the origin of the page that may read it."""
Take = Callable[[Sequence[Header], str, str, bytes, Reply], None]
"""Takes headers, the peer's address, scheme and body of a whole request, and calls the reply once, at once or later."""


class _Pending:
    """A request whose reply isn't written yet; stands where uvicorn keeps its own."""

    __slots__ = ("disconnected", "keep_alive", "response_complete")

    def __init__(self) -> None:
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False

    @property
    def message_event(self) -> "_Pending":
        return self

    def set(self) -> None:
        """Nobody waits for messages."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *rest: Any, doors: Mapping[bytes, Take] | None = None, door_max_bytes: int = 0, **more: Any):
        super().__init__(*rest, **more)
        self._doors = doors or {}
        self._door_max_bytes = door_max_bytes
        self._door: Take | None = None  # where the request goes that is being read
        self._parts: list[bytes] = []
        self._pending = _Pending()
        self._has_headers = False
        self._n_header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None
        self._idle_since_s = 0.0  # 0 while a request is under way
        self._corked: Corked

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for the first request."""
        self._corked = Corked(transport, self.loop)
        super().connection_made(self._corked)  # type: ignore[arg-type]
        self._header_timer = self.loop.call_later(HEADERS_LIMIT_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def data_received(self, data: bytes) -> None:
        """Parse, and see whether headers are still incomplete."""
        super().data_received(data)
        if self._door is not None:
            self._go_through_asgi()  # the rest of its body is still to come
        if self._has_headers:
            if self._header_timer is not None:
                self._stop_timer()
            return
        self._n_header_bytes += len(data)
        if self._n_header_bytes > HEADERS_MAX_BYTES:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADERS_LIMIT_S, self._give_up)

    # What the parser finds

    def on_message_begin(self) -> None:
        self._has_headers = False
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        self._has_headers = True
        door = self._doors.get(self.url)
        if door is not None and self._is_usual():
            self._door = door
            self._parts.clear()
        else:
            self._start_through_asgi()

    def on_body(self, body: bytes) -> None:
        if self._door is not None:
            self._parts.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        door = self._door
        if door is not None:
            body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            if len(body) <= self._door_max_bytes:
                self._door = None
                self._take(door, body)
                return
            self._go_through_asgi()
        super().on_message_complete()

    def _is_usual(self) -> bool:
        """Whether the request whose headers are complete needs nothing but a reply."""
        cycle: Any = self.cycle  # None before the first request
        parser = self.parser
        return (
            parser.get_method() == b"POST"
            and (cycle is None or cycle.response_complete)
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and self.limit_concurrency is None
        )

    def _go_through_asgi(self) -> None:
        self._door = None
        self._start_through_asgi()
        for part in self._parts:
            super().on_body(part)

    def _start_through_asgi(self) -> None:
        url, headers, is_expecting = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()  # makes the scope
        self.url, self.expect_100_continue = url, is_expecting
        self.headers += headers
        super().on_headers_complete()

    # Whole requests

    def _take(self, door: Take, body: bytes) -> None:
        pending = self._pending
        pending.response_complete = False
        self.cycle = pending  # type: ignore[assignment]
        client = self.client
        try:
            door(self.headers, client[0] if client else "", self.scheme or "", body, self._reply)
        except Exception:
            logger.exception("a request couldn't be taken")
            if not pending.response_complete:
                self._reply(_BROKEN, None)

    def _reply(self, answer: Answer, origin: bytes | None) -> None:
        pending = self._pending
        pending.response_complete = True
        if pending.disconnected or self._corked.is_closing():
            return
        more = self.server_state.default_headers
        if pending.keep_alive:
            self._corked.write_now(answer.wire(origin, more))
        else:
            self._corked.write_now(answer.wire(origin, [*more, CLOSE]))
            self._corked.close()
        self.on_response_complete()

    # Timers

    def on_response_complete(self) -> None:
        """As uvicorn's, but with one timer for many requests."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_idle(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since_s = 0.0

    def _wait_idle(self, wait_s: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(wait_s, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Hang up if nothing came since the last reply, or look again later."""
        self.timeout_keep_alive_task = None
        if self._idle_since_s:  # else the next reply starts the timer
            left_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
            if left_s > 0:
                self._wait_idle(left_s)
            else:
                self._give_up()

    def _stop_timer(self) -> None:
        self._n_header_bytes = 0
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Corked:
    """A transport that joins two writes of one turn of the event loop, and holds none for longer."""

    __slots__ = ("__weakref__", "_flush_later", "_held", "_loop", "_send", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._send = transport.write
        self._held: bytes | None = None
        self._flush_later = self._flush
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send what is held together with this, or hold this until the turn ends."""
        held = self._held
        if held is not None:
            self._held = None
            self._send(held + data)
        else:
            self._held = data
            self._loop.call_soon(self._flush_later)

    def write_now(self, data: bytes) -> None:
        """Send what is held together with this."""
        held = self._held
        if held is None:
            self._send(data)
        else:
            self._held = None
            self._send(held + data)

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held and not self.is_closing():
            self._send(held)
