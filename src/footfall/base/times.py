"""How are times written? ISO 8601 in UTC with milliseconds, everywhere in JSON."""

from datetime import UTC, datetime


def iso(ms: int) -> str:
    """``2026-11-22T05:18:59.123Z`` of milliseconds since 1970."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
