# ruff: noqa: E501  lists of odd values read better in long lines
"""The compiled way of reading gives what the slow one gives, whatever the events."""

import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.base.codes import Flag
from footfall.base.kinds import Kind
from footfall.events.columns import Columns, Reader
from footfall.events.facts import no_facts
from footfall.events.geo import Geo
from footfall.events.wire import Entry, Source
from footfall.settings import Settings

NOW_MS = 1_795_331_400_000
SETTINGS = Settings(currencies={"EUR": 1.1}, section_rules=("/sale/** -> offers",))
IDS = [
    "a-1",
    "5f3b0c9e-8f5e-4a7e-9f1b-1c2d3e4f5a6b",
    "null",
    "GUEST",
    "",
    "0",
    12,
    12.0,
    None,
    " x ",
    "ünï",
    "a\nb",
    True,
    "y" * 250,
]
TEXTS = ["women/shoes", "Röcke", "", " ", None, 5, {"a": 1}, [1], "x" * 300, 'q"uote', "tab\t", False]
NUMBERS = [
    59.9,
    0,
    -1,
    1e400,
    "12,50",
    "59.90",
    None,
    1e20,
    12345678901234567890,
    0.1,
    33.333333333333336,
    True,
    {"x": 1},
    -0.0,
]
URLS = ["https://shop.example/women/shoes/sku-1", "https://shop.example/a?utm_source=google&utm_medium=cpc", "/only/path", None, 7,
        "https://shop.example/cart#x", "https://SHOP.example/%C3%BC", "https://shop.example/sale/x", "https://e.x/" + "a" * 400]  # fmt: skip
NAMES = ["Product Viewed", "Product Added", "product_removed", "Order Completed", "Products Searched", "scroll", "engagement", "Cart Viewed", "Foo",
         "purchase", "", None, 3, "Order Refunded", "Product List Viewed", "Checkout Started"]  # fmt: skip
TIMES = ["2026-11-22T05:08:59.123Z", "2026-11-22T05:08:59Z", "2026-11-31T05:08:59.123Z", "2026-02-29T00:00:00.000Z", None, 1795331339000,
         "yesterday", "2026-11-22T25:08:59.123Z", "2025-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z", "2026-11-22T05:08:59.12 Z",
         "2026-11-22T05:08:59.123456+00:00", "2026-11-22T05:08:59.999999Z", "2026-11-22T05:08:59+00:00", "2026-11-22T05:08:59.123+00:00",
         "2026-11-22T05:08:59.123+01:00", "2026-11-22T05:08:59.12345x+00:00", "2026-11-22T05:08:59-00:00", "2026-11-22 05:08:59.123Z"]  # fmt: skip
AGENTS = ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1",
          "Googlebot/2.1 (+http://www.google.com/bot.html)", None, "", 4, "x" * 500]  # fmt: skip
LINES: list[Any] = [
    None,
    [],
    [{"product_id": "p1", "price": 5, "quantity": 2}, {"sku": "s", "price": "7"}],
    [{"product_id": 17, "sku": "s", "price": 5, "item_category": "c"}],
    [{"product_id": "p4", "item_id": 3, "category": "c", "item_category": "d", "quantity": 1}],
    ["p3"],
    "no",
    [{"price": 1}],
]


def field(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


properties = some(
    product_id=field(IDS), category=field(TEXTS), price=field(NUMBERS), quantity=field(NUMBERS), sku=field(IDS), products=field(LINES),
    currency=field(["USD", "EUR", "XXX", "usd", None, "$", 3]), url=field(URLS), path=field(TEXTS), referrer=field(URLS),
    section=field(TEXTS), discount=field(NUMBERS), compare_at_price=field(NUMBERS), order_id=field(IDS), revenue=field(NUMBERS),
    query=field(TEXTS), percent=field(NUMBERS), engaged_ms=field(NUMBERS), depth=field(NUMBERS), regular_price=field(NUMBERS), id=field(IDS), other=st.recursive(field(TEXTS), lambda s: st.lists(s, max_size=2), max_leaves=4),
)  # fmt: skip
context = some(
    page=st.one_of(field([None, 3, []]), some(url=field(URLS), path=field(TEXTS), referrer=field(URLS), title=field(TEXTS))),
    userAgent=field(AGENTS), timezone=field(["Europe/Berlin", "Asia/Kolkata", "Nowhere/At_All", None, "", 3]), ip=field(["1.2.3.0", None, 5]),
    campaign=field([None, {}, {"source": "x", "medium": "email"}, {"name": 3}, "no"]), channel=field([None, "store", "web", 4]),
    location=field([None, {}, {"country": "Germany", "region": "Bayern", "city": "München"}, {"country": "US", "city": "Boise"}, 3]),
    library=field([{"name": "x", "version": "1"}]),
)  # fmt: skip
events = some(
    type=field(["track", "track", "track", "page", "screen", "identify", "alias", "group", "bogus", None, 4, "trick"]),
    messageId=field(["m-1", "5f3b0c9e-8f5e-4a7e-9f1b-1c2d3e4f5a6b", "", None, 7, "z" * 300, "ü"]),
    anonymousId=field(IDS), userId=field(IDS), previousId=field(IDS), event=field(NAMES), name=field(TEXTS), timestamp=field(TIMES),
    originalTimestamp=field(TIMES), sentAt=field(TIMES), traits=field([None, {}, {"email": "a@b.c"}, {"plan": "gölden", "n": [1, {}]}, 5]),
    properties=st.one_of(properties, field([None, 3, []])), context=st.one_of(context, field([None, 3])),
)  # fmt: skip
usual = st.fixed_dictionaries(
    {"type": field(["track"]), "event": field(NAMES[:7] + ["Foo", "Product List Viewed", "Cart Viewed", "Checkout Started", "Order Refunded"]), "anonymousId": field(IDS[:2]),
     "messageId": field(["m-1", "m-22222222222222222222"]), "timestamp": field(TIMES[:1]),
     "properties": some(product_id=field(["p1", "p2", 17, 0]), sku=field(["s"]), query=field(["Red Shoes", "red shoes ", "", 5]), percent=field([25, 99.5, 120]), engaged_ms=field([0, 1500.5, 86_400_001]),
                        depth=field([10, -3]), regular_price=field([2.5, 1e12]), compare_at_price=field([1, 3]), discount=field([0, 1.5]), category=field(["a/b"]), price=field([1, 2.5, 0.1]), quantity=field([1, 2]),
                        products=field(LINES), order_id=field(["o-1", "o-2", " o", "", None]), revenue=field([5, 7.5, None, 1e10, -5]), total=field([3, None]), value=field([-2.5])),
     "context": some(page=some(url=field(URLS[:3]), path=field(["/a/b"]), referrer=field(["https://www.google.com/", ""])),
                     userAgent=field(AGENTS[:3]), timezone=field(["Europe/Berlin", "Asia/Kolkata"]), campaign=field([{"source": "x"}]),
                     location=field([{"country": "US", "city": "Boise"}]))},
    optional={"userId": field(["u1", "u2", 12, 120, "nulL", "truest"]), "sentAt": field(TIMES[:1]), "originalTimestamp": field(TIMES[:1]),
              "traits": field([{"email": "a@b.c"}, {"plan": "x"}])},
)  # fmt: skip


def reader() -> Reader:
    return Reader(SETTINGS, Geo(""))


def entries(lines: list[bytes], **given: Any) -> list[tuple[int, Entry]]:
    return [(10, Entry(1, NOW_MS, int(Source.SEGMENT), len(lines), b"\n".join(lines), **given))]


def assert_same(fast: Columns, slow: Columns) -> None:
    mine, theirs = ([(i, json.loads(traits)) for i, traits in columns.traits] for columns in (fast, slow))
    assert mine == theirs
    assert {(f.idx, f.reason) for f in fast.failures} == {(f.idx, f.reason) for f in slow.failures}
    for name in fast.events.dtype.names or ():
        if name not in ("item_start", "row"):
            np.testing.assert_array_equal(fast.events[name], slow.events[name], err_msg=name)
    for a, b in zip(fast.events, slow.events, strict=True):
        mine = fast.items[a["item_start"] : a["item_start"] + a["item_n"]]
        theirs = slow.items[b["item_start"] : b["item_start"] + b["item_n"]]
        for name in mine.dtype.names or ():
            np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


def both(batch: list[tuple[int, Entry]], warm: Reader | None = None) -> tuple[Columns, Columns]:
    return (warm or reader()).read(batch, no_facts()), reader().read(batch, no_facts(), is_slow=True)


def written(event: dict[str, Any], seed: int) -> bytes:
    """The event as JSON in one of the ways that clients write it."""
    rng = random.Random(seed)
    text = json.dumps(
        event, ensure_ascii=rng.random() < 0.5, separators=rng.choice([(",", ":"), (", ", ": "), (" ,\t", " :\r")])
    )
    if rng.random() < 0.05:
        text = text.replace("product_id", "product\\u005fid", 1)
    if rng.random() < 0.05:
        text = text[:-1] + (',"event":"Order Completed"}' if len(event) else "}")
    data = text.replace("Infinity", "1e999").encode("utf-8", "surrogatepass")
    if rng.random() < 0.15 and data:
        at = rng.randrange(len(data))
        data = rng.choice(
            [
                data[:at],
                data[:at] + rng.randbytes(1).replace(b"\n", b" ") + data[at + 1 :],
                data + b" x",
                b" " + data + b" ",
            ]
        )
    return data


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.one_of(events, usual), st.integers(0, 10_000)), min_size=1, max_size=30))
def test_any_events_come_out_the_same(trace: list[tuple[dict[str, Any], int]]) -> None:
    lines = [written(event, seed) for event, seed in trace]
    fast, slow = both(entries(lines))
    assert_same(fast, slow)


def test_usual_events_take_the_fast_way_also_when_the_tables_are_warm() -> None:
    rng = random.Random(7)
    shared = reader()
    for turn in range(3):
        lines = [
            json.dumps({
                "type": "track", "event": rng.choice(["Product Viewed", "Product Added", "Foo"]), "messageId": f"m-{turn}-{i}",
                "anonymousId": f"visitor-{rng.randrange(50)}", "timestamp": f"2026-11-22T0{rng.randrange(6)}:08:59.123Z",
                "properties": {"product_id": f"p{rng.randrange(40)}", "category": "a/b", "price": rng.randrange(10_000) / 100},
                "context": {"page": {"url": f"https://s.example/a/{rng.randrange(30)}"}, "timezone": "Europe/Berlin", "userAgent": AGENTS[0]},
            }).encode()
            for i in range(300)
        ]  # fmt: skip
        fast, slow = both(entries(lines, ip="81.2.69.0", user_agent="Mozilla/5.0", country="GB"), shared)
        assert_same(fast, slow)
        assert fast.slow_ones() == []


def test_carts_and_orders_take_the_fast_way() -> None:
    products = [
        {"product_id": f"p{i}", "category": "a/b", "price": round(0.1 * i, 1), "quantity": i, "name": "N"}
        for i in range(1, 16)
    ]
    lines = [
        json.dumps({
            "type": "track", "event": name, "anonymousId": f"visitor-{n}", "messageId": f"m-{name}-{n}",
            "properties": {"products": products[:n], "order_id": f"o-{n}", "currency": "USD", **({"revenue": 9.5} if n % 2 else {})},
        }).encode()
        for name in ("Order Completed", "Cart Viewed", "Checkout Started", "Order Refunded", "Product Added")
        for n in (1, 2, 15)
    ]  # fmt: skip
    fast, slow = both(entries(lines))
    assert_same(fast, slow)
    assert fast.slow_ones() == [12, 13, 14]  # a cart add names one product; with a list of them it is unusual
    assert fast.events["item_n"][:3].tolist() == [1, 2, 15]


CALLS: list[dict[str, Any]] = [
    {"event": "Products Searched", "properties": {"query": "Red SHOES 42"}},
    {"event": "search", "properties": {"query": "x" * 240}},
    {"event": "Products Searched", "properties": {}},
    {"event": "scroll", "properties": {"percent": 75}},
    {"event": "scroll", "properties": {"percent": None, "depth": 250.5}},
    {"event": "Product Viewed", "properties": {"product_id": "p", "sku": "s", "id": 3, "price": 4, "regular_price": 5}},
    {"event": "Product Added", "properties": {"product_id": 17, "price": 4, "compare_at_price": 4, "discount": 0}},
    {"event": "Product Clicked", "properties": {"product_id": "p", "discount": 2}},
    {"type": "identify", "userId": 4711, "traits": {"email": "a@b.c", "name": "Ümit"}},
    {"type": "identify", "userId": "u-1", "traits": {"plan": "gold", "tags": ["a", {"b": None}]}},
    {"type": "page", "name": "Über uns", "properties": {"title": "Größe"}, "originalTimestamp": TIMES[0]},
    {"event": "engagement", "properties": {"visible_ms": 4000, "engaged_ms": 3500, "leave": True}},
    {"event": "engagement", "properties": {"engaged_ms": -1}},
    {"event": "hover", "properties": {"tag": "a", "href": "https://s.example/ü"}},
    {"event": "click", "properties": {"text": "Größentabelle"}},
    {"event": "form_abandoned", "properties": {"step": "abandoned"}},
    {"event": "Form Submitted", "properties": {"form_id": "newsletter"}},
]  # fmt: skip


@pytest.mark.parametrize("end", ["Z", ".123Z", ".123456Z", "+00:00", ".123+00:00", ".123999+00:00"])
def test_times_take_the_fast_way_as_javascript_and_python_write_them(end: str) -> None:
    event = {"type": "track", "event": "Foo", "anonymousId": "v-1", "timestamp": "2026-11-22T05:08:59" + end}
    fast, slow = both(entries([json.dumps(event).encode()]))
    assert_same(fast, slow)
    assert fast.slow_ones() == []
    assert fast.events["time"].tolist() == [1_795_324_139_000 + (123 if "." in end else 0)]


def test_searches_sign_ins_and_what_the_tracker_sends_by_itself_take_the_fast_way() -> None:
    lines = [
        json.dumps(
            {"type": "track", "messageId": f"m-{i}", "anonymousId": f"v-{i}", "timestamp": TIMES[0], **call},
            ensure_ascii=False,
        ).encode()
        for i, call in enumerate(CALLS)
    ]
    fast, slow = both(entries(lines))
    assert_same(fast, slow)
    assert fast.slow_ones() == []
    assert fast.events["knows"].tolist() == [0] * 8 + [1, 1] + [0] * 7
    kinds = [Kind.PAGE_VIEW, Kind.ENGAGEMENT, Kind.ENGAGEMENT, Kind.HOVER, Kind.CLICK, Kind.CUSTOM, Kind.FORM]
    assert fast.events["kind"][10:].tolist() == kinds
    assert fast.events["engaged_s"][11:14].tolist() == [3.5, 0.0, 0.0]
    assert [int(flags) & Flag.DISCOUNTED for flags in fast.events["flags"][5:8]] == [16, 0, 16]
    assert fast.traits == [
        (8, '{"email": "a@b.c", "name": "Ümit"}'.encode()),
        (9, b'{"plan": "gold", "tags": ["a", {"b": null}]}'),
    ]


def test_words_of_a_search_are_reported_in_lower_case_beside_a_product_of_the_same_name() -> None:
    lines = [
        b'{"type":"track","event":"Products Searched","anonymousId":"a-1","properties":{"query":"Sandals"}}',
        b'{"type":"track","event":"Product Viewed","anonymousId":"a-1","properties":{"product_id":"sandals"}}',
    ]
    fast = reader()
    columns = fast.read(entries(lines), no_facts())
    assert {(what, text) for _, _, what, text in fast.new_names} == {("query", "sandals"), ("product", "sandals")}
    assert columns.events["query"][0] == columns.events["product"][1] == fast.new_names[0][1]


@pytest.mark.parametrize(
    ("properties", "kind", "revenue"),
    [
        ({"revenue": -9.5}, Kind.REFUND, 9.5),
        ({"products": [{"product_id": "p", "price": 4, "quantity": -2}]}, Kind.REFUND, 8.0),
        ({"products": [{"product_id": "p", "price": 9}, {"product_id": "coupon", "price": -4}]}, Kind.ORDER, 5.0),
        ({"revenue": 0}, Kind.ORDER, 0.0),
    ],
)
def test_an_order_of_a_negative_amount_is_a_refund(properties: dict[str, Any], kind: Kind, revenue: float) -> None:
    event = {"type": "track", "event": "Order Completed", "anonymousId": "v-1", "messageId": "m-1"}
    fast, slow = both(entries([json.dumps({**event, "properties": {"order_id": "o", **properties}}).encode()]))
    assert_same(fast, slow)
    [e] = fast.events
    assert (int(e["kind"]), float(e["revenue"]), bool(e["order_key"])) == (kind, revenue, kind == Kind.ORDER)


def test_a_cart_shown_empty_differs_from_one_of_unknown_content() -> None:
    event = {"type": "track", "event": "Cart Viewed", "anonymousId": "v-1", "messageId": "m-1"}
    lines = [json.dumps({**event, "properties": properties}).encode() for properties in ({"products": []}, {})]
    fast, slow = both(entries(lines))
    assert_same(fast, slow)
    assert fast.events["item_n"].tolist() == [1, 0]
    assert fast.items["quantity"].tolist() == [0.0]


def test_names_are_reported_once_with_their_keys() -> None:
    line = b'{"type":"track","event":"Product Viewed","anonymousId":"a-1","properties":{"product_id":"p1","category":"c1"}}'
    fast, slow = reader(), reader()
    fast.read(entries([line] * 20), no_facts())
    slow.read(entries([line] * 20), no_facts(), is_slow=True)
    assert sorted(fast.new_names) == sorted(slow.new_names)
    assert {text for _, _, _, text in fast.new_names} == {"p1", "c1"}


def test_a_refused_entry_between_good_ones_fails_alone() -> None:
    good = Entry(1, NOW_MS, 0, 1, b'{"type":"track","event":"Foo","anonymousId":"a-1"}')
    bad = Entry(1, NOW_MS, 0, 1, b"\xff{broken", reject="bad_json")
    batch = [(0, good), (1, bad), (2, good)]
    fast, slow = both(batch)
    assert_same(fast, slow)
    assert fast.events["status"].tolist() == [0, 2, 0]
