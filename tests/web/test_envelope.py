import pytest

from footfall.events.redact import truncate_ip
from footfall.web import envelope
from footfall.web.envelope import Place, Proxies

PROXIES = Proxies(("127.0.0.1", "::1", "10.0.0.0/8"), truncate_ip)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.23", b"", "198.51.100.0"),
        ("198.51.100.23", b"203.0.113.9", "198.51.100.0"),  # anybody can claim that
        ("127.0.0.1", b"203.0.113.9", "203.0.113.0"),
        ("127.0.0.1", b"1.2.3.4, 203.0.113.9, 10.1.2.3", "203.0.113.0"),  # what the client claimed is left out
        ("::ffff:10.0.0.1", b"203.0.113.9:4711", "203.0.113.0"),
        ("::1", b'"[2001:db8:1:2::3]:80"', "2001:db8:1::"),
        ("127.0.0.1", b"10.1.1.1, 10.2.2.2", "10.1.1.0"),
        ("127.0.0.1", b"unknown", ""),
        ("", b"203.0.113.9", ""),
        ("not an address", b"203.0.113.9", ""),
    ],
)
def test_the_client_is_who_our_own_proxies_say(peer: str, forwarded: bytes, client: str) -> None:
    assert PROXIES.client(peer, forwarded) == client


@pytest.mark.parametrize(
    ("headers", "place"),
    [
        ({}, Place()),
        ({b"cf-ipcountry": b"DE", b"cf-region-code": b"BE", b"cf-ipcity": b"K\xc3\xb6ln"}, Place("DE", "BE", "Köln")),
        ({b"cf-ipcountry": b"XX"}, Place()),
        ({b"cf-ipcountry": b"T1"}, Place()),
        ({b"cloudfront-viewer-country": b"US", b"cloudfront-viewer-country-region": b"CA"}, Place("US", "CA")),
        ({b"x-vercel-ip-country": b"BR", b"x-vercel-ip-city": b"S%C3%A3o%20Paulo"}, Place("BR", "", "São Paulo")),
        ({b"x-appengine-country": b"us", b"x-appengine-region": b"us-ny"}, Place("US", "NY")),
        ({b"cf-ipcountry": b"D\x00"}, Place()),
        ({b"cf-ipcountry": b"\xff\xfe"}, Place()),
        ({b"cf-ipcountry": b"DE", b"cf-ipcity": b"x" * 5_000}, Place("DE", "", "x" * 64)),
    ],
)
def test_a_place_comes_from_the_proxys_headers(headers: dict[bytes, bytes], place: Place) -> None:
    assert envelope.place(headers) == place


def test_only_a_browser_is_a_user_agent() -> None:
    assert envelope.user_agent({b"user-agent": b"Mozilla/5.0 (X11)"}) == "Mozilla/5.0 (X11)"
    assert envelope.user_agent({b"user-agent": b"analytics-python/2.3"}) == ""
    assert envelope.user_agent({}) == ""
    assert len(envelope.user_agent({b"user-agent": b"Mozilla/" + b"x" * 9_000})) == 512
