"""One command brings a shop, a server and shoppers up, Ctrl-C takes all of them down, and the next one goes on."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from footfall.base.errors import BadInput
from footfall.hosts.demo import BACKSTAGE, Plan, run
from footfall.shoppers import truth

pytestmark = pytest.mark.timeout(240)

SMALL = ("--port", "0", "--shop-port", "0", "--layer-port", "0", "--history-visitors", "60", "--history-days", "3",
         "--visitors-per-minute", "900", "--browsers", "0", "--commit-interval-ms", "100")  # fmt: skip


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
        until(lambda: re.search(pattern, self.printed) is not None or self.process.poll() is not None, 180)
        found = re.search(pattern, self.printed)
        assert found is not None, f"never said {pattern}:\n{self.printed}"
        return found[1]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int) -> int:
        """Ask it to end, and see that nothing is left of it."""
        children = self.children()
        assert children
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._reader.join(10)
        _, alive = psutil.wait_procs(children, timeout=15)
        assert not alive, alive
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def start() -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def one(*arguments: str) -> Demo:
        started.append(Demo(*arguments))
        return started[-1]

    yield one
    for each in started:
        each.kill()


def until(what: Callable[[], bool], deadline_s: float = 60) -> None:
    end_s = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.05)


class Dashboard:
    """What the API says, behind the link that the demo printed."""

    def __init__(self, login_url: str) -> None:
        base, _, token = login_url.partition("/login?token=")
        self.client = httpx.Client(base_url=base, trust_env=False)
        said = {"token": token, "password": "a long password"}
        entered = self.client.post("/api/login/link", json=said, headers={"Origin": base})
        assert entered.status_code in (200, 201), entered.text

    def get(self, path: str) -> dict[str, Any]:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def test_shoppers_are_seen_where_they_live_and_everything_ends_together(
    tmp_path: Path, start: Callable[..., Demo]
) -> None:
    data = tmp_path / "demo"
    demo = start(*SMALL, "--data", str(data))
    dashboard = Dashboard(demo.says(r"Dashboard +(\S+)"))
    for name in ("Shop", "with a dataLayer"):
        page = httpx.get(demo.says(rf"{name} +(\S+)"), trust_env=False)
        assert "Alder &amp; Finch" in page.text
    before = dashboard.get("/api/ledger")
    assert before["applied"] > 400
    until(lambda: dashboard.get("/api/ledger")["applied"] >= before["applied"] + 50)
    assert dashboard.get("/api/ledger")["failed"] == 0
    live = dashboard.get("/api/visitors?live=1&limit=50")["visitors"]
    assert {visitor["geo"]["country"] for visitor in live} & {"US", "CA", "GB", "DE"}
    assert any(visitor["geo"]["city"] for visitor in live)
    assert demo.end(signal.SIGINT) == 0, demo.printed
    assert "Traceback" not in demo.printed
    assert demo.printed.rstrip().endswith("The demo has ended.")
    assert len(list(truth.read(data / BACKSTAGE / truth.FILE_NAME))) > 60
    dashboard.client.close()


def test_the_next_demo_goes_on_with_the_same_people_and_no_second_history(
    tmp_path: Path, start: Callable[..., Demo]
) -> None:
    data = tmp_path / "demo"
    first = start(*SMALL, "--data", str(data))
    first_login = first.says(r"Dashboard +(\S+)")
    assert first.says(r"(History: [\d,]+ events)")
    assert first.says(r"scores come from the prior: (.+)")  # a history so small teaches nothing
    assert first.end(signal.SIGTERM) == 0, first.printed
    known = {one.anonymous_id for one in truth.read(data / BACKSTAGE / truth.FILE_NAME)}
    second = start(*SMALL, "--data", str(data))
    login = second.says(r"Dashboard +(\S+)")
    assert login.partition("token=")[2] != first_login.partition("token=")[2]
    dashboard = Dashboard(login)
    applied = dashboard.get("/api/ledger")["applied"]
    until(lambda: dashboard.get("/api/ledger")["applied"] >= applied + 300)
    assert dashboard.get("/api/ledger")["duplicate"] == 0
    assert "History" not in second.printed
    assert "Learning" not in second.printed
    assert dashboard.get("/api/models")["last_training"]["outcome"] == "failed"
    assert second.end(signal.SIGINT) == 0, second.printed
    told = list(truth.read(data / BACKSTAGE / truth.FILE_NAME))
    assert {one.anonymous_id for one in told[len(known) :]} & known
    dashboard.client.close()


def test_shoppers_end_when_the_demo_is_killed(tmp_path: Path, start: Callable[..., Demo]) -> None:
    demo = start(*SMALL, "--data", str(tmp_path / "demo"))
    demo.says(r"Dashboard +(\S+)")
    until(lambda: len(demo.children()) >= 2)  # the shoppers, and Python's own helper
    children = demo.children()
    demo.process.kill()
    demo.process.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_a_history_that_was_cut_off_begins_anew(tmp_path: Path, start: Callable[..., Demo]) -> None:
    data = tmp_path / "demo"
    cut = start(*SMALL, "--data", str(data), "--history-visitors", "4000", "--history-days", "30")
    until((data / "journal.db").exists)
    cut.process.kill()
    cut.process.wait()
    demo = start(*SMALL, "--data", str(data))
    assert demo.says(r"(broke off while it made history)")
    assert demo.says(r"(History: [\d,]+ events)")
    demo.says(r"Dashboard +(\S+)")
    assert demo.end(signal.SIGINT) == 0, demo.printed


def test_ports_that_are_taken_are_told_and_replaced(tmp_path: Path, start: Callable[..., Demo]) -> None:
    with socket.socket() as one, socket.socket() as other, socket.socket() as third:
        for taken in (one, other, third):
            taken.bind(("127.0.0.1", 0))
            taken.listen()
        port, shop_port, layer_port = (taken.getsockname()[1] for taken in (one, other, third))
        more = ("--port", str(port), "--shop-port", str(shop_port), "--layer-port", str(layer_port))
        demo = start(*SMALL, *more, "--data", str(tmp_path / "demo"))
        login = demo.says(r"Dashboard +(\S+)")
        assert demo.says(rf"Port {port} is taken: the dashboard is on (\d+)") in login
        assert demo.says(rf"Port {shop_port} is taken: the shop is on (\d+)") in demo.says(r"Shop +(\S+)")
        variant = demo.says(rf"Port {layer_port} is taken: the shop's dataLayer variant is on (\d+)\. \(--layer-port")
        assert variant in demo.says(r"with a dataLayer +(\S+)")
        assert demo.end(signal.SIGINT) == 0, demo.printed


@pytest.mark.parametrize("plan", [Plan(), Plan(is_fresh=True)])
def test_a_folder_of_anything_else_is_never_touched(tmp_path: Path, plan: Plan) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="isn't the folder of a demo.*--data"):
        run(tmp_path, {}, {}, plan)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
