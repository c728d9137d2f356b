"""Rows of a shop that never was, with the probabilities known: what a model can find out, and how well, is no secret.

A visitor has a fixed ``taste`` (seen as the past: sessions, order rate, time since the last order). In a session an
unseen mood adds normal steps whose variance halves from checkpoint to checkpoint; what has been added so far shows in
dwell, cart adds and repeated views. The session ends with an order if threshold, taste, mood and a last normal draw say
so. Hence the true probability at each row is a normal distribution function, :attr:`MadeUp.truth`.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from footfall.base.kinds import Kind
from footfall.models.rows import UNKNOWN, WEEK_MS, Rows
from footfall.record.features import FEATURE_IDX, N_FEATURES

CHECKPOINTS = np.array([1, 2, 3, 5, 8, 13, 21, 34])
DAY_MS = 86_400_000
START_MS = 1_750_000_000_000
CART_FEATURES = tuple(
    FEATURE_IDX[name] for name in FEATURE_IDX if "cart" in name or "checkout" in name or "payment" in name
)


class MadeUp(NamedTuple):
    """Rows, and for each the true probability of an order in the session given all that can be seen."""

    rows: Rows
    truth: np.ndarray


def made_up(
    n_sessions: int = 2_000, *, seed: int = 0, order_rate: float = 0.15, n_days: int = 60, is_masked: bool = False
) -> MadeUp:
    """About 4 rows a session, one visitor for every 2.5 sessions, N_FEATURES columns of which a dozen say something,
    a few are noise, a few are constant and the others are NaN or 0. The same arguments give the same rows."""
    rng = np.random.default_rng(seed)
    n_visitors = max(1, int(n_sessions / 2.5))
    visitor = rng.integers(0, n_visitors, n_sessions)
    start_ms = np.sort(START_MS + rng.integers(0, n_days * DAY_MS, n_sessions))
    taste = rng.normal(0, 0.7, n_visitors)[visitor]
    n_events = np.minimum(1 + rng.geometric(0.12, n_sessions), 40)

    steps = rng.normal(size=(n_sessions, len(CHECKPOINTS) + 1)) * np.sqrt(0.5 ** np.arange(len(CHECKPOINTS) + 1))
    mood = np.cumsum(steps[:, :-1], axis=1)
    left = 0.5 ** np.arange(len(CHECKPOINTS)) * 1.0  # variance of all steps still to come: 1/2 + 1/4 + … after each
    threshold = _threshold(order_rate, float(np.sqrt(0.49 + 2.0 + 0.25)))
    rest = rng.normal(size=n_sessions) * np.sqrt(left[-1] + 0.25)
    ordered = taste + mood[:, -1] + rest > threshold
    week = ordered | (taste + rng.normal(size=n_sessions) > threshold / 2 + 1.0)

    session, step = np.nonzero(CHECKPOINTS[None, :] <= n_events[:, None])
    n_seen = CHECKPOINTS[step]
    truth = ndtr((taste[session] + mood[session, step] - threshold) / np.sqrt(left[step] + 0.25))
    time_ms = start_ms[session] + n_seen * 20_000
    in_time = np.lexsort((session, time_ms))
    session, step, n_seen, truth, time_ms = (a[in_time] for a in (session, step, n_seen, truth, time_ms))

    features = _features(rng, taste[session], mood[session, step], n_seen)
    masked = features.copy() if is_masked else np.zeros((0, N_FEATURES), np.float32)
    if is_masked:
        masked[:, CART_FEATURES] = 0.0
    is_known = time_ms + WEEK_MS <= START_MS + n_days * DAY_MS
    first_event = np.concatenate(([0], np.cumsum(n_events)[:-1]))
    n_of = np.bincount(session, minlength=n_sessions)
    rows = Rows(
        features=features,
        masked=masked,
        labels=np.stack([ordered[session], np.where(is_known, week[session], UNKNOWN)], axis=1).astype(np.int8),
        visitors=visitor[session].astype(np.int64),
        sessions=session.astype(np.int64),
        session_starts=start_ms[session],
        times=time_ms,
        n_seen=n_seen.astype(np.int32),
        offsets=first_event[session] + n_seen - 1,
        weights=(1.0 / n_of[session]).astype(np.float32),
        trails=first_event[session],
        kinds=_kinds(rng, n_events, mood[:, -1] + taste),
    )
    return MadeUp(rows, truth)


def _threshold(order_rate: float, spread: float) -> float:
    return float(-spread * ndtri(order_rate))


def _features(rng: np.random.Generator, taste: np.ndarray, mood: np.ndarray, n_seen: np.ndarray) -> np.ndarray:
    n = len(taste)
    out = np.zeros((n, N_FEATURES), np.float32)
    out[:, ::3] = np.nan

    def put(name: str, values: np.ndarray) -> None:
        out[:, FEATURE_IDX[name]] = values

    is_new = taste < -0.3
    put("past_order_rate", np.where(is_new, np.nan, np.clip(0.2 + 0.2 * taste, 0, 1)))
    put("since_last_order_d", np.where(is_new, np.nan, 30 * np.exp(-taste)))
    put("session_number", np.maximum(1, np.round(3 + 2 * taste)))
    put("dwell_total_s", 600 * np.exp(taste))
    put("session_dwell_s", 60 * np.exp(mood))
    put("session_dwell_per_event_s", 60 * np.exp(mood) / n_seen)
    put("session_cart_add_n", np.floor(np.maximum(mood, 0) * 1.5))
    put("cart_value", np.floor(np.maximum(mood, 0) * 1.5) * 40)
    put("session_repeat_n", np.floor(np.maximum(mood + taste, 0)))
    put("session_events_n", n_seen)
    put("session_product_view_n", np.ceil(n_seen * 0.6))
    for name in ("device", "browser", "session_channel"):
        put(name, rng.integers(0, 5, n))
    for name in ("price_mean", "hours_08_12_share", "scroll_mean_pct"):
        put(name, np.where(rng.random(n) < 0.1, np.nan, rng.gamma(2, 20, n)))
    put("is_bot", np.zeros(n))
    return out


def _kinds(rng: np.random.Generator, n_events: np.ndarray, wish: np.ndarray) -> np.ndarray:
    usual = np.array([Kind.PAGE_VIEW, Kind.LIST_VIEW, Kind.PRODUCT_VIEW, Kind.SEARCH], np.uint8)
    kinds = usual[rng.integers(0, len(usual), int(n_events.sum()))]
    adds = rng.random(len(kinds)) < 0.1 * np.repeat(1 + np.tanh(wish), n_events)
    kinds[adds] = Kind.CART_ADD
    return kinds
