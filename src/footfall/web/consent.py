"""Does the visitor whom an event is about let us collect it? What the event itself says, and what was said last.

An event says it in ``context.consent``: Segment's ``categoryPreferences``, Google's ``analytics_storage`` or Consent
Mode string (``G1`` and a digit each for advertising and analytics). An event that says no isn't stored at all; only the
one that tells of the decision is. Whoever said no is left alone from then on, what was under way included. That is kept
in memory, for browsers, which forget their ids with the decision; for good it is a matter of the record.
"""

from collections import OrderedDict
from collections.abc import Hashable
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
        self._withdrawn: OrderedDict[Hashable, None] = OrderedDict()
        self._withdrawn_max = withdrawn_max
        self.n_left_out = 0
        """Events that weren't stored because the visitor doesn't want it."""

    def allowed(self, site: int, events: list[bytes]) -> list[bytes]:
        """The events that may be stored, in order; the same list if that is all of them."""
        if not self._withdrawn:
            for event in events:
                if TELLING in event:
                    break
            else:
                return events
        kept = [event for event in events if self._may(site, event)]
        self.n_left_out += len(events) - len(kept)
        return kept

    def is_withdrawn(self, site: Site | None, anonymous_id: str) -> bool:
        """Whether this device's visitor said no last."""
        return site is not None and (site.number, anonymous_id) in self._withdrawn

    def _may(self, site: int, event: bytes) -> bool:
        if TELLING not in event and not self._withdrawn:
            return True
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
        return not isinstance(who, str) or (site, who) not in self._withdrawn

    def _decide(self, site: int, event: _Event, is_allowed: bool | None) -> None:
        for who in (event.anonymous_id, event.user_id):
            if not _is_identity(who) or is_allowed is None:
                continue
            if is_allowed:
                self._withdrawn.pop((site, who), None)
            else:
                self._withdrawn[(site, who)] = None
                self._withdrawn.move_to_end((site, who))
                if len(self._withdrawn) > self._withdrawn_max:
                    self._withdrawn.popitem(last=False)


def _is_identity(value: Any) -> bool:
    return isinstance(value, str) and is_identity(value)
