"""How the command line speaks: lines that strangers cannot misuse, how far it is, when stopped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from chainwatch.sanitize import visible


class Interrupted(Exception):
    """Ctrl-C was pressed; the text says what is kept."""


@contextmanager
def interruptible(said: str = "") -> Iterator[None]:
    """Turn Ctrl-C into an error that says what is kept: the parser would swallow it in silence."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise Interrupted(said or str(stop) or "interrupted") from None


def say(line: str = "") -> None:
    """Print a line; what strangers wrote can do nothing to the terminal."""
    sys.stdout.write(visible(line) + "\n")


def show(result: object) -> None:
    """Print a result of the library on as many lines as it takes."""
    for line in repr(result).split("\n"):
        say(line)


def note(line: str) -> None:
    """Tell on stderr what is being done."""
    sys.stderr.write(f"· {visible(line)}\n")
    sys.stderr.flush()
