"""What do clients send, and what stands in the log? The structs of the Segment spec and of a log entry.

Decoding skips every field that isn't named here; the event's own bytes stay in the log and the lake, whole.
Fields that clients send with several types are declared with all of them; anything else wrong makes the typed
decode fail, and :mod:`footfall.events.lenient` takes the event apart by hand.
"""

from enum import IntEnum

import msgspec

Scalar = str | int | float | None
"""A field that clients send as text or number. Truth values are left to the slow path, because ``True == 1``."""


class Page(msgspec.Struct, gc=False):
    """``context.page``."""

    url: Scalar = None
    path: Scalar = None
    referrer: Scalar = None


class Campaign(msgspec.Struct, gc=False):
    """``context.campaign``: UTM parameters as Segment clients send them."""

    name: Scalar = None
    source: Scalar = None
    medium: Scalar = None
    term: Scalar = None
    content: Scalar = None


class Location(msgspec.Struct, gc=False):
    """``context.location``."""

    country: Scalar = None
    region: Scalar = None
    city: Scalar = None


class Context(msgspec.Struct, gc=False):
    """``context``."""

    page: Page | None = None
    campaign: Campaign | None = None
    location: Location | None = None
    userAgent: Scalar = None
    ip: Scalar = None
    timezone: Scalar = None
    channel: Scalar = None


class Product(msgspec.Struct, gc=False):
    """One line of ``properties.products`` (Segment v2); GA4's ``item_*`` names are also read."""

    product_id: Scalar = None
    id: Scalar = None
    sku: Scalar = None
    item_id: Scalar = None
    category: Scalar = None
    item_category: Scalar = None
    price: Scalar = None
    quantity: Scalar = None


class Properties(msgspec.Struct, gc=False):
    """``properties``: the fields that columns are made of."""

    product_id: Scalar = None
    id: Scalar = None
    sku: Scalar = None
    category: Scalar = None
    price: Scalar = None
    regular_price: Scalar = None
    compare_at_price: Scalar = None
    discount: Scalar = None
    quantity: Scalar = None
    currency: Scalar = None
    order_id: Scalar = None
    checkout_id: Scalar = None
    revenue: Scalar = None
    total: Scalar = None
    value: Scalar = None
    products: list[Product] | None = None
    query: Scalar = None
    url: Scalar = None
    path: Scalar = None
    referrer: Scalar = None
    depth: Scalar = None
    percent: Scalar = None
    engaged_ms: Scalar = None
    section: Scalar = None


class Event(msgspec.Struct, gc=False):
    """One event in the Segment spec; see the field notes of ``docs/events.md``."""

    type: str = "track"
    messageId: Scalar = None
    anonymousId: Scalar = None
    userId: Scalar = None
    previousId: Scalar = None
    event: Scalar = None
    name: Scalar = None
    timestamp: Scalar = None
    originalTimestamp: Scalar = None
    sentAt: Scalar = None
    properties: Properties | None = None
    traits: msgspec.Raw = msgspec.Raw()
    """The raw object, empty if there is none."""
    context: Context | None = None


class Source(IntEnum):
    """Which door an entry came through."""

    SEGMENT = 0
    SNOWPLOW = 1
    GA4 = 2
    PIXEL = 3
    RUDDER = 4
    IMPORT = 5
    REPLAY = 6
    """A failed event that is tried again; ``replay_of`` says which."""
    ENGINE = 7
    """Written by Footfall itself (control entries)."""


class Entry(msgspec.Struct, array_like=True, gc=False, omit_defaults=True):
    """One accepted request, as it stands in the log: its events and what only the request knew.

    ``body`` holds ``n`` events in the Segment spec as JSON, one a line, redacted (see :mod:`footfall.events.redact`).
    Every event has a log offset: that of the entry plus its line number.
    """

    site: int
    received_ms: int
    source: int
    n: int
    body: bytes
    sent_at: str = ""
    """``sentAt`` of the request (batch), ISO 8601, or empty."""
    ip: str = ""
    """Client address, truncated to /24 or /48."""
    user_agent: str = ""
    """``User-Agent`` header when the client is a browser; events' ``context.userAgent`` goes first."""
    country: str = ""
    """From a CDN header: ISO 3166-1 alpha-2."""
    region: str = ""
    """From a CDN header: ISO 3166-2 subdivision without the country."""
    city: str = ""
    """From a CDN header."""
    reject: str = ""
    """Set when the collector refused the content: a reason code of :mod:`footfall.events.reasons`; ``n`` is then 1
    and ``body`` is what was refused, cut to 32 KiB."""
    replay_of: int = -1
    """Log offset of the failed event that this entry tries again, or -1."""
    facts: int = 0
    """Version of the shared facts that hold from here on (control entries of source ``ENGINE``: ``n`` is 1 and ``body``
    empty, so that every entry has an offset of its own; the ledger counts no event for them)."""
    logged_ms: int = 0
    """When the entry was written, if that isn't ``received_ms`` (imports); what the duplicate window goes by."""
