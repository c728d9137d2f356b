"""One command brings a shop, a server and shoppers up, and Ctrl-C takes all of them down."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from footfall.base.errors import Unavailable
from footfall.hosts.demo import Plan, run

pytestmark = pytest.mark.timeout(240)


class Demo:
    """The demo as a user starts it, and what it printed."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "footfall.cli", "demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")},
        )
        self.printed = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line

    def says(self, pattern: str) -> str:
        deadline_s = time.monotonic() + 180
        while time.monotonic() < deadline_s:
            if found := re.search(pattern, self.printed):
                return found[1]
            assert self.process.poll() is None, self.printed
            time.sleep(0.05)
        raise AssertionError(f"never said {pattern}:\n{self.printed}")

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def demo() -> Iterator[Demo]:
    arguments = ["--port", "0", "--shop-port", "0", "--history-visitors", "40", "--visitors-per-minute", "600"]
    started = Demo(*arguments, "--commit-interval-ms", "100")
    yield started
    started.kill()


def test_shoppers_are_seen_and_everything_ends_together(demo: Demo) -> None:
    login_url = demo.says(r"Dashboard +(\S+)")
    shop_url = demo.says(r"Shop +(\S+)")
    data = Path(demo.says(r"Data +(\S+)"))
    base = login_url.partition("/login")[0]
    assert data.is_dir()
    assert "Alder &amp; Finch" in httpx.get(shop_url, trust_env=False).text
    with httpx.Client(base_url=base, trust_env=False) as client:
        link = client.get(login_url, headers={"Accept": "application/json"})
        assert link.status_code == 200, link.text
        token = login_url.partition("token=")[2]
        headers = {"Origin": base}
        entered = client.post("/api/login/link", json={"token": token, "password": "a long password"}, headers=headers)
        assert entered.status_code in (200, 201), entered.text
        before = client.get("/api/ledger").json()
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            ledger = client.get("/api/ledger").json()
            if ledger["applied"] >= before["applied"] + 50:
                break
            time.sleep(0.1)
        assert ledger["applied"] >= before["applied"] + 50, json.dumps(ledger)
        assert before["applied"] > 400
        assert ledger["failed"] == 0
    children = psutil.Process(demo.process.pid).children(recursive=True)
    assert children
    assert demo.end(signal.SIGINT) == 0, demo.printed
    assert not data.exists()
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)
    assert "Traceback" not in demo.printed


def test_a_port_in_use_is_told_with_the_flag_that_names_another(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port} can't be had.*--shop-port"):
            run(tmp_path, {"port": "0"}, {}, Plan(shop_port=port))
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port} can't be had.*--port"):
            run(tmp_path, {"port": str(port)}, {}, Plan(shop_port=0))
