"""What did a page's main thread do? Read from a trace of Chromium: whose script ran, how long, and in which tasks.

A trace is the JSON that Chromium writes: events with a process, a thread, a start and a duration in microseconds by the
clock. Names of events are Chromium's. A script's time is where an event names it (evaluating, compiling, its callbacks)
or a look at the stack found it, so that what the page's own scripts call of it counts, and the browser's functions that
it calls.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

CATEGORIES = ("blink.user_timing", "devtools.timeline", "disabled-by-default-devtools.timeline", "v8")
"""What must be traced."""
STACKS = "disabled-by-default-v8.cpu_profiler"
"""The category that also looks at the stack, a few thousand times a second, and slows scripts down by a quarter."""
LONG_TASK_US = 50_000
"""A task that lasts longer is a long one, by the W3C's Long Tasks API."""

_SCRIPTED = frozenset({"EvaluateScript", "v8.compile", "v8.compileModule", "FunctionCall", "V8.CompileCode"})
_COMPILED, _EVALUATED = "v8.compileModule", "v8.evaluateModule"
_TASK = "RunTask"


class Sample(NamedTuple):
    """A look at the stack with the script on it, taken to last until the next look; microseconds."""

    start_us: float
    end_us: float
    place: str


class Spent(NamedTuple):
    """A page's main thread from the navigation on, and one script's share of it, in microseconds."""

    busy_us: float
    marked_us: float
    """The script's share by events that name it: evaluating it, its callbacks."""
    besides_us: float
    """Its share outside of them, by looks at the stack: what the page's own scripts call of it, microtasks."""
    longest_us: float
    """The most that the script had of one task."""
    n_long_tasks: int
    """Long tasks that wouldn't be long without the script."""
    by_place_us: dict[str, float]
    """The script's share by the innermost place, ``name@line:column``, before it what that called of the browser's."""


def spent(trace: bytes, page: str, script: str, window_s: float) -> Spent:
    """What the main thread of the page at ``page`` did in ``window_s`` from its navigation on, and ``script`` of it.

    Both are URLs. Raises ``ValueError`` if no such page is in the trace.
    """
    events: list[dict[str, Any]] = msgspec.json.decode(trace)["traceEvents"]
    thread, start_us = _page_thread(events, page)
    end_us = start_us + window_s * 1e6
    mine = [event for event in events if (event["pid"], event["tid"]) == thread and start_us <= event["ts"] < end_us]
    whole = [event for event in mine if event["ph"] == "X"]
    tasks = _outermost((e["ts"], e["ts"] + e["dur"]) for e in whole if e["name"] == _TASK)
    marked = [(e["ts"], e["ts"] + e["dur"]) for e in _marked(whole, script)]
    # What the page's own scripts call, and what runs in a microtask, has no event of its own: there the samples say it.
    samples = [sample for sample in _samples(events, thread[0], script) if start_us <= sample.start_us < end_us]
    named = _outermost(marked)
    besides = [s for s in samples if not any(begin <= s.start_us < end for begin, end in named)]
    ran = _outermost([*named, *((sample.start_us, sample.end_us) for sample in besides)])
    shares_us = [_overlap(ran, begin, end) for begin, end in tasks]
    marked_us = sum(_overlap(named, begin, end) for begin, end in tasks)
    by_place_us: dict[str, float] = defaultdict(float)
    for sample in samples:
        by_place_us[sample.place] += _overlap(tasks, sample.start_us, sample.end_us)
    return Spent(
        busy_us=sum(end - begin for begin, end in tasks),
        marked_us=marked_us,
        besides_us=sum(shares_us) - marked_us,
        longest_us=max(shares_us, default=0.0),
        n_long_tasks=sum(
            end - begin > LONG_TASK_US >= end - begin - share_us
            for (begin, end), share_us in zip(tasks, shares_us, strict=True)
        ),
        by_place_us=dict(sorted(by_place_us.items(), key=lambda item: -item[1])),
    )


def _page_thread(events: Sequence[dict[str, Any]], page: str) -> tuple[tuple[int, int], float]:
    """(process, main thread) of the page and when its navigation started."""
    for event in events:
        if event["name"] == "navigationStart":
            data = event.get("args", {}).get("data", {})
            if data.get("documentLoaderURL") == page and data.get("isOutermostMainFrame", True):
                return (event["pid"], event["tid"]), event["ts"]
    raise ValueError(f"{page} isn't in the trace")


def _marked(events: Iterable[dict[str, Any]], script: str) -> Iterable[dict[str, Any]]:
    """The script's events. Evaluating a module names none, so it is taken for that of the last one compiled."""
    compiled = ""
    for event in sorted(events, key=lambda event: event["ts"]):
        if event["name"] == _COMPILED:
            compiled = _url(event)
        if event["name"] == _EVALUATED:
            if compiled == script:
                yield event
        elif event["name"] in _SCRIPTED and _url(event) == script:
            yield event


def _url(event: dict[str, Any]) -> str:
    args = event.get("args", {})
    return str(args.get("data", {}).get("url") or args.get("fileName") or "")


def _outermost(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans joined where they overlap, in order."""
    joined: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _overlap(spans: Iterable[tuple[float, float]], begin: float, end: float) -> float:
    return sum(max(0.0, min(end, b) - max(begin, a)) for a, b in spans)


def _samples(events: Sequence[dict[str, Any]], process: int, script: str) -> list[Sample]:
    """Samples of the process's profile that have the script on the stack."""
    nodes: dict[tuple[str, int], tuple[dict[str, Any], int | None]] = {}
    clocks_us: dict[str, float] = {}
    looks: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for event in events:
        if event["pid"] != process or event["name"] not in ("Profile", "ProfileChunk"):
            continue
        data, profile = event["args"]["data"], str(event["id"])
        if event["name"] == "Profile":
            clocks_us[profile] = data["startTime"]
            continue
        chunk = data.get("cpuProfile", {})
        for node in chunk.get("nodes", ()):
            nodes[profile, node["id"]] = (node["callFrame"], node.get("parent"))
        for number, delta_us in zip(chunk.get("samples", ()), data.get("timeDeltas", ()), strict=False):
            clocks_us[profile] += delta_us
            looks[profile].append((clocks_us[profile], number))
    found = []
    for profile, taken in looks.items():
        for (start_us, number), (end_us, _) in pairwise(sorted(taken)):
            place = _place(nodes, profile, number, script)
            if place:
                found.append(Sample(start_us, end_us, place))
    return found


def _place(
    nodes: dict[tuple[str, int], tuple[dict[str, Any], int | None]], profile: str, number: int | None, script: str
) -> str:
    """Where a sample was, or empty if the script isn't on its stack."""
    names: list[str] = []
    while number is not None and (profile, number) in nodes:
        frame, number = nodes[profile, number]
        name = frame.get("functionName") or "(anonymous)"
        if frame.get("url") == script:
            return "".join([*names, f"{name}@{frame.get('lineNumber', 0) + 1}:{frame.get('columnNumber', 0) + 1}"])
        names = [f"{name} < "]
    return ""
