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
    """Compile a function of arrays that its caller owns, without the interpreter lock; kept on disk once compiled.

    It makes no array itself, so it has no references to count, which would cost more than most kernels do. Divisions
    by zero give what NumPy gives, so that they need no test.
    """
    return _compiled(function, _nrt=False)


def allocating_kernel(function: F) -> F:
    """As :func:`kernel`, for a function that makes arrays."""
    return _compiled(function, _nrt=True)  # said, as it would be taken over from the caller


def _compiled(function: F, **options: bool) -> F:
    options = {"nogil": True, **options}
    try:
        compiled = njit(cache=True, error_model="numpy", **options)(function)
    except RuntimeError:  # neither this folder nor the user's can be written to: compile at every start
        return njit(error_model="numpy", **options)(function)  # type: ignore[no-any-return]
    # Numba has no public way to say what a cached function depends on. Where this one is gone, nothing is cached:
    # starting slowly is better than running yesterday's code.
    file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if file is not None and hasattr(file, "_source_stamp"):
        file._source_stamp = (file._source_stamp, _STAMP)
        return compiled  # type: ignore[no-any-return]
    return njit(error_model="numpy", **options)(function)  # type: ignore[no-any-return]
