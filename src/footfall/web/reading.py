"""What does the API read? Visitors, their past, the ledger, failed events, merges; always of the principal's site."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.types import ASGIApp
from msgspec import Meta

from footfall.base.errors import BadInput, Missing
from footfall.ports import STATES, Definitions, Principal, Profiles
from footfall.record.features import CATALOGUE
from footfall.web.auth import Doorman, permission_of
from footfall.web.live import Live
from footfall.web.metrics import CONTENT_TYPE, Metrics
from footfall.web.permissions import Permission, authorise, reaches
from footfall.web.shapes import (
    FailedPage,
    FeatureList,
    FeatureRow,
    ImportList,
    ImportRow,
    Ledger,
    LiveMessage,
    MergeList,
    MergeRow,
    Replayed,
    Timeline,
    Visitor,
    VisitorPage,
    answers,
    iso,
)
from footfall.web.slashes import unmark
from footfall.web.threads import on_thread

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]
OFFSETS_MAX = 10_000
SORTS = ("last_seen", "events", "dwell", "cart", "revenue", "propensity")

Limit = Annotated[int, QueryParameter(ge=1, le=500, description="Most rows on the page.")]
Cursor = Annotated[str | None, QueryParameter(max_length=512, description="From the page before.")]
AnyId = Annotated[
    str, PathParameter(max_length=1024, description="Visitor id, anonymous id or user id; a slash in it is `%2F`.")
]
Who = NamedDependency[str]
MergeId = Annotated[int, PathParameter(ge=0, le=2**63 - 1)]
At = NamedDependency[int]
_SiteQuery = Annotated[
    str | None, QueryParameter(name="site", max_length=100, description="Number or name of the site.")
]


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ``POST /api/failed/replay``: some offsets, or all (of a reason)."""

    offsets: Annotated[list[Annotated[int, Meta(ge=0, le=2**63 - 1)]], Meta(max_length=OFFSETS_MAX)] | None = None
    all: bool = False
    reason: Annotated[str, Meta(max_length=64)] | None = None


def site_provider(definitions: Definitions) -> Callable[..., int]:
    """The dependency ``at``: which site a request is about, once it is clear that the principal may."""

    def at(request: AnyRequest, site_query: _SiteQuery = None) -> int:
        asker: Principal = request.user
        number = _asked(definitions, site_query) if site_query else _home(definitions, asker)
        authorise(asker, permission_of(request.route_handler), number)
        if not any(site.number == number for site in definitions.sites()):
            raise Missing("There is no such site.")
        return number

    return at


def _asked(definitions: Definitions, text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    return next((site.number for site in definitions.sites() if site.name == text), 0)


def _home(definitions: Definitions, asker: Principal) -> int:
    mine = [site for site in definitions.sites() if reaches(asker, site.number)]
    mine.sort(key=lambda site: (site.is_archived, site.number))
    return mine[0].number if mine else 0


def reading_routes(
    definitions: Definitions, profiles: Profiles, doorman: Doorman, live: Live, metrics: Metrics
) -> list[BaseRouteHandler]:
    """Everything that reads profiles, and the two routes that set them right: replay and undo."""
    find = site_provider(definitions)
    read: dict[str, Any] = {
        "opt": {"permission": Permission.READ},
        "dependencies": {
            "at": Provide(find, sync_to_thread=False),
            "who": Provide(who, sync_to_thread=False),
        },
    }

    @get("/api/ledger", opt={"permission": Permission.READ}, responses=answers(Ledger))
    @on_thread
    def ledger(request: AnyRequest, site_query: _SiteQuery = None) -> dict[str, int]:
        return profiles.ledger(find(request, site_query) if site_query else 0)

    @get("/api/visitors", **read, responses=answers(VisitorPage))
    @on_thread
    def visitors(
        at: At,
        limit: Limit = 50,
        cursor: Cursor = None,
        live_only: Annotated[bool, QueryParameter(name="live", description="Only those with an open session.")] = False,
        q: Annotated[
            str,
            QueryParameter(max_length=256, description="Start of an id, or words of a name or e-mail; all visitors."),
        ] = "",
        of_state: Annotated[str, QueryParameter(name="state", max_length=32, description=", ".join(STATES))] = "",
        sort: Annotated[str, QueryParameter(max_length=32, description=", ".join(SORTS))] = "last_seen",
    ) -> dict[str, Any]:
        if sort not in SORTS:
            raise BadInput(f"`sort` is one of {', '.join(SORTS)}.", code="bad_sort")
        if of_state and of_state not in STATES:
            raise BadInput(f"`state` is one of {', '.join(STATES)}.", code="bad_state")
        return profiles.visitors(at, is_live=live_only, limit=limit, cursor=cursor, q=q, sort=sort, state=of_state)

    @get("/api/visitors/{any_id:str}", **read, responses=answers(Visitor))
    @on_thread
    def visitor(at: At, who: Who) -> dict[str, Any]:
        return found(profiles.visitor(at, who), who)

    @get("/api/visitors/{any_id:str}/timeline", **read, responses=answers(Timeline))
    @on_thread
    def timeline(at: At, who: Who, limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
        return found(profiles.timeline(at, who, limit=limit, cursor=cursor), who)

    @get("/api/visitors/{any_id:str}/merges", **read, responses=answers(MergeList))
    @on_thread
    def merges(at: At, who: Who) -> dict[str, Any]:
        return {"merges": found(profiles.merges(at, who), who)}

    undo = read | {"opt": {"permission": Permission.UNDO_MERGE}}

    @post("/api/merges/{merge_id:int}/undo", status_code=200, **undo, responses=answers(MergeRow))
    @on_thread
    def undo_merge(request: AnyRequest, at: At, merge_id: MergeId) -> dict[str, Any]:
        undone = profiles.undo_merge(at, merge_id)
        definitions.add_audit(request.user.actor, "merge.undo", at, {"merge": merge_id})
        return undone

    @get("/api/failed", **read, responses=answers(FailedPage))
    @on_thread
    def failed(
        at: At,
        limit: Limit = 50,
        cursor: Cursor = None,
        reason: Annotated[str | None, QueryParameter(max_length=64)] = None,
    ) -> dict[str, Any]:
        return profiles.failed(at, limit=limit, cursor=cursor, reason=reason)

    replaying = read | {"opt": {"permission": Permission.REPLAY}}

    @post("/api/failed/replay", status_code=200, **replaying, responses=answers())
    @on_thread
    def replay(request: AnyRequest, at: At, data: JSONBody[Replay]) -> Replayed:
        if data.all == (data.offsets is not None) or (data.offsets is not None and data.reason is not None):
            raise BadInput('Send {"offsets": [...]} or {"all": true, "reason"?: "..."}.')
        n = profiles.replay_failed(at, None if data.all else data.offsets, data.reason)
        detail = {"replayed": n, "reason": data.reason, "n_offsets": len(data.offsets or ())}
        definitions.add_audit(request.user.actor, "failed.replay", at, detail)
        return Replayed(n)

    @get("/api/features", opt={"permission": Permission.READ}, responses=answers())
    async def features() -> FeatureList:
        return FeatureList([FeatureRow(f.name, f.group, f.unit, f.formula, f.about) for f in CATALOGUE])

    @get("/api/imports", **read, responses=answers())
    @on_thread
    def imports(at: At) -> ImportList:
        found = definitions.imports(at)
        return ImportList([ImportRow(i.content_hash, i.file_name, iso(i.time_ms), i.result) for i in found])

    stream_spec = ResponseSpec(LiveMessage, False, "A stream of these.", media_type="text/event-stream")

    @get("/api/live", **read, responses={**answers(), 200: stream_spec})
    async def live_stream(request: AnyRequest, at: At) -> ASGIApp:
        def may_stay() -> bool:
            asker = doorman.principal(request)
            return asker is not None and reaches(asker, at) and asker.role == request.user.role

        return live.stream(at, request.headers.get("last-event-id", ""), may_stay)

    @get("/metrics", opt={"permission": Permission.METRICS}, include_in_schema=False)
    @on_thread
    def scrape() -> Response[bytes]:
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    return [
        ledger,
        visitors,
        visitor,
        timeline,
        merges,
        undo_merge,
        failed,
        replay,
        features,
        imports,
        live_stream,
        scrape,
    ]


def who(any_id: AnyId) -> str:
    """The dependency ``who``: the visitor that a request is about, by whatever id."""
    return unmark(any_id)


def found(answer: T | None, any_id: str) -> T:
    """The answer about a visitor; raises Missing if there is none."""
    if answer is None:
        raise Missing(f"There is no visitor with the id {any_id!r} at this site.")
    return answer
