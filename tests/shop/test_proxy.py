# ruff: noqa: E501  (tables and events read better unbroken)
"""The tracker's script and events pass through the shop's own domain; nothing else does."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.browser.serving import serve

from footfall_shop.app import build


class Upstream:
    """Stands where the Footfall server does and writes down what comes."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append(
            {"method": scope["method"], "path": scope["path"], "query": scope["query_string"], "body": body}
            | {"headers": headers}
        )
        answer = [
            (b"content-type", b"application/json"),
            (b"set-cookie", b"ff_anonymous_id=abc; Path=/"),
            (b"x-secret", b"1"),
        ]
        await send(
            {
                "type": "http.response.start",
                "status": 429 if b"slow" in body else 200,
                "headers": [*answer, (b"retry-after", b"7")],
            }
        )
        await send({"type": "http.response.body", "body": b'{"success":true}'})


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture(scope="module")
def shop(upstream: Upstream) -> Iterator[httpx.Client]:
    with (
        serve(upstream) as server,
        serve(build("/ff", "wk_test", upstream_url=server)) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        yield client


def test_a_batch_goes_through_as_it_is_with_who_sent_it(shop: httpx.Client, upstream: Upstream) -> None:
    body = json.dumps({"batch": [{"event": "é"}]}).encode()
    answer = shop.post(
        "/ff/v1/batch?x=1",
        content=body,
        headers={
            "content-type": "text/plain",
            "cookie": "shop_session=secret; ff_anonymous_id=abc; other=1; ff_consent=yes",
            "x-forwarded-for": "203.0.113.9",
            "authorization": "Bearer no",
            "origin": "https://shop.example",
        },
    )
    assert answer.status_code == 200
    assert answer.json() == {"success": True}
    assert answer.headers["set-cookie"] == "ff_anonymous_id=abc; Path=/"
    assert "x-secret" not in answer.headers
    came = upstream.requests[-1]
    assert (came["method"], came["path"], came["query"], came["body"]) == ("POST", "/v1/batch", b"x=1", body)
    headers = came["headers"]
    assert headers["cookie"] == "ff_anonymous_id=abc; ff_consent=yes"
    assert headers["x-forwarded-for"] == "203.0.113.9"  # uvicorn believes this machine
    assert headers["x-forwarded-host"] == shop.base_url.netloc.decode()
    assert headers["x-forwarded-proto"] == "http"
    assert headers["content-type"] == "text/plain"
    assert headers["origin"] == "https://shop.example"
    assert headers["content-length"] == str(len(body))
    assert "authorization" not in headers


def test_answers_that_ask_to_wait_reach_the_tracker(shop: httpx.Client) -> None:
    answer = shop.post("/ff/v1/batch", content=b"slow")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ff/footfall.js"),
        ("GET", "/ff/a.js"),
        ("HEAD", "/ff/footfall.js"),
        ("GET", "/ff/v1/pixel.gif?data=e30"),
        ("POST", "/ff/v1/b"),
    ],
)
def test_script_pixel_and_events_go_through(shop: httpx.Client, upstream: Upstream, method: str, path: str) -> None:
    assert shop.request(method, path).status_code == 200
    assert upstream.requests[-1]["path"] == path.removeprefix("/ff").partition("?")[0]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/ff/api/visitors", 404), ("POST", "/ff/api/login", 404), ("GET", "/ff/metrics", 404), ("GET", "/ff/", 404),
     ("GET", "/ff/v1/batch", 405), ("POST", "/ff/footfall.js", 405), ("DELETE", "/ff/v1/batch", 405), ("GET", "/ff//v1/pixel.gif", 404), ("POST", "/ff/v1/batch/../decide", 404), ("POST", "/ff/v1/decide", 404)],
)  # fmt: skip
def test_nothing_else_goes_through(shop: httpx.Client, upstream: Upstream, method: str, path: str, status: int) -> None:
    n_before = len(upstream.requests)
    assert shop.request(method, path).status_code == status
    assert len(upstream.requests) == n_before


def test_what_is_too_large_stops_at_the_shop(shop: httpx.Client, upstream: Upstream) -> None:
    n_before = len(upstream.requests)
    assert shop.post("/ff/v1/batch", content=b"x" * 1_000_001).status_code == 413
    assert len(upstream.requests) == n_before


def test_a_server_that_is_down_is_told_as_try_again() -> None:
    with serve(build("/ff", "wk_test", upstream_url="http://127.0.0.1:9")) as url:
        answer = httpx.post(f"{url}/ff/v1/batch", content=b"{}", trust_env=False)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert httpx.get(f"{url}/women", trust_env=False).status_code == 200


def test_a_tracker_of_ones_own_needs_a_server_behind_it() -> None:
    with pytest.raises(ValueError, match="upstream_url must name the Footfall server"):
        build("/ff", "wk_test")
    with pytest.raises(ValueError, match="install must be"):
        build("https://footfall.example", "wk_test", install="none")  # type: ignore[arg-type]
