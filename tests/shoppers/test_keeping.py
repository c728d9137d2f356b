"""A process of shoppers is started again when it dies, and gone when it is told to go."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from footfall.shoppers.keeping import Kept

MODULE = """
import pathlib, signal, sys, time
def run(folder, how):
    path = pathlib.Path(folder) / "starts"
    with path.open("a") as file:
        file.write("started\\n")
    if how == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if how == "done":
        return
    while True:
        time.sleep(0.05)
"""


def until(what: Callable[[], bool], deadline_s: float = 30) -> None:
    end_s = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.02)


def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> Kept:
    (tmp_path / "shopping_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("footfall.shoppers.keeping._PAUSE_S", 0.05)
    monkeypatch.setattr("footfall.shoppers.keeping._STOP_WITHIN_S", 0.5)
    return Kept("shoppers", "shopping_module", (str(tmp_path), how))


def starts(tmp_path: Path) -> int:
    path = tmp_path / "starts"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_one_that_dies_is_started_again_until_it_is_told_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = kept(tmp_path, monkeypatch, "working")
    process.start()
    until(lambda: starts(tmp_path) == 1)
    pid = process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: starts(tmp_path) == 2)
    pid = process.pid
    process.stop()
    assert process.pid is None
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_one_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = kept(tmp_path, monkeypatch, "stubborn")
    process.start()
    until(lambda: starts(tmp_path) == 1)
    pid = process.pid
    process.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_one_that_is_done_stays_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = kept(tmp_path, monkeypatch, "done")
    process.start()
    process._thread.join(20)
    process.stop()
    assert starts(tmp_path) == 1


def test_stopping_what_never_started_is_harmless() -> None:
    Kept("shoppers", "nothing", ()).stop()
