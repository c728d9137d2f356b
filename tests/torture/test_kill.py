"""``kill -9`` at random moments under load: nothing acknowledged is lost, nothing counts twice."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.hosts.test_serve import lake_ids
from tests.served import Served, model_of, profiles_of, until

pytestmark = pytest.mark.torture
SENDER = Path(__file__).with_name("segment_sender.py")
N_PROCESSES, N_EACH, N_KILLS = 8, 25_000, 20


def acked_in(files: list[Path]) -> list[str]:
    return [one for file in files if file.exists() for line in file.read_text().splitlines() for one in line.split()]


def sent_by(name: str) -> dict[str, dict[str, Any]]:
    """What a sender process sends, as it says itself."""
    out: dict[str, dict[str, Any]] = {}
    for i in range(N_EACH):
        what = ("Product Viewed", "Product Added", "Order Completed")[i % 3]
        properties = {"revenue": 3} if what == "Order Completed" else {}
        out[f"{name}:{i}"] = {"userId": f"{name}-{i % 40}", "event": what, "properties": properties}
    return out


def test_two_hundred_thousand_events_of_the_segment_library_through_twenty_kills(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, started_s = Random(2026), time.monotonic()
    served.start()
    names = [f"s{i}" for i in range(N_PROCESSES)]
    files = [tmp_path / f"{name}.acked" for name in names]
    url = f"http://127.0.0.1:{served.port}"
    senders = [
        subprocess.Popen([sys.executable, SENDER, url, served.made.write_key, name, str(N_EACH), file])
        for name, file in zip(names, files, strict=True)
    ]
    down_s = []
    try:
        for k in range(1, N_KILLS + 1):
            # spread over the whole run, at a moment that depends on nothing
            until(lambda k=k: len(acked_in(files)) > k * N_PROCESSES * N_EACH * 0.9 / N_KILLS, 600)  # type: ignore[misc]
            time.sleep(rng.random() * 0.3)
            assert any(sender.poll() is None for sender in senders), "all was sent before the last kill"
            served.kill()
            killed_s = time.monotonic()
            served.start()
            down_s.append(time.monotonic() - killed_s)
        assert [sender.wait(900) for sender in senders] == [0] * N_PROCESSES
    finally:
        for sender in senders:
            sender.kill()
    sent = {key: event for name in names for key, event in sent_by(name).items()}
    acked = acked_in(files)
    ledger = served.settled()
    assert served.stop() == 0
    assert served.n_kills == N_KILLS
    assert len(acked) == len(set(acked)) == len(sent) == 200_000
    assert set(acked) == set(sent)
    assert ledger["applied"] == len(sent)
    assert ledger["failed"] == 0
    in_lake = lake_ids(served.data)
    assert (len(in_lake), set(in_lake)) == (len(sent), set(sent))
    assert profiles_of(served.data) == model_of(sent)
    with capsys.disabled():
        print(
            f"\n{len(acked):,} acknowledged, {ledger['applied']:,} applied, {ledger['duplicate']:,} duplicates dropped,"
            f" {N_KILLS} kills, {time.monotonic() - started_s:.0f} s, back after {max(down_s):.1f} s at most"
        )
