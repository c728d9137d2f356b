"""What does an evaluation look like? One HTML file with its tables and plots, that needs no script and no network."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from footfall.models.drawing import PLAIN, key
from footfall.models.evaluation import FIGURES, TITLES, Evaluation, Figure, OfClicks, Result, Table
from footfall.models.plots import STYLES, pictures

FIGURE_TITLES = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "Log-loss",
    "brier": "Brier",
    "ece": "ECE",
    "precision": "Precision",
    "recall": "Recall",
}
TARGET_WORDS = {"session": "an order later in the session", "week": "an order within seven days"}
_SIDES = (("Learned from", "train"), ("Chosen and calibrated by", "valid"), ("Judged by", "test"))
_LOWER_IS_BETTER = ("log_loss", "brier", "ece")
_SHARES = ("precision", "recall")


def page(evaluation: Evaluation, site: str, card: Mapping[str, Any] | None = None) -> str:
    """The whole report as HTML. ``card`` is that of the model in service, if there is one, as plain data."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(files("footfall.models").joinpath("report.html").read_text("utf-8"))
    return template.render(
        site=site,
        made=f"{datetime.fromisoformat(evaluation.made):%Y-%m-%d %H:%M} UTC",
        evaluation=evaluation,
        what=TARGET_WORDS[evaluation.target],
        sides=[(name, evaluation.sides[side], _span(evaluation, side)) for name, side in _SIDES],
        sections=[_section(table) for table in evaluation.tables],
        figure_titles=[FIGURE_TITLES[name] for name in FIGURES],
        card=_facts(card) if card else [],
    )


def number(figure: Figure, name: str) -> str:
    """A figure as the tables show it: precision and recall in percent; a dash where it means nothing."""
    return _text(figure.value, name)


def interval(figure: Figure, name: str) -> str:
    """Its interval, or nothing; that of a percentage in whole ones."""
    if not np.isfinite(figure.low):
        return ""
    if name in _SHARES:
        return f"{100 * figure.low:.0f}–{100 * figure.high:.0f}"
    return f"{_text(figure.low, name)}–{_text(figure.high, name)}"


def _text(value: float, name: str) -> str:
    if not np.isfinite(value):
        return "–"
    if name in _SHARES:
        return f"{100 * value:.1f}"
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 0.9995 else f"{value:.2f}"


def _span(evaluation: Evaluation, side: str) -> str:
    at = evaluation.sides[side]
    start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (at.start_ms, at.end_ms))
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def _section(table: Table) -> dict[str, Any]:
    fitted = [result for result in table.results if not result.why_not]
    best = {name: _best(fitted, name) for name in FIGURES}
    return {
        "id": "masked" if table.is_masked else "all",
        "title": "Without cart events" if table.is_masked else "With everything seen",
        "about": (
            "The same moments, had no cart, checkout or payment event ever been seen: interest alone."
            if table.is_masked
            else "Just after a session's first 1, 2, 3, 5, 8, 13, … events, by all that was known then."
        ),
        "rows": [_row(result, best) for result in table.results],
        "legend": _legend(fitted),
        "pictures": [(picture.title, picture.about, picture.svg) for picture in pictures(table)],
        "clicks": clicks_of(fitted),
        "by_clicks": [
            (result.title, [(number(of.roc_auc, ""), interval(of.roc_auc, "")) for of in result.by_clicks])
            for result in fitted
            if result.name != "base_rate"
        ],
    }


def clicks_of(fitted: Sequence[Result]) -> list[tuple[str, int, int]]:
    """How many events were seen (``21+``), how many rows that makes, and positive ones; the same for all rivals."""
    by_clicks: Sequence[OfClicks] = fitted[0].by_clicks if fitted else ()
    last = len(by_clicks) - 1
    return [(f"{of.n_seen}{'+' if i == last else ''}", of.n_rows, of.n_positive) for i, of in enumerate(by_clicks)]


def _best(fitted: Sequence[Result], name: str) -> str:
    known = [
        (result.figures[name].value, result.name)
        for result in fitted
        if np.isfinite(result.figures[name].value) and result.name != "base_rate"
    ]
    if not known or name in _SHARES:
        return ""
    return (min if name in _LOWER_IS_BETTER else max)(known)[1]


def _row(result: Result, best: Mapping[str, str]) -> dict[str, Any]:
    gap = result.versus_boosted.get("roc_auc")
    return {
        "title": result.title,
        "note": result.note,
        "why_not": result.why_not,
        "cells": [
            (number(figure, name), interval(figure, name), best[name] == result.name)
            for name, figure in result.figures.items()
        ],
        "gap": (f"{gap.value:+.3f}", f"{gap.low:+.3f} to {gap.high:+.3f}") if gap else ("", ""),
        "seconds": f"{result.seconds:.1f}",
    }


def _legend(fitted: Sequence[Result]) -> list[tuple[str, str]]:
    names = {result.name for result in fitted}
    shown = [(key(style), TITLES[name]) for name, style in STYLES.items() if name in names]
    others = [result.title for result in fitted if result.name not in STYLES and result.name != "base_rate"]
    if others:
        shown.append((key(PLAIN), ", ".join(others)))
    return shown


def _facts(card: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """A card's plain facts, one a line; what lies deeper is named with dots, long lists are cut."""
    facts: list[tuple[str, str]] = []
    for name, value in card.items():
        if isinstance(value, Mapping):
            facts += _facts(value, f"{before}{name}.")
        elif isinstance(value, (list, tuple)):
            texts = [str(part) for part in value[:12]]
            facts.append((before + name, ", ".join(texts) + (f", … ({len(value)} in all)" if len(value) > 12 else "")))
        else:
            facts.append((before + name, f"{value:.4g}" if isinstance(value, float) else str(value)))
    return facts
