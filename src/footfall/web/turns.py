"""Who may run next? A busy event loop and a thread with much work take turns, instead of fighting for one lock.

CPython runs one thread at a time. A thread that wants its lock is woken whenever the other lets go of it, which an
event loop does around every read, and mostly finds it taken again: under load half of the processor time went into
waking up in vain. So the thread says when it has work, and the loop stands still for it at a moment of its own
choosing. Nobody waits for long, nobody waits for a loop that isn't busy, and nothing depends on it but speed.
"""

import threading
import time

BUSY_S = 0.03
"""A loop that has said it is busy counts as busy for so long."""
WAIT_S = 0.005
"""Longest time for which the thread waits for its turn, from when the loop last said so."""


class Turns:
    """One event loop and one thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_wanted = False
        self._is_lent = False
        self._lent = threading.Lock()  # held but for the moment in which the loop lends its turn
        self._lent.acquire()
        self._back = threading.Lock()  # held but for the moment in which it comes back
        self._back.acquire()
        self._busy_until_s = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether the loop has much to do."""
        return time.monotonic() < self._busy_until_s

    def take(self) -> None:
        """For the thread, before it works: wait for the loop's turn, as long as that is busy."""
        wait_s = self._busy_until_s - BUSY_S + WAIT_S - time.monotonic()
        if wait_s <= 0.0:
            return
        with self._lock:
            self._is_wanted = True
        is_mine = self._lent.acquire(timeout=wait_s)
        if not is_mine:
            with self._lock:
                self._is_wanted = False
                is_mine = self._is_lent
            if is_mine:  # it was lent just now
                self._lent.acquire()

    def give_back(self) -> None:
        """For the thread, when it has worked."""
        with self._lock:
            if self._is_lent:
                self._is_lent = False
                self._back.release()

    def lend(self, longest_s: float) -> None:
        """For a busy loop: stand still while the thread works, if it has work, but not longer than this."""
        self._busy_until_s = time.monotonic() + BUSY_S
        with self._lock:
            if not self._is_wanted:
                return
            self._is_wanted = False
            self._is_lent = True
            self._lent.release()
        if not self._back.acquire(timeout=longest_s):
            with self._lock:
                is_back = not self._is_lent
                self._is_lent = False
            if is_back:  # it came back just now
                self._back.acquire()
