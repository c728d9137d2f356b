"""How fast does a server answer? Processes with keep-alive connections, each with one request at a time under way.

Every request is answered before the run ends, so that what was acknowledged is known to the last one; load generators
that stop by the clock leave some in the air. Only this machine's own address is ever connected to.
"""

import asyncio
import contextlib
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple, cast

import uvloop

from footfall.hosts.benches.measuring import Sample
from footfall.hosts.benches.traffic import Traffic

HOST = "127.0.0.1"
_ANSWER_MAX_S = 60.0
_VISITORS = 50_000


class Job(NamedTuple):
    """What a process sends."""

    path: str
    """Empty for the route of each event's own type, such as ``/v1/track``."""
    n_requests: int
    n_connections: int
    n_events: int = 1
    """Events a request; more than one make a batch."""
    per_s: float = 0.0
    """Requests a second, sent by the clock whatever the answers; 0 sends as fast as answers come."""


class Answers(NamedTuple):
    """What came back; ``latencies_ms`` of a paced job begin when the request was due, if a connection was free then."""

    n_ok: int
    refused: str
    """The first answer that wasn't 200, or why the run broke off; empty if there was none."""
    start_s: float
    stop_s: float
    latencies_ms: list[float]


class Load:
    """Client processes of one server; ``with Load(...) as load: load.run(job)``."""

    def __init__(self, port: int, write_key: str, n_processes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for number in range(n_processes):
            mine, its = context.Pipe()
            process = context.Process(target=_work, args=(its, port, write_key, number + 1), daemon=True)
            process.start()
            self._pipes.append(mine)
            self._processes.append(process)

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            with contextlib.suppress(OSError):  # that process has failed already
                pipe.send(None)
        for process in self._processes:
            process.join(10)
            if process.is_alive():
                process.terminate()

    def run(self, job: Job) -> tuple[Sample, Answers]:
        """Share a job among the processes, begin together, and add up."""
        n = len(self._pipes)
        for i, pipe in enumerate(self._pipes):
            share = job.n_requests // n + (i < job.n_requests % n)
            pipe.send(job._replace(n_requests=share, n_connections=max(1, job.n_connections // n), per_s=job.per_s / n))
        for pipe in self._pipes:
            pipe.recv()  # it has made its requests and connections
        for pipe in self._pipes:
            pipe.send("go")
        all_answers: list[Answers] = [pipe.recv() for pipe in self._pipes]
        start_s, stop_s = min(a.start_s for a in all_answers), max(a.stop_s for a in all_answers)
        answers = Answers(
            sum(a.n_ok for a in all_answers),
            next((a.refused for a in all_answers if a.refused), ""),
            start_s,
            stop_s,
            sorted(ms for a in all_answers for ms in a.latencies_ms),
        )
        return Sample(answers.n_ok * job.n_events, stop_s - start_s, 0.0), answers


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))] if sorted_values else 0.0


class _Client(asyncio.Protocol):
    """One connection; tells ``on_answer`` of every whole answer."""

    def __init__(self, on_answer: Callable[["_Client", bool, bytes], None]) -> None:
        self._on_answer = on_answer
        self._data = b""
        self.sent_s = 0.0
        self.is_lost = False
        self.transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's has another base

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._on_answer(self, False, b"the server closed a connection")

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, separator, body = self._data.partition(b"\r\n\r\n")
        if not separator:
            return
        _, _, length = head.lower().partition(b"content-length:")
        if len(body) >= int(length.partition(b"\r\n")[0] or b"0"):
            answer, self._data = self._data, b""
            self._on_answer(self, head.startswith(b"HTTP/1.1 200"), answer)


class _Run:
    """One job of one process."""

    def __init__(self, requests: Sequence[bytes], per_s: float) -> None:
        self._requests = deque(requests)
        self._n_left = len(requests)
        self._per_s = per_s
        self._due: deque[tuple[float, bytes]] = deque()
        self._free: deque[_Client] = deque()
        self._n_ok = 0
        self._refused = ""
        self._latencies_ms: list[float] = []
        self._is_done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.clients: list[_Client] = []

    async def connect(self, port: int, n: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(n):
            _, client = await loop.create_connection(lambda: _Client(self._answered), HOST, port)
            self.clients.append(client)

    async def go(self) -> Answers:
        """Send everything; ends with the last answer, or when the server is silent for a minute."""
        start_s = time.monotonic()
        if self._per_s:
            self._free.extend(self.clients)
            pacing = asyncio.create_task(self._pace(start_s))
        else:
            for client in self.clients:
                self._send_next(client)
        try:
            if self._n_left:
                await asyncio.wait_for(self._is_done, _ANSWER_MAX_S)
        except TimeoutError:
            self._refused = self._refused or f"{self._n_left} requests weren't answered in time"
        stop_s = time.monotonic()
        if self._per_s:
            pacing.cancel()
        self._n_left = 0
        for client in self.clients:
            client.transport.close()
        return Answers(self._n_ok, self._refused, start_s, stop_s, self._latencies_ms)

    async def _pace(self, start_s: float) -> None:
        n_sent = 0
        while self._requests:
            now_s = time.monotonic()
            while self._requests and n_sent < (now_s - start_s) * self._per_s:
                n_sent += 1
                request = self._requests.popleft()
                if self._free:
                    self._send(self._free.popleft(), request, time.monotonic())
                else:
                    self._due.append((now_s, request))
            await asyncio.sleep(0.0005)

    def _send_next(self, client: _Client) -> None:
        if self._requests:
            self._send(client, self._requests.popleft(), time.monotonic())

    def _send(self, client: _Client, request: bytes, since_s: float) -> None:
        client.sent_s = since_s
        client.transport.write(request)

    def _answered(self, client: _Client, is_ok: bool, answer: bytes) -> None:
        if self._n_left == 0:
            return
        self._latencies_ms.append((time.monotonic() - client.sent_s) * 1000)
        if is_ok:
            self._n_ok += 1
        elif not self._refused:
            self._refused = answer[:500].decode("latin-1")
        self._n_left -= 1
        if self._n_left == 0 or client.is_lost:
            if not self._is_done.done():
                self._is_done.set_result(None)
        elif not self._per_s:
            self._send_next(client)
        elif self._due:
            since_s, request = self._due.popleft()
            self._send(client, request, since_s)
        else:
            self._free.append(client)


def _work(pipe: Connection, port: int, write_key: str, seed: int) -> None:
    """A client process: job in, answers out, until None comes."""
    traffic = Traffic(_VISITORS, seed, start_ms=time.time_ns() // 1_000_000 - 3_600_000)
    while (job := pipe.recv()) is not None:
        requests = _requests(traffic, job, write_key)

        async def run(job: Job = job, requests: Sequence[bytes] = requests) -> Answers:
            going = _Run(requests, job.per_s)
            await going.connect(port, job.n_connections)
            pipe.send("ready")
            pipe.recv()
            return await going.go()

        pipe.send(uvloop.run(run()))


def _requests(traffic: Traffic, job: Job, write_key: str) -> list[bytes]:
    lines = traffic.visits(job.n_requests * job.n_events).lines
    head = (
        f"Host: {HOST}\r\nContent-Type: application/json\r\nX-Write-Key: {write_key}\r\n"
        "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36\r\nContent-Length: "
    ).encode()
    if job.n_events == 1:
        bodies = lines
    else:
        starts = range(0, len(lines), job.n_events)
        bodies = [b'{"batch":[' + b",".join(lines[start : start + job.n_events]) + b"]}" for start in starts]
    return [
        b"POST %b HTTP/1.1\r\n%b%d\r\n\r\n%b" % (job.path.encode() or _route(body), head, len(body), body)
        for body in bodies
    ]


def _route(line: bytes) -> bytes:
    """The route of an event's type."""
    return b"/v1/" + line.partition(b'"type":"')[2].partition(b'"')[0]
