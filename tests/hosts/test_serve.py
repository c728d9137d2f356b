"""The whole server in a process of its own: started, stopped, killed, and with a full disk."""

import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from tests.served import Sender, Served, ask_on, model_of, profiles_of, until
from tests.stories import trace, track

from footfall.hosts.running import DataFolder
from footfall.settings import Settings
from footfall.training_set import make_rows

pytestmark = pytest.mark.xdist_group("served")  # one real server at a time


def post(served: Served, event: dict[str, Any], **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps(event).encode()
    return served.ask("POST", "/v1/track", body, {"x-write-key": served.made.write_key, **named}).status


def bearer(served: Served) -> dict[str, str]:
    return {"authorization": f"Bearer {served.made.token}"}


def test_an_event_is_in_its_visitors_profile_and_in_the_metrics(served: Served) -> None:
    served.start()
    now_ms = int(time.time() * 1000)
    sent = track("Product Viewed", now_ms, "a1", product_id="p1", price=9.5)
    assert post(served, sent, cf_ipcountry="NL", x_forwarded_for="198.51.100.7") == 200
    until(lambda: served.ask("GET", "/api/visitors/a1", headers=bearer(served)).status == 200)
    visitor = served.api("/api/visitors/a1")
    assert visitor["counts"] == {"product_view": 1}
    assert visitor["geo"]["country"] == "NL"  # we are a trusted proxy, so its headers count
    assert served.settled() == {
        "received": 1, "applied": 1, "duplicate": 0, "failed": 0, "lag_events": 0, "lag_ms": 0,
    }  # fmt: skip
    metrics = served.ask("GET", "/metrics", headers=bearer(served)).body
    assert b"footfall_events_applied_total 1.0" in metrics
    assert served.stop() == 0
    assert "Traceback" not in served.log()


def test_a_posted_cart_event_changes_what_the_api_says_of_an_order(served: Served) -> None:
    served.start()
    now_ms = int(time.time() * 1000)

    def propensity(n_events: int) -> dict[str, Any]:
        until(lambda: served.settled()["applied"] == n_events)
        told: dict[str, Any] = served.api("/api/visitors/a1")["propensity"]
        [row] = served.api("/api/visitors?live=1&sort=propensity")["visitors"]
        assert row["propensity"] == {"session": told["session"], "week": told["week"], "scored_by": "prior"}
        assert told["scored_by"] == {"kind": "prior", "version": 0, "is_calibrated": False}
        assert len(told["reasons"]) == 3
        return told

    assert post(served, track("Product Viewed", now_ms - 2_000, "a1", product_id="p1", price=9.5)) == 200
    before = propensity(1)
    assert post(served, track("Product Added", now_ms - 1_000, "a1", product_id="p1", price=9.5)) == 200
    after = propensity(2)
    assert 0 < before["session"] < after["session"] < 1
    assert 0 < before["week"] < after["week"] < 1
    metrics = served.ask("GET", "/metrics", headers=bearer(served)).body
    assert b"footfall_scores_logged_total 2.0" in metrics
    assert b"footfall_scorer_failures_total 0.0" in metrics


def test_training_sees_bit_by_bit_what_was_served_over_http(served: Served) -> None:
    served.start()
    now_ms = int(time.time() * 1000)
    events = trace(5, 900, n_people=60, start_ms=now_ms - 5 * 3_600_000, step_ms=9_000)
    key = {"x-write-key": served.made.write_key}
    for start in range(0, len(events), 15):  # each answer is waited for, so the engine meets them in many batches
        body = json.dumps({"batch": events[start : start + 15]}).encode()
        assert served.ask("POST", "/v1/batch", body, key).status == 200
    served.settled()
    assert served.stop() == 0
    folder = DataFolder(served.data, Settings())
    try:
        kept = folder.lake.query('SELECT "offset", features FROM decisions ORDER BY 1').to_pylist()
        assert len(kept) > 50
        offsets = np.array([decision["offset"] for decision in kept])
        rows = make_rows(folder.lake, folder.shelf, folder.settings, 1, wanted_offsets=offsets)
    finally:
        folder.close()
    replayed = dict(zip(rows.offsets.tolist(), rows.features, strict=True))
    differing = [d["offset"] for d in kept if replayed[d["offset"]].tobytes() != d["features"]]
    assert differing == []


def test_open_live_streams_do_not_hold_up_the_end(served: Served) -> None:
    served.start()
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request("GET", "/api/live", headers=bearer(served))
    stream = connection.getresponse()
    assert stream.status == 200
    assert stream.readline() == b"event: live\n"
    assert served.stop() == 0
    assert b"event: ended" in stream.read()  # uvicorn alone would have waited for the stream, and then cut it
    assert post_fails(served)


def post_fails(served: Served) -> bool:
    with pytest.raises(OSError):
        post(served, track("A"))
    return True


def test_headers_without_end_are_cut_off(served: Served) -> None:
    served.start()
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as client:
        client.sendall(b"GET / HTTP/1.1\r\nx: " + b"x" * 70_000)
        assert client.recv(100).startswith(b"HTTP/1.1 4")


# -- kill -9 -------------------------------------------------------------------------------------------------------


def test_killed_at_any_moment_it_loses_nothing_and_counts_nothing_twice(served: Served) -> None:
    n_kills, rng = 5, Random(42)
    senders = [Sender(served, f"s{i}", i) for i in range(2)]
    is_over = threading.Event()

    def send(sender: Sender, seed: int) -> None:
        sizes = Random(seed)
        while not is_over.is_set():
            sender.send(sizes.randrange(1, 12))

    served.start()
    threads = [threading.Thread(target=send, args=(sender, i)) for i, sender in enumerate(senders)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(n_kills):
            n_before = sum(len(sender.acked) for sender in senders)
            until(lambda n=n_before: sum(len(sender.acked) for sender in senders) > n + 200)  # type: ignore[misc]
            time.sleep(rng.random() * 0.5)  # a kill at a random moment: not waiting for anything
            served.kill()
            served.start()
    finally:
        is_over.set()
        for thread in threads:
            thread.join(60)
    sent = {key: event for sender in senders for key, event in sender.sent.items()}
    acked = set().union(*(sender.acked for sender in senders))
    assert acked == set(sent)
    ledger = served.settled()
    assert ledger["applied"] == len(sent)
    assert ledger["failed"] == 0
    assert served.stop() == 0
    assert profiles_of(served.data) == model_of(sent)
    in_lake = lake_ids(served.data)
    assert len(in_lake) == len(set(in_lake)) == len(sent)
    assert set(in_lake) == set(sent)


def lake_ids(data: Path) -> list[str]:
    from footfall.adapters.lake import ParquetLake

    lake = ParquetLake(data / "lake")
    try:
        rows = lake.query("SELECT payload FROM events").to_pydict()["payload"]
        return [json.loads(payload)["messageId"] for payload in rows]
    finally:
        lake.close()


# -- a full disk ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("Only root may mount a small disk. test_running.py tries a full one by a file layer of its own")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_on_a_full_disk_it_refuses_politely_stays_readable_and_recovers(small_disk: Path, free_port: int) -> None:
    served = Served(small_disk / "data", free_port, FOOTFALL_COMMIT_INTERVAL_MS="50", FOOTFALL_LAKE_INTERVAL_S="1")
    sender = Sender(served, "s", 1)
    filler = small_disk / "filler"
    try:
        served.start()
        for _ in range(20):
            sender.send(10)
        served.settled()
        fill(filler)
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        refused, n_acked = [], 0
        while len(refused) < 20:
            event = track(
                "Product Viewed", int(time.time() * 1000), user="full", anonymous=None, n=len(refused), of=n_acked
            )
            answer = ask_on(connection, "POST", "/v1/track", json.dumps(event).encode(), sender._headers)
            if answer.status == 200:
                n_acked += 1  # what was left of the last block
            else:
                assert (answer.status, answer.json()["code"]) == (503, "log_down")
                assert int(answer.headers["retry-after"]) >= 1
                refused.append(answer)
        for path in ("/api/ledger", "/api/visitors", "/api/visitors/s-1", "/api/visitors/s-1/timeline", "/api/failed"):
            served.api(path)
        assert served.ask("GET", "/healthz").status == 200
        filler.unlink()
        until(lambda: served.ask("GET", "/readyz").status == 200)
        sender.send(10)
        assert served.settled()["applied"] == len(sender.sent) + n_acked
        assert served.stop() == 0
        found = profiles_of(served.data)
        assert found.pop("full", None) is None or n_acked
        assert found == model_of(sender.sent)
    finally:
        served.close()
        sender.close()


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
