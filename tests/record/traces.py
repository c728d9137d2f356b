"""What may happen to visitors? Random traces for hypothesis, and how they are put to the kernels and to the oracle."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from footfall.base.codes import Channel, Device, Flag
from footfall.base.kinds import Kind
from footfall.record.layout import EVENT, ITEM, MERGE, NO_CHANNEL, RECORD, SESSION
from footfall.record.step import plan_of, step
from footfall.record.timers import end_sessions

IS_COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in {"", "0"}
BASE_MS = 1_750_000_000_000
TIMEOUT_S, DWELL_CAP_S = 1800, 600
NAN = float("nan")


def examples(n: int) -> int:
    """How many examples to try: fewer when every kernel runs in the interpreter."""
    return n if IS_COMPILED else max(n // 2, 10)


PLAIN: dict[str, Any] = {
    **dict.fromkeys(EVENT.names or (), 0),
    **dict.fromkeys(("price", "quantity", "percentile", "scroll"), NAN),
    "time": BASE_MS,
    "day": BASE_MS // 86_400_000,
    "kind": Kind.PAGE_VIEW,
    "channel": NO_CHANNEL,
}
"""An event that says nothing but that a page was seen."""


def event(**fields: Any) -> dict[str, Any]:
    """A plain event with some fields of its own; ``items`` are ``(product, price, quantity)`` or dicts of ``ITEM``."""
    items = [item if isinstance(item, dict) else line(*item) for item in fields.pop("items", ())]
    unknown = fields.keys() - PLAIN.keys()
    assert not unknown, unknown
    e = {**PLAIN, **fields, "items": items}
    if "time" in fields and "day" not in fields:
        e["day"] = e["time"] // 86_400_000
    return e


def line(product: int, price: float = NAN, quantity: float = NAN, percentile: float = NAN) -> dict[str, Any]:
    """A product line."""
    return {"product": product, "category": 0, "price": price, "quantity": quantity, "percentile": percentile}


def arrays(events: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """The events as ``EVENT`` and ``ITEM`` arrays."""
    items = [item for e in events for item in e["items"]]
    lines = np.zeros(len(items), ITEM)
    for name in ITEM.names or ():
        lines[name] = [item[name] for item in items]
    out = np.zeros(len(events), EVENT)
    for name in set(EVENT.names or ()) - {"item_start", "item_n"}:
        out[name] = [e[name] for e in events]
    out["item_n"] = [len(e["items"]) for e in events]
    out["item_start"] = np.cumsum(out["item_n"]) - out["item_n"]
    return out, lines


def stepped(
    events: Sequence[dict[str, Any]], n_rows: int = 1, records: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Records and ended sessions after these events in one batch."""
    records = np.zeros(n_rows, RECORD) if records is None else records
    columns, items = arrays(events)
    sessions = np.zeros(len(events) + 1, SESSION)
    n = step(records, columns, items, np.zeros(0, MERGE), plan_of(TIMEOUT_S, DWELL_CAP_S), sessions)
    return records, sessions[:n]


def ended(records: np.ndarray, rows: Iterable[int]) -> np.ndarray:
    """End the sessions of these rows, as their timers do."""
    numbers = np.array([r for r in rows if records[r]["session_number"] and not records[r]["states"] & 16], np.int32)
    sessions = np.zeros(len(numbers) + 1, SESSION)
    return sessions[: end_sessions(records, numbers, sessions)]


def as_dict(record: np.void) -> dict[str, Any]:
    """A record in plain Python numbers and lists."""
    return {name: record[name].tolist() for name in record.dtype.names or ()}


# -- strategies ----------------------------------------------------------------------------------------------------

MINUTE_MS = 60_000
PAUSES_MS = (
    2 * [0, 125, 1000, 4000, 30_000, 2 * MINUTE_MS, 300_000, 599_875, 600_000, 600_125, 1_000_000]  # within a session
    + [1_799_875, 1_800_000, 1_800_125, 7_200_000, 86_400_000, 3 * 86_400_000]  # about its border, and after
    + [29 * 86_400_000, 30 * 86_400_000, 31 * 86_400_000]
    + [-125, -1000, -MINUTE_MS, -1_800_000, -1_800_125, -4_000_000, -86_400_000, -33 * 86_400_000]  # late
)
FLAGS = [0] * 12 + [
    Flag.LATE,
    Flag.OUTLIER_PRICE,
    Flag.STORE,
    Flag.DISCOUNTED,
    Flag.DISCOUNTED | Flag.LATE,
    Flag.BOT,
    Flag.STORE | Flag.LATE,
    *[Flag.SECTION_GUESSED] * 8,
    *[Flag.PAGE_NAMED] * 6,
]
BUSY = [Kind.PAGE_VIEW, *[Kind.PRODUCT_VIEW] * 5, *[Kind.CART_ADD] * 2, Kind.CART_REMOVE, Kind.SCROLL, Kind.ENGAGEMENT]
KINDS = [*(k for k in Kind if k != Kind.SESSION_END), *BUSY, *BUSY, Kind.ORDER, Kind.CHECKOUT_START]
QUARTERS = [NAN, NAN, 0.0, 0.25, 0.5, 1.0]
PRICES = [NAN, NAN, 0.0, 0.5, 9.75, 20.0, 20.0, 149.5, 1000.25]
QUANTITIES = [NAN, NAN, 1.0, 2.0, 0.5, 0.0, -1.0, 3.0]

small = st.integers(0, 9)
items_strategy = st.lists(
    st.builds(line, st.integers(0, 16), *map(st.sampled_from, (PRICES, QUANTITIES, QUARTERS))), max_size=4
)


@st.composite
def event_fields(draw: st.DrawFn) -> dict[str, Any]:
    """One event without its time; ``pause`` is what has passed since the one before."""
    kind = draw(st.sampled_from(KINDS))
    fields: dict[str, Any] = {"kind": int(kind), "pause": draw(st.sampled_from(PAUSES_MS))}
    fields["flags"] = int(draw(st.sampled_from(FLAGS)))
    fields["zone_h"] = draw(st.sampled_from([0, 0, 0, -8, 9]))
    fields["section"] = draw(small)
    fields["channel"] = draw(st.sampled_from([NO_CHANNEL, NO_CHANNEL, *Channel]))
    fields["knows"] = draw(st.sampled_from([0, 0, 0, 1]))
    for name in draw(st.lists(st.sampled_from(["page", "campaign", "keyword", "query"]), max_size=2)):
        fields[name] = draw(st.integers(1, 3 if name == "page" else 2**64 - 1))
    if "page" not in fields and draw(st.booleans()):
        fields["page"] = 1
    if draw(st.booleans()):
        fields["device"] = draw(st.sampled_from(list(Device)))
        fields["os"], fields["browser"] = draw(st.integers(0, 7)), draw(st.integers(0, 8))
    if draw(st.integers(0, 3)) == 0:
        fields["country"], fields["region"], fields["city"] = draw(st.tuples(*[st.integers(1, 60_000)] * 3))
    if draw(st.integers(0, 15)) == 0:
        fields["is_alias"] = draw(st.sampled_from([1, 2]))
    if kind == Kind.PRODUCT_VIEW:
        fields["product"] = draw(st.integers(0, 12))
        fields["category"] = draw(st.integers(0, 6))
        fields["price"] = draw(st.sampled_from(PRICES))
        fields["percentile"] = draw(st.sampled_from(QUARTERS))
    elif kind == Kind.SCROLL:
        fields["scroll"] = draw(st.sampled_from([NAN, 0.0, 25.0, 100.0]))
    elif kind == Kind.ENGAGEMENT:
        fields["engaged_s"] = draw(st.sampled_from([0.0, 0.5, 12.0]))
    elif kind in (Kind.ORDER, Kind.REFUND):
        fields["revenue"] = draw(st.sampled_from([0.0, 12.5, 99.99, 2000.0, NAN]))
    if kind in (Kind.CART_ADD, Kind.CART_REMOVE, Kind.CART_VIEW, Kind.CHECKOUT_START, Kind.ORDER, Kind.REFUND):
        fields["items"] = draw(items_strategy)
    return fields


def timed(drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events at their times, in order of arrival."""
    out, now = [], BASE_MS
    for fields in drawn:
        own = dict(fields)
        now = max(now + own.pop("pause"), BASE_MS - 400 * 86_400_000)
        local_s = now // 1000 + own.pop("zone_h") * 3600
        day = local_s // 86_400
        own |= {"time": now, "day": day, "hour": local_s % 86_400 // 3600, "weekday": (day + 3) % 7}
        out.append(event(**own))
    return out


def traces(max_size: int = 40) -> st.SearchStrategy[list[dict[str, Any]]]:
    """What one visitor does."""
    least = st.sampled_from([1, max_size // 3, max_size * 3 // 4])  # left alone, hypothesis likes them short
    return least.flatmap(lambda n: st.lists(event_fields(), min_size=n, max_size=max_size)).map(timed)


@st.composite
def crowds(draw: st.DrawFn, n_rows: int = 3, max_size: int = 40) -> list[dict[str, Any]]:
    """What several visitors do, in one order of arrival."""
    events = draw(traces(max_size))
    rows = draw(st.lists(st.integers(0, n_rows - 1), min_size=len(events), max_size=len(events)))
    return [{**e, "row": row} for e, row in zip(events, rows, strict=True)]


@st.composite
def cuts(draw: st.DrawFn, n: int) -> list[int]:
    """Where to cut ``n`` events into batches: bounds from 0 to n."""
    return [0, *sorted(draw(st.lists(st.integers(0, n), max_size=6))), n]
