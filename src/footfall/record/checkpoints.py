"""At which events of a session is a visitor looked at, and what was so just then? Steps one event at a time, compiled.

A batch of the live engine may hold several events of a visitor; what a model learns from must be the state right after
one of them. So history is stepped event by event here, by the very same :func:`footfall.record.step.step`, and the
features are taken in between.
"""

import numpy as np

from footfall.base.codes import Status
from footfall.base.kinds import N_KINDS, Kind
from footfall.record.compiled import kernel
from footfall.record.features import features_into
from footfall.record.layout import ENDED, MERGE, SHARED
from footfall.record.step import step

CART_KINDS = (Kind.CART_ADD, Kind.CART_REMOVE, Kind.CART_VIEW, Kind.CHECKOUT_START, Kind.PAYMENT_INFO)
"""Kinds that all but say that an order is near; a masked record never saw one."""

MOMENT = np.dtype(
    [
        ("session", "i8"),  # -1: the event belongs to no session
        ("time", "i8"),  # the record's last_seen, at which the features were taken
        ("session_start", "i8"),
        ("event_idx", "i4"),  # in the batch
        ("row", "i4"),
        ("n_seen", "i4"),  # events of the session so far
        ("region", "u4"),
        ("country", "u2"),
    ],
    align=True,
)
"""A visitor just after an event."""

NO_MERGES = np.zeros(0, MERGE)
_APPLIED = int(Status.APPLIED)
_IS_CART_KIND = np.zeros(N_KINDS, np.bool_)
_IS_CART_KIND[list(CART_KINDS)] = True


@kernel
def is_checkpoint(n):
    """Whether the ``n``-th event of a session is one after which the visitor is looked at: 1, 2, 3, 5, 8, 13, …"""
    a, b = 1, 2
    while a < n:
        a, b = b, a + b
    return a == n


@kernel
def is_kept(session, thinning):
    """Whether a session is among the one in 2**thinning that are kept; the same answer for the same number.

    Hash: the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
    """
    z = np.uint64(session) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) & ((np.uint64(1) << np.uint64(thinning)) - np.uint64(1))) == 0


@kernel
def end_if_due(r, now_ms, touched_ms, timeout_ms):
    """End a visitor's session as its timer would have before ``now_ms``, if time has passed since it was touched."""
    if touched_ms < now_ms and r["session_number"] > 0 and r["session_last"] + timeout_ms <= now_ms:
        r["states"] = r["states"] | ENDED


@kernel
def step_and_look(
    records, masked, events, items, plan, rates, received, touched, wanted, span, thinning, no_merges, sessions,
    scratch, session_of, n_sessions, session_ids, moments, rows, times, features, masked_features,
):  # fmt: skip
    """Step a batch's events one by one, and take features after checkpoints, or after the wanted ones.

    Parameters
    ----------
    records : RECORD[capacity]
        All visitors; changed in place.
    masked : RECORD[capacity] or RECORD[0]
        The same visitors, who never caused an event of CART_KINDS; changed in place. Empty: isn't asked for.
    events, items, plan : EVENT[n], ITEM[m], PLAN[1]
        As of ``step``.
    rates : Rates
        Of the shared facts in force.
    received : int64[n]
        When each event was received, ms.
    touched : int64[capacity]
        When each visitor's latest event was received; changed in place. See :func:`end_if_due`.
    wanted : bool[n] or bool[0]
        Events to look after; empty: checkpoints.
    span : int64[2]
        Checkpoints are looked at when ``span[0] <= last_seen < span[1]``.
    thinning : int
        Checkpoints of one in 2**thinning sessions are looked at.
    no_merges, sessions, scratch : MERGE[0], SESSION[>= 2], EVENT[1]
        Room.
    session_of : int64[capacity]
        Number of each visitor's current session; changed in place.
    n_sessions : int
        Sessions so far; the next one gets this number.
    session_ids : int64[n]
        Filled: the session of each event, -1 for none.
    moments, rows, times, features, masked_features : MOMENT[n], int32[n], int64[n], float32[n, N_FEATURES] twice
        Filled in front, one entry a look.

    Returns
    -------
    tuple of int
        Number of looks, new number of sessions.
    """
    timeout_ms = plan[0]["session_timeout_ms"]
    is_masked = len(masked) > 0
    n = 0
    for i in range(len(events)):
        session_ids[i] = -1
        if events[i]["status"] != _APPLIED:
            continue
        row = events[i]["row"]
        r = records[row]
        end_if_due(r, received[i], touched[row], timeout_ms)
        if is_masked:
            m = masked[row]
            m["states"] = m["states"] | (r["states"] & SHARED)  # which admit sets
            if not _IS_CART_KIND[events[i]["kind"]]:
                end_if_due(m, received[i], touched[row], timeout_ms)
                scratch[0] = events[i]
                step(masked, scratch, items, no_merges, plan, sessions)
        touched[row] = received[i]
        number, n_before = r["session_number"], r["session_n_events"]
        step(records, events[i : i + 1], items, no_merges, plan, sessions)
        r = records[row]
        if r["session_number"] > number:
            session_of[row] = n_sessions
            n_sessions += 1
            session_ids[i] = session_of[row]
        elif r["session_n_events"] > n_before:
            session_ids[i] = session_of[row]
        session, t = session_ids[i], r["last_seen"]
        if len(wanted) > 0:
            if not wanted[i]:
                continue
        elif (
            session < 0
            or not is_checkpoint(r["session_n_events"])
            or not span[0] <= t < span[1]
            or not is_kept(session, thinning)
        ):
            continue
        at = moments[n]
        at["session"] = session
        at["time"] = t
        at["session_start"] = r["session_start"]
        at["event_idx"] = i
        at["row"] = row
        at["n_seen"] = r["session_n_events"] if session >= 0 else 0
        at["region"] = r["region"]
        at["country"] = r["country"]
        rows[n] = row
        times[n] = t
        features_into(records, rows[n : n + 1], times[n : n + 1], rates, features[n : n + 1])
        if is_masked:  # as of what it saw last, or the time since then would tell that something was hidden just now
            times[n] = masked[row]["last_seen"] if masked[row]["n_events"] > 0 else t
            features_into(masked, rows[n : n + 1], times[n : n + 1], rates, masked_features[n : n + 1])
            times[n] = t
        n += 1
    return n, n_sessions
