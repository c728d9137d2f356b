"""Every event one to five times, in any order, over many connections and restarts: counters are exact."""

import json
import queue
import threading
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from tests.served import Sender, Served, until
from tests.stories import HOUR_MS, Bench, track

from footfall.base.clock import SystemClock
from footfall.base.ids import USER
from footfall.hosts.running import DataFolder
from footfall.record.layout import FIELDS
from footfall.settings import Settings

pytestmark = pytest.mark.xdist_group("served")  # one real server at a time

ORDER_FREE = tuple(field.name for field in FIELDS if field.is_order_free)


def story(n_events: int, now_ms: int, rng: Random) -> list[dict[str, Any]]:
    """Events of many people over two days, in order; amounts are whole, so that sums are exact in any order."""
    names = ("Product Viewed", "Product Added", "Order Completed", "Scrolled", "Order Refunded", "Other")
    times = sorted(now_ms - rng.randrange(1_000, 48 * HOUR_MS) for _ in range(n_events))
    return [
        {
            **track(
                rng.choice(names), at_ms, None, f"u{rng.randrange(n_events // 50)}",
                product_id=f"p{i % 90}", category=f"c{i % 9}", price=1 + i % 64, order_id=f"o{i}", revenue=i % 128,
                percent=i % 100,
            ),
            "messageId": f"m{i}",
        }
        for i, at_ms in enumerate(times)
    ]  # fmt: skip


def check(served: Served, folder: Path, n_events: int, n_connections: int, n_restarts: int) -> tuple[int, int]:
    """Send, restart, compare with an engine that got each event once and in order; (events sent, duplicates)."""
    rng = Random(n_events)
    events = story(n_events, SystemClock().now_ms(), rng)
    sent = [event for event in events for _ in range(rng.randint(1, 5))]
    rng.shuffle(sent)
    batches: queue.SimpleQueue[list[dict[str, Any]]] = queue.SimpleQueue()
    at = 0
    while at < len(sent):
        size = rng.randint(1, 200)
        batches.put(sent[at : at + size])
        at += size
    total = batches.qsize()

    def work(name: str) -> None:
        sender = Sender(served, name, 0)
        while True:
            try:
                batch = batches.get_nowait()
            except queue.Empty:
                sender.close()
                return
            body = json.dumps({"batch": batch}).encode()
            while not sender._post(body):
                pass

    served.start()
    threads = [threading.Thread(target=work, args=(f"c{i}",)) for i in range(n_connections)]
    for thread in threads:
        thread.start()
    for k in range(1, n_restarts + 1):
        until(lambda k=k: batches.qsize() < total * (1 - k / (n_restarts + 1)))  # type: ignore[misc]
        if k % 2:
            served.kill()
        else:
            assert served.stop() == 0
        served.start()
    for thread in threads:
        thread.join(300)
    ledger = served.settled()
    assert (ledger["applied"], ledger["failed"]) == (n_events, 0)
    assert ledger["duplicate"] >= len(sent) - n_events
    assert served.stop() == 0
    once = Bench(folder / "once")
    once.send(*events, received_ms=SystemClock().now_ms())
    live = DataFolder(served.data, Settings(reserve_visitors=1024))
    try:
        for user in {event["userId"] for event in events}:
            found = live.engine.records[live.engine.row_of(1, USER, user)]
            expected = once.record(USER, user)
            wrong = [name for name in ORDER_FREE if not np.array_equal(found[name], expected[name])]
            assert not wrong, (user, {name: (found[name], expected[name]) for name in wrong})
    finally:
        live.close()
    return len(sent), ledger["duplicate"]


@pytest.mark.torture
def test_a_hundred_thousand_events_one_to_five_times_over_sixteen_connections(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    n_sent, n_duplicates = check(served, tmp_path, 100_000, 16, 5)
    with capsys.disabled():
        print(f"\n{n_sent:,} sent, 100,000 applied, {n_duplicates:,} duplicates dropped")


def test_events_one_to_five_times_over_connections_and_restarts_in_short(served: Served, tmp_path: Path) -> None:
    check(served, tmp_path, 2_000, 4, 1)
