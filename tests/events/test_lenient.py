"""What the typed decoder refuses is mended as far as it can be, or refused with a reason."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.events.lenient import Refused, check, parsed, read
from footfall.events.reasons import REASONS
from footfall.events.wire import Event


def refusal(raw):
    with pytest.raises(Refused) as caught:
        read(raw)
    assert caught.value.reason in REASONS
    return caught.value.reason


def test_a_sound_event_reads_as_the_typed_decoder_reads_it():
    raw = (
        b'{"type":"track","event":"Order Completed","messageId":"m","anonymousId":"a","userId":7,"sentAt":1,'
        b'"timestamp":"2024-05-01","properties":{"order_id":"o","total":3.5,"products":[{"product_id":"p","price":"3"}]},'
        b'"context":{"page":{"url":"https://a/"},"campaign":{"source":"s"},"location":{"country":"DE"},"ip":"1.2.3.0"}}'
    )
    assert read(raw) == msgspec.json.decode(raw, type=Event)


def test_fields_of_a_wrong_type_are_mended_or_dropped():
    event = read(
        b'{"event":"Product Added","anonymousId":["a"],"userId":true,"messageId":{"x":1},"timestamp":[1,2],'
        b'"properties":{"price":["3"],"quantity":{},"product_id":[],"category":false},'
        b'"context":{"page":"https://a/","campaign":[],"location":{"country":["DE"]},"userAgent":null},"traits":[1]}'
    )
    assert (event.anonymousId, event.userId, event.messageId, event.timestamp) == ("a", None, None, None)
    assert event.properties is not None
    assert event.properties.price == "3"
    assert event.properties.quantity is event.properties.product_id is event.properties.category is None
    assert event.context is not None and event.context.location is not None
    assert event.context.page is event.context.campaign is None
    assert event.context.location.country == "DE"
    assert not event.traits


@pytest.mark.parametrize(
    ("products", "ids"),
    [
        ('[{"product_id":"a"},5,null,"b",true,[1]]', ["a", 5, "b"]),
        ('{"product_id":"a"}', ["a"]),
        (r'"[{\"product_id\":\"a\"}]"', ["a"]),
        ("[]", []),
        ('"nothing"', None),
        ("5", None),
    ],
)
def test_products_are_read_in_all_their_forms(products, ids):
    event = read(f'{{"event":"Order Completed","properties":{{"total":1,"products":{products}}}}}'.encode())
    assert event.properties is not None
    found = event.properties.products
    assert (None if found is None else [product.product_id for product in found]) == ids


def test_an_order_without_usable_products_needs_an_amount():
    assert refusal(b'{"event":"Order Completed","properties":{"order_id":"o","products":5}}') == "bad_products"
    assert read(b'{"event":"Product Viewed","properties":{"products":5}}').properties is not None


def test_numbers_beyond_all_bounds_are_left_out():
    event = read(
        b'{"event":"x","userId":1e999,"properties":{"price":NaN,"value":-Infinity,"revenue":%s}}' % (b"9" * 5000)
    )
    assert event.userId is None
    assert event.properties is not None
    assert event.properties.price is event.properties.value is event.properties.revenue is None


def test_lone_surrogates_are_replaced_and_pairs_joined():
    event = read(b'{"event":"\\ud83d\\ude00 \\ud800","userId":"u\\u0000","traits":{"\\udfff":"\\ud800"}}')
    assert event.event == "😀 \ufffd"
    assert json.loads(bytes(event.traits)) == {"\ufffd": "\ufffd"}


def test_doubled_keys_and_prototype_names_do_no_harm():
    event = read(
        b'\xef\xbb\xbf{"event":"a","event":"b","userId":1,"userId":[2],"__proto__":{"event":"c"},"constructor":1}'
    )
    assert (event.event, event.userId) == ("b", 2)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b'{"event":"x"', "bad_json"),
        (b"\x00", "bad_json"),
        (b'{"event":"\xff"}', "bad_encoding"),
        (b"[1]", "not_an_object"),
        (b'"track"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"5", "not_an_object"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "too_deep"),
        (b'{"type":"buy","event":"x"}', "unknown_type"),
        (b'{"type":5,"event":"x"}', "unknown_type"),
        (b'{"type":null,"event":"x"}', "unknown_type"),
        (b'{"type":"track"}', "no_event_name"),
        (b'{"type":"track","event":"  "}', "no_event_name"),
        (b'{"type":"track","event":true}', "no_event_name"),
        (b'{"type":null,"refused":"bad_encoding","detail":"ue_px"}', "bad_encoding"),
        (b'{"type":null,"refused":"no such reason"}', "unknown_type"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(raw, reason):
    assert refusal(raw) == reason


def test_a_typed_event_is_checked_for_its_call_and_name():
    assert check(Event(event="x")) is None
    assert check(Event(event=404)) is None
    assert check(Event()) == check(Event(event=" ")) == "no_event_name"
    assert check(Event(type="page")) is check(Event(type="identify")) is None
    assert check(Event(type="Track", event="x")) == "unknown_type"


def test_text_beyond_the_standard_is_let_through():
    assert parsed(b'{"a":"x\ny","b":[NaN,1e999]}') == {"a": "x\ny", "b": [None, None]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ["type", "event", "userId", "anonymousId", "timestamp", "properties", "context", "traits", "products", "page"]


@given(st.one_of(st.binary(max_size=200), st.text('{}[]":,\\ud80atrue01.eE-', max_size=100).map(str.encode)))
def test_any_bytes_are_read_or_refused(raw):
    try:
        assert isinstance(read(raw), Event)
    except Refused as refused:
        assert refused.reason in set(REASONS) - {"unreadable"}


@given(st.dictionaries(st.sampled_from(FIELDS), st.one_of(JSON, st.dictionaries(st.sampled_from(FIELDS), JSON))))
def test_any_object_is_read_or_refused_and_comes_out_typed(value):
    raw = json.dumps(value).encode()
    try:
        event = read(raw)
    except Refused as refused:
        assert refused.reason in set(REASONS) - {"unreadable"}
    else:
        if event.traits:
            assert isinstance(json.loads(bytes(event.traits)), dict)
        event.traits = msgspec.Raw(b"{}")  # an empty one has no JSON
        assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
