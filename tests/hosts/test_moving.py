"""Models from the command line: listed, shown, promoted, rolled back, trained."""

import json
import shutil
from pathlib import Path

import pytest
from tests.hosts.learning import SETTINGS

from footfall.adapters.definitions import open_definitions
from footfall.adapters.deployed import DeployedModels
from footfall.adapters.registry import open_registry
from footfall.cli import main
from footfall.hosts.init import init
from footfall.models.model import from_bytes
from footfall.ports import Artefact


@pytest.fixture
def data(trained: Path, tmp_path: Path) -> Path:
    """A shop whose champion is 1, and whose 2 has the same bytes."""
    shutil.copytree(trained, tmp_path / "data")
    registry = open_registry(tmp_path / "data", SETTINGS)
    registry.register(1, registry.artefact(1, 1), registry.version(1, 1).card, {})
    return tmp_path / "data"


def champion(data: Path) -> int:
    found = DeployedModels(data).read(1).champion
    return 0 if found is None else found.version


def test_a_model_is_promoted_and_rolled_back(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "promote", "2", "--data", str(data)]) == 0
    assert champion(data) == 2
    assert main(["models", "rollback", "--data", str(data)]) == 0
    assert champion(data) == 1
    assert "Model 1 serves again." in capsys.readouterr().out
    definitions = open_definitions(data)
    audited = [(row.actor, row.action, row.detail) for row in reversed(definitions.audit(2))]
    definitions.close()
    assert audited == [
        ("command line", "models.promote", {"version": 2}),
        ("command line", "models.rollback", {"to": 1}),
    ]
    assert main(["models", "rollback", "--data", str(data)]) == 1
    assert "none to go back to" in capsys.readouterr().err


def test_the_list_names_all_versions(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--data", str(data), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["version"], row["stage"]) for row in found["versions"]] == [(2, "archived"), (1, "champion")]
    assert (found["champion"], found["is_training"], found["last_training"]["outcome"]) == (1, False, "champion")
    assert main(["models", "list", "--data", str(data)]) == 0
    assert "champion" in capsys.readouterr().out


def test_a_card_is_shown_with_what_became_of_the_model(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "1", "--data", str(data)]) == 0
    card = json.loads(capsys.readouterr().out)["card"]
    assert "Became champion: it is the first" in card["notes"][0]
    assert card["targets"]["session"]["n_trees"] >= 1


def test_what_is_not_there_or_can_not_serve_is_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "promote", "9", "--data", str(data)]) == 1
    assert "footfall models list" in capsys.readouterr().err
    open_registry(data, SETTINGS).register(1, Artefact(b"cut"), {}, {})
    assert main(["models", "promote", "3", "--data", str(data)]) == 1
    assert "cut or changed" in capsys.readouterr().err
    assert champion(data) == 1


def test_a_damaged_pointer_is_told_beside_the_list(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "models" / "site-1" / "deployed.json").write_text("{")
    assert main(["models", "list", "--data", str(data)]) == 0
    told = capsys.readouterr()
    assert "deployed.json can't be read" in told.err
    assert "archived" in told.out
    assert main(["models", "list", "--data", str(data), "--json"]) == 0
    assert "models promote" in json.loads(capsys.readouterr().out)["trouble"]
    assert main(["models", "promote", "1", "--data", str(data)]) == 0
    capsys.readouterr()
    assert main(["models", "list", "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trouble"] == ""


def test_without_models_the_prior_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path / "data", "shop", SETTINGS)
    assert main(["models", "list", "--data", str(tmp_path / "data")]) == 0
    assert "the prior scores" in capsys.readouterr().out


def test_training_nothing_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path / "data", "shop", SETTINGS)
    assert main(["train", "--data", str(tmp_path / "data")]) == 1
    assert "footfall import" in capsys.readouterr().err
    assert main(["train", "--data", str(tmp_path / "data"), "--target", "month"]) == 2


def test_training_prints_what_was_learned(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "--data", str(data), "--target", "session", "--trials", "0", "--threads", "1"]
    assert main([*arguments, "--reserve-visitors", "1024"]) == 0
    said = capsys.readouterr().out
    assert "Learned from" in said
    assert "Model 3 challenges" in said
    assert main([*arguments, "--reserve-visitors", "1024", "--promote"]) == 0
    assert "Model 4 serves from now on: asked for (command line)" in capsys.readouterr().out
    copies = DeployedModels(data)
    copy = copies.read(1).champion
    assert copy is not None
    assert from_bytes(copies.model(1, copy)).space is not None
