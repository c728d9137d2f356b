"""Who comes when, and comes back? The crowd: all people, their visits by time, and the truth about each visit.

Everything follows from the seed: the same seed and calls make the same people, visits and events, byte for byte.
"""

import heapq
from collections import Counter, deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random

import msgspec

from footfall.base.errors import BadInput
from footfall.shoppers.devices import TABLETS
from footfall.shoppers.hours import DAY_MS, HOUR_MS, busyness, moment_of_day, some_moment
from footfall.shoppers.people import Browser, Person, new_anonymous_id, new_person
from footfall.shoppers.shelves import Shelves
from footfall.shoppers.tab import Said, said_by_shop
from footfall.shoppers.visits import End, Order, Truth, Visit
from footfall_shop.catalogue import CURRENCY, as_json

_REST_MS = 45 * 60_000
"""Nobody comes back sooner than this, so that coming back is a new session."""
_NEW_SHARE = 0.62
"""Of live visits are of people who were never here."""
_FORGETS_ID = 0.03
"""Of later visits the browser has lost its cookies."""
_LIVES_WITH_A_TABLET = 0.06
"""Of people live with somebody whose tablet they use."""
_REFUND_SHARE = 0.09
_REMINDED_SHARE = 0.42
"""Of carts left behind by somebody the shop can write to."""
_STATE_VERSION = 1


class State(msgspec.Struct, frozen=True):
    """A crowd at rest, as it is kept in a file."""

    version: int
    seed: int
    n_starts: int
    """How often people went on living from here; each time they do something else."""
    n_people: int
    n_browsers: int
    people: dict[int, Person]
    """Those who mean to come back, by number."""
    browsers: dict[int, Browser]
    due: list[tuple[int, int]]
    """Epoch ms and person: who means to come back when."""
    free_from: dict[int, int]
    """Browser -> epoch ms."""


class Crowd:
    """All people who shop at ``origin``, their browsers and their plans; :attr:`truths` grows with each visit."""

    def __init__(self, seed: int, origin: str) -> None:
        self.seed, self.origin = seed, origin.rstrip("/")
        self.rng = Random(seed)
        self.shelves = Shelves()
        self.people: dict[int, Person] = {}
        self.browsers: dict[int, Browser] = {}
        self.n_people = self.n_browsers = 0
        self.truths: list[Truth] = []
        self.n_starts = 0
        self._due: list[tuple[int, int]] = []
        self._free_from: dict[int, int] = {}
        """Browser -> when it is free again, epoch ms; nobody is in two visits at once."""
        self._with_tablet: deque[int] = deque(maxlen=50)
        """The latest people with a tablet, which somebody they live with may use too."""
        self._shared: set[int] = set()
        self._pending: list[tuple[int, int, Said]] = []
        self._numbers = count()

    def history(self, end_ms: int, *, days: int, visitors: int) -> Iterator[Said]:
        """Events by time of the days before ``end_ms``, in which that many people come for the first time."""
        rng, start_ms = self.rng, end_ms - days * DAY_MS
        for _ in range(visitors):
            person, browsers = self._somebody()
            self._settle(person, browsers)
            heapq.heappush(self._due, (some_moment(rng, start_ms, end_ms, person.place.timezone), person.number))
            self._buy_in_store(person, start_ms, end_ms)
        while self._due and self._due[0][0] < end_ms:
            at_ms, number = heapq.heappop(self._due)
            yield from self._said_before(at_ms)
            self._visit(self.people[number], at_ms, is_past=True)
        yield from self._said_before(end_ms)
        self._pending.clear()  # visits that would still go on

    def live(self, start_ms: int, visitors_per_minute: float) -> Iterator[Said]:
        """Events from ``start_ms`` on, without end, by time."""
        self.n_starts += 1
        rng = self.rng = Random(f"{self.seed} {self.n_starts}")
        at_ms = float(start_ms)
        while True:
            at_ms += rng.expovariate(visitors_per_minute / 60_000)
            yield from self._said_before(int(at_ms))
            person = self._returning(int(at_ms)) if rng.random() > _NEW_SHARE else None
            if person is None:
                person = self._newcomer(int(at_ms))
            self._visit(person, int(at_ms), is_past=False)

    def _newcomer(self, at_ms: int) -> Person:
        """Somebody new, more likely from where it is evening than from where it is night."""
        rng = self.rng
        while True:
            person, browsers = self._somebody()
            if rng.random() * 2.2 < busyness(at_ms, person.place.timezone):
                self._settle(person, browsers)
                return person

    def _somebody(self) -> tuple[Person, list[Browser]]:
        return new_person(self.rng, self.n_people, self.n_browsers, self.shelves)

    def _settle(self, person: Person, browsers: list[Browser]) -> None:
        """The person exists from now on; some live with somebody whose tablet they use."""
        self.n_people += 1
        self.n_browsers += len(browsers)
        self.browsers.update(zip(person.browser_idxs, browsers, strict=True))
        self.people[person.number] = person
        tablets = [idx for idx in person.browser_idxs if self.browsers[idx].model in TABLETS]
        if tablets and not person.kind.is_bot:
            self._with_tablet.append(person.number)
        elif self._with_tablet and not person.kind.is_bot and self.rng.random() < _LIVES_WITH_A_TABLET:
            other = self.people.get(self.rng.choice(self._with_tablet))
            if other is not None:
                self._move_in(person, other)

    def _move_in(self, person: Person, other: Person) -> None:
        tablet = next(idx for idx in other.browser_idxs if self.browsers[idx].model in TABLETS)
        person.place_idx = other.place_idx
        for idx in person.browser_idxs:
            self.browsers[idx].address = self.browsers[tablet].address
        person.browser_idxs.append(tablet)
        self._shared.add(tablet)

    def _forget(self, person: Person) -> None:
        """Nobody comes back who doesn't mean to."""
        self.people.pop(person.number, None)
        for idx in person.browser_idxs:
            if idx not in self._shared:
                self.browsers.pop(idx, None)
                self._free_from.pop(idx, None)

    def _returning(self, at_ms: int) -> Person | None:
        """Somebody whose time has come, or else anybody who means to come back some day and has rested."""
        due = self._due
        for _ in range(20):
            if not due:
                return None
            idx = 0 if due[0][0] <= at_ms else self.rng.randrange(len(due))
            _, number = due[idx]
            if self._free_at(self.people[number]) > at_ms:
                if not idx:  # not yet free to do what it meant to do now
                    heapq.heapreplace(due, (at_ms + HOUR_MS, number))
                continue
            due[idx] = due[-1]
            due.pop()
            heapq.heapify(due)
            return self.people[number]
        return None

    def _free_at(self, person: Person) -> int:
        return max((self._free_from.get(idx, 0) for idx in person.browser_idxs), default=0)

    def _said_before(self, at_ms: int) -> Iterator[Said]:
        pending = self._pending
        while pending and pending[0][0] < at_ms:
            yield heapq.heappop(pending)[2]

    def _say(self, said: Said) -> None:
        heapq.heappush(self._pending, (said.at_ms, next(self._numbers), said))

    def _visit(self, person: Person, at_ms: int, *, is_past: bool) -> None:
        rng = self.rng
        idxs = person.browser_idxs
        idx = idxs[0] if len(idxs) == 1 or rng.random() < 0.62 else rng.choice(idxs[1:])
        free_ms = self._free_at(person)
        if free_ms > at_ms:  # the tablet is in somebody else's hands
            heapq.heappush(self._due, (free_ms + int(rng.random() * HOUR_MS), person.number))
            return
        browser = self.browsers[idx]
        if person.n_visits and rng.random() < _FORGETS_ID:
            browser.anonymous_id, browser.user_id = new_anonymous_id(rng), ""
        visit = Visit(rng, person, browser, self.shelves, at_ms, self.origin, is_past=is_past)
        said, truth = visit.walk()
        for one in said:
            self._say(one)
        self.truths.append(truth)
        for each in idxs:
            self._free_from[each] = visit.now_ms + _REST_MS
        if visit.order is not None:
            self._maybe_refund(person, visit.order)
        self._plan_return(person, visit)

    def _plan_return(self, person: Person, visit: Visit) -> None:
        rng, kind = self.rng, person.kind
        chance = kind.returns_after_order if visit.order else kind.returns
        gap_days = kind.return_days * rng.lognormvariate(0, 0.6)
        if visit.end in (End.CART, End.CHECKOUT) and person.email and rng.random() < _REMINDED_SHARE:
            mailed_ms = visit.now_ms + int(rng.uniform(1, 20) * HOUR_MS)
            if person.user_id:
                properties = {"campaign_name": "cart-reminder", "email_id": f"m-{rng.getrandbits(40):010x}"}
                self._say(said_by_shop(rng, mailed_ms, person.user_id, "Email Opened", properties, "email"))
            person.is_reminded = True
            chance, gap_days = 1.0, (mailed_ms - visit.now_ms) / DAY_MS + 0.02 * rng.random()
        if rng.random() >= chance:
            self._forget(person)
            return
        at_ms = visit.now_ms + int(gap_days * DAY_MS)
        if gap_days > 0.4 and not kind.is_bot:
            at_ms = moment_of_day(rng, at_ms, person.place.timezone)
        heapq.heappush(self._due, (max(at_ms, visit.now_ms + _REST_MS), person.number))

    def _maybe_refund(self, person: Person, order: Order) -> None:
        rng = self.rng
        if not person.user_id or rng.random() > _REFUND_SHARE:
            return
        at_ms = order.at_ms + int(rng.uniform(4, 14) * DAY_MS)
        properties = order.properties
        self._say(said_by_shop(rng, at_ms, person.user_id, "Order Refunded", properties, "server"))

    def _buy_in_store(self, person: Person, start_ms: int, end_ms: int) -> None:
        """Some customers with an account also buy in the store, where the till tells their account."""
        rng = self.rng
        if not person.user_id or rng.random() > person.kind.store:
            return
        at_ms = some_moment(rng, start_ms, end_ms, person.place.timezone)
        slugs = self.shelves.some_liked(rng, person.tastes, person.thrift, 2)
        products = [as_json(self.shelves.by_slug[slug], 1) for slug in slugs]
        revenue = round(sum(self.shelves.by_slug[slug].price for slug in slugs), 2)
        order = {
            "order_id": f"T-{rng.getrandbits(40):010x}",
            "revenue": revenue,
            "total": revenue,
            "currency": CURRENCY,
        }
        self._say(said_by_shop(rng, at_ms, person.user_id, "Order Completed", order | {"products": products}, "store"))

    def go_on_from(self, state: State) -> None:
        """Be that crowd."""
        self.seed, self.n_starts = state.seed, state.n_starts
        self.n_people, self.n_browsers = state.n_people, state.n_browsers
        self.people, self.browsers = state.people, state.browsers
        self._due, self._free_from = state.due, state.free_from
        heapq.heapify(self._due)
        owners = Counter(idx for person in self.people.values() for idx in person.browser_idxs)
        self._shared = {idx for idx, n in owners.items() if n > 1}

    def state(self) -> State:
        """The crowd at rest."""
        return State(
            _STATE_VERSION, self.seed, self.n_starts, self.n_people, self.n_browsers, self.people, self.browsers,
            self._due, self._free_from,
        )  # fmt: skip


def save(crowd: Crowd, path: Path) -> None:
    """Keep the crowd in a file, which is replaced as a whole."""
    beside = path.with_suffix(".new")
    beside.write_bytes(msgspec.msgpack.encode(crowd.state()))
    beside.replace(path)


def load(path: Path, origin: str) -> Crowd:
    """The crowd that :func:`save` kept; raises ``BadInput`` if the file is of another version."""
    try:
        state = msgspec.msgpack.decode(path.read_bytes(), type=State)
    except msgspec.MsgspecError as error:
        raise BadInput(f"{path} can't be read ({error}). Begin anew with --fresh.") from error
    if state.version != _STATE_VERSION:
        raise BadInput(f"{path} is of another version of the demo. Begin anew with --fresh.")
    crowd = Crowd(state.seed, origin)
    crowd.go_on_from(state)
    return crowd
