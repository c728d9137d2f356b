"""Every feature can be looked up in the documentation, in a table of its group."""

import re
from pathlib import Path

from footfall.record.catalogue_page import GROUPS, tables
from footfall.record.features import CATALOGUE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "features.md"


def test_the_page_holds_the_tables_as_they_are() -> None:
    assert tables() in PAGE.read_text(encoding="utf-8"), "out of date: make tables"


def test_every_feature_stands_once_below_its_group() -> None:
    stands = {}
    for section in tables().split("\n## ")[1:]:
        for name in re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE):
            assert name not in stands
            stands[name] = section.partition("\n")[0].lower()
    assert stands == {feature.name: feature.group for feature in CATALOGUE}


def test_no_cell_breaks_its_table() -> None:
    for row in tables().splitlines():
        if row.startswith("|"):
            assert row.count("|") == 5, row


def test_every_group_has_a_sentence_and_a_feature() -> None:
    assert {feature.group for feature in CATALOGUE} == set(GROUPS)
    assert all(about.endswith(".") for about in GROUPS.values())
