"""A small shop whose past can be learned from: who looks at the same product again is likely to order."""

from datetime import datetime
from pathlib import Path
from random import Random

import msgspec
from tests.stories import CHROME, DAY_MS, MINUTE_MS, NOON_MS, track

from footfall.events.formats.chunk import chunked
from footfall.hosts.init import init
from footfall.hosts.replay import import_files
from footfall.settings import Settings

SETTINGS = Settings(reserve_visitors=1024)
N_DAYS = 8


def visit(rng: Random, who: str, start_ms: int, order_rate: float) -> list[dict[str, object]]:
    """Some views; keen visitors look again at what they saw, and order far more often."""
    is_keen = rng.random() < 0.3
    first = rng.randrange(30)
    events, now = [], start_ms
    context = {"userAgent": CHROME}
    for i in range(rng.randrange(2, 9)):
        product = first if is_keen and i % 2 else rng.randrange(30)
        goods = {"product_id": f"p{product}", "category": f"c{product % 4}", "price": 5 + product}
        events.append(track("Product Viewed", now, who, **goods) | {"context": context})
        now += rng.randrange(5_000, 90_000)
    if rng.random() < order_rate * (2.5 if is_keen else 0.3):
        goods = {"product_id": f"p{first}", "price": 5 + first, "quantity": 1}
        events.append(track("Product Added", now, who, **goods) | {"context": context})
        order = {"order_id": f"{who}-{start_ms}", "revenue": 5 + first, "products": [goods]}
        events.append(track("Order Completed", now + 30_000, who, **order) | {"context": context})
    return events


def learned_from(
    data: Path,
    *,
    n_visits: int = 500,
    order_rate: float = 0.3,
    seed: int = 1,
    user_agent: str = "",
    start_ms: int = 0,
) -> Path:
    """A data folder with this past, ``N_DAYS`` long and ended by NOON_MS."""
    if not (data / "definitions.db").exists():
        init(data, "shop", SETTINGS)
    rng = Random(seed)
    starts = sorted(rng.randrange(N_DAYS * DAY_MS - 60 * MINUTE_MS) for _ in range(n_visits))
    begin_ms = start_ms or NOON_MS - N_DAYS * DAY_MS
    events = [
        event
        for at in starts
        for event in visit(rng, f"v{seed}-{rng.randrange(n_visits // 2 + 1)}", begin_ms + at, order_rate)
    ]
    if user_agent:
        events = [event | {"context": {"userAgent": user_agent}} for event in events]
    events.sort(key=lambda event: str(event["timestamp"]))
    ms = [time_ms(str(event["timestamp"])) for event in events]
    lines = ((msgspec.json.encode(event), at, 0) for event, at in zip(events, ms, strict=True))
    import_files(data, SETTINGS, "shop", chunked(lines))
    return data


def time_ms(text: str) -> int:
    """Of an event's timestamp."""
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
