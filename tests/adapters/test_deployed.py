"""What serves a site, on disk: replaced as a whole, checked when read, and never half there."""

import errno
import os
from pathlib import Path

import pytest

from footfall.adapters.deployed import KEPT, Copy, Deployed, DeployedModels, Outcome
from footfall.base.errors import Unavailable
from footfall.ports import Artefact

ONE = Artefact(b"model one", b"past one")
TWO = Artefact(b"model two", b"")


def files(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "models" / "site-1").iterdir())


def test_nothing_serves_before_the_first_model(tmp_path: Path) -> None:
    models = DeployedModels(tmp_path)
    assert (models.read(1), models.stamp(1), models.outcome(1), models.sites()) == (Deployed(), (), None, [])


def test_what_was_put_and_pointed_at_serves(tmp_path: Path) -> None:
    models = DeployedModels(tmp_path)
    champion, challenger = models.put(1, 3, ONE), models.put(1, 4, TWO)
    models.point(1, Deployed(champion, challenger))
    found = DeployedModels(tmp_path).read(1)
    assert found == Deployed(champion, challenger)
    assert found.champion is not None
    assert (models.model(1, found.champion), models.past(1, found.champion)) == (b"model one", b"past one")
    assert models.past(1, challenger) == b""
    assert models.sites() == [1]


def test_the_stamp_changes_with_the_pointer_only(tmp_path: Path) -> None:
    models = DeployedModels(tmp_path)
    one, two = models.put(1, 1, ONE), models.put(1, 2, TWO)
    models.point(1, Deployed(one))
    stamp = models.stamp(1)
    models.tell(1, Outcome(5, "failed", "no orders"))
    assert models.stamp(1) == stamp
    models.point(1, Deployed(two))
    assert models.stamp(1) != stamp


def test_changed_and_missing_bytes_are_refused(tmp_path: Path) -> None:
    models = DeployedModels(tmp_path)
    copy = models.put(1, 1, ONE)
    path = next((tmp_path / "models" / "site-1").glob("*.model"))
    path.write_bytes(b"model onf")
    with pytest.raises(Unavailable, match="isn't what was written"):
        models.model(1, copy)
    path.unlink()
    with pytest.raises(Unavailable, match="promote a model again"):
        models.model(1, copy)


def test_a_damaged_pointer_says_what_to_do(tmp_path: Path) -> None:
    models = DeployedModels(tmp_path)
    models.point(1, Deployed(models.put(1, 1, ONE)))
    (tmp_path / "models" / "site-1" / "deployed.json").write_text('{"champion": {"ver')
    with pytest.raises(Unavailable, match="footfall models promote"):
        models.read(1)


@pytest.mark.parametrize("what", ["put", "point", "tell"])
def test_a_full_disk_leaves_what_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    models = DeployedModels(tmp_path)
    models.point(1, Deployed(models.put(1, 1, ONE)))
    before = files(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        if what == "put":
            models.put(1, 2, TWO)
        elif what == "point":
            models.point(1, Deployed(Copy(2, "", "")))
        else:
            models.tell(1, Outcome(1, "failed", "x"))
    assert files(tmp_path) == before
    found = models.read(1).champion
    assert found is not None
    assert models.model(1, found) == b"model one"


def test_old_versions_go_but_the_latest_stay_for_going_back(tmp_path: Path) -> None:
    models = DeployedModels(tmp_path)
    first = models.put(1, 1, ONE)
    for version in range(2, 10):
        models.point(1, Deployed(first, models.put(1, version, Artefact(b"model %d" % version))))
    versions = {int(name[1:6]) for name in files(tmp_path) if name.endswith(".model")}
    assert versions == {1, 9, *range(9 - KEPT, 9)}


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    models = DeployedModels(tmp_path)
    models.point(1, Deployed(models.put(1, 1, ONE)))
    folder = tmp_path / "models" / "site-1"
    (folder / "v00002-0000.model.999999999.tmp").write_bytes(b"ha")
    (folder / f"v00002-0000.model.{os.getppid()}.tmp").write_bytes(b"being written")
    models.point(1, Deployed(models.put(1, 1, ONE)))
    assert [name for name in files(tmp_path) if name.endswith(".tmp")] == [f"v00002-0000.model.{os.getppid()}.tmp"]


def test_how_a_training_ended_is_remembered(tmp_path: Path) -> None:
    models = DeployedModels(tmp_path)
    models.tell(2, Outcome(7, "failed", "There are no orders.", "schedule"))
    assert models.outcome(2) == Outcome(7, "failed", "There are no orders.", "schedule")
    assert models.sites() == [2]
