"""How likely is an order on a shop's first day, before it has orders to learn from? A sum of stated log-odds.

Each term is a broken line over one feature, flat beyond its ends, so no term can run away. What shops
in general see is published; how steep each line is, is judgement and fitted to nothing:

* about 2 % of sessions end in an order (1 % to 4 % by country, trade and year; 2.6 % in Monetate's figures for 2019,
  1.4 % and 1.8 % for two countries in a Smart Insights report, both as VWO quotes them). With those who come back we
  take 3 % for a week;
* about 30 % of carts are ordered: the Baymard Institute's mean of 50 studies has 70 % left behind. A cart filled in an
  earlier session wasn't bought then, so it counts for little beside one that is being filled. Of checkouts we take more
  than a third;
* visits add up, and who bought before buys sooner (Moe & Fader 2004, "Dynamic conversion behavior at e-commerce sites",
  Management Science 50). Depth, repeat views and searches raise the odds too;
* phones order less than desktops (about half as often by Smart Insights; the lines are milder), mail and search more
  than social media and banners.

The order of visitors is worth more than the numbers: nothing here is calibrated to the shop, and whoever shows a score
says so. See ``docs/decisions/0053-a-prior-for-the-first-day.md``.
"""

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from footfall.base.codes import Channel, Device
from footfall.models.rows import SESSION
from footfall.record.compiled import kernel
from footfall.record.features import CATALOGUE, FEATURE_IDX

BASE_RATES = (0.02, 0.03)
"""By target: the probability at which every term is 0."""


class Term(NamedTuple):
    """What one feature adds to the log-odds: ``knots`` are values of the feature, ascending."""

    feature: str
    knots: tuple[float, ...]
    session: tuple[float, ...]
    """One for each knot; 0 where the feature is NaN."""
    week: tuple[float, ...]
    """As ``session`` and nowhere below it: an order in this session is one within the week."""


def _coded(feature: str, codes: type[IntEnum], effects: dict[IntEnum, float]) -> Term:
    """A term over a code, 0 for the codes that aren't named."""
    values = tuple(effects.get(code, 0.0) for code in codes)
    return Term(feature, tuple(map(float, codes)), values, values)


TERMS = (
    Term("cart_items_n", (0, 1, 2, 5), (-0.1, 0.5, 0.6, 0.7), (-0.1, 0.5, 0.6, 0.7)),
    Term("session_cart_add_n", (0, 1, 3), (0.0, 1.7, 2.0), (0.0, 1.7, 2.0)),
    Term("session_checkout_start_n", (0, 1, 2), (0.0, 1.2, 1.3), (0.0, 1.2, 1.3)),
    Term("session_payment_info_n", (0, 1), (0.0, 0.8), (0.0, 0.8)),
    Term("session_order_n", (0, 1), (0.0, -1.5), (0.0, -0.6)),
    Term("session_wishlist_add_n", (0, 1, 3), (0.0, 0.2, 0.3), (0.0, 0.3, 0.4)),
    Term("session_product_view_n", (0, 1, 3, 8, 20), (-0.3, -0.1, 0.2, 0.4, 0.5), (-0.3, 0.0, 0.2, 0.4, 0.5)),
    Term("session_repeat_n", (0, 1, 3), (0.0, 0.3, 0.5), (0.0, 0.3, 0.5)),
    Term("session_search_n", (0, 1, 3), (0.0, 0.25, 0.35), (0.0, 0.25, 0.35)),
    Term("session_events_n", (1, 3, 10, 30), (0.0, 0.05, 0.15, 0.25), (0.0, 0.05, 0.15, 0.25)),
    Term("session_dwell_s", (0, 60, 300, 900), (0.0, 0.05, 0.2, 0.3), (0.0, 0.05, 0.2, 0.3)),
    Term("session_engaged_s", (0, 30, 180, 600), (0.0, 0.1, 0.2, 0.3), (0.0, 0.1, 0.2, 0.3)),
    Term("session_number", (1, 2, 4), (-0.1, 0.15, 0.3), (-0.1, 0.2, 0.4)),
    Term("session_gap_before_h", (1, 24, 168, 720), (0.3, 0.2, 0.0, -0.1), (0.3, 0.2, 0.0, -0.1)),
    Term("sessions_7d_n", (1, 3, 7), (0.0, 0.1, 0.2), (0.0, 0.3, 0.5)),
    Term("order_n", (0, 1, 3, 10), (-0.1, 0.3, 0.6, 0.8), (-0.1, 0.4, 0.8, 1.1)),
    Term("past_order_rate", (0, 0.1, 0.5), (0.0, 0.3, 0.6), (0.0, 0.3, 0.6)),
    Term("is_known", (0, 1), (0.0, 0.2), (0.0, 0.2)),
    Term("since_last_event_s", (0, 300, 1800, 86_400), (0.0, -0.2, -1.5, -3.0), (0.0, 0.0, -0.1, -0.4)),
    Term("session_is_ended", (0, 1), (0.0, -3.0), (0.0, -0.1)),
    _coded("session_channel", Channel, {
        Channel.EMAIL: 0.3, Channel.ORGANIC_SEARCH: 0.1, Channel.PAID_SEARCH: 0.1, Channel.ORGANIC_SOCIAL: -0.3,
        Channel.PAID_SOCIAL: -0.3, Channel.DISPLAY: -0.3,
    }),
    _coded("device", Device, {Device.DESKTOP: 0.2, Device.MOBILE: -0.2}),
    Term("is_bot", (0, 1), (0.0, -4.0), (0.0, -4.0)),
)  # fmt: skip

_N_TERMS = len(TERMS)
_MOST_KNOTS = max(len(term.knots) for term in TERMS)


def _padded(lines: list[tuple[float, ...]]) -> np.ndarray:
    """float64[k, _MOST_KNOTS]: each line's last value once more where it is short."""
    return np.array([[*line, *[line[-1]] * (_MOST_KNOTS - len(line))] for line in lines], np.float64)


_COLUMNS = np.array([FEATURE_IDX[term.feature] for term in TERMS], np.int32)
_KNOTS = _padded([term.knots for term in TERMS])
_EFFECTS = np.stack([_padded([term.session for term in TERMS]), _padded([term.week for term in TERMS])])
_BASES = np.array([math.log(rate / (1.0 - rate)) for rate in BASE_RATES])


@kernel
def _place(knots: np.ndarray, value: float) -> tuple[int, float]:
    """Between which knots a value lies: index of the left one, and how far to the next, 0 to 1."""
    last = len(knots) - 1
    if value <= knots[0]:
        return 0, 0.0
    for j in range(last):
        if value <= knots[j + 1]:
            return j, (value - knots[j]) / (knots[j + 1] - knots[j])
    return last - 1, 1.0


@kernel
def _score_into(
    features: np.ndarray, columns: np.ndarray, knots: np.ndarray, effects: np.ndarray, bases: np.ndarray,
    scores: np.ndarray,
) -> None:  # fmt: skip
    for i in range(len(features)):
        session, week = bases[0], bases[1]
        for k in range(len(columns)):
            value = float(features[i, columns[k]])
            if value == value:
                j, part = _place(knots[k], value)
                session += effects[0, k, j] + part * (effects[0, k, j + 1] - effects[0, k, j])
                week += effects[1, k, j] + part * (effects[1, k, j + 1] - effects[1, k, j])
        scores[i, 0] = 1.0 / (1.0 + math.exp(-session))
        scores[i, 1] = 1.0 / (1.0 + math.exp(-week))


@kernel
def _contribute_into(
    features: np.ndarray, columns: np.ndarray, knots: np.ndarray, effects: np.ndarray, out: np.ndarray
) -> None:
    for i in range(len(features)):
        for k in range(len(columns)):
            value = float(features[i, columns[k]])
            out[i, k] = 0.0
            if value == value:
                j, part = _place(knots[k], value)
                out[i, k] = effects[k, j] + part * (effects[k, j + 1] - effects[k, j])


class Prior:
    """A :class:`footfall.models.scorer.Scorer` that has learned nothing."""

    version = 0
    is_calibrated = False
    columns = _COLUMNS
    """int32[k]: catalogue indices of the features it looks at."""
    names = tuple(CATALOGUE[column].name for column in _COLUMNS)

    def score_into(self, features: np.ndarray, scores: np.ndarray) -> None:
        """See :class:`footfall.models.scorer.Scorer`."""
        _score_into(features, _COLUMNS, _KNOTS, _EFFECTS, _BASES, scores)

    def contributions(self, features: np.ndarray, target: int = SESSION) -> np.ndarray:
        """What each of :attr:`columns` adds to the log-odds of a target, float32[n, k + 1]; the last is the base."""
        out = np.empty((len(features), _N_TERMS + 1), np.float32)
        _contribute_into(features, _COLUMNS, _KNOTS, _EFFECTS[target], out)
        out[:, -1] = _BASES[target]
        return out

    def explain(self, features: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`footfall.models.scorer.Scorer`."""
        return self.columns, self.contributions(features[None], target)[0, :-1].astype(np.float64)
