"""The library that signs, lent on use: pyhanko, in a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the library's own lines off the screen: what it finds is told in a sentence."""
    logs = [logging.getLogger(name) for name in ("pyhanko", "pyhanko_certvalidator")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
