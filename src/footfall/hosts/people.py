"""Who shops? Made-up people with devices, a home, a purse and habits; the same seed makes the same people."""

from random import Random
from uuid import UUID

import msgspec

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_CHROME = f"{_WEBKIT} Chrome/126.0.0.0"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_SAFARI}"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_GALAXY = f"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) {_WEBKIT}"

PHONES = (
    f"{_IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
    f"{_IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
    f"{_IPHONE} Mobile/15E148 Instagram 337.0.3.23.54 (iPhone14,5; iOS 17_5_1; en_US; en; scale=3.00; 1170x2532)",
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_CHROME} Mobile Safari/537.36",
    f"{_GALAXY} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
)
COMPUTERS = (
    f"{_WINDOWS} {_CHROME} Safari/537.36",
    f"{_WINDOWS} {_CHROME} Safari/537.36 Edg/126.0.2592.68",
    f"{_MAC} {_CHROME} Safari/537.36",
    f"{_MAC} {_SAFARI} Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
)
TABLETS = (
    f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {_SAFARI} Version/17.5 Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 13; SM-X710) {_CHROME} Safari/537.36",
)


class Place(msgspec.Struct, frozen=True):
    """Where somebody lives."""

    country: str
    region: str
    city: str
    timezone: str
    locale: str
    weight: float


PLACES = (
    Place("US", "CA", "Los Angeles", "America/Los_Angeles", "en-US", 9),
    Place("US", "CA", "San Francisco", "America/Los_Angeles", "en-US", 6),
    Place("US", "NY", "New York", "America/New_York", "en-US", 10),
    Place("US", "TX", "Austin", "America/Chicago", "en-US", 7),
    Place("US", "FL", "Miami", "America/New_York", "es-US", 6),
    Place("US", "IL", "Chicago", "America/Chicago", "en-US", 5),
    Place("US", "WA", "Seattle", "America/Los_Angeles", "en-US", 4),
    Place("US", "CO", "Denver", "America/Denver", "en-US", 4),
    Place("US", "MA", "Boston", "America/New_York", "en-US", 3),
    Place("US", "GA", "Atlanta", "America/New_York", "en-US", 3),
    Place("US", "MN", "Minneapolis", "America/Chicago", "en-US", 2),
    Place("US", "AZ", "Phoenix", "America/Phoenix", "en-US", 3),
    Place("US", "OH", "Columbus", "America/New_York", "en-US", 3),
    Place("US", "OR", "Portland", "America/Los_Angeles", "en-US", 2),
    Place("CA", "ON", "Toronto", "America/Toronto", "en-CA", 5),
    Place("GB", "ENG", "London", "Europe/London", "en-GB", 8),
    Place("DE", "BE", "Berlin", "Europe/Berlin", "de-DE", 5),
    Place("DE", "BY", "Munich", "Europe/Berlin", "de-DE", 3),
    Place("FR", "IDF", "Paris", "Europe/Paris", "fr-FR", 4),
    Place("NL", "NH", "Amsterdam", "Europe/Amsterdam", "nl-NL", 2),
    Place("SE", "AB", "Stockholm", "Europe/Stockholm", "sv-SE", 2),
    Place("JP", "13", "Tokyo", "Asia/Tokyo", "ja-JP", 2),
    Place("AU", "NSW", "Sydney", "Australia/Sydney", "en-AU", 2),
)
_PLACE_WEIGHTS = tuple(place.weight for place in PLACES)
_NAMES = ("Alex", "Bea", "Chris", "Dana", "Eli", "Fatima", "Gus", "Hana", "Ivo", "June", "Kai", "Lena", "Mara", "Noor")


class Browser(msgspec.Struct):
    """A device of somebody's, with the id that the tracker gave it."""

    anonymous_id: str
    user_agent: str
    is_signed_in: bool = False


class Person(msgspec.Struct):
    """Somebody who shops, and what a shop can't see: why."""

    number: int
    place: Place
    browsers: list[Browser]
    intent: float
    """0-1: how close to buying; rises with every visit, falls after an order."""
    price_sensitivity: float
    """0-1: how much a high price puts off and a discount draws."""
    patience: float
    """0-1: how many pages a visit may take."""
    tastes: list[str]
    """Categories, the favourite first."""
    user_id: str = ""
    """Set once there is an account."""
    email: str = ""
    first_name: str = ""
    cart: dict[str, int] = {}
    """Product id -> quantity; stays when the visit ends."""
    remembered: list[str] = []
    """Product ids that were liked, newest last."""
    n_visits: int = 0
    n_orders: int = 0
    busy_until_ms: int = 0
    """End of the visit that is going on, or of the last one."""


def new_person(rng: Random, number: int, categories: list[str]) -> Person:
    """Somebody who was never here before."""
    kind = rng.random()
    first, second = (PHONES, COMPUTERS) if kind < 0.58 else (COMPUTERS, PHONES) if kind < 0.92 else (TABLETS, PHONES)
    browsers = [new_browser(rng, first)]
    if rng.random() < 0.35:
        browsers.append(new_browser(rng, second))
    favourite = rng.choice(categories)
    kin = [category for category in categories if category.split("/")[0] == favourite.split("/")[0]]
    person = Person(
        number=number,
        place=rng.choices(PLACES, _PLACE_WEIGHTS)[0],
        browsers=browsers,
        intent=rng.betavariate(1.6, 5.0),
        price_sensitivity=rng.betavariate(2.0, 2.0),
        patience=rng.betavariate(2.0, 2.5),
        tastes=[favourite, rng.choice(kin), rng.choice(categories)],
    )
    if rng.random() < 0.12:
        give_account(rng, person)
    return person


def new_browser(rng: Random, user_agents: tuple[str, ...]) -> Browser:
    """A device that the tracker sees for the first time."""
    return Browser(str(UUID(int=rng.getrandbits(128), version=4)), rng.choice(user_agents))


def give_account(rng: Random, person: Person) -> None:
    """The person signs up; from now on there is a user id."""
    person.first_name = rng.choice(_NAMES)
    person.user_id = f"u-{100_000 + person.number}"
    person.email = f"{person.first_name.lower()}.{person.number}@shopper.example"
