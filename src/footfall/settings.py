"""Which knobs are there? One frozen object, passed down; each knob with default, unit and a sentence.

Precedence: command-line flag, environment variable ``FOOTFALL_<NAME>``, line of ``footfall.toml``, default.
``docs/settings.md`` is made from this file.
"""

from typing import Annotated

import msgspec
from msgspec import Meta


def _about(text: str, ge: float | None = None, le: float | None = None) -> Meta:
    return Meta(description=text, ge=ge, le=le)


Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["USD"])]
"""ISO 4217 code."""
Rate = Annotated[float, Meta(gt=0, lt=1e12)]
"""Value of one unit of a currency; neither infinite nor NaN."""
PathPrefix = Annotated[str, Meta(pattern="^(/[A-Za-z0-9_-]+)+$", max_length=200, examples=["/ff"])]
"""Begins with a slash and doesn't end with one."""
ScriptName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+\.js$", max_length=100, examples=["a.js"])]
"""A file name."""
RegistryPrefix = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=60, examples=["footfall"])]
"""Part of a name in MLflow."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of one data folder."""

    host: Annotated[str, _about("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, _about("Port to listen on; 0 takes a free one.", ge=0, le=65535)] = 8700
    public_url: Annotated[str, _about("How browsers reach this server; empty: from the request.")] = ""
    session_timeout_s: Annotated[int, _about("A gap longer than this ends a session.", ge=60, le=86400)] = 1800
    dwell_cap_s: Annotated[int, _about("Longest time counted as dwell between two events.", ge=10, le=86400)] = 600
    duplicate_window_days: Annotated[int, _about("How long a messageId is remembered.", ge=1, le=90)] = 7
    late_h: Annotated[int, _about("Events older than this on arrival are flagged late.", ge=1)] = 72
    future_h: Annotated[int, _about("Events further ahead than this use receive time.", ge=1)] = 24
    event_max_bytes: Annotated[int, _about("Largest single event.", ge=1024)] = 32_768
    segment_batch_max_bytes: Annotated[int, _about("Largest batch from Segment clients.", ge=1024)] = 512_000
    batch_max_bytes: Annotated[int, _about("Largest batch from other clients, unpacked.", ge=1024)] = 4_194_304
    json_max_depth: Annotated[int, _about("Deepest JSON accepted.", ge=8, le=500)] = 100
    ack_queue_max_events: Annotated[int, _about("Events waiting for the disk before 503.", ge=1)] = 20_000
    lag_max_events: Annotated[int, _about("Events in the log not yet applied before 503.", ge=1)] = 2_000_000
    key_max_events_per_s: Annotated[int, _about("Events a second one write key may send; 0: no limit.", ge=0)] = 0
    engine_batch_max_events: Annotated[int, _about("Most events the engine takes at once.", ge=1)] = 4_000
    commit_interval_ms: Annotated[int, _about("How often records are committed.", ge=10)] = 1_000
    lake_interval_s: Annotated[int, _about("How often the lake gets a new file.", ge=1)] = 60
    lake_retention_days: Annotated[int, _about("Days of events kept in the lake; 0: all.", ge=0)] = 0
    journal_retention_days: Annotated[int, _about("Days the journal is kept once the lake has it.", ge=0)] = 1
    failed_max: Annotated[int, _about("Refused events kept; the oldest go first.", ge=100)] = 100_000
    facts_interval_s: Annotated[int, _about("How often shared facts are published.", ge=10)] = 3_600
    facts_window_days: Annotated[int, _about("Days of events that shared facts look back on.", ge=1)] = 30
    model_registry_url: Annotated[
        str, _about("MLflow server or database that keeps all models; empty: a file in the data folder.")
    ] = ""
    model_registry_prefix: Annotated[
        RegistryPrefix, _about("How registered models' names begin; another for each data folder on one MLflow server.")
    ] = "footfall"
    retrain_every_h: Annotated[int, _about("How often the server trains anew; 0: never by itself.", ge=0)] = 24
    retrain_min_orders: Annotated[int, _about("Orders in the lake before the server trains by itself.", ge=10)] = 100
    retrain_budget_s: Annotated[int, _about("Longest search for a model's settings, per target.", ge=1)] = 300
    retrain_threads: Annotated[int, _about("Threads of a training that the server starts.", ge=1, le=256)] = 2
    model_versions_kept: Annotated[
        int, _about("Latest versions whose files stay in the registry, beside those that serve or may again.", ge=1)
    ] = 10
    promote_automatically: Annotated[
        bool, _about("Let a model that is shown to be better than the champion take its place by itself.")
    ] = True
    drift_interval_s: Annotated[int, _about("How often live traffic is compared with training.", ge=10)] = 900
    drift_window_h: Annotated[int, _about("Hours of live traffic that are compared.", ge=1, le=720)] = 24
    drift_min_scores: Annotated[int, _about("Fewer scores than this raise no alarm.", ge=100)] = 1_000
    drift_psi_alarm: Annotated[float, _about("Population stability index from which on there is an alarm.", ge=0)] = (
        0.25
    )
    drift_calibration_alarm: Annotated[
        float, _about("Share by which orders may differ from what was foretold before there is an alarm.", ge=0)
    ] = 0.25
    notify_url: Annotated[str, _about("Where alarms are posted as JSON when they begin and end; empty: nowhere.")] = ""
    decisions_max_per_s: Annotated[
        int, _about("Scores a second that are logged with the features they were made from; 0: none.", ge=0, le=10_000)
    ] = 200
    decision_retention_days: Annotated[int, _about("Days that logged scores are kept.", ge=1)] = 30
    reserve_visitors: Annotated[int, _about("Visitors for which memory is set aside at start.", ge=1024)] = 100_000
    geo_database: Annotated[str, _about("Path of an .mmdb file (MaxMind or DB-IP), or empty.")] = ""
    trusted_proxies: Annotated[
        tuple[str, ...], _about("Addresses whose X-Forwarded-For and CDN headers are believed.")
    ] = ("127.0.0.1", "::1")
    path_prefixes: Annotated[
        tuple[PathPrefix, ...],
        _about("Paths under which a shop's own domain passes requests on; all that takes events answers there too."),
    ] = ("/ff",)
    script_names: Annotated[
        tuple[ScriptName, ...], _about("Further names of the tracker `footfall.js`, which block lists know.")
    ] = ("a.js",)
    base_currency: Annotated[Currency, _about("Currency that amounts are converted to (ISO 4217).")] = "USD"
    currencies: Annotated[
        dict[Currency, Rate], _about("Value of one unit of each other currency in the base currency.")
    ] = {}
    section_rules: Annotated[
        tuple[str, ...],
        _about("Rules `PATTERN -> SECTION` tried in order on URL paths; `*` is one segment, `**` the rest."),
    ] = ()
