"""Small closed lists whose numbers are stored in records: channels, devices, systems, browsers, event flags."""

from enum import IntEnum, IntFlag


class Channel(IntEnum):
    """How a session came to the shop."""

    DIRECT = 0
    ORGANIC_SEARCH = 1
    PAID_SEARCH = 2
    ORGANIC_SOCIAL = 3
    PAID_SOCIAL = 4
    EMAIL = 5
    SMS = 6
    DISPLAY = 7
    AFFILIATE = 8
    REFERRAL = 9
    PUSH = 10
    STORE = 11
    OTHER = 12


class Device(IntEnum):
    """Class of device."""

    UNKNOWN = 0
    DESKTOP = 1
    MOBILE = 2
    TABLET = 3
    TV = 4
    BOT = 5
    SERVER = 6


class Os(IntEnum):
    """Operating system family."""

    UNKNOWN = 0
    WINDOWS = 1
    MACOS = 2
    LINUX = 3
    CHROME_OS = 4
    ANDROID = 5
    IOS = 6
    OTHER = 7


class Browser(IntEnum):
    """Browser family."""

    UNKNOWN = 0
    CHROME = 1
    SAFARI = 2
    FIREFOX = 3
    EDGE = 4
    OPERA = 5
    SAMSUNG = 6
    IN_APP = 7
    OTHER = 8


class Flag(IntFlag):
    """What reading noticed about an event (column ``flags``, uint16)."""

    LATE = 1
    """Older than 72 h on arrival."""
    FUTURE = 2
    """More than 24 h ahead of receipt; receive time was used."""
    OUTLIER_PRICE = 4
    """Outside the product's interquartile fences; left out of price statistics."""
    STORE = 8
    """Happened offline, in a store."""
    DISCOUNTED = 16
    """The product was shown below its regular price."""
    BOT = 32
    """The user agent names a crawler."""
    NO_TIME = 64
    """No usable timestamp; receive time was used."""
    UNKNOWN_CURRENCY = 128
    """No exchange rate for the currency; the amount was left out."""
    REPAIRED = 256
    """Some field had a wrong type and was coerced or dropped."""
    SECTION_GUESSED = 512
    """The section is what the address says; no rule, no category and no `section` tells it."""
    PAGE_NAMED = 1024
    """A category tells the section of a page whose address only lets it be guessed."""


class Status(IntEnum):
    """Where an event ended; each ends in exactly one place."""

    APPLIED = 0
    DUPLICATE = 1
    FAILED = 2
