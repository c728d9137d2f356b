"""Which events stand in a file of Segment events? NDJSON, an S3 archive's lines, or ``footfall export``'s Parquet.

An event is passed on as it is. Only what an import can't leave is changed: one without ``messageId`` gets a content
hash, one without ``timestamp`` that of ``originalTimestamp`` or ``receivedAt``, and ``sentAt`` goes, because the
time of a file's event is no longer corrected by when it was sent.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from footfall.base.errors import BadInput, Missing
from footfall.events.formats.chunk import ROW_MAX_BYTES, message_id, unreadable_line
from footfall.events.formats.lines import LineReader
from footfall.events.formats.table import iso_ms
from footfall.events.lenient import Refused, parsed
from footfall.events.wire import Entry

_BATCH_MAX_BYTES = 4_194_304
_LOOK_LINES = 20
"""A file in whose first lines no JSON begins is of another format."""


class _Probe(msgspec.Struct, gc=False, rename="camel"):
    timestamp: str
    message_id: str
    type: str = "track"
    sent_at: msgspec.Raw | None = None
    batch: msgspec.Raw | None = None


_probe = msgspec.json.Decoder(_Probe).decode
_decode_entry = msgspec.json.Decoder(Entry).decode
_encode = msgspec.json.Encoder().encode


def events_of(path: Path) -> Iterator[tuple[bytes, int | None, int]]:
    """``(line, time_ms or None, bytes of the file read so far)`` for each event, in the file's order."""
    return _parquet_events(path) if path.suffix == ".parquet" else _json_events(path)


def _json_events(path: Path) -> Iterator[tuple[bytes, int | None, int]]:
    _look(path)
    lines = LineReader(path, _BATCH_MAX_BYTES)
    for line in lines:
        if not line or line.isspace():
            continue
        if len(line) <= ROW_MAX_BYTES:
            try:
                probe = _probe(line)
                if probe.sent_at is None and probe.batch is None:
                    yield line, _ms(probe.timestamp), lines.n_read
                    continue
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass  # taken apart below, which says what is wrong
            except ValueError:
                yield unreadable_line(line, _bad_time(probe.timestamp)), None, lines.n_read
                continue
        for event, time_ms in _repaired(line):
            yield event, time_ms, lines.n_read


def _look(path: Path) -> None:
    """Raise ``BadInput`` when this can't be a file of JSON lines."""
    lines = islice((line for line in LineReader(path, _BATCH_MAX_BYTES) if line and not line.isspace()), _LOOK_LINES)
    first = b""
    for line in lines:
        if line.lstrip()[:1] in (b"{", b"["):
            return
        first = first or line
    if first:
        shown = first[:40].decode("utf-8", "replace")
        raise BadInput(f"{path} doesn't look like segment: its lines aren't JSON ({shown!r} …). Check --format.")


def _repaired(line: bytes) -> Iterator[tuple[bytes, int | None]]:
    try:
        value = parsed(line)
    except Refused as error:
        yield unreadable_line(line, f"the line isn't JSON ({error})"), None
        return
    batch = value.get("batch") if isinstance(value, dict) else value
    if not isinstance(batch, list):
        batch = [value]
    for event in batch:
        yield _repaired_event(event, line if len(batch) == 1 else _encode(event))


def _repaired_event(event: Any, line: bytes) -> tuple[bytes, int | None]:
    if not isinstance(event, dict):
        return unreadable_line(line, "an event must be a JSON object"), None
    if len(line) > ROW_MAX_BYTES:
        return unreadable_line(line, f"the event is longer than {ROW_MAX_BYTES} bytes"), None
    event.pop("sentAt", None)
    time = event.get("timestamp") or event.get("originalTimestamp") or event.get("receivedAt")
    try:
        time_ms = _ms(time)
        event["timestamp"] = time if isinstance(time, str) else iso_ms(time_ms)
    except (ValueError, OverflowError, TypeError):
        return unreadable_line(line, _bad_time(time)), None
    if not event.get("messageId"):
        event["messageId"] = message_id("segment", line)
    return _encode(event), time_ms


def _ms(time: Any) -> int:
    """Epoch milliseconds of an ISO 8601 text, or of a number of seconds or milliseconds."""
    if isinstance(time, int | float) and not isinstance(time, bool):
        return round(time if abs(time) > 1e11 else time * 1_000)
    moment = datetime.fromisoformat(time)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000)


def _bad_time(time: Any) -> str:
    return f"the event has no usable time (timestamp is {str(time)[:40]!r})"


def _parquet_events(path: Path) -> Iterator[tuple[bytes, int | None, int]]:
    try:
        file = pq.ParquetFile(path)
    except OSError as error:
        raise Missing(f"{path} can't be read ({error}): check the path.") from error
    except pa.ArrowException as error:
        raise BadInput(f"{path} isn't a Parquet file ({error}).") from error
    with file:
        names = ("offset", "time_ms", "payload", "entry")
        if missing := [name for name in names if name not in file.schema_arrow.names]:
            raise BadInput(f"{path} has no column {', '.join(missing)}: give the events that `footfall export` wrote.")
        size, n_rows, n_done = path.stat().st_size, file.metadata.num_rows, 0
        for batch in file.iter_batches(batch_size=5_000, columns=list(names)):
            for offset, time_ms, payload, entry in zip(*(batch[name].to_pylist() for name in names), strict=True):
                n_done += 1
                yield _exported(offset, time_ms, payload, entry), time_ms, size * n_done // n_rows


def _exported(offset: int, time_ms: int, payload: str, entry: str) -> bytes:
    """An exported event with what its envelope knew: corrected time, user agent, address and place."""
    event, envelope = parsed(payload.encode()), _decode_entry(entry)
    event.pop("sentAt", None)
    event["timestamp"] = iso_ms(time_ms)
    if not event.get("messageId"):
        event["messageId"] = message_id("segment", f"{offset} {payload}".encode())  # it counted, whatever it equals
    known: dict[str, Any] = {"userAgent": envelope.user_agent, "ip": envelope.ip}
    place = {"country": envelope.country, "region": envelope.region, "city": envelope.city}
    known["location"] = {name: value for name, value in place.items() if value}
    said = event.get("context") if isinstance(event.get("context"), dict) else {}
    context = {name: value for name, value in known.items() if value} | said
    if context:
        event["context"] = context
    return _encode(event)
