import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import pytest
import uvicorn
from tests.web.collecting import KEY, SITES, events_of

from footfall.adapters.memory import MemoryLog
from footfall.base.clock import ManualClock
from footfall.settings import Settings
from footfall.web import protocol
from footfall.web.ack import GroupCommit
from footfall.web.answer import JSON, Answer, Header
from footfall.web.asgi import Asgi, Receive, Scope, Send, build
from footfall.web.collector import Collector
from footfall.web.protocol import Protocol, Reply, Take

Story = Callable[[int], Awaitable[None]]
DONE = Answer(200, b"done", JSON[:1])


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.02)
        for piece in (b"one", b"x" * 1_000_000, b"two", b""):
            await send({"type": "http.response.body", "body": piece, "more_body": piece != b""})
            if not piece:
                return
            await asyncio.sleep(0.02)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def serving(
    story: Story, doors: Mapping[bytes, Take] | None = None, app: Asgi = hello, then: Story | None = None, **more: Any
) -> None:
    """Run the story against a server whose connections have these limits; ``then`` runs while it is ending."""

    async def run() -> None:
        connection = partial(Protocol, doors=doors, door_max_bytes=1_000)
        config = uvicorn.Config(
            cast(Any, app), host="127.0.0.1", port=0, http=cast("type[Protocol]", connection), interface="asgi3",
            lifespan="off", log_level="error", server_header=False, date_header=False, **more,
        )  # fmt: skip
        server = uvicorn.Server(config)
        server.config.load()
        task = asyncio.create_task(server.serve())
        async with asyncio.timeout(20):
            while not server.started:
                await asyncio.sleep(0.005)
            port = server.servers[0].sockets[0].getsockname()[1]
            await story(port)
            server.should_exit = True
            if then is not None:
                await then(port)
            await task

    asyncio.run(run())


async def answer_to(port: int, request: bytes) -> bytes:
    """All bytes until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def test_two_requests_on_one_connection_are_answered() -> None:
    async def story(port: int) -> None:
        first = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
        answer = await answer_to(port, first + b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert answer.count(b"HTTP/1.1 200 OK") == 2

    serving(story)


def test_a_streams_head_does_not_wait_for_its_body() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /stream HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert b"one" not in await reader.readuntil(b"\r\n\r\n")
        body = await reader.read()
        assert body == b"3\r\none\r\nf4240\r\n" + b"x" * 1_000_000 + b"\r\n3\r\ntwo\r\n0\r\n\r\n"
        writer.close()

    serving(story)


def test_headers_without_end_are_cut_off() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n")
        try:
            for i in range(10_000):
                writer.write(b"x-%d: %s\r\n" % (i, b"y" * 100))
                await writer.drain()
        except ConnectionError:
            pass  # the server has hung up
        else:
            assert b" 431 " in await reader.readline()
        writer.close()

    serving(story)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: a\r\n"])
def test_headers_that_do_not_come_are_given_up(monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(protocol, "HEADERS_LIMIT_S", 0.05)

    async def story(port: int) -> None:
        assert await answer_to(port, begun) == b""

    serving(story)


def test_a_connection_that_has_begun_well_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEADERS_LIMIT_S", 0.05)

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.1)
        writer.close()

    serving(story)


# Whole requests, which a door takes without ASGI


class Counter:
    """A door that counts what it takes, and answers when it is told to."""

    def __init__(self, *, is_quick: bool = True) -> None:
        self.is_quick = is_quick
        self.bodies: list[bytes] = []
        self.waiting: list[Reply] = []

    def take(self, headers: Sequence[Header], peer: str, scheme: str, body: bytes, reply: Reply) -> None:
        assert (peer, scheme, (b"host", b"a") in headers) == ("127.0.0.1", "http", True)
        self.bodies.append(body)
        if self.is_quick:
            reply(DONE, None)
        else:
            self.waiting.append(reply)


def posted(body: bytes, *headers: str, version: str = "1.1", path: str = "/door") -> bytes:
    lines = [f"POST {path} HTTP/{version}", "Host: a", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.002)


def test_a_whole_request_goes_to_its_door_and_the_connection_lives_on() -> None:
    counter = Counter()

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in (b"one", b"two", b""):
            writer.write(posted(body))
            head = await reader.readuntil(b"done")
            assert head == b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\ndone"
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 OK")
        writer.close()

    serving(story, {b"/door": counter.take})
    assert counter.bodies == [b"one", b"two", b""]


@pytest.mark.parametrize(
    "request_",
    [
        posted(b"x" * 1_001),
        posted(b"x", path="/door?a=b"),
        posted(b"x", version="1.0"),
        posted(b"x", "Connection: close"),
        posted(b"x", "Connection: upgrade", "Upgrade: websocket"),
        b"PUT /door HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
    ],
)
def test_an_unusual_request_takes_the_way_through_asgi(request_: bytes) -> None:
    counter = Counter()

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_)
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 OK")
        writer.close()

    serving(story, {b"/door": counter.take})
    assert counter.bodies == []


def test_a_body_in_parts_takes_the_way_through_asgi_whole() -> None:
    bodies = []

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        bodies.append(body)
        await DONE.send(send, None)

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = posted(b"one, two")
        for _ in range(2):
            writer.write(request[:-4])
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(request[-4:])
            await reader.readuntil(b"done")
        writer.close()

    serving(story, {b"/door": Counter().take}, echo)
    assert bodies == [b"one, two", b"one, two"]


def test_a_chunked_body_is_put_together() -> None:
    counter = Counter()

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = b"POST /door HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head + b"3\r\none\r\n5\r\n, two\r\n0\r\n\r\n")
        await reader.readuntil(b"done")
        writer.close()

    serving(story, {b"/door": counter.take})
    assert counter.bodies == [b"one, two"]


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    counter = Counter()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await DONE.send(send, None)

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(posted(b"body", "Expect: 100-continue")[:-4])
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"body")
        await reader.readuntil(b"done")
        writer.close()

    serving(story, {b"/door": counter.take}, app)


def test_pipelined_requests_are_answered_in_order() -> None:
    # door (waits) ── stream ── door: nothing is answered before the first is
    counter = Counter(is_quick=False)

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(posted(b"1") + b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" + posted(b"2", "Connection: close"))
        await until(lambda: bool(counter.waiting))
        counter.waiting[0](DONE, None)
        answers = await reader.read()
        assert [part[-5:] for part in answers.split(b"HTTP/1.1 200 OK")[1:]] == [b"\ndone", b"hello", b"hello"]
        writer.close()

    serving(story, {b"/door": counter.take})
    assert counter.bodies == [b"1"]


def test_a_client_that_is_gone_is_not_answered() -> None:
    counter = Counter(is_quick=False)

    async def story(port: int) -> None:
        for _ in range(2):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(posted(b"1"))
            await until(lambda: bool(counter.waiting))
            writer.close()
            await asyncio.sleep(0.02)
            counter.waiting.pop()(DONE, None)

    serving(story, {b"/door": counter.take})
    assert counter.bodies == [b"1", b"1"]


def test_a_server_that_ends_answers_what_it_has_taken() -> None:
    counter = Counter(is_quick=False)
    answers = []
    streams = []

    async def story(port: int) -> None:
        streams.append(await asyncio.open_connection("127.0.0.1", port))
        streams[0][1].write(posted(b"1"))
        await until(lambda: bool(counter.waiting))

    async def then(port: int) -> None:
        await asyncio.sleep(0.2)  # it is waiting for connections now
        counter.waiting.pop()(DONE, None)
        answers.append(await streams[0][0].read())
        streams[0][1].close()

    serving(story, {b"/door": counter.take}, then=then)
    assert b"connection: close\r\n" in answers[0]
    assert answers[0].endswith(b"done")


def test_a_door_that_breaks_answers_500() -> None:
    def take(*_: object) -> None:
        raise RuntimeError("by the test")

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(posted(b"1") + b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        answers = await reader.readuntil(b"hello")
        assert answers.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        writer.close()

    serving(story, {b"/door": take})


def test_an_idle_connection_is_hung_up_and_a_busy_one_is_not() -> None:
    counter = Counter()

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):  # longer than the limit in all
            writer.write(posted(b"1"))
            await reader.readuntil(b"done")
            await asyncio.sleep(0.4)
        assert await reader.read() == b""
        writer.close()

    serving(story, {b"/door": counter.take}, timeout_keep_alive=1)
    assert len(counter.bodies) == 3


# Both ways answer alike

_EVENT = b'{"event":"A","anonymousId":"a1","messageId":"m1"}'
_ID = b"0f8b6c1e-2d3a-4b5c-8d7e-9fa0b1c2d3e4"
_KEY = f"X-Write-Key: {KEY}"
_FENCED = "X-Write-Key: wk_fenced"
_REQUESTS = {
    "track": posted(_EVENT, _KEY, path="/v1/track"),
    "page, from a page": posted(_EVENT, _KEY, "Origin: https://a.example", path="/v1/p"),
    "batch": posted(b'{"batch":[' + _EVENT + b"," + _EVENT + b"]}", _KEY, path="/v1/batch"),
    "batch for a cookie": posted(
        b'{"cookie":{"domain":"","days":395},"batch":[' + _EVENT.replace(b"a1", _ID) + b"]}",
        *(_KEY, "Origin: http://a"),
        path="/v1/batch",
    ),
    "batch of none": posted(b'{"batch":[]}', _KEY, path="/v1/batch"),
    "good and bad": posted(b'{"batch":[' + _EVENT + b',1,"x"]}', _KEY, path="/v1/batch"),
    "no key": posted(_EVENT, path="/v1/track"),
    "wrong key": posted(_EVENT, "X-Write-Key: wk_none", "Origin: https://a.example", path="/v1/track"),
    "foreign origin": posted(_EVENT, _FENCED, "Origin: https://a.example", path="/v1/track"),
    "odd origin": posted(_EVENT, _KEY, "Origin: <b>", path="/v1/track"),
    "broken": posted(b"{", _KEY, path="/v1/track"),
    "broken gzip": posted(b"\x1f\x8b..", _KEY, path="/v1/track"),
    "empty": posted(b"", _KEY, path="/v1/track"),
    "too many headers": posted(_EVENT, _KEY, *[f"X-{i}: 1" for i in range(100)], path="/v1/track"),
    "GA4, broken": posted(b"{", _KEY, path="/mp/collect"),
    "Snowplow": posted(b'{"schema":"x","data":[]}', _KEY, path="/com.snowplowanalytics.snowplow/tp2"),
}


def answers_of(requests: Sequence[bytes], *, is_through_doors: bool) -> tuple[list[bytes], list[Any], dict[int, int]]:
    """Raw answers, stored events, and counts by status."""
    log = MemoryLog()
    ack = GroupCommit(log, max_events=100)
    collector = Collector(Settings(), SITES.get, ack, ManualClock(1_800_000_000_000), lambda: 0)
    answers = []

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            answers.append(head + await reader.readexactly(length))
        writer.close()

    serving(story, collector.whole_doors if is_through_doors else None, build(collector, None))
    ack.close()
    return answers, events_of(log) if log.next_offset() else [], collector.tally.n_by_status


def test_both_ways_store_and_answer_the_same() -> None:
    requests = list(_REQUESTS.values())
    through_doors = answers_of(requests, is_through_doors=True)
    through_asgi = answers_of(requests, is_through_doors=False)
    by_name = dict(zip(_REQUESTS, through_doors[0], strict=True))
    assert by_name == dict(zip(_REQUESTS, through_asgi[0], strict=True))
    assert through_doors[1:] == through_asgi[1:]
    assert by_name["track"].startswith(b"HTTP/1.1 200 OK")
    assert b"\r\naccess-control-allow-origin: https://a.example\r\n" in by_name["page, from a page"]
    assert b"\r\nset-cookie: " not in by_name["batch"]
    assert b"\r\nset-cookie: ff_anonymous_id=" + _ID in by_name["batch for a cookie"]
    assert by_name["wrong key"].startswith(b"HTTP/1.1 401 ")
    assert by_name["foreign origin"].startswith(b"HTTP/1.1 403 ")
    assert by_name["broken"].startswith(b"HTTP/1.1 400 ")
