from xml.etree import ElementTree

import pytest

from footfall.models.drawing import REFERENCE, Axis, Line, Style, number_axis, plot, round_up, share_axis

SVG = "{http://www.w3.org/2000/svg}"
UNIT = Axis("x", 0.0, 1.0, [(0.0, "0"), (1.0, "1")])


def test_a_plot_is_well_formed_and_names_what_it_shows() -> None:
    drawn = ElementTree.fromstring(plot("A & B", UNIT, UNIT, [Line("<one>", [(0, 0), (1, 1)], Style("#000"))]))

    assert drawn.get("aria-label") == "A & B"
    assert [title.text for title in drawn.iter(f"{SVG}title")] == ["<one>"]


def test_points_beyond_the_axes_are_drawn_at_their_ends_and_unknown_ones_left_out() -> None:
    line = Line("", [(0.0, -5.0), (0.5, float("nan")), (2.0, 9.0)], REFERENCE)

    drawn = ElementTree.fromstring(plot("p", UNIT, UNIT, [line]))

    way = next(path.get("d") for path in drawn.iter(f"{SVG}path") if path.get("stroke") == REFERENCE.color)
    assert way == "M54.0 286.0L398.0 12.0"


def test_dots_and_spans_are_drawn_for_points_that_are_known() -> None:
    line = Line("", [(0.2, 0.5), (0.8, 0.5)], Style("#123"), [(0.4, 0.6), (float("nan"), float("nan"))], has_dots=True)

    drawn = ElementTree.fromstring(plot("p", UNIT, UNIT, [line]))

    assert len(list(drawn.iter(f"{SVG}circle"))) == 2
    assert len([path for path in drawn.iter(f"{SVG}path") if path.get("opacity")]) == 1


@pytest.mark.parametrize(("value", "rounded"), [(0.0, 1.0), (0.013, 0.02), (0.21, 0.3), (0.5, 0.5), (0.7, 1.0)])
def test_the_end_of_an_axis_is_a_round_number(value: float, rounded: float) -> None:
    assert round_up(value) == pytest.approx(rounded)


def test_ticks_are_few_and_round() -> None:
    assert [text for _, text in share_axis("", 1.0).ticks] == ["0%", "20%", "40%", "60%", "80%", "100%"]
    assert [text for _, text in share_axis("", 0.02).ticks] == ["0.0%", "0.5%", "1.0%", "1.5%", "2.0%"]
    assert [text for _, text in number_axis("", 0.4, 1.0, 0.2, 1).ticks] == ["0.4", "0.6", "0.8", "1.0"]
