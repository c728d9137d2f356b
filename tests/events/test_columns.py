"""What events mean, in columns: literal events and what they come to, read compiled and read the slow way."""

import json
from functools import partialmethod
from typing import Any

import numpy as np
import pytest

from footfall.base.codes import Channel, Device, Flag, Os
from footfall.base.ids import ANONYMOUS, USER, identity_key
from footfall.base.kinds import Kind
from footfall.events import ga4, snowplow
from footfall.events.columns import Columns, Reader, country_number, country_text, name_key, region_key, text_of
from footfall.events.facts import Facts, make_facts, no_facts
from footfall.events.geo import Geo
from footfall.events.wire import Entry, Source
from footfall.record.layout import NO_CHANNEL
from footfall.settings import Settings

NOON_MS = 1_792_843_200_000
"""2026-10-24T12:00:00Z, a Saturday"""
HOUR_MS = 3_600_000
SETTINGS = Settings(base_currency="USD", currencies={"EUR": 2.0})
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604"


@pytest.fixture(params=["compiled", "slow"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "slow":
        monkeypatch.setattr(Reader, "read", partialmethod(Reader.read, is_slow=True))


def read(*events: dict[str, Any], facts: Facts | None = None, settings: Settings = SETTINGS, **given: Any) -> Columns:
    """Columns of these events, received at noon unless said otherwise."""
    body = b"\n".join(json.dumps(event).encode() for event in events)
    entry = Entry(1, given.pop("received_ms", NOON_MS), int(Source.SEGMENT), len(events), body, **given)
    return Reader(settings, Geo("")).read([(40, entry)], facts or no_facts())


def track(name: str = "Product Viewed", **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "anonymousId": "a1", "timestamp": "2026-10-24T11:00:00.000Z",
            "properties": properties}  # fmt: skip


def one(*events: dict[str, Any], **given: Any) -> np.void:
    columns = read(*events, **given)
    assert columns.failures == []
    found: np.void = columns.events[0]
    return found


def items(columns: Columns, i: int = 0) -> list[tuple[Any, ...]]:
    """(product, category, price, quantity) of an event's lines, names as keys of site 1."""
    e = columns.events[i]
    lines = columns.items[e["item_start"] : e["item_start"] + e["item_n"]]
    return [(int(it["product"]), int(it["category"]), float(it["price"]), float(it["quantity"])) for it in lines]


def key(text: str) -> int:
    return name_key(1, text)


# -- where ---------------------------------------------------------------------------------------------------------


def test_it_is_known_whether_an_address_alone_tells_the_section() -> None:
    page = {"context": {"page": {"url": "https://shop.example/women/shoes/ridge-boot"}}}
    told = [
        {**track("Product Viewed", product_id="p", category="Boots"), **page},
        {**track("Product Viewed", product_id="p"), **page},
        {**track("scroll", category="Boots"), **page},  # no word of the page
        {**track("scroll", section="Boots"), **page},
        {**track("Product Viewed", product_id="p", category="Boots"), "context": {"page": {"path": "/search"}}},
    ]
    columns = read(*told)
    assert [(int(e["section"]), int(e["flags"])) for e in columns.events] == [
        (key("boots"), Flag.PAGE_NAMED),
        (key("women/shoes/ridge-boot"), Flag.SECTION_GUESSED),
        (key("women/shoes/ridge-boot"), Flag.SECTION_GUESSED),
        (key("boots"), Flag.PAGE_NAMED),
        (key("boots"), 0),
    ]


# -- when ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "given", "expected_ms", "flags"),
    [
        pytest.param({}, {}, NOON_MS - HOUR_MS, 0, id="the client's time"),
        pytest.param({"sentAt": "2026-10-24T11:10:00.000Z"}, {}, NOON_MS - HOUR_MS // 6, 0, id="50 minutes slow"),
        pytest.param({}, {"sent_at": "2026-10-24T13:00:00.000Z"}, NOON_MS - 2 * HOUR_MS, 0, id="sentAt of the batch"),
        pytest.param({"timestamp": "2026-10-24T12:30:00.000Z", "sentAt": "2026-10-24T12:40:00.000Z"}, {},
                     NOON_MS - HOUR_MS // 6, 0, id="a clock 40 minutes fast"),
        pytest.param({"timestamp": "2026-10-24T13:00:00Z"}, {}, NOON_MS, 0, id="never after receipt"),
        pytest.param({"timestamp": "2026-10-26T12:00:00Z"}, {}, NOON_MS, Flag.FUTURE, id="two days ahead"),
        pytest.param({"timestamp": "2026-10-21T11:00:00Z"}, {}, NOON_MS - 73 * HOUR_MS, Flag.LATE, id="73 hours late"),
        pytest.param({"timestamp": "2026-10-21T13:00:00Z"}, {}, NOON_MS - 71 * HOUR_MS, 0, id="71 hours late"),
        pytest.param({"timestamp": None}, {}, NOON_MS, Flag.NO_TIME, id="none"),
        pytest.param({"timestamp": "last week"}, {}, NOON_MS, Flag.NO_TIME, id="not a time"),
        pytest.param({"timestamp": 1_792_839_600}, {}, NOON_MS - HOUR_MS, 0, id="epoch seconds"),
        pytest.param({"timestamp": "2026-10-24 13:00:00.5+02:00"}, {}, NOON_MS - HOUR_MS + 500, 0, id="with a zone"),
        pytest.param({"sentAt": "2026-10-24T11:10:00Z", "originalTimestamp": "2026-10-24T10:00:00Z"}, {},
                     NOON_MS - HOUR_MS, 0, id="already corrected by Segment"),
    ],
)  # fmt: skip
def test_when_it_happened(fields: dict[str, Any], given: dict[str, Any], expected_ms: int, flags: int) -> None:
    e = one({**track(), **fields}, **given)
    assert (int(e["time"]), int(e["flags"])) == (expected_ms, int(flags))


@pytest.mark.parametrize(
    ("zone", "hour", "weekday", "days_ahead"),
    [("UTC", 11, 5, 0), ("America/New_York", 7, 5, 0), ("Asia/Kolkata", 16, 5, 0), ("Pacific/Kiritimati", 1, 6, 1),
     ("Mars/Olympus", 11, 5, 0), (None, 11, 5, 0)],
)  # fmt: skip
def test_the_hour_and_the_day_are_the_visitors_own(zone: str | None, hour: int, weekday: int, days_ahead: int) -> None:
    e = one({**track(), "context": {"timezone": zone}})
    assert (e["hour"], e["weekday"], e["day"] - NOON_MS // 86_400_000) == (hour, weekday, days_ahead)


# -- whose ---------------------------------------------------------------------------------------------------------


def test_ids_that_name_nobody_are_none() -> None:
    columns = read(
        *[{**track(), "anonymousId": "a1", "userId": nobody} for nobody in (None, "null", "guest", "", "0", 0)]
    )
    assert columns.events["user_key"].tolist() == [0] * 6
    assert set(columns.events["anonymous_key"].tolist()) == {identity_key(1, ANONYMOUS, "a1")}
    assert columns.events["knows"].tolist() == [0] * 6


def test_an_event_of_nobody_is_refused() -> None:
    columns = read(
        {**track(), "anonymousId": "undefined"}, {**track(), "anonymousId": None, "userId": "GUEST"}, track()
    )
    assert [(f.idx, f.reason) for f in columns.failures] == [(0, "no_identity"), (1, "no_identity")]
    assert columns.events["status"].tolist() == [2, 2, 0]


def test_numbers_are_ids_as_text() -> None:
    columns = read({**track(), "userId": 12}, {**track(), "userId": "12"}, {**track(), "userId": 12.0})
    assert set(columns.events["user_key"].tolist()) == {identity_key(1, USER, "12")}


@pytest.mark.parametrize(("traits", "knows"), [({"email": "a@b.example"}, 1), ({"plan": "gold"}, 0), ({}, 0)])
def test_an_email_makes_known(traits: dict[str, str], knows: int) -> None:
    assert one({"type": "identify", "anonymousId": "a1", "traits": traits})["knows"] == knows


def test_an_alias_names_the_id_before_as_both_kinds() -> None:
    e = one({"type": "alias", "userId": "u1", "previousId": "old"})
    assert (e["is_alias"], e["previous_key"], e["previous_anonymous_key"]) == (
        1, identity_key(1, USER, "old"), identity_key(1, ANONYMOUS, "old"),
    )  # fmt: skip


def test_the_same_id_is_another_at_another_site() -> None:
    body = json.dumps(track()).encode()
    batch = [(0, Entry(1, NOON_MS, 0, 1, body)), (1, Entry(2, NOON_MS, 0, 1, body))]
    events = Reader(SETTINGS, Geo("")).read(batch, no_facts()).events
    assert len(set(events["anonymous_key"].tolist())) == 2


# -- what ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "page"}, Kind.PAGE_VIEW), ({"type": "screen"}, Kind.PAGE_VIEW), ({"type": "identify"}, Kind.IDENTIFY),
        ({"event": "Product Viewed"}, Kind.PRODUCT_VIEW), ({"event": "view_item"}, Kind.PRODUCT_VIEW),
        ({"event": "purchase"}, Kind.ORDER), ({"event": "Dishes Done"}, Kind.CUSTOM), ({"event": 7}, Kind.CUSTOM),
    ],
)  # fmt: skip
def test_names_become_kinds(event: dict[str, Any], kind: Kind) -> None:
    assert one({"type": "track", "anonymousId": "a1", **event})["kind"] == kind


@pytest.mark.parametrize(
    ("event", "reason"),
    [({"type": "track"}, "no_event_name"), ({"type": "track", "event": ""}, "no_event_name"),
     ({"type": "tracks", "event": "A"}, "unknown_type"), ({"type": 3, "event": "A"}, "unknown_type")],
)  # fmt: skip
def test_calls_that_say_nothing_are_refused(event: dict[str, Any], reason: str) -> None:
    columns = read({"anonymousId": "a1", **event})
    assert columns.failures[0].reason == reason
    assert columns.events["status"].tolist() == [2]


def test_an_event_that_cannot_be_read_has_one_reason_and_good_neighbours() -> None:
    body = b"\n".join([json.dumps(track()).encode(), b"{broken", b"[1]", json.dumps(track()).encode()])
    columns = Reader(SETTINGS, Geo("")).read([(0, Entry(1, NOON_MS, 0, 4, body))], no_facts())
    first = {f.idx: f.reason for f in reversed(columns.failures)}
    assert first == {1: "bad_json", 2: "not_an_object"}
    assert columns.events["status"].tolist() == [0, 2, 2, 0]


def test_what_the_collector_refused_keeps_its_reason() -> None:
    batch = [(0, Entry(1, NOON_MS, 0, 1, b'{"type":"track"', reject="too_deep")), (1, Entry(1, NOON_MS, 0, 1, b"{}"))]
    columns = Reader(SETTINGS, Geo("")).read(batch, no_facts())
    assert {f.idx: f.reason for f in reversed(columns.failures)} == {0: "too_deep", 1: "no_event_name"}


# -- products and money --------------------------------------------------------------------------------------------


def test_numbers_come_as_texts_too() -> None:
    e = one(track(product_id=12, price="1,234.50", quantity="2"))
    assert (e["product"], float(e["price"]), float(e["quantity"])) == (key("12"), 1234.5, 2.0)


@pytest.mark.parametrize(
    ("currency", "price", "flags"),
    [("USD", 10.0, 0), ("usd", 10.0, 0), ("EUR", 20.0, 0), ("€", 20.0, 0), ("XXX", None, Flag.UNKNOWN_CURRENCY)],
)
def test_prices_are_in_the_base_currency(currency: str, price: float | None, flags: int) -> None:
    e = one(track(product_id="p", price=10, currency=currency))
    assert (None if np.isnan(e["price"]) else float(e["price"]), int(e["flags"])) == (price, int(flags))


def test_an_order_in_a_currency_without_rate_is_refused() -> None:
    for name in ("Order Completed", "Order Refunded"):
        [failure] = read(track(name, order_id="o", revenue=5, currency="CHF")).failures
        assert (failure.reason, failure.detail) == ("no_rate", "CHF")


@pytest.mark.parametrize(
    ("amounts", "revenue"),
    [
        ({"revenue": 10, "total": 12, "value": 9}, 10.0), ({"total": "12.50"}, 12.5), ({"value": 9}, 9.0),
        ({"products": [{"product_id": "p", "price": 3, "quantity": 2}, {"product_id": "q", "price": 1}]}, 7.0),
        ({"revenue": -4}, 4.0), ({"revenue": 10, "currency": "EUR"}, 20.0), ({}, 0.0),
    ],
)  # fmt: skip
def test_what_an_order_brings(amounts: dict[str, Any], revenue: float) -> None:
    assert float(one(track("Order Completed", order_id="o", **amounts))["revenue"]) == revenue


def test_an_order_is_known_by_its_id_within_its_site() -> None:
    columns = read(track("Order Completed", order_id="o1"), track("Order Completed", order_id=" o1 "),
                   track("Order Completed"), track("Order Refunded", order_id="o1"))  # fmt: skip
    first, again, without, refund = columns.events["order_key"].tolist()
    assert first == again != 0
    assert without == refund == 0


def test_lines_of_products_in_every_spelling() -> None:
    columns = read(
        track(
            "Checkout Started", currency="EUR",
            products=[
                {"product_id": "p1", "category": "c", "price": 2, "quantity": 3},
                {"sku": "p2", "price": "4.5"}, {"item_id": "p3", "item_category": "d", "quantity": 1}, {"id": 4},
            ],
        ),
        track("Product Added", product_id="p5", category="e", price=7),
        track("Product Viewed", product_id="p6"),
    )  # fmt: skip
    assert [(p, c, pr if pr == pr else None, q if q == q else None) for p, c, pr, q in items(columns)] == [
        (key("p1"), key("c"), 4.0, 3.0), (key("p2"), 0, 9.0, None), (key("p3"), key("d"), None, 1.0),
        (key("4"), 0, None, None),
    ]  # fmt: skip
    [(product, category, price, quantity)] = items(columns, 1)
    assert (product, category, price) == (key("p5"), key("e"), 7.0)
    assert np.isnan(quantity)
    assert items(columns, 2) == []


def test_a_product_event_with_a_list_is_about_its_first_line() -> None:
    e = one(track("view_item", products=[{"item_id": "p1", "item_category": "c", "price": 3}, {"item_id": "p2"}]))
    assert (e["product"], e["category"], float(e["price"])) == (key("p1"), key("c"), 3.0)


@pytest.mark.parametrize(
    ("properties", "is_discounted"),
    [({"regular_price": 12}, True), ({"compare_at_price": "12"}, True), ({"discount": 1}, True),
     ({"regular_price": 10}, False),
     ({"discount": 0}, False), ({}, False)],
)  # fmt: skip
def test_a_reduced_price_is_noticed(properties: dict[str, Any], is_discounted: bool) -> None:
    flags = one(track(product_id="p", price=10, **properties))["flags"]
    assert bool(flags & Flag.DISCOUNTED) is is_discounted


def test_amounts_beyond_reason_are_none() -> None:
    columns = read(
        track(product_id="p", price=1e300), track(product_id="p", price=-2), track(product_id="p", quantity=1e30)
    )
    assert np.isnan(columns.events["price"][[0, 2]]).all()
    assert np.isnan(columns.events["quantity"]).all()


def test_prices_find_their_place_and_outliers_are_flagged() -> None:
    prices = np.arange(1, 42, dtype=np.float32)
    category, product = np.full(41, key("c"), np.uint64), np.full(41, key("p"), np.uint64)
    facts = make_facts(5, category, prices, product, prices)
    columns = read(
        track(product_id="p", category="c", price=21), track(product_id="p", category="c", price=41),
        track(product_id="p", category="other", price=21), track(product_id="p", category="c", price=500),
        track("Order Completed", order_id="o", products=[{"product_id": "p", "category": "c", "price": 11}]),
        facts=facts,
    )  # fmt: skip
    found = [None if np.isnan(p) else round(float(p), 3) for p in columns.events["percentile"]]
    assert found[:4] == [0.5, 1.0, None, 1.0]
    assert (columns.events["flags"] & Flag.OUTLIER_PRICE != 0).tolist() == [False, False, False, True, False]
    assert columns.items["percentile"].round(3).tolist() == [0.25]


# -- where, from where, with what ----------------------------------------------------------------------------------


def test_a_page_gives_section_and_address() -> None:
    columns = read({**track(), "context": {"page": {"url": "https://shop.example/women/shoes/?utm_source=x#top"}}})
    e = columns.events[0]
    assert (e["section"], e["page"]) == (key("women/shoes"), key("https://shop.example/women/shoes/"))


def test_the_category_of_a_list_is_its_section() -> None:
    listed = {**track("Product List Viewed", category="Women/Shoes"), "context": {"page": {"path": "/c/77"}}}
    assert one(listed)["section"] == key("women/shoes")


def test_how_a_visit_came() -> None:
    page = {"url": "https://shop.example/?utm_source=news&utm_medium=email&utm_campaign=fall", "referrer": ""}
    columns = read(
        {**track(), "context": {"page": page}},
        {**track(), "context": {"page": {"url": page["url"][:22], "referrer": "https://www.bing.com/search?q=red+shoes"}}},
        {**track(), "context": {"page": {"url": "https://shop.example/a", "referrer": "https://shop.example/"}}},
        {**track(), "context": {"campaign": {"source": "google", "medium": "cpc", "name": "brand", "term": "shoes"}}},
        track(),
    )  # fmt: skip
    assert columns.events["channel"].tolist() == [
        Channel.EMAIL, Channel.ORGANIC_SEARCH, NO_CHANNEL, Channel.PAID_SEARCH, NO_CHANNEL,
    ]  # fmt: skip
    assert columns.events["campaign"].tolist() == [key("fall"), 0, 0, key("brand"), 0]
    assert columns.events["keyword"].tolist() == [0, key("red shoes"), 0, key("shoes"), 0]


def test_the_device_is_the_events_or_else_the_requests() -> None:
    columns = read(
        {**track(), "context": {"userAgent": IPHONE}}, track(), user_agent="Googlebot/2.1 (+http://g.example)"
    )
    assert columns.events["device"].tolist() == [Device.MOBILE, Device.BOT]
    assert columns.events["os"][0] == Os.IOS
    assert (columns.events["flags"] & Flag.BOT != 0).tolist() == [False, True]


def test_the_place_is_the_events_the_cdns_or_the_time_zones() -> None:
    columns = read(
        {**track(), "context": {"location": {"country": "France", "city": "Paris"}, "timezone": "Asia/Tokyo"}},
        {**track(), "context": {"timezone": "Asia/Tokyo"}},
        country="NL", region="NH", city="Amsterdam",
    )  # fmt: skip
    assert [country_text(int(c)) for c in columns.events["country"]] == ["FR", "NL"]
    assert columns.events["city"].tolist() == [key("Paris"), key("Amsterdam")]
    assert columns.events["region"][1] == region_key(1, "NH")
    zone = one({**track(), "context": {"timezone": "Asia/Tokyo"}})
    assert int(zone["country"]) == country_number("JP")


def test_what_happened_in_a_store_says_so() -> None:
    columns = read({**track("Order Completed", order_id="o"), "context": {"channel": "Store"}},
                   {**track("Order Completed", order_id="o2"), "context": {"channel": "web"}})  # fmt: skip
    assert (columns.events["flags"] & Flag.STORE != 0).tolist() == [True, False]


@pytest.mark.parametrize(("percent", "scroll"), [(50, 50.0), ("75%", 75.0), (250, 100.0), (-3, 0.0), ("all", None)])
def test_how_far_somebody_scrolled(percent: Any, scroll: float | None) -> None:
    found = float(one(track("Scrolled", percent=percent))["scroll"])
    assert (None if np.isnan(found) else found) == scroll


def test_a_search_is_remembered_in_lower_case() -> None:
    assert one(track("Products Searched", query=" Red Shoes "))["query"] == key("red shoes")


# -- offsets, names, other protocols -------------------------------------------------------------------------------


def test_every_event_has_the_offset_of_its_line() -> None:
    columns = read(track(), track(), track())
    assert columns.offsets.tolist() == [40, 41, 42]
    assert json.loads(columns.line(1)) == track()
    assert columns.entry(2).n == 3
    with pytest.raises(ValueError, match="the log says 3 events at offset 0, its lines are 1"):
        Reader(SETTINGS, Geo("")).read([(0, Entry(1, NOON_MS, 0, 3, b"{}"))], no_facts())


def test_every_key_in_the_columns_has_a_name_once() -> None:
    reader = Reader(SETTINGS, Geo(""))
    seen = {**track(product_id="p1", category="c1"), "context": {"page": {"url": "https://shop.example/women"}}}
    entry = Entry(1, NOON_MS, 0, 2, b"\n".join([json.dumps(seen).encode()] * 2), city="Amsterdam", country="NL")
    events = reader.read([(0, entry)], no_facts()).events
    names = {(what, key): text for _, key, what, text in reader.new_names}
    assert len(names) == len(reader.new_names)
    found = {f: names[(f, int(events[0][f]))] for f in ("product", "category", "page", "city")}
    assert found == {"product": "p1", "category": "c1", "page": "https://shop.example/women", "city": "Amsterdam"}
    assert ("section", int(events[0]["section"])) in names
    reader.new_names.clear()
    reader.read([(2, entry)], no_facts())
    assert reader.new_names == []


def test_ga4_events_come_to_the_same_columns() -> None:
    sent = {
        "client_id": "a1",
        "events": [{"name": "purchase", "params": {
            "transaction_id": "o1", "value": 12.5, "currency": "EUR",
            "items": [{"item_id": "p1", "item_category": "c", "price": 5, "quantity": 2}],
        }}],
    }  # fmt: skip
    [line] = ga4.events_of_mp(json.dumps(sent).encode())
    columns = Reader(SETTINGS, Geo("")).read([(0, Entry(1, NOON_MS, int(Source.GA4), 1, line))], no_facts())
    e = columns.events[0]
    assert columns.failures == []
    assert (e["kind"], float(e["revenue"]), e["anonymous_key"]) == (Kind.ORDER, 25.0, identity_key(1, ANONYMOUS, "a1"))
    assert items(columns) == [(key("p1"), key("c"), 10.0, 2.0)]
    assert e["order_key"] != 0


def test_snowplow_events_come_to_the_same_columns() -> None:
    sent = {
        "e": "pv", "eid": "11111111-1111-4111-8111-111111111111", "duid": "d1", "uid": "u1", "p": "web",
        "tz": "Asia/Tokyo", "url": "https://shop.example/women/shoes?utm_source=x&utm_medium=email",
        "dtm": str(NOON_MS - 5000), "stm": str(NOON_MS - 2000),
    }  # fmt: skip
    [line] = snowplow.events_of_tp2(json.dumps({"schema": "s", "data": [sent]}).encode())
    columns = Reader(SETTINGS, Geo("")).read([(0, Entry(1, NOON_MS, int(Source.SNOWPLOW), 1, line))], no_facts())
    e = columns.events[0]
    assert columns.failures == []
    assert (e["kind"], int(e["time"]), e["section"]) == (Kind.PAGE_VIEW, NOON_MS - 3000, key("women/shoes"))
    assert (e["user_key"], e["anonymous_key"]) == (identity_key(1, USER, "u1"), identity_key(1, ANONYMOUS, "d1"))
    assert (e["channel"], country_text(int(e["country"]))) == (Channel.EMAIL, "JP")


@pytest.mark.parametrize(("value", "text"), [("  a ", "a"), (12, "12"), (12.0, "12"), (0.5, "0.5"), (None, ""),
                                             (True, ""),
                                             (float("nan"), "")])  # fmt: skip
def test_scalars_as_text(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_countries_are_numbers_and_back() -> None:
    assert country_text(country_number("DE")) == "DE"
    assert [country_number(bad) for bad in ("", "DEU", "Ü")] == [0, 0, 0]
    assert country_text(0) == ""
