"""What does the tracker send? A server that gives the built script, writes down every request, and answers as told."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.browser.serving import serve

import footfall.web

TRACKER = Path(footfall.web.__file__).parent / "static" / "footfall.js"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def batch(self) -> dict[str, Any]:
        """The body as JSON."""
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded


@dataclass
class Capture:
    """The server. ``answers`` are (status, headers) taken in turn; when there are none left it's 200.

    While it ``is_hanging`` it takes requests and answers none.
    """

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    is_hanging: bool = False
    _news: threading.Condition = field(default_factory=threading.Condition)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] != "http":
            return
        if scope["path"].endswith("/footfall.js"):
            allowed = {"content-type": "text/javascript", "access-control-allow-origin": "*"}
            await _answer(send, 200, allowed, TRACKER.read_bytes())
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        with self._news:
            self.requests.append(Request(scope["method"], scope["path"], headers, body))
            status, more = self.answers.pop(0) if self.answers else (200, {})
            self._news.notify_all()
        while self.is_hanging:
            await asyncio.sleep(0.02)
        allowed = {
            "access-control-allow-origin": headers.get("origin", "*"),
            "access-control-allow-credentials": "true",
            "access-control-expose-headers": "Retry-After",
            "content-type": "application/json",
        }
        await _answer(send, status, allowed | more, b'{"success":true}')

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event that was sent, in the order of arrival, without those that were refused or sent twice."""
        found: dict[str, dict[str, Any]] = {}
        for request in list(self.requests):
            for event in request.batch["batch"]:
                found.setdefault(event["messageId"], event)
        return list(found.values())

    def names(self) -> list[str]:
        """Names of the track events, and ``page`` or the like for the others."""
        return [event.get("event") or event["type"] for event in self.events]

    def until(self, is_there: Callable[["Capture"], bool], what: str, within_s: float = 15) -> None:
        """Wait until enough has come; fails with what came instead."""
        deadline = time.monotonic() + within_s
        with self._news:
            while not is_there(self):
                rest_s = deadline - time.monotonic()
                assert rest_s > 0, f"{what} didn't come; what came is {self.names()}"
                self._news.wait(min(rest_s, 0.5))

    def until_event(self, name: str) -> dict[str, Any]:
        """Wait for an event of this name (or type) and give it."""
        self.until(lambda capture: name in capture.names(), name)
        return next(event for event in self.events if (event.get("event") or event["type"]) == name)


@dataclass
class Site:
    """Plain pages by path; unknown paths get the page of ``/``. Scripts are what ends in ``.js``."""

    pages: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] == "http":
            page = self.pages.get(scope["path"], self.pages["/"])
            kind = "text/javascript" if scope["path"].endswith(".js") else "text/html"
            await _answer(send, 200, {"content-type": f"{kind}; charset=utf-8"} | self.headers, page.encode())


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    encoded.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


@dataclass
class World:
    """A shop at one address, the capturing server at another."""

    capture: Capture
    site: Site
    shop: str
    server: str

    def tag(self, attributes: str = "") -> str:
        """The tracker's tag."""
        return f'<script async src="{self.server}/footfall.js" data-write-key="wk_1" {attributes}></script>'

    def page(self, path: str, body: str = "", attributes: str = "", head: str = "") -> None:
        """Put a page with the tracker on it at a path."""
        self.site.pages[path] = (
            f"<!doctype html><html><head><title>T {path}</title>{head}{self.tag(attributes)}</head><body>{body}</body>"
        )


@contextmanager
def shop_and_server() -> Iterator[World]:
    """Both, on two addresses; every path of the shop has a page with the tracker."""
    capture, site = Capture(), Site({"/": ""})
    with serve(capture) as server, serve(site) as shop:
        made = World(capture, site, shop.replace("127.0.0.1", "localhost"), server)
        made.page("/")
        yield made
        capture.is_hanging = False
