"""Does what docs/tracker.md tells shops to paste work? Each snippet, as it stands there, in a real browser."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route
from tests.browser.capture import TRACKER, World, shop_and_server

from footfall.hosts.benches.storefronts import mute

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "frontend" / "tracker"
SNIPPET = re.compile(r"<!-- snippet: ([\w-]+) -->\n```\w+\n(.*?)```", re.S)
SNIPPETS = dict(SNIPPET.findall((REPOSITORY / "docs" / "tracker.md").read_text(encoding="utf-8")))


@pytest.fixture
def world() -> Iterator[World]:
    with shop_and_server() as made:
        made.site.pages["/ff/a.js"] = TRACKER.read_text()
        yield made


def snippet(name: str, world: World) -> str:
    """A snippet with this test's addresses and key."""
    return SNIPPETS[name].replace("https://footfall.example", world.server).replace("wk_...", "wk_1")


def put(world: World, head: str, body: str = "") -> None:
    """A page with this in its head."""
    world.site.pages["/"] = f"<!doctype html><html><head><title>T</title>{head}</head><body>{body}</body></html>"


def refuse(page: Page, url: str) -> None:
    """What an ad blocker does."""

    def abort(route: Route) -> None:
        route.abort("blockedbyclient")

    page.route(url, abort)


def test_every_snippet_is_tried_here() -> None:
    assert set(SNIPPETS) == {
        "tag", "short", "file", "loader", "stub", "layer", "tag-manager", "npm", "noscript", "first-party", "fallback",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["tag", "short"])
def test_the_tag(world: World, page: Page, name: str) -> None:
    put(world, snippet(name, world))
    page.goto(world.shop)
    world.capture.until_event("page")
    assert world.capture.requests[0].batch["writeKey"] == "wk_1"


def test_the_stub_keeps_calls_until_the_script_is_there(world: World, page: Page) -> None:
    early = "<script>footfall.identify('u1'); footfall.track('Early', {n: 1}); footfall.flush();</script>"
    put(world, snippet("stub", world) + early + snippet("tag", world))
    page.goto(world.shop)
    world.capture.until_event("Early")
    assert world.capture.names() == ["page", "identify", "Early"]


def test_a_stub_that_comes_late_leaves_the_calls_alone(world: World, page: Page) -> None:
    put(world, snippet("tag", world))
    page.goto(world.shop)
    world.capture.until_event("page")
    script = snippet("stub", world).partition("<script>")[2].partition("</script>")[0]
    page.evaluate(f"(0, eval)({script!r}); footfall.track('Late'); footfall.flush()")
    world.capture.until_event("Late")


def test_the_data_layer(world: World, page: Page) -> None:
    layer = (
        "<script>dataLayer = [{event: 'purchase', ecommerce: {transaction_id: 'T1', value: 5, items: []}}];"
        "function gtag() { dataLayer.push(arguments) }</script>"
    )
    put(world, layer + snippet("layer", world))
    page.goto(world.shop)
    assert world.capture.until_event("purchase")["properties"]["order_id"] == "T1"
    page.evaluate("gtag('event', 'add_to_cart', {items: [{item_id: 's', price: 2}]})")
    assert world.capture.until_event("add_to_cart")["properties"]["product_id"] == "s"


def test_google_tag_manager_runs_a_custom_html_tag_like_this(world: World, page: Page) -> None:
    put(world, "")
    page.goto(world.shop)
    script = snippet("tag-manager", world).replace("<script>", "").replace("</script>", "")
    page.evaluate("text => document.head.append(Object.assign(document.createElement('script'), {text}))", script)
    world.capture.until_event("page")
    page.evaluate("dataLayer.push({event: 'search', ecommerce: null, search_term: 'boots'})")
    assert world.capture.until_event("search")["properties"]["query"] == "boots"


def test_on_the_shops_own_domain(world: World, page: Page) -> None:
    put(world, snippet("first-party", world))
    with page.expect_request(f"{world.shop}/ff/v1/batch"):
        page.goto(world.shop)


def test_under_a_policy_without_inline_scripts_a_file_of_the_shops_loads_it(world: World, page: Page) -> None:
    policy = f"script-src 'self' {world.server}; connect-src {world.server}; require-trusted-types-for 'script'"
    world.site.headers["content-security-policy"] = policy
    world.site.pages["/tracker.js"] = snippet("loader", world)
    put(world, snippet("file", world))
    page.goto(world.shop)
    world.capture.until_event("page")


def test_a_script_that_a_blocker_refuses_comes_from_the_shop(world: World, page: Page) -> None:
    put(world, snippet("fallback", world))
    refuse(page, f"{world.server}/**")
    with page.expect_request(f"{world.shop}/ff/v1/batch"):
        page.goto(world.shop)


@pytest.mark.parametrize("name", ["tag", "layer", "fallback", "file"])
def test_a_server_that_hangs_does_not_hold_up_the_load_event(world: World, page: Page, name: str) -> None:
    with mute() as hanging:
        world.site.pages["/tracker.js"] = SNIPPETS["loader"].replace("https://footfall.example", hanging)
        put(world, SNIPPETS[name].replace("https://footfall.example", hanging))
        page.goto(world.shop, wait_until="load", timeout=15_000)
        assert page.evaluate("window.footfall?.isLoaded") is None


def test_without_scripts_an_image_is_asked_for(world: World, context: BrowserContext) -> None:
    put(world, "", snippet("noscript", world))
    browser = context.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False) as silent:
        page = silent.new_page()
        with page.expect_request("**/v1/pixel.gif?*") as asked:
            page.goto(f"{world.shop}/?utm_source=news")
        assert asked.value.url == f"{world.server}/v1/pixel.gif?write_key=wk_1"
        assert asked.value.headers["referer"] == f"{world.shop}/?utm_source=news"


@pytest.fixture(scope="module")
def package(node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm package, built into a folder of its own."""
    folder = tmp_path_factory.mktemp("package") / "footfall-tracker"
    modules = PACKAGE.parent / "node_modules"
    for program in (
        [
            modules / "vite" / "bin" / "vite.js",
            "build",
            "--mode",
            "npm",
            "--outDir",
            folder / "dist",
            "--logLevel=error",
        ],
        [modules / "typescript" / "bin" / "tsc", "-p", PACKAGE / "tsconfig.npm.json", "--outDir", folder / "dist"],
    ):
        subprocess.run([node, *program], cwd=PACKAGE, check=True, timeout=120)
    (folder / "package.json").write_text((PACKAGE / "package.json").read_text())
    return folder


def test_the_npm_package_starts_the_same_tracker(world: World, page: Page, package: Path) -> None:
    declared = json.loads((package / "package.json").read_text())
    module = (package / declared["exports"]["."]["default"]).read_text()
    world.site.pages["/footfall-tracker.js"] = module
    imports = '<script type="importmap">{"imports": {"footfall-tracker": "/footfall-tracker.js"}}</script>'
    put(world, f'{imports}<script type="module">{snippet("npm", world)}</script>')
    page.goto(world.shop)
    assert world.capture.until_event("Product Viewed")["properties"]["price"] == 59.9
    assert world.capture.names() == ["page", "Product Viewed"]


def test_the_npm_package_is_typed_and_harmless_on_a_server(package: Path, node: str) -> None:
    shop = package.parent / "shop"
    (shop / "node_modules").mkdir(parents=True)
    (shop / "node_modules" / "footfall-tracker").symlink_to(package)
    (shop / "package.json").write_text('{"type": "module"}')
    (shop / "good.ts").write_text(SNIPPETS["npm"] + "footfall?.identify(7, { size: 42 }); footfall?.consent(true);\n")
    (shop / "bad.ts").write_text(SNIPPETS["npm"] + "footfall?.track(7);\n")
    compiler = [node, PACKAGE.parent / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", "--strict"]
    options = ["--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    good = subprocess.run([*compiler, *options, "good.ts"], cwd=shop, capture_output=True, timeout=120, check=False)
    assert good.returncode == 0, good.stdout
    bad = subprocess.run([*compiler, *options, "bad.ts"], cwd=shop, capture_output=True, timeout=120, check=False)
    assert b"bad.ts" in bad.stdout
    (shop / "server.js").write_text(
        'import { load } from "footfall-tracker"; console.log(load({ writeKey: "wk", host: "https://f.example" }));'
    )
    on_server = subprocess.run([node, "server.js"], cwd=shop, capture_output=True, timeout=60, check=True)
    assert (on_server.stdout, on_server.stderr) == (b"undefined\n", b"")
