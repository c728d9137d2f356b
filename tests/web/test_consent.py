import json
from typing import Any

import pytest

from footfall.web.consent import Consents, allows_analytics


def event(anonymous_id: str = "a1", consent: Any = None, **more: Any) -> bytes:
    context = {} if consent is None else {"context": {"consent": consent}}
    return json.dumps(
        {"type": "track", "event": "Product Viewed", "anonymousId": anonymous_id} | context | more
    ).encode()


def decision(is_allowed: bool, **ids: str) -> bytes:
    consent = {"categoryPreferences": {"analytics": is_allowed}}
    return json.dumps({"event": "Segment Consent Preference Updated", "context": {"consent": consent}} | ids).encode()


@pytest.mark.parametrize(
    ("consent", "expected"),
    [
        ({"categoryPreferences": {"analytics": True, "marketing": False}}, True),
        ({"categoryPreferences": {"Analytics": False, "Advertising": True}}, False),
        ({"categoryPreferences": {"C0002": False}}, False),
        ({"categoryPreferences": {"marketing": False}}, None),
        ({"analytics_storage": "denied", "ad_storage": "granted"}, False),
        ({"analytics_storage": "granted"}, True),
        ({"ad_user_data": "DENIED"}, None),
        ("G100", False),
        ("G110", False),
        ("G101", True),
        ("G1--", None),
        ({"gcs": "G110"}, False),
        ({}, None),
        (None, None),
        (7, None),
        ([False], None),
        ({"categoryPreferences": []}, None),
    ],
)
def test_what_consent_says_of_measuring(consent: Any, expected: bool | None) -> None:
    assert allows_analytics(consent) is expected


def test_an_event_that_says_no_to_measuring_is_left_out_and_its_neighbours_are_kept() -> None:
    consents = Consents()
    yes = event(consent={"categoryPreferences": {"analytics": True}})
    no = event(consent={"categoryPreferences": {"analytics": False}})
    silent = event()
    assert consents.allowed(1, [yes, no, silent]) == [yes, silent]
    assert consents.n_left_out == 1


def test_after_a_withdrawal_what_was_under_way_is_left_out_until_the_visitor_agrees_again() -> None:
    consents = Consents()
    late = event(consent={"categoryPreferences": {"analytics": True}})  # made before the decision, sent after it
    assert consents.allowed(1, [late]) == [late]
    said_no = decision(False, anonymousId="a1")
    assert consents.allowed(1, [said_no]) == [said_no]
    assert consents.allowed(1, [late, event("a2")]) == [event("a2")]
    assert consents.allowed(2, [late]) == [late], "another site's visitor"
    consents.allowed(1, [decision(True, anonymousId="a1")])
    assert consents.allowed(1, [late]) == [late]


def test_a_decision_covers_calls_of_the_account_but_not_its_other_devices() -> None:
    consents = Consents()
    consents.allowed(1, [decision(False, anonymousId="phone", userId="ada")])
    from_server = json.dumps({"type": "track", "event": "Order Completed", "userId": "ada"}).encode()
    from_laptop = event("laptop", userId="ada")
    assert consents.allowed(1, [from_server, from_laptop]) == [from_laptop]


def test_a_decision_without_an_id_or_an_answer_changes_nothing() -> None:
    consents = Consents()
    consents.allowed(
        1, [decision(False), decision(False, anonymousId="null"), b'{"event":"Consent Preference Updated"}']
    )
    assert consents.allowed(1, [event("null"), event()]) == [event("null"), event()]


def test_the_oldest_decisions_are_forgotten_first() -> None:
    consents = Consents(withdrawn_max=2)
    for name in ("a1", "a2", "a3"):
        consents.allowed(1, [decision(False, anonymousId=name)])
    assert consents.allowed(1, [event("a1"), event("a2"), event("a3")]) == [event("a1")]


@pytest.mark.parametrize("odd", [b"{", b"7", b'{"context":"consent"}', b'{"context":{"consent":1e999}}', b'"consent"'])
def test_what_is_no_event_is_left_to_those_who_say_why(odd: bytes) -> None:
    assert Consents().allowed(1, [odd]) == [odd]


def test_a_decision_is_found_wherever_and_however_it_is_written() -> None:
    consents = Consents()
    consents.allowed(1, [decision(False, anonymousId="a1")])
    escaped = b'{"type":"track","event":"x","anonymousId":"\\u0061\\u0031"}'
    nested = b'{"properties":{"anonymousId":"b"},"type":"track","event":"x","anonymousId":"a1"}'
    elsewhere = b'{"properties":{"anonymousId":"a1"},"type":"track","event":"x","anonymousId":"b"}'
    assert consents.allowed(1, [escaped, nested, elsewhere]) == [elsewhere]
    twice = b'{"properties":{"consent":"yes"},"context":{"consent":{"analytics":false}},"event":"x","anonymousId":"c"}'
    of_properties = b'{"properties":{"consent":{"analytics":false}},"event":"x","anonymousId":"c"}'
    assert consents.allowed(1, [twice, of_properties]) == [of_properties]


def test_a_decision_holds_for_what_follows_in_the_same_batch() -> None:
    assert len(Consents().allowed(1, [event(), decision(False, anonymousId="a1"), event(), event("a2")])) == 3
