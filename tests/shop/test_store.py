"""What the shop remembers is bounded, forgotten in time, and never half done."""

import sqlite3
from pathlib import Path

import pytest

from footfall_shop.catalogue import BY_SLUG, PRODUCTS
from footfall_shop.forms import Order
from footfall_shop.store import Store, Visit
from footfall_shop.till import LINES_MAX, Line, add_up, line_of

ORDER = Order("ada@example.org", "Ada", "Quay 1", "Lund", "22100", "SE", "standard")


def mug(quantity: int = 1) -> Line:
    line = line_of("stone-mug", "", "sand", quantity)
    assert line is not None
    return line


def test_looking_is_not_remembered() -> None:
    store = Store(None)
    assert store.visit("") == store.visit("made-up") == Visit()
    assert store.take_pending(Visit()) == []
    assert store.order(Visit(), "AF-1") is None


def test_a_full_cart_takes_no_further_line_but_changes_those_it_has() -> None:
    store = Store(None)
    visit = Visit()
    for product in PRODUCTS[:40]:
        line = line_of(product.slug, product.sizes[0] if product.sizes else "", "", 1)
        if line:
            store.put_line(visit, line)
            visit.lines = [*visit.lines, line][:LINES_MAX]
    assert visit.new_secret is not None
    kept = store.visit(visit.new_secret)
    assert len(kept.lines) == LINES_MAX
    store.put_line(kept, Line(kept.lines[0].product, kept.lines[0].size, kept.lines[0].colour, 3))
    assert store.visit(visit.new_secret).lines[0].quantity == 3


def test_the_file_holds_no_secret_a_browser_could_send(tmp_path: Path) -> None:
    store = Store(tmp_path / "shop.sqlite")
    visit = Visit()
    store.put_line(visit, mug())
    assert visit.new_secret is not None
    store.close()
    for file in tmp_path.iterdir():
        assert visit.new_secret.encode() not in file.read_bytes()


def test_sessions_that_nobody_comes_back_to_are_forgotten_at_the_next_start(tmp_path: Path) -> None:
    store = Store(tmp_path / "shop.sqlite")
    old, new = Visit(), Visit()
    for visit in (old, new):
        store.put_line(visit, mug())
        store.wish(visit, BY_SLUG["dusk-lamp"], True)
    store.close()
    with sqlite3.connect(tmp_path / "shop.sqlite") as db:
        db.execute("update sessions set seen_s = seen_s - 61 * 86400 where id = ?", (old.id,))
    db.close()
    store = Store(tmp_path / "shop.sqlite")
    assert store.visit(old.new_secret or "") == Visit()
    assert [line.product.slug for line in store.visit(new.new_secret or "").lines] == ["stone-mug"]
    store.close()
    with sqlite3.connect(tmp_path / "shop.sqlite") as db:
        assert [db.execute(f"select count(*) from {name}").fetchone()[0] for name in ("lines", "wishes")] == [1, 1]
    db.close()


def test_an_order_that_can_not_be_written_leaves_the_cart(tmp_path: Path) -> None:
    store = Store(tmp_path / "shop.sqlite")
    visit = Visit()
    store.put_line(visit, mug(2))
    secret = visit.new_secret or ""
    visit = store.visit(secret)
    with sqlite3.connect(tmp_path / "shop.sqlite") as db:
        db.execute("create trigger full before delete on lines begin select raise(abort, 'disk full'); end")
    db.close()
    with pytest.raises(sqlite3.IntegrityError, match="disk full"):
        store.place(visit, ORDER, add_up(visit.lines))
    assert [line.quantity for line in store.visit(secret).lines] == [2]
    with sqlite3.connect(tmp_path / "shop.sqlite") as db:
        assert db.execute("select count(*) from orders").fetchone() == (0,)
        db.execute("drop trigger full")
    db.close()
    order_id = store.place(visit, ORDER, add_up(visit.lines))
    assert store.visit(secret).lines == []
    placed = store.order(store.visit(secret), order_id)
    assert placed is not None
    assert (placed.total, placed.lines[0].quantity) == (42.0, 2)
    assert [store.tell_order(order_id), store.tell_order(order_id)] == [True, False]
    assert [store.take_back(order_id), store.take_back(order_id)] == [True, False]


def test_two_shops_on_one_file_see_the_same(tmp_path: Path) -> None:
    one, other = Store(tmp_path / "shop.sqlite"), Store(tmp_path / "shop.sqlite")
    visit = Visit()
    one.put_line(visit, mug())
    assert other.visit(visit.new_secret or "").n_items == 1
