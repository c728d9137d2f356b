"""What does it look like? Pictures of every view, light and dark, wide and narrow, for a person to judge.

``python -m tests.browser.screenshots FOLDER`` writes them.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.browser.capture import Capture
from tests.browser.conftest import ARGUMENTS
from tests.browser.dashboards import Dashboard, dashboard
from tests.browser.profiles import SampleProfiles
from tests.browser.serving import serve

from footfall_shop.app import build

SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}


def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as none:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        with (
            dashboard(Path(data), SampleProfiles()) as full,
            dashboard(Path(none), SampleProfiles(is_empty=True)) as empty,
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
    page.click(".features summary >> nth=1")
    take("visitor")
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


def _shop(page: Page, shop: str, take) -> None:  # type: ignore[no-untyped-def]
    page.goto(shop)
    take("shop-home")
    page.goto(f"{shop}/women/shoes")
    take("shop-list")
    page.goto(f"{shop}/outdoor/bags/backpacks/roll-top")
    take("shop-product")
    page.click("text=Add to cart")
    page.wait_for_selector(".lines")
    take("shop-cart")
    page.click("text=Check out")
    page.wait_for_selector(".columns")
    take("shop-checkout")


if __name__ == "__main__":
    main()
