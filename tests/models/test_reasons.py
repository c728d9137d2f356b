"""Three reasons are three different things, and together with the rest they are the whole score."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.models.prior import Prior
from footfall.models.reasons import family_effects, top_reasons
from footfall.models.rows import SESSION, WEEK
from footfall.record.features import CATALOGUE, N_FEATURES

NAMES = [feature.name for feature in CATALOGUE]


def reasons(
    contributions: dict[str, float], values: dict[str, float] | None = None, n: int = 3
) -> list[tuple[str, float]]:
    names = list(contributions)
    told = np.array([(values or {}).get(name, 1.0) for name in names])
    found = top_reasons(names, told, np.array(list(contributions.values())), n)
    return [(reason.feature, round(reason.effect, 6)) for reason in found]


def test_features_that_say_the_same_are_one_reason_told_by_the_strongest() -> None:
    told = reasons({
        "session_product_view_n": 0.3, "product_view_n": 0.5, "product_view_decayed_1h": 0.1,
        "cart_value": 0.8, "cart_items_n": -0.1, "device": -0.4, "session_channel": 0.2,
    })  # fmt: skip
    assert told == [("product_view_n", 0.9), ("cart_value", 0.7), ("device", -0.4)]


def test_a_family_is_told_by_a_member_that_pulls_its_way() -> None:
    assert reasons({"cart_value": 0.5, "cart_items_n": -0.3, "cart_add_n": -0.4}) == [("cart_add_n", -0.2)]


def test_what_moved_nothing_is_no_reason() -> None:
    assert reasons({"cart_value": 0.0, "device": 0.0}) == []
    assert reasons({"cart_value": 0.5, "cart_items_n": -0.5, "device": 0.1}) == [("device", 0.1)]
    assert reasons({}) == []


def test_a_reason_is_told_in_words_with_its_value() -> None:
    [first, second] = top_reasons(
        ["cart_value", "since_search_h"], np.array([120.0, math.nan]), np.array([1.0, -0.5, -3.9]), currency="EUR"
    )
    assert (first.words, first.value, first.effect) == ("cart worth EUR 120", 120.0, 1.0)
    assert second.words == "has not searched yet" and math.isnan(second.value)


def test_contributions_of_other_features_are_refused() -> None:
    with pytest.raises(ValueError, match="3 contributions don't belong to 1 features"):
        family_effects(["device"], np.zeros(3))


@given(st.lists(st.floats(-3, 3), min_size=N_FEATURES + 1, max_size=N_FEATURES + 1))
def test_effects_the_rest_and_the_base_are_the_margin(contributions: list[float]) -> None:
    given_ = np.array(contributions)
    effects = family_effects(NAMES, given_)
    assert sum(effects.values()) + given_[-1] == pytest.approx(given_.sum(), abs=1e-6)
    told = top_reasons(NAMES, np.ones(N_FEATURES), given_)
    rest = sum(sorted(map(abs, effects.values()))[:-3])
    assert sum(abs(reason.effect) for reason in told) + rest == pytest.approx(sum(map(abs, effects.values())), abs=1e-6)


def test_the_priors_reasons_are_those_that_moved_it() -> None:
    features = np.zeros((1, N_FEATURES), np.float32)
    for name, value in (("cart_items_n", 2), ("session_cart_add_n", 2), ("session_checkout_start_n", 1),
                        ("session_repeat_n", 2), ("session_events_n", 9), ("session_product_view_n", 3)):  # fmt: skip
        features[0, NAMES.index(name)] = value
    prior = Prior()
    for target in (SESSION, WEEK):
        contributions = prior.contributions(features, target)[0]
        told = top_reasons(prior.names, features[0, prior.columns], contributions)
        assert [reason.words for reason in told] == [
            "put something into the cart 2 times in this session",
            "started the checkout in this session",
            "viewed the same product again twice in this session",
        ]
        scores = np.zeros((1, 2), np.float32)
        prior.score_into(features, scores)
        margin = sum(family_effects(prior.names, contributions).values()) + float(contributions[-1])
        assert scores[0, target] == pytest.approx(1 / (1 + math.exp(-margin)), rel=1e-4)
