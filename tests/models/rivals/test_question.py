import numpy as np
import pytest
from tests.models.rivals.asking import asked, question, rows_of

from footfall.base.errors import BadInput
from footfall.base.kinds import Kind
from footfall.models.rivals.question import log_odds, probability, trails_of, whole_visitors
from footfall.models.rows import Split

KINDS = {"p": Kind.PRODUCT_VIEW, "c": Kind.CART_ADD, "b": Kind.PAYMENT_INFO, "o": Kind.ORDER}


def test_trails_without_cart_events_leave_them_out_of_every_row_and_keep_orders() -> None:
    rows = rows_of([("pcp", 1), ("cb", 0), ("poc", 0)], KINDS)

    trails = trails_of(rows, is_masked=True)

    seen = [trails.kinds[start:end].tolist() for start, end in zip(trails.starts, trails.ends, strict=True)]
    assert seen == [[Kind.PRODUCT_VIEW, Kind.PRODUCT_VIEW], [], [Kind.PRODUCT_VIEW, Kind.ORDER]]


def test_whole_visitors_are_kept_or_left_out() -> None:
    visitors = np.array([7, 7, 8, 9, 9, 9, 7, 8])

    kept = whole_visitors(visitors, np.arange(8), 5, seed=3)

    assert len(kept) <= 5
    for visitor in set(visitors[kept].tolist()):
        assert (visitors[kept] == visitor).sum() == (visitors == visitor).sum()
    assert kept.tolist() == sorted(kept)


def test_one_visitor_is_kept_even_if_that_is_too_many() -> None:
    assert whole_visitors(np.array([1, 1, 1]), np.arange(3), 2, seed=0).tolist() == [0, 1, 2]


def test_enough_room_keeps_all_as_they_are() -> None:
    idx = np.array([5, 2])

    assert whole_visitors(np.arange(6), idx, 2, seed=0) is idx


def test_a_sample_of_one_class_is_refused() -> None:
    rows = rows_of([("p", 0), ("p", 0), ("p", 1)], KINDS)

    with pytest.raises(BadInput, match="one class"):
        asked(rows, Split(np.array([0, 1]), np.array([2]), np.array([2]))).sample(np.array([0, 1]), 10)


def test_weights_have_the_mean_one() -> None:
    asking = question(100)

    assert asking.weights(asking.split.train).mean() == pytest.approx(1.0)


def test_the_base_rate_is_never_0_or_1() -> None:
    rows = rows_of([("p", 0), ("p", 0), ("p", 1)], KINDS)
    at = np.array([0, 1])

    assert asked(rows, Split(at, at, at)).base_rate() == pytest.approx(0.5 / 3)


def test_log_odds_and_probability_undo_each_other() -> None:
    p = np.array([0.001, 0.2, 0.5, 0.999])

    assert probability(log_odds(p)).tolist() == pytest.approx(p.tolist())
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_log_odds_by_events_seen_count_only_what_may_be_looked_at_and_lean_to_the_base_rate() -> None:
    rows = rows_of([("p", 1), ("pc", 0)] * 500 + [("p" * 300, 0)], KINDS)
    at = np.arange(1000)

    seen = asked(rows, Split(at, at, at))
    assert probability(seen.prior_log_odds(seen.trails()))[[0, 1, 1000]] == pytest.approx([0.99, 0.01, 0.5], abs=0.001)
    masked = asked(rows, Split(at, at, at), is_masked=True)
    assert probability(masked.prior_log_odds(masked.trails()))[:2] == pytest.approx([0.5, 0.5])
