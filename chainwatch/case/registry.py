"""A written list that others add to: a name, where its function lives, and a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from chainwatch.errors import CaseError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Line:
    """A line of a catalogue.

    Attributes
    ----------
    name : str
        What people write.
    target : str or callable
        ``module:function``, loaded on use, or the function itself.
    sentence : str
        What it is for.
    """

    name: str
    target: str | Callable[..., Any]
    sentence: str

    def load(self) -> Callable[..., Any]:
        """Return the function."""
        if not isinstance(self.target, str):
            return self.target
        module, _, name = self.target.partition(":")
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found

    @property
    def place(self) -> str:
        """Where it leads; a notebook's cell that is run again leads to the same place."""
        if isinstance(self.target, str):
            return self.target
        return f"{self.target.__module__}:{self.target.__qualname__}"


class Registry:
    """The lines of a catalogue: those that are written out, and those that others register.

    Parameters
    ----------
    what : str
        What a line is, with its article, for errors.
    lines : sequence of Line
        Those that are written out.
    """

    def __init__(self, what: str, lines: Sequence[Line]) -> None:
        self.what = what
        self.lines = list(lines)

    def register(self, name: str, target: str | Callable[..., Any], sentence: str) -> None:
        """Add a line; the same line again changes nothing.

        Raises
        ------
        CaseError
            If another line has the name, or name or sentence are none.
        """
        made = Line(name, target, sentence)
        if not _NAME.fullmatch(name) or not sentence.strip():
            raise CaseError(
                f"{name!r} is no name of {self.what}, or nothing says what it is for",
                remedy="write small letters, digits and -, and a sentence",
            )
        if any(line.name == name and line.place != made.place for line in self.lines):
            raise CaseError(f"there is {self.what} {name!r} already", remedy="give it another name")
        self.lines = [*(line for line in self.lines if line.name != name), made]

    def names(self) -> list[str]:
        """Return the names of all lines, sorted."""
        return sorted(line.name for line in self.lines)

    def line(self, name: str) -> Line:
        """Return a line by its name.

        Raises
        ------
        CaseError
            If there is none.
        """
        for line in self.lines:
            if line.name == name:
                return line
        known = " or ".join(f'"{item}"' for item in self.names())
        raise CaseError(f"there is no {self.what.split()[-1]} {name!r}", remedy=f"write {known}")
