"""Whose is this event, and was it here before? Resolves ids to rows and drops duplicates, compiled.

Tables are open-addressing hash tables in NumPy arrays (linear probing, power-of-two size, key 0 is empty), grown by
their owner before a batch so that they are never more than half full.

Identity rules, in order, for an event with an anonymous id A and/or a user id U:

- only one known id: the event goes to its visitor; an unknown id begins a visitor;
- A known, U new: A's visitor becomes U's, unless it already belongs to another user;
- A new, U known: A joins U's visitor;
- both known, different visitors: they merge if A's has no user of its own;
- **shared device**: when A's visitor belongs to another user than U, nobody is merged. A is marked as shared: from then
  on events with a user id go to that user, and events with A alone to a visitor of the device's own;
- an **alias** also joins the visitor of ``previousId`` with the event's. If that is a user id, two users become one on
  purpose; if it is an anonymous id, the rule for shared devices holds: it never joins two users, and a shared device
  never joins anybody. A ``previousId`` that isn't known yet could be either, and is kept as both; what is known as
  both is taken for a device's, which joins fewer people;
- a pair of ids that was split by hand is never joined again.

The winner of a merge is the visitor with a user id, else the one the event went to; merging is symmetric, so it only
matters for whose row, public id and ``user_key`` remain.
"""

import numpy as np

from footfall.base.codes import Status
from footfall.record.compiled import allocating_kernel, kernel
from footfall.record.layout import MERGE, SHARED

IDENTITY_SLOT = np.dtype([("key", "u8"), ("row", "i4"), ("is_shared", "u1")], align=True)
"""One slot of the identity table; ``row`` may have been merged since: follow ``merged_into``."""

NEW_ANONYMOUS, NEW_USER, NEW_PREVIOUS, SHARED_ANONYMOUS, NEW_PREVIOUS_ANONYMOUS = 1, 2, 4, 8, 16
"""Bits of ``links``: which ids of the event must be stored anew because they are new or now point elsewhere."""

_APPLIED, _DUPLICATE = int(Status.APPLIED), int(Status.DUPLICATE)


@kernel
def slot_of(keys, key):
    """Index of the key, or of the empty slot where it would go."""
    mask = np.uint64(len(keys) - 1)
    at = (key ^ (key >> np.uint64(29))) & mask
    while keys[at] != 0 and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


@kernel
def keys_add(table, key):
    """Add a key to a set; True if it was new."""
    at = slot_of(table, key)
    if table[at] == key:
        return False
    table[at] = key
    return True


@kernel
def keys_add_all(table, keys):
    """Add many keys to a set (0 is skipped); returns how many were new."""
    n = 0
    for i in range(len(keys)):
        if keys[i] != 0 and keys_add(table, keys[i]):
            n += 1
    return n


@kernel
def keys_has(table, key):
    """Whether the set holds the key; it never holds 0."""
    return key != 0 and table[slot_of(table, key)] == key


@kernel
def identities_put(table, keys, rows, shared):
    """Set many identities; returns how many were new."""
    n = 0
    for i in range(len(keys)):
        at = slot_of(table["key"], keys[i])
        if table[at]["key"] == 0:
            n += 1
        table[at]["key"] = keys[i]
        table[at]["row"] = rows[i]
        table[at]["is_shared"] = shared[i]
    return n


@kernel
def identities_get(table, key):
    """Row of an identity as stored, or -1."""
    at = slot_of(table["key"], key)
    return table[at]["row"] if table[at]["key"] == key else -1


@kernel
def identity_slot(table, key):
    """Slot of an identity, or the empty one where it would go."""
    return slot_of(table["key"], key)


@kernel
def root_of(records, row):
    """The row that a visitor's merges lead to."""
    while row >= 0 and records[row]["merged_into"] != 0:
        row = records[row]["merged_into"] - 1
    return row


@kernel
def _root(records, gone, row):
    """As root_of, also through this batch's merges, which the records don't show yet."""
    while row >= 0:
        if gone[row] != 0:
            row = gone[row] - 1
        elif records[row]["merged_into"] != 0:
            row = records[row]["merged_into"] - 1
        else:
            break
    return row


@kernel
def admit(records, n_rows, events, identities, seen, orders, splits, gone, merges, links):
    """Give each event of a batch its row and status.

    Parameters
    ----------
    records : RECORD[capacity]
        Read for ``merged_into``, ``user_key`` and ``first_seen``; ``user_key`` and ``site`` of new owners are set.
        There must be room for one more row per event.
    n_rows : int
        Rows in use.
    events : EVENT[n]
        ``row`` and ``status`` are set; those that come in FAILED are left alone.
    identities : IDENTITY_SLOT[2**k]
        Changed in place; at least ``2 * (used + 3 n)`` slots. An alias adds up to 4 identities, any other event 2.
    seen, orders, splits : uint64[2**k]
        Key sets: message keys of the duplicate window, order keys for ever, pairs of ids split by hand
        (``key_a ^ key_b``).
    gone : int32[>= n_rows + n]
        Zeros; scratch for merges within the batch, left as zeros.
    merges : MERGE[>= 2 n]
        Filled with the merges to do, by event.
    links : uint8[n]
        Filled with bits that say which identities must be stored.

    Returns
    -------
    tuple of int
        New number of rows, number of merges, of new identities, new message keys, new order keys.
    """
    n_merges = n_identities = n_seen = n_orders = 0
    keys = identities["key"]
    for i in range(len(events)):
        e = events[i]
        links[i] = 0
        if e["status"] != _APPLIED:
            continue
        if keys_has(seen, e["message_key"]) or keys_has(orders, e["order_key"]):
            e["status"] = _DUPLICATE
        if e["message_key"] != 0 and keys_add(seen, e["message_key"]):
            n_seen += 1
        if e["status"] == _DUPLICATE:
            # its visitor, if known, so that the ledger's list can show whose it was
            at = slot_of(keys, e["user_key"] if e["user_key"] != 0 else e["anonymous_key"])
            e["row"] = _root(records, gone, identities[at]["row"]) if keys[at] != 0 else -1
            continue
        if e["order_key"] != 0 and keys_add(orders, e["order_key"]):
            n_orders += 1

        anonymous, user = e["anonymous_key"], e["user_key"]
        row_a = row_u = -1
        is_shared = is_split = False
        at_a = at_u = np.uint64(0)
        if anonymous != 0:
            at_a = slot_of(keys, anonymous)
            if keys[at_a] != 0:
                row_a = _root(records, gone, identities[at_a]["row"])
                is_shared = identities[at_a]["is_shared"] != 0
        if user != 0:
            at_u = slot_of(keys, user)
            if keys[at_u] != 0:
                row_u = _root(records, gone, identities[at_u]["row"])

        row = -1
        if user == 0:
            row = row_a
            if row < 0:
                row = n_rows
                n_rows += 1
                records[row]["site"] = e["site"]
        else:
            is_split = anonymous != 0 and keys_has(splits, anonymous ^ user)
            may_join = anonymous != 0 and not is_shared and not is_split
            owner = records[row_a]["user_key"] if row_a >= 0 else np.uint64(0)
            if row_u < 0:
                if row_a >= 0 and may_join and owner == 0:
                    row = row_a
                else:
                    row = n_rows
                    n_rows += 1
                    records[row]["site"] = e["site"]
                if records[row]["user_key"] == 0:
                    records[row]["user_key"] = user
                keys[at_u] = user
                identities[at_u]["row"] = row
                identities[at_u]["is_shared"] = 0
                n_identities += 1
                links[i] |= NEW_USER
                if anonymous != 0:
                    at_a = slot_of(keys, anonymous)  # the user's slot may have taken the place
            else:
                row = row_u
                if records[row]["user_key"] == 0:
                    records[row]["user_key"] = user
                if row_a >= 0 and row_a != row_u and may_join and owner == 0:
                    merges[n_merges]["event_idx"] = i
                    merges[n_merges]["winner"] = row_u
                    merges[n_merges]["loser"] = row_a
                    merges[n_merges]["key_a"] = anonymous
                    merges[n_merges]["key_b"] = user
                    n_merges += 1
                    gone[row_a] = row_u + 1
                    row_a = row_u
            if row_a >= 0 and row_a != row and not is_shared and anonymous != 0:
                # the device belongs to another user (or was split from this one): from now on it is its own
                if owner != 0:
                    identities[at_a]["row"] = -1
                identities[at_a]["is_shared"] = 1
                links[i] |= SHARED_ANONYMOUS
                is_shared = True
        if anonymous != 0 and keys[at_a] == 0:
            keys[at_a] = anonymous
            identities[at_a]["row"] = -1 if is_split else row
            identities[at_a]["is_shared"] = is_split
            n_identities += 1
            links[i] |= NEW_ANONYMOUS
        elif anonymous != 0 and user == 0 and row_a < 0:
            identities[at_a]["row"] = row  # first event of a shared device's own visitor
            records[row]["states"] = records[row]["states"] | SHARED
            links[i] |= SHARED_ANONYMOUS
        e["row"] = row

        if e["is_alias"] == 0 or (user == 0 and is_shared):
            continue
        me = user if user != 0 else anonymous
        previous, previous_anonymous = e["previous_key"], e["previous_anonymous_key"]
        if previous != 0 and keys_has(splits, previous ^ me):
            previous = np.uint64(0)
        if previous_anonymous != 0 and keys_has(splits, previous_anonymous ^ me):
            previous_anonymous = np.uint64(0)
        if previous == me or previous_anonymous == me:
            continue
        at_p, at_o = slot_of(keys, previous), slot_of(keys, previous_anonymous)
        is_device = previous_anonymous != 0 and keys[at_o] != 0
        if not is_device and (previous == 0 or keys[at_p] == 0):
            if previous != 0:
                keys[at_p] = previous
                identities[at_p]["row"] = row
                identities[at_p]["is_shared"] = 0
                n_identities += 1
                links[i] |= NEW_PREVIOUS
            if previous_anonymous != 0:
                at_o = slot_of(keys, previous_anonymous)  # the first may have taken the place
                keys[at_o] = previous_anonymous
                identities[at_o]["row"] = row
                identities[at_o]["is_shared"] = 0
                n_identities += 1
                links[i] |= NEW_PREVIOUS_ANONYMOUS
            continue
        other = -1
        if not is_device:
            other = _root(records, gone, identities[at_p]["row"])
            if records[row]["user_key"] != 0:
                e["is_alias"] = 2
        elif identities[at_o]["is_shared"] == 0:
            other = _root(records, gone, identities[at_o]["row"])
            if other != row and records[other]["user_key"] != 0 and records[row]["user_key"] != 0:
                identities[at_o]["row"] = -1
                identities[at_o]["is_shared"] = 1
                links[i] |= NEW_PREVIOUS_ANONYMOUS
                other = -1
        if other < 0 or other == row:
            continue
        winner, loser = row, other
        if records[row]["user_key"] == 0 and records[other]["user_key"] != 0:
            winner, loser = other, row
        merges[n_merges]["event_idx"] = i
        merges[n_merges]["winner"] = winner
        merges[n_merges]["loser"] = loser
        merges[n_merges]["key_a"] = previous_anonymous if is_device else previous
        merges[n_merges]["key_b"] = me
        n_merges += 1
        gone[loser] = winner + 1
        e["row"] = winner
    for k in range(n_merges):
        gone[merges[k]["loser"]] = 0
    return n_rows, n_merges, n_identities, n_seen, n_orders


@allocating_kernel
def grown_keys(table, n_slots):
    """A larger set with the same keys."""
    new = np.zeros(n_slots, np.uint64)
    for i in range(len(table)):
        if table[i] != 0:
            new[slot_of(new, table[i])] = table[i]
    return new


def grown_identities(table: np.ndarray, n_slots: int) -> np.ndarray:
    """A larger identity table with the same entries."""
    new = np.zeros(n_slots, IDENTITY_SLOT)
    used = table[table["key"] != 0]
    identities_put(new, used["key"], used["row"], used["is_shared"])
    return new


def room_for(n: int, least: int = 1024) -> int:
    """Slots for ``n`` keys at no more than half full: a power of two."""
    return max(least, 1 << (2 * max(n, 1) - 1).bit_length())


def merge_room(n: int) -> np.ndarray:
    """Room for the merges of a batch of ``n`` events (an alias can add a second one to an event)."""
    return np.zeros(2 * n + 1, MERGE)
