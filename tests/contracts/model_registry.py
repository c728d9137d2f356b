"""The law every registry of models keeps."""

import pytest

from footfall.base.errors import BadInput, Missing, Unavailable
from footfall.ports import Artefact, ModelRegistry, ModelVersion

CARD = {
    "n_rows": 1234,
    "catalogue_id": "00ff00ff00ff00ff",
    "targets": ["session"],
    "top": {"session": [["views", 0.5]]},
}
METRICS = {"session_roc_auc": 0.91}


def stages(registry: ModelRegistry, site: int = 1) -> dict[int, str]:
    return {found.version: found.stage for found in registry.versions(site)}


def add(registry: ModelRegistry, text: bytes = b"model", site: int = 1) -> int:
    return registry.register(site, Artefact(text, b"past of " + text), CARD, METRICS)


class ModelRegistryContract:
    """Subclasses give a fixture ``registry``, empty, and a function fixture ``spoil(registry)`` that changes a byte of
    the artefacts of site 1."""

    def test_an_empty_registry_has_no_versions(self, registry: ModelRegistry) -> None:
        assert registry.versions(1) == []
        with pytest.raises(Missing):
            registry.version(1, 1)
        with pytest.raises(Missing):
            registry.artefact(1, 1)
        with pytest.raises(Missing):
            registry.promote(1, 1, "for a test")
        registry.challenge(1, 0, "there is none")

    def test_a_registered_model_comes_back_as_it_was(self, registry: ModelRegistry) -> None:
        version = registry.register(1, Artefact(b"\0model\xff", b""), CARD, METRICS)
        assert version == 1
        found = registry.version(1, 1)
        assert (found.site, found.version, found.stage, found.card) == (1, 1, "archived", CARD)
        assert registry.artefact(1, 1) == Artefact(b"\0model\xff", b"")

    def test_versions_count_up_by_site_and_are_listed_newest_first(self, registry: ModelRegistry) -> None:
        assert [add(registry), add(registry), add(registry, site=2), add(registry)] == [1, 2, 1, 3]
        assert [found.version for found in registry.versions(1)] == [3, 2, 1]
        assert [found.version for found in registry.versions(2)] == [1]

    def test_one_is_champion_and_one_may_challenge_it(self, registry: ModelRegistry) -> None:
        for _ in range(3):
            add(registry)
        registry.promote(1, 1, "the first")
        registry.challenge(1, 2, "is newer")
        assert stages(registry) == {1: "champion", 2: "challenger", 3: "archived"}
        registry.challenge(1, 3, "is newer still")
        assert stages(registry) == {1: "champion", 2: "archived", 3: "challenger"}
        registry.promote(1, 3, "is better")
        assert stages(registry) == {1: "archived", 2: "archived", 3: "champion"}
        with pytest.raises(BadInput):
            registry.challenge(1, 3, "itself")

    def test_a_challenger_may_be_withdrawn(self, registry: ModelRegistry) -> None:
        add(registry), add(registry)
        registry.promote(1, 1, "the first")
        registry.challenge(1, 2, "is newer")
        registry.challenge(1, 0, "is worse")
        assert stages(registry) == {1: "champion", 2: "archived"}

    def test_rolling_back_goes_to_the_champion_before_and_not_in_circles(self, registry: ModelRegistry) -> None:
        for _ in range(3):
            add(registry)
        for version in (1, 3, 2):
            registry.promote(1, version, "in turn")
        assert registry.champion_before(1) == 3
        assert registry.rollback(1, "it is bad") == 3
        assert registry.rollback(1, "that too") == 1
        with pytest.raises(BadInput) as refused:
            registry.rollback(1, "again")
        assert refused.value.code == "no_champion_before"
        assert stages(registry)[1] == "champion"

    def test_promoting_the_champion_again_changes_nothing(self, registry: ModelRegistry) -> None:
        add(registry), add(registry)
        for version in (1, 2, 2):
            registry.promote(1, version, "in turn")
        assert registry.rollback(1, "back") == 1

    def test_a_site_without_models_has_nothing_to_go_back_to(self, registry: ModelRegistry) -> None:
        with pytest.raises(BadInput):
            registry.rollback(1, "back")

    def test_what_became_of_a_version_is_noted_with_its_time(self, registry: ModelRegistry) -> None:
        add(registry)
        registry.promote(1, 1, "the first")
        registry.note(1, 1, "Drifts: 🦊")
        notes = registry.version(1, 1).notes
        assert [note.partition(" ")[2] for note in notes] == ["Became champion: the first", "Drifts: 🦊"]
        assert all(note.partition(" ")[0].endswith("Z") for note in notes)
        for i in range(22):
            registry.note(1, 1, f"note {i} " + "x" * 1000)
        assert registry.version(1, 1).notes[-1].partition(" ")[2].startswith("note 21")

    def test_sites_do_not_touch_each_other(self, registry: ModelRegistry) -> None:
        add(registry, site=1), add(registry, site=12)
        registry.promote(12, 1, "the first")
        assert stages(registry, 1) == {1: "archived"}
        assert stages(registry, 12) == {1: "champion"}

    def test_changed_bytes_are_refused(self, registry: ModelRegistry, spoil) -> None:  # type: ignore[no-untyped-def]
        add(registry)
        spoil(registry)
        with pytest.raises(Unavailable) as refused:
            registry.artefact(1, 1)
        assert refused.value.code == "bad_artefact"

    def test_dropped_files_are_gone_and_the_card_stays(self, registry: ModelRegistry) -> None:
        add(registry), add(registry)
        for _ in range(2):
            registry.drop_files(1, 1)
        assert [(found.version, found.has_files) for found in registry.versions(1)] == [(2, True), (1, False)]
        assert registry.version(1, 1).card == CARD
        with pytest.raises(BadInput) as refused:
            registry.artefact(1, 1)
        assert refused.value.code == "files_gone"
        assert registry.artefact(1, 2).model == b"model"
        with pytest.raises(Missing):
            registry.drop_files(1, 3)

    def test_a_version_says_when_it_was_made(self, registry: ModelRegistry) -> None:
        add(registry)
        found = registry.version(1, 1)
        assert isinstance(found, ModelVersion)
        assert found.made_ms == 1_792_843_200_000
