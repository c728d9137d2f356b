"""The embedded host: one process, one data folder. Opens the parts, recovers, and runs the engine's loops.

One lock stands around the engine. The engine loop takes what the log has and applies it; the commit loop stores what
changed and then carries it to the lake; facts are published from the lake at intervals. A part that fails is logged,
tried again with a pause, and makes ``/readyz`` say so; none of them ends the process.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import structlog

from footfall.adapters.definitions import VISITOR_ID_KEY, open_definitions
from footfall.adapters.journal import SqliteJournal
from footfall.adapters.lake import ParquetLake
from footfall.adapters.records import SqliteRecordStore
from footfall.base.clock import Clock, SystemClock
from footfall.base.errors import FootfallError, Unavailable
from footfall.engine import Engine, split_at_control
from footfall.events.columns import Columns
from footfall.events.facts import FactsShelf, is_news
from footfall.events.geo import Geo
from footfall.events.wire import Entry, Source
from footfall.history import Historian, decision_table, facts_of
from footfall.hosts.modelling import Modelling
from footfall.hosts.warming import warm_up
from footfall.models.decisions import DecisionLog
from footfall.models.scorer import Scored, Scorer
from footfall.models.scoring import Scoring
from footfall.ports import Commit, EventLog
from footfall.profile import LiveProfiles, VisitorIds
from footfall.settings import Settings
from footfall.similar import SimilarVisitors
from footfall.web.turns import Turns

_log = structlog.get_logger("footfall")
_DAY_MS = 86_400_000
_PACE_S = 0.003
"""Pause after a batch of fewer than ``_FEW_EVENTS``; the longest an event waits for others."""
_BUSY_PACE_S = 0.015
"""The same while the event loop has much to do and the batch had ``_MANY_EVENTS``: what the engine saves then goes
into answering requests."""
_MANY_EVENTS = 40
_FEW_EVENTS = 500
_IDLE_S = 0.02
"""How long the engine loop sleeps when the log has nothing; a new entry wakes it at once."""
_TICK_EVERY_MS = 250
"""How often sessions are ended while the log always has something."""
_TROUBLE_MS = 10_000
"""A loop that has failed for so long makes the server unready."""
_LAG_FRACTION = 0.5
"""Of the lag at which events are refused; from here on the server isn't ready, so that a balancer looks elsewhere."""
_READ_EVENTS = 5_000
"""Of the log, at once."""
_FACTS_KEPT = 2_000
"""Snapshots of shared facts that are kept, so that merges made since can be taken back exactly: 83 days, hourly."""


class _Telling:
    """A log that tells when something was appended, and counts what is no event received."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.on_append: Callable[[], None] = _ignore
        self.counting = threading.RLock()
        """Held while control entries and second tries are appended, so that the ledger never sees half of it."""
        self.n_extra = 0
        """Control entries and second tries in the log, as far as counted; see :meth:`DataFolder.catch_up`."""
        self.read = log.read
        self.next_offset = log.next_offset
        self.trim = log.trim
        self.close = log.close

    def append(self, entries: Sequence[Entry]) -> int:
        """As the log's own, then tell."""
        n_extra = sum([entry.n for entry in entries if entry.replay_of >= 0 or entry.source == Source.ENGINE])
        if n_extra:
            with self.counting:
                offset = self._log.append(entries)
                self.n_extra += n_extra
        else:
            offset = self._log.append(entries)
        self.on_append()
        return offset

    def reopen(self) -> None:
        """As the log's own, and append a control entry that says nothing: only then is it known to take events."""
        self._log.reopen()
        self.append([Entry(0, SystemClock().now_ms(), int(Source.ENGINE), 1, b"")])


class DataFolder:
    """A data folder, held by one process: its parts, opened, and the engine, recovered.

    ``vfs`` names the SQLite file layer of journal and records (tests put failing disks there).
    """

    def __init__(self, data: Path, settings: Settings, vfs: str | None = None) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.path = data
        self.settings = settings
        self._lock_file = _hold(data / "lock")
        self.definitions = open_definitions(data)
        self.log = _Telling(SqliteJournal(data / "journal.db", vfs=vfs))
        self.store = SqliteRecordStore(data / "records.db", failed_max=settings.failed_max, vfs=vfs)
        self.lake = ParquetLake(data / "lake")
        self.places = Geo(settings.geo_database)
        self.shelf = FactsShelf(data / "facts")
        self.scoring = Scoring()
        """Who scores which site; asked for every batch once :attr:`is_scoring`."""
        self.is_scoring = False
        """Set by a server once it has caught up. Imports leave it, and are faster; readers score on demand."""
        self._told_failures: dict[int, str] = {}
        self.decisions = DecisionLog(settings.decisions_max_per_s, _most_waiting(settings))
        self.engine = self._recovered()
        places = Geo(settings.geo_database)
        self.historian = Historian(settings, self.log, self.store, self.lake, places, self.shelf)
        # held in this order: applying (the engine takes nothing meanwhile), storing, lock (around the engine's memory)
        self.applying = threading.RLock()
        self._storing = threading.RLock()
        self.lock = threading.RLock()
        self._writing_lake = threading.Lock()
        self._unstored: Commit | None = None
        self._is_torn = False
        self.committed_offset = self.engine.next_offset
        self.on_applied: Callable[[Columns, int], None] = _ignore
        self.on_ended: Callable[[np.ndarray], None] = _ignore
        self.on_scored: Callable[[Scored], None] = _ignore
        self.on_model: Callable[[int], None] = _ignore
        """Told the site whose scores are made by another model from now on."""
        self.wake: Callable[[], None] = _ignore
        self.log.on_append = self._on_append

    def _on_append(self) -> None:
        self.wake()

    def _recovered(self) -> Engine:
        engine = Engine(self.settings, self.store, places=self.places, shelf=self.shelf)
        engine.recover()
        return engine

    @contextlib.contextmanager
    def _moving(self) -> Iterator[Engine]:
        """While the engine moves. If it fails midway, it is recovered before it moves again, and nothing is stored."""
        if self._is_torn:
            with self._storing, self.lock:
                self._unstored = None
                self.engine = self._recovered()
                self.committed_offset = self.engine.next_offset
                self.decisions.forget(self.committed_offset)
                self._is_torn = False
        with self.lock:
            self._is_torn = True
            yield self.engine
            self._is_torn = False

    def apply(self, most: int) -> int:
        """Apply up to about ``most`` events from the log; returns how many offsets the engine moved."""
        with self.applying:
            start = self.engine.next_offset
            for batch in split_at_control(self.log.read(start, most)):
                with self._moving() as engine:
                    if engine.next_offset != batch[0][0]:
                        return 1  # it was recovered just now: the caller comes again
                    engine.scoring = self.scoring if self.is_scoring else None
                    columns = engine.apply(batch)
                if columns is not None:
                    self.on_applied(columns, sum([len(entry.body) for _, entry in batch]))
                if engine.scored is not None:
                    self.on_scored(engine.scored)
                    self.decisions.note(engine.scored, self.scoring, engine.counters["clock_ms"])
                    self._tell_failures()
            return self.engine.next_offset - start

    def _tell_failures(self) -> None:
        """Say once of each model that it failed."""
        for site, how in list(self.scoring.failures.items()):
            if self._told_failures.get(site) != how:
                _log.error("a model failed; who it can't score is scored by the prior", site=site, error=how)
        self._told_failures = dict(self.scoring.failures)

    def use_model(self, site: int, scorer: Scorer | None, challenger: Scorer | None = None) -> None:
        """Let a model score a site from the next batch on, the prior if it is None; no event waits longer for it.

        The challenger is asked only about scores that are logged.
        """
        with self.applying, self.lock:
            self.scoring.use(site, scorer, challenger)
            self.on_model(site)

    def catch_up(self) -> None:
        """Apply all that the log has; before anything is appended to it."""
        while self.apply(self.settings.engine_batch_max_events):
            pass
        with self.log.counting:
            self.log.n_extra = self._n_extra_applied()

    def _n_extra_applied(self) -> int:
        return self.engine.counters["control"] + self.engine.counters["retried"]

    def ledger(self, site: int = 0) -> dict[str, int]:
        """Where every event is, at one moment; of a site, or of all (0)."""
        if site:
            return self._ledger_of(site)
        with self.log.counting, self.lock:
            return self.engine.ledger(self.log.next_offset(), self.log.n_extra - self._n_extra_applied())

    def _ledger_of(self, site: int) -> dict[str, int]:
        with self.lock:
            ended = self.engine.ended_of(site)
            offset, end = self.engine.next_offset, self.log.next_offset()
        n_waiting = 0
        while offset < end:
            entries = self.log.read(offset, min(end - offset, _READ_EVENTS))
            for _, entry in entries:
                if entry.site == site and entry.replay_of < 0 and entry.source != Source.ENGINE:
                    n_waiting += entry.n
            offset = entries[-1][0] + entries[-1][1].n
        return {"received": sum(ended.values()) + n_waiting, **ended, "lag_events": n_waiting}

    def tick(self, now_ms: int) -> None:
        """End the sessions that are due."""
        with self.applying:
            is_more = True
            while is_more:
                with self._moving() as engine:
                    rows = engine.tick(now_ms)
                is_more = len(rows) > 0
                if is_more:
                    self.on_ended(rows)

    def commit(self) -> bool:
        """Store what changed; False if nothing did. Raises Unavailable while the disk is full or broken.

        What couldn't be stored is kept and is stored first the next time.
        """
        with self._storing:
            if self._unstored is None:
                with self.lock:
                    self._unstored = None if self._is_torn else self.engine.take_commit()
            commit = self._unstored
            if commit is None:
                return False
            self.store.commit(commit)
            self._unstored = None
            with self.lock:
                self.engine.forget_taken()
            self.historian.note(commit.batches)
            self.committed_offset = commit.next_offset
            return True

    def write_lake(self) -> None:
        """Carry what is committed to the lake."""
        with self._writing_lake:
            until = self.committed_offset
            self.historian.write(until)
            written = self.decisions.waiting(until)
            if written is not None:
                table = decision_table(written.decisions)
                self.lake.write("decisions", written.first, written.last, table)
                self.decisions.drop(until)

    def trim_journal(self, now_ms: int) -> None:
        """Let go of log entries that the lake has and that are older than the retention."""
        since = now_ms - self.settings.journal_retention_days * _DAY_MS
        oldest = next((batch.offset for batch in self.store.batches(since)), self.lake.position())
        self.log.trim(min(oldest, self.lake.position()))

    def publish_facts(self, now_ms: int) -> int:
        """Make a new snapshot of shared facts from the lake and name it in the log; returns the version in force.

        Nothing is published when nothing is known, or nearly the same as in the snapshot before.
        """
        version = self.shelf.free_version(now_ms)
        facts = facts_of(self.lake, version, now_ms - self.settings.facts_window_days * _DAY_MS, now_ms + 1)
        with self.lock:
            if facts.is_empty() or not is_news(facts, self.engine.facts):
                return self.engine.counters["facts"]
        self.shelf.put(facts)
        self.log.append([Entry(0, now_ms, int(Source.ENGINE), 1, b"", facts=version)])
        return version

    def tidy(self, now_ms: int) -> None:
        """Daily housekeeping: compaction, retention, the duplicate window. Only after :meth:`write_lake`."""
        settings = self.settings
        self.lake.compact(_date(now_ms))
        if settings.lake_retention_days:
            self.lake.retain(_date(now_ms - settings.lake_retention_days * _DAY_MS))
        self.lake.retain(_date(now_ms - settings.decision_retention_days * _DAY_MS), "decisions")
        self.store.trim_batches(now_ms - (settings.duplicate_window_days + 1) * _DAY_MS)
        with self.applying, self.lock:
            self.engine.forget_old_messages()
        self.shelf.trim(_FACTS_KEPT, self.engine.counters["facts"])
        self.trim_journal(now_ms)

    def close(self) -> None:
        """Store everything, as far as the disk takes it (the log has it all), and let go of the folder."""
        for work in (self.commit, self.lake.close, self.store.close, self.log.close, self.definitions.close):
            try:
                work()
            except FootfallError as error:
                _log.error("not everything could be closed; the next start mends it", error=str(error))
        self.places.close()
        self._lock_file.close()


def _ignore(*_: object) -> None:
    """Nobody listens."""


def _most_waiting(settings: Settings) -> int:
    """Decisions that may wait in memory: those of two turns of the lake, a kilobyte and a half each."""
    return 2 * settings.decisions_max_per_s * settings.lake_interval_s


def _date(ms: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(ms / 1000))


def _hold(path: Path) -> IO[str]:
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise Unavailable(
            f"The data folder {path.parent} is in use by another process. Stop that server first.", code="in_use"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


class Running:
    """A data folder with its loops going."""

    def __init__(self, data: Path, settings: Settings, clock: Clock | None = None, vfs: str | None = None) -> None:
        self.clock = clock or SystemClock()
        self.settings = settings
        self.folder = DataFolder(data, settings, vfs)
        ids = VisitorIds(self.folder.definitions.secret(VISITOR_ID_KEY))
        self.profiles = LiveProfiles(self.folder, ids, self.clock)
        self.folder.on_applied = self.profiles.note
        self.folder.on_ended = self.profiles.note_ended
        self.folder.on_scored = self.profiles.note_scored
        self.folder.on_model = self.profiles.forget_scores
        self.folder.wake = self.wake
        self.similar = SimilarVisitors(self.folder, self.profiles)
        self.modelling = Modelling(self.folder, settings, self.clock)
        self.modelling.on_loaded = self.similar.take_over
        self.turns = Turns()
        """Between the engine loop and the event loop."""
        self._news = threading.Event()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.troubles: dict[str, tuple[int, str]] = {}
        """What is failing right now, by loop: since when (ms) and how."""
        self._ticked_ms = 0

    def wake(self) -> None:
        """Tell the engine loop that the log has something new."""
        self._news.set()

    def lag_events(self) -> int:
        """Events in the log that aren't applied yet."""
        return self.folder.log.next_offset() - self.folder.engine.next_offset

    def trouble(self) -> str:
        """Why this server shouldn't be sent events now, or empty."""
        now_ms = self.clock.now_ms()
        for name, (since_ms, what) in sorted(self.troubles.items()):
            if now_ms - since_ms >= _TROUBLE_MS:
                return f"The {name} loop has failed for {(now_ms - since_ms) // 1000} s: {what}"
        lag = self.lag_events()
        if lag > _LAG_FRACTION * self.settings.lag_max_events:
            return f"{lag:,} events wait to be applied."
        return ""

    def start(self) -> None:
        """Compile the kernels, catch up with the log, take the models over, then start the loops."""
        warm_up(self.settings, self.folder.path / "facts" / "none")
        self.folder.catch_up()
        self.modelling.start()
        self.folder.is_scoring = True  # what was caught up with is scored when somebody looks
        for name, turn in (("engine", self._turn_engine), ("store", self._turn_store), ("lake", self._turn_lake())):
            thread = threading.Thread(target=self._run, args=(name, turn), name=f"footfall-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop the loops, store everything as far as the disk takes it, close."""
        self._stop.set()
        self._news.set()
        self.modelling.stop()
        for thread in self._threads:
            thread.join(timeout=60)
        try:
            self.folder.commit()
            self.folder.write_lake()
        except FootfallError as error:
            _log.error("not everything could be stored; the log has it", error=str(error))
        self.folder.close()

    def serve(self, ready: Callable[[str], None] | None = None) -> None:
        """Serve HTTP until SIGINT or SIGTERM, then stop."""
        from footfall.hosts.serve import serve

        serve(self, ready)

    def _run(self, name: str, turn: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                turn()
                self.troubles.pop(name, None)
            except Exception as error:  # noqa: BLE001 - whatever it is must not stop the pipeline: shown, logged, tried again
                since_ms, _ = self.troubles.get(name, (self.clock.now_ms(), ""))
                self.troubles[name] = since_ms, f"{type(error).__name__}: {error}"
                _log.error("a loop failed and is tried again", loop=name, error=str(error), exc_info=True)
                self._stop.wait(1.0)

    def _turn_engine(self) -> None:
        self.turns.take()
        try:
            n_applied = self.folder.apply(self.settings.engine_batch_max_events)
        finally:
            self.turns.give_back()
        has_news = n_applied > 0
        if 0 < n_applied < _FEW_EVENTS:  # a batch costs as much as a dozen events: let some come together
            self._stop.wait(_BUSY_PACE_S if n_applied >= _MANY_EVENTS and self.turns.is_busy else _PACE_S)
        now_ms = self.clock.now_ms()
        if not has_news or abs(now_ms - self._ticked_ms) >= _TICK_EVERY_MS:
            self._ticked_ms = now_ms
            self.folder.tick(now_ms)
        if not has_news:
            self._news.wait(_IDLE_S)
            self._news.clear()

    def _turn_store(self) -> None:
        self._stop.wait(self.settings.commit_interval_ms / 1000)
        self.folder.commit()

    def _turn_lake(self) -> Callable[[], None]:
        due = {"facts": self.clock.now_ms() + 60_000, "tidy": self.clock.now_ms() + 120_000}

        def turn() -> None:
            self._stop.wait(self.settings.lake_interval_s)
            self.folder.write_lake()
            now = self.clock.now_ms()
            if now >= due["facts"]:
                due["facts"] = now + self.settings.facts_interval_s * 1000
                self.folder.publish_facts(now)
                self.wake()
            if now >= due["tidy"]:
                due["tidy"] = now + _DAY_MS // 24
                self.folder.tidy(now)

        return turn
