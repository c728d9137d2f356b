"""What does the engine need from the world? Small protocols; each has one contract suite in ``tests/contracts``.

Every method may be called from any one thread at a time, and may block on I/O unless it says otherwise.
All raise :class:`footfall.base.errors.Unavailable` when the medium is full, broken or gone, and keep what they
had acknowledged before.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from footfall.events.wire import Entry


class EventLog(Protocol):
    """The durable, ordered log of accepted entries; an event's offset is its number in it, from 0."""

    def append(self, entries: Sequence[Entry]) -> int:
        """Write all entries durably (fsync) or none, and return the offset of the first event.

        After a failed sync it refuses every further append with ``Unavailable`` until :meth:`reopen`.
        """
        ...

    def read(self, offset: int, max_events: int) -> list[tuple[int, Entry]]:
        """Whole entries from the one that starts at ``offset``, in order, with their offsets.

        At least one entry if there is any, then as long as ``max_events`` isn't passed. ``offset`` is always an
        entry's start: every entry, control entries too, has ``n`` of at least 1, so reading on from the last
        entry's ``offset + n`` meets each exactly once. At :meth:`next_offset` there is nothing: ``[]``; an offset
        that was trimmed, or past the end, raises ``Missing``. Don't change the entries, the log may keep them.
        """
        ...

    def next_offset(self) -> int:
        """Offset that the next appended event will have: the number of events ever appended, control entries counted
        as one each (the ledger takes them off). Never blocks."""
        ...

    def trim(self, before: int) -> None:
        """Forget whole entries that lie entirely before an offset (they are in the lake); may keep some of them."""
        ...

    def reopen(self) -> None:
        """Close, open again and verify the tail after an error; appends work again when it returns."""
        ...

    def close(self) -> None:
        """Release files; a later call of anything else is an error."""
        ...


class Site(msgspec.Struct, frozen=True):
    """One shop. ``number`` (1-65535) is what records and the log carry."""

    number: int
    name: str
    write_key: str
    origins: tuple[str, ...] = ()
    """Allowed origins for browsers (``https://shop.example``); empty allows any."""
    is_archived: bool = False


class Identity(msgspec.Struct, array_like=True, gc=False):
    """An id that points to a visitor. ``what`` is ``ids.ANONYMOUS`` or ``ids.USER``; ``row`` the visitor's row."""

    site: int
    what: int
    text: str
    key: int
    row: int
    is_shared: bool = False


class Failed(msgspec.Struct, array_like=True, gc=False):
    """A refused event: where it stood, why, and what it was (``body`` as JSON or raw bytes, ``entry`` its envelope)."""

    offset: int
    site: int
    received_ms: int
    reason: str
    detail: str
    entry: Entry
    is_replayed: bool = False


class Merge(msgspec.Struct, array_like=True, gc=False):
    """Two visitors became one: what is needed to take that back.

    ``winner_before`` and ``loser_before`` are the records' bytes (layout ``layout``) just before.
    """

    merge_id: int
    site: int
    offset: int
    time_ms: int
    winner: int
    loser: int
    key_a: int
    key_b: int
    layout: int
    winner_before: bytes
    loser_before: bytes
    is_undone: bool = False
    winner_traits: bytes = b""
    """The winner's traits just before, as JSON; empty for none."""
    undone_offset: int = -1
    """Log offset at which it was taken back. Events of the winner's row from ``offset`` to here are the loser's ..."""
    undone_keys: tuple[int, ...] = ()
    """... when their user id, or without one their anonymous id, has one of these keys."""


PLACED = np.dtype([("idx", "<i4"), ("section", "<u8")])
"""An event's index in its batch and the key of the section in which it happened."""


class Batch(msgspec.Struct, array_like=True, gc=False):
    """What became of the events of one log range: ``statuses`` uint8[n], ``message_keys`` uint64[n],
    ``order_keys`` uint64[n], ``rows`` int32[n], as bytes, little-endian; ``placed`` PLACED[k], those that happened in
    another section than they say by themselves."""

    offset: int
    n: int
    received_ms: int
    statuses: bytes
    message_keys: bytes
    order_keys: bytes
    rows: bytes
    placed: bytes = b""


class Commit(msgspec.Struct, gc=False):
    """Everything a store must take over in one atomic step."""

    next_offset: int
    n_rows: int
    rows: np.ndarray
    """int32[k]: dirty rows."""
    records: np.ndarray
    """RECORD[k]: copies of the dirty records, in the current layout."""
    identities: list[Identity]
    """New or changed since the last commit; same (site, what, text) replaces."""
    names: list[tuple[int, int, str, str]]
    """(site, hash64, what, text) of new names; ``what`` in section, product, category, campaign, city, page."""
    traits: list[tuple[int, bytes]]
    """(row, JSON object) whole trait objects of rows that changed."""
    batches: list[Batch]
    failed: list[Failed]
    replayed: list[int]
    """Offsets of failed events that were tried again."""
    merges: list[Merge]
    """New ones; one with a known ``merge_id`` replaces it (it was taken back)."""
    counters: dict[str, int]
    """Ledger and progress counters, whole."""
    ended: list[tuple[int, bytes]] = []
    """(log offset reached, SESSION array as bytes): ended sessions, kept until the lake has them."""


class Snapshot(msgspec.Struct, gc=False):
    """What a store holds; ``records`` is migrated to the current layout."""

    next_offset: int
    n_rows: int
    records: np.ndarray
    """RECORD[n_rows]."""
    counters: dict[str, int]


class RecordStore(Protocol):
    """Visitor records with the log position they include, and everything that must change with them."""

    def load(self) -> Snapshot:
        """The state as of the last commit (empty at first); called once at start."""
        ...

    def commit(self, commit: Commit) -> None:
        """Take all of it durably or nothing. ``commit.next_offset`` never goes back."""
        ...

    def identities(self) -> Iterable[Identity]:
        """Every identity; called once at start."""
        ...

    def identities_of(self, row: int) -> list[Identity]:
        """The identities that point straight to this row."""
        ...

    def find(self, site: int, text: str) -> list[Identity]:
        """Identities with exactly this text, user ids first."""
        ...

    def search(self, site: int, text: str, limit: int) -> list[Identity]:
        """Identities that start with this text."""
        ...

    def names(self, site: int, hashes: Sequence[int]) -> dict[int, str]:
        """Texts of the hashes that are known."""
        ...

    def traits(self, row: int) -> dict[str, Any]:
        """The visitor's traits, or ``{}``."""
        ...

    def traits_holding(self, text: str) -> Iterable[tuple[int, dict[str, Any]]]:
        """Rows and traits whose JSON holds this text somewhere, in whatever case of A to Z, one by one.

        It walks over all of them: a second for a million visitors with traits.
        """
        ...

    def batches(self, since_received_ms: int) -> Iterable[Batch]:
        """Batches received since, by offset; for the duplicate index and for the lake after a restart."""
        ...

    def trim_batches(self, before_received_ms: int) -> None:
        """Forget batches older than the duplicate window."""
        ...

    def ended(self) -> list[tuple[int, int, bytes]]:
        """(sequence number from 1, offset, SESSION array as bytes) of ended sessions not yet dropped, in order."""
        ...

    def drop_ended(self, up_to: int) -> None:
        """Forget ended sessions up to this sequence number: the lake has them."""
        ...

    def order_keys(self) -> Iterable[np.ndarray]:
        """uint64 arrays: the keys of every order ever applied (kept when batches are trimmed)."""
        ...

    def failed(self, site: int, limit: int, before_offset: int | None = None, open_only: bool = True) -> list[Failed]:
        """Refused events, newest first."""
        ...

    def failed_at(self, offsets: Sequence[int]) -> list[Failed]:
        """The refused events at these offsets."""
        ...

    def n_failed_by_reason(self, site: int) -> dict[str, int]:
        """Open refused events by reason."""
        ...

    def merges_of(self, row: int) -> list[Merge]:
        """Merges that this row won or lost, newest first."""
        ...

    def merge(self, merge_id: int) -> Merge | None:
        """One merge."""
        ...

    def undone_merges(self) -> list[Merge]:
        """Merges that were taken back; their ids are never joined again."""
        ...

    def close(self) -> None:
        """Release files."""
        ...


class Lake(Protocol):
    """All events and sessions for ever (or the retention), as Parquet by site and date."""

    def write(self, table: str, first_offset: int, last_offset: int, rows: Any) -> None:
        """Write a ``pyarrow.Table`` of ``events``, ``sessions`` or ``decisions`` covering the log range [first, last).

        Files are named by site, date and range, so that writing the same range twice is the same as once.
        """
        ...

    def position(self) -> int:
        """Log offset up to which events are in the lake, without gaps."""
        ...

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Run SQL over the views ``events``, ``sessions`` and ``decisions``; returns a ``pyarrow.Table``."""
        ...

    def compact(self, today: str) -> int:
        """Join the small files of finished days; returns how many were joined."""
        ...

    def retain(self, oldest_date: str, table: str = "") -> int:
        """Delete whole days before a date, of one table or of all; returns how many files went."""
        ...

    def close(self) -> None:
        """Release DuckDB."""
        ...


ROLES = ("viewer", "agent", "marketer", "analyst", "admin")
"""What a user or an API token may be; ``web/auth.py`` says what each may do."""


STATES = ("first_time", "returning", "known", "paying")
"""What a visitor can be; each visitor is exactly one of them."""


class User(msgspec.Struct, frozen=True):
    """A person who may log in. ``sites`` is ``None`` for every site, present and future (always so for admins)."""

    id: int
    email: str
    name: str
    role: str
    sites: tuple[int, ...] | None
    has_password: bool
    is_archived: bool
    created_ms: int


class Token(msgspec.Struct, frozen=True):
    """An API token without its secret; ``sites`` as in :class:`User`."""

    id: int
    name: str
    role: str
    sites: tuple[int, ...] | None
    created_ms: int
    is_revoked: bool


class Principal(msgspec.Struct, frozen=True):
    """Who makes a request: ``kind`` is ``user`` (browser session), ``token`` or ``server`` (a site's server key).

    ``csrf`` and ``session_id`` are set for browser sessions only.
    """

    kind: str
    id: int
    name: str
    role: str
    sites: tuple[int, ...] | None
    csrf: str = ""
    session_id: int = 0

    @property
    def actor(self) -> str:
        """How the audit log names this principal."""
        return f"{self.kind}:{self.id} {self.name}"


class NewSession(msgspec.Struct, frozen=True):
    """A browser session just made; ``secret`` is the cookie's value and is kept nowhere else."""

    secret: str
    csrf: str
    expires_ms: int
    user: User


class AuditRow(msgspec.Struct, frozen=True):
    """One thing an actor did. ``hash`` covers all other fields, ``previous`` is the hash of the row before."""

    number: int
    time_ms: int
    actor: str
    action: str
    site: int
    detail: dict[str, Any]
    previous: str
    hash: str


class AuditCheck(msgspec.Struct, frozen=True):
    """Whether the audit log is whole; ``broken_at`` is the number of the first row that isn't as it was written."""

    n_rows: int
    is_whole: bool
    broken_at: int | None = None


class Import(msgspec.Struct, frozen=True):
    """A file of history that was taken in; the same content isn't taken in twice for one site."""

    content_hash: str
    file_name: str
    site: int
    time_ms: int
    result: dict[str, Any]


class Created(msgspec.Struct, frozen=True):
    """What making a data folder prints, once. ``login_url`` is a path with a one-time token."""

    site: Site
    write_key: str
    server_key: str
    token: str
    login_url: str


class Definitions(Protocol):
    """What people decided: sites, users, tokens, and who did what. Small, rarely changed, always durable.

    Methods may be called from several threads at once. Secrets are handed out once, when made; only hashes are kept
    (write keys aren't secret: they stand in every page). ``by`` names who asks; every change writes its audit row in
    the same transaction. Raises ``BadInput`` for values that can't be, ``Missing`` for numbers that aren't there.
    """

    def site_of_write_key(self, write_key: str) -> Site | None:
        """The site that may be written to with this key, or ``None`` (unknown, archived). From memory; never blocks."""
        ...

    def refresh(self) -> None:
        """Read what other processes changed; the web application calls it every few seconds."""
        ...

    def sites(self) -> list[Site]:
        """All sites, archived ones too, by number. From memory."""
        ...

    def add_site(self, name: str, origins: Sequence[str], *, by: str) -> tuple[Site, str]:
        """Make a site; returns it and its server key."""
        ...

    def change_site(
        self,
        number: int,
        *,
        by: str,
        name: str | None = None,
        origins: Sequence[str] | None = None,
        is_archived: bool | None = None,
    ) -> Site:
        """Change what isn't ``None``."""
        ...

    def renew_write_key(self, number: int, *, by: str) -> Site:
        """Replace the write key; the old one stops at once."""
        ...

    def renew_server_key(self, number: int, *, by: str) -> str:
        """Replace the server key; the old one stops at once."""
        ...

    def users(self) -> list[User]:
        """All users, archived ones too, by id."""
        ...

    def add_user(self, email: str, name: str, role: str, sites: Sequence[int] | None, *, by: str) -> User:
        """Make a user without a password; a login link lets them in. E-mail addresses are unique without case."""
        ...

    def change_user(
        self,
        user_id: int,
        *,
        by: str,
        email: str | None = None,
        name: str | None = None,
        role: str | None = None,
        sites: Sequence[int] | msgspec.UnsetType | None = msgspec.UNSET,
        is_archived: bool | None = None,
    ) -> User:
        """Change what is given. Archiving ends the user's sessions. The last admin can't be archived or demoted."""
        ...

    def password_hash(self, email: str) -> tuple[int, str] | None:
        """Id and argon2 hash of an active user who has a password."""
        ...

    def set_password_hash(self, user_id: int, password_hash: str, *, by: str, keep_session_id: int = 0) -> None:
        """Set the password and end the user's other sessions."""
        ...

    def rehash_password(self, user_id: int, old_hash: str, new_hash: str) -> None:
        """Store the same password under stronger parameters, unless it was changed meanwhile."""
        ...

    def add_login_link(self, user_id: int, *, by: str) -> str:
        """A new one-time token for this user; earlier ones stop working."""
        ...

    def login_link(self, token: str) -> User | None:
        """Whom an unused, unexpired token belongs to; doesn't use it up."""
        ...

    def use_login_link(self, token: str, password_hash: str, email: str | None) -> User | None:
        """Use the token up and set password and, if given, e-mail; ``None`` if it was used or expired meanwhile."""
        ...

    def add_session(self, user_id: int) -> NewSession:
        """Log a user in."""
        ...

    def end_session(self, session_id: int) -> None:
        """Log one browser out."""
        ...

    def principal_of_session(self, secret: str) -> Principal | None:
        """Who holds this session cookie, if it is alive and the user isn't archived."""
        ...

    def principal_of_bearer(self, secret: str) -> Principal | None:
        """Who holds this API token or server key."""
        ...

    def tokens(self) -> list[Token]:
        """All API tokens by id."""
        ...

    def add_token(self, name: str, role: str, sites: Sequence[int] | None, *, by: str) -> tuple[Token, str]:
        """Make an API token; returns it and its secret."""
        ...

    def revoke_token(self, token_id: int, *, by: str) -> Token:
        """Stop an API token."""
        ...

    def add_audit(self, by: str, action: str, site: int = 0, detail: dict[str, Any] | None = None) -> None:
        """Write down something done elsewhere (an export, a replay); ``site`` 0 is none in particular."""
        ...

    def audit(self, limit: int, before: int | None = None) -> list[AuditRow]:
        """Rows, newest first, with numbers below ``before``."""
        ...

    def verify_audit(self) -> AuditCheck:
        """Walk the whole chain."""
        ...

    def imports(self, site: int) -> list[Import]:
        """Files taken in, newest first."""
        ...

    def import_of(self, site: int, content_hash: str) -> Import | None:
        """The earlier import of the same content, if any."""
        ...

    def add_import(self, content_hash: str, file_name: str, site: int, result: dict[str, Any], *, by: str) -> Import:
        """Remember a file that was taken in; the same content and site replaces."""
        ...

    def secret(self, name: str, n_bytes: int = 16) -> bytes:
        """A random secret by name, made when first asked for and then always the same."""
        ...

    def close(self) -> None:
        """Release files."""
        ...


CHAMPION, CHALLENGER, ARCHIVED = "champion", "challenger", "archived"
"""Stages of a model: it scores; it scores silently beside the champion; it is kept."""


class Artefact(msgspec.Struct, frozen=True):
    """What a model is made of: its own bytes, and those of the past visits that new ones are compared with."""

    model: bytes
    past: bytes = b""


class ModelVersion(msgspec.Struct, frozen=True):
    """One trained model of a site. ``card`` says what it was made from and how good it is; ``notes`` what became of it,
    oldest first, each with its time."""

    site: int
    version: int
    stage: str
    made_ms: int
    card: dict[str, Any]
    notes: tuple[str, ...] = ()
    has_files: bool = True
    """Whether its artefact is still kept; the card is for ever."""


class ModelRegistry(Protocol):
    """Every model ever trained, by site and version, and which of them serves.

    Methods may be called from several threads and processes at once, and block. Raises ``Missing`` for a site's version
    that isn't there, ``Unavailable`` when the registry can't be reached; what serves doesn't depend on it.
    """

    def register(self, site: int, artefact: Artefact, card: Mapping[str, Any], metrics: Mapping[str, float]) -> int:
        """Keep a new model and return its version, from 1. It is there whole or not at all; its stage is ARCHIVED."""
        ...

    def versions(self, site: int) -> list[ModelVersion]:
        """All versions, newest first; ``[]`` for a site without any."""
        ...

    def version(self, site: int, version: int) -> ModelVersion:
        """One version."""
        ...

    def artefact(self, site: int, version: int) -> Artefact:
        """Its bytes, as registered; ``Unavailable`` (``bad_artefact``) if they have changed since, ``BadInput``
        (``files_gone``) after :meth:`drop_files`."""
        ...

    def drop_files(self, site: int, version: int) -> None:
        """Remove its artefact for good; card and notes stay. Doing it again changes nothing."""
        ...

    def promote(self, site: int, version: int, why: str) -> None:
        """Make it the champion; the champion before is kept in mind for :meth:`rollback`. A challenger stops being one.

        Promoting the champion changes nothing.
        """
        ...

    def challenge(self, site: int, version: int, why: str) -> None:
        """Make it the challenger instead of the one before; ``BadInput`` for the champion. 0: there is none then."""
        ...

    def champion_before(self, site: int) -> int:
        """The version that was champion before the present one; ``BadInput`` (``no_champion_before``) if none was."""
        ...

    def rollback(self, site: int, why: str) -> int:
        """Make :meth:`champion_before` the champion again, and return it. The one rolled back isn't gone back to."""
        ...

    def note(self, site: int, version: int, text: str) -> None:
        """Add a sentence to what became of it."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


class Models(Protocol):
    """What the API reads and does about models. Methods may be called from several threads at once and may block.

    The shapes are those of ``web/shapes.py``.
    """

    def models(self, site: int) -> dict[str, Any]:
        """All versions of a site, what serves, and how the last training ended."""
        ...

    def model(self, site: int, version: int) -> dict[str, Any]:
        """One version with its card."""
        ...

    def drift(self, site: int) -> dict[str, Any]:
        """What the last comparison of live traffic with training found."""
        ...

    def promote(self, site: int, version: int, by: str) -> None:
        """Let a version serve. ``BadInput`` if this server can't serve it."""
        ...

    def rollback(self, site: int, by: str) -> int:
        """Let the champion before serve again; returns its version."""
        ...

    def train(self, site: int, by: str) -> None:
        """Start a training; ``BadInput`` (``is_training``) while there is one."""
        ...


AMONG = ("past", "live", "all")
"""Whom similar visitors are looked for among."""


class Similar(Protocol):
    """Who is like a visitor. Methods may be called from several threads at once and may block."""

    def similar(self, site: int, any_id: str, *, n: int, radius: float | None, among: str) -> dict[str, Any] | None:
        """The visits most like a visitor's, nearest first, one a visitor, ``None`` if there is no such visitor.

        At most ``n``, with ``radius`` (0 to 1) only those with a similarity of at least ``1 - radius``. ``among`` is
        one of ``AMONG``. The shape is that of ``web/shapes.py``.
        """
        ...


class Profiles(Protocol):
    """What the API reads: visitors, their past, the ledger and refused events, always of one site.

    Methods may be called from several threads at once and may block. Times in the answers are ISO 8601 UTC with
    milliseconds. ``any_id`` is a visitor id, an anonymous id or a user id. The shapes are those of ``web/shapes.py``.
    """

    def visitors(
        self, site: int, *, is_live: bool, limit: int, cursor: str | None, q: str, sort: str, state: str = ""
    ) -> dict[str, Any]:
        """``{"visitors": [live row], "total": n, "cursor": str | None}``; ``BadInput`` for a wrong sort or cursor.

        ``state`` is one of ``STATES``, or empty for all. ``q`` finds ids by their beginning and people by the words of
        their name or e-mail, whether they are live or not.
        """
        ...

    def visitor(self, site: int, any_id: str) -> dict[str, Any] | None:
        """One visitor, whole."""
        ...

    def timeline(self, site: int, any_id: str, *, limit: int, cursor: str | None) -> dict[str, Any] | None:
        """``{"items": [...], "cursor": str | None}``, newest first."""
        ...

    def ledger(self, site: int = 0) -> dict[str, int]:
        """``received, applied, duplicate, failed, lag_events, lag_ms``, consistent at one moment.

        Of one site, or over all (0); ``lag_ms`` is always the age of the oldest event that waits, whosever it is.
        """
        ...

    def failed(self, site: int, *, limit: int, cursor: str | None, reason: str | None) -> dict[str, Any]:
        """``{"failed": [...], "total": n, "by_reason": {reason: n}, "cursor": str | None}``, newest first."""
        ...

    def replay_failed(self, site: int, offsets: Sequence[int] | None, reason: str | None) -> int:
        """Try these (or all, or all of a reason) again; returns how many were appended to the log."""
        ...

    def merges(self, site: int, any_id: str) -> list[dict[str, Any]] | None:
        """Merges that made this visitor, newest first; ``None`` if there is no such visitor."""
        ...

    def undo_merge(self, site: int, merge_id: int) -> dict[str, Any]:
        """Take a merge back; ``Missing`` if there is none, ``BadInput`` if it can't be (any more)."""
        ...

    def changed_since(self, site: int, since_ms: int, limit: int) -> list[dict[str, Any]]:
        """Live rows whose change became visible at or after this moment of the clock, latest first."""
        ...
