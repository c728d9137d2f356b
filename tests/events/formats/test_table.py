"""Rows of tables become Segment events."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from footfall.base.errors import BadInput
from footfall.base.kinds import Kind
from footfall.events.formats.mapping import EVENT_NAMES, parse_mapping
from footfall.events.formats.read import mapping_of, read
from footfall.events.names import kind_of


def events_in(path: Path, format_name: str = "csv", **tables: Any) -> list[dict[str, Any]]:
    mapping = parse_mapping(tables) if tables else mapping_of(format_name, None)
    return [json.loads(line) for chunk in read([path], mapping) for line in chunk.lines]


def test_a_taobao_purchase_is_an_order_of_one_product_without_a_price(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("1,2268318,2520377,buy,1511544070\n")
    assert events_in(file, "taobao") == [
        {
            "type": "track",
            "event": "Order Completed",
            "messageId": events_in(file, "taobao")[0]["messageId"],
            "userId": "1",
            "timestamp": "2017-11-24T17:21:10Z",
            "properties": {"products": [{"product_id": "2268318", "category": "2520377", "quantity": 1}]},
        }
    ]


def test_a_rees46_view_has_its_price_in_dollars_and_its_category_as_a_path(tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    file.write_text(
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:00 UTC,view,3900821,2053,appliances.water_heater,aqua,33.20,554748717,9333\n"
        "2019-10-01 00:00:01 UTC,remove_from_cart,3900822,2054,,,5,554748717,9333\n"
    )
    view, removed = events_in(file, "rees46")
    assert (view["event"], view["userId"], view["timestamp"]) == ("Product Viewed", "554748717", "2019-10-01T00:00:00Z")
    assert view["properties"] == {
        "product_id": "3900821",
        "brand": "aqua",
        "category": "appliances/water_heater",
        "price": 33.2,
        "currency": "USD",
        "session_id": "9333",
    }
    assert (removed["event"], removed["properties"]["category"]) == ("Product Removed", "2054")


def test_the_taobao_sample_is_read_whole(shared_data: Path) -> None:
    events = events_in(shared_data / "taobao_userbehavior_head" / "UserBehavior.csv", "taobao")
    assert Counter(event["event"] for event in events) == {
        "Product Viewed": 75_872,
        "Product Added": 4_497,
        "Product Added to Wishlist": 2_356,
        "Order Completed": 1_750,
    }
    assert len({event["userId"] for event in events}) == 815
    assert len({event["messageId"] for event in events}) == 84_475


def test_the_rees46_sample_holds_five_exact_duplicates(shared_data: Path) -> None:
    events = events_in(shared_data / "rees46_oct2019_head" / "2019-Oct.csv", "rees46")
    assert Counter(event["event"] for event in events) == {
        "Product Viewed": 17_055,
        "Product Added": 165,
        "Order Completed": 214,
    }
    assert len(events) - len({event["messageId"] for event in events}) == 5


SHOP = {
    "columns": {
        "visitor": "cookie",
        "user": "account",
        "time": "ts",
        "time_unit": "ms",
        "kind": "action",
        "product": "sku",
        "price": "price",
        "quantity": "n",
        "order": "order",
        "url": "link",
        "country": "land",
    },
    "kinds": {"seen": "product_view", "bought": "order", "looked": "page_view", "waved": "custom"},
    "constants": {"currency": "EUR"},
    "file": {"delimiter": ";"},
}
HEADER = "cookie;account;ts;action;sku;price;n;order;link;land\n"


def test_a_mapping_puts_each_column_where_the_segment_spec_has_it(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text(
        HEADER
        + "c1;;1700000000123;seen;p1;9.50;;;https://s.example/p/1;DE\n"
        + "c1;u7;1700000001000;bought;p1;9.50;3;o-1;;DE\n"
        + "c1;u7;1700000002000;looked;;;;;https://s.example/;\n"
        + "c1;u7;1700000003000;waved;;;;;;\n"
        + "c1;u7;1700000004000;add_to_cart;p2;;;;;\n"
    )
    seen, bought, looked, waved, added = events_in(file, **SHOP)
    assert (seen["event"], seen["anonymousId"], seen["timestamp"]) == (
        "Product Viewed",
        "c1",
        "2023-11-14T22:13:20.123000Z",
    )
    assert "userId" not in seen
    assert seen["properties"] == {"product_id": "p1", "price": 9.5, "currency": "EUR"}
    assert seen["context"] == {"page": {"url": "https://s.example/p/1"}, "location": {"country": "DE"}}
    assert (bought["anonymousId"], bought["userId"]) == ("c1", "u7")
    assert bought["properties"] == {
        "order_id": "o-1",
        "revenue": 28.5,
        "currency": "EUR",
        "products": [{"product_id": "p1", "price": 9.5, "quantity": 3.0}],
    }
    assert (looked["type"], "event" in looked) == ("page", False)
    assert (waved["event"], added["event"]) == ("waved", "add_to_cart")


def test_rows_that_cannot_be_read_become_events_that_say_why(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_bytes(
        HEADER.encode()
        + b"c1;u;noon;seen;p1;1;1;;;\n"
        + b"c1;u;1700000000000\n"
        + b"c1;u;99999999999999999;seen;p1;1;1;;;\n"
        + b"c1;u;1700000000000;seen;\xff;1;1;;;\n"
        + b'c1;u;1700000000000;seen;"p1;1;1;;;\n'
        + b"c1;u;1700000000000;seen;p1;cheap;1;;;\n"
    )
    *bad, good = events_in(file, **SHOP)
    assert [(event["type"], event["refused"]) for event in bad] == [(None, "unreadable_row")] * 5
    errors = [event["detail"] for event in bad]
    assert errors[0] == "the time 'noon' isn't a number of ms"
    assert errors[1] == "the row has 3 columns instead of 10"
    assert errors[2] == "the time '99999999999999999' lies outside the years 1 to 9999: is time_unit right?"
    assert errors[3].startswith("the row isn't utf-8")
    assert errors[4].startswith("the row's quotes or letters are broken")
    assert bad[1]["properties"]["row"] == "c1;u;1700000000000"
    assert good["properties"]["price"] == "cheap"


def test_addresses_and_secrets_are_taken_out(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("u,1700000000,https://s.example/?token=s3cret&a=1,203.0.113.77\n")
    [event] = events_in(
        file,
        columns={"user": "who", "time": "at", "time_unit": "s", "url": "url", "ip": "ip"},
        file={"header": ["who", "at", "url", "ip"]},
    )
    assert event["type"] == "page"
    assert event["context"] == {"page": {"url": "https://s.example/?token=redacted&a=1"}, "ip": "203.0.113.0"}


def test_local_times_are_told_in_utc(tmp_path: Path) -> None:
    file = tmp_path / "l.csv"
    file.write_text("who,at,what\nu,2024-07-01 12:00:00,seen\nu,2024-01-01T12:00:00+09:00,seen\n")
    summer, japan = events_in(
        file,
        columns={"user": "who", "time": "at", "kind": "what", "time_zone": "Europe/Berlin"},
        kinds={"seen": "product_view"},
    )
    assert (summer["timestamp"], japan["timestamp"]) == ("2024-07-01T10:00:00Z", "2024-01-01T03:00:00Z")


def test_an_unreadable_row_takes_the_time_of_its_neighbour(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("1,2,3,pv,never\n1,2,3,pv,1511544070\n1,2,3,pv,never\n")
    [chunk] = read([file], mapping_of("taobao", None))
    assert chunk.times_ms.tolist() == [1511544070000] * 3


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b,c\n1,2,3\n")
    with pytest.raises(BadInput, match=r"has no column who, at; its columns are a, b, c\."):
        events_in(file, columns={"user": "who", "time": "at", "kind": "c"})


def test_a_file_of_another_format_is_refused_whole(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b,c\n1,2,3\n")
    with pytest.raises(BadInput, match="doesn't look like taobao: its first row has 3 columns instead of 5"):
        events_in(file, "taobao")


def test_the_name_of_every_kind_is_read_back_as_that_kind() -> None:
    assert {kind: kind_of("track", name) for kind, name in EVENT_NAMES.items()} == {kind: kind for kind in EVENT_NAMES}
    assert Kind.ORDER in EVENT_NAMES
