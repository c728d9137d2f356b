"""Who shops? Made-up people with a kind, a home, devices, a purse and tastes; the same seed makes the same people."""

from random import Random

import msgspec

from footfall.shoppers.devices import COMPUTERS, CRAWLER, DISGUISED, PHONES, TABLETS, Model, some_model
from footfall.shoppers.kinds import BY_NAME, KINDS, SHARES, Kind
from footfall.shoppers.places import PLACES, Place, data_centre, some_address, some_place
from footfall.shoppers.shelves import Shelves
from footfall_shop.forms import customer_id

_NAMES = ("Alex", "Bea", "Chris", "Dana", "Eli", "Fatima", "Gus", "Hana", "Ivo", "June", "Kai", "Lena", "Mara", "Noor",
          "Olga", "Pia", "Quinn", "Rosa", "Sam", "Tao", "Uma", "Vik", "Wes", "Yara", "Zoe")  # fmt: skip


class Browser(msgspec.Struct):
    """A browser on a device, with what the tracker and the shop keep in it."""

    anonymous_id: str
    model: Model
    address: str
    user_id: str = ""
    """The account that is signed in."""


class Person(msgspec.Struct):
    """Somebody who shops, and what a shop can't see: why."""

    number: int
    kind_name: str
    place_idx: int
    """Index into ``PLACES``; -1 is a data centre."""
    browser_idxs: list[int]
    """Of the crowd's browsers; the favourite first. A household's tablet is in the lists of several people."""
    thrift: float
    """0 buys what it likes, 1 buys what is cheap."""
    patience: float
    """Factor on the number of pages."""
    tastes: list[str]
    """Lowest sections, the favourite first."""
    focus: list[str]
    """Products that it has in mind, the favourite first."""
    user_id: str = ""
    """Set once there is an account."""
    email: str = ""
    """Set once the shop was told."""
    first_name: str = ""
    cart: dict[str, int] = {}
    """Product -> quantity; stays when the visit ends."""
    n_visits: int = 0
    n_orders: int = 0
    is_reminded: bool = False
    """A mail about the cart was opened; the next visit comes from it."""

    @property
    def kind(self) -> Kind:
        """The policy."""
        return BY_NAME[self.kind_name]

    @property
    def place(self) -> Place:
        """Home."""
        return PLACES[self.place_idx] if self.place_idx >= 0 else data_centre()


def new_browser(rng: Random, models: tuple[Model, ...], place: Place) -> Browser:
    """A browser that the tracker sees for the first time."""
    return Browser(new_anonymous_id(rng), some_model(rng, models), some_address(rng, place))


def new_anonymous_id(rng: Random) -> str:
    """128 bits in hexadecimal digits, as the tracker makes them."""
    return f"{rng.getrandbits(128):032x}"


def new_person(rng: Random, number: int, first_browser: int, shelves: Shelves) -> tuple[Person, list[Browser]]:
    """Somebody who was never here before, and their browsers, which are numbered from ``first_browser``."""
    kind = rng.choices(KINDS, SHARES)[0]
    place = some_place(rng)
    place_idx = PLACES.index(place)
    owned: list[tuple[Model, ...]]
    if kind.is_bot:
        place, place_idx = data_centre(), -1
        owned = [(CRAWLER,) if kind.name == "crawler" else (DISGUISED,)]
    else:
        owned = _devices(rng, kind)
    browsers = [new_browser(rng, models, place) for models in owned]
    tastes = shelves.some_tastes(rng)
    thrift = min(1.0, max(0.0, rng.gauss(kind.thrift, 0.18)))
    person = Person(
        number=number,
        kind_name=kind.name,
        place_idx=place_idx,
        browser_idxs=list(range(first_browser, first_browser + len(browsers))),
        thrift=thrift,
        patience=rng.lognormvariate(-0.08, 0.4),
        tastes=tastes,
        focus=shelves.some_liked(rng, tastes, thrift, 1 + int(rng.expovariate(1.1))),
    )
    if rng.random() < kind.account:
        open_account(rng, person)
    return person, browsers


def _devices(rng: Random, kind: Kind) -> list[tuple[Model, ...]]:
    is_mobile = rng.random() < kind.phone
    first = PHONES if is_mobile and rng.random() < 0.93 else TABLETS if is_mobile else COMPUTERS
    second_share = 0.45 if kind.name in ("researcher", "loyal", "gift_buyer") else 0.22
    return [first] if rng.random() > second_share else [first, COMPUTERS if first is not COMPUTERS else PHONES]


def open_account(rng: Random, person: Person) -> None:
    """The person has an account from now on."""
    leave_email(rng, person)
    person.user_id = customer_id(person.email)


def leave_email(rng: Random, person: Person) -> None:
    """The shop knows how to write to the person from now on."""
    if not person.email:
        person.first_name = rng.choice(_NAMES)
        person.email = f"{person.first_name.lower()}.{person.number}@shopper.example"
