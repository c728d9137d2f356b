"""What is wrong right now, since when, and who is told? An alarm begins once and ends once, whatever the looks between.

Telling goes to the log and, by one POST each, to ``notify_url``; from a thread of its own with a short queue, so that
whoever is told slowly, or not at all, holds up nothing.
"""

import contextlib
import queue
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import structlog

from footfall.base.clock import Clock
from footfall.base.times import iso

_log = structlog.get_logger("footfall")
MOST_WAITING = 100
TIMEOUT_S = 5.0
_Key = tuple[int, str]


class Alarms:
    """The alarms of all sites. Any thread may call any method; none blocks on the network."""

    def __init__(self, clock: Clock, notify_url: str) -> None:
        self._clock = clock
        self._url = notify_url
        self._guard = threading.Lock()
        self._active: dict[_Key, tuple[int, str]] = {}
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self.n_untold = 0
        """Notices that couldn't be delivered."""

    def hold(self, site: int, prefix: str, found: Iterable[tuple[str, str]]) -> None:
        """Let exactly these (name, message) be the site's alarms whose names begin with a prefix."""
        new = {(site, f"{prefix}{what}"): message for what, message in found}
        with self._guard:
            old = {key for key in self._active if key[0] == site and key[1].startswith(prefix)}
            begun = [key for key in new if key not in old]
            ended = [key for key in old if key not in new]
            now_ms = self._clock.now_ms()
            for key, message in new.items():
                since_ms = self._active[key][0] if key in self._active else now_ms
                self._active[key] = since_ms, message
            last = {key: self._active.pop(key) for key in ended}
        for key in begun:
            _log.warning("an alarm begins", site=site, what=key[1], message=new[key])
            self._tell("begins", key, now_ms, new[key])
        for key, (since_ms, message) in last.items():
            _log.info("an alarm ends", site=site, what=key[1])
            self._tell("ends", key, since_ms, message)

    def of(self, site: int) -> list[dict[str, str]]:
        """As the API shows them, oldest first."""
        with self._guard:
            found = sorted((since_ms, key[1], text) for key, (since_ms, text) in self._active.items() if key[0] == site)
        return [{"what": what, "since": iso(since_ms), "message": text} for since_ms, what, text in found]

    def active(self) -> list[_Key]:
        """(site, name) of all that last."""
        with self._guard:
            return sorted(self._active)

    def close(self) -> None:
        """Tell nothing more; what waits is dropped, as the listener had its time."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        self._waiting.put(None)

    def _tell(self, change: str, key: _Key, since_ms: int, message: str) -> None:
        if not self._url:
            return
        notice = {"alarm": key[1], "change": change, "site": key[0], "since": iso(since_ms), "message": message}
        try:
            self._waiting.put_nowait(notice)
        except queue.Full:
            self.n_untold += 1
            return
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="footfall-alarms", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        import httpx  # a third of a second, which no start should wait for

        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
            while True:
                notice = self._waiting.get()
                if notice is None:
                    return
                try:
                    client.post(self._url, json=notice).raise_for_status()
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    self.n_untold += 1
                    answered = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
                    why = type(error).__name__ if answered is None else f"it answered {answered}"
                    _log.warning("an alarm could not be told", host=_host_of(self._url), error=why)


def _host_of(url: str) -> str:
    """Whom an address is of, for the log: its path, its query or what stands before an @ may be a secret."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
