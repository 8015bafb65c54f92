"""The library that signs, lent on use: pyhanko, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from chainwatch.errors import extra

T = TypeVar("T")


def library() -> Any:
    """Return pyhanko's package for signing.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    with extra("sign", "pyhanko"):
        from pyhanko import sign
    return sign


def apart(work: Callable[[], T]) -> T:
    """Return what work gives in a thread of its own: a notebook runs a loop of events in its."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()
