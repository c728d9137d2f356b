"""How does somebody shop? One visit: arrive, look, hesitate, buy or leave, and what the tracker hears of it.

How a visit ends is drawn first, with the probability that the shopper's policy gives (``Truth.intent``). What the
shopper does on the way depends on that end only through ``warmth``, a noisy measure of interest: who will buy tends to
stay longer, look again, choose a size, read about delivery, and so do some who won't.
"""

from collections.abc import Sequence
from enum import IntEnum
from random import Random
from typing import Any

import msgspec

from footfall.shoppers.arrivals import Arrival, arrival
from footfall.shoppers.devices import COMPUTERS
from footfall.shoppers.hours import purse
from footfall.shoppers.kinds import LATER_CHANNELS
from footfall.shoppers.people import Browser, Person, leave_email, new_anonymous_id, open_account
from footfall.shoppers.shelves import Shelves
from footfall.shoppers.tab import Said, Tab
from footfall_shop import telling
from footfall_shop.catalogue import CODES, COLOURS, PRODUCTS, Product, as_json, title_of
from footfall_shop.catalogue import search as found_by
from footfall_shop.forms import customer_id
from footfall_shop.pages import GIFT_BUDGETS, GIFTS_FOR
from footfall_shop.store import Placed
from footfall_shop.store import Visit as Held
from footfall_shop.till import Line, Totals, add_up

_CHANNEL_FACTORS = {
    "email": 1.35,
    "reminder": 1.3,
    "affiliate": 1.15,
    "organic": 1.1,
    "paid_social": 0.75,
    "social": 0.7,
    "display": 0.55,
}
_NOTHING_FOUND = ("slippers", "perfume", "bathrobe", "iphone case", "rain boots kids", "gift card 20", "umbrella")


class End(IntEnum):
    """How far a visit gets."""

    BOUNCE = 0
    BROWSE = 1
    CART = 2
    CHECKOUT = 3
    ORDER = 4


class Truth(msgspec.Struct, frozen=True):
    """What nobody but the shopper knows of a visit; kept beside the events, never in them."""

    anonymous_id: str
    user_id: str
    """Account at the visit's end, or empty."""
    kind: str
    started_ms: int
    intent: float
    """Probability of an order in this visit, as the policy knew it at the start."""
    ordered: bool
    order_id: str
    is_bot: bool


class Order(msgspec.Struct, frozen=True):
    """What was bought; for returns."""

    order_id: str
    properties: dict[str, Any]
    """As the shop told them."""
    at_ms: int


class Visit:
    """One visit by ``browser``; :meth:`walk` does it, and the person is a little different afterwards."""

    def __init__(
        self,
        rng: Random,
        person: Person,
        browser: Browser,
        shelves: Shelves,
        start_ms: int,
        origin: str,
        *,
        is_past: bool,
    ) -> None:
        self.rng, self.person, self.browser, self.shelves = rng, person, browser, shelves
        self.kind = person.kind
        self.tab = Tab(rng, browser, person.place, origin, has_address=is_past)
        self.start_ms = self.now_ms = start_ms
        self.channel = self._some_channel()
        self.intent = self._intent()
        self.end = self._some_end()
        self.warmth = self._some_warmth()
        self.pages_left = 0
        self.order: Order | None = None
        self.code = ""
        self.list_id = "home/best"
        self._is_first_page = True
        self._arrival: Arrival | None = None

    def walk(self) -> tuple[list[Said], Truth]:
        """All that the tracker says, by time, and the truth."""
        if self.kind.is_bot:
            self._crawl() if self.kind.name == "crawler" else self._scrape()
        else:
            self._shop()
        person = self.person
        person.n_visits += 1
        person.is_reminded = False
        truth = Truth(
            self.browser.anonymous_id, self.browser.user_id, self.kind.name, self.start_ms, round(self.intent, 5),
            self.order is not None, self.order.order_id if self.order else "", self.kind.is_bot,
        )  # fmt: skip
        return self.tab.said, truth

    # -- what is decided before the first page ---------------------------------------------------------------------

    def _some_channel(self) -> str:
        person = self.person
        if person.is_reminded:
            return "reminder"
        weights = dict(self.kind.channels)
        if person.n_visits and not self.kind.is_bot:
            weights = {
                name: weights.get(name, 0) * 0.35 + LATER_CHANNELS.get(name, 0)
                for name in {**weights, **LATER_CHANNELS}
            }
        if not person.email:
            for name in ("email", "sms", "push"):
                weights.pop(name, None)
        return self.rng.choices(list(weights), list(weights.values()))[0]

    def _intent(self) -> float:
        person, intents = self.person, self.kind.intents
        intent = intents[min(person.n_visits, len(intents) - 1)]
        if not intent:
            return 0.0
        if self.kind.name == "abandoner" and not person.is_reminded and person.n_visits:
            intent *= 0.5
        if person.cart and self.kind.name != "window_shopper":
            intent = min(0.5, intent * 1.6 + 0.02)
        intent *= _CHANNEL_FACTORS.get(self.channel, 1.0) * purse(self.start_ms, person.place.timezone)
        intent *= 1.15 if self.browser.model in COMPUTERS else 0.93
        return min(0.8, intent * self.rng.lognormvariate(-0.1, 0.45))

    def _some_end(self) -> End:
        rng, kind = self.rng, self.kind
        if rng.random() < self.intent:
            return End.ORDER
        if rng.random() < kind.bounce * (0.5 if self.person.cart or self.channel == "reminder" else 1.0):
            return End.BOUNCE
        if rng.random() < kind.cart:
            return End.CHECKOUT if rng.random() < 0.36 else End.CART
        return End.BROWSE

    def _some_warmth(self) -> float:
        alpha, beta = ((1.0, 5.5), (1.6, 4.4), (2.8, 2.4), (3.4, 2.0), (4.8, 1.5))[self.end]
        return min(1.0, max(0.0, self.rng.betavariate(alpha, beta) + self.kind.warmth))

    # -- people ----------------------------------------------------------------------------------------------------

    def _shop(self) -> None:
        rng, person, kind = self.rng, self.person, self.kind
        self._arrive()
        if self.end == End.BOUNCE:
            if rng.random() < 0.1:
                self._wait(4)
                self._home()
            self._go_away()
            return
        mean = kind.pages * person.patience * (0.05 + 1.0 * self.warmth)
        if self.end >= End.CART:
            mean *= 0.6
        self.pages_left = max(rng.random() < 0.7, int(rng.expovariate(1 / mean) + 0.7))
        if person.user_id and not self.browser.user_id and self._maybe(0.12, 0.3):
            self._sign_in()
        self._look_around()
        if self.end == End.BROWSE:
            if person.cart and rng.random() < 0.35:
                self._see_cart()
            self._go_away()
            return
        self._fill_cart()
        self._pay_or_not()
        self._go_away()

    def _arrive(self) -> None:
        rng, person = self.rng, self.person
        section = person.tastes[0 if rng.random() < 0.7 else 1]
        product = self.shelves.by_slug[person.focus[0]]
        has_words = self.kind.name in ("errand", "researcher", "gift_buyer") and rng.random() < 0.55
        way = arrival(rng, self.channel, section, product.name if has_words else "", self.shelves)
        self._arrival = way
        if way.leads_to == "cart" and person.cart:
            self._see_cart()
        elif way.leads_to == "campaign" and way.campaign:
            self._campaign(way.campaign)
        elif way.leads_to == "sale":
            self._sale()
        elif way.leads_to == "product":
            self._product(product if has_words else self._choose(section))
        elif way.leads_to == "section":
            self._list(section)
        else:
            self._home()

    def _look_around(self) -> None:
        rng, person, kind = self.rng, self.person, self.kind
        while self.pages_left > 0:
            roll = rng.random()
            if roll < kind.repeats * (0.3 + 0.9 * self.warmth):
                self._product(self.shelves.by_slug[rng.choice(person.focus)])
                if self._maybe(0.02, 0.3):
                    self._read("/delivery", "Delivery")
            elif (roll := rng.random()) < kind.search:
                self._search()
            elif (roll := rng.random()) < kind.sale:
                self._sale()
            elif (roll := rng.random()) < kind.gifts:
                self._find_gift()
            elif roll < 0.93:
                self._go_through(self._section())
            else:
                self._home()

    def _go_through(self, section: str) -> None:
        """A list, and some of its products."""
        self._list(section)
        for _ in range(1 + int(self.rng.expovariate(1 / (0.5 + 1.2 * self.warmth)))):
            if self.pages_left <= 0:
                return
            self._product(self._choose(section))

    def _fill_cart(self) -> None:
        """At least one product goes into the cart, unless one is there and will do."""
        rng, person = self.rng, self.person
        if person.cart and rng.random() < 0.7:
            return
        wanted = [slug for slug in person.focus if self.shelves.by_slug[slug].is_available]
        n = 1 + (rng.random() < 0.28) + (rng.random() < 0.08)
        for slug in wanted[:n]:
            self._product(self.shelves.by_slug[slug], is_taken=True)
        for _ in range(n - len(wanted)):
            product = self._choose(self._section())
            if product.is_available:
                self._product(product, is_taken=True)
        if not person.cart:
            self._product(self.shelves.by_slug[rng.choice(self.shelves.reduced).slug], is_taken=True)

    def _pay_or_not(self) -> None:
        rng, person = self.rng, self.person
        if self.end == End.CART and rng.random() < 0.3:
            return
        if self._maybe(0.05, 0.3):
            self._read("/delivery", "Delivery")
        if self.tab.page["path"] != "/cart":
            self._see_cart()
        if rng.random() < self.kind.coupon:
            if rng.random() < 0.4:
                self._search(rng.choice(("discount code", "coupon")))
                self._see_cart()
            self._try_code()
        if self.end == End.CART:
            if rng.random() < 0.2 and len(person.cart) > 1:
                self._remove(rng.choice(list(person.cart)))
            return
        self._check_out()

    def _check_out(self) -> None:
        rng, person, tab = self.rng, self.person, self.tab
        if person.user_id and not self.browser.user_id and rng.random() < 0.6:
            self._sign_in()
        elif not person.user_id and rng.random() < 0.12:
            open_account(rng, person)
            self._sign_in(is_new=True)
        held = self._held()
        held.checkout = f"c-{rng.getrandbits(48):012x}"
        totals = add_up(held.lines, held.code)
        self._page("/checkout", "Check out", ("checkout", "Check out"))
        started = telling.checkout_started(held, totals)["properties"]
        tab.track(self._soon(), "Checkout Started", started)
        self._wait(12)
        tab.begin_form(self.now_ms, "/checkout")
        self._wait(22)
        if self.end == End.CHECKOUT and rng.random() < 0.55:
            return
        leave_email(rng, person)
        self._wait(14)
        paid = {"payment_method": "card", "shipping_method": "standard"}
        tab.track(self._soon(), "Payment Info Entered", started | paid)
        if self.end == End.CHECKOUT:
            return
        self._wait(6)
        self._order(held, totals)

    def _order(self, held: Held, totals: Totals) -> None:
        rng, person = self.rng, self.person
        order_id = f"AF-{rng.getrandbits(44):011x}"
        placed = Placed(
            order_id, self.now_ms // 1_000, held.lines, totals.goods, totals.discount, totals.delivery, totals.total,
            held.code, "standard", person.first_name, person.place.city, person.place.country, person.email, False,
        )  # fmt: skip
        self.tab.click(self._soon(), "Place the order")
        self.tab.submit_form(self.now_ms, "/checkout")
        self._page(f"/order/{order_id}", f"Order {order_id}", ("checkout", "Order confirmed"), clicks="")
        person.user_id = customer_id(person.email)
        self.tab.identify(self.now_ms, person.user_id, self._traits() | {"country": person.place.country})
        order = telling.order_completed(placed)["properties"]
        self.tab.track(self.now_ms, "Order Completed", order)
        self.order = Order(order_id, order, self.now_ms)
        person.cart.clear()
        person.n_orders += 1
        person.tastes = self.shelves.some_tastes(rng) if rng.random() < 0.4 else person.tastes
        person.focus = self.shelves.some_liked(rng, person.tastes, person.thrift, 2)
        if rng.random() < 0.2:
            self._list(self._section())

    def _sign_in(self, is_new: bool = False) -> None:
        person, tab = self.person, self.tab
        if self.browser.user_id and self.browser.user_id != person.user_id and self.rng.random() < 0.4:
            tab.track(self._soon(), "Signed Out", {})  # a tidy household: the next one is somebody else
            self.browser.user_id, self.browser.anonymous_id = "", new_anonymous_id(self.rng)
        self._page("/sign-in", "Sign in", ("account", "Sign in"))
        self._wait(3)
        tab.begin_form(self.now_ms, "/sign-in")
        self._wait(6)
        tab.click(self.now_ms, "Sign in")
        tab.submit_form(self.now_ms, "/sign-in")
        self._page("/account", "Your account", ("account", "Account"), clicks="")
        tab.identify(self.now_ms, person.user_id, {"email": person.email})
        tab.track(self.now_ms, "Signed Up" if is_new else "Signed In", {"method": "email"})

    # -- pages -----------------------------------------------------------------------------------------------------

    def _home(self) -> None:
        self._page("/", "Alder & Finch: made to be kept", ("home", "Home"), clicks="Alder & Finch")
        tiles = ("hero", "tile-1", "tile-2", "tile-3")
        promotions = [
            telling.promotion(campaign, place) for campaign, place in zip(self.shelves.campaigns, tiles, strict=True)
        ]
        for promotion in promotions:
            self.tab.track(self.now_ms, "Promotion Viewed", promotion)
        self._read_page(9, 0.4)
        if self.pages_left > 0 and self.rng.random() < 0.08 + self.kind.sale * 0.3:
            clicked = self.rng.choice(promotions[:2])
            self.tab.track(self._soon(), "Promotion Clicked", clicked)
            self._campaign(clicked["promotion_id"])

    def _list(self, section: str, words: dict[str, str] | None = None) -> None:
        title, department = title_of(section), section.partition("/")[0]
        whole = f"{title}, {title_of(department).lower()}" if "/" in section else title
        self._page(f"/{section}", whole, (section, title), words, clicks="" if words else title)
        self._tell_list(section, f"/{section}", self.shelves.by_section[section], words)
        self._read_page(10, 0.6)
        if not words and self.end != End.BOUNCE and self._filters():
            self.tab.begin_form(self._soon(), f"/{section}")
            self.tab.submit_form(self.now_ms, f"/{section}")
            self._list(section, self._some_filter())

    def _filters(self) -> bool:
        return self.rng.random() < self.kind.filters * (0.5 + 0.8 * self.warmth)

    def _some_filter(self) -> dict[str, str]:
        if self.person.thrift > 0.6:
            return {"sort": "price"}
        return {"price": self.rng.choice(("0-50", "50-100", "100-200"))}

    def _tell_list(
        self, list_id: str, path: str, products: Sequence[Product], words: dict[str, str] | None = None
    ) -> None:
        event, properties = self.shelves.list_view(list_id, path, products, words or {})
        self.list_id = list_id
        self.tab.track(self.now_ms, event, properties)

    def _sale(self) -> None:
        self._page("/sale", "Sale", ("sale", "Sale"))
        self._tell_list("sale", "/sale", self.shelves.reduced)
        self._read_page(14, 0.75)
        for _ in range(int(self.rng.expovariate(1 / (0.4 + 1.4 * self.warmth)))):
            if self.pages_left > 0:
                some = self.rng.sample(self.shelves.reduced, 3)
                self._product(max(some, key=self._liking))

    def _campaign(self, name: str) -> None:
        campaign = next(campaign for campaign in self.shelves.campaigns if campaign.name == name)
        list_id = f"campaign/{name}"
        self._page(campaign.path, campaign.title, (list_id, campaign.title))
        self.tab.track(self.now_ms, "Promotion Viewed", telling.promotion(campaign, "landing"))
        self._tell_list(list_id, campaign.path, [self.shelves.by_slug[slug] for slug in campaign.slugs])
        self._read_page(9, 0.5)
        if self.end != End.BOUNCE and self.rng.random() < 0.6:
            self._product(self.shelves.by_slug[self.rng.choice(campaign.slugs)])

    def _search(self, words: str = "") -> None:
        words = words or self._some_words()
        found = found_by(words)
        self.tab.begin_form(self._soon(), "/search")
        self._wait(3)
        self.tab.submit_form(self.now_ms, "/search")
        self._page("/search", f"Search: {words}", ("search", "Search"), {"q": words}, clicks="")
        self.tab.track(self.now_ms, "Products Searched", telling.searched(words, len(found))["properties"])
        self.list_id = "search"
        self._read_page(7 if found else 4, 0.4)
        if found and self.pages_left > 0:
            self._product(max(found[:4], key=self._liking))

    def _some_words(self) -> str:
        rng, roll = self.rng, self.rng.random()
        if roll < 0.08:
            return rng.choice(_NOTHING_FOUND)
        if roll < 0.1 + 0.5 * self.warmth:
            return self.shelves.by_slug[rng.choice(self.person.focus)].name.lower()
        return title_of(self._section()).lower()

    def _find_gift(self) -> None:
        rng = self.rng
        whom, budget = rng.choice(list(GIFTS_FOR)), rng.choice(list(GIFT_BUDGETS))
        steps = (
            ("/gifts", ""),
            (f"/gifts/{whom}", GIFTS_FOR[whom][0]),
            (f"/gifts/{whom}/{budget}", GIFT_BUDGETS[budget][0]),
        )
        title = "Gift finder"
        for path, text in steps:
            title = f"{title}, {text}" if text else title
            self._page(path, title, ("gifts", title), clicks=text or "Gifts")
            self._wait(5 + 5 * self.warmth)
        _, low, high = GIFT_BUDGETS[budget]
        department = GIFTS_FOR[whom][2]
        fits = [
            p for p in PRODUCTS if p.category.startswith(f"{department}/") and low <= p.price < high and p.is_available
        ]
        if fits:
            self._tell_list(f"gifts/{whom}/{budget}", steps[-1][0], fits)
            self._product(max(rng.sample(fits, min(3, len(fits))), key=self._liking))

    def _product(self, product: Product, *, is_taken: bool = False) -> None:
        rng, person, tab = self.rng, self.person, self.tab
        if not self._is_first_page:
            if self.browser.model in COMPUTERS and self._maybe(0.1, 0.7):
                tab.hover(self._soon(), product.name, product.path, product.slug)
            tab.track(self._soon(), "Product Clicked", as_json(product, position=1, list_id=self.list_id))
        self._page(product.path, product.name, (product.category, product.name), product_id=product.slug)
        seen = as_json(product, variant=COLOURS[product.colours[0]].name, url=f"{tab.origin}{product.path}")
        tab.track(self.now_ms, "Product Viewed", seen)
        self.list_id = f"related/{product.slug}"
        liking = self._liking(product)
        looks = 0.25 + 0.4 * liking + 1.3 * self.warmth
        self._read_page(13 * looks, 0.3 + 0.5 * self.warmth)
        if self._maybe(0.02, 0.3):
            tab.click(self._soon(), rng.choice(("Delivery and returns", "Details and material", "Care")))
        if liking > 0.5 and product.slug not in person.focus and rng.random() < 0.3:
            person.focus = [*person.focus, product.slug][-4:]
        if product.sizes and product.is_available and (is_taken or self._maybe(0.03, 0.4)):
            tab.begin_form(self._soon(), "/cart/add")
        if is_taken:
            self._add(product)
        elif rng.random() < self.kind.wishes * (0.3 + liking + self.warmth):
            tab.click(self._soon(), "Save for later")
            tab.submit_form(self.now_ms, "/wishlist")
            tab.track(self._soon(), "Product Added to Wishlist", telling.wish_changed(product, True)["properties"])

    def _add(self, product: Product) -> None:
        """Into the cart, which is shown."""
        n_before = self.person.cart.get(product.slug, 0)
        n_after = n_before + (2 if self.rng.random() < 0.09 else 1)
        self.tab.click(self._soon(), "Add to cart")
        self.tab.submit_form(self.now_ms, "/cart/add")
        self.person.cart[product.slug] = n_after
        self._see_cart(telling.cart_changed(self._line(product.slug), n_before, n_after), clicks="")

    def _read(self, path: str, title: str) -> None:
        self._page(path, title, ("help", title))
        self._read_page(14, 0.5)

    def _see_cart(self, happened: Sequence[dict[str, Any]] = (), clicks: str = "Cart") -> None:
        self._page("/cart", "Cart", ("cart", "Cart"), clicks=clicks)
        held = self._held()
        for one in (*happened, telling.cart_viewed(held, add_up(held.lines, held.code))):
            self.tab.track(self.now_ms, one["event"], one["properties"])
        self._read_page(9 + 10 * self.warmth, 0.2)

    def _remove(self, slug: str) -> None:
        line = self._line(slug)
        del self.person.cart[slug]
        self.tab.click(self._soon(), "Remove")
        self.tab.submit_form(self.now_ms, "/cart/remove")
        self._see_cart(telling.cart_changed(line, line.quantity, 0), clicks="")

    def _try_code(self) -> None:
        """A code, found somewhere, or made up."""
        code = next(iter(CODES)) if self.rng.random() < 0.5 else self.rng.choice(("SALE20", "WELCOME", "AUTUMN"))
        self.tab.begin_form(self._soon(), "/cart/code")
        self._wait(6)
        self.tab.submit_form(self.now_ms, "/cart/code")
        told = {"coupon_id": code, "coupon_name": code}
        if code in CODES:
            self.code = code
            discount = add_up(self._held().lines, code).discount
            self._see_cart([telling.track("Coupon Applied", **told, discount=discount)], clicks="")
        else:
            self._see_cart([telling.track("Coupon Denied", **told, reason="unknown")], clicks="")

    def _page(
        self,
        path: str,
        title: str,
        page: tuple[str, str],
        query: dict[str, str] | None = None,
        *,
        clicks: str | None = None,
        product_id: str = "",
    ) -> None:
        """Go to a page by a click on a link of this text, by default its name; with ``""`` in another way.

        ``page`` is category and name, as the shop tells them.
        """
        category, name = page
        way = self._arrival if self._is_first_page else None
        if not self._is_first_page:
            text = name if clicks is None else clicks
            if text:
                self.tab.click(self._soon(), text, path, product_id)
            self.tab.leave(self.now_ms + 5)
            self.now_ms += self.rng.randrange(250, 1_400)
        self._is_first_page = False
        words = (dict(way.query) if way else {}) | (query or {})
        title = title if path == "/" else f"{title} · Alder & Finch"
        self.tab.open(self.now_ms, path, title, words, way.referrer if way else "", (name, category))
        self.now_ms += self.rng.randrange(2, 30)
        self.pages_left -= 1

    # -- time ------------------------------------------------------------------------------------------------------

    def _read_page(self, mean_s: float, depth: float) -> None:
        """Look at the page and scroll, about as far as ``depth`` (0-1)."""
        start_ms = self.now_ms
        self._wait(mean_s * self.kind.tempo * (0.55 + 0.9 * self.warmth))
        if self.rng.random() < 0.62 - 0.4 * depth:
            return
        percent = int(90 * self.rng.betavariate(0.6 + 2 * depth, 2.6 - 1.2 * depth)) + 10
        self.tab.scroll(start_ms, self.now_ms, min(100, percent))

    def _wait(self, mean_s: float) -> None:
        self.now_ms += min(900_000, 300 + int(1_000 * mean_s * self.rng.lognormvariate(-0.32, 0.7)))

    def _soon(self) -> int:
        self.now_ms += self.rng.randrange(20, 160)
        return self.now_ms

    def _go_away(self) -> None:
        self._wait(5 if self.end == End.BOUNCE else 3)
        self.tab.leave(self.now_ms)

    # -- choices ---------------------------------------------------------------------------------------------------

    def _maybe(self, cold: float, warm: float) -> bool:
        return self.rng.random() < cold + (warm - cold) * self.warmth

    def _section(self) -> str:
        roll, tastes = self.rng.random(), self.person.tastes
        if roll < 0.55 + 0.25 * self.warmth:
            return tastes[0]
        return tastes[1] if roll < 0.85 else tastes[2] if roll < 0.93 else self.rng.choice(self.shelves.sections)

    def _choose(self, section: str) -> Product:
        products = self.shelves.by_section[section]
        return max(self.rng.sample(products, min(2, len(products))), key=self._liking)

    def _liking(self, product: Product) -> float:
        return self.shelves.liking(product, self.person.tastes, self.person.thrift)

    def _traits(self) -> dict[str, str]:
        return {"email": self.person.email, "name": self.person.first_name}

    def _line(self, slug: str) -> Line:
        product = self.shelves.by_slug[slug]
        size = product.sizes[self.person.number % len(product.sizes)] if product.sizes else ""
        return Line(product, size, product.colours[0], self.person.cart[slug])

    def _held(self) -> Held:
        """The cart as the shop holds it."""
        return Held(id="browser", code=self.code, lines=[self._line(slug) for slug in self.person.cart])

    # -- robots ----------------------------------------------------------------------------------------------------

    def _crawl(self) -> None:
        for _ in range(3 + int(self.rng.expovariate(1 / self.kind.pages))):
            if self.rng.random() < 0.3:
                section = self.rng.choice(self.shelves.sections)
                self._robot_page(f"/{section}", title_of(section), section)
            else:
                self._robot_product(self.rng.choice(list(self.shelves.by_slug.values())))
            self.now_ms += self.rng.randrange(3_000, 9_000)

    def _scrape(self) -> None:
        products = sorted(self.shelves.by_slug.values(), key=lambda product: product.slug)
        start = self.rng.randrange(len(products) // 2)
        for product in products[start : start + 12 + self.rng.randrange(30)]:
            self._robot_product(product)
            self.now_ms += self.rng.randrange(900, 1_500)

    def _robot_product(self, product: Product) -> None:
        self._robot_page(product.path, product.name, product.category)
        seen = as_json(product, variant=COLOURS[product.colours[0]].name, url=f"{self.tab.origin}{product.path}")
        self.tab.track(self.now_ms, "Product Viewed", seen)

    def _robot_page(self, path: str, name: str, category: str) -> None:
        self.tab.page = {}  # typed in, as it were: no page before
        self.tab.open(self.now_ms, path, f"{name} · Alder & Finch", names=(name, category))
        self.now_ms += 5
