"""Who is in the shop right now? Simulated shoppers: a seeded crowd of overlapping visits, sent over real HTTP."""

import asyncio
import contextlib
import heapq
import logging
import multiprocessing
import signal
from collections.abc import Iterator
from random import Random
from time import monotonic, time_ns
from typing import Any

import httpx
import msgspec

from footfall.base.times import iso
from footfall.hosts.people import Person, new_person
from footfall.hosts.visits import Shop, Visit

log = logging.getLogger(__name__)

_NEW_SHARE = 0.62
_REST_MS = 45 * 60_000
"""Nobody comes back sooner than this, so that coming back is a new session."""
_DAY_MS = 86_400_000
_VISITS_BY_HOUR = (3, 2, 1, 1, 1, 2, 3, 5, 7, 8, 9, 9, 10, 9, 8, 8, 8, 9, 10, 12, 13, 12, 9, 6)
"""Weight of each hour of the day, UTC less the hours to most shoppers' homes."""
_HOURS_WEST = 6
_BATCH_MAX_EVENTS = 50
_QUEUE_MAX_EVENTS = 1_000
_N_LANES = 8
_RETRY_MAX_S = 10.0
_encode = msgspec.json.Encoder().encode


class Crowd:
    """All people who shop, and their visits; the same seed and calls make the same events."""

    def __init__(self, seed: int, shop_url: str) -> None:
        self.rng = Random(seed)
        self.shop = Shop(shop_url)
        self.people: list[Person] = []

    def history(self, end_ms: int, days: int = 14, visitors: int = 3_000) -> Iterator[tuple[int, bytes]]:
        """``(epoch ms, JSON line)`` of the events of the days before ``end_ms`` by time, of that many people."""
        rng = self.rng
        start_ms = end_ms - days * _DAY_MS
        n_visits = round(visitors / _NEW_SHARE)
        arrivals_ms = sorted(self._moment(start_ms, days) for _ in range(n_visits))
        is_new = [True] * visitors + [False] * (n_visits - visitors)
        rng.shuffle(is_new)
        for at_ms, event in self._overlapping(zip(arrivals_ms, is_new, strict=True)):
            if at_ms < end_ms:
                yield at_ms, _encode(event | {"timestamp": iso(at_ms)})

    def live(self, visitors_per_minute: float) -> Iterator[tuple[float, dict[str, Any]]]:
        """Events from now on, without end: seconds to wait since the one before, and the event, still without time."""
        last_ms = 0
        for at_ms, event in self._overlapping(self._arrivals(visitors_per_minute)):
            yield (at_ms - last_ms) / 1_000, event
            last_ms = at_ms

    def live_through(self, visitors: int) -> None:
        """Let a history of that many people pass, so that they are known; it has the same people at any time."""
        for _ in self.history(end_ms=0, visitors=visitors):
            pass
        self.rest()

    def rest(self) -> None:
        """Everybody's last visit is over; their time starts again at 0, as :meth:`live` counts it."""
        for person in self.people:
            person.busy_until_ms = -_REST_MS

    def _arrivals(self, visitors_per_minute: float) -> Iterator[tuple[int, bool]]:
        at_ms = 0.0
        while True:
            at_ms += self.rng.expovariate(visitors_per_minute / 60_000)
            yield int(at_ms), self.rng.random() < _NEW_SHARE

    def _moment(self, start_ms: int, days: int) -> int:
        hour = self.rng.choices(range(24), _VISITS_BY_HOUR)[0] + _HOURS_WEST
        return start_ms + self.rng.randrange(days) * _DAY_MS + hour % 24 * 3_600_000 + self.rng.randrange(3_600_000)

    def _overlapping(self, arrivals: Iterator[tuple[int, bool]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The events of all visits by time; a visit that goes on holds one entry of the heap."""
        going_on: list[tuple[int, int, int, Iterator[tuple[int, dict[str, Any]]], dict[str, Any]]] = []
        for number, (start_ms, is_new) in enumerate(arrivals):
            while going_on and going_on[0][0] <= start_ms:
                yield self._next(going_on)
            person = self._arriving(start_ms, is_new)
            person.busy_until_ms = start_ms + _DAY_MS
            steps = self._visit(person, start_ms)
            self._push(going_on, number, start_ms, steps)
        while going_on:
            yield self._next(going_on)

    def _visit(self, person: Person, start_ms: int) -> Iterator[tuple[int, dict[str, Any]]]:
        at_ms = 0
        for at_ms, event in Visit(self.rng, person, self.shop).steps():
            yield at_ms, event
        person.busy_until_ms = start_ms + at_ms

    @staticmethod
    def _push(going_on: list[Any], number: int, start_ms: int, steps: Iterator[tuple[int, dict[str, Any]]]) -> None:
        step = next(steps, None)
        if step is not None:
            heapq.heappush(going_on, (start_ms + step[0], number, start_ms, steps, step[1]))

    def _next(self, going_on: list[Any]) -> tuple[int, dict[str, Any]]:
        at_ms, number, start_ms, steps, event = heapq.heappop(going_on)
        self._push(going_on, number, start_ms, steps)
        return at_ms, event

    def _arriving(self, at_ms: int, is_new: bool) -> Person:
        """Somebody new, or of a few who were here before the one closest to buying."""
        if not is_new and self.people:
            some = [self.rng.choice(self.people) for _ in range(6)]
            rested = [person for person in some if person.busy_until_ms + _REST_MS <= at_ms]
            if rested:
                return max(rested, key=lambda person: person.intent + 0.3 * bool(person.cart))
        person = new_person(self.rng, len(self.people), self.shop.categories)
        self.people.append(person)
        return person


class Sent(msgspec.Struct):
    """What became of the events."""

    n_accepted: int = 0
    n_refused: int = 0
    """Answered with an error that a second try wouldn't change."""
    n_retries: int = 0


async def send(
    url: str,
    write_key: str,
    events: Iterator[tuple[float, dict[str, Any]]],
    stop: asyncio.Event,
) -> Sent:
    """Post events to ``/v1/batch`` as they happen until they end or ``stop`` is set; returns what became of them.

    Each visitor's events go through one of a few lanes, in order, up to 50 in a request. A lane whose server is down or
    answers 429 or 503 waits as long as ``Retry-After`` says and sends the same again; when its queue is full, the
    shoppers stand still.
    """
    sent = Sent()
    lanes: list[asyncio.Queue[dict[str, Any] | None]] = [asyncio.Queue(_QUEUE_MAX_EVENTS) for _ in range(_N_LANES)]
    limits = httpx.Limits(max_connections=_N_LANES)
    async with (
        httpx.AsyncClient(base_url=url, auth=(write_key, ""), timeout=10, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as senders,
    ):
        for lane in lanes:
            senders.create_task(_lane(client, lane, sent, stop))
        next_s = monotonic()
        for delay_s, event in events:
            # A shopper who couldn't be sent in time isn't hurried on: the plan moves, not the shopper.
            next_s = max(next_s, monotonic() - 1) + delay_s
            if await _is_set_within(stop, next_s - monotonic()):
                break
            event["timestamp"] = iso(time_ns() // 1_000_000)
            await lanes[hash(event["anonymousId"]) % _N_LANES].put(event)
        for lane in lanes:
            await lane.put(None)
    return sent


async def _lane(
    client: httpx.AsyncClient,
    queue: asyncio.Queue[dict[str, Any] | None],
    sent: Sent,
    stop: asyncio.Event,
) -> None:
    is_open = True
    while is_open:
        batch = [event] if (event := await queue.get()) is not None else []
        is_open = bool(batch)
        while is_open and len(batch) < _BATCH_MAX_EVENTS and not queue.empty():
            if (event := queue.get_nowait()) is None:
                is_open = False
            else:
                batch.append(event)
        if batch:
            await _post(client, batch, sent, stop)


async def _post(client: httpx.AsyncClient, batch: list[dict[str, Any]], sent: Sent, stop: asyncio.Event) -> None:
    wait_s = 0.5
    while True:
        body = _encode({"batch": batch, "sentAt": iso(time_ns() // 1_000_000)})
        try:
            answer = await client.post("/v1/batch", content=body, headers={"Content-Type": "application/json"})
        except httpx.TransportError as error:
            log.debug("The server can't be reached (%s); trying again in %.1f s.", error, wait_s)
        else:
            if answer.status_code == 200:
                sent.n_accepted += len(batch)
                return
            if answer.status_code < 500 and answer.status_code not in (408, 429):
                sent.n_refused += len(batch)
                log.warning("The server refused %d events: %s %s", len(batch), answer.status_code, answer.text[:200])
                return
            asked = answer.headers.get("Retry-After", "")
            wait_s = float(asked) if asked.isdigit() else wait_s
        if await _is_set_within(stop, min(wait_s, _RETRY_MAX_S)):
            return
        sent.n_retries += 1
        wait_s = min(wait_s * 2, _RETRY_MAX_S)


def run(url: str, write_key: str, seed: int, shop_url: str, visitors_per_minute: float, known: int) -> None:
    """A process of shoppers, until it is interrupted or its parent ends; ``known`` people were here before.

    With the same seed and ``known`` the people are those of :meth:`Crowd.history`.
    """
    with contextlib.suppress(KeyboardInterrupt):
        crowd = Crowd(seed, shop_url)
        if known:
            crowd.live_through(known)
        crowd.rng.seed(time_ns())  # new messageIds: a second demo on the same data must not repeat the first one's
        asyncio.run(_run(url, write_key, crowd.live(visitors_per_minute)))


async def _run(url: str, write_key: str, events: Iterator[tuple[float, dict[str, Any]]]) -> Sent:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if parent := multiprocessing.parent_process():
        loop.add_reader(parent.sentinel, stop.set)
    return await send(url, write_key, events, stop)


async def _is_set_within(stop: asyncio.Event, wait_s: float) -> bool:
    if wait_s > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait_s)
    return stop.is_set()
