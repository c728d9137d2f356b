"""Where is the visitor? The first of: what the client says, what the CDN says, the address, the time zone.

Lookups read the ``.mmdb`` file given at the start and the tz database; nothing goes over the network.
"""

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import maxminddb

from footfall.base.errors import BadInput
from footfall.events.clean import offset_of
from footfall.events.countries import COUNTRY_BY_NAME, COUNTRY_BY_ZONE
from footfall.events.wire import Location, Scalar

_TEXT_MAX = 100
_EMPTY = frozenset({"", "unknown", "(not set)", "null", "none", "undefined", "n/a", "-"})


class Place(NamedTuple):
    """A place: ISO 3166-1 alpha-2 country, ISO 3166-2 subdivision (without the country) or its name, city in English.

    What isn't known is ``""``; a region or city never stands without its country.
    """

    country: str = ""
    region: str = ""
    city: str = ""


NOWHERE = Place()


def country_code(value: Scalar) -> str:
    """ISO 3166-1 alpha-2 code of a country given as code or English name, or ``""``."""
    return COUNTRY_BY_NAME.get(_text(value).lower(), "")


def country_of_zone(timezone: str) -> str:
    """The country whose clocks a tz name such as ``Europe/Vienna`` (or an old one such as ``US/Pacific``) means."""
    return COUNTRY_BY_ZONE.get(timezone.strip().lower(), "")


def utc_offset_min(timezone: str, time_ms: int) -> int:
    """Minutes that local time is ahead of UTC in a zone (tz name or ``UTC+02:00``) at a time; 0 if unknown."""
    fixed = offset_of(timezone)
    try:
        moment = datetime.fromtimestamp(time_ms / 1000, UTC)
        offset = moment.astimezone(fixed or ZoneInfo(timezone)).utcoffset()
    except (ValueError, OSError, OverflowError, LookupError):  # no such zone, or a time outside of datetime's years
        return 0
    return int(offset.total_seconds() // 60) if offset is not None else 0


class Geo:
    """Finds places, with the help of an ``.mmdb`` file in MaxMind's or DB-IP's layout if there is one.

    Raises :class:`~footfall.base.errors.BadInput` when the file is named but can't be read.
    """

    def __init__(self, database: str) -> None:
        self._reader: maxminddb.Reader | None = None
        if database:
            try:
                self._reader = maxminddb.open_database(database)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
                raise BadInput(
                    f"geo_database {database!r} can't be read ({error}). "
                    "Give the path of an .mmdb file, or leave the setting empty.",
                    code="bad_geo_database",
                ) from error

    @property
    def reads_addresses(self) -> bool:
        """Whether a place can depend on the address: there is a database."""
        return self._reader is not None

    def place(self, location: Location | None, country: str, region: str, city: str, ip: str, timezone: str) -> Place:
        """The place by ``context.location``, then CDN headers, then the address, then the time zone.

        A later source fills in what an earlier one left open, as long as they agree on the country.
        """
        found = NOWHERE
        if location is not None:
            found = _joined(found, _place(location.country, location.region, location.city))
        if not found.city:
            found = _joined(found, _place(country, region, city))
        if not found.city and ip and self._reader is not None:
            found = _joined(found, self._place_of_address(ip))
        return found if found.country else Place(country_of_zone(timezone))

    def _place_of_address(self, ip: str) -> Place:
        assert self._reader is not None
        try:
            record = self._reader.get(ip_address(ip.strip()))
        except (ValueError, maxminddb.InvalidDatabaseError):  # no address, IPv6 in an IPv4 file, or a damaged part
            return NOWHERE
        if not isinstance(record, dict):
            return NOWHERE
        country = record.get("country") or record.get("registered_country") or record.get("country_code")
        subdivisions = record.get("subdivisions")
        region = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else None
        region = region or record.get("region") or record.get("state1") or record.get("stateprov")
        return _place(_name(country), _name(region), _name(record.get("city")))

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def _name(part: Any) -> Scalar:
    """Code or English name of one part of a record: a text (flat layouts) or a map (MaxMind, DB-IP)."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return None
    names = part.get("names")
    name = part.get("iso_code") or (names.get("en") if isinstance(names, dict) else None)
    return name if isinstance(name, str) else None


def _place(country: Scalar, region: Scalar, city: Scalar) -> Place:
    code = country_code(country)
    if not code:
        return NOWHERE
    region_text = _text(region)
    if region_text.upper().startswith(f"{code}-"):
        region_text = region_text[3:]
    return Place(code, region_text.upper() if len(region_text) <= 3 else region_text, _text(city))


def _joined(found: Place, other: Place) -> Place:
    if not found.country:
        return other
    if other.country != found.country:
        return found
    if found.region and other.region and found.region != other.region:
        return found
    return Place(found.country, found.region or other.region, found.city or other.city)


def _text(value: Scalar) -> str:
    if not isinstance(value, str):
        return ""
    text = " ".join(value[:_TEXT_MAX].split())
    return "" if text.lower() in _EMPTY else text
