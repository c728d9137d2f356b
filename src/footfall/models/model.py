"""What is a trained model, as one thing? Trees by target, a card that says what they are worth, and one file of it all.

A file begins with a magic and a checksum, and names the catalogue of features and the record layout it was learned
from: what was cut, changed or learned from other features is refused before anything in it is believed.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from xxhash import xxh3_128_digest

from footfall.base.errors import BadInput, Missing, Unavailable
from footfall.models.boosted import Boosted, Params, probability
from footfall.models.drift import Bins
from footfall.models.rows import SESSION, TARGETS
from footfall.record.features import CATALOGUE_ID
from footfall.record.layout import LAYOUT

MAGIC = b"footfall model 1\n"
_N_CHECKSUM = 16

Figure = float | None
"""A measured number; None where it means nothing (JSON has no NaN)."""


class Search(msgspec.Struct, frozen=True):
    """How the trees' settings were found; ``log_loss`` is the lowest, over windows of the past's own past."""

    n_trials: int
    n_pruned: int
    n_rows: int
    log_loss: Figure


class TargetCard(msgspec.Struct, frozen=True):
    """How one target was learned, and how good its probabilities are on the latest sessions, which nothing was learned
    from or chosen by."""

    n_train: int
    n_valid: int
    n_test: int
    """Rows that were learned from; that the number of trees, calibration and threshold were chosen by; that judged."""
    n_test_orders: int
    """Sessions among the latter with a positive row."""
    base_rate: float
    """Weighted share of positive rows among those judged by."""
    metrics: dict[str, Figure]
    """Of ``metrics.METRICS``, on the test side."""
    intervals: dict[str, tuple[Figure, Figure]]
    """Of each metric, 95 %, over visitors."""
    roc_auc_by_seen: dict[str, Figure]
    """By number of the session's events seen so far."""
    threshold: Figure
    """Chosen on the validation side for the highest F1."""
    precision: Figure
    recall: Figure
    """At the threshold, on the test side."""
    calibration: str
    calibration_log_loss: dict[str, Figure]
    calibration_ece: dict[str, Figure]
    """Cross-fitted on the validation side, by kind."""
    params: Params
    n_trees: int
    n_features: int
    search: Search
    effects: dict[str, float]
    """Mean size of the contribution of the twenty features that move scores most, in log-odds, largest first."""


class Card(msgspec.Struct, frozen=True):
    """What a version was made from and how good it is."""

    site: int
    made_ms: int
    from_ms: int
    until_ms: int
    """First and last moment of the rows."""
    n_rows: int
    n_sessions: int
    n_visitors: int
    n_orders: int
    """Sessions that had an order after one of their rows."""
    features: tuple[str, ...]
    """That the trees of any target read."""
    targets: dict[str, TargetCard]
    skipped: dict[str, str]
    """Targets that could not be learned, and why."""
    seed: int
    n_trials: int
    layout: int
    catalogue_id: str
    code_version: str
    libraries: dict[str, str]


class Reference(msgspec.Struct, frozen=True, eq=False):
    """What drift is measured against."""

    columns: np.ndarray
    """int32[k]: columns of the catalogue, rising: all that the trees of any target read."""
    features: list[Bins]
    """Of each column, over the rows that were learned from."""
    scores: dict[str, Bins]
    """Of each target's probabilities, over rows that were not learned from."""


class Model(msgspec.Struct, frozen=True, eq=False):
    """One trained model of a site, ready to be kept or served."""

    catalogue_id: str
    layout: int
    targets: dict[str, Boosted]
    """By ``rows.TARGETS``; "session" is always there."""
    reference: Reference
    card: Card
    space: bytes | None = None
    """The space that similar visitors are near each other in (:mod:`footfall.models.similarity`)."""


class _Header(msgspec.Struct, frozen=True):
    catalogue_id: str
    layout: int


def probabilities(model: Model, target: str, features: np.ndarray) -> np.ndarray:
    """float64[n], calibrated, of features float32[n, N_FEATURES], as served: an order within seven days is never less
    probable than one in this session. Raises Missing for a target it wasn't trained for."""
    boosted = model.targets.get(target)
    if boosted is None:
        why = model.card.skipped.get(target, "it wasn't asked for")
        raise Missing(f"The model has no target {target!r} ({why}): train it with more data.", code="no_target")
    found = probability(boosted, features)
    session = model.targets.get(TARGETS[SESSION])
    return found if boosted is session or session is None else np.maximum(found, probability(session, features))


def why_not(catalogue_id: str, layout: int) -> str:
    """Why a model of this catalogue and layout can't be served by this version of Footfall; "" if it can."""
    if layout != LAYOUT:
        return f"It was learned from records of layout {layout}, this version keeps layout {LAYOUT}: train a new one."
    if catalogue_id != CATALOGUE_ID:
        return (
            f"It was learned from the features {catalogue_id}, this version computes {CATALOGUE_ID}: train a new one."
        )
    return ""


def to_bytes(model: Model) -> bytes:
    """The model's file."""
    header = msgspec.msgpack.encode(_Header(model.catalogue_id, model.layout))
    body = len(header).to_bytes(4, "big") + header + msgspec.msgpack.encode(model, enc_hook=_plain)
    return MAGIC + xxh3_128_digest(body) + body


def from_bytes(data: bytes) -> Model:
    """A model from its file.

    Raises BadInput: ``bad_model`` for a file that is none, cut or changed; ``other_layout`` and ``other_catalogue`` for
    a model that was learned from other features than this version computes.
    """
    start = len(MAGIC) + _N_CHECKSUM
    body = data[start:]
    if data[: len(MAGIC)] != MAGIC or data[len(MAGIC) : start] != xxh3_128_digest(body):
        raise BadInput(
            "This is no whole model file: it was cut or changed. Roll back to another version, or train a new one.",
            code="bad_model",
        )
    n_header = int.from_bytes(body[:4], "big")
    try:
        header = msgspec.msgpack.decode(body[4 : 4 + n_header], type=_Header)
        why = why_not(header.catalogue_id, header.layout)
        if why:
            code = "other_layout" if header.layout != LAYOUT else "other_catalogue"
            raise BadInput(f"This model can't be served. {why}", code=code)
        return msgspec.msgpack.decode(body[4 + n_header :], type=Model, dec_hook=_array)
    except msgspec.DecodeError as error:
        raise BadInput(
            f"This model was written by another version ({error}): train a new one.", code="bad_model"
        ) from (error)


def save(model: Model, path: Path) -> None:
    """Write the file whole or not at all; a file that was there stays until then. Raises Unavailable if the disk can't
    take it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(to_bytes(model))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise Unavailable(
            f"The model can't be written ({error}): free some space or check the disk, then train again.",
            code="model_disk",
        ) from error


def load(path: Path) -> Model:
    """A model from a file; raises Missing if there is none, and as :func:`from_bytes` does."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise Missing(f"There is no model at {path}: train one with `footfall train`.", code="no_model") from error
    return from_bytes(data)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes())
    raise NotImplementedError(f"a model can't hold a {type(value).__name__}")


def _array(kind: type, value: Any) -> Any:
    if kind is not np.ndarray:
        raise NotImplementedError(f"a model can't hold a {kind.__name__}")
    dtype, shape, data = value
    return np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy()
