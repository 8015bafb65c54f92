"""Keeps a ledger up with the tip of a chain: one pull after the other until it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chainwatch.errors import ChainwatchError, InputError
from chainwatch.ingest.protocol import Source
from chainwatch.ingest.pull import pull
from chainwatch.ingest.pull_report import PullReport
from chainwatch.ledger.storage.store import Store

LONGEST_PAUSE = 600.0
"""Seconds after which what failed is tried again at the latest."""

AGAIN = "Asked again in"
"""Stands in the line that tells of a server that failed."""

_SLICE = 0.25


def follow(
    store: Store | str | Path,
    make_source: Callable[[], Source],
    *,
    every: float = 30.0,
    stop: Callable[[], bool] | None = None,
    patience: int = 20,
    progress: Callable[[str], None] | None = None,
) -> Iterator[PullReport]:
    """Pull again and again, and yield the report of each pull.

    A reorganisation ends in commits of its own, as in any pull. What may go by itself (an error
    with ``passing``: no answer, a ledger in use, a node that starts) is tried again after a pause
    that doubles.

    Parameters
    ----------
    store : Store or path
        A ledger; it is free for other writers between two pulls.
    make_source : callable
        Gives the source anew for each pull.
    every : float
        Seconds between the end of a pull and the next.
    stop : callable, optional
        Asked between pulls, several times a second; true ends the following.
    patience : int
        Failures in a row, with nothing read between, after which the error is raised.
    progress : callable, optional
        Called with one line after each commit and each failure.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C; what was committed stays.
    ChainwatchError
        As :func:`chainwatch.ingest.pull.pull` does, if it does not go within the patience.
    """
    if not every >= 0 or patience < 1:
        raise InputError(
            "the pause must not be negative, and the patience at least 1",
            remedy="give every=30 seconds and patience=20, or leave them out",
        )
    failures = 0
    while not (stop and stop()):
        pause = every
        try:
            report = pull(store, make_source(), progress=progress or False)
        except ChainwatchError as error:
            # A node may fill its blocks in for days, and each pull gets on.
            failures = 1 if error.commits else failures + 1
            if failures >= patience or not error.passing:
                raise
            pause = min(max(every, 1.0) * 2 ** min(failures, 10), LONGEST_PAUSE)
            if progress:
                progress(f"{error} {AGAIN} {pause:,.0f} s.")
        else:
            failures = 0
            yield report
        if _waited(pause, stop):
            return


def _waited(seconds: float, stop: Callable[[], bool] | None) -> bool:
    """Wait, and tell whether it is time to stop."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if stop and stop():
            return True
        time.sleep(min(_SLICE, left))
    return False
