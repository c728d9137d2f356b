import numpy as np
import pytest
from tests.models.rivals.asking import question

from footfall.models import metrics
from footfall.models.rivals.nearest import Shares, nearest_neighbours


def test_neighbours_find_what_decides() -> None:
    asking = question()
    answer = nearest_neighbours(asking)

    assert metrics.roc_auc(asking.labels(asking.split.test), answer.test) > 0.75


def test_shares_weigh_neighbours_and_lean_on_the_base_rate() -> None:
    shares = Shares(np.array([1, 0, 1]), np.array([1.0, 1.0, 2.0]), 0.1)

    found = shares.among(np.array([[0, 1, 2], [1, -1, -1]]), 3)

    assert found.tolist() == pytest.approx([(1 + 2 + 0.1) / 5, 0.1 / 2])


def test_the_k_with_the_least_loss_is_chosen() -> None:
    shares = Shares(np.array([1, 0, 0, 0]), np.ones(4), 0.3)

    assert shares.best(np.array([[0, 1, 2, 3]]), [1, 4], np.array([1]), np.ones(1)) == 1
