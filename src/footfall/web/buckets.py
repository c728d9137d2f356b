"""How much may one key send in a second? Token buckets, bounded in number."""

from collections import OrderedDict
from collections.abc import Hashable


class TokenBuckets:
    """One bucket a key: ``rate_per_s`` tokens flow in, up to ``burst``; the least used keys are forgotten first.

    A forgotten bucket is full again, so ``max_keys`` must be well above the number of keys that are in use.
    """

    def __init__(self, rate_per_s: float, burst: float, max_keys: int = 65_536) -> None:
        self._rate_per_ms = rate_per_s / 1000.0
        self._burst = burst
        self._max_keys = max_keys
        self._levels: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def take(self, key: Hashable, n: int, now_ms: int) -> int:
        """Take ``n`` tokens if they are there and return 0, or take none and return whole seconds to wait (at least 1).

        A request for more than a full bucket is let through when the bucket is full, and puts it into debt, so that
        a large batch can be sent at all.
        """
        level, then_ms = self._levels.get(key, (self._burst, now_ms))
        level = min(self._burst, level + max(0, now_ms - then_ms) * self._rate_per_ms)
        needed = min(n, self._burst)
        if level < needed:
            self._keep(key, level, now_ms)
            return max(1, -int(-(needed - level) / self._rate_per_ms // 1000))
        self._keep(key, level - n, now_ms)
        return 0

    def _keep(self, key: Hashable, level: float, now_ms: int) -> None:
        self._levels[key] = (level, now_ms)
        self._levels.move_to_end(key)
        if len(self._levels) > self._max_keys:
            self._levels.popitem(last=False)
