"""How is the server doing? Prometheus metrics in a registry of their own; others add theirs to :class:`Metrics`."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
_ACK_BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_LEDGER = {
    "received": "Events that the log has taken.",
    "applied": "Events that are in a profile.",
    "duplicate": "Events that had been received before.",
    "failed": "Events that were refused and kept with their reason.",
}


class HasLedger(Protocol):
    """Whatever knows the ledger; ``Profiles`` does."""

    def ledger(self) -> dict[str, int]:
        """See :meth:`footfall.ports.Profiles.ledger`."""
        ...


class Metrics:
    """The registry and what is observed by hand; make one a process and pass it down."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.ack_s = Histogram(
            "footfall_ack_seconds",
            "From a request's last byte to its answer, disk included.",
            buckets=_ACK_BUCKETS_S,
            registry=self.registry,
        )
        self.answers = Counter(
            "footfall_http_answers", "Answers of the collector, by status.", ("status",), registry=self.registry
        )
        self.live_clients = Gauge("footfall_live_clients", "Open live streams of dashboards.", registry=self.registry)
        self.live_dropped = Counter(
            "footfall_live_dropped", "Live streams closed because they read too slowly.", registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def watch_ledger(self, source: HasLedger) -> None:
        """Read the ledger whenever metrics are read; call it once."""
        self.registry.register(_Ledger(source))

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Ledger(Collector):
    def __init__(self, source: HasLedger) -> None:
        self._source = source

    def describe(self) -> Iterable[Metric]:
        return _families(dict.fromkeys([*_LEDGER, "lag_events", "lag_ms"], 0))

    def collect(self) -> Iterable[Metric]:
        return _families(self._source.ledger())


def _families(ledger: Mapping[str, int]) -> list[Metric]:
    counters = [
        CounterMetricFamily(f"footfall_events_{name}", about, value=ledger[name]) for name, about in _LEDGER.items()
    ]
    lag_events = GaugeMetricFamily("footfall_lag_events", "Events in the log, not yet applied.", ledger["lag_events"])
    lag_s = GaugeMetricFamily("footfall_lag_seconds", "Age of the oldest of them.", ledger["lag_ms"] / 1000.0)
    return [*counters, lag_events, lag_s]
