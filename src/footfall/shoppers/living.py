"""Who is in the shop right now? A process of shoppers who go on from where the crowd's file says they are."""

import asyncio
import multiprocessing
import signal
from collections.abc import Iterator
from pathlib import Path
from time import time_ns

import msgspec

from footfall.shoppers import truth
from footfall.shoppers.crowd import Crowd, load, save
from footfall.shoppers.sending import Sent, send
from footfall.shoppers.tab import Said

PEOPLE = "people.msgpack"
_KEEP_EVERY_S = 20.0


class Way(msgspec.Struct, frozen=True):
    """Where shoppers go: the server's address, the shop's write key and address, and who they are."""

    url: str
    write_key: str
    origin: str
    folder: Path
    """Holds ``people.msgpack`` and ``truth.ndjson``."""
    visitors_per_minute: float


def run(way: Way) -> None:
    """Shop until interrupted, or until the process that started this one ends."""

    asyncio.run(_run(way))


async def _run(way: Way) -> Sent:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if parent := multiprocessing.parent_process():
        loop.add_reader(parent.sentinel, stop.set)
    crowd = load(way.folder / PEOPLE, way.origin)
    said = crowd.live(time_ns() // 1_000_000, way.visitors_per_minute)
    first = next(said)  # from here on this start is counted, and another one will not repeat its messageIds
    keep(crowd, way.folder)
    keeping = asyncio.create_task(_keep_on(crowd, way.folder, stop))
    try:
        return await send(way.url, way.write_key, way.origin, _chain(first, said), stop)
    finally:
        stop.set()
        await keeping
        keep(crowd, way.folder)


def _chain(first: Said, rest: Iterator[Said]) -> Iterator[Said]:
    yield first
    yield from rest


async def _keep_on(crowd: Crowd, folder: Path, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), _KEEP_EVERY_S)
        except TimeoutError:
            keep(crowd, folder)


def keep(crowd: Crowd, folder: Path) -> None:
    """Write down who everybody is now and what really went on since the last time."""
    save(crowd, folder / PEOPLE)
    truth.add(folder / truth.FILE_NAME, crowd.truths)
    crowd.truths.clear()
