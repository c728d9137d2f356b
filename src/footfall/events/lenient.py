"""What can still be read of an event that the typed decoder refused, and which events must be refused?

The slow path: JSON is taken apart by hand, ill-typed fields are coerced or dropped, what is usable is kept.
Whatever the bytes are, the outcome is an event or a :class:`Refused` with a reason.
"""

import json
import math
from typing import Any

import msgspec

from footfall.base.kinds import Kind
from footfall.events.names import kind_of
from footfall.events.reasons import REASONS
from footfall.events.wire import Campaign, Context, Event, Location, Page, Product, Properties, Scalar

TYPES = frozenset({"track", "page", "screen", "identify", "group", "alias"})
"""Calls of the Segment spec."""

_EVENT_NAMES, _CONTEXT_NAMES, _PROPERTY_NAMES = (
    tuple(field.name for field in msgspec.structs.fields(struct) if field.type == Scalar)
    for struct in (Event, Context, Properties)
)
_BOM = b"\xef\xbb\xbf"
_INT_DIGITS_MAX = 38
_DETAIL_MAX = 200
_PRODUCTS_MAX = 1000


class Refused(Exception):
    """An event that can't be used: ``reason`` is a code of :data:`footfall.events.reasons.REASONS`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail[:_DETAIL_MAX]


def check(event: Event) -> str | None:
    """Why an event must be refused although its types are right, or None. Whose it is, is looked at elsewhere."""
    if event.type == "track":
        name = event.event
        if name is None or (isinstance(name, str) and not name.strip()):
            return "no_event_name"
        return None
    return None if event.type in TYPES else "unknown_type"


def read(raw: bytes) -> Event:
    """The event in this JSON, mended as far as it can be; raises :class:`Refused`.

    ``{"type": null, "refused": REASON, "detail": TEXT, ...}`` is how the readers of other protocols hand on what they
    couldn't read; it is refused with that reason.
    """
    try:
        return _event(parsed(raw))
    except Refused:
        raise
    except RecursionError:
        raise Refused("too_deep") from None
    except Exception as error:  # one stranger's event must not stop everybody else's
        raise Refused("unreadable", f"{type(error).__name__}: {error}") from error


def parsed(raw: bytes) -> Any:
    """The value of JSON bytes; raises :class:`Refused` (``bad_json``, ``bad_encoding``, ``too_deep``).

    More is let through than the standard allows: ``NaN`` and numbers that are too large become None, bare
    control characters in texts stay, lone surrogates become U+FFFD; of doubled keys the last one counts.
    """
    raw = raw.removeprefix(_BOM)
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise Refused("too_deep") from None
    except (msgspec.MsgspecError, UnicodeError, ValueError):
        pass
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_int=_int, parse_float=_float, parse_constant=_nothing, strict=False
        )
        return _without_surrogates(value)
    except UnicodeDecodeError as error:
        raise Refused("bad_encoding", str(error)) from None
    except ValueError as error:
        raise Refused("bad_json", str(error)) from None
    except RecursionError:
        raise Refused("too_deep") from None


def _int(digits: str) -> int | None:
    return int(digits) if len(digits) <= _INT_DIGITS_MAX else None


def _float(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _nothing(_: str) -> None:
    return None


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, dict):
        return {_sound(key): _without_surrogates(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(member) for member in value]
    return value


def _sound(text: str) -> str:
    """Text with halves of surrogate pairs joined, and replaced where the other half is missing."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _event(value: Any) -> Event:
    if not isinstance(value, dict):
        raise Refused("not_an_object", f"a JSON {_json_type(value)}")
    given_type = value.get("type", "track")
    if not isinstance(given_type, str):
        reason = value.get("refused")
        if isinstance(reason, str) and reason in REASONS:
            raise Refused(reason, str(value.get("detail") or ""))
        raise Refused("unknown_type", f"a JSON {_json_type(given_type)}")
    event = Event(type=given_type, **_fields(value, _EVENT_NAMES))
    event.traits = _traits(value.get("traits"))
    event.context = _context(value.get("context"))
    reason = check(event)
    if reason is not None:
        raise Refused(reason, given_type if reason == "unknown_type" else "")
    event.properties = _properties(value.get("properties"), event)
    return event


def _scalar(value: Any) -> Scalar:
    """A text or number as it is; the only element of a list; else None (truth values say no id or amount)."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value.bit_length() <= 128 else None
    if isinstance(value, float) and math.isfinite(value):
        return value
    return None


def _fields(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _scalar(value[name]) for name in names if name in value}


def _context(value: Any) -> Context | None:
    if not isinstance(value, dict):
        return None
    context = Context(**_fields(value, _CONTEXT_NAMES))
    page, campaign, location = value.get("page"), value.get("campaign"), value.get("location")
    if isinstance(page, dict):
        context.page = Page(**_fields(page, Page.__struct_fields__))
    if isinstance(campaign, dict):
        context.campaign = Campaign(**_fields(campaign, Campaign.__struct_fields__))
    if isinstance(location, dict):
        context.location = Location(**_fields(location, Location.__struct_fields__))
    return context


def _properties(value: Any, event: Event) -> Properties | None:
    if not isinstance(value, dict):
        return None
    properties = Properties(**_fields(value, _PROPERTY_NAMES))
    given = value.get("products")
    if given is None:
        return properties
    properties.products = _products(given)
    has_amount = not (properties.revenue is None and properties.total is None and properties.value is None)
    is_order = kind_of(event.type, _name(event.event)) == Kind.ORDER
    if properties.products is None and is_order and not has_amount:
        raise Refused("bad_products", f"a JSON {_json_type(given)}")
    return properties


def _products(value: Any) -> list[Product] | None:
    """Lines given as a list of objects or ids, as one object, or as either in a JSON text; None for all else."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            value = parsed(value.encode("utf-8"))
        except Refused:
            return None
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return None
    products = []
    for line in value[:_PRODUCTS_MAX]:
        if isinstance(line, dict):
            products.append(Product(**_fields(line, Product.__struct_fields__)))
        elif isinstance(line, str | int) and not isinstance(line, bool):
            products.append(Product(product_id=_scalar(line)))
    return products if products or not value else None


def _traits(value: Any) -> msgspec.Raw:
    if not isinstance(value, dict):
        return msgspec.Raw()
    return msgspec.Raw(msgspec.json.encode(value))


def _name(value: Scalar) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _json_type(value: Any) -> str:
    names = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")
