"""What does only the request know of an event: the client's address (truncated), browser and place?

Headers that a proxy sets are believed only from proxies that the settings name; anybody else could make them up.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

USER_AGENT_MAX = 512
PLACE_MAX = 64
FORWARDED_MAX = 1024
"""Longest ``X-Forwarded-For`` that is read."""

# (country, region, city) headers by vendor; the first country that is set decides whose are read.
_PLACES = (
    (b"cf-ipcountry", b"cf-region-code", b"cf-ipcity"),  # Cloudflare
    (b"cloudfront-viewer-country", b"cloudfront-viewer-country-region", b"cloudfront-viewer-city"),
    (b"x-vercel-ip-country", b"x-vercel-ip-country-region", b"x-vercel-ip-city"),
    (b"x-appengine-country", b"x-appengine-region", b"x-appengine-city"),  # Google
    (b"fastly-geo-country", b"fastly-geo-region", b"fastly-geo-city"),  # as Fastly's documentation names them in VCL
    (b"x-country-code", b"x-region-code", b"x-city"),  # as nginx's GeoIP module is usually set up
)
_PLACE_NAMES = frozenset(name for names in _PLACES for name in names)
_NO_COUNTRY = frozenset({"XX", "T1", "ZZ", "A1", "A2", "AP", "EU"})


class Place(NamedTuple):
    """Where a CDN says that the client is; empty where it doesn't."""

    country: str = ""
    region: str = ""
    city: str = ""


NOWHERE = Place()


class Asked(NamedTuple):
    """Whom a browser thinks it talks to."""

    scheme: str
    host: str
    """With port if it isn't the scheme's own; as it was sent, so not to be trusted in its form."""


class Proxies:
    """Which peers are our own proxies, and which client they speak for."""

    def __init__(self, trusted: Iterable[str], truncate: Callable[[str], str]) -> None:
        networks = [ipaddress.ip_network(text.strip(), strict=False) for text in trusted]

        @lru_cache(4096)
        def is_trusted(peer: str) -> bool:
            try:
                address = ipaddress.ip_address(peer.partition("%")[0])
            except ValueError:
                return False
            if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
                address = address.ipv4_mapped
            return any(address in network for network in networks)

        @lru_cache(16_384)
        def client(peer: str, forwarded: bytes) -> str:
            if forwarded and is_trusted(peer):
                for hop in reversed(forwarded[-FORWARDED_MAX:].decode("latin-1").split(",")):
                    peer = _address(hop)
                    if not is_trusted(peer):
                        break
            return truncate(peer) if peer else ""

        self.is_trusted = is_trusted
        """Whether this peer's forwarding and place headers are believed."""
        self.client = client
        """Truncated address of the client behind a peer that sent this ``X-Forwarded-For``, or empty."""


def _address(hop: str) -> str:
    """The address of one hop, without port and brackets; empty when it is none."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def asked(scheme: str, headers: Mapping[bytes, bytes], *, is_proxy_trusted: bool) -> Asked:
    """Scheme and host that a browser asked for: the request's own, or what our own proxy says that it got."""
    host = headers.get(b"host", b"")
    if is_proxy_trusted:
        host = _first(headers.get(b"x-forwarded-host", b"")) or host
        forwarded = _first(headers.get(b"x-forwarded-proto", b"")).lower()
        scheme = forwarded.decode("latin-1") if forwarded in (b"http", b"https") else scheme
    return Asked(scheme, host.decode("latin-1"))


def _first(value: bytes) -> bytes:
    return value.partition(b",")[0].strip()


def user_agent(headers: Mapping[bytes, bytes]) -> str:
    """The ``User-Agent`` of a browser; empty for anything else, so that servers don't look like devices."""
    value = headers.get(b"user-agent", b"")
    return value[:USER_AGENT_MAX].decode("latin-1") if value.startswith(b"Mozilla/") else ""


def place(headers: Mapping[bytes, bytes]) -> Place:
    """Country, region and city from a CDN's headers; call it for trusted peers only."""
    if _PLACE_NAMES.isdisjoint(headers):
        return NOWHERE
    for country_name, region_name, city_name in _PLACES:
        country = _text(headers.get(country_name, b"")).upper()
        if len(country) == 2 and country.isalpha() and country.isascii() and country not in _NO_COUNTRY:
            region = _text(headers.get(region_name, b"")).upper().removeprefix(country + "-")
            return Place(country, region if len(region) <= 3 else "", _text(headers.get(city_name, b"")))
    return NOWHERE


def _text(value: bytes) -> str:
    try:
        text = value[: PLACE_MAX * 4].decode()
    except UnicodeDecodeError:
        text = value[: PLACE_MAX * 4].decode("latin-1")
    text = unquote(text) if "%" in text else text
    return "".join(c for c in text if c.isprintable()).strip()[:PLACE_MAX]
