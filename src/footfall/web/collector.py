"""How do events get in? Every route "by write key", for whatever client speaks to it, answered once they are on disk.

A request becomes one entry of the log (its events as lines, redacted, and what only the request knew), plus one for
each piece that was refused inside it, written together. Leaves to others: reading bodies (body, split), protocols
(events.snowplow, events.ga4), durability (ack), what events mean (the engine).
"""

import asyncio
import base64
import binascii
import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from footfall.base.clock import Clock
from footfall.base.errors import BadInput, FootfallError, Missing, Unavailable
from footfall.events import ga4, redact, snowplow
from footfall.events.reasons import REASONS
from footfall.events.wire import Entry, Source
from footfall.ports import Site
from footfall.settings import Settings
from footfall.web import body as bodies
from footfall.web import bootstrap, cookies, cors, envelope, pixel
from footfall.web.ack import GroupCommit
from footfall.web.answer import GIF, JSON, Answer, Header, error_answer
from footfall.web.buckets import TokenBuckets
from footfall.web.consent import Consents
from footfall.web.script import Script
from footfall.web.split import Limits, Split, split_batch, split_single, within_limits
from footfall.web.tally import Tally

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]
Reply = Callable[[Answer, bytes | None], None]
"""Takes the answer, and the origin of the page that may read it."""

HEADERS_MAX = 100
QUERY_MAX_BYTES = 65_536
QUERY_FIELDS_MAX = 500
KEY_MAX = 128
REJECT_MAX_BYTES = 32_768
"""How much of something refused is kept."""
REJECTS_PER_S = 100
"""Refused pieces a second and key that are kept, so that a flood of rubbish can't fill the disk."""
REJECTS_BURST = 20_000
LAG_CHECK_MS = 20
"""How old an answer to "is the engine too far behind?" may be."""
WHOLE_MAX_BYTES = 32_768
"""Longest body that is taken without letting other requests in."""
CHUNK_EVENTS = 256
"""A large batch lets other requests in after this many events."""

SUCCESS = Answer(200, b'{"success":true}', JSON[:1])  # a fixed body has nothing to sniff, and each header costs
PIXEL = Answer(
    200,
    base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"),
    (*GIF, (b"cache-control", b"no-store"), (b"cross-origin-resource-policy", b"cross-origin")),
)

_LIBRARY_IS_RUDDER = re.compile(rb'"library"\s*:\s*\{[^{}]{0,400}?"name"\s*:\s*"[^"]{0,80}[Rr]udder')
_WRITE_KEY = re.compile(rb'"writeKey"\s*:\s*"([^"\\]{1,128})"')


class UnknownKey(FootfallError):
    """No site has this write key."""

    code = "unknown_write_key"


class ForeignOrigin(FootfallError):
    """The site doesn't take events from pages of this origin."""

    code = "foreign_origin"


class TooMany(Unavailable):
    """The key has sent more than it may in a second."""

    code = "too_many_events"


class Door(NamedTuple):
    """One route that takes events."""

    source: Source
    split: Callable[[bytes, Limits], Split]
    """Events of its bodies, or of its queries if ``is_get``; raises ``BadInput``."""
    key_names: tuple[str, ...] = ("writeKey", "write_key")
    """Query parameters that may hold the write key, first one wins."""
    is_get: bool = False
    answer: Answer = SUCCESS
    hides_refusals: bool = False
    """Bad input is answered 200 as well, because the protocol knows nothing else."""


def _read_by(events_of: Callable[[bytes], list[bytes]], body: bytes, limits: Limits) -> list[bytes]:
    """What another room's reader makes of a stranger's bytes; raises ``BadInput``."""
    try:
        events = events_of(body)
    except FootfallError:
        raise
    except Exception as error:
        logger.exception("%s failed on a body of %d bytes", events_of, len(body))
        raise BadInput(REASONS["unreadable"], code="unreadable") from error
    if len(events) > limits.max_events:
        raise BadInput(f"A request may have up to {limits.max_events:,} events.", code="batch_too_large")
    return events


def _split_pixel(query: bytes, limits: Limits) -> Split:
    return split_single(_pixel_data(query) or pixel.PAGE, "", limits)


def _split_tp2(body: bytes, limits: Limits) -> Split:
    return Split(*within_limits(_read_by(snowplow.events_of_tp2, body, limits), limits), _app_id(body), "")


def _split_snowplow_query(query: bytes, limits: Limits) -> Split:
    events = _read_by(lambda raw: snowplow.events_of_query(raw.decode("latin-1")), query, limits)
    return Split(*within_limits(events, limits), "", "")


def _split_mp(body: bytes, limits: Limits) -> Split:
    return Split(*within_limits(_read_by(ga4.events_of_mp, body, limits), limits), "", "")


def _single(type_name: str) -> Door:
    return Door(Source.SEGMENT, lambda body, limits: split_single(body, type_name, limits))


_SNOWPLOW_KEYS = ("writeKey", "write_key", "aid")
_GA4_KEYS = ("write_key", "writeKey", "api_secret", "measurement_id")

_BATCH = Door(Source.SEGMENT, split_batch)
_SNOWPLOW_POST = Door(Source.SNOWPLOW, _split_tp2, _SNOWPLOW_KEYS)
_SNOWPLOW_GET = Door(Source.SNOWPLOW, _split_snowplow_query, _SNOWPLOW_KEYS, is_get=True, answer=PIXEL)
_SINGLES = {name: _single(name) for name in ("track", "page", "screen", "identify", "group", "alias")}
DOORS: dict[str, Door] = {
    "/v1/batch": _BATCH,
    "/v1/b": _BATCH,
    "/v1/import": _BATCH,
    "/beacon/v1/batch": Door(Source.RUDDER, split_batch),
    "/v1/pixel.gif": Door(Source.PIXEL, _split_pixel, is_get=True, answer=PIXEL),
    "/com.snowplowanalytics.snowplow/tp2": _SNOWPLOW_POST,
    "/i": _SNOWPLOW_GET,
    "/mp/collect": Door(Source.GA4, _split_mp, _GA4_KEYS, hides_refusals=True),
    **{f"/v1/{name}": door for name, door in _SINGLES.items()},
    **{f"/v1/{name[0]}": door for name, door in _SINGLES.items()},
}
"""Routes that take events; the Snowplow ones also stand under ``/{write_key}/``."""


class _Request:
    """What is known of one request so far; filled while it is being worked on."""

    __slots__ = ("began_s", "cookie", "headers", "key", "origin", "peer", "query", "scheme", "site")

    def __init__(self, headers: Sequence[Header], query: bytes, peer: str, scheme: str, key: str) -> None:
        self.headers: dict[bytes, bytes] = dict(headers)
        self.query = query
        self.peer = peer
        self.scheme = scheme
        self.origin = self.headers.get(b"origin")
        self.key = key
        self.site: Site | None = None
        self.cookie = b""
        """``Set-Cookie`` of the answer, or empty."""
        self.began_s = time.perf_counter()
        if len(headers) > HEADERS_MAX or len(query) > QUERY_MAX_BYTES:
            raise BadInput("Too many headers, or too long a query.", code="headers_too_large")


def _request_of(scope: Scope, key: str) -> _Request:
    client = scope.get("client")
    return _Request(scope["headers"], scope["query_string"], client[0] if client else "", scope["scheme"], key)


class _Taken(NamedTuple):
    """What must be on disk before a request is answered."""

    entry: Entry | None = None
    """What only the request knew; without its events yet."""
    events: Sequence[bytes] = ()
    """Still to be redacted."""
    rejected: Sequence[Entry] = ()
    error: FootfallError | None = None
    """What is answered then, if it isn't the door's own answer."""

    def entries(self, redacted: Sequence[bytes]) -> list[Entry]:
        """All of it, with the events as they may be stored."""
        entry = self.entry
        if entry is None or not redacted:
            return list(self.rejected)
        entry.n = len(redacted)
        entry.body = redacted[0] if entry.n == 1 else b"\n".join(redacted)
        return [entry, *self.rejected]


_NOTHING = _Taken()


class Collector:
    """The routes by write key, as ASGI handlers (see :meth:`route`)."""

    def __init__(
        self,
        settings: Settings,
        sites: Callable[[str], Site | None],
        ack: GroupCommit,
        clock: Clock,
        lag: Callable[[], int],
    ) -> None:
        self.settings = settings
        self.ack = ack
        self.lag = lag
        self.n_refused_requests: Counter[str] = Counter()
        """Requests that were not answered 200, by error code."""
        self.tally = Tally()
        self.consents = Consents()
        self.n_refused_pixels = 0
        """Images in browsers that say no by themselves."""
        self._daily_ids = pixel.DailyIds()
        self._lag_checked_ms = -LAG_CHECK_MS
        self._is_lagging = False
        self._sites = sites
        self._clock = clock
        self._limits = Limits(settings.event_max_bytes, settings.json_max_depth, settings.ack_queue_max_events)
        self._proxies = envelope.Proxies(settings.trusted_proxies, redact.truncate_ip)
        rate = settings.key_max_events_per_s
        self._event_buckets = TokenBuckets(rate, 2 * rate) if rate else None
        self._reject_buckets = TokenBuckets(REJECTS_PER_S, REJECTS_BURST)
        self._script = Script()
        self._fixed: dict[str, Handler] = {path: partial(self._events, door, "") for path, door in DOORS.items()}
        for name in ("footfall.js", *settings.script_names):
            self._fixed[f"/{name}"] = self._send_script
        self._fixed["/sourceConfig/"] = self._fixed["/sourceConfig"] = partial(self._get, self._answer_rudder, "")
        for prefix in settings.path_prefixes:  # a shop's proxy may cut the prefix off or not
            self._fixed |= {prefix + path: handler for path, handler in self._fixed.items()}
        self._prefixes = tuple(f"{prefix}/" for prefix in settings.path_prefixes)
        self.whole_max_bytes = min(WHOLE_MAX_BYTES, settings.batch_max_bytes)
        """Longest body that :meth:`take` takes."""
        self.whole_doors = {
            (prefix + path).encode(): partial(self.take, door)
            for prefix in ("", *settings.path_prefixes)
            for path, door in DOORS.items()
            if not door.is_get
        }
        """:meth:`take` by request target."""

    @property
    def n_left_out(self) -> int:
        """Events that weren't stored because the visitor doesn't want it."""
        return self.consents.n_left_out + self.n_refused_pixels

    def route(self, path: str) -> Handler | None:
        """The handler of a path that is ours, or None."""
        handler = self._fixed.get(path)
        if handler is not None or path.count("/") < 2:
            return handler
        if path.startswith(self._prefixes):  # nothing else is there: the dashboard has no place on the shop's domain
            path = next(path[len(prefix) - 1 :] for prefix in self._prefixes if path.startswith(prefix))
            return self._route_with_key(path) or _send_missing
        return self._route_with_key(path)

    def _route_with_key(self, path: str) -> Handler | None:
        """The handler of a path that holds a write key."""
        key, _, rest = path[1:].partition("/")
        if rest == "i":
            return partial(self._events, _SNOWPLOW_GET, key)
        if rest == "com.snowplowanalytics.snowplow/tp2":
            return partial(self._events, _SNOWPLOW_POST, key)
        if path.startswith("/v1/projects/") and path.endswith("/settings") and path.count("/") == 4:
            return partial(self._get, self._answer_segment, path.split("/")[3])
        return None

    # Events

    def take(self, door: Door, headers: Sequence[Header], peer: str, scheme: str, body: bytes, reply: Reply) -> None:
        """A request that is here as a whole, without a query; ``reply`` is called once, at once or later.

        What :meth:`route`'s handler does, for whoever holds the connection and can do without a task for each request.
        """
        request = None
        try:
            request = _Request(headers, b"", peer, scheme, "")
            self._identify(request, self._key_of(request, door))
            taken = self._taken_from_body(door, request, body)
            if entries := taken.entries([redact.redact(event) for event in taken.events]):
                self.ack.put(entries, partial(self._told, door, request, taken.error, reply))
                return
            answer = self._answer(door, request, taken.error)
        except FootfallError as error:
            answer = self._refused(error, door)
        reply(answer, request.origin if request is not None else None)
        self.tally.note(answer.status, request.began_s if request is not None else 0.0)

    def _told(
        self, door: Door, request: _Request, error: FootfallError | None, reply: Reply, refusal: Unavailable | None
    ) -> None:
        """What was taken is on disk, or can't be."""
        answer = self._answer(door, request, refusal or error)
        reply(answer, request.origin)
        self.tally.note(answer.status, request.began_s)

    async def _events(self, door: Door, path_key: str, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method != ("GET" if door.is_get else "POST"):
            await self._other_method(b"GET" if door.is_get else b"POST", scope, send)
            return
        request = None
        try:
            request = _request_of(scope, path_key)
            if door.is_get:
                taken = self._taken_from_query(door, request)
            else:
                self._identify(request, request.key or self._key_of(request, door))
                taken = await self._read(door, request, receive)
            redacted = await _redacted_in_turns(taken.events)
            if entries := taken.entries(redacted):
                await self.ack.submit(*entries)
            answer = self._answer(door, request, taken.error)
        except FootfallError as error:
            answer = self._refused(error, door)
        except bodies.Gone:
            return
        await answer.send(send, request.origin if request is not None else None)
        self.tally.note(answer.status, request.began_s if request is not None else 0.0)

    async def _read(self, door: Door, request: _Request, receive: Receive) -> _Taken:
        """The body, as it comes in."""
        try:
            body = await bodies.read(receive, request.headers, self.settings.batch_max_bytes)
        except BadInput as error:
            return self._kept_refusal(door, request, error, b"")
        request.began_s = time.perf_counter()
        return self._taken_from_body(door, request, body)

    def _taken_from_body(self, door: Door, request: _Request, body: bytes) -> _Taken:
        """What a whole body comes to; errors that are raised store nothing."""
        try:
            body = bodies.unpack(body, request.headers.get(b"content-encoding", b""), self.settings.batch_max_bytes)
            split = door.split(body, self._limits)
            if request.site is None:
                self._identify(request, split.write_key)
            source = self._source(door, request, split)
            if source is Source.SEGMENT and len(body) > self.settings.segment_batch_max_bytes:
                limit = self.settings.segment_batch_max_bytes
                raise BadInput(f"A batch may have up to {limit:,} bytes.", code="batch_too_large")
        except BadInput as error:
            return self._kept_refusal(door, request, error, body)
        taken = self._taken(request, source, split) if split.events or split.rejects else _NOTHING
        if door is _BATCH and cookies.ASKING in body and request.origin is not None and taken.events:
            request.cookie = self._cookie(request, body)
        return taken

    def _taken_from_query(self, door: Door, request: _Request) -> _Taken:
        query = request.query
        try:
            split = door.split(query, self._limits)
        except BadInput as error:
            self._identify(request, request.key or self._key_of(request, door))
            return self._kept_refusal(door, request, error, query)
        self._identify(request, request.key or self._key_of(request, door) or split.write_key)
        if request.site is None:
            raise _unknown_key()
        if door.source is Source.PIXEL and (anonymous := [e for e in split.events if pixel.is_anonymous(e)]):
            if pixel.refuses(request.headers):
                self.n_refused_pixels += 1
                return _NOTHING
            split = split._replace(events=[self._named(request, request.site, event) for event in anonymous])
        return self._taken(request, door.source, split)

    def _taken(self, request: _Request, source: Source, split: Split) -> _Taken:
        """What to store of a request's events, if there is room for it."""
        events, rejects, _, sent_at = split
        site = request.site
        if site is None:
            raise _unknown_key()
        events = self.consents.allowed(site.number, events)
        if not events and not rejects:
            return _NOTHING
        now_ms = self._clock.now_ms()
        self._check_capacity(site, len(events) + len(rejects), now_ms)
        entry = self._entry(request, site, now_ms, source)
        entry.sent_at = sent_at
        if not rejects:
            return _Taken(entry, events)
        if wait_s := self._reject_buckets.take(site.number, len(rejects), now_ms):
            raise TooMany("Too many events of this key are broken; look at the failed events.", retry_after_s=wait_s)
        return _Taken(entry, events, [_rejected(entry, reason, piece) for reason, piece in rejects])

    def _kept_refusal(self, door: Door, request: _Request, error: BadInput, body: bytes) -> _Taken:
        """A refused body as a failed event of its site, as far as the key's rate allows; else raises the error."""
        if isinstance(error.detail, bytes) and error.detail:
            body = error.detail
        if request.site is None and not door.is_get:
            self._identify(request, _key_in(body))
        site = request.site
        if site is None:
            raise error
        now_ms = self._clock.now_ms()
        is_snowplow = door.source is Source.SNOWPLOW and error.code in ("batch_too_large", "event_too_large")
        self._check_capacity(site, 1, now_ms)
        wait_s = self._reject_buckets.take(site.number, 1, now_ms)
        if wait_s:
            if is_snowplow:
                raise TooMany("Too many events of this key are broken.", retry_after_s=wait_s)
            raise error
        entry = self._entry(request, site, now_ms, door.source)
        rejected = _rejected(entry, error.code if error.code in REASONS else "bad_json", body)
        # Snowplow's clients would send a body that is refused for its size again and again
        return _Taken(rejected=(rejected,), error=None if is_snowplow else error)

    def _check_capacity(self, site: Site, n: int, now_ms: int) -> None:
        if not -LAG_CHECK_MS < now_ms - self._lag_checked_ms < LAG_CHECK_MS:
            self._lag_checked_ms = now_ms
            self._is_lagging = self.lag() > self.settings.lag_max_events
        if self._is_lagging:
            raise Unavailable("Too many events wait to be applied; send this again later.", code="lag", retry_after_s=5)
        if self._event_buckets is not None and (wait_s := self._event_buckets.take(site.number, n, now_ms)):
            limit = self.settings.key_max_events_per_s
            raise TooMany(f"This key may send {limit:,} events a second.", retry_after_s=wait_s)

    # What a request tells

    def _key_of(self, request: _Request, door: Door) -> str:
        """Write key from headers or query, or empty."""
        headers = request.headers
        key = headers.get(b"x-write-key")
        if key:
            return key[:KEY_MAX].decode("latin-1").strip()
        authorization = headers.get(b"authorization")
        if authorization and (name := _basic_user(authorization)):
            return name
        return _query_key(request.query, door.key_names) if request.query else ""

    def _identify(self, request: _Request, key: str) -> None:
        """Find the key's site; no key leaves it open, a wrong one raises."""
        if not key:
            return
        site = self._sites(key)
        if site is None or site.is_archived:
            raise _unknown_key()
        if request.origin is not None and site.origins and not cors.is_allowed(site, request.origin):
            raise ForeignOrigin("Pages of this origin may not send events: add it to the site's origins.")
        request.site = site

    def _source(self, door: Door, request: _Request, split: Split) -> Source:
        if door.source is not Source.SEGMENT:
            return door.source
        headers = request.headers
        if b"anonymousid" in headers or b"udder" in headers.get(b"user-agent", b""):
            return Source.RUDDER
        if door is not _BATCH or not split.events:
            return Source.SEGMENT
        first = split.events[0]  # RudderStack's server libraries tell only there, and only send batches
        return Source.RUDDER if b"udder" in first and _LIBRARY_IS_RUDDER.search(first) else Source.SEGMENT

    def _entry(self, request: _Request, site: Site, now_ms: int, source: Source) -> Entry:
        """An entry without events yet."""
        headers = request.headers
        entry = Entry(
            site.number,
            now_ms,
            int(source),
            0,
            b"",
            ip=self._proxies.client(request.peer, headers.get(b"x-forwarded-for", b"")),
            user_agent=envelope.user_agent(headers),
        )
        if self._proxies.is_trusted(request.peer):
            entry.country, entry.region, entry.city = envelope.place(headers)
        return entry

    def _named(self, request: _Request, site: Site, event: bytes) -> bytes:
        """A pixel's event with an id for the day and its page."""
        headers = request.headers
        address = self._proxies.client(request.peer, headers.get(b"x-forwarded-for", b""))
        agent = headers.get(b"user-agent", b"")[: envelope.USER_AGENT_MAX]
        anonymous_id = self._daily_ids.of(self._clock.now_ms(), site.number, address, agent)
        return pixel.completed(event, anonymous_id, headers.get(b"referer", b"").decode("latin-1"))

    def _cookie(self, request: _Request, body: bytes) -> bytes:
        """``Set-Cookie`` that keeps the id of the batch, or empty if it doesn't ask for that or may not."""
        wish = cookies.wish_of(body)
        if wish is None or self.consents.is_withdrawn(request.site, wish.anonymous_id):
            return b""
        headers = request.headers
        is_trusted = self._proxies.is_trusted(request.peer)
        asked = envelope.asked(request.scheme, headers, is_proxy_trusted=is_trusted)
        told = [headers.get(name, b"").decode("latin-1") for name in (b"origin", b"sec-fetch-site", b"cookie")]
        found = cookies.set_cookie(wish, cookies.Reached(asked.host, asked.scheme == "https", *told))
        return (found or "").encode()

    # Answers

    def _answer(self, door: Door, request: _Request, error: FootfallError | None) -> Answer:
        """Of a request whose events are on disk."""
        if error is not None:
            return self._refused(error, door)
        return door.answer if not request.cookie else door.answer.plus((b"set-cookie", request.cookie))

    def _refused(self, error: FootfallError, door: Door) -> Answer:
        self.n_refused_requests[error.code] += 1
        answer = _answer_of(error)
        if door.hides_refusals and answer.status < 429:
            return Answer(200, answer.body, JSON)
        return answer

    async def _other_method(self, method: bytes, scope: Scope, send: Send) -> None:
        headers = dict(scope["headers"])
        if scope["method"] == "OPTIONS":
            await Answer(200, b"", tuple(cors.preflight_headers(headers, [method]))).send(send, None)
            return
        answer = error_answer(405, "method_not_allowed", f"Use {method.decode()}.", [(b"allow", method + b", OPTIONS")])
        await answer.send(send, headers.get(b"origin"))

    async def _get(
        self, work: Callable[[_Request], Answer], path_key: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Routes that take nothing."""
        if scope["method"] != "GET":
            await self._other_method(b"GET", scope, send)
            return
        origin = None
        try:
            request = _request_of(scope, path_key)
            origin = request.origin
            answer = work(request)
        except FootfallError as error:
            self.n_refused_requests[error.code] += 1
            answer = _answer_of(error)
        await answer.send(send, origin)

    async def _send_script(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await self._other_method(b"GET", scope, send)
            return
        try:
            answer = self._script.answer(dict(scope["headers"]))
        except Missing as error:
            answer = _answer_of(error)
        await answer.send(send, None)  # any page may load it, so that caches keep one copy

    def _answer_segment(self, request: _Request) -> Answer:
        self._identify(request, request.key)
        return self._bootstrap(request, bootstrap.segment_settings)

    def _answer_rudder(self, request: _Request) -> Answer:
        self._identify(request, self._key_of(request, _BATCH))
        return self._bootstrap(request, bootstrap.rudder_source)

    def _bootstrap(self, request: _Request, make: Callable[[Site, str], bytes]) -> Answer:
        if request.site is None:
            raise _unknown_key()
        is_trusted = self._proxies.is_trusted(request.peer)
        url = bootstrap.base_url(self.settings.public_url, request.scheme, request.headers, is_proxy_trusted=is_trusted)
        return Answer(200, make(request.site, url), (*JSON, (b"cache-control", b"private, max-age=60")))


async def _send_missing(scope: Scope, receive: Receive, send: Send) -> None:
    await error_answer(404, "missing", "There is nothing here.").send(send, None)


_STATUS: tuple[tuple[type[FootfallError], int], ...] = (
    (UnknownKey, 401),
    (ForeignOrigin, 403),
    (Missing, 404),
    (bodies.TooSlow, 408),
    (TooMany, 429),
    (Unavailable, 503),
    (BadInput, 400),
)


def _answer_of(error: FootfallError) -> Answer:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    headers = []
    if isinstance(error, Unavailable):
        headers.append((b"retry-after", str(max(1, error.retry_after_s)).encode()))
    return error_answer(status, error.code, str(error), headers)


def _unknown_key() -> UnknownKey:
    return UnknownKey("No site has this write key. `footfall init` printed it, and `GET /api/sites` shows it.")


async def _redacted_in_turns(events: Sequence[bytes]) -> list[bytes]:
    """Every event redacted; lets other requests in between."""
    redacted: list[bytes] = []
    for i, event in enumerate(events, 1):
        redacted.append(redact.redact(event))
        if i % CHUNK_EVENTS == 0:
            await asyncio.sleep(0)
    return redacted


def _rejected(like: Entry, reason: str, piece: bytes) -> Entry:
    """An entry for something refused, with the envelope of another."""
    return msgspec.structs.replace(like, n=1, body=redact.redact(piece[:REJECT_MAX_BYTES]), reject=reason)


@lru_cache(4096)
def _basic_user(authorization: bytes) -> str:
    scheme, _, value = authorization.partition(b" ")
    if scheme.lower() != b"basic" or len(value) > 1024:
        return ""
    try:
        name, _, _ = base64.b64decode(value.strip(), validate=True).partition(b":")
        return name.decode()[:KEY_MAX]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def _query_key(query: bytes, names: tuple[str, ...]) -> str:
    fields = _fields(query)
    return next((fields[name][:KEY_MAX] for name in names if fields.get(name)), "")


def _fields(query: bytes) -> dict[str, str]:
    """Parameters of a query, their bytes as Latin-1, so that none is lost."""
    try:
        return dict(parse_qsl(query.decode("latin-1"), max_num_fields=QUERY_FIELDS_MAX, encoding="latin-1"))
    except ValueError:
        raise BadInput("The query has too many fields.", code="headers_too_large") from None


def _pixel_data(query: bytes) -> bytes:
    """JSON in ``data``: base64url or base64, padded or not."""
    text = _fields(query).get("data", "").replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("`data` must be base64url of one event's JSON.", code="bad_encoding", detail=query) from None


class _AppId(msgspec.Struct, gc=False):
    aid: Any = None


class _Payload(msgspec.Struct, gc=False):
    data: list[_AppId] = []


_decode_payload = msgspec.json.Decoder(_Payload).decode


def _app_id(body: bytes) -> str:
    """``aid`` of the first Snowplow event, which may hold the write key."""
    try:
        payload = _decode_payload(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    aid = payload.data[0].aid if payload.data else None
    return aid[:KEY_MAX] if isinstance(aid, str) else ""


def _key_in(body: bytes) -> str:
    """The write key that a broken body seems to hold, so that its site learns of it."""
    match = _WRITE_KEY.search(body[:4096]) or _WRITE_KEY.search(body[-4096:])
    return match[1].decode("latin-1") if match else ""
