"""How the command line speaks: lines that strangers cannot misuse, how far it is, when stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chainwatch.legible import visible

Progress = Callable[[str], None]
"""Takes one line of text at a time."""


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


@contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """Give what shows the last line of text beside a moving sign, or None where nobody looks.

    It is drawn on stderr, and only if that is a terminal: scripts get nothing.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(visible(what))) as status:
        yield lambda line: status.update(Text(f"{visible(what)}: {visible(line)}"))
