"""What do boosted trees say of many rows at once? XGBoost's trees as flat arrays, and one compiled pass over them.

A tree isn't walked row by row: every one of its nodes chooses, for a block of rows at once, between what its two sides
say, from the leaves up. That does more comparisons than walking, but without a branch and sixteen rows to an
instruction. The sums are XGBoost's own: float32, tree after tree, so that margins are equal to the last bit or nearly.
"""

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from footfall.base.errors import BadInput
from footfall.record.compiled import kernel

BLOCK = 64
"""Rows that are looked at together; what is kept of them fits into a core's own cache."""
NODE = np.dtype([("reading", "i4"), ("below", "f4"), ("left", "f4"), ("right", "f4"), ("form", "u1")], align=True)
"""A choice: the left side where the reading is less than ``below``, else the right. ``form`` says which sides are
leaves; what others say was worked out by the nodes before."""
_LEFT_LEAF, _RIGHT_LEAF = 1, 2
_BOTH_LEAVES = _LEFT_LEAF | _RIGHT_LEAF
_MOST_DEPTH = 64
_BLOCK = np.uint64(BLOCK)


class Forest(NamedTuple):
    """The trees of one or more boosters; read only."""

    columns: np.ndarray
    """int32[r]: which feature each reading is of. A feature is read twice if it is missing to the left in some nodes,
    to the right in others."""
    missing: np.ndarray
    """float32[r]: what stands for NaN: -inf goes left everywhere, inf right."""
    nodes: np.ndarray
    """NODE[k]: tree after tree, each from its leaves to its root."""
    ends: np.ndarray
    """int32[t]: where in ``nodes`` each tree ends."""
    targets: np.ndarray
    """int32[t]: to which booster each tree belongs."""
    bases: np.ndarray
    """float32[b]: margin of each booster before its first tree."""
    depth: int
    """Of the deepest tree."""

    def margins(self, features: np.ndarray) -> np.ndarray:
        """float32[n, b]: log-odds by booster, from ``features`` float32[n, m]; NaN is missing. Any thread may ask."""
        out = np.empty((len(features), len(self.bases)), np.float32)
        margins_into(
            features, self.columns, self.missing, self.nodes, self.ends, self.targets, self.bases,
            np.zeros(len(self.columns) * BLOCK, np.float32), np.zeros((self.depth + 2) * BLOCK, np.float32),
            np.zeros(len(self.bases) * BLOCK, np.float32), out,
        )  # fmt: skip
        return out


def forest_of(boosters: Sequence[tuple[bytes, np.ndarray]]) -> Forest:
    """The trees of boosters: each XGBoost's UBJSON and, int32[k], the columns of the features that are its inputs.

    Raises BadInput (``bad_model``) if one can't be read, or isn't made of binary:logistic trees over numbers.
    """
    readings: dict[tuple[int, bool], int] = {}
    nodes: list[tuple[int, float, float, float, int]] = []
    ends: list[int] = []
    targets: list[int] = []
    bases: list[float] = []
    depth = 1
    try:
        for target, (data, columns) in enumerate(boosters):
            learner = _read(memoryview(data), 0)[0]["learner"]
            if learner["objective"]["name"] != "binary:logistic" or learner["gradient_booster"]["name"] != "gbtree":
                raise BadInput("This model isn't made of binary:logistic trees: train it anew.", code="bad_model")
            share = float(learner["learner_model_param"]["base_score"].strip("[]"))
            bases.append(-float(np.log(1.0 / share - 1.0)))
            for tree in learner["gradient_booster"]["model"]["trees"]:
                depth = max(depth, _put_tree(tree, columns, readings, nodes))
                ends.append(len(nodes))
                targets.append(target)
    except (KeyError, IndexError, TypeError, ValueError, struct.error, ZeroDivisionError, RecursionError) as error:
        raise BadInput(f"This model's trees can't be read ({error!r}): train it anew.", code="bad_model") from error
    forest = Forest(
        np.array([column for column, _ in readings], np.int32),
        np.array([-np.inf if is_left else np.inf for _, is_left in readings], np.float32),
        np.array(nodes, NODE), np.array(ends, np.int32), np.array(targets, np.int32), np.array(bases, np.float32),
        depth,
    )  # fmt: skip
    if not np.isfinite(forest.nodes["below"]).all() or not np.isfinite(forest.bases).all():
        raise BadInput("This model has a threshold that is no number: train it anew.", code="bad_model")
    return forest


def _put_tree(
    tree: dict[str, Any],
    columns: np.ndarray,
    readings: dict[tuple[int, bool], int],
    nodes: list[tuple[int, float, float, float, int]],
) -> int:
    """Append a tree's choices, those below first; returns its depth. A leaf's value stands where splits have bounds."""
    if len(tree["categories"]):
        raise ValueError("categories")
    left, right = (np.asarray(tree[name]).tolist() for name in ("left_children", "right_children"))
    bounds, features, to_left = (
        np.asarray(tree[name]).tolist() for name in ("split_conditions", "split_indices", "default_left")
    )

    def put(at: int, level: int) -> int:
        if level > _MOST_DEPTH:
            raise ValueError("too deep")
        a, b = left[at], right[at]
        is_left_leaf, is_right_leaf = left[a] == -1, left[b] == -1
        below = [0 if is_leaf else put(child, level + 1) for child, is_leaf in ((a, is_left_leaf), (b, is_right_leaf))]
        reading = readings.setdefault((int(columns[features[at]]), bool(to_left[at])), len(readings))
        form = _LEFT_LEAF * is_left_leaf + _RIGHT_LEAF * is_right_leaf
        leaves = (bounds[a] if is_left_leaf else 0.0, bounds[b] if is_right_leaf else 0.0)
        nodes.append((reading, bounds[at], *leaves, form))
        return 1 + max(below)

    if left[0] != -1:
        return put(0, 1)
    reading = readings.setdefault((0, False), len(readings))  # a tree of one leaf says the same on both sides
    nodes.append((reading, 0.0, bounds[0], bounds[0], _BOTH_LEAVES))
    return 1


@kernel
def margins_into(
    features: np.ndarray, columns: np.ndarray, missing: np.ndarray, nodes: np.ndarray, ends: np.ndarray,
    targets: np.ndarray, bases: np.ndarray, block: np.ndarray, stack: np.ndarray, sums: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Fill ``out`` float32[n, b] with the margins of ``features`` float32[n, m]; the rest is as in :class:`Forest`.

    ``block`` float32[r * BLOCK], ``stack`` float32[(depth + 2) * BLOCK] and ``sums`` float32[b * BLOCK] are room, owned
    by the caller. Indices are unsigned, as only then the inner loops become vector instructions.
    """
    for start in range(0, len(features), BLOCK):
        n = min(BLOCK, len(features) - start)
        first = np.uint64(start)
        for k in range(len(columns)):
            column, at, instead = np.uint64(columns[k]), np.uint64(k) * _BLOCK, missing[k]
            for i in range(np.uint64(n)):
                value = features[first + i, column]
                block[at + i] = instead if value != value else value
        for k in range(len(bases)):
            for i in range(_BLOCK):
                sums[np.uint64(k) * _BLOCK + i] = bases[k]
        begin = 0
        for t in range(len(ends)):
            top = np.uint64(0)  # where the next answer goes
            for k in range(begin, ends[t]):
                node = nodes[k]
                x, below, form = np.uint64(node["reading"]) * _BLOCK, node["below"], node["form"]
                left, right = node["left"], node["right"]
                if form == _BOTH_LEAVES:
                    for i in range(_BLOCK):
                        stack[top + i] = left if block[x + i] < below else right
                    top += _BLOCK
                elif form == _LEFT_LEAF:
                    for i in range(_BLOCK):
                        said = stack[top - _BLOCK + i]
                        stack[top - _BLOCK + i] = left if block[x + i] < below else said
                elif form == _RIGHT_LEAF:
                    for i in range(_BLOCK):
                        said = stack[top - _BLOCK + i]
                        stack[top - _BLOCK + i] = said if block[x + i] < below else right
                else:
                    top -= _BLOCK
                    for i in range(_BLOCK):
                        said, said_right = stack[top - _BLOCK + i], stack[top + i]
                        stack[top - _BLOCK + i] = said if block[x + i] < below else said_right
            begin = ends[t]
            of_target = np.uint64(targets[t]) * _BLOCK
            for i in range(_BLOCK):
                sums[of_target + i] += stack[i]
        for i in range(n):
            for k in range(len(bases)):
                out[start + i, k] = sums[np.uint64(k) * _BLOCK + np.uint64(i)]


# -- UBJSON, as XGBoost writes it (ubjson.org, draft 12): numbers are big-endian -----------------------------------

_NUMBERS = {
    ord("i"): ">i1", ord("U"): ">u1", ord("I"): ">i2", ord("l"): ">i4", ord("L"): ">i8", ord("d"): ">f4",
    ord("D"): ">f8",
}  # fmt: skip
_WORDS = {ord("T"): True, ord("F"): False, ord("Z"): None}


def _read(data: memoryview, at: int) -> tuple[Any, int]:
    """The value at a position, and where the next one begins. Arrays of one type of number become NumPy's."""
    marker = data[at]
    at += 1
    if marker in _NUMBERS:
        dtype = np.dtype(_NUMBERS[marker])
        return np.frombuffer(data, dtype, 1, at)[0].item(), at + dtype.itemsize
    if marker in _WORDS:
        return _WORDS[marker], at
    if marker == ord("S"):
        return _read_text(data, at)
    if marker == ord("C"):
        return chr(data[at]), at + 1
    if marker == ord("["):
        return _read_array(data, at)
    if marker == ord("{"):
        values = {}
        while data[at] != ord("}"):
            key, at = _read_text(data, at)
            values[key], at = _read(data, at)
        return values, at + 1
    raise ValueError(f"byte {marker} at {at - 1}")


def _read_text(data: memoryview, at: int) -> tuple[str, int]:
    length, at = _read(data, at)
    if not 0 <= length <= len(data) - at:
        raise ValueError(f"length {length}")
    return bytes(data[at : at + length]).decode(), at + length


def _read_array(data: memoryview, at: int) -> tuple[Any, int]:
    dtype = None
    if data[at] == ord("$"):
        dtype = np.dtype(_NUMBERS[data[at + 1]])
        at += 2
    if data[at] == ord("#"):
        n, at = _read(data, at + 1)
        if dtype is not None:
            return np.frombuffer(data, dtype, n, at), at + n * dtype.itemsize
        values = []
        for _ in range(n):
            value, at = _read(data, at)
            values.append(value)
        return values, at
    values = []
    while data[at] != ord("]"):
        value, at = _read(data, at)
        values.append(value)
    return values, at + 1
