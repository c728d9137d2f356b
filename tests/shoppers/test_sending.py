"""What shoppers say reaches the server once, in order, one visitor a request, as a browser behind a proxy sends it."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

from footfall.shoppers.sending import Sent, send
from footfall.shoppers.tab import Said

SHOP = "http://127.0.0.1:8701"


class Server(ThreadingHTTPServer):
    """Answers as it is told, once each, then 200; keeps what it accepted."""

    daemon_threads = True

    def __init__(self, answers: list[tuple[int, dict[str, str]]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.lock = threading.Lock()
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []

    @property
    def accepted(self) -> list[dict[str, Any]]:
        return [event for _, body in self.requests for event in body["batch"]]


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
            if status == 200:
                assert self.path == "/v1/batch"
                self.server.requests.append((dict(self.headers), body))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def server(*answers: tuple[int, dict[str, str]]) -> Iterator[tuple[Server, str]]:
    listening = Server(list(answers))
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield listening, f"http://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def said(number: int, who: str, at_ms: int, address: str = "198.18.3.4") -> Said:
    head = f'{{"type":"page","messageId":"m{number}","anonymousId":"{who}","timestamp":"'.encode()
    return Said(at_ms, who, address, "Mozilla/5.0 (Test)" if address else "", head, b'"}')


def some(n: int, n_visitors: int = 5) -> list[Said]:
    now_ms = time.time_ns() // 1_000_000
    return [said(idx, f"a{idx % n_visitors}", now_ms + idx // 10) for idx in range(n)]


def sent_to(url: str, events: Iterator[Said]) -> Sent:
    return asyncio.run(send(url, "wk_1", SHOP, events, asyncio.Event()))


def test_every_event_is_sent_once_and_each_visitors_in_order() -> None:
    with server() as (listening, url):
        sent = sent_to(url, iter(some(300)))
    assert (sent.n_accepted, sent.n_refused, sent.n_retries) == (300, 0, 0)
    assert Counter(event["messageId"] for event in listening.accepted) == Counter(f"m{idx}" for idx in range(300))
    for visitor in ("a0", "a4"):
        numbers = [int(event["messageId"][1:]) for event in listening.accepted if event["anonymousId"] == visitor]
        assert all(before < after for before, after in pairwise(numbers))


def test_a_request_is_one_visitors_with_address_browser_and_origin() -> None:
    with server() as (listening, url):
        sent_to(url, iter(some(40)))
    for headers, body in listening.requests:
        assert len({event["anonymousId"] for event in body["batch"]}) == 1
        assert set(body) == {"writeKey", "sentAt", "batch"}
        assert body["writeKey"] == "wk_1"
        assert headers["X-Forwarded-For"] == "198.18.3.4"
        assert headers["User-Agent"] == "Mozilla/5.0 (Test)"
        assert headers["Origin"] == SHOP
        assert headers["Content-Type"] == "text/plain;charset=UTF-8"


def test_a_till_has_no_address() -> None:
    with server() as (listening, url):
        sent_to(url, iter([said(1, "ida", time.time_ns() // 1_000_000, address="")]))
    assert "X-Forwarded-For" not in listening.requests[0][0]


def test_what_happens_within_moments_goes_together_and_keeps_its_time() -> None:
    now_ms = time.time_ns() // 1_000_000
    with server() as (listening, url):
        sent_to(url, iter([said(1, "a", now_ms), said(2, "a", now_ms + 60), said(3, "a", now_ms + 400)]))
    assert [[event["messageId"] for event in body["batch"]] for _, body in listening.requests] == [["m1", "m2"], ["m3"]]
    first, second = listening.requests[0][1]["batch"]
    assert first["timestamp"] < second["timestamp"] <= listening.requests[0][1]["sentAt"]


def test_the_plan_moves_when_shoppers_are_late() -> None:
    hours_ago_ms = time.time_ns() // 1_000_000 - 7_200_000
    with server() as (listening, url):
        started = time.time_ns() // 1_000_000
        sent_to(url, iter([said(1, "a", hours_ago_ms), said(2, "a", hours_ago_ms + 250)]))
    times = [event["timestamp"] for event in listening.accepted]
    assert len(listening.requests) == 2
    assert times[0] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(started / 1_000 - 1))


def test_a_busy_server_is_asked_again_when_it_said() -> None:
    with server((503, {"Retry-After": "0"}), (429, {"Retry-After": "0"})) as (listening, url):
        sent = sent_to(url, iter(some(3, 1)))
    assert (sent.n_accepted, sent.n_retries) == (3, 2)
    assert [event["messageId"] for event in listening.accepted] == ["m0", "m1", "m2"]


def test_a_refusal_is_counted_and_not_repeated() -> None:
    with server((400, {})) as (_, url):
        sent = sent_to(url, iter(some(2, 1)))
    assert sent.n_refused == 2 - sent.n_accepted > 0
    assert sent.n_retries == 0


def test_shoppers_stop_when_they_are_told_even_without_a_server(free_port: int) -> None:
    async def told() -> int:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, stop.set)
        endless = (said(n, f"a{n % 9}", time.time_ns() // 1_000_000) for n in iter(int, 1))
        return (await send(f"http://127.0.0.1:{free_port}", "wk", SHOP, endless, stop)).n_accepted

    assert asyncio.run(told()) == 0
