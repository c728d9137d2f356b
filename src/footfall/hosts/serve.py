"""Wires the embedded server: collector, API and engine in one process, on one port."""

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import uvicorn

from footfall.web.ack import GroupCommit
from footfall.web.api import build_app
from footfall.web.asgi import build
from footfall.web.collector import Collector

if TYPE_CHECKING:
    from footfall.hosts.running import Running


def application(running: "Running") -> tuple[Any, GroupCommit]:
    """The ASGI application over a running folder, and its group commit, which the host closes."""
    folder, settings = running.folder, running.settings
    ack = GroupCommit(folder.log, max_events=settings.ack_queue_max_events)
    collector = Collector(settings, folder.definitions.site_of_write_key, ack, running.clock, running.lag_events)
    rest = build_app(folder.definitions, running.profiles, settings, running.clock)
    return build(collector, rest), ack


def serve(running: "Running", ready: Callable[[str], None] | None = None) -> None:
    """Serve a folder until SIGINT or SIGTERM; ``ready`` gets the address once the port is open."""
    settings = running.settings
    sys.setswitchinterval(0.001)  # the event loop and the engine take turns more often than every 5 ms
    running.start()
    gc.freeze()
    app, ack = application(running)
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, loop="uvloop", http="httptools", ws="none", lifespan="on",
            timeout_keep_alive=75, backlog=4096, server_header=False, date_header=False,
            timeout_graceful_shutdown=5,
        )  # fmt: skip
        server = uvicorn.Server(config)
        if ready is not None:
            host, port = listener.getsockname()[:2]
            ready(f"http://{'localhost' if host in ('127.0.0.1', '::1') else host}:{port}")
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(server.serve(sockets=[listener]))
    finally:
        listener.close()
        ack.close()
        running.stop()
