"""How does a route that may block keep off the event loop? It runs on a worker thread."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import ParamSpec, TypeVar

import anyio.to_thread

P = ParamSpec("P")
T = TypeVar("T")


def on_thread(route: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Make a blocking function awaitable, with the same signature.

    Litestar's own ``sync_to_thread`` wraps a handler anew for every further handler on the same path (2.25), so that
    the first of three answers with a coroutine.
    """

    @wraps(route)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await anyio.to_thread.run_sync(partial(route, *args, **kwargs))

    return run
