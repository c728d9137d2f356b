"""How far is it? A bar for work that is done in named steps, one line each; nothing where nobody looks."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn


@contextlib.contextmanager
def steps(console: Console | None = None) -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that is told what is being done, how much of it is done, and how much there is.

    What follows a ": " in the first is a detail of the same line.
    """
    console = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:

        def tell(what: str, done: int, n: int) -> None:
            part, _, detail = what.partition(": ")
            if part not in tasks:
                tasks[part] = progress.add_task(what, total=n)
            progress.update(tasks[part], completed=done, total=n, description=f"{part}  {detail}" if detail else part)

        yield tell
