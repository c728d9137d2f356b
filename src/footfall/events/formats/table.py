"""What happened in a row? Rows of a delimited file become Segment events by a mapping."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from footfall.base.errors import BadInput
from footfall.base.kinds import Kind
from footfall.events.formats.chunk import Unreadable, message_id, unreadable_line
from footfall.events.formats.lines import RowReader
from footfall.events.formats.mapping import COLUMNS, EVENT_KINDS, EVENT_NAMES, NUMBERS, Mapping

_encode = msgspec.json.Encoder().encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARTS = ("event", "product", "properties", "context", "page", "location", "campaign")
_CONTEXT_PARTS = _PARTS[4:]
_PER_S = {"s": 1, "ms": 1_000, "us": 1_000_000}
_WITH_PRODUCTS = (EVENT_NAMES[Kind.ORDER], EVENT_NAMES[Kind.REFUND])


def events_of(path: Path, mapping: Mapping) -> Iterator[tuple[bytes, int | None, int]]:
    """``(line, time_ms or None, bytes of the file read so far)`` for each row, in the file's order.

    Raises ``BadInput`` when the header lacks a mapped column or the first row doesn't fit the format.
    """
    rows = RowReader(path, mapping.delimiter, mapping.encoding)
    source = iter(rows)
    names = list(mapping.header)
    if not names:
        _, fields, why = next(source, (b"", [], ""))
        if fields is None:
            raise BadInput(f"{path} has no readable header: {why}.")
        if not fields:
            return
        names = [name.strip() for name in fields]
    to_event = _Row(names, mapping, path)
    is_first = bool(mapping.header)
    for row, fields, why in source:
        if is_first and fields is not None and len(fields) != len(names):
            raise BadInput(
                f"{path} doesn't look like {mapping.name}: its first row has {len(fields)} columns instead of "
                f"{len(names)} ({', '.join(names)}). Check --format."
            )
        is_first = False
        try:
            if fields is None:
                raise Unreadable(why)
            line, time_ms = to_event(row, fields)
            yield line, time_ms, rows.n_read
        except Unreadable as error:
            yield unreadable_line(row, str(error)), None, rows.n_read


class _Row:
    """Turns the fields of a row into an event; the mapping's names are looked up once."""

    def __init__(self, names: list[str], mapping: Mapping, path: Path) -> None:
        position = {name: idx for idx, name in enumerate(names)}
        wanted = [name for columns in mapping.columns.values() for name in columns]
        if missing := [name for name in wanted if name not in position]:
            raise BadInput(f"{path} has no column {', '.join(missing)}; its columns are {', '.join(names)}.")
        self.mapping = mapping
        self.n_columns = len(names)
        self.kinds = _names_of_kinds(mapping.kinds)
        self.parse_time = _time_reader(mapping)
        self.columns = {key: tuple(position[name] for name in columns) for key, columns in mapping.columns.items()}
        self.time = self.columns.pop("time")
        self.kind = self.columns.pop("kind", ())
        self.constant_kind = mapping.constants.get("kind", "")
        self.parts = {part: _Part(part, self.columns, mapping.constants) for part in _PARTS}
        self.context_parts = [(name, self.parts[name]) for name in _CONTEXT_PARTS if self.parts[name].is_used]
        self.has_context = self.parts["context"].is_used or bool(self.context_parts)
        self.separator = mapping.category_separator
        self.format_name = mapping.name

    def __call__(self, row: bytes, fields: list[str]) -> tuple[bytes, int]:
        """The event of a row and its time; raises ``Unreadable``."""
        if len(fields) != self.n_columns:
            raise Unreadable(f"the row has {len(fields)} columns instead of {self.n_columns}")
        time_ms, time = self.parse_time(_first(fields, self.time))
        kind = (_first(fields, self.kind) if self.kind else "") or self.constant_kind
        event = {"type": "track"} | self.parts["event"].read(fields)
        properties = self.parts["properties"].read(fields)
        product = self.parts["product"].read(fields)
        if self.separator and "category" in product:
            product["category"] = product["category"].replace(self.separator, "/")
        name = self.kinds.get(kind, kind)
        if name == "page" or not name:
            if not name and "url" not in self.columns:
                raise Unreadable("the row doesn't say what happened: its kind is empty")
            event["type"] = "page"
        else:
            event["event"] = name
        if name in _WITH_PRODUCTS:
            if "revenue" not in properties and isinstance(price := product.get("price"), float):
                quantity = product.get("quantity", 1.0)
                properties["revenue"] = round(price * quantity, 6) if isinstance(quantity, float) else price
            if "product_id" in product:
                product.setdefault("quantity", 1)
                properties["products"] = [product]
        elif properties:
            properties |= product
        else:
            properties = product
        if "messageId" not in event:
            event["messageId"] = message_id(self.format_name, row)
        event["timestamp"] = time
        event["properties"] = properties
        if self.has_context and (context := self._context(fields)):
            event["context"] = context
        return _encode(event), time_ms

    def _context(self, fields: list[str]) -> dict[str, Any]:
        context = self.parts["context"].read(fields)
        for name, part in self.context_parts:
            if values := part.read(fields):
                context[name] = values
        return context


class _Part:
    """One object of an event: which columns fill it, and what stands in it when they are empty."""

    def __init__(self, part: str, columns: dict[str, tuple[int, ...]], constants: dict[str, str]) -> None:
        meanings = {meaning: name for meaning, (place, name) in COLUMNS.items() if place == part}
        self.constants: dict[str, Any] = {
            name: _number(constants[meaning]) if meaning in NUMBERS else constants[meaning]
            for meaning, name in meanings.items()
            if meaning in constants
        }
        # From the last column to the first, so that the first one that isn't empty stays.
        self.columns = [
            (name, idx, meaning in NUMBERS)
            for meaning, name in meanings.items()
            for idx in reversed(columns.get(meaning, ()))
        ]
        self.is_used = bool(self.constants or self.columns)

    def read(self, fields: list[str]) -> dict[str, Any]:
        values = self.constants.copy()
        for name, idx, is_number in self.columns:
            if text := fields[idx]:
                values[name] = _number(text) if is_number else text
        return values


def _first(fields: list[str], idxs: tuple[int, ...]) -> str:
    for idx in idxs:
        if fields[idx]:
            return fields[idx]
    return ""


def _number(text: str) -> float | str:
    """The number, or the text as it is: the engine then says that the field had to be repaired."""
    try:
        value = float(text)
    except ValueError:
        return text
    return value if value - value == 0.0 else text


def _names_of_kinds(kinds: dict[str, str]) -> dict[str, str]:
    """Value of the kind column -> event name, or ``page``; a value that isn't there is the event's own name."""
    names = {name: name for name in EVENT_KINDS} | kinds
    return {
        value: "page" if kind == "page_view" else value if kind == "custom" else EVENT_NAMES[Kind[kind.upper()]]
        for value, kind in names.items()
    }


def _time_reader(mapping: Mapping) -> Callable[[str], tuple[int, datetime]]:
    """A function from a time's text to ``(epoch ms, the same as a datetime in UTC)``; it raises ``Unreadable``."""
    zone: tzinfo = UTC if mapping.time_zone == "UTC" else ZoneInfo(mapping.time_zone)
    per_s = _PER_S.get(mapping.time_unit, 0)

    def from_number(text: str) -> tuple[int, datetime]:
        try:
            time_ms = int(text) * 1_000 // per_s
        except ValueError:
            try:
                time_ms = round(float(text) * 1_000 / per_s)
            except (ValueError, OverflowError) as error:
                raise Unreadable(f"the time {text[:40]!r} isn't a number of {mapping.time_unit}") from error
        try:
            return time_ms, _EPOCH + timedelta(milliseconds=time_ms)
        except OverflowError as error:
            raise Unreadable(f"the time {text[:40]!r} lies outside the years 1 to 9999: is time_unit right?") from error

    def from_iso(text: str) -> tuple[int, datetime]:
        try:
            time = datetime.fromisoformat(text[:-4] + "Z" if text.endswith((" UTC", " GMT")) else text.strip())
            if time.tzinfo is not UTC:
                time = (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Unreadable(f"the time {text[:40]!r} isn't an ISO 8601 time") from error
        since = time - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000, time

    return from_number if per_s else from_iso


def iso_ms(time_ms: int) -> str:
    """Epoch milliseconds as ISO 8601 UTC; raises ``OverflowError`` outside the years 1-9999."""
    return (_EPOCH + timedelta(milliseconds=time_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
