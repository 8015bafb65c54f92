"""``Question``: what is asked by a name and parameters, prints itself with them, and has a digest.

Rules on rows, rules that link accounts and typologies are made by functions of parameters; how
these are bound, told and digested is the same for all.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from chainwatch.errors import RuleError, expect
from chainwatch.results.provenance import digest_bytes, digest_json

Params = tuple[tuple[str, Any], ...]
"""All parameters of a question, by their names."""

Check = Callable[[inspect.Parameter, Any], None]
"""What refuses a value of a parameter."""


class Question:
    """Base of questions that are told apart by name, parameters and the text of their code.

    Attributes
    ----------
    name : str
        What it is called.
    params : tuple of (str, value)
        All of its parameters.
    source : str
        The SHA-256 of the text that it stands in, and of what that rests on.
    """

    name: str
    params: Params
    source: str

    def __str__(self) -> str:
        return called(self.name, self.params)

    def __repr__(self) -> str:
        return str(self)

    def identity(self) -> str:
        """Return what a record says of it: its text, and what its code was."""
        return f"{self} [code {self.source[:12]}]"

    def digest(self) -> str:
        """Return the SHA-256 of its name, its parameters and the text of its files."""
        return digest_json([self.name, told(self.params), self.source])

    def __eq__(self, other: object) -> bool:
        return self.digest() == other.digest() if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest())


def called(name: str, params: Params) -> str:
    """Return a name with parameters as it is printed: ``fresh_address(days=7)``."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in params)})"


def told(params: Params) -> list[list[str]]:
    """Return parameters as they are digested."""
    return [[key, repr(value)] for key, value in params]


def bound(own: inspect.Signature, args: Any, kwargs: Any, check: Check) -> Params:
    """Return all parameters of a call, those left out by their defaults, each checked."""
    given = own.bind(*args, **kwargs)
    given.apply_defaults()
    for key, value in given.arguments.items():
        check(own.parameters[key], value)
    return tuple(given.arguments.items())


def without_first(make: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function without what it is asked of, its first parameter."""
    signature = inspect.signature(make)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def digest_of_files(files: Iterable[ModuleType]) -> str:
    """Return the SHA-256 of the text of modules, one after the other."""
    return digest_bytes("\n".join(map(inspect.getsource, files)).encode())


def check_plain(name: str, parameter: inspect.Parameter, value: object) -> None:
    """Refuse a value of a rule whose text may differ from run to run, or that is no whole number.

    Raises
    ------
    RuleError, ArgumentError
        If it is none.
    """
    what = f"parameter {parameter.name} of rule {name}"
    if not is_plain(value):
        raise RuleError(
            f"{what} is of type {type(value).__name__}",
            remedy="give a number, a text, or a tuple of these",
        )
    if is_whole(parameter):
        expect(value, int, what, "give a whole number")


def is_whole(parameter: inspect.Parameter) -> bool:
    """Tell whether a parameter takes whole numbers, by how it is annotated."""
    return parameter.annotation in ("int", int)


def is_plain(value: object) -> bool:
    """Tell a value whose text is the same in every run."""
    if isinstance(value, tuple):
        return all(is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str, bytes))
