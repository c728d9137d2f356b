"""The nearest past visits: all of them, once a visitor, and what became of them."""

import numpy as np
import pytest
from tests.models.made_up import made_up

from footfall.base.errors import BadInput
from footfall.models import neighbours
from footfall.models.neighbours import VISIT, Past, build_past, nearest_exactly, visits_of
from footfall.models.rows import SESSION
from footfall.models.similarity import SpaceOptions, learn


def visits(*told: tuple[int, int, int]) -> np.ndarray:
    """(visitor, hour, 1 if an order came later) of each."""
    made = np.zeros(len(told), VISIT)
    made["row"], made["at_ms"], made["later"] = np.array(told, np.int64).T
    made["at_ms"] *= 3_600_000
    made["weight"] = 1.0
    return made


def on_a_line(*at: float) -> np.ndarray:
    return np.array(at, np.float32)[:, None]


def as_they_are(rows: np.ndarray) -> np.ndarray:
    return rows


LINE = Past.built(on_a_line(0, 1, 1, 2, 3, 9), visits((7, 1, 0), (8, 2, 0), (9, 3, 1), (8, 4, 1), (5, 5, 0), (6, 6, 0)))


def test_each_visitor_comes_once_with_the_nearest_visit() -> None:
    near = LINE.near(on_a_line(0.9)[0], 10, as_they_are)
    assert near.roots.tolist() == [9, 8, 7, 5, 6]
    assert near.distances == pytest.approx([0.1, 0.1, 0.9, 2.1, 8.1], abs=1e-6)
    assert near.places[:, 0].tolist() == [1, 1, 0, 3, 9]
    assert (near.visits["at_ms"] / 3_600_000).tolist() == [3, 2, 1, 5, 6]


def test_of_visits_at_one_place_the_latest_comes_first() -> None:
    assert LINE.near(on_a_line(1)[0], 2, as_they_are).visits["row"].tolist() == [9, 8]


def test_as_many_come_as_were_asked_for_and_none_from_farther_off() -> None:
    assert LINE.near(on_a_line(0)[0], 2, as_they_are).roots.tolist() == [7, 9]
    assert LINE.near(on_a_line(0)[0], 10, as_they_are, most_distance=1.0).roots.tolist() == [7, 9, 8]
    assert LINE.near(on_a_line(0)[0], 10, as_they_are, most_distance=0.0).roots.tolist() == [7]


def test_who_asks_is_left_out_and_who_was_merged_is_one() -> None:
    def merged(rows: np.ndarray) -> np.ndarray:
        return np.where(np.isin(rows, (8, 9)), 9, rows)

    assert LINE.near(on_a_line(1)[0], 10, merged).roots.tolist() == [9, 7, 5, 6]
    assert LINE.near(on_a_line(1)[0], 10, merged, leave_out=9).roots.tolist() == [7, 5, 6]


def test_who_is_gone_is_not_found() -> None:
    def gone(rows: np.ndarray) -> np.ndarray:
        return np.where(rows == 7, -1, rows)

    assert LINE.near(on_a_line(0)[0], 2, gone).roots.tolist() == [9, 8]


def test_enough_visitors_are_found_behind_many_visits_of_one() -> None:
    crowd = visits(*((1, hour, 0) for hour in range(500)), (2, 1, 0), (3, 1, 0))
    past = Past.built(np.arange(502, dtype=np.float32)[:, None], crowd)
    assert past.near(on_a_line(0)[0], 3, as_they_are).roots.tolist() == [1, 2, 3]


def test_propensity_is_what_became_of_the_nearest() -> None:
    assert LINE.base_rate == pytest.approx(2 / 6)
    # 2 neighbours of 1: both visits there, one of them ordered, and the base rate as one more
    assert LINE.propensity(on_a_line(1)[0], 2) == pytest.approx((1 + 2 / 6) / 3, abs=1e-3)
    assert LINE.propensity(on_a_line(9)[0], 1) == pytest.approx((0 + 2 / 6) / 2, abs=1e-3)


def test_an_empty_past_has_nobody() -> None:
    empty = Past.built(np.zeros((0, 3), np.float32), np.zeros(0, VISIT))
    assert len(empty.near(np.zeros(3, np.float32), 5, as_they_are).roots) == 0
    assert np.isnan(empty.propensity(np.zeros(3, np.float32), 5))
    assert len(Past.from_bytes(empty.to_bytes())) == 0


def test_lists_find_all_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST_EXACT", 1_000)
    rng = np.random.default_rng(0)
    places = rng.normal(size=(8_000, 8)).astype(np.float32)
    places[:2_000] = places[0]
    told = visits(*((k, k, k % 2) for k in range(8_000)))
    past = Past.from_bytes(Past.built(places, told).to_bytes())
    assert (len(past), past.n_points) == (8_000, 6_001)
    recalls = []
    for asked in rng.normal(size=(40, 8)).astype(np.float32):
        near = past.near(asked, 50, as_they_are)
        farthest = nearest_exactly(places, asked, 50)[1][-1]
        recalls.append(np.count_nonzero(near.distances <= farthest * 1.000_01) / 50)
    assert min(recalls) == 1.0
    same = past.near(places[0], 300, as_they_are)
    assert (len(same.roots), same.distances.max()) == (300, 0.0)


def test_no_question_goes_astray_where_visits_lie_in_clumps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST_EXACT", 1_000)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(30, 6))
    of = rng.choice(30, 12_000, p=rng.dirichlet(np.full(30, 0.3)))
    places = (centres[of] + 1e-3 * rng.pareto(1.5, (12_000, 1)) * rng.normal(size=(12_000, 6))).astype(np.float32)
    places[rng.choice(12_000, 3_000)] = places[:3_000]
    past = Past.built(places, visits(*((k, k, 0) for k in range(12_000))))
    nowhere = rng.normal(size=(50, 6))
    between = (places[rng.choice(12_000, 50)] + places[rng.choice(12_000, 50)]) / 2
    within = places[rng.choice(12_000, 50)] + 1e-4
    recalls = []
    for asked in np.concatenate([nowhere, between, within]).astype(np.float32):
        near = past.near(asked, 50, as_they_are)
        farthest = nearest_exactly(places, asked, 50)[1][-1]
        recalls.append(np.count_nonzero(near.distances <= farthest * 1.000_01 + 1e-6) / 50)
    assert min(recalls) == 1.0


def test_as_many_points_come_as_were_asked_for_though_the_nearest_lists_have_fewer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neighbours, "MOST_EXACT", 1_000)
    rng = np.random.default_rng(0)
    far = 100 * rng.normal(size=(60, 4))
    crowd = 0.01 * rng.normal(size=(3_000, 4)) + 1_000
    past = Past.built(np.concatenate([far, crowd]).astype(np.float32), visits(*((k, k, 0) for k in range(3_060))))
    for n in (50, 500, 3_060):
        found = past.points(np.zeros(4, np.float32), n)
        assert len(np.unique(found.points)) == n
        assert np.all(np.diff(found.distances) >= 0)


def test_a_past_is_the_same_after_it_was_written_down() -> None:
    again = Past.from_bytes(LINE.to_bytes())
    near, as_before = (past.near(on_a_line(1.2)[0], 4, as_they_are) for past in (again, LINE))
    for part, before in zip(near, as_before, strict=True):
        np.testing.assert_array_equal(part, before)


def test_a_past_of_which_a_byte_changed_or_is_gone_is_refused() -> None:
    data = LINE.to_bytes()
    for broken in (b"", data[:10], data[:-1], data[:40] + bytes([data[40] ^ 1]) + data[41:]):
        with pytest.raises(BadInput) as caught:
            Past.from_bytes(broken)
        assert caught.value.code == "bad_past"


def test_moments_of_visits_are_placed_by_trees_that_never_saw_the_visitor() -> None:
    rows = made_up(300, seed=2).rows
    known = rows.known(SESSION)
    space = learn(
        rows.features[known], rows.labels[known, SESSION], rows.weights[known], rows.visitors[known],
        SpaceOptions(n_trees=10, most_past=500, most_asked=200),
    )  # fmt: skip
    past = build_past(rows, space)
    assert len(past) == len(known)
    k = int(known[-1])
    mine = space.embed(rows.features[k : k + 1], rows.visitors[k : k + 1])[0]
    near = past.near(mine, 1, lambda found: np.where(found == rows.visitors[k], found, -1))
    assert (near.distances.tolist(), near.visits["row"].tolist()) == ([0.0], [rows.visitors[k]])
    assert len(build_past(rows, space, most=100)) == 100


def test_a_visit_ordered_if_an_order_came_before_or_after_the_moment() -> None:
    rows = made_up(300, seed=2).rows
    told = visits_of(rows, np.arange(len(rows)))
    for session in np.unique(rows.sessions)[:50]:
        mine = np.flatnonzero(rows.sessions == session)
        assert set(told["ordered"][mine]) == {int((rows.labels[mine, SESSION] == 1).any())}
    np.testing.assert_array_equal(told["later"], rows.labels[:, SESSION])
