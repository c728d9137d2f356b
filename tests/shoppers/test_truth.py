"""What really went on is read back as it was written, up to where a crash cut it off."""

from pathlib import Path

from footfall.shoppers import truth
from footfall.shoppers.visits import Truth

SOME = Truth("a" * 32, "ida@shopper.example", "loyal", 1_795_000_000_000, 0.125, True, "AF-1", False)
OTHER = Truth("b" * 32, "", "bouncer", 1_795_000_000_500, 0.001, False, "", False)


def test_truths_are_appended_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / truth.FILE_NAME
    truth.add(path, [SOME])
    truth.add(path, [OTHER])
    truth.add(path, [])
    assert list(truth.read(path)) == [SOME, OTHER]


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / truth.FILE_NAME
    truth.add(path, [SOME, OTHER])
    path.write_bytes(path.read_bytes()[:-10])
    assert list(truth.read(path)) == [SOME]
