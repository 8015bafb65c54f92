"""Entries of TronGrid's lists whose movement cannot be read: no amount, or another kind.

They are answers, and no lies: the list of tokens also has events that move nothing, and events of
contracts that its decoder does not know come without an amount. What they moved is not known, so
each is named with the answer it stands in, and the history is not called whole.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from chainwatch.ledger.unread.rows_apart import GOT, KIND, PAID
from chainwatch.sanitize import clipped
from chainwatch.units import counted

_HEX = re.compile(r"0[xX]([0-9a-fA-F]{1,64})")
_DIGITS = re.compile(r"[0-9]{1,78}")
_NOTHING = (None, "", "0x", "0X")


class Unread(NamedTuple):
    """An entry that was not read: why, in which transaction and answer, and what it may have moved.

    ``contract`` is null where the entry names none; ``way`` is what its account may have done.
    """

    why: str
    txid: str
    answer: bytes
    contract: bytes | None
    way: str


def of_type(kind: str, txid: str, answer: bytes, contract: bytes | None, *, paid: bool) -> Unread:
    """Return that an entry is of another type than movements and approvals are."""
    return Unread(f"of type {clipped(kind, 40)!r}", txid, answer, contract, PAID if paid else GOT)


def without_amount(txid: str, answer: bytes, contract: bytes | None, *, paid: bool) -> Unread:
    """Return that an entry says that something moved, and not how much."""
    return Unread("without an amount", txid, answer, contract, PAID if paid else GOT)


def number_told(value: str | int | None, most: int) -> int | None:
    """Return an amount as digits or in hexadecimal behind 0x; None where none is told.

    Raises
    ------
    ValueError
        If it is anything else, or larger than it can be. Hexadecimal digits without their mark
        are: many could be decimal.
    """
    if value in _NOTHING:
        return None
    text = str(value)
    if found := _HEX.fullmatch(text):
        number = int(found[1], 16)
    elif _DIGITS.fullmatch(text):
        number = int(text)
    else:
        raise ValueError(text)
    if number > most:
        raise ValueError(text)
    return number


def unread_said(entries: list[Unread]) -> list[str]:
    """Return in words what was not read, one sentence a reason."""
    said = []
    for why in dict.fromkeys(one.why for one in entries):
        alike = [one for one in entries if one.why == why]
        first, several = alike[0], counted(len(alike), "entry", "entries")
        each = "it" if len(alike) == 1 else "they"
        said.append(
            f"{several} of tokens {why} not read, such as in transaction {first.txid} (in the"
            f" answer with SHA-256 {first.answer.hex()}): what {each} moved is unknown, and the"
            " history is not called whole"
        )
    return said


def unread_units(entries: list[Unread], row: dict[str, Any], suffix: str) -> list[dict[str, Any]]:
    """Return a unit of coverage for each token and way of what was not read.

    Parameters
    ----------
    entries : list of Unread
        What was not read of a history.
    row : dict
        Its unit of coverage, whose name ends in the suffix.
    suffix : str
        Behind the name where the history was cut.
    """
    base = str(row["unit"]).removesuffix(suffix)
    found: dict[tuple[bytes | None, str], list[Unread]] = {}
    for one in entries:
        found.setdefault((one.contract, one.way if one.contract else ""), []).append(one)
    return [
        {
            **row, "kind": KIND, "complete": None, "apart": len(alike), "contract": contract,
            "answer": alike[0].answer, "from_time": None,
            "unit": f"{base}/unread/{way or 'token'}/{contract.hex() if contract else ''}{suffix}",
        }
        for (contract, way), alike in found.items()
    ]  # fmt: skip
