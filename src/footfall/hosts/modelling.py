"""What keeps a site's model right while the server runs? Takes new ones over, watches the live scores, lets train anew.

One thread turns once a second and does one thing after the other; none of it is on the way of an event. What fails is
logged, becomes an alarm, and is tried again; whatever served goes on serving.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import msgspec
import structlog

from footfall.adapters.deployed import Copy, Deployed, DeployedModels, Outcome
from footfall.adapters.lake_snapshot import sweep
from footfall.adapters.registry import open_registry
from footfall.base.clock import Clock
from footfall.base.errors import BadInput, FootfallError, Unavailable
from footfall.base.kinds import Kind
from footfall.hosts.alarms import Alarms
from footfall.hosts.shown import model_detail, model_list
from footfall.hosts.training import TOLD, Options, Order, alone, is_training
from footfall.hosts.versions import add_champion, roll_back
from footfall.hosts.watching import Look, look, look_at_challenger
from footfall.models.drift import Duel
from footfall.models.model import from_bytes
from footfall.models.serving import Served
from footfall.ports import CHAMPION, ModelRegistry
from footfall.settings import Settings
from footfall.web.metrics import ModelFigures

if TYPE_CHECKING:
    from footfall.hosts.running import DataFolder

_log = structlog.get_logger("footfall")
TURN_S = 1.0
RETRY_MS = 60_000
"""A model that couldn't be taken over is tried again after so long, even if nothing changed."""
_HOUR_MS = 3_600_000
_DRIFT_PAUSE_MS = 6 * _HOUR_MS
"""Drift lets train anew at most so often: a training takes its time to be judged by."""
_STOP_WITHIN_S = 10.0


class _Child(NamedTuple):
    process: subprocess.Popen[bytes]
    said: IO[bytes]


Loaded = Callable[[int, Served | None, bytes], None]
"""Told the site, the champion that serves it from now on, and its past visits."""


class Modelling:
    """:class:`footfall.ports.Models` of a running data folder, and the thread that keeps its models right."""

    def __init__(self, folder: "DataFolder", settings: Settings, clock: Clock) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = clock
        self._copies = DeployedModels(folder.path)
        self.alarms = Alarms(clock, settings.notify_url)
        self.on_loaded: Loaded = _ignore
        self._guard = threading.RLock()
        """Around moving models, so that two requests don't move them at once."""
        self._reloading = threading.Lock()
        self._stamps: dict[int, tuple[int, ...]] = {}
        self._retry_ms: dict[int, int] = {}
        self._deployed: dict[int, Deployed] = {}
        self._served: dict[int, tuple[Served | None, Served | None]] = {}
        self._past_due: set[int] = set()
        """Sites whose past visits are to be read: that may take seconds, so it isn't done on the way to a start."""
        self._looks: dict[int, Look] = {}
        self._look_due_ms = 0
        self._judged: dict[int, tuple[int, int, int]] = {}
        """By site, which challenger was held against the champion last, on how many scores, and when (ms)."""
        self._training: dict[int, _Child] = {}
        self._begun_ms: dict[int, int] = {}
        """When each site's last training was begun here: its outcome may not have been written, on a full disk."""
        self._by_drift_ms: dict[int, int] = {}
        self._train_check_ms = 0
        self._registry: ModelRegistry | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # -- the thread ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take over what is deployed, before the first event is scored; then turn until :meth:`stop`."""
        sweep(self._folder.path)
        self.reload()
        self._look_due_ms = self._clock.now_ms() + self._settings.drift_interval_s * 1000
        self._train_check_ms = self._clock.now_ms() + RETRY_MS
        self._thread = threading.Thread(target=self._run, name="footfall-models", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and a training that this server began; what was trained so far is lost, nothing else."""
        self._stop.set()
        self.alarms.close()
        children = list(self._training.values())
        for process, _ in children:
            process.terminate()
        for process, _ in children:
            try:
                process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if children:
            sweep(self._folder.path)
        if self._thread is not None:
            self._thread.join(_STOP_WITHIN_S)

    def _run(self) -> None:
        while not self._stop.wait(TURN_S):
            try:
                self.turn()
            except Exception as error:  # noqa: BLE001 - whatever it is must not stop the watch: told, and tried again
                _log.error("keeping models right failed and is tried again", error=str(error), exc_info=True)
                self._stop.wait(RETRY_MS / 1000)

    def turn(self) -> None:
        """One turn: new models, ended trainings, and what is due by the clock."""
        self.reload()
        self._load_past()
        self._collect()
        now_ms = self._clock.now_ms()
        if now_ms >= self._look_due_ms:
            self._look_due_ms = now_ms + self._settings.drift_interval_s * 1000
            for site in list(self._served):
                self.watch(site)
        if now_ms >= self._train_check_ms:
            self._train_check_ms = now_ms + RETRY_MS
            self._train_what_is_due(now_ms)

    # -- taking models over --------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Take over every pointer that was replaced; a model that can't serve leaves the one before in place."""
        now_ms = self._clock.now_ms()
        with self._reloading:
            for site in self._copies.sites():
                stamp = self._copies.stamp(site)
                is_retry = now_ms >= self._retry_ms.get(site, 1 << 62)
                if stamp != self._stamps.get(site, ()) or is_retry:
                    self._stamps[site] = stamp
                    self._retry_ms.pop(site, None)
                    self._take_over(site)

    def _take_over(self, site: int) -> None:
        champion, challenger = self._served.get(site, (None, None))
        troubles = []
        try:
            deployed = self._copies.read(site)
        except FootfallError as error:
            self._trouble(site, [("pointer", str(error))])
            return
        before = self._deployed.get(site, Deployed())
        is_new = deployed.champion != before.champion
        try:
            champion = self._opened(site, deployed.champion) if is_new or champion is None else champion
        except FootfallError as error:
            troubles.append(("champion", f"Model {_number(deployed.champion)} can't serve: {error}"))
            deployed = msgspec.structs.replace(deployed, champion=before.champion)
            is_new = False
        try:
            if deployed.challenger != before.challenger or challenger is None:
                challenger = self._opened(site, deployed.challenger)
        except FootfallError as error:
            troubles.append(("challenger", f"Model {_number(deployed.challenger)} can't be tried: {error}"))
            deployed = msgspec.structs.replace(deployed, challenger=None)
            challenger = None
        self._deployed[site] = deployed
        self._served[site] = champion, challenger
        self._folder.use_model(site, champion, challenger)
        if is_new:
            self._looks.pop(site, None)
            self._past_due.add(site)
            _log.info("a model serves", site=site, version=_number(deployed.champion))
        self._trouble(site, troubles)

    def _load_past(self) -> None:
        while self._past_due:
            site = self._past_due.pop()
            champion, _ = self._served.get(site, (None, None))
            copy = self._deployed.get(site, Deployed()).champion
            if champion is not None:
                champion.prepare_reasons()
            try:
                past = b"" if copy is None else self._copies.past(site, copy)
            except FootfallError as error:
                _log.error("past visits can't be compared with", site=site, error=str(error))
                past = b""
            self.on_loaded(site, champion, past)

    def _opened(self, site: int, copy: Copy | None) -> Served | None:
        """Raises FootfallError, and nothing else: a model is data, and no data may keep a server from starting."""
        if copy is None:
            return None
        data = self._copies.model(site, copy)
        try:
            return Served(from_bytes(data), copy.version)
        except FootfallError:
            raise
        except Exception as error:
            raise BadInput(f"it can't be read ({error!r}): train a new one.", code="bad_model") from error

    def _trouble(self, site: int, troubles: list[tuple[str, str]]) -> None:
        if troubles:
            self._retry_ms[site] = self._clock.now_ms() + RETRY_MS
        self.alarms.hold(site, "model:", troubles)

    # -- watching ------------------------------------------------------------------------------------------------------

    def watch(self, site: int) -> Look | None:
        """Look at the site's live scores now; None while there is no model, or when the lake can't be read."""
        champion, challenger = self._served.get(site, (None, None))
        if champion is None and challenger is None:
            return None
        version = 0 if challenger is None else challenger.version
        now_ms, lake, settings = self._clock.now_ms(), self._folder.lake, self._settings
        try:
            if champion is None:
                found = look_at_challenger(lake, settings, site, version, now_ms)
            else:
                found = look(lake, settings, site, champion.model, champion.version, version, now_ms)
        except FootfallError as error:
            _log.warning("live scores can't be looked at", site=site, error=str(error))
            return None
        self._looks[site] = found
        self.alarms.hold(site, "drift:", found.findings)
        failure = self._folder.scoring.failures.get(site)
        self.alarms.hold(
            site, "scoring", [("", f"The model failed, and the prior scored: {failure}")] if failure else []
        )
        if challenger is not None and found.duel is not None:
            self._judge(site, champion, challenger, found.duel)
        return found

    def _judge(self, site: int, champion: Served | None, challenger: Served, found: Duel) -> None:
        """Let a challenger serve that won on live scores.

        It is judged when there are twice the scores of the last time, or a window has passed: the more often one asks,
        the sooner chance says yes.
        """
        now_ms, version = self._clock.now_ms(), challenger.version
        if not self._settings.promote_automatically or found.n < self._settings.drift_min_scores:
            return
        judged, n, at_ms = self._judged.get(site, (0, 0, 0))
        is_same = judged == version
        if is_same and found.n < 2 * n and now_ms - at_ms < self._settings.drift_window_h * _HOUR_MS:
            return
        foretold = set() if champion is None else set(champion.model.targets)
        if found.better == "challenger" and foretold <= set(challenger.model.targets):
            why = (
                f"it foretold better on {found.n:,} live scores (log-loss {found.challenger_log_loss:.4f}, before "
                f"{found.champion_log_loss:.4f})"
            )
            try:
                registry = self._open()
                if not self._promote_winner(registry, site, champion, version, why):
                    return
            except FootfallError as error:
                _log.error("a challenger that won couldn't be promoted", site=site, error=str(error))
                return
        self._judged[site] = version, found.n, now_ms

    def _promote_winner(
        self, registry: ModelRegistry, site: int, champion: Served | None, version: int, why: str
    ) -> bool:
        """False while a training runs, or when champion or challenger aren't those any more."""
        with self._guard:
            if self._training or is_training(self._folder.path):
                return False
            with alone(self._folder.path):
                deployed = self._copies.read(site)
                if (_number(deployed.champion), _number(deployed.challenger)) != (
                    0 if champion is None else champion.version,
                    version,
                ):
                    return False
                add_champion(self._folder.path, registry, site, version, why)
            self._folder.definitions.add_audit("server", "models.promote", site, {"version": version, "why": why})
            self.reload()
        return True

    def figures(self) -> Iterator[ModelFigures]:
        """See :class:`footfall.web.metrics.HasModels`."""
        active = self.alarms.active()
        for site in sorted({*self._served, *(site for site, _ in active)}):
            champion, challenger = self._served.get(site, (None, None))
            found = self._looks.get(site)
            known = {} if found is None else {name: of for name, of in found.calibration.items() if of.n}
            yield ModelFigures(
                site, 0 if champion is None else champion.version, 0 if challenger is None else challenger.version,
                None if found is None else max(found.psi.values(), default=0.0),
                None if found is None else found.score_psi,
                {name: of.predicted for name, of in known.items()}, {name: of.observed for name, of in known.items()},
                tuple(what for at, what in active if at == site),
            )  # fmt: skip

    # -- training ------------------------------------------------------------------------------------------------------

    def _train_what_is_due(self, now_ms: int) -> None:
        if not self._settings.retrain_every_h or is_training(self._folder.path):
            return
        for site in self._folder.definitions.sites():
            if site.is_archived:
                continue
            reason = self._why_train(site.number, now_ms)
            if reason and self._has_orders(site.number):
                with self._guard:
                    if not self._training:
                        self._begin(site.number, site.name, reason)
                return

    def _why_train(self, site: int, now_ms: int) -> str:
        outcome = self._copies.outcome(site)
        last_ms = max(-(1 << 62) if outcome is None else outcome.at_ms, self._begun_ms.get(site, -(1 << 62)))
        since_ms = now_ms - last_ms
        if since_ms >= self._settings.retrain_every_h * _HOUR_MS:
            return "schedule"
        drifts = any(what.startswith("drift:") for at, what in self.alarms.active() if at == site)
        if drifts and since_ms >= _DRIFT_PAUSE_MS and now_ms - self._by_drift_ms.get(site, 0) >= _DRIFT_PAUSE_MS:
            self._by_drift_ms[site] = now_ms
            return "drift"
        return ""

    def _has_orders(self, site: int) -> bool:
        sql = f"SELECT count(*) AS n FROM events WHERE site = ? AND kind = {int(Kind.ORDER)}"  # noqa: S608 (own number)
        n = int(self._folder.lake.query(sql, [site])["n"][0].as_py())
        return n >= self._settings.retrain_min_orders

    def _begin(self, site: int, name: str, reason: str) -> None:
        """Train in another process, of low priority and bounded threads, on what the lake has.

        Raises Unavailable if there is no room for a process.
        """
        threads = self._settings.retrain_threads
        options = Options(budget_s=float(self._settings.retrain_budget_s), n_threads=threads, reason=reason)
        order = Order(str(self._folder.path.absolute()), name, self._settings, options)
        bounds = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}
        self._begun_ms[site] = self._clock.now_ms()
        try:
            said = tempfile.TemporaryFile()  # noqa: SIM115 - closed once the process has ended
            process = subprocess.Popen(
                [sys.executable, "-m", "footfall.hosts.training"],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, **bounds},
            )  # fmt: skip
        except OSError as error:
            raise Unavailable(
                f"A training can't be begun ({error.strerror}): free some memory and disk, then try again.",
                code="cannot_begin",
            ) from error
        self._training[site] = _Child(process, said)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # one that has ended is told of by its end
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            process.stdin.flush()  # and stays open: its end is this server's, and the training ends with it
        if self._stop.is_set():  # too late for stop() to see it
            process.terminate()
        _log.info("a training begins", site=site, reason=reason)

    def _collect(self) -> None:
        """Note trainings that have ended; one that was killed couldn't say so itself."""
        for site, (process, file) in list(self._training.items()):
            code = process.poll()
            if code is None:
                continue
            del self._training[site]
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            file.seek(0)
            lines = file.read().decode(errors="replace").strip().splitlines()
            file.close()
            outcome = self._copies.outcome(site)
            message = "" if outcome is None else outcome.message
            if code == TOLD and lines:
                message = lines[-1]  # the outcome may be an older one
            elif code:
                why = lines[-1][:500] if lines else "it was killed; is there enough memory?"
                message = f"The training ended with code {code}: {why}"
                with contextlib.suppress(Unavailable):  # on a full disk the alarm and the log have it
                    self._copies.tell(site, Outcome(self._clock.now_ms(), "failed", message, "server"))
            if code:
                sweep(self._folder.path)
            self.alarms.hold(site, "training", [("", f"The last training failed: {message}")] if code else [])
            _log.info("a training has ended", site=site, code=code, message=message)
            if not code and outcome is not None and outcome.outcome == CHAMPION:
                self._folder.definitions.add_audit("server", "models.promote", site, {"why": message})

    # -- ports.Models --------------------------------------------------------------------------------------------------

    def models(self, site: int) -> dict[str, Any]:
        """See the port."""
        champion, _ = self._served.get(site, (None, None))
        serving = 0 if champion is None else champion.version
        is_busy = site in self._training or is_training(self._folder.path)
        versions = self._open().versions(site) if self._is_known(site) else []
        return model_list(site, versions, self._copies, is_busy, serving)

    def model(self, site: int, version: int) -> dict[str, Any]:
        """See the port."""
        return model_detail(self._open().version(site, version))

    def drift(self, site: int) -> dict[str, Any]:
        """See the port."""
        alarms = self.alarms.of(site)
        found = self._looks.get(site)
        if found is not None:
            return found.shown(alarms)
        return {
            "at": None, "version": None, "psi": [], "score_psi": None, "calibration": {}, "alarms": alarms,
            "challenger": None,
        }  # fmt: skip

    def promote(self, site: int, version: int, by: str) -> None:
        """See the port."""
        with self._guard:
            add_champion(self._folder.path, self._open(), site, version, f"asked for ({by})")
            self.reload()

    def rollback(self, site: int, by: str) -> int:
        """See the port."""
        with self._guard:
            version = roll_back(self._folder.path, self._open(), site, f"asked for ({by})")
            self.reload()
        return version

    def train(self, site: int, by: str) -> None:
        """See the port."""
        with self._guard:
            if self._training or is_training(self._folder.path):
                raise BadInput("A training is under way: wait until it has ended.", code="is_training")
            name = next(of.name for of in self._folder.definitions.sites() if of.number == site)
            self._begin(site, name, by)

    def _open(self) -> ModelRegistry:
        """The registry, opened when somebody first asks: that takes seconds, which no start should."""
        with self._guard:
            if self._registry is None:
                self._registry = open_registry(self._folder.path, self._settings, self._clock)
            return self._registry

    def _is_known(self, site: int) -> bool:
        """Whether a model ever served it here: else nobody needs to wait for the registry to open."""
        return bool(self._copies.stamp(site) or self._settings.model_registry_url)


def _ignore(site: int, served: Served | None, past: bytes) -> None:
    """Nobody listens."""


def _number(copy: Copy | None) -> int:
    return 0 if copy is None else copy.version
