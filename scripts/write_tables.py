"""Which tables in the documentation are made from the code? Writes each between its marks.

A table stands between ``<!-- table: NAME -->`` and ``<!-- end -->``. ``make tables`` writes them all anew;
``tests/test_docs.py`` fails while one is out of date.
"""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import typer

from footfall import config
from footfall.events import names
from footfall.events.reasons import REASONS
from footfall.record import catalogue_page
from footfall.record.layout import FIELDS

REGION = re.compile(r"(<!-- table: (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n" for cells in (head, *rows)]
    return lines[0] + "|---" * len(head) + "|\n" + "".join(lines[1:])


def features() -> str:
    """Every feature of the catalogue, by group."""
    return catalogue_page.tables()


def record() -> str:
    """Every field of a visitor's record."""
    shape = [" × ".join(map(str, f.shape)) or "1" for f in FIELDS]
    rows = [
        (f"`{f.name}`", f"`{f.dtype}`", n, f.unit, "yes" if f.is_order_free else "", f.about)
        for f, n in zip(FIELDS, shape, strict=True)
    ]
    return _table(("field", "dtype", "values", "unit", "order-free", "what it is"), rows)


def reasons() -> str:
    """Every reason for which an event is refused."""
    return _table(("code", "what it means"), [(f"`{code}`", text) for code, text in REASONS.items()])


def commands() -> str:
    """Every command that can be typed, with the first sentence of its help."""
    from footfall.cli import app  # the slowest import, and needed by this table only

    root = typer.main.get_command(app)
    rows = [(f"`footfall {path}`", (command.help or "").strip().split("\n\n")[0]) for path, command in _leaves(root)]
    return _table(("command", "what it does"), [(path, " ".join(text.split())) for path, text in rows])


def _leaves(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path.strip(), command
        return
    for name, child in below.items():
        if not child.hidden:
            yield from _leaves(child, f"{path} {name}")


TABLES: dict[str, Callable[[], str]] = {
    "settings": config.table,
    "features": features,
    "record": record,
    "reasons": reasons,
    "commands": commands,
    "names": names.table_as_markdown,
}


def refreshed(text: str) -> str:
    """The text with every marked table written anew; an unknown name is a ``KeyError``."""
    return REGION.sub(lambda found: found[1] + TABLES[found["name"]]() + found[3], text)


def main() -> int:
    """Write all of ``docs/*.md``."""
    for path in sorted((Path(__file__).resolve().parent.parent / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        new = refreshed(text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(f"written: docs/{path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
