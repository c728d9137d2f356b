"""What is known across visitors, as snapshots that never change and are in force from an offset of the log on."""

import io
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from footfall.base.codes import Flag
from footfall.base.errors import BadInput, Unavailable
from footfall.events.facts import (
    FENCE,
    LEAST_CATEGORY,
    LEAST_PRODUCT,
    Facts,
    FactsShelf,
    SiteSums,
    facts_from_bytes,
    is_news,
    lifts,
    make_facts,
    no_facts,
    place_prices,
    smoothed,
)
from footfall.record.layout import EVENT, ITEM
from footfall.record.rates import RATE, known_rates, rates_of

NONE = np.zeros(0, np.uint64), np.zeros(0, np.float32)


def same_facts(a: Facts, b: Facts) -> bool:
    names = ("categories", "quantiles", "products", "fences")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names) and all(
        np.array_equal(known_rates(x), known_rates(y)) for x, y in zip(a.rates, b.rates, strict=True)
    )


def of_category(prices: list[float], key: int = 7, version: int = 1) -> Facts:
    return make_facts(version, np.full(len(prices), key, np.uint64), np.array(prices, np.float32), *NONE)


def of_product(prices: list[float], key: int = 9) -> Facts:
    return make_facts(1, *NONE, np.full(len(prices), key, np.uint64), np.array(prices, np.float32))


def placed(facts: Facts, *prices: float, category: int = 7, product: int = 9) -> np.ndarray:
    events = np.zeros(len(prices), EVENT)
    events["price"], events["category"], events["product"], events["percentile"] = prices, category, product, np.nan
    place_prices(events, np.zeros(0, ITEM), facts.categories, facts.quantiles, facts.products, facts.fences)
    return events


# -- places and fences ---------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 1000), min_size=LEAST_CATEGORY, max_size=200))
def test_quantiles_are_those_of_numpy(prices: list[int]) -> None:
    facts = of_category([float(p) for p in prices])
    assert np.allclose(facts.quantiles[0], np.quantile(prices, np.linspace(0, 1, 21)), rtol=1e-6)


@given(
    st.lists(st.integers(1, 1000), min_size=LEAST_CATEGORY, max_size=100), st.lists(st.integers(0, 1100), min_size=2)
)
def test_a_higher_price_never_has_a_lower_place(prices: list[int], asked: list[int]) -> None:
    places = placed(of_category([float(p) for p in prices]), *sorted(float(p) for p in asked))["percentile"]
    assert (np.diff(places) >= 0).all()
    assert (places >= 0).all() and (places <= 1).all()


def test_a_place_lies_between_the_cheapest_and_the_dearest() -> None:
    facts = of_category([float(p) for p in range(1, 42)])
    assert placed(facts, 0.5, 1, 11, 21, 41, 99)["percentile"].round(4).tolist() == [0, 0, 0.25, 0.5, 1, 1]


def test_too_few_prices_say_nothing() -> None:
    assert len(of_category([1.0] * (LEAST_CATEGORY - 1)).categories) == 0
    assert len(of_category([1.0] * LEAST_CATEGORY).categories) == 1
    assert len(of_product([1.0] * (LEAST_PRODUCT - 1)).products) == 0


def test_other_categories_and_events_without_price_have_no_place() -> None:
    facts = of_category([float(p) for p in range(1, 42)])
    assert np.isnan(placed(facts, 5.0, category=8)["percentile"]).all()
    assert np.isnan(placed(facts, float("nan"))["percentile"]).all()


def test_prices_far_outside_the_quartiles_are_outliers() -> None:
    facts = of_product([10, 11, 12, 13, 14, 15, 16, 17, 18])  # quartiles 12 and 16
    low, high = 12 - FENCE * 4, 16 + FENCE * 4
    flags = placed(facts, high, high + 0.1, low - 0.1, 14.0)["flags"] & Flag.OUTLIER_PRICE
    assert (flags != 0).tolist() == [False, True, True, False]


def test_a_product_at_one_price_may_change_it_a_little() -> None:
    flags = placed(of_product([100.0] * 20), 100, 125, 131, 69)["flags"] & Flag.OUTLIER_PRICE
    assert (flags != 0).tolist() == [False, False, True, True]


# -- rates ---------------------------------------------------------------------------------------------------------


def rates_of_site(acts: list[float], chances: list[float]) -> list[float]:
    x, n = np.array(acts), np.array(chances)
    ones = np.ones(len(x))
    sums = SiteSums(len(x) * ones, n.sum() * ones, x.sum() * ones, (x * x / n).sum() * ones)
    return [round(float(rate), 4) for rate in smoothed(x, n, sums)]


def test_a_rate_is_drawn_to_the_mean_the_more_the_less_is_known() -> None:
    # 9 of 10 and 90 of 100 say the same, but the mean of 0.19 draws the first more
    few, many, none = rates_of_site([9, 90, 0], [10, 100, 400])
    assert 0.19 < few < many < 0.9
    assert none < 0.01


def test_things_that_differ_no_more_than_chance_lets_them_all_have_the_mean() -> None:
    assert rates_of_site([1, 0, 1, 0], [10, 10, 10, 10]) == [0.05] * 4
    assert rates_of_site([0, 0], [10, 20]) == [0, 0]
    assert rates_of_site([3], [10]) == [0.3]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 500)), min_size=1, max_size=40))
def test_a_rate_lies_between_its_own_count_and_the_mean(counts: list[tuple[int, int]]) -> None:
    acts, chances = [float(min(x, n)) for x, n in counts], [float(n) for _, n in counts]
    mean = sum(acts) / sum(chances)
    for x, n, rate in zip(acts, chances, rates_of_site(acts, chances), strict=True):
        assert min(x / n, mean) - 1e-3 <= rate <= max(x / n, mean) + 1e-3


def lifts_of_site(acts: list[float], chances: list[float]) -> list[float]:
    x, n = np.array(acts), np.array(chances)
    ones = np.ones(len(x))
    sums = SiteSums(len(x) * ones, n.sum() * ones, x.sum() * ones, (x * x / n).sum() * ones)
    return [float(lift) for lift in lifts(x, n, sums)]


def test_a_lift_tells_how_things_differ_and_not_how_much_the_shop_sells() -> None:
    assert lifts_of_site([100, 300], [1000, 1000]) == pytest.approx([0.5, 1.5], rel=0.08)
    assert lifts_of_site([200, 600], [1000, 1000]) == lifts_of_site([100, 300], [1000, 1000])
    assert lifts_of_site([1, 0, 1, 0], [10, 10, 10, 10]) == [1.0] * 4
    assert lifts_of_site([0, 0], [10, 20]) == [1.0, 1.0]


def test_lifts_that_differ_by_less_than_a_step_are_told_as_one() -> None:
    a, b, c = lifts_of_site([1000, 1030, 2000], [10_000, 10_000, 10_000])
    assert a == b < 1 < c
    assert lifts_of_site([1000, 1010, 990], [10_000] * 3) == [1.0] * 3


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 500)), min_size=1, max_size=40))
def test_a_lift_is_above_zero_and_finite(counts: list[tuple[int, int]]) -> None:
    found = lifts_of_site([float(min(x, n)) for x, n in counts], [float(n) for _, n in counts])
    assert all(0 < lift < math.inf for lift in found)


def test_small_changes_are_news_once_they_add_up() -> None:
    def snapshot(n_moved: int, factor: float, n: int = 100) -> Facts:
        known = np.zeros(n, RATE)
        known["key"] = np.arange(1, n + 1)
        known["view_lift"] = known["cart_lift"] = known["order_lift"] = 2.0
        known["cart_lift"][:n_moved] *= factor
        return msgspec.structs.replace(no_facts(), rates=rates_of(known, known[:0]))

    old = snapshot(0, 1.0)
    assert not is_news(old, old)
    assert not is_news(snapshot(100, 1.04), old)
    assert not is_news(snapshot(5, 3.0), old)
    assert is_news(snapshot(6, 3.0), old) and is_news(snapshot(6, 0.9), old)
    assert not is_news(snapshot(0, 1.0, 104), old)
    assert is_news(snapshot(0, 1.0, 110), old) and is_news(old, snapshot(0, 1.0, 110))
    assert is_news(old, no_facts()) and is_news(no_facts(), old)
    prices = [float(p) for p in range(1, 31)]
    assert not is_news(of_category(prices), of_category([1.04 * p for p in prices]))
    assert is_news(of_category(prices), of_category([*prices[:-1], 100.0]))


# -- the shelf -----------------------------------------------------------------------------------------------------


def test_a_snapshot_comes_back_as_it_was(tmp_path: Path) -> None:
    shelf = FactsShelf(tmp_path / "facts")
    facts = of_category([float(p) for p in range(30)], version=5)
    shelf.put(facts)
    for one in (shelf, FactsShelf(tmp_path / "facts")):
        found = one.get(5)
        assert found.version == 5
        assert same_facts(found, facts)
    assert not same_facts(facts, no_facts())
    assert shelf.get(0).version == 0


def test_rates_come_back_too_and_files_without_them_are_read(tmp_path: Path) -> None:
    known = np.array([(5, 2.5, 0.25, 0.125), (3, 1.0, 0.5, 0.75)], RATE)
    plain = of_category([float(p) for p in range(30)], version=5)
    facts = msgspec.structs.replace(plain, rates=rates_of(known, known[:1]))
    found = facts_from_bytes(facts.to_bytes())
    assert same_facts(found, facts)
    assert not same_facts(found, plain)
    assert known_rates(found.rates.products).tolist() == known[::-1].tolist()
    assert not facts.is_empty() and no_facts().is_empty()

    out = io.BytesIO()  # as it was written before there were rates
    parts = {name: getattr(plain, name) for name in ("categories", "quantiles", "products", "fences")}
    np.savez(out, version=np.int64(5), **parts)
    old = xxh3_64_intdigest(out.getvalue()).to_bytes(8, "big") + out.getvalue()
    assert same_facts(facts_from_bytes(old), plain)


def test_a_damaged_snapshot_is_not_believed_and_a_lost_one_is_empty(tmp_path: Path) -> None:
    shelf = FactsShelf(tmp_path / "facts")
    shelf.put(of_category([1.0] * 30, version=5))
    [file] = (tmp_path / "facts").glob("*.facts")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    shelf = FactsShelf(tmp_path / "facts")
    with pytest.raises(BadInput, match="damaged"):
        shelf.get(5)
    with pytest.raises(Unavailable, match="their file is gone"):
        shelf.get(6)
    assert shelf.get_if_there(5).version == shelf.get_if_there(6).version == 0
    assert shelf.lost == {5, 6}
    with pytest.raises(BadInput):
        facts_from_bytes(b"")


def test_every_event_is_read_with_what_was_in_force_at_its_offset(tmp_path: Path) -> None:
    shelf = FactsShelf(tmp_path / "facts")
    for version in (10, 30, 20):
        shelf.put(of_category([float(version)] * 30, version=version))
    for offset, version in ((100, 10), (200, 30), (250, 20), (200, 30)):
        shelf.put_in_force(offset, version)
    for one in (shelf, FactsShelf(tmp_path / "facts")):
        assert [one.in_force(at).version for at in (0, 99, 100, 199, 200, 249, 250, 10**12)] == [
            0, 0, 10, 10, 30, 30, 20, 20,
        ]  # fmt: skip


def test_a_published_version_is_never_used_again(tmp_path: Path) -> None:
    shelf = FactsShelf(tmp_path / "facts")
    assert shelf.free_version(0) == 1
    shelf.put(of_category([1.0] * 30, version=50))
    shelf.put(of_category([1.0] * 30, version=51))
    assert FactsShelf(tmp_path / "facts").free_version(50) == 52


def test_the_oldest_snapshots_go_but_not_the_one_in_force(tmp_path: Path) -> None:
    shelf = FactsShelf(tmp_path / "facts")
    for version in range(1, 6):
        shelf.put(of_category([1.0] * 30, version=version))
    assert shelf.trim(2, 1) == 2
    assert sorted(int(path.stem) for path in (tmp_path / "facts").glob("*.facts")) == [1, 4, 5]
    assert shelf.trim(2, 1) == 0


def test_large_snapshots_go_before_they_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = FactsShelf(tmp_path / "facts")
    for version in range(1, 6):
        shelf.put(of_category([1.0] * 30, version=version))
    [size] = {path.stat().st_size for path in (tmp_path / "facts").glob("*.facts")}
    monkeypatch.setattr("footfall.events.facts.MOST_BYTES", 3 * size)
    assert shelf.trim(100, 5) == 2
    assert sorted(int(path.stem) for path in (tmp_path / "facts").glob("*.facts")) == [3, 4, 5]


def test_a_broken_list_of_what_was_in_force_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "in_force").write_text("5 10\nrubbish\n7\n9 x\n")
    shelf = FactsShelf(tmp_path / "facts")
    shelf.put(of_category([1.0] * 30, version=10))
    assert [shelf.in_force(at).version for at in (4, 5, 99)] == [0, 10, 10]
