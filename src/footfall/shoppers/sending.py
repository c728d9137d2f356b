"""How do shoppers reach the shop? Over real HTTP, as browsers would: a request carries one visitor's events only."""

import asyncio
import contextlib
import heapq
import json
import logging
from collections.abc import AsyncIterator, Iterator
from itertools import count
from time import time_ns

import httpx
import msgspec
from xxhash import xxh3_64_intdigest

from footfall.base.times import iso
from footfall.shoppers.tab import Said

log = logging.getLogger(__name__)

_TOGETHER_MS = 100
"""The tracker sends 100 ms after an event; what happens meanwhile goes along."""
_BATCH_MAX_EVENTS = 50
_QUEUE_MAX_POSTS = 500
_N_LANES = 8
_RETRY_MAX_S = 10.0
_LATE_MS = 1_000
"""Shoppers who couldn't be sent in time aren't hurried on: the plan moves, not the shopper."""


class Sent(msgspec.Struct):
    """What became of the events."""

    n_accepted: int = 0
    n_refused: int = 0
    """Answered with an error that a second try wouldn't change."""
    n_retries: int = 0


class _Post(msgspec.Struct):
    """Events of one visitor that go together."""

    due_ms: int
    address: str
    user_agent: str
    events: list[bytes]


async def send(url: str, write_key: str, origin: str, said: Iterator[Said], stop: asyncio.Event) -> Sent:
    """Post events to ``url``/v1/batch when their time has come, until they end or ``stop`` is set.

    Each visitor's events go through one of a few lanes, in order. A lane whose server is down or answers 429 or 503
    waits as long as ``Retry-After`` says and sends the same again; when its queue is full, the shoppers stand still.
    ``origin`` is the shop's, as browsers tell it.
    """
    sent = Sent()
    lanes: list[asyncio.Queue[_Post | None]] = [asyncio.Queue(_QUEUE_MAX_POSTS) for _ in range(_N_LANES)]
    limits = httpx.Limits(max_connections=_N_LANES)
    headers = {"Origin": origin, "Content-Type": "text/plain;charset=UTF-8"}
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=10, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as senders,
    ):
        for lane in lanes:
            senders.create_task(_lane(client, lane, write_key, sent, stop))
        async for who, post in _posts(said, stop):
            await lanes[xxh3_64_intdigest(who.encode()) % _N_LANES].put(post)
        for lane in lanes:
            await lane.put(None)
    return sent


async def _posts(said: Iterator[Said], stop: asyncio.Event) -> AsyncIterator[tuple[str, _Post]]:
    """What is sent when: visitor and events; waits for the clock."""
    shift_ms = 0
    open_posts: dict[str, _Post] = {}
    by_time: list[tuple[int, int, str]] = []
    numbers = count()
    for one in said:
        at_ms = one.at_ms + shift_ms
        while by_time and by_time[0][0] <= at_ms:
            due_ms, _, who = heapq.heappop(by_time)
            if await _is_set_within(stop, (due_ms - _now_ms()) / 1_000):
                return
            yield who, open_posts.pop(who)
        if await _is_set_within(stop, (at_ms - _now_ms()) / 1_000):
            return
        late_ms = _now_ms() - at_ms
        if late_ms > _LATE_MS:
            shift_ms += late_ms
            at_ms += late_ms
        post = open_posts.get(one.who)
        if post is None:
            post = open_posts[one.who] = _Post(at_ms + _TOGETHER_MS, one.address, one.user_agent, [])
            heapq.heappush(by_time, (post.due_ms, next(numbers), one.who))
        post.events.append(one.line(iso(at_ms).encode()))
    for _, _, who in sorted(by_time):
        yield who, open_posts.pop(who)


def _now_ms() -> int:
    return time_ns() // 1_000_000


async def _lane(
    client: httpx.AsyncClient, queue: asyncio.Queue[_Post | None], write_key: str, sent: Sent, stop: asyncio.Event
) -> None:
    while (post := await queue.get()) is not None:
        if stop.is_set():
            continue
        headers = {"User-Agent": post.user_agent, "X-Forwarded-For": post.address} if post.address else {}
        for start in range(0, len(post.events), _BATCH_MAX_EVENTS):
            events = post.events[start : start + _BATCH_MAX_EVENTS]
            await _post(client, events, headers, write_key, sent, stop)


async def _post(
    client: httpx.AsyncClient,
    events: list[bytes],
    headers: dict[str, str],
    write_key: str,
    sent: Sent,
    stop: asyncio.Event,
) -> None:
    wait_s = 0.5
    while True:
        head = json.dumps({"writeKey": write_key, "sentAt": iso(_now_ms())})
        body = head[:-1].encode() + b',"batch":[' + b",".join(events) + b"]}"
        try:
            answer = await client.post("/v1/batch", content=body, headers=headers)
        except httpx.TransportError as error:
            log.debug("The server can't be reached (%s); trying again in %.1f s.", error, wait_s)
        else:
            if answer.status_code == 200:
                sent.n_accepted += len(events)
                return
            if answer.status_code < 500 and answer.status_code not in (408, 429):
                sent.n_refused += len(events)
                log.warning("The server refused %d events: %s %s", len(events), answer.status_code, answer.text[:200])
                return
            asked = answer.headers.get("Retry-After", "")
            wait_s = float(asked) if asked.isdigit() else wait_s
        if await _is_set_within(stop, min(wait_s, _RETRY_MAX_S)):
            return
        sent.n_retries += 1
        wait_s = min(wait_s * 2, _RETRY_MAX_S)


async def _is_set_within(stop: asyncio.Event, wait_s: float) -> bool:
    if wait_s > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait_s)
    else:
        await asyncio.sleep(0)  # the senders' turn
    return stop.is_set()
