"""What does it look like? Pictures of every view, light and dark, wide and narrow, for a person to judge.

``python -m tests.browser.screenshots FOLDER`` writes them; with ``--readme docs/pictures`` it
writes the three of the example shop that the README shows.
"""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.browser.capture import Capture
from tests.browser.dashboards import Dashboard, dashboard
from tests.browser.foresight import SampleModels
from tests.browser.profiles import SampleProfiles
from tests.browser.serving import serve

from footfall.base.chromium import ARGUMENTS, chromium
from footfall_shop.app import build

SIZES = {
    "wide": {"width": 1440, "height": 900},
    "small": {"width": 1024, "height": 768},
    "narrow": {"width": 390, "height": 844},
}


def main() -> None:
    """Take them all, or those of the README."""
    folder = Path(sys.argv[-1])
    folder.mkdir(parents=True, exist_ok=True)
    if "--readme" in sys.argv:
        _readme(folder)
        return
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as none:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        with (
            dashboard(Path(data), SampleProfiles()) as full,
            dashboard(Path(none), SampleProfiles(is_empty=True), SampleModels(is_empty=True)) as empty,
            serve(Capture()) as server,
            serve(build(server, "wk")) as shop,
        ):
            for size, viewport in SIZES.items():
                for scheme in ("light", "dark"):
                    context = browser.new_context(
                        viewport=viewport, color_scheme=scheme, locale="en-GB", device_scale_factor=1
                    )
                    page = context.new_page()

                    def take(name: str, page: Page = page, size: str = size, scheme: str = scheme) -> None:
                        page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=True)

                    _dashboard(page, full, empty, take)
                    if scheme == "light":
                        _shop(page, shop, take)
                    context.close()
        browser.close()


def _dashboard(page: Page, full: Dashboard, empty: Dashboard, take) -> None:  # type: ignore[no-untyped-def]
    page.goto(full.url + "/login")
    page.wait_for_selector("form")
    take("login")
    page.goto(full.url + full.login_path)
    page.wait_for_timeout(300)
    take("link")
    full.let_in(page.context)
    page.goto(full.url)
    page.wait_for_selector("[data-visitor]")
    full.profiles.change(
        full.profiles.rows[2]["visitor_id"], cart={"n_items": 5, "value": 500.0 + time.monotonic() % 99}
    )
    page.wait_for_selector(".lit-odd")
    page.wait_for_timeout(100)
    take("visitors")
    page.goto(f"{full.url}/visitors/{full.profiles.rows[0]['visitor_id']}")
    page.wait_for_selector(".features summary")
    page.wait_for_selector(".alike")
    page.click(".features summary >> nth=1")
    take("visitor")
    page.goto(f"{full.url}/models")
    page.wait_for_selector(".versions")
    take("models")
    page.click("text=Promote >> nth=0")
    take("promote")
    page.goto(f"{full.url}/models/7")
    page.wait_for_selector(".model-card")
    full.models.alarm()
    page.reload()
    page.wait_for_selector(".alarms")
    take("model")
    full.models.alarms.clear()
    page.goto(f"{full.url}/ledger")
    page.wait_for_selector(".equation")
    for n in range(30):
        full.profiles.counters["received"] += 7 * (n % 5)
        full.profiles.counters["applied"] += 7 * (n % 5)
        page.wait_for_timeout(300)
    take("ledger")
    page.goto(f"{full.url}/failed")
    page.wait_for_selector(".failure")
    page.click(".failure summary >> nth=2")
    take("failed")
    empty.let_in(page.context)
    page.goto(empty.url)
    page.wait_for_selector(".empty")
    take("empty")
    page.goto(f"{empty.url}/models")
    page.wait_for_selector(".empty")
    take("no-model")


def _readme(folder: Path) -> None:
    """The front page and a product, wide; a list and a product beside each other, as phones show them."""
    with (
        sync_playwright() as playwright,
        serve(Capture()) as server,
        serve(build(server, "wk")) as shop,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1160, "height": 760})
        page.goto(shop)
        _ready(page)
        page.screenshot(path=folder / "shop-home.png")
        page.goto(f"{shop}/house/kitchen/mugs/tide-mug")
        _ready(page)
        page.screenshot(path=folder / "shop-product.png")
        page = browser.new_page(viewport={"width": 390, "height": 760})
        page.goto(f"{shop}/house/kitchen/mugs")
        _ready(page)
        page.screenshot(path=folder / "shop-phone.png")
        browser.close()


def _ready(page: Page) -> None:
    """Wait until every picture in sight has come."""
    page.wait_for_function("[...document.images].every((image) => image.complete || image.loading === 'lazy')")
    page.wait_for_load_state("networkidle")


def _shop(page: Page, shop: str, take) -> None:  # type: ignore[no-untyped-def]
    views = {
        "home": "/",
        "list": "/women",
        "product": "/women/clothing/knitwear/fair-isle-yoke",
        "search": "/search?q=wool",
        "nothing-found": "/search?q=unicorn",
        "campaign": "/campaign/night-by-the-lake",
        "sale": "/sale",
        "gifts": "/gifts",
        "gifts-found": "/gifts/her/50-100",
        "empty-cart": "/cart",
        "sign-in": "/sign-in",
        "delivery": "/delivery",
        "missing": "/nope",
    }
    for name, path in views.items():
        page.goto(shop + path)
        _scroll(page)
        take(f"shop-{name}")
    page.goto(f"{shop}/outdoor/bags/backpacks/roll-top")
    page.click('form[action="/cart/add"] button[type=submit]')
    page.wait_for_url("**/cart")
    take("shop-cart")
    page.goto(f"{shop}/checkout")
    take("shop-checkout")
    page.click('form[action="/checkout"] button[type=submit]')
    page.wait_for_selector(".alert")
    take("shop-checkout-wrong")
    fields = ("email", "name", "address", "city", "postcode", "card")
    typed = ("ada@example.org", "Ada Lindqvist", "Quay 1", "Lund", "22100", "4242 4242 4242 4242")
    for name, value in zip(fields, typed, strict=True):
        page.fill(f'form[action="/checkout"] [name={name}]', value)
    page.click('form[action="/checkout"] button[type=submit]')
    page.wait_for_url("**/order/*")
    take("shop-order")
    page.goto(f"{shop}/sign-in")
    page.fill("main [name=email]", "ada@example.org")
    page.click("main button")
    page.wait_for_url("**/account")
    take("shop-account")


def _scroll(page: Page) -> None:
    """Down and up again, so that pictures below the fold come."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 600):
        page.evaluate(f"scrollTo(0, {top})")
        page.wait_for_timeout(40)
    page.evaluate("scrollTo(0, 0)")


if __name__ == "__main__":
    main()
