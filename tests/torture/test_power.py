"""Power cuts and failing syncs, at every moment of a longer run; the short forms are in tests/hosts and tests/web."""

import asyncio
import json
import random
from pathlib import Path

import pytest
from tests.adapters.faulty_vfs import FaultyVfs, power_cuts
from tests.stories import DAY_MS, NOON_MS, SETTINGS, Shop, bytes_of, in_chunks, trace
from tests.web.collecting import ask

from footfall.events.wire import Source
from footfall.hosts.init import init
from footfall.hosts.serve import application
from footfall.ports import Site

pytestmark = pytest.mark.torture


@pytest.mark.parametrize("seed", range(4))
def test_after_any_power_cut_nothing_logged_is_lost_or_counted_twice(
    tmp_path: Path, disk: FaultyVfs, seed: int
) -> None:
    rng = random.Random(seed)
    events = trace(seed, 300)
    shop = Shop(tmp_path / "data", now_ms=NOON_MS + DAY_MS, vfs=disk.name)
    for i, request in enumerate(in_chunks(events, [rng.randrange(1, 12) for _ in range(60)])):
        shop.send(*request)
        disk.mark(shop.folder.log.next_offset())
        if i % 4 == 3:
            shop.folder.commit()
    whole = bytes_of(shop.folder.engine)
    shop.crash()
    cuts = list(power_cuts(disk.history, rng if seed % 2 else None))
    for i, cut in enumerate(rng.sample(cuts, min(60, len(cuts)))):
        folder = tmp_path / f"cut-{i}"
        init(folder, "shop", SETTINGS)
        for name in ("journal.db", "journal.db-wal", "records.db", "records.db-wal"):
            if name in cut.files:
                (folder / name).write_bytes(cut.files[name])
        after = Shop(folder, now_ms=NOON_MS + DAY_MS)
        assert after.folder.log.next_offset() >= (cut.note or 0)
        assert after.folder.engine.counters["applied"] == int(after.records["n_events"].sum())
        after.send(*events)
        assert bytes_of(after.folder.engine) == whole
        after.close()


@pytest.mark.parametrize("n", range(1, 41))
def test_after_the_nth_sync_fails_nothing_is_acknowledged_that_is_not_there(
    tmp_path: Path, disk: FaultyVfs, n: int
) -> None:
    shop = Shop(tmp_path / "data", vfs=disk.name)
    site = shop.folder.definitions.sites()[0]
    acked = asyncio.run(_forty_requests(shop, site, disk, n))
    shop.crash()
    shop = Shop(tmp_path / "data")
    entries = [entry for _, entry in shop.folder.log.read(0, 10_000)]
    ids = {json.loads(entry.body)["messageId"] for entry in entries if entry.source != Source.ENGINE}
    assert acked <= ids
    assert len(acked) >= 30
    assert shop.folder.engine.counters["applied"] == len(ids) == int(shop.records["n_events"].sum())
    shop.close()


async def _forty_requests(shop: Shop, site: Site, disk: FaultyVfs, n: int) -> set[str]:
    """Send until forty requests were answered, committing now and then; the nth sync from the start fails."""
    served = application(shop.running)
    acked: set[str] = set()
    disk.fails_sync_in = n
    for i in range(40):
        body = json.dumps({"type": "track", "event": "A", "anonymousId": f"a{i % 3}", "messageId": f"m{i}"}).encode()
        for _ in range(200):
            answer = await ask(served.asgi, "POST", "/v1/track", body, {"x-write-key": site.write_key})
            if answer.status == 200:
                acked.add(f"m{i}")
                break
            assert (answer.status, int(answer.headers["retry-after"]) >= 1) == (503, True)
            await asyncio.sleep(0.01)
        await asyncio.to_thread(shop.apply)
        if i % 5 == 4:
            await asyncio.to_thread(shop.profiles._commit_if_possible)
    await asyncio.to_thread(served.ack.close)
    return acked
