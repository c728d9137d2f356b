"""Every feature is in one family, and no family is made up of nothing."""

from footfall.models.families import FAMILIES, FAMILY_OF
from footfall.record.features import CATALOGUE


def test_every_feature_has_a_family_and_every_family_a_feature() -> None:
    assert list(FAMILY_OF) == [feature.name for feature in CATALOGUE]
    assert set(FAMILY_OF.values()) == set(FAMILIES)


def test_a_count_in_the_session_ever_and_lately_is_one_thing() -> None:
    alike = ("session_product_view_n", "product_view_n", "product_view_decayed_1h", "since_product_view_h")
    assert {FAMILY_OF[name] for name in alike} == {"product views"}
    assert FAMILY_OF["cart_add_n"] == FAMILY_OF["cart_value"] != FAMILY_OF["cart_remove_n"]
    assert FAMILY_OF["since_last_event_s"] != FAMILY_OF["since_last_order_d"] == "orders"
    assert FAMILY_OF["recent_products_n"] != FAMILY_OF["recent_products_order_lift_max"]
    assert FAMILY_OF["session_gap_before_h"] != FAMILY_OF["gap_mean_s"]


def test_no_beginning_stands_twice_or_for_nothing() -> None:
    beginnings = [beginning for all_of_it in FAMILIES.values() for beginning in all_of_it]
    assert len(set(beginnings)) == len(beginnings)
    for family, all_of_it in FAMILIES.items():
        names = [name for name, its_family in FAMILY_OF.items() if its_family == family]
        for beginning in all_of_it:
            assert any(beginning in name for name in names), (family, beginning)
