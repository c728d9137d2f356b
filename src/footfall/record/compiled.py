"""How is a kernel compiled, and when is a compiled one on disk too old?

Numba keeps compiled functions on disk and looks only at the file that a function stands in. A kernel that calls into
another module, or has a constant of one built in, would go on with what that module said before an upgrade. So the
stamp of every kernel also covers all sources that kernels are made of.
"""

import importlib.resources
from collections.abc import Callable
from hashlib import blake2b
from typing import TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., object])

_ROOMS = ("footfall.base", "footfall.record", "footfall.events.kernels")


def sources_stamp() -> str:
    """Hash of the Python sources of the rooms that kernels are made of."""
    digest = blake2b(digest_size=16)
    for room in _ROOMS:
        files = [file for file in importlib.resources.files(room).iterdir() if file.name.endswith(".py")]
        for file in sorted(files, key=lambda file: file.name):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


_STAMP = sources_stamp()


def kernel(function: F) -> F:
    """Compile a function of record arrays when first called, without the interpreter lock, and keep it on disk."""
    try:
        compiled = njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither this folder nor the user's can be written to: compile at every start
        return njit(nogil=True)(function)  # type: ignore[no-any-return]
    # Numba has no public way to say what a cached function depends on. Where this one is gone, nothing is cached:
    # starting slowly is better than running yesterday's code.
    file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if file is not None and hasattr(file, "_source_stamp"):
        file._source_stamp = (file._source_stamp, _STAMP)
        return compiled  # type: ignore[no-any-return]
    return njit(nogil=True)(function)  # type: ignore[no-any-return]
