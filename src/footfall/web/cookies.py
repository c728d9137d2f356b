"""May this answer keep the visitor's id in a first-party cookie? The tracker asks, and only a page of the shop may.

Browsers cut the life of cookies that scripts write (Safari to seven days), not that of cookies a server of the same
site sets. So the tracker asks for one in the body of a batch, and gets it if the page, the server that was asked and
the cookie's domain belong together. What isn't ours to know, such as whether a domain is a public suffix, the browser
decides: it says so in ``Sec-Fetch-Site``, and refuses such a cookie in any case.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import msgspec

NAME = "ff_anonymous_id"
ASKING = b'"cookie"'
"""A body that asks for the cookie holds these bytes; one that doesn't needn't be read for it."""
DAYS_MAX = 395
"""13 months, the longest that supervisory authorities accept for measuring an audience."""
_DAY_S = 86_400

_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_DOMAIN = re.compile(r"(?=.{4,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:]+)(?::[0-9]{1,5})?")
_KEPT = re.compile(rf"(?:^|;)\s*{NAME}=([^;]*)")
_SAME_SITE = frozenset({"same-origin", "same-site"})


class Wish(NamedTuple):
    """What a batch asks for."""

    domain: str
    """The widest domain that the page's browser allows cookies for, or empty."""
    days: float
    anonymous_id: str


class Reached(NamedTuple):
    """How a page reached us, as its browser sees it."""

    host: str
    """Value of ``Host`` (or of a trusted proxy's ``X-Forwarded-Host``)."""
    is_https: bool
    origin: str
    """``Origin``, or empty."""
    fetch_site: str = ""
    """``Sec-Fetch-Site``; browsers send it over https and to this machine only."""
    cookies: str = ""
    """``Cookie``."""


class _Cookie(msgspec.Struct, gc=False):
    domain: str = ""
    days: float = DAYS_MAX


class _Event(msgspec.Struct, rename="camel", gc=False):
    anonymous_id: str = ""


class _Body(msgspec.Struct, gc=False):
    cookie: _Cookie
    batch: list[msgspec.Raw]


_decode = msgspec.json.Decoder(_Body).decode
_decode_event = msgspec.json.Decoder(_Event).decode


def wish_of(body: bytes) -> Wish | None:
    """What the body of a batch asks for, if anything; the id is the newest event's."""
    try:
        found = _decode(body)
        last = _decode_event(found.batch[-1]) if found.batch else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if last is None:
        return None
    return Wish(found.cookie.domain.lower().strip("."), found.cookie.days, last.anonymous_id)


def set_cookie(wish: Wish, reached: Reached) -> str | None:
    """Value of ``Set-Cookie``, or ``None`` if this page may not have it.

    A page of a foreign site never may, whoever made it: it could plant an id on the visitor. Nor does a cookie that the
    browser has already get another value: a page that was open while the visitor logged out elsewhere still sends
    the id from before.
    """
    domain, days, anonymous_id = wish
    page = _page_of(reached.origin)
    if page is None or not _ID.fullmatch(anonymous_id) or not days > 0:
        return None
    if reached.fetch_site and reached.fetch_site not in _SAME_SITE:
        return None
    page_scheme, page_host = page
    if reached.is_https and page_scheme != "https":
        return None  # another site to a browser: whoever can change the page on its way could plant the id
    host = _host_of(reached.host)
    if domain:
        if not (_is_domain(domain) and _is_within(page_host, domain) and _is_within(host, domain)):
            return None
    elif host != page_host:
        return None
    kept = _KEPT.findall(reached.cookies)
    if kept and anonymous_id not in [value.strip() for value in kept]:
        return None
    secure = "; Secure" if page_scheme == "https" else ""
    at = f"; Domain={domain}" if domain else ""
    age_s = int(min(days, DAYS_MAX) * _DAY_S)
    return f"{NAME}={anonymous_id}; Path=/; Max-Age={age_s}; SameSite=Lax{secure}{at}"


@lru_cache(1024)
def _page_of(origin: str) -> tuple[str, str] | None:
    """Scheme and host of a web page's origin; ``None`` for ``null``, extensions, files and none."""
    scheme, _, rest = origin.lower().partition("://")
    host = _host_of(rest)
    return (scheme, host) if scheme in {"http", "https"} and host else None


def _host_of(text: str) -> str:
    """Host without port, in lower case; empty if it is none."""
    match = _HOST.fullmatch(text.strip().lower())
    return match[1].rstrip(".") if match else ""


@lru_cache(1024)
def _is_domain(domain: str) -> bool:
    """Whether a cookie may have this domain, as far as its form tells: a name of two labels or more, no address."""
    return _DOMAIN.fullmatch(domain) is not None and not _NUMERIC.fullmatch(domain.rpartition(".")[2])


def _is_within(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)
