import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvicorn

from footfall.web import protocol
from footfall.web.asgi import Receive, Scope, Send
from footfall.web.protocol import Protocol

Story = Callable[[int], Awaitable[None]]


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


def serving(story: Story) -> None:
    """Run the story against a server whose connections have these limits."""

    async def run() -> None:
        config = uvicorn.Config(
            hello, host="127.0.0.1", port=0, http=Protocol, interface="asgi3", lifespan="off", log_level="error"
        )
        server = uvicorn.Server(config)
        server.config.load()
        task = asyncio.create_task(server.serve())
        async with asyncio.timeout(20):
            while not server.started:
                await asyncio.sleep(0.005)
            await story(server.servers[0].sockets[0].getsockname()[1])
        server.should_exit = True
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
