"""A folder or file that appears when all of it is written, or not at all, and never over others.

It is filled under a name of its own beside the target and renamed at the end. An earlier folder
that is to be replaced is renamed aside first and removed last, so that at every moment one whole
folder exists; the next run clears up after one that was killed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from chainwatch.errors import CaseError, InputError, OutputExists

REPLACE = "name another one, or pass replace=True (--replace on the command line)"
"""What to do about a name that is taken by what may be replaced."""

UNFINISHED, ASIDE, LOCK = "unfinished", "replaced", "lock"

Fill = Callable[[Path], None]
Ours = Callable[[Path], bool]


def write_whole(
    folder: str | Path, fill: Fill, *, ours: Ours | None = None, replace: bool = False
) -> Path:
    """Fill a folder and put it in place.

    Parameters
    ----------
    folder : path
        The folder; what lies above it is made.
    fill : function
        Writes everything into the folder it is given.
    ours : function, optional
        Tells a folder that an earlier run made; without it none is taken for one.
    replace : bool
        Put the new folder in the place of an earlier run's.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    OutputExists
        If the folder exists and may not be replaced, or is being written by another run.
    CaseError
        If the name is no folder of its own, such as ``/``.
    """
    target = absolute(folder)
    check_free(target, ours, replace=replace)
    made = _missing(target.parent)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _claimed(_beside(target, LOCK), target):
            _fill(_beside(target, UNFINISHED), target, fill)
    except BaseException:
        _remove_empty(made)
        raise
    return target


def _fill(place: Path, target: Path, fill: Fill) -> None:
    _remove(place)
    try:
        place.mkdir()
        fill(place)
        _swap(place, target)
    except BaseException:
        _remove(place)
        raise


def _missing(folder: Path) -> list[Path]:
    """Return the folders that will have to be made, the innermost first."""
    return [item for item in (folder, *folder.parents) if not item.exists()]


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def absolute(folder: str | Path) -> Path:
    """Return a folder's absolute path; ``/`` and the like are refused."""
    found = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() follows a link at the target
    if not found.name:
        raise CaseError(
            "this cannot be an output folder", where=str(folder), remedy="name a folder in it"
        )
    return found


def check_free(target: Path, ours: Ours | None = None, *, replace: bool = False) -> None:
    """Refuse a name that is taken, unless an earlier run took it and is to be replaced.

    What a killed run left is settled first: the earlier folder is put back, or removed if the new
    one stands.
    """
    if ours is not None:
        _settle(target, ours)
    if not target.exists() and not target.is_symlink():
        return
    earlier = ours is not None and not target.is_symlink() and target.is_dir() and ours(target)
    if not (earlier and replace):
        foreign = " and holds no earlier run of chainwatch" if replace else ""
        raise OutputExists(
            f"the output folder exists{foreign}",
            where=str(target),
            remedy=REPLACE if earlier else "name another one, or remove it",
        )


def check_writable(target: Path) -> None:
    """Refuse a folder that could not be made, before the work for it begins.

    Raises
    ------
    InputError
        If the folder above it, or the nearest that there is, may not be written into or is none.
    """
    above = next(one for one in target.parents if one.exists() or one.is_symlink())
    if not above.is_dir():
        raise InputError(
            "a file stands where a folder would have to be made", where=str(above),
            remedy="name another folder with --out",
        )  # fmt: skip
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError(
            "nothing may be written into this folder", where=str(above),
            remedy="name another one with --out, or ask whoever it belongs to",
        )  # fmt: skip


def _beside(target: Path, what: str) -> Path:
    return target.with_name(f".{target.name}-{what}")


def _swap(place: Path, target: Path) -> None:
    """Put the new folder in place; if that fails the old one stands again."""
    aside = _beside(target, ASIDE)
    if not target.exists():
        place.rename(target)
        return
    target.rename(aside)
    try:
        place.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    _remove(aside)


def _settle(target: Path, ours: Ours) -> None:
    aside = _beside(target, ASIDE)
    if not aside.is_dir() or aside.is_symlink() or not ours(aside):
        return
    if target.exists():
        _remove(aside)
    else:
        aside.rename(target)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)


@contextmanager
def _claimed(lock: Path, target: Path) -> Iterator[None]:
    """Hold the right to write a folder."""
    with ExitStack() as stack:
        try:
            stack.enter_context(held(lock, keep=False))
        except InUse as holder:
            raise OutputExists(
                f"another run writes this folder{holder}",
                where=str(target),
                remedy="wait for it to end",
            ) from holder
        yield


class InUse(Exception):
    """Somebody else holds a lock; the text names their process and since when, if it is known."""


@contextmanager
def held(lock: Path, *, keep: bool = True) -> Iterator[None]:
    """Hold a lock, which is a file; the system gives it up if the process dies.

    Parameters
    ----------
    lock : Path
        The file; it is made if it is missing, and says who holds it.
    keep : bool
        Leave the file when the lock is given up.

    Raises
    ------
    InUse
        At once, if somebody else holds it, or has taken the file or its folder away.
    InputError
        If the file system knows no locks.
    """
    try:
        handle = lock.open("a+b")
    except FileNotFoundError as error:
        raise InUse from error
    with handle:
        if not (_take(handle, lock) and _is_there(handle, lock)):
            raise InUse(_holder(handle))
        handle.truncate(0)
        handle.write(f"{os.getpid()} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}".encode())
        handle.flush()
        try:
            yield
        finally:
            if not keep and sys.platform != "win32":
                lock.unlink(missing_ok=True)
    if not keep and sys.platform == "win32":  # an open file cannot be removed there
        with suppress(PermissionError):  # somebody else has opened it by now
            lock.unlink(missing_ok=True)


def _take(handle: BinaryIO, lock: Path) -> bool:
    """Lock an open file unless it is locked; tell whether that was done."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # A byte beyond the text, so that others can still read who holds the lock.
            handle.seek(1 << 20)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise InputError(
            f"the file system can lock no file ({error.strerror})",
            where=str(lock.parent),
            remedy="choose a folder on a disk of this machine",
        ) from error
    return True


def _is_there(handle: BinaryIO, lock: Path) -> bool:
    """Tell whether an open file still has its name: who held it before may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), lock.stat())
    except FileNotFoundError:
        return False


def _holder(handle: BinaryIO) -> str:
    handle.seek(0)
    found = re.fullmatch(rb"(\d{1,10}) ([0-9TZ:-]{20})", handle.read(64))
    return f" (process {int(found[1])}, since {found[2].decode()})" if found else ""


def check_new(path: Path, *, replace: bool = False) -> None:
    """Refuse the name of a file that is taken, unless a file took it and is to be replaced.

    Raises
    ------
    OutputExists
        If something of that name is there and may not be replaced.
    """
    if path.is_dir():
        raise OutputExists(
            "a folder has the name of the file", where=str(path), remedy="name another one"
        )
    if not replace and (path.exists() or path.is_symlink()):
        raise OutputExists("the file exists already", where=str(path), remedy=REPLACE)


def write_new(path: Path, data: bytes, *, replace: bool = False) -> str:
    """Write a file at once, over an old one only where that is asked for; return its SHA-256.

    The bytes go to a hidden file beside it, which then takes the name in one step.

    Parameters
    ----------
    path : Path
        The file; what lies above it is made.
    data : bytes
        All that it holds.
    replace : bool
        Put it in the place of a file of that name.

    Raises
    ------
    OutputExists
        If something of that name is there and may not be replaced.
    """
    check_new(path, replace=replace)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        if replace:
            Path(name).replace(path)
        else:
            _take_name(Path(name), path)
    except FileExistsError as error:  # somebody took the name meanwhile
        raise OutputExists("the file exists already", where=str(path), remedy=REPLACE) from error
    finally:
        Path(name).unlink(missing_ok=True)
    return hashlib.sha256(data).hexdigest()


def _take_name(written: Path, path: Path) -> None:
    """Give a file its name unless the name is taken, which a bare rename would not notice."""
    try:
        os.link(written, path)
    except FileExistsError:
        raise
    except OSError:  # file systems without hard links: claim the name, then replace it
        path.touch(exist_ok=False)
        written.replace(path)
