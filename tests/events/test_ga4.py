"""GA4 Measurement Protocol bodies become Segment-spec events."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.base.errors import BadInput
from footfall.base.kinds import Kind
from footfall.events.ga4 import events_of_mp
from footfall.events.lenient import Refused, read
from footfall.events.names import kind_of

ITEM = {
    "item_id": "p1",
    "item_name": "Shirt",
    "item_category": "Men",
    "item_category2": "Shirts",
    "price": 9.5,
    "index": 0,
}


def lines(*events, **common):
    return events_of_mp(json.dumps({"client_id": "c.1", **common, "events": list(events)}).encode())


def one(event, **common):
    (line,) = lines(event, **common)
    return json.loads(line)


def test_a_purchase_is_an_order():
    event = one(
        {
            "name": "purchase",
            "params": {
                "transaction_id": "t1",
                "value": 19.0,
                "currency": "EUR",
                "session_id": "123",
                "engagement_time_msec": 100,
                "items": [{**ITEM, "quantity": 2}],
                "page_location": "https://s/thanks",
                "page_referrer": "https://s/pay",
            },
        },
        user_id="u-1",
        timestamp_micros="1714564800000000",
    )
    assert kind_of(event["type"], event["event"]) is Kind.ORDER
    assert (event["anonymousId"], event["userId"], event["timestamp"]) == ("c.1", "u-1", "2024-05-01T12:00:00.000Z")
    assert event["properties"] == {
        "order_id": "t1",
        "value": 19.0,
        "revenue": 19.0,
        "currency": "EUR",
        "session_id": "123",
        "engaged_ms": 100,
        "products": [
            {"product_id": "p1", "name": "Shirt", "category": "Men/Shirts", "price": 9.5, "position": 0, "quantity": 2}
        ],
    }
    assert event["context"]["page"] == {"url": "https://s/thanks", "referrer": "https://s/pay"}
    assert event["messageId"] == "ga4-purchase-t1"


def test_parameters_get_segments_names():
    assert one({"name": "search", "params": {"search_term": "red"}})["properties"] == {"query": "red"}
    assert one({"name": "scroll", "params": {"percent_scrolled": 90}})["properties"] == {"percent": 90}
    item = one({"name": "add_to_cart", "params": {"items": [{**ITEM, "currency": "EUR"}]}})["properties"]
    assert (item["currency"], item["products"][0]["quantity"]) == ("EUR", 1)


def test_a_page_view_is_a_page():
    event = one({"name": "page_view", "params": {"page_title": "T", "page_location": "https://s/"}})
    assert (event["type"], event["name"]) == ("page", "T")
    assert "event" not in event


def test_user_properties_are_an_identify_before_the_events():
    identify, event = lines({"name": "login", "params": {}}, user_properties={"tier": {"value": "gold"}, "x": 1})
    assert json.loads(identify)["type"] == "identify"
    assert json.loads(identify)["traits"] == {"tier": "gold", "x": 1}
    assert json.loads(event)["event"] == "login"


def test_sending_the_same_again_gives_the_same_ids_and_another_event_another():
    event = {"name": "view_item", "params": {"items": [ITEM]}}
    first = one(event, timestamp_micros=1714564800000000)["messageId"]
    assert one(event, timestamp_micros=1714564800000000)["messageId"] == first
    assert one(event, timestamp_micros=1714564800000001)["messageId"] != first
    assert one(event, timestamp_micros=1714564800000000, client_id="c.2")["messageId"] != first
    twice = lines(event, event, timestamp_micros=1714564800000000)
    assert len({json.loads(line)["messageId"] for line in twice}) == 2
    assert one({"name": "x", "params": {"event_id": "mine"}})["messageId"] == "mine"
    assert "messageId" not in one({"name": "x", "params": {}})


def test_place_address_agent_and_consent_go_into_the_context():
    context = one(
        {"name": "x"},
        user_location={"city": "Kiel", "region_id": "DE-SH", "country_id": "DE"},
        ip_override="84.12.3.9",
        user_agent="UA",
        consent={"ad_user_data": "DENIED"},
        device={"category": "mobile", "language": "de"},
    )["context"]
    assert context["location"] == {"country": "DE", "region": "DE-SH", "city": "Kiel"}
    assert (context["ip"], context["userAgent"], context["locale"]) == ("84.12.3.0", "UA", "de")
    assert context["consent"] == {"ad_user_data": "DENIED"}


def test_a_broken_event_is_refused_with_its_reason_and_hurts_no_other():
    good, *bad = lines({"name": "login"}, 7, {"params": {}}, {"name": " "}, None)
    assert read(good).event == "login"
    reasons = []
    for line in bad:
        with pytest.raises(Refused) as caught:
            read(line)
        reasons.append(caught.value.reason)
    assert reasons == ["not_an_object", "no_event_name", "no_event_name", "not_an_object"]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", "bad_json"), (b"[]", "not_an_object"), (b"{}", "not_an_object"), (b'{"events":{}}', "not_an_object")]
    + [(b'"\xff"', "bad_encoding"), (b'{"a":' * 50_000, "too_deep")],
)
def test_a_body_that_cannot_be_read_at_all_is_bad_input(body, code):
    with pytest.raises(BadInput) as caught:
        events_of_mp(body)
    assert caught.value.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "item_category", "currency", "transaction_id", "value"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["client_id", "user_id", "timestamp_micros", "user_properties", "user_location", "device", "consent"]
)


@given(
    st.dictionaries(NAMES, JSON, max_size=4),
    st.lists(
        st.one_of(JSON, st.fixed_dictionaries({"name": st.sampled_from(["purchase", "page_view"]), "params": JSON}))
    ),
)
def test_any_body_gives_lines_that_are_read_or_refused(common, events):
    for line in events_of_mp(json.dumps({**common, "events": events}).encode()):
        assert b"\n" not in line
        try:
            read(line)
        except Refused as refused:
            assert refused.reason != "unreadable"
