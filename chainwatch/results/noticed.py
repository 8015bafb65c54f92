"""Who hears of every result that somebody makes: a case logs what was tried in its time.

Only results that another choice of method would have made otherwise are told (``Result.trial``),
and of verbs that call others only the outermost: a person tried one thing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import WeakSet


class Watcher(Protocol):
    """Hears of results that its own thread makes, as long as somebody holds it."""

    thread: int

    def notice(self, result: Any) -> None:
        """Hear of a :class:`chainwatch.results.result.Result`."""
        ...


_watchers: WeakSet[Watcher] = WeakSet()
_nesting = threading.local()


def watch(watcher: Watcher) -> None:
    """Tell a watcher of results from now on."""
    _watchers.add(watcher)


def stop(watcher: Watcher) -> None:
    """Tell it no more."""
    _watchers.discard(watcher)


@contextmanager
def one_verb() -> Iterator[None]:
    """Count how deep verbs call each other."""
    _nesting.depth = getattr(_nesting, "depth", 0) + 1
    try:
        yield
    finally:
        _nesting.depth -= 1


def told(result: Any) -> None:
    """Tell the watchers of this thread of a result, if a person asked for it."""
    if type(result).trial and not getattr(_nesting, "depth", 0):
        here = threading.get_ident()
        for watcher in list(_watchers):
            if watcher.thread == here:
                watcher.notice(result)
