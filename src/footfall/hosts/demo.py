"""What does Footfall look like at work? A shop, the server and simulated shoppers in one go, and all gone at Ctrl-C."""

import contextlib
import gc
import multiprocessing
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn
from rich.console import Console

from footfall import config
from footfall.adapters.definitions import open_definitions
from footfall.events.formats.chunk import Chunk, chunked
from footfall.hosts import init as folder
from footfall.hosts import shoppers
from footfall.hosts.replay import import_files
from footfall.hosts.running import Running
from footfall.settings import Settings
from footfall_shop import app as shop_app
from footfall_shop.catalogue import CURRENCY

SITE = "demo-shop"
_READY_WITHIN_S = 180.0
_STOP_WITHIN_S = 10.0


class Plan(msgspec.Struct, frozen=True):
    """How busy the demo is."""

    visitors_per_minute: float = 60.0
    history_visitors: int = 3_000
    shop_port: int = 8701
    seed: int = 1


def run(data: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str], plan: Plan) -> None:
    """Run until Ctrl-C or SIGTERM; without ``data`` in a temporary folder that is removed at the end."""
    folder.end_at_sigterm()
    console = Console(stderr=True)
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="footfall-demo-")))
        settings = _settings(data, flags, environ)
        door = stack.enter_context(folder.door("127.0.0.1", plan.shop_port, "--shop-port"))
        shop_url = f"http://127.0.0.1:{door.getsockname()[1]}"
        login_url = _prepare(data, settings, plan, shop_url, console)
        write_key = _write_key(data)
        stack.enter_context(_shop(door, folder.address(settings), write_key))
        running = Running(data, settings)
        greeter = threading.Thread(target=_greet, args=(settings, login_url, shop_url, data, console), daemon=True)
        greeter.start()
        stack.enter_context(_shoppers(_local(settings), write_key, shop_url, plan))
        running.serve()
    gc.unfreeze()  # what the server froze would be reported as leaked at exit
    console.print("The demo has ended.")


def _settings(data: Path, flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The settings, with the shop's currency unless another is asked for, and a port that is free."""
    return folder.with_free_port(config.load(data, {"base_currency": CURRENCY} | dict(flags), environ))


def _prepare(data: Path, settings: Settings, plan: Plan, shop_url: str, console: Console) -> str:
    """Make the data folder and its history if it is new; returns a one-time link to log in."""
    if folder.is_made(data):
        return folder.login_url(data, "", settings)
    login_url = folder.init(data, SITE, settings).login_url
    if plan.history_visitors:
        with console.status("Two weeks of history … (the first start on a machine compiles for a minute)"):
            crowd = shoppers.Crowd(plan.seed, shop_url)
            end_ms = time.time_ns() // 1_000_000
            result = import_files(data, settings, SITE, _chunks(crowd, end_ms, plan.history_visitors))
        console.print(f"History: {result.events:,} events of {result.visitors:,} visitors, {result.orders:,} orders.")
    return login_url


def _chunks(crowd: shoppers.Crowd, end_ms: int, visitors: int) -> Iterator[Chunk]:
    return chunked((line, time_ms, 0) for time_ms, line in crowd.history(end_ms, visitors=visitors))


def _write_key(data: Path) -> str:
    definitions = open_definitions(data)
    try:
        return next(site.write_key for site in definitions.sites() if not site.is_archived)
    finally:
        definitions.close()


@contextlib.contextmanager
def _shop(door: socket.socket, tracker_url: str, write_key: str) -> Iterator[None]:
    """The example shop in a thread; it keeps nothing and does little."""
    asgi = shop_app.build(tracker_url, write_key)
    server = uvicorn.Server(uvicorn.Config(asgi, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, name="footfall-shop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_STOP_WITHIN_S)


@contextlib.contextmanager
def _shoppers(url: str, write_key: str, shop_url: str, plan: Plan) -> Iterator[BaseProcess]:
    """Shoppers in a process of their own, so that they don't slow the server down; they wait until it answers."""
    process = multiprocessing.get_context("spawn").Process(
        target=shoppers.run,
        args=(url, write_key, plan.seed, shop_url, plan.visitors_per_minute, plan.history_visitors),
        name="footfall-shoppers",
        daemon=True,
    )
    process.start()
    try:
        yield process
    finally:
        process.terminate()
        process.join(_STOP_WITHIN_S)
        if process.is_alive():
            process.kill()
            process.join()


def _greet(settings: Settings, login_url: str, shop_url: str, data: Path, console: Console) -> None:
    """Say where everything is as soon as the server takes events."""
    deadline_s = time.monotonic() + _READY_WITHIN_S
    with httpx.Client(base_url=_local(settings), timeout=2, trust_env=False) as client:
        while time.monotonic() < deadline_s:
            with contextlib.suppress(httpx.TransportError):
                if client.get("/readyz").status_code == 200:
                    break
            time.sleep(0.1)
        else:
            console.print("The server isn't ready yet; see its messages above.")
            return
    sys.stdout.write(f"\nDashboard   {login_url}   (works once)\nShop        {shop_url}\nData        {data}\n\n")
    sys.stdout.write("Shoppers are on their way. Ctrl-C ends everything.\n")
    sys.stdout.flush()


def _local(settings: Settings) -> str:
    return folder.address(msgspec.structs.replace(settings, public_url=""))
