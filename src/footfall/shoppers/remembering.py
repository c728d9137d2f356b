"""How does a month of history come about beside the import? In a process of its own, as lines in order of time."""

import contextlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from footfall.base.errors import Unavailable
from footfall.base.times import iso
from footfall.shoppers.crowd import Crowd
from footfall.shoppers.living import keep

_PIECE_EVENTS = 2_000
_ENDS_WITHIN_S = 10.0


class Past(msgspec.Struct, frozen=True):
    """What history is made of."""

    seed: int
    origin: str
    end_ms: int
    days: int
    visitors: int


Line = tuple[bytes, int]
"""An event's JSON and its time, epoch ms."""


def remembered(past: Past) -> Iterator[Line]:
    """The events of the past by time; the same for the same ``past``."""
    yield from _lines(Crowd(past.seed, past.origin), past)


@contextlib.contextmanager
def remembering(past: Past, folder: Path) -> Iterator[Iterator[Line]]:
    """The same from a process that thinks ahead; when all was read, ``folder`` knows the people and the truth."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(past, folder, theirs), name="footfall-history", daemon=True)
    process.start()
    theirs.close()
    try:
        yield _received(ours)
        process.join(_ENDS_WITHIN_S)
    finally:
        ours.close()
        if process.is_alive():
            process.terminate()
            process.join(_ENDS_WITHIN_S)


def _received(ours: Connection) -> Iterator[Line]:
    while True:
        try:
            piece = ours.recv()
        except EOFError:
            raise Unavailable("The shoppers' history broke off. Start the demo again.", code="no_history") from None
        if piece is None:
            return
        yield from piece


def _run(past: Past, folder: Path, theirs: Connection) -> None:
    crowd = Crowd(past.seed, past.origin)
    piece: list[Line] = []
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        for line in _lines(crowd, past):
            piece.append(line)
            if len(piece) == _PIECE_EVENTS:
                theirs.send(piece)
                piece = []
        theirs.send(piece)
        keep(crowd, folder)
        theirs.send(None)


def _lines(crowd: Crowd, past: Past) -> Iterator[Line]:
    for said in crowd.history(past.end_ms, days=past.days, visitors=past.visitors):
        yield said.line(iso(said.at_ms).encode()), said.at_ms
