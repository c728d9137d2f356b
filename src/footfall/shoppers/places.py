"""Where do shoppers live, and from which addresses do they come?

Addresses are of 198.18.0.0/15, which is reserved for measurements and belongs to nobody. Each place has some /24
networks of it: addresses are cut to /24 before anything is stored, so that is as fine as a place can be known.
"""

import os
from pathlib import Path
from random import Random

import msgspec
from mmdb_writer import MMDBWriter
from netaddr import IPSet

_FIRST_NETWORK = (198 << 16) | (18 << 8)
"""198.18.0, as the number of a /24."""
_N_NETWORKS = 512


class Place(msgspec.Struct, frozen=True):
    """A city, as an address database knows it; ``weight`` is its share of the shop's visitors."""

    country: str
    region: str
    city: str
    timezone: str
    locale: str
    weight: float


PLACES = (
    Place("US", "CA", "Los Angeles", "America/Los_Angeles", "en-US", 9),
    Place("US", "CA", "San Francisco", "America/Los_Angeles", "en-US", 6),
    Place("US", "NY", "New York", "America/New_York", "en-US", 11),
    Place("US", "TX", "Austin", "America/Chicago", "en-US", 5),
    Place("US", "TX", "Houston", "America/Chicago", "es-US", 4),
    Place("US", "FL", "Miami", "America/New_York", "es-US", 6),
    Place("US", "IL", "Chicago", "America/Chicago", "en-US", 5),
    Place("US", "WA", "Seattle", "America/Los_Angeles", "en-US", 4),
    Place("US", "CO", "Denver", "America/Denver", "en-US", 4),
    Place("US", "MA", "Boston", "America/New_York", "en-US", 4),
    Place("US", "GA", "Atlanta", "America/New_York", "en-US", 3),
    Place("US", "MN", "Minneapolis", "America/Chicago", "en-US", 2),
    Place("US", "AZ", "Phoenix", "America/Phoenix", "en-US", 3),
    Place("US", "OH", "Columbus", "America/New_York", "en-US", 3),
    Place("US", "OR", "Portland", "America/Los_Angeles", "en-US", 3),
    Place("US", "PA", "Philadelphia", "America/New_York", "en-US", 3),
    Place("US", "NC", "Charlotte", "America/New_York", "en-US", 2),
    Place("US", "VT", "Burlington", "America/New_York", "en-US", 1),
    Place("US", "MT", "Missoula", "America/Denver", "en-US", 1),
    Place("CA", "ON", "Toronto", "America/Toronto", "en-CA", 5),
    Place("CA", "BC", "Vancouver", "America/Vancouver", "en-CA", 2),
    Place("GB", "ENG", "London", "Europe/London", "en-GB", 7),
    Place("GB", "SCT", "Edinburgh", "Europe/London", "en-GB", 2),
    Place("IE", "L", "Dublin", "Europe/Dublin", "en-IE", 1.5),
    Place("DE", "BE", "Berlin", "Europe/Berlin", "de-DE", 4),
    Place("DE", "BY", "Munich", "Europe/Berlin", "de-DE", 3),
    Place("FR", "IDF", "Paris", "Europe/Paris", "fr-FR", 3),
    Place("NL", "NH", "Amsterdam", "Europe/Amsterdam", "nl-NL", 2),
    Place("SE", "AB", "Stockholm", "Europe/Stockholm", "sv-SE", 2),
    Place("AT", "9", "Vienna", "Europe/Vienna", "de-AT", 1.5),
    Place("ES", "MD", "Madrid", "Europe/Madrid", "es-ES", 1.5),
    Place("MX", "CMX", "Mexico City", "America/Mexico_City", "es-MX", 2),
    Place("JP", "13", "Tokyo", "Asia/Tokyo", "ja-JP", 2),
    Place("AU", "NSW", "Sydney", "Australia/Sydney", "en-AU", 2),
)
_WEIGHTS = [place.weight for place in PLACES]
_DATA_CENTRE = Place("US", "VA", "Ashburn", "UTC", "en-US", 0)
"""Where crawlers live."""
_COUNTRIES = {"US": "United States", "CA": "Canada", "GB": "United Kingdom", "IE": "Ireland", "DE": "Germany",
            "FR": "France", "NL": "Netherlands", "SE": "Sweden", "AT": "Austria", "ES": "Spain", "MX": "Mexico",
            "JP": "Japan", "AU": "Australia"}  # fmt: skip


def _networks() -> dict[Place, range]:
    """The /24 networks of each place, as numbers from the first; as many as it has weight, at least one."""
    share = (_N_NETWORKS - len(PLACES) - 8) / sum(_WEIGHTS)
    start, networks = 0, {}
    for place in PLACES:
        stop = start + 1 + int(place.weight * share)
        networks[place] = range(start, stop)
        start = stop
    return networks | {_DATA_CENTRE: range(start, start + 4)}


_NETWORKS = _networks()


def some_place(rng: Random) -> Place:
    """A place by its share of the visitors."""
    return rng.choices(PLACES, _WEIGHTS)[0]


def data_centre() -> Place:
    """Where crawlers come from."""
    return _DATA_CENTRE


def some_address(rng: Random, place: Place) -> str:
    """An IPv4 address there."""
    return f"{_prefix(rng.choice(_NETWORKS[place]))}.{rng.randrange(1, 255)}"


def _prefix(network: int) -> str:
    number = _FIRST_NETWORK + network
    return f"{number >> 16}.{number >> 8 & 255}.{number & 255}"


def write_places(path: Path) -> None:
    """Write an ``.mmdb`` file in MaxMind's City layout that tells the place of every address; replaces the file."""
    writer = MMDBWriter(
        ip_version=4, database_type="Footfall-Demo-City", languages=["en"], description="Made-up places"
    )
    for place, networks in _NETWORKS.items():
        content = {
            "country": {"iso_code": place.country, "names": {"en": _COUNTRIES[place.country]}},
            "subdivisions": [{"iso_code": place.region, "names": {"en": place.region}}],
            "city": {"names": {"en": place.city}},
            "location": {"time_zone": place.timezone},
        }
        writer.insert_network(IPSet([f"{_prefix(network)}.0/24" for network in networks]), content)
    beside = path.with_suffix(".new")
    writer.to_db_file(str(beside))
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(path)
