"""What views of a thing lead to is found again by its key, whatever else is in the table."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from footfall.record.rates import RATE, known_rates, no_rates, rate_slot, rates_of


def rates(*keys: int) -> np.ndarray:
    return np.array([(key, 2.0, 0.5, key % 97 / 97) for key in keys], RATE)


@given(st.sets(st.integers(1, 2**64 - 1)), st.integers(1, 2**64 - 1))
def test_a_key_leads_to_its_own_slot_and_another_to_none(keys: set[int], other: int) -> None:
    table = rates_of(rates(*keys), rates()).products
    assert len(table) & (len(table) - 1) == 0
    assert len(table) >= 2 * len(keys)
    for key in keys:
        at = rate_slot(table, np.uint64(key))
        assert (int(table[at]["key"]), float(table[at]["order_lift"])) == (key, np.float32(key % 97 / 97))
    if other not in keys:
        assert rate_slot(table, np.uint64(other)) == -1


def test_nothing_is_known_of_nothing() -> None:
    for table in (*no_rates(), *rates_of(rates(0), rates())):
        assert rate_slot(table, np.uint64(0)) == -1
        assert rate_slot(table, np.uint64(3)) == -1
        assert len(known_rates(table)) == 0


def test_what_is_known_is_told_in_the_same_order_however_it_came_in() -> None:
    one, other = rates_of(rates(3, 9, 4), rates()).products, rates_of(rates(9, 4, 3), rates()).products
    assert known_rates(one)["key"].tolist() == known_rates(other)["key"].tolist() == [3, 4, 9]
