"""How far a run of a case is: a line for each step, and a moving sign beside it in a terminal.

In a log a step that took long says so when it is done, so that the next run can be planned.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

from chainwatch.progress import watched

Say = Callable[[str], None]

LONG = 60.0
"""Seconds from which on a step tells how long it took."""


class Steps:
    """Tell each step of a piece of work, and watch it until the next begins.

    Parameters
    ----------
    say : callable
        Told each step in one line.
    of : int
        How many steps there will be; it stands beside the moving sign.
    """

    def __init__(self, say: Say, of: int) -> None:
        self._say, self.of = say, of
        self.done = 0
        self._line, self._since = "", 0.0
        self._open = ExitStack()

    def __enter__(self) -> Steps:
        return self

    def __call__(self, line: str) -> None:
        """Begin a step."""
        self._end()
        self.done += 1
        self._line, self._since = line, time.monotonic()
        self._say(line)
        self._open.enter_context(watched(f"{self.done} of {self.of}: {line}"))

    def also(self, line: str) -> None:
        """Tell what is to be known, and is no step: the sign stands still for it."""
        self._say(line)

    def _end(self) -> None:
        self._open.close()
        if self._line and (took := time.monotonic() - self._since) >= LONG:
            self._say(f"{self._line}: done in {took:.0f} s")
        self._line = ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Stop the sign; what failed or was stopped is not told as done."""
        if kind is not None:
            self._line = ""
        self._end()


__all__ = ["LONG", "Say", "Steps"]
