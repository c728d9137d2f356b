"""Sums are right to the cent."""

import pytest

from footfall_shop.catalogue import BY_SLUG
from footfall_shop.till import Line, Totals, add_up, line_of


def lines(*wanted: tuple[str, int]) -> list[Line]:
    return [Line(BY_SLUG[slug], "", BY_SLUG[slug].colours[0], quantity) for slug, quantity in wanted]


@pytest.mark.parametrize(
    ("wanted", "code", "delivery", "totals"),
    [
        ([], "", "standard", Totals(0.0, 0.0, 0.0, 0.0, 0.0)),
        ([("stone-mug", 1)], "", "standard", Totals(18.0, 0.0, 6.0, 24.0, 0.0)),
        ([("stone-mug", 5)], "", "standard", Totals(90.0, 0.0, 0.0, 90.0, 0.0)),
        ([("stone-mug", 5)], "FINCH10", "standard", Totals(90.0, 9.0, 6.0, 87.0, 0.0)),
        ([("forest-mug", 3)], "FINCH10", "pickup", Totals(58.5, 5.85, 0.0, 52.65, 0.0)),
        ([("quilt-liner", 2)], "WRONG", "express", Totals(238.0, 0.0, 14.0, 252.0, 60.0)),
    ],
)
def test_goods_discount_and_delivery_add_up(
    wanted: list[tuple[str, int]], code: str, delivery: str, totals: Totals
) -> None:
    assert add_up(lines(*wanted), code, delivery) == totals


def test_what_is_missing_for_free_delivery_is_after_the_discount() -> None:
    assert add_up(lines(("stone-mug", 5)), "FINCH10").missing == 9.0
    assert add_up(lines(("stone-mug", 5))).missing == 0


def test_a_line_is_what_the_shop_can_sell() -> None:
    assert line_of("ridge-boot", "", "", 1) is None
    assert line_of("ridge-boot", "60", "", 1) is None
    assert line_of("winter-lace", "39", "", 1) is None
    assert line_of("none", "", "", 1) is None
    assert line_of("stone-mug", "XL", "plaid", 1) == Line(BY_SLUG["stone-mug"], "", "sand", 1)
    few = line_of("bell-tent", "", "", 9)
    assert few is not None
    assert few.quantity == 5
    boot = line_of("ridge-boot", "39", "ink", 2)
    assert boot is not None
    assert (boot.variant, boot.total) == ("Ink / 39", 318.0)
