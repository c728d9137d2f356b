"""Whatever is sent, the collector answers 200, 400, 401 or 429, lists what it refused, and keeps good neighbours."""

import asyncio
import gzip
import json
import random
import string
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.web.collecting import KEY, SITES, FailingLog, ask, entries_of

from footfall.base.clock import ManualClock
from footfall.settings import Settings
from footfall.web.ack import GroupCommit
from footfall.web.asgi import App, build
from footfall.web.collector import Collector

GOOD = b'{"type":"track","event":"Good","anonymousId":"a1","messageId":"%d"}'
BROKEN = [
    b'{"a":NaN}',
    b'{"a":1e999}',
    b'{"a":-Infinity}',
    b'{"a":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    b'{"a":"\\ud800"}',
    b'{"a":"\\ud800\\ud800","\\udfff":1}',
    b'{"a":"\x00"}',
    b'{"\x00":1}',
    b'{"a":1,"a":2,"type":"track","type":7}',
    b'{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}',
    b'{"type":[],"event":{},"anonymousId":[1],"properties":"x","context":[[]],"timestamp":{}}',
    b'{"a":"\xff\xfe"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":' + b"9" * 5_000 + b"}",
    b'{"a":"' + b"x" * 40_000 + b'"}',
    b"'single quotes'",
    b"{,}",
    b'{"a":1,}',
    b"[1,2",
    b'"\\u12"',
    b"null",
    b"true",
    b"-",
    b"01",
    b"\x1f\x8b",
    b"\xef\xbb\xbf{}",
    '{"a":"\u2028\U0001f600"}'.encode(),
    b"{/*comment*/}",
    b"",
]
PATHS = ["/v1/batch", "/v1/track", "/v1/i", "/com.snowplowanalytics.snowplow/tp2", "/mp/collect", "/beacon/v1/batch"]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def log() -> FailingLog:
    return FailingLog()


@pytest.fixture
def app(log: FailingLog) -> Iterator[App]:
    ack = GroupCommit(log, max_events=20_000)
    yield build(Collector(Settings(), SITES.get, ack, ManualClock(1_800_000_000_000), lambda: 0), None)
    ack.close()


def stored_good(log: FailingLog) -> list[str]:
    lines = [line for entry in entries_of(log) if not entry.reject for line in entry.body.split(b"\n")]
    found = [json.loads(line) for line in lines if b'"Good"' in line]
    return [event["messageId"] for event in found]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_one_broken_event_leaves_its_neighbours_alone(
    app: App, log: FailingLog, runner: asyncio.Runner, broken: bytes
) -> None:
    body = b'{"batch":[' + GOOD % 1 + b"," + broken + b"," + GOOD % 2 + b"]}"
    answer = runner.run(ask(app, "POST", "/v1/batch", body, {"x-write-key": KEY}))
    if broken in (b"", b"[1,2", b"\x1f\x8b"):  # these break the list itself, or are found to
        assert answer.status in (200, 400)
    else:
        assert answer.status == 200
    if answer.status == 200:
        assert stored_good(log) == ["1", "2"]
        assert log.next_offset() == 3
    else:
        assert [entry.reject for entry in entries_of(log)] == ["bad_json"]


def mutated(rng: random.Random, body: bytes) -> bytes:
    """The body with a few bytes cut, doubled, swapped or replaced."""
    raw = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        if not raw:
            break
        at = rng.randrange(len(raw))
        what = rng.randrange(6)
        if what == 0:
            del raw[at:]
        elif what == 1:
            raw[at] = rng.randrange(256)
        elif what == 2:
            raw[at:at] = rng.choice([b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\n", b"\x00", b"\xff", b"NaN"])
        elif what == 3:
            del raw[at : at + rng.randint(1, 8)]
        elif what == 4:
            raw[at:at] = raw[at : at + 40]
        else:
            raw[at:at] = rng.choice(BROKEN)[:3_000]
    return bytes(raw)


def whole_bodies() -> list[tuple[str, bytes]]:
    snowplow = {"schema": "s", "data": [{"e": "pv", "eid": "1", "duid": "d", "co": "{}", "cx": "e30", "ue_px": "e30"}]}
    ga4 = {"client_id": "c", "events": [{"name": "purchase", "params": {"items": [{"item_id": 1}], "value": 1}}]}
    batch = b'{"batch":[' + GOOD % 1 + b"," + GOOD % 2 + b'],"context":{"a":1},"sentAt":"2027-01-01T00:00:00Z"}'
    return [
        ("/v1/batch", batch),
        ("/beacon/v1/batch", gzip.compress(batch)),
        ("/v1/track", GOOD % 3),
        ("/v1/i", b"{}"),
        ("/com.snowplowanalytics.snowplow/tp2", json.dumps(snowplow).encode()),
        ("/mp/collect", json.dumps(ga4).encode()),
    ]


def test_thousands_of_malformed_bodies_never_break_the_server(
    app: App, log: FailingLog, runner: asyncio.Runner
) -> None:
    rng = random.Random(20_261_122)
    bodies = whole_bodies()

    async def story() -> dict[int, int]:
        statuses: dict[int, int] = {}
        for i in range(3_000):
            path, body = bodies[i % len(bodies)]
            body = rng.choice(BROKEN) if rng.random() < 0.1 else mutated(rng, body)
            headers = {"x-write-key": KEY}
            if rng.random() < 0.2:
                headers["content-encoding"] = rng.choice(["gzip", "deflate", "br", "gzip, gzip", "\xff"])
            if rng.random() < 0.1:
                body = gzip.compress(body)[: rng.randint(0, 10_000)]
            before = log.next_offset()
            answer = await ask(app, "POST", path, body, headers)
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if answer.status == 400:
                assert log.next_offset() == before + 1, f"not listed: {path} {body[:200]!r}"
                assert set(answer.json()) == {"code", "message"}
        return statuses

    statuses = runner.run(story())
    assert set(statuses) == {200, 400}
    assert statuses[400] > 1_000
    for entry in entries_of(log):
        assert entry.n == entry.body.count(b"\n") + 1 or entry.reject
        if not entry.reject:
            for line in entry.body.split(b"\n"):
                assert line.startswith(b"{")
                line.decode()


def test_malformed_queries_never_break_the_server(app: App, runner: asyncio.Runner) -> None:
    rng = random.Random(7)

    async def story() -> set[int]:
        statuses = set()
        for _ in range(500):
            junk = "".join(rng.choices(string.printable + "\xff%&=", k=rng.randint(0, 60)))
            name = rng.choice(["data", "e", "cx", "ue_px", "aid", "url", "stm"])
            raw = rng.choice([junk, f"{name}={quote(junk)}", f"{name}={junk}&e=pv", "&" * 600])
            path = rng.choice(["/i", "/v1/pixel.gif", f"/{KEY}/i", "/mp/collect"])
            method = "POST" if path == "/mp/collect" else "GET"
            statuses.add((await ask(app, method, path, b"", {"x-write-key": KEY}, raw.replace("\n", ""))).status)
        return statuses

    assert runner.run(story()) <= {200, 400}


def test_malformed_headers_never_break_the_server(app: App, runner: asyncio.Runner) -> None:
    rng = random.Random(11)
    names = ["authorization", "x-write-key", "origin", "x-forwarded-for", "user-agent", "cf-ipcountry", "sentat"]
    names += ["content-length", "content-encoding", "host", "if-none-match", "access-control-request-headers"]

    async def story() -> set[int]:
        statuses = set()
        for _ in range(500):
            headers: dict[str, Any] = {
                rng.choice(names): "".join(chr(rng.randrange(256)) for _ in range(rng.randint(0, 80))) for _ in range(4)
            }
            path = rng.choice([*PATHS, "/footfall.js", "/sourceConfig/", f"/v1/projects/{KEY}/settings"])
            method = rng.choice(["POST", "GET", "OPTIONS"])
            statuses.add((await ask(app, method, path, GOOD % 1, headers, peer="127.0.0.1")).status)
        return statuses

    assert runner.run(story()) <= {200, 304, 400, 401, 404, 405}
