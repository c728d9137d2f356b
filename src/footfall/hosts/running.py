"""The embedded host: one process, one data folder. Opens the parts, recovers, and runs the engine's loops.

One lock stands around the engine. The engine loop takes what the log has and applies it; the commit loop stores what
changed and then carries it to the lake; facts are published from the lake at intervals. A part that fails is logged,
tried again with a pause, and makes ``/readyz`` say so; none of them ends the process.
"""

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import IO

import structlog

from footfall.adapters.definitions import SqlDefinitions
from footfall.adapters.journal import SqliteJournal
from footfall.adapters.lake import ParquetLake
from footfall.adapters.records import SqliteRecordStore
from footfall.base.clock import Clock, SystemClock
from footfall.base.errors import FootfallError, Unavailable
from footfall.engine import Engine, split_at_control
from footfall.events.facts import FactsShelf
from footfall.events.geo import Geo
from footfall.events.wire import Entry, Source
from footfall.history import Historian, facts_of
from footfall.profile import LiveProfiles
from footfall.settings import Settings

_log = structlog.get_logger("footfall")
_DAY_MS = 86_400_000
_IDLE_S = 0.02
"""How long the engine loop sleeps when the log has nothing; a new entry wakes it at once."""


class DataFolder:
    """A data folder, held by one process: its parts, opened, and the engine, recovered."""

    def __init__(self, data: Path, settings: Settings) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.path = data
        self.settings = settings
        self._lock_file = _hold(data / "lock")
        self.definitions = SqlDefinitions.open(data)
        self.log = SqliteJournal(data / "journal.db")
        self.store = SqliteRecordStore(data / "records.db", failed_max=settings.failed_max)
        self.lake = ParquetLake(data / "lake")
        self.places = Geo(settings.geo_database)
        self.shelf = FactsShelf(data / "facts")
        self.engine = Engine(settings, self.store, places=self.places, shelf=self.shelf)
        self.engine.recover()
        self.historian = Historian(settings, self.log, self.store, self.lake, Geo(settings.geo_database), FactsShelf(data / "facts"))
        self.lock = threading.RLock()
        """Around the engine."""
        self._storing = threading.Lock()

    def apply(self, most: int) -> int:
        """Apply up to about ``most`` events from the log; returns how many offsets the engine moved."""
        entries = self.log.read(self.engine.next_offset, most)
        if not entries:
            return 0
        start = self.engine.next_offset
        for batch in split_at_control(entries):
            with self.lock:
                self.engine.apply(batch)
        return self.engine.next_offset - start

    def commit(self) -> bool:
        """Store what changed; False if nothing did."""
        with self._storing:
            with self.lock:
                commit = self.engine.take_commit()
            if commit is None:
                return False
            wait_s = 0.1
            while True:
                try:
                    self.store.commit(commit)
                    return True
                except Unavailable as error:
                    _log.error("records can't be stored; trying again", error=str(error))
                    time.sleep(wait_s)
                    wait_s = min(2 * wait_s, 5.0)

    def write_lake(self) -> None:
        """Carry what is committed to the lake, then let go of what the retention allows."""
        self.historian.write(self.engine.committed_offset)

    def publish_facts(self, now_ms: int) -> int:
        """Make a new snapshot of shared facts from the lake, name it in the log; returns its version."""
        facts = facts_of(self.lake, now_ms, now_ms - self.settings.facts_window_days * _DAY_MS, now_ms + 1)
        self.shelf.put(facts)
        self.log.append([Entry(0, now_ms, int(Source.ENGINE), 1, b"", facts=facts.version)])
        return facts.version

    def tidy(self, now_ms: int) -> None:
        """Daily housekeeping: compaction, retention, the duplicate window."""
        settings = self.settings
        self.lake.compact(_date(now_ms))
        if settings.lake_retention_days:
            self.lake.retain(_date(now_ms - settings.lake_retention_days * _DAY_MS))
        self.store.trim_batches(now_ms - (settings.duplicate_window_days + 1) * _DAY_MS)
        with self.lock:
            self.engine.forget_old_messages()

    def close(self) -> None:
        """Store everything and let go of the folder."""
        self.commit()
        self.lake.close()
        self.store.close()
        self.log.close()
        self.definitions.close()
        self.places.close()
        self._lock_file.close()


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

    def __init__(self, data: Path, settings: Settings, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.folder = DataFolder(data, settings)
        self.profiles = LiveProfiles(self.folder, self.clock)
        self._news = threading.Event()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.troubles: dict[str, str] = {}
        """What is failing right now, by loop."""

    def wake(self) -> None:
        """Tell the engine loop that the log has something new."""
        self._news.set()

    def lag_events(self) -> int:
        """Events in the log that aren't applied yet."""
        return self.folder.log.next_offset() - self.folder.engine.next_offset

    def start(self) -> None:
        """Catch up with the log, then start the loops."""
        folder = self.folder
        while folder.apply(folder.settings.engine_batch_max_events):
            pass
        for name, run in (("engine", self._run_engine), ("store", self._run_store), ("lake", self._run_lake)):
            thread = threading.Thread(target=self._guard, args=(name, run), name=f"footfall-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop the loops, store everything, close."""
        self._stop.set()
        self._news.set()
        for thread in self._threads:
            thread.join(timeout=60)
        self.folder.write_lake_quietly()
        self.folder.close()

    def _guard(self, name: str, run: "LoopBody") -> None:
        while not self._stop.is_set():
            try:
                run()
                self.troubles.pop(name, None)
            except FootfallError as error:
                self._trouble(name, error)
            except Exception as error:  # a defect must not stop the pipeline: it is logged, shown and tried again
                self._trouble(name, error)

    def _trouble(self, name: str, error: Exception) -> None:
        self.troubles[name] = f"{type(error).__name__}: {error}"
        _log.error("a loop failed and will be tried again", loop=name, error=str(error), exc_info=error)
        self._stop.wait(1.0)

    def _run_engine(self) -> None:
        folder = self.folder
        n = folder.apply(folder.settings.engine_batch_max_events)
        if n:
            self.profiles.note_change()
        else:
            with folder.lock:
                if folder.engine.tick(self.clock.now_ms()):
                    self.profiles.note_change()
            self._news.wait(_IDLE_S)
            self._news.clear()

    def _run_store(self) -> None:
        self._stop.wait(self.folder.settings.commit_interval_ms / 1000)
        self.folder.commit()

    def _run_lake(self) -> None:
        folder, settings = self.folder, self.folder.settings
        next_facts = next_tidy = 0.0
        while not self._stop.wait(settings.lake_interval_s):
            folder.write_lake()
            self.troubles.pop("lake", None)
            now = self.clock.now_ms()
            if now >= next_facts:
                folder.publish_facts(now)
                self.wake()
                next_facts = now + settings.facts_interval_s * 1000
            if now >= next_tidy:
                folder.tidy(now)
                next_tidy = now + _DAY_MS / 24
