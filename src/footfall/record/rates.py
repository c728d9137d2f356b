"""How do products and categories do beside the shop's others? Rates by key, in tables that kernels look up.

:mod:`footfall.events.facts` says where they come from. A table is open addressing over a power of two of slots, at most
half full; a slot with the key 0 is empty.
"""

from typing import NamedTuple

import numpy as np

from footfall.record.admit import room_for, slot_of
from footfall.record.compiled import kernel

RATE = np.dtype([("key", "u8"), ("view_lift", "f4"), ("cart_lift", "f4"), ("order_lift", "f4")], align=True)
"""What is known of one thing of a site: its views, its cart adds for each view and its orders for each view, smoothed
and divided by the mean of the site's things; above 0, 1 is as the others. Keys are those of the columns, so they
differ by site."""
AVERAGE = 1.0
"""Every lift of a thing that nothing is known of: smoothing draws it to the mean the whole way."""


class Rates(NamedTuple):
    """Tables of slots by kind of thing; read only."""

    products: np.ndarray
    """RATE[power of two]"""
    categories: np.ndarray
    """RATE[power of two]"""


def no_rates() -> Rates:
    """Nothing is known."""
    return Rates(np.zeros(2, RATE), np.zeros(2, RATE))


def rates_of(products: np.ndarray, categories: np.ndarray) -> Rates:
    """Tables of known rates, RATE[p] and RATE[c]; of equal keys the last stays, the key 0 is left out."""
    return Rates(_table(products), _table(categories))


def known_rates(table: np.ndarray) -> np.ndarray:
    """The slots in use, RATE[k] by key: the same whatever order they were put in."""
    used: np.ndarray = table[table["key"] != 0]
    return used[np.argsort(used["key"])]


def _table(known: np.ndarray) -> np.ndarray:
    table = np.zeros(room_for(len(known), 2), RATE)
    _put(table, known)
    return table


@kernel
def _put(table, known):
    keys = table["key"]
    for i in range(len(known)):
        if known[i]["key"] != 0:
            table[slot_of(keys, known[i]["key"])] = known[i]


@kernel
def rate_slot(table, key):
    """Index of the slot of a thing, or -1 if nothing is known of it."""
    if key == 0:
        return -1
    at = slot_of(table["key"], key)
    return np.int64(at) if table[at]["key"] == key else -1
