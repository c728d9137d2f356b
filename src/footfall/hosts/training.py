"""How does a site get a new model? From its lake to the registry, beside a server that goes on serving.

Rows by replay, trees, similarity, then the registry: each step works on what is in memory, and nothing that serves is
touched before the new model is whole on disk. A later model becomes the champion only if it foretells better than the
champion on sessions that neither learned from.
"""

import contextlib
import fcntl
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import structlog

from footfall.adapters.deployed import DeployedModels, Outcome
from footfall.adapters.registry import open_registry
from footfall.base.errors import BadInput, FootfallError, Unavailable
from footfall.hosts.past import Past, past_of
from footfall.hosts.versions import add_challenger, add_champion, forget_old
from footfall.models import similarity
from footfall.models.drift import Duel, duel
from footfall.models.model import Model, from_bytes, probabilities, to_bytes
from footfall.models.neighbours import build_past
from footfall.models.prior import Prior
from footfall.models.rows import SESSION, TARGETS, Rows, split_by_time
from footfall.models.training import TrainOptions, train
from footfall.ports import CHALLENGER, CHAMPION, Artefact, ModelRegistry
from footfall.settings import Settings
from footfall.training_set import make_rows

_log = structlog.get_logger("footfall")
MOST_ROWS = 1_000_000
"""Rows that a training holds in memory at most (a gigabyte); older sessions are thinned out evenly beyond."""
LOCK = "training.lock"

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps of it are done, and how many there are."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What one may ask of a training."""

    targets: tuple[str, ...] = TARGETS
    n_trials: int = 30
    budget_s: float | None = None
    n_threads: int = 2
    most_likeness_rows: int = 100_000
    """Rows that the space of similar visitors is learned from; it costs about as much as the trees."""
    is_promoted: bool = False
    """Let the new model serve even if it isn't shown to be better."""
    reason: str = "command line"
    """Who asks, for the notes."""


class Figures(msgspec.Struct, frozen=True):
    """How well a target is foretold on the latest sessions; None where it means nothing."""

    roc_auc: float | None
    log_loss: float | None
    base_log_loss: float
    """Of always saying the base rate."""
    ece: float | None
    base_rate: float
    top: tuple[str, ...]
    """Features that move the scores most."""


class Trained(msgspec.Struct, frozen=True):
    """What a training did."""

    site: str
    version: int
    stage: str
    message: str
    """What became of the model, and why."""
    n_rows: int
    n_sessions: int
    n_visitors: int
    n_orders: int
    n_bots: int
    """Visitors that were left out."""
    targets: dict[str, Figures]
    skipped: dict[str, str]
    """Targets that couldn't be learned, and why."""
    seconds: float


class Verdict(msgspec.Struct, frozen=True):
    """Whether a new model is to take the place of what serves, and why it is thought so."""

    is_better: bool
    why: str


def train_site(
    data: Path, settings: Settings, site_name: str, options: Options | None = None, on_progress: Progress | None = None
) -> Trained:
    """Train a site's model anew, register it, and let it serve if it should.

    Works beside a running server, which notices the new model. Raises ``BadInput`` if the data don't allow it,
    ``Unavailable`` for a disk or registry that fails or another training under way; what serves goes on then, and the
    outcome is remembered.
    """
    from threadpoolctl import threadpool_limits

    options = options or Options()
    started_s = time.monotonic()
    # The matrices are small: more threads for them mostly wait for each other, and take a busy machine's cores for that
    with threadpool_limits(1, "blas"), alone(data), past_of(data, site_name) as past:
        copies = DeployedModels(data)
        try:
            trained = _train(data, settings, past, options, on_progress or _silent, started_s)
        except BaseException as error:
            if isinstance(error, Exception):
                message = str(error) if isinstance(error, FootfallError) else f"{type(error).__name__}: {error}"
                _remember(copies, past.site.number, "failed", message, options.reason)
            raise
        _remember(copies, past.site.number, trained.stage, trained.message, options.reason)
        return trained


def is_training(data: Path) -> bool:
    """Whether a training is under way on this data folder, in whatever process."""
    try:
        with (data / "models" / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a disk that fails says nothing of a training; one that begins tells of the disk
        return False
    return False


def compare(champion: Model, model: Model, rows: Rows) -> Verdict:
    """Whether a model is better than the champion on the latest sessions: log-loss, paired, intervals over visitors.

    By the target "session"; a model that foretells another target worse, or no more, isn't better.
    """
    missing = [target for target in champion.targets if target not in model.targets]
    if missing:
        why = model.card.skipped.get(missing[0], "it wasn't asked for")
        return Verdict(False, f"it doesn't foretell `{missing[0]}`, which the champion does: {why}")
    duels: dict[str, Duel] = {}
    for target in champion.targets:
        number = TARGETS.index(target)
        try:
            test = split_by_time(rows, number).test
        except BadInput:
            continue
        features, labels = rows.features[test], rows.labels[test, number]
        scores = [probabilities(of, target, features) for of in (champion, model)]
        duels[target] = duel(labels, scores[0], scores[1], rows.visitors[test], rows.weights[test])
    worse = [target for target, found in duels.items() if found.better == "champion"]
    first = duels.get(TARGETS[SESSION])
    if first is None or worse or first.better != "challenger":
        target = worse[0] if worse else TARGETS[SESSION]
        return Verdict(
            False, f"it isn't shown to be better on the latest sessions ({_told(target, duels.get(target))})"
        )
    return Verdict(True, f"it foretells better on the latest sessions ({_told(TARGETS[SESSION], first)})")


def compare_with_prior(model: Model, rows: Rows) -> Verdict:
    """Whether a first model may take the prior's place: unless the latest sessions show it to foretell orders worse.

    Held against the prior, and, where it isn't shown to beat that, against always saying the base rate of the sessions
    it learned from. Log-loss of "session", paired, intervals over visitors; a shop with too few orders to tell gets
    its model.
    """
    target = TARGETS[SESSION]
    try:
        split = split_by_time(rows, SESSION)
    except BadInput:
        return Verdict(True, "too little is known to judge it")
    features, labels = rows.features[split.test], rows.labels[split.test, SESSION]
    by_prior = np.empty((len(features), len(TARGETS)), np.float32)
    Prior().score_into(features, by_prior)
    base_rate = np.average(rows.labels[split.train, SESSION], weights=rows.weights[split.train])
    mine = probabilities(model, target, features)
    for rival, scores in (("prior", by_prior[:, SESSION]), ("base rate", np.full(len(labels), base_rate))):
        found = duel(labels, scores, mine, rows.visitors[split.test], rows.weights[split.test])
        if found.better == "challenger":
            return Verdict(True, f"it foretells better than the {rival} ({_told(target, found, rival)})")
        if found.better == "champion":
            return Verdict(
                False, f"the {rival} foretells better on the latest sessions ({_told(target, found, rival)})"
            )
    return Verdict(True, "it isn't shown to be worse than the prior")


def _told(target: str, found: Duel | None, rival: str = "champion") -> str:
    if found is None:
        return f"`{target}` can't be judged there"
    return f"log-loss of `{target}` {found.challenger_log_loss:.4f}, the {rival}'s {found.champion_log_loss:.4f}"


def _train(
    data: Path, settings: Settings, past: Past, options: Options, on_progress: Progress, started_s: float
) -> Trained:
    with ThreadPoolExecutor(1, "footfall-registry") as pool:  # which is waited for: two migrations at once fail
        opening = pool.submit(_open, data, settings, past.site.number)  # which takes seconds, the first time
        return _learn_and_register(data, settings, past, options, on_progress, started_s, opening)


def _learn_and_register(
    data: Path,
    settings: Settings,
    past: Past,
    options: Options,
    on_progress: Progress,
    started_s: float,
    opening: "Future[ModelRegistry]",
) -> Trained:
    site = past.site.number
    rows = make_rows(
        past.lake, past.shelf, settings, site, splits=past.splits, most_rows=MOST_ROWS,
        on_progress=lambda done, n: on_progress("history", done, n),
    )  # fmt: skip
    _check(rows, past.site.name)
    if opening.done():
        opening.result()  # without a registry there is no use in learning
    model = train(
        rows,
        TrainOptions(
            n_trials=options.n_trials, budget_s=options.budget_s, n_threads=options.n_threads,
            targets=options.targets, site=site,
        ),
        lambda what, done, n: on_progress(f"learning: {what}", done, n),
    )  # fmt: skip
    model, index = _with_likeness(model, rows, options, on_progress)
    on_progress("registering", 0, 1)
    registry = opening.result()
    try:
        version = registry.register(site, Artefact(to_bytes(model), index), _card(model), _metrics(model))
        stage, message = _place(data, settings, registry, site, version, model, rows, options)
        _forget_old(data, settings, registry, site)
    finally:
        registry.close()
    on_progress("registering", 1, 1)
    card = model.card
    return Trained(
        past.site.name, version, stage, message, card.n_rows, card.n_sessions, card.n_visitors, card.n_orders,
        rows.n_bots, {name: _figures(of) for name, of in card.targets.items()}, card.skipped,
        round(time.monotonic() - started_s, 3),
    )  # fmt: skip


def _open(data: Path, settings: Settings, site: int) -> ModelRegistry:
    registry = open_registry(data, settings)
    registry.versions(site)
    return registry


def _check(rows: Rows, site: str) -> None:
    if len(rows):
        return
    if rows.n_bots:
        raise BadInput(
            f"All {rows.n_bots:,} visitors of {site} are robots, and nothing is learned from those.", code="all_bots"
        )
    raise BadInput(
        f"The lake holds no visits of {site} yet: collect some, or take history in with `footfall import`.",
        code="no_rows",
    )


def _with_likeness(model: Model, rows: Rows, options: Options, on_progress: Progress) -> tuple[Model, bytes]:
    """The model with the space that visitors are alike in, and the past visits laid out in it.

    Likeness is worth less than propensity: if it can't be learned, the model goes without.
    """
    train_rows = split_by_time(rows, SESSION).train
    most = options.most_likeness_rows
    space_options = similarity.SpaceOptions(most_rows=most, most_past=most // 5, n_threads=options.n_threads)
    try:
        space = similarity.learn(
            rows.features[train_rows], rows.labels[train_rows, SESSION], rows.weights[train_rows],
            rows.visitors[train_rows], space_options,
            lambda done, n: on_progress("similarity", done, n),
            columns=model.targets[TARGETS[SESSION]].columns,
        )  # fmt: skip
    except BadInput as error:
        _log.warning("this model knows no likeness", reason=str(error))
        return model, b""
    on_progress("past visits", 0, 1)
    past = build_past(rows, space, n_threads=options.n_threads).to_bytes()
    on_progress("past visits", 1, 1)
    return msgspec.structs.replace(model, space=space.to_bytes()), past


def _forget_old(data: Path, settings: Settings, registry: ModelRegistry, site: int) -> None:
    try:
        forget_old(data, registry, site, settings.model_versions_kept)
    except FootfallError as error:  # the model is there and placed; the next training tries again
        _log.warning("files of old models couldn't be removed", site=site, error=str(error))


def _place(
    data: Path, settings: Settings, registry: ModelRegistry, site: int, version: int, model: Model, rows: Rows,
    options: Options,
) -> tuple[str, str]:  # fmt: skip
    """Let the new model serve or challenge; its stage, and why."""
    champion, trouble = _champion(data, site)
    if options.is_promoted:
        why = f"asked for ({options.reason})"
    else:
        verdict = compare_with_prior(model, rows) if champion is None else compare(champion, model, rows)
        rival = "prior" if champion is None else "champion"
        if verdict.is_better and champion is not None and not settings.promote_automatically:
            verdict = Verdict(False, f"{verdict.why}, but `promote_automatically` is off")
        why = verdict.why
        if champion is None:
            why = f"{trouble or 'it is the first'}, and {verdict.why}"
        if not verdict.is_better:
            add_challenger(data, registry, site, version, why)
            return CHALLENGER, f"Model {version} challenges the {rival}: {why}."
    add_champion(data, registry, site, version, why)
    return CHAMPION, f"Model {version} serves from now on: {why}."


def _champion(data: Path, site: int) -> tuple[Model | None, str]:
    """The model that serves; or none, and what is wrong with the one that should."""
    copies = DeployedModels(data)
    try:
        copy = copies.read(site).champion
        return (None, "") if copy is None else (from_bytes(copies.model(site, copy)), "")
    except FootfallError as error:
        return None, f"the champion can't serve ({error})"


def _card(model: Model) -> dict[str, Any]:
    card: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(model.card))
    return card


def _metrics(model: Model) -> dict[str, float]:
    return {
        f"{target}_{name}": value
        for target, card in model.card.targets.items()
        for name, value in card.metrics.items()
        if value is not None and np.isfinite(value)
    }


def _figures(card: Any) -> Figures:
    p = card.base_rate
    base = float(-(p * np.log(p) + (1 - p) * np.log(1 - p))) if 0 < p < 1 else 0.0
    found = card.metrics.get
    return Figures(found("roc_auc"), found("log_loss"), base, found("ece"), p, tuple(card.effects)[:5])


def _remember(copies: DeployedModels, site: int, outcome: str, message: str, reason: str) -> None:
    """On a full disk the training is told of all the same, only not remembered."""
    with contextlib.suppress(Unavailable):
        copies.tell(site, Outcome(time.time_ns() // 1_000_000, outcome, message, reason))


@contextlib.contextmanager
def alone(data: Path) -> Iterator[None]:
    """While no other training of this data folder may begin. Raises ``Unavailable`` (``is_training``) if one runs."""
    if not data.is_dir():
        yield  # there is nothing; what follows says so
        return
    path = data / "models" / LOCK
    try:
        path.parent.mkdir(exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise _no_lock(path, error) from error
    with file:
        for attempt in range(20):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if attempt == 19:  # one who only looks holds it for no longer than a moment
                    raise Unavailable(
                        "Another training of this data folder is under way: wait until it has ended.",
                        code="is_training", retry_after_s=60,
                    ) from error  # fmt: skip
                time.sleep(0.05)
            except OSError as error:
                raise _no_lock(path, error) from error
        yield


def _no_lock(path: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{path} can't be locked ({error.strerror}): check the disk and its rights.", code="disk")


def _silent(what: str, done: int, n: int) -> None:
    """Nobody looks."""


def _end_with_server() -> None:
    while os.read(sys.stdin.fileno(), 1):
        """Nothing more is said."""
    os._exit(ORPHANED)


ORPHANED = 4
"""How the process ends once whoever ordered it is gone. What it was writing has no name yet: nothing is half there."""
TOLD = 3
"""How the process ends when the training failed in a way that is on disk; 1 is what Python itself ends with."""


class Order(msgspec.Struct, frozen=True):
    """What the server tells the process that it lets train."""

    data: str
    site: str
    settings: Settings
    options: Options


def main() -> int:
    """Carry out the :class:`Order` on the first line of standard input, at low priority; the outcome is on disk.

    Whoever ordered it holds standard input open: its end is theirs, and this process ends with them.
    """
    os.nice(10)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    threading.Thread(target=_end_with_server, name="footfall-server-gone", daemon=True).start()
    try:
        trained = train_site(Path(order.data), order.settings, order.site, order.options)
    except FootfallError as error:
        sys.stderr.write(f"{error}\n")
        return TOLD
    sys.stdout.buffer.write(msgspec.json.encode(trained) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
