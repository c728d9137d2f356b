"""Simulated shoppers behave like a crowd in a shop, and get every event through."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice, pairwise
from typing import Any

import pytest

from footfall.base.kinds import Kind
from footfall.events.names import kind_of
from footfall.hosts.shoppers import Crowd, send
from footfall_shop.catalogue import BY_SLUG

END_MS = 1_700_000_000_000
SHOP = "http://127.0.0.1:8701"


@pytest.fixture(scope="module")
def history() -> list[dict[str, Any]]:
    return [json.loads(line) for _, line in Crowd(7, SHOP).history(END_MS, days=14, visitors=600)]


def test_the_same_seed_makes_the_same_history(history: list[dict[str, Any]]) -> None:
    again = [json.loads(line) for _, line in Crowd(7, SHOP).history(END_MS, days=14, visitors=600)]
    other = [json.loads(line) for _, line in islice(Crowd(8, SHOP).history(END_MS, days=14, visitors=600), 5)]
    assert again == history
    assert other != history[:5]


def test_history_runs_by_time_up_to_its_end_with_unique_ids(history: list[dict[str, Any]]) -> None:
    times = [event["timestamp"] for event in history]
    assert times == sorted(times)
    assert times[0] >= "2023-10-31T22:13:20"
    assert times[-1] < "2023-11-14T22:13:20.000Z"
    assert len({event["messageId"] for event in history}) == len(history)


def test_every_name_stands_for_a_shop_action(history: list[dict[str, Any]]) -> None:
    kinds = Counter(kind_of(event["type"], event.get("event")) for event in history)
    assert kinds[Kind.CUSTOM] == 0
    assert {Kind.PAGE_VIEW, Kind.LIST_VIEW, Kind.PRODUCT_VIEW, Kind.SEARCH, Kind.CART_ADD, Kind.CART_REMOVE} <= set(
        kinds
    )
    assert {Kind.CHECKOUT_START, Kind.PAYMENT_INFO, Kind.ORDER, Kind.SIGN_UP, Kind.SIGN_IN} <= set(kinds)


def test_most_look_some_put_in_the_cart_and_few_buy(history: list[dict[str, Any]]) -> None:
    n = Counter(event.get("event") for event in history)
    assert n["Product Viewed"] > n["Product Added"] > n["Checkout Started"] > n["Order Completed"] > 0


def test_some_people_come_back_some_sign_in_on_two_devices(history: list[dict[str, Any]]) -> None:
    devices: dict[str, set[str]] = {}
    for event in history:
        if user := event.get("userId"):
            devices.setdefault(user, set()).add(event["anonymousId"])
    assert len(devices) > 20
    assert any(len(ids) == 2 for ids in devices.values())
    assert not any(len(ids) > 2 for ids in devices.values())


def test_orders_name_what_the_shop_sells_and_add_up(history: list[dict[str, Any]]) -> None:
    orders = [event["properties"] for event in history if event.get("event") == "Order Completed"]
    assert len({order["order_id"] for order in orders}) == len(orders)
    for order in orders:
        assert order["revenue"] == round(
            sum(BY_SLUG[line["product_id"]].price * line["quantity"] for line in order["products"]), 2
        )


def test_arrivals_say_where_they_come_from(history: list[dict[str, Any]]) -> None:
    campaigns = Counter(event["context"]["campaign"]["medium"] for event in history if "campaign" in event["context"])
    assert {"cpc", "paid_social", "email", "display", "affiliate"} <= set(campaigns)
    referrers = {event["context"]["page"].get("referrer", "") for event in history}
    assert "https://www.google.com/" in referrers


def test_live_visits_arrive_at_the_rate_that_was_asked_for() -> None:
    crowd = Crowd(3, SHOP)
    elapsed_s, visitors = 0.0, set()
    for delay_s, event in crowd.live(visitors_per_minute=600):
        assert delay_s >= 0
        elapsed_s += delay_s
        if elapsed_s > 120:
            break
        visitors.add(event["anonymousId"])
    assert 1_000 < len(visitors) < 1_400


def test_the_people_of_the_history_come_back_live() -> None:
    crowd = Crowd(5, SHOP)
    known = {json.loads(line)["anonymousId"] for _, line in crowd.history(END_MS, visitors=300)}
    crowd.rest()
    live = {event["anonymousId"] for _, event in islice(crowd.live(60), 5_000)}
    assert known & live
    assert live - known


class Shopkeeper(ThreadingHTTPServer):
    """Answers as it is told, once each, then 200; keeps what it accepted."""

    daemon_threads = True

    def __init__(self, answers: list[tuple[int, dict[str, str]]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.lock = threading.Lock()
        self.accepted: list[dict[str, Any]] = []
        self.credentials: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    server: Shopkeeper
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
            if status == 200:
                assert self.path == "/v1/batch"
                assert body["sentAt"]
                self.server.accepted += body["batch"]
                self.server.credentials.add(self.headers["Authorization"])
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def shopkeeper(*answers: tuple[int, dict[str, str]]) -> Iterator[tuple[Shopkeeper, str]]:
    server = Shopkeeper(list(answers))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def some_events(n: int, n_visitors: int = 5) -> list[tuple[float, dict[str, Any]]]:
    return [(0.0, {"type": "page", "messageId": f"m{idx}", "anonymousId": f"a{idx % n_visitors}"}) for idx in range(n)]


def test_every_event_is_sent_once_and_each_visitors_in_order() -> None:
    with shopkeeper() as (server, url):
        sent = asyncio.run(send(url, "wk", iter(some_events(300)), asyncio.Event()))
    assert (sent.n_accepted, sent.n_refused, sent.n_retries) == (300, 0, 0)
    assert sorted(event["messageId"] for event in server.accepted) == sorted(f"m{idx}" for idx in range(300))
    for visitor in ("a0", "a4"):
        numbers = [int(event["messageId"][1:]) for event in server.accepted if event["anonymousId"] == visitor]
        assert all(before < after for before, after in pairwise(numbers))
    assert server.credentials == {"Basic d2s6"}
    assert all(event["timestamp"].endswith("Z") for event in server.accepted)


def test_a_busy_server_is_asked_again_when_it_said() -> None:
    with shopkeeper((503, {"Retry-After": "0"}), (429, {"Retry-After": "0"})) as (server, url):
        sent = asyncio.run(send(url, "wk", iter(some_events(3, 1)), asyncio.Event()))
    assert (sent.n_accepted, sent.n_retries) == (3, 2)
    assert [event["messageId"] for event in server.accepted] == ["m0", "m1", "m2"]


def test_a_refusal_is_counted_and_not_repeated() -> None:
    with shopkeeper((400, {})) as (_server, url):
        sent = asyncio.run(send(url, "wk", iter(some_events(2, 1)), asyncio.Event()))
    assert sent.n_refused == 2 - sent.n_accepted > 0
    assert sent.n_retries == 0


def test_shoppers_stop_when_they_are_told_even_without_a_server(free_port: int) -> None:
    async def told() -> int:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, stop.set)
        endless = ((0.001, event) for _ in iter(int, 1) for _, event in some_events(10))
        return (await send(f"http://127.0.0.1:{free_port}", "wk", endless, stop)).n_accepted

    assert asyncio.run(told()) == 0
