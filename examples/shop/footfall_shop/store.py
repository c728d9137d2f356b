"""What does the shop remember? Sessions, carts, wishes, accounts and orders, in a small SQLite file.

A session begins when there is something to remember, never by looking. The browser holds a random secret, the file
only its hash. Card numbers and street addresses are never written.
"""

import hashlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from footfall_shop.catalogue import BY_SLUG, Product
from footfall_shop.forms import Order
from footfall_shop.till import LINES_MAX, Line, Totals, line_of

SESSION_DAYS = 60
_PENDING_MAX = 20
_SCHEMA = """
create table if not exists sessions (
    id text primary key, email text not null default '', code text not null default '',
    checkout text not null default '', pending text not null default '[]', seen_s integer not null
) without rowid;
create table if not exists lines (
    session text not null, product text not null, size text not null, colour text not null, quantity integer not null,
    number integer not null, primary key (session, product, size, colour)
) without rowid;
create table if not exists wishes (
    owner text not null, product text not null, number integer not null, primary key (owner, product)
) without rowid;
create table if not exists accounts (email text primary key, since_s integer not null) without rowid;
create table if not exists orders (
    id text primary key, session text not null, email text not null, account text not null, placed_s integer not null,
    details text not null, is_told integer not null default 0, is_returned integer not null default 0
) without rowid;
create index if not exists orders_of_account on orders (account, placed_s);
"""


@dataclass
class Visit:
    """Who is asking: a session with what belongs to it, or nobody yet (``id`` is empty)."""

    id: str = ""
    email: str = ""
    """Of the account that is signed in."""
    code: str = ""
    checkout: str = ""
    """Id of the checkout under way, for the shop's events."""
    lines: list[Line] = field(default_factory=list)
    wishes: list[Product] = field(default_factory=list)
    pending: list[dict[str, Any]] = field(default_factory=list)
    """Events that happened and that the next page tells."""
    new_secret: str | None = None
    """Set when the browser must be given another secret; ``""`` takes it away."""

    @property
    def n_items(self) -> int:
        """Pieces in the cart."""
        return sum(line.quantity for line in self.lines)

    @property
    def owner(self) -> str:
        """Whose wishes these are."""
        return f"@{self.email}" if self.email else self.id


@dataclass(frozen=True)
class Placed:
    """An order as it stands in the file."""

    id: str
    placed_s: int
    lines: list[Line]
    goods: float
    discount: float
    delivery: float
    total: float
    code: str
    way: str
    name: str
    city: str
    country: str
    email: str
    is_returned: bool


class Store:
    """The file. Its methods are short and may be called from any thread."""

    def __init__(self, database: Path | None) -> None:
        self._lock = threading.Lock()
        if database is not None:
            database.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(database or ":memory:", check_same_thread=False, isolation_level=None, timeout=2)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(_SCHEMA)
        oldest_s = int(time.time()) - SESSION_DAYS * 86_400
        with self._changing() as db:
            db.execute("delete from lines where session in (select id from sessions where seen_s < ?)", (oldest_s,))
            db.execute("delete from wishes where owner in (select id from sessions where seen_s < ?)", (oldest_s,))
            db.execute("delete from sessions where seen_s < ?", (oldest_s,))

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def visit(self, secret: str) -> Visit:
        """The session of this secret; one that isn't known is nobody's."""
        if not secret:
            return Visit()
        key = _hash(secret)
        with self._lock:
            row = self._db.execute(
                "select email, code, checkout, pending from sessions where id = ?", (key,)
            ).fetchone()
            if row is None:
                return Visit()
            visit = Visit(key, row[0], row[1], row[2], pending=json.loads(row[3]))
            for product, size, colour, quantity in self._db.execute(
                "select product, size, colour, quantity from lines where session = ? order by number", (key,)
            ):
                line = line_of(product, size, colour, quantity)
                if line:
                    visit.lines.append(line)
            wished = self._db.execute("select product from wishes where owner = ? order by number desc", (visit.owner,))
            visit.wishes = [BY_SLUG[slug] for (slug,) in wished if slug in BY_SLUG]
            return visit

    def begin(self, visit: Visit) -> None:
        """Give the visit a session if it has none."""
        if visit.id:
            return
        visit.new_secret = secrets.token_urlsafe(24)
        visit.id = _hash(visit.new_secret)
        with self._changing() as db:
            db.execute("insert into sessions (id, seen_s) values (?, ?)", (visit.id, int(time.time())))

    def put_line(self, visit: Visit, line: Line) -> bool:
        """Set a line of the cart; quantity 0 takes it away. A full cart takes no further line: then it is False."""
        self.begin(visit)
        key = (visit.id, line.product.slug, line.size, line.colour)
        is_new = all(_key(line) != _key(other) for other in visit.lines)
        if line.quantity and is_new and len(visit.lines) >= LINES_MAX:
            return False
        with self._changing() as db:
            if line.quantity < 1:
                db.execute("delete from lines where session = ? and product = ? and size = ? and colour = ?", key)
            else:
                db.execute(
                    "insert into lines values (?, ?, ?, ?, ?, (select coalesce(max(number), 0) + 1 from lines where "
                    "session = ?1)) on conflict do update set quantity = excluded.quantity",
                    (*key, line.quantity),
                )
        return True

    def set_code(self, visit: Visit, code: str) -> None:
        """Set the discount code, or with ``""`` take it away."""
        self.begin(visit)
        with self._changing() as db:
            db.execute("update sessions set code = ? where id = ?", (code, visit.id))
        visit.code = code

    def start_checkout(self, visit: Visit) -> str:
        """Id of the checkout under way; made when it is first asked for."""
        if not visit.checkout:
            visit.checkout = f"k-{secrets.token_hex(6)}"
            with self._changing() as db:
                db.execute("update sessions set checkout = ? where id = ?", (visit.checkout, visit.id))
        return visit.checkout

    def tell_later(self, visit: Visit, events: Sequence[dict[str, Any]]) -> None:
        """Keep events for the next page that is shown."""
        self.begin(visit)
        visit.pending = [*visit.pending, *events][-_PENDING_MAX:]
        with self._changing() as db:
            db.execute("update sessions set pending = ? where id = ?", (json.dumps(visit.pending), visit.id))

    def take_pending(self, visit: Visit) -> list[dict[str, Any]]:
        """The events kept for this page; they are told once."""
        if not visit.pending:
            return []
        pending, visit.pending = visit.pending, []
        with self._changing() as db:
            db.execute("update sessions set pending = '[]', seen_s = ? where id = ?", (int(time.time()), visit.id))
        return pending

    def wish(self, visit: Visit, product: Product, is_wanted: bool) -> None:
        """Put a product on the wish list, or take it off."""
        self.begin(visit)
        with self._changing() as db:
            if is_wanted:
                db.execute(
                    "insert or ignore into wishes values "
                    "(?1, ?2, (select coalesce(max(number), 0) + 1 from wishes where owner = ?1))",
                    (visit.owner, product.slug),
                )
            else:
                db.execute("delete from wishes where owner = ? and product = ?", (visit.owner, product.slug))

    def sign_in(self, visit: Visit, email: str) -> bool:
        """Sign in, with a new secret and the wishes taken along; whether the account is new."""
        self.begin(visit)
        before = visit.owner
        secret = secrets.token_urlsafe(24)
        key = _hash(secret)
        with self._changing() as db:
            is_new = db.execute("insert or ignore into accounts values (?, ?)", (email, int(time.time()))).rowcount > 0
            db.execute("update sessions set id = ?, email = ? where id = ?", (key, email, visit.id))
            db.execute("update lines set session = ? where session = ?", (key, visit.id))
            db.execute("update orders set session = ? where session = ?", (key, visit.id))
            if not before.startswith("@"):
                db.execute("update or ignore wishes set owner = ? where owner = ?", (f"@{email}", before))
                db.execute("delete from wishes where owner = ?", (before,))
        visit.id, visit.email, visit.new_secret = key, email, secret
        return is_new

    def sign_out(self, visit: Visit) -> None:
        """End the session: whoever sits down next begins anew."""
        with self._changing() as db:
            db.execute("delete from lines where session = ?", (visit.id,))
            db.execute("delete from sessions where id = ?", (visit.id,))
        visit.id, visit.email, visit.lines, visit.wishes, visit.new_secret = "", "", [], [], ""

    def place(self, visit: Visit, order: Order, totals: Totals) -> str:
        """Turn the cart into an order and empty it, in one go; returns the order's number."""
        order_id = f"AF-{secrets.token_hex(5).upper()}"
        details = {
            "lines": [[line.product.slug, line.size, line.colour, line.quantity] for line in visit.lines],
            "goods": totals.goods,
            "discount": totals.discount,
            "delivery": totals.delivery,
            "total": totals.total,
            "code": visit.code if totals.discount else "",
            "way": order.delivery,
            "name": order.name,
            "city": order.city,
            "country": order.country,
        }
        with self._changing() as db:
            db.execute(
                "insert into orders (id, session, email, account, placed_s, details) values (?, ?, ?, ?, ?, ?)",
                (order_id, visit.id, order.email, visit.email, int(time.time()), json.dumps(details)),
            )
            db.execute("delete from lines where session = ?", (visit.id,))
            db.execute("update sessions set code = '', checkout = '' where id = ?", (visit.id,))
        visit.lines, visit.code, visit.checkout = [], "", ""
        return order_id

    def order(self, visit: Visit, order_id: str) -> Placed | None:
        """An order of this session or account."""
        if not visit.id:
            return None
        return next(iter(self._orders("id = ? and (session = ? or (account = ? and account <> ''))",
                                      (order_id, visit.id, visit.email))), None)  # fmt: skip

    def orders(self, visit: Visit) -> list[Placed]:
        """The account's orders, newest first."""
        return self._orders("account = ? and account <> '' order by placed_s desc, id limit 50", (visit.email,))

    def _orders(self, where: str, values: tuple[str, ...]) -> list[Placed]:
        columns = "id, placed_s, details, email, is_returned"
        with self._lock:
            rows = self._db.execute(f"select {columns} from orders where {where}", values).fetchall()
        found = []
        for order_id, placed_s, details, email, is_returned in rows:
            known = json.loads(details)
            lines = [
                Line(BY_SLUG[slug], size, colour, quantity)
                for slug, size, colour, quantity in known.pop("lines")
                if slug in BY_SLUG
            ]
            found.append(Placed(order_id, placed_s, lines, email=email, is_returned=bool(is_returned), **known))
        return found

    def tell_order(self, order_id: str) -> bool:
        """Whether the order is yet to be told; true once."""
        with self._changing() as db:
            return db.execute("update orders set is_told = 1 where id = ? and not is_told", (order_id,)).rowcount > 0

    def take_back(self, order_id: str) -> bool:
        """Return an order; true once."""
        with self._changing() as db:
            done = db.execute("update orders set is_returned = 1 where id = ? and not is_returned", (order_id,))
            return done.rowcount > 0


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(line: Line) -> tuple[str, str, str]:
    return line.product.slug, line.size, line.colour
