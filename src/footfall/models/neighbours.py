"""Which past visits are nearest to a place? An index over millions of them, and what became of them.

A past visit is looked at as it was after its 1st, 2nd, 3rd, 5th, 8th … event, so that a visit that is under way meets
others as they were when they looked like it, and not only as they ended (decision 0065). Visits at the very same place,
such as those of one click, are kept as one point with many visits. Few points are gone through exactly. Many are dealt
into lists around centres (inverted file, Sivic and Zisserman 2003; in faiss). A look into the nearest lists says how
far the nearest points are at most; then every list is gone through that reaches so near, so none of them is missed
(decision 0065 says why it is no graph).
"""

import math
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import msgspec
import numpy as np

from footfall.base.errors import BadInput
from footfall.models.rows import SESSION, UNKNOWN, WEEK, Rows
from footfall.models.similarity import Space
from footfall.record.features import FEATURE_IDX

if TYPE_CHECKING:
    import faiss

VISIT = np.dtype(
    [("row", "<i4"), ("number", "<i4"), ("at_ms", "<i8"), ("weight", "<f4"), ("later", "i1"), ("ordered", "i1"),
     ("week", "i1"), ("spare", "i1")]
)  # fmt: skip
"""A visit at a moment: the lake's row of its visitor; the session's number; when; its weight, one over the session's
moments; 1 if an order came later in it, 1 if it had an order at all, 1 if one came within seven days, -1 unknown."""
MOST_EXACT = 100_000
"""So many points are gone through one by one, which takes about a millisecond; more are dealt into lists."""
MOST_MOMENTS = 2_000_000
"""Of past visits, the latest; about 0.2 kB each."""
_LEARNED_FROM_A_LIST = 64
"""Points by which each list's centre is found."""
_N_ROUNDS = 10
_FIRST_LISTS = 16
"""That are looked into first, at least."""
_SLACK = 1e-4
"""Of distances, for what is lost in rounding."""
_MOST_FETCHED = 20_000
_FORMAT = 3
_DIGEST_SIZE = 16

Roots = Callable[[np.ndarray], np.ndarray]
"""int32[n] rows of the lake -> int32[n] rows of the visitors they are today, -1 for nobody."""


class Near(NamedTuple):
    """Visits, nearest first; arrays of length n."""

    visits: np.ndarray
    """VISIT[n]"""
    roots: np.ndarray
    """int32[n]: whose visit it is today."""
    places: np.ndarray
    """float32[n, d]"""
    distances: np.ndarray
    """float64[n]"""


class Points(NamedTuple):
    """Points of a :class:`Past`, nearest first."""

    points: np.ndarray
    """int64[n]"""
    distances: np.ndarray
    """float64[n]"""


class Past:
    """Past visits by place; never changes, so any thread may ask."""

    def __init__(self, index: "faiss.Index", radii: np.ndarray, starts: np.ndarray, visits: np.ndarray) -> None:
        self._index = index
        self._radii = radii
        """float32[n_lists]: how far each list's points are from its centre at most; empty where there are no lists."""
        self._starts = starts
        self._visits = visits
        weights = visits["weight"].astype(np.float64)
        known = np.where(visits["later"] == UNKNOWN, 0.0, weights)
        self._weights = np.add.reduceat(known, starts[:-1]) if len(visits) else known
        self._ones = np.add.reduceat(known * (visits["later"] == 1), starts[:-1]) if len(visits) else known
        total = float(self._weights.sum())
        self.base_rate = float(self._ones.sum()) / total if total > 0 else float("nan")
        """Weighted share of the moments that an order came after."""

    @classmethod
    def built(cls, places: np.ndarray, visits: np.ndarray, *, n_threads: int = 1) -> Self:
        """Index visits VISIT[n] at their places float32[n, d]. Takes some ten seconds for a million on two threads."""
        import faiss

        places = np.ascontiguousarray(places, np.float32)
        points, which = _points(places)
        order = np.lexsort((-visits["at_ms"], which))
        starts = np.searchsorted(which[order], np.arange(len(points) + 1)).astype(np.int64)
        n_before = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(n_threads)
        try:
            index, radii = _index(points)
        finally:
            faiss.omp_set_num_threads(n_before)
        return cls(index, radii, starts, visits[order])

    def __len__(self) -> int:
        """Moments of visits."""
        return len(self._visits)

    @property
    def n_points(self) -> int:
        """Different places."""
        return len(self._starts) - 1

    def near(
        self,
        place: np.ndarray,
        n: int,
        roots: Roots,
        *,
        most_distance: float = float("inf"),
        leave_out: int = -1,
        seen: Points | None = None,
    ) -> Near:
        """The nearest visit of each of the nearest ``n`` visitors, none farther than ``most_distance``.

        ``place`` float32[d]; ``leave_out`` is the visitor (as of today) that isn't looked for. Of one visitor's visits
        at the same place it is the latest. ``seen`` are the nearest points, if they are known already.
        """
        n_points = min(self.n_points, 2 * n + 8)
        while True:
            points, distances = seen or self.points(place, n_points)
            n_points, seen = max(n_points, len(points)), None
            is_near = distances <= most_distance
            found = self._told(points[is_near], distances[is_near], n, roots, leave_out)
            is_all = n_points >= min(self.n_points, _MOST_FETCHED)
            if len(found.roots) >= n or is_all or not is_near.all():
                return found
            n_points = min(self.n_points, 4 * n_points, _MOST_FETCHED)

    def _told(self, points: np.ndarray, distances: np.ndarray, n: int, roots: Roots, leave_out: int) -> Near:
        """The first visit of each visitor at these points, at most ``n``."""
        idx, at = _spread(self._starts, points, 4 * n + 64)
        whose = roots(self._visits["row"][idx])
        kept = np.flatnonzero((whose >= 0) & (whose != leave_out))
        firsts = np.sort(np.unique(whose[kept], return_index=True)[1])[:n]
        kept = kept[firsts]
        at = at[kept]
        return Near(self._visits[idx[kept]], whose[kept], self._places(points[at]), distances[at])

    def propensity(self, place: np.ndarray, n_neighbours: int, seen: Points | None = None) -> float:
        """Share of the nearest visits that an order came after, nearer ones counting more (Epanechnikov 1969), drawn
        to the base rate as much as one more neighbour would; NaN where there is nothing to tell by."""
        points, distances = seen or self.points(place, n_neighbours)
        points, distances = points[:n_neighbours], distances[:n_neighbours]
        if not len(points) or not np.isfinite(self.base_rate):
            return float("nan")
        n_moments = np.cumsum((self._starts[1:] - self._starts[:-1])[points])
        n_used = min(int(np.searchsorted(n_moments, n_neighbours)) + 1, len(points))
        points, distances = points[:n_used], distances[:n_used]
        nearness = np.maximum(1.0 - (distances / max(float(distances[-1]), 1e-9)) ** 2, 1e-3)
        weight = float((nearness * self._weights[points]).sum())
        drawn = max(weight / n_neighbours, 1e-12)
        ones = float((nearness * self._ones[points]).sum())
        return (ones + drawn * self.base_rate) / (weight + drawn)

    def points(self, place: np.ndarray, n_points: int) -> Points:
        """The nearest points to a place float32[d]."""
        import faiss

        n_points = min(n_points, self.n_points)
        if n_points <= 0:
            return Points(np.zeros(0, np.int64), np.zeros(0))
        asked = np.ascontiguousarray(place, np.float32).reshape(1, -1)
        if isinstance(self._index, faiss.IndexIVF):
            squared, points = self._by_lists(self._index, asked, n_points)
        else:
            squared, points = self._index.search(asked, n_points)
        is_there = points[0] >= 0
        return Points(points[0][is_there], np.sqrt(np.maximum(squared[0][is_there].astype(np.float64), 0.0)))

    def _by_lists(self, index: "faiss.IndexIVF", asked: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Squared distances float32[1, n] and points int64[1, n], nearest first: all lists that may hold one."""
        from_centres, lists = index.quantizer.search(asked, index.nlist)
        n_first = min(max(_FIRST_LISTS, 2 * n * index.nlist // self.n_points), index.nlist)
        squared, points = _searched(index, asked, n, lists[:, :n_first], from_centres[:, :n_first])
        farthest = float(squared[0, -1]) ** 0.5 if points[0, -1] >= 0 else math.inf
        away = np.sqrt(from_centres[0])
        reaching = away - self._radii[lists[0]] <= farthest + _SLACK * (farthest + away)
        if not reaching[n_first:].any():
            return squared, points
        reaching[:n_first] = True
        return _searched(index, asked, n, lists[:, reaching], from_centres[:, reaching])

    def _places(self, points: np.ndarray) -> np.ndarray:
        if not len(points):
            return np.zeros((0, self._index.d), np.float32)
        return np.asarray(self._index.reconstruct_batch(points))

    def to_bytes(self) -> bytes:
        """The index with its visits and a checksum over all of it; see :meth:`from_bytes`."""
        import faiss

        head = {"format": _FORMAT, "starts": self._starts.tobytes(), "visits": self._visits.tobytes(),
                "radii": self._radii.tobytes()}  # fmt: skip
        index = memoryview(faiss.serialize_index(self._index))  # type: ignore[arg-type]
        body = msgspec.msgpack.encode({**head, "index": index})
        return blake2b(body, digest_size=_DIGEST_SIZE).digest() + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """As :meth:`to_bytes` wrote it; BadInput (``bad_past``) if a byte of it is another."""
        import faiss

        body = memoryview(data)[_DIGEST_SIZE:]
        if len(data) <= _DIGEST_SIZE or blake2b(body, digest_size=_DIGEST_SIZE).digest() != data[:_DIGEST_SIZE]:
            raise BadInput("The past visits of this model aren't whole: train it anew.", code="bad_past")
        plain = msgspec.msgpack.decode(body, type=_Plain)
        if plain.format != _FORMAT:
            raise BadInput("The past visits of this model are of another version: train it anew.", code="bad_past")
        index = faiss.deserialize_index(np.frombuffer(plain.index, np.uint8))
        return cls(
            index,
            np.frombuffer(plain.radii, "<f4"),
            np.frombuffer(plain.starts, "<i8"),
            np.frombuffer(plain.visits, VISIT),
        )


class _Plain(msgspec.Struct):
    format: int
    starts: bytes
    visits: bytes
    index: memoryview
    radii: bytes = b""


def _index(points: np.ndarray) -> tuple["faiss.Index", np.ndarray]:
    """Of float32[n, d], all different; and the radii of its lists."""
    import faiss

    n, n_dims = points.shape
    if n <= MOST_EXACT:
        exact = faiss.IndexFlatL2(n_dims)
        exact.add(points)
        return exact, np.zeros(0, np.float32)
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(n_dims), n_dims, 2 * math.isqrt(n))
    index.cp.niter, index.cp.min_points_per_centroid = _N_ROUNDS, 1
    index.cp.max_points_per_centroid = _LEARNED_FROM_A_LIST
    index.train(points)
    index.add(points)
    index.make_direct_map()
    radii = np.zeros(index.nlist, np.float32)
    held: Any = index.invlists
    for number, centre in enumerate(index.quantizer.reconstruct_n(0, index.nlist)):
        size = held.list_size(number)
        if size:
            members = faiss.rev_swig_ptr(held.get_ids(number), size)
            radii[number] = np.sqrt(((points[members] - centre) ** 2).sum(axis=1).max())
    return index, radii


def _searched(
    index: "faiss.IndexIVF", asked: np.ndarray, n: int, lists: np.ndarray, from_centres: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances float32[1, n] and points int64[1, n] in these lists int64[1, k], whose centres are so far from
    the question; -1 where there are fewer."""
    import faiss

    lists, from_centres = np.ascontiguousarray(lists), np.ascontiguousarray(from_centres)
    squared, points = np.empty((1, n), np.float32), np.empty((1, n), np.int64)
    pointers = [faiss.swig_ptr(array) for array in (lists, from_centres, squared, points)]
    params: Any = faiss.SearchParametersIVF(nprobe=lists.shape[1])  # type: ignore[call-arg]
    # the wrapper for Python takes no parameters, and the index's own are everybody's
    index.search_preassigned_c(1, faiss.swig_ptr(asked), n, *pointers, False, params)  # type: ignore[attr-defined]
    return squared, points


def build_past(rows: Rows, space: Space, *, n_threads: int = 1, most: int = MOST_MOMENTS) -> Past:
    """Index the moments of sessions whose end is known, the latest ``most`` of them, each placed by trees that never
    saw its visitor. ``rows.visitors`` are rows of the lake, as :mod:`footfall.training_set` makes them."""
    idx = rows.known(SESSION)[-most:]
    places = np.empty((len(idx), space.n_dims), np.float32)
    for start in range(0, len(idx), 100_000):
        part = idx[start : start + 100_000]
        places[start : start + len(part)] = space.embed(rows.features[part], rows.visitors[part])
    return Past.built(places, visits_of(rows, idx), n_threads=n_threads)


def visits_of(rows: Rows, idx: np.ndarray) -> np.ndarray:
    """VISIT[k] of these rows."""
    visits = np.zeros(len(idx), VISIT)
    visits["row"] = rows.visitors[idx]
    visits["number"] = np.nan_to_num(rows.features[idx, FEATURE_IDX["session_number"]])
    visits["at_ms"] = rows.times[idx]
    visits["weight"] = rows.weights[idx]
    visits["later"] = rows.labels[idx, SESSION]
    visits["week"] = rows.labels[idx, WEEK]
    sessions, which = np.unique(rows.sessions[idx], return_inverse=True)
    n_orders = rows.features[idx, FEATURE_IDX["session_order_n"]]
    has_order = np.zeros(len(sessions), np.bool_)
    np.logical_or.at(has_order, which, (visits["later"] == 1) | (n_orders > 0))
    visits["ordered"] = has_order[which]
    return visits


def nearest_exactly(places: np.ndarray, place: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """int64[k] and float64[k]: the nearest ``n`` of places float32[m, d], nearest first, and their distances."""
    squared = ((places - place) ** 2).sum(axis=1)
    near = np.argpartition(squared, n - 1)[:n] if n < len(squared) else np.arange(len(squared))
    near = near[np.argsort(squared[near], kind="stable")]
    return near, np.sqrt(squared[near].astype(np.float64))


def _points(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different places in a fixed order, and which of them each place is."""
    if not len(places):
        return places, np.zeros(0, np.int64)
    bits = np.ascontiguousarray(places + np.float32(0.0)).view(np.uint32).astype(np.uint64)
    factors = np.random.default_rng(0).integers(0, 1 << 64, bits.shape[1], np.uint64) | np.uint64(1)
    keys = (bits * factors).sum(axis=1, dtype=np.uint64)  # multiply-shift hashing: two places share one by 2^-64
    _, firsts, which = np.unique(keys, return_index=True, return_inverse=True)
    return places[firsts], which.reshape(-1)


def _spread(starts: np.ndarray, points: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Visits at points, point after point, and at which of ``points`` each is; at most ``most`` of one point."""
    lengths = np.minimum(starts[points + 1] - starts[points], most)
    at = np.repeat(np.arange(len(points)), lengths)
    within = np.arange(len(at)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return starts[points][at] + within, at
