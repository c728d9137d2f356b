"""How does a shop serve the tracker on its own domain? It passes script and events on to the Footfall server.

Only these routes go through, with their body as it is; of the cookies only the tracker's own (``ff_…``).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import httpx

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/ff"
_GET = frozenset({"/footfall.js", "/a.js", "/v1/pixel.gif"})
_POST = frozenset({"/v1/batch", "/v1/b"})
_UP = frozenset(
    "accept accept-encoding accept-language content-type content-encoding dnt if-none-match if-modified-since origin "
    "referer sec-fetch-site sec-gpc user-agent".split()
)
_DOWN = frozenset("cache-control content-encoding content-type etag last-modified retry-after set-cookie vary".split())
_BODY_MAX_BYTES = 1_000_000
_TIMES = httpx.Timeout(10, connect=3, pool=3)
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


class _TooLarge(Exception):
    """The browser sends more than a batch may have."""


class Proxy:
    """Passes requests below ``/ff/`` on to ``upstream``, the Footfall server's address."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream.rstrip("/")
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def _here(self) -> httpx.AsyncClient:
        """The client of the running loop; a test may serve the shop in one loop after the other."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._client, self._loop = httpx.AsyncClient(timeout=_TIMES, limits=_LIMITS, trust_env=False), loop
        return self._client

    async def close(self) -> None:
        """Close the connections to the server."""
        if self._client is not None and self._loop is asyncio.get_running_loop():
            await self._client.aclose()
        self._client = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"].removeprefix(PREFIX), scope["method"]
        allowed = _POST if method == "POST" else _GET if method in ("GET", "HEAD") else frozenset()
        if path not in allowed:
            await _refuse(send, 405 if path in _GET | _POST else 404, b"There is nothing here.")
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _BODY_MAX_BYTES:
            await _refuse(send, 413, b"That is too much at once.")
            return
        address = f"{self.upstream}{path}"
        if scope["query_string"]:
            address += f"?{scope['query_string'].decode('latin-1')}"
        up = [(name, value) for name, value in headers.items() if name in _UP] + _forwarded(scope, headers)
        has_body = method == "POST"
        if has_body and "content-length" in headers:
            up.append(("content-length", length))
        started = False
        try:
            content = _bounded(receive) if has_body else None
            async with self._here().stream(method, address, headers=up, content=content) as answer:
                down = [
                    (name.encode(), value.encode("latin-1"))
                    for name, value in answer.headers.multi_items()
                    if name.lower() in _DOWN
                ]
                started = True
                await send({"type": "http.response.start", "status": answer.status_code, "headers": down})
                async for chunk in answer.aiter_raw():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except _TooLarge:
            await _refuse(send, 413, b"That is too much at once.")
        except (httpx.HTTPError, httpx.InvalidURL):
            if started:
                raise  # the server closes the connection, so that the browser doesn't take half for all
            await _refuse(send, 503, b"The tracker's server can't be reached.", (b"retry-after", b"2"))


def _forwarded(scope: Scope, headers: dict[str, str]) -> list[tuple[str, str]]:
    """Who asks, how, and for which host; and of the cookies only the tracker's.

    If another proxy stands in front, the ASGI server knows whether its word counts (uvicorn: ``forwarded-allow-ips``).
    """
    own = "; ".join(part for part in map(str.strip, headers.get("cookie", "").split(";")) if part.startswith("ff_"))
    found = [
        ("x-forwarded-for", scope["client"][0] if scope.get("client") else ""),
        ("x-forwarded-proto", scope["scheme"]),
        ("x-forwarded-host", headers.get("host", "")),
        ("cookie", own),
    ]
    return [(name, value) for name, value in found if value]


async def _bounded(receive: Receive) -> AsyncIterator[bytes]:
    n_bytes = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise httpx.ReadError("the browser went away")
        body = message.get("body", b"")
        n_bytes += len(body)
        if n_bytes > _BODY_MAX_BYTES:
            raise _TooLarge
        if body:
            yield body
        if not message.get("more_body"):
            return


async def _refuse(send: Send, status: int, text: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
