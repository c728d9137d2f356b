"""How do numbers become a picture that needs no script? Plots as SVG, drawn with plain lines and letters.

Colours are those of Okabe & Ito (2008), which people with any colour vision tell apart; lines differ in dashes too, so
that a grey print can be read. Everything a picture says in colours stands in its text as well.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

WIDTH, HEIGHT = 420, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 22, 12, 44
_INK, _FAINT, _GRID = "#1f2430", "#5b6270", "#e3e6eb"


class Style(NamedTuple):
    """How a line looks."""

    color: str
    dash: str = ""
    """SVG's dash pattern; empty is a whole line."""
    width: float = 2.0


PLAIN = Style("#b6bcc6", "", 1.0)
"""Of a line that only shows where the others are."""
REFERENCE = Style("#8a919e", "3 4", 1.0)


class Line(NamedTuple):
    """Points from left to right. With ``spans`` (low, high) each point gets a bar, with ``dots`` a dot."""

    title: str
    points: Sequence[tuple[float, float]]
    style: Style
    spans: Sequence[tuple[float, float]] = ()
    has_dots: bool = False


class Axis(NamedTuple):
    """A linear axis with its ticks."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


def share_axis(title: str, high: float = 1.0) -> Axis:
    """An axis from 0 % to ``high``, with five or so ticks at round numbers."""
    step = next(s for s in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2) if high / s <= 6 or s == 0.2)
    n_ticks = int(np.floor(high / step + 1e-9)) + 1
    digits = 1 if step < 0.01 else 0
    return Axis(title, 0.0, high, [(i * step, f"{i * step:.{digits}%}") for i in range(n_ticks)])


def number_axis(title: str, low: float, high: float, step: float, digits: int) -> Axis:
    """An axis of plain numbers with a tick at every ``step``."""
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return Axis(title, low, high, [(i * step, f"{i * step:.{digits}f}") for i in range(first, last + 1)])


def round_up(value: float) -> float:
    """The next of 1, 2, 3, 5 or 10 times a power of ten, at most 1."""
    if not value > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(min(next(m * power for m in (1, 2, 3, 5, 10) if m * power >= value * 0.999), 1.0))


def plot(name: str, x: Axis, y: Axis, lines: Sequence[Line], bars: Sequence[tuple[float, float, float]] = ()) -> str:
    """An SVG element. ``name`` is read aloud instead of it; ``bars`` (from x, to x, share of the height) lie behind.

    Points beyond an axis are drawn at its end; points that aren't numbers are left out.
    """
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(name, quote=True)}" font-family="system-ui, sans-serif" font-size="12">'
    )
    parts = [start, *_frame(x, y)]
    floor = HEIGHT - _BOTTOM
    for low, high, share in bars:
        left, right = _x(x, low), _x(x, high)
        height = share * (floor - _TOP)
        parts.append(
            f'<rect x="{left:.1f}" y="{floor - height:.1f}" width="{max(right - left - 1, 0.5):.1f}" '
            f'height="{height:.1f}" fill="#dfe7f1"/>'
        )
    for line in lines:
        parts += _drawn(line, x, y)
    return "".join(parts) + "</svg>"


def key(style: Style) -> str:
    """A short piece of a line, for a legend."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="28" height="10" viewBox="0 0 28 10" aria-hidden="true">'
        f'<path d="M1 5H27" {_stroke(style)}/></svg>'
    )


def _frame(x: Axis, y: Axis) -> list[str]:
    floor, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for value, text in x.ticks:
        at = _x(x, value)
        parts.append(f'<path d="M{at:.1f} {_TOP}V{floor}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{at:.1f}" y="{floor + 16}" text-anchor="middle" fill="{_FAINT}">{escape(text)}</text>')
    for value, text in y.ticks:
        at = _y(y, value)
        parts.append(f'<path d="M{_LEFT} {at:.1f}H{right}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end" fill="{_FAINT}">{escape(text)}</text>')
    middle = (_LEFT + right) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle" fill="{_INK}">{escape(x.title)}</text>')
    parts.append(
        f'<text transform="translate(12 {(floor + _TOP) / 2}) rotate(-90)" text-anchor="middle" fill="{_INK}">'
        f"{escape(y.title)}</text>"
    )
    return parts


def _drawn(line: Line, x: Axis, y: Axis) -> list[str]:
    known = [i for i, point in enumerate(line.points) if np.isfinite(point).all()]
    at = [(_x(x, line.points[i][0]), _y(y, line.points[i][1])) for i in known]
    parts = []
    if line.spans:
        for (across, _), i in zip(at, known, strict=True):
            low, high = line.spans[i]
            if np.isfinite(low) and np.isfinite(high):
                parts.append(
                    f'<path d="M{across:.1f} {_y(y, low):.1f}V{_y(y, high):.1f}" stroke="{line.style.color}" '
                    'stroke-width="1.5" opacity="0.55"/>'
                )
    if len(at) > 1:
        way = "L".join(f"{across:.1f} {down:.1f}" for across, down in at)
        parts.append(f'<path d="M{way}" fill="none" stroke-linejoin="round" {_stroke(line.style)}/>')
    if line.has_dots:
        parts += [f'<circle cx="{a:.1f}" cy="{d:.1f}" r="3" fill="{line.style.color}"/>' for a, d in at]
    return [f"<g><title>{escape(line.title)}</title>{''.join(parts)}</g>"]


def _stroke(style: Style) -> str:
    dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
    return f'stroke="{style.color}" stroke-width="{style.width}"{dash}'


def _x(axis: Axis, value: float) -> float:
    share = (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(axis: Axis, value: float) -> float:
    share = (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)
