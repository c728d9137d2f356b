"""Which pictures show how good rivals are? ROC, precision-recall, calibration, gain, lift, and ROC-AUC by clicks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from footfall.models.drawing import (
    PLAIN,
    REFERENCE,
    Axis,
    Line,
    Style,
    number_axis,
    plot,
    round_up,
    share_axis,
)
from footfall.models.evaluation import Curves, Result, Table

STYLES = {
    "boosted": Style("#0072b2", "", 2.6),
    "similar": Style("#009e73", "7 3"),
    "logistic": Style("#c0569b", "2 3"),
    "markov": Style("#b07d00", "9 3 2 3"),
    "demographics": Style("#d55e00", "5 4"),
}
"""Of the rivals that stand out; the others are thin and grey."""
_MOST_LIFT = 20.0
_LEAST_RECALL = 0.02
"""The precision of fewer orders than this is chance; the axis isn't made for it."""


class Picture(NamedTuple):
    """A plot with its caption."""

    title: str
    about: str
    svg: str


class _Shown(NamedTuple):
    result: Result
    curves: Curves
    style: Style


def pictures(table: Table) -> list[Picture]:
    """All six, for the rivals that could be fitted; none if there are none."""
    shown = [
        _Shown(result, result.curves, STYLES.get(result.name, PLAIN))
        for result in table.results
        if result.curves is not None and result.name != "base_rate"
    ]
    shown.sort(key=lambda one: (one.style is not PLAIN, one.style.width))  # what stands out is drawn last
    if not shown:
        return []
    judged_by = next((one for one in shown if one.result.name == table.judged_by), shown[-1])
    return [
        _roc(shown),
        _precision_recall(shown),
        _calibration(shown, judged_by),
        _gain(shown),
        _lift(shown),
        _clicks(shown),
    ]


def _lines(shown: Sequence[_Shown], which: str) -> list[Line]:
    return [Line(one.result.title, getattr(one.curves, which), one.style) for one in shown]


def _roc(shown: Sequence[_Shown]) -> Picture:
    lines = [Line("Chance", [(0, 0), (1, 1)], REFERENCE), *_lines(shown, "roc")]
    axes = share_axis("of those who didn't order: named wrongly"), share_axis("of those who ordered: named")
    return Picture(
        "ROC",
        "Orders found, for the false alarms that it costs. Dotted: naming at random.",
        plot("ROC curves", *axes, lines),
    )


def _precision_recall(shown: Sequence[_Shown]) -> Picture:
    reached = [precision for one in shown for recall, precision in one.curves.pr if recall >= _LEAST_RECALL]
    high = round_up(max(reached, default=1.0))
    axes = share_axis("of those who ordered: named (recall)"), share_axis("of those named: ordered (precision)", high)
    about = "Of those named, how many order, when more and more of the orders are to be found."
    return Picture("Precision and recall", about, plot("Precision-recall curves", *axes, _lines(shown, "pr")))


def _calibration(shown: Sequence[_Shown], judged_by: _Shown) -> Picture:
    stand_out = [one for one in shown if one.style is not PLAIN]
    high = round_up(max(max(said, happened) for one in stand_out for said, happened, _ in one.curves.calibration))
    lines = [Line("As said", [(0, 0), (high, high)], REFERENCE)]
    for one in stand_out:
        points = [(said, happened) for said, happened, _ in one.curves.calibration]
        lines.append(Line(one.result.title, points, one.style, has_dots=True))
    tallest = max((share for _, _, share in judged_by.curves.histogram), default=1.0)
    bars = [(low, up, 0.3 * share / tallest) for low, up, share in judged_by.curves.histogram if low < high]
    n = len(judged_by.curves.calibration)
    about = (
        f"Of moments scored alike, how many were followed by an order; each dot is about 1/{n} of the moments. Dotted: "
        f"as said. Bars: how {judged_by.result.title.lower()} spread their scores ({tallest:.0%} in the tallest)."
    )
    axes = share_axis("propensity, as said", high), share_axis("ordered", high)
    return Picture("Calibration", about, plot("Calibration", *axes, lines, bars))


def _gain(shown: Sequence[_Shown]) -> Picture:
    lines = [Line("Chance", [(0, 0), (1, 1)], REFERENCE), *_lines(shown, "gain")]
    axes = share_axis("of all moments, highest scores first"), share_axis("of the orders among them")
    return Picture(
        "Gain", "Orders reached when only the highest scores are acted on.", plot("Cumulative gain", *axes, lines)
    )


def _lift(shown: Sequence[_Shown]) -> Picture:
    lines = []
    for one in shown:
        points = [(reached, found / reached) for reached, found in one.curves.gain if reached >= 0.01]
        lines.append(Line(one.result.title, points, one.style))
    tallest = max((lift for line in lines for _, lift in line.points), default=1.0)
    high = float(np.clip(np.ceil(tallest), 2.0, _MOST_LIFT))
    lines.insert(0, Line("Chance", [(0, 1), (1, 1)], REFERENCE))
    axis = number_axis(
        "times as many orders as at random", 0.0, high, 1.0 if high <= 6 else 2.0 if high <= 12 else 5.0, 0
    )
    about = "The same, against acting on as many at random. The first 1 % is left out."
    return Picture("Lift", about, plot("Lift", share_axis("of all moments, highest scores first"), axis, lines))


def _clicks(shown: Sequence[_Shown]) -> Picture:
    stand_out = [one for one in shown if one.style is not PLAIN]
    clicks = [of.n_seen for of in shown[0].result.by_clicks]
    ticks = [(float(i), f"{n}{'+' if i == len(clicks) - 1 else ''}") for i, n in enumerate(clicks)]
    across = Axis("events of the session seen", -0.4, len(clicks) - 0.6, ticks)
    lines, lows = [Line("Chance", [(-0.4, 0.5), (len(clicks), 0.5)], REFERENCE)], [0.5]
    for place, one in enumerate(shown):
        aside = 0.08 * (stand_out.index(one) - (len(stand_out) - 1) / 2) if one in stand_out else 0.0
        of_clicks = [of.roc_auc for of in one.result.by_clicks]
        points = [(i + aside, figure.value) for i, figure in enumerate(of_clicks)]
        spans = [(figure.low, figure.high) for figure in of_clicks] if one in stand_out else []
        lines.append(Line(one.result.title, points, one.style, spans, has_dots=one in stand_out))
        lows += [value for _, value in points if np.isfinite(value)] if place >= 0 else []
    low = float(np.clip(np.floor(min(lows) * 10) / 10, 0.0, 0.5))
    about = "How well orderers are told from others after so many events; bars are 95 % intervals."
    return Picture(
        "ROC-AUC by clicks seen",
        about,
        plot("ROC-AUC by clicks seen", across, number_axis("ROC-AUC", low, 1.0, 0.1, 1), lines),
    )
