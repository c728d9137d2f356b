"""Which column of a table means what? A mapping names columns, kinds and constants; two well-known ones are built in.

A mapping is a TOML file::

    [columns]
    user = "customer_id"
    time = "ts"
    time_unit = "s"
    kind = "action"
    product = "sku"
    [kinds]
    pv = "product_view"
    [constants]
    currency = "EUR"
    [file]
    delimiter = ";"
"""

import codecs
import tomllib
import zoneinfo
from pathlib import Path
from typing import Any, Literal

import msgspec

from footfall.base.errors import BadInput, Missing
from footfall.base.kinds import KIND_NAMES, Kind

EVENT_NAMES: dict[Kind, str] = {
    Kind.LIST_VIEW: "Product List Viewed",
    Kind.PRODUCT_CLICK: "Product Clicked",
    Kind.PRODUCT_VIEW: "Product Viewed",
    Kind.SEARCH: "Products Searched",
    Kind.CART_ADD: "Product Added",
    Kind.CART_REMOVE: "Product Removed",
    Kind.CART_VIEW: "Cart Viewed",
    Kind.WISHLIST_ADD: "Product Added to Wishlist",
    Kind.CHECKOUT_START: "Checkout Started",
    Kind.PAYMENT_INFO: "Payment Info Entered",
    Kind.ORDER: "Order Completed",
    Kind.REFUND: "Order Refunded",
    Kind.PROMOTION_VIEW: "Promotion Viewed",
    Kind.PROMOTION_CLICK: "Promotion Clicked",
    Kind.SIGN_UP: "Signed Up",
    Kind.SIGN_IN: "Signed In",
    Kind.EMAIL_OPENED: "Email Opened",
    Kind.EMAIL_CLICKED: "Email Link Clicked",
}
"""Segment's names of the kinds that a table's rows can stand for, besides ``page_view`` and ``custom``."""

COLUMNS: dict[str, tuple[str, str]] = {
    "user": ("event", "userId"),
    "anonymous": ("event", "anonymousId"),
    "message": ("event", "messageId"),
    "product": ("product", "product_id"),
    "product_name": ("product", "name"),
    "brand": ("product", "brand"),
    "category": ("product", "category"),
    "price": ("product", "price"),
    "regular_price": ("product", "regular_price"),
    "quantity": ("product", "quantity"),
    "revenue": ("properties", "revenue"),
    "order": ("properties", "order_id"),
    "currency": ("properties", "currency"),
    "coupon": ("properties", "coupon"),
    "query": ("properties", "query"),
    "section": ("properties", "section"),
    "session": ("properties", "session_id"),
    "url": ("page", "url"),
    "referrer": ("page", "referrer"),
    "title": ("page", "title"),
    "country": ("location", "country"),
    "region": ("location", "region"),
    "city": ("location", "city"),
    "campaign": ("campaign", "name"),
    "source": ("campaign", "source"),
    "medium": ("campaign", "medium"),
    "term": ("campaign", "term"),
    "content": ("campaign", "content"),
    "user_agent": ("context", "userAgent"),
    "ip": ("context", "ip"),
    "locale": ("context", "locale"),
    "timezone": ("context", "timezone"),
    "channel": ("context", "channel"),
}
"""What a column can mean, and where it goes in an event: part of the event, name there."""
NUMBERS = frozenset({"price", "regular_price", "quantity", "revenue"})
_SPECIAL = ("visitor", "time", "kind")
_OPTIONS = ("time_unit", "time_zone")
_PAGE_VIEW, _CUSTOM = Kind.PAGE_VIEW.name.lower(), Kind.CUSTOM.name.lower()


class Mapping(msgspec.Struct, frozen=True):
    """How the rows of a table become events."""

    name: str
    """Name of the format; part of every event's content hash."""
    columns: dict[str, tuple[str, ...]]
    """Meaning -> names of the columns that hold it; of several the first that isn't empty counts."""
    kinds: dict[str, str]
    """Value of the kind column -> kind."""
    constants: dict[str, str]
    """Meaning -> value for every row whose own is missing."""
    time_unit: Literal["s", "ms", "us", "iso"] = "iso"
    time_zone: str = "UTC"
    """Zone of times that don't name one."""
    header: tuple[str, ...] = ()
    """Names of the columns of a file that has no header; empty: the file's first row."""
    delimiter: str = ","
    encoding: str = "utf-8"
    category_separator: str = ""
    """What stands between the levels of a category; becomes ``/``."""


TAOBAO = Mapping(
    name="taobao",
    columns={
        "user": ("user",),
        "product": ("item",),
        "category": ("category",),
        "kind": ("behaviour",),
        "time": ("time",),
    },
    kinds={"pv": "product_view", "cart": "cart_add", "fav": "wishlist_add", "buy": "order"},
    constants={},
    time_unit="s",
    header=("user", "item", "category", "behaviour", "time"),
)
REES46 = Mapping(
    name="rees46",
    columns={
        "user": ("user_id",),
        "session": ("user_session",),
        "time": ("event_time",),
        "kind": ("event_type",),
        "product": ("product_id",),
        "category": ("category_code", "category_id"),
        "brand": ("brand",),
        "price": ("price",),
    },
    kinds={"view": "product_view", "cart": "cart_add", "remove_from_cart": "cart_remove", "purchase": "order"},
    constants={"currency": "USD"},
    category_separator=".",
)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    header: list[str] = []
    delimiter: str = ","
    encoding: str = "utf-8"
    category_separator: str = ""


class _Toml(msgspec.Struct, forbid_unknown_fields=True):
    columns: dict[str, str | list[str]]
    kinds: dict[str, str] = {}
    constants: dict[str, str | int | float] = {}
    file: _File = msgspec.field(default_factory=_File)


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; raises ``Missing`` or ``BadInput`` with what to change."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise Missing(f"The mapping {path} can't be read ({error.strerror}): check the path.") from error
    try:
        return parse_mapping(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, BadInput) as error:
        raise BadInput(f"The mapping {path} can't be used: {error}") from error


def parse_mapping(tables: dict[str, Any]) -> Mapping:
    """Check a mapping's tables; raises ``BadInput``."""
    try:
        toml = msgspec.convert(tables, _Toml)
    except msgspec.ValidationError as error:
        raise BadInput(f"{error}. It has the tables [columns], [kinds], [constants] and [file].") from error
    options = {name: str(toml.columns.pop(name)) for name in _OPTIONS if name in toml.columns}
    columns = {meaning: (names,) if isinstance(names, str) else tuple(names) for meaning, names in toml.columns.items()}
    constants = {meaning: str(value) for meaning, value in toml.constants.items()}
    known = {"columns": (*_SPECIAL, *_OPTIONS, *COLUMNS), "constants": ("kind", *COLUMNS)}
    for table, meanings in (("columns", columns.keys()), ("constants", constants.keys())):
        if unknown := sorted(meanings - set(known[table])):
            raise BadInput(f"[{table}] has no {', '.join(unknown)}; it can have {', '.join(known[table])}.")
    if "visitor" in columns:
        columns["anonymous" if "user" in columns else "user"] = columns.pop("visitor")
    if not columns.keys() & {"user", "anonymous"}:
        raise BadInput("[columns] must name who did it: visitor, user or anonymous.")
    if "time" not in columns:
        raise BadInput("[columns] must name time.")
    unit = options.get("time_unit", "iso")
    if unit not in ("s", "ms", "us", "iso"):
        raise BadInput(f"time_unit is {unit!r}; it can be s, ms, us or iso.")
    if "kind" not in columns and "kind" not in constants and "url" not in columns:
        raise BadInput('[columns] must name kind, or [constants] give one for all rows, such as kind = "order".')
    for value, kind in [*toml.kinds.items(), *([("", constants["kind"])] if "kind" in constants else [])]:
        if kind not in EVENT_KINDS:
            raise BadInput(f"[kinds] {value} = {kind!r} isn't a kind; kinds are {', '.join(EVENT_KINDS)}.")
    _check_file(toml.file, options.get("time_zone", "UTC"))
    return Mapping(
        name="csv",
        columns=columns,
        kinds=toml.kinds,
        constants=constants,
        time_unit=unit,  # type: ignore[arg-type]
        time_zone=options.get("time_zone", "UTC"),
        header=tuple(toml.file.header),
        delimiter=toml.file.delimiter,
        encoding=toml.file.encoding,
        category_separator=toml.file.category_separator,
    )


EVENT_KINDS = tuple(name for name in KIND_NAMES if name in (_PAGE_VIEW, _CUSTOM) or Kind[name.upper()] in EVENT_NAMES)
"""Names of the kinds that a mapping may use."""


def _check_file(file: _File, time_zone: str) -> None:
    if len(file.delimiter) != 1 or file.delimiter in '"\r\n':
        raise BadInput(f"[file] delimiter is {file.delimiter!r}; it must be one character.")
    try:
        if "a,\n".encode(codecs.lookup(file.encoding).name) != b"a,\n":
            raise BadInput(f"[file] encoding {file.encoding} isn't supported: turn the file into UTF-8.")
    except LookupError as error:
        raise BadInput(f"[file] encoding {file.encoding} isn't known; try utf-8, latin-1 or cp1252.") from error
    try:
        zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"time_zone {time_zone!r} isn't known; write it as Europe/Berlin.") from error
