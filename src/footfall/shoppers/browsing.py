"""How does a real browser shop? Headless Chromium walks the real shop, by links, forms and buttons, at a human pace.

A process of its own, nicer than the others: it may be slow, it may die, the demo goes on. Every visit is a fresh
browser profile, and after some visits Chromium itself is a fresh one, so that memory stays bounded.
"""

import asyncio
import contextlib
import importlib.util
import logging
import multiprocessing
import os
import re
import signal
from pathlib import Path
from random import Random
from time import time_ns
from typing import TYPE_CHECKING, Any

import msgspec

from footfall.base.chromium import ARGUMENTS, chromium
from footfall.shoppers import truth
from footfall.shoppers.arrivals import arrival
from footfall.shoppers.devices import COMPUTERS, PHONES, Model, some_model
from footfall.shoppers.kinds import KINDS, Kind
from footfall.shoppers.places import some_address, some_place
from footfall.shoppers.shelves import Shelves
from footfall.shoppers.visits import Truth
from footfall_shop.forms import customer_id

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Locator, Page

log = logging.getLogger(__name__)

_SPARING = (
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--renderer-process-limit=4",
    "--js-flags=--max-old-space-size=128",
)
_VISITS_OF_A_CHROMIUM = 40
_VISIT_MAX_S = 300.0
_STEP_MAX_MS = 10_000
ADDRESS_COOKIE = "demo_address"
_ADDRESS = re.compile(rf"(?:^|; ){ADDRESS_COOKIE}=([0-9.]+)".encode())
_LANDINGS = {"sale": "/sale", "gifts": "/gifts"}
_CHROMES = tuple(model for model in (*PHONES, *COMPUTERS) if "Chrome/126" in model.user_agent)
"""A Chromium should say that it is one."""


def lacking() -> str:
    """What is missing for real browsers and how to get it, or empty."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright isn't installed (pip install playwright)."
    if not chromium():
        return "there is no Chromium (Debian: apt-get install chromium)."
    return ""


class Doors(msgspec.Struct, frozen=True):
    """Where browsers go, the first more often; ``folder`` gets the truth about their visits."""

    shop_urls: tuple[str, ...]
    folder: Path
    n_browsers: int
    seed: int


def behind_proxy(app: Any) -> Any:
    """The shop as if a proxy before it told the browsers' addresses.

    Pages tell them in a header, as proxies do; what Chromium sends when a page is gone has only the cookie.
    """

    async def proxied(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            found = _ADDRESS.search(headers.get(b"cookie", b""))
            if found and b"x-forwarded-for" not in headers:
                scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-for", found[1])]}
        await app(scope, receive, send)

    return proxied


def run(doors: Doors) -> None:
    """Shop until SIGTERM, or until the process that started this one ends."""
    os.nice(10)
    asyncio.run(_run(doors))


async def _run(doors: Doors) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if parent := multiprocessing.parent_process():
        loop.add_reader(parent.sentinel, stop.set)
    from playwright.async_api import async_playwright

    shelves = Shelves()
    seeds = Random(f"browsers {doors.seed} {time_ns()}")
    async with async_playwright() as playwright:
        while not stop.is_set():
            browser = await playwright.chromium.launch(
                executable_path=chromium(), args=[*ARGUMENTS, *_SPARING], handle_sigint=False
            )
            try:
                shoppers = [
                    _shop_on(browser, Random(seeds.random()), doors, shelves, stop) for _ in range(doors.n_browsers)
                ]
                await _until(stop, asyncio.gather(*shoppers))
            finally:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(browser.close(), 5)


async def _until(stop: asyncio.Event, work: "asyncio.Future[list[None]]") -> None:
    """Wait for the work, but no longer than until ``stop``."""
    gone = asyncio.create_task(stop.wait())
    gone.add_done_callback(lambda _: work.cancel() if stop.is_set() else None)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await work
    finally:
        gone.cancel()


async def _shop_on(browser: "Browser", rng: Random, doors: Doors, shelves: Shelves, stop: asyncio.Event) -> None:
    """One visit after the other, with pauses."""
    from playwright.async_api import Error

    people = [kind for kind in KINDS if not kind.is_bot]
    for _ in range(_VISITS_OF_A_CHROMIUM):
        if stop.is_set() or not browser.is_connected():
            return
        kind = rng.choices(people, [kind.share for kind in people])[0]
        try:
            async with asyncio.timeout(_VISIT_MAX_S):
                found = await visit(browser, rng, kind, doors, shelves)
            truth.add(doors.folder / truth.FILE_NAME, [found])
        except (Error, TimeoutError) as error:
            log.debug("A browser's visit broke off: %s", error)
        await asyncio.sleep(rng.uniform(1, 6))


async def visit(
    browser: "Browser",
    rng: Random,
    kind: Kind,
    doors: Doors,
    shelves: Shelves,
    *,
    pace: float = 1.0,
    is_buying: bool | None = None,
) -> Truth:
    """One visit in a fresh profile. ``pace`` is a factor on all pauses; without ``is_buying`` intent decides."""
    shop_url = doors.shop_urls[0] if rng.random() < 0.75 else doors.shop_urls[-1]
    model, place = some_model(rng, _CHROMES), some_place(rng)
    address = some_address(rng, place)
    started_ms = time_ns() // 1_000_000
    intent = min(0.8, kind.intents[0] * rng.lognormvariate(0.1, 0.4))
    context = await browser.new_context(
        **_device(model),
        locale=place.locale,
        timezone_id=place.timezone,
        extra_http_headers={"X-Forwarded-For": address},
    )
    try:
        await context.add_cookies([{"name": ADDRESS_COOKIE, "value": address, "url": shop_url, "httpOnly": True}])
        context.set_default_timeout(_STEP_MAX_MS)
        buys = rng.random() < intent if is_buying is None else is_buying
        shopper = Shopper(await context.new_page(), rng, kind, shelves, shop_url, pace=pace, is_buying=buys)
        await shopper.shop()
        anonymous_id = await _anonymous_id(context)
    finally:
        await context.close()
    return Truth(
        anonymous_id,
        customer_id(shopper.email) if shopper.email else "",
        kind.name,
        started_ms,
        round(intent, 5),
        bool(shopper.order_id),
        shopper.order_id,
        False,
    )


def _device(model: Model) -> dict[str, Any]:
    width, height, density, inner_width, inner_height = model.screen
    is_phone = model in PHONES
    return {
        "user_agent": model.user_agent,
        "viewport": {"width": inner_width, "height": inner_height},
        "screen": {"width": width, "height": height},
        "device_scale_factor": 1 if not is_phone else min(density, 2),
        "is_mobile": is_phone,
        "has_touch": is_phone,
    }


async def _anonymous_id(context: "BrowserContext") -> str:
    cookies = await context.cookies()
    return next((str(cookie["value"]) for cookie in cookies if cookie.get("name") == "ff_anonymous_id"), "")


class Shopper:
    """Somebody in a browser's tab; :meth:`shop` is the visit."""

    def __init__(
        self,
        page: "Page",
        rng: Random,
        kind: Kind,
        shelves: Shelves,
        shop_url: str,
        *,
        pace: float,
        is_buying: bool,
    ) -> None:
        self.page, self.rng, self.kind, self.shelves, self.shop_url = page, rng, kind, shelves, shop_url
        self.pace, self.is_buying = pace, is_buying
        self.tastes = shelves.some_tastes(rng)
        self.email = ""
        self.order_id = ""

    async def shop(self) -> None:
        """Arrive, look, perhaps buy, leave."""
        rng, kind = self.rng, self.kind
        await self._arrive()
        await self._look()
        if not self.is_buying and rng.random() < kind.bounce:
            await self._leave()
            return
        for _ in range(1 + int(rng.expovariate(1 / kind.pages))):
            await self._go_somewhere()
        if self.is_buying or rng.random() < kind.cart:
            await self._fill_cart()
            await self._see_cart()
            if self.is_buying or rng.random() < 0.3:
                await self._check_out()
        await self._leave()

    async def _arrive(self) -> None:
        rng = self.rng
        channels = self.kind.channels
        channel = rng.choices(list(channels), list(channels.values()))[0]
        way = arrival(rng, channel, self.tastes[0], "", self.shelves)
        product = rng.choice(self.shelves.by_section[self.tastes[0]])
        path = _LANDINGS.get(way.leads_to) or {
            "section": f"/{self.tastes[0]}", "product": product.path, "campaign": f"/campaign/{way.campaign}",
        }.get(way.leads_to, "/")  # fmt: skip
        query = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in way.query.items())
        url = f"{self.shop_url}{path}" + (f"?{query}" if query else "")
        await self.page.goto(url, referer=way.referrer or None, wait_until="load")

    async def _go_somewhere(self) -> None:
        roll = self.rng.random()
        if roll < self.kind.search:
            await self._search()
        elif roll < self.kind.search + self.kind.gifts * 0.5:
            await self._open("/gifts")
        elif roll < self.kind.search + self.kind.gifts * 0.5 + self.kind.sale * 0.5:
            await self._open("/sale")
        elif roll < 0.75 and await self._click_product():
            pass
        else:
            await self._open(f"/{self.rng.choice(self.tastes)}")
        await self._look()

    async def _click_product(self) -> bool:
        cards = self.page.locator("a[data-product]:visible")
        n = await cards.count()
        if not n:
            return False
        card = cards.nth(self.rng.randrange(min(n, 12)))
        await card.scroll_into_view_if_needed()
        if self.rng.random() < 0.4:
            await card.hover()
            await self._pause(0.4, 1.2)
        await card.click()
        await self.page.wait_for_load_state("load")
        return True

    async def _open(self, path: str) -> None:
        """By a link if the page has one, else by typing the address."""
        link = self.page.locator(f'a[href="{path}"]:visible').first
        if await link.count():
            await link.click()
            await self.page.wait_for_load_state("load")
        else:
            await self.page.goto(f"{self.shop_url}{path}")

    async def _search(self) -> None:
        field = self.page.locator('form[action="/search"] input[name=q]:visible').first
        words = self.rng.choice(self.shelves.by_section[self.rng.choice(self.tastes)]).name.lower()
        if await field.count():
            await field.click()
            await field.press_sequentially(words, delay=self.rng.uniform(50, 140))
            await self._pause(0.3, 1.2)
            await field.press("Enter")
            await self.page.wait_for_load_state("load")
        else:
            await self.page.goto(f"{self.shop_url}/search?q={words.replace(' ', '+')}")

    async def _fill_cart(self) -> None:
        offered = [product for product in self.shelves.by_section[self.tastes[0]] if product.is_available]
        for product in self.rng.sample(offered, min(len(offered), 1 + (self.rng.random() < 0.25))):
            await self.page.goto(f"{self.shop_url}{product.path}")
            await self._look()
            form = self.page.locator('form[action="/cart/add"]').first
            await self._choose_size(form)
            await form.locator("button[type=submit]").first.click()
            await self.page.wait_for_load_state("load")
            await self._pause(0.8, 2.5)

    async def _choose_size(self, form: "Locator") -> None:
        choices = form.locator("input[name=size]:not([disabled])")
        n = await choices.count()
        if n:
            await choices.nth(self.rng.randrange(n)).check(force=True)
            await self._pause(0.3, 1.5)

    async def _see_cart(self) -> None:
        await self._open("/cart")
        await self._look()

    async def _check_out(self) -> None:
        await self._open("/checkout")
        await self._pause(1, 3)
        form = self.page.locator('form[action="/checkout"]').first
        email = f"browser.{self.rng.randrange(10**6)}@shopper.example"
        answers = {
            "email": email,
            "name": "Robin Example",
            "address": f"{self.rng.randrange(1, 200)} Alder Road",
            "city": "Springfield",
            "postcode": "12345",
            "card": "4242 4242 4242 4242",
        }
        for name, text in answers.items():
            field = form.locator(f"[name={name}]").first
            if await field.count() and await field.is_visible():
                await field.fill(text)
                await self._pause(0.3, 1.4)
        if not self.is_buying:
            return
        self.email = email
        await form.locator("button[type=submit]").first.click()
        with contextlib.suppress(Exception):
            await self.page.wait_for_url("**/order/*", timeout=_STEP_MAX_MS)
        if "/order/" in self.page.url:
            self.order_id = self.page.url.rpartition("/order/")[2].partition("?")[0]
            await self._look()

    async def _look(self) -> None:
        """Read, with the wheel or the thumb."""
        for _ in range(self.rng.randrange(1, 5)):
            await self._pause(0.6, 3.5)
            await self.page.mouse.wheel(0, self.rng.randrange(150, 700))
        await self._pause(0.5, 4 * self.kind.tempo)

    async def _leave(self) -> None:
        """Elsewhere, so that the page says good-bye."""
        await self.page.goto("about:blank")
        await self._pause(0.3, 0.5)

    async def _pause(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self.pace * self.rng.uniform(least_s, max(least_s, most_s)))
