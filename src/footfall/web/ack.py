"""When may a client be told that its events are safe? Only after one fsync that covers them.

A single thread takes everything that waits, appends it to the log in one go, and then tells all waiting requests
with one call into the event loop: the busier the server, the more events share an fsync. When the log fails, everybody
who waits is refused, and nothing is acknowledged until the log was opened again. Leaves to others: what an entry
holds (collector) and how a log is durable (adapters).

A busy event loop hardly lets go of the interpreter's lock, so that a thread which needs it for a moment, as after an
fsync, gets it only after milliseconds of waking up in vain, at the cost of both. So a loop that has just handed over
many requests waits for the thread, as long as the disk is quick, and then lets the engine have its turn.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from footfall.base.errors import Unavailable
from footfall.events.wire import Entry
from footfall.ports import EventLog
from footfall.web.turns import Turns

logger = logging.getLogger(__name__)

BUSY_GROUP = 8
"""After a group of at least so many requests the next append waits a little, so that more requests share it: as
PostgreSQL's ``commit_siblings`` and ``commit_delay``. A quiet server never waits."""
BUSY_WAIT_S = 0.0005
LOOP_GROUP = 16
"""The event loop waits for a group of at least so many requests."""
LOOP_WAIT_S = 0.002
"""Longest time for which the event loop waits for an append; a sync of a solid-state disk takes a tenth of it."""
LEND_S = 0.005
"""Longest time for which the event loop stands still for the engine."""
LOOP_WAIT_PAUSE = 30
"""So many groups aren't waited for after one that took longer."""
REOPEN_FIRST_S = 0.05
"""Wait before the first attempt to open the log again; doubles with every failure in a row."""
REOPEN_LONGEST_S = 2.0
QUEUE_MAX_BYTES = 64 * 1024 * 1024
"""Bytes of entries that may wait for the disk."""

BUSY = ("busy", "Too many events wait for the disk; send this again shortly.")
LOG_DOWN = ("log_down", "The event log can't be written now; send this again shortly.")
STOPPING = ("stopping", "The server is stopping; send this again shortly.")

Told = Callable[[Unavailable | None], None]
"""Called on the event loop when entries are on disk, or with the reason why they aren't."""
_Waiting = tuple[Sequence[Entry], Told]


class GroupCommit:
    """Appends entries to a log in groups; ``submit`` is called on one event loop, the log on one thread.

    >>> await commit.submit(entry)     # returns when the entry is on disk, raises Unavailable when it isn't
    """

    def __init__(
        self, log: EventLog, *, max_events: int, max_bytes: int = QUEUE_MAX_BYTES, turns: Turns | None = None
    ) -> None:
        self._log = log
        self._turns = turns
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[_Waiting] = []
        self._is_due = False  # the loop will hand over what waits at the end of its turn
        self._n_unwaited = 0  # groups that the loop won't wait for
        self._is_awaited = False  # the loop stands still until it is told
        self._told: tuple[list[Told], Unavailable | None] | None = None  # what it is told then
        self._told_lock = threading.Lock()
        self._told_lock.acquire()
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
        future = asyncio.get_running_loop().create_future()
        self.put(entries, partial(_settle, future))
        return future

    def put(self, entries: Sequence[Entry], told: Told) -> None:
        """As :meth:`submit`, but ``told`` is called when they are durable or refused."""
        n = n_bytes = 0
        for entry in entries:
            n += entry.n or 1
            n_bytes += len(entry.body)
        with self._lock:
            if (refusal := self._refusal(n, n_bytes)) is None:
                self._waiting.append((entries, told))
                self._n_waiting += n
                self._bytes_waiting += n_bytes
        if refusal is not None:
            self.n_refused_events += n
            raise Unavailable(refusal[1], code=refusal[0])
        if not self._is_due:
            self._is_due = True
            loop = self._loop
            if loop is None:
                loop = self._loop = asyncio.get_running_loop()
            loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        """Let the thread write what this turn of the loop brought, and wait for it if that is quicker than not to."""
        self._is_due = False
        with self._lock:
            self._wake_if_idle()
            if len(self._waiting) < LOOP_GROUP:
                return
            is_awaited = self._is_awaited = self._n_unwaited == 0
        if not is_awaited:
            self._n_unwaited -= 1
        elif self._is_told_soon():
            told, self._told = self._told, None
            if told is not None:
                _tell_all(*told)
        if self._turns is not None:
            self._turns.lend(LEND_S)

    def _is_told_soon(self) -> bool:
        """Wait for the thread; whether it told something in time."""
        if not self._told_lock.acquire(timeout=LOOP_WAIT_S):
            self._n_unwaited = LOOP_WAIT_PAUSE
            with self._lock:
                if self._is_awaited:
                    self._is_awaited = False
                    return False
            self._told_lock.acquire()  # it was told just now
        return True

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
        is_busy = False
        while True:
            if is_busy:
                time.sleep(BUSY_WAIT_S)
            group = self._take()
            if group:
                was_awaited = self._write(group)
                is_busy = len(group) >= BUSY_GROUP and not was_awaited
            elif self._stop.is_set():
                return
            else:
                is_busy = False
                self._wake.acquire()

    def _take(self) -> list[_Waiting]:
        with self._lock:
            group, self._waiting = self._waiting, []
            self._n_waiting = self._bytes_waiting = 0
            self._is_idle = not group
        return group

    def _write(self, group: list[_Waiting]) -> bool:
        """Returns whether the loop was waiting for it."""
        entries = [entry for some, _ in group for entry in some]
        n = sum([entry.n for entry in entries])
        try:
            self._log.append(entries)
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody may be told that this is on disk
            self._fail(group, n, error)
            return False
        self.n_rounds += 1
        self.n_acked_events += n
        self._n_failures_in_row = 0
        return self._tell([told for _, told in group], None)

    def _fail(self, group: list[_Waiting], n: int, error: Exception) -> None:
        logger.error("append to the event log failed, %d events refused: %s", n, error, exc_info=error)
        self.n_failed_rounds += 1
        refused = [told for _, told in group]
        with self._lock:
            self._outage = self._outage or LOG_DOWN
            self._why = str(error)
            # what came while the append was failing is refused as well: acks wait for the reopening
            refused += [told for _, told in self._waiting]
            n += sum(entry.n for entries, _ in self._waiting for entry in entries)
            self._waiting = []
            self._n_waiting = self._bytes_waiting = 0
        self.n_refused_events += n
        self._tell(refused, Unavailable(LOG_DOWN[1], code=LOG_DOWN[0]))
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

    def _tell(self, waiting: list[Told], refusal: Unavailable | None) -> bool:
        """Tell the loop; returns whether it was waiting for that."""
        assert self._loop is not None
        with self._lock:
            if self._is_awaited:
                self._is_awaited = False
                self._told = waiting, refusal
                self._told_lock.release()
                return True
        try:
            self._loop.call_soon_threadsafe(_tell_all, waiting, refusal)
        except RuntimeError:  # the loop is closed: nobody waits for an answer any more
            logger.warning("the event loop ended before %d requests were answered", len(waiting))
        return False


def _tell_all(waiting: list[Told], refusal: Unavailable | None) -> None:
    for told in waiting:
        try:
            told(refusal)
        except Exception:
            logger.exception("a request couldn't be answered")  # the others can


def _settle(future: "asyncio.Future[None]", refusal: Unavailable | None) -> None:
    if future.done():
        return
    if refusal is None:
        future.set_result(None)
    else:
        future.set_exception(Unavailable(str(refusal), code=refusal.code))  # each is raised with a trace of its own
