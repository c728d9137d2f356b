"""Which model serves a site, and how is that changed? The registry and the deployed copies, moved together.

A model is checked and its bytes are on disk before the registry hears of a change; the pointer that serving reads is
replaced last. Whatever fails on the way leaves what served serving, and doing it again finishes what was begun.
"""

import contextlib
from pathlib import Path

from footfall.adapters.deployed import Deployed, DeployedModels
from footfall.base.errors import BadInput, FootfallError, Missing
from footfall.models.model import from_bytes
from footfall.ports import ARCHIVED, Artefact, ModelRegistry


def add_champion(data: Path, registry: ModelRegistry, site: int, version: int, why: str) -> None:
    """Let a version serve. Raises ``BadInput`` or ``Unavailable`` if it can't, and nothing changes then."""
    copies = DeployedModels(data)
    artefact = _checked(registry, site, version)
    before = _read(copies, site)
    copy = copies.put(site, version, artefact)
    registry.promote(site, version, why)
    is_challenger = before.challenger is not None and before.challenger.version == version
    copies.point(site, Deployed(copy, None if is_challenger else before.challenger))


def add_challenger(data: Path, registry: ModelRegistry, site: int, version: int, why: str) -> None:
    """Let a version score silently beside the champion; 0 lets none. Errors as :func:`add_champion`."""
    copies = DeployedModels(data)
    before = _read(copies, site)
    copy = copies.put(site, version, _checked(registry, site, version)) if version else None
    registry.challenge(site, version, why)
    copies.point(site, Deployed(before.champion, copy))


def roll_back(data: Path, registry: ModelRegistry, site: int, why: str) -> int:
    """Let the champion before serve again; returns its version. ``BadInput`` if there was none, or it can't serve."""
    copies = DeployedModels(data)
    before = _read(copies, site)
    champion = registry.champion_before(site)
    copy = copies.put(site, champion, _checked(registry, site, champion))
    registry.rollback(site, why)
    challenger = before.challenger
    copies.point(site, Deployed(copy, None if challenger is None or challenger.version == champion else challenger))
    return champion


def forget_old(data: Path, registry: ModelRegistry, site: int, n_kept: int) -> list[int]:
    """Drop the files of all but the latest versions, those that serve, and the one that a rollback leads to.

    Returns the versions whose files went. Raises ``Unavailable`` if the registry fails; the next time finishes it.
    """
    deployed = DeployedModels(data).read(site)
    versions = registry.versions(site)
    kept = {found.version for found in versions[:n_kept]}
    kept |= {found.version for found in versions if found.stage != ARCHIVED}
    kept |= {copy.version for copy in (deployed.champion, deployed.challenger) if copy is not None}
    with contextlib.suppress(BadInput):  # none served before
        kept.add(registry.champion_before(site))
    dropped = [found.version for found in versions if found.has_files and found.version not in kept]
    for version in dropped:
        registry.drop_files(site, version)
    return dropped


def _read(copies: DeployedModels, site: int) -> Deployed:
    """What serves; nothing, if the pointer is damaged: it is about to be replaced."""
    try:
        return copies.read(site)
    except FootfallError:
        return Deployed()


def _checked(registry: ModelRegistry, site: int, version: int) -> Artefact:
    """The artefact of a version that can serve here."""
    if version < 1:
        raise Missing("Versions count from 1; `footfall models list` names them all.")
    artefact = registry.artefact(site, version)
    from_bytes(artefact.model)
    return artefact
