"""How is an event of another protocol written down in the Segment spec? One JSON line, without line breaks."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec


def iso(ms: int) -> str:
    """ISO 8601 UTC with milliseconds, such as ``2024-05-01T12:00:00.000Z``, of a time from 1980 to 9999."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def line(event: Any) -> bytes:
    """A value as one line of JSON; NaN becomes null, members that are None are left out at the top."""
    if isinstance(event, dict):
        event = {name: value for name, value in event.items() if value is not None}
    try:
        return msgspec.json.encode(event)
    except UnicodeEncodeError:  # a lone surrogate: kept as an escape, for the slow path to mend
        return json.dumps(event).encode()


def refused(reason: str, detail: str, given: Any) -> bytes:
    """A line that :func:`footfall.events.lenient.read` refuses with this reason, holding what was given."""
    return line({"refused": reason, "detail": detail, "given": given}).replace(b"{", b'{"type":null,', 1)
