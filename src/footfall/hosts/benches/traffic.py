"""What do shoppers send on an ordinary day? Segment-spec JSON of half a kilobyte an event, ten events a session.

The shop has 40 categories and 5,000 products. A session browses lists and products, may search and fill a cart, and is
told by the tracker how it looks at pages (scroll, hover, click, engagement: a fifth of the events). One in five ends on
a thank-you page with an order of one to four lines, so that about 2 % of the events are orders (more than shops have,
as these cost most). Every visitor has a user agent and a time zone of their own, one in three a user id. The same seed
gives the same bytes.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from footfall.base.times import iso

START_MS = 1_773_136_800_000
"""2026-03-10T10:00:00Z, when the shopping begins."""
EVENTS_PER_S = 200.0
"""Events a second of the shoppers' own time: 2,000 events are ten seconds, in which hardly anybody sends two."""
_GAP_MEAN_S = 20.0
_SHOP = "https://www.shop.example"
_ZONES = (
    "Europe/Berlin", "Europe/London", "Europe/Paris", "Europe/Madrid", "America/New_York", "America/Chicago",
    "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Sydney",
)  # fmt: skip
_REFERRERS = (
    "https://www.google.com/", "https://www.bing.com/", "https://l.facebook.com/", "https://www.instagram.com/",
    "https://duckduckgo.com/", "https://blog.fashion.example/best-sneakers",
)  # fmt: skip
_CAMPAIGNS = (
    "?utm_source=newsletter&utm_medium=email&utm_campaign=spring",
    "?utm_source=google&utm_medium=cpc&utm_campaign=brand",
    "?utm_source=facebook&utm_medium=paid_social&utm_campaign=retarget",
)  # fmt: skip
_LOOKS = (
    ("scroll", '"percent":75'), ("scroll", '"percent":100'),
    ("click", '"tag":"button","text":"Size guide"'), ("hover", '"tag":"a","product_id":"sku-00017","text":"Boots"'),
    ("engagement", '"visible_ms":21500,"engaged_ms":17250,"scroll_percent":75,"leave":true'),
    ("engagement", '"visible_ms":8000,"engaged_ms":6500,"scroll_percent":25,"leave":false'),
    ("form_started", '"step":"started","form_id":"newsletter"'),
)  # fmt: skip
_WORDS = ("red shoes", "summer dress", "rain jacket", "gift", "running", "wool coat", "size 42", "sandals")


class Product(NamedTuple):
    """One product of the shop."""

    id: str
    category: str
    path: str
    price: float


class Traffic:
    """Shoppers of one shop; those numbered below ``n_visitors`` have been here before."""

    def __init__(self, n_visitors: int, seed: int = 1, start_ms: int = START_MS) -> None:
        self.n_visitors = n_visitors
        self.n_new = 0
        self._random = random.Random(seed)
        self._n_messages = seed << 40  # no two seeds have a messageId in common
        self._agents = _agents()
        self.products = _products()
        self._lists = sorted({product.category for product in self.products})
        self._now_ms = start_ms

    def first_visits(self, start: int, stop: int, start_ms: int) -> list[bytes]:
        """One product view of each visitor of these numbers, a millisecond apart: who they are becomes known."""
        return [
            self._product_view(_Visitor(self, number), self.products[number % len(self.products)], start_ms + at)
            for at, number in enumerate(range(start, stop))
        ]

    def visits(self, n_events: int) -> "Stream":
        """The next events of the day, by time."""
        n_sessions = 2 * n_events // 23 + 50
        span_ms = int(n_events / EVENTS_PER_S * 1000)
        starts = sorted(self._random.randrange(span_ms) for _ in range(n_sessions))
        found: list[tuple[int, bytes]] = []
        for start in starts:
            found += self._session(self._now_ms + start)
        found.sort(key=_by_time)
        if len(found) > n_events:
            found = found[:n_events]
        self._now_ms = found[-1][0] + 1
        return Stream([line for _, line in found], np.array([ms for ms, _ in found], np.int64))

    def pause(self, ms: int) -> None:
        """Nothing happens for so long."""
        self._now_ms += ms

    def _session(self, at_ms: int) -> Iterator[tuple[int, bytes]]:
        chance = self._random
        if chance.random() < 0.01:
            number = self.n_visitors + self.n_new
            self.n_new += 1
        else:
            number = chance.randrange(self.n_visitors)
        who = _Visitor(self, number)
        section = self._lists[chance.randrange(len(self._lists))]
        arrival = chance.random()
        referrer = _REFERRERS[chance.randrange(len(_REFERRERS))] if arrival < 0.4 else ""
        tags = _CAMPAIGNS[chance.randrange(len(_CAMPAIGNS))] if arrival > 0.8 else ""
        yield at_ms, self._event(who, at_ms, "page", "", "/", _HOME, referrer, tags)
        if who.user and chance.random() < 0.3:
            yield at_ms + 40, self._identify(who, at_ms + 40)
        if chance.random() < 0.2:
            at_ms += self._gap_ms()
            yield at_ms, self._search(who, at_ms)
        cart: list[Product] = []
        for _ in range(chance.choice((1, 2, 2, 3, 3, 4))):
            at_ms += self._gap_ms()
            yield at_ms, self._list_view(who, section, at_ms)
            for _ in range(chance.choice((1, 1, 2))):
                product = self._product_of(section)
                at_ms += self._gap_ms()
                yield at_ms, self._product_view(who, product, at_ms)
                if chance.random() < 0.7:
                    at_ms += self._gap_ms() // 2
                    yield at_ms, self._look(who, product, at_ms)
                if chance.random() < 0.3 and len(cart) < 4:
                    at_ms += self._gap_ms()
                    cart.append(product)
                    yield at_ms, self._cart_add(who, product, at_ms)
        if not cart:
            return
        if len(cart) > 1 and chance.random() < 0.2:
            at_ms += self._gap_ms()
            yield at_ms, self._cart_remove(who, cart.pop(), at_ms)
        at_ms += self._gap_ms()
        yield at_ms, self._event(who, at_ms, "track", "Cart Viewed", "/cart", _lines(cart))
        if chance.random() < 0.4:
            return
        at_ms += self._gap_ms()
        value = round(sum(product.price for product in cart), 2)
        yield (
            at_ms,
            self._event(who, at_ms, "track", "Checkout Started", "/checkout", f'"value":{value},' + _lines(cart)),
        )
        if chance.random() < 0.25:
            return
        at_ms += self._gap_ms()
        order = f'"order_id":"o{self._n_messages}","revenue":{value},"currency":"USD",' + _lines(cart)
        yield at_ms, self._event(who, at_ms, "track", "Order Completed", "/checkout/thank-you", order)

    def _gap_ms(self) -> int:
        return 1000 + int(self._random.expovariate(1.0 / ((_GAP_MEAN_S - 1.0) * 1000.0)))

    def _product_of(self, category: str) -> Product:
        number = self._lists.index(category)
        return self.products[number + len(self._lists) * self._random.randrange(len(self.products) // len(self._lists))]

    def _list_view(self, who: "_Visitor", category: str, at_ms: int) -> bytes:
        properties = f'"list_id":"main","category":"{category}"'
        return self._event(who, at_ms, "track", "Product List Viewed", f"/{category}", properties)

    def _product_view(self, who: "_Visitor", product: Product, at_ms: int) -> bytes:
        properties = _one(product, "")
        return self._event(who, at_ms, "track", "Product Viewed", product.path, properties)

    def _cart_add(self, who: "_Visitor", product: Product, at_ms: int) -> bytes:
        properties = _one(product, ',"quantity":1')
        return self._event(who, at_ms, "track", "Product Added", product.path, properties)

    def _cart_remove(self, who: "_Visitor", product: Product, at_ms: int) -> bytes:
        properties = _one(product, ',"quantity":1')
        return self._event(who, at_ms, "track", "Product Removed", "/cart", properties)

    def _look(self, who: "_Visitor", product: Product, at_ms: int) -> bytes:
        """What the tracker tells by itself."""
        name, properties = self._random.choice(_LOOKS)
        return self._event(who, at_ms, "track", name, product.path, properties)

    def _search(self, who: "_Visitor", at_ms: int) -> bytes:
        words = _WORDS[self._random.randrange(len(_WORDS))]
        return self._event(who, at_ms, "track", "Products Searched", "/search", f'"query":"{words}"')

    def _identify(self, who: "_Visitor", at_ms: int) -> bytes:
        plan = "gold" if who.number % 5 == 0 else "basic"
        traits = f'{{"name":"Sam Shopper","email":"{who.user}@mail.example","loyalty":"{plan}"}}'
        return (
            f'{{"timestamp":"{iso(at_ms)}","type":"identify","traits":{traits},"context":{{"page":{{"path":"/",'
            f'"url":"{_SHOP}/"}}{who.context}}},"messageId":"{self._message_id()}"{who.ids}}}'
        ).encode()

    def _event(
        self, who: "_Visitor", at_ms: int, type_: str, name: str, path: str, properties: str,
        referrer: str = "", tags: str = "",
    ) -> bytes:  # fmt: skip
        event = f'"event":"{name}",' if name else ""
        came = f',"referrer":"{referrer}"' if referrer else ""
        return (
            f'{{"timestamp":"{iso(at_ms)}","type":"{type_}",{event}"properties":{{{properties}}},"context":{{"page":'
            f'{{"path":"{path}"{came},"url":"{_SHOP}{path}{tags}"}}{who.context}}},'
            f'"messageId":"{self._message_id()}"{who.ids}}}'
        ).encode()

    def _message_id(self) -> str:
        self._n_messages += 1
        return "ajs-next-" + uuid_of(self._n_messages, 0x5B)

    def agent(self, number: int) -> str:
        """A visitor's user agent: a few are common, most are rare."""
        share = (number * 2654435761 % 1_000_003) / 1_000_003
        return self._agents[int(len(self._agents) * share**4)]


class Stream(NamedTuple):
    """Events by time."""

    lines: list[bytes]
    times_ms: np.ndarray
    """int64: when each happened."""


class _Visitor:
    """What stands in every event of one visitor."""

    __slots__ = ("context", "ids", "number", "user")

    def __init__(self, traffic: Traffic, number: int) -> None:
        self.number = number
        self.user = f"user-{number}" if number % 3 == 0 else ""
        zone = _ZONES[number * 7919 % 1009 % len(_ZONES)]
        self.context = f',"userAgent":"{traffic.agent(number)}","timezone":"{zone}"'
        user = f',"userId":"{self.user}"' if self.user else ""
        self.ids = f',"anonymousId":"{uuid_of(number + 1, 0xA7)}"{user}'


_HOME = '"name":"Home"'


def uuid_of(number: int, salt: int) -> str:
    """A UUID that looks random, the same for the same number."""
    x = (number * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
    x ^= x >> 29
    y = x * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    y ^= y >> 32
    text = f"{x:016x}{y:016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _by_time(item: tuple[int, bytes]) -> int:
    return item[0]


def _one(product: Product, more: str) -> str:
    return f'"product_id":"{product.id}","category":"{product.category}","price":{product.price},"currency":"USD"{more}'


def _lines(products: list[Product]) -> str:
    lines = ",".join(
        f'{{"product_id":"{p.id}","category":"{p.category}","price":{p.price},"quantity":1}}' for p in products
    )
    return f'"products":[{lines}]'


def _products() -> tuple[Product, ...]:
    categories = [
        f"{who}/{what}/{kind}"
        for who in ("women", "men")
        for what, kinds in (
            ("shoes", ("sneakers", "boots", "sandals", "heels", "loafers")),
            ("clothing", ("coats", "shirts", "jeans", "dresses", "knitwear")),
            ("bags", ("totes", "backpacks", "wallets", "belts", "travel")),
            ("sport", ("running", "yoga", "tennis", "swim", "ski")),
        )
        for kind in kinds
    ]
    found = []
    for number in range(5_000):
        category = categories[number % len(categories)]
        price = round(5 + (number * 2654435761 % 4000) / 13 + 0.99, 2)
        found.append(Product(f"sku-{number:05d}", category, f"/{category}/p-{number:05d}", price))
    return tuple(found)


def _agents() -> list[str]:
    """About 5,600 user agents of phones, tablets and computers; the common ones first."""
    desktop = [
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36{edge}"
        for v in range(138, 110, -1)
        for system in ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64")
        for edge in ("", f" Edg/{v}.0.0.0")
    ]
    iphone = [
        f"Mozilla/5.0 (iPhone; CPU iPhone OS {a}_{b} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        f"Version/{a}.{b} Mobile/15E148 Safari/604.1"
        for a in range(18, 13, -1)
        for b in range(8)
    ]
    android = [
        f"Mozilla/5.0 (Linux; Android {a}; SM-{s}{m}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 "
        "Mobile Safari/537.36"
        for v in range(138, 118, -1)
        for a in (15, 14, 13, 12)
        for s in "AGSMF"
        for m in range(205, 940, 60)
    ]
    return [*desktop[:12], *iphone[:20], *android[:60], *desktop[12:], *iphone[20:], *android[60:]]
