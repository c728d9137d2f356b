"""A mapping that can't be right is refused with what to change."""

from pathlib import Path
from typing import Any

import pytest

from footfall.base.errors import BadInput, Missing
from footfall.events.formats.mapping import load_mapping, parse_mapping
from footfall.events.formats.read import mapping_of

GOOD: dict[str, Any] = {"visitor": "v", "time": "t", "kind": "k"}


def test_a_visitor_is_a_user_unless_a_user_is_named_too() -> None:
    assert parse_mapping({"columns": GOOD}).columns["user"] == ("v",)
    both = parse_mapping({"columns": GOOD | {"user": "u"}})
    assert (both.columns["anonymous"], both.columns["user"]) == (("v",), ("u",))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"columns": {"time": "t", "kind": "k"}}, "must name who did it"),
        ({"columns": {"visitor": "v", "kind": "k"}}, "must name time"),
        ({"columns": {"visitor": "v", "time": "t"}}, "must name kind"),
        ({"columns": GOOD | {"colour": "c"}}, r"\[columns\] has no colour; it can have visitor, time, kind"),
        ({"columns": GOOD | {"time_unit": "h"}}, "it can be s, ms, us or iso"),
        ({"columns": GOOD | {"time_zone": "Mars/Crater"}}, "isn't known; write it as Europe/Berlin"),
        ({"columns": GOOD, "kinds": {"pv": "peek"}}, "'peek' isn't a kind; kinds are custom, page_view"),
        ({"columns": GOOD, "kind": {"pv": "order"}}, "unknown field `kind`"),
        ({"columns": GOOD, "file": {"delimiter": "ab"}}, "must be one character"),
        ({"columns": GOOD, "file": {"encoding": "utf-16"}}, "turn the file into UTF-8"),
        ({"columns": GOOD, "constants": {"time": "now"}}, r"\[constants\] has no time"),
    ],
)
def test_a_wrong_mapping_says_what_to_change(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_mapping(tables)


def test_the_file_at_fault_is_named(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"none\.toml can't be read"):
        load_mapping(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("columns = ")
    with pytest.raises(BadInput, match=r"bad\.toml can't be used"):
        load_mapping(bad)


def test_csv_needs_a_mapping_and_the_others_take_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="needs --map"):
        mapping_of("csv", None)
    with pytest.raises(BadInput, match="goes with --format csv"):
        mapping_of("taobao", tmp_path / "m.toml")
    with pytest.raises(BadInput, match="formats are segment, taobao, rees46, csv"):
        mapping_of("xml", None)
