import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.web.collecting import KEY, SITES, FailingLog, ask, until
from tests.web.house import house
from tests.web.memory_profiles import NOW_MS, live_row

from footfall.base.clock import ManualClock
from footfall.settings import Settings
from footfall.web.ack import GroupCommit
from footfall.web.asgi import App, Receive, Scope, Send, build
from footfall.web.collector import Collector


class Rest:
    """Everything that isn't the collector's."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope.get("path", scope["type"]))
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"rest"})


@pytest.fixture
def log() -> FailingLog:
    return FailingLog()


@pytest.fixture
def collector(log: FailingLog) -> Iterator[Collector]:
    ack = GroupCommit(log, max_events=100)
    yield Collector(Settings(), SITES.get, ack, ManualClock(), lambda: 0)
    ack.close()


def test_other_paths_and_the_lifespan_go_to_the_rest(collector: Collector) -> None:
    rest = Rest()
    app = build(collector, rest)

    async def story() -> None:
        for path in ("/api/visitors", "/", "/v1/decide", "/v1/stream", "/v1/projects/a/b/settings", "/i/i/i"):
            assert (await ask(app, "GET", path)).body == b"rest"
        await app({"type": "lifespan"}, _nothing, _ignore)
        assert (await ask(app, "POST", "/v1/track", b"{}", {"x-write-key": KEY})).status == 200

    asyncio.run(story())
    assert rest.seen == [
        "/api/visitors",
        "/",
        "/v1/decide",
        "/v1/stream",
        "/v1/projects/a/b/settings",
        "/i/i/i",
        "lifespan",
    ]


async def _nothing() -> Any:
    return {"type": "lifespan.startup"}


async def _ignore(message: Any) -> None:
    pass


def test_without_a_rest_other_paths_are_missing(collector: Collector) -> None:
    answer = asyncio.run(ask(build(collector, None), "GET", "/nowhere"))
    assert (answer.status, answer.json()["code"]) == (404, "missing")


def test_without_a_rest_the_lifespan_is_answered(collector: Collector) -> None:
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    answers: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        answers.append(message["type"])

    asyncio.run(build(collector, None)({"type": "lifespan"}, receive, send))
    assert answers == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize("name", ["gid://shopify/Customer/7", "50%2F50", "a/merges", "../ada", "a?b", "é/ü", "ada"])
def test_a_visitor_is_found_by_any_id(collector: Collector, tmp_path: Path, name: str) -> None:
    async def story() -> None:
        transport = httpx.ASGITransport(build(collector, home.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=home.admin) as client:
            for rest in ("", "/timeline", "/merges"):
                answer = await client.get(f"/api/visitors/{quote(name, safe='')}{rest}")
                assert answer.status_code == 200, answer.text
            answer = await client.get(f"/api/visitors/{quote(name, safe='')}%2Fother")
            assert answer.json()["message"] == f"There is no visitor with the id {name + '/other'!r} at this site."

    with house(tmp_path / "data") as home:
        home.profiles.add(1, live_row("v9", name, NOW_MS), NOW_MS)
        asyncio.run(story())


def test_head_is_answered_as_get_but_never_takes_an_event(
    collector: Collector, log: FailingLog, tmp_path: Path
) -> None:
    async def story() -> None:
        app = build(collector, home.app)
        for path, status in (("/", 200), ("/healthz", 200), ("/footfall.js", 200), ("/api/ledger", 401),
                             ("/api/live", 405), ("/v1/pixel.gif", 405), ("/i", 405), ("/nowhere", 404)):  # fmt: skip
            assert (await ask(app, "HEAD", path, query=f"e=pv&aid={KEY}")).status == status, path

    with house(tmp_path / "data") as home:
        asyncio.run(story())
    assert log.next_offset() == 0


def test_alive_is_not_ready_while_the_log_is_down(collector: Collector, log: FailingLog) -> None:
    app: App = build(collector, None)

    async def story() -> None:
        assert (await ask(app, "GET", "/readyz")).status == 200
        log.is_full = True
        log.n_reopen_failures = 3
        assert (await ask(app, "POST", "/v1/track", b"{}", {"x-write-key": KEY})).status == 503
        answer = await ask(app, "GET", "/readyz")
        assert (answer.status, answer.json()["code"], answer.headers["retry-after"]) == (503, "not_ready", "1")
        assert (await ask(app, "GET", "/healthz")).status == 200
        log.is_full = False
        await until(lambda: collector.ack.is_healthy)
        assert (await ask(app, "GET", "/readyz")).status == 200

    asyncio.run(story())
