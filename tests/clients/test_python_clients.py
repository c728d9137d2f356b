"""The Python libraries of Segment, RudderStack and Snowplow, unmodified."""

import logging

import pytest
import rudderstack.analytics.client as rudder
import segment.analytics.client as segment
from snowplow_tracker import (
    Emitter,
    PageView,
    SelfDescribing,
    SelfDescribingJson,
    StructuredEvent,
    Subject,
    Tracker,
)
from tests.clients.conftest import KEY, Server, summary

from footfall.events.wire import Source


@pytest.mark.parametrize("gzip", [False, True])
def test_segment_analytics_python(server: Server, gzip: bool) -> None:
    errors: list[object] = []
    client = segment.Client(
        KEY, host=server.url, gzip=gzip, upload_interval=0.05, on_error=lambda error, _: errors.append(error)
    )
    client.identify("u1", {"plan": "gold"}, anonymous_id="a1")
    client.track("u1", "Product Viewed", {"product_id": "s1", "price": 9.5}, anonymous_id="a1")
    client.page("u1", None, "Home", {"url": "https://shop.example/"})
    client.screen("u1", None, "Cart")
    client.group("u1", "g1", {"name": "Family"})
    client.alias("a1", "u1")
    client.join()
    assert errors == []
    assert summary(server.events()) == summary(
        [
            {"type": "alias", "userId": "u1"},
            {"type": "group", "userId": "u1"},
            {"type": "identify", "anonymousId": "a1", "userId": "u1"},
            {"type": "page", "name": "Home", "userId": "u1"},
            {"type": "screen", "name": "Cart", "userId": "u1"},
            {"type": "track", "event": "Product Viewed", "anonymousId": "a1", "userId": "u1"},
        ]
    )
    assert all(entry.sent_at and not entry.user_agent for entry in server.entries())


def test_segment_analytics_python_sends_hundreds_in_batches(server: Server) -> None:
    client = segment.Client(KEY, host=server.url, upload_interval=0.05)
    for i in range(500):
        client.track(f"u{i}", "Viewed", {"i": i})
    client.flush()
    client.join()
    assert sorted(event["properties"]["i"] for event in server.events()) == list(range(500))


def test_segment_analytics_python_hears_what_is_wrong(server: Server) -> None:
    errors: list[Exception] = []
    client = segment.Client("wk_wrong", host=server.url, upload_interval=0.05, max_retries=1)
    client.on_error = lambda error, _: errors.append(error)
    for consumer in client.consumers:
        consumer.on_error = client.on_error
    client.track("u1", "Viewed")
    client.join()
    assert [getattr(error, "status", None) for error in errors] == [401]
    assert server.journal.next_offset() == 0


def test_rudder_sdk_python(server: Server) -> None:
    errors: list[object] = []
    client = rudder.Client(KEY, host=server.url, upload_interval=0.05, on_error=lambda error, _: errors.append(error))
    client.identify("u1", {"plan": "gold"}, anonymous_id="a1")
    client.track("u1", "Product Added", {"product_id": "s1"}, anonymous_id="a1")
    client.page("u1", None, "Home")
    client.screen("u1", None, "Cart")
    client.group("u1", "g1")
    client.alias("a1", "u1")
    client.join()
    assert errors == []
    types = sorted(event["type"] for event in server.events())
    assert types == ["alias", "group", "identify", "page", "screen", "track"]
    [track] = [event for event in server.events() if event["type"] == "track"]
    assert (track["event"], track["userId"], track["anonymousId"]) == ("Product Added", "u1", "a1")
    assert {event["userId"] for event in server.events()} == {"u1"}


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("is_key_in_path", [False, True])
def test_snowplow_tracker(server: Server, method: str, is_key_in_path: bool) -> None:
    logging.getLogger("snowplow_tracker").setLevel(logging.WARNING)
    sent: list[object] = []
    failed: list[object] = []
    endpoint = f"127.0.0.1:{server.port}" + (f"/{KEY}" if is_key_in_path else "")
    emitter = Emitter(
        endpoint,
        protocol="http",
        method=method,
        batch_size=100,
        on_success=sent.extend,
        on_failure=lambda _, events: failed.extend(events),
    )
    subject = Subject()
    subject.set_user_id("u1").set_domain_user_id("d1")
    app_id = "shop" if is_key_in_path else KEY
    tracker = Tracker("namespace", emitters=emitter, subject=subject, app_id=app_id)
    tracker.track(PageView(page_url="https://shop.example/women/shoes", page_title="Shoes"))
    tracker.track(StructuredEvent(category="shop", action="add-to-basket", label="s1", value=9.5))
    cart = SelfDescribingJson("iglu:com.shop/cart_viewed/jsonschema/1-0-0", {"items": 2})
    tracker.track(SelfDescribing(event_json=cart))
    tracker.flush()
    assert failed == []
    assert len(sent) == 3
    events = server.events()
    assert sorted(event["type"] for event in events) == ["page", "track", "track"]
    assert {(event["anonymousId"], event["userId"]) for event in events} == {("d1", "u1")}
    assert {entry.source for entry in server.entries()} == {Source.SNOWPLOW}
