import json

import pytest

from footfall.base.errors import BadInput
from footfall.web.split import Limits, depth_exceeds, split_batch, split_single, within_limits

LIMITS = Limits(event_max_bytes=1_000, max_depth=10, max_events=50)


def batch_code(body: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        split_batch(body, LIMITS)
    return caught.value.code


def single_code(body: bytes) -> str:
    with pytest.raises(BadInput) as caught:
        split_single(body, "track", LIMITS)
    return caught.value.code


def test_events_keep_the_bytes_that_were_sent() -> None:
    split = split_batch(b'{"batch": [ {"a" : 1.0} ,{"a":1e999, "b":"\\u00e9"}], "sentAt":"T", "writeKey":"K"}', LIMITS)
    assert split.events == [b'{"a" : 1.0}', b'{"a":1e999, "b":"\\u00e9"}']
    assert (split.rejects, split.sent_at, split.write_key) == ([], "T", "K")


def test_line_breaks_between_tokens_become_spaces() -> None:
    split = split_batch(b'{"batch":[{\r\n  "a": "x\\ny",\n  "b": 2\n}]}', LIMITS)
    assert split.events == [b'{    "a": "x\\ny",   "b": 2 }']
    assert json.loads(split.events[0]) == {"a": "x\ny", "b": 2}


def test_a_byte_order_mark_and_spaces_around_are_ignored() -> None:
    assert split_batch(b'\xef\xbb\xbf \n{"batch":[{}]}\n', LIMITS).events == [b"{}"]


def test_text_fields_of_another_type_are_ignored() -> None:
    split = split_batch(b'{"batch":[{}],"sentAt":{"a":[1]},"writeKey":7,"context":null}', LIMITS)
    assert (split.sent_at, split.write_key, split.events) == ("", "", [b"{}"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b'{"batch":[{"a":1}', "bad_json"),
        (b'{"batch":[{"a":1}]} x', "bad_json"),
        (b'{"batch":[{}],"context":{"a":NaN}}', "bad_json"),
        (b'{"batch":[{}],"batch":[{"a":NaN}]}', "bad_json"),
        (b'{"batch":[{"a":NaN}],"batch":[{}]}', "bad_batch"),
        (b"[]", "bad_batch"),
        (b'"text"', "bad_batch"),
        (b"{}", "bad_batch"),
        (b'{"batch":null}', "bad_batch"),
        (b'{"batch":{"0":{}}}', "bad_batch"),
        (b'{"batch":[' + b"{}," * 50 + b"{}]}", "batch_too_large"),
        (b'{"batch":[NaN,' + b"{}," * 50 + b"{}]}", "batch_too_large"),
        (b'{"a":' + b"[" * 100_000, "bad_json"),
        (b"[" * 100_000, "bad_batch"),
        (b'{"a":"' + b"\\" * 100_001, "bad_json"),
    ],
)
def test_a_batch_whose_outer_object_is_broken_is_refused(body: bytes, code: str) -> None:
    assert batch_code(body) == code


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"a":NaN}', "bad_json"),
        (b'{"a":Infinity}', "bad_json"),
        (b'{"a":01}', "bad_json"),
        (b'{"a":"x\x00y"}', "bad_json"),
        (b'{"a":"x\ny"}', "bad_json"),
        (b'{"a":"\\q"}', "bad_json"),
        (b"{'a':1}", "bad_json"),
        (b'{"a":1]', "bad_json"),
        (b'{"a":"\xff"}', "bad_encoding"),
        (b'{"a":"\xed\xa0\x80"}', "bad_encoding"),
        (b'{"a":' + b"[" * 30 + b"]" * 30 + b"}", "too_deep"),
        (b'{"a":' + b"[" * 400 + b"]" * 400 + b"}", "too_deep"),
        (b'{"a":"' + b"x" * 1_000 + b'"}', "event_too_large"),
        (b"1e999", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text, with ] and }"', "not_an_object"),
        (b"[]", "not_an_object"),
    ],
)
def test_a_broken_event_does_not_take_its_neighbours_along(bad: bytes, reason: str) -> None:
    split = split_batch(b'{"sentAt":"T","batch":[{"i":1},' + bad + b',{"i":2}],"writeKey":"K"}', LIMITS)
    assert split.events == [b'{"i":1}', b'{"i":2}']
    assert split.rejects == [(reason, bad)]
    assert (split.sent_at, split.write_key) == ("T", "K")


def test_an_event_a_thousand_levels_deep_does_not_take_its_neighbours_along() -> None:
    limits = Limits(32_768, 100, 50)
    deep = b'{"a":' + b"[" * 1_000 + b"]" * 1_000 + b"}"
    split = split_batch(b'{"batch":[{"i":1},' + deep + b',{"i":2}]}', limits)
    assert split.events == [b'{"i":1}', b'{"i":2}']
    assert split.rejects == [("too_deep", deep)]


def test_half_a_surrogate_pair_is_mended() -> None:
    split = split_batch(b'{"batch":[{"a":"\\ud83d"},{"a":"\\\\ud83d\\ud83d\\ude00"},{"a":"\\uDE00!"}]}', LIMITS)
    assert [json.loads(event)["a"] for event in split.events] == ["\ufffd", "\\ud83d\U0001f600", "\ufffd!"]
    assert split_single(b'{"a":"\\ud83d","type":"track"}', "track", LIMITS).events == [
        b'{"a":"\\ufffd","type":"track"}'
    ]


def test_the_last_of_two_batches_counts() -> None:
    assert split_batch(b'{"batch":[{"a":1}],"batch":[{"a":2}]}', LIMITS).events == [b'{"a":2}']


def test_the_context_of_the_batch_goes_to_events_without_one() -> None:
    split = split_batch(b'{"batch":[{},{"a":1},{"context":{"ip":"x"}}],"context":{"b":2}}', LIMITS)
    assert split.events == [b'{"context":{"b":2}}', b'{"context":{"b":2},"a":1}', b'{"context":{"ip":"x"}}']


def test_a_context_cannot_blow_a_batch_up() -> None:
    limits = LIMITS._replace(context_max_bytes=100)
    with pytest.raises(BadInput):
        split_batch(b'{"batch":[{},{},{}],"context":{"a":"' + b"x" * 40 + b'"}}', limits)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"{}", b'{"type":"page"}'),
        (b' { "a":1} ', b'{"type":"page","a":1}'),
        (b'{"type":"page","a":1}', b'{"type":"page","a":1}'),
        (b'{"type":"track","a":1}', b'{"type":"track","a":1,"type":"page"}'),
        (b'{"type":null}', b'{"type":null,"type":"page"}'),
        (b'{"properties":{"type":"x"}}', b'{"type":"page","properties":{"type":"x"}}'),
    ],
)
def test_a_single_call_gets_the_type_of_its_route(sent: bytes, kept: bytes) -> None:
    split = split_single(sent, "page", LIMITS)
    assert split.events == [kept]
    assert json.loads(kept)["type"] == "page"


def test_a_single_call_without_a_route_keeps_its_type() -> None:
    assert split_single(b'{"type":"alias","writeKey":"K"}', "", LIMITS).write_key == "K"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b'{"a":NaN}', "bad_json"),
        (b"[]", "not_an_object"),
        (b"1e999", "not_an_object"),
        (b'"\\ud800"', "not_an_object"),
        (b'{"a":"\xff"}', "bad_encoding"),
        (b'{"a":"' + b"x" * 1_000 + b'"}', "event_too_large"),
        (b'{"a":' + b"[" * 20 + b"]" * 20 + b"}", "too_deep"),
        (b'{"a":' + b"[" * 450 + b"]" * 450 + b"}", "too_deep"),
    ],
)
def test_a_single_call_that_is_broken_is_refused(body: bytes, code: str) -> None:
    assert single_code(body) == code


def test_events_of_other_protocols_have_the_same_limits() -> None:
    good, rejects = within_limits([b'{"a":1}', b'{"a":"' + b"x" * 1_000 + b'"}'], LIMITS)
    assert good == [b'{"a":1}']
    assert [reason for reason, _ in rejects] == ["event_too_large"]


def test_depth_counts_levels_and_not_brackets() -> None:
    assert not depth_exceeds(b"[" + b"[]," * 500 + b"[]]", 2)
    assert depth_exceeds(b"[" + b"[[]]," * 500 + b"[]]", 2)
    assert not depth_exceeds(b'["' + b"[{" * 500 + b'\\""]', 1)
    assert not depth_exceeds(b"[" * 10 + b"]" * 10, 10)
    assert depth_exceeds(b"[" * 11 + b"]" * 11, 10)
