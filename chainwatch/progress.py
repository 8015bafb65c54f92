"""How far a long piece of work is: beside a moving sign in a terminal, as one line in a notebook.

Where nobody looks, in scripts and pipes, nothing is shown. What takes long inside such work, and is
none of its caller's doing, is announced to whoever looks just then.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chainwatch.sanitize import visible

Progress = Callable[[str], None]
"""Takes one line of text at a time."""

ROUNDS = 1000
"""Rounds of a loop between two lines that tell how far it is."""

SLOW = 3.0
"""Seconds after which the moving sign in a terminal says for how long it has moved."""

_watching: list[Progress] = []
_otherwise: list[Progress] = []


def announce(line: str) -> None:
    """Tell in one line what takes long: in the line that is watched, or else beside it.

    Parameters
    ----------
    line : str
        What is being done, and for how long or how often.
    """
    if _watching:
        _watching[-1](line)
    elif _otherwise:
        _otherwise[-1](line)
    elif _notebook() is not None or sys.stderr.isatty():
        sys.stderr.write(f"{visible(line)}\n")
        sys.stderr.flush()


def count(what: str, number: int) -> None:
    """Show whoever watches just then how far a loop is; each thousandth round is shown.

    Parameters
    ----------
    what : str
        What is counted, such as ``payments followed``.
    number : int
        How many there are by now.
    """
    if _watching and number % ROUNDS == 0:
        _watching[-1](f"{number:,} {what}")


def announce_by(tell: Progress) -> None:
    """Let a program that always speaks, such as the command line, tell what is announced."""
    _otherwise[:] = [tell]


@contextmanager
def watched(what: str) -> Iterator[Progress | None]:
    """Give what shows the last line of text to whoever looks, or None where nobody does.

    Inside what is watched already it shows its lines there, behind what is being done.

    Parameters
    ----------
    what : str
        What is being done; it stands before each line.
    """
    if _watching:
        outer = _watching[-1]
        outer(what)
        yield from _watched(lambda line: outer(f"{what}: {line}"))
    elif _notebook() is not None:
        yield from _in_notebook(what, _notebook())
    elif sys.stderr.isatty():
        yield from _in_terminal(what)
    else:
        yield None


def _notebook() -> Any:
    """Return IPython's shell if its output goes to a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if shell is not None and hasattr(shell, "kernel") else None


def _in_notebook(what: str, shell: Any) -> Iterator[Progress]:
    """Show one line that is written over, and taken away at the end."""
    publisher, name = shell.display_pub, f"chainwatch-{id(shell)}-{what}"

    def put(line: str, *, update: bool = True) -> None:
        publisher.publish(
            {"text/plain": visible(line)}, transient={"display_id": name}, update=update
        )

    put(what, update=False)
    try:
        yield from _watched(lambda line: put(f"{what}: {line}"))
    finally:
        put("")


def _in_terminal(what: str) -> Iterator[Progress]:
    """Show the line on stderr beside a moving sign, and for how long it has moved."""
    from rich.console import Console

    shown = _Shown(what)
    with Console(stderr=True).status(shown):
        yield from _watched(shown.put)


class _Shown:
    """A line that is drawn anew whenever the sign moves."""

    def __init__(self, what: str) -> None:
        self.what, self.line, self.since = what, "", time.monotonic()

    def put(self, line: str) -> None:
        self.line = line

    def __str__(self) -> str:
        gone = time.monotonic() - self.since
        told = f"{self.what}: {self.line}" if self.line else self.what
        return visible(told) + (f" ({gone:.0f} s)" if gone >= SLOW else "")

    def __rich__(self) -> Any:
        from rich.text import Text

        return Text(str(self))


def _watched(tell: Progress) -> Iterator[Progress]:
    _watching.append(tell)
    try:
        yield tell
    finally:
        _watching.remove(tell)
