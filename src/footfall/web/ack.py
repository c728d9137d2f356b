"""When may a client be told that its events are safe? Only after one fsync that covers them.

A single thread takes everything that waits, appends it to the log in one go, and then tells all waiting requests
with one call into the event loop: the busier the server, the more events share an fsync. When the log fails, everybody
who waits is refused, and nothing is acknowledged until the log was opened again. Leaves to others: what an entry
holds (collector) and how a log is durable (adapters).
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence

from footfall.base.errors import Unavailable
from footfall.events.wire import Entry
from footfall.ports import EventLog

logger = logging.getLogger(__name__)

BUSY_GROUP = 8
"""After a group of at least so many requests the next append waits a little, so that more requests share it: as
PostgreSQL's ``commit_siblings`` and ``commit_delay``. A quiet server never waits."""
BUSY_WAIT_S = 0.0005
REOPEN_FIRST_S = 0.05
"""Wait before the first attempt to open the log again; doubles with every failure in a row."""
REOPEN_LONGEST_S = 2.0
QUEUE_MAX_BYTES = 64 * 1024 * 1024
"""Bytes of entries that may wait for the disk."""

BUSY = ("busy", "Too many events wait for the disk; send this again shortly.")
LOG_DOWN = ("log_down", "The event log can't be written now; send this again shortly.")
STOPPING = ("stopping", "The server is stopping; send this again shortly.")

_Futures = Sequence["asyncio.Future[None]"]
_Waiting = tuple[tuple[Entry, ...], "asyncio.Future[None]"]


class GroupCommit:
    """Appends entries to a log in groups; ``submit`` is called on one event loop, the log on one thread.

    >>> await commit.submit(entry)     # returns when the entry is on disk, raises Unavailable when it isn't
    """

    def __init__(self, log: EventLog, *, max_events: int, max_bytes: int = QUEUE_MAX_BYTES) -> None:
        self._log = log
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[_Waiting] = []
        self._n_waiting = 0
        self._bytes_waiting = 0
        self._is_idle = False
        self._wake = threading.Lock()  # held while there is nothing to wake for; released once by whoever ends idleness
        self._wake.acquire()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._outage: tuple[str, str] | None = None  # code and message for everybody who is refused meanwhile
        self._why = ""  # what the log said last, for operators
        self._n_failures_in_row = 0
        self.n_acked_events = 0
        """Events acknowledged since start."""
        self.n_refused_events = 0
        """Events refused because the queue was full, the log down, or the append failed."""
        self.n_rounds = 0
        """Appends that succeeded; acked events / rounds is the mean group."""
        self.n_failed_rounds = 0
        """Appends that failed."""
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    @property
    def is_healthy(self) -> bool:
        """Whether the log takes events, as far as is known."""
        return self._outage is None

    @property
    def outage(self) -> str:
        """Why the log takes no events, or empty."""
        return "" if self._outage is None else self._why or self._outage[1]

    @property
    def n_waiting_events(self) -> int:
        """Events that wait for the disk."""
        return self._n_waiting

    def submit(self, *entries: Entry) -> "asyncio.Future[None]":
        """Queue entries to be written together; the future ends when they are durable, or with ``Unavailable``.

        Raises ``Unavailable`` at once when the queue is full or the log is down. Call it on the event loop only.
        """
        n = n_bytes = 0
        for entry in entries:
            n += entry.n or 1
            n_bytes += len(entry.body)
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self._lock:
            if (refusal := self._refusal(n, n_bytes)) is None:
                self._waiting.append((entries, future))
                self._n_waiting += n
                self._bytes_waiting += n_bytes
                self._wake_if_idle()
        if refusal is not None:
            self.n_refused_events += n
            raise Unavailable(refusal[1], code=refusal[0])
        return future

    def close(self) -> None:
        """Refuse what comes from now on, write what waits, and end the thread. Does not close the log."""
        with self._lock:
            self._stop.set()
            self._outage = STOPPING
            self._wake_if_idle()
        self._thread.join()

    def _refusal(self, n: int, n_bytes: int) -> tuple[str, str] | None:
        if self._outage is not None:
            return self._outage
        is_full = self._n_waiting + n > self._max_events or self._bytes_waiting + n_bytes > self._max_bytes
        return BUSY if is_full and self._waiting else None

    def _wake_if_idle(self) -> None:
        if self._is_idle:
            self._is_idle = False
            self._wake.release()

    # What follows runs on the thread.

    def _run(self) -> None:
        n_last = 0
        while True:
            if n_last >= BUSY_GROUP:
                time.sleep(BUSY_WAIT_S)
            group = self._take()
            n_last = len(group)
            if group:
                self._write(group)
            elif self._stop.is_set():
                return
            else:
                self._wake.acquire()

    def _take(self) -> list[_Waiting]:
        with self._lock:
            group, self._waiting = self._waiting, []
            self._n_waiting = self._bytes_waiting = 0
            self._is_idle = not group
        return group

    def _write(self, group: list[_Waiting]) -> None:
        entries = [entry for some, _ in group for entry in some]
        n = sum([entry.n for entry in entries])
        try:
            self._log.append(entries)
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody may be told that this is on disk
            self._fail(group, n, error)
            return
        self.n_rounds += 1
        self.n_acked_events += n
        self._n_failures_in_row = 0
        self._tell(_resolve, [future for _, future in group])

    def _fail(self, group: list[_Waiting], n: int, error: Exception) -> None:
        logger.error("append to the event log failed, %d events refused: %s", n, error, exc_info=error)
        self.n_failed_rounds += 1
        futures = [future for _, future in group]
        with self._lock:
            self._outage = self._outage or LOG_DOWN
            self._why = str(error)
            # what came while the append was failing is refused as well: acks wait for the reopening
            futures += [future for _, future in self._waiting]
            n += sum(entry.n for entries, _ in self._waiting for entry in entries)
            self._waiting = []
            self._n_waiting = self._bytes_waiting = 0
        self.n_refused_events += n
        self._tell(_refuse, futures)
        while not self._reopened():
            pass

    def _reopened(self) -> bool:
        """Wait, then try to open the log; True when it is open or the server stops."""
        wait_s = min(REOPEN_FIRST_S * 2.0**self._n_failures_in_row, REOPEN_LONGEST_S)
        self._n_failures_in_row = min(self._n_failures_in_row + 1, 16)
        if self._stop.wait(wait_s):
            return True
        try:
            self._log.reopen()
        except Exception as error:  # noqa: BLE001 - tried again until it works
            logger.error("the event log can't be opened again yet: %s", error)
            return False
        logger.warning("the event log is open again")
        with self._lock:
            if not self._stop.is_set():
                self._outage = None
        return True

    def _tell(self, what: Callable[[_Futures], None], futures: _Futures) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(what, futures)
        except RuntimeError:  # the loop is closed: nobody waits for an answer any more
            logger.warning("the event loop ended before %d requests were answered", len(futures))


def _resolve(futures: _Futures) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


def _refuse(futures: _Futures) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(Unavailable(LOG_DOWN[1], code=LOG_DOWN[0]))
