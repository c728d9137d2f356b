"""Does the visitor whom an event is about let us collect it? What the event itself says, and what was said last.

An event says it in ``context.consent``: Segment's ``categoryPreferences``, Google's ``analytics_storage`` or Consent
Mode string (``G1`` and a digit each for advertising and analytics). An event that says no isn't stored at all; only the
one that tells of the decision is. Whoever said no is left alone from then on, what was under way included. That is kept
in memory, for browsers, which forget their ids with the decision; for good it is a matter of the record.
"""

import re
from collections import OrderedDict
from functools import lru_cache
from typing import Any

import msgspec

from footfall.base.ids import is_identity
from footfall.ports import Site

TELLING = b'"consent"'
"""An event that says something about consent holds these bytes."""
WITHDRAWN_MAX = 100_000
"""Decisions that are remembered; the oldest go first."""

_ANALYTICS = ("analytics", "analytics_storage", "statistics", "performance", "measurement", "c0002")
"""What banners call the purpose that covers measuring; in lower case."""
_NO = frozenset({"denied", "false", "no", "off", "0"})
_DECISIONS = frozenset({"segment consent preference updated", "consent preference updated"})


class _Context(msgspec.Struct, gc=False):
    consent: Any = None


class _Event(msgspec.Struct, rename="camel", gc=False):
    event: Any = None
    anonymous_id: Any = None
    user_id: Any = None
    context: _Context | None = None


_decode = msgspec.json.Decoder(_Event).decode

_VALUE = re.compile(rb'\s*:\s*(\{[^{}]{0,1000}(?:\{[^{}]{0,1000}\}[^{}]{0,1000})?\}|"[^"\\]{0,64}")')
_IDS = re.compile(rb'"(?:anonymousId|userId)"\s*:\s*"([^"]*)"')


@lru_cache(4096)
def _may_object(consent: bytes) -> bool:
    """Whether these bytes of ``consent`` say no, or can't be read; a shop's visitors send few different ones."""
    try:
        return allows_analytics(msgspec.json.decode(consent)) is False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True


def _read(event: bytes) -> _Event | None:
    """The fields that matter, or ``None`` if this is no such event; the engine says what is wrong with it."""
    try:
        return _decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def allows_analytics(consent: Any) -> bool | None:
    """What ``context.consent`` says of measuring; ``None`` if nothing."""
    if isinstance(consent, dict):
        purposes = consent.get("categoryPreferences")
        purposes = consent if not isinstance(purposes, dict) else purposes
        by_name = {name.strip().lower(): value for name, value in purposes.items()}
        for name in _ANALYTICS:
            if (value := by_name.get(name)) is not None:
                return str(value).strip().lower() not in _NO
        consent = by_name.get("gcs")
    if isinstance(consent, str) and len(consent) == 4 and consent[:2] == "G1" and consent[3] in "01":
        return consent[3] == "1"
    return None


class Consents:
    """Who said no lately, and which events may therefore be stored."""

    def __init__(self, withdrawn_max: int = WITHDRAWN_MAX) -> None:
        self._withdrawn: OrderedDict[tuple[int, bytes], None] = OrderedDict()
        self._withdrawn_max = withdrawn_max
        self.n_left_out = 0
        """Events that weren't stored because the visitor doesn't want it."""

    def allowed(self, site: int, events: list[bytes]) -> list[bytes]:
        """The events that may be stored, in order; the same list if that is all of them."""
        if not self._withdrawn and len(events) == 1 and events[0].find(TELLING) < 0:
            return events
        kept = [event for event in events if not self._looks_odd(site, event) or self._may(site, event)]
        if len(kept) == len(events):
            return events
        self.n_left_out += len(events) - len(kept)
        return kept

    def _looks_odd(self, site: int, event: bytes) -> bool:
        """Whether an event must be read; most show in a microsecond that nobody objects."""
        at = event.find(TELLING)
        if at >= 0:
            value = _VALUE.match(event, at + len(TELLING))
            if value is None or _may_object(value[1]) or event.find(TELLING, value.end()) >= 0:
                return True
        if not self._withdrawn:
            return False
        return any((site, who) in self._withdrawn or b"\\" in who for who in _IDS.findall(event))

    def is_withdrawn(self, site: Site | None, anonymous_id: str) -> bool:
        """Whether this device's visitor said no last."""
        return site is not None and (site.number, anonymous_id.encode()) in self._withdrawn

    def _may(self, site: int, event: bytes) -> bool:
        found = _read(event)
        if found is None:
            return True
        is_allowed = None if found.context is None else allows_analytics(found.context.consent)
        if isinstance(found.event, str) and found.event.strip().lower() in _DECISIONS:
            self._decide(site, found, is_allowed)
            return True
        if is_allowed is False:
            return False
        # A device's own answer goes before its account's: somebody else may use the same account on another device.
        who = found.anonymous_id if _is_identity(found.anonymous_id) else found.user_id
        return not isinstance(who, str) or (site, who.encode()) not in self._withdrawn

    def _decide(self, site: int, event: _Event, is_allowed: bool | None) -> None:
        for who in (event.anonymous_id, event.user_id):
            if not _is_identity(who) or is_allowed is None:
                continue
            key = (site, who.encode())
            if is_allowed:
                self._withdrawn.pop(key, None)
            else:
                self._withdrawn[key] = None
                self._withdrawn.move_to_end(key)
                if len(self._withdrawn) > self._withdrawn_max:
                    self._withdrawn.popitem(last=False)


def _is_identity(value: Any) -> bool:
    return isinstance(value, str) and is_identity(value)
