"""What is known across visitors? Prices of categories and products, and what their views lead to: a versioned snapshot.

A snapshot is made at intervals from the lake and named in the log, so that every host and every replay uses the same
one at the same event. It never changes once published.
"""

import io
import os
import threading
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from xxhash import xxh3_64_intdigest

from footfall.base.codes import Flag
from footfall.base.errors import BadInput, FootfallError, Unavailable
from footfall.record.compiled import kernel
from footfall.record.rates import RATE, Rates, known_rates, no_rates, rates_of

N_QUANTILES = 21
"""Price quantiles kept for a category: 0 %, 5 % … 100 %."""
LEAST_CATEGORY = 20
"""Fewer prices than this say nothing about a category."""
LEAST_PRODUCT = 8
"""Fewer prices than this say nothing about a product."""
LEAST_SEEN = 5
"""Things that were viewed, put into a cart and ordered less often than this, all together, get no rates."""
MOST_PRODUCTS, MOST_CATEGORIES = 50_000, 5_000
"""Of more products and categories than this, only those seen most often are known: a snapshot stays below 3 MB."""
LIFT_STEPS = 8
"""Lifts are rounded to so many steps for each factor of e, 13 % each: finer ones move by chance from day to day, and
trees would tell the days apart by them."""
NEWS_FRAC = 0.05
"""See :func:`is_news`."""
MOST_BYTES = 512 << 20
"""Snapshots that are kept, all together."""
FENCE = 3.0
"""Outliers lie more than this many interquartile ranges outside the quartiles (Tukey's outer fences)."""

IN_FORCE = "in_force"
"""File that says from which log offset on which version was in force: `offset version` a line."""

_OUTLIER = int(Flag.OUTLIER_PRICE)


class Facts(msgspec.Struct, frozen=True, eq=False):
    """One snapshot. Keys are sorted; hashes are those of the columns (so they differ by site)."""

    version: int
    categories: np.ndarray
    """uint64[c]"""
    quantiles: np.ndarray
    """float32[c, N_QUANTILES]"""
    products: np.ndarray
    """uint64[p]"""
    fences: np.ndarray
    """float32[p, 2]: lowest and highest price that is no outlier."""
    rates: Rates = msgspec.field(default_factory=no_rates)
    """What views of products and categories lead to."""

    def is_empty(self) -> bool:
        """Whether nothing at all is known."""
        known = (self.categories, self.products, *(table[table["key"] != 0] for table in self.rates))
        return not any(map(len, known))

    def to_bytes(self) -> bytes:
        """The snapshot with a checksum in front."""
        out = io.BytesIO()
        np.savez(
            out,
            version=np.int64(self.version),
            categories=self.categories,
            quantiles=self.quantiles,
            products=self.products,
            fences=self.fences,
            product_lifts=known_rates(self.rates.products),
            category_lifts=known_rates(self.rates.categories),
        )
        body = out.getvalue()
        return xxh3_64_intdigest(body).to_bytes(8, "big") + body


def no_facts() -> Facts:
    """The snapshot before the first one: nothing is known."""
    return Facts(
        0,
        np.zeros(0, np.uint64),
        np.zeros((0, N_QUANTILES), np.float32),
        np.zeros(0, np.uint64),
        np.zeros((0, 2), np.float32),
    )


def facts_from_bytes(data: bytes) -> Facts:
    """A snapshot as written by ``to_bytes``; raises BadInput if the checksum is wrong."""
    body = data[8:]
    if xxh3_64_intdigest(body).to_bytes(8, "big") != data[:8]:
        raise BadInput("Shared facts are damaged: restore their file, or wait for the next snapshot.", code="bad_facts")
    with np.load(io.BytesIO(body)) as parts:
        rates = no_rates()
        if "product_lifts" in parts:  # files from before there were rates have none
            rates = rates_of(parts["product_lifts"].astype(RATE), parts["category_lifts"].astype(RATE))
        version = int(parts["version"])
        return Facts(version, parts["categories"], parts["quantiles"], parts["products"], parts["fences"], rates)


def is_news(new: Facts, old: Facts) -> bool:
    """Whether a snapshot says enough that the one before didn't to be kept for good.

    It does if in any of its tables more than NEWS_FRAC of the things came or went, or have a number that moved by more
    than NEWS_FRAC of itself. Small tables change by this with every thing, large ones once it adds up.
    """
    return any(_n_new(*a, *b) > NEWS_FRAC * len(a[0]) for a, b in zip(_tables(new), _tables(old), strict=True))


def _tables(facts: Facts) -> list[tuple[np.ndarray, np.ndarray]]:
    """Keys [k] and numbers [k, m] of everything in a snapshot."""
    tables = [(facts.categories, facts.quantiles), (facts.products, facts.fences)]
    for table in facts.rates:
        known = known_rates(table)
        tables.append((known["key"], np.stack([known[name] for name in (RATE.names or ())[1:]], axis=1)))
    return tables


def _n_new(keys: np.ndarray, numbers: np.ndarray, old_keys: np.ndarray, old_numbers: np.ndarray) -> int:
    """How many things came, went or moved."""
    shared, at, old_at = np.intersect1d(keys, old_keys, assume_unique=True, return_indices=True)
    a, b = numbers[at], old_numbers[old_at]
    has_moved = (np.abs(a - b) > NEWS_FRAC * np.maximum(np.abs(a), np.abs(b))).any(axis=1)
    return int(has_moved.sum()) + len(keys) + len(old_keys) - 2 * len(shared)


class FactsShelf:
    """The published snapshots in a folder, and from which log offset on each was in force.

    A version is about the moment of its publication in ms. Methods may be called from any thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._versions: list[int] = sorted(int(path.stem) for path in folder.glob("*.facts"))
        self._last = no_facts()
        self._in_force: dict[int, int] = _read_in_force(folder / IN_FORCE)
        self.lost: set[int] = set()
        """Versions that were asked for and can't be read; nothing is known in their place."""

    def free_version(self, now_ms: int) -> int:
        """A version for a snapshot made now: a published one is never written over."""
        with self._lock:
            version = max(now_ms, 1)
            while version in self._versions:
                version += 1
            return version

    def put(self, facts: Facts) -> None:
        """Write a snapshot durably; it then may be named in the log. Raises Unavailable if the disk can't take it."""
        self._write(self._path(facts.version), facts.to_bytes())
        with self._lock:
            if facts.version not in self._versions:
                self._versions.append(facts.version)
                self._versions.sort()

    def get(self, version: int) -> Facts:
        """A snapshot; version 0 is the empty one. Raises Unavailable if its file is gone, BadInput if damaged."""
        if version == 0:
            return no_facts()
        last = self._last
        if version == last.version:
            return last
        try:
            found = facts_from_bytes(self._path(version).read_bytes())
        except FileNotFoundError as error:
            raise Unavailable(
                f"The log names shared facts {version}, but their file is gone. Restore the data folder's facts, or "
                "wait for the next snapshot.",
                code="facts_gone",
            ) from error
        self._last = found
        return found

    def get_if_there(self, version: int) -> Facts:
        """A snapshot, or the empty one if its file is gone or damaged: prices then aren't placed until the next one.

        :attr:`lost` names it.
        """
        try:
            return self.get(version)
        except FootfallError:
            self.lost.add(version)
            return no_facts()

    def put_in_force(self, offset: int, version: int) -> None:
        """Note that events from this log offset on are read with this version; noting it again changes nothing."""
        with self._lock:
            if self._in_force.get(offset) == version:
                return
            self._in_force[offset] = version
            lines = [f"{at} {self._in_force[at]}\n" for at in sorted(self._in_force)]
            self._write(self._folder / IN_FORCE, "".join(lines).encode())

    def in_force(self, offset: int) -> Facts:
        """The snapshot that the event at this log offset was read with."""
        with self._lock:
            offsets = sorted(self._in_force)
            at = bisect_right(offsets, offset)
            version = self._in_force[offsets[at - 1]] if at else 0
        return self.get_if_there(version)

    def changes(self, first: int, last: int) -> list[int]:
        """Log offsets in ``(first, last]`` from which on another snapshot was in force, in order."""
        with self._lock:
            return sorted(offset for offset in self._in_force if first < offset <= last)

    def whole_from(self) -> int:
        """The first log offset from which on no snapshot that was in force has been trimmed away since."""
        with self._lock:
            offsets = sorted(self._in_force)
            is_gone = [self._in_force[at] not in (0, *self._versions) for at in offsets[:-1]]
        return offsets[len(is_gone) - is_gone[::-1].index(True)] if any(is_gone) else 0

    def trim(self, n_kept: int, version: int) -> int:
        """Delete the oldest snapshots beyond ``n_kept`` and MOST_BYTES, never ``version``; returns how many went."""
        with self._lock:
            room = MOST_BYTES
            old = []
            for n_newer, one in enumerate(reversed(self._versions)):
                room -= self._path(one).stat().st_size if self._path(one).exists() else 0
                if one != version and (n_newer >= n_kept or room < 0):
                    old.append(one)
            for one in old:
                self._path(one).unlink(missing_ok=True)
                del self._versions[bisect_left(self._versions, one)]
        return len(old)

    def _write(self, path: Path, data: bytes) -> None:
        temporary = path.with_suffix(".tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise Unavailable(f"Shared facts can't be written ({error}): check the disk.", code="facts_disk") from error

    def _path(self, version: int) -> Path:
        return self._folder / f"{version:015d}.facts"


def _read_in_force(path: Path) -> dict[int, int]:
    try:
        lines = path.read_text("ascii").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return {}
    pairs = [line.split() for line in lines]
    return {int(pair[0]): int(pair[1]) for pair in pairs if len(pair) == 2 and all(map(str.isdigit, pair))}


@kernel
def _find(keys, key):
    low, high = 0, len(keys)
    while low < high:
        mid = (low + high) // 2
        if keys[mid] < key:
            low = mid + 1
        else:
            high = mid
    return low if low < len(keys) and keys[low] == key else -1


@kernel
def _place(row, price):
    """Place of a price within a category's quantiles, 0 to 1, linear between them."""
    n = len(row)
    if price <= row[0]:
        return 0.0
    for k in range(1, n):
        if price <= row[k]:
            width = row[k] - row[k - 1]
            part = (price - row[k - 1]) / width if width > 0 else 1.0
            return (k - 1 + part) / (n - 1)
    return 1.0


@kernel
def place_prices(
    events: np.ndarray,
    items: np.ndarray,
    categories: np.ndarray,
    quantiles: np.ndarray,
    products: np.ndarray,
    fences: np.ndarray,
) -> None:
    """Fill ``percentile`` of events and items, and flag prices outside their product's fences; in place."""
    for i in range(len(events)):
        e = events[i]
        if e["price"] == e["price"]:
            at = _find(products, e["product"])
            if at >= 0 and (e["price"] < fences[at, 0] or e["price"] > fences[at, 1]):
                e["flags"] = e["flags"] | _OUTLIER
            at = _find(categories, e["category"])
            if at >= 0:
                e["percentile"] = _place(quantiles[at], e["price"])
    for i in range(len(items)):
        it = items[i]
        if it["price"] == it["price"]:
            at = _find(categories, it["category"])
            if at >= 0:
                it["percentile"] = _place(quantiles[at], it["price"])


def make_facts(
    version: int, categories: np.ndarray, category_prices: np.ndarray, products: np.ndarray, product_prices: np.ndarray
) -> Facts:
    """A snapshot from price observations: parallel arrays of category (or product) hash and price.

    Quantiles and quartiles are linear (type 7), as :func:`numpy.quantile` gives them.
    """
    kept, rows = _grouped(categories, category_prices, np.linspace(0.0, 1.0, N_QUANTILES), LEAST_CATEGORY)
    items, quartiles = _grouped(products, product_prices, np.array([0.25, 0.75]), LEAST_PRODUCT)
    return facts_of_quantiles(version, kept, rows, items, quartiles)


def facts_of_quantiles(
    version: int, categories: np.ndarray, quantiles: np.ndarray, products: np.ndarray, quartiles: np.ndarray
) -> Facts:
    """A snapshot from sorted category keys with quantiles [c, N_QUANTILES] and product keys with quartiles [p, 2]."""
    spread = quartiles[:, 1] - quartiles[:, 0]
    # a product at one price has no spread: a tenth of the price stands in, or any change would be an outlier
    spread = np.maximum(spread, 0.1 * np.abs(quartiles[:, 0]))
    fences = np.stack([quartiles[:, 0] - FENCE * spread, quartiles[:, 1] + FENCE * spread], axis=1)
    return Facts(version, categories, quantiles.astype(np.float32), products, fences.astype(np.float32))


class SiteSums(NamedTuple):
    """Sums over all things of a site, float64[n]: the same in every row of the same site."""

    n_things: np.ndarray
    n_chances: np.ndarray
    """Σ n, see :func:`smoothed`; above 0."""
    n_acts: np.ndarray
    """Σ x"""
    n_acts_sq: np.ndarray
    """Σ x² / n"""


def smoothed(n_acts: np.ndarray, n_chances: np.ndarray, of_site: SiteSums) -> np.ndarray:
    """Acts for each chance of things, drawn towards the site's mean the more the less is known; float64[n].

    Empirical Bayes with the moments of Marshall (1991), "Mapping disease and mortality rates using empirical Bayes
    estimators", Applied Statistics 40: with m = Σx / Σn, the variance between things is A = Σn(x/n - m)² / Σn - m / n̄,
    and the rate (x + k m) / (n + k) with k = m / A. Where things differ no more than chance lets them, all are m.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = of_site.n_acts / of_site.n_chances
        between = of_site.n_acts_sq / of_site.n_chances - mean**2 - mean * of_site.n_things / of_site.n_chances
        weight = mean / between
        rates = (n_acts + weight * mean) / (n_chances + weight)
    out: np.ndarray = np.where((between > 0) & (mean > 0), rates, mean)
    return out


def lifts(n_acts: np.ndarray, n_chances: np.ndarray, of_site: SiteSums) -> np.ndarray:
    """Smoothed rates over the site's mean, rounded by LIFT_STEPS; float64[n], above 0. 1 is as the mean, and where a
    site has no acts at all.

    A site's mean moves from week to week; how its things differ moves much less, so a model can't tell time by it.
    """
    mean = of_site.n_acts / of_site.n_chances
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = np.where(mean > 0, smoothed(n_acts, n_chances, of_site) / mean, 1.0)
    out: np.ndarray = np.exp(np.round(np.log(exact) * LIFT_STEPS) / LIFT_STEPS)
    return out


def _grouped(keys: np.ndarray, prices: np.ndarray, at: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((prices, keys))
    keys, prices = keys[order], prices[order].astype(np.float64)
    groups, starts, counts = np.unique(keys, return_index=True, return_counts=True)
    enough = counts >= least
    groups, starts, counts = groups[enough], starts[enough], counts[enough]
    position = (counts[:, None] - 1) * at[None, :]
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, counts[:, None] - 1)
    base = starts[:, None]
    if len(groups) == 0:
        return groups.astype(np.uint64), np.zeros((0, len(at)))
    value = prices[base + low] + (prices[base + high] - prices[base + low]) * (position - low)
    return groups.astype(np.uint64), value
