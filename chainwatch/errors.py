"""Every exception chainwatch raises: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class ChainwatchError(Exception):
    """Base of every error raised on purpose.

    Parameters
    ----------
    what : str
        What is wrong, one clause without a full stop.
    where : str, optional
        File, row, byte offset, table or address at which it was found.
    remedy : str, optional
        What the reader can do about it.
    passing : bool, optional
        It may go by itself: to try the same again later is a remedy. Not given, it is as its
        class says.

    Attributes
    ----------
    commits : int
        Commits that a pull had made before it; they are kept.
    """

    passing: bool = False
    commits: int = 0

    def __init__(
        self, what: str, *, where: str | None = None, remedy: str | None = None,
        passing: bool | None = None,
    ) -> None:  # fmt: skip
        self.what, self.where, self.remedy = what, where, remedy
        if passing is not None:
            self.passing = passing
        place = f" at {where}" if where else ""
        advice = f"; {remedy}" if remedy else ""
        super().__init__(f"{what}{place}{advice}.")


class InputError(ChainwatchError, ValueError):
    """Something read from outside is not what it claims to be."""


class ChainError(InputError):
    """A chain is unknown, or not the one that was expected."""


class AddressError(InputError):
    """A text is not an address (or transaction id) of the chain asked for."""


class BlockError(InputError):
    """Block bytes are truncated, corrupt or out of place."""


class ForeignBlock(BlockError):
    """A block is none of its chain, and passes every check of another."""


class DumpError(InputError):
    """A table from a third party does not fit its column mapping."""


class PriceError(InputError):
    """A table of prices does not say what it is of, or says two things at once."""


class TagError(InputError):
    """A TagPack or tag list breaks its format."""


class CaseError(InputError):
    """A case file asks for something that cannot be done."""


class SourceError(InputError):
    """A server refused, or its answer is not what was asked for.

    ``status`` is its HTTP status where one came.
    """

    status: int | None = None


class NoAnswer(SourceError):
    """A server could not be reached, broke off, or stayed silent."""

    passing = True


class NetworkRefused(ChainwatchError):
    """A connection was about to be opened that the policy of the process forbids."""


class BudgetSpent(NetworkRefused):
    """As many requests were made as were allowed."""


class LedgerError(ChainwatchError):
    """A ledger is missing, damaged or of another format."""


class LedgerLocked(LedgerError):
    """Another writer holds the ledger."""

    passing = True


class ReleaseRefused(ChainwatchError):
    """A release of noisy counts would go beyond its privacy budget, or has none."""


class OutputExists(ChainwatchError):
    """A folder to be written exists already."""


class MissingExtra(ChainwatchError, ImportError):
    """An optional package is needed and absent."""


class ArgumentError(ChainwatchError, TypeError):
    """A verb was given something of the wrong kind."""


class RuleError(ChainwatchError, TypeError):
    """Rules were combined or applied in a way that has no meaning."""


class TraceError(ChainwatchError):
    """A trace cannot be computed as asked."""


class ConservationError(ChainwatchError):
    """Value did not add up: a defect in data or in chainwatch, never to be passed over."""


@contextmanager
def extra(name: str, package: str) -> Iterator[None]:
    """Say which extra brings a package, where the imports within find none.

    Parameters
    ----------
    name, package : str
        The extra of chainwatch, and what it brings.

    Raises
    ------
    MissingExtra
        If an import fails.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtra(
            f"{package} is not installed", remedy=f"run: pip install 'chainwatch[{name}]'"
        ) from error


def expect(value: object, kind: type | tuple[type, ...], name: str, wanted: str) -> None:
    """Refuse an argument of the wrong kind in one sentence; a truth value is no number.

    Parameters
    ----------
    value : object
        What was passed.
    kind : type or tuple of types
        What it must be.
    name : str
        The parameter.
    wanted : str
        What to pass instead, in words.

    Raises
    ------
    ArgumentError
        If it is something else.
    """
    no_number = kind is int and isinstance(value, bool)
    if no_number or isinstance(value, type) or not isinstance(value, kind):
        refuse(value, name, wanted)


def refuse(value: object, name: str, wanted: str) -> NoReturn:
    """Raise the error that says what a parameter is and what to pass instead."""
    raise ArgumentError(f"{name} is {_kind_of(value)}", remedy=_uncalled(value) or wanted)


def _kind_of(value: object) -> str:
    """Return what a value is in words; its content may be a secret and is not shown."""
    if value is None or isinstance(value, bool):
        return str(value)
    if _uncalled(value):
        return f"the rule {getattr(value, '__name__', '')} before it was called"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    words = {str: "a text", int: "a whole number", float: "a fraction", bytes: "bytes"}
    return words.get(type(value), f"of type {type(value).__name__}")


def _uncalled(value: object) -> str:
    """Return how to call a maker of rules that was passed without brackets."""
    made = hasattr(value, "spec") and callable(value) and hasattr(value, "__name__")
    return f"call it: {value.__name__}()" if made else ""  # type: ignore[attr-defined]  # asked for above
