"""What was answered 200 is in the journal, whatever the disk does; the real journal, on a disk that fails on demand."""

import asyncio
import json
from pathlib import Path

from tests.adapters.faulty_vfs import FaultyVfs
from tests.web.collecting import KEY, SITES, Response, ask, until

from footfall.adapters.journal import SqliteJournal
from footfall.base.clock import ManualClock
from footfall.settings import Settings
from footfall.web.ack import GroupCommit
from footfall.web.asgi import App, build
from footfall.web.collector import Collector


class Server:
    def __init__(self, path: Path, disk: FaultyVfs) -> None:
        self.disk = disk
        self.journal = SqliteJournal(path, vfs=disk.name)
        self.ack = GroupCommit(self.journal, max_events=1_000)
        self.app: App = build(Collector(Settings(), SITES.get, self.ack, ManualClock(1), lambda: 0), None)
        self.acked: list[str] = []

    async def post(self, name: str) -> Response:
        body = json.dumps({"anonymousId": "a", "event": "E", "messageId": name}).encode()
        answer = await ask(self.app, "POST", "/v1/track", body, {"x-write-key": KEY})
        if answer.status == 200:
            self.acked.append(name)
        else:
            assert (answer.status, int(answer.headers["retry-after"]) >= 1) == (503, True)
        return answer

    def close(self) -> None:
        self.ack.close()
        self.journal.close()


def in_journal(path: Path) -> list[str]:
    journal = SqliteJournal(path)
    bodies = [entry.body for _, entry in journal.read(0, 100_000)]
    journal.close()
    return [json.loads(body)["messageId"] for body in bodies]


def test_a_failed_sync_is_no_acknowledgement_and_is_got_over(tmp_path: Path, disk: FaultyVfs) -> None:
    # 5 good ── sync fails: everybody who waits hears 503 ── reopened by itself ── 5 good
    server = Server(tmp_path / "journal.db", disk)

    async def story() -> None:
        await asyncio.gather(*[server.post(f"before-{i}") for i in range(5)])
        disk.fails_sync_in = 1
        answers = await asyncio.gather(*[server.post(f"during-{i}") for i in range(5)])
        assert {answer.status for answer in answers} == {503}
        await until(lambda: server.ack.is_healthy)
        await asyncio.gather(*[server.post(f"after-{i}") for i in range(5)])

    asyncio.run(story())
    server.close()
    assert len(server.acked) == 10
    assert set(server.acked) <= set(in_journal(tmp_path / "journal.db"))


def test_a_disk_that_stays_broken_is_never_acknowledged(tmp_path: Path, disk: FaultyVfs) -> None:
    server = Server(tmp_path / "journal.db", disk)

    async def story() -> None:
        await server.post("before")
        disk.fails_every_sync = True
        for i in range(30):
            assert (await server.post(f"during-{i}")).status == 503
            await asyncio.sleep(0.005)
        disk.fails_every_sync = False
        await until(lambda: server.ack.is_healthy)
        assert (await server.post("after")).status == 200

    asyncio.run(story())
    server.close()
    assert server.acked == ["before", "after"]
    assert set(server.acked) <= set(in_journal(tmp_path / "journal.db"))


def test_a_full_disk_is_answered_503_and_recovers_when_there_is_room(tmp_path: Path, disk: FaultyVfs) -> None:
    server = Server(tmp_path / "journal.db", disk)

    async def story() -> None:
        await server.post("before")
        disk.room_bytes = 0
        for i in range(10):
            assert (await server.post(f"during-{i}")).status == 503
        assert (await ask(server.app, "GET", "/healthz")).status == 200
        disk.room_bytes = None
        await until(lambda: server.ack.is_healthy)
        assert (await server.post("after")).status == 200

    asyncio.run(story())
    server.close()
    assert in_journal(tmp_path / "journal.db") == ["before", "after"]


def test_every_acknowledged_event_is_there_once_after_a_clean_stop(tmp_path: Path, disk: FaultyVfs) -> None:
    server = Server(tmp_path / "journal.db", disk)

    async def story() -> None:
        await asyncio.gather(*[server.post(str(i)) for i in range(500)])

    asyncio.run(story())
    server.close()
    assert sorted(in_journal(tmp_path / "journal.db"), key=int) == [str(i) for i in range(500)]
