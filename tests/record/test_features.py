"""Each feature of the catalogue is what its formula says."""

import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.record import naive, traces
from tests.record.traces import BASE_MS, MINUTE_MS, event, examples, stepped

from footfall.base.kinds import Kind
from footfall.record.catalogue_page import GROUPS
from footfall.record.features import CATALOGUE, CATALOGUE_ID, FEATURE_IDX, N_FEATURES, catalogue_id, features_into
from footfall.record.layout import LAYOUT, RECORD
from footfall.record.rates import RATE, Rates, no_rates, rates_of

DAY_MS = 86_400_000


KNOWN: naive.Known = {key: (float(key), key / 10, key / 50) for key in range(1, 9, 2)}


def known(rates: naive.Known) -> np.ndarray:
    return np.array([(key, *values) for key, values in rates.items()], RATE)


def computed(record: np.void, t: int, rates: Rates | None = None) -> dict[str, float]:
    records = np.zeros(3, RECORD)
    records[1] = record
    out = np.full((2, N_FEATURES), -7.0, np.float32)
    n = features_into(records, np.array([1, 0], np.int32), np.array([t, t], np.int64), rates or no_rates(), out)
    assert n == N_FEATURES
    return {feature.name: float(out[0, i]) for i, feature in enumerate(CATALOGUE)}


def differences(got: dict[str, float], want: dict[str, float], rel: float = 1e-4) -> dict[str, Any]:
    assert got.keys() == want.keys()
    return {
        name: (got[name], float(value))
        for name, value in want.items()
        if not np.isclose(got[name], float(value), rtol=rel, atol=1e-3, equal_nan=True)
    }


@settings(max_examples=examples(120))
@given(traces.traces(), st.sampled_from([0, 1, 30_000, 1_800_001, DAY_MS, 8 * DAY_MS, 29 * DAY_MS, 400 * DAY_MS]))
def test_every_feature_is_what_its_formula_says(events: list[dict[str, Any]], later_ms: int) -> None:
    record = stepped(events)[0][0]
    t = int(record["last_seen"]) + later_ms
    assert differences(computed(record, t), naive.features(traces.as_dict(record), t)) == {}


@settings(max_examples=examples(60))
@given(traces.traces(), st.sets(st.integers(1, 16)), st.sets(st.integers(1, 9)))
def test_what_is_known_of_products_and_categories_reaches_those_who_looked_at_them(
    events: list[dict[str, Any]], product_keys: set[int], category_keys: set[int]
) -> None:
    record = stepped(events)[0][0]
    products: naive.Known = {key: (key / 3, key / 20, key / 9) for key in product_keys}
    categories: naive.Known = {key: (key / 7, key / 10, key / 4) for key in category_keys}
    t = int(record["last_seen"])
    got = computed(record, t, rates_of(known(products), known(categories)))
    assert differences(got, naive.features(traces.as_dict(record), t, products, categories)) == {}


def test_the_latest_product_and_the_best_seller_among_the_latest_are_told_apart() -> None:
    # views product 5, then 1; then 2, of which nothing is known
    views = [event(kind=Kind.PRODUCT_VIEW, product=key, category=7, time=BASE_MS + key) for key in (5, 1)]
    got = computed(stepped(views)[0][0], BASE_MS + 10, rates_of(known(KNOWN), known({})))
    assert got["last_product_order_lift"] == pytest.approx(0.02)
    assert got["recent_products_order_lift_max"] == pytest.approx(0.1)
    assert got["recent_products_order_lift_mean"] == pytest.approx(0.06)
    assert got["last_category_order_lift"] == 1.0
    views.append(event(kind=Kind.PRODUCT_VIEW, product=2, time=BASE_MS + 20))
    got = computed(stepped(views)[0][0], BASE_MS + 20, rates_of(known(KNOWN), known({})))
    assert got["last_product_order_lift"] == got["recent_products_order_lift_max"] == 1.0
    assert got["recent_products_order_lift_mean"] == pytest.approx((1 + 0.02 + 0.1) / 3)


def test_nothing_known_looks_like_the_average_and_not_like_nothing_viewed() -> None:
    shared = [feature.name for feature in CATALOGUE if feature.group == "shared"]
    viewed = [event(kind=Kind.PRODUCT_VIEW, product=5, category=7), event(kind=Kind.CART_ADD, items=[(5, 10.0, 2)])]
    of_none = computed(stepped(viewed)[0][0], BASE_MS)
    average = dict.fromkeys((5, 7), (1.0, 1.0, 1.0))
    of_average = computed(stepped(viewed)[0][0], BASE_MS, rates_of(known(average), known(average)))
    assert [of_none[name] for name in shared] == [of_average[name] for name in shared] == [1.0] * 12
    of_a_page = computed(stepped([event()])[0][0], BASE_MS)
    assert all(math.isnan(of_a_page[name]) for name in shared)


def test_a_visitor_of_whom_nothing_is_known_has_features_too() -> None:
    record = np.zeros(1, RECORD)[0]
    assert differences(computed(record, BASE_MS), naive.features(traces.as_dict(record), BASE_MS)) == {}


@settings(max_examples=examples(60))
@given(traces.traces())
def test_features_are_what_the_history_says(events: list[dict[str, Any]]) -> None:
    """Some that need no record to be told: straight from the events."""
    t = max(e["time"] for e in events)
    got = computed(stepped(events)[0][0], t)
    views = [e for e in events if e["kind"] == Kind.PRODUCT_VIEW]
    prices = [e["price"] for e in views if naive.has_price(e)]
    orders = [e for e in events if e["kind"] == Kind.ORDER]
    today = max(e["day"] for e in events)
    want = {
        "events_n": len(events),
        "since_first_event_d": (t - min(e["time"] for e in events)) / DAY_MS,
        "price_mean": statistics.fmean(prices) if prices else math.nan,
        "price_std": statistics.pstdev(prices) if prices else math.nan,
        "revenue": sum(naive.money(e) for e in orders),
        "view_to_order": len(orders) / len(views) if views else math.nan,
        "events_7d_n": sum(today - 7 < e["day"] <= today for e in events),
        "active_days_30d_n": len({e["day"] for e in events if today - 30 < e["day"]}),
        "monday_share": sum(e["weekday"] == 0 for e in events) / len(events),
        "order_decayed_1d": sum(0.5 ** ((t - e["time"]) / DAY_MS) for e in orders),
    }
    assert differences({name: got[name] for name in want}, want, rel=1e-3) == {}


def test_features_move_with_time_and_the_record_does_not() -> None:
    # a page at 0; asked at 0, after an hour, and after a day
    records, _ = stepped([event(), event(time=BASE_MS + MINUTE_MS)])
    before = records.tobytes()
    now, hour, day = (computed(records[0], BASE_MS + MINUTE_MS + later) for later in (0, 3_600_000, DAY_MS))
    assert (now["since_last_event_s"], hour["since_last_event_s"]) == (0, 3600)
    assert hour["page_view_decayed_1h"] == pytest.approx(now["page_view_decayed_1h"] / 2)
    assert (now["events_1d_n"], day["events_1d_n"], day["events_7d_n"]) == (2, 0, 2)
    assert records.tobytes() == before


def test_sharing_a_batch_changes_nothing() -> None:
    records, _ = stepped([event(row=0), event(row=1, kind=Kind.CART_ADD, items=[(5, 10.0, 2)])], 2)
    rows, times = np.array([1, 0, 1], np.int32), np.array([BASE_MS] * 3)
    out = np.zeros((3, N_FEATURES), np.float32)
    features_into(records, rows, times, no_rates(), out)
    assert out[0].tobytes() == out[2].tobytes()
    assert (out[0, FEATURE_IDX["cart_value"]], out[1, FEATURE_IDX["cart_value"]]) == (20.0, 0.0)


def test_the_catalogue_is_whole() -> None:
    names = [feature.name for feature in CATALOGUE]
    assert len(set(names)) == len(names) == N_FEATURES == 296
    assert {feature.group for feature in CATALOGUE} == set(GROUPS)
    for feature in CATALOGUE:
        assert all(feature), feature
        assert feature.about.endswith(".")
        assert FEATURE_IDX[feature.name] == names.index(feature.name)


def test_another_formula_order_or_layout_is_another_catalogue() -> None:
    assert len(CATALOGUE_ID) == 16 and int(CATALOGUE_ID, 16) > 0
    assert catalogue_id(CATALOGUE, LAYOUT) == CATALOGUE_ID
    first, second, *rest = CATALOGUE
    reworded = first._replace(about="The same in other words.")
    assert catalogue_id((reworded, second, *rest), LAYOUT) == CATALOGUE_ID
    others = [
        catalogue_id((first._replace(formula="t - first_seen"), second, *rest), LAYOUT),
        catalogue_id((second, first, *rest), LAYOUT),
        catalogue_id((first, *rest), LAYOUT),
        catalogue_id(CATALOGUE, LAYOUT + 1),
    ]
    assert len({CATALOGUE_ID, *others}) == 5


def test_formulas_speak_of_fields_that_there_are() -> None:
    words = {"t", "s", "p", "Σ", "x", "min", "max", "sqrt", "exp", "log2", "sum", "mean"}
    for feature in CATALOGUE:
        for word in feature.formula.replace("[", " [ ").split():
            word = word.strip("()[],²")
            if "_" in word and word.isidentifier() and word not in words:
                kinds = {kind.name.lower() for kind in Kind}
                codes = {"paid_search", "organic_search", "organic_social", "paid_social"}
                assert word in {*(RECORD.names or ()), *(RATE.names or ()), *FEATURE_IDX, *kinds, *codes}, (
                    feature.name,
                    word,
                )
