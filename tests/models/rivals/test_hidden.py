import numpy as np
import pytest
from tests.models.rivals.asking import asked, rows_of

from footfall.base.errors import BadInput
from footfall.base.kinds import N_KINDS, Kind
from footfall.models.rivals.hidden import Chain, hidden_markov, log_likelihoods
from footfall.models.rivals.question import Trails
from footfall.models.rows import Split

KINDS = {"p": Kind.PRODUCT_VIEW, "s": Kind.SEARCH, "c": Kind.CART_ADD}


def test_the_forward_algorithm_sums_over_all_ways_through_the_states() -> None:
    shows = np.full((2, N_KINDS), 1e-9)
    shows[0, [1, 2]], shows[1, [1, 2]] = [0.9, 0.1], [0.2, 0.8]
    chain = Chain(np.array([0.6, 0.4]), np.array([[0.7, 0.3], [0.4, 0.6]]), shows)
    kinds = np.array([1, 2, 2, 1], np.uint8)
    # rows that saw 2, 0, 3 events of one session, and 1 of another
    trails = Trails(kinds, np.array([0, 0, 0, 3]), np.array([2, 0, 3, 4]))

    found = log_likelihoods(chain, trails, np.arange(4))

    def by_hand(seen: list[int]) -> float:
        ways = [[]]
        for _ in seen:
            ways = [[*way, state] for way in ways for state in (0, 1)]
        total = 0.0
        for way in ways:
            p = chain.start[way[0]] * shows[way[0], seen[0]] if way else 1.0
            for before, state, kind in zip(way, way[1:], seen[1:], strict=False):
                p *= chain.moves[before, state] * shows[state, kind]
            total += p
        return float(np.log(total))

    assert found.tolist() == pytest.approx([by_hand([1, 2]), 0.0, by_hand([1, 2, 2]), by_hand([1])])


def test_orderers_and_others_are_told_apart_and_the_same_seed_gives_the_same_answer() -> None:
    rows = rows_of([("spspcc", 1), ("ppppp", 0)] * 20 + [("spc", 1), ("ppp", 0)], KINDS)
    train = np.arange(40)
    asking = asked(rows, Split(train, train, np.array([40, 41])))

    answer = hidden_markov(asking)

    assert answer.test[0] > 0.9 > 0.1 > answer.test[1]
    assert hidden_markov(asking).test.tolist() == answer.test.tolist()


def test_a_class_without_any_event_to_look_at_is_refused() -> None:
    rows = rows_of([("c", 1), ("p", 0)] * 5, KINDS)
    at = np.arange(10)

    with pytest.raises(BadInput, match="No session of one class"):
        hidden_markov(asked(rows, Split(at, at, at), is_masked=True))
