"""Similar visitors are measured whole, beside exact search and scikit-learn; and on real data where there are some."""

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from footfall.base.errors import BadInput, Missing
from footfall.hosts.benches import online_shoppers, similar

SHARED = Path(os.environ.get("FOOTFALL_SHARED_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
SHOPPERS = SHARED / "uci_online_shoppers" / "online_shoppers_intention.csv"


def test_answers_are_measured_beside_exact_search_and_scikit_learn(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "_LEARN_FROM", 6_000)
    size = ["--past", "3000", "--visitors", "1000", "--live", "100", "--asked", "12", "--threads", "1"]
    assert similar.main(["--json", *size]) == 0

    result: dict[str, Any] = msgspec.json.decode(capfd.readouterr().out)
    assert 0 < result["call_ms"]["p50"] <= result["call_ms"]["p99"]
    assert result["scikit_learn_ms"].keys() == {"ball_tree", "brute"}
    assert (result["recall"], result["recall_least"], result["recall_n"]) == (1.0, 1.0, 12 + 100)
    assert result["live"] > 50
    assert {budget["what"] for budget in result["budgets"]} == {"answer, p99 ms", "recall@50, mean", "recall@50, worst"}


def test_a_file_that_is_none_or_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"online_shoppers_intention\.csv"):
        online_shoppers.read(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="columns are missing"):
        online_shoppers.read(tmp_path / "other.csv")


@pytest.mark.slow
@pytest.mark.skipif(not SHOPPERS.is_file(), reason="UCI Online Shoppers isn't here")
def test_neighbours_by_reasons_beat_raw_ones_and_the_forest_on_real_shoppers() -> None:
    features, labels = online_shoppers.read(SHOPPERS)
    assert (len(labels), int(labels.sum())) == (12_330, 1_908)
    learn_by, judge_by = next(online_shoppers.folds(labels))
    assert not np.intersect1d(learn_by, judge_by).size
    fold = online_shoppers.measure(features, labels, learn_by, judge_by, n_threads=2)
    assert fold.learned > 0.93
    assert fold.learned > fold.forest - 0.002
    assert fold.learned > fold.raw + 0.015
    assert fold.boosted > 0.935
    assert fold.explained_frac > 0.99
