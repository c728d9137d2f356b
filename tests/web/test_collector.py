import asyncio
import base64
import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.web.collecting import KEY, SITES, FailingLog, Response, ask, entries_of, events_of, rejects_of

from footfall.base.clock import ManualClock
from footfall.events.wire import Source
from footfall.settings import Settings
from footfall.web.ack import GroupCommit
from footfall.web.asgi import App, build
from footfall.web.collector import DOORS, Collector

NOW_MS = 1_800_000_000_000
EVENT = {"type": "track", "event": "Product Viewed", "anonymousId": "a1", "messageId": "m1"}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


class Shop:
    """The whole collector over a log that can fail."""

    def __init__(self, **settings: Any) -> None:
        self.log = FailingLog()
        self.clock = ManualClock(NOW_MS)
        self.lag = 0
        self.runner = asyncio.Runner()
        self.settings = msgspec.structs.replace(Settings(), **settings)
        self.ack = GroupCommit(self.log, max_events=self.settings.ack_queue_max_events)
        self.collector = Collector(self.settings, SITES.get, self.ack, self.clock, lambda: self.lag)
        self.app: App = build(self.collector, None)

    def ask(self, method: str, path: str, body: Any = b"", *, key: str = "", **more: Any) -> Response:
        headers = dict(more.pop("headers", {}))
        if key:
            headers["authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.runner.run(ask(self.app, method, path, raw, headers, **more))

    def post(self, path: str, body: Any = b"", *, key: str = KEY, **more: Any) -> Response:
        return self.ask("POST", path, body, key=key, **more)


@pytest.fixture
def open_shop() -> Iterator[Callable[..., Shop]]:
    shops = []

    def make(**settings: Any) -> Shop:
        shops.append(Shop(**settings))
        return shops[-1]

    yield make
    for shop in shops:
        shop.log.may_append.set()
        shop.ack.close()
        shop.runner.close()


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    return open_shop()


# The Segment HTTP API


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch"])
def test_a_batch_is_stored_and_answered_with_exactly_success(shop: Shop, path: str) -> None:
    answer = shop.post(path, {"batch": [EVENT, {**EVENT, "messageId": "m2"}], "sentAt": "2027-01-15T08:00:00Z"})
    assert (answer.status, answer.body) == (200, b'{"success":true}')
    assert answer.headers["content-type"] == "application/json"
    [entry] = entries_of(shop.log)
    assert (entry.site, entry.n, entry.received_ms, entry.sent_at) == (7, 2, NOW_MS, "2027-01-15T08:00:00Z")
    assert [event["messageId"] for event in events_of(shop.log)] == ["m1", "m2"]


@pytest.mark.parametrize(
    ("paths", "type_name"),
    [
        (("/v1/track", "/v1/t"), "track"),
        (("/v1/page", "/v1/p"), "page"),
        (("/v1/screen", "/v1/s"), "screen"),
        (("/v1/identify", "/v1/i"), "identify"),
        (("/v1/group", "/v1/g"), "group"),
        (("/v1/alias", "/v1/a"), "alias"),
    ],
)
def test_a_single_call_gets_its_type_from_its_route(shop: Shop, paths: tuple[str, str], type_name: str) -> None:
    for path in paths:
        assert shop.post(path, {"anonymousId": "a1"}).status == 200
    assert [event["type"] for event in events_of(shop.log)] == [type_name, type_name]


@pytest.mark.parametrize(
    "request_",
    [
        {"key": KEY},
        {"headers": {"x-write-key": KEY}, "key": ""},
        {"query": f"writeKey={KEY}", "key": ""},
        {"query": f"a=b&write_key={KEY}", "key": ""},
        {"body": {"batch": [EVENT], "writeKey": KEY}, "key": ""},
        {"headers": {"authorization": "Bearer token"}, "body": {"batch": [EVENT], "writeKey": KEY}, "key": ""},
    ],
)
def test_the_write_key_may_stand_in_many_places(shop: Shop, request_: dict[str, Any]) -> None:
    assert shop.post("/v1/batch", **{"body": {"batch": [EVENT]}, **request_}).status == 200
    assert len(events_of(shop.log)) == 1


def test_a_single_call_may_hold_its_key(shop: Shop) -> None:
    assert shop.post("/v1/t", {**EVENT, "writeKey": KEY}, key="").status == 200
    assert len(events_of(shop.log)) == 1


@pytest.mark.parametrize(
    "request_",
    [
        {"key": "wk_nobody"},
        {"key": "wk_closed"},
        {"key": ""},
        {"key": "", "body": {"batch": [EVENT], "writeKey": "wk_nobody"}},
        {"key": "", "body": {"batch": [EVENT], "writeKey": 7}},
        {"key": "", "headers": {"authorization": "Basic !!!"}},
        {"key": "", "headers": {"authorization": "Basic " + base64.b64encode(b"\xff\xfe:").decode()}},
    ],
)
def test_without_a_known_key_nothing_is_stored(shop: Shop, request_: dict[str, Any]) -> None:
    answer = shop.post("/v1/batch", **{"body": {"batch": [EVENT]}, **request_})
    assert (answer.status, answer.json()["code"]) == (401, "unknown_write_key")
    assert shop.log.next_offset() == 0


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
def test_json_is_json_whatever_the_content_type_says(shop: Shop, content_type: str) -> None:
    assert shop.post("/v1/batch", {"batch": [EVENT]}, headers={"content-type": content_type}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "gzip"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json"},
    ],
)
def test_gzip_is_unpacked_whatever_the_headers_say(shop: Shop, headers: dict[str, str]) -> None:
    packed = gzip.compress(json.dumps({"batch": [EVENT]}).encode())
    assert shop.post("/v1/batch", packed, headers=headers).status == 200
    assert len(events_of(shop.log)) == 1


def test_an_empty_batch_is_a_success_and_stores_nothing(shop: Shop) -> None:
    assert shop.post("/v1/batch", {"batch": []}).status == 200
    assert shop.log.next_offset() == 0


# What is refused


def test_a_broken_body_is_refused_and_listed(shop: Shop) -> None:
    answer = shop.post("/v1/batch", b'{"batch":[{"a":1}')
    assert (answer.status, answer.json()["code"]) == (400, "bad_json")
    assert rejects_of(shop.log) == [("bad_json", b'{"batch":[{"a":1}')]
    assert [entry.site for entry in entries_of(shop.log)] == [7]


def test_a_broken_body_that_names_its_key_is_listed_too(shop: Shop) -> None:
    assert shop.post("/v1/t", b'{"a":NaN,"writeKey":"wk_shop"}', key="").status == 400
    assert [reason for reason, _ in rejects_of(shop.log)] == ["bad_json"]
    assert shop.post("/v1/t", b'{"a":NaN,"writeKey":"wk_nobody"}', key="").status == 401


def test_what_is_listed_is_redacted_and_cut(shop: Shop) -> None:
    event = {**EVENT, "context": {"ip": "198.51.100.23"}, "properties": {"x": "y" * 40_000}}
    assert shop.post("/v1/batch", {"batch": [event]}).status == 200
    [(reason, body)] = rejects_of(shop.log)
    assert (reason, len(body) <= 32_768) == ("event_too_large", True)
    assert b"198.51.100.23" not in body


def test_good_neighbours_of_refused_events_are_stored(shop: Shop) -> None:
    big = {**EVENT, "properties": {"x": "y" * 40_000}}
    body = json.dumps({"batch": [EVENT, big, 7, {"bad": float("nan")}, {**EVENT, "messageId": "m2"}]}).encode()
    assert shop.post("/v1/batch", body).status == 200
    assert [event["messageId"] for event in events_of(shop.log)] == ["m1", "m2"]
    assert [reason for reason, _ in rejects_of(shop.log)] == ["event_too_large", "not_an_object", "bad_json"]
    assert shop.log.next_offset() == 5


@pytest.mark.parametrize(
    ("headers", "library", "status"),
    [
        ({}, "analytics.js", 400),
        ({"anonymousid": "YTE="}, "analytics.js", 200),
        ({"user-agent": "RudderStack/1.0"}, "analytics.js", 200),
        ({}, "rudder-sdk-node", 200),
    ],
)
def test_segments_clients_may_send_less_at_once_than_others(
    shop: Shop, headers: dict[str, str], library: str, status: int
) -> None:
    event = {**EVENT, "context": {"library": {"name": library}}, "properties": {"x": "y" * 10_000}}
    answer = shop.post("/v1/batch", {"batch": [event] * 60}, headers=headers)
    assert answer.status == status
    if status == 400:
        assert answer.json()["code"] == "batch_too_large"
        assert [reason for reason, _ in rejects_of(shop.log)] == ["batch_too_large"]
    else:
        assert {entry.source for entry in entries_of(shop.log)} == {Source.RUDDER}


def test_nobody_may_send_more_than_the_largest_batch(shop: Shop) -> None:
    packed = gzip.compress(b'{"batch":["' + b"0" * 50_000_000 + b'"]}')
    answer = shop.post("/beacon/v1/batch", packed)
    assert (answer.status, answer.json()["code"]) == (400, "batch_too_large")


def test_a_flood_of_rubbish_is_refused_but_not_all_listed(
    open_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("footfall.web.collector.REJECTS_BURST", 5)
    shop = open_shop()
    assert {shop.post("/v1/track", b"{").status for _ in range(20)} == {400}
    assert shop.log.next_offset() == 5
    answer = shop.post("/v1/batch", {"batch": [EVENT, 1]})  # broken events inside are never lost in silence
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    shop.clock.set_ms(NOW_MS + 1_000)
    assert shop.post("/v1/batch", {"batch": [EVENT, 1]}).status == 200


def test_too_many_headers_or_too_long_a_query_are_refused(shop: Shop) -> None:
    assert shop.post("/v1/t", EVENT, headers={f"x-{i}": "y" for i in range(120)}).status == 400
    assert shop.post("/v1/t", EVENT, query="a" * 70_000).status == 400


# What stops us


def test_a_full_disk_is_answered_503_and_recovers(shop: Shop) -> None:
    shop.log.is_full = True
    answer = shop.post("/v1/track", EVENT)
    assert (answer.status, answer.json()["code"]) == (503, "log_down")
    assert int(answer.headers["retry-after"]) >= 1


def test_too_much_that_is_not_yet_applied_is_answered_503(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(lag_max_events=1_000)
    shop.lag = 1_001
    answer = shop.post("/v1/track", EVENT)
    assert (answer.status, answer.json()["code"]) == (503, "lag")
    assert int(answer.headers["retry-after"]) >= 1
    assert shop.ask("GET", "/readyz").status == 503
    shop.lag = 1_000
    shop.clock.set_ms(NOW_MS + 20)
    assert shop.post("/v1/track", EVENT).status == 200
    assert shop.ask("GET", "/readyz").status == 200


def test_a_key_that_sends_too_much_is_answered_429(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(key_max_events_per_s=10)
    assert shop.post("/v1/batch", {"batch": [EVENT] * 20}).status == 200
    answer = shop.post("/v1/track", EVENT)
    assert (answer.status, answer.json()["code"], answer.headers["retry-after"]) == (429, "too_many_events", "1")
    assert shop.post("/v1/track", EVENT, key="wk_fenced").status == 200
    shop.clock.set_ms(NOW_MS + 1_000)
    assert shop.post("/v1/track", EVENT).status == 200


# What only the request knows


def test_the_envelope_tells_of_the_browser_and_its_place(shop: Shop) -> None:
    headers = {"user-agent": BROWSER, "x-forwarded-for": "203.0.113.9", "cf-ipcountry": "DE", "cf-region-code": "BE"}
    assert shop.post("/v1/track", EVENT, headers=headers, peer="127.0.0.1").status == 200
    assert shop.post("/v1/track", EVENT, headers=headers, peer="198.51.100.23").status == 200
    trusted, stranger = entries_of(shop.log)
    assert (trusted.ip, trusted.country, trusted.region, trusted.user_agent) == ("203.0.113.0", "DE", "BE", BROWSER)
    assert (stranger.ip, stranger.country, stranger.region) == ("198.51.100.0", "", "")


def test_addresses_and_secrets_do_not_reach_the_log(shop: Shop) -> None:
    context = {"ip": "198.51.100.23", "page": {"url": "https://shop.example/reset?token=s3cret&x=1"}}
    assert shop.post("/v1/track", {**EVENT, "context": context}).status == 200
    [entry] = entries_of(shop.log)
    assert b"198.51.100.23" not in entry.body
    assert b"s3cret" not in entry.body


# Other protocols


def test_the_pixel_takes_one_event_and_answers_a_picture(shop: Shop) -> None:
    raw = json.dumps({**EVENT, "writeKey": KEY, "properties": {"title": "Größe?>"}}).encode()
    for data in (base64.urlsafe_b64encode(raw).rstrip(b"="), base64.b64encode(raw)):
        answer = shop.ask("GET", "/v1/pixel.gif", query=urlencode({"data": data.decode()}))
        assert (answer.status, answer.headers["content-type"], answer.body[:6]) == (200, "image/gif", b"GIF89a")
    assert len(events_of(shop.log)) == 2
    assert entries_of(shop.log)[0].source == Source.PIXEL


@pytest.mark.parametrize("query", ["data=%%%", "data=!!!!", "data=e30", "data=bnVsbA"])
def test_a_pixel_that_holds_no_event_is_refused(shop: Shop, query: str) -> None:
    assert shop.ask("GET", "/v1/pixel.gif", query=query).status in (400, 401)
    assert shop.ask("GET", "/v1/pixel.gif", query=query, key=KEY).status == (200 if query == "data=e30" else 400)


def snowplow_payload(*events: dict[str, str]) -> dict[str, Any]:
    return {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": list(events)}


PAGE_VIEW = {"e": "pv", "eid": "11111111-1111-4111-8111-111111111111", "duid": "d1", "p": "web", "tv": "py-1.0"}
PAGE_VIEW |= {"url": "https://shop.example/women", "page": "Größe", "dtm": "1799999999000"}


@pytest.mark.parametrize("path", ["/com.snowplowanalytics.snowplow/tp2", f"/{KEY}/com.snowplowanalytics.snowplow/tp2"])
def test_snowplow_events_become_events(shop: Shop, path: str) -> None:
    answer = shop.post(path, snowplow_payload({**PAGE_VIEW, "aid": KEY}), key="")
    assert (answer.status, answer.body) == (200, b'{"success":true}')
    [event] = events_of(shop.log)
    assert event["type"] == "page"
    assert entries_of(shop.log)[0].source == Source.SNOWPLOW


@pytest.mark.parametrize("path", ["/i", f"/{KEY}/i"])
def test_snowplow_events_come_by_query_as_well(shop: Shop, path: str) -> None:
    answer = shop.ask("GET", path, query=urlencode({**PAGE_VIEW, "aid": KEY}))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert [(event["type"], event["name"]) for event in events_of(shop.log)] == [("page", "Größe")]


def test_an_oversize_snowplow_event_is_stored_as_failed_and_answered_200(shop: Shop) -> None:
    body = snowplow_payload({**PAGE_VIEW, "page": "x" * 40_000}, {**PAGE_VIEW, "eid": "e2"})
    assert shop.post("/com.snowplowanalytics.snowplow/tp2", body).status == 200
    assert len(events_of(shop.log)) == 1
    assert [reason for reason, _ in rejects_of(shop.log)] == ["event_too_large"]


def test_an_oversize_snowplow_body_is_stored_as_failed_and_answered_200(shop: Shop) -> None:
    assert shop.post("/com.snowplowanalytics.snowplow/tp2", b'{"data":[' + b" " * 4_200_000 + b"]}").status == 200
    assert [reason for reason, _ in rejects_of(shop.log)] == ["batch_too_large"]


def test_ga4_events_become_events(shop: Shop) -> None:
    body = {"client_id": "c1.1", "events": [{"name": "view_item", "params": {"items": [{"item_id": "s1"}]}}]}
    for query in (f"measurement_id=G-1&api_secret={KEY}", f"measurement_id={KEY}", f"write_key={KEY}"):
        assert shop.post("/mp/collect", body, key="", query=query).status == 200
    assert len(events_of(shop.log)) == 3
    assert entries_of(shop.log)[0].source == Source.GA4


def test_ga4_clients_always_hear_2xx_but_nothing_unsafe_is_acknowledged(shop: Shop) -> None:
    assert shop.post("/mp/collect", b"{", key="", query=f"api_secret={KEY}").status == 200
    assert [reason for reason, _ in rejects_of(shop.log)] == ["bad_json"]
    assert shop.post("/mp/collect", {"events": []}, key="", query="api_secret=nobody").status == 200
    shop.log.is_full = True
    body = {"client_id": "c1.1", "events": [{"name": "view_item"}]}
    assert shop.post("/mp/collect", body, key="", query=f"api_secret={KEY}").status == 503


# Browsers


@pytest.mark.parametrize("path", [*DOORS, f"/{KEY}/i", "/sourceConfig/", f"/v1/projects/{KEY}/settings"])
def test_a_preflight_is_answered_200_with_every_header_by_name(shop: Shop, path: str) -> None:
    headers = {
        "origin": "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,rsa-recovered,rsa-new-one,x-evil",
    }
    answer = shop.ask("OPTIONS", path, headers=headers)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type", "x-retry-count", "anonymousid", "sentat", "sp-anonymous"} <= allowed
    assert {"rsa-recovered", "rsa-new-one"} <= allowed
    assert not {"*", "x-evil"} & allowed
    assert answer.headers["access-control-allow-methods"] in ("POST, OPTIONS", "GET, OPTIONS")


def test_answers_echo_the_pages_origin(shop: Shop) -> None:
    for body, status in ((EVENT, 200), (b"{", 400)):
        answer = shop.post("/v1/t", body, headers={"origin": "https://anywhere.example"})
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == "https://anywhere.example"
        assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in shop.post("/v1/t", EVENT).headers


def test_a_site_with_origins_takes_events_from_these_only(shop: Shop) -> None:
    good = shop.post("/v1/t", EVENT, key="wk_fenced", headers={"origin": "https://shop.example"})
    assert (good.status, good.headers["access-control-allow-origin"]) == (200, "https://shop.example")
    for origin in ("https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null"):
        assert shop.post("/v1/t", EVENT, key="wk_fenced", headers={"origin": origin}).status == 403
    assert shop.post("/v1/t", EVENT, key="wk_fenced").status == 200  # no browser, no origin
    assert len(events_of(shop.log)) == 2


def test_an_origin_that_is_none_is_not_echoed(shop: Shop) -> None:
    answer = shop.post("/v1/t", EVENT, headers={"origin": "https://a\r\nx: y"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_another_method_is_refused(shop: Shop, method: str) -> None:
    answer = shop.ask(method, "/v1/batch", key=KEY)
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


# Bootstrap


def test_segments_sdk_is_told_to_send_here_and_nowhere_else(shop: Shop) -> None:
    answer = shop.ask("GET", f"/v1/projects/{KEY}/settings", headers={"host": "127.0.0.1:8700"})
    segment = answer.json()["integrations"]["Segment.io"]
    assert (segment["apiKey"], segment["apiHost"], segment["protocol"]) == (KEY, "127.0.0.1:8700/v1", "http")
    assert answer.json()["metrics"]["sampleRate"] == 0
    assert list(answer.json()["integrations"]) == ["Segment.io"]
    assert shop.ask("GET", "/v1/projects/nobody/settings").status == 401


def test_the_address_in_the_settings_is_not_the_clients_to_choose(open_shop: Callable[..., Shop]) -> None:
    path = f"/v1/projects/{KEY}/settings"
    shop = open_shop(public_url="https://t.shop.example/")
    settings = shop.ask("GET", path, headers={"host": "evil.example"}).json()["integrations"]["Segment.io"]
    assert (settings["protocol"], settings["apiHost"]) == ("https", "t.shop.example/v1")
    shop = open_shop()
    headers = {"host": "in.example", "x-forwarded-host": "t.example", "x-forwarded-proto": "https"}
    for peer, host in (("127.0.0.1", "https://t.example/v1"), ("198.51.100.23", "http://in.example/v1")):
        told = shop.ask("GET", path, headers=headers, peer=peer).json()["integrations"]["Segment.io"]
        assert f"{told['protocol']}://{told['apiHost']}" == host
    answer = shop.ask("GET", path, headers={"host": 'a"><script>'})
    assert answer.json()["integrations"]["Segment.io"]["apiHost"] == "localhost/v1"


@pytest.mark.parametrize("path", ["/sourceConfig/", "/sourceConfig"])
def test_rudders_sdk_gets_a_source_without_destinations(shop: Shop, path: str) -> None:
    source = shop.ask("GET", path, key=KEY).json()["source"]
    assert (source["writeKey"], source["enabled"], source["destinations"]) == (KEY, True, [])
    assert shop.ask("GET", path, query=f"writeKey={KEY}").status == 200
    assert shop.ask("GET", path).status == 401


# What the tracker asks for

ID = "0123456789abcdef0123456789abcdef"
ASKING = {"batch": [{**EVENT, "anonymousId": ID}], "cookie": {"domain": "shop.test", "days": 395}}


def test_a_page_of_the_shop_gets_the_cookie_it_asks_for_and_the_log_knows_nothing_of_it(shop: Shop) -> None:
    headers = {"host": "data.shop.test", "origin": "http://www.shop.test"}
    for path in ("/v1/batch", "/v1/b", "/ff/v1/b"):
        answer = shop.post(path, ASKING, headers=headers)
        expected = f"ff_anonymous_id={ID}; Path=/; Max-Age=34128000; SameSite=Lax; Domain=shop.test"
        assert (answer.status, answer.headers["set-cookie"]) == (200, expected)
        assert answer.headers["access-control-allow-origin"] == "http://www.shop.test"
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["content-length"] == "16"
    assert b"cookie" not in b"".join(entry.body for entry in entries_of(shop.log))


def test_the_proxy_of_a_shop_says_how_the_page_reached_it_if_it_is_trusted(shop: Shop) -> None:
    headers = {"host": "10.0.0.7:8700", "origin": "https://www.shop.test"}
    headers |= {"x-forwarded-host": "www.shop.test", "x-forwarded-proto": "https"}
    assert "set-cookie" not in shop.post("/ff/v1/b", ASKING, headers=headers).headers
    answer = shop.post("/ff/v1/b", ASKING, headers=headers, peer="127.0.0.1")
    assert answer.headers["set-cookie"].endswith("; Secure; Domain=shop.test")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "data.shop.test"},
        {"host": "data.shop.test", "origin": "https://evil.example"},
        {"host": "data.shop.test", "origin": "null"},
        {"host": "data.shop.test", "origin": "http://www.shop.test", "cookie": "ff_anonymous_id=" + "f" * 32},
    ],
)
def test_others_get_no_cookie_though_their_events_are_taken(shop: Shop, headers: dict[str, str]) -> None:
    answer = shop.post("/v1/batch", ASKING, headers=headers)
    assert answer.status == 200
    assert "set-cookie" not in answer.headers


def test_a_batch_that_is_refused_brings_no_cookie(shop: Shop) -> None:
    headers = {"host": "shop.test", "origin": "http://shop.test"}
    assert "set-cookie" not in shop.post("/v1/batch", ASKING, key="wk_nobody", headers=headers).headers
    shop.log.is_full = True
    answer = shop.post("/v1/batch", ASKING, headers=headers)
    assert answer.status == 503
    assert "set-cookie" not in answer.headers


def test_who_said_no_gets_no_cookie_from_a_batch_that_was_under_way(shop: Shop) -> None:
    headers = {"host": "shop.test", "origin": "http://shop.test"}
    consent = {"categoryPreferences": {"analytics": False}}
    said_no = {"type": "track", "event": "Segment Consent Preference Updated", "anonymousId": ID}
    shop.post("/v1/batch", {"batch": [{**said_no, "context": {"consent": consent}}]})
    answer = shop.post("/v1/batch", ASKING, headers=headers)
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    assert [event["event"] for event in events_of(shop.log)] == ["Segment Consent Preference Updated"]


def test_a_batch_that_says_no_to_measuring_brings_no_cookie(shop: Shop) -> None:
    event = {**EVENT, "anonymousId": ID, "context": {"consent": {"analytics_storage": "denied"}}}
    answer = shop.post(
        "/v1/batch", {**ASKING, "batch": [event]}, headers={"host": "shop.test", "origin": "http://shop.test"}
    )
    assert answer.status == 200
    assert "set-cookie" not in answer.headers


def test_an_event_that_says_no_to_measuring_is_answered_and_not_stored(shop: Shop) -> None:
    refusing = {**EVENT, "context": {"consent": {"categoryPreferences": {"analytics": False}}}}
    assert shop.post("/v1/batch", {"batch": [refusing]}).status == 200
    assert shop.post("/v1/track", refusing).status == 200
    assert shop.log.next_offset() == 0
    assert shop.collector.consents.n_left_out == 2


# Under a path of the shop's own domain


@pytest.mark.parametrize("path", ["/ff/v1/batch", "/ff/v1/track", "/ff/beacon/v1/batch", "/t/x/v1/t", "/v1/t"])
def test_events_arrive_with_and_without_the_prefix_of_a_proxy(open_shop: Callable[..., Shop], path: str) -> None:
    shop = open_shop(path_prefixes=("/ff", "/t/x"))
    body = {"batch": [EVENT]} if "batch" in path else EVENT
    assert shop.post(path, body).status == 200
    assert len(events_of(shop.log)) == 1


def test_routes_that_hold_a_key_stand_under_the_prefix_too(shop: Shop) -> None:
    assert shop.ask("GET", f"/ff/v1/projects/{KEY}/settings").status == 200
    assert shop.ask("GET", f"/ff/{KEY}/i", query="e=pv&duid=1").status == 200
    assert shop.ask("GET", "/ff/i", query=f"e=pv&duid=1&aid={KEY}").status == 200
    assert shop.ask("GET", "/ff/sourceConfig/", query=f"writeKey={KEY}").status == 200
    assert len(events_of(shop.log)) == 2


@pytest.mark.parametrize(
    "path", ["/ff", "/ff/", "/ff/x", "/ff/ff/v1/batch", "/fff/v1/batch", "/ff/api/ledger", "/ff//v1"]
)
def test_nothing_else_stands_under_the_prefix(shop: Shop, path: str) -> None:
    assert shop.post(path, {"batch": [EVENT]}).status == 404
    assert shop.ask("GET", path).status == 404


def test_the_dashboard_is_not_shown_under_the_prefix(shop: Shop) -> None:
    async def dashboard(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nothing of it may be asked for")

    shop.app = build(shop.collector, dashboard)
    for path in ("/ff/", "/ff/login", "/ff/api/ledger", "/ff/visitors/x", "/ff/healthz"):
        assert shop.ask("GET", path, headers={"accept": "text/html"}).status == 404


def test_without_prefixes_there_are_none(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(path_prefixes=())
    assert shop.post("/ff/v1/batch", {"batch": [EVENT]}).status == 404


def test_the_tracker_has_further_names(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(script_names=("a.js", "shop.js"))
    same = {shop.ask("GET", path).status for path in ("/footfall.js", "/a.js", "/ff/a.js", "/ff/shop.js")}
    assert same in ({200}, {404})  # 404 where the front end isn't built
    assert shop.ask("GET", "/b.js").json()["code"] == "missing"


# The image for browsers without scripts


def test_an_image_that_says_nothing_is_a_page_view_of_a_visitor_for_a_day(shop: Shop) -> None:
    headers = {"referer": "https://shop.test/women/shoes", "user-agent": BROWSER}
    for _ in range(2):
        answer = shop.ask("GET", "/v1/pixel.gif", query=f"write_key={KEY}", headers=headers)
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    shop.ask("GET", "/ff/v1/pixel.gif", query=f"write_key={KEY}", headers={**headers, "user-agent": "Mozilla/5.0"})
    first, again, other = events_of(shop.log)
    assert first == again
    assert (first["type"], first["context"]["page"]["url"]) == ("page", "https://shop.test/women/shoes")
    assert first["anonymousId"].startswith("daily_")
    assert other["anonymousId"] != first["anonymousId"]
    shop.clock.set_ms(NOW_MS + 86_400_000)
    shop.ask("GET", "/v1/pixel.gif", query=f"write_key={KEY}", headers=headers)
    assert events_of(shop.log)[3]["anonymousId"] != first["anonymousId"]


def test_an_image_that_names_somebody_is_left_as_it_is(shop: Shop) -> None:
    data = base64.urlsafe_b64encode(json.dumps(EVENT).encode()).decode()
    shop.ask("GET", "/v1/pixel.gif", query=f"write_key={KEY}&data={data}", headers={"referer": "https://mail.example/"})
    assert events_of(shop.log) == [EVENT]


def test_an_image_in_a_browser_that_sends_global_privacy_control_is_not_counted(shop: Shop) -> None:
    answer = shop.ask("GET", "/v1/pixel.gif", query=f"write_key={KEY}", headers={"sec-gpc": "1"})
    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert shop.log.next_offset() == 0


def test_answers_and_their_times_are_counted(shop: Shop) -> None:
    shop.post("/v1/batch", {"batch": [EVENT]})
    shop.post("/v1/batch", b"{")
    shop.post("/v1/batch", {"batch": [EVENT]}, key="wk_nobody")
    assert shop.collector.tally.n_by_status == {200: 1, 400: 1, 401: 1}
    assert sum(shop.collector.tally.n_by_bucket) == 1
