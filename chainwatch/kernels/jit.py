"""How inner loops are compiled: the door to numba, and the folder that keeps what it compiled.

That compiling takes seconds is announced, the first time.

Importing this module imports numba (half a second), so only modules of loops do, and those load on
use. Machine code is kept beside the source; where that folder cannot be written, in a folder of
this user alone, and where there is none either, in memory only. It is never kept where others
could write: what lies there is run. The folder is named by a digest of all loops, for machine code
of one loop holds that of the loops it calls.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import config, event
from platformdirs import user_cache_path

from chainwatch.progress import announce

Function = TypeVar("Function", bound=Callable[..., Any])

_HERE = Path(__file__).parent

ONCE = "compiling the inner loops for this machine; it takes some 10 s, once"
EACH_TIME = (
    "compiling the inner loops for this machine; it takes some 10 s, and each time: no folder can"
    " be written to keep them (set NUMBA_CACHE_DIR)"
)
"""What is announced where loops are compiled, and kept or not."""


def cache_folder() -> Path:
    """Return the folder for machine code, made if need be.

    Returns
    -------
    Path
        In ``NUMBA_CACHE_DIR`` where that is set, else in ``__pycache__`` beside the source, else
        in the user's cache.

    Raises
    ------
    OSError
        If no folder can be written, or others than this user could write into it.
    """
    asked = os.environ.get("NUMBA_CACHE_DIR")
    if asked:
        return _made(Path(asked))
    try:
        return _made(_HERE / "__pycache__")
    except OSError:
        return _made(user_cache_path("chainwatch") / "kernels")


def _made(base: Path) -> Path:
    folder = base / f"loops-{_digest()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} cannot be written")
    if os.name != "nt":  # a profile folder is private by its access list
        found = folder.stat()
        if found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise PermissionError(f"{folder} is not this user's alone")
    return folder


def _digest() -> str:
    every = hashlib.sha256()
    for path in sorted(_HERE.rglob("*.py")):
        name = path.relative_to(_HERE).as_posix().encode()
        every.update(name + b"\0" + path.read_bytes() + b"\0")
    return every.hexdigest()[:16]


def _settled() -> str | None:
    try:
        return str(cache_folder())
    except OSError:
        return None


_FOLDER = _settled()


class _Announcer(event.Listener):
    """Says, the first time that a loop of ours is compiled, what the wait is for.

    What was kept from an earlier process is not compiled, and nothing is said.
    """

    def __init__(self) -> None:
        self._said = False

    def on_start(self, found: Any) -> None:
        function = getattr(found.data["dispatcher"], "py_func", None)
        if not self._said and getattr(function, "__module__", "").startswith("chainwatch."):
            self._said = True
            announce(ONCE if _FOLDER else EACH_TIME)

    def on_end(self, found: Any) -> None:
        """Say nothing: what was waited for shows."""


event.register("numba:compile", _Announcer())  # type: ignore[no-untyped-call]  # numba's


def _with(function: Function, **how: Any) -> Function:
    """Compile with our folder in force, and numba's own choice for everybody else."""
    before = getattr(config, "CACHE_DIR")  # noqa: B009  # numba sets it, and declares it nowhere
    setattr(config, "CACHE_DIR", _FOLDER or before)  # noqa: B010
    try:
        made: Function = numba.njit(
            cache=_FOLDER is not None, nogil=True, error_model="numpy", **how
        )(function)
    finally:
        setattr(config, "CACHE_DIR", before)  # noqa: B010
    return made


def compiled(function: Function) -> Function:
    """Compile a loop when it is first called; it runs without the interpreter's lock."""
    return _with(function)


def bare(function: Function) -> Function:
    """Compile a loop that makes no array and keeps none: nothing is counted, so calls cost little.

    By default every call from loop to loop counts the references of every array it hands on, with
    locked instructions, which took three quarters of the time of the pass over blocks. The caller
    holds the arrays while the loop runs.
    """
    return _with(function, _nrt=False)
