"""How is the server doing? Prometheus metrics in a registry of their own; others add theirs to :class:`Metrics`."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from footfall.web.tally import BUCKETS_S, Tally

CONTENT_TYPE = CONTENT_TYPE_LATEST
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


class HasTally(Protocol):
    """Whatever takes events; the collector does."""

    tally: Tally

    @property
    def n_refused_requests(self) -> Mapping[str, int]:
        """Requests that were not answered 200, by error code."""
        ...

    @property
    def n_left_out(self) -> int:
        """Events that weren't stored because the visitor doesn't want it."""
        ...


class ModelFigures(NamedTuple):
    """How the model of a site does; None where that isn't known."""

    site: int
    version: int
    """0: the prior scores."""
    challenger: int
    """0: there is none."""
    feature_psi: float | None
    """Of the feature that moved most."""
    score_psi: float | None
    predicted: Mapping[str, float]
    """Mean propensity by target ..."""
    observed: Mapping[str, float]
    """... and share of orders, over decisions whose outcome is known."""
    alarms: tuple[str, ...]
    """Names of those that last."""


class HasModels(Protocol):
    """Whatever keeps models right; the modelling of a running folder does."""

    def figures(self) -> Iterable[ModelFigures]:
        """One for each site that has a model, or an alarm."""
        ...


class Metrics:
    """The registry and what is observed by hand; make one a process and pass it down."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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

    def watch_collector(self, source: HasTally) -> None:
        """Read what the collector counts whenever metrics are read; call it once."""
        self.registry.register(_Collected(source))

    def watch_models(self, source: HasModels) -> None:
        """Read how models do whenever metrics are read; call it once."""
        self.registry.register(_Modelled(source))

    def watch_counter(self, name: str, about: str, count: Callable[[], float]) -> None:
        """Read a counter that something else keeps whenever metrics are read."""
        self.registry.register(_Counted(name, about, count))

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Counted(Collector):
    def __init__(self, name: str, about: str, count: Callable[[], float]) -> None:
        self._name, self._about, self._count = name, about, count

    def describe(self) -> Iterable[Metric]:
        return [CounterMetricFamily(self._name, self._about, value=0)]

    def collect(self) -> Iterable[Metric]:
        return [CounterMetricFamily(self._name, self._about, value=self._count())]


class _Modelled(Collector):
    def __init__(self, source: HasModels) -> None:
        self._source = source

    def describe(self) -> Iterable[Metric]:
        return _modelled([])

    def collect(self) -> Iterable[Metric]:
        return _modelled(self._source.figures())


def _modelled(figures: Iterable[ModelFigures]) -> list[Metric]:
    version = GaugeMetricFamily("footfall_model_version", "Model that scores, 0: the prior.", labels=["site", "role"])
    psi = GaugeMetricFamily("footfall_model_psi", "Population stability index, live against trained on.",
                            labels=["site", "of"])  # fmt: skip
    share = GaugeMetricFamily("footfall_model_orders_share", "Orders foretold and observed, as a share of scores.",
                              labels=["site", "target", "what"])  # fmt: skip
    alarm = GaugeMetricFamily("footfall_model_alarm", "1 while an alarm lasts.", labels=["site", "what"])
    for found in figures:
        site = str(found.site)
        version.add_metric([site, "champion"], found.version)
        version.add_metric([site, "challenger"], found.challenger)
        for of, value in (("feature", found.feature_psi), ("score", found.score_psi)):
            if value is not None:
                psi.add_metric([site, of], value)
        for what, shares in (("predicted", found.predicted), ("observed", found.observed)):
            for target, value in shares.items():
                share.add_metric([site, target, what], value)
        for what in found.alarms:
            alarm.add_metric([site, what], 1)
    return [version, psi, share, alarm]


class _Collected(Collector):
    def __init__(self, source: HasTally) -> None:
        self._source = source

    def describe(self) -> Iterable[Metric]:
        return _collected(Tally(), {}, 0)

    def collect(self) -> Iterable[Metric]:
        source = self._source
        return _collected(source.tally, source.n_refused_requests, source.n_left_out)


def _collected(tally: Tally, n_refused: Mapping[str, int], n_left_out: int) -> list[Metric]:
    ack = HistogramMetricFamily("footfall_ack_seconds", "From a request's last byte to its answer 200, disk included.")
    buckets, n = [], 0
    for bound, count in zip([*map(str, BUCKETS_S), "+Inf"], list(tally.n_by_bucket), strict=True):
        n += count
        buckets.append((bound, n))
    ack.add_metric([], buckets, tally.sum_s)
    answers = CounterMetricFamily("footfall_http_answers", "Answers of the collector, by status.", labels=["status"])
    for status, count in list(tally.n_by_status.items()):
        answers.add_metric([str(status)], count)
    refused = CounterMetricFamily(
        "footfall_http_refused", "Requests that were refused, by error code.", labels=["code"]
    )
    for code, count in list(n_refused.items()):
        refused.add_metric([code], count)
    left_out = CounterMetricFamily(
        "footfall_events_left_out", "Events not stored because the visitor doesn't want it.", value=n_left_out
    )
    return [ack, answers, refused, left_out]


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
