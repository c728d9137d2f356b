"""What a trace says of a page's main thread, from events as Chromium writes them."""

import json
from itertools import pairwise
from typing import Any

import pytest

from footfall.hosts.benches.traces import spent

PAGE, SCRIPT, OTHER = "http://shop.test/", "http://collector.test/footfall.js", "http://shop.test/shop.js"


def event(name: str, ts_ms: float, dur_ms: float, url: str = "", tid: int = 1) -> dict[str, Any]:
    return {"ph": "X", "pid": 7, "tid": tid, "name": name, "ts": ts_ms * 1000, "dur": dur_ms * 1000,
            "args": {"data": {"url": url}}}  # fmt: skip


def profile(*samples: tuple[float, int]) -> list[dict[str, Any]]:
    """A profile that begins at 0 with samples (milliseconds, node): 2 the tracker, 3 a browser's function called by it,
    4 the shop's own script, which calls the tracker in 5."""
    nodes = [
        {"id": 1, "callFrame": {"functionName": "(root)", "url": ""}},
        {"id": 2, "parent": 1, "callFrame": {"functionName": "f", "url": SCRIPT, "lineNumber": 0, "columnNumber": 9}},
        {"id": 3, "parent": 2, "callFrame": {"functionName": "setItem", "url": ""}},
        {"id": 4, "parent": 1, "callFrame": {"functionName": "shop", "url": OTHER}},
        {"id": 5, "parent": 4, "callFrame": {"functionName": "g", "url": SCRIPT, "lineNumber": 0, "columnNumber": 4}},
    ]
    deltas = [round(1000 * (b - a)) for a, b in pairwise([0.0, *(at_ms for at_ms, _ in samples)])]
    return [
        {"ph": "P", "pid": 7, "tid": 1, "id": "0x1", "name": "Profile", "ts": 0, "args": {"data": {"startTime": 0}}},
        {"ph": "P", "pid": 7, "tid": 2, "id": "0x1", "name": "ProfileChunk", "ts": 0,
         "args": {"data": {"cpuProfile": {"nodes": nodes, "samples": [n for _, n in samples]}, "timeDeltas": deltas}}},
    ]  # fmt: skip


def trace(*events: dict[str, Any]) -> bytes:
    start = {"ph": "R", "pid": 7, "tid": 1, "name": "navigationStart", "ts": 0,
             "args": {"data": {"documentLoaderURL": PAGE, "isOutermostMainFrame": True}}}  # fmt: skip
    return json.dumps({"traceEvents": [start, *events]}).encode()


def test_evaluating_the_script_counts_and_other_scripts_and_threads_do_not() -> None:
    found = spent(
        trace(
            event("RunTask", 10, 20),
            event("EvaluateScript", 12, 8, SCRIPT),
            event("RunTask", 40, 30),
            event("EvaluateScript", 41, 20, OTHER),
            event("EvaluateScript", 42, 20, SCRIPT, tid=2),
        ),
        PAGE, SCRIPT, 5,
    )  # fmt: skip
    assert (found.marked_us, found.besides_us) == (8_000, 0)
    assert found.busy_us == 50_000
    assert found.longest_us == 8_000
    assert found.n_long_tasks == 0


def test_evaluating_a_module_is_that_of_the_module_compiled_before_it() -> None:
    found = spent(
        trace(
            event("RunTask", 10, 90),
            event("v8.compileModule", 12, 1, OTHER),
            event("v8.evaluateModule", 20, 8),
            event("v8.compileModule", 30, 2, SCRIPT),
            event("v8.evaluateModule", 40, 7),
        ),
        PAGE, SCRIPT, 5,
    )  # fmt: skip
    assert (found.marked_us, found.besides_us) == (9_000, 0)


def test_what_the_page_calls_of_the_script_and_the_script_of_the_browser_counts_once() -> None:
    #        shop.js 10 ............... 30        a microtask 50 ... 56
    # stack          shop  g  g  shop                        setItem
    found = spent(
        trace(
            event("RunTask", 10, 20), event("EvaluateScript", 10, 20, OTHER),
            event("RunTask", 50, 6),
            *profile((11, 4), (14, 5), (16, 5), (20, 4), (50, 3), (54, 1)),
        ),
        PAGE, SCRIPT, 5,
    )  # fmt: skip
    assert (found.marked_us, found.besides_us) == (0, 6_000 + 4_000)
    assert found.by_place_us == {"g@1:5": 6_000, "setItem < f@1:10": 4_000}


def test_looks_at_the_stack_add_nothing_to_what_an_event_names() -> None:
    found = spent(
        trace(event("RunTask", 10, 20), event("FunctionCall", 12, 4, SCRIPT), *profile((13, 2), (15, 3), (19, 1))),
        PAGE, SCRIPT, 5,
    )  # fmt: skip
    assert (found.marked_us, found.besides_us) == (4_000, 0)


def test_waiting_between_tasks_is_not_the_scripts_time() -> None:
    found = spent(trace(event("RunTask", 10, 5), *profile((12, 2), (900, 1))), PAGE, SCRIPT, 5)
    assert found.besides_us == 3_000


def test_a_task_is_long_by_the_script_only_if_it_would_not_be_without_it() -> None:
    found = spent(
        trace(
            event("RunTask", 0, 60), event("FunctionCall", 1, 20, SCRIPT),
            event("RunTask", 100, 90), event("FunctionCall", 101, 20, SCRIPT),
        ),
        PAGE, SCRIPT, 5,
    )  # fmt: skip
    assert found.n_long_tasks == 1


def test_only_the_window_from_the_navigation_on_counts() -> None:
    found = spent(trace(event("RunTask", 100, 5), event("RunTask", 2_100, 5)), PAGE, SCRIPT, 2)
    assert found.busy_us == 5_000


def test_a_page_that_was_not_traced_is_an_error() -> None:
    with pytest.raises(ValueError, match="isn't in the trace"):
        spent(trace(), "http://elsewhere.test/", SCRIPT, 5)
