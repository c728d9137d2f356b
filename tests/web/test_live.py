"""The live stream: what is sent when, to whom, and what becomes of those who don't read."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from tests.web.house import House, house
from tests.web.memory_profiles import NOW_MS, MemoryProfiles, failed_event, live_row

from footfall.base.clock import ManualClock
from footfall.base.errors import Unavailable
from footfall.web.live import Live, Pace
from footfall.web.metrics import Metrics

FAST = Pace(interval_s=0.01, heartbeat_s=0.05, send_timeout_s=0.2, queue_max=4, clients_max=3)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.005)


class Reader:
    """The client's side of one stream, straight on ASGI: it can stop reading, and it can leave."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_complete = False
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.leave = asyncio.Event()

    async def receive(self) -> Any:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.may_read.wait()
        if message["type"] == "http.response.body":
            self.sent.append(message["body"])
            self.is_complete = not message["more_body"]

    @property
    def text(self) -> str:
        return b"".join(self.sent).decode()

    @property
    def visitors(self) -> list[list[Any]]:
        """Rows of each message that has any."""
        return [message["visitors"] for message in self.events("live") if message["visitors"]]

    @property
    def ledgers(self) -> list[Any]:
        return [message["ledger"] for message in self.events("live")]

    def events(self, name: str) -> list[Any]:
        blocks = [block.split("\n") for block in self.text.split("\n\n")]
        return [json.loads(lines[-1][6:]) for lines in blocks if lines[0] == f"event: {name}"]


class Stage:
    """Live streams over in-memory profiles."""

    def __init__(self, pace: Pace = FAST) -> None:
        self.clock = ManualClock(NOW_MS)
        self.profiles = MemoryProfiles()
        self.metrics = Metrics()
        self.live = Live(self.profiles, self.clock, self.metrics, pace)

    def open(self, site: int = 1, last_id: str = "", may_stay: Callable[[], bool] = lambda: True):  # type: ignore[no-untyped-def]
        reader = Reader()
        answer = self.live.stream(site, last_id, may_stay)
        task = asyncio.ensure_future(answer({}, reader.receive, reader.send))  # type: ignore[arg-type]
        return reader, task

    def change(self, visitor: str, site: int = 1) -> None:
        self.clock.set_ms(self.clock.now_ms() + 1)
        self.profiles.add(site, live_row(visitor, visitor, self.clock.now_ms()), self.clock.now_ms())


def play(scene: Callable[[Stage], Awaitable[None]], pace: Pace = FAST) -> None:
    """Run a scene and see that it leaves nothing behind."""

    async def run() -> None:
        stage = Stage(pace)
        await scene(stage)
        await asyncio.sleep(0)
        await stage.live.close()
        await _until(lambda: stage.live.n_clients == 0)
        await _until(lambda: len(asyncio.all_tasks()) == 1)

    asyncio.run(run())


def test_the_first_message_comes_at_once_with_the_last_ten_seconds_and_the_ledger() -> None:
    async def scene(stage: Stage) -> None:
        stage.profiles.add(1, live_row("old", "old", NOW_MS), NOW_MS - 10_001)
        stage.profiles.add(1, live_row("new", "new", NOW_MS), NOW_MS - 10_000)
        stage.profiles.add(2, live_row("other", "other", NOW_MS), NOW_MS)
        reader, _ = stage.open()
        await _until(lambda: bool(reader.ledgers))
        assert [row["visitor_id"] for row in reader.visitors[0]] == ["new"]
        assert reader.ledgers[0]["received"] == 3

    play(scene, Pace(interval_s=60))


@pytest.mark.parametrize(
    ("last_id", "expected"),
    [
        (str(NOW_MS - 60_000), ["a"]),
        (str(NOW_MS - 600_000), ["b", "a"]),
        ("0", ["b", "a"]),
        ("junk", []),
        ("٣", []),
        ("9" * 30, []),
    ],
)
def test_a_client_that_comes_back_gets_what_it_missed_of_the_last_five_minutes(
    last_id: str, expected: list[str]
) -> None:
    async def scene(stage: Stage) -> None:
        stage.profiles.add(1, live_row("a", "a", NOW_MS), NOW_MS - 30_000)
        stage.profiles.add(1, live_row("b", "b", NOW_MS), NOW_MS - 299_000)
        stage.profiles.add(1, live_row("c", "c", NOW_MS), NOW_MS - 301_000)
        reader, _ = stage.open(last_id=last_id)
        await _until(lambda: bool(reader.ledgers))
        assert [row["visitor_id"] for rows in reader.visitors for row in rows] == expected

    play(scene, Pace(interval_s=60))


def test_changes_reach_everybody_who_watches_that_site_and_nobody_else() -> None:
    async def scene(stage: Stage) -> None:
        (first, _), (second, _), (other, _) = stage.open(1), stage.open(1), stage.open(2)
        await _until(lambda: all(r.ledgers for r in (first, second, other)))
        stage.change("ada")
        await _until(lambda: bool(first.visitors and second.visitors))
        stage.change("bob", site=2)
        await _until(lambda: bool(other.visitors))
        assert {row["visitor_id"] for rows in first.visitors for row in rows} == {"ada"}
        assert {row["visitor_id"] for rows in other.visitors for row in rows} == {"bob"}

    play(scene)


def test_silence_is_filled_with_comments_and_a_changed_ledger_ends_it() -> None:
    async def scene(stage: Stage) -> None:
        reader, _ = stage.open()
        await _until(lambda: reader.text.count(": still here\n\n") >= 2)
        n_before = len(reader.ledgers)
        assert n_before <= 2
        stage.profiles.open_failed[1] = [failed_event(0, "bad_json")]
        await _until(lambda: len(reader.ledgers) > n_before)
        assert reader.ledgers[-1]["failed"] == 1

    play(scene)


def test_more_rows_than_fit_are_said_to_be_cut() -> None:
    async def scene(stage: Stage) -> None:
        for n in range(501):
            stage.profiles.rows.setdefault(1, []).append((NOW_MS, live_row(f"v{n}", "x", NOW_MS)))
        reader, _ = stage.open()
        await _until(lambda: bool(reader.ledgers))
        assert len(reader.visitors[0]) == 500
        assert reader.events("live")[0]["is_cut"] is True

    play(scene, Pace(interval_s=60))


def test_a_client_that_stops_reading_is_dropped_and_the_others_do_not_notice() -> None:
    async def scene(stage: Stage) -> None:
        (slow, slow_task), (quick, _) = stage.open(), stage.open()
        await _until(lambda: bool(slow.ledgers and quick.ledgers))
        slow.may_read.clear()
        for n in range(20):
            n_before = len(quick.visitors)
            stage.change(f"v{n}")
            await _until(lambda n_before=n_before: len(quick.visitors) > n_before)  # type: ignore[misc]
        await _until(slow_task.done)
        assert stage.live.n_clients == 1
        assert {row["visitor_id"] for rows in quick.visitors for row in rows} >= {f"v{n}" for n in range(20)}

    play(scene)


def test_a_client_that_reads_again_learns_that_it_was_dropped() -> None:
    async def scene(stage: Stage) -> None:
        slow, task = stage.open()
        await _until(lambda: bool(slow.ledgers))
        slow.may_read.clear()
        n = 0
        while stage.metrics.live_dropped._value.get() == 0:
            stage.change(f"v{(n := n + 1)}")
            await asyncio.sleep(0.005)
        slow.may_read.set()
        await _until(task.done)
        assert slow.events("dropped") == [{}] and slow.is_complete

    play(scene, Pace(interval_s=0.01, queue_max=4))


def test_leaving_frees_the_place_and_stops_the_reading() -> None:
    async def scene(stage: Stage) -> None:
        reader, task = stage.open()
        await _until(lambda: bool(reader.ledgers))
        assert stage.metrics.live_clients._value.get() == 1
        reader.leave.set()
        await _until(task.done)
        assert stage.live.n_clients == 0
        assert stage.metrics.live_clients._value.get() == 0

    play(scene)


def test_the_stream_ends_when_the_right_to_watch_does() -> None:
    async def scene(stage: Stage) -> None:
        rights = {"may": True}
        reader, task = stage.open(may_stay=lambda: rights["may"])
        await _until(lambda: ": still here" in reader.text)
        rights["may"] = False
        await _until(task.done)
        assert reader.events("ended") == [{}] and reader.is_complete

    play(scene)


def test_the_right_is_checked_in_a_busy_stream_too() -> None:
    async def scene(stage: Stage) -> None:
        _, task = stage.open(may_stay=lambda: False)
        n = 0
        while not task.done():
            stage.change(f"v{(n := n + 1)}")
            await asyncio.sleep(0.005)

    play(scene)


def test_there_is_a_most_of_streams() -> None:
    async def scene(stage: Stage) -> None:
        readers = [stage.open() for _ in range(3)]
        await _until(lambda: stage.live.n_clients == 3)
        with pytest.raises(Unavailable):
            stage.open()
        readers[0][0].leave.set()
        await _until(readers[0][1].done)
        stage.open()

    play(scene)


def test_a_read_that_fails_is_tried_again_at_the_next_tick() -> None:
    async def scene(stage: Stage) -> None:
        reader, _ = stage.open()
        await _until(lambda: bool(reader.ledgers))
        n_tries = 0

        def broken(site: int, since_ms: int, limit: int) -> list[dict[str, Any]]:
            nonlocal n_tries
            n_tries += 1
            raise (Unavailable("starting") if n_tries == 1 else RuntimeError("oops"))

        stage.profiles.changed_since = broken  # type: ignore[method-assign]
        stage.change("ada")
        await _until(lambda: n_tries >= 3)
        del stage.profiles.changed_since  # type: ignore[method-assign]
        await _until(lambda: bool(reader.visitors))
        assert reader.visitors[0][0]["visitor_id"] == "ada"

    play(scene)


@asynccontextmanager
async def _served(home: House) -> AsyncIterator[str]:
    config = uvicorn.Config(home.app, port=0, log_level="error", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await _until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await home.app.state.live.close()
        server.should_exit = True
        await task


def test_over_real_http_the_stream_flows_and_ends_when_the_host_stops(tmp_path: Path) -> None:
    async def run(home: House) -> None:
        seen: list[str] = []

        async def read(url: str) -> None:
            async with (
                httpx.AsyncClient(timeout=10) as client,
                client.stream("GET", f"{url}/api/live", headers=home.admin) as answer,
            ):
                assert answer.status_code == 200
                assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["x-content-type-options"] == "nosniff"
                async for line in answer.aiter_lines():
                    seen.append(line)

        async with _served(home) as url:
            reading = asyncio.create_task(read(url))
            await _until(lambda: "event: live" in seen)
            home.clock.set_ms(NOW_MS + 5)
            home.profiles.add(1, live_row("late", "late", NOW_MS + 5), NOW_MS + 5)
            await _until(lambda: any('"visitor_id":"late"' in line for line in seen))
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"{url}/api/live")).status_code == 401
        await reading
        assert "event: ended" in seen

    with house(tmp_path / "data", pace=FAST) as home:
        asyncio.run(run(home))
