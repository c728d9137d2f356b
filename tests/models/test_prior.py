"""On the first day the likelier buyers already stand above the others, and no score says more than is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.base.codes import Channel, Device
from footfall.models.prior import BASE_RATES, TERMS, Prior, Term
from footfall.models.rows import SESSION, WEEK
from footfall.record.features import FEATURE_IDX, N_FEATURES

FIRST_PAGE = {
    "cart_items_n": 0, "session_cart_add_n": 0, "session_checkout_start_n": 0, "session_payment_info_n": 0,
    "session_order_n": 0, "session_wishlist_add_n": 0, "session_product_view_n": 0, "session_repeat_n": 0,
    "session_search_n": 0, "session_events_n": 1, "session_dwell_s": 0, "session_engaged_s": 0, "session_number": 1,
    "sessions_7d_n": 1, "order_n": 0, "is_known": 0, "since_last_event_s": 0, "session_is_ended": 0, "is_bot": 0,
    "device": Device.MOBILE, "session_channel": Channel.DIRECT,
}  # fmt: skip
"""A new visitor's first page view."""


def row(**values: float) -> np.ndarray:
    features = np.full((1, N_FEATURES), np.nan, np.float32)
    for name, value in {**FIRST_PAGE, **values}.items():
        features[0, FEATURE_IDX[name]] = value
    return features


def score(target: int = SESSION, **values: float) -> float:
    scores = np.zeros((1, 2), np.float32)
    Prior().score_into(row(**values), scores)
    return float(scores[0, target])


def test_visitors_stand_in_the_order_in_which_shops_see_them_buy() -> None:
    looked = {"session_product_view_n": 3, "session_events_n": 6, "session_dwell_s": 120}
    cart = {**looked, "cart_items_n": 1, "session_cart_add_n": 1}
    checkout = {**cart, "session_checkout_start_n": 1}
    ladder = [
        score(is_bot=1),
        score(),
        score(**looked),
        score(**looked, session_repeat_n=2),
        score(**cart),
        score(**checkout),
        score(**checkout, session_payment_info_n=1),
    ]
    assert ladder == sorted(ladder)
    assert 0.005 < ladder[1] < 0.015 < ladder[2] < 0.04  # every session has a first page
    assert 0.15 < ladder[4] < 0.4  # about 30 % of carts are ordered
    assert 0.35 < ladder[5] < 0.65  # and about half of checkouts


def test_who_bought_before_comes_back_or_just_ordered_is_told_apart() -> None:
    assert score(order_n=2, session_number=3, past_order_rate=0.5) > 2 * score()
    assert score(session_order_n=1) < score()
    assert score(session_is_ended=1) < 0.1 * score()
    assert score(WEEK, session_is_ended=1) > 0.8 * score(WEEK)
    assert score(device=Device.DESKTOP) > score()
    assert score(session_channel=Channel.EMAIL) > score() > score(session_channel=Channel.PAID_SOCIAL)


def test_whoever_nothing_is_known_of_has_the_base_rate() -> None:
    scores = np.zeros((1, 2), np.float32)
    Prior().score_into(np.full((1, N_FEATURES), np.nan, np.float32), scores)
    assert scores[0].tolist() == [pytest.approx(rate) for rate in BASE_RATES]


values = st.one_of(st.sampled_from([math.nan, 0.0, 1.0, 1e30, -1e30, math.inf]), st.floats(-10, 2000, width=32))


@given(st.lists(values, min_size=len(TERMS), max_size=len(TERMS)))
def test_a_score_is_the_sum_of_its_contributions_and_the_week_is_never_below_the_session(some: list[float]) -> None:
    features = row(**{term.feature: value for term, value in zip(TERMS, some, strict=True)})
    scores = np.zeros((1, 2), np.float32)
    prior = Prior()
    prior.score_into(features, scores)
    for target in (SESSION, WEEK):
        margin = float(prior.contributions(features, target)[0].sum(dtype=np.float64))
        assert scores[0, target] == pytest.approx(1 / (1 + math.exp(-margin)), rel=1e-4)
    assert 0 < scores[0, SESSION] <= scores[0, WEEK] < 1


@pytest.mark.parametrize("term", TERMS, ids=[term.feature for term in TERMS])
def test_each_term_is_a_bounded_line_through_its_corners(term: Term) -> None:
    feature, knots, session, week = term
    prior = Prior()
    column = prior.names.index(feature)
    for target, effects in ((SESSION, session), (WEEK, week)):
        assert len(knots) == len(effects)
        for knot, effect in zip(knots, effects, strict=True):
            got = prior.contributions(row(**{feature: knot}), target)[0, column]
            assert got == pytest.approx(effect, abs=1e-6)
            assert abs(effect) <= 4
    assert list(knots) == sorted(knots)
    assert all(a <= b for a, b in zip(session, week, strict=True))


def test_more_of_what_tells_a_buyer_never_lowers_the_score() -> None:
    for name in ("cart_items_n", "session_checkout_start_n", "session_product_view_n", "session_repeat_n",
                 "session_search_n", "session_events_n", "session_dwell_s", "order_n", "session_number"):  # fmt: skip
        ladder = [score(target, **{name: value}) for target in (0, 1) for value in (0, 1, 2, 3, 5, 10, 1000)]
        assert ladder[:7] == sorted(ladder[:7]) and ladder[7:] == sorted(ladder[7:]), name
