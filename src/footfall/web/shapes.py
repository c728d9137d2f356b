"""What does the API answer? The shapes that OpenAPI shows; whoever implements ``Profiles`` fills them as plain dicts.

Times are ISO 8601 UTC with milliseconds, money is in the ``currency`` beside it, or in the base currency.
"""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from litestar.openapi.datastructures import ResponseSpec

from footfall.ports import Site

State = Literal["first_time", "returning", "known", "paying"]
ScorerKind = Literal["prior", "model"]
Stage = Literal["champion", "challenger", "archived"]


class Geo(msgspec.Struct):
    """Where a visitor is, as far as is known."""

    country: str | None = None
    region: str | None = None
    city: str | None = None


class LiveSession(msgspec.Struct):
    """The latest session; ``ended`` once it was silent for the session timeout."""

    number: int
    started: str
    n_events: int
    dwell_s: float
    ended: bool


class LiveCart(msgspec.Struct):
    """The open cart in a line."""

    n_items: int
    value: float


class Orders(msgspec.Struct):
    """All orders of a visitor."""

    n: int
    revenue: float


class RowPropensity(msgspec.Struct):
    """Probability of an order within the session and within seven days; ``null`` where nobody scores (robots)."""

    session: float | None
    week: float | None
    scored_by: ScorerKind


class LiveRow(msgspec.Struct):
    """A visitor as a row of the live list."""

    visitor_id: str
    label: str
    state: State
    last_seen: str
    session: LiveSession
    section: str | None
    url: str | None
    channel: str
    device: str
    geo: Geo
    cart: LiveCart
    orders: Orders
    currency: str
    propensity: RowPropensity


class VisitorPage(msgspec.Struct):
    """A page of visitors; ``total`` counts all that match."""

    visitors: list[LiveRow]
    total: int
    cursor: str | None


class CartItem(msgspec.Struct):
    """A line of the cart."""

    product_id: str
    quantity: float
    price: float | None


class Cart(msgspec.Struct):
    """The open cart."""

    items: list[CartItem]
    value: float


class Reason(msgspec.Struct):
    """What moved a propensity; ``effect`` in log-odds, above 0 for an order; ``words`` say it to a reader."""

    feature: str
    value: float | None
    effect: float
    words: str


class ScoredBy(msgspec.Struct):
    """Who scored: the prior (version 0) until there are enough orders to learn from, then a model."""

    kind: ScorerKind
    version: int
    is_calibrated: bool


class Propensity(msgspec.Struct):
    """Probability of an order within the session and within seven days as of ``at``; ``null`` where nobody scores."""

    session: float | None
    week: float | None
    scored_by: ScoredBy
    at: str
    reasons: list[Reason]
    """The three that moved ``session`` most."""
    week_reasons: list[Reason]


class JourneyEntry(msgspec.Struct):
    """Where a visitor is in a journey."""

    journey: str
    state: str
    since: str
    due: str | None


class Visitor(msgspec.Struct):
    """One visitor, whole."""

    visitor_id: str
    identities: list[Any]
    traits: dict[str, Any]
    first_seen: str
    last_seen: str
    sessions: Any
    counts: dict[str, int]
    session_counts: dict[str, int]
    cart: Cart
    orders: Orders
    channel: str
    device: str
    geo: Geo
    features: dict[str, float | None]
    propensity: Propensity
    stage: str | None
    segments: list[str]
    journeys: list[JourneyEntry]


class TimelineItem(msgspec.Struct):
    """One thing a visitor did; ``dwell_s`` is the time until the next one of the session, 0 after an engagement."""

    time: str
    kind: str
    name: str | None
    url: str | None
    section: str | None
    title: str | None
    product_id: str | None
    price: float | None
    dwell_s: float | None
    session: int | None


class Timeline(msgspec.Struct):
    """A page of a visitor's past, newest first."""

    items: list[TimelineItem]
    cursor: str | None


class SharedReason(msgspec.Struct):
    """What two visitors have in common: it moves both the same way, by at least ``effect`` (log-odds)."""

    feature: str
    words: str
    effect: float


class SimilarVisitor(msgspec.Struct):
    """A visit like the one asked about; ``ordered`` is ``null`` while it isn't over."""

    visitor_id: str
    label: str
    similarity: float
    """0 to 1; 1 is the same."""
    is_live: bool
    session_number: int
    at: str
    ordered: bool | None
    propensity: float | None
    shared: list[SharedReason]


class SimilarPage(msgspec.Struct):
    """The visits most like a visitor's, nearest first."""

    visitor_id: str
    version: int
    """Of the model whose space this is; 0 before there is one."""
    is_learned: bool
    n: int
    radius: float | None
    propensity_by_neighbours: float | None
    """Share of the past ones that ordered, nearer ones counting more."""
    similar: list[SimilarVisitor]


class ModelMetrics(msgspec.Struct):
    """How well a target is foretold on the test side; ``null`` where it can't be told."""

    roc_auc: float | None
    pr_auc: float | None
    log_loss: float | None
    brier: float | None
    ece: float | None


class Window(msgspec.Struct):
    """The time that rows come from."""

    begin: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")


class ModelRow(msgspec.Struct):
    """A version of the site's model; ``why_not`` says why it can't serve."""

    version: int
    stage: Stage
    made: str
    targets: list[str]
    n_rows: int
    n_sessions: int
    n_orders: int
    window: Window
    metrics: dict[str, ModelMetrics]
    """By target."""
    can_serve: bool
    why_not: str


class ModelDetail(ModelRow):
    """A version with its whole card."""

    card: dict[str, Any]


class LastTraining(msgspec.Struct):
    """How the latest training ended."""

    at: str
    outcome: str
    message: str


class ModelList(msgspec.Struct):
    """All versions of a site's model, latest first, and who scores now."""

    site: int
    catalogue_id: str
    champion: int | None
    challenger: int | None
    scored_by: ScorerKind
    is_training: bool
    last_training: LastTraining | None
    versions: list[ModelRow]


class FeaturePsi(msgspec.Struct):
    """How far a feature's live values have moved from those trained on (population stability index)."""

    feature: str
    psi: float


class Calibration(msgspec.Struct):
    """Means of what was foretold and of what came, over ``n`` decisions old enough to know."""

    predicted: float | None
    observed: float | None
    n: int
    ece: float | None


class Alarm(msgspec.Struct):
    """Something about the model that somebody should look at."""

    what: str
    since: str
    message: str


class Duel(msgspec.Struct):
    """Champion and challenger on the same live decisions."""

    n: int
    champion_log_loss: float | None
    challenger_log_loss: float | None
    better: Literal["champion", "challenger", "undecided"]


class Drift(msgspec.Struct):
    """How the live traffic differs from what the champion learned from; ``at`` is ``null`` before the first look."""

    at: str | None
    version: int | None
    psi: list[FeaturePsi]
    """Largest first."""
    score_psi: float | None
    calibration: dict[str, Calibration]
    """By target."""
    alarms: list[Alarm]
    challenger: Duel | None


class Ledger(msgspec.Struct):
    """received = applied + duplicate + failed + lag_events, always."""

    received: int
    applied: int
    duplicate: int
    failed: int
    lag_events: int
    lag_ms: int


class FailedEvent(msgspec.Struct):
    """A refused event; ``advice`` says what to do, ``event`` is the event or, if it can't be read, its text."""

    offset: int
    received_at: str
    reason: str
    advice: str
    detail: str
    event: Any


class FailedPage(msgspec.Struct):
    """A page of refused events, newest first; ``by_reason`` counts all of the site that are open."""

    failed: list[FailedEvent]
    total: int
    by_reason: dict[str, int]
    cursor: str | None


class MergeRow(msgspec.Struct):
    """Two visitors that became one, and the ids that joined them."""

    merge_id: int
    time: str
    winner: str
    loser: str
    keys: list[str]
    is_undone: bool


class MergeList(msgspec.Struct):
    """Merges that made a visitor, newest first."""

    merges: list[MergeRow]


class Replayed(msgspec.Struct):
    """How many refused events were put into the log again."""

    replayed: int


class FeatureRow(msgspec.Struct):
    """A number that describes a visitor, and how it is made."""

    name: str
    group: str
    unit: str
    formula: str
    about: str


class FeatureList(msgspec.Struct):
    """The catalogue."""

    features: list[FeatureRow]


class LiveMessage(msgspec.Struct):
    """One message of the live stream; ``is_cut`` says that more rows changed than fit."""

    time: str
    site: int
    visitors: list[LiveRow]
    ledger: Ledger
    is_cut: bool


class UserRow(msgspec.Struct):
    """Somebody who may log in; ``sites`` is ``null`` for every site."""

    id: int
    email: str
    name: str
    role: str
    sites: list[int] | None
    has_password: bool
    is_archived: bool
    created: str


class UserList(msgspec.Struct):
    """All users."""

    users: list[UserRow]


class NewUser(msgspec.Struct):
    """A user just made, and the path of a one-time link that lets them in."""

    user: UserRow
    login_url: str


class LoginUrl(msgspec.Struct):
    """The path of a one-time link."""

    login_url: str


class SiteList(msgspec.Struct):
    """Sites the principal reaches."""

    sites: list[Site]


class NewSite(msgspec.Struct):
    """A site just made, and its server key, which is shown only here."""

    site: Site
    server_key: str


class Key(msgspec.Struct):
    """A key just made."""

    key: str


class TokenRow(msgspec.Struct):
    """An API token without its secret."""

    id: int
    name: str
    role: str
    sites: list[int] | None
    created: str
    is_revoked: bool


class TokenList(msgspec.Struct):
    """All API tokens."""

    tokens: list[TokenRow]


class NewToken(msgspec.Struct):
    """A token just made, and its secret, which is shown only here."""

    token: TokenRow
    secret: str


class AuditItem(msgspec.Struct):
    """What somebody did; ``hash`` covers the row and ``previous``."""

    number: int
    time: str
    actor: str
    action: str
    site: int
    detail: dict[str, Any]
    previous: str
    hash: str


class AuditPage(msgspec.Struct):
    """A page of the audit log, newest first."""

    items: list[AuditItem]
    cursor: str | None


class ImportRow(msgspec.Struct):
    """A file of history that was taken in."""

    content_hash: str
    file_name: str
    time: str
    result: dict[str, Any]


class ImportList(msgspec.Struct):
    """Files taken in, newest first."""

    imports: list[ImportRow]


class SiteName(msgspec.Struct):
    """A site as a choice."""

    number: int
    name: str


class Me(msgspec.Struct, omit_defaults=True):
    """Who asks and what they may do; a user's ``name`` is the e-mail address; ``csrf`` for browsers only."""

    kind: str
    id: int
    name: str
    role: str
    permissions: list[str]
    sites: list[SiteName]
    csrf: str = ""


class LoggedIn(msgspec.Struct):
    """A session just begun; the cookie holds its secret."""

    csrf: str
    expires: str
    user: UserRow


class LinkInfo(msgspec.Struct):
    """Whom a login link lets in."""

    email: str
    name: str
    password_min_length: int


class Problem(msgspec.Struct, omit_defaults=True):
    """Every error."""

    code: str
    message: str
    detail: Any = None


def answers(of: type[Any] | None = None) -> dict[int, ResponseSpec]:
    """For OpenAPI: what a route that returns a plain dict answers, and how it says no."""
    told = {400: "Not usable.", 401: "Nobody asks.", 403: "Not allowed.", 404: "Not there."}
    specs = {status: ResponseSpec(Problem, False, about) for status, about in told.items()}
    return specs if of is None else {200: ResponseSpec(of, False, "Done."), **specs}


def iso(time_ms: int) -> str:
    """``1718000000123`` -> ``"2024-06-10T06:13:20.123Z"``."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"
