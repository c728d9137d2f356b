"""Snowplow payloads, from the wire and from the real tracker, become Segment-spec events."""

import base64
import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.base.errors import BadInput
from footfall.base.kinds import Kind
from footfall.events.lenient import Refused, read
from footfall.events.names import kind_of
from footfall.events.snowplow import events_of_query, events_of_tp2

SHOP = "com.snowplowanalytics.snowplow.ecommerce"
BASE = {"eid": "e-1", "duid": "d-1", "dtm": "1714564800000", "stm": "1714564801000", "url": "https://s/x"}


def described(name, data, vendor="com.snowplowanalytics.snowplow"):
    return {"schema": f"iglu:{vendor}/{name}/jsonschema/1-0-0", "data": data}


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def happened(name, data, *contexts, vendor="com.snowplowanalytics.snowplow"):
    """A self-describing payload in base64url."""
    payload = {**BASE, "e": "ue", "ue_px": encoded(described("unstruct_event", described(name, data, vendor)))}
    if contexts:
        payload["cx"] = encoded(described("contexts", list(contexts)))
    return payload


def action(kind, *contexts, **data):
    return happened("snowplow_ecommerce_action", {"type": kind, **data}, *contexts, vendor=SHOP)


def product(**fields):
    return described("product", {"id": "p1", "category": "a/b", "price": 30, "currency": "EUR", **fields}, SHOP)


def events(*payloads):
    lines = events_of_tp2(json.dumps(described("payload_data", list(payloads))).encode())
    assert not any(b"\n" in line for line in lines)
    return [json.loads(line) for line in lines]


def kind(event):
    return kind_of(event["type"], event.get("event"))


def reason(line):
    with pytest.raises(Refused) as caught:
        read(line)
    return caught.value.reason


def test_the_envelope_says_who_when_and_with_what():
    (event,) = events(
        {
            **BASE,
            "e": "pv",
            "page": "T",
            "uid": "u",
            "nuid": "n",
            "refr": "https://g/",
            "ua": "UA",
            "tz": "Europe/Berlin",
        }
        | {"lang": "de", "res": "1920x1080", "ip": "84.12.3.9", "aid": "shop", "sid": "s-1"}
    )
    assert (event["type"], event["name"]) == ("page", "T")
    assert (event["messageId"], event["anonymousId"], event["userId"]) == ("e-1", "d-1", "u")
    assert (event["timestamp"], event["sentAt"]) == ("2024-05-01T12:00:00.000Z", "2024-05-01T12:00:01.000Z")
    context = event["context"]
    assert context["page"] == {"url": "https://s/x", "referrer": "https://g/", "title": "T"}
    assert (context["userAgent"], context["timezone"], context["locale"]) == ("UA", "Europe/Berlin", "de")
    assert (context["screen"], context["ip"], context["session_id"]) == (
        {"width": 1920, "height": 1080},
        "84.12.3.9",
        "s-1",
    )


def test_the_anonymous_id_is_the_first_there_is():
    session = described("client_session", {"userId": "app-user", "sessionId": "s"})
    bare = {"e": "pv", "nuid": "n", "sid": "s"}
    assert events(bare)[0]["anonymousId"] == "n"
    assert events({"e": "pv", "sid": "s"})[0]["anonymousId"] == "s"
    assert events({"e": "pv", "co": json.dumps(described("contexts", [session]))})[0]["anonymousId"] == "app-user"


def test_a_true_timestamp_is_not_corrected():
    (event,) = events({**BASE, "e": "pv", "ttm": "1714500000000"})
    assert event["timestamp"] == event["originalTimestamp"] == "2024-04-30T18:00:00.000Z"
    assert "sentAt" not in event


def test_a_guest_is_no_user():
    guest = described("user", {"id": "u-1", "is_guest": True, "email": "g@x.com"}, SHOP)
    member = described("user", {"id": "u-1", "email": "m@x.com"}, SHOP)
    assert "userId" not in events(action("product_view", product(), guest))[0]
    (event,) = events(action("product_view", product(), member))
    assert (event["userId"], event["traits"]) == ("u-1", {"email": "m@x.com"})


@pytest.mark.parametrize(
    ("name", "segment_name", "expected"),
    [
        ("add_to_cart", "Product Added", Kind.CART_ADD),
        ("remove_from_cart", "Product Removed", Kind.CART_REMOVE),
        ("product_view", "Product Viewed", Kind.PRODUCT_VIEW),
        ("list_click", "Product Clicked", Kind.PRODUCT_CLICK),
        ("list_view", "Product List Viewed", Kind.LIST_VIEW),
        ("promo_click", "Promotion Clicked", Kind.PROMOTION_CLICK),
        ("promo_view", "Promotion Viewed", Kind.PROMOTION_VIEW),
        ("transaction", "Order Completed", Kind.ORDER),
        ("refund", "Order Refunded", Kind.REFUND),
        ("trns_error", "trns_error", Kind.CUSTOM),
    ],
)
def test_each_action_of_the_plug_in_has_its_kind(name, segment_name, expected):
    (event,) = events(action(name, product(quantity=2, list_price=40)))
    assert event["event"] == segment_name
    assert kind(event) is expected
    assert event["properties"]["products"] == [
        {"product_id": "p1", "category": "a/b", "price": 30, "currency": "EUR", "quantity": 2, "regular_price": 40}
    ]
    assert (event["properties"]["currency"], event["properties"]["regular_price"]) == ("EUR", 40)


def test_an_order_has_its_id_revenue_and_lines():
    order = described(
        "transaction", {"transaction_id": "t1", "revenue": 63.5, "currency": "EUR", "discount_code": "MAY"}, SHOP
    )
    (event,) = events(action("transaction", product(quantity=2), product(id="p2"), order))
    properties = event["properties"]
    assert (properties["order_id"], properties["revenue"], properties["coupon"]) == ("t1", 63.5, "MAY")
    assert [(line["product_id"], line["quantity"]) for line in properties["products"]] == [("p1", 2), ("p2", 1)]


def test_a_refund_has_its_amount():
    refund = described("refund", {"transaction_id": "t1", "refund_amount": 5, "currency": "EUR"}, SHOP)
    (event,) = events(action("refund", refund))
    assert event["properties"] == {"order_id": "t1", "revenue": 5, "currency": "EUR"}


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ({"step": 1}, "Checkout Started"),
        ({"step": 2}, "Checkout Step Completed"),
        ({"step": 3, "payment_method": "card"}, "Payment Info Entered"),
    ],
)
def test_a_checkout_step_is_named_by_what_it_did(step, name):
    assert events(action("checkout_step", described("checkout_step", step, SHOP)))[0]["event"] == name


def test_older_schemas_have_their_kinds():
    found = events(
        happened("add_to_cart", {"sku": "s1", "quantity": 2, "unitPrice": 9.5, "currency": "USD"}),
        happened("site_search", {"terms": ["red", "shoes"], "totalResults": 3}),
        happened("link_click", {"targetUrl": "https://other/"}),
        happened("submit_form", {"formId": "f", "elements": [{"name": "password", "value": "s3cret"}]}),
        happened("screen_view", {"name": "Home", "id": "i"}),
        happened("transaction", {"orderId": "o", "totalValue": 5, "items": [{"sku": "s1", "unitPrice": 5}]}),
        happened("action", {"action": "detail"}, described("productFieldObject", {"id": "p", "price": 2})),
        happened("something_own", {"a": 1}, vendor="com.shop"),
    )
    assert [kind(event) for event in found] == [
        Kind.CART_ADD,
        Kind.SEARCH,
        Kind.CLICK,
        Kind.FORM,
        Kind.PAGE_VIEW,
        Kind.ORDER,
        Kind.PRODUCT_VIEW,
        Kind.CUSTOM,
    ]
    assert found[0]["properties"] == {"product_id": "s1", "quantity": 2, "price": 9.5, "currency": "USD"}
    assert found[1]["properties"]["query"] == "red shoes"
    assert found[2]["properties"] == {"target_url": "https://other/"}
    assert "s3cret" not in json.dumps(found[3])
    assert found[5]["properties"]["products"] == [{"product_id": "s1", "price": 5, "quantity": 1}]
    assert found[7]["event"] == "something_own"


def test_an_order_of_old_has_the_items_of_its_request_once():
    order = {**BASE, "e": "tr", "tr_id": "o-1", "tr_tt": "19.00", "tr_cu": "EUR"}
    item = {**BASE, "e": "ti", "ti_id": "o-1", "ti_sk": "s1", "ti_nm": "Shirt", "ti_pr": "9.50", "ti_qu": "2"}
    found = events(order, item, {**item, "ti_id": "other"}, order)
    assert [kind(event) for event in found] == [Kind.ORDER, Kind.CUSTOM, Kind.CUSTOM, Kind.ORDER]
    line = {"product_id": "s1", "name": "Shirt", "price": "9.50", "quantity": "2"}
    assert found[0]["properties"] == {"order_id": "o-1", "total": "19.00", "currency": "EUR", "products": [line]}
    assert found[1]["properties"] == {"order_id": "o-1", **line}
    assert "products" not in found[3]["properties"]


def test_a_ping_tells_how_far_down_the_visitor_has_seen():
    (event,) = events({**BASE, "e": "pp", "pp_may": "300", "ds": "1000x2000", "vp": "1000x500"})
    assert (kind(event), event["properties"]["percent"]) == (Kind.SCROLL, 40.0)
    assert "percent" not in events({**BASE, "e": "pp", "pp_may": "x", "ds": "1x0", "vp": "1x1"})[0]["properties"]


def test_a_structured_event_is_named_by_its_action():
    (event,) = events({**BASE, "e": "se", "se_ca": "shop", "se_ac": "add_to_cart", "se_la": "l", "se_va": "3"})
    assert kind(event) is Kind.CART_ADD
    assert event["properties"] == {"event_category": "shop", "label": "l", "value": "3"}


def test_a_broken_payload_is_refused_with_its_reason_and_hurts_no_other():
    good = {**BASE, "e": "pv"}
    payloads = [
        good,
        5,
        {**BASE, "e": "zz"},
        {**BASE},
        {**BASE, "e": "ue", "ue_px": "!!!"},
        {**BASE, "e": "ue", "ue_px": base64.urlsafe_b64encode(b"{").decode()},
        {**BASE, "e": "ue", "ue_pr": "[" * 50_000},
        {**BASE, "e": "ue"},
        {**BASE, "e": "se"},
        {**good, "cx": "%%%"},
        good,
    ]
    lines = events_of_tp2(json.dumps({"schema": "iglu:x", "data": payloads}).encode())
    assert len(lines) == len(payloads)
    assert read(lines[0]).type == read(lines[-1]).type == "page"
    assert [reason(line) for line in lines[1:-1]] == [
        "not_an_object",
        "unknown_type",
        "unknown_type",
        "bad_encoding",
        "bad_json",
        "too_deep",
        "no_event_name",
        "no_event_name",
        "bad_encoding",
    ]
    assert json.loads(lines[2])["given"]["e"] == "zz"


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", "bad_json"), (b"\xff", "bad_encoding"), (b"5", "not_an_object")]
    + [(b'{"data":5}', "not_an_object"), (b"[" * 100_000, "too_deep")],
)
def test_a_body_that_cannot_be_read_at_all_is_bad_input(body, code):
    with pytest.raises(BadInput) as caught:
        events_of_tp2(body)
    assert caught.value.code == code


def test_a_get_carries_its_payload_in_the_query():
    query = urlencode({**action("product_view", product()), "page": "Grün & Blau"})
    (line,) = events_of_query(query)
    event = json.loads(line)
    assert (event["event"], event["messageId"]) == ("Product Viewed", "e-1")
    assert event["context"]["page"]["title"] == "Grün & Blau"
    assert reason(events_of_query("")[0]) == "unknown_type"
    with pytest.raises(BadInput):
        events_of_query("a=1&" * 400)


def test_what_the_real_tracker_sends_is_read():
    snowplow_tracker = pytest.importorskip("snowplow_tracker")

    class Kept:
        def __init__(self):
            self.payloads = []

        def input(self, payload):
            self.payloads.append({name: str(value) for name, value in payload.items()})

        def flush(self):
            pass

        async_flush = sync_flush = flush

    kept = Kept()
    subject = snowplow_tracker.Subject().set_user_id("u-1").set_domain_user_id("d-1").set_timezone("Europe/Berlin")
    for is_encoded in (True, False):
        tracker = snowplow_tracker.Tracker("t", kept, subject=subject, app_id="shop", encode_base64=is_encoded)
        tracker.track(snowplow_tracker.PageView("https://s/x", "T", "https://g/"))
        shown = snowplow_tracker.SelfDescribingJson(
            f"iglu:{SHOP}/snowplow_ecommerce_action/jsonschema/1-0-2", {"type": "product_view"}
        )
        item = snowplow_tracker.SelfDescribingJson(
            f"iglu:{SHOP}/product/jsonschema/1-0-0", {"id": "p1", "category": "a", "price": 3, "currency": "EUR"}
        )
        tracker.track(snowplow_tracker.SelfDescribing(shown, context=[item]))
    found = events(*kept.payloads)
    assert [kind(event) for event in found] == [Kind.PAGE_VIEW, Kind.PRODUCT_VIEW] * 2
    assert {(event["anonymousId"], event["userId"]) for event in found} == {("d-1", "u-1")}
    assert len({event["messageId"] for event in found}) == 4
    assert found[3]["properties"]["products"][0]["product_id"] == "p1"


PAYLOAD_FIELDS = [
    "e",
    "ue_px",
    "ue_pr",
    "cx",
    "co",
    "dtm",
    "stm",
    "ttm",
    "tr_id",
    "ti_id",
    "res",
    "ds",
    "vp",
    "pp_may",
    "duid",
]
SCHEMA_LIKE = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["schema", "data"]), inner),
    max_leaves=5,
)
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["ue", "pv", "pp", "se", "tr", "ti", "1x1"]),
    SCHEMA_LIKE.map(encoded),
    st.integers(),
    st.lists(st.integers(), max_size=2),
)


@given(st.lists(st.one_of(st.dictionaries(st.sampled_from(PAYLOAD_FIELDS), VALUES), st.text(max_size=5)), max_size=4))
def test_any_payloads_give_one_line_each(payloads):
    lines = events_of_tp2(json.dumps({"data": payloads}).encode())
    assert len(lines) == len(payloads)
    for line in lines:
        assert b"\n" not in line
        try:
            read(line)
        except Refused as refused:
            assert refused.reason != "unreadable"


@given(st.text(max_size=200), st.binary(max_size=100))
def test_any_query_and_body_are_read_or_refused(query, body):
    assert len(events_of_query(query)) == 1
    try:
        events_of_tp2(body)
    except BadInput as error:
        assert error.code in ("bad_json", "bad_encoding", "not_an_object", "too_deep")
