"""A disk that fills up and is freed again, ten times, under load."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from tests.hosts.test_serve import fill
from tests.served import Sender, Served, model_of, profiles_of, until

pytestmark = pytest.mark.torture


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("Only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_ten_times_full_ten_times_recovered(
    small_disk: Path, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    served = Served(small_disk / "data", free_port, FOOTFALL_COMMIT_INTERVAL_MS="50", FOOTFALL_LAKE_INTERVAL_S="1")
    senders = [Sender(served, f"s{i}", i) for i in range(4)]
    is_over = threading.Event()

    def send(sender: Sender, sizes: Random) -> None:
        while not is_over.is_set():
            sender.send(sizes.randrange(1, 20))
            time.sleep(0.002)

    refusal_s = 0.0
    served.start()
    threads = [threading.Thread(target=send, args=(sender, Random(i))) for i, sender in enumerate(senders)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(10):
            n_before = sum(len(sender.acked) for sender in senders)
            until(lambda n=n_before: sum(len(sender.acked) for sender in senders) > n + 500)  # type: ignore[misc]
            n_refused = sum(sender.n_refused for sender in senders)
            fill(small_disk / "filler")
            until(lambda n=n_refused: sum(sender.n_refused for sender in senders) > n + 5)  # type: ignore[misc]
            refusal_s = max(refusal_s, _seconds_to_be_refused(served))
            for path in ("/api/ledger", "/api/visitors", "/api/visitors/s0-1", "/api/failed"):
                served.api(path)
            (small_disk / "filler").unlink()
        is_over.set()
        for thread in threads:
            thread.join(60)
        sent = {key: event for sender in senders for key, event in sender.sent.items()}
        assert set().union(*(sender.acked for sender in senders)) == set(sent)
        assert served.settled()["applied"] == len(sent)
        assert served.stop() == 0
        assert profiles_of(served.data) == model_of(sent)
        assert refusal_s < 1
        with capsys.disabled():
            print(f"\n{len(sent):,} acknowledged through 10 full disks; refused within {refusal_s * 1000:.0f} ms")
    finally:
        is_over.set()
        served.close()


def _seconds_to_be_refused(served: Served) -> float:
    """How long the answer 503 takes; what is sent is no event that counts, should it be taken after all."""
    headers = {"x-write-key": served.made.write_key}
    while True:
        started_s = time.monotonic()
        answer = served.ask("POST", "/v1/track", b'{"type":"track"}', headers)
        if answer.status == 503:
            return time.monotonic() - started_s
