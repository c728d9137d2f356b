import numpy as np
import pytest

from footfall.base.errors import BadInput
from footfall.models.rivals.preparing import common_values, prepared_by
from footfall.record.features import FEATURE_IDX, N_FEATURES

DWELL, DEVICE, PRICE = FEATURE_IDX["session_dwell_s"], FEATURE_IDX["device"], FEATURE_IDX["price_mean"]


def test_numbers_are_standardised_unknown_ones_marked_and_codes_spread() -> None:
    features = np.zeros((4, N_FEATURES), np.float32)
    features[:, DWELL] = [0, 0, np.e - 1, np.e - 1]  # 0 and 1 once drawn together
    features[:, PRICE] = [np.nan, 5, 5, 5]
    features[:, DEVICE] = [1, 1, 2, 2]

    matrix = prepared_by(features, np.ones(4)).apply(features)

    assert np.round(matrix, 5).tolist() == [[-1, 1, 1, 0], [-1, 0, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1]]


def test_what_was_learned_from_some_rows_is_applied_to_others() -> None:
    past, now = np.zeros((2, N_FEATURES), np.float32), np.full((1, N_FEATURES), np.nan, np.float32)
    past[:, DWELL] = [1, 3]
    now[0, DWELL] = 1e30

    assert prepared_by(past, np.ones(2)).apply(now).tolist() == [[8.0]]


def test_infinite_values_count_as_unknown() -> None:
    features = np.zeros((4, N_FEATURES), np.float32)
    features[:, DWELL] = [1, 2, 3, np.inf]

    assert np.isfinite(prepared_by(features, np.ones(4)).apply(features)).all()


def test_features_that_never_vary_are_refused() -> None:
    with pytest.raises(BadInput, match="nothing tells them apart"):
        prepared_by(np.ones((5, N_FEATURES), np.float32), np.ones(5))


def test_rare_values_of_a_code_share_no_column_of_their_own() -> None:
    column = np.array([1.0] * 600 + [2.0] * 399 + [3.0] + [np.nan] * 10, np.float32)

    assert common_values(column, np.ones(len(column))).tolist() == [1.0, 2.0]
