"""The Node libraries of Segment, RudderStack and Snowplow, unmodified."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.clients.conftest import CLIENTS, KEY, Server, summary

from footfall.events.wire import Source

SIX_CALLS = summary(
    [
        {"type": "alias", "userId": "u1"},
        {"type": "group", "userId": "u1"},
        {"type": "identify", "anonymousId": "a1", "userId": "u1"},
        {"type": "page", "name": "Home", "userId": "u1"},
        {"type": "screen", "name": "Cart", "userId": "u1"},
        {"type": "track", "event": "Product Viewed", "anonymousId": "a1", "userId": "u1"},
    ]
)


def run(node: str, script: str, *arguments: str) -> None:
    done = subprocess.run(
        [node, str(CLIENTS / script), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_segment_analytics_node(server: Server, node: str, require: Callable[[str], Path]) -> None:
    require("@segment/analytics-node")
    run(node, "segment_node.mjs", server.url, KEY)
    assert summary(server.wait_for_events(6)) == SIX_CALLS


def test_rudder_sdk_node(server: Server, node: str, require: Callable[[str], Path]) -> None:
    require("@rudderstack/rudder-sdk-node")
    run(node, "rudder_node.cjs", server.url, KEY)
    assert summary(server.wait_for_events(6)) == SIX_CALLS


@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplow_node_tracker(server: Server, node: str, require: Callable[[str], Path], method: str) -> None:
    require("@snowplow/node-tracker")
    run(node, "snowplow_node.mjs", server.url, KEY, method)
    events = server.wait_for_events(3)
    assert sorted(event["type"] for event in events) == ["page", "track", "track"]
    assert {(event["anonymousId"], event["userId"]) for event in events} == {("d1", "u1")}
    [page] = [event for event in events if event["type"] == "page"]
    assert page["context"]["page"]["title"] == "Schuhe für Größe 41"
    assert {entry.source for entry in server.entries()} == {Source.SNOWPLOW}
