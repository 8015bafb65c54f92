"""Every exception chainwatch raises: what is wrong, where, and what to do about it."""

from __future__ import annotations


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
    """

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what, self.where, self.remedy = what, where, remedy
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


class DumpError(InputError):
    """A table from a third party does not fit its column mapping."""


class TagError(InputError):
    """A TagPack or tag list breaks its format."""


class CaseError(InputError):
    """A case file asks for something that cannot be done."""


class LedgerError(ChainwatchError):
    """A ledger is missing, damaged or of another format."""


class LedgerLocked(LedgerError):
    """Another writer holds the ledger."""


class OutputExists(ChainwatchError):
    """A folder to be written exists already."""


class MissingExtra(ChainwatchError, ImportError):
    """An optional package is needed and absent."""


class RuleError(ChainwatchError, TypeError):
    """Rules were combined or applied in a way that has no meaning."""


class TraceError(ChainwatchError):
    """A trace cannot be computed as asked."""


class ConservationError(ChainwatchError):
    """Value did not add up: a defect in data or in chainwatch, never to be passed over."""
