"""What does Footfall look like at work? A shop, the server and simulated shoppers in one go, and all gone at Ctrl-C."""

import contextlib
import gc
import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from footfall import config
from footfall.adapters.definitions import open_definitions
from footfall.adapters.deployed import DeployedModels
from footfall.base.errors import BadInput, FootfallError, Unavailable
from footfall.events.formats.chunk import Chunk, chunked
from footfall.hosts import init as folder
from footfall.hosts.progress import steps
from footfall.hosts.replay import ImportResult, import_files
from footfall.hosts.running import Running
from footfall.hosts.training import Options, train_site
from footfall.settings import Settings
from footfall.shoppers.browsing import Doors as BrowserDoors
from footfall.shoppers.browsing import behind_proxy, lacking
from footfall.shoppers.keeping import Kept
from footfall.shoppers.living import PEOPLE, Way
from footfall.shoppers.places import write_places
from footfall.shoppers.remembering import Past, remembering
from footfall_shop import app as shop_app
from footfall_shop.catalogue import CURRENCY

SITE = "demo-shop"
DEFAULT_DATA = Path("footfall-demo")
PLACES = "demo-places.mmdb"
BACKSTAGE = "backstage"
"""Folder in the data folder with what a shop couldn't know: who the shoppers are, and the truth about their visits."""
_BEGUN = "begun"
FIRST_SITE = 1
_TRAINING_TRIALS = 2
_TRAINING_BUDGET_S = 3.0
_LIKENESS_ROWS = 15_000
"""A demo's start is to be short, so settings of the trees are hardly looked for; `footfall train` does."""
_TRAINING_THREADS = 2
_DAY_MS = 86_400_000
_READY_WITHIN_S = 180.0
_STOP_WITHIN_S = 10.0


class Plan(msgspec.Struct, frozen=True):
    """How busy the demo is."""

    visitors_per_minute: float = 60.0
    history_visitors: int = 6_500
    history_days: int = 30
    shop_port: int = 8701
    layer_port: int = 8702
    """Port of the shop's variant with a ``dataLayer``."""
    browsers: int | None = None
    """Shoppers who are real browsers; None is two where Chromium is there."""
    seed: int = 1
    is_fresh: bool = False
    """Begin anew, whatever is in the data folder."""


class _Doors(msgspec.Struct, frozen=True):
    """The shop's bound ports and their addresses."""

    shop: socket.socket
    layer: socket.socket

    @property
    def shop_url(self) -> str:
        """Where the shop is."""
        return f"http://127.0.0.1:{self.shop.getsockname()[1]}"

    @property
    def layer_url(self) -> str:
        """Where the same shop fills a data layer instead."""
        return f"http://127.0.0.1:{self.layer.getsockname()[1]}"


def run(data: Path, flags: Mapping[str, Any], environ: Mapping[str, str], plan: Plan) -> None:
    """Run until Ctrl-C or SIGTERM. What happened stays in ``data``, and the next run goes on from there."""
    folder.end_at_sigterm()
    for talkative in ("alembic", "httpx"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    console = Console(highlight=False)
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        is_new = _make_room(data, plan.is_fresh, console)
        backstage = data / BACKSTAGE
        settings = _settings(data, flags, environ, console)
        doors = _Doors(
            stack.enter_context(_door(plan.shop_port, "--shop-port", "the shop", console)),
            stack.enter_context(_door(plan.layer_port, "--layer-port", "the shop's dataLayer variant", console)),
        )
        if is_new:
            folder.init(data, SITE, settings)
            _past(data, settings, plan, doors.shop_url, console)
        _foresight(data, settings, console)
        login_url = folder.login_url(data, "", settings)
        write_key = _write_key(data)
        _open_shops(stack, doors, _local(settings), write_key, backstage)
        running = Running(data, settings)
        way = Way(_local(settings), write_key, doors.shop_url, backstage, plan.visitors_per_minute)
        people = Kept("footfall-shoppers", "footfall.shoppers.living", (way,))
        n_browsers, why_none = _n_browsers(plan.browsers)
        real = Kept(
            "footfall-browsers",
            "footfall.shoppers.browsing",
            (BrowserDoors((doors.shop_url, doors.layer_url), backstage, n_browsers, plan.seed),),
        )
        stack.callback(people.stop)
        stack.callback(real.stop)

        def open_up() -> None:
            if not _is_ready(settings):
                console.print("The server isn't ready yet; see its messages above.")
                return
            people.start()
            if n_browsers:
                real.start()
            links = {
                "Dashboard": f"{login_url}",
                "Shop": doors.shop_url,
                "with a dataLayer": doors.layer_url,
                "Data": str(data),
            }
            _greet(links, plan, n_browsers, why_none, console)

        greeter = threading.Thread(target=open_up, name="footfall-greeter", daemon=True)
        greeter.start()
        running.serve()
    gc.unfreeze()  # what the server froze would be reported as leaked at exit
    console.print("The demo has ended.")


# -- before the doors open ---------------------------------------------------------------------------------------------


def _make_room(data: Path, is_fresh: bool, console: Console) -> bool:
    """Whether the data folder is to be filled. Only a demo's folder is ever emptied."""
    backstage = data / BACKSTAGE
    if data.exists() and any(data.iterdir()) and not (backstage / _BEGUN).exists():
        raise BadInput(f"{data} isn't the folder of a demo. Name another one, or a new one, with --data.")
    is_whole = (backstage / PEOPLE).exists() and not (backstage / _BEGUN).read_text()
    if is_whole and not is_fresh:
        return False
    if backstage.exists():
        if not is_fresh:
            console.print("The last start broke off while it made history: it begins anew.")
        shutil.rmtree(data)
    backstage.mkdir(parents=True)
    (data / config.FILE_NAME).write_text(_own_settings(), encoding="utf-8")
    (backstage / _BEGUN).write_text("history\n")
    return True


def _own_settings() -> str:
    """What the shop's owner would set: its currency."""
    about = "# Settings of the demonstration; `footfall settings` prints all that there are.\n"
    return f'{about}base_currency = "{CURRENCY}"\n'


def _settings(data: Path, flags: Mapping[str, Any], environ: Mapping[str, str], console: Console) -> Settings:
    """The folder's settings, with the shoppers' places unless others are asked for, and a free port."""
    places = data / PLACES
    if not places.exists():
        write_places(places)
    settings = config.load(data, flags, environ)
    if not settings.geo_database:
        settings = msgspec.structs.replace(settings, geo_database=str(places.absolute()))
    try:
        return folder.with_free_port(settings)
    except Unavailable as error:
        if error.code != "port_in_use":
            raise
        free = folder.with_free_port(msgspec.structs.replace(settings, port=0))
        console.print(f"Port {settings.port} is taken: the dashboard is on {free.port}. (--port names another.)")
        return free


@contextlib.contextmanager
def _door(port: int, flag: str, whose: str, console: Console) -> Iterator[socket.socket]:
    """The port, or a free one if it is taken."""
    with contextlib.ExitStack() as stack:
        try:
            door = stack.enter_context(folder.door("127.0.0.1", port, flag))
        except Unavailable:
            door = stack.enter_context(folder.door("127.0.0.1", 0, flag))
            console.print(f"Port {port} is taken: {whose} is on {door.getsockname()[1]}. ({flag} names another.)")
        yield door


def _past(data: Path, settings: Settings, plan: Plan, shop_url: str, console: Console) -> None:
    """Take the history of the days before in, as an import."""
    backstage = data / BACKSTAGE
    end_ms = time.time_ns() // 1_000_000
    past = Past(plan.seed, shop_url, end_ms, plan.history_days, plan.history_visitors)
    start_ms = end_ms - plan.history_days * _DAY_MS
    n_events = 0
    with remembering(past, backstage) as lines, _progress(console, plan.history_days) as progress:
        task = progress.add_task(f"{plan.history_days} days of history", total=plan.history_days, what="")

        def tell(chunk: Chunk) -> None:
            nonlocal n_events
            n_events += len(chunk.lines)
            days = (int(chunk.times_ms[-1]) - start_ms) / _DAY_MS
            progress.update(task, completed=days, what=f"{n_events:,} events")

        result = import_files(data, settings, SITE, chunked((line, at_ms, 0) for line, at_ms in lines), tell)
        progress.update(task, completed=plan.history_days)
    (backstage / _BEGUN).write_text("")
    _tell_past(result, console)


def _foresight(data: Path, settings: Settings, console: Console) -> None:
    """Learn from the history who orders, once. The demo goes on without: the prior scores then."""
    copies = DeployedModels(data)
    if copies.outcome(FIRST_SITE) is not None:
        return
    if not console.is_terminal:
        console.print("Learning from it who orders …")
    threads = min(os.cpu_count() or 1, _TRAINING_THREADS)
    options = Options(
        n_trials=_TRAINING_TRIALS, budget_s=_TRAINING_BUDGET_S, n_threads=threads, most_likeness_rows=_LIKENESS_ROWS,
        reason="demo",
    )  # fmt: skip
    try:
        with steps(console) as tell:
            trained = train_site(data, settings, SITE, options, tell)
    except FootfallError as error:
        console.print(f"No model could be trained, so scores come from the prior: {error}")
        return
    found = trained.targets["session"]
    auc = "" if found.roc_auc is None else f", ROC-AUC {found.roc_auc:.3f}"
    console.print(f"Learned who orders from {trained.n_sessions:,} sessions, in {trained.seconds:.0f} s{auc}.")


def _progress(console: Console, days: int) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[what]}"),
               TimeRemainingColumn())  # fmt: skip
    if not console.is_terminal:
        console.print(f"Making {days} days of history …")
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _tell_past(result: ImportResult, console: Console) -> None:
    console.print(
        f"History: {result.events:,} events of {result.visitors:,} visitors with {result.orders:,} orders, "
        f"in {result.seconds:.0f} s."
    )


def _write_key(data: Path) -> str:
    definitions = open_definitions(data)
    try:
        return next(site.write_key for site in definitions.sites() if not site.is_archived)
    finally:
        definitions.close()


# -- open --------------------------------------------------------------------------------------------------------------


def _open_shops(stack: contextlib.ExitStack, doors: _Doors, url: str, write_key: str, backstage: Path) -> None:
    """The example shop, which serves the tracker on its own domain, and its variant with a data layer."""
    database = backstage / "shop.db"
    tagged = shop_app.build("/ff", write_key, database=database, upstream_url=url)
    layered = shop_app.build("/ff", write_key, install="data-layer", database=database, upstream_url=url)
    for name, asgi, door in (("shop", tagged, doors.shop), ("layer", layered, doors.layer)):
        stack.enter_context(_served(name, behind_proxy(asgi), door))


@contextlib.contextmanager
def _served(name: str, asgi: Any, door: socket.socket) -> Iterator[None]:
    """An application in a thread."""
    options: dict[str, Any] = {"log_level": "warning", "access_log": False, "timeout_graceful_shutdown": 2}
    server = uvicorn.Server(uvicorn.Config(asgi, lifespan="auto", **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, name=f"footfall-{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_STOP_WITHIN_S)


def _n_browsers(wanted: int | None) -> tuple[int, str]:
    """How many real browsers shop, and why there are none if there could be."""
    if wanted == 0:
        return 0, ""
    if missing := lacking():
        return 0, f"No real browsers among them: {missing}"
    return (2 if wanted is None else wanted), ""


def _is_ready(settings: Settings) -> bool:
    """Wait until the server takes events; False if it doesn't for minutes."""
    deadline_s = time.monotonic() + _READY_WITHIN_S
    with httpx.Client(base_url=_local(settings), timeout=2, trust_env=False) as client:
        while time.monotonic() < deadline_s:
            with contextlib.suppress(httpx.TransportError):
                if client.get("/readyz").status_code == 200:
                    return True
            time.sleep(0.1)
    return False


def _greet(links: Mapping[str, str], plan: Plan, n_browsers: int, why_none: str, console: Console) -> None:
    """Say where everything is."""
    table = Table.grid(padding=(0, 2))
    for name, link in links.items():
        table.add_row(f"[bold]{name}[/]", link)
    rate = f"{plan.visitors_per_minute:g} visitors a minute are on their way"
    rate += f", and {n_browsers} of them are real browsers." if n_browsers else "."
    table.add_row()
    for line in (rate, why_none, "The dashboard's link works once. Ctrl-C ends everything."):
        if line:
            table.add_row("", line)
    if console.is_terminal and console.width >= 100:
        console.print(Panel(table, title="Footfall", expand=False))
    else:  # one line each, whatever the width: programs and narrow windows keep the links whole
        console.print("\n".join(f"{name:<16}  {link}" for name, link in links.items()), soft_wrap=True)
        console.print("\n".join(line for line in (rate, why_none) if line), soft_wrap=True)
        console.print("The dashboard's link works once. Ctrl-C ends everything.")


def _local(settings: Settings) -> str:
    return folder.address(msgspec.structs.replace(settings, public_url=""))
