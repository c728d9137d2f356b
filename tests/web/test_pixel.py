import json

from footfall.web.pixel import DailyIds, completed, is_anonymous, refuses

DAY_MS = 86_400_000
NOON_MS = 20_000 * DAY_MS + DAY_MS // 2
AGENT = b"Mozilla/5.0 (X11; Linux x86_64)"


def test_a_browser_keeps_its_id_for_a_day_and_nobody_can_tell_it_the_next() -> None:
    ids = DailyIds()
    first = ids.of(NOON_MS, 1, "203.0.113.0", AGENT)
    assert first == ids.of(NOON_MS + DAY_MS // 4, 1, "203.0.113.0", AGENT)
    tomorrow = ids.of(NOON_MS + DAY_MS // 2, 1, "203.0.113.0", AGENT)
    assert tomorrow != first
    assert ids.of(NOON_MS, 1, "203.0.113.0", AGENT) != first, "the key of a day is gone with it"
    assert first.startswith("daily_")
    assert len(first) == 38


def test_other_sites_neighbourhoods_browsers_and_servers_give_other_ids() -> None:
    ids = DailyIds()
    found = {
        ids.of(NOON_MS, 1, "203.0.113.0", AGENT),
        ids.of(NOON_MS, 2, "203.0.113.0", AGENT),
        ids.of(NOON_MS, 1, "203.0.114.0", AGENT),
        ids.of(NOON_MS, 1, "203.0.113.0", b"Mozilla/5.0 (iPhone)"),
        DailyIds().of(NOON_MS, 1, "203.0.113.0", AGENT),
    }
    assert len(found) == 5


def test_an_event_without_an_id_is_given_one_and_the_page_that_held_the_image() -> None:
    event = json.loads(completed(b'{"type":"page","userId":null}', "daily_1", "https://shop.test/women/shoes"))
    assert event == {
        "type": "page",
        "anonymousId": "daily_1",
        "context": {"page": {"url": "https://shop.test/women/shoes"}},
    }


def test_an_event_that_names_its_page_keeps_it_and_what_is_no_web_page_is_none() -> None:
    named = b'{"type":"page","context":{"page":{"url":"https://shop.test/a"},"locale":"de"}}'
    event = json.loads(completed(named, "daily_1", "https://shop.test/b"))
    assert event["context"] == {"page": {"url": "https://shop.test/a"}, "locale": "de"}
    for referrer in ("", "javascript:alert(1)", "about:blank"):
        assert "context" not in json.loads(completed(b'{"type":"page"}', "daily_1", referrer))


def test_who_is_named_is_not_anonymous_and_what_is_no_event_is_left_as_it_is() -> None:
    assert is_anonymous(b'{"type":"page"}')
    assert is_anonymous(b'{"type":"page","anonymousId":"null","userId":0}')
    assert not is_anonymous(b'{"type":"page","anonymousId":"a1"}')
    assert not is_anonymous(b'{"type":"page","userId":42}')
    assert not is_anonymous(b"[]")
    assert not is_anonymous(b"{")
    assert completed(b"[]", "daily_1", "") == b"[]"


def test_global_privacy_control_is_a_no() -> None:
    assert refuses({b"sec-gpc": b"1"})
    assert not refuses({b"sec-gpc": b"0"})
    assert not refuses({})
