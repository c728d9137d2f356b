"""What Prometheus reads, and who else may."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.web.house import House, house

from footfall.web.metrics import Metrics, ModelFigures
from footfall.web.tally import BUCKETS_S, Tally


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data") as made:
        yield made


def _values(text: str) -> dict[str, float]:
    return {s.name: s.value for family in text_string_to_metric_families(text) for s in family.samples if not s.labels}


def test_the_ledger_stands_in_the_metrics(home: House) -> None:
    with home.client() as client:
        answer = client.get("/metrics", headers=home.token("viewer", [1]))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    values = _values(answer.text)
    parts = ("applied_total", "duplicate_total", "failed_total")
    assert values["footfall_events_received_total"] == 4
    assert values["footfall_events_received_total"] == values["footfall_lag_events"] + sum(
        values[f"footfall_events_{part}"] for part in parts
    )
    assert values["footfall_lag_seconds"] == 0
    assert values["process_resident_memory_bytes"] > 0


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("127.0.0.1", {"Host": "127.0.0.1:8700"}, 200),
        ("127.0.0.1", {"Host": "localhost:8700"}, 200),
        ("::1", {"Host": "[::1]:8700"}, 200),
        ("127.0.0.1", {"Host": "127.0.0.1", "X-Forwarded-For": "203.0.113.9"}, 401),
        ("127.0.0.1", {"Host": "127.0.0.1", "Forwarded": "for=203.0.113.9"}, 401),
        ("127.0.0.1", {"Host": "rebound.example"}, 401),
        ("127.0.0.1", {"Host": "localhost", "Authorization": "Bearer wrong"}, 401),
        ("203.0.113.9", {"Host": "localhost"}, 401),
    ],
)
def test_without_a_token_only_this_machine_itself_reads_them(
    home: House, peer: str, headers: dict[str, str], status: int
) -> None:
    async def statuses() -> tuple[int, int]:
        transport = httpx.ASGITransport(home.app, client=(peer, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            metrics = await client.get("/metrics", headers=headers)
            ledger = await client.get("/api/ledger", headers=headers)
            return metrics.status_code, ledger.status_code

    assert asyncio.run(statuses()) == (status, 401)


class Counted:
    """A collector that has counted a little."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.tally.n_by_bucket[BUCKETS_S.index(0.002)] = 2
        self.tally.n_by_bucket[-1] = 1
        self.tally.sum_s = 12.5
        self.tally.n_by_status = {200: 3, 503: 1}
        self.n_refused_requests = {"busy": 1}
        self.n_left_out = 4


def test_what_the_collector_counts_stands_in_the_metrics() -> None:
    metrics = Metrics()
    metrics.watch_collector(Counted())
    text = metrics.text().decode()
    assert 'footfall_ack_seconds_bucket{le="0.001"} 0.0' in text
    assert 'footfall_ack_seconds_bucket{le="0.002"} 2.0' in text
    assert 'footfall_ack_seconds_bucket{le="10.0"} 2.0' in text
    assert 'footfall_ack_seconds_bucket{le="+Inf"} 3.0' in text
    assert "footfall_ack_seconds_count 3.0" in text
    assert "footfall_ack_seconds_sum 12.5" in text
    assert 'footfall_http_answers_total{status="503"} 1.0' in text
    assert 'footfall_http_refused_total{code="busy"} 1.0' in text
    assert "footfall_events_left_out_total 4.0" in text


def test_models_stand_in_the_metrics() -> None:
    class Watched:
        def figures(self) -> list[ModelFigures]:
            return [
                ModelFigures(1, 7, 8, 0.4, None, {"session": 0.03}, {"session": 0.05}, ("drift:features",)),
                ModelFigures(2, 0, 0, None, None, {}, {}, ()),
            ]

    metrics = Metrics()
    metrics.watch_models(Watched())
    families = text_string_to_metric_families(metrics.text().decode())
    samples = [s for family in families for s in family.samples if "model" in s.name]
    found = {(s.name, *sorted(s.labels.values())): s.value for s in samples}
    assert found == {
        ("footfall_model_version", "1", "champion"): 7,
        ("footfall_model_version", "1", "challenger"): 8,
        ("footfall_model_version", "2", "champion"): 0,
        ("footfall_model_version", "2", "challenger"): 0,
        ("footfall_model_psi", "1", "feature"): 0.4,
        ("footfall_model_orders_share", "1", "predicted", "session"): 0.03,
        ("footfall_model_orders_share", "1", "observed", "session"): 0.05,
        ("footfall_model_alarm", "1", "drift:features"): 1,
    }
