"""Which models are there, which serves, does it still fit, and who lets another one? Always of the principal's site."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import PathParameter

from footfall.ports import Definitions, Models
from footfall.web.permissions import Permission
from footfall.web.reading import site_provider
from footfall.web.shapes import Drift, ModelDetail, ModelList, answers
from footfall.web.threads import on_thread

AnyRequest = Request[Any, Any, Any]
At = NamedDependency[int]
Version = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]


def modelling_routes(definitions: Definitions, models: Models) -> list[BaseRouteHandler]:
    """Reading models is for everybody who reads; training, promoting and rolling back are audited."""
    of_site: dict[str, Any] = {"dependencies": {"at": Provide(site_provider(definitions), sync_to_thread=False)}}
    read = of_site | {"opt": {"permission": Permission.READ}}
    change = of_site | {"opt": {"permission": Permission.MODELS}, "status_code": 200}

    @get("/api/models", **read, responses=answers(ModelList))
    @on_thread
    def listed(at: At) -> dict[str, Any]:
        return models.models(at)

    @get("/api/models/{version:int}", **read, responses=answers(ModelDetail))
    @on_thread
    def shown(at: At, version: Version) -> dict[str, Any]:
        return models.model(at, version)

    @get("/api/models/drift", **read, responses=answers(Drift))
    @on_thread
    def drift(at: At) -> dict[str, Any]:
        return models.drift(at)

    @post("/api/models/{version:int}/promote", **change, responses=answers(ModelList))
    @on_thread
    def promote(request: AnyRequest, at: At, version: Version) -> dict[str, Any]:
        models.promote(at, version, request.user.actor)
        definitions.add_audit(request.user.actor, "models.promote", at, {"version": version})
        return models.models(at)

    @post("/api/models/rollback", **change, responses=answers(ModelList))
    @on_thread
    def rollback(request: AnyRequest, at: At) -> dict[str, Any]:
        version = models.rollback(at, request.user.actor)
        definitions.add_audit(request.user.actor, "models.rollback", at, {"to": version})
        return models.models(at)

    @post("/api/models/train", **change, responses=answers(ModelList))
    @on_thread
    def train(request: AnyRequest, at: At) -> dict[str, Any]:
        models.train(at, request.user.actor)
        definitions.add_audit(request.user.actor, "models.train", at)
        return models.models(at)

    return [listed, shown, drift, promote, rollback, train]
