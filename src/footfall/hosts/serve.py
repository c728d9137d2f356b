"""Wires the embedded server: collector, API and engine in one process, on one port."""

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import uvicorn
import uvloop

from footfall.web.ack import GroupCommit
from footfall.web.api import build_app
from footfall.web.asgi import App, Asgi, build
from footfall.web.collector import Collector
from footfall.web.live import Live
from footfall.web.metrics import Metrics
from footfall.web.protocol import Protocol

if TYPE_CHECKING:
    from footfall.hosts.running import Running

BACKLOG = 4096
"""Connections that may wait to be accepted."""


class Application(NamedTuple):
    """What answers, and what its host ends."""

    asgi: App
    collector: Collector
    ack: GroupCommit
    live: Live


def application(running: "Running") -> Application:
    """The ASGI application over a running folder."""
    folder, settings = running.folder, running.settings
    ack = GroupCommit(folder.log, max_events=settings.ack_queue_max_events, turns=running.turns)
    collector = Collector(settings, folder.definitions.site_of_write_key, ack, running.clock, running.lag_events)
    metrics = Metrics()
    metrics.watch_collector(collector)
    decisions, scoring = folder.decisions, folder.scoring
    metrics.watch_counter("footfall_scores_logged", "Scores kept with their features.", lambda: decisions.n_logged)
    metrics.watch_counter(
        "footfall_scores_left_out", "Scores beyond what a second may log.", lambda: decisions.n_left_out
    )
    metrics.watch_counter("footfall_scorer_failures", "Times that a model raised.", lambda: scoring.n_failed)
    metrics.watch_models(running.modelling)
    rest = build_app(
        folder.definitions, running.profiles, settings, running.clock, metrics=metrics, similar=running.similar,
        models=running.modelling,
    )  # fmt: skip
    return Application(build(collector, cast(Asgi, rest), running.trouble), collector, ack, rest.state.live)


class _Server(uvicorn.Server):
    """uvicorn, which ends the live streams before it waits for connections to close."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, streams first."""
        await self._live.close()
        await super().shutdown(sockets)


def serve(running: "Running", ready: Callable[[str], None] | None = None) -> None:
    """Serve a folder until SIGINT or SIGTERM; ``ready`` gets the address once connections are taken."""
    settings = running.settings
    sys.setswitchinterval(0.001)  # the event loop and the engine take turns more often than every 5 ms
    with contextlib.ExitStack() as stack:
        stack.callback(running.stop)
        listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
        stack.callback(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        running.start()
        asgi, collector, ack, live = application(running)
        stack.callback(ack.close)
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)  # requests make no cycles, so looking for them often only costs
        protocol = partial(Protocol, doors=collector.whole_doors, door_max_bytes=collector.whole_max_bytes)
        config = uvicorn.Config(
            asgi, log_level="warning", access_log=False, loop="uvloop", http=cast("type[Protocol]", protocol),
            ws="none", lifespan="on",
            interface="asgi3", timeout_keep_alive=75, backlog=BACKLOG, server_header=False, date_header=False,
            timeout_graceful_shutdown=5, proxy_headers=False,
        )  # fmt: skip
        listener.listen(BACKLOG)  # who connects from now on waits until uvicorn accepts
        if ready is not None:
            host, port = listener.getsockname()[:2]
            ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_Server(config, live).serve(sockets=[listener]))
