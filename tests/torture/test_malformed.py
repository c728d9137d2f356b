"""Ten thousand malformed bodies for a real server: it neither ends nor answers 5xx, and what is refused is listed."""

import gzip
import http.client
import json
from random import Random
from typing import Any

import pytest
from tests.served import Served, ask_on
from tests.web.test_malformed import BROKEN, mutated, whole_bodies

from footfall.events.reasons import REASONS

pytestmark = pytest.mark.xdist_group("served")  # one real server at a time


def check(served: Served, n: int) -> dict[int, int]:
    """Send ``n`` malformed bodies, some with good neighbours; returns how often each status was answered."""
    served.start()
    headers = {"x-write-key": served.made.write_key, "content-type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    rng, statuses, good = Random(n), dict[int, int](), set[str]()
    bodies = whole_bodies()
    for i in range(n):
        path, body = bodies[i % len(bodies)]
        own = dict(headers)
        if i % 3 == 0:
            path, pair = "/v1/batch", [f"good-{i}-{k}" for k in range(2)]
            neighbours = [json.dumps(_good(one)).encode() for one in pair]
            body = b'{"batch":[' + neighbours[0] + b"," + rng.choice(BROKEN[:25]) + b"," + neighbours[1] + b"]}"
        elif rng.random() < 0.2:
            body = rng.choice(BROKEN)
        else:
            body = mutated(rng, body)
            if rng.random() < 0.1:
                own["content-encoding"], body = "gzip", gzip.compress(body)[: rng.randrange(1, 5_000)]
        answer = ask_on(connection, "POST", path, body, own)
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        if i % 3 == 0 and answer.status == 200:
            good |= set(pair)
        if answer.status == 400:
            assert answer.json().keys() == {"code", "message"}
    assert statuses.keys() <= {200, 400}, statuses
    ledger = served.settled()
    listed = _listed(served)
    assert len(listed) == ledger["failed"] > n // 3
    assert {row["reason"] for row in listed} <= set(REASONS)
    assert all(row["advice"] == REASONS[row["reason"]] for row in listed)
    visitor = served.api("/api/visitors/neighbour")
    assert sum(visitor["counts"].values()) == len(good) > n // 3
    again = served.ask("POST", "/api/failed/replay", b'{"all":true}', {"authorization": f"Bearer {served.made.token}"})
    n_again = again.json()["replayed"]
    assert n_again > 0.9 * len(listed)
    after = served.settled()
    assert after["received"] == ledger["received"]
    assert after["failed"] + after["applied"] + after["duplicate"] == after["received"]
    assert len(_listed(served)) == after["failed"]
    assert served.stop() == 0
    return statuses


def _good(one: str) -> dict[str, Any]:
    return {"type": "track", "event": "Good", "anonymousId": "neighbour", "messageId": one}


def _listed(served: Served) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = served.api(f"/api/failed?limit=500{'&cursor=' + cursor if cursor else ''}")
        rows += page["failed"]
        cursor = page["cursor"]
    return rows


@pytest.mark.torture
def test_ten_thousand_malformed_bodies(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    statuses = check(served, 10_000)
    with capsys.disabled():
        print(f"\n10,000 malformed bodies: {statuses}")


def test_malformed_bodies_in_short(served: Served) -> None:
    check(served, 300)
