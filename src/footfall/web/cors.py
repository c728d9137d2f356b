"""May this page's scripts talk to us, and how is that said? Exact origins with credentials, headers one by one."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from footfall.ports import Site

Headers = list[tuple[bytes, bytes]]

ALLOWED_HEADERS = (
    b"Authorization, Content-Type, Content-Encoding, X-Write-Key, X-Retry-Count, AnonymousId, SentAt, SP-Anonymous"
)
_RUDDER_HEADERS = b"Rsa-Recovered, Rsa-Retry-Attempt, Rsa-Since-Last-Attempt, Rsa-Since-First-Attempt, Rsa-Retry-Reason"
_KNOWN_RUDDER_HEADERS = frozenset(name.strip().lower() for name in _RUDDER_HEADERS.split(b","))
_RUDDER_HEADER = re.compile(rb"rsa-[a-z0-9-]{1,64}", re.I)
MAX_AGE_S = b"7200"
ORIGIN_MAX = 256
_ORIGIN = re.compile(rb"null|[a-z][a-z0-9+.-]*://[^\s/?#\"'<>\\,;]+", re.I)


def is_origin(origin: bytes) -> bool:
    """Whether this header value is one origin, safe to be echoed."""
    return len(origin) <= ORIGIN_MAX and _ORIGIN.fullmatch(origin) is not None


def is_allowed(site: Site, origin: bytes) -> bool:
    """Whether the site lets pages of this origin send events (a site without origins lets all)."""
    return not site.origins or origin.decode("latin-1") in site.origins


@lru_cache(1024)
def answer_headers(origin: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Headers by which a page of this origin may read the answer; none if it isn't an origin."""
    if not is_origin(origin):
        return ((b"vary", b"Origin"),)
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"Retry-After"),
        (b"vary", b"Origin"),
    )


def preflight_headers(headers: Mapping[bytes, bytes], methods: Sequence[bytes]) -> Headers:
    """Headers that answer ``OPTIONS``; the site isn't known yet, so its origins are checked at the request itself."""
    asked = headers.get(b"access-control-request-headers", b"")[:2048]
    names = [name.strip().lower() for name in asked.split(b",")]
    more = [name for name in names if _RUDDER_HEADER.fullmatch(name) and name not in _KNOWN_RUDDER_HEADERS]
    return [
        *answer_headers(headers.get(b"origin", b"")),
        (b"access-control-allow-methods", b", ".join([*methods, b"OPTIONS"])),
        (b"access-control-allow-headers", b", ".join([ALLOWED_HEADERS, _RUDDER_HEADERS, *more])),
        (b"access-control-max-age", MAX_AGE_S),
    ]
