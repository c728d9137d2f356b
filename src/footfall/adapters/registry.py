"""Where are all models ever trained? In MLflow: a SQLite file and a folder beside it, or a server that the shop has.

A site's models are the versions of one registered model; each version is one run with the model card as its tags and
metrics, and the model's bytes as its artefacts. Aliases name champion and challenger. MLflow takes seconds to import,
so it is imported when a registry is opened, never where a server starts; serving reads
:mod:`footfall.adapters.deployed`.
"""

import contextlib
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from xxhash import xxh3_128_hexdigest

from footfall.base.clock import Clock, SystemClock
from footfall.base.errors import BadInput, Missing, Unavailable
from footfall.base.times import iso
from footfall.ports import ARCHIVED, CHALLENGER, CHAMPION, Artefact, ModelVersion
from footfall.settings import Settings

_MODEL, _PAST, _CARD_FILE = "footfall.model", "past.index", "card.json"
_CARD, _MADE, _CHECKSUM, _NOTES = "footfall.card", "footfall.made_ms", "footfall.checksum", "footfall.notes"
_DROPPED = "footfall.files_dropped"
"""Tags of a version."""
_FOLDER = "model"
_CHAMPIONS = "footfall.champions"
"""Tag of the registered model: versions that were champion, oldest first, the present one last."""
_MOST_NOTES = 20
"""Of a version; the oldest go first, as a tag holds 5,000 characters."""
_NOTE_CHARS = 200
_DAY_MS = 86_400_000
_CREDENTIALS = re.compile(r"//[^/\s]*@")
"""What an address may say of who asks; whoever reads about models may read what went wrong."""
_NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")

_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "GIT_PYTHON_REFRESH": "quiet",
}


class MlflowRegistry:
    """:class:`footfall.ports.ModelRegistry` on MLflow; ``url`` is whatever MLflow takes as a tracking address."""

    def __init__(self, url: str, *, prefix: str = "footfall", folder: Path | None = None, clock: Clock | None = None):
        """``folder`` is where artefacts go when ``url`` is a database; a server says so itself."""
        self._clock = clock or SystemClock()
        self._prefix = prefix
        self._folder = folder
        self._url = url
        self._client = _client(url)

    def register(self, site: int, artefact: Artefact, card: Mapping[str, Any], metrics: Mapping[str, float]) -> int:
        """See the port."""
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException

        name = self._name(site)
        made_ms = self._clock.now_ms()
        told = msgspec.json.encode(card)
        with _errors(), tempfile.TemporaryDirectory(prefix="footfall-", dir=self._scratch()) as scratch:
            parts = {_MODEL: artefact.model, _PAST: artefact.past, _CARD_FILE: told}
            for file_name, data in parts.items():
                (Path(scratch) / file_name).write_bytes(data)
            run = self._client.create_run(
                self._experiment(name), start_time=made_ms, tags={"mlflow.user": "footfall", "footfall.site": str(site)}
            )
            run_id = run.info.run_id
            try:
                self._client.log_batch(
                    run_id,
                    metrics=[Metric(key, float(value), made_ms, 0) for key, value in metrics.items()],
                    params=[Param(key, text) for key, text in _said(card)],
                    tags=[RunTag(_CHECKSUM, _checksum(artefact))],
                )
                self._client.log_artifacts(run_id, scratch, _FOLDER)
                self._ensure_model(name, site)
                version = self._client.create_model_version(
                    name,
                    source=f"{run.info.artifact_uri}/{_FOLDER}",
                    run_id=run_id,
                    tags={_MADE: str(made_ms), _CHECKSUM: _checksum(artefact), _CARD: told.decode()},
                )
                self._client.set_terminated(run_id)
            except BaseException:
                with contextlib.suppress(MlflowException, OSError):
                    self._client.set_terminated(run_id, "FAILED")
                raise
            with contextlib.suppress(MlflowException, SQLAlchemyError, OSError):  # the next one tries again
                self._drop_leftovers(name, made_ms)
        return int(version.version)

    def _drop_leftovers(self, name: str, now_ms: int) -> None:
        """Remove what registrations left that were killed or failed a day ago or longer."""
        if self._folder is not None:
            for path in self._folder.glob("footfall-*"):
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime * 1000 < time.time() * 1000 - _DAY_MS:
                        shutil.rmtree(path)
        left = self._client.search_runs([self._experiment(name)], "attributes.status != 'FINISHED'", max_results=100)
        registered = {version.run_id for version in self._all(name)} if left else set()
        for run in left:
            if run.info.run_id not in registered and run.info.start_time < now_ms - _DAY_MS:
                self._place(str(run.info.artifact_uri)).delete_artifacts()
                self._client.delete_run(run.info.run_id)

    def _place(self, uri: str) -> Any:
        """Where artefacts lie, to delete them."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(uri, self._url, self._url)

    def _all(self, name: str) -> list[Any]:
        """MLflow's versions of a registered model."""
        versions: list[Any] = []
        token = None
        while True:
            page = self._client.search_model_versions(f"name='{name}'", max_results=1000, page_token=token)
            versions += page
            token = page.token
            if not token:
                return versions

    def versions(self, site: int) -> list[ModelVersion]:
        """See the port."""
        with _errors():
            found = self._registered(site)
            if found is None:
                return []
            aliases = dict(found.aliases)
            made = [self._version_of(site, version, aliases) for version in self._all(found.name)]
        return sorted(made, key=lambda version: -version.version)

    def version(self, site: int, version: int) -> ModelVersion:
        """See the port."""
        with _errors():
            found = self._registered(site)
            if found is not None:
                with contextlib.suppress(_NotThere), _lookups():
                    registered = self._client.get_model_version(found.name, str(version))
                    return self._version_of(site, registered, dict(found.aliases))
        raise Missing(f"There is no model {version} of this site; `footfall models list` names them all.")

    def artefact(self, site: int, version: int) -> Artefact:
        """See the port."""
        if not self.version(site, version).has_files:
            raise BadInput(
                f"The files of model {version} are gone: `footfall models list` names those that can serve, or train "
                "a new one.",
                code="files_gone",
            )
        with _errors():
            registered = self._client.get_model_version(self._name(site), str(version))
            with tempfile.TemporaryDirectory(prefix="footfall-", dir=self._scratch()) as scratch:
                folder = Path(self._client.download_artifacts(registered.run_id, _FOLDER, scratch))
                artefact = Artefact((folder / _MODEL).read_bytes(), (folder / _PAST).read_bytes())
        if _checksum(artefact) != registered.tags.get(_CHECKSUM):
            raise Unavailable(
                f"The files of model {version} aren't what was registered: restore them, or train anew.",
                code="bad_artefact",
            )
        return artefact

    def drop_files(self, site: int, version: int) -> None:
        """See the port. The files go first: after a crash in between, doing it again finishes it."""
        if not self.version(site, version).has_files:
            return
        with _errors():
            registered = self._client.get_model_version(self._name(site), str(version))
            self._place(str(registered.source)).delete_artifacts()
            self._client.set_model_version_tag(self._name(site), str(version), _DROPPED, iso(self._clock.now_ms()))

    def promote(self, site: int, version: int, why: str) -> None:
        """See the port."""
        found = self.version(site, version)
        if found.stage == CHAMPION:
            return
        with _errors():
            name = self._name(site)
            champions = [n for n in self._champions(site) if n != version]
            self._client.set_registered_model_alias(name, CHAMPION, str(version))
            self._client.set_registered_model_tag(name, _CHAMPIONS, _joined([*champions, version]))
            if found.stage == CHALLENGER:
                self._client.delete_registered_model_alias(name, CHALLENGER)
        self.note(site, version, f"Became champion: {why}")

    def challenge(self, site: int, version: int, why: str) -> None:
        """See the port."""
        name = self._name(site)
        if not version:
            with _errors(), contextlib.suppress(_NotThere), _lookups():
                self._client.delete_registered_model_alias(name, CHALLENGER)
            return
        if self.version(site, version).stage == CHAMPION:
            raise BadInput(f"Model {version} is the champion; it can't challenge itself.", code="is_champion")
        with _errors():
            self._client.set_registered_model_alias(name, CHALLENGER, str(version))
        self.note(site, version, f"Became challenger: {why}")

    def champion_before(self, site: int) -> int:
        """See the port."""
        champions = self._champions(site)
        if len(champions) < 2:
            raise BadInput(
                "No model was champion before this one, so there is none to go back to.", code="no_champion_before"
            )
        return champions[-2]

    def rollback(self, site: int, why: str) -> int:
        """See the port."""
        version = self.champion_before(site)
        *before, present = self._champions(site)
        with _errors():
            name = self._name(site)
            self._client.set_registered_model_alias(name, CHAMPION, str(version))
            self._client.set_registered_model_tag(name, _CHAMPIONS, _joined(before))
            if self.version(site, version).stage == CHALLENGER:
                self._client.delete_registered_model_alias(name, CHALLENGER)
        self.note(site, present, f"Was rolled back: {why}")
        self.note(site, version, f"Became champion again: {why}")
        return version

    def note(self, site: int, version: int, text: str) -> None:
        """See the port."""
        notes = [*self.version(site, version).notes, f"{iso(self._clock.now_ms())} {text}"[:_NOTE_CHARS]]
        with _errors():
            told = msgspec.json.encode(notes[-_MOST_NOTES:]).decode()
            self._client.set_model_version_tag(self._name(site), str(version), _NOTES, told)

    def close(self) -> None:
        """See the port. MLflow keeps its connections by address for the process's life; there is nothing to release."""

    def _name(self, site: int) -> str:
        return f"{self._prefix}-site-{site}"

    def _scratch(self) -> Path | None:
        """On the disk of the artefacts, so that a full one is noticed before anything is registered."""
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        place = None if self._folder is None else (self._folder.absolute() / "artefacts" / name).as_uri()
        return str(self._client.create_experiment(name, artifact_location=place))

    def _ensure_model(self, name: str, site: int) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name, description=f"Propensity models of Footfall, site {site}.")
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _registered(self, site: int) -> Any:
        with contextlib.suppress(_NotThere), _lookups():
            return self._client.get_registered_model(self._name(site))
        return None

    def _champions(self, site: int) -> list[int]:
        """Versions that were champion, oldest first, the present one last.

        The alias says which is the present one: a crash may have left it a step ahead of the tag.
        """
        with _errors():
            found = self._registered(site)
        if found is None or CHAMPION not in found.aliases:
            return []
        present = int(found.aliases[CHAMPION])
        champions = [int(n) for n in found.tags.get(_CHAMPIONS, "").split(",") if n]
        before = champions[: champions.index(present)] if present in champions else champions
        return [*before, present]

    def _version_of(self, site: int, registered: Any, aliases: Mapping[str, Any]) -> ModelVersion:
        version = int(registered.version)
        stage = next((alias for alias in (CHAMPION, CHALLENGER) if int(aliases.get(alias, 0)) == version), ARCHIVED)
        made_ms = int(registered.tags.get(_MADE, registered.creation_timestamp))
        notes = tuple(msgspec.json.decode(registered.tags.get(_NOTES, "[]"), type=list[str]))
        card = msgspec.json.decode(registered.tags.get(_CARD, "{}"))
        return ModelVersion(site, version, stage, made_ms, card, notes, _DROPPED not in registered.tags)


def open_registry(data: Path, settings: Settings, clock: Clock | None = None) -> MlflowRegistry:
    """The registry of a data folder: the one that ``model_registry_url`` names, or its own file."""
    folder = data / "models" / "registry"
    url, prefix = settings.model_registry_url, settings.model_registry_prefix
    if url.startswith(("http://", "https://")):
        return MlflowRegistry(url, prefix=prefix, clock=clock)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"{folder} can't be made ({error.strerror}): check the disk.", code="disk") from error
    return MlflowRegistry(
        url or f"sqlite:///{folder.absolute() / 'mlflow.db'}", prefix=prefix, folder=folder, clock=clock
    )


def _client(url: str) -> Any:
    """MLflow's client, which asks nobody on the network but the registry, and says nothing unasked."""
    os.environ.update(_QUIET)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with _errors():
        return MlflowClient(tracking_uri=url, registry_uri=url)


class _NotThere(Exception):
    """MLflow has no such thing."""


@contextlib.contextmanager
def _lookups() -> Iterator[None]:
    """What isn't there is no trouble of the registry."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code in _NOT_THERE:
            raise _NotThere from error
        raise


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """MLflow's troubles as Footfall's; its database's come as they are."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        said = _CREDENTIALS.sub("//", str(error).partition("\n")[0])
        raise Unavailable(
            f"The registry of models can't be used ({said}): check the disk, or "
            "`model_registry_url`. What serves goes on.",
            code="registry_failed",
        ) from error


def _checksum(artefact: Artefact) -> str:
    return xxh3_128_hexdigest(artefact.model) + xxh3_128_hexdigest(artefact.past)


def _joined(versions: list[int]) -> str:
    return ",".join(map(str, versions[-50:]))


def _said(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What of a card people see in MLflow's own pages: its plain values."""
    for key, value in card.items():
        if isinstance(value, str | int | float | bool):
            yield key, str(value)[:500]
