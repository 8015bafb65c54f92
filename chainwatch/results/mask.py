"""By what mask results print themselves: an edition registers here, nobody's by default.

Results lie below the modules that know who is a bystander, so the mask comes to them from above.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from chainwatch.errors import InputError
from chainwatch.results.sentence import Sentence, Sum

if TYPE_CHECKING:
    from chainwatch.results.table import Rows


class Mask(Protocol):
    """What a reader may see of an address, a transaction and its time: an edition is one."""

    def name_of(self, chain: str, address: bytes | None) -> str: ...

    def txid(self, chain: str, txid: bytes | None, *parties: bytes | None) -> str: ...

    def names_all(self) -> bool: ...

    def time(self, chain: str, time: datetime, *parties: bytes | None) -> str: ...

    def tables(self, result: Any) -> tuple[str, Mapping[str, pl.DataFrame]]: ...

    def saying(self, result: Any, rows: Rows | None) -> Callable[[Sum], str | None]: ...


_masks: list[Mask] = []


def show_by(mask: Mask | None) -> Mask | None:
    """Let results print themselves as an edition shows them; return by what they did before.

    Results lie below the modules that know who is a bystander; those register here. With None
    everything but what was asked for is withheld.
    """
    before = _masks[0] if _masks else None
    _masks[:] = [mask] if mask else []
    return before


def shown_address(chain: str, address: bytes, unnamed: str = "another address") -> str:
    """Return an address as the reader may see it; ``unnamed`` while nobody said who may."""
    return _masks[0].name_of(chain, address) if _masks else unnamed


def shown_txid(chain: str, txid: bytes | None, *parties: bytes | None) -> str:
    """Return a transaction id as the reader may see it beside the parties that are named."""
    return _masks[0].txid(chain, txid, *parties) if _masks else "withheld"


def shown_time(chain: str, time: datetime | None, *parties: bytes | None) -> str:
    """Return a time as the reader may see it: to the month while nobody said who may see more."""
    if time is None:
        return "an unknown time"
    return _masks[0].time(chain, time, *parties) if _masks else f"{time:%Y-%m}"


def names_all() -> bool:
    """Return whether the reader may see everybody: in the working edition."""
    return bool(_masks) and _masks[0].names_all()


def shown_tables(result: Any) -> tuple[str, Mapping[str, pl.DataFrame]]:
    """Return the name of the edition, and the tables of a result as the reader may see them.

    Raises
    ------
    InputError
        While nobody said who may be shown.
    """
    if not _masks:
        raise InputError(
            "nobody said who may be shown", remedy="import chainwatch.privacy.session, which does"
        )
    return _masks[0].tables(result)


def shown_sums(result: Any, sums: Sequence[Sum], rows: Rows | None = None) -> list[str]:
    """Return sums as the reader may see them in what a result prints: exact, or to one digit.

    Parameters
    ----------
    result : Result
        Who may be shown is what it says, and nothing else.
    sums : sequence of Sum
        Amounts and counts. One that names a row is rounded where that is; any other where few
        masked parties stand behind it.
    rows : Rows, optional
        The table whose rows they name.
    """
    if not _masks:
        return ["withheld"] * len(sums)
    say = _masks[0].saying(result, rows)
    return [str(one) if (said := say(one)) is None else said for one in sums]


def shown_sentence(result: Any, text: str, rows: Rows | None = None) -> str:
    """Return a sentence with the sums in it as :func:`shown_sums` has them."""
    if not isinstance(text, Sentence):
        return text
    return text.told(_masks[0].saying(result, rows) if _masks else lambda _: "withheld")


def shown_name(name: str, concept: str) -> str:
    """Return the name that a tag gives, where the reader may see every name; else what it is."""
    if names_all():
        return name
    return f"somebody tagged {concept}" if concept else "somebody tagged"
