"""How does somebody shop? One visit as the events a tracker would send: arrive, look, hesitate, buy or leave."""

from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import urlencode

from footfall.hosts.people import Browser, Person, give_account
from footfall_shop.catalogue import CURRENCY, PRODUCTS, Product, as_json, title_of

Step = tuple[int, dict[str, Any]]
"""Milliseconds since the visit began, and the event (without ``timestamp``)."""

_CAMPAIGNS = ("spring-sale", "new-season", "outdoor-week")
_SEARCHES = ("https://www.google.com/", "https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/")
_SOCIAL = (("instagram", "https://l.instagram.com/"), ("facebook", "https://m.facebook.com/"), ("tiktok", ""))
_FIRST_ARRIVALS = {
    "organic": 28,
    "paid_search": 18,
    "social": 12,
    "paid_social": 14,
    "direct": 14,
    "referral": 6,
    "display": 5,
    "affiliate": 3,
}
_LATER_ARRIVALS = {"direct": 46, "email": 22, "organic": 14, "paid_search": 8, "social": 4, "push": 3, "sms": 3}
_BOUNCES = {"display": 0.62, "paid_social": 0.5, "social": 0.48, "affiliate": 0.4, "email": 0.22, "direct": 0.25}


class Shop:
    """The demo shop as a shopper walks through it; ``url`` is where it stands."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.products = {product.slug: product for product in PRODUCTS}
        self.by_category: dict[str, list[Product]] = {}
        for product in PRODUCTS:
            self.by_category.setdefault(product.category, []).append(product)
        self.categories = list(self.by_category)
        self.price_ranks = {
            product.slug: sum(other.price < product.price for other in products) / max(1, len(products) - 1)
            for products in self.by_category.values()
            for product in products
        }


class Visit:
    """One visit; :meth:`steps` yields what happens, and the person is a little different afterwards."""

    def __init__(self, rng: Random, person: Person, shop: Shop) -> None:
        self.rng, self.person, self.shop = rng, person, shop
        self.browser = self._browser()
        self.at_ms = 0
        self.page: dict[str, Any] = {"url": "", "path": "", "title": ""}
        self.campaign: dict[str, str] | None = None
        self.pages_left = 1 + int(rng.expovariate(1 / (2 + 12 * person.patience)))

    def steps(self) -> Iterator[Step]:
        """Every event of the visit, in order."""
        rng, person = self.rng, self.person
        channel = self._channel()
        yield from self._land(channel)
        person.n_visits += 1
        if rng.random() < _BOUNCES.get(channel, 0.38) * (1.3 - person.intent) and not person.cart:
            return
        if person.user_id and not self.browser.is_signed_in and rng.random() < 0.3:
            yield from self._sign_in()
        if person.cart and rng.random() < 0.5:
            yield from self._check_out()
        while self.pages_left > 0:
            yield from self._look_around()
            if person.cart and rng.random() < 0.25 + 0.4 * person.intent:
                yield from self._check_out()
        person.intent = min(0.95, person.intent + 0.04 * rng.random())

    def _browser(self) -> Browser:
        browsers = self.person.browsers
        return browsers[0] if len(browsers) == 1 or self.rng.random() < 0.65 else browsers[1]

    def _channel(self) -> str:
        arrivals = dict(_LATER_ARRIVALS if self.person.n_visits else _FIRST_ARRIVALS)
        if not self.person.email:
            arrivals.pop("email", None)
        return self.rng.choices(list(arrivals), list(arrivals.values()))[0]

    def _land(self, channel: str) -> Iterator[Step]:
        rng, campaign = self.rng, self.rng.choice(_CAMPAIGNS)
        category = self._category()
        referrer, query = "", {}
        if channel == "organic":
            referrer = rng.choice(_SEARCHES)
        elif channel == "paid_search":
            referrer = "https://www.google.com/"
            term = category.rsplit("/", 1)[-1]
            query = {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": campaign, "utm_term": term}
            query["gclid"] = f"{rng.getrandbits(64):x}"
        elif channel == "social":
            _, referrer = rng.choice(_SOCIAL[:2])
        elif channel == "paid_social":
            source, referrer = rng.choice(_SOCIAL)
            query = {"utm_source": source, "utm_medium": "paid_social", "utm_campaign": campaign}
        elif channel == "referral":
            referrer = "https://www.outdoor-blog.example/best-of-the-season"
        elif channel == "display":
            query = {"utm_source": "adnetwork", "utm_medium": "display", "utm_campaign": campaign}
        elif channel == "affiliate":
            referrer = "https://www.dealfinder.example/"
            query = {"utm_source": "dealfinder", "utm_medium": "affiliate", "utm_campaign": campaign}
        elif channel in ("email", "push", "sms"):
            query = {"utm_source": "shop", "utm_medium": channel, "utm_campaign": campaign}
        if query:
            names = (("utm_campaign", "name"), ("utm_source", "source"), ("utm_medium", "medium"), ("utm_term", "term"))
            self.campaign = {name: query[key] for key, name in names if key in query}
        where = rng.random()
        if where < 0.35 or (channel == "direct" and where < 0.8):
            yield from self._page("/", "Home", referrer, query)
        elif where < 0.75:
            yield from self._list(category, referrer, query)
        else:
            yield from self._product(self._choose(category), referrer, query)

    def _look_around(self) -> Iterator[Step]:
        rng, roll = self.rng, self.rng.random()
        if roll < 0.08:
            yield from self._page("/", "Home")
        elif roll < 0.18:
            yield from self._search()
        elif roll < 0.24 and self.person.remembered:
            yield from self._product(self.shop.products[rng.choice(self.person.remembered[-3:])])
        else:
            category = self._category()
            yield from self._list(category)
            for _ in range(1 + int(rng.expovariate(1 / (1 + 2 * self.person.patience)))):
                if self.pages_left <= 0:
                    return
                product = self._choose(category)
                self._wait(6, 0.7)
                yield self._track("Product Clicked", as_json(product))
                yield from self._product(product)

    def _list(self, category: str, referrer: str = "", query: dict[str, str] | None = None) -> Iterator[Step]:
        title = title_of(category)
        yield from self._page(f"/{category}", title, referrer, query)
        lines = [as_json(product) for product in self.shop.by_category[category]]
        yield self._track("Product List Viewed", {"list_id": category, "category": category, "products": lines})
        self._wait(18, 0.8)
        if self.rng.random() < 0.4:
            yield self._track("Page Scrolled", {"percent": self.rng.choice((25, 50, 75, 100))})

    def _search(self) -> Iterator[Step]:
        category = self._category()
        text = category.rsplit("/", 1)[-1]
        yield from self._page("/search", f"Search: {text}", "", {"q": text})
        yield self._track("Products Searched", {"query": text})
        self._wait(10, 0.6)
        yield from self._product(self._choose(category))

    def _product(self, product: Product, referrer: str = "", query: dict[str, str] | None = None) -> Iterator[Step]:
        rng, person = self.rng, self.person
        yield from self._page(product.path, product.name, referrer, query)
        yield self._track("Product Viewed", as_json(product))
        liking = self._liking(product)
        self._wait(12 + 45 * liking, 0.7)
        if rng.random() < 0.2 + 0.5 * liking:
            yield self._track("Page Scrolled", {"percent": rng.choice((50, 75, 100))})
        if liking > 0.45:
            person.remembered = [*person.remembered, product.slug][-10:]
        if rng.random() < 0.5 * liking * (0.05 + person.intent):
            quantity = 2 if rng.random() < 0.1 else 1
            person.cart[product.slug] = person.cart.get(product.slug, 0) + quantity
            self._wait(4, 0.5)
            yield self._track("Product Added", as_json(product) | {"quantity": quantity})
        elif liking > 0.5 and rng.random() < 0.12:
            yield self._track("Product Added to Wishlist", as_json(product))

    def _check_out(self) -> Iterator[Step]:
        """Cart, hesitation, checkout; most carts are abandoned somewhere on the way."""
        rng, person = self.rng, self.person
        yield from self._page("/cart", "Cart")
        yield self._track("Cart Viewed", {"products": self._cart_lines()})
        self._wait(25, 0.9)
        if rng.random() < 0.15 + 0.15 * person.price_sensitivity:
            product = self.shop.products[rng.choice(list(person.cart))]
            quantity = person.cart.pop(product.slug)
            yield self._track("Product Removed", as_json(product) | {"quantity": quantity})
        if not person.cart or rng.random() > 0.25 + 0.5 * person.intent:
            return
        total = self._total()
        if total > 200 and rng.random() < 0.4 * person.price_sensitivity:
            return
        yield from self._page("/checkout", "Checkout")
        checkout_id = f"c-{rng.getrandbits(48):012x}"
        checkout = {"checkout_id": checkout_id, "value": total, "currency": CURRENCY, "products": self._cart_lines()}
        yield self._track("Checkout Started", checkout)
        self._wait(40, 0.6)
        if not self.browser.is_signed_in and (person.user_id or rng.random() < 0.6):
            yield from self._sign_in()
        if rng.random() > 0.55 + 0.4 * person.intent:
            return
        yield self._track("Payment Info Entered", {"checkout_id": checkout_id, "payment_method": "card"})
        self._wait(30, 0.6)
        if rng.random() > 0.9:
            return
        order = {"order_id": f"o-{rng.getrandbits(48):012x}", "checkout_id": checkout_id, "currency": CURRENCY}
        yield from self._page(f"/order/{order['order_id']}", "Thank you")
        yield self._track("Order Completed", order | {"revenue": total, "products": self._cart_lines()})
        person.cart.clear()
        person.n_orders += 1
        person.intent *= 0.5
        self.pages_left = min(self.pages_left, 2)

    def _sign_in(self) -> Iterator[Step]:
        person, name = self.person, "Signed In"
        if not person.user_id:
            give_account(self.rng, person)
            name = "Signed Up"
        self._wait(15, 0.5)
        self.browser.is_signed_in = True
        yield self.at_ms, self._event("identify") | {"traits": {"email": person.email, "first_name": person.first_name}}
        yield self._track(name, {"method": "password"})

    def _page(self, path: str, title: str, referrer: str = "", query: dict[str, str] | None = None) -> Iterator[Step]:
        self._wait(5, 0.8) if self.page["url"] else None
        search = f"?{urlencode(query)}" if query else ""
        referrer = referrer or self.page["url"]
        self.page = {"url": f"{self.shop.url}{path}{search}", "path": path, "title": title}
        if search:
            self.page["search"] = search
        if referrer:
            self.page["referrer"] = referrer
        self.pages_left -= 1
        yield self.at_ms, self._event("page") | {"name": title, "properties": dict(self.page)}

    def _track(self, name: str, properties: dict[str, Any]) -> Step:
        self.at_ms += self.rng.randrange(40, 400)
        return self.at_ms, self._event("track") | {"event": name, "properties": properties}

    def _event(self, kind: str) -> dict[str, Any]:
        place = self.person.place
        context: dict[str, Any] = {
            "page": dict(self.page),
            "userAgent": self.browser.user_agent,
            "locale": place.locale,
            "timezone": place.timezone,
            "location": {"country": place.country, "region": place.region, "city": place.city},
        }
        if self.campaign:
            context["campaign"] = self.campaign
        event: dict[str, Any] = {
            "type": kind,
            "messageId": f"{self.rng.getrandbits(128):032x}",
            "anonymousId": self.browser.anonymous_id,
        }
        if self.browser.is_signed_in:
            event["userId"] = self.person.user_id
        return event | {"context": context}

    def _wait(self, mean_s: float, spread: float) -> None:
        self.at_ms += min(1_500_000, 300 + int(1_000 * mean_s * self.rng.lognormvariate(-spread * spread / 2, spread)))

    def _category(self) -> str:
        tastes = self.person.tastes
        roll = self.rng.random()
        if roll < 0.85:
            return tastes[0] if roll < 0.5 else tastes[1] if roll < 0.75 else tastes[2]
        return self.rng.choice(self.shop.categories)

    def _choose(self, category: str) -> Product:
        """One of a few products of a category, the most liked of them."""
        products = self.shop.by_category[category]
        return max(self.rng.sample(products, min(3, len(products))), key=self._liking)

    def _liking(self, product: Product) -> float:
        person = self.person
        tastes = person.tastes
        taste = 0.75 if product.category == tastes[0] else 0.55 if product.category in tastes else 0.25
        discount = 1 - product.price / (product.regular_price or product.price)
        price = person.price_sensitivity * (1.2 * discount - 0.5 * self.shop.price_ranks[product.slug])
        return min(1.0, max(0.02, taste + price))

    def _cart_lines(self) -> list[dict[str, Any]]:
        return [as_json(self.shop.products[slug], quantity=n) for slug, n in self.person.cart.items()]

    def _total(self) -> float:
        return round(sum(self.shop.products[key].price * quantity for key, quantity in self.person.cart.items()), 2)
