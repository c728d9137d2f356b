"""The ports in memory keep the same laws as those on disk."""

from collections.abc import Callable

import pytest
from tests.contracts.event_log import EventLogContract
from tests.contracts.lake import LakeContract
from tests.contracts.record_store import RECORD, RecordStoreContract

from footfall.adapters.memory import MemoryLake, MemoryLog, MemoryRecordStore


class TestMemoryLog(EventLogContract):
    @pytest.fixture
    def make(self) -> Callable[[], MemoryLog]:
        return MemoryLog


class TestMemoryRecordStore(RecordStoreContract):
    @pytest.fixture
    def make(self) -> Callable[[], MemoryRecordStore]:
        return lambda: MemoryRecordStore(failed_max=5, dtype=RECORD)


class TestMemoryLake(LakeContract):
    @pytest.fixture
    def make(self) -> Callable[[], MemoryLake]:
        return MemoryLake
