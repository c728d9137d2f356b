"""How fast are events acknowledged, and what is answered? Counted where it happens, for less than a microsecond.

Prometheus' own histogram costs several on the path of every event. :mod:`footfall.web.metrics` shows what is counted.
"""

import time
from bisect import bisect_left

BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Tally:
    """Counts of one event loop; read them from anywhere."""

    def __init__(self) -> None:
        self.n_by_bucket = [0] * (len(BUCKETS_S) + 1)
        """Requests answered 200, by the first bound of ``BUCKETS_S`` that is no less than their time; the rest last."""
        self.sum_s = 0.0
        self.n_by_status: dict[int, int] = {}

    def note(self, status: int, began_s: float) -> None:
        """A request was answered just now; ``began_s`` is ``time.perf_counter()`` when it was all there."""
        self.n_by_status[status] = self.n_by_status.get(status, 0) + 1
        if status == 200 and began_s:
            took_s = time.perf_counter() - began_s
            self.sum_s += took_s
            self.n_by_bucket[bisect_left(BUCKETS_S, took_s)] += 1
