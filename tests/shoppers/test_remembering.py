"""History comes from a process of its own, the same as from this one, and leaves the people and the truth behind."""

from pathlib import Path

import pytest

from footfall.base.errors import Unavailable
from footfall.shoppers import truth
from footfall.shoppers.crowd import load
from footfall.shoppers.living import PEOPLE
from footfall.shoppers.remembering import Past, remembered, remembering

PAST = Past(seed=3, origin="http://127.0.0.1:8701", end_ms=1_795_000_000_000, days=5, visitors=150)


def test_the_process_tells_the_same_history_and_keeps_the_people_and_the_truth(tmp_path: Path) -> None:
    with remembering(PAST, tmp_path) as lines:
        told = list(lines)
    assert told == list(remembered(PAST))
    assert [time_ms for _, time_ms in told] == sorted(time_ms for _, time_ms in told)
    crowd = load(tmp_path / PEOPLE, PAST.origin)
    assert crowd.n_people == 150
    truths = list(truth.read(tmp_path / truth.FILE_NAME))
    assert len(truths) >= 150


def test_a_history_that_breaks_off_is_no_whole_one(tmp_path: Path) -> None:
    missing = tmp_path / "gone"  # the people can't be kept there
    with pytest.raises(Unavailable, match="broke off"), remembering(PAST, missing) as lines:
        list(lines)
