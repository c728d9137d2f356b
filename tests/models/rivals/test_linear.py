import msgspec
import numpy as np
import pytest
from tests.models.rivals.asking import question

from footfall.base.errors import BadInput
from footfall.models import metrics
from footfall.models.rivals.linear import DEMOGRAPHIC, demographics, logistic_regression
from footfall.record.features import FEATURE_IDX


def test_regression_finds_what_decides() -> None:
    asking = question()
    answer = logistic_regression(asking)

    assert metrics.roc_auc(asking.labels(asking.split.test), answer.test) > 0.8
    assert ((answer.test > 0) & (answer.test < 1)).all()


def test_demographics_look_at_device_channel_and_place_alone() -> None:
    asking = question()
    features = asking.rows.features.copy()
    features[:, [i for name, i in FEATURE_IDX.items() if name not in DEMOGRAPHIC]] = 0.0
    blind = asking._replace(rows=msgspec.structs.replace(asking.rows, features=features))

    assert demographics(asking).test.tolist() == demographics(blind).test.tolist()


def test_a_country_that_decides_is_found() -> None:
    asking = question(300)
    ordered = asking.rows.labels[:, 0].astype(np.int64)
    places = np.stack([np.where(ordered, 17_477, 21_843), np.zeros(len(ordered), np.int64)], axis=1)
    known = asking._replace(rows=msgspec.structs.replace(asking.rows, places=places))

    assert metrics.roc_auc(asking.labels(asking.split.test), demographics(known).test) == 1.0


def test_where_nothing_demographic_differs_it_says_so() -> None:
    asking = question(200)
    features = asking.rows.features.copy()
    features[:, [FEATURE_IDX[name] for name in DEMOGRAPHIC]] = 0.0
    same = asking._replace(rows=msgspec.structs.replace(asking.rows, features=features))

    with pytest.raises(BadInput, match="nothing demographic is known"):
        demographics(same)
