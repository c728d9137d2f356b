"""Who is alike? A space in which visitors are near when they head the same way for the same reasons.

Trees are boosted on past rows, each time without a share of the visitors, so that every row can be taken apart by trees
that never saw its visitor. What the features add to the margin (Saabas 2014: differences along the paths, in log-odds)
is the row's place. A plain distance of clicks says nothing of what matters; in this space every axis is in units of
what matters, as far as it matters (supervised similarity by SHAP values: Lundberg et al. 2018; out of fold, or rows
would lie where their own outcome put them). See ``docs/similarity.md`` and decision 0064.

:mod:`footfall.models.neighbours` finds who is near; what the axes mean in words is :mod:`footfall.models.words`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, Self

import msgspec
import numpy as np

from footfall.base.errors import BadInput
from footfall.models.boosted import Params, inputs, some_visitors, varying_columns
from footfall.models.metrics import roc_auc
from footfall.models.prior import Prior
from footfall.record.compiled import kernel

MOST_BOOSTERS = 64
"""Which of them see a row is a mask of 64 bits."""
_NEIGHBOURS = (10, 25, 50, 100, 200, 400, 800)
_PULLS = (0.0, 0.3, 1.0, 3.0)
"""How much the difference of two margins counts beside that of what they consist of."""
_AT_ONCE = 1_024
_FEW = 10
"""Places that one unit of log-odds counts for where the scale isn't known from past rows."""
_FORMAT = 1

NODE = np.dtype(
    [("feature", "<i4"), ("threshold", "<f4"), ("left", "<i4"), ("right", "<i4"), ("unknown", "<i4"), ("value", "<f4")]
)
"""A node: go ``left`` if the feature is below the threshold, to ``unknown`` if it is NaN, else ``right``; ``left`` is
-1 in a leaf. ``value`` is the mean margin of the rows that came by, weighted as the trees weighted them."""


class SpaceOptions(msgspec.Struct, frozen=True):
    """How a space is learned."""

    n_trees: int = 60
    n_folds: int = 5
    n_repeats: int = 1
    """Times that visitors are dealt into folds; more make places steadier and embedding dearer."""
    most_dims: int = 32
    most_rows: int = 100_000
    """Trees are grown on whole visitors with at most about so many rows."""
    most_asked: int = 2_000
    """Rows by which neighbours and pull are chosen."""
    most_past: int = 20_000
    """Rows among which those look for neighbours."""
    params: Params = Params(max_depth=4, learning_rate=0.1, colsample_bytree=0.6)
    more: Mapping[str, float] = {}
    """Further settings of XGBoost, over ``params``."""
    n_threads: int = 1
    seed: int = 0


class Trees(NamedTuple):
    """The boosters' trees, one after the other."""

    nodes: np.ndarray
    """NODE[m]; children stand after their parent."""
    roots: np.ndarray
    """int32[n_trees]"""
    firsts: np.ndarray
    """int32[n_boosters + 1]: which trees are whose."""

    def contributions(self, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """float32[n, c]: what each value of ``values`` float32[n, c] adds to the margin, log-odds; the mean over the
        boosters whose bit is set in ``asked`` uint64[n]."""
        out = np.zeros(values.shape, np.float32)
        _contributions_into(values, asked, self.nodes, self.roots, self.firsts, out)
        return out


class Likeness(Protocol):
    """What places visitors; any thread may ask."""

    @property
    def columns(self) -> np.ndarray:
        """int32[c]: features of the catalogue, by which likeness is told."""
        ...

    @property
    def n_neighbours(self) -> int:
        """How many past visits tell a propensity best."""
        ...

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """float32[n, c], log-odds, of features float32[n, N_FEATURES]."""
        ...

    def places(self, contributions: np.ndarray) -> np.ndarray:
        """float32[n, d] of contributions float32[n, c]."""
        ...

    def contributions_at(self, places: np.ndarray) -> np.ndarray:
        """float32[n, c]: about the contributions of visitors at these places."""
        ...

    def similarity(self, distances: np.ndarray) -> np.ndarray:
        """0 to 1, falling with the distance; 1 at none."""
        ...

    def distance(self, similarity: float) -> float:
        """The distance that has this similarity; infinite for 0."""
        ...


class PriorSpace:
    """Likeness before anything was learned: by what the prior's terms add to the log-odds (:mod:`.prior`)."""

    columns = Prior.columns
    n_neighbours = 100

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        """As :attr:`Space.scale`; see :func:`scale_of`."""

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """See :class:`Likeness`."""
        return Prior().contributions(features)[:, :-1]

    def places(self, contributions: np.ndarray) -> np.ndarray:
        """The contributions themselves."""
        return contributions

    def contributions_at(self, places: np.ndarray) -> np.ndarray:
        """The places themselves."""
        return places

    def similarity(self, distances: np.ndarray) -> np.ndarray:
        """See :class:`Likeness`; as :meth:`Space.similarity`."""
        return np.asarray(np.exp2(-distances / self.scale))

    def distance(self, similarity: float) -> float:
        """See :class:`Likeness`."""
        return _distance(similarity, self.scale)


class Space(msgspec.Struct, frozen=True, eq=False):
    """What turns features into places.

    A place is ``(contributions, pull * margin)`` less its mean, turned onto the axes along which rows differ most.
    """

    columns: np.ndarray
    """int32[c]: which features of the catalogue the trees read."""
    trees: Trees
    n_folds: int
    seed: int
    pull: float
    """Weight of the margin's difference in the squared distance."""
    centre: np.ndarray
    """float32[c + 1]"""
    axes: np.ndarray
    """float32[c + 1, d]: orthonormal."""
    scale: float
    """Distance between two rows picked by chance (root of the mean square)."""
    n_neighbours: int
    """How many tell a propensity best."""
    explained_frac: float
    """Of the squared distances, what the axes keep."""
    measured: dict[str, float]
    """How it was chosen: log-loss and ROC-AUC of neighbours, among rows that were not learned from."""

    @property
    def n_dims(self) -> int:
        """Length of a place."""
        return int(self.axes.shape[1])

    def contributions(self, features: np.ndarray, visitors: np.ndarray | None = None) -> np.ndarray:
        """float32[n, c]: what each of ``columns`` adds to the margin, log-odds, of features float32[n, N_FEATURES].

        With ``visitors`` int64[n] those are asked that were grown without the row's visitor (for rows that may have
        been learned from), else all.
        """
        values = inputs(features, self.columns)
        n_boosters = len(self.trees.firsts) - 1
        asked = np.full(len(values), (1 << n_boosters) - 1, np.uint64)
        if visitors is not None:
            asked = _without(visitors, n_boosters // self.n_folds, self.n_folds, self.seed)
        return self.trees.contributions(values, asked)

    def places(self, contributions: np.ndarray) -> np.ndarray:
        """float32[n, d] of contributions float32[n, c].

        Rounded to a 65,536th of the scale: products of matrices differ in their last bits with the number of rows.
        """
        step = np.float32(self.scale / 65_536)
        return np.asarray(np.rint((_pulled(contributions, self.pull) - self.centre) @ self.axes / step) * step)

    def embed(self, features: np.ndarray, visitors: np.ndarray | None = None) -> np.ndarray:
        """float32[n, d] of features float32[n, N_FEATURES]; ``visitors`` as in :meth:`contributions`."""
        return self.places(self.contributions(features, visitors))

    def contributions_at(self, places: np.ndarray) -> np.ndarray:
        """float32[n, c]: about the contributions of rows at these places; exact but for what the axes leave out."""
        return np.asarray((places @ self.axes.T + self.centre)[:, :-1])

    def similarity(self, distances: np.ndarray) -> np.ndarray:
        """0 to 1: 2^(-distance / scale). 1 is the same place, 0.5 what two visits picked by chance have."""
        return np.asarray(np.exp2(-distances / self.scale))

    def distance(self, similarity: float) -> float:
        """See :class:`Likeness`."""
        return _distance(similarity, self.scale)

    def to_bytes(self) -> bytes:
        """MessagePack; see :meth:`from_bytes`."""
        plain = {name: _packed(getattr(self, name)) for name in self.__struct_fields__}
        return msgspec.msgpack.encode({"format": _FORMAT, **plain})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """A space as :meth:`to_bytes` wrote it; BadInput (``bad_model``) for anything else."""
        try:
            plain = msgspec.msgpack.decode(data)
            if plain.pop("format") != _FORMAT:
                raise ValueError("of another format")
            found = {name: _unpacked(value) for name, value in plain.items()}
            return cls(**found | {"trees": Trees(*found["trees"])})
        except (msgspec.MsgspecError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(
                f"This isn't a similarity space, or not a whole one ({error}). Train the model anew.", code="bad_model"
            ) from error


def scale_of(places: np.ndarray) -> float:
    """Distance between two of places float32[n, d] picked by chance (root of the mean square), drawn to one unit of
    log-odds as by ten places more: a few visitors tell little about chance, and all may be alike."""
    n = len(places)
    total = 2.0 * float(places.var(axis=0, dtype=np.float64).sum()) if n else 0.0
    return math.sqrt((n * total + _FEW) / (n + _FEW))


def _distance(similarity: float, scale: float) -> float:
    return -math.log2(similarity) * scale if similarity > 0 else math.inf


def learn(
    features: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    visitors: np.ndarray,
    options: SpaceOptions | None = None,
    on_booster: Callable[[int, int], None] | None = None,
    *,
    columns: np.ndarray | None = None,
) -> Space:
    """Learn a space from rows.

    Parameters
    ----------
    features : float32[n, N_FEATURES]
        NaN is unknown.
    labels : int8[n]
        1 or 0.
    weights : float32[n]
        As in :class:`footfall.models.rows.Rows`.
    visitors : int64[n]
        Rows of one visitor lie in one fold.
    on_booster
        Called after each booster with how many are done, and how many there will be.
    columns : int32[k]
        By which features likeness is told, rising; None for all that vary.

    Raises BadInput (``one_class``, ``few_rows``) if there is nothing to learn.
    """
    options = options or SpaceOptions()
    if options.n_folds < 2 or options.n_folds * options.n_repeats > MOST_BOOSTERS:
        raise BadInput(f"A space takes 2 folds at least, and at most {MOST_BOOSTERS} boosters.", code="bad_options")
    chosen = some_visitors(visitors, options.most_rows, options.seed)
    values, labels = features[chosen], labels[chosen].astype(np.int8)
    weights, visitors = weights[chosen].astype(np.float32), visitors[chosen].astype(np.int64)
    columns = varying_columns(values) if columns is None else columns
    if len(np.unique(labels)) < 2:
        raise BadInput("All rows have the same outcome: likeness can't be learned from them.", code="one_class")
    if not len(columns):
        raise BadInput("All rows are alike: there is nothing to learn likeness from.", code="few_rows")
    values = inputs(values, columns)
    trees = _grown(values, labels, weights, visitors, options, on_booster)
    asked = _without(visitors, options.n_repeats, options.n_folds, options.seed)
    return _chosen(trees.contributions(values, asked), labels, weights, visitors, columns, trees, options)


def propensity_by_neighbours(
    places: np.ndarray,
    past: np.ndarray,
    past_labels: np.ndarray,
    past_weights: np.ndarray,
    n_neighbours: int,
    *,
    visitors: np.ndarray | None = None,
    past_visitors: np.ndarray | None = None,
) -> np.ndarray:
    """float64[n]: share of ones among the nearest past rows, nearer ones counting more (Epanechnikov 1969), drawn to
    the base rate as much as one more neighbour would.

    ``places`` float32[n, d], ``past`` float32[m, d], exact search. With ``visitors`` and ``past_visitors`` nobody is
    their own neighbour.
    """
    return _shares(places, past, past_labels, past_weights, (n_neighbours,), visitors, past_visitors)[0]


# -- growing ----------------------------------------------------------------------------------------------------------


def _grown(
    values: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    visitors: np.ndarray,
    options: SpaceOptions,
    on_booster: Callable[[int, int], None] | None,
) -> Trees:
    import xgboost

    n_boosters = options.n_repeats * options.n_folds
    n_at_once = max(1, min(options.n_threads, n_boosters))
    settings: dict[str, Any] = {
        **msgspec.structs.asdict(options.params), **options.more, "objective": "binary:logistic",
        "tree_method": "hist", "nthread": max(1, options.n_threads // n_at_once), "verbosity": 0,
    }  # fmt: skip
    folds = [_folds(visitors, repeat, options.n_folds, options.seed) for repeat in range(options.n_repeats)]

    def booster(number: int) -> bytes:
        repeat, fold = divmod(number, options.n_folds)
        others = np.flatnonzero(folds[repeat] != fold)
        if len(np.unique(labels[others])) < 2:
            raise BadInput("Too few visitors ordered to learn likeness from: collect or import more.", code="few_rows")
        matrix = xgboost.QuantileDMatrix(
            values[others],
            labels[others],
            weight=weights[others],
            max_bin=int(settings["max_bin"]),
            nthread=settings["nthread"],
        )
        own = settings | {"seed": options.seed + number}
        return bytes(xgboost.train(own, matrix, options.n_trees).save_raw("json"))

    boosters: list[bytes] = []
    with ThreadPoolExecutor(n_at_once, "footfall-likeness") as pool:
        for found in pool.map(booster, range(n_boosters)):
            boosters.append(found)
            if on_booster is not None:
                on_booster(len(boosters), n_boosters)
    return trees_of(boosters)


def trees_of(boosters: Sequence[bytes]) -> Trees:
    """XGBoost's model files (JSON) as arrays."""
    nodes = [np.zeros(0, NODE)]
    roots: list[int] = []
    firsts = [0]
    start = 0
    for booster in boosters:
        for tree in msgspec.json.decode(booster)["learner"]["gradient_booster"]["model"]["trees"]:
            roots.append(start)
            nodes.append(_tree(tree, start))
            start += len(nodes[-1])
        firsts.append(len(roots))
    return Trees(np.concatenate(nodes), np.array(roots, np.int32), np.array(firsts, np.int32))


def _tree(tree: dict[str, Any], start: int) -> np.ndarray:
    left, right = np.array(tree["left_children"], np.int32), np.array(tree["right_children"], np.int32)
    is_leaf = left < 0
    node = np.zeros(len(left), NODE)
    node["feature"] = tree["split_indices"]
    node["threshold"] = tree["split_conditions"]
    node["left"] = np.where(is_leaf, -1, left + start)
    node["right"] = np.where(is_leaf, -1, right + start)
    node["unknown"] = np.where(np.array(tree["default_left"], bool), node["left"], node["right"])
    means = np.array(tree["split_conditions"], np.float64)
    cover = np.array(tree["sum_hessian"], np.float64)
    for at in range(len(left) - 1, -1, -1):  # children come after their parent
        if not is_leaf[at]:
            l, r = left[at], right[at]  # noqa: E741
            means[at] = (means[l] * cover[l] + means[r] * cover[r]) / (cover[l] + cover[r])
    node["value"] = means
    return node


@kernel
def _contributions_into(
    values: np.ndarray, asked: np.ndarray, nodes: np.ndarray, roots: np.ndarray, firsts: np.ndarray, out: np.ndarray
) -> None:
    """Add to ``out`` float32[n, c] the mean contributions over the boosters whose bit is set in ``asked`` uint64[n]."""
    n_boosters = len(firsts) - 1
    for i in range(len(values)):
        n_asked = 0
        for b in range(n_boosters):
            n_asked += 1 if (asked[i] >> np.uint64(b)) & np.uint64(1) else 0
        if n_asked == 0:
            continue
        share = np.float32(1.0 / n_asked)
        for b in range(n_boosters):
            if (asked[i] >> np.uint64(b)) & np.uint64(1) == 0:
                continue
            for t in range(firsts[b], firsts[b + 1]):
                node = nodes[roots[t]]
                while node["left"] >= 0:
                    feature = node["feature"]
                    x = values[i, feature]
                    if x < node["threshold"]:
                        below = nodes[node["left"]]
                    elif x >= node["threshold"]:
                        below = nodes[node["right"]]
                    else:
                        below = nodes[node["unknown"]]
                    out[i, feature] += (below["value"] - node["value"]) * share
                    node = below


# -- folds ------------------------------------------------------------------------------------------------------------


def _folds(visitors: np.ndarray, repeat: int, n_folds: int, seed: int) -> np.ndarray:
    """Which fold each visitor is dealt into: by a hash of the number (splitmix64), so that it can be told later."""
    with np.errstate(over="ignore"):
        x = visitors.astype(np.uint64) + np.uint64(seed * 1_000 + repeat + 1) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x % np.uint64(n_folds)).astype(np.int64)


def _without(visitors: np.ndarray, n_repeats: int, n_folds: int, seed: int) -> np.ndarray:
    """uint64[n]: bits of the boosters that never saw the visitor."""
    asked = np.zeros(len(visitors), np.uint64)
    for repeat in range(n_repeats):
        bit = _folds(visitors, repeat, n_folds, seed) + repeat * n_folds
        asked |= np.uint64(1) << bit.astype(np.uint64)
    return asked


# -- choosing ---------------------------------------------------------------------------------------------------------


def _chosen(
    parts: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    visitors: np.ndarray,
    columns: np.ndarray,
    trees: Trees,
    options: SpaceOptions,
) -> Space:
    """Pull and number of neighbours by the log-loss of rows among rows of other visitors, none of which was learned
    from. Of all that lie within one standard error of the best, the one with most neighbours, then most pull: it hangs
    least on chance (Breiman et al. 1984, 3.4.3)."""
    past = some_visitors(visitors, options.most_past, options.seed)
    asking = np.random.default_rng(options.seed).permutation(past)[: options.most_asked]
    asking.sort()
    ks = [k for k in _NEIGHBOURS if k <= max(len(past) // 10, 1)] or [1]
    losses: dict[tuple[int, float], np.ndarray] = {}
    aucs: dict[tuple[int, float], float] = {}
    turned = {pull: _turned(parts, weights, pull, options.most_dims) for pull in _PULLS}
    ones = labels[asking] == 1
    for pull, (centre, axes, _, _) in turned.items():
        places = (_pulled(parts[past], pull) - centre) @ axes
        asked = places[np.searchsorted(past, asking)]
        found = _shares(asked, places, labels[past], weights[past], ks, visitors[asking], visitors[past])
        for k, shares in zip(ks, found, strict=True):
            losses[k, pull] = -np.where(ones, np.log(shares), np.log1p(-shares))
            aucs[k, pull] = roc_auc(labels[asking], shares, weights[asking])
    w = weights[asking].astype(np.float64)
    best = min(losses, key=lambda key: float(np.average(losses[key], weights=w)))
    good = [key for key, loss in losses.items() if _is_as_good(loss - losses[best], w)]
    k, pull = max(good)
    centre, axes, scale, explained = turned[pull]
    return Space(
        columns=columns,
        trees=trees,
        n_folds=options.n_folds,
        seed=options.seed,
        pull=pull,
        centre=centre,
        axes=axes,
        scale=scale,
        n_neighbours=k,
        explained_frac=explained,
        measured={
            "n": float(len(asking)),
            "n_past": float(len(past)),
            "log_loss": float(np.average(losses[k, pull], weights=w)),
            "roc_auc": aucs[k, pull],
        },
    )


def _is_as_good(worse_by: np.ndarray, weights: np.ndarray) -> bool:
    mean = float(np.average(worse_by, weights=weights))
    variance = float(np.average((worse_by - mean) ** 2, weights=weights))
    n = float(weights.sum()) ** 2 / float((weights**2).sum())
    return bool(mean <= (variance / n) ** 0.5)


def _pulled(parts: np.ndarray, pull: float) -> np.ndarray:
    """float32[n, c + 1]: contributions, and the margin as one more of them."""
    margins = parts.sum(axis=1, dtype=np.float64, keepdims=True) * pull**0.5
    return np.concatenate([parts, margins.astype(np.float32)], axis=1)


def _turned(
    parts: np.ndarray, weights: np.ndarray, pull: float, most_dims: int
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Centre, axes, scale and the share of the squared distances that the axes keep (principal components)."""
    pulled = _pulled(parts, pull).astype(np.float64)
    centre = np.average(pulled, axis=0, weights=weights)
    spread = (pulled - centre) * np.sqrt(weights[:, None] / weights.sum())
    variances, axes = np.linalg.eigh(spread.T @ spread)
    variances, axes = np.maximum(variances[::-1], 0.0), axes[:, ::-1]
    total = float(variances.sum())
    n_dims = min(most_dims, max(1, int(np.count_nonzero(variances > 1e-9 * max(total, 1e-30)))))
    kept = np.ascontiguousarray(axes[:, :n_dims]).astype(np.float32)
    explained = float(variances[:n_dims].sum()) / total if total > 0 else 1.0
    return centre.astype(np.float32), kept, (2.0 * total) ** 0.5 or 1.0, explained


def _shares(
    places: np.ndarray,
    past: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    ks: Sequence[int],
    visitors: np.ndarray | None,
    past_visitors: np.ndarray | None,
) -> list[np.ndarray]:
    """Shares of ones among the nearest, for each number of neighbours."""
    weights = weights.astype(np.float64)
    ones = weights * (labels == 1)
    rate = min(max(float(ones.sum() / weights.sum()), 1e-6), 1.0 - 1e-6)
    most = min(max(ks), len(past))
    norms = np.einsum("ij,ij->i", past, past)
    out = [np.empty(len(places)) for _ in ks]
    for start in range(0, len(places), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        squared = norms - 2.0 * (places[part] @ past.T)
        squared += np.einsum("ij,ij->i", places[part], places[part])[:, None]
        if visitors is not None and past_visitors is not None:
            squared[visitors[part][:, None] == past_visitors] = np.inf
        near = np.argpartition(squared, most - 1, axis=1)[:, :most]
        squared = np.maximum(np.take_along_axis(squared, near, axis=1), 0.0)
        order = np.argsort(squared, axis=1, kind="stable")
        near, squared = np.take_along_axis(near, order, axis=1), np.take_along_axis(squared, order, axis=1)
        for number, k in enumerate(ks):
            k = min(k, most)
            here = squared[:, :k]
            farthest = np.maximum(np.where(np.isfinite(here), here, 0.0).max(axis=1, keepdims=True), 1e-12)
            nearness = np.where(np.isfinite(here), np.maximum(1.0 - here / farthest, 1e-3), 0.0)
            counted = nearness * weights[near[:, :k]]
            drawn = np.maximum(counted.mean(axis=1), 1e-12)
            out[number][part] = ((nearness * ones[near[:, :k]]).sum(axis=1) + rate * drawn) / (
                counted.sum(axis=1) + drawn
            )
    return out


# -- bytes ------------------------------------------------------------------------------------------------------------


def _packed(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [value.dtype.descr if value.dtype.names else value.dtype.str, list(value.shape), value.tobytes()]
    return [_packed(part) for part in value] if isinstance(value, Trees) else value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    if len(value) == 3 and isinstance(value[2], bytes):
        kind = [tuple(field) for field in value[0]] if isinstance(value[0], list) else value[0]
        return np.frombuffer(value[2], np.dtype(kind)).reshape(value[1]).copy()
    return [_unpacked(part) for part in value]
