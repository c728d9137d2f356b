"""How does a test go shopping? A search engine, the example shop before a real server, and a shopper who knows the way.

The steps use only what ``examples/shop`` promises to keep: addresses, ``data-product`` and the fields of its forms.
"""

import contextlib
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from playwright.sync_api import BrowserContext, Locator, Page
from playwright.sync_api import Error as PlaywrightError
from tests.browser.serving import serve
from tests.served import Served, until

from footfall_shop.app import build

SEARCH_HOST = "www.google.com"
KEYWORD = "waterproof boots"
COOKIE = "ff_anonymous_id"
LOOK_MS = 300
"""How long the shopper looks at a page whose dwell a test asks for, from when the tracker sees it on."""
_HAS_LOOKED = f"""() => {{
  if (!window.footfall?.isLoaded) return false;
  window.lookedFromMs ??= performance.now();
  return performance.now() - window.lookedFromMs > {LOOK_MS};
}}"""


async def search_engine(scope: Any, receive: Any, send: Any) -> None:
    """A page of hits with a link to where ``to`` says; it tells its whole address there, as engines once did."""
    if scope["type"] != "http":
        return
    found = re.search(r"[?&]to=([^&]+)", scope["query_string"].decode("latin-1").join("?&"))
    target = found[1] if found else ""
    page = (
        "<!doctype html><meta name=referrer content=unsafe-url><title>hits</title>"
        f"<a id=hit>{KEYWORD}</a><script>hit.href = decodeURIComponent('{target}')</script>"
    )
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": page.encode()})


@contextlib.contextmanager
def shop_before(served: Served, *, by_proxy: bool = False, **options: Any) -> Iterator[str]:
    """The example shop with its tracker, sending to this server or through its own ``/ff``; gives its address."""
    server = f"http://127.0.0.1:{served.port}"
    address = {"tracker_url": "/ff", "upstream_url": server} if by_proxy else {"tracker_url": server}
    with serve(build(write_key=served.made.write_key, **address, **options)) as url:
        yield url


@dataclass
class Visited:
    """What a shopper's own ledger says: how often what was done, in the words of the API's ``counts``."""

    counts: dict[str, int] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)

    def saw(self, path: str, **kinds: int) -> None:
        """A page was seen, and these kinds of events were told on it or on the way to it."""
        self.paths.append(path)
        self.did(page_view=1, **kinds)

    def did(self, **kinds: int) -> None:
        """These kinds of events were told."""
        for kind, n in kinds.items():
            self.counts[kind] = self.counts.get(kind, 0) + n


@dataclass
class Shopper:
    """A person in a browser profile of their own, who writes down what they do."""

    page: Page
    shop: str
    served: Served
    visited: Visited = field(default_factory=Visited)
    order_id: str = ""
    email: str = field(default_factory=lambda: f"{secrets.token_hex(4)}@example.org")
    """An account of their own, or the server would rightly take them for the shopper of another test."""

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    # What the server knows

    def anonymous_id(self) -> str:
        """The id that the tracker gave this browser, once it has."""
        until(self._cookie, 20)
        return self._cookie()

    def _cookie(self) -> str:
        return next((str(c.get("value")) for c in self.context.cookies() if c.get("name") == COOKIE), "")

    def profile(self) -> dict[str, Any]:
        """The visitor as the API tells it; empty before the first event is there."""
        answer = self.served.ask(
            "GET",
            f"/api/visitors/{self.anonymous_id()}",
            headers={"authorization": f"Bearer {self.served.made.token}"},
        )
        found: dict[str, Any] = answer.json() if answer.status == 200 else {}
        return found

    def profile_when(self, holds: Callable[[dict[str, Any]], bool], what: str, within_s: float = 40) -> dict[str, Any]:
        """The profile, as soon as something holds of it; fails with what it says instead."""
        seen: dict[str, Any] = {}

        def is_there() -> bool:
            seen.clear()
            seen.update(self.profile())
            return bool(seen) and holds(seen)

        try:
            until(is_there, within_s)
        except AssertionError:
            counts, cart, orders = (seen.get(name) for name in ("counts", "cart", "orders"))
            raise AssertionError(f"no {what}; counts {counts}, cart {cart}, orders {orders}") from None
        return dict(seen)

    def profile_with(self, **counts: int) -> dict[str, Any]:
        """The profile once it counts so much of each kind."""
        return self.profile_when(lambda p: all(p["counts"].get(k, 0) >= n for k, n in counts.items()), str(counts))

    def cart_is(self, *lines: tuple[str, int, float]) -> None:
        """Wait until the profile's cart holds exactly these lines: product, pieces, price of one."""
        wanted = sorted(lines)

        def holds(profile: dict[str, Any]) -> bool:
            return [*_lines(profile["cart"])] == wanted

        found = self.profile_when(holds, f"cart of {wanted}")
        assert found["cart"]["value"] == sum(n * price for _, n, price in wanted)

    def timeline(self) -> list[dict[str, Any]]:
        """All that the visitor did, oldest first."""
        found = self.served.api(f"/api/visitors/{self.anonymous_id()}/timeline?limit=500")["items"]
        return found[::-1]

    # What the shopper does

    def arrive(self, path: str, **kinds: int) -> None:
        """From a search engine's page to one of the shop."""
        words, target = quote_plus(KEYWORD), quote(self.shop + path, safe="")
        self.page.goto(f"http://{SEARCH_HOST}/search?q={words}&to={target}")
        self.page.click("#hit")
        self.page.wait_for_url(self.shop + path)
        self.visited.saw(path, **kinds)

    def look(self) -> None:
        """Look at the page for a moment."""
        self.page.wait_for_function(_HAS_LOOKED)

    def follow(self, path: str, **kinds: int) -> None:
        """Click a link of the page to this address."""
        self._go(self._shown(f'a[href="{path}"]'), path, **kinds)

    def back(self, path: str) -> None:
        """The back button; a page that the browser kept comes back without loading."""
        self.page.evaluate("history.back()")
        self.page.wait_for_url(self.shop + path, wait_until="commit")

    def until_there_is_no_page(self) -> None:
        """Wait for the page with which the browser says that it can't load what was asked for."""

        def is_shown() -> bool:
            with contextlib.suppress(PlaywrightError):  # in between two pages
                return bool(self.page.evaluate("location.protocol") == "chrome-error:")
            return False

        until(is_shown, 20)

    def choose(self, product: str) -> None:
        """Click a product of a list."""
        card = self._shown(f'main a[data-product="{product}"]')
        path = str(card.get_attribute("href"))
        self._go(card, path, product_click=1, product_view=1)

    def add_to_cart(self, quantity: int = 1) -> None:
        """Choose a size where there are sizes, and put it into the cart."""
        form = self.page.locator('form[action="/cart/add"]')
        sizes = form.locator("[name=size]")
        if sizes.count():
            sizes.nth(2).check(force=True)
        form.locator("[name=quantity]").select_option(str(quantity))
        self._go(form.locator("button[type=submit]"), "/cart", cart_add=1, cart_view=1)

    def find(self, words: str) -> None:
        """Search."""
        self.page.fill('form[action="/search"] input[name=q]', words)
        with self.page.expect_navigation(url=f"{self.shop}/search?q={words}"):
            self.page.press('form[action="/search"] input[name=q]', "Enter")
        self.visited.saw("/search", search=1)

    def change_quantity(self, product: str, quantity: int) -> None:
        """Another number of pieces of a line of the cart, one more than before."""
        select = self._line("/cart/change", product).locator("[name=quantity]")
        with self.page.expect_navigation(url=f"{self.shop}/cart"):
            select.select_option(str(quantity))
        self.visited.saw("/cart", cart_add=1, cart_view=1)

    def remove(self, product: str) -> None:
        """Take a line out of the cart."""
        button = self._line("/cart/remove", product).locator("button[type=submit]")
        self._go(button, "/cart", cart_remove=1, cart_view=1)

    def check_out(self) -> str:
        """From the cart to the order; returns its number."""
        self.follow("/checkout", checkout_start=1)
        form = self.page.locator('form[action="/checkout"]')
        for name, value in {
            "email": self.email,
            "name": "Ada Lindqvist",
            "address": "Quay 1",
            "city": "Lund",
            "postcode": "22100",
            "card": "4242 4242 4242 4242",
        }.items():
            form.locator(f"[name={name}]").fill(value)
        self.page.locator('form[action="/checkout"] button[type=submit]').click()
        self.page.wait_for_url(re.compile(r"/order/"))
        self.order_id = urlsplit(self.page.url).path.rpartition("/")[2]
        self.visited.saw(f"/order/{self.order_id}", payment_info=1, order=1)
        return self.order_id

    def _go(self, link: Locator, path: str, **kinds: int) -> None:
        with self.page.expect_navigation(url=self.shop + path):
            link.click()
        self.visited.saw(path, **kinds)

    def _shown(self, selector: str) -> Locator:
        return self.page.locator(selector).locator("visible=true").first

    def _line(self, action: str, product: str) -> Locator:
        form = self.page.locator(f'form[action="{action}"]')
        return form.filter(has=self.page.locator(f'[name=product][value="{product}"]'))


def _lines(cart: dict[str, Any]) -> list[tuple[str, float, float]]:
    return sorted((line["product_id"], line["quantity"], line["price"]) for line in cart["items"])


def stored(page: Page) -> dict[str, list[str]]:
    """Names of what the tracker keeps in this browser for the page's origin, by kind of storage."""
    found: dict[str, list[str]] = page.evaluate(
        """async () => ({
          localStorage: Object.keys(localStorage),
          sessionStorage: Object.keys(sessionStorage),
          indexedDB: (await indexedDB.databases()).map((database) => database.name),
          caches: "caches" in window ? await caches.keys() : [],
        })"""
    )
    found["cookies"] = [str(c.get("name")) for c in page.context.cookies() if str(c.get("name")).startswith("ff_")]
    return found
