"""Which visitor is a browser without scripts? One that lasts a day, made from nothing that was stored on it.

``<noscript>`` images come with no id. Each being a visitor of its own would make a crowd of one person; so the id is a
keyed hash of site, truncated address and browser. Its key is random, lives in memory alone and gives way to another
with the first image of the next day: then nobody, ourselves included, can tell whom an id stood for or link two days.
"""

import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from footfall.base.ids import is_identity

PAGE = b'{"type":"page"}'
"""The event of an image that says nothing itself."""
URL_MAX = 4_096
_DAY_MS = 86_400_000


class DailyIds:
    """Ids of browsers that bring none; alike within a UTC day and a process, unlike after it."""

    def __init__(self) -> None:
        self._day = -1
        self._key = b""

    def of(self, now_ms: int, site: int, address: str, user_agent: bytes) -> str:
        """``daily_`` and 128 bits; ``address`` is the truncated one."""
        day = now_ms // _DAY_MS
        if day != self._day:
            self._day, self._key = day, secrets.token_bytes(32)
        seen = b"%d\0%s\0%s" % (site, address.encode(), user_agent)
        return "daily_" + blake2b(seen, digest_size=16, key=self._key).hexdigest()


def is_anonymous(event: bytes) -> bool:
    """Whether an event names nobody; something that is no event doesn't count."""
    found = _read(event)
    return found is not None and not any(_names(found.get(name)) for name in ("anonymousId", "userId"))


def completed(event: bytes, anonymous_id: str, referrer: str) -> bytes:
    """An event that names nobody, with an id, and with the page that held the image if it doesn't say which."""
    found = _read(event)
    if found is None:
        return event
    found["anonymousId"] = anonymous_id
    found.pop("userId", None)
    context = found.get("context")
    context = context if isinstance(context, dict) else {}
    page = context.get("page")
    page = page if isinstance(page, dict) else {}
    if referrer.startswith(("http://", "https://")) and not page.get("url"):
        found["context"] = {**context, "page": {**page, "url": referrer[:URL_MAX]}}
    return msgspec.json.encode(found)


def refuses(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the browser says no to measuring by itself (Global Privacy Control); it can't be asked here."""
    return headers.get(b"sec-gpc", b"").strip() == b"1"


def _read(event: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _names(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and value != 0
        or (isinstance(value, str) and is_identity(value))
    )
