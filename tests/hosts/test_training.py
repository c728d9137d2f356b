"""From a lake to a model that serves: the whole way, and what keeps the old model in place."""

import errno
import fcntl
import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.hosts.learning import SETTINGS, learned_from
from tests.models.made_up import made_up

from footfall.adapters.deployed import DeployedModels
from footfall.adapters.registry import open_registry
from footfall.base.errors import BadInput, FootfallError, Missing, Unavailable
from footfall.hosts.init import init
from footfall.hosts.shown import model_list
from footfall.hosts.training import LOCK, Options, compare, compare_with_prior, is_training, train_site
from footfall.hosts.versions import add_challenger, add_champion, roll_back
from footfall.models.drift import Duel
from footfall.models.model import from_bytes, probabilities
from footfall.models.rows import SESSION, Rows, split_by_time
from footfall.models.training import TrainOptions, train
from footfall.record.features import N_FEATURES

QUICK = Options(n_trials=0, n_threads=1)


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "data")
    return tmp_path / "data"


def served(data: Path) -> tuple[int, int]:
    """Versions of champion and challenger as serving reads them."""
    found = DeployedModels(data).read(1)
    return tuple(0 if copy is None else copy.version for copy in (found.champion, found.challenger))  # type: ignore[return-value]


def test_the_first_model_serves_at_once(trained: Path) -> None:
    copies = DeployedModels(trained)
    champion = copies.read(1).champion
    assert champion is not None
    model = from_bytes(copies.model(1, champion))
    assert served(trained) == (1, 0)
    assert model.space is not None
    assert len(copies.past(1, champion)) > 1000
    outcome = copies.outcome(1)
    assert outcome is not None
    assert (outcome.outcome, outcome.reason) == ("champion", "command line")
    scores = probabilities(model, "session", np.zeros((1, N_FEATURES), np.float32))
    assert 0 < scores[0] < 1


def test_the_registry_knows_what_was_trained(trained: Path) -> None:
    (found,) = open_registry(trained, SETTINGS).versions(1)
    assert (found.version, found.stage) == (1, "champion")
    assert found.card["n_orders"] > 30
    assert "Became champion: it is the first" in found.notes[0]


def test_a_model_that_is_no_better_challenges_until_it_is_asked_for(copy: Path) -> None:
    second = train_site(copy, SETTINGS, "shop", QUICK)
    assert (second.stage, served(copy)) == ("challenger", (1, 2))
    assert "isn't shown to be better" in second.message
    third = train_site(copy, SETTINGS, "", msgspec.structs.replace(QUICK, is_promoted=True))
    assert (third.stage, served(copy)) == ("champion", (3, 2))


def shuffled(rows: Rows) -> Rows:
    """The same rows with the outcomes of others: nothing to learn."""
    order = np.random.default_rng(0).permutation(len(rows))
    return msgspec.structs.replace(rows, labels=rows.labels[order])


def test_the_model_that_foretells_better_on_the_latest_sessions_wins() -> None:
    rows = made_up(3_000, seed=5).rows
    options = TrainOptions(n_trials=0, n_threads=1, targets=("session",))
    good, bad = train(rows, options), train(shuffled(rows), options)
    assert compare(bad, good, rows).is_better
    verdict = compare(good, bad, rows)
    assert not verdict.is_better
    assert "isn't shown to be better" in verdict.why
    assert not compare(good, good, rows).is_better


def test_a_first_model_serves_unless_the_prior_or_the_base_rate_foretells_better() -> None:
    rows = made_up(3_000, seed=5).rows
    options = TrainOptions(n_trials=0, n_threads=1, targets=("session",))
    good = train(rows, options)
    assert compare_with_prior(good, rows).is_better
    opposite = msgspec.structs.replace(rows, labels=np.where(rows.labels >= 0, 1 - rows.labels, rows.labels))
    verdict = compare_with_prior(train(opposite, options), rows)
    assert not verdict.is_better
    assert "foretells better on the latest sessions" in verdict.why


def test_a_first_model_serves_where_there_are_too_few_orders_to_judge_it() -> None:
    rows = made_up(3_000, seed=5).rows
    model = train(rows, TrainOptions(n_trials=0, n_threads=1, targets=("session",)))
    test = split_by_time(rows, SESSION).test
    labels = rows.labels.copy()
    labels[test] = 0
    assert compare_with_prior(model, msgspec.structs.replace(rows, labels=labels)).is_better


def test_a_first_model_that_is_worse_challenges_the_prior(
    learnable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(learnable, tmp_path / "data")
    lost = Duel(500, 0.2, 0.9, "champion")
    monkeypatch.setattr("footfall.hosts.training.duel", lambda *_: lost)
    first = train_site(tmp_path / "data", SETTINGS, "", QUICK)
    assert (first.stage, served(tmp_path / "data")) == ("challenger", (0, 1))
    assert "Model 1 challenges the prior" in first.message
    assert "the prior's 0.2000" in first.message


def test_a_better_model_waits_for_somebody_if_that_is_asked_for(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footfall.hosts.training.duel", lambda *_: Duel(500, 0.9, 0.2, "challenger"))
    careful = msgspec.structs.replace(SETTINGS, promote_automatically=False)
    second = train_site(copy, careful, "", QUICK)
    assert (second.stage, served(copy)) == ("challenger", (1, 2))
    assert "`promote_automatically` is off" in second.message
    third = train_site(copy, SETTINGS, "", QUICK)
    assert (third.stage, served(copy)) == ("champion", (3, 2))


def test_files_of_old_models_go_but_not_those_that_serve_or_may_again(copy: Path) -> None:
    registry = open_registry(copy, SETTINGS)
    for _ in range(5):
        registry.register(1, registry.artefact(1, 1), registry.version(1, 1).card, {})
    add_champion(copy, registry, 1, 2, "a test")
    add_challenger(copy, registry, 1, 3, "a test")
    few = msgspec.structs.replace(SETTINGS, model_versions_kept=2)
    assert train_site(copy, few, "", msgspec.structs.replace(QUICK, is_promoted=False)).version == 7
    rows = model_list(1, registry.versions(1), DeployedModels(copy), False)["versions"]
    assert {row["version"]: row["can_serve"] for row in rows} == {
        7: True, 6: True, 5: False, 4: False, 3: False, 2: True, 1: True,
    }  # fmt: skip
    assert rows[2]["why_not"] == "its files are gone"
    with pytest.raises(BadInput, match="files of model 4 are gone"):
        add_champion(copy, registry, 1, 4, "a test")
    assert roll_back(copy, registry, 1, "a test") == 1


def test_a_model_that_foretells_less_is_not_better() -> None:
    rows = made_up(3_000, seed=5).rows
    both = train(rows, TrainOptions(n_trials=0, n_threads=1))
    one = train(rows, TrainOptions(n_trials=0, n_threads=1, targets=("session",)))
    assert "doesn't foretell `week`" in compare(both, one, rows).why


def test_a_broken_champion_is_replaced_by_whatever_is_whole(copy: Path) -> None:
    next((copy / "models" / "site-1").glob("*.model")).write_bytes(b"cut")
    second = train_site(copy, SETTINGS, "", QUICK)
    assert second.stage == "champion"
    assert "can't serve" in second.message


# -- what can't be learned from: a clear message, and what served goes on ------------------------------------------


def fails(data: Path, code: str, *words: str) -> None:
    """Training must fail so, tell it, and leave what serves as it was."""
    before = served(data)
    with pytest.raises(BadInput) as refused:
        train_site(data, SETTINGS, "", QUICK)
    assert refused.value.code == code
    for word in words:
        assert word in str(refused.value)
    assert served(data) == before
    outcome = DeployedModels(data).outcome(1)
    assert outcome is not None
    assert (outcome.outcome, outcome.message) == ("failed", str(refused.value))


def test_no_orders(tmp_path: Path) -> None:
    fails(learned_from(tmp_path / "data", n_visits=60, order_rate=0.0), "cannot_train", "0 of them with an order")


def test_twenty_rows(tmp_path: Path) -> None:
    fails(learned_from(tmp_path / "data", n_visits=7), "cannot_train", "import more history")


def test_all_bots(tmp_path: Path) -> None:
    data = learned_from(tmp_path / "data", n_visits=20, user_agent="Googlebot/2.1 (+http://www.google.com/bot.html)")
    fails(data, "all_bots", "robots")


def test_no_events_at_all(tmp_path: Path) -> None:
    init(tmp_path / "data", "shop", SETTINGS)
    with pytest.raises(Missing, match="footfall import"):
        train_site(tmp_path / "data", SETTINGS, "", QUICK)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="footfall init"):
        train_site(tmp_path / "nowhere", SETTINGS, "", QUICK)
    assert not (tmp_path / "nowhere").exists()


def test_a_full_disk_while_saving_leaves_the_old_model_serving(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if "site-1" in str(Path(f"/proc/self/fd/{descriptor}").resolve()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        train_site(copy, SETTINGS, "", msgspec.structs.replace(QUICK, is_promoted=True))
    monkeypatch.undo()
    assert served(copy) == (1, 0)
    assert not list((copy / "models").rglob("*.tmp"))


def test_a_registry_that_fails_leaves_the_old_model_serving(copy: Path) -> None:
    database = copy / "models" / "registry" / "mlflow.db"
    database.write_bytes(b"no database")
    with pytest.raises(FootfallError, match="registry"):
        train_site(copy, SETTINGS, "", QUICK)
    assert served(copy) == (1, 0)


def test_a_lock_that_can_not_be_opened_is_no_training_under_way(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", broken)
    assert not is_training(copy)
    with pytest.raises(Unavailable, match="can't be locked") as refused:
        train_site(copy, SETTINGS, "", QUICK)
    assert refused.value.code == "disk"


def test_two_trainings_do_not_run_at_once(copy: Path) -> None:
    assert not is_training(copy)
    with (copy / "models" / LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_training(copy)
        with pytest.raises(Unavailable) as refused:
            train_site(copy, SETTINGS, "", QUICK)
    assert refused.value.code == "is_training"
    assert not is_training(copy)
