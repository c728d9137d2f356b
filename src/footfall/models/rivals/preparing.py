"""How do features become something that sums and distances make sense of? Learned from the training rows alone.

Numbers are drawn together by ``sign(x) ln(1 + |x|)``, standardised, and cut at ±8 standard deviations, because counts,
times and money have long tails; an unknown value is put at the mean, with a column beside it that says so. Codes get a
column for each common value.
"""

from typing import NamedTuple

import numpy as np

from footfall.base.errors import BadInput
from footfall.record.features import CATALOGUE

CODE_COLUMNS = tuple(i for i, feature in enumerate(CATALOGUE) if feature.unit == "code")
"""Columns of the catalogue whose numbers are names."""
_CUT = 8.0
_RARE_FRAC = 0.002
"""Values of a code that fewer rows have share a column: none."""
_CODES_MOST = 60


class Preparation(NamedTuple):
    """How rows are prepared; made by :func:`prepared_by`."""

    numbers: np.ndarray
    """int64[a]: columns of numbers that vary."""
    means: np.ndarray
    """float32[a], of the drawn-together numbers."""
    deviations: np.ndarray
    """float32[a]"""
    unknowns: np.ndarray
    """int64[b]: columns that get a column for "unknown"."""
    codes: tuple[tuple[int, np.ndarray], ...]
    """Columns of codes, each with its common values."""

    def apply(self, features: np.ndarray, has_unknowns: bool = True) -> np.ndarray:
        """float32[n, p]"""
        numbers = (drawn_together(features[:, self.numbers]) - self.means) / self.deviations
        parts = [np.clip(np.nan_to_num(numbers, nan=0.0), -_CUT, _CUT)]
        if has_unknowns and len(self.unknowns):
            parts.append(np.isnan(features[:, self.unknowns]).astype(np.float32))
        parts += [one_hot(features[:, column], values) for column, values in self.codes]
        return np.ascontiguousarray(np.concatenate(parts, axis=1), np.float32)


def prepared_by(features: np.ndarray, weights: np.ndarray) -> Preparation:
    """Learn it from ``features`` float32[n, N_FEATURES] and ``weights`` float64[n].

    Raises BadInput if no column varies.
    """
    columns = np.array([i for i in range(features.shape[1]) if i not in CODE_COLUMNS], np.int64)
    values = drawn_together(features[:, columns])
    is_known = ~np.isnan(values)
    mass = weights @ is_known
    filled = np.where(is_known, values, 0.0)
    means = (weights @ filled) / np.maximum(mass, 1e-12)
    spread = np.where(is_known, values - means, 0.0)
    deviations = np.sqrt((weights @ spread**2) / np.maximum(mass, 1e-12))
    does_vary = (mass > 0) & (deviations > 1e-6)
    share_unknown = 1.0 - mass / weights.sum()
    has_both = (share_unknown > _RARE_FRAC) & (share_unknown < 1.0 - _RARE_FRAC)
    codes = tuple((i, common_values(features[:, i], weights)) for i in CODE_COLUMNS if i < features.shape[1])
    codes = tuple((i, values) for i, values in codes if len(values) > 1)
    if not does_vary.any() and not has_both.any() and not codes:
        raise BadInput("Every feature is the same in all rows: nothing tells them apart.", code="constant")
    return Preparation(
        columns[does_vary],
        means[does_vary].astype(np.float32),
        deviations[does_vary].astype(np.float32),
        columns[has_both],
        codes,
    )


def drawn_together(values: np.ndarray) -> np.ndarray:
    """float32: sign(x) ln(1 + |x|); NaN stays, infinities become NaN."""
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float32)
    return np.asarray(np.copysign(np.log1p(np.abs(values)), values), np.float32)


def common_values(column: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Values that at least 0.2 % of the rows have, by their share, at most 60; NaN left out."""
    known = ~np.isnan(column.astype(np.float64))
    values, which = np.unique(column[known], return_inverse=True)
    mass = np.bincount(which, weights[known], minlength=len(values))
    order = np.argsort(-mass, kind="stable")[:_CODES_MOST]
    return np.sort(values[order[mass[order] >= _RARE_FRAC * weights.sum()]])


def one_hot(column: np.ndarray, values: np.ndarray) -> np.ndarray:
    """float32[n, len(values)]: 1 where a row has the value."""
    return np.asarray(column[:, None] == values, np.float32)
