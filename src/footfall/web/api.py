"""What can be asked behind the login? Puts the routes, their guard and their errors together into one application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio.to_thread
import structlog
from litestar import Litestar, MediaType, Router
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

from footfall import __version__
from footfall.base.clock import Clock
from footfall.base.errors import FootfallError
from footfall.ports import Definitions, Models, Profiles, Similar
from footfall.settings import Settings
from footfall.web.auth import Authenticate, Doorman, guard
from footfall.web.deciding import deciding_routes
from footfall.web.errors import HANDLERS
from footfall.web.headers import add_headers
from footfall.web.live import Live, Pace
from footfall.web.login import login_routes
from footfall.web.metrics import Metrics
from footfall.web.modelling import modelling_routes
from footfall.web.pages import Pages, page_routes
from footfall.web.permissions import Permission
from footfall.web.reading import reading_routes
from footfall.web.similar import similar_routes

_log = structlog.get_logger(__name__)

REFRESH_S = 2.0
"""How often definitions are read again for what other processes changed."""
BODY_MAX_BYTES = 262_144
"""Largest request body behind the login."""


def build_app(
    definitions: Definitions,
    profiles: Profiles,
    settings: Settings,
    clock: Clock,
    *,
    metrics: Metrics | None = None,
    pages: Pages | None = None,
    pace: Pace | None = None,
    models: Models | None = None,
    similar: Similar | None = None,
) -> Litestar:
    """The application behind the login: API, live stream, metrics and pages.

    Pass ``metrics`` to share a registry with the collector; without ``models`` or ``similar`` there are no
    routes about them. ``app.state.live.close()`` (async) ends the live streams;
    a host calls it first when it stops, since streams would otherwise keep it waiting.
    """
    metrics = metrics or Metrics()
    metrics.watch_ledger(profiles)
    doorman = Doorman(definitions, settings)
    live = Live(profiles, clock, metrics, pace)
    pages = pages or Pages()
    app = Litestar(
        route_handlers=[
            *login_routes(definitions, doorman, clock, pages),
            *reading_routes(definitions, profiles, doorman, live, metrics),
            *deciding_routes(definitions),
            *([] if models is None else modelling_routes(definitions, models)),
            *([] if similar is None else similar_routes(definitions, similar)),
            *page_routes(pages),
        ],
        guards=[guard],
        middleware=[Authenticate(doorman)],
        exception_handlers={**HANDLERS, NotFoundException: pages.on_no_route},
        before_send=[add_headers],
        lifespan=[_fresh(definitions)],
        on_shutdown=[live.close],
        openapi_config=_openapi(),
        request_max_body_size=BODY_MAX_BYTES,
        logging_config=None,
        debug=False,
    )
    app.state.live = live
    app.state.metrics = metrics
    return app


def _fresh(definitions: Definitions) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """While the server runs, see what other processes changed in the definitions (``footfall import`` adds sites)."""

    async def refresh_often() -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                await anyio.to_thread.run_sync(definitions.refresh)
            except FootfallError as error:
                _log.warning("definitions can't be read", error=str(error))

    @asynccontextmanager
    async def running(app: Litestar) -> AsyncIterator[None]:
        task = asyncio.create_task(refresh_often())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return running


def _openapi() -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="An API token.")
    cookie = SecurityScheme(type="apiKey", name="footfall_session", security_scheme_in="cookie")
    return OpenAPIConfig(
        title="Footfall",
        version=__version__,
        components=Components(security_schemes={"token": bearer, "session": cookie}),
        security=[{"token": []}, {"session": []}],
        operation_id_creator=_operation_id,
        openapi_router=Router(
            "/api/openapi.json", route_handlers=[], opt={"permission": Permission.PUBLIC}, include_in_schema=False
        ),
        render_plugins=[JsonRenderPlugin(path="/", media_type=MediaType.JSON)],
    )


def _operation_id(handler: HTTPRouteHandler, method: Method, path: list[str | PathParameterDefinition]) -> str:
    """``GET /api/visitors/{any_id}/timeline`` -> ``get_visitors_any_id_timeline``."""
    parts = [part if isinstance(part, str) else part.name for part in path]
    words = "_".join(part for part in parts if part != "api").replace("-", "_").replace(".", "_")
    return f"{method.lower()}_{words}"
