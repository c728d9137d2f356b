"""What does one see and move of a site's models from the command line? The same as behind the login."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from footfall.adapters.definitions import open_definitions
from footfall.adapters.deployed import DeployedModels
from footfall.adapters.registry import open_registry
from footfall.base.errors import FootfallError, Missing
from footfall.hosts.init import is_made, site_named
from footfall.hosts.shown import model_detail, model_list
from footfall.hosts.training import is_training
from footfall.hosts.versions import add_champion, roll_back
from footfall.ports import ModelRegistry
from footfall.settings import Settings

_BY = "command line"


def listed(data: Path, settings: Settings, site_name: str) -> dict[str, Any]:
    """All versions of a site as ``GET /api/models`` has them; ``trouble`` says if it isn't known which serves."""
    with _opened(data, settings, site_name) as (registry, site):
        copies = DeployedModels(data)
        found = model_list(site, registry.versions(site), copies, is_training(data))
        try:
            copies.read(site)
        except FootfallError as error:
            return found | {"trouble": str(error)}
        return found | {"trouble": ""}


def shown(data: Path, settings: Settings, site_name: str, version: int) -> dict[str, Any]:
    """One version with its card and notes."""
    with _opened(data, settings, site_name) as (registry, site):
        return model_detail(registry.version(site, version))


def promote(data: Path, settings: Settings, site_name: str, version: int) -> None:
    """Let a version serve."""
    with _opened(data, settings, site_name) as (registry, site):
        add_champion(data, registry, site, version, f"asked for ({_BY})")
        _audit(data, "models.promote", site, {"version": version})


def rollback(data: Path, settings: Settings, site_name: str) -> int:
    """Let the champion before serve; returns its version."""
    with _opened(data, settings, site_name) as (registry, site):
        version = roll_back(data, registry, site, f"asked for ({_BY})")
        _audit(data, "models.rollback", site, {"to": version})
        return version


def _audit(data: Path, action: str, site: int, detail: dict[str, int]) -> None:
    definitions = open_definitions(data)
    try:
        definitions.add_audit(_BY, action, site, detail)
    finally:
        definitions.close()


@contextlib.contextmanager
def _opened(data: Path, settings: Settings, site_name: str) -> Iterator[tuple[ModelRegistry, int]]:
    if not is_made(data):
        raise Missing(f"{data} holds no shop: make one with `footfall init --data {data}`.")
    definitions = open_definitions(data)
    try:
        site = site_named(definitions.sites(), site_name).number
    finally:
        definitions.close()
    registry = open_registry(data, settings)
    try:
        yield registry, site
    finally:
        registry.close()
