"""A model is one file, whole or not there, and is refused where it would foretell nonsense."""

import errno
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.models.made_up import made_up
from xxhash import xxh3_128_digest

from footfall.base.errors import BadInput, Missing, Unavailable
from footfall.models.boosted import contributions, raw_margin
from footfall.models.model import MAGIC, Model, from_bytes, load, probabilities, save, to_bytes, why_not
from footfall.models.training import TrainOptions, train
from footfall.record.features import CATALOGUE_ID
from footfall.record.layout import LAYOUT

ROWS = made_up(1_000, seed=1).rows


@pytest.fixture(scope="module")
def model() -> Model:
    return train(ROWS, TrainOptions(n_trials=0, n_threads=1, targets=("session",)))


def test_a_file_gives_the_same_model_again(model: Model, tmp_path: Path) -> None:
    model = msgspec.structs.replace(model, space=b"a space")
    save(model, tmp_path / "models" / "one")
    again = load(tmp_path / "models" / "one")
    assert again.card == model.card
    assert again.space == b"a space"
    assert np.array_equal(
        probabilities(again, "session", ROWS.features), probabilities(model, "session", ROWS.features)
    )
    old, new = model.targets["session"], again.targets["session"]
    assert np.array_equal(raw_margin(new, ROWS.features), raw_margin(old, ROWS.features))
    assert np.array_equal(contributions(new, ROWS.features[:9], False), contributions(old, ROWS.features[:9], False))
    assert new.columns.dtype == np.int32 and new.columns.flags.writeable
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["one"]
    assert to_bytes(again) == to_bytes(model)


def test_cut_or_changed_files_are_refused(model: Model) -> None:
    data = to_bytes(model)
    at = len(data) // 2
    changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    for broken in (b"", data[:10], data[:at], data[:-1], data + b"x", changed, b"x" + data, MAGIC, b"\x00" * 1_000):
        with pytest.raises(BadInput, match="cut or changed") as caught:
            from_bytes(broken)
        assert caught.value.code == "bad_model"


@pytest.mark.parametrize("body", [b"", b"\xff\xff\xff\xff\xc1", b"\x00\x00\x00\x01\xc1", b"\x00\x00\x00\x00\x80"])
def test_a_file_with_the_right_checksum_and_nonsense_in_it_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput, match="another version") as caught:
        from_bytes(MAGIC + xxh3_128_digest(body) + body)
    assert caught.value.code == "bad_model"


def test_models_of_other_features_are_refused(model: Model) -> None:
    with pytest.raises(BadInput, match=r"features 00.*this version computes .*train a new one") as caught:
        from_bytes(to_bytes(msgspec.structs.replace(model, catalogue_id="00")))
    assert caught.value.code == "other_catalogue"
    with pytest.raises(BadInput, match="layout 1, this version keeps layout") as caught:
        from_bytes(to_bytes(msgspec.structs.replace(model, layout=1)))
    assert caught.value.code == "other_layout"
    assert why_not(CATALOGUE_ID, LAYOUT) == ""


def test_a_target_that_was_not_learned_is_missing(model: Model) -> None:
    with pytest.raises(Missing, match="no target 'week'"):
        probabilities(model, "week", ROWS.features)


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="footfall train"):
        load(tmp_path / "none")


def test_a_full_disk_leaves_the_old_file(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(model, tmp_path / "model")
    before = (tmp_path / "model").read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="free some space") as caught:
            save(msgspec.structs.replace(model, space=b"new"), tmp_path / "model")
    assert caught.value.code == "model_disk"
    assert (tmp_path / "model").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
