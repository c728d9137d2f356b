"""What does reading a file of history yield? Chunks of events in the Segment spec, with their times.

A row that can't be read isn't dropped and doesn't stop the import: it becomes an event that the engine refuses for the
reason ``unreadable_row`` and lists among the failed events, with the row and what is wrong with it.
"""

from collections.abc import Iterator

import msgspec
import numpy as np
from xxhash import xxh3_128_hexdigest

CHUNK_MAX_EVENTS = 5_000
ROW_MAX_BYTES = 32_768
"""Longest row or event that is read; the collector has the same limit for a single event."""
_SHOWN_MAX_CHARS = 8_192

_encode = msgspec.json.Encoder().encode


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """Up to ``CHUNK_MAX_EVENTS`` events."""

    lines: list[bytes]
    """One event each, JSON in the Segment spec without a newline; every readable one has ``messageId`` and
    ``timestamp``, none has ``sentAt``."""
    times_ms: np.ndarray
    """int64[len(lines)]: event time; an unreadable row has that of its neighbour, or 0 when no row has a time."""
    n_bytes: int
    """Bytes of the files that were read for it, as they are on disk (packed)."""


class Unreadable(Exception):
    """A row can't become an event; the message says why."""


def unreadable_line(row: bytes, why: str) -> bytes:
    """The event that stands for a row that can't be read; see :func:`footfall.events.lenient.read`."""
    return _encode(
        {
            "type": None,
            "refused": "unreadable_row",
            "detail": why,
            "messageId": message_id("unreadable_row", row),
            "properties": {"row": row.decode("utf-8", "replace")[:_SHOWN_MAX_CHARS]},
        }
    )


def message_id(format_name: str, row: bytes) -> str:
    """128-bit content hash of a row, as hex: the same row of the same format always has the same ``messageId``."""
    return xxh3_128_hexdigest(format_name.encode() + b"\0" + row)


def chunked(events: Iterator[tuple[bytes, int | None, int]]) -> Iterator[Chunk]:
    """Gather ``(line, time_ms or None, bytes of files read so far)`` into chunks."""
    lines: list[bytes] = []
    times: list[int | None] = []
    last_ms: int | None = None
    n_done = n_read = 0
    for line, time_ms, n_read in events:
        lines.append(line)
        times.append(time_ms)
        if len(lines) == CHUNK_MAX_EVENTS:
            times_ms = _filled(times, last_ms)
            last_ms = int(times_ms[-1])
            yield Chunk(lines, times_ms, n_read - n_done)
            lines, times, n_done = [], [], n_read
    if lines:
        yield Chunk(lines, _filled(times, last_ms), n_read - n_done)


def _filled(times: list[int | None], last_ms: int | None) -> np.ndarray:
    if last_ms is None:
        last_ms = next((time_ms for time_ms in times if time_ms is not None), 0)
    filled = []
    for time_ms in times:
        if time_ms is not None:
            last_ms = time_ms
        filled.append(last_ms)
    return np.array(filled, dtype=np.int64)
