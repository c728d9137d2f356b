"""A real server in a process of its own, which tests may kill, and a client that remembers what was acknowledged."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from footfall.hosts.init import Made, init
from footfall.settings import Settings

DEADLINE_S = 120.0


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """``footfall serve`` on a data folder, always on the same port."""

    def __init__(self, data: Path, port: int, **environ: str) -> None:
        self.data, self.port = data, port
        self.made: Made = init(data, "shop", Settings(port=port))
        calm = {"FOOTFALL_RESERVE_VISITORS": "1024", "FOOTFALL_RETRAIN_EVERY_H": "0"}
        self._environ = {**os.environ, **calm, **environ}
        self._process: subprocess.Popen[bytes] | None = None
        self.n_kills = 0

    def start(self) -> None:
        """Start, and wait until it takes events."""
        with (self.data.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "footfall.cli", "serve", "--data", str(self.data), "--port", str(self.port)],
                stdout=log,
                stderr=log,
                env=self._environ,
            )
        until(self._is_ready)

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()[-4000:]
        try:
            return self.ask("GET", "/readyz", timeout_s=5).status == 200
        except OSError:
            return False

    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """What it printed."""
        return (self.data.parent / "server.log").read_text()

    def kill(self) -> None:
        """As the power switch does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)
        self.n_kills += 1

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The process stands still: connections are accepted by the system, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """As an operator does; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def close(self) -> None:
        """Whatever happened, nothing goes on."""
        if self._process is not None and self.is_running():
            self._process.kill()
            self._process.wait(60)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, timeout_s: float = 30
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            return ask_on(connection, method, path, body, headers)
        finally:
            connection.close()

    def api(self, path: str) -> Any:
        """What the API says to an admin."""
        answer = self.ask("GET", path, headers={"authorization": f"Bearer {self.made.token}"})
        assert answer.status == 200, answer
        return answer.json()

    def settled(self) -> dict[str, int]:
        """The ledger, once nothing waits."""
        until(lambda: self.api("/api/ledger")["lag_events"] == 0)
        found: dict[str, int] = self.api("/api/ledger")
        assert found["received"] == found["applied"] + found["duplicate"] + found["failed"]
        return found


def ask_on(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request on an open connection."""
    connection.request(method, path, body, dict(headers or {}))
    answer = connection.getresponse()
    return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())


def until(condition: Callable[[], Any], deadline_s: float = DEADLINE_S) -> None:
    """Poll until it holds."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.02)


class Sender:
    """A client that sends batches, again and again until they are acknowledged, and keeps a ledger.

    Ids are of its own people, so that what every visitor must look like in the end is known from ``sent`` alone.
    """

    def __init__(self, served: Served, name: str, seed: int, *, n_people: int = 5) -> None:
        self._served, self._name, self._n_people = served, name, n_people
        self._rng = Random(seed)
        self._connection: http.client.HTTPConnection | None = None
        self._headers = {"x-write-key": served.made.write_key, "content-type": "application/json"}
        self.sent: dict[str, dict[str, Any]] = {}
        """Every event by messageId."""
        self.acked: set[str] = set()
        self.n_tries = 0
        self.n_refused = 0

    def send(self, n: int) -> None:
        """A batch of new events, until the server says that it has it; now and then once more."""
        events = [self._event() for _ in range(n)]
        body = json.dumps({"batch": events}).encode()
        while not self._post(body):
            time.sleep(0.02)
        self.acked |= {event["messageId"] for event in events}
        if self._rng.random() < 0.1:
            self._post(body)

    def _event(self) -> dict[str, Any]:
        rng, number = self._rng, len(self.sent)
        person = f"{self._name}-{rng.randrange(self._n_people)}"
        event: dict[str, Any] = {"type": "track", "messageId": f"{self._name}:{number}", "userId": person}
        event["event"] = rng.choice(("Product Viewed", "Product Added", "Order Completed"))
        event["properties"] = {"product_id": f"p{number % 7}", "price": 5}
        if event["event"] == "Order Completed":
            event["properties"] = {"order_id": f"{self._name}:{number}", "revenue": 3}
        self.sent[event["messageId"]] = event
        return event

    def _post(self, body: bytes) -> bool:
        self.n_tries += 1
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._served.port, timeout=30)
            answer = ask_on(self._connection, "POST", "/v1/batch", body, self._headers)
        except (OSError, http.client.HTTPException):
            self.close()
            return False
        if answer.status != 200:
            assert answer.status in (429, 503), answer
            assert int(answer.headers["retry-after"]) >= 1
            self.n_refused += 1
        return answer.status == 200

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Expected(NamedTuple):
    """What a visitor must have come to, from the events alone."""

    n_events: int
    n_views: int
    n_orders: int
    revenue: float


def model_of(events: Mapping[str, dict[str, Any]]) -> dict[str, Expected]:
    """The reference: each event once, by user."""
    out: dict[str, Expected] = {}
    for event in events.values():
        before = out.get(event["userId"], Expected(0, 0, 0, 0.0))
        out[event["userId"]] = Expected(
            before.n_events + 1,
            before.n_views + (event["event"] == "Product Viewed"),
            before.n_orders + (event["event"] == "Order Completed"),
            before.revenue + event["properties"].get("revenue", 0),
        )
    return out


def profiles_of(data: Path) -> dict[str, Expected]:
    """What the records of a stopped server say, by user id."""
    from footfall.base.ids import USER
    from footfall.base.kinds import Kind
    from footfall.hosts.running import DataFolder

    folder = DataFolder(data, Settings(reserve_visitors=1024))
    try:
        folder.catch_up()
        folder.commit()
        out = {}
        for identity in folder.store.identities():
            if identity.what == USER:
                record = folder.engine.records[folder.engine.row_of(identity.site, USER, identity.text)]
                counts = record["counts"]
                out[identity.text] = Expected(
                    int(record["n_events"]),
                    int(counts[Kind.PRODUCT_VIEW]),
                    int(counts[Kind.ORDER]),
                    float(record["revenue"]),
                )
        return out
    finally:
        folder.close()
