"""A real server on a free port with the real journal, and what the clients' own runtimes need."""

import functools
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest
import uvicorn

from footfall.adapters.journal import SqliteJournal
from footfall.base.clock import SystemClock
from footfall.events.wire import Entry
from footfall.ports import Site
from footfall.settings import Settings
from footfall.web.ack import GroupCommit
from footfall.web.asgi import build
from footfall.web.collector import Collector
from footfall.web.protocol import Protocol

CLIENTS = Path(__file__).parent
INSTALL = "npm ci --prefix tests/clients"
KEY = "wk_0123456789abcdef0123456789abcdef"
DEADLINE_S = 20.0

Lacking = Callable[[str, str], NoReturn]


@pytest.fixture
def require(lacking: Lacking) -> Callable[[str], Path]:
    """``require(package)`` gives an npm package's folder, or skips the test (fails it where ``CI=true``)."""

    def folder(package: str) -> Path:
        path = CLIENTS / "node_modules" / package
        if not path.is_dir():
            lacking(f"The npm package {package}", INSTALL)
        return path

    return folder


class Pages:
    """A shop's own web server: one page, and the files of npm packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

        handler = functools.partial(Handler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    folder = tmp_path / "pages"
    folder.mkdir()
    pages = Pages(folder)
    yield pages
    pages.close()


class Server:
    """Collector, journal and uvicorn, in a thread."""

    def __init__(self, folder: Path, origin: str) -> None:
        self.site = Site(3, "shop", KEY, origins=(origin,))
        self.journal = SqliteJournal(folder / "journal.db")
        self._ack = GroupCommit(self.journal, max_events=20_000)
        collector = Collector(Settings(), {KEY: self.site}.get, self._ack, SystemClock(), lambda: 0)
        config = uvicorn.Config(
            build(collector, None),
            host="127.0.0.1",
            port=0,
            loop="uvloop",
            http=Protocol,
            interface="asgi3",
            access_log=False,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        wait_for(lambda: self._server.started)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def entries(self) -> list[Entry]:
        return [entry for _, entry in self.journal.read(0, 1_000_000)] if self.journal.next_offset() else []

    def events(self) -> list[dict[str, Any]]:
        """Every accepted event; nothing may have been refused, nothing twice, nothing for another site."""
        entries = self.entries()
        assert [entry.reject for entry in entries if entry.reject] == []
        assert {entry.site for entry in entries} <= {self.site.number}
        events = [msgspec.json.decode(line) for entry in entries for line in entry.body.split(b"\n")]
        ids = [event["messageId"] for event in events]
        assert len(set(ids)) == len(ids), "an event stands in the log twice"
        assert self.journal.next_offset() == len(events)
        return events

    def wait_for_events(self, n: int) -> list[dict[str, Any]]:
        wait_for(lambda: self.journal.next_offset() >= n)
        return self.events()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._ack.close()
        self.journal.close()


@pytest.fixture
def server(tmp_path: Path, pages: Pages) -> Iterator[Server]:
    server = Server(tmp_path, pages.origin)
    yield server
    server.close()


def wait_for(condition: Callable[[], Any]) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the events did not arrive in time"
        time.sleep(0.01)


def summary(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """(type, name, anonymousId, userId) of every event, sorted."""
    rows = [
        (event["type"], event.get("event") or event.get("name"), event.get("anonymousId"), event.get("userId"))
        for event in events
    ]
    return sorted(rows, key=repr)
