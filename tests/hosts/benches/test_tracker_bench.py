"""The tracker's benchmark in a small form, in a real browser: it says what was measured beside what was promised."""

import asyncio
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest

from footfall.hosts.benches import storefronts, tracker


@pytest.mark.browser
@pytest.mark.slow
def test_the_tracker_is_measured_beside_a_page_without_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], chromium: str, lacking: Callable[[str, str], NoReturn]
) -> None:
    if not tracker.SCRIPT.is_file():
        lacking("The built tracker", "make setup")
    size = ["--rounds", "1", "--thread-rounds", "2", "--window-s", "3", "--clicks", "3", "--folder", str(tmp_path)]
    assert tracker.main(["--json", *size]) == 0

    result: dict[str, Any] = msgspec.json.decode(capfd.readouterr().out)
    assert result["bytes"] == tracker.size_bytes(tracker.SCRIPT)
    assert result["browser"].startswith("Chromium ")
    assert result["main_thread_ms"]["script"]["median"] > 0
    assert result["main_thread_ms"]["busy_with"]["median"] > result["main_thread_ms"]["script"]["median"]
    assert result["first_paint_ms"].keys() == set(tracker.VARIANTS)
    assert all(paint["n"] == 1 and paint["least"] > 0 for paint in result["first_paint_ms"].values())
    assert result["first_paint_ratio"].keys() == set(tracker.VARIANTS) - {tracker.BASE}
    assert result["click_to_profile_ms"]["n"] == 3
    assert 0 < result["click_to_profile_ms"]["p50"] <= result["click_to_profile_ms"]["p95"]
    promised = {budget["what"]: budget["budget"] for budget in result["budgets"]}
    assert promised["footfall.js gzipped, bytes"] == 6_000
    assert promised["main thread, first page, 4x slow-down, ms"] == 20
    assert promised["click to profile, p95, ms"] == 50
    assert list(tmp_path.iterdir()) == []


def test_a_ratio_is_of_pairs_and_bounded_by_what_other_rounds_might_have_said() -> None:
    same = tracker.ratio([100.0, 220.0, 50.0], [100.0, 200.0, 50.0])
    assert same.median == 1.0
    assert same.low == 1.0
    assert same.high == 1.1


@pytest.mark.parametrize(
    ("has_tracker", "expected"),
    [
        (True, b"<head><script src=a.js></script><script async data-write-key=k src=b.js></script></head>"),
        (False, b"<head><script src=a.js></script></head>"),
    ],
)
def test_a_storefront_without_the_tracker_is_the_same_page_without_its_tag(has_tracker: bool, expected: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["headers"] == [(b"host", b"shop")]  # it answers unpacked, since its pages are cut
        page = b"<head><script src=a.js></script><script async data-write-key=k src=b.js></script></head>"
        headers = [(b"content-type", b"text/html"), (b"content-length", str(len(page)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page[:30], "more_body": True})
        await send({"type": "http.response.body", "body": page[30:]})

    sent: list[MutableMapping[str, Any]] = []

    async def run() -> None:
        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "headers": [(b"host", b"shop"), (b"accept-encoding", b"gzip")]}
        await storefronts.plainly(app, has_tracker)(scope, _nothing, send)

    asyncio.run(run())
    assert sent[1]["body"] == expected
    assert (b"content-length", str(len(expected)).encode()) in sent[0]["headers"]


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}
