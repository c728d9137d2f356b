"""Who is like this visitor? One route, for everybody who reads; always of the principal's site."""

from typing import Annotated, Any

from litestar import get
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from footfall.base.errors import BadInput
from footfall.ports import AMONG, Definitions, Similar
from footfall.web.permissions import Permission
from footfall.web.reading import At, Who, found, site_provider, who
from footfall.web.shapes import SimilarPage, answers
from footfall.web.threads import on_thread

N = Annotated[int, QueryParameter(ge=1, le=500, description="Most visitors.")]
Radius = Annotated[
    float | None, QueryParameter(ge=0, le=1, description="Only those with a similarity of at least 1 less this.")
]
Among = Annotated[str, QueryParameter(max_length=8, description=", ".join(AMONG))]


def similar_routes(definitions: Definitions, similar: Similar) -> list[BaseRouteHandler]:
    """``GET /api/visitors/{any id}/similar``."""

    @get(
        "/api/visitors/{any_id:str}/similar",
        opt={"permission": Permission.READ},
        dependencies={
            "at": Provide(site_provider(definitions), sync_to_thread=False),
            "who": Provide(who, sync_to_thread=False),
        },
        responses=answers(SimilarPage),
    )
    @on_thread
    def similar_to(at: At, who: Who, n: N = 50, radius: Radius = None, among: Among = "all") -> dict[str, Any]:
        if among not in AMONG:
            raise BadInput(f"`among` is one of {', '.join(AMONG)}.", code="bad_among")
        return found(similar.similar(at, who, n=n, radius=radius, among=among), who)

    return [similar_to]
