"""What does the tracker say of somebody's tab? Its events, field for field, as ``docs/tracker.md`` describes them.

Whoever shops only says where they go and what they do there. A test compares the fields with those of the real tracker
in a browser.
"""

from functools import lru_cache
from random import Random
from typing import Any
from urllib.parse import urlencode

import msgspec

from footfall.shoppers.people import Browser
from footfall.shoppers.places import Place

_encode = msgspec.json.Encoder().encode
_ENGAGEMENT_MIN_MS = 100
_IDLE_MS = 20_000
"""Who hasn't moved for so long isn't engaged; of a longer look a part is."""
SCROLL_MARKS = (25, 50, 75, 90, 100)
LIBRARY = {"name": "footfall.js", "version": "0.1.0"}


class Said(msgspec.Struct, frozen=True, gc=False):
    """One event as it was said: ``head``, the time as ISO 8601, and ``tail`` are its JSON."""

    at_ms: int
    """Epoch milliseconds, as planned."""
    who: str
    """Anonymous id, or the user id that a till or a mailing tool tells: what keeps events of one visitor together."""
    address: str
    """Where it is sent from; empty for the shop's own machines."""
    user_agent: str
    head: bytes
    tail: bytes

    def line(self, at: bytes) -> bytes:
        """The event, happened at this ISO 8601 time."""
        return self.head + at + self.tail


class Tab:
    """A browser's tab; what happens in it is added to ``said``. Times are epoch milliseconds.

    With ``has_address`` the context names the visitor's address, as an import has no request that would.
    """

    def __init__(self, rng: Random, browser: Browser, place: Place, origin: str, has_address: bool) -> None:
        self.rng, self.browser, self.origin = rng, browser, origin
        self.said: list[Said] = []
        self.page: dict[str, Any] = {}
        self._device = _device_part(
            browser.model.user_agent, place.locale, place.timezone,
            browser.address if has_address else "",
        )  # fmt: skip
        self._tail = b""
        self._opened_ms = 0
        self._scrolled = 0
        self._forms: dict[str, bool] = {}
        """Forms begun on this page, by action; true once submitted."""

    def open(
        self,
        at_ms: int,
        path: str,
        title: str,
        query: dict[str, str] | None = None,
        referrer: str = "",
        names: tuple[str, str] | None = None,
    ) -> None:
        """A page is there: its page view. ``referrer`` is where an arrival came from, else it is the page before.

        ``names`` are name and category, from a shop that counts its pages itself.
        """
        search = f"?{urlencode(query)}" if query else ""
        before = self.page.get("url", "")
        self.page = {
            "url": f"{self.origin}{path}{search}",
            "path": path,
            "search": search,
            "title": title,
            "referrer": referrer or before,
        }
        self._tail = b'","context":{"page":' + _encode(self.page) + self._device
        self._opened_ms, self._scrolled = at_ms, 0
        self._forms.clear()
        names_of = dict(zip(("name", "category"), names, strict=True)) if names else {}
        self._add(at_ms, names_of | {"properties": names_of, "type": "page"})

    def track(self, at_ms: int, event: str, properties: dict[str, Any] | msgspec.Raw) -> None:
        """Something happened on the page."""
        self._add(at_ms, {"event": event, "properties": properties, "type": "track"})

    def identify(self, at_ms: int, user_id: str, traits: dict[str, Any]) -> None:
        """The visitor is this account from now on."""
        self.browser.user_id = user_id
        self._add(at_ms, {"traits": traits, "type": "identify"})

    def click(self, at_ms: int, text: str, path: str = "", product_id: str = "") -> None:
        """A click on a link to ``path``, or without one on a button."""
        self.track(at_ms, "click", self._element(text, path, product_id))

    def hover(self, at_ms: int, text: str, path: str, product_id: str = "") -> None:
        """The pointer rests on a link; there is none on a phone."""
        self.track(at_ms, "hover", self._element(text, path, product_id))

    def _element(self, text: str, path: str, product_id: str) -> dict[str, Any]:
        said = {"tag": "a" if path else "button", "product_id": product_id, "text": text[:60]}
        said["href"] = f"{self.origin}{path}" if path else ""
        return {name: value for name, value in said.items() if value}

    def begin_form(self, at_ms: int, action: str) -> None:
        """Something is typed or chosen in a form for the first time on this page."""
        if action not in self._forms:
            self._forms[action] = False
            self.track(at_ms, "form_started", {"step": "started", "action": action})

    def submit_form(self, at_ms: int, action: str) -> None:
        """A form is sent."""
        self._forms[action] = True
        self.track(at_ms, "form", {"step": "submitted", "action": action})

    def scroll(self, from_ms: int, to_ms: int, percent: int) -> None:
        """The page is scrolled down to a percentage, evenly between two times."""
        marks = [mark for mark in SCROLL_MARKS if self._scrolled < mark <= percent]
        for n, mark in enumerate(marks, 1):
            self._scrolled = mark
            self.track(from_ms + (to_ms - from_ms) * n // (len(marks) + 1), "scroll", {"percent": mark})

    def leave(self, at_ms: int, away_ms: int = 0) -> None:
        """The page is left, after ``away_ms`` in which something else was before it."""
        for action, is_submitted in self._forms.items():
            if not is_submitted:
                self.track(at_ms, "form_abandoned", {"step": "abandoned", "action": action})
        self._forms.clear()
        visible_ms = at_ms - self._opened_ms - away_ms
        if visible_ms < _ENGAGEMENT_MIN_MS:
            return
        engaged_ms = (
            min(visible_ms, _IDLE_MS + (visible_ms - _IDLE_MS) * 6 // 10) if visible_ms > _IDLE_MS else visible_ms
        )
        self.track(
            at_ms,
            "engagement",
            {
                "visible_ms": visible_ms,
                "engaged_ms": engaged_ms,
                "scroll_percent": self._scrolled,
                "leave": True,
            },
        )

    def _add(self, at_ms: int, fields: dict[str, Any]) -> None:
        browser = self.browser
        fields["messageId"] = f"{self.rng.getrandbits(128):032x}"
        fields["anonymousId"] = browser.anonymous_id
        if browser.user_id:
            fields["userId"] = browser.user_id
        head = _encode(fields)[:-1] + b',"timestamp":"'
        self.said.append(Said(at_ms, browser.anonymous_id, browser.address, browser.model.user_agent, head, self._tail))


@lru_cache(20_000)
def _device_part(user_agent: str, locale: str, timezone: str, address: str) -> bytes:
    """What stands in ``context`` after the page."""
    told: dict[str, Any] = {"userAgent": user_agent, "locale": locale, "timezone": timezone, "library": LIBRARY}
    if address:
        told["ip"] = address
    return b"," + _encode(told)[1:] + b"}"


def said_by_shop(rng: Random, at_ms: int, user_id: str, event: str, properties: dict[str, Any], channel: str) -> Said:
    """What a till (``channel`` store), a mailing tool (email) or the back office (server) says of an account."""
    fields = {
        "event": event,
        "properties": properties,
        "type": "track",
        "messageId": f"{rng.getrandbits(128):032x}",
        "userId": user_id,
    }
    tail = (
        b'","context":' + _encode({"channel": channel, "library": {"name": f"shop-{channel}", "version": "1"}}) + b"}"
    )
    return Said(at_ms, user_id, "", "", _encode(fields)[:-1] + b',"timestamp":"', tail)
