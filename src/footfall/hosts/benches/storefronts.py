"""What does a browser look at when the tracker is measured? The example shop, with the tracker and without it.

And with a collector that is out of order: closed (connections are refused), mute (they are accepted and never answered)
or deaf (the script comes, events are never answered).
"""

import asyncio
import contextlib
import multiprocessing
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from footfall.shoppers.keeping import end

HOST = "127.0.0.1"
_TAG = re.compile(rb"<script\b[^>]*\bdata-write-key=[^>]*>\s*</script>")
_START_MAX_S = 60.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class Storefront(NamedTuple):
    """A shop to open: where its tracker comes from, and whether its pages have the tracker's tag at all."""

    tracker_url: str
    has_tracker: bool = True


@contextlib.contextmanager
def open_shops(storefronts: Mapping[str, Storefront], write_key: str) -> Iterator[dict[str, str]]:
    """The example shop as often as asked, each in a process of its own; yields their addresses by name."""
    context = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        addresses, signs = {}, []
        for name, storefront in storefronts.items():
            door = stack.enter_context(socket.socket())
            door.bind((HOST, 0))
            door.listen(128)
            addresses[name] = f"http://{HOST}:{door.getsockname()[1]}"
            signs.append(context.Event())
            process = context.Process(target=_serve, args=(door, storefront, write_key, signs[-1]), daemon=True)
            process.start()
            stack.callback(end, process)
        if not all(sign.wait(_START_MAX_S) for sign in signs):
            raise SystemExit("The example shop didn't start.")
        yield addresses


def _serve(door: socket.socket, storefront: Storefront, write_key: str, ready: Any) -> None:
    import uvicorn

    from footfall_shop.app import build

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready.set()

    app = plainly(build(storefront.tracker_url, write_key), storefront.has_tracker)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    asyncio.run(Server(config).serve([door]))


def plainly(app: Any, has_tracker: bool) -> Asgi:
    """The app with pages that come whole and unpacked, alike with the tracker and, its tag cut out, without it."""

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        scope = {**scope, "headers": [h for h in scope["headers"] if h[0] != b"accept-encoding"]}
        start: MutableMapping[str, Any] = {}
        body = b""

        async def keep(message: MutableMapping[str, Any]) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            if not has_tracker:
                body = _TAG.sub(b"", body)
            headers = [(k, str(len(body)).encode() if k == b"content-length" else v) for k, v in start["headers"]]
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        await app(scope, receive, keep)

    return plain


@contextlib.contextmanager
def closed() -> Iterator[str]:
    """An address that refuses connections; its port is held, so that nobody else opens it meanwhile."""
    with socket.socket() as door:
        door.bind((HOST, 0))
        yield f"http://{HOST}:{door.getsockname()[1]}"


@contextlib.contextmanager
def mute() -> Iterator[str]:
    """An address that accepts connections and never answers."""
    with socket.socket() as door:
        door.bind((HOST, 0))
        door.listen(1024)  # the system accepts; nobody ever reads
        yield f"http://{HOST}:{door.getsockname()[1]}"


@contextlib.contextmanager
def deaf(script: Path) -> Iterator[str]:
    """An address that gives the tracker's script, and takes events without ever answering."""
    text = script.read_bytes()
    end = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/javascript; charset=utf-8")
            self.send_header("access-control-allow-origin", "*")  # or browsers don't import it
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            self.close_connection = True
            end.wait()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed in the middle of a benchmark."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server((HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{HOST}:{server.server_address[1]}"
        finally:
            end.set()
            server.shutdown()
