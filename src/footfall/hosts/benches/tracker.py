"""What does the tracker cost a shop's page, and how soon is a click in the visitor's profile?

In the system's Chromium, driven by Playwright, on the example shop beside a real ``footfall serve``: the size of the
script; the time it takes of the main thread of a first page, with the processor slowed down four times; how long the
page takes to its first contentful paint and its load event with the tracker, without it and with a collector that is
out of order, in turn; and the time from a mouse click to an answer of the API whose profile has the click's event.
"""

import argparse
import contextlib
import gzip
import http.client
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from rich.table import Table

import footfall.web
from footfall.base.chromium import ARGUMENTS, INSTALL
from footfall.base.chromium import chromium as find_chromium
from footfall.hosts.benches import traces
from footfall.hosts.benches.client import HOST, percentile
from footfall.hosts.benches.http import Server, serving
from footfall.hosts.benches.measuring import at_most, machine, told
from footfall.hosts.benches.storefronts import Storefront, closed, deaf, mute, open_shops

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

SCRIPT = Path(footfall.web.__file__).parent / "static" / "footfall.js"
SLOW_DOWN = 4
WINDOW_S = 5.0
"""How long the main thread is watched from the navigation on."""
LOAD_MAX_S = 2.0
"""A load event that hasn't come by then is written down as this late."""
CLICK_MAX_S = 10.0
_POLL_S = 0.001
BASE = "without"
VARIANTS = {
    BASE: "no tracker",
    "with": "tracker",
    "closed": "collector down",
    "mute": "collector hangs",
    "deaf": "only events hang",
}
"""What is loaded in turn: a collector that is down refuses connections, one that hangs never answers. Where only events
hang, the script came from elsewhere."""
_ADD_BUTTON = """() => {
  const button = document.createElement("button");
  button.textContent = "Measure";
  button.id = "measured";
  button.dataset.footfallEvent = "Product Added to Wishlist";
  document.body.prepend(button);
  window.clickedMs = [];
  addEventListener("click", (click) => clickedMs.push(Date.now() - (performance.now() - click.timeStamp)), true);
}"""
_PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
  for (const entry of list.getEntriesByName("first-contentful-paint")) done(entry.startTime);
}).observe({type: "paint", buffered: true}))"""
_LOAD = "() => performance.getEntriesByType('navigation')[0].loadEventStart"
_IS_LOADED = "() => window.footfall?.isLoaded === true"


class Load(NamedTuple):
    """A cold load of the shop's first page: milliseconds from the navigation on."""

    paint_ms: float
    load_ms: float


class Ratio(msgspec.Struct, frozen=True):
    """Median over the rounds of one load against another of the same round.

    ``low`` and ``high`` bound it with 95 % confidence (bootstrap over the rounds).
    """

    median: float
    low: float
    high: float


class Measured(NamedTuple):
    """All that was measured. ``threads`` has loads with and without the tracker, and more with stacks.

    ``clicks_ms`` is sorted.
    """

    n_bytes: int
    threads: dict[str, list[traces.Spent]]
    loads: dict[str, list[Load]]
    clicks_ms: list[float]
    browser: str


def size_bytes(script: Path) -> int:
    """Bytes of the script as it travels, gzipped at the highest level."""
    return len(gzip.compress(script.read_bytes(), 9, mtime=0))


def ratio(values: Sequence[float], base: Sequence[float], seed: int = 1) -> Ratio:
    """How values compare with those of the same rounds, paired."""
    ratios = np.asarray(values) / np.asarray(base)
    picks = np.random.default_rng(seed).integers(0, len(ratios), (4_000, len(ratios)))
    low, high = np.percentile(np.median(ratios[picks], axis=1), [2.5, 97.5])
    return Ratio(round(float(np.median(ratios)), 4), round(float(low), 4), round(float(high), 4))


@contextlib.contextmanager
def chromium() -> "Iterator[Browser]":
    """The system's Chromium; ends the program with the command that installs what is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("Playwright is missing. Install it: pip install playwright") from None
    path = find_chromium()
    if not path:
        raise SystemExit(f"Chromium is missing. Install it: {INSTALL}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def cold_load(browser: "Browser", url: str) -> Load:
    """The page in a browser profile without a past."""
    with _context(browser) as context:
        page = context.new_page()
        page.goto(url, wait_until="commit")
        paint_ms = float(page.evaluate(_PAINT))
        with contextlib.suppress(_timeout()):
            page.wait_for_load_state("load", timeout=LOAD_MAX_S * 1000)
        load_ms = float(page.evaluate(_LOAD)) or LOAD_MAX_S * 1000
        return Load(paint_ms, load_ms)


def main_thread(
    browser: "Browser", url: str, script: str, window_s: float, *, has_stacks: bool = False
) -> traces.Spent:
    """A cold load on a slow processor: what the main thread did, and the script of it."""
    with _context(browser) as context:
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOW_DOWN})
        browser.start_tracing(categories=[*traces.CATEGORIES, *([traces.STACKS] if has_stacks else [])])
        try:
            page.goto(url, wait_until="commit")
            page.wait_for_timeout(window_s * 1000)  # what is watched is a stretch of time
        finally:
            trace = browser.stop_tracing()
        return traces.spent(trace, url, script, window_s)


class Watch:
    """A thread that asks the API for a visitor until the profile has an event; its time is that of the answer."""

    def __init__(self, server: Server, anonymous_id: str) -> None:
        self._server, self._path = server, f"/api/visitors/{anonymous_id}"
        self._expected = 0
        self._is_armed, self._is_seen = threading.Event(), threading.Event()
        self._is_over = False
        self._seen_ms = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def expect(self, n: int) -> None:
        """Look for the ``n``-th event from now on."""
        self._expected = n
        self._is_seen.clear()
        self._is_armed.set()

    def seen_ms(self) -> float:
        """When it was there, epoch milliseconds; the program ends if it doesn't come."""
        if not self._is_seen.wait(CLICK_MAX_S):
            raise SystemExit(f"A click wasn't in the profile after {CLICK_MAX_S:g} s.")
        return self._seen_ms

    def close(self) -> None:
        """Ask no more."""
        self._is_over = True
        self._is_armed.set()
        self._thread.join(CLICK_MAX_S)

    def _run(self) -> None:
        connection = http.client.HTTPConnection(HOST, self._server.port, timeout=CLICK_MAX_S)
        headers = {"Authorization": f"Bearer {self._server.token}"}
        while True:
            self._is_armed.wait()
            if self._is_over:
                connection.close()
                return
            connection.request("GET", self._path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            now_ms = time.time_ns() / 1e6
            if answer.status == 200:
                found = msgspec.json.decode(body)["counts"].get("wishlist_add", 0)
                if found >= self._expected:
                    self._seen_ms = now_ms
                    self._is_armed.clear()
                    self._is_seen.set()
                    continue
            time.sleep(_POLL_S)


def click_times(browser: "Browser", url: str, server: Server, n_clicks: int) -> list[float]:
    """Milliseconds from a mouse click to the API's answer that has its event, sorted."""
    with _context(browser) as context:
        page = context.new_page()
        page.goto(url)
        page.wait_for_function(_IS_LOADED)
        page.evaluate(_ADD_BUTTON)
        x, y = _middle(page, "#measured")
        watch = Watch(server, _anonymous_id(page, context))
        pauses_ms = np.random.default_rng(1).integers(20, 200, n_clicks + 1)
        seen_ms = []
        try:
            for n, pause_ms in enumerate(pauses_ms, 1):
                watch.expect(n)
                page.mouse.click(x, y)
                seen_ms.append(watch.seen_ms())
                page.wait_for_timeout(float(pause_ms))
        finally:
            watch.close()
        clicked_ms: list[float] = page.evaluate("clickedMs")
    took = [seen - clicked for seen, clicked in zip(seen_ms, clicked_ms, strict=True)]
    return sorted(took[1:])  # the first one waited for the page's own start


def measure(told_to: argparse.Namespace, folder: Path) -> Measured:
    """Everything, in turn."""
    loads: dict[str, list[Load]] = {name: [] for name in VARIANTS}
    threads: dict[str, list[traces.Spent]] = {BASE: [], "with": [], "stacks": []}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(folder))
        collector = f"http://{HOST}:{server.port}"
        storefronts = {
            BASE: Storefront(collector, has_tracker=False),
            "with": Storefront(collector),
            "closed": Storefront(stack.enter_context(closed())),
            "mute": Storefront(stack.enter_context(mute())),
            "deaf": Storefront(stack.enter_context(deaf(SCRIPT))),
        }
        shops = stack.enter_context(open_shops(storefronts, server.write_key))
        browser = stack.enter_context(chromium())
        _check(browser, shops)
        order = list(VARIANTS)
        shuffle = np.random.default_rng(1)
        for round_number in range(told_to.rounds + 1):  # the first one isn't counted: it fills caches
            shuffle.shuffle(order)
            for name in order:
                load = cold_load(browser, f"{shops[name]}/")
                if round_number:
                    loads[name].append(load)
        for _ in range(told_to.thread_rounds):
            for name, spent in threads.items():
                has_stacks = name == "stacks"
                address = f"{shops['with' if has_stacks else name]}/"
                script = f"{collector}/footfall.js"
                spent.append(main_thread(browser, address, script, told_to.window_s, has_stacks=has_stacks))
        clicks_ms = click_times(browser, f"{shops['with']}/", server, told_to.clicks)
        return Measured(size_bytes(SCRIPT), threads, loads, clicks_ms, f"Chromium {browser.version}")


def _check(browser: "Browser", shops: dict[str, str]) -> None:
    """The two storefronts differ in what is measured, and in nothing else."""
    for name in ("with", BASE):
        with _context(browser) as context:
            page = context.new_page()
            page.goto(f"{shops[name]}/", wait_until="networkidle")
            if page.evaluate(_IS_LOADED) != (name == "with"):
                raise SystemExit(f"The shop {VARIANTS[name]} isn't what it should be.")


@contextlib.contextmanager
def _context(browser: "Browser") -> "Iterator[BrowserContext]":
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        yield context
    finally:
        context.close()


def _timeout() -> type[Exception]:
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    return PlaywrightTimeout


def _middle(page: "Page", selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    if box is None:
        raise SystemExit(f"{selector} isn't on the page.")
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _anonymous_id(page: "Page", context: "BrowserContext") -> str:
    for _ in range(100):
        for cookie in context.cookies():
            if cookie.get("name") == "ff_anonymous_id":
                return str(cookie.get("value"))
        page.wait_for_timeout(50)
    raise SystemExit("The tracker set no cookie.")


def parser() -> argparse.ArgumentParser:
    """What may be said on the command line."""
    parser = argparse.ArgumentParser(prog="footfall bench tracker", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=60, help="cold loads of each kind")
    parser.add_argument("--thread-rounds", type=int, default=7, help="loads with the main thread watched")
    parser.add_argument("--window-s", type=float, default=WINDOW_S, help="seconds that it is watched")
    parser.add_argument("--clicks", type=int, default=250)
    parser.add_argument("--folder", type=Path, help="where the data folder is made for the time; a real disk, not RAM")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    told_to = parser().parse_args(arguments)
    if not SCRIPT.is_file():
        raise SystemExit("The tracker isn't built. Build it: make setup")
    with tempfile.TemporaryDirectory(dir=told_to.folder, prefix="footfall-bench-") as name:
        measured = measure(told_to, Path(name))
    report(measured, told_to.json)
    return 0


def report(measured: Measured, as_json: bool) -> None:
    """Print what was measured."""
    plain, stacks = measured.threads["with"], measured.threads["stacks"]
    # Looking at stacks slows down what it looks at, so only what nothing else tells is taken from there.
    with_ms = [(a.marked_us + b.besides_us) / 1000 for a, b in zip(plain, stacks, strict=True)]
    busy_ms = {name: [spent.busy_us / 1000 for spent in all_spent] for name, all_spent in measured.threads.items()}
    paints, events = (
        {name: _against(measured.loads, name, BASE, field) for name in VARIANTS if name != BASE}
        for field in ("paint_ms", "load_ms")
    )
    # What the tracker's own script does before the load event is told; what a sick collector adds to it is promised.
    delays = {name: _against(measured.loads, name, "with", "load_ms") for name in ("closed", "mute", "deaf")}
    clicks_ms = measured.clicks_ms
    budgets = [
        at_most("footfall.js gzipped, bytes", measured.n_bytes, 6_000),
        at_most("main thread, first page, 4x slow-down, ms", statistics.median(with_ms), 20),
        at_most("long tasks it causes", max(spent.n_long_tasks for spent in [*plain, *stacks]), 0),
        *(at_most(f"first paint, {VARIANTS[name]}", paint.median, 1.02) for name, paint in paints.items()),
        *(at_most(f"load event, {VARIANTS[name]}, against a healthy one", delay.median, 1.02)
          for name, delay in delays.items()),
        at_most("click to profile, p95, ms", percentile(clicks_ms, 0.95), 50),
    ]  # fmt: skip
    result: dict[str, Any] = {
        "bench": "tracker", "at": int(time.time()), "machine": machine(), "browser": measured.browser,
        "bytes": measured.n_bytes, "slow_down": SLOW_DOWN,
        "main_thread_ms": {
            "script": _spread(with_ms),
            "longest_of_a_task": round(max(spent.longest_us for spent in [*plain, *stacks]) / 1000, 1),
            "busy_with": _spread(busy_ms["with"]), "busy_without": _spread(busy_ms[BASE]),
        },
        "places_ms": _places(stacks),
        "first_paint_ms": {name: _spread([load.paint_ms for load in loads]) for name, loads in measured.loads.items()},
        "load_event_ms": {name: _spread([load.load_ms for load in loads]) for name, loads in measured.loads.items()},
        "first_paint_ratio": paints, "load_event_ratio": events, "load_event_ratio_to_healthy": delays,
        "click_to_profile_ms": {
            "p50": _ms(clicks_ms, 0.5), "p95": _ms(clicks_ms, 0.95), "p99": _ms(clicks_ms, 0.99), "n": len(clicks_ms),
        },
        "budgets": budgets,
    }  # fmt: skip
    told(f"tracker, {measured.browser}", result, _tables(result), budgets, as_json)


def _against(loads: dict[str, list[Load]], name: str, base: str, field: str) -> Ratio:
    return ratio([getattr(load, field) for load in loads[name]], [getattr(load, field) for load in loads[base]])


def _tables(result: dict[str, Any]) -> list[Table]:
    pages = Table(
        "cold loads, ms", "first paint", "ratio", "95 %", "load event", "ratio", "95 %",
        box=None, header_style="dim",
    )  # fmt: skip
    for name, title in VARIANTS.items():
        cells = []
        for kind in ("first_paint", "load_event"):
            found: Ratio | None = result[f"{kind}_ratio"].get(name)
            cells.append(str(result[f"{kind}_ms"][name]["median"]))
            cells += [f"{found.median:.3f}", f"{found.low:.3f}-{found.high:.3f}"] if found else ["", ""]
        pages.add_row(title, *cells)
    thread = Table(
        f"main thread, first {WINDOW_S:g} s, {SLOW_DOWN}x slow-down, ms", "median", "least", "most", "loads",
        box=None, header_style="dim",
    )  # fmt: skip
    for key, title in (
        ("script", "the tracker's script"),
        ("busy_with", "all, with the tracker"),
        ("busy_without", "all, without it"),
    ):
        spread = result["main_thread_ms"][key]
        thread.add_row(title, *(str(spread[name]) for name in ("median", "least", "most", "n")))
    places = Table("where the tracker's time goes, ms a load", "", box=None, header_style="dim")
    for place, ms in list(result["places_ms"].items())[:8]:
        places.add_row(place, str(ms))
    clicks = Table("click to profile, ms", "p50", "p95", "p99", "clicks", box=None, header_style="dim")
    clicks.add_row("", *(str(result["click_to_profile_ms"][name]) for name in ("p50", "p95", "p99", "n")))
    return [pages, thread, places, clicks]


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 1),
        "least": round(min(values), 1),
        "most": round(max(values), 1),
        "n": len(values),
    }


def _places(all_spent: Sequence[traces.Spent]) -> dict[str, float]:
    """Mean milliseconds a load by place, the largest first."""
    totals_us: dict[str, float] = {}
    for spent in all_spent:
        for place, us in spent.by_place_us.items():
            totals_us[place] = totals_us.get(place, 0.0) + us
    largest = sorted(totals_us.items(), key=lambda item: -item[1])[:30]
    return {place: round(us / 1000 / len(all_spent), 2) for place, us in largest}


def _ms(sorted_values: Sequence[float], share: float) -> float:
    return round(percentile(sorted_values, share), 1)


if __name__ == "__main__":
    sys.exit(main())
